"""Whether programs can unpack an image's layers, as they do while loading it; those that only copy do not look inside.

Layers are taken to be put on each other by overlayfs, as all of these programs do by default: each is unpacked into an
empty folder, sees nothing of those below it, and a whiteout is a device in the place of what it removes. What layers
hold is known where it was looked for; a layer of which nothing is known is taken to be fine.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from imgforensics.catalogue import Catalogue
from imgforensics.layerfacts import LayerFacts, Odd
from imgforensics.loaders.gonames import clean, parent
from imgforensics.loaders.load import RefusedError
from imgforensics.loaders.streams import blob_trouble
from imgforensics.model import AnomalyKind, Blob, Compression
from imgforensics.sniffing import SKIPPABLE, begins_like
from imgforensics.tarheader import is_header

Layer = tuple[int, str]
"""A layer's member and its media type; the latter counts to containerd alone."""
Unpack = Callable[[Catalogue, Sequence[Layer]], None]
"""One of the functions below."""

_ANYWHERE = {
    Odd.LINK_USELESS: "is a hard link that cannot be made",
    Odd.LINK_ESCAPES: "is a hard link out of the layer",
    Odd.BELOW_FILE: "lies below what is no folder",
    Odd.BELOW_REMOVED: "lies below a whiteout",
    Odd.UNHANDLED: "is of a type that is not unpacked",
    Odd.REFUSED: "has what Linux refuses",
    Odd.WHITEOUT_AFTER: "is a whiteout of what the layer holds",
    Odd.WHITEOUT_AGAIN: "is a whiteout that repeats",
}
"""What ends with an error in every program that unpacks."""
_TAR_SPLIT = dict.fromkeys(
    (Odd.TWICE, Odd.TWICE_OTHERWISE, Odd.FOLDER_TWICE, Odd.FOLDER_OTHERWISE, Odd.OPAQUE_AGAIN), "stands in it twice"
)
_CHROOT = _TAR_SPLIT | {
    Odd.REFUSED_TRUSTED: "has an attribute that Linux refuses",
    Odd.BAD_WHITEOUT: "is a whiteout of a folder by itself",
    Odd.BELOW_DANGLING: "lies below a symlink to what the layer does not hold",
}
_FORBIDDEN = {Odd.REFUSED_FORBIDDEN: "has an attribute that Linux forbids there"}
_BELOW_REMOVED = {Odd.WHITEOUT_BELOW_REMOVED: "is a whiteout below another"}
_DATED = {Odd.FOLDER_DANGLES: "is a symlink to what the layer does not hold, where a folder is to be dated"}
_CONTAINERD_UNDOES = (Compression.NONE, Compression.GZIP, Compression.ZSTD)


def docker(catalogue: Catalogue, layers: Sequence[Layer]) -> None:
    """Docker's classic store, which unpacks in a chroot and lists entries by tar-split.

    Imitated: moby, ``pkg/archive``, ``daemon/graphdriver/overlay2`` and ``layer``, of 20.10.24 (judged) to 28.5;
    tar-split, ``tar/storage/packer.go``, which takes no name twice.

    Raises:
        RefusedError: one of the layers cannot be unpacked, which ends the load.
    """
    _refuse_disguised(catalogue, layers, skippable=True)
    _refuse_roots(catalogue, layers)
    _unpack(catalogue, layers, _ANYWHERE | _CHROOT | _BELOW_REMOVED)


def storage(catalogue: Catalogue, layers: Sequence[Layer]) -> None:
    """containers/storage, which does as Docker does, but for whiteouts below others, and attributes that are forbidden.

    Imitated: containers/storage, ``pkg/archive`` and ``drivers/overlay``, of podman 4.3.1 (judged) to 2026.

    Raises:
        RefusedError: one of the layers cannot be unpacked, which ends the load.
    """
    _refuse_disguised(catalogue, layers, skippable=False)
    for number, (member, _) in enumerate(layers):
        _refuse_skippable(number, catalogue.blobs.get(member))
    _refuse_roots(catalogue, layers)
    _unpack(catalogue, layers, _ANYWHERE | _CHROOT | _FORBIDDEN)


_OCI_LAYERS = (
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
)
_DOCKER_LAYERS = frozenset(
    f"application/vnd.docker.image.rootfs.{foreign}diff.tar{packed}"
    for foreign in ("", "foreign.")
    for packed in ("", ".gzip", ".zstd")
)
"""Types of layers that it unpacks, without what follows a plus (``images.DiffCompression``)."""
_ENCRYPTED = frozenset(f"{_OCI_LAYERS[0]}{packed}+encrypted" for packed in ("", "+gzip"))
"""Types for which its default configuration names a program, which has no key."""


