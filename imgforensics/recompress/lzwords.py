"""Hashes, copies, sequences and arithmetic in single precision: the plain twins of the C code in ``lzwords.pxd``.

The hashes multiply by primes and keep the highest bits. The sources import these functions only where they run as
plain Python; compiled, they take the C functions of the same names.
"""

from __future__ import annotations

import struct
from array import array

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.sequences import Sequences

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


def agree4(data: Octets, at: int, word: int) -> bool:
    """Whether the four bytes at an index are the low four of a little-endian word."""
    return int.from_bytes(data[at : at + 4], "little") == word & _HALF


def copy_run(target: bytearray, to: int, source: Octets, start: int, count: int) -> None:
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


def put_match(
    runs: array[int], matches: array[int], count: int, run: int, length: int, distance: int, longest: int
) -> int:
    """Store a match of any length in pieces of at most 258; return the number of matches then stored.

    A piece has ``longest`` bytes where more than 261 are left, and 255 where 259 to 261 are, so that at least four
    remain for the last.
    """
    while length > 258:
        piece = longest if length > 261 else 255
        runs[count] = run
        matches[count] = (piece - 3) << 16 | (distance - 1)
        count += 1
        run = 0
        length -= piece
    runs[count] = run
    matches[count] = (length - 3) << 16 | (distance - 1)
    return count + 1


def close_sequences(
    out: Sequences, lits: bytearray, lit_count: int, count: int, data: Octets, start: int, end: int
) -> int:
    """Append ``data[start:end]`` to the literals of a block and note in ``out`` how much it has in all."""
    copy_run(lits, lit_count, data, start, end - start)
    out.lit_count = lit_count + end - start
    out.count = count
    out.run = end - start
    return 0


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
