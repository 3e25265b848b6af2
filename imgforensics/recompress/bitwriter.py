"""A DEFLATE stream bit by bit (RFC 1951): stored bytes, Huffman coded sequences, and packed headers.

The writer knows formats, not policy: which kind of block to write, and with which codes, is for its callers.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython
if not cython.compiled:
    from imgforensics.recompress.words import load64, low64, store64

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.histogram import DIST_CODES, DIST_EXTRA, LENGTH_CODES, LENGTH_EXTRA
from imgforensics.recompress.huffman import DIST_SYMBOLS, END_OF_BLOCK
from imgforensics.recompress.sequences import Sequences

_FIRST_ROOM = 1 << 18
"""Bytes of output that there is room for at first."""
_TOKEN_BITS = 48
"""The longest token: 15 + 5 bits of length and 15 + 13 of distance."""


class BitWriter:
    """Bits to bytes, the first bit in bit 0; output gathers until it is taken."""

    def __init__(self) -> None:
        self.out = bytearray(_FIRST_ROOM)
        self.room = _FIRST_ROOM
        self.used = 0
        self.pending = 0
        self.pending_bits = 0
        self.lit_entries = array("I", bytes(4 * 257))
        self.length_entries = array("I", bytes(4 * 256))
        self.dist_entries = array("I", bytes(4 * DIST_SYMBOLS))
        self.length_codes = LENGTH_CODES
        self.length_extra = LENGTH_EXTRA
        self.dist_codes = DIST_CODES
        self.dist_extra = DIST_EXTRA

    def take(self) -> bytes:
        """The whole bytes written since the last call; up to 7 bits stay behind."""
        taken = bytes(self.out[: self.used])
        self.used = 0
        return taken

    def drop(self, used: int) -> int:
        """Forget what was written since there were ``used`` whole bytes and nothing else."""
        self.used = used
        self.pending = 0
        self.pending_bits = 0
        return 0

    def put(self, value: int, bits: int) -> int:
        """Write at most 48 bits."""
        self._reserve(8)
        return self._put(value, bits)

    def align(self) -> int:
        """Zero bits up to the next byte."""
        return self.put(0, -self.pending_bits & 7)

    def append(self, packed: Octets, at: int, bits: int) -> int:
        """Write bits that are packed in bytes, wherever the next byte begins.

        They go eight bytes at a time, each shifted by what is pending.

        Args:
            packed: Bytes; bits are the lowest first.
            at: The index of the first.
            bits: How many bits they hold.
        """
        self._reserve((bits + 7) // 8)
        out = self.out
        used = self.used
        shift = self.pending_bits
        pending = self.pending
        while bits >= 64:
            value = load64(packed, at)
            store64(out, used, pending | low64(value << shift))
            pending = value >> 1 >> (63 - shift)
            at += 8
            used += 8
            bits -= 64
        self.used = used
        self.pending = pending
        while bits > 0:
            taken = min(bits, 8)
            self._put(packed[at] & ((1 << taken) - 1), taken)
            at += 1
            bits -= taken
        return 0

    def stored(self, raw: Octets, start: int, size: int, final: bool = False) -> int:
        """Write a stored block, RFC 1951, section 3.2.4, of at most 65535 bytes."""
        self.put(1 if final else 0, 3)
        self.align()
        self.put(size | (size ^ 0xFFFF) << 16, 32)
        self._reserve(size)
        self.out[self.used : self.used + size] = raw[start : start + size]
        self.used += size
        return 0

    def set_codes(
        self, litlen: Octets, litlen_codes: array[int], dist: Octets, dist_codes: array[int], count: int
    ) -> int:
        """Take codes for what is written from here on.

        Tables are made of them: an entry is the bits, and from bit 24 on how many they are.

        Args:
            litlen: Lengths of the literal and length codes; 0 for symbols that are not used.
            litlen_codes: The codes, first bit in bit 0.
            dist: Lengths of the distance codes.
            dist_codes: The codes.
            count: Number of literal and length codes given, 257 to 286.
        """
        for symbol in range(257):
            self.lit_entries[symbol] = litlen_codes[symbol] | litlen[symbol] << 24
        first = 0
        for length in range(256):
            code = self.length_codes[length]
            if length > 0 and code != self.length_codes[length - 1]:
                first = length
            if 257 + code < count:
                bits = litlen[257 + code]
                self.length_entries[length] = (
                    litlen_codes[257 + code] | (length - first) << bits | (bits + self.length_extra[code]) << 24
                )
        for code in range(DIST_SYMBOLS):
            self.dist_entries[code] = dist_codes[code] | dist[code] << 24
        return 0

    def sequences(self, sequences: Sequences) -> int:
        """Write sequences with the codes that were set."""
        self._reserve((sequences.lit_count * 15 + sequences.count * _TOKEN_BITS) // 8 + 1)
        return self._sequences(sequences.lits, sequences.lit_count, sequences.runs, sequences.matches, sequences.count)

    def literals(self, data: Octets, start: int, stop: int) -> int:
        """Write a range of bytes as literals with the codes that were set."""
        self._reserve((stop - start) * 15 // 8 + 1)
        for at in range(start, stop):
            entry = self.lit_entries[data[at]]
            self._put(entry & 0xFFFFFF, entry >> 24)
        return 0

    def end_of_block(self) -> int:
        """Write the symbol 256 with the code that was set."""
        entry = self.lit_entries[END_OF_BLOCK]
        return self.put(entry & 0xFFFFFF, entry >> 24)

    def _reserve(self, size: int) -> int:
        """Make room for some bytes more."""
        if self.used + size + 16 > self.room:
            with cython.gil:
                self._grow(size)
        return 0

    def _grow(self, size: int) -> int:
        larger = bytearray(max(2 * self.room, self.used + size + 16))
        larger[: self.used] = self.out[: self.used]
        self.room = len(larger)
        self.out = larger
        return 0

    def _put(self, value: int, bits: int) -> int:
        self.pending |= value << self.pending_bits
        self.pending_bits += bits
        store64(self.out, self.used, self.pending)
        self.used += self.pending_bits >> 3
        self.pending >>= self.pending_bits & ~7
        self.pending_bits &= 7
        return 0

    def _sequences(self, lits: Octets, lit_count: int, runs: array[int], matches: array[int], count: int) -> int:
        """Three literals go at a time: with the bits that are pending, at most 52 of the 64 that there are.

        Most runs are shorter than four, and no processor could guess how much: all three codes are looked up, and those
        behind the run get no bits.
        """
        lit_entries = self.lit_entries
        out = self.out
        used = self.used
        pending = self.pending
        bits = self.pending_bits
        unit = 1  # of 64 bits, which a bare 1 has not
        lit = 0
        for at in range(count + 1):
            stop = lit + runs[at] if at < count else lit_count
            while True:
                entry = lit_entries[lits[lit]]
                size = (entry >> 24) * (lit < stop)
                three = entry & 0xFFFFFF
                entry = lit_entries[lits[lit + 1]]
                three |= (entry & 0xFFFFFF) << size
                size += (entry >> 24) * (lit + 1 < stop)
                entry = lit_entries[lits[lit + 2]]
                three |= (entry & 0xFFFFFF) << size
                size += (entry >> 24) * (lit + 2 < stop)
                pending |= (three & ((unit << size) - 1)) << bits
                bits += size
                store64(out, used, pending)
                used += bits >> 3
                pending >>= bits & ~7
                bits &= 7
                lit += 3
                if lit >= stop:
                    break
            lit = stop
            if at < count:
                entry = self.length_entries[matches[at] >> 16]
                pending |= (entry & 0xFFFFFF) << bits
                bits += entry >> 24
                distance = matches[at] & 0xFFFF
                code = self.dist_codes[distance if distance < 256 else 256 + (distance >> 7)]
                entry = self.dist_entries[code]
                extra = self.dist_extra[code]
                pending |= ((entry & 0xFFFFFF) | (distance & ((1 << extra) - 1)) << (entry >> 24)) << bits
                bits += (entry >> 24) + extra
            store64(out, used, pending)
            used += bits >> 3
            pending >>= bits & ~7
            bits &= 7
        self.used = used
        self.pending = pending
        self.pending_bits = bits
        return 0
