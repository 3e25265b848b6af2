"""The search through a tar for its next header, whatever is in the way. No I/O.

:func:`scan` is a generator that :mod:`imgforensics.tarwalk` yields from: each Span says which bytes are needed next.
They are looked at in large pieces, so that what is passed over costs no Python step a block.
"""

from collections.abc import Generator
from dataclasses import dataclass

from imgforensics.limits import MIB
from imgforensics.model import Span
from imgforensics.tarheader import BLOCK, find_header

_FIRST_PIECE = 8 * BLOCK
"""Bytes of the first piece of a search. Each next piece is twice as large: a search that finds something at once, and
there may be one a block, must not read a mebibyte."""

_ZEROS = bytes(MIB)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search met."""

    header: int | None
    """Offset of the first valid header, None where there is none up to the end."""
    first: int | None
    """Offset of the first byte before it that is not zero, None where all are."""
    last: int
    """Offset after the last such byte."""
    head: bytes
    """Bytes from :attr:`first` on, a block at most."""


class Prelude:
    """What comes before the first header of a stream: whether there is one shows while the stream is still coming."""

    def __init__(self) -> None:
        self.head = b""
        """The first bytes of the stream, a block at most."""
        self._passed = False
        self._rest = b""

    def passed(self, chunk: bytes) -> bool:
        """Take the next bytes; whether a valid header has come."""
        if not self._passed:
            self.head += chunk[: BLOCK - len(self.head)]
            piece = self._rest + chunk
            whole = len(piece) // BLOCK * BLOCK
            self._passed = find_header(piece[:whole]) is not None
            self._rest = piece[whole:]
        return self._passed


def scan(start: int, size: int, most: int) -> Generator[Span, bytes | None, Found]:
    """Look for a header, and for bytes that are not zero, up to the end of the tar.

    Args:
        start: offset to begin at, a multiple of 512 bytes.
        size: bytes of the whole tar.
        most: bytes to ask for at a time; of these, whole blocks are taken, a mebibyte at most.
    """
    first: int | None = None
    last = start
    head = b""
    most = min(max(most // BLOCK * BLOCK, BLOCK), len(_ZEROS))
    length = min(_FIRST_PIECE, most)
    while start < size:
        piece = yield Span(start, min(length, size - start))
        if not piece:
            break
        header = find_header(piece)
        before = piece[:header]
        if not _ZEROS.startswith(before):
            if first is None:
                head = before.lstrip(b"\0")
                first = start + len(before) - len(head)
                head = head[:BLOCK]
            last = start + _used(before)
        if header is not None:
            return Found(start + header, first, last, head)
        start += length
        length = min(2 * length, most)
    return Found(None, first, last, head)


def _used(piece: bytes) -> int:
    """Bytes of ``piece`` up to its last one that is not zero. Halving, since stripping zeros goes byte by byte."""
    low, high = 0, len(piece)
    while high - low > BLOCK:
        middle = (low + high) // 2
        if _ZEROS.startswith(piece[middle:high]):
            high = middle
        else:
            low = middle
    return low + len(piece[low:high].rstrip(b"\0"))
