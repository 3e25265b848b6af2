"""Levels 1 to 6 of Go 1.27 on several processors, with the same output.

Every 65535 bytes a block begins, and its matcher begins afresh but for the tables that the block before left. What it
finds in the block follows from the content and from those positions in the tables that are at most 32768 bytes away
when it begins: no search reaches further, and positions only grow older. So matchers whose snapshots are equal where a
block begins (see :meth:`~imgforensics.recompress.kpfast.FastMatcher.snapshot`) find the same from there on.

The content is cut into segments of many blocks. A worker begins each with empty tables a few blocks earlier, which is a
guess, and takes snapshots where the first blocks of the segment begin. Whoever knows the true tables at a cut compares,
and makes block after block itself as long as they differ; as a rule they are the same at once. Where they never are,
the whole segment is made again, and for a while nobody guesses.

At level 1, which looks at few positions, tables stay different for dozens of blocks. There one worker finds everything,
one segment after the other; its work is about half of all.

The caller writes. A block leaves to the next also which block of Huffman codes is open, and that is always the truth
when it is written in order; matchers know nothing of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.kpblocks import BlockWriter
from imgforensics.recompress.kpdeflate import BLOCK, KEPT, REACH, SMALL, put_fast
from imgforensics.recompress.kpdialect import GO
from imgforensics.recompress.kpfast import FastMatcher
from imgforensics.recompress.segments import Cutter, Segment
from imgforensics.recompress.sequences import Sequences

_BLOCKS = 32
"""Blocks of a segment."""
_WARM_UP = 2
"""Blocks before a segment that only fill the tables."""
_SNAPSHOTS = 3
"""Blocks of a segment where it is looked whether the tables are the same."""
_HISTORY = _WARM_UP * BLOCK + KEPT - BLOCK
"""Bytes before a segment: the blocks that fill the tables, and as far as level 4 looks back."""
_AHEAD = 8
"""Bytes behind a segment that are read in passing."""
_QUEUE = 2
"""Segments that wait, or are worked on, more than there are workers."""
_DULL = 64
"""A segment that shrinks to less than this part of itself is made quicker than it is handed over."""
_MAX_JOBS = 8
"""One writer keeps up with fewer workers; each has some megabytes."""
_PAUSE = (8, 64)
"""Segments for which nobody guesses after tables that stayed different, the first time and at most."""


def window_base(block: int, size: int) -> int:
    """Where the window of one processor begins when it finds the matches of a block, for level 4.

    Args:
        block: The number of the block.
        size: Its bytes.
    """
    base = 0
    moved = KEPT // BLOCK
    while moved < block or (moved == block and block * BLOCK - base + size > KEPT):
        base = moved * BLOCK - REACH
        moved += KEPT // BLOCK - 1
    return base


class _Tables:
    """A matcher that knows where in the content its positions are."""

    def __init__(self, level: int) -> None:
        self._matcher = FastMatcher(level, GO)
        self._odd = level == 4
        self._base = 0
        """The position in the content of what the matcher calls 0."""

    def forget(self) -> None:
        """Empty the tables."""
        self._matcher.restart(KEPT + BLOCK)
        self._base = 0

    def match(self, segment: Segment, start: int, stop: int, found: Sequences) -> None:
        """Find the matches of a block of a segment, or before it."""
        if stop - start < SMALL:
            return
        place = segment.offset + start
        base = window_base(place // BLOCK, stop - start) if self._odd else max(place - REACH, 0)
        self._matcher.slide(base - self._base)
        self._base = base
        gone = base - segment.offset
        self._matcher.match(memoryview(segment.window)[gone:], start - gone, stop - gone, found)

    def snapshot(self, segment: Segment, start: int) -> bytes:
        """What the tables are to a block that begins here."""
        return self._matcher.snapshot(segment.offset + start - self._base)


@dataclass(slots=True)
class _Work:
    """A segment, and what was found in it."""

    segment: Segment
    tables: _Tables | None = None
    """Whose they are; None if nobody looked."""
    found: list[Sequences] = field(default_factory=list)
    """For each block."""
    snapshots: dict[int, bytes] = field(default_factory=dict)
    """What the tables were where the first blocks begin, by their numbers."""
    future: Future[None] | None = None

    def guess(self, tables: _Tables) -> None:
        """Look, beginning with tables that may not be the true ones; they are, in the first segment."""
        segment = self.segment
        tables.forget()
        known = min(_WARM_UP, (segment.offset + segment.start) // BLOCK)
        for start in range(segment.start - known * BLOCK, segment.start, BLOCK):
            tables.match(segment, start, start + BLOCK, self.found[0])
        for number, (start, stop) in enumerate(_borders(segment)):
            if number < _SNAPSHOTS:
                self.snapshots[number] = tables.snapshot(segment, start)
            tables.match(segment, start, stop, self.found[number])

    def go_on(self, tables: _Tables) -> None:
        """Look, beginning with the true tables."""
        for number, (start, stop) in enumerate(_borders(self.segment)):
            tables.match(self.segment, start, stop, self.found[number])


class _Join:
    """The true tables, as far as they are known, and the segments that wait to be written."""

    def __init__(self, level: int, pool: ThreadPoolExecutor, blocks: int) -> None:
        self.writer = BlockWriter(GO, 7)
        self._level = level
        self._pool = pool
        self._blocks = blocks
        """Of a segment; the last has one more of a few bytes."""
        self._waiting: deque[_Work] = deque()
        self._true = _Tables(level)
        self._spare: list[_Tables] = []
        self._spare_found: list[list[Sequences]] = []
        self._own = Sequences(BLOCK, BLOCK // 4)
        self._dull = False
        """Whether the last segment was."""
        self._pause = 0
        self._next_pause = _PAUSE[0]

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, segment: Segment) -> None:
        """Take a segment, and have a worker look at it if that is worth it."""
        work = _Work(segment)
        self._waiting.append(work)
        if self._level == 1:
            work.tables = self._true
            work.found = self._room()
            work.future = self._pool.submit(work.go_on, self._true)
        elif self._pause:
            self._pause -= 1
        elif not self._dull:
            work.tables = self._spare.pop() if self._spare else _Tables(self._level)
            work.found = self._room()
            work.future = self._pool.submit(work.guess, work.tables)

    def join(self) -> tuple[Segment, bytes]:
        """Write the first of the segments that wait; return it, and what of the stream is ready."""
        work = self._waiting.popleft()
        segment = work.segment
        if work.future:
            work.future.result()
        known = work.tables is self._true
        for number, (start, stop) in enumerate(_borders(segment)):
            if work.tables and not known and self._true.snapshot(segment, start) == work.snapshots.get(number):
                self._spare.append(self._true)
                self._true = work.tables
                known = True
            found = work.found[number] if work.found else self._own
            if not known:
                self._true.match(segment, start, stop, found)
            put_fast(self.writer, found, segment.window, start, stop, segment.final and stop == segment.stop)
        if work.tables:
            self._spare_found.append(work.found)
            self._consider(work.tables)
        packed = self.writer.bits.take()
        self._dull = len(packed) * _DULL < segment.stop - segment.start
        return segment, packed

    def _consider(self, guess: _Tables) -> None:
        """Make a pause if a guess was in vain."""
        if guess is self._true:
            self._next_pause = _PAUSE[0]
        else:
            self._spare.append(guess)
            self._pause = self._next_pause
            self._next_pause = min(2 * self._next_pause, _PAUSE[1])

    def _room(self) -> list[Sequences]:
        if self._spare_found:
            return self._spare_found.pop()
        return [Sequences(BLOCK, BLOCK // 4) for _ in range(self._blocks + 1)]


def encode_fast(level: int, chunks: Iterable[Buffer], jobs: int, *, blocks: int = _BLOCKS) -> Iterator[bytes]:
    """The gzip stream of a content, part by part.

    Args:
        level: 1 to 6.
        chunks: The content, in chunks of any size.
        jobs: Threads that find matches, 8 at most, and 1 at level 1; the calling thread joins and writes.
        blocks: Blocks of a segment.
    """
    jobs = 1 if level == 1 else min(jobs, _MAX_JOBS)
    yield gzipmember.header(level)
    cutter = Cutter(chunks, blocks * BLOCK, _HISTORY, _AHEAD)
    with ThreadPoolExecutor(jobs) as pool:
        join = _Join(level, pool, blocks)
        for segment in cutter:
            join.submit(segment)
            if len(join) >= jobs + _QUEUE:
                joined, packed = join.join()
                cutter.give_back(joined)
                yield packed
        while len(join):
            yield join.join()[1]
    join.writer.put_end()
    yield join.writer.bits.take() + gzipmember.trailer(cutter.crc, cutter.total)


def _borders(segment: Segment) -> Iterator[tuple[int, int]]:
    """Where in the window each block begins and ends; none is empty."""
    for start in range(segment.start, segment.stop, BLOCK):
        yield start, min(start + BLOCK, segment.stop)
