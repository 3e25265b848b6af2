"""Layers against the layers below them: what only makes sense, or no sense, where they come together. No I/O.

Names are resolved as runtimes resolve them, inside the root: a leading ``/`` is the root, and ``..`` stops there.
"""

from collections.abc import Container, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from imgforensics.catalogue import Catalogue
from imgforensics.layerfacts import KEPT, LayerIndex
from imgforensics.layernames import Links, Steps, effort, folders_of, followed, leads_out, short
from imgforensics.limits import Limits
from imgforensics.structure import Image, Layer

_LOOK = 16
"""Steps that a search in an index takes."""


class Clash(StrEnum):
    """What is odd about two layers together."""

    BELOW_LEADING_OUT = "below-leading-out"
    BELOW_SYMLINK = "below-symlink"
    NO_TARGET = "no-target"
    TARGET_LATER = "target-later"
    TARGET_BELOW = "target-below"
    BELOW_FILE = "below-file"
    WHITEOUT_BELOW = "whiteout-below"
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
        self._steps = Steps(catalogue.limits.layer_steps)
        # The layers below, and one more, to a number that stands for them together.
        self._places: dict[tuple[int, object], int] = {}
        self._clashes: dict[tuple[int, Clash, str], Clashing] = {}
        self._counts: dict[tuple[int, Clash], int] = {}

    def run(self, images: Sequence[Image]) -> Stacked:
        for image in images:
            first = self._first_new(image.layers)
            if first < len(image.layers):
                self._image(image, first)
            if self._steps.exceeded:
                break
        return Stacked(tuple(self._clashes.values()), self._counts, self._steps.exceeded)

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
        links: dict[int, tuple[str, str]] = {}
        lower: list[LayerIndex] = []
        whole = True
        for position, layer in enumerate(image.layers):
            facts = None if layer.member is None else self._catalogue.layers.get(layer.member)
            if facts is None or facts.index is None or facts.end.damage is not None or layer.member is None:
                whole = False
                continue
            index = facts.index
            if position >= first:
                self._steps.spend(len(index.folders))
                for clash, detail in _clashes(index, links, lower if whole else None, self._limits, self._steps):
                    self._tell(clash, layer.member, detail)
            apply(index, links, self._steps)
            if self._steps.exceeded:
                return
            lower.append(index)

    def _tell(self, kind: Clash, member: int, detail: str) -> None:
        key = (member, kind)
        if (member, kind, detail) in self._clashes:
            return
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] <= KEPT:
            self._clashes[member, kind, detail] = Clashing(kind, member, detail)


def _clashes(
    index: LayerIndex, links: Links, lower: Sequence[LayerIndex] | None, limits: Limits, steps: Steps
) -> Iterator[tuple[Clash, str]]:
    """What is odd about a layer on these links; and on these layers, where all of them are known."""
    if links:
        yield from _below(index, links, limits, steps)
    if lower is None:
        return
    for pending in index.hardlinks:
        if not exists(pending.target, index, lower, links, limits, steps):
            if steps.exceeded:
                return
            kind = Clash.TARGET_LATER if pending.later else Clash.NO_TARGET
            yield kind, f"{short(pending.path)}, a hard link to {short(pending.target)}"
        elif not (pending.later or hash(pending.target) in index.removed):
            yield Clash.TARGET_BELOW, f"{short(pending.path)}, a hard link to {short(pending.target)}"
    for folder in index.implied:
        if _is_file(folder, index, lower, links, limits, steps):
            yield Clash.BELOW_FILE, f"{short(folder)} is no folder in a lower layer"
    for pending in index.whiteouts:
        if not (
            pending.later or index.holds(pending.target) or exists(pending.target, None, lower, links, limits, steps)
        ):
            if steps.exceeded:
                return
            yield Clash.NEVER_THERE, f"{short(pending.path)} removes {short(pending.target)}"


