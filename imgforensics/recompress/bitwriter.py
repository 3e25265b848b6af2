"""Bits of a DEFLATE stream (RFC 1951): tokens in given codes, stored blocks, headers made elsewhere.

Bits wait in a 64-bit number, the oldest lowest; whole bytes of it are stored eight at a time, and those that do not count
yet are overwritten by the next store.
"""

from __future__ import annotations

from array import array

from imgforensics.recompress import symbols
from imgforensics.recompress.encoder import Buffer

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython

if not cython.compiled:
    from imgforensics.recompress.lzwords import copy_run, store64
    from imgforensics.recompress.tokens import Tokens

ROOM = 1 << 18
"""Bytes between two calls of ``take``: 32768 tokens of 48 bits, and headers."""
_LENGTH_BASE = symbols.LENGTH_BASE
_LENGTH_EXTRA_BITS = symbols.LENGTH_EXTRA_BITS
_LENGTH_CODE = symbols.LENGTH_CODE
_DIST_BASE = symbols.DIST_BASE
_DIST_EXTRA_BITS = symbols.DIST_EXTRA_BITS


class BitWriter:
    """The end of a stream in the making: what is ready since the last ``take``, and up to seven bits."""

    def __init__(self) -> None:
        self.out = bytearray(ROOM)
        self.used = 0
        self.waiting = 0
        self.waiting_bits = 0
        self.literal_entries = array("I", bytes(4 * 256))
        """Code << 8 | its length in bits."""
        self.length_entries = array("I", bytes(4 * 256))
        """The same for lengths minus 3, extra bits included."""
        self.dist_entries = array("I", bytes(4 * 30))

    def take(self) -> bytes:
        """The bytes that are complete, once."""
        ready = bytes(self.out[: self.used])
        self.used = 0
        return ready

    def put(self, value: int, bits: int) -> int:
        """Append a number of at most 56 bits, lowest bit first."""
        self.waiting |= value << self.waiting_bits
        self.waiting_bits += bits
        store64(self.out, self.used, self.waiting)
        self.used += self.waiting_bits >> 3
        self.waiting >>= self.waiting_bits & 56
        self.waiting_bits &= 7
        return 0

    def put_packed(self, packed: Buffer, bits: int) -> int:
        """Append bits that lie packed in bytes, lowest first, with zeros behind them."""
        at = 0
        while bits > 0:
            self.put(packed[at], min(bits, 8))
            at += 1
            bits -= 8
        return 0

    def align(self) -> int:
        """Fill the byte with zeros."""
        return self.put(0, -self.waiting_bits & 7)

    def put_stored(self, data: Buffer, start: int, size: int) -> int:
        """Append a stored block of at most 65535 bytes of ``data``, not the last of the stream."""
        self.put(0, 3)
        self.align()
        self.put(size, 16)
        self.put(size ^ 0xFFFF, 16)
        copy_run(self.out, self.used, data, start, size)
        self.used += size
        return 0

    def use_codes(
        self, litlen_codes: array[int], litlen_lengths: bytearray, dist_codes: array[int], dist_lengths: bytearray
    ) -> int:
        """Set the codes of what follows; each with its first bit in bit 0. Symbols without a code have length 0."""
        for symbol in range(256):
            self.literal_entries[symbol] = litlen_codes[symbol] << 8 | litlen_lengths[symbol]
        for length in range(256):
            code = _LENGTH_CODE[length]
            bits = litlen_lengths[257 + code]
            entry = litlen_codes[257 + code] | (length - _LENGTH_BASE[code]) << bits
            self.length_entries[length] = entry << 8 | (bits + _LENGTH_EXTRA_BITS[code])
        for code in range(30):
            self.dist_entries[code] = dist_codes[code] << 8 | dist_lengths[code]
        return 0

    def put_tokens(self, tokens: Tokens) -> int:
        """Append the tokens of a block."""
        literals = self._put_matches(
            tokens.literals,
            tokens.matches,
            tokens.match_count,
            self.out,
            self.literal_entries,
            self.length_entries,
            self.dist_entries,
        )
        return self.put_literals(tokens.literals, literals, tokens.literal_count - literals)

    def put_literals(self, literals: Buffer, start: int, count: int) -> int:
        """Append bytes as literals."""
        return self._put_literals(literals, start, start + count, self.out, self.literal_entries)

    def _put_literals(self, literals: Buffer, at: int, end: int, out: bytearray, entries: array[int]) -> int:
        used = self.used
        waiting = self.waiting
        bits = self.waiting_bits
        while at < end:
            stop = min(at + 3, end)
            while at < stop:
                entry = entries[literals[at]]
                waiting |= (entry >> 8) << bits
                bits += entry & 255
                at += 1
            store64(out, used, waiting)
            used += bits >> 3
            waiting >>= bits & 56
            bits &= 7
        self.used = used
        self.waiting = waiting
        self.waiting_bits = bits
        return 0

    def _put_matches(
        self,
        literals: Buffer,
        matches: array[int],
        count: int,
        out: bytearray,
        literal_entries: array[int],
        length_entries: array[int],
        dist_entries: array[int],
    ) -> int:
        """Append matches, each after its literals; return how many literals there were."""
        used = self.used
        waiting = self.waiting
        bits = self.waiting_bits
        at = 0
        for index in range(count):
            match = matches[index]
            end = at + (match >> 32)
            while at < end:
                stop = min(at + 3, end)
                while at < stop:
                    entry = literal_entries[literals[at]]
                    waiting |= (entry >> 8) << bits
                    bits += entry & 255
                    at += 1
                store64(out, used, waiting)
                used += bits >> 3
                waiting >>= bits & 56
                bits &= 7
            entry = length_entries[match >> 15 & 255]
            waiting |= (entry >> 8) << bits
            bits += entry & 255
            code = match >> 23 & 31
            entry = dist_entries[code]
            waiting |= (entry >> 8) << bits
            bits += entry & 255
            waiting |= ((match & 32767) - _DIST_BASE[code]) << bits
            bits += _DIST_EXTRA_BITS[code]
            store64(out, used, waiting)
            used += bits >> 3
            waiting >>= bits & 56
            bits &= 7
        self.used = used
        self.waiting = waiting
        self.waiting_bits = bits
        return at
