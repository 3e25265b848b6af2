"""Looks at the bytes of a header: the plain twins of the C functions in ``layerbytes.pxd``.

The sources that are compiled import these only where they run as plain Python; compiled, they take the C functions of
the same names.
"""

from zlib import adler32

compiled = False
"""As the ``cython`` module has it in plain Python, for where that is not installed."""

_MAGICS = (b"ustar\0", b"ustar  \0")
_SUM_AS_SPACES = 8 * 0x20
_NO_DEVICES = (bytes(16), b"0000000\0" * 2, b"0000000 " * 2, b"000000 \0" * 2)


def octal(data: bytes | memoryview, at: int, digits: int) -> int:
    """The number of so many octal digits at an index, with a space or a NUL behind them; -1 where there is none."""
    field = bytes(data[at : at + digits + 1])
    if field[-1] not in b" \0" or field[:-1].translate(None, b"01234567"):
        return -1
    return int(field[:-1], 8)


def sound(data: bytes | memoryview, at: int) -> bool:
    """Whether a header of POSIX or GNU stands at an index, with the right checksum as writers spell it."""
    if not (same(data, at + 257, _MAGICS[0]) or same(data, at + 257, _MAGICS[1])):
        return False
    first, second = bytes(data[at : at + 256]), bytes(data[at + 256 : at + 512])
    # The lower half of Adler-32 (RFC 1950) is the sum of so few bytes.
    total = (adler32(first, 0) & 0xFFFF) + (adler32(second, 0) & 0xFFFF)
    total += _SUM_AS_SPACES - (adler32(first[148:156], 0) & 0xFFFF)
    return octal(data, at + 148, 6 if first[155] == 0x20 else 7) == total


def no_device(data: bytes | memoryview, at: int) -> bool:
    """Whether the fields for a device's numbers, at an index, say nothing, as they do for all but devices."""
    return data[at : at + 16] in _NO_DEVICES


def until_nul(data: bytes | memoryview, at: int, most: int) -> int:
    """How many bytes stand before the first NUL, of so many at most."""
    end = bytes(data[at : at + most]).find(b"\0")
    return most if end < 0 else end


def nonzero(data: bytes | memoryview, at: int, length: int) -> int:
    """How many of these bytes are not zero."""
    return length - bytes(data[at : at + length]).count(0)


def same(data: bytes | memoryview, at: int, other: bytes) -> bool:
    """Whether these bytes stand at an index."""
    return data[at : at + len(other)] == other


def begins(whole: bytes, data: bytes | memoryview, at: int, length: int) -> bool:
    """Whether some bytes begin with those at an index."""
    return whole.startswith(bytes(data[at : at + length]))


def raw(data: bytes | memoryview, at: int, length: int) -> bytes:
    """The bytes at an index."""
    return bytes(data[at : at + length])


def text(data: bytes | memoryview, at: int, length: int) -> str:
    """The bytes at an index as UTF-8 with surrogateescape."""
    return str(data[at : at + length], "utf-8", "surrogateescape")
