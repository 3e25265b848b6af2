"""Usual headers of a layer to entries, as many as follow each other. Compiled where a C compiler is; no I/O.

A usual header is a sound one of POSIX or GNU, of a file, folder, symlink or hard link, with octal numbers, as every
writer spells them, no device numbers, and nothing before it but usual extension headers. Layers consist of little
else, and all of it runs while no other thread can, so that it has to be quick. Everything else is left to
:mod:`~imgforensics.layerwalk`, which gives the same for a usual header, only slower.
"""

try:
    import cython
except ImportError:
    from imgforensics import layerbytes as cython
if not cython.compiled:
    from imgforensics.layerbytes import begins, no_device, octal, raw, same, sound, text, until_nul

from imgforensics.layerentry import TOC, Entry
from imgforensics.layerextensions import STAR, UsualExtensions
from imgforensics.model import MemberKind, clean_path
from imgforensics.tarextensions import FULL, is_ordinary_short_form
from imgforensics.tarheader import BLOCK

_KINDS = {
    48: (MemberKind.FILE, "0"),
    49: (MemberKind.HARDLINK, "1"),
    50: (MemberKind.SYMLINK, "2"),
    53: (MemberKind.DIRECTORY, "5"),
}
_GNU = b"ustar  \0"
_OWNERS = 64
"""Bytes of the names of owner and group."""

_new = tuple.__new__


class UsualHeaders:
    """Reads usual headers; remembers who owned the last one."""

    def __init__(self, extensions: UsualExtensions) -> None:
        self.said = extensions
        self.owners = bytes(_OWNERS)
        self.uname = ""
        self.gname = ""

    def run(self, data: bytes | memoryview, at: int, base: int, entries: list[Entry]) -> int:
        """Read one usual header behind the other.

        Args:
            data: the next bytes of the layer.
            at: index in ``data`` of a block where a header should stand.
            base: offset of ``data`` in the layer, in bytes.
            entries: what is read is appended here.

        Returns:
            Index of the first block that is none, or of the first extension header before it; behind the end of
            ``data``, perhaps.
        """
        length = len(data)
        while at + BLOCK <= length:
            header = at
            extended = self.said.begin(data[at + 156])
            if extended:
                header = self.said.read(data, at)
            size = -1 if header < 0 else self.usual(data, at, header, base, entries)
            if size < 0:
                break
            if extended:
                self.said.keep()
            at = header + BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK
        return at

    def usual(self, data: bytes | memoryview, start: int, at: int, base: int, entries: list[Entry]) -> int:
        """Read one, with extension headers from ``start`` on. Returns the bytes of its data, -1 where it is unusual."""
        known = _KINDS.get(data[at + 156])
        if known is None or not sound(data, at) or same(data, at + 508, STAR):
            return -1
        kind, flag = known
        mode = octal(data, at + 100, 7)
        uid = octal(data, at + 108, 7)
        gid = octal(data, at + 116, 7)
        size = octal(data, at + 124, 11)
        mtime = octal(data, at + 136, 11)
        if mode < 0 or uid < 0 or gid < 0 or size < 0 or mtime < 0:
            return -1
        if (size and kind is not MemberKind.FILE) or not no_device(data, at + 329):
            return -1
        extended = at > start
        name = self.name(data, at, extended)
        link = self.link(data, at, extended)
        if name is None or link is None or (kind is MemberKind.FILE and name.endswith("/")):
            return -1
        path = cleaned(name)
        if path == TOC:
            return -1
        if not same(data, at + 265, self.owners):
            self.owners = raw(data, at + 265, _OWNERS)
            self.uname = text(data, at + 265, until_nul(data, at + 265, 32))
            self.gname = text(data, at + 297, until_nul(data, at + 297, 32))
        said = self.said
        fields = (
            name,
            path,
            kind,
            flag,
            size,
            mode,
            said.uid if extended and said.uid is not None else uid,
            said.gid if extended and said.gid is not None else gid,
            self.uname,
            self.gname,
            said.mtime if extended and said.mtime is not None else float(mtime),
            link,
            0,
            0,
            said.records if extended else (),
            base + start,
            base + at + BLOCK,
            (),
        )
        entries.append(_new(Entry, fields))
        return size

    def name(self, data: bytes | memoryview, at: int, extended: bool) -> str | None:
        """The name of an entry; None where it is not usual."""
        length = until_nul(data, at, 100)
        prefix = 0
        if data[at + 345]:
            if same(data, at + 257, _GNU):
                return None
            prefix = until_nul(data, at + 345, 155)
        if not length or (data[at + 156] == 48 and data[at + length - 1] == 47):
            return None
        if extended and self.said.name:
            full = self.said.name
            if prefix:
                short = raw(data, at + 345, prefix) + b"/" + raw(data, at, length)
                usual = is_ordinary_short_form(short, full)
            else:
                usual = length >= FULL and begins(full, data, at, length)
                usual = usual or is_ordinary_short_form(raw(data, at, length), full)
            return full.decode("utf-8", "surrogateescape") if usual else None
        if prefix:
            return text(data, at + 345, prefix) + "/" + text(data, at, length)
        return text(data, at, length)

    def link(self, data: bytes | memoryview, at: int, extended: bool) -> str | None:
        """Where an entry links to; None where that is not usual."""
        length = until_nul(data, at + 157, 100)
        if extended and self.said.linkname:
            full = self.said.linkname
            usual = length >= FULL and begins(full, data, at + 157, length)
            usual = usual or is_ordinary_short_form(raw(data, at + 157, length), full)
            return full.decode("utf-8", "surrogateescape") if usual else None
        return text(data, at + 157, length)


def cleaned(name: str) -> str | None:
    """As ``clean_path``, quicker for what needs no cleaning but for ``./`` before it and a slash behind it."""
    start = 2 if name.startswith("./") else 0
    end = len(name)
    if name.endswith("/"):
        end -= 1
    if end <= start or name[start] in "./" or name[end - 1] == "/":
        return clean_path(name)
    if name.find("//", start, end) >= 0 or name.find("/.", start, end) >= 0:
        return clean_path(name)
    return name[start:end]
