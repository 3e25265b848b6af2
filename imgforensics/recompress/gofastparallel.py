"""Level 1 of Go 1.8 to 1.26 on several processors, with the same output.

Blocks of 65535 bytes begin afresh, but for the table that one leaves to the next. The content is cut into segments of
many blocks. A worker begins each with an empty table some blocks earlier, which is a guess, and takes snapshots of its
table where the first blocks begin. Whoever knows the true table at a cut compares: where a snapshot is the same, all
that follows is. Until then the blocks are made again with the true table; if need be, the whole segment.

Workers code blocks as if each began on a byte; the bits are put behind one another afterwards.

In long runs of one pattern the tables may never agree, and blocks are made so quickly that threads would wait for each
other longer than they work: there the caller makes them alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.goblocks import MAX_STORED, BlockWriter
from imgforensics.recompress.goencoders import FastBlocks
from imgforensics.recompress.segments import Cutter, Segment

_BLOCKS = 64
"""Blocks of a segment."""
_WARM_UP = 3
"""Blocks before a segment that only fill the table."""
_SNAPSHOTS = 3
_HISTORY = _WARM_UP * MAX_STORED + 32768
"""Bytes before a segment: the blocks that fill the table, and as far as they may reach."""
_DULL = 64
"""A segment that shrinks to less than this part of itself is made quicker than it is handed over."""
_MAX_JOBS = 8
"""One writer keeps up with about as many workers; each has some megabytes."""


class _Worker:
    """A table, and the blocks that were made with it last."""

    def __init__(self) -> None:
        self.fast = FastBlocks()
        self.snapshots: dict[int, bytes] = {}
        """What the table was where the first blocks begin, by their numbers."""
        self.coded: list[tuple[bytes, int] | None] = []
        """The bits of each block and how many there are; None for a stored one."""

    def guess(self, segment: Segment) -> None:
        """Make the blocks of a segment with a table that may not be the true one; it is, in the first segment."""
        self.fast.matcher.reset()
        self.snapshots.clear()
        self.coded.clear()
        if segment.number:
            for back in range(_WARM_UP, 0, -1):
                start = segment.start - back * MAX_STORED
                self.fast.match(segment.window, start, start + MAX_STORED)
        for number, (start, stop) in enumerate(_borders(segment)):
            if number < _SNAPSHOTS:
                self.snapshots[number] = self.fast.matcher.snapshot(start)
            self.coded.append(self.block(segment, start, stop))

    def block(self, segment: Segment, start: int, stop: int) -> tuple[bytes, int] | None:
        """Make a block; return its bits as ``coded`` keeps them."""
        stored = self.fast.write(segment.window, start, stop)
        coded = self.fast.blocks.bits.take_bits()
        return None if stored else coded


class _Join:
    """The true table at the end of what was written, and the guesses that wait."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.writer = BlockWriter()
        self._pool = pool
        self._waiting: deque[tuple[Segment, _Worker | None, Future[None] | None]] = deque()
        self._spare: list[_Worker] = []
        self._true: _Worker | None = None
        self._offset = 0
        self._dull = False
        """Whether the last segment was."""

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, segment: Segment) -> None:
        """Take a segment, and have a worker guess if that is worth it."""
        if self._dull:
            self._waiting.append((segment, None, None))
        else:
            worker = self._spare.pop() if self._spare else _Worker()
            self._waiting.append((segment, worker, self._pool.submit(worker.guess, segment)))

    def join(self) -> tuple[Segment, bytes]:
        """The first of the segments that wait, and its bits, as far as they fill bytes."""
        segment, guess, future = self._waiting.popleft()
        if future:
            future.result()
        true = self._true or guess
        if true is None:
            raise AssertionError("the first segment is always guessed")
        if true is not guess:
            true.fast.matcher.rebase(segment.offset - self._offset)
        for number, (start, stop) in enumerate(_borders(segment)):
            if guess and true is not guess and true.fast.matcher.snapshot(start) == guess.snapshots.get(number):
                self._spare.append(true)
                true = guess
            coded = guess.coded[number] if guess and true is guess else true.block(segment, start, stop)
            if coded is None:
                self.writer.stored(segment.window, start, stop)
            else:
                self.writer.bits.append(*coded)
        if guess and true is not guess:
            self._spare.append(guess)
        self._true = true
        self._offset = segment.offset
        packed = self.writer.bits.take()
        self._dull = len(packed) * _DULL < segment.stop - segment.start
        return segment, packed


def encode_fast(
    level: int, mtime: bytes, chunks: Iterable[Buffer], jobs: int, *, blocks: int = _BLOCKS
) -> Iterator[bytes]:
    """The gzip stream of a content, part by part.

    Args:
        level: 1.
        mtime: The header's MTIME.
        chunks: The content, in chunks of any size.
        jobs: Threads that guess, 8 at most; the calling thread joins and writes.
        blocks: Blocks of a segment, 3 or more.
    """
    jobs = min(jobs, _MAX_JOBS)
    yield gzipmember.header(level, mtime)
    cutter = Cutter(chunks, blocks * MAX_STORED, _HISTORY, 0)
    with ThreadPoolExecutor(jobs) as pool:
        join = _Join(pool)
        for segment in cutter:
            join.submit(segment)
            if len(join) > jobs + 1:
                joined, packed = join.join()
                cutter.give_back(joined)
                yield packed
        while len(join):
            yield join.join()[1]
    join.writer.finish()
    yield join.writer.bits.take() + gzipmember.trailer(cutter.crc, cutter.total)


def _borders(segment: Segment) -> Iterator[tuple[int, int]]:
    """Where in the window each block begins and ends."""
    for start in range(segment.start, segment.stop, MAX_STORED):
        yield start, min(start + MAX_STORED, segment.stop)
