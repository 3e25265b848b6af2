"""The facts: frozen values that rooms hand to each other. No I/O, no judgement.

A *claim* is what a document or a file name says; a *measurement* was computed from bytes. They never share a name:
``claimed_*`` against ``digest``, ``diff_id`` and ``size``. ``digest`` is of bytes as stored, ``diff_id`` of bytes
uncompressed (image-spec, config.md, "Layer DiffID").
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from imgforensics.remembered import remembered

DIGEST_LENGTHS: Mapping[str, int] = MappingProxyType({"sha256": 64, "sha384": 96, "sha512": 128})
"""Hex digits of the digests that can be checked (image-spec, descriptor.md, "Registered algorithms")."""

_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A content digest, ``algorithm:encoded`` (image-spec, descriptor.md, "Digests")."""

    algorithm: str
    encoded: str

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """Read a digest string strictly.

        Raises:
            ValueError: the text does not follow the grammar, or is of a registered algorithm with a wrong length,
                upper-case or non-hex digits (CVE-2024-3727: such strings must never reach a path).
        """
        if not _DIGEST.fullmatch(text):
            raise ValueError("not of the form algorithm:encoded")
        algorithm, encoded = text.split(":", 1)
        length = DIGEST_LENGTHS.get(algorithm)
        if length is not None and (len(encoded) != length or not _HEX.fullmatch(encoded)):
            raise ValueError(f"{algorithm} takes {length} lower-case hex digits")
        return cls(algorithm, encoded)

    @classmethod
    def sha256(cls, encoded: str) -> "Digest":
        """The SHA-256 digest of these 64 hex digits, which the caller computed."""
        return cls("sha256", encoded)

    @classmethod
    def of(cls, data: bytes) -> "Digest":
        """The SHA-256 digest of these bytes."""
        return cls("sha256", hashlib.sha256(data).hexdigest())

    @property
    def known(self) -> bool:
        """Whether this tool can compute digests of this algorithm."""
        return self.algorithm in DIGEST_LENGTHS

    @property
    def short(self) -> str:
        """Algorithm and the first 12 digits, as container tools abbreviate."""
        return f"{self.algorithm}:{self.encoded[:12]}"

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of bytes: offset from the start of the (decompressed) tar or stream, and length, both in bytes."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """Offset of the first byte after the stretch."""
        return self.offset + self.length


class AnomalyKind(StrEnum):
    """What a reader saw that is not as it should be. A check decides what it means."""

    # tar framing
    TRUNCATED_HEADER = "truncated-header"
    TRUNCATED_DATA = "truncated-data"
    MISSING_END = "missing-end-marker"
    LONE_ZERO_BLOCK = "lone-zero-block"
    MEMBER_AFTER_END = "member-after-end"
    TRAILING_DATA = "trailing-data"
    ODD_LENGTH = "odd-length"
    BAD_CHECKSUM = "bad-header-checksum"
    RESYNCHRONISED = "resynchronised"
    BAD_NUMBER = "bad-number"
    BAD_SIZE = "bad-size"
    UNKNOWN_TYPE = "unknown-type"
    SPECIAL_TYPE = "special-type"
    SPARSE = "sparse"
    DATA_ON_LINK = "data-on-link"
    DIRECTORY_WITH_DATA = "directory-with-data"
    PAX_MALFORMED = "pax-malformed"
    PAX_DUPLICATE_KEY = "pax-duplicate-key"
    PAX_OVERRIDES = "pax-overrides"
    PAX_GLOBAL = "pax-global"
    PAX_CHARSET = "pax-charset"
    STRAY_PREFIX = "stray-prefix"
    COUNTED_PREFIX = "counted-prefix"
    SIGNED_CHECKSUM = "signed-checksum"
    ODD_CHECKSUM = "odd-checksum"
    DANGLING_EXTENSION = "dangling-extension"
    STACKED_EXTENSION = "stacked-extension"
    NAME_NOT_UTF8 = "name-not-utf8"
    NAME_HAS_NUL = "name-has-nul"
    DATA_IN_PADDING = "data-in-padding"
    # compressed streams
    TRUNCATED_STREAM = "truncated-stream"
    CORRUPT_STREAM = "corrupt-stream"
    RESERVED_FLAGS = "reserved-flags"
    CHECKSUM_MISMATCH = "stream-checksum-mismatch"
    LENGTH_MISMATCH = "stream-length-mismatch"
    TRAILING_BYTES = "trailing-bytes"
    TRAILING_ZEROS = "trailing-zeros"
    SKIPPABLE_FRAME = "skippable-frame"
    UNSUPPORTED_COMPRESSION = "unsupported-compression"
    # documents
    NOT_UTF8 = "not-utf8"
    BYTE_ORDER_MARK = "byte-order-mark"
    NOT_JSON = "not-json"
    TRAILING_JSON = "trailing-json"
    DUPLICATE_KEY = "duplicate-key"
    CASE_KEY = "case-variant-key"
    FOLDED_KEY = "folded-key"
    LONE_SURROGATE = "lone-surrogate"
    BAD_VALUE = "bad-value"
    MISSING_KEY = "missing-key"
    AMBIGUOUS_KIND = "ambiguous-kind"
    BAD_DIGEST = "bad-digest"
    # links between members
    DANGLING_LINK = "dangling-link"
    CYCLIC_LINK = "cyclic-link"
    ESCAPING_LINK = "escaping-link"
    # bounds
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One oddity, where it is and what was seen."""

    kind: AnomalyKind
    detail: str
    span: Span | None = None
    """Where, in bytes of the tar (framing) or of the stored blob (streams); None where a place makes no sense."""
    member: int | None = None
    """Index of the member concerned, None for the archive itself."""
    pointer: str | None = None
    """RFC 6901 JSON pointer inside that member."""
    digest: Digest | None = None
    """SHA-256 of the bytes in question, from the first that is not zero on, where they were hashed."""


