"""What stands between the data of an entry and the next block of a layer: zeros, or what nobody reads. No I/O.

POSIX (pax, "ustar Interchange Format") leaves its content open; every writer in use fills it with zeros.
"""

from collections.abc import Sequence

from imgforensics.layerentry import Entry
from imgforensics.tarheader import BLOCK


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
        if self._to > base:
            self._look(data, base)
        length = len(data)
        for entry in entries:
            size = entry.size
            if size % BLOCK:
                self._from = entry.data + size
                self._to = self._from + -size % BLOCK
                if self._from < base + length:
                    self._look(data, base)

    def _look(self, data: bytes | memoryview, base: int) -> None:
        if self._from >= base + len(data):
            return
        start = max(self._from - base, 0)
        found = bytes(data[start : self._to - base])
        zeros = found.count(0)
        if zeros < len(found):
            self.count += len(found) - zeros
            if self.first is None:
                self.first = base + start + len(found) - len(found.lstrip(b"\0"))
