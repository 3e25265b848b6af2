r"""One header block of a tar: bytes in, fields out, and whether bytes are such a block at all. No I/O.

A header is one block of 512 bytes (POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"):

    ====== ==== ======== ===============================================================
    offset size field    content
    ====== ==== ======== ===============================================================
         0  100 name     bytes up to the first NUL
       100    8 mode     number
       108    8 uid      number
       116    8 gid      number
       124   12 size     number, bytes of data, which fill whole blocks behind the header
       136   12 mtime    number, seconds since 1970
       148    8 chksum   octal sum of all bytes of the block, these eight taken as spaces
       156    1 typeflag
       157  100 linkname
       257    8 magic    ``ustar\0`` and ``00`` (POSIX), ``ustar  \0`` (GNU), else v7
       265   32 uname
       297   32 gname
       345  155 prefix   POSIX; 131 bytes where ``tar\0`` stands at 508 (star); none in GNU
       482    1          GNU, type ``S``: not zero where more blocks of the sparse map follow
    ====== ==== ======== ===============================================================

A number is octal digits, perhaps with spaces before them, ended by a space, a NUL or the end of its field; or, where
the first bit is set, a two's complement big-endian integer in the other bits (GNU's base-256).
"""

import zlib
from dataclasses import dataclass

BLOCK = 512
"""Bytes of a block."""

ZERO_BLOCK = bytes(BLOCK)

SPARSE_MAP_MORE = 504
"""Offset, in a further block of an old GNU sparse map, of the byte that tells whether another one follows."""

_NO_DEVICE = (bytes(16), b"0000000\0" * 2)
"""Device numbers as writers leave them where there is no device."""

_WITHOUT_PREFIX = frozenset((b"L", b"K", b"S"))
"""GNU's types, of which no reader takes a prefix."""

_SUM = slice(148, 156)
_SUM_AS_SPACES = 8 * 0x20
_OCTAL = b"01234567"
_IS_OCTAL = bytes(byte in _OCTAL for byte in range(256))
_IS_SUM = bytes(byte in _OCTAL + b" \0" for byte in range(256))
_NOT_ASCII = bytes(range(128, 256))

SIZE_BOUND = 1 << 63
"""No reader holds sizes or times from here on, in bytes or seconds; Go and GNU tar refuse them."""

_ID_BOUND = 1 << 32
"""Owners from here on GNU tar refuses."""

