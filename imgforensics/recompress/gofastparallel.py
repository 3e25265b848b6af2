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
from imgforensics.recompress.goencoders import FastBlocks
from imgforensics.recompress.segments import Segment, Tally, cut

_BLOCKS = 32
"""Blocks of a segment."""
_WARM_UP = 3
"""Blocks before a segment that only fill the table."""
_SNAPSHOTS = 8
_REACH = 32768
_HISTORY = _WARM_UP * MAX_STORED + _REACH


class _Guess:
    """A worker's blocks of a segment."""

    def __init__(self, segment: Segment) -> None:
        self.fast = FastBlocks()
        self.snapshots: list[bytes] = []
        self.blocks: list[tuple[bytes, int] | None] = []
        """The bits of each block and how many there are; None for a stored one."""
        if segment.number:
            for back in range(_WARM_UP, 0, -1):
                start = segment.start - back * MAX_STORED
                self.fast.match(segment.window, start, start + MAX_STORED)
        for start, stop in _borders(segment):
            if len(self.snapshots) < _SNAPSHOTS:
                self.snapshots.append(self.fast.matcher.snapshot(start))
            stored = self.fast.write(segment.window, start, stop)
            coded = self.fast.blocks.bits.take_bits()
            self.blocks.append(None if stored else coded)


class _Join:
    """The true table at the end of what was written, and the guesses that wait."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.writer = BlockWriter()
        self._pool = pool
        self._waiting: deque[tuple[Segment, Future[_Guess]]] = deque()
        self._fast: FastBlocks | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, segment: Segment) -> None:
        """Take a segment, and have a worker guess."""
        self._waiting.append((segment, self._pool.submit(_Guess, segment)))

    def join(self) -> None:
        """Write the first of the segments that wait."""
        segment, future = self._waiting.popleft()
        guess = future.result()
        true = self._fast
        if true:
            true.matcher.rebase(_BLOCKS * MAX_STORED)
        for number, (start, stop) in enumerate(_borders(segment)):
            if true and number < len(guess.snapshots) and true.matcher.snapshot(start) == guess.snapshots[number]:
                true = None
            if true:
                stored = true.write(segment.window, start, stop)
                coded = None if stored else true.blocks.bits.take_bits()
                true.blocks.bits.take_bits()
            else:
                coded = guess.blocks[number]
            if coded is None:
                self.writer.stored(segment.window, start, stop)
            else:
                self.writer.bits.append(*coded)
        self._fast = true or guess.fast


def encode_fast(level: int, mtime: bytes, chunks: Iterable[Buffer], jobs: int) -> Iterator[bytes]:
    """The gzip stream of a content, part by part.

    Args:
        level: 1.
        mtime: The header's MTIME.
        chunks: The content, in chunks of any size.
        jobs: Threads that guess; the calling thread joins and writes.
    """
    tally = Tally()
    yield gzipmember.header(level, mtime)
    with ThreadPoolExecutor(jobs) as pool:
        join = _Join(pool)
        for segment in cut(tally.count(chunks), _BLOCKS * MAX_STORED, _HISTORY, 0):
            join.submit(segment)
            if len(join) > jobs + 1:
                join.join()
                yield join.writer.bits.take()
        while len(join):
            join.join()
            yield join.writer.bits.take()
    join.writer.finish()
    yield join.writer.bits.take() + gzipmember.trailer(tally.crc, tally.size)


def _borders(segment: Segment) -> Iterator[tuple[int, int]]:
    """Where in the window each block begins and ends."""
    for start in range(segment.start, segment.stop, MAX_STORED):
        yield start, min(start + MAX_STORED, segment.stop)
