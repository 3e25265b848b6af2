"""One stream of Go 1.27 on several processors, at levels 1 to 9: who guesses, who knows, and who writes.

The content is cut into segments, and these into steps. A parser goes from step to step; what it finds in one follows
from the content and from its state when the step begins. A worker goes through a segment from a state that is a guess,
and takes snapshots of its state where the first steps begin. Whoever knows the true state at a cut compares: where a
snapshot is the same, all that follows is. Until then the steps are made again from the true state; if need be, all of
them, and then for a while nobody guesses. What a snapshot has to hold is for the levels to say: everything that can
matter, so that no luck is involved.

The caller writes, in order. So whatever one block leaves to the next in the writer is the truth, and no parser knows of
it: which codes are open, and where token by token the blocks end.

Content that shrinks to next to nothing is gone through so quickly that threads would wait for each other longer than
they work: there the caller is alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.segments import Cutter, Segment

_SNAPSHOTS = 4
"""Steps of a segment before which states are compared."""
_AHEAD = 8
"""Bytes behind a segment: they are read in passing, and show that the segment is not the last."""
_QUEUE = 2
"""Segments that wait, or are worked on, more than there are workers."""
_DULL = 64
"""A segment that shrinks to less than this part of itself is made quicker than it is handed over."""
_MAX_JOBS = 8
"""One writer keeps up with fewer workers; each has some megabytes."""
_MOST_PAUSE = 64
"""Segments for which nobody guesses after states that stayed different, at most; the first time it is one."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a segment; the next step begins in the same state as this one ended."""

    segment: Segment
    number: int
    """In the content, from 0 on."""
    start: int
    """Where in the window of the segment it begins."""
    stop: int
    """Where in the window it ends."""
    last: bool
    """Whether the content ends with it."""


Found = TypeVar("Found")
"""What was found in a step: memory that is used again."""
Found_contra = TypeVar("Found_contra", contravariant=True)
"""The same, for protocols that only take it."""


class Parser(Protocol[Found_contra]):
    """Finds literals and matches. Not for several threads at once."""

    def guess(self, step: Step, scratch: Found_contra) -> None:
        """Take a state that may be the one in which a step begins; before the first, the one in which it does."""

    def snapshot(self, step: Step) -> bytes:
        """The state where a step is about to begin. Parsers with equal snapshots there find the same from there on."""

    def find(self, step: Step, found: Found_contra) -> None:
        """Go through a step."""


class Writer(Protocol[Found_contra]):
    """Writes what was found."""

    def put(self, step: Step, found: Found_contra) -> None:
        """Write a step, or keep it until more is known."""

    def take(self) -> bytes:
        """What of the stream is ready."""

    def close(self) -> bytes:
        """End the stream, and return its rest."""


@dataclass(frozen=True, slots=True)
class Family(Generic[Found]):
    """What a level needs."""

    parser: Callable[[], Parser[Found]]
    writer: Callable[[], Writer[Found]]
    room: Callable[[], Found]
    steps: Callable[[Segment], list[Step]]
    """Those of a segment."""
    size: int
    """Bytes of a segment."""
    history: int
    """Bytes that steps, and guesses before them, need to have before a segment."""
    guesses: bool = True
    """Whether states soon are the same; if not, one worker goes through the content in order."""


@dataclass(slots=True)
class _Work(Generic[Found]):
    """A segment, and what was found in it."""

    steps: list[Step]
    parser: Parser[Found] | None = None
    """Who looked, if anybody did."""
    found: list[Found] = field(default_factory=list)
    """For each step."""
    snapshots: list[bytes] = field(default_factory=list)
    """States where the first steps begin."""
    future: Future[None] | None = None

    def guess(self, parser: Parser[Found]) -> None:
        """Go through the segment from a state that may not be the true one; it is, in the first segment."""
        parser.guess(self.steps[0], self.found[0])
        for step, found in zip(self.steps, self.found, strict=True):
            if len(self.snapshots) < _SNAPSHOTS:
                self.snapshots.append(parser.snapshot(step))
            parser.find(step, found)

    def go_on(self, parser: Parser[Found]) -> None:
        """Go through the segment from the true state."""
        for step, found in zip(self.steps, self.found, strict=True):
            parser.find(step, found)


