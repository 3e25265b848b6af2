"""Looks at the bytes of a header: the plain twins of the C functions in ``layerbytes.pxd``.

``layerheader.py`` imports these only where it runs as plain Python; compiled, it takes the C functions of the same
names.
"""

from zlib import adler32

compiled = False
"""As the ``cython`` module has it in plain Python, for where that is not installed."""

_SUM_AS_SPACES = 8 * 0x20


def octal(data: bytes | memoryview, at: int, digits: int) -> int:
    """The number of so many octal digits at an index, with a space or a NUL behind them; -1 where there is none."""
    field = bytes(data[at : at + digits + 1])
    if field[-1] not in b" \0" or field[:-1].translate(None, b"01234567"):
        return -1
    return int(field[:-1], 8)


def checksum(data: bytes | memoryview, at: int) -> int:
    """The sum of a block's bytes, its checksum field taken as spaces."""
    first, second = bytes(data[at : at + 256]), bytes(data[at + 256 : at + 512])
    # The lower half of Adler-32 (RFC 1950) is the sum of so few bytes.
    total = (adler32(first, 0) & 0xFFFF) + (adler32(second, 0) & 0xFFFF)
    return total - (adler32(first[148:156], 0) & 0xFFFF) + _SUM_AS_SPACES


def until_nul(data: bytes | memoryview, at: int, most: int) -> int:
    """How many bytes stand before the first NUL, of so many at most."""
    end = bytes(data[at : at + most]).find(b"\0")
    return most if end < 0 else end


def same(data: bytes | memoryview, at: int, other: bytes) -> bool:
    """Whether these bytes stand at an index."""
    return data[at : at + len(other)] == other


def text(data: bytes | memoryview, at: int, length: int) -> str:
    """Bytes as UTF-8 with surrogateescape."""
    return str(data[at : at + length], "utf-8", "surrogateescape")


def cleanable(data: bytes | memoryview, at: int, length: int) -> bool:
    """Whether a name of at least one byte has a part that is empty or begins with a dot."""
    name = bytes(data[at : at + length])
    return name[:1] in (b".", b"/") or b"//" in name or b"/." in name
