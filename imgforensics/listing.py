"""What is in the layers of images: counts for each layer, and every entry with what becomes of it further up."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from imgforensics.case import Case
from imgforensics.layerentry import Entry, LayerEnd, WhiteoutKind, whiteout
from imgforensics.layerfiles import Opener, Walked, entries, why_closed
from imgforensics.limits import Limits
from imgforensics.model import MemberKind
from imgforensics.overlay import Fate, Overlay
from imgforensics.structure import Image

_ENTRY = 800
"""Memory in bytes of one entry, its texts and the values of its records not counted."""

SETUID, SETGID = 0o4000, 0o2000
"""Bits of a mode (POSIX.1, sys/stat.h)."""


@dataclass(slots=True)
class Contents:
    """What one layer holds, counted."""

    kinds: Counter[MemberKind] = field(default_factory=Counter)
    """Entries by kind, whiteouts not among them."""
    data: int = 0
    """Bytes of data of all entries."""
    whiteouts: int = 0
    opaque: int = 0
    set_id: int = 0
    """Files that are setuid or setgid."""
    with_xattrs: int = 0
    end: LayerEnd | None = None
    """How the reading ended; None before that."""

    @classmethod
    def of(cls, walk: Walked) -> "Contents":
        """Count a layer's entries."""
        contents = cls()
        while True:
            try:
                contents.count(next(walk))
            except StopIteration as stop:
                contents.end = stop.value
                return contents

    def count(self, entry: Entry) -> None:
        """Count one more."""
        taken = None if entry.path is None else whiteout(entry.path)
        if taken is not None and taken[0] is WhiteoutKind.REMOVES:
            self.whiteouts += 1
        elif taken is not None and taken[0] is WhiteoutKind.OPAQUE:
            self.opaque += 1
        else:
            self.kinds[entry.kind] += 1
        self.data += entry.size
        self.set_id += entry.kind is MemberKind.FILE and bool(entry.mode & (SETUID | SETGID))
        self.with_xattrs += bool(entry.pax) and bool(entry.xattrs)


def contents_of(case: Case, images: Iterable[Image], opener: Opener, limits: Limits) -> dict[int, Contents]:
    """The contents of every layer of these images that can be read, by member; each is read once."""
    found: dict[int, Contents] = {}
    for image in images:
        for layer in image.layers:
            if (
                layer.member is not None
                and layer.member not in found
                and why_closed(case.catalogue, layer.member) is None
            ):
                found[layer.member] = Contents.of(entries(opener(layer.member), limits))
    return found


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of one layer, and what becomes of it."""

    layer: int
    """Index of its layer, from 0, lowest first."""
    entry: Entry
    fate: Fate
    by: int | None
    """Index of the layer that does that."""
    takes: tuple[WhiteoutKind, str] | None
    """What it takes away, where it is a whiteout."""
    hides: int
    """Entries of lower layers that it takes away, so far as they are known."""


class Listing:
    """The entries of one image's layers, lowest first. Each layer is read twice: what lies above is found out first.

    Entries of small layers are kept, so that these are read once, however many places they have in the image. A layer
    of several places that is too large for that is listed in the highest of them: it covers itself in those below.
    """

    def __init__(self, case: Case, image: Image, opener: Opener, limits: Limits) -> None:
        self._layers: Sequence[int] = [
            layer.index for layer in image.layers if why_closed(case.catalogue, layer.member) is None
        ]
        self._members = {layer.index: layer.member for layer in image.layers if layer.member is not None}
        self._opener = opener
        self._limits = limits
        self._read = 0
        self._kept: dict[int, tuple[Sequence[Entry], LayerEnd]] = {}
        self._spent = 0
        self.notes = [
            f"layer {layer.index} is not listed, and what it takes away is not known: {reason}"
            for layer in image.layers
            if (reason := why_closed(case.catalogue, layer.member)) is not None
        ]
        """What of the listing is not whole, in words; complete when the last entry was given."""

    def __iter__(self) -> Iterator[Listed]:
        overlay = Overlay(self._limits)
        chosen = self._laid_over(overlay)
        if overlay.cut:
            self.notes.append("there are more paths than are kept in memory: what becomes of some entries is unknown")
        for index in chosen:
            walk = self._entries(index)
            number = 0
            while True:
                try:
                    entry = next(walk)
                except StopIteration as stop:
                    self._note_end(index, stop.value)
                    break
                fate, by = overlay.fate(index, number)
                taken = None if entry.path is None else whiteout(entry.path)
                yield Listed(index, entry, fate, by, taken, overlay.hides(index, number))
                number += 1

    def _laid_over(self, overlay: Overlay) -> Sequence[int]:
        """Read the layers from the top down as far as bounds allow; those that were read, lowest first."""
        left = self._limits.listed
        highest: dict[int, int] = {}
        chosen: list[int] = []
        for index in reversed(self._layers):
            member = self._members[index]
            if member in highest and member not in self._kept:
                again = f"it is layer {highest[member]} once more, and too large to be read for each of its places"
                self.notes.append(f"layer {index} is not listed: {again}")
                continue
            highest.setdefault(member, index)
            count = overlay.add(index, islice(self._entries(index), left + 1))
            left -= count
            if left < 0 or self._read > self._limits.inflated:
                bound = f"{self._limits.listed} entries" if left < 0 else f"{self._limits.inflated} bytes"
                self.notes.append(f"the layers hold more than {bound}: layer {index} and those below are not listed")
                break
            chosen.append(index)
        return chosen[::-1]

    def _entries(self, layer: int) -> Walked:
        member = self._members[layer]
        end: LayerEnd
        if member in self._kept:
            kept, end = self._kept[member]
            yield from kept
            return end
        found: list[Entry] = []
        cost = 0
        walk = entries(self._counted(self._opener(member)), self._limits)
        while True:
            try:
                entry = next(walk)
            except StopIteration as stop:
                end = stop.value
                break
            if self._spent + cost <= self._limits.entries_kept:
                cost += _ENTRY + len(entry.name) + len(entry.linkname) + sum(len(each[1]) for each in entry.pax)
                found.append(entry)
            elif found:
                found = []
            yield entry
        if self._spent + cost <= self._limits.entries_kept:
            self._kept[member] = (found, end)
            self._spent += cost
        return end

    def _counted(self, chunks: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        for chunk in chunks:
            self._read += len(chunk)
            yield chunk

    def _note_end(self, layer: int, end: LayerEnd) -> None:
        if not end.is_tar:
            self.notes.append(f"layer {layer} is no tar")
        elif end.damage is not None:
            self.notes.append(f"layer {layer} is read up to {end.damage.kind}: {end.damage.detail}")
