"""What was measured of a blob, to be used again for the same bytes: in another archive, process or run.

Everything kept is a function of the bytes, of this program and of its limits. A blob is only ever taken as known once
all of its bytes, as they lie in this archive, were hashed and have the digest it is known by; what archives claim, and
what a probe suggests, decides only about the order of the work.

The index of a layer holds hashes that mean something in one process alone. So names stand for them in what is kept, and
whoever reads it hashes these again; an index that its names do not explain to the last hash is not kept.
"""

from array import array
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Protocol

from imgforensics import plainpickle
from imgforensics.layerfacts import LayerFacts, LayerIndex
from imgforensics.layernames import folders_of
from imgforensics.limits import MIB
from imgforensics.model import Blob, Digest

ENTRIES = 100_000
"""Names of a layer that are kept. The largest images have as many in one layer; reading them takes a second."""
_MOST = 8 * MIB
"""Bytes kept of one blob."""
_PATH, _FOLDER, _LATE, _DIRECTORY = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Known:
    """One blob, measured."""

    blob: Blob
    layer: LayerFacts | None
    """What is inside, where it is a tar."""


class Memory(Protocol):
    """Where it is kept. For several threads; it never raises."""

    def expects(self, probe: bytes) -> bool:
        """Whether a blob with this probe was seen: one of the same size, and the same bytes in a few places."""

    def recall(self, digest: Digest) -> Known | None:
        """What is known of the blob with this digest."""

    def keep(self, probe: bytes, known: Known, names: AbstractSet[str]) -> None:
        """Remember a blob, and the paths of its entries."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A :class:`Known`, with names for what the hashes of its index stand for."""

    known: Known
    names: str
    """Each followed by a NUL."""
    roles: bytes
    """For each name, what it is in the index."""


def pack(known: Known, names: AbstractSet[str]) -> bytes | None:
    """The bytes of what is known; None where it cannot be kept.

    Args:
        known: the blob.
        names: cleaned paths of all entries of the layer.
    """
    if known.blob.content is not None:
        return None  # a document: it is small, and read anew
    index = None if known.layer is None else known.layer.index
    if known.layer is None or index is None:
        content = plainpickle.pack(_Kept(known, "", b""))
        return content if len(content) <= _MOST else None
    told = _told(index, names)
    if told is None:
        return None
    bare = LayerIndex(
        symlinks=dict(enumerate(index.symlinks.values())),
        hardlinks=index.hardlinks,
        whiteouts=index.whiteouts,
        opaques=index.opaques,
        named=index.named,
        implied=index.implied,
    )
    content = plainpickle.pack(_Kept(replace(known, layer=replace(known.layer, index=bare)), *told))
    return content if len(content) <= _MOST else None


def unpack(content: bytes, digest: Digest) -> Known | None:
    """What is known of the blob with this digest; None if these bytes do not tell, whoever wrote them."""
    kept = plainpickle.unpack(content)
    if not isinstance(kept, _Kept) or not isinstance(kept.known, Known) or not isinstance(kept.known.blob, Blob):
        return None
    known = kept.known
    if known.blob.digest != digest or not isinstance(known.layer, LayerFacts | None):
        return None
    if known.layer is None or known.layer.index is None:
        return known
    try:
        index = _index(known.layer.index, kept.names.split("\0")[:-1], kept.roles)
    except (AttributeError, TypeError, ValueError):  # the right classes around wrong values
        return None
    return replace(known, layer=replace(known.layer, index=index))


def _told(index: LayerIndex, names: AbstractSet[str]) -> tuple[str, bytes] | None:
    """The names that an index is about and their roles; None where they do not explain it."""
    every = {*names}
    for path in names:
        every.update(_above(path, every))
    hashes = {
        _PATH: {*index.paths},
        _FOLDER: {*index.folders},
        _LATE: index.late,
        _DIRECTORY: {*index.directories},
    }
    roles = {name: sum(bit for bit, keys in hashes.items() if hash(name) in keys) for name in every}
    chosen = {name: role for name, role in roles.items() if role}
    whole = (
        all(sum(bool(role & bit) for role in chosen.values()) == len(keys) for bit, keys in hashes.items())
        and _hashes(each.target for each in index.whiteouts) == index.removed
        and _hashes(each.target for each in index.opaques) == index.emptied
        and all(hash(path) == key for key, (path, _) in index.symlinks.items())
        and not any("\0" in name for name in chosen)
    )
    return ("".join(f"{name}\0" for name in chosen), bytes(chosen.values())) if whole else None


def _above(path: str, seen: AbstractSet[str]) -> Iterable[str]:
    """The folders above a path, up to one that was seen with those above it."""
    folder = path.rpartition("/")[0]
    return () if not folder or folder in seen else folders_of(path)


def _index(bare: LayerIndex, names: list[str], roles: bytes) -> LayerIndex:
    roled = list(zip(map(hash, names), roles, strict=True))

    def having(bit: int) -> list[int]:
        return sorted(key for key, role in roled if role & bit)

    return LayerIndex(
        hardlinks=bare.hardlinks,
        whiteouts=bare.whiteouts,
        opaques=bare.opaques,
        named=bare.named,
        paths=array("q", having(_PATH)),
        folders=array("q", having(_FOLDER)),
        directories=array("q", having(_DIRECTORY)),
        implied=bare.implied,
        late=frozenset(having(_LATE)),
        symlinks={hash(link[0]): link for link in bare.symlinks.values()},
        removed=_hashes(each.target for each in bare.whiteouts),
        emptied=_hashes(each.target for each in bare.opaques),
    )


def _hashes(paths: Iterable[str]) -> frozenset[int]:
    return frozenset(map(hash, paths))
