"""Layers laid over each other: what becomes of every entry of a layer in those above it.

Layers are given from the top down, so that what lies above an entry is known when it comes, and of each path only the
nearest layer above that says something about it is kept. What a layer says: an entry takes the place of another of its
path, and, unless both are folders, of all below it; a whiteout takes a path away; an opaque marker takes away what
lower layers have in its folder (image-spec, layer.md, "Whiteouts"). An entry stands for the folders that it lies in,
too, where they have none themselves: these take the place of a file or a symlink. Of a layer's own entries only
earlier ones are meant: one of the same path, and those that lie below what is no folder any more.

Symlinks are followed as overlayfs has it, where a layer is unpacked into an empty folder: an entry or a whiteout below
a symlink of its own layer, which stands before it, means what that leads to; a symlink of a lower layer is not seen,
and a folder takes its place.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from imgforensics.layerentry import Entry, WhiteoutKind, whiteout
from imgforensics.layernames import Links, Steps, folders_of, followed
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import MemberKind, clean_path

_COST = 250
"""Memory in bytes of one path in two dictionaries, its characters not counted."""


class Fate(IntEnum):
    """What becomes of an entry."""

    KEPT = 0
    MERGED = 1
    """A folder that a higher layer lists again: its rights may change, what is in it stays."""
    OVERWRITTEN = 2
    """Another entry of the same path takes its place; in the same layer, the later one does."""
    DELETED = 3
    """By a whiteout of it, or of a folder that it lies in."""
    HIDDEN = 4
    """By an opaque marker in a folder that it lies in."""
    BURIED = 5
    """A folder that it lies in becomes a file or a link."""
    UNKNOWN = 6
    """Its path leads out of the image, is too long, or a bound on memory was reached."""
    IGNORED = 7
    """One of aufs's own names, which runtimes pass over."""


_FATES = 8


@dataclass(frozen=True, slots=True)
class Event:
    """What a layer above says about an entry."""

    fate: Fate
    layer: int
    number: int = -1
    """Of the whiteout among the entries of that layer; -1 where it is none."""


_Above = dict[str, tuple[int, int]]


