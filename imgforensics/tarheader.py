r"""What the headers of one tar member say: bytes in, values out. Nothing here reads or walks.

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
from collections import Counter
from dataclasses import dataclass, field

from imgforensics.model import Anomaly, AnomalyKind, MemberKind

BLOCK = 512
"""Bytes of a block."""

ZERO_BLOCK = bytes(BLOCK)

SPARSE_MAP_MORE = 504
"""Offset, in a further block of an old GNU sparse map, of the byte that tells whether another one follows."""

Note = tuple[AnomalyKind, str]
"""An oddity without a place yet."""

_SUM = slice(148, 156)
_SUM_AS_SPACES = 8 * 0x20
_OCTAL = b"01234567"
_IS_OCTAL = bytes(byte in _OCTAL for byte in range(256))
_IS_SUM = bytes(byte in _OCTAL + b" \0" for byte in range(256))
_NOT_ASCII = bytes(range(128, 256))

OCTAL_MAX = 0o77777777777
"""The largest size in bytes that fits eleven octal digits; star and libarchive leave it there for larger files."""

SIZE_BOUND = 1 << 63
"""No reader holds sizes from here on, in bytes; Go and GNU tar refuse them."""

EXTENSIONS = frozenset("xXgLK")
"""Types of headers that only say something about the next member, or about all later ones."""

_KINDS = {
    "0": MemberKind.FILE,
    "\0": MemberKind.FILE,
    "7": MemberKind.FILE,
    "1": MemberKind.HARDLINK,
    "2": MemberKind.SYMLINK,
    "3": MemberKind.DEVICE,
    "4": MemberKind.DEVICE,
    "5": MemberKind.DIRECTORY,
    "6": MemberKind.FIFO,
    "S": MemberKind.SPARSE,
}
_SPECIAL = {
    "7": "a contiguous file",
    "D": "a GNU directory listing",
    "M": "a GNU continuation of a file from another volume",
    "N": "old GNU long names",
    "V": "a GNU volume label",
}
_DATALESS = frozenset("123456")

_APPLIED = frozenset(
    b"path linkpath size mtime uid gid uname gname GNU.sparse.name GNU.sparse.major GNU.sparse.map GNU.sparse.size"
    b" GNU.sparse.numblocks".split()
)
"""PAX keys that change what a member is. Of global headers only these are kept."""

_TEXT_KEYS = frozenset((b"path", b"linkpath", b"uname", b"gname", b"GNU.sparse.name"))
_REPEATED_KEYS = frozenset((b"GNU.sparse.offset", b"GNU.sparse.numbytes"))
"""Keys that GNU's sparse format 0.0 repeats by design (GNU tar manual, "Storing Sparse Files")."""

_LENGTH_DIGITS = 8
_NUMBER_DIGITS = 32

_FULL = 96
"""Bytes from which a name field of 100 counts as filled: a writer may drop a slash, or the three bytes of a character
that it would have to cut."""


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
    bad = []
    numbers = []
    for title, start, end in (("mode", 100, 108), ("uid", 108, 116), ("gid", 116, 124), ("mtime", 136, 148)):
        value = parse_number(block[start:end])
        if value is None or (value < 0 and title != "mtime"):
            bad.append(title)
            value = 0
        numbers.append(value)
    size = parse_number(block[124:136])
    if size is None:
        bad.append("size")
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
    """Whether this is a whole block with the right checksum: of unsigned bytes, or of signed ones, as old tars sum."""
    if len(block) != BLOCK:
        return False
    claimed = parse_number(block[_SUM])
    if not claimed:
        return False
    total = _sum(block[:256]) + _sum(block[256:]) - _sum(block[_SUM]) + _SUM_AS_SPACES
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


@dataclass(frozen=True, slots=True)
class Pax:
    """The body of one PAX extended header."""

    records: tuple[tuple[bytes, bytes], ...]
    """Keys and values in order, up to the first malformed record."""
    notes: tuple[Note, ...]
    """What was odd; one a kind at most."""