def containerd(catalogue: Catalogue, layers: Sequence[Layer]) -> None:
    """containerd, which undoes gzip and zstd, and nothing where an OCI type says that a layer is plain.

    Imitated: containerd, ``archive/tar.go`` and ``diff/stream.go``, of 1.6.20 (judged) to 2.x (read).

    Raises:
        RefusedError: one of the layers cannot be unpacked.
    """
    for number, (member, media_type) in enumerate(layers):
        blob, facts = catalogue.blobs.get(member), catalogue.layers.get(member)
        _refuse(
            number, f"it is of type {media_type or '(none)'}, which is not unpacked" if _is_strange(media_type) else ""
        )
        if blob is not None:
            disguise = None if _is_plain(media_type) else _disguise(blob)
            _refuse(number, f"it begins like {disguise}" if disguise in _CONTAINERD_UNDOES else "")
            if blob.compression not in _CONTAINERD_UNDOES:
                _refuse(number, f"{blob.compression} is not undone")
            if blob.compression is not Compression.NONE and _is_plain(media_type):
                _refuse(number, f"it is of type {media_type}, so that {blob.compression} is not undone")
        if facts is not None:
            wrong = [each.name for each in facts.odd if each.kind is Odd.BAD_WHITEOUT and _removes_no_name(each.name)]
            _refuse(number, f"{wrong[0]} removes no name" if wrong else "")
    _unpack(catalogue, layers, _ANYWHERE | _BELOW_REMOVED | _DATED)


def stereoscope(catalogue: Catalogue, layers: Sequence[Layer]) -> None:
    """As syft and grype, which look at each entry of each layer; of compressed streams only what the tar needs.

    Imitated: stereoscope, ``pkg/image/layer.go``, of syft 1.18.1 (judged).

    Raises:
        RefusedError: one of the layers is no tar, or a damaged one.
    """
    for number, (member, _) in enumerate(layers):
        blob, facts = catalogue.blobs.get(member), catalogue.layers.get(member)
        if blob is not None and (facts is not None or not blob.anomalies):
            _refuse_skippable(number, blob)
            disguise = None if number else _disguise(blob)  # the lowest layer tells of all whether they are compressed
            _refuse(number, f"it begins like {disguise}" if disguise in _CONTAINERD_UNDOES else "")
            _refuse(number, _damage(blob, facts))


_READ_TO_AN_END = (AnomalyKind.LIMIT, AnomalyKind.DANGLING_EXTENSION)
"""What ends the reading here, and is no error to Go's reader, or was not looked at."""


def _disguise(blob: Blob) -> Compression | None:
    """What a plain layer is taken for by programs that go by its first bytes; None where it is not."""
    return begins_like(blob.head) if blob.compression is Compression.NONE else None


def _refuse_disguised(catalogue: Catalogue, layers: Iterable[Layer], *, skippable: bool) -> None:
    """Refuse plain layers that are taken for compressed ones, also by a skippable frame of zstd where that is known."""
    for number, (member, _) in enumerate(layers):
        blob = catalogue.blobs.get(member)
        if blob is not None and (skippable or not blob.head.startswith(SKIPPABLE)):
            disguise = _disguise(blob)
            _refuse(number, "" if disguise is None else f"it begins like {disguise}")


def _refuse_skippable(number: int, blob: Blob | None) -> None:
    """Refuse zstd that begins with a skippable frame, for programs that know it by a frame of data only."""
    skippable = blob is not None and blob.skips_first
    _refuse(number, "it begins with a skippable frame, and is not taken for zstd" if skippable else "")


def _refuse_roots(catalogue: Catalogue, layers: Iterable[Layer]) -> None:
    """Refuse layers in which something else than a folder is called ``/``; by other names the root is passed over."""
    for number, (member, _) in enumerate(layers):
        facts = catalogue.layers.get(member)
        for each in () if facts is None else facts.odd:
            rooted = each.kind is Odd.ROOT_REPLACED and each.name.startswith("/")
            _refuse(number, f"{each.name} takes the place of the root" if rooted else "")


def _unpack(catalogue: Catalogue, layers: Iterable[Layer], impossible: Mapping[Odd, str]) -> None:
    for number, (member, _) in enumerate(layers):
        blob, facts = catalogue.blobs.get(member), catalogue.layers.get(member)
        if blob is not None:
            _refuse(number, blob_trouble(blob) or _damage(blob, facts))
        if facts is not None:
            _refuse(number, _odd(facts, impossible) or _hard_link(facts))


def _odd(facts: LayerFacts, impossible: Mapping[Odd, str]) -> str:
    return next((f"{each.name} {impossible[each.kind]}" for each in facts.odd if each.kind in impossible), "")


def _hard_link(facts: LayerFacts) -> str:
    """A hard link to what the layer does not hold before it; a whiteout is a file, to which one can be made."""
    index = facts.index
    pending = () if index is None else (each for each in index.hardlinks if hash(each.target) not in index.removed)
    return next((f"{each.path} is a hard link to {each.target}, which is not there yet" for each in pending), "")


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
    if damage is not None and damage.kind not in _READ_TO_AN_END:
        return damage.detail
    return "" if facts.end.is_tar or not facts.end.size else "it is no tar"


def _is_strange(media_type: str) -> bool:
    """Whether a type is none of a layer to containerd, or one that asks for a program to decrypt it."""
    base = media_type.partition("+")[0]
    return (base not in _OCI_LAYERS and base not in _DOCKER_LAYERS) or media_type in _ENCRYPTED


def _is_plain(media_type: str) -> bool:
    """Whether a type says to containerd that nothing is compressed: what follows a plus counts, in order of letters."""
    base, *extensions = media_type.split("+")
    if base in _OCI_LAYERS:
        return max(extensions, default="") not in ("gzip", "zstd")
    return bool(extensions)


def _whiteout(name: str) -> tuple[str, str]:
    """Folder and what is removed from it."""
    return parent(name), clean(f"/{name}").rpartition("/")[2].removeprefix(".wh.")


def _removes_no_name(name: str) -> bool:
    return _whiteout(name)[1] in ("", ".", "..")
