"""What extension headers say about a member, and what its header says with them: bytes in, claims out. No I/O.

An extension header is a header like any other, of type ``x`` or ``g`` (POSIX.1-2017, pax, "pax Header Block"), ``X``
(Solaris), ``L`` or ``K`` (GNU tar manual, "Basic Tar Format"), and its data say something about the next member, or, of
type ``g``, about all later ones. Readers disagree about several of them, and about what a type or a trailing slash
means beside a size; each place where they do is noted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from imgforensics.model import Anomaly, AnomalyKind, MemberKind
from imgforensics.paxrecords import parse_pax, pax_integer, pax_time
from imgforensics.tarheader import SIZE_BOUND, Header
from imgforensics.tartext import Note, decode, show, show_keys

OCTAL_MAX = 0o77777777777
"""The largest size in bytes that fits eleven octal digits; star and libarchive leave it there for larger files."""

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
DATALESS = frozenset("123456")
"""Types that carry no data, whatever their size says."""

_APPLIED = frozenset(
    b"path linkpath size mtime uid gid uname gname GNU.sparse.name GNU.sparse.major GNU.sparse.map GNU.sparse.size"
    b" GNU.sparse.numblocks".split()
)
"""PAX keys that change what a member is. Of global headers only these are kept."""

_SPLITTING = frozenset((b"path", b"linkpath", b"size"))
"""What no writer says of all later members at once; Go does not apply it, POSIX, GNU tar and Python do."""

_TAKEN_AWAY = frozenset((b"path", b"linkpath", b"size", b"GNU.sparse.name"))
"""What no writer leaves empty: Go has the header's own then, GNU tar, busybox and Python a member without it."""

_PLAIN_NUMBERS = frozenset((b"size", b"uid", b"gid"))

_UTF8 = b"ISO-IR 10646 2000 UTF-8"
"""How PAX spells the character set that its values have anyway."""

_UNSURE = bytes(range(128, 256)) + b"?"
"""Bytes that a writer leaves out, or writes, for characters that are not ASCII."""

_RECORDS = {b"uid": True, b"gid": True, b"size": True, b"mtime": False, b"atime": False, b"ctime": False}
"""Keys of PAX records that have to be integers, or times."""
_SIGNS = (b"-", b"+")
_DIGITS = 19
"""Of the largest number that readers hold."""

FULL = 96
"""Bytes from which a name field of 100 counts as filled: a writer may drop a slash, or the three bytes of a character
that it would have to cut."""


def is_ordinary_short_form(short: bytes, full: bytes) -> bool:
    """Whether a real writer would leave ``short`` in the plain name field beside an extension that says ``full``.

    Where the name is too long, GNU tar, Python and Go cut it at 100 bytes, libarchive cuts directory and file name
    apart. Where it is not ASCII, GNU tar and libarchive keep its bytes, Python writes ``?`` for each character, and Go
    leaves such characters out. GNU tar calls sparse files ``dir/GNUSparseFile.<pid>/file``.
    """
    if not full.isascii():
        plain, whole = short.translate(None, _UNSURE).rstrip(b"/"), full.translate(None, _UNSURE).rstrip(b"/")
    else:
        plain, whole = short.rstrip(b"/"), full.rstrip(b"/")
    if plain == whole:
        return True
    short_directory, _, short_file = plain.rpartition(b"/")
    directory, _, file = whole.rpartition(b"/")
    parent, _, last = short_directory.rpartition(b"/")
    if last.startswith(b"GNUSparseFile.") and file.startswith(short_file):
        return (directory or b".").startswith(parent)
    if len(short) < FULL:
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
            return [*notes, *self._long(typeflag, body)]
        records, odd = parse_pax(body)
        notes += odd
        charset = dict(records).get(b"hdrcharset", _UTF8)
        if charset != _UTF8:
            notes.append((AnomalyKind.PAX_CHARSET, f"PAX says that names are in {show(charset)}"))
        if typeflag == "X":
            notes.append((AnomalyKind.SPECIAL_TYPE, "type 'X': a Solaris extended header"))
        if typeflag == "g":
            common.update((key, value) for key, value in records if key in _APPLIED)
            keys = show_keys(list(dict(records))) or "nothing in it"
            notes.append((AnomalyKind.PAX_GLOBAL, f"a PAX header for all later members, with {keys}"))
            split = [key for key, _ in records if key in _SPLITTING or key.startswith(b"GNU.sparse.")]
            if split:
                detail = f"a PAX header gives all later members {show_keys(split)}, which some readers do not apply"
                notes.append((AnomalyKind.PAX_OVERRIDES, detail))
        else:
            self.records += records
        return notes

    def _long(self, typeflag: str, body: bytes) -> Iterator[Note]:
        long, _, rest = body.partition(b"\0")
        if not long:
            detail = f"an extension header of type {typeflag!r} that says nothing: some readers take the name away"
            yield AnomalyKind.DANGLING_EXTENSION, detail
        if rest.strip(b"\0"):
            yield AnomalyKind.NAME_HAS_NUL, f"a GNU long name with a NUL inside: {show(body)}"
        if typeflag == "L":
            self.long_name = long
        else:
            self.long_link = long

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
    notes: list[Note] = [*field_notes(header), *_value_notes(extensions.records)]

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
    unreadable = refused_record(dict(extensions.records))
    if unreadable is not None and not any(kind is AnomalyKind.PAX_MALFORMED for kind, _ in notes):
        notes.append((AnomalyKind.PAX_MALFORMED, unreadable))
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
        dataless=header.typeflag in DATALESS,
        directory_name=directory_name,
        kind=kind,
        uid=uid,
        gid=gid,
        uname=values.get(b"uname") or header.uname,
        gname=values.get(b"gname") or header.gname,
        mtime=float(header.mtime) if mtime is None else mtime,
        notes=(*notes, *oddities),
    )


