"""What a layer's tar holds: one entry, how the reading ended, and what a whiteout takes away. Values; no I/O."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from imgforensics.model import Anomaly, MemberKind, Span
from imgforensics.tartext import Note, decode

ATTRIBUTES = _SCHILY, _LIBARCHIVE = b"SCHILY.xattr.", b"LIBARCHIVE.xattr."
"""How the keys of PAX records that are extended attributes begin: in star's spelling, and in libarchive's."""
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


TOC = "stargz.index.json"
"""Path of the entry that holds an eStargz layer's table of contents (stargz-snapshotter, docs/estargz.md)."""


class Entry(NamedTuple):
    """One entry of a layer as its headers claim it. A tuple, since a layer may have a million of them."""

    name: str
    """As it stands; UTF-8 with surrogateescape."""
    path: str | None
    """The name cleaned, ``""`` for the root; None where ``..`` leads out of it."""
    kind: MemberKind
    typeflag: str
    """The type byte as it stands, decoded as Latin-1."""
    size: int
    """Bytes of data in the layer; 0 for types that carry none."""
    mode: int
    uid: int
    gid: int
    uname: str
    gname: str
    mtime: float
    """Seconds since 1970."""
    linkname: str
    devmajor: int
    devminor: int
    pax: tuple[tuple[bytes, bytes], ...]
    """Records of its PAX header in order, every occurrence kept."""
    header: int
    """Offset of its first header block, extensions included, in bytes of the uncompressed layer."""
    data: int
    """Offset of its data in the same."""
    notes: tuple[Note, ...]
    """What is odd about its headers; so many at most."""

    @property
    def xattrs(self) -> Mapping[str, bytes]:
        """Extended attributes by name, as star (``SCHILY.xattr.``) and libarchive write them; the last one counts."""
        found = {}
        for key, value in self.pax:
            if key.startswith(_SCHILY):
                found[decode(key[len(_SCHILY) :])] = value
            elif key.startswith(_LIBARCHIVE):
                found[decode(_ESCAPE.sub(_unescape, key[len(_LIBARCHIVE) :]))] = _from_base64(value)
        return found


@dataclass(frozen=True, slots=True)
class LayerEnd:
    """How the reading of a layer ended."""

    is_tar: bool
    """Whether it begins like a tar: with a header, or with the end marker of an empty one."""
    entries: int
    """How many were told."""
    size: int
    """Bytes that came."""
    marker: int | None = None
    """Offset of the end marker; one zero block at the very end counts. None if there is none."""
    trailing: Span | None = None
    """From the first to the last byte behind the end marker that is not zero; None where zeros alone follow."""
    trailing_head: bytes = b""
    """The first bytes of that, for :func:`~imgforensics.looks.describe`."""
    damage: Anomaly | None = None
    """What ended the reading early, with its place in bytes of the uncompressed layer: BAD_CHECKSUM, BAD_NUMBER,
    BAD_SIZE, LONE_ZERO_BLOCK, TRUNCATED_HEADER, TRUNCATED_DATA, or LIMIT."""
    padding: int = 0
    """Bytes between an entry's data and the next header that are not zero."""
    padding_at: int | None = None
    """Offset of the first of them."""
    global_keys: tuple[str, ...] = ()
    """Keys in global PAX headers that change later entries for readers that apply them; Go's does not."""


class WhiteoutKind(StrEnum):
    """What an entry whose name begins with ``.wh.`` is for (image-spec, layer.md, "Whiteouts")."""

    REMOVES = "removes"
    OPAQUE = "opaque"
    PLUMBING = "plumbing"


WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_PLUMBING = ".wh..wh."


def whiteout(path: str) -> tuple[WhiteoutKind, str] | None:
    """What an entry of this cleaned path takes away: the kind, and the path; None where it takes nothing away.

    An opaque marker hides what lower layers have in its folder, and its path is that folder. Names at the root, and in
    folders at the root, that begin with ``.wh..wh.`` are aufs's own (``.wh..wh.plnk``, ``.wh..wh.aufs``), which docker
    and containerd pass over; below other folders they are whiteouts like any other.
    """
    folder, slash, base = path.rpartition("/")
    if base == OPAQUE:
        return WhiteoutKind.OPAQUE, folder
    if path.startswith(_PLUMBING):
        return WhiteoutKind.PLUMBING, path
    if base.startswith(WHITEOUT):
        return WhiteoutKind.REMOVES, folder + slash + base.removeprefix(WHITEOUT)
    return None


def _unescape(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))


def _from_base64(value: bytes) -> bytes:
    try:
        return b64decode(value + b"=" * (-len(value) % 4))
    except Base64Error:
        return value