_NUMBERS = (
    ("mode", 100, 108, SIZE_BOUND),
    ("uid", 108, 116, _ID_BOUND),
    ("gid", 116, 124, _ID_BOUND),
    ("mtime", 136, 148, SIZE_BOUND),
)
"""Name, start, end and bound of the numeric fields but the size."""


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of one header block as they stand, before any extension."""

    name: bytes
    """Prefix and name."""
    mode: int
    uid: int
    gid: int
    size: int | None
    """Bytes of data; negative where the field says so, None where it is no number."""
    mtime: int
    typeflag: str
    """One character, decoded as Latin-1."""
    linkname: bytes
    uname: bytes
    gname: bytes
    format: str
    """``v7``, ``ustar``, ``gnu`` or ``star``."""
    sparse_more: bool
    """Another block of the sparse map follows, if the type is ``S``."""
    stray_prefix: bytes
    """What stands where POSIX has the prefix, in a format that has none there: Python and busybox read it, others do
    not."""
    signed_sum: bool
    """The checksum is right as a sum of signed bytes only."""
    odd_sum: bool
    """The checksum stands behind a NUL, where Go's and GNU's readers find it and others do not, or in binary, where it
    is the other way round."""
    bad: tuple[str, ...]
    """Names of the fields that hold no number. All but :attr:`size` read as 0 then."""


def parse_header(block: bytes) -> Header:
    """Read the fields of a block of 512 bytes, whatever they hold."""
    form = _format(block)
    name = _text(block[:100])
    if form in ("ustar", "star"):
        prefix = _text(block[345:500] if form == "ustar" else block[345:476])
        if prefix:
            name = prefix + b"/" + name
    stray = b"" if form in ("ustar", "star") or block[156:157] in _WITHOUT_PREFIX else _text(block[345:500])
    bad = []
    numbers = []
    for title, start, end, bound in _NUMBERS:
        value = parse_number(block[start:end])
        if value is None or abs(value) >= bound or (value < 0 and title != "mtime"):
            bad.append(title)
            value = 0
        numbers.append(value)
    size = parse_number(block[124:136])
    if size is None:
        bad.append("size")
    if form != "v7" and block[329:345] not in _NO_DEVICE:  # read by most whatever the type
        bad += [name for name, at in (("devmajor", 329), ("devminor", 337)) if parse_number(block[at : at + 8]) is None]
    mode, uid, gid, mtime = numbers
    return Header(
        name=name,
        mode=mode,
        uid=uid,
        gid=gid,
        size=size,
        mtime=mtime,
        typeflag=chr(block[156]),
        linkname=_text(block[157:257]),
        uname=b"" if form == "v7" else _text(block[265:297]),
        gname=b"" if form == "v7" else _text(block[297:329]),
        format=form,
        sparse_more=block[482] != 0,
        stray_prefix=stray,
        signed_sum=not block.isascii() and is_header(block) and _claimed_sum(block) != _unsigned_sum(block),
        odd_sum=(block[148] & 0x80 != 0 or parse_number(block[_SUM]) is None) and is_header(block),
        bad=tuple(bad),
    )


def parse_number(field: bytes) -> int | None:
    """The number in a header field, 0 where it is blank, None where it is none.

    Digits behind a leading NUL are none: Go reads them, Python takes the field as blank.
    """
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return value - (1 << bits) if field[0] & 0x40 else value
    text, _, rest = field.lstrip(b" ").partition(b"\0")
    text = text.rstrip(b" ")
    if not text:
        return None if rest.strip(b" \0") else 0
    return None if text.strip(_OCTAL) else int(text, 8)


def is_header(block: bytes) -> bool:
    """Whether this is a whole block with the right checksum: of unsigned bytes, or of signed ones, as old tars sum.

    However it is spelled for one reader: where others do not find it, :attr:`Header.odd_sum` tells.
    """
    if len(block) != BLOCK:
        return False
    claimed = _claimed_sum(block)
    if claimed is None:
        return False
    total = _unsigned_sum(block)
    if claimed == total:
        return True
    others = block[:148] + block[156:]
    return claimed == total - 256 * (len(others) - len(others.translate(None, _NOT_ASCII)))


def resembles_header(block: bytes) -> bool:
    """Whether a block with a wrong checksum was a header, probably: it has the magic, or numbers wherever one does."""
    return len(block) == BLOCK and (block[257:262] == b"ustar" or (block[0] != 0 and _has_numbers(block)))


def resembles_header_strongly(block: bytes) -> bool:
    """Whether it has both: enough to take a block for a header where one is expected."""
    return len(block) == BLOCK and block[257:262] == b"ustar" and _has_numbers(block)


def find_header(piece: bytes) -> int | None:
    """Offset of the first valid header among the whole blocks of ``piece``, which starts on a block boundary.

    A block comes into question where its checksum field holds nothing but octal digits, spaces and NULs, with a digit
    in its fifth place. That is asked of all blocks at once, column by column, so that a block without a header costs
    no Python step; and it finds headers without a magic, which every reader takes too.
    """
    end = len(piece) - len(piece) % BLOCK
    candidates = int.from_bytes(piece[152:end:BLOCK].translate(_IS_OCTAL), "big")
    for column in (148, 149, 150, 151, 153, 154, 155):
        if not candidates:
            return None
        candidates &= int.from_bytes(piece[column:end:BLOCK].translate(_IS_SUM), "big")
    marks = candidates.to_bytes(end // BLOCK, "big")
    block = marks.find(1)
    while block >= 0:
        offset = block * BLOCK
        if is_header(piece[offset : offset + BLOCK]):
            return offset
        block = marks.find(1, block + 1)
    return None


def _format(block: bytes) -> str:
    magic = block[257:265]
    if magic == b"ustar  \0":
        return "gnu"
    if magic[:6] != b"ustar\0":
        return "v7"
    return "star" if block[508:512] == b"tar\0" else "ustar"


def _claimed_sum(block: bytes) -> int | None:
    """The checksum that a header has, also behind NULs."""
    value = parse_number(block[_SUM])
    return parse_number(block[_SUM].lstrip(b"\0 ").ljust(8, b"\0")) if value is None else value


def _unsigned_sum(block: bytes) -> int:
    return _sum(block[:256]) + _sum(block[256:]) - _sum(block[_SUM]) + _SUM_AS_SPACES


def _sum(part: bytes) -> int:
    """The sum of 256 bytes at most: the lower half of their Adler-32 (RFC 1950), which is reduced from 65521 on."""
    return zlib.adler32(part, 0) & 0xFFFF


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _has_numbers(block: bytes) -> bool:
    fields = (block[100:108], block[124:136], block[136:148], block[_SUM])
    return all(field.strip(b" \0") and parse_number(field) is not None for field in fields)