def refused_record(records: dict[bytes, bytes]) -> str | None:
    """Which PAX record Go fails at, in words: one that is no number, or no time, or too large for 63 bits."""
    for key, whole in _RECORDS.items():
        value = records.get(key)
        if value and not _is_decimal(value, whole=whole):
            return f"{decode(key)} is no {'number' if whole else 'time'} to Go's reader: {show(value)}"
    return None


def _is_decimal(value: bytes, *, whole: bool) -> bool:
    """As ``strconv.ParseInt`` has it, and digits behind a point in a time."""
    text, _, fraction = (value, b"", b"") if whole else value.partition(b".")
    digits = text[1:] if text.startswith(_SIGNS) else text
    if not digits.isdigit() or (fraction and not fraction.isdigit()):
        return False
    digits = digits.lstrip(b"0")  # of which there may be more than Python turns into a number
    number = int(digits or b"0") if len(digits) <= _DIGITS else 2 * SIZE_BOUND
    return number < SIZE_BOUND or (number == SIZE_BOUND and text.startswith(b"-"))


def _value_notes(records: list[tuple[bytes, bytes]]) -> Iterator[Note]:
    """Values of PAX records that readers take in two ways."""
    for key, value in records:
        if key in _TAKEN_AWAY and not value:
            yield (
                AnomalyKind.PAX_OVERRIDES,
                f"PAX gives {show_keys([key])} without a value, which is 0 or no name to some",
            )
        elif key in _PLAIN_NUMBERS and value.startswith(b"+"):
            yield AnomalyKind.PAX_OVERRIDES, f"PAX gives {show_keys([key])} as {show(value)}, which some readers refuse"


def field_notes(header: Header) -> Iterator[Note]:
    """What is odd about the fields of one header by themselves, be it a member's or an extension's."""
    if header.bad:
        yield AnomalyKind.BAD_NUMBER, f"no number in the field {', '.join(header.bad)}"
    if header.signed_sum:
        detail = "the header's checksum is a sum of signed bytes, as old tars make it; some readers refuse it"
        yield AnomalyKind.SIGNED_CHECKSUM, detail
    if header.odd_sum:
        detail = "the header's checksum stands behind a NUL, or in binary: some readers take it, others fail"
        yield AnomalyKind.ODD_CHECKSUM, detail
    if header.stray_prefix:
        detail = f"a {header.format} header with a prefix, which some readers put before the name"
        yield AnomalyKind.STRAY_PREFIX, f"{detail}: {show(header.stray_prefix)}"


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
    elif size and flag in DATALESS:
        notes.append((AnomalyKind.DATA_ON_LINK, f"a {kind} of {size} bytes"))
    return kind, directory_name, notes


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
