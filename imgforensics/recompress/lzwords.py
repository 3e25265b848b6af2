"""Hashes, copies, packed matches and arithmetic in single precision: the plain twins of the C code in ``lzwords.pxd``.

The hashes multiply by primes and keep the highest bits. The sources import these functions only where they run as
plain Python; compiled, they take the C functions of the same names.
"""

from __future__ import annotations

import struct
from array import array

from imgforensics.recompress.encoder import Buffer

_WORD = (1 << 64) - 1
_HALF = (1 << 32) - 1
_SINGLE = struct.Struct("<f")
_BITS = struct.Struct("<I")


def hash4(value: int, bits: int) -> int:
    """Hash of the low four bytes, so many bits wide."""
    return ((value & _HALF) * 2654435761 & _HALF) >> (32 - bits)


def hash5(value: int, bits: int) -> int:
    """Hash of the low five bytes, so many bits wide."""
    return ((value << 24) * 889523592379 & _WORD) >> (64 - bits)


def hash7(value: int, bits: int) -> int:
    """Hash of the low seven bytes, so many bits wide."""
    return ((value << 8) * 58295818150454627 & _WORD) >> (64 - bits)


def floor_log2(value: int) -> int:
    """Index of the highest bit that is set; ``value`` is not zero."""
    return value.bit_length() - 1


def agree4(data: Buffer, at: int, word: int) -> bool:
    """Whether the four bytes at an index are the low four of a little-endian word."""
    return int.from_bytes(data[at : at + 4], "little") == word & _HALF


def store64(data: bytearray, at: int, value: int) -> None:
    """Write eight bytes, little-endian."""
    data[at : at + 8] = value.to_bytes(8, "little")


def copy_run(target: bytearray, to: int, source: Buffer, start: int, count: int) -> None:
    """Copy ``count`` bytes; up to seven bytes behind them in ``target`` may change too."""
    target[to : to + count] = source[start : start + count]


def latest(pair: int) -> int:
    """The younger of two positions in 64 bits."""
    return pair & _HALF


def earlier(pair: int) -> int:
    """The older of two positions in 64 bits."""
    return pair >> 32


def pushed(pair: int, position: int) -> int:
    """The pair after one more position: its older one is forgotten."""
    return (pair & _HALF) << 32 | position


def pack_match(literals: int, length: int, distance: int) -> int:
    """One match and the literals before it in 64 bits.

    ====  ===========================
    bits  content
    ====  ===========================
    0     distance - 1, 0 to 32767
    15    length - 3, 0 to 255
    23    distance code, 0 to 29
    32    number of literals before it
    ====  ===========================
    """
    far = distance - 1
    code = far
    if far > 1:
        log = floor_log2(far)
        code = 2 * log + ((far >> (log - 1)) & 1)
    return literals << 32 | code << 23 | (length - 3) << 15 | far


def put_match(matches: array[int], count: int, literals: int, length: int, distance: int, longest: int) -> int:
    """Store a match of any length in pieces of at most 258; return the number of matches then stored.

    A piece is ``longest`` bytes where more than 261 are left, and 255 where 259 to 261 are, so that at least four
    remain for the last.
    """
    while length > 258:
        piece = longest if length > 261 else 255
        matches[count] = pack_match(literals, piece, distance)
        count += 1
        literals = 0
        length -= piece
    matches[count] = pack_match(literals, length, distance)
    return count + 1


def fadd(one: float, other: float) -> float:
    """Sum of two numbers of single precision, rounded to single precision.

    Rounding the exact sum first to double precision does no harm: it has more than twice as many bits.
    """
    return _single(one + other)


def fmul(one: float, other: float) -> float:
    """Product of two numbers of single precision, rounded to single precision."""
    return _single(one * other)


def fdiv(one: float, other: float) -> float:
    """Quotient of two numbers of single precision, rounded to single precision."""
    return _single(one / other)


def whole(value: float) -> int:
    """The number without its fraction."""
    return int(value)


def float_bits(value: float) -> int:
    """The pattern of a number of single precision."""
    bits: int = _BITS.unpack(_SINGLE.pack(value))[0]
    return bits


def float_of(bits: int) -> float:
    """The number of single precision with that pattern."""
    value: float = _SINGLE.unpack(_BITS.pack(bits))[0]
    return value


def _single(value: float) -> float:
    rounded: float = _SINGLE.unpack(_SINGLE.pack(value))[0]
    return rounded