class _Join(Generic[Found]):
    """The true state, as far as it is known, and the segments that wait to be written."""

    def __init__(self, family: Family[Found], pool: ThreadPoolExecutor) -> None:
        self.writer = family.writer()
        self._family = family
        self._pool = pool
        self._waiting: deque[_Work[Found]] = deque()
        self._true = family.parser()
        self._parsers: list[Parser[Found]] = []
        self._rooms = [family.room()]
        """Memory that is not in use; a step that the caller goes through itself needs one piece."""
        self._dull = False
        """Whether the last segment was."""
        self._pause = 0
        self._next_pause = 1

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, segment: Segment) -> None:
        """Take a segment, and have a worker go through it if that is worth it."""
        work: _Work[Found] = _Work(self._family.steps(segment))
        self._waiting.append(work)
        if not self._family.guesses:
            work.parser = self._true
            work.found = self._room(len(work.steps))
            work.future = self._pool.submit(work.go_on, self._true)
        elif self._pause:
            self._pause -= 1
        elif not self._dull:
            work.parser = self._parsers.pop() if self._parsers else self._family.parser()
            work.found = self._room(len(work.steps))
            work.future = self._pool.submit(work.guess, work.parser)

    def join(self) -> tuple[Segment, bytes]:
        """Write the first of the segments that wait; return it, and what of the stream is ready."""
        work = self._waiting.popleft()
        if work.future:
            work.future.result()
        known = work.parser is self._true
        for number, step in enumerate(work.steps):
            found = work.found[number] if work.found else self._rooms[0]
            if work.parser and not known and number < len(work.snapshots):
                known = self._true.snapshot(step) == work.snapshots[number]
                if known:
                    self._parsers.append(self._true)
                    self._true = work.parser
            if not known:
                self._true.find(step, found)
            self.writer.put(step, found)
        self._rooms += work.found
        if work.parser and not known:
            self._parsers.append(work.parser)
            self._pause = self._next_pause
            self._next_pause = min(2 * self._next_pause, _MOST_PAUSE)
        elif known:
            self._next_pause = 1
        segment = work.steps[0].segment
        packed = self.writer.take()
        self._dull = len(packed) * _DULL < segment.stop - segment.start
        return segment, packed

    def _room(self, steps: int) -> list[Found]:
        """Memory for so many steps; the first piece stays with the caller."""
        taken = self._rooms[1 : steps + 1]
        del self._rooms[1 : steps + 1]
        return taken + [self._family.room() for _ in range(steps - len(taken))]


def encode(family: Family[Found], level: int, chunks: Iterable[Buffer], jobs: int) -> Iterator[bytes]:
    """The gzip stream of a content, part by part.

    Args:
        family: What the level needs.
        level: 1 to 9.
        chunks: The content, in chunks of any size.
        jobs: Threads that find matches, 8 at most; the calling thread joins and writes.
    """
    jobs = min(jobs, _MAX_JOBS) if family.guesses else 1
    yield gzipmember.header(level)
    cutter = Cutter(chunks, family.size, family.history, _AHEAD)
    with ThreadPoolExecutor(jobs) as pool:
        join = _Join(family, pool)
        for segment in cutter:
            if segment.stop > segment.start:
                join.submit(segment)
            if len(join) >= jobs + _QUEUE:
                joined, packed = join.join()
                cutter.give_back(joined)
                yield packed
        while len(join):
            yield join.join()[1]
    yield join.writer.close() + gzipmember.trailer(cutter.crc, cutter.total)
