"""The symbols of DEFLATE (RFC 1951, section 3.2.5), and how often each occurs in a block."""

from __future__ import annotations

from array import array

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.huffman import DIST_SYMBOLS, END_OF_BLOCK, LITLEN_SYMBOLS
from imgforensics.recompress.sequences import Sequences


def _length_codes() -> tuple[bytes, bytes]:
    """For each length less 3, the length code (0 to 28); for each code, its number of extra bits."""
    extra = bytes(max(0, code // 4 - 1) for code in range(28)) + b"\0"
    codes = b"".join(bytes((code,)) * (1 << extra[code]) for code in range(28))
    return codes[:255] + b"\x1c", extra


def _dist_codes() -> tuple[bytes, bytes]:
    """The distance code of each distance less 1, and its extra bits by code.

    The first table has two parts: distances below 256 as they are, larger ones in steps of 128 from index 256 on.
    """
    extra = bytes(max(0, code // 2 - 1) for code in range(DIST_SYMBOLS))
    codes = b"".join(bytes((code,)) * (1 << extra[code]) for code in range(DIST_SYMBOLS))
    return codes[:256] + codes[::128], extra


LENGTH_CODES, LENGTH_EXTRA = _length_codes()
"""The length code of each length less 3; the number of extra bits of each length code."""
DIST_CODES, DIST_EXTRA = _dist_codes()
"""The distance code of each distance less 1; the number of extra bits of each distance code.

The first has two parts: distances up to 256 as they are, larger ones in steps of 128 from index 256 on.
"""


class Histogram:
    """How often each symbol occurs in a block.

    Methods return numbers of 0 or more, for compiled code that has released the interpreter's lock.
    """

    def __init__(self) -> None:
        self.litlen = array("I", bytes(4 * LITLEN_SYMBOLS))
        self.dist = array("I", bytes(4 * DIST_SYMBOLS))
        self.extra_bits = 0
        """Extra bits of all lengths and distances together."""
        self.litlen_count = 0
        """How many literal and length codes a header lists, once the end was counted."""
        self.dist_count = 0
        """How many distance codes."""
        self.by_length = array("I", bytes(4 * 256))
        self.lanes = array("I", bytes(4 * 3 * 256))
        self.length_codes = LENGTH_CODES
        self.length_extra = LENGTH_EXTRA
        self.dist_codes = DIST_CODES
        self.dist_extra = DIST_EXTRA

    def count(self, sequences: Sequences) -> int:
        """Count the symbols of some sequences, and nothing else: no end of block, no distance that is not there."""
        self._literals(sequences.lits, 0, sequences.lit_count)
        return self._matches(sequences.matches, sequences.count)

    def count_bytes(self, data: Octets, start: int, stop: int) -> int:
        """Count a range of bytes as literals, and nothing else."""
        self._literals(data, start, stop)
        return self._matches(self.lanes, 0)

    def end(self) -> int:
        """Count the end of the block once, and distance code 0 once if there is no distance."""
        self.litlen[END_OF_BLOCK] = 1
        litlen_count = LITLEN_SYMBOLS
        while self.litlen[litlen_count - 1] == 0:
            litlen_count -= 1
        dist_count = DIST_SYMBOLS
        while dist_count > 0 and self.dist[dist_count - 1] == 0:
            dist_count -= 1
        if dist_count == 0:
            self.dist[0] = 1
            dist_count = 1
        self.litlen_count = litlen_count
        self.dist_count = dist_count
        return 0

    def weigh(self, litlen: Octets, dist: Octets) -> int:
        """Bits of all symbols together in codes of the given lengths, extra bits not counted."""
        bits = 0
        for symbol in range(LITLEN_SYMBOLS):
            bits += self.litlen[symbol] * litlen[symbol]
        for symbol in range(DIST_SYMBOLS):
            bits += self.dist[symbol] * dist[symbol]
        return bits

    def _literals(self, data: Octets, start: int, stop: int) -> int:
        """Count literals in four tables by turns: a run of one byte would wait for itself in a single one."""
        litlen = self.litlen
        lanes = self.lanes
        for at in range(LITLEN_SYMBOLS):
            litlen[at] = 0
        for at in range(3 * 256):
            lanes[at] = 0
        at = start
        while at + 4 <= stop:
            litlen[data[at]] += 1
            lanes[data[at + 1]] += 1
            lanes[256 + data[at + 2]] += 1
            lanes[512 + data[at + 3]] += 1
            at += 4
        while at < stop:
            litlen[data[at]] += 1
            at += 1
        for byte in range(256):
            litlen[byte] += lanes[byte] + lanes[256 + byte] + lanes[512 + byte]
        return 0

    def _matches(self, matches: array[int], count: int) -> int:
        by_length = self.by_length
        dist = self.dist
        for at in range(256):
            by_length[at] = 0
        for code in range(DIST_SYMBOLS):
            dist[code] = 0
        for at in range(count):
            match = matches[at]
            by_length[match >> 16] += 1
            distance = match & 0xFFFF
            dist[self.dist_codes[distance if distance < 256 else 256 + (distance >> 7)]] += 1
        self.extra_bits = 0
        for length in range(256):
            if by_length[length]:
                code = self.length_codes[length]
                self.litlen[257 + code] += by_length[length]
                self.extra_bits += by_length[length] * self.length_extra[code]
        for code in range(DIST_SYMBOLS):
            self.extra_bits += dist[code] * self.dist_extra[code]
        return 0
