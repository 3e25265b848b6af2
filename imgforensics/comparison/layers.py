"""The layers of two images compared by what they hold: which stayed, moved, left, came, and what differs in a pair."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from imgforensics.case import Case
from imgforensics.comparison.files import FileChanges, Side, compare, of_layer
from imgforensics.comparison.order import Change, match
from imgforensics.layerfiles import Opener, hashed, why_closed
from imgforensics.limits import Limits
from imgforensics.structure import Image, Layer

_LISTED_PAIRS = 20
"""How many times :attr:`~imgforensics.limits.Limits.differences` are listed of all pairs of layers together."""


_READS = 3
"""How often a layer is read that is compared with several, and was too large to be kept."""

_DIFFERENT = (Change.ADDED.value, Change.REMOVED.value, Change.CHANGED.value)
_UNTOLD = (
    "they differ in ways that are not told file by file: the order of entries, further records of their headers, or "
    "bytes between and behind them"
)


@dataclass(frozen=True, slots=True)
class Half:
    """One of the two archives."""

    case: Case
    opener: Opener


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A layer of the first image, of the second, or one of each."""

    change: Change
    a: Layer | None
    b: Layer | None
    files: FileChanges | None = None
    """What differs in them; None where they are the same, or could not be compared."""
    why_not: str | None = None
    """Why the files were not compared."""


class LayerComparer:
    """Compares layers of two archives; a pair that several images share is compared once.

    The files of a layer are kept for further pairs while there is room. A layer that was read so many times, or pairs
    of layers that were all read before and hold too many files together, are compared no more: images that share
    layers crosswise make more pairs than there are layers.
    """

    def __init__(self, a: Half, b: Half, limits: Limits) -> None:
        self._a = a
        self._b = b
        self._limits = limits
        self._known: dict[tuple[int | None, int | None], FileChanges] = {}
        self._read = 0
        self._reads: Counter[tuple[str, int | None]] = Counter()
        self._kept: dict[tuple[str, int | None], Side] = {}
        self._again = 0
        self._left = _LISTED_PAIRS * limits.differences

    def compare(self, a: Image | None, b: Image | None) -> tuple[LayerChange, ...]:
        """The layers of two images; all of one where there is no other, and no files of theirs."""
        of_a, of_b = a.layers if a is not None else (), b.layers if b is not None else ()
        steps = match(
            [_identity(self._a.case, layer) for layer in of_a], [_identity(self._b.case, layer) for layer in of_b]
        )
        changes = []
        for step in steps:
            one = None if step.a is None else of_a[step.a]
            other = None if step.b is None else of_b[step.b]
            if a is None or b is None or step.change in (Change.SAME, Change.MOVED):
                changes.append(LayerChange(step.change, one, other))
            else:
                changes.append(self._pair(step.change, one, other))
        return tuple(changes)

    def _pair(self, change: Change, a: Layer | None, b: Layer | None) -> LayerChange:
        for name, half, layer in (("A", self._a, a), ("B", self._b, b)):
            why = None if layer is None else why_closed(half.case.catalogue, layer.member)
            if why is not None:
                return LayerChange(change, a, b, why_not=f"in {name} {why}")
        members = (None if a is None else a.member, None if b is None else b.member)
        if members not in self._known:
            why = self._exhausted(members)
            if why is not None:
                return LayerChange(change, a, b, why_not=why)
            most = min(self._limits.differences, self._left)
            of_a, of_b = self._side("A", self._a, members[0]), self._side("B", self._b, members[1])
            found = compare(of_a, of_b, self._limits, most)
            self._left -= len(found.listed)
            if a is not None and b is not None and not any(found.counts.get(each) for each in _DIFFERENT):
                found = replace(found, notes=(*found.notes, _UNTOLD))
            self._known[members] = found
        return LayerChange(change, a, b, self._known[members])

    def _exhausted(self, members: tuple[int | None, int | None]) -> str | None:
        """Why nothing more is read for a pair; None where it may be."""
        if self._read > self._limits.inflated:
            return f"more than {self._limits.inflated} bytes were compared"
        if self._again > self._limits.listed:
            return f"more than {self._limits.listed} files were compared that had been compared before"
        for key in zip("AB", members, strict=True):
            if key not in self._kept and self._reads[key] >= _READS:
                return f"in {key[0]} it was read {_READS} times for other pairs"
        return None

    def _side(self, name: str, half: Half, member: int | None) -> Side:
        if member is None:
            return Side()
        key = (name, member)
        side = self._kept.pop(key, None)
        if side is None:
            self._reads[key] += 1
            side = of_layer(hashed(self._counted(half.opener(member)), self._limits), self._limits)
        else:
            self._again += len(side.files)
        self._kept[key] = side
        room = self._limits.laid_over // 2
        spent = sum(each.spent for each in self._kept.values())
        for other in list(self._kept):
            if spent <= room:
                break
            spent -= self._kept.pop(other).spent
        return side

    def _counted(self, chunks: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        for chunk in chunks:
            self._read += len(chunk)
            yield chunk


def _identity(case: Case, layer: Layer) -> Hashable:
    """What a layer is the same by: its uncompressed bytes, else its stored ones, else what is claimed of it."""
    blob = None if layer.member is None else case.catalogue.blobs.get(layer.member)
    if blob is None:
        claims = layer.claimed_diff_id or tuple(reference.claims for reference in layer.references)
        return ("claimed", claims)
    return ("uncompressed", blob.diff_id) if blob.diff_id is not None else ("stored", blob.digest)