class Overlay:
    """What is known so far; :meth:`add` layers from the top down."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._folders: dict[str, int] = {}
        self._others: dict[str, int] = {}
        self._implied: dict[str, int] = {}
        self._whiteouts: _Above = {}
        self._opaque: _Above = {}
        self._spent = 0
        self._fates: dict[int, array[int]] = {}
        self._hidden: dict[tuple[int, int], int] = {}
        self._parent: tuple[str, Event | None] | None = None
        self.cut = False
        """A bound on memory was reached: of further paths it is not known what lies above them."""

    def fate(self, layer: int, number: int) -> tuple[Fate, int | None]:
        """What becomes of an entry by its number in its layer, and the layer that does it."""
        packed = self._fates[layer][number]
        fate = Fate(packed % _FATES)
        return fate, None if fate in (Fate.KEPT, Fate.UNKNOWN, Fate.IGNORED) else packed // _FATES

    def hides(self, layer: int, number: int) -> int:
        """How many entries of lower layers a whiteout or an opaque marker takes away."""
        return self._hidden.get((layer, number), 0)

    def add(self, layer: int, entries: Iterable[Entry]) -> int:
        """Take the next layer down; returns how many entries it has."""
        fates = self._fates[layer] = array("I")
        own: dict[str, tuple[int, bool]] = {}
        emptied: dict[str, int] = {}  # folders that were something else before, which took away what lay below
        whiteouts: _Above = {}
        opaque: _Above = {}
        implied: set[str] = set()
        instead: dict[str, int] = {}  # what took the place of folders with entries in them: path to number
        links: dict[int, tuple[str, str]] = {}
        steps = Steps(self._limits.layer_steps)
        self._parent = None
        for number, entry in enumerate(entries):
            path = entry.path
            if path is None or len(path) > self._limits.path or path.count("/") > self._limits.path_depth:
                fates.append(Fate.UNKNOWN)
                continue
            path = self._followed(path, links, steps)
            taken = whiteout(path)
            if taken is not None and taken[0] is WhiteoutKind.PLUMBING:
                fates.append(Fate.IGNORED)
                continue
            self._imply(path, implied)
            if taken is not None:
                fates.append(Fate.KEPT)
                if self._may_keep(path):
                    (whiteouts if taken[0] is WhiteoutKind.REMOVES else opaque)[taken[1]] = (layer, number)
                continue
            is_folder = entry.kind is MemberKind.DIRECTORY
            self._link(path, entry, links)
            fates.append(self._look_up(path, entry.kind))
            if path in implied and not is_folder:
                instead[path] = number
            if path in own:
                before, was_folder = own[path]
                fates[before] = _packed(Fate.MERGED if is_folder and was_folder else Fate.OVERWRITTEN, layer)
                if is_folder and not was_folder:
                    emptied[path] = layer
            if path in own or self._may_keep(path):
                own[path] = (number, is_folder)
        for path, (number, is_folder) in own.items():
            if instead and any(instead.get(folder, -1) > number for folder in folders_of(path)):
                fates[number] = _packed(Fate.BURIED, layer)
            (self._folders if is_folder else self._others)[path] = layer
        self._others.update(emptied)
        self._implied.update(dict.fromkeys(implied, layer))
        self._whiteouts.update(whiteouts)
        self._opaque.update(opaque)
        return len(fates)

    def _link(self, path: str, entry: Entry, links: dict[int, tuple[str, str]]) -> None:
        """Note a symlink of a layer, or a hard link to one, or that something else takes the place of one."""
        linked = links.get(hash(clean_path(entry.linkname))) if entry.kind is MemberKind.HARDLINK else None
        target = entry.linkname if entry.kind is MemberKind.SYMLINK else None if linked is None else linked[1]
        if target is not None and len(links) < self._limits.layer_links:
            links[hash(path)] = path, target[: self._limits.path]
        else:
            links.pop(hash(path), None)

    def _followed(self, path: str, links: Links, steps: Steps) -> str:
        """Where a path leads when the symlinks of its own layer among its folders are followed."""
        for _ in range(self._limits.link_hops if links else 0):
            following = followed(path, links, steps)
            if following is None:
                break
            path = following[: self._limits.path]
        return path

    def _imply(self, path: str, implied: set[str]) -> None:
        """Note the folders that an entry lies in."""
        folder = path.rpartition("/")[0]
        while folder and folder not in implied and self._may_keep(folder):
            implied.add(folder)
            folder = folder.rpartition("/")[0]

    def _may_keep(self, path: str) -> bool:
        if self._spent > self._limits.laid_over:
            self.cut = True
            return False
        self._spent += _COST + len(path)
        return True

    def _look_up(self, path: str, kind: MemberKind) -> int:
        """What the layers above say about a path, as it is kept; counted where a whiteout is meant."""
        found = self._nearest(path, kind)
        if found is None:
            return Fate.UNKNOWN if self.cut else Fate.KEPT
        if found.number >= 0:
            place = (found.layer, found.number)
            self._hidden[place] = self._hidden.get(place, 0) + 1
        return _packed(found.fate, found.layer)

    def _nearest(self, path: str, kind: MemberKind) -> Event | None:
        events = []
        is_folder = kind is MemberKind.DIRECTORY
        if not is_folder and (layer := self._implied.get(path)) is not None:
            events.append(Event(Fate.OVERWRITTEN, layer))
        again = self._folders.get(path)
        if (layer := self._others.get(path)) is not None:
            events.append(Event(Fate.OVERWRITTEN, layer))
        if again is not None and not is_folder:
            events.append(Event(Fate.OVERWRITTEN, again))
        if (above := self._whiteouts.get(path)) is not None:
            events.append(Event(Fate.DELETED, *above))
        if path and (outer := self._around(path.rpartition("/")[0])) is not None:
            events.append(outer)
        if events:
            return min(events, key=_nearness)
        return Event(Fate.MERGED, again) if again is not None else None

    def _around(self, folder: str) -> Event | None:
        """What happens to everything in a folder; entries of one folder mostly follow each other."""
        if self._parent is not None and self._parent[0] == folder:
            return self._parent[1]
        events = []
        place = folder
        while True:
            if (above := self._opaque.get(place)) is not None:
                events.append(Event(Fate.HIDDEN, *above))
            if (above := self._whiteouts.get(place)) is not None:
                events.append(Event(Fate.DELETED, *above))
            if place and (layer := self._others.get(place)) is not None:
                events.append(Event(Fate.BURIED, layer))
            if not place:
                break
            place = place.rpartition("/")[0]
        nearest = min(events, key=_nearness, default=None)
        self._parent = (folder, nearest)
        return nearest


def _nearness(event: Event) -> tuple[int, int]:
    return event.layer, event.fate


def _packed(fate: Fate, layer: int) -> int:
    return fate + _FATES * layer
