"""Levels 4 to 9 of Go 1.8 to 1.26 on several processors, with the same output.

The content is cut into segments. A worker parses each as if a match had just ended before it, which is a guess. Whoever
knows the truth up to a cut goes on from there until both parses are in the same state at the same place; from there on
they are the same, and no luck is involved (see ``LazyMatcher.watch``). That takes a few bytes as a rule. Then the
worker's parse is the truth up to the next cut. Blocks are cut and coded afterwards, in order, since the parse does not
depend on them.

In long runs of one pattern two parses may never meet: both take the longest match again and again, each from its own
first byte. Then the segment is parsed again from the true state, and for a while nobody guesses.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.goblocks import BlockWriter
from imgforensics.recompress.goencoders import BLOCK_TOKENS
from imgforensics.recompress.golazy import AGREED, EFFORTS, LazyMatcher
from imgforensics.recompress.segments import Cutter, Segment
from imgforensics.recompress.sequences import Sequences

_HISTORY = 1 << 16
"""Bytes before a segment: matches reach half as far, stored blocks begin as far back."""
_TRAIL = 1 << 18
"""Bytes at the beginning of a segment in which two parses may meet."""
_AHEAD = 1024
"""Bytes behind a segment: more than the longest match and Go's look-ahead."""
_SEGMENT = 1 << 20
"""Bytes that one worker parses at a time: smaller ones are begun, entered into chains and joined more often than it
helps that they fit into a cache."""
_QUEUE = 3
"""Segments that wait, or are parsed, more than there are workers."""
_MAX_JOBS = 8
"""One writer keeps up with about as many workers; each has some megabytes."""
_PAUSE = (8, 64)
"""Segments for which nobody guesses after parses that did not meet, the first time and at most."""


def go_base(at: int, total: int | None) -> int:
    """Where Go's window begins when a step of the parse begins at a position.

    Args:
        at: The position in the content.
        total: Bytes of the content, if it is not certain that there are 262 more.
    """
    if at < 65275:
        return 0
    base = (at - 32507) // 32768 * 32768
    while total is not None and total <= base + 32768:
        base -= 32768
    return base


