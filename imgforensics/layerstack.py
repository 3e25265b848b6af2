"""Layers against the layers below them: what only makes sense, or no sense, where they come together. No I/O.

Names are resolved as runtimes resolve them, inside the root: a leading ``/`` is the root, and ``..`` stops there.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from imgforensics.catalogue import Catalogue
from imgforensics.layerfacts import KEPT, LayerIndex, Pending
from imgforensics.layernames import climbs_out, short
from imgforensics.limits import Limits
from imgforensics.structure import Image, Layer

Links = MutableMapping[int, tuple[str, str]]


class Clash(StrEnum):
    """What is odd about two layers together."""

    BELOW_LEADING_OUT = "below-leading-out"
    BELOW_SYMLINK = "below-symlink"
    NO_TARGET = "no-target"
    TARGET_LATER = "target-later"
    NEVER_THERE = "never-there"


@dataclass(frozen=True, slots=True)
class Clashing:
    """One oddity of a layer in its place."""

    kind: Clash
    member: int
    """Index of the member that is the upper layer."""
    detail: str


@dataclass(frozen=True, slots=True)
class Stacked:
    """What is odd about all layers of an archive in their places."""

    clashes: tuple[Clashing, ...] = ()
    """Of each layer and kind so many at most, each layer on each other once."""
    counts: Mapping[tuple[int, Clash], int] = field(default_factory=dict)
    """How many there are, by member and kind."""
    exceeded: bool = False
    """A limit was reached."""


def stack(catalogue: Catalogue, images: Sequence[Image]) -> Stacked:
    """Compare each layer of each image with those below it; layers that several images share in the same place once."""
    return _Stack(catalogue).run(images)


class _Stack:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._limits: Limits = catalogue.limits
        self._steps = 0
        # The layers below, and one more, to a number that stands for them together.
        self._places: dict[tuple[int, object], int] = {}
        self._clashes: dict[tuple[int, Clash, str], Clashing] = {}
        self._counts: dict[tuple[int, Clash], int] = {}

    def run(self, images: Sequence[Image]) -> Stacked:
        for image in images:
            first = self._first_new(image.layers)
            if first < len(image.layers):
                self._image(image, first)
            if self._steps > self._limits.layer_steps:
                break
        exceeded = self._steps > self._limits.layer_steps
        return Stacked(tuple(self._clashes.values()), self._counts, exceeded)

    def _first_new(self, layers: Sequence[Layer]) -> int:
        """Position of the first layer that was not seen on the same layers before."""
        place, first = 0, len(layers)
        for position, layer in enumerate(layers):
            blob = None if layer.member is None else self._catalogue.blobs.get(layer.member)
            key = (place, None if blob is None else blob.diff_id or blob.digest)
            if key not in self._places:
                first = min(first, position)
                self._places[key] = len(self._places) + 1
            place = self._places[key]
        return first

    def _image(self, image: Image, first: int) -> None:
        links: Links = {}
        lower: list[LayerIndex] = []
        whole = True
        for position, layer in enumerate(image.layers):
            facts = None if layer.member is None else self._catalogue.layers.get(layer.member)
            if facts is None or facts.index is None or facts.end.damage is not None or layer.member is None:
                whole = False
                continue
            index = facts.index
            self._steps += len(index.folders) + len(index.symlinks) + len(links)
            if position >= first:
                for clash, detail in _clashes(index, links, lower if whole else None, self._limits):
                    self._tell(clash, layer.member, detail)
                self._steps += (len(index.hardlinks) + len(index.whiteouts)) * (len(lower) + 1)
            if self._steps > self._limits.layer_steps:
                return
            _apply(index, links)
            lower.append(index)

    def _tell(self, kind: Clash, member: int, detail: str) -> None:
        key = (member, kind)
        if (member, kind, detail) in self._clashes:
            return
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] <= KEPT:
            self._clashes[member, kind, detail] = Clashing(kind, member, detail)


class Ground:
    """The layers below one, for questions of whether it can be unpacked on them. Layers are added from below."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._steps = 0
        self._links: Links = {}
        self._lower: list[LayerIndex] = []
        self._whole = True

    def add(self, index: LayerIndex | None) -> None:
        """Put a layer on top; None where nothing is known of it, so that whatever is missing may be there."""
        if index is None:
            self._whole = False
            return
        _apply(index, self._links)
        self._lower.append(index)

    def missing(self, index: LayerIndex) -> Pending | None:
        """The first hard link of the next layer whose target is not there when its turn comes; None for none."""
        for pending in index.hardlinks:
            if self._known(len(self._lower)) and not _exists(pending, self._lower, self._links, self._limits):
                return pending
        return None

    def below_nothing(self, index: LayerIndex) -> str | None:
        """A symlink that leads nowhere and has entries of the next layer below it; None for none."""
        if not (self._links or index.symlinks):
            return None
        both = [*self._lower, index]
        for key in index.folders:
            found = index.symlinks.get(key) or (None if index.has(key) else self._links.get(key))
            if found is not None and self._known(len(both)):
                target = _resolved(found[0].rpartition("/")[0], found[1])
                if target and not _exists(Pending(found[0], target, 0), both, self._links, self._limits):
                    return short(found[0])
        return None

    def _known(self, steps: int) -> bool:
        """Count the steps of one question; whether it can be answered."""
        self._steps += steps
        return self._whole and self._steps <= self._limits.layer_steps