def parse_pax(body: bytes) -> Pax:
    r"""Read PAX records strictly by their lengths: ``<length> <key>=<value>\n`` (POSIX.1-2017, "pax Extended Header").

    A NUL is malformed in a key, and in the values that are names: C programs see such a name cut there. Elsewhere it
    is ordinary: values of ``SCHILY.xattr.*`` are binary.
    """
    records: list[tuple[bytes, bytes]] = []
    malformed = ""
    at = 0
    while at < len(body):
        space = body.find(b" ", at, at + _LENGTH_DIGITS + 1)
        digits = body[at : max(space, at)]
        end = at + int(digits) if digits.isdigit() else 0
        if not space + 1 < end <= len(body) or body[end - 1 : end] != b"\n":
            malformed = f"the record at byte {at} of the header's body has a wrong length"
            break
        key, equals, value = body[space + 1 : end - 1].partition(b"=")
        if not key or not equals:
            malformed = f"the record at byte {at} of the header's body has no key, or no value"
            break
        if b"\0" in key or (key in _TEXT_KEYS and b"\0" in value):
            malformed = malformed or f"a NUL in {show(key)}"
        records.append((key, value))
        at = end
    notes: list[Note] = [(AnomalyKind.PAX_MALFORMED, malformed)] if malformed else []
    seen = Counter(key for key, _ in records)
    if len(seen) < len(records):
        twice = [key for key, count in seen.items() if count > 1 and key not in _REPEATED_KEYS]
        if twice:
            notes.append((AnomalyKind.PAX_DUPLICATE_KEY, f"more than once: {show_keys(twice)}"))
    return Pax(tuple(records), tuple(notes))


def pax_integer(value: bytes) -> int | None:
    """A decimal number of a PAX record, None where it is none."""
    digits = value.removeprefix(b"-")
    return int(value) if digits.isdigit() and len(digits) <= _NUMBER_DIGITS else None


def pax_time(value: bytes) -> float | None:
    """A PAX time in seconds, ``-?digits[.digits]``, None where it is none."""
    whole, _, fraction = value.removeprefix(b"-").partition(b".")
    if not whole.isdigit() or fraction.strip(b"0123456789") or len(value) > 2 * _NUMBER_DIGITS:
        return None
    return float(value)


def is_ordinary_short_form(short: bytes, full: bytes) -> bool:
    """Whether a real writer would leave ``short`` in the plain name field beside an extension that says ``full``.

    Where the name is too long, GNU tar, Python and Go cut it at 100 bytes, libarchive cuts directory and file name
    apart. Where it is not ASCII, GNU tar and libarchive keep its bytes, Python writes ``?`` for each character, and Go
    leaves such characters out. GNU tar calls sparse files ``dir/GNUSparseFile.<pid>/file``.
    """
    if not full.isascii():
        unsure = _NOT_ASCII + b"?"
        plain, whole = short.translate(None, unsure).rstrip(b"/"), full.translate(None, unsure).rstrip(b"/")
    else:
        plain, whole = short.rstrip(b"/"), full.rstrip(b"/")
    if plain == whole:
        return True
    short_directory, _, short_file = plain.rpartition(b"/")
    directory, _, file = whole.rpartition(b"/")
    parent, _, last = short_directory.rpartition(b"/")
    if last.startswith(b"GNUSparseFile.") and file.startswith(short_file):
        return (directory or b".").startswith(parent)
    if len(short) < _FULL:
        return False
    return whole.startswith(plain) or (directory.startswith(short_directory) and file.startswith(short_file))


