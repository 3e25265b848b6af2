"""Usual headers of a layer to entries, as many as follow each other. Compiled where a C compiler is; no I/O.

A usual header is a sound one of POSIX or GNU, of a file, folder, symlink or hard link, with octal numbers, as every
writer spells them, no device numbers, and nothing before it that says more about its entry. Layers consist of little
else, and all of it runs while no other thread can, so that it has to be quick. Everything else is left to
:mod:`~imgforensics.layerwalk`, which gives the same for a usual header, only slower.
"""

try:
    import cython
except ImportError:
    from imgforensics import layerbytes as cython
if not cython.compiled:
    from imgforensics.layerbytes import checksum, cleanable, octal, same, text, until_nul

from imgforensics.layerentry import TOC, Entry
from imgforensics.model import MemberKind, clean_path
from imgforensics.tarheader import BLOCK

_KINDS = {
    48: (MemberKind.FILE, "0"),
    49: (MemberKind.HARDLINK, "1"),
    50: (MemberKind.SYMLINK, "2"),
    53: (MemberKind.DIRECTORY, "5"),
}
_MAGICS = (b"ustar\0", b"ustar  \0")
_STAR = b"tar\0"
_NO_DEVICE = (bytes(16), b"0000000\0" * 2, b"0000000 " * 2, b"000000 \0" * 2)
_OWNERS = 64
"""Bytes of the names of owner and group."""

_new = tuple.__new__


class UsualHeaders:
    """Reads usual headers; remembers who owned the last one."""

    def __init__(self) -> None:
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
            Index of the first block that is none; behind the end of ``data``, perhaps.
        """
        length = len(data)
        while at + BLOCK <= length:
            size = self.usual(data, at, base, entries)
            if size < 0:
                break
            at += BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK
        return at

    def usual(self, data: bytes | memoryview, at: int, base: int, entries: list[Entry]) -> int:
        """Read one, and return the bytes of its data; -1 where this is none."""
        known = _KINDS.get(data[at + 156])
        if known is None or not (same(data, at + 257, _MAGICS[0]) or same(data, at + 257, _MAGICS[1])):
            return -1
        mode = octal(data, at + 100, 7)
        uid = octal(data, at + 108, 7)
        gid = octal(data, at + 116, 7)
        size = octal(data, at + 124, 11)
        mtime = octal(data, at + 136, 11)
        if mode < 0 or uid < 0 or gid < 0 or size < 0 or mtime < 0:
            return -1
        claimed = octal(data, at + 148, 6 if data[at + 155] == 32 else 7)
        if claimed != checksum(data, at):
            return -1
        kind, flag = known
        name_length = until_nul(data, at, 100)
        is_file = kind is MemberKind.FILE
        if not name_length or (size and not is_file) or (is_file and data[at + name_length - 1] == 47):
            return -1
        if same(data, at + 508, _STAR) or not self.no_device(data, at + 329):
            return -1
        name = text(data, at, name_length)
        if data[at + 345] and data[at + 263] != 32:
            name = text(data, at + 345, until_nul(data, at + 345, 155)) + "/" + name
            path = clean_path(name)
        else:
            path = self.path(data, at, name_length, name)
        if path == TOC:
            return -1
        if not same(data, at + 265, self.owners):
            self.owners = bytes(data[at + 265 : at + 265 + _OWNERS])
            self.uname = text(data, at + 265, until_nul(data, at + 265, 32))
            self.gname = text(data, at + 297, until_nul(data, at + 297, 32))
        linkname = text(data, at + 157, until_nul(data, at + 157, 100)) if data[at + 157] else ""
        fields = (
            name,
            path,
            kind,
            flag,
            size,
            mode,
            uid,
            gid,
            self.uname,
            self.gname,
            float(mtime),
            linkname,
            0,
            0,
            (),
            base + at,
            base + at + BLOCK,
            (),
        )
        entries.append(_new(Entry, fields))
        return size

    def path(self, data: bytes | memoryview, at: int, length: int, name: str) -> str | None:
        """The name cleaned; what needs no cleaning, but for ``./`` before it and a slash behind it, costs little."""
        start = at
        if length > 2 and data[at] == 46 and data[at + 1] == 47:
            start += 2
        end = at + length
        if data[end - 1] == 47:
            end -= 1
        if end <= start or cleanable(data, start, end - start) or data[end - 1] == 47:
            return clean_path(name)
        return name if end - start == length else text(data, start, end - start)

    def no_device(self, data: bytes | memoryview, at: int) -> bool:
        """Whether the fields for a device's numbers say nothing, as they do for all other entries."""
        return any(same(data, at, none) for none in _NO_DEVICE)
