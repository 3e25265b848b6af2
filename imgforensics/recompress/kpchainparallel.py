"""Levels 7 to 9 of Go 1.27 on several processors: what a window leaves to the next.

The matcher sees windows of 65536 bytes, each of which begins 32768 bytes behind the one before. A step is one of them:
the matcher goes as far as it may before it has to see the next. It leaves

* where it stands, the match that it found at the position before, whether the literal there is still pending, and how
  many literals in a row there were;
* of its chains, the positions that are at most 32768 bytes away. Others are never followed, and they only grow older.
  Nearly every position is entered whatever was found, but not the last three of a window where positions are passed
  over, so the chains are compared, too.

What literals are taken to cost at level 9 follows from the content behind the place where a step begins. Where blocks
end depends on the number of literals and matches before; the matcher does not know of it, and the writer counts anew.

In long runs of one pattern, parses that began at different places may never be in the same state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from imgforensics.recompress import kpjoin
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.kpblocks import BlockWriter
from imgforensics.recompress.kpchain import BLOCK_TOKENS, FULL, WINDOW, ChainMatcher
from imgforensics.recompress.kpdeflate import REACH
from imgforensics.recompress.kpdialect import GO
from imgforensics.recompress.kpjoin import Family, Step
from imgforensics.recompress.segments import Segment
from imgforensics.recompress.sequences import Sequences

_STEPS = 32
"""Windows that end in a segment."""
_WARM_UP = 2
"""Windows before, in which a guess begins: what was there before them is out of reach then, and what a dictionary
leaves out of the chains is, too."""
_HISTORY = (_WARM_UP + 1) * REACH
"""Bytes before a segment: those of its first window, and the first half of the first window of a guess."""
_MATCHES = (WINDOW + 258) // 4 + 1
"""Most matches that end in one window."""


def _piece() -> Sequences:
    return Sequences(BLOCK_TOKENS, _MATCHES)


class Pieces:
    """What was found in one window: a piece, and another for each time that it was full."""

    def __init__(self) -> None:
        self._all = [_piece()]
        self._used = 0

    def begin(self) -> Sequences:
        """Forget everything; return the first piece."""
        self._all[0].clear()
        self._used = 1
        return self._all[0]

    def take(self, begun: Sequences) -> Sequences:
        """Take another piece that was begun already; return an empty one instead."""
        if self._used == len(self._all):
            self._all.append(_piece())
        empty = self._all[self._used]
        self._all[self._used] = begun
        self._used += 1
        empty.clear()
        return empty

    def __iter__(self) -> Iterator[Sequences]:
        return iter(self._all[: self._used])


class Windows:
    """What was found in some windows, one after another."""

    def __init__(self) -> None:
        self._all: list[Pieces] = []
        self._used = 0

    def clear(self) -> None:
        """Forget everything."""
        self._used = 0

    def begin(self) -> Pieces:
        """Begin another window."""
        if self._used == len(self._all):
            self._all.append(Pieces())
        self._used += 1
        return self._all[self._used - 1]

    def __getitem__(self, number: int) -> Pieces:
        """What was found in a window, counted from 0."""
        return self._all[number]


class ChainParser:
    """A matcher that goes from window to window."""

    def __init__(self, level: int) -> None:
        self._matcher = ChainMatcher(level, GO)
        self._over = _piece()

    def guess(self, step: Step, scratch: Windows) -> None:
        """See :class:`~imgforensics.recompress.kpjoin.Parser`: begin two windows before, in the middle."""
        back = min(_WARM_UP, step.number)
        start = step.start - back * REACH
        known = REACH if step.number > back else 0
        self._matcher.restart(memoryview(step.segment.window)[start:], known)
        for number in range(step.number - back, step.number):
            scratch.clear()
            self._find(Step(step.segment, number, start, start + WINDOW, last=False), scratch.begin())
            start += REACH

    def snapshot(self, step: Step) -> bytes:
        """See :class:`~imgforensics.recompress.kpjoin.Parser`."""
        del step  # the window was moved already
        return self._matcher.snapshot()

    def find(self, steps: Sequence[Step], found: Windows) -> None:
        """See :class:`~imgforensics.recompress.kpjoin.Parser`."""
        for step in steps:
            self._find(step, found.begin())

    def _find(self, step: Step, found: Pieces) -> None:
        window = memoryview(step.segment.window)[step.start :]
        end = step.stop - step.start
        self._matcher.weigh(window, end)
        out = found.begin()
        while self._matcher.parse(window, end, step.last, out, self._over) == FULL:
            out = self._over
            self._over = found.take(out)
        if not step.last:
            self._matcher.slide(REACH)


class ChainWriter:
    """Cuts blocks and writes them."""

    def __init__(self) -> None:
        self._blocks = BlockWriter(GO, 8)
        self._block = Sequences(BLOCK_TOKENS, BLOCK_TOKENS)
        self._start = 0
        """Where in the content the current block begins."""

    def put(self, steps: Sequence[Step], found: Windows, number: int) -> None:
        """See :class:`~imgforensics.recompress.kpjoin.Writer`."""
        for window, step in enumerate(steps, number):
            for piece in found[window]:
                while self._block.fill(piece, BLOCK_TOKENS) == BLOCK_TOKENS:
                    self._put_block(step)
            if step.last and self._block.tokens():
                self._put_block(step)

    def take(self) -> bytes:
        """See :class:`~imgforensics.recompress.kpjoin.Writer`."""
        return self._blocks.bits.take()

    def close(self) -> bytes:
        """See :class:`~imgforensics.recompress.kpjoin.Writer`."""
        self._blocks.put_end()
        return self._blocks.bits.take()

    def _put_block(self, step: Step) -> None:
        start = self._start - step.segment.offset
        # The original has lost sight of a block that began before its window
        size = self._block.size if start >= step.start else -1
        self._blocks.put_sequences(self._block, step.segment.window, start, size, step.last)
        self._start += self._block.size
        self._block.clear()


def encode_chain(level: int, chunks: Iterable[Buffer], jobs: int, *, steps: int = _STEPS) -> Iterator[bytes]:
    """The gzip stream of a content at level 7 to 9, part by part.

    Args:
        level: 7 to 9.
        chunks: The content, in chunks of any size.
        jobs: Threads that find matches.
        steps: Windows that end in a segment, at least 2.
    """
    family = Family(
        parser=partial(ChainParser, level),
        writer=ChainWriter,
        room=Windows,
        steps=_windows,
        size=steps * REACH,
        history=_HISTORY,
    )
    return kpjoin.encode(family, level, chunks, jobs)


def _windows(segment: Segment) -> list[Step]:
    """The windows that end in a segment; in a segment that is not the last, one ends with it."""
    number = max((segment.offset + segment.start) // REACH - 1, 0)
    windows: list[Step] = []
    stop = segment.start
    while stop < segment.stop:
        start = number * REACH - segment.offset
        stop = min(start + WINDOW, segment.stop)
        windows.append(Step(segment, number, start, stop, last=segment.final and stop == segment.stop))
        number += 1
    return windows
