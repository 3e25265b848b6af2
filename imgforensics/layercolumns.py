"""What is remembered of every entry of a layer while it is read, in columns: objects would take too much. No I/O.

A layer may have two million entries; they take some thirty bytes each here.
"""

from array import array

from imgforensics.layerentry import ATTRIBUTES, TOC, Entry
from imgforensics.layertoc import ANY, Known, owner_hash
from imgforensics.model import MemberKind, clean_path

FOLDER, FILE, SYMLINK, HARDLINK, DEVICE = 0, 1, 2, 3, 4
KINDS = (
    MemberKind.DIRECTORY,
    MemberKind.FILE,
    MemberKind.SYMLINK,
    MemberKind.HARDLINK,
    MemberKind.DEVICE,
    MemberKind.FIFO,
    MemberKind.SPARSE,
    MemberKind.OTHER,
)
"""Kinds of entries by the numbers that stand for them here; from ANY on, tables of contents have no name for them."""
_IS_FOLDER, _IS_FILE, _IS_SYMLINK = KINDS[:3]
_WORDS = ("a folder", "a file", "a symlink", "a hard link", "a device", "a fifo", "a sparse file", "of another type")
_MODE = 12
"""Bits of a mode; the kind stands above them."""
_STAR = ATTRIBUTES[0]
_SEARCHES = 20
"""Searches from the start, until a dictionary of all entries pays."""


class Columns:
    """Of every entry: hash of its path, kind and mode, size or hash of its target, hash of its owner and attributes."""

    def __init__(self) -> None:
        self._order = array("q")
        self._values = array("q")
        self._codes = array("H")
        self._owners = array("q")
        # The owner of the last entry, which mostly is that of the next one, and what stands for it without attributes.
        self._uid = self._gid = 0
        self._owner = hash((0, 0, ()))
        self._searches = 0
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._order)

    def append(self, entry: Entry, key: int, code: int) -> None:
        """Remember one more entry, by the hash of its path and the number of its kind."""
        if self._places:
            self._places.setdefault(key, len(self._order))
        self._order.append(key)
        self._values.append(entry.size if code == FILE else _value(entry, code))
        self._codes.append(code << _MODE | entry.mode & 0o7777)
        if entry.pax or entry.uid != self._uid or entry.gid != self._gid:
            self._uid, self._gid = entry.uid, entry.gid
            self._owner = hash((entry.uid, entry.gid, ()))
            self._owners.append(owner_of(entry))
        else:
            self._owners.append(self._owner)

    def compare(self, entry: Entry, key: int, code: int) -> str | None:
        """In which way an entry differs from the first one of its path, in words; None where it does not."""
        place = self._first(key)
        first, mode = self._codes[place] >> _MODE, self._codes[place] & 0o7777
        if first != code:
            return f"first {_WORDS[first]}, then {_WORDS[code]}"
        if self._values[place] != _value(entry, code):
            return "with another size, target or number"
        if mode != entry.mode & 0o7777:
            return f"first with mode {mode:o}, then {entry.mode & 0o7777:o}"
        if self._owners[place] != owner_of(entry):
            return "with another owner or other attributes"
        return None

    def _first(self, key: int) -> int:
        """Number of the first entry of a path."""
        if self._searches < _SEARCHES:
            self._searches += 1
            return self._order.index(key)
        if not self._places:
            for place, each in enumerate(self._order):
                self._places.setdefault(each, place)
        return self._places[key]

    def known(self) -> Known:
        """Every entry but the table of contents itself, as the table should have it; the last of a path counts."""
        known: dict[int, tuple[int, int, int, int, int]] = {}
        columns = zip(self._order, self._codes, self._values, self._owners, strict=True)
        for key, code, value, owner in columns:
            before = known.get(key)
            times = 1 if before is None else before[4] + 1
            known[key] = (min(code >> _MODE, ANY), code & 0o7777, value, owner, times)
        for path in ("", TOC):
            known.pop(hash(path), None)
        return known


def kind_code(kind: MemberKind) -> int:
    """The number of a kind. A table would have to hash an enum, which takes longer than all of this."""
    if kind is _IS_FILE:
        return 1
    if kind is _IS_FOLDER:
        return 0
    if kind is _IS_SYMLINK:
        return 2
    return KINDS.index(kind)


def kind_words(code: int) -> str:
    """The kind of a number, in words."""
    return _WORDS[code]


def has_attributes(entry: Entry) -> bool:
    """Whether an entry has extended attributes."""
    for key, _ in entry.pax:  # noqa: SIM110 (a generator takes longer than all of this)
        if key.startswith(ATTRIBUTES):
            return True
    return False


def owner_of(entry: Entry) -> int:
    """What stands for an entry's owner and attributes; of these, those that tables of contents take over."""
    star = {}
    for key, value in entry.pax:
        if key.startswith(_STAR):
            star[key[len(_STAR) :].decode("utf-8", "surrogateescape")] = value
    return owner_hash(entry.uid, entry.gid, star) if star else hash((entry.uid, entry.gid, ()))


def rights_of(entry: Entry) -> int:
    """What stands for a folder's mode and owner."""
    return hash((entry.mode & 0o7777, owner_of(entry)))


def _value(entry: Entry, code: int) -> int:
    """What tells two entries of one kind apart: the size, or the hash of the target or of a device's numbers."""
    if code == SYMLINK:
        return hash(entry.linkname)
    if code == HARDLINK:
        return hash(clean_path(entry.linkname))
    if code == DEVICE:
        return hash((entry.typeflag == "3", entry.devmajor, entry.devminor))
    return entry.size
