"""Little-endian words and common prefixes: the plain twins of the C functions in ``words.pxd``.

The sources import these only where they run as plain Python; compiled, they take the C functions of the same names.
"""

from imgforensics.recompress.encoder import Buffer


def load32(data: Buffer, at: int) -> int:
    """The four bytes at an index as an unsigned little-endian number."""
    return int.from_bytes(data[at : at + 4], "little")


def load64(data: Buffer, at: int) -> int:
    """The eight bytes at an index as an unsigned little-endian number."""
    return int.from_bytes(data[at : at + 8], "little")


def low32(value: int) -> int:
    """The lower half of an unsigned number of 64 bits."""
    return value & 0xFFFFFFFF


def low64(value: int) -> int:
    """The lowest 64 bits of a number."""
    return value & 0xFFFFFFFFFFFFFFFF


def store64(data: bytearray, at: int, value: int) -> None:
    """Write an unsigned number into the eight bytes at an index, little-endian."""
    data[at : at + 8] = value.to_bytes(8, "little")


def common(data: Buffer, one: int, other: int, limit: int) -> int:
    """How many bytes from two indices on are equal, at most ``limit``; the ranges may overlap.

    Nothing beyond ``limit`` bytes from either index is read.
    """
    length = 0
    while length < limit and data[one + length] == data[other + length]:
        length += 1
    return length


def hash_little(data: Buffer, at: int, bits: int) -> int:
    """The four bytes at an index, lowest first, times 0x1e35a7bd, to the given number of bits."""
    return (load32(data, at) * 0x1E35A7BD & 0xFFFFFFFF) >> (32 - bits)


def hash_big(data: Buffer, at: int, bits: int) -> int:
    """The four bytes at an index, highest first, times 0x1e35a7bd, to the given number of bits."""
    return (int.from_bytes(data[at : at + 4], "big") * 0x1E35A7BD & 0xFFFFFFFF) >> (32 - bits)