class _Parser:
    """A matcher and what it found last."""

    def __init__(self, level: int, segment: int, trail: int) -> None:
        self._tokens = segment + _AHEAD + 259
        """A parse makes no more than one for each byte of a segment and of the match before it."""
        self.matcher = LazyMatcher(EFFORTS[level])
        self.sequences = Sequences(self._tokens, self._tokens // 4 + 1)
        self.trail = bytearray()
        self._trail = trail

    def guess(self, segment: Segment) -> None:
        """Parse a segment from a state that may not be the true one; it is, in the first segment."""
        position = segment.offset + segment.start
        total = segment.offset + segment.stop if segment.final else None
        entered = segment.start - min(position, 32768)
        self.trail = bytearray(min(self._trail, segment.stop - segment.start))
        self.matcher.begin(segment.start, go_base(position, total) - segment.offset, entered)
        self.matcher.watch(_stop(segment), self.trail, segment.start, compare=False)
        self._parse(segment)

    def meet(self, segment: Segment, trail: bytearray) -> int:
        """Go on from where the last parse ended, into the next segment as far as a trail goes.

        Returns:
            How many bytes of the segment are literals or in matches at the place where this parse was in the state that
            the trail has there, too; -1 if it never was.
        """
        self.matcher.watch(segment.start + len(trail), trail, segment.start, compare=True)
        if self._parse(segment) != AGREED:
            return -1
        return self.matcher.at - self.matcher.pending - segment.start

    def go_on(self, segment: Segment) -> None:
        """Go on from where the last parse ended, to the end of the segment."""
        self.matcher.watch(_stop(segment), bytearray(), 0, compare=False)
        self._parse(segment)

    def _parse(self, segment: Segment) -> int:
        return self.matcher.parse(segment.window, segment.end, segment.final, self.sequences, self._tokens)


class _Blocks:
    """Cuts and codes blocks."""

    def __init__(self) -> None:
        self.writer = BlockWriter()
        self._block = Sequences(BLOCK_TOKENS, BLOCK_TOKENS)
        self._start = 0
        """The position in the content where the current block begins."""

    def take(self, sequences: Sequences, segment: Segment) -> None:
        """Write what fills a block; the content is at hand in the window of a segment."""
        while self._block.fill(sequences, BLOCK_TOKENS) == BLOCK_TOKENS:
            stop = self._start + self._block.size
            # The step that makes the last literal begins behind it; the last match, one byte behind its beginning
            self._write(segment, stop if self._block.last == 1 else stop - self._block.last + 1)

    def finish(self, segment: Segment) -> None:
        """Write the last block, and end the stream."""
        if self._block.tokens():
            self._write(segment, self._start + self._block.size)
        self.writer.finish()

    def _write(self, segment: Segment, step: int) -> None:
        stop = self._start + self._block.size
        total = segment.offset + segment.stop if segment.final else None
        known = self._start >= go_base(step, total)
        start = self._start - segment.offset if known else -1
        self.writer.best(self._block, segment.window, start, stop - segment.offset)
        self._block.clear()
        self._start = stop


class _Join:
    """The true parse, as far as it is known, and the guesses that wait to be joined to it."""

    def __init__(self, make: Callable[[], _Parser], pool: ThreadPoolExecutor) -> None:
        self.blocks = _Blocks()
        self._make = make
        self._pool = pool
        self._waiting: deque[tuple[Segment, _Parser | None, Future[None] | None]] = deque()
        self._spare: list[_Parser] = []
        self._true: _Parser | None = None
        """Who knows the truth up to the end of the last segment that was joined."""
        self._offset = 0
        """The offset of that segment."""
        self._pause = 0
        self._next_pause = _PAUSE[0]

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, segment: Segment) -> None:
        """Take a segment, and have a worker guess."""
        if self._pause:
            self._pause -= 1
            self._waiting.append((segment, None, None))
        else:
            parser = self._spare.pop() if self._spare else self._make()
            self._waiting.append((segment, parser, self._pool.submit(parser.guess, segment)))

    def join(self) -> Segment:
        """Write the first of the segments that wait; return it."""
        segment, guess, future = self._waiting.popleft()
        if future:
            future.result()
        true = self._true or guess
        if true is None:
            raise AssertionError("the first segment is always parsed")
        if true is not guess:
            true.matcher.rebase(segment.offset - self._offset)
            if guess is None:
                true.go_on(segment)
            elif self._meet(segment, guess, true):
                self._spare.append(true)
                true = guess
            else:
                guess.sequences.clear()
                self._spare.append(guess)
                true.go_on(segment)
        self._write(segment, true)
        self._true = true
        self._offset = segment.offset
        return segment

    def _meet(self, segment: Segment, guess: _Parser, true: _Parser) -> bool:
        """Go on in truth until a guess is in the same state, and drop what was guessed before; whether it ever was."""
        known = true.meet(segment, guess.trail)
        self._write(segment, true)
        if known < 0:
            self._pause = self._next_pause
            self._next_pause = min(2 * self._next_pause, _PAUSE[1])
            return False
        guess.sequences.skip(known)
        self._next_pause = _PAUSE[0]
        return True

    def _write(self, segment: Segment, parser: _Parser) -> None:
        self.blocks.take(parser.sequences, segment)
        parser.sequences.clear()


def encode_lazy(
    level: int,
    mtime: bytes,
    chunks: Iterable[Buffer],
    jobs: int,
    *,
    segment_size: int = _SEGMENT,
    trail_size: int = _TRAIL,
) -> Iterator[bytes]:
    """The gzip stream of a content, part by part.

    Args:
        level: 4 to 9.
        mtime: The header's MTIME.
        chunks: The content, in chunks of any size.
        jobs: Threads that guess, 8 at most; the calling thread joins and writes.
        segment_size: Bytes of a segment.
        trail_size: Bytes at the beginning of a segment in which two parses may meet.
    """
    jobs = min(jobs, _MAX_JOBS)
    yield gzipmember.header(level, mtime)
    cutter = Cutter(chunks, segment_size, _HISTORY, _AHEAD, _HISTORY)
    with ThreadPoolExecutor(jobs) as pool:
        join = _Join(partial(_Parser, level, segment_size, trail_size), pool)
        for segment in cutter:
            join.submit(segment)
            if len(join) >= jobs + _QUEUE:
                cutter.give_back(join.join())
                yield join.blocks.writer.bits.take()
        while len(join):
            segment = join.join()
            yield join.blocks.writer.bits.take()
        join.blocks.finish(segment)
    yield join.blocks.writer.bits.take() + gzipmember.trailer(cutter.crc, cutter.total)


def _stop(segment: Segment) -> int:
    return sys.maxsize if segment.final else segment.stop
