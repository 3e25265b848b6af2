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

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.goblocks import BlockWriter
from imgforensics.recompress.goencoders import BLOCK_TOKENS
from imgforensics.recompress.golazy import AGREED, EFFORTS, LazyMatcher
from imgforensics.recompress.segments import Segment, Tally, cut
from imgforensics.recompress.sequences import Sequences

_HISTORY = 1 << 16
"""Bytes before a segment: matches reach half as far, stored blocks begin as far back."""
_TRAIL = 1 << 18
"""Bytes at the beginning of a segment in which two parses may meet."""
_AHEAD = _TRAIL + 1024
"""Bytes behind a segment: a trail, the longest match, and Go's look-ahead."""
_SEGMENT = 1 << 20
"""Bytes; a multiple of the history, so that a matcher can go on in the next window."""
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


class _Guess:
    """A worker's parse of a segment."""

    def __init__(self, level: int, segment: Segment, sequences: Sequences) -> None:
        self.sequences = sequences
        self.trail = bytearray(_TRAIL)
        self.matcher = LazyMatcher(EFFORTS[level])
        position = segment.offset + segment.start
        total = segment.offset + segment.stop if segment.final else None
        entered = segment.start - (32768 if segment.number else 0)
        self.matcher.begin(segment.start, go_base(position, total) - segment.offset, entered)
        self.matcher.watch(_stop(segment), self.trail, segment.start, compare=False)
        _run(self.matcher, segment, sequences)


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

    def __init__(self, level: int, pool: ThreadPoolExecutor) -> None:
        self.blocks = _Blocks()
        self._level = level
        self._pool = pool
        self._waiting: deque[tuple[Segment, Future[_Guess] | None]] = deque()
        self._spare: list[Sequences] = []
        self._matcher: LazyMatcher | None = None
        """The true parse at the end of the last segment."""
        self._last: Segment | None = None
        self._pause = 0
        self._next_pause = _PAUSE[0]

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, segment: Segment) -> None:
        """Take a segment, and have a worker guess."""
        guess = None
        if self._pause:
            self._pause -= 1
        else:
            guess = self._pool.submit(_Guess, self._level, segment, self._sequences())
        self._waiting.append((segment, guess))

    def join(self) -> None:
        """Write the first of the segments that wait."""
        segment, future = self._waiting.popleft()
        guess = future.result() if future else None
        if guess and self._meet(guess):
            self.blocks.take(guess.sequences, segment)
            self._matcher = guess.matcher
        else:
            self._parse(segment)
        if guess:
            self._give_back(guess.sequences)
        self._last = segment

    def _meet(self, guess: _Guess) -> bool:
        """Go on in truth until a guess is in the same state; drop what was guessed before. Whether it ever was."""
        if self._matcher is None or self._last is None:
            return True
        sequences = self._sequences()
        matcher = self._matcher
        cut_at = self._last.stop
        matcher.watch(cut_at + _TRAIL, guess.trail, cut_at, compare=True)
        agreed = _run(matcher, self._last, sequences) == AGREED
        self.blocks.take(sequences, self._last)
        self._give_back(sequences)
        if agreed:
            guess.sequences.skip(matcher.at - matcher.pending - cut_at)
            self._next_pause = _PAUSE[0]
        else:
            self._pause = self._next_pause
            self._next_pause = min(2 * self._next_pause, _PAUSE[1])
        return agreed

    def _parse(self, segment: Segment) -> None:
        """Parse a segment from the true state."""
        if self._matcher is None or self._last is None:
            raise AssertionError("the first segment is no guess")
        sequences = self._sequences()
        self._matcher.rebase(segment.offset - self._last.offset)
        self._matcher.watch(_stop(segment), bytearray(), 0, compare=False)
        _run(self._matcher, segment, sequences)
        self.blocks.take(sequences, segment)
        self._give_back(sequences)

    def _sequences(self) -> Sequences:
        size = _SEGMENT + _AHEAD
        return self._spare.pop() if self._spare else Sequences(size, size // 4 + 1)

    def _give_back(self, sequences: Sequences) -> None:
        sequences.clear()
        self._spare.append(sequences)


def encode_lazy(level: int, mtime: bytes, chunks: Iterable[Buffer], jobs: int) -> Iterator[bytes]:
    """The gzip stream of a content, part by part.

    Args:
        level: 4 to 9.
        mtime: The header's MTIME.
        chunks: The content, in chunks of any size.
        jobs: Threads that guess; the calling thread joins and writes.
    """
    tally = Tally()
    yield gzipmember.header(level, mtime)
    with ThreadPoolExecutor(jobs) as pool:
        join = _Join(level, pool)
        for segment in cut(tally.count(chunks), _SEGMENT, _HISTORY, _AHEAD):
            join.submit(segment)
            if len(join) > jobs + 1:
                join.join()
                yield join.blocks.writer.bits.take()
        while len(join):
            join.join()
            yield join.blocks.writer.bits.take()
        join.blocks.finish(segment)
    yield join.blocks.writer.bits.take() + gzipmember.trailer(tally.crc, tally.size)


def _stop(segment: Segment) -> int:
    return segment.stop + 1 if segment.final else segment.stop


def _run(matcher: LazyMatcher, segment: Segment, sequences: Sequences) -> int:
    return matcher.parse(segment.window, len(segment.window), segment.final, sequences, _SEGMENT + _AHEAD + 1)