def _below(index: LayerIndex, links: Links, limits: Limits, steps: Steps) -> Iterator[tuple[Clash, str]]:
    """Entries and whiteouts of a layer whose paths go through links of lower ones."""
    before = {hash(pending.target) for pending in index.whiteouts if not pending.later}
    for key in index.folders:
        if key in links and (not index.has(key) or key in index.late):
            link, target = links[key]
            if not steps.spend(effort(link)):
                return
            if taken_away(link, before, index.emptied):
                continue
            out = leads_out(link, target, links, limits.link_hops, steps, absolute=False)
            kind = Clash.BELOW_LEADING_OUT if out else Clash.BELOW_SYMLINK
            yield kind, f"{short(link)}, a symlink to {short(target)} in a lower layer"
    for pending in (*index.whiteouts, *index.opaques):
        if not steps.spend(effort(pending.path)):
            return
        for folder in folders_of(pending.path):
            key = hash(folder)
            if key in links and not index.has(key) and not taken_away(links[key][0], before, index.emptied):
                link, target = links[key]
                yield Clash.WHITEOUT_BELOW, f"{short(pending.path)}, where {short(link)} leads to {short(target)}"
                break


def taken_away(link: str, removed: Container[int], emptied: Container[int]) -> bool:
    """Whether a layer removes a link of a lower one, or a folder around it, or empties such a folder."""
    around = ("", *folders_of(link))
    return hash(link) in removed or any(hash(each) in removed or hash(each) in emptied for each in around)


def exists(
    target: str, own: LayerIndex | None, lower: Sequence[LayerIndex], links: Links, limits: Limits, steps: Steps
) -> bool:
    """Whether some layer holds the target: under its own name, or with links in its folders followed.

    Of a layer's own entries only those count that a link of a lower layer leads to: of the others it was seen already.
    """
    path = target
    for _ in range(limits.link_hops + 1):
        if path != target and own is not None and own.holds(path):
            return True
        if _below_holds(path, lower, steps):
            return True
        following = followed(path, links, steps)
        if following is None:
            return False
        path = following[: limits.path]
    return False


def _is_file(
    folder: str, own: LayerIndex, lower: Sequence[LayerIndex], links: Links, limits: Limits, steps: Steps
) -> bool:
    """Whether what lower layers have in the place of a folder, links followed, is something else."""
    path = folder
    for _ in range(limits.link_hops):
        following = followed(f"{path}/", links, steps)
        if following is None:
            break
        path = following.rstrip("/")[: limits.path]
        if own.holds(path):
            return False
    key = hash(path)
    for index in reversed(lower):
        if not steps.spend(_LOOK) or index.makes_folder(key):
            return False
        if index.has(key):
            return key not in index.symlinks
        if index.removed or index.emptied:
            steps.spend(effort(path))
            if index.removes(path):
                return False
    return False


def _below_holds(path: str, lower: Sequence[LayerIndex], steps: Steps) -> bool:
    """Whether a layer holds a path that none above it takes away."""
    for index in reversed(lower):
        if not steps.spend(_LOOK):
            return False
        if index.holds(path):
            return True
        if index.removed or index.emptied:
            steps.spend(effort(path))
            if index.removes(path):
                return False
    return False


def apply(index: LayerIndex, links: MutableMapping[int, tuple[str, str]], steps: Steps) -> None:
    """Put a layer on top of links: what it replaces or removes is no link any more."""
    if len(index.paths) < len(links):
        steps.spend(len(index.paths))
        for key in index.paths:
            links.pop(key, None)
    else:
        steps.spend(2 * len(links))
        for key in [key for key in links if index.has(key)]:
            del links[key]
    if index.removed or index.emptied:
        for key, (path, _) in list(links.items()):
            if not steps.spend(effort(path)):
                return
            if index.removes(path):
                del links[key]
    steps.spend(len(index.symlinks))
    links.update(index.symlinks)
