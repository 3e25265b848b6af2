"""What usual extension headers say about the entry behind them. Compiled where a C compiler is; no I/O.

Usual are one PAX header with records of the keys that change no size, or GNU's long name and long link target, once
each, in which nothing is odd. All others are left to :mod:`~imgforensics.layerwalk`, and what these mean is told by the
same functions there: :func:`~imgforensics.paxrecords.parse_pax` and what belongs to it.
"""

try:
    import cython
except ImportError:
    from imgforensics import layerbytes as cython
if not cython.compiled:
    from imgforensics.layerbytes import no_device, octal, raw, same, sound

from imgforensics.limits import Limits
from imgforensics.paxrecords import parse_pax, pax_integer, pax_time
from imgforensics.tarheader import BLOCK

_LONG_NAME, _LONG_LINK, _PAX = b"LKx"

_APPLIED = frozenset((b"path", b"linkpath", b"mtime", b"uid", b"gid"))
_UNUSUAL = frozenset((b"size", b"uname", b"gname", b"hdrcharset"))
"""Keys that change how an entry is read, and that few entries have."""
_SPARSE = b"GNU.sparse."
_TIMES = frozenset((b"atime", b"ctime"))
_MOST = 1 << 62
"""From here on numbers may be too large for readers."""
STAR = b"tar\0"
"""What stands at 508 in a header of star's, which has other fields."""


class UsualExtensions:
    """Reads those of one entry at a time; counts all that a layer has, the unusual ones among them."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.extension
        self._most_size = limits.layer_extensions
        self._most_headers = limits.layer_headers
        self._size = self._headers = 0
        self.size = 0
        """Bytes of the bodies of all extension headers so far."""
        self.headers = 0
        """Headers so far that have to do with them: theirs, those of their entries, and whatever is read one by one."""
        # What they say about one entry: nothing where a name is empty, and a number None.
        self.name = b""
        self.linkname = b""
        self.mtime: float | None = None
        self.uid: int | None = None
        self.gid: int | None = None
        self.records: tuple[tuple[bytes, bytes], ...] = ()

    def begin(self, flag: int) -> bool:
        """Whether a header of this type is such an extension header."""
        return flag in (_PAX, _LONG_NAME, _LONG_LINK)

    def read(self, data: bytes | memoryview, at: int) -> int:
        """Read all that stand before one entry.

        Args:
            data: bytes of the layer.
            at: index in ``data`` of the first one.

        Returns:
            Index of the entry's own header, of which all bytes are there; -1 where one of them is not usual.
        """
        self._forget()
        length = len(data)
        while at + BLOCK <= length:
            flag = data[at + 156]
            if not self.begin(flag):
                return at
            size = octal(data, at + 124, 11) if sound(data, at) and self._numbers(data, at) else -1
            if size <= 0 or at + BLOCK + size > length or size > self._most:
                return -1
            self._size += size
            self._headers += 1
            if self.size + self._size > self._most_size or self.headers + self._headers + 1 > self._most_headers:
                return -1
            body = raw(data, at + BLOCK, size)
            if not (self._pax(body) if flag == _PAX else self._long(body, flag)):
                return -1
            at += BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK
        return -1

    def keep(self) -> None:
        """Their entry was taken, and counts."""
        self.size += self._size
        self.headers += self._headers + 1

    def _forget(self) -> None:
        self._size = self._headers = 0
        self.name = self.linkname = b""
        self.mtime = self.uid = self.gid = None
        self.records = ()

    def _numbers(self, data: bytes | memoryview, at: int) -> bool:
        """Whether the numbers of a header but its size are as they are spelled, and there are no further ones."""
        return (
            octal(data, at + 100, 7) >= 0
            and octal(data, at + 108, 7) >= 0
            and octal(data, at + 116, 7) >= 0
            and octal(data, at + 136, 11) >= 0
            and no_device(data, at + 329)
            and not same(data, at + 508, STAR)
        )

    def _long(self, body: bytes, flag: int) -> bool:
        """A GNU long name, or a long link target."""
        text = body.rstrip(b"\0")
        if not text or b"\0" in text or self.records or (self.name if flag == _LONG_NAME else self.linkname):
            return False
        if flag == _LONG_NAME:
            self.name = text
        else:
            self.linkname = text
        return True

    def _pax(self, body: bytes) -> bool:
        """PAX records."""
        records, notes = parse_pax(body)
        if notes or self.records or self.name or self.linkname or not records:
            return False
        for key, value in records:
            if key in _APPLIED:
                if not (value and self._apply(key, value)):
                    return False
            elif key in _TIMES:
                if value and not _is_usual(pax_time(value)):
                    return False
            elif key in _UNUSUAL or key.startswith(_SPARSE):
                return False
        self.records = records
        return True

    def _apply(self, key: bytes, value: bytes) -> bool:
        """A record that says what an entry's own header has too; whether it could be read."""
        if key == b"path":
            self.name = value
        elif key == b"linkpath":
            self.linkname = value
        elif key == b"mtime":
            self.mtime = pax_time(value)
            return _is_usual(self.mtime)
        elif key == b"uid":
            self.uid = pax_integer(value)
            return _is_usual(self.uid) and value[:1] != b"+"
        else:
            self.gid = pax_integer(value)
            return _is_usual(self.gid) and value[:1] != b"+"
        return True


def _is_usual(number: float | None) -> bool:
    """Whether a record is a number, and no reader finds it too large."""
    return number is not None and -_MOST < number < _MOST