@dataclass(slots=True)
class Extensions:
    """What the extension headers say that stand before one member's header."""

    start: int
    """Offset of the first of them, or of the member's own header, in bytes."""
    types: str = ""
    """Their types, each once. Global headers are not among them."""
    records: list[tuple[bytes, bytes]] = field(default_factory=list)
    """PAX records of all of them, in order."""
    long_name: bytes = b""
    long_link: bytes = b""
    damaged: bool = False
    """The checksum of one of them is wrong."""
    anomalies: list[Anomaly] = field(default_factory=list)
    """What was seen so far; their member's index is not known yet."""

    def take(self, typeflag: str, body: bytes, common: dict[bytes, bytes]) -> list[Note]:
        """Keep the body of one more extension header, in ``common`` if it is a global one. Returns what is odd."""
        notes = self._stacking(typeflag)
        if typeflag != "g" and typeflag not in self.types:
            self.types += typeflag
        if typeflag in "LK":
            name, _, rest = body.partition(b"\0")
            if rest.strip(b"\0"):
                notes.append((AnomalyKind.NAME_HAS_NUL, f"a GNU long name with a NUL inside: {show(body)}"))
            if typeflag == "L":
                self.long_name = name
            else:
                self.long_link = name
            return notes
        pax = parse_pax(body)
        notes += pax.notes
        if typeflag == "X":
            notes.append((AnomalyKind.SPECIAL_TYPE, "type 'X': a Solaris extended header"))
        if typeflag == "g":
            common.update((key, value) for key, value in pax.records if key in _APPLIED)
            keys = show_keys(list(dict(pax.records))) or "nothing in it"
            notes.append((AnomalyKind.PAX_GLOBAL, f"a PAX header for all later members, with {keys}"))
        else:
            self.records += pax.records
        return notes

    def _stacking(self, typeflag: str) -> list[Note]:
        """Whether one more header of this type is read differently by different readers."""
        if typeflag in self.types:
            detail = f"a second extension header of type {typeflag!r} for one member"
        elif typeflag == "g" and self.types:
            detail = "a global PAX header between an extension header and its member"
        elif typeflag in "LK" and any(key == b"size" for key, _ in self.records):
            detail = "a GNU long name behind a PAX size, which some readers apply to it"
        else:
            return []
        return [(AnomalyKind.STACKED_EXTENSION, detail)]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a header and its extensions say together."""

    name: bytes
    linkname: bytes
    size: int
    """Bytes of data; 0 where :attr:`sized` is false."""
    sized: bool
    """Whether there is a size, and it can be one."""
    dataless: bool
    """Of a type that carries no data."""
    directory_name: bool
    """Not said to be a directory, but readers take it for one by its name: a NUL type, and a slash at the end."""
    kind: MemberKind
    uid: int
    gid: int
    uname: bytes
    gname: bytes
    mtime: float
    """Seconds since 1970."""
    notes: tuple[Note, ...]


def claim(header: Header, extensions: Extensions, common: dict[bytes, bytes], *, damaged: bool) -> Claims:
    """Apply the extensions, and the global PAX records in ``common``, to a header.

    An empty PAX value takes back what a global header said. A malformed number counts as absent.
    """
    values = common | {key: value for key, value in extensions.records if key in _APPLIED}
    notes: list[Note] = []
    if header.bad:
        notes.append((AnomalyKind.BAD_NUMBER, f"no number in the field {', '.join(header.bad)}"))

    def number(key: bytes, plain: int | None) -> int | None:
        value = values.get(key)
        parsed = pax_integer(value) if value else None
        if value and parsed is None:
            notes.append((AnomalyKind.PAX_MALFORMED, f"{decode(key)} is no number: {show(value)}"))
        return plain if parsed is None else parsed

    def name(plain: bytes, long: bytes, *keys: bytes) -> bytes:
        given = next((values[key].partition(b"\0")[0] for key in keys if values.get(key)), b"")
        if given and long and given != long:
            notes.append((AnomalyKind.STACKED_EXTENSION, f"PAX says {show(given)}, the GNU long name {show(long)}"))
        full = given or long or plain
        if not (damaged or is_ordinary_short_form(plain, full)):
            notes.append((AnomalyKind.PAX_OVERRIDES, f"the header says {show(plain)}, an extension {show(full)}"))
        if not _is_utf8(full):
            notes.append((AnomalyKind.NAME_NOT_UTF8, show(full)))
        return full

    full_name = name(header.name, extensions.long_name, b"GNU.sparse.name", b"path")
    linkname = name(header.linkname, extensions.long_link, b"linkpath")
    uid, gid = number(b"uid", header.uid) or 0, number(b"gid", header.gid) or 0
    mtime: float | None = None
    if values.get(b"mtime"):
        mtime = pax_time(values[b"mtime"])
        if mtime is None:
            notes.append((AnomalyKind.PAX_MALFORMED, f"mtime is no time: {show(values[b'mtime'])}"))
    claimed_size = number(b"size", header.size)
    sized = claimed_size is not None and 0 <= claimed_size < SIZE_BOUND
    size = claimed_size if sized and claimed_size is not None else 0
    if claimed_size != header.size and not (size > OCTAL_MAX and header.size in (0, OCTAL_MAX)):
        notes.append((AnomalyKind.PAX_OVERRIDES, f"the header says {header.size} bytes, PAX {claimed_size}"))
    if claimed_size is not None and not sized:
        notes.append((AnomalyKind.BAD_SIZE, f"a size of {claimed_size} bytes"))
    kind, directory_name, oddities = _type_of(header.typeflag, header.name, full_name, size)
    if kind is MemberKind.FILE and any(key.startswith(b"GNU.sparse.") for key in values):
        kind = MemberKind.SPARSE
    if kind is MemberKind.SPARSE:
        notes.append((AnomalyKind.SPARSE, "a sparse file: what is stored is not what a reader would write out"))
    return Claims(
        name=full_name,
        linkname=linkname,
        size=size,
        sized=sized,
        dataless=header.typeflag in _DATALESS,
        directory_name=directory_name,
        kind=kind,
        uid=uid,
        gid=gid,
        uname=values.get(b"uname") or header.uname,
        gname=values.get(b"gname") or header.gname,
        mtime=float(header.mtime) if mtime is None else mtime,
        notes=(*notes, *oddities),
    )


def _type_of(flag: str, plain: bytes, full: bytes, size: int) -> tuple[MemberKind, bool, list[Note]]:
    """The kind, whether a NUL type is a directory to some readers, and what is odd, by type, names and size."""
    notes: list[Note] = []
    # Python looked at the plain name here, Go looks at the full one (CVE-2025-13462).
    directory_name = flag == "\0" and (full.endswith(b"/") or plain.endswith(b"/"))
    kind = _KINDS.get(flag, MemberKind.OTHER)
    if flag == "\0" and full.endswith(b"/") and not size:
        kind = MemberKind.DIRECTORY
    if flag in _SPECIAL:
        notes.append((AnomalyKind.SPECIAL_TYPE, f"type {flag!r}: {_SPECIAL[flag]}"))
    elif flag not in _KINDS:
        notes.append((AnomalyKind.UNKNOWN_TYPE, f"type {flag!r}"))
    if size and (flag == "5" or directory_name or (flag in ("0", "7") and full.endswith(b"/"))):
        notes.append((AnomalyKind.DIRECTORY_WITH_DATA, f"a directory, by type or by name, of {size} bytes"))
    elif size and flag in _DATALESS:
        notes.append((AnomalyKind.DATA_ON_LINK, f"a {kind} of {size} bytes"))
    return kind, directory_name, notes


def decode(text: bytes) -> str:
    """Bytes of a name as text; those that are not UTF-8 become lone surrogates."""
    return text.decode("utf-8", "surrogateescape")


def show(text: bytes) -> str:
    """Bytes quoted for an anomaly's detail, shortened where they are long."""
    return repr(decode(text if len(text) <= 120 else text[:120] + b"..."))


def show_keys(keys: list[bytes]) -> str:
    """Keys for an anomaly's detail, shortened where they are many."""
    more = f" and {len(keys) - 8} more" if len(keys) > 8 else ""
    return ", ".join(show(key) for key in keys[:8]) + more


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _format(block: bytes) -> str:
    magic = block[257:265]
    if magic == b"ustar  \0":
        return "gnu"
    if magic[:6] != b"ustar\0":
        return "v7"
    return "star" if block[508:512] == b"tar\0" else "ustar"


def _sum(part: bytes) -> int:
    """The sum of 256 bytes at most: the lower half of their Adler-32 (RFC 1950), which is reduced from 65521 on."""
    return zlib.adler32(part, 0) & 0xFFFF


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _has_numbers(block: bytes) -> bool:
    fields = (block[100:108], block[124:136], block[136:148], block[_SUM])
    return all(field.strip(b" \0") and parse_number(field) is not None for field in fields)