class MemberKind(StrEnum):
    """What a tar header's type says (POSIX.1 pax, "ustar Interchange Format", typeflag; GNU tar's extensions)."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    DEVICE = "device"
    FIFO = "fifo"
    SPARSE = "sparse"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the outer tar, as its headers claim it."""

    index: int
    """Position among all members, from 0; the name of this occurrence everywhere else."""
    name: str
    """Effective name: PAX ``path``, else GNU long name, else ustar prefix and name. UTF-8 with surrogateescape."""
    kind: MemberKind
    header: Span
    """From the first header block that belongs to this member (extensions included) to its data."""
    data: Span
    """The data; of length 0 where the type carries none. May reach beyond the file's end when it is cut off."""
    linkname: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    uname: str = ""
    gname: str = ""
    mtime: float = 0.0
    typeflag: str = "0"
    """The type byte as it stands, decoded as Latin-1."""
    format: str = "ustar"
    """``v7``, ``ustar``, ``gnu``, ``pax`` (ustar with a PAX header before it) or ``star``."""
    ustar_name: str = ""
    """Prefix and name as the plain ustar fields give them, without any extension."""
    ustar_size: int = 0
    """The size field of the plain header in bytes, without any extension."""
    pax: tuple[tuple[str, str], ...] = ()
    """Records of the member's own PAX header in order, every occurrence kept."""
    present: int = 0
    """Bytes of the data that are really there: less than ``data.length`` where the file ends early."""
    recovered: bool = False
    """The header was found by searching after damage, or stands behind an end-of-archive marker."""
    damaged: bool = False
    """The header's checksum is wrong; every field of it is doubtful."""

    @property
    def path(self) -> str | None:
        """The name cleaned as readers clean it: no ``.``, no empty parts, no leading ``/``. None if it escapes."""
        return clean_path(self.name)


@remembered
def clean_path(name: str) -> str | None:
    """A member name reduced to ``a/b/c`` below the archive's root, or None where ``..`` leads out of it."""
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


class Compression(StrEnum):
    """Compression of a stream, by its magic bytes. UNSUPPORTED is recognised but cannot be undone here."""

    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class GzipHeader:
    """The header of one gzip member (RFC 1952, section 2.3)."""

    mtime: int
    extra_flags: int
    os: int
    flags: int
    name: bytes | None = None
    comment: bytes | None = None
    extra: bytes | None = None

    @property
    def first10(self) -> str:
        """The fixed ten bytes in hex, as they stood."""
        return f"1f8b08{self.flags:02x}{self.mtime.to_bytes(4, 'little').hex()}{self.extra_flags:02x}{self.os:02x}"


