"""Files that stand twice in a layer, of one size: whether their bytes differ. The layer is read once more. No I/O."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from imgforensics.layercolumns import owner_of
from imgforensics.layerentry import Entry
from imgforensics.layerfacts import KEPT, LayerFacts, Odd, OddEntry
from imgforensics.layernames import short
from imgforensics.layerwalk import LayerWalker
from imgforensics.limits import Limits
from imgforensics.model import MemberKind


def compared(facts: LayerFacts, chunks: Iterable[bytes | memoryview], limits: Limits) -> LayerFacts:
    """The facts of a layer, in which files whose bytes differ from those of the first of their path are told apart.

    Args:
        facts: what the first reading found.
        chunks: the layer once more, uncompressed, in chunks that are each valid until the next is asked for.
        limits: bounds on the reading.
    """
    twins = _Twins(facts)
    walker = LayerWalker(limits)
    base = 0
    for chunk in chunks:
        view = memoryview(chunk)
        twins.take(view, base)
        for entry in walker.feed(view):
            twins.begin(entry)
            twins.take(view, base)
        base += len(view)
    return _told(facts, twins)


class _Twins:
    """Hashes the data of the files of some paths, and compares those that differ in nothing else."""

    def __init__(self, facts: LayerFacts) -> None:
        self._alike = facts.alike
        self._first: dict[int, tuple[tuple[int, int, int], bytes]] = {}
        self._open: Entry | None = None
        self._taken = 0
        self._sha256 = hashlib.sha256()
        self._shown = {each.offset for each in facts.odd if each.kind is Odd.TWICE}
        self.differs: dict[int, bool] = {}
        """Of those that the facts name, by the offsets of their headers."""
        self.others: list[Entry] = []
        """The first that differ."""
        self.count = 0
        """How many do."""

    def begin(self, entry: Entry) -> None:
        """An entry whose data follow."""
        self._open = None
        if entry.kind is MemberKind.FILE and entry.size and hash(entry.path) in self._alike:
            self._open, self._taken, self._sha256 = entry, entry.data, hashlib.sha256()

    def take(self, view: memoryview, base: int) -> None:
        """Bytes of the layer, from this offset on; those that were taken already may be among them."""
        entry = self._open
        if entry is None:
            return
        end = min(base + len(view), entry.data + entry.size)
        if end > self._taken:
            self._sha256.update(view[self._taken - base : end - base])
            self._taken = end
        if self._taken == entry.data + entry.size:
            self._open = None
            self._compare(entry, self._sha256.digest())

    def _compare(self, entry: Entry, digest: bytes) -> None:
        kind = (entry.size, entry.mode & 0o7777, owner_of(entry))
        first, of_first = self._first.setdefault(hash(entry.path), (kind, digest))
        if first != kind:
            return
        if entry.header in self._shown:
            self.differs[entry.header] = digest != of_first
        if digest != of_first:
            self.count += 1
            if len(self.others) < KEPT:
                self.others.append(entry)


def _told(facts: LayerFacts, twins: _Twins) -> LayerFacts:
    odd = []
    for each in facts.odd:
        differs = twins.differs.get(each.offset) if each.kind is Odd.TWICE else None
        if differs is None:
            odd.append(each)
        elif not differs:
            odd.append(replace(each, detail="each time a file with the same bytes"))
    odd += [
        OddEntry(
            Odd.TWICE_OTHERWISE, short(entry.name), f"each time a file of {entry.size} bytes, with others", entry.header
        )
        for entry in twins.others
    ]
    counts = dict(facts.odd_counts)
    counts[Odd.TWICE] -= twins.count
    counts[Odd.TWICE_OTHERWISE] = counts.get(Odd.TWICE_OTHERWISE, 0) + twins.count
    told = {kind: count for kind, count in counts.items() if count > 0}
    return replace(facts, odd=tuple(odd), odd_counts=told, alike=frozenset())
