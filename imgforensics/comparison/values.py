"""Two JSON values compared: every place at which they differ, by its pointer. No recursion, bounded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.oddities import shortened
from imgforensics.strictjson import escape_pointer

_Place = tuple["_Place", str | int] | None
"""A place as its parent and the last step to it: pointers are spelled only where they are told."""


class _Absent:
    """What stands where there is no value; null is one."""


_ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place."""

    pointer: str
    """RFC 6901; that of the nearest value around it which is short enough, where it is very long."""
    only: Literal["a", "b"] | None
    """The side that alone has a value there; None where both have one."""
    a: object = None
    b: object = None


@dataclass(frozen=True, slots=True)
class Differences:
    """All places, so many of them listed at most."""

    listed: tuple[Difference, ...]
    total: int


def differences(a: object, b: object, limits: Limits = DEFAULT_LIMITS) -> Differences:
    """Compare two parsed documents.

    Objects are compared key by key, arrays item by item once what they share at both ends is left out, so that one
    item that came in between is one difference.
    """
    listed: list[Difference] = []
    total = 0
    pending: list[tuple[_Place, object, object]] = [(None, a, b)]
    while pending:
        place, left, right = pending.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            keys = list(dict.fromkeys((*left, *right)))
            pending += [((place, key), left.get(key, _ABSENT), right.get(key, _ABSENT)) for key in reversed(keys)]
        elif isinstance(left, list) and isinstance(right, list):
            pending += reversed([((place, at), one, other) for at, one, other in _items(left, right)])
        elif type(left) is not type(right) or left != right:
            total += 1
            if len(listed) < limits.differences:
                listed.append(_difference(place, left, right, limits))
    return Differences(tuple(listed), total)


def _items(left: Sequence[object], right: Sequence[object]) -> Iterator[tuple[int, object, object]]:
    start = 0
    shorter = min(len(left), len(right))
    if len(left) != len(right):
        while start < shorter and _equal(left[start], right[start]):
            start += 1
        end = 0
        while end < shorter - start and _equal(left[-1 - end], right[-1 - end]):
            end += 1
        left, right = left[: len(left) - end], right[: len(right) - end]
    for at in range(start, max(len(left), len(right))):
        yield at, left[at] if at < len(left) else _ABSENT, right[at] if at < len(right) else _ABSENT


def _equal(one: object, other: object) -> bool:
    """Whether two values are the same in JSON, where true is not 1."""
    if one != other:
        return False
    pending = [(one, other)]
    while pending:
        left, right = pending.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, dict) and isinstance(right, dict):
            pending += [(value, right[key]) for key, value in left.items()]
        elif isinstance(left, list) and isinstance(right, list):
            pending += zip(left, right, strict=True)
    return True


def _difference(place: _Place, left: object, right: object, limits: Limits) -> Difference:
    pointer = shortened(_spelled(place), limits.pointer)
    if left is _ABSENT:
        return Difference(pointer, "b", b=right)
    if right is _ABSENT:
        return Difference(pointer, "a", a=left)
    return Difference(pointer, None, left, right)


def _spelled(place: _Place) -> str:
    tokens = []
    while place is not None:
        place, token = place
        tokens.append(escape_pointer(str(token)))
    return "".join(f"/{token}" for token in reversed(tokens))
