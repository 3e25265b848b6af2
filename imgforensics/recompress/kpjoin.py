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
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.segments import Cutter, Segment

_SNAPSHOTS = 2
"""Steps of a segment before which states are compared; one is enough as a rule."""
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


class Room(Protocol):
    """What was found in some steps: memory that is used again."""

    def clear(self) -> object:
        """Forget everything."""


RoomT = TypeVar("RoomT", bound=Room)
"""What levels keep of some steps."""
RoomT_contra = TypeVar("RoomT_contra", contravariant=True)
"""The same, for protocols that only take it."""


class Parser(Protocol[RoomT_contra]):
    """Finds literals and matches. Not for several threads at once."""

    def guess(self, step: Step, scratch: RoomT_contra) -> None:
        """Take a state that may be the one in which a step begins; before the first, the one in which it does."""

    def snapshot(self, step: Step) -> bytes:
        """The state where a step is about to begin. Parsers with equal snapshots there find the same from there on."""

    def find(self, steps: Sequence[Step], found: RoomT_contra) -> None:
        """Go through steps that follow one another; what is found in them goes behind what there is."""


class Writer(Protocol[RoomT_contra]):
    """Writes what was found."""

    def put(self, steps: Sequence[Step], found: RoomT_contra, number: int) -> None:
        """Write steps that follow one another, or keep them until more is known.

        Args:
            steps: The steps.
            found: What was found in them.
            number: How many other steps it was found in before.
        """

    def take(self) -> bytes:
        """What of the stream is ready."""

    def close(self) -> bytes:
        """End the stream, and return its rest."""


@dataclass(frozen=True, slots=True)
class Family(Generic[RoomT]):
    """What a level needs."""

    parser: Callable[[], Parser[RoomT]]
    writer: Callable[[], Writer[RoomT]]
    room: Callable[[], RoomT]
    steps: Callable[[Segment], list[Step]]
    """Those of a segment."""
    size: int
    """Bytes of a segment."""
    history: int
    """Bytes that steps, and guesses before them, need to have before a segment."""
    guesses: bool = True
    """Whether states soon are the same; if not, one worker goes through the content in order."""


@dataclass(slots=True)
class _Work(Generic[RoomT]):
    """A segment, and what was found in it."""

    steps: list[Step]
    parser: Parser[RoomT] | None = None
    """Who looked, if anybody did."""
    found: RoomT | None = None
    """Memory for what is found, if a worker looks."""
    snapshots: list[bytes] = field(default_factory=list)
    """States where the first steps begin."""
    future: Future[None] | None = None

    def guess(self, parser: Parser[RoomT], found: RoomT) -> None:
        """Go through the segment from a state that may not be the true one; it is, in the first segment."""
        parser.guess(self.steps[0], found)
        found.clear()
        for step in self.steps[:_SNAPSHOTS]:
            self.snapshots.append(parser.snapshot(step))
            parser.find([step], found)
        if len(self.steps) > _SNAPSHOTS:
            parser.find(self.steps[_SNAPSHOTS:], found)

    def go_on(self, parser: Parser[RoomT], found: RoomT) -> None:
        """Go through the segment from the true state."""
        found.clear()
        parser.find(self.steps, found)


class _Join(Generic[RoomT]):
    """The true state, as far as it is known, and the segments that wait to be written."""

    def __init__(self, family: Family[RoomT], pool: ThreadPoolExecutor) -> None:
        self.writer = family.writer()
        self._family = family
        self._pool = pool
        self._waiting: deque[_Work[RoomT]] = deque()
        self._true = family.parser()
        self._parsers: list[Parser[RoomT]] = []
        self._own = family.room()
        """Memory for steps that the caller goes through itself."""
        self._rooms: list[RoomT] = []
        """Memory that is not in use."""
        self._dull = False
        """Whether the last segment was."""
        self._pause = 0
        self._next_pause = 1

    def __len__(self) -> int:
        return len(self._waiting)

    def submit(self, segment: Segment) -> None:
        """Take a segment, and have a worker go through it if that is worth it."""
        work: _Work[RoomT] = _Work(self._family.steps(segment))
        self._waiting.append(work)
        if not self._family.guesses:
            self._hand_over(work, self._true, work.go_on)
        elif self._pause:
            self._pause -= 1
        elif not self._dull:
            self._hand_over(work, self._parsers.pop() if self._parsers else self._family.parser(), work.guess)

    def join(self) -> tuple[Segment, bytes]:
        """Write the first of the segments that wait; return it, and what of the stream is ready."""
        work = self._waiting.popleft()
        if work.future:
            work.future.result()
        written = self._agree(work)
        if work.found is not None:
            if written < len(work.steps):
                self.writer.put(work.steps[written:], work.found, written)
            self._rooms.append(work.found)
        segment = work.steps[0].segment
        packed = self.writer.take()
        self._dull = len(packed) * _DULL < segment.stop - segment.start
        return segment, packed

    def _hand_over(
        self, work: _Work[RoomT], parser: Parser[RoomT], how: Callable[[Parser[RoomT], RoomT], None]
    ) -> None:
        work.parser = parser
        work.found = self._rooms.pop() if self._rooms else self._family.room()
        work.future = self._pool.submit(how, parser, work.found)

    def _agree(self, work: _Work[RoomT]) -> int:
        """Write steps from the true state until a worker had the same; how many, all of them if it never had."""
        if work.parser is self._true:
            return 0
        for number, snapshot in enumerate(work.snapshots):
            if work.parser and self._true.snapshot(work.steps[number]) == snapshot:
                self._parsers.append(self._true)
                self._true = work.parser
                self._next_pause = 1
                return number
            self._go_on(work.steps[number : number + 1])
        self._go_on(work.steps[len(work.snapshots) :])
        if work.parser:
            self._parsers.append(work.parser)
            self._pause = self._next_pause
            self._next_pause = min(2 * self._next_pause, _MOST_PAUSE)
        return len(work.steps)

    def _go_on(self, steps: list[Step]) -> None:
        if steps:
            self._own.clear()
            self._true.find(steps, self._own)
            self.writer.put(steps, self._own, 0)


def encode(family: Family[RoomT], level: int, chunks: Iterable[Buffer], jobs: int) -> Iterator[bytes]:
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
