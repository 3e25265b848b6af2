"""Whether programs can unpack an image's layers, as they do while loading it; those that only copy do not look inside.

What layers hold is known where it was looked for; a layer of which nothing is known is taken to be fine.
"""

from collections.abc import Callable, Sequence

from imgforensics.catalogue import Catalogue
from imgforensics.layerfacts import LayerFacts, Odd
from imgforensics.layerground import Ground
from imgforensics.loaders.gonames import clean, parent
from imgforensics.loaders.load import RefusedError
from imgforensics.loaders.streams import blob_trouble
from imgforensics.model import AnomalyKind, Blob, Compression
from imgforensics.tarheader import is_header

Layer = tuple[int, str]
"""A layer's member and its media type; the latter is empty in docker archives."""
Unpack = Callable[[Catalogue, Sequence[Layer]], None]
"""One of the functions below."""

_DUPLICATES = (Odd.TWICE, Odd.TWICE_OTHERWISE, Odd.FOLDER_TWICE, Odd.FOLDER_OTHERWISE, Odd.OPAQUE_AGAIN)
_IMPOSSIBLE = {
    Odd.LINK_USELESS: "is a hard link that cannot be made",
    Odd.BELOW_FILE: "lies below what is no folder",
    Odd.UNHANDLED: "is of a type that is not unpacked",
}
"""What ends with an error in every program that unpacks."""
_DOCKER = "application/vnd.docker."
_CONTAINERD_UNDOES = (Compression.NONE, Compression.GZIP, Compression.ZSTD)


def moby(catalogue: Catalogue, layers: Sequence[Layer]) -> None:
    """Docker's classic store and containers/storage, which unpack in a chroot and list entries by tar-split.

    Imitated: moby, ``pkg/archive`` and ``layer``, of 20.10.24 (judged) to 28.5; containers/storage, ``pkg/archive``,
    of podman 4.3.1 (judged) to 2026; tar-split, ``tar/storage/packer.go``, which takes no name twice.

    Raises:
        RefusedError: one of the layers cannot be unpacked, which ends the load.
    """
    ground = Ground(catalogue.limits)
    for number, (member, _) in enumerate(layers):
        blob, facts = catalogue.blobs.get(member), catalogue.layers.get(member)
        if blob is not None:
            _refuse(number, blob_trouble(blob) or _damage(blob, facts))
        if facts is None:
            continue
        twice = [each for each in facts.odd if each.kind in _DUPLICATES]
        _refuse(number, f"{twice[0].name} stands in it twice" if twice else "")
        _refuse(number, _impossible(facts))
        replaced = any(each.kind is Odd.ROOT_REPLACED for each in facts.odd)
        _refuse(number, "it has a link in the place of the root" if replaced else "")
        root = [each.name for each in facts.odd if each.kind is Odd.BAD_WHITEOUT and _is_root(each.name)]
        _refuse(number, f"{root[0]} removes the root" if root else "")
        if facts.index is not None:
            lost = ground.below_nothing(facts.index)
            _refuse(number, f"entries stand below {lost}, which leads nowhere" if lost else "")
        _refuse(number, _hard_link(facts, ground))
        ground.add(facts.index)


def containerd(catalogue: Catalogue, layers: Sequence[Layer]) -> None:
    """containerd, which undoes gzip and zstd, and nothing where an OCI type says that a layer is plain.

    Imitated: containerd, ``archive/tar.go`` and ``diff/stream.go``, of 1.6.20 (judged) to 2.x (read).

    Raises:
        RefusedError: one of the layers cannot be unpacked.
    """
    ground = Ground(catalogue.limits)
    for number, (member, media_type) in enumerate(layers):
        blob, facts = catalogue.blobs.get(member), catalogue.layers.get(member)
        if blob is not None:
            if blob.compression not in _CONTAINERD_UNDOES:
                _refuse(number, f"{blob.compression} is not undone")
            if blob.compression is not Compression.NONE and _is_plain(media_type):
                _refuse(number, f"it is of type {media_type}, so that {blob.compression} is not undone")
            _refuse(number, blob_trouble(blob) or _damage(blob, facts))
        if facts is None:
            continue
        wrong = [each.name for each in facts.odd if each.kind is Odd.BAD_WHITEOUT and _removes_no_name(each.name)]
        _refuse(number, f"{wrong[0]} removes no name" if wrong else "")
        _refuse(number, _impossible(facts))
        _refuse(number, _hard_link(facts, ground))
        ground.add(facts.index)


def _impossible(facts: LayerFacts) -> str:
    return next((f"{each.name} {_IMPOSSIBLE[each.kind]}" for each in facts.odd if each.kind in _IMPOSSIBLE), "")


def _refuse(number: int, trouble: str) -> None:
    if trouble:
        raise RefusedError(f"layer {number} cannot be unpacked: {trouble}")


def _damage(blob: Blob, facts: LayerFacts | None) -> str:
    """Why a tar ends with an error. An empty file is an empty tar."""
    if blob.compression is Compression.UNSUPPORTED:
        return "it is no tar"
    if facts is None:
        return "" if not blob.head or is_header(blob.head) or not blob.head.strip(b"\0") else "it is no tar"
    damage = facts.end.damage
    if damage is not None and damage.kind is not AnomalyKind.LIMIT:
        return damage.detail
    return "" if facts.end.is_tar or not facts.end.size else "it is no tar"


def _hard_link(facts: LayerFacts, ground: Ground) -> str:
    """A hard link to what is not there. One that leads out of the root is stopped at it, and taken to find nothing."""
    out = next((each for each in facts.odd if each.kind is Odd.LINK_ESCAPES), None)
    if out is not None:
        return f"{out.name} is {out.detail}"
    missing = None if facts.index is None else ground.missing(facts.index)
    return "" if missing is None else f"{missing.path} is a hard link to {missing.target}, which is not there yet"


def _is_plain(media_type: str) -> bool:
    return media_type.endswith(".tar") and not media_type.startswith(_DOCKER)


def _whiteout(name: str) -> tuple[str, str]:
    """Folder and what is removed from it."""
    return parent(name), clean(f"/{name}").rpartition("/")[2].removeprefix(".wh.")


def _is_root(name: str) -> bool:
    folder, removed = _whiteout(name)
    return clean(f"/{folder}/{removed}") == "/"


def _removes_no_name(name: str) -> bool:
    return _whiteout(name)[1] in ("", ".", "..")
