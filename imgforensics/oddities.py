"""Oddities as they are met: in order, no two alike, of each kind so many at most.

The bound is one a kind, so that a flood of one kind never hides another: what a check would find is still found once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import Anomaly, AnomalyKind


class Oddities:
    """A bounded collection of anomalies. That the bound was reached is one of them, of the kind LIMIT."""

    def __init__(self, most: int = DEFAULT_LIMITS.problems, pointer: int = DEFAULT_LIMITS.pointer) -> None:
        """Begin with none.

        Args:
            most: anomalies of one kind that are kept.
            pointer: characters of a JSON pointer that are kept, see :func:`shortened`.
        """
        self._most = most
        self._pointer = pointer
        self._kept: dict[Anomaly, None] = {}
        self._counts: dict[AnomalyKind, int] = {}

    def append(self, anomaly: Anomaly) -> None:
        """Keep one, unless it is there already or its kind has reached the bound."""
        if self.full(anomaly.kind):
            self.leave_out(anomaly.kind)
            return
        if anomaly.pointer is not None and len(anomaly.pointer) > self._pointer:
            anomaly = replace(anomaly, pointer=shortened(anomaly.pointer, self._pointer))
        if anomaly not in self._kept:
            self._kept[anomaly] = None
            self._counts[anomaly.kind] = self._counts.get(anomaly.kind, 0) + 1

    def extend(self, anomalies: Iterable[Anomaly]) -> None:
        """Keep several."""
        for anomaly in anomalies:
            self.append(anomaly)

    def full(self, kind: AnomalyKind) -> bool:
        """Whether no more of this kind are kept."""
        return self._counts.get(kind, 0) >= self._most

    def leave_out(self, kind: AnomalyKind) -> None:
        """Say that there are more of this kind than are kept."""
        detail = f"more than {self._most} oddities of the kind {kind.value!r}; the others are not listed"
        self._kept.setdefault(Anomaly(AnomalyKind.LIMIT, detail))

    def __iter__(self) -> Iterator[Anomaly]:
        return iter(self._kept)


def shortened(pointer: str, most: int) -> str:
    """A JSON pointer to the innermost value around this place whose own pointer has ``most`` characters at most."""
    return pointer if len(pointer) <= most else pointer[: most + 1].rpartition("/")[0]