@dataclass(frozen=True, slots=True)
class GzipLabels:
    """What the headers of all gzip members of one stream hold beside their fixed fields."""

    members: int
    """How many of them hold anything."""
    name: int
    """Bytes of the longest name."""
    payload: int
    """Bytes of all comments, and of all extra fields but those of known formats."""
    comment: int = 0
    """Bytes of the longest comment."""


@dataclass(frozen=True, slots=True)
class Blob:
    """What was measured of one member's bytes, in one pass."""

    size: int
    """Bytes as stored and present."""
    digest: Digest
    """SHA-256 of the bytes as stored."""
    compression: Compression
    diff_id: Digest | None
    """SHA-256 of the uncompressed bytes; the same as :attr:`digest` where nothing is compressed; None where the stream
    could not be undone to its end."""
    uncompressed_size: int | None
    """Bytes after decompression, None with :attr:`diff_id`."""
    streams: int = 1
    """gzip members, zstd frames (skippable ones not counted), bzip2 or xz streams; 1 where nothing is compressed."""
    gzip_header: GzipHeader | None = None
    """Header of the first gzip member."""
    labels: GzipLabels | None = None
    """Names, comments and extra fields of all gzip members, None where there are none."""
    anomalies: tuple[Anomaly, ...] = ()
    head: bytes = b""
    """The first 512 uncompressed bytes at most."""
    content: bytes | None = None
    """All bytes, where they are small and begin like a JSON document; else None."""
    expanded: bool = False
    """The bytes are those of a sparse member, put together by its map; they then count as the bytes as stored."""
    skips_first: bool = False
    """It is a zstd stream that begins with a skippable frame, by which not every program knows it for one."""
    other_digests: Mapping[str, Digest] = field(default_factory=dict)
    """Digests of the stored bytes by algorithm, where something in the archive claims one other than SHA-256."""
    other_diff_ids: Mapping[str, Digest] = field(default_factory=dict)
    """The same of the uncompressed bytes."""

    def digest_by(self, algorithm: str) -> Digest | None:
        """The digest of the stored bytes by this algorithm, or None where it was not computed."""
        return self.digest if algorithm == "sha256" else self.other_digests.get(algorithm)

    def diff_id_by(self, algorithm: str) -> Digest | None:
        """The digest of the uncompressed bytes by this algorithm, or None where it was not computed."""
        return self.diff_id if algorithm == "sha256" else self.other_diff_ids.get(algorithm)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in an archive. Absent parts are None."""

    member: str | None = None
    """Member name."""
    pointer: str | None = None
    """RFC 6901 JSON pointer inside the member."""
    offset: int | None = None
    """Bytes from the start of the tar (after outer decompression), or of the member where a member is named and the
    place lies inside its bytes."""
    length: int | None = None
    image: int | None = None
    """Index of the image, from 0."""
    layer: int | None = None
    """Index of the layer in that image, from 0, lowest layer first."""


class Outcome(StrEnum):
    """How one claim fared."""

    MATCH = "match"
    MISMATCH = "mismatch"
    ABSENT = "absent"
    UNCHECKED = "unchecked"


class What(StrEnum):
    """Kinds of claims that can be verified."""

    MEMBER_NAME = "member-name"
    DESCRIPTOR_DIGEST = "descriptor-digest"
    DESCRIPTOR_SIZE = "descriptor-size"
    DESCRIPTOR_DATA = "descriptor-data"
    DIFF_ID = "diff-id"
    LAYER_COUNT = "layer-count"
    HISTORY_COUNT = "history-count"
    V1_ID = "v1-id"
    V1_JSON = "v1-json"
    REPOSITORIES = "repositories"


@dataclass(frozen=True, slots=True)
class Verification:
    """One claim against one measurement. Positive results are results too."""

    subject: Location
    """Where the claim stands."""
    what: What
    """Kind of the claim."""
    claimed: str | None
    computed: str | None
    outcome: Outcome
    reason: str
    target: int | None = None
    """Index of the member whose bytes were measured."""
