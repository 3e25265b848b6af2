"""What stands between the data of an entry and the next block of a layer: zeros, or what nobody reads. No I/O.

POSIX (pax, "ustar Interchange Format") leaves its content open; every writer in use fills it with zeros.
"""

try:
    import cython
except ImportError:
    from imgforensics import layerbytes as cython
if not cython.compiled:
    from imgforensics.layerbytes import nonzero, raw

from collections.abc import Sequence

from imgforensics.layerentry import Entry
from imgforensics.tarheader import BLOCK, SIZE_BOUND

_MOST = SIZE_BOUND // 2
"""Bytes that no layer has: places behind so many are numbers too large for C."""


class Padding:
    """Looks at the padding of one layer: :meth:`take` the chunks in order, each with the entries that begin in it."""

    def __init__(self) -> None:
        self._from = self._to = 0
        self.count = 0
        """Bytes of padding that are not zero."""
        self.first: int | None = None
        """Offset of the first of them, in bytes of the uncompressed layer."""

    def take(self, entries: Sequence[Entry], data: bytes | memoryview, base: int) -> None:
        """Look at what of the padding lies in these bytes, which begin at ``base``."""
        end = base + len(data)
        if self._to > base:
            self._look(data, base, end)
        for entry in entries:
            size = entry.size
            if size % BLOCK and size < _MOST:
                self._from = entry.data + size
                self._to = self._from + BLOCK - size % BLOCK
                if self._from < end:
                    self._look(data, base, end)

    def _look(self, data: bytes | memoryview, base: int, end: int) -> None:
        start = max(self._from, base)
        length = min(self._to, end) - start
        found = nonzero(data, start - base, length) if length > 0 else 0
        if found and self.first is None:
            there = raw(data, start - base, length)
            self.first = start + length - len(there.lstrip(b"\0"))
        self.count += found
