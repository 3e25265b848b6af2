"""Level 1 of Go 1.8 to 1.26 on several processors, with the same output.

Blocks of 65535 bytes begin afresh, but for the table that one leaves to the next. The content is cut into segments of
many blocks. A worker begins each with an empty table some blocks earlier, which is a guess, and takes snapshots of its
table where the first blocks begin. Whoever knows the true table at a cut compares: where a snapshot is the same, all
that follows is. Until then the blocks are made again with the true table; if need be, the whole segment.

Workers code blocks as if each began on a byte; the bits are put behind one another afterwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.goblocks import MAX_STORED, BlockWriter
from imgforensics.recompress.gofastblocks import FastBlocks
from imgforensics.recompress.segments import Cutter, Segment

_BLOCKS = 64
"""Blocks of a segment."""
_WARM_UP = 3
"""Blocks before a segment that only fill the table."""
_SNAPSHOTS = 3
_HISTORY = _WARM_UP * MAX_STORED + 32768
"""Bytes before a segment: the blocks that fill the table, and as far as they may reach."""
_MAX_JOBS = 8
"""One writer keeps up with about as many workers; each has some megabytes."""


class _Worker:
    """A table, and the blocks that were made with it last."""

    def __init__(self, blocks: int) -> None:
        self.fast = FastBlocks(blocks)
        self.snapshots: list[bytes] = []
        """What the table was where the first blocks begin."""

    def guess(self, segment: Segment) -> None:
        """Make the blocks of a segment with a table that may not be the true one; it is, in the first segment."""
        self.fast.matcher.reset()
        self.snapshots.clear()
        if segment.number:
            self.fast.match(segment.window, segment.start - _WARM_UP * MAX_STORED, segment.start)
        self.fast.forget()
        at = segment.start
        while at < segment.stop and len(self.snapshots) < _SNAPSHOTS:
            self.snapshots.append(self.fast.matcher.snapshot(at))
            following = min(at + MAX_STORED, segment.stop)
            self.fast.keep(segment.window, at, following)
            at = following
        self.fast.keep(segment.window, at, segment.stop)

    def go_on(self, target: BlockWriter, segment: Segment, start: int, stop: int) -> None:
        """Write blocks with the table that the last left."""
        self.fast.forget()
        self.fast.keep(segment.window, start, stop)
        self.fast.put(target, segment.window, start, stop, 0)


class _Join:
    """The true table at the end of what was written, and the guesses that wait."""

    def __init__(self, blocks: int, pool: ThreadPoolExecutor) -> None:
        self.writer = BlockWriter()
        self._blocks = blocks
        self._pool = pool
        self._waiting: deque[tuple[Segment, _Worker, Future[None]]] = deque()
        self._spare: list[_Worker] = []
        self._true: _Worker | None = None
        self._offset = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, segment: Segment) -> None:
        """Take a segment, and have a worker guess."""
        worker = self._spare.pop() if self._spare else _Worker(self._blocks)
        self._waiting.append((segment, worker, self._pool.submit(worker.guess, segment)))

    def join(self) -> tuple[Segment, bytes]:
        """The first of the segments that wait, and its bits, as far as they fill bytes."""
        segment, guess, future = self._waiting.popleft()
        future.result()
        agreed = self._agree(segment, guess, self._true) if self._true else 0
        if agreed < 0:
            self._spare.append(guess)
        else:
            start = segment.start + agreed * MAX_STORED
            guess.fast.put(self.writer, segment.window, start, segment.stop, agreed)
            if self._true:
                self._spare.append(self._true)
            self._true = guess
        self._offset = segment.offset
        return segment, self.writer.bits.take()

    def _agree(self, segment: Segment, guess: _Worker, true: _Worker) -> int:
        """Write blocks with the true table until a guess had the same; how many, or -1 if it never had."""
        true.fast.matcher.rebase(segment.offset - self._offset)
        at = segment.start
        for number, snapshot in enumerate(guess.snapshots):
            if true.fast.matcher.snapshot(at) == snapshot:
                return number
            following = min(at + MAX_STORED, segment.stop)
            true.go_on(self.writer, segment, at, following)
            at = following
        true.go_on(self.writer, segment, at, segment.stop)
        return -1


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
        join = _Join(blocks, pool)
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
