"""Levels 1 to 6 of Go 1.27 on several processors: what a block leaves to the next.

A step is a block of 65535 bytes. The matcher begins each afresh but for its tables, and of the positions in these only
those matter that are at most 32768 bytes away when the block begins: no search reaches further, and positions only grow
older. So matchers whose tables are the same in this respect find the same from there on. Where the window begins is of
no matter if it holds what is within reach, but for level 4: it looks where it should not, counted from the beginning of
the window, which therefore begins where it does on one processor.

At levels 2 to 6, tables that were empty two blocks before are the true ones as a rule. At level 1, which looks at few
positions, they differ for dozens of blocks; there one worker finds the matches, which is about half of all work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from imgforensics.recompress import kpjoin
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.kpblocks import SMALL, BlockWriter
from imgforensics.recompress.kpdeflate import BLOCK, KEPT, REACH
from imgforensics.recompress.kpdialect import GO
from imgforensics.recompress.kpfast import FastMatcher
from imgforensics.recompress.kpjoin import Family, Step
from imgforensics.recompress.segments import Segment
from imgforensics.recompress.sequences import Sequences

_BLOCKS = 32
"""Blocks of a segment."""
_WARM_UP = 2
"""Blocks before a segment that fill the tables for a guess."""
_HISTORY = _WARM_UP * BLOCK + KEPT - BLOCK
"""Bytes before a segment: the blocks that fill the tables, and as far as level 4 looks back."""
_KEPT_BLOCKS = KEPT // BLOCK


def window_base(block: int, size: int) -> int:
    """Where in the content the window of one processor begins when it finds the matches of a block.

    Args:
        block: The number of the block.
        size: Its bytes.
    """
    if block < _KEPT_BLOCKS:
        return 0
    moves, since = divmod(block - _KEPT_BLOCKS, _KEPT_BLOCKS - 1)
    moved = _KEPT_BLOCKS + moves * (_KEPT_BLOCKS - 1)
    base = moved * BLOCK - REACH
    if since == 0 and moves > 0:
        before = base - (_KEPT_BLOCKS - 1) * BLOCK
        return base if block * BLOCK + size - before > KEPT else before
    return base


class FastParser:
    """A matcher that knows where in the content its window begins."""

    def __init__(self, level: int) -> None:
        self._matcher = FastMatcher(level, GO)
        self._odd = level == 4
        self._base = 0

    def guess(self, step: Step, scratch: Sequences) -> None:
        """See :class:`~imgforensics.recompress.kpjoin.Parser`: empty tables see a few blocks."""
        self._matcher.restart(KEPT + BLOCK)
        known = min(_WARM_UP, step.number)
        self._base = self._window_base(step.number - known, BLOCK)
        for back in range(known, 0, -1):
            start = step.start - back * BLOCK
            self.find(Step(step.segment, step.number - back, start, start + BLOCK, last=False), scratch)

    def snapshot(self, step: Step) -> bytes:
        """See :class:`~imgforensics.recompress.kpjoin.Parser`."""
        return self._matcher.snapshot(step.segment.offset + step.start - self._base)

    def find(self, step: Step, found: Sequences) -> None:
        """See :class:`~imgforensics.recompress.kpjoin.Parser`."""
        size = step.stop - step.start
        if size < SMALL:
            return
        base = self._window_base(step.number, size)
        self._matcher.slide(base - self._base)
        self._base = base
        gone = base - step.segment.offset
        self._matcher.match(memoryview(step.segment.window)[gone:], step.start - gone, step.stop - gone, found)

    def _window_base(self, block: int, size: int) -> int:
        return window_base(block, size) if self._odd else max(block * BLOCK - REACH, 0)


class FastWriter:
    """Writes each step as a block."""

    def __init__(self) -> None:
        self._blocks = BlockWriter(GO, 7)

    def put(self, step: Step, found: Sequences) -> None:
        """See :class:`~imgforensics.recompress.kpjoin.Writer`."""
        self._blocks.put_block(found, step.segment.window, step.start, step.stop, step.last)

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
        room=partial(Sequences, BLOCK, BLOCK // 4),
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