def _clashes(
    index: LayerIndex, links: Links, lower: Sequence[LayerIndex] | None, limits: Limits
) -> Iterator[tuple[Clash, str]]:
    """What is odd about a layer on these links; and on these layers, where all of them are known."""
    if links:
        for key in index.folders:
            if key in links and not index.has(key):
                link, target = links[key]
                kind = Clash.BELOW_LEADING_OUT if climbs_out(link, target) else Clash.BELOW_SYMLINK
                yield kind, f"{short(link)}, a symlink to {short(target)} in a lower layer"
    if lower is None:
        return
    for pending in index.hardlinks:
        if not _exists(pending, lower, links, limits):
            kind = Clash.TARGET_LATER if pending.later else Clash.NO_TARGET
            yield kind, f"{short(pending.path)}, a hard link to {short(pending.target)}"
    for pending in index.whiteouts:
        if not (pending.later or index.holds(pending.target) or _exists(pending, lower, links, limits)):
            yield Clash.NEVER_THERE, f"{short(pending.path)} removes {short(pending.target)}"


def _exists(pending: Pending, lower: Sequence[LayerIndex], links: Links, limits: Limits) -> bool:
    """Whether some layer holds the target: under its own name, or with links in its folders followed."""
    if any(index.holds(pending.target) for index in lower):
        return True
    path = pending.target
    for _ in range(limits.link_hops):
        following = _follow(path, links)
        if following is None:
            return False
        path = following[: limits.path]
        if any(index.holds(path) for index in lower):
            return True
    return False


def _follow(path: str, links: Links) -> str | None:
    """The path after the first link among its folders is followed, None where there is none."""
    if not links:
        return None
    end = path.find("/")
    while end >= 0:
        found = links.get(hash(path[:end]))
        if found is not None:
            return _resolved(found[0].rpartition("/")[0], found[1]) + path[end:]
        end = path.find("/", end + 1)
    return None


def _resolved(folder: str, target: str) -> str:
    """Where a target leads from a folder."""
    parts = [] if target.startswith("/") else [part for part in folder.split("/") if part]
    for part in target.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _apply(index: LayerIndex, links: Links) -> None:
    """Put a layer on top: what it replaces or removes is no link any more."""
    for key in [key for key in links if index.has(key)]:
        del links[key]
    for pending in index.whiteouts:
        links.pop(hash(pending.target), None)
    links.update(index.symlinks)
