"""Two lists of things that have identities, matched: what stayed, moved, was exchanged, left and came."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest


class Change(StrEnum):
    """What happened to a place of the list."""

    SAME = "same"
    MOVED = "moved"
    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Step:
    """A place of the first list, of the second, or of both."""

    change: Change
    a: int | None
    b: int | None


def match(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Step]:
    """How the second list came from the first, in the order of the first.

    Equal things are matched, the n-th of a kind with the n-th. The longest run of them that kept its order stayed, the
    others moved. Between two that stayed, what is left is taken as exchanged one for one.
    """
    partners = _partners(a, b)
    stayed = _longest_rising(partners)
    partnered_b = {there for _, there in partners}
    moved = {here: there for here, there in partners if here not in stayed}
    steps: list[Step] = []
    start_a = start_b = 0
    for here, there in (*((here, there) for here, there in partners if here in stayed), (len(a), len(b))):
        gap_a = [place for place in range(start_a, here) if place not in moved]
        gap_b = [place for place in range(start_b, there) if place not in partnered_b]
        gap = [Step(Change.MOVED, place, moved[place]) for place in range(start_a, here) if place in moved]
        gap += _exchanged(gap_a, gap_b)
        steps += sorted(gap, key=lambda step: (step.a is None, step.a or 0, step.b or 0))
        if here < len(a):
            steps.append(Step(Change.SAME, here, there))
        start_a, start_b = here + 1, there + 1
    return steps


def _partners(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    places: dict[Hashable, list[int]] = defaultdict(list)
    for place in range(len(b) - 1, -1, -1):
        places[b[place]].append(place)
    return [(place, places[thing].pop()) for place, thing in enumerate(a) if places.get(thing)]


def _longest_rising(partners: Sequence[tuple[int, int]]) -> set[int]:
    """First places of the longest run in which second places rise (patience sorting)."""
    tails: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for number, (_, there) in enumerate(partners):
        rank = bisect_left(tails, there)
        before.append(at[rank - 1] if rank else -1)
        tails[rank : rank + 1] = [there]
        at[rank : rank + 1] = [number]
    found = set()
    number = at[-1] if at else -1
    while number >= 0:
        found.add(partners[number][0])
        number = before[number]
    return found


def _exchanged(gap_a: Sequence[int], gap_b: Sequence[int]) -> Iterator[Step]:
    for here, there in zip_longest(gap_a, gap_b):
        change = Change.ADDED if here is None else Change.REMOVED if there is None else Change.CHANGED
        yield Step(change, here, there)
