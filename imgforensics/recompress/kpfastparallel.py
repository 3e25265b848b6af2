"""Levels 1 to 6 of Go 1.27 on several processors: what a block leaves to the next.

A step is a block of 65535 bytes. The matcher begins each afresh but for its tables, and of the positions in these only
those matter that are at most 32768 bytes away when the block begins: no search reaches further, and positions only grow
older. So matchers whose tables are the same in this respect find the same from there on.

At levels 2 to 6, tables that were empty two blocks before are the true ones as a rule. At level 1, which looks at few
positions, they differ for dozens of blocks; there one worker finds the matches, which is about half of all work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from imgforensics.recompress import kpjoin
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.kpblocks import BlockWriter
from imgforensics.recompress.kpdeflate import BLOCK, KEPT
from imgforensics.recompress.kpdialect import GO
from imgforensics.recompress.kpfinder import BlockFinder
from imgforensics.recompress.kpfound import Found
from imgforensics.recompress.kpjoin import Family, Step
from imgforensics.recompress.segments import Segment

_BLOCKS = 40
"""Blocks of a segment."""
_WARM_UP = 2
"""Blocks before a segment that fill the tables for a guess."""
_HISTORY = _WARM_UP * BLOCK + KEPT - BLOCK
"""Bytes before a segment: the blocks that fill the tables, and as far as level 4 looks back."""


class FastParser:
    """Finds the matches of blocks."""

    def __init__(self, level: int) -> None:
        self._finder = BlockFinder(level)

    def guess(self, step: Step, scratch: Found) -> None:
        """See :class:`~imgforensics.recompress.kpjoin.Parser`: empty tables see a few blocks."""
        known = min(_WARM_UP, step.number)
        self._finder.restart(step.number - known)
        scratch.clear()
        self._find(step.segment, step.start - known * BLOCK, step.start, scratch)

    def snapshot(self, step: Step) -> bytes:
        """See :class:`~imgforensics.recompress.kpjoin.Parser`."""
        return self._finder.snapshot(step.segment.offset + step.start)

    def find(self, steps: Sequence[Step], found: Found) -> None:
        """See :class:`~imgforensics.recompress.kpjoin.Parser`."""
        self._find(steps[0].segment, steps[0].start, steps[-1].stop, found)

    def _find(self, segment: Segment, start: int, stop: int, found: Found) -> None:
        self._finder.find(memoryview(segment.window), segment.offset, start, stop, found)


class FastWriter:
    """Writes each step as a block."""

    def __init__(self) -> None:
        self._blocks = BlockWriter(GO, 7)

    def put(self, steps: Sequence[Step], found: Found, number: int) -> None:
        """See :class:`~imgforensics.recompress.kpjoin.Writer`."""
        first, last = steps[0], steps[-1]
        self._blocks.put_blocks(found, number, first.segment.window, first.start, last.stop, last.last)

    def take(self) -> bytes:
        """See :class:`~imgforensics.recompress.kpjoin.Writer`."""
        return self._blocks.bits.take()

    def close(self) -> bytes:
        """See :class:`~imgforensics.recompress.kpjoin.Writer`."""
        self._blocks.put_end()
        return self._blocks.bits.take()


def encode_fast(level: int, chunks: Iterable[Buffer], jobs: int, *, blocks: int = _BLOCKS) -> Iterator[bytes]:
    """The gzip stream of a content at level 1 to 6, part by part; ``blocks`` is how many a segment has."""
    family = Family(
        parser=partial(FastParser, level),
        writer=FastWriter,
        room=partial(Found, max(blocks + 1, _WARM_UP)),
        steps=_steps,
        size=blocks * BLOCK,
        history=_HISTORY,
        guesses=level > 1,
    )
    return kpjoin.encode(family, level, chunks, jobs)


def _steps(segment: Segment) -> list[Step]:
    """The blocks of a segment."""
    return [
        Step(
            segment,
            (segment.offset + start) // BLOCK,
            start,
            min(start + BLOCK, segment.stop),
            last=segment.final and start + BLOCK >= segment.stop,
        )
        for start in range(segment.start, segment.stop, BLOCK)
    ]
