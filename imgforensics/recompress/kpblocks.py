"""Blocks of Go 1.27's compress/flate and of klauspost/compress: which type, with which codes, and left open or not.

A block with codes of its own may stay open: its end is not written, and the next tokens go on in it as long as an estimate
says that its codes still serve. Whatever else is written first ends it. The estimate is arithmetic in single precision,
as amd64 does it, without fused multiplication and addition.
"""

from __future__ import annotations

from array import array

from imgforensics.recompress import symbols
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.kpdialect import Dialect

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython

if not cython.compiled:
    from imgforensics.recompress.bitwriter import BitWriter
    from imgforensics.recompress.huffman import HuffmanBuilder
    from imgforensics.recompress.lzwords import fadd, fdiv, float_bits, float_of, fmul, whole
    from imgforensics.recompress.tokens import Tokens

LITLEN_SYMBOLS = symbols.LITLEN_SYMBOLS
DIST_SYMBOLS = symbols.DIST_SYMBOLS
END_OF_BLOCK = symbols.END_OF_BLOCK
MAX_BITS = symbols.MAX_BITS
_LENGTH_CODE = symbols.LENGTH_CODE
_LENGTH_EXTRA_BITS = symbols.LENGTH_EXTRA_BITS
_DIST_EXTRA_BITS = symbols.DIST_EXTRA_BITS
_NEVER = 1 << 62
"""A size in bits that loses every comparison."""
_FEW = 250
"""Blocks of fewer tokens may take the fixed codes."""
_USUAL_HEADER = 560
"""Bits that the header of a block of literals is taken to have."""
_FIXED_LITLEN_LENGTHS = bytearray(b"\x08" * 144 + b"\x09" * 112 + b"\x07" * 24 + b"\x08" * 8)
_FIXED_LITLEN_CODES = array("H", bytes(2 * 288))
_FIXED_DIST_LENGTHS = bytearray(b"\x05" * DIST_SYMBOLS)
_FIXED_DIST_CODES = array("H", bytes(2 * DIST_SYMBOLS))
HuffmanBuilder().codes(_FIXED_LITLEN_LENGTHS, 288, _FIXED_LITLEN_CODES)
HuffmanBuilder().codes(_FIXED_DIST_LENGTHS, DIST_SYMBOLS, _FIXED_DIST_CODES)


def code_length(share: float) -> float:
    """Bits of a symbol that makes up this share of all, at least 1 and at most 15: about -log2(share).

    The exponent of the number, and a parabola through its mantissa, in single precision.
    """
    bits = float_bits(share)
    exponent = ((bits >> 23) & 255) - 128
    mantissa = float_of((bits & 0x7FFFFF) | 0x3F800000)
    length = fadd(fmul(fadd(fmul(-0.3448484241962433, mantissa), 2.0246658325195312), mantissa), -0.6748775839805603)
    length = -fadd(exponent, length)
    return min(max(length, 1.0), 15.0)


class BlockWriter:
    """Writes blocks to ``bits``, a :class:`~imgforensics.recompress.bitwriter.BitWriter`."""

    def __init__(self, dialect: Dialect, shift: int) -> None:
        """Args:
        dialect: The version of the library.
        shift: Estimates are raised by themselves shifted right by this: 7 at levels 1 to 6, 8 at 7 to 9, 10 at -2.
        """
        self.bits = BitWriter()
        self.dialect = dialect
        self.shift = shift
        self.builder = HuffmanBuilder()
        self.header_bits = 0
        """Size of the header of the open block; 0 if none is open."""
        self.literals_only = False
        """Whether the open block has codes for literals only."""
        self.litlen_freq = array("I", bytes(4 * LITLEN_SYMBOLS))
        self.dist_freq = array("I", bytes(4 * DIST_SYMBOLS))
        self.length_freq = array("I", bytes(4 * 256))
        self.litlen_lengths = bytearray(LITLEN_SYMBOLS)
        self.dist_lengths = bytearray(DIST_SYMBOLS)
        self.trial_lengths = bytearray(LITLEN_SYMBOLS)
        self.litlen_codes = array("H", bytes(2 * LITLEN_SYMBOLS))
        self.dist_codes = array("H", bytes(2 * DIST_SYMBOLS))

    def put_tokens(self, tokens: Tokens, data: Buffer, start: int, size: int, last: bool) -> int:
        """Write some content, given as tokens, in the type that is expected to take the fewest bits.

        Args:
            tokens: The content.
            data: Holds the content too.
            start: Where it begins there.
            size: How many bytes it has; -1 if they are not there any more.
            last: Whether nothing may stay open behind it.
        """
        count = tokens.literal_count + tokens.match_count + last
        stored = (size + 5) * 8 if 0 <= size <= 65535 else _NEVER
        with cython.nogil:
            self._count(tokens.literals, 0, tokens.literal_count)
            self._count_matches(tokens.matches, tokens.match_count)
        if self.header_bits and (self.literals_only or self._lacks_codes()):
            self._close()
        self.literals_only = False
        fresh = 0
        if self.header_bits:
            with cython.nogil:
                fresh = self.header_bits + self._estimate(count)
            fresh += self.litlen_lengths[END_OF_BLOCK] + (fresh >> self.shift)
        if last or self.dialect.counts_end:
            self.litlen_freq[END_OF_BLOCK] = 1
        trims = last or self.dialect.trims_open
        if trims and tokens.match_count == 0:
            self.dist_freq[0] = 1
        extra = self._extra_bits() if self.header_bits or stored < _NEVER else 0
        fixed = self._fixed_size() + extra if count < _FEW else _NEVER
        if self.header_bits:
            expected = self._size() + extra
            if fresh < expected:
                self._close()
                expected = fresh
            if stored <= expected:
                return self.put_stored(data, start, size)
            if fixed + 7 < expected:
                return self._put_fixed(tokens)
        if self.header_bits == 0:
            self.litlen_freq[END_OF_BLOCK] = 1
            self.builder.lengths(self.litlen_freq, LITLEN_SYMBOLS, MAX_BITS, self.litlen_lengths)
            self.builder.lengths(self.dist_freq, DIST_SYMBOLS, MAX_BITS, self.dist_lengths)
            header, header_bits = self._header(trims)
            expected = header_bits + self._size() + extra
            if stored <= min(fixed, expected):
                return self.put_stored(data, start, size)
            if fixed <= expected:
                return self._put_fixed(tokens)
            self._open(header, header_bits)
        with cython.nogil:
            self.bits.put_tokens(tokens)
        if last:
            self._close()
        return 0

    def put_bytes(self, data: Buffer, start: int, size: int, last: bool) -> int:
        """Write ``data[start:start + size]``, 65535 bytes at most, as literals, or as they are if that is no gain."""
        with cython.nogil:
            self._count(data, start, start + size)
        if size > 1024 and self._is_even(size):
            return self.put_stored(data, start, size)
        self.litlen_freq[END_OF_BLOCK] = 1
        self.builder.lengths(self.litlen_freq, END_OF_BLOCK + 1, MAX_BITS, self.trial_lengths)
        estimate = self.header_bits or _USUAL_HEADER
        for symbol in range(END_OF_BLOCK + 1):
            estimate += self.litlen_freq[symbol] * self.trial_lengths[symbol]
        estimate += estimate >> self.shift
        if (size + 5) * 8 <= estimate:
            return self.put_stored(data, start, size)
        self.litlen_freq[END_OF_BLOCK] = 0
        if self.header_bits and (self._lacks_codes() or estimate < self._size()):
            self._close()
        if self.header_bits == 0:
            for symbol in range(END_OF_BLOCK + 1):
                self.litlen_lengths[symbol] = self.trial_lengths[symbol]
            for symbol in range(END_OF_BLOCK + 1, LITLEN_SYMBOLS):
                self.litlen_lengths[symbol] = 0
            for symbol in range(DIST_SYMBOLS):
                self.dist_lengths[symbol] = symbol == 0
            header, header_bits = self._header(trims=True)
            self._open(header, header_bits)
            self.literals_only = True
        with cython.nogil:
            self.bits.put_literals(data, start, size)
        if last:
            self._close()
        return 0

    def put_stored(self, data: Buffer, start: int, size: int) -> int:
        """Write ``data[start:start + size]``, 65535 bytes at most, as they are."""
        self._close()
        return self.bits.put_stored(data, start, size)

    def put_marker(self) -> int:
        """Write an empty stored block, behind which the next byte begins."""
        return self.put_stored(b"", 0, 0)

    def put_end(self) -> int:
        """Write the last block of the stream, an empty one with the fixed codes."""
        self._close()
        self.bits.put(3, 10)
        return self.bits.align()

    def _put_fixed(self, tokens: Tokens) -> int:
        """Write a block with the fixed codes."""
        self._close()
        self.bits.put(2, 3)
        self.bits.use_codes(_FIXED_LITLEN_CODES, _FIXED_LITLEN_LENGTHS, _FIXED_DIST_CODES, _FIXED_DIST_LENGTHS)
        with cython.nogil:
            self.bits.put_tokens(tokens)
        return self.bits.put(0, 7)

    def _header(self, trims: bool) -> tuple[bytes, int]:
        """The header of a block with the codes in ``litlen_lengths`` and ``dist_lengths``, and its size in bits."""
        litlen_count = LITLEN_SYMBOLS
        dist_count = DIST_SYMBOLS
        if trims:
            while litlen_count > END_OF_BLOCK + 1 and self.litlen_lengths[litlen_count - 1] == 0:
                litlen_count -= 1
            while dist_count > 1 and self.dist_lengths[dist_count - 1] == 0:
                dist_count -= 1
        return self.builder.header(self.litlen_lengths, litlen_count, self.dist_lengths, dist_count)

    def _open(self, header: bytes, header_bits: int) -> int:
        """Begin a block with the codes in ``litlen_lengths`` and ``dist_lengths``."""
        self.builder.codes(self.litlen_lengths, LITLEN_SYMBOLS, self.litlen_codes)
        self.builder.codes(self.dist_lengths, DIST_SYMBOLS, self.dist_codes)
        self.bits.use_codes(self.litlen_codes, self.litlen_lengths, self.dist_codes, self.dist_lengths)
        self.bits.put_packed(header, header_bits)
        self.header_bits = header_bits
        return 0

    def _close(self) -> int:
        """End the open block, if there is one."""
        if self.header_bits:
            self.bits.put(self.litlen_codes[END_OF_BLOCK], self.litlen_lengths[END_OF_BLOCK])
            self.header_bits = 0
        return 0

    def _count(self, literals: Buffer, start: int, end: int) -> int:
        """Begin a histogram with some literals."""
        for symbol in range(LITLEN_SYMBOLS):
            self.litlen_freq[symbol] = 0
        for symbol in range(DIST_SYMBOLS):
            self.dist_freq[symbol] = 0
        for at in range(start, end):
            self.litlen_freq[literals[at]] += 1
        return 0

    def _count_matches(self, matches: array[int], count: int) -> int:
        """Add matches to the histogram."""
        for length in range(256):
            self.length_freq[length] = 0
        for index in range(count):
            match = matches[index]
            self.length_freq[match >> 15 & 255] += 1
            self.dist_freq[match >> 23 & 31] += 1
        for length in range(256):
            self.litlen_freq[257 + _LENGTH_CODE[length]] += self.length_freq[length]
        return 0

    def _lacks_codes(self) -> bool:
        """Whether something occurs that has no code."""
        for symbol in range(LITLEN_SYMBOLS):
            if self.litlen_freq[symbol] and not self.litlen_lengths[symbol]:
                return True
        for symbol in range(DIST_SYMBOLS):
            if self.dist_freq[symbol] and not self.dist_lengths[symbol]:
                return True
        return False

    def _size(self) -> int:
        """Bits of everything in the codes that there are, without extra bits."""
        total = 0
        for symbol in range(LITLEN_SYMBOLS):
            total += self.litlen_freq[symbol] * self.litlen_lengths[symbol]
        for symbol in range(DIST_SYMBOLS):
            total += self.dist_freq[symbol] * self.dist_lengths[symbol]
        return total

    def _fixed_size(self) -> int:
        """Bits of a block with the fixed codes, without extra bits."""
        total = 3
        for symbol in range(LITLEN_SYMBOLS):
            total += self.litlen_freq[symbol] * _FIXED_LITLEN_LENGTHS[symbol]
        for symbol in range(DIST_SYMBOLS):
            total += self.dist_freq[symbol] * 5
        return total

    def _extra_bits(self) -> int:
        """Extra bits of all matches."""
        total = 0
        for code in range(LITLEN_SYMBOLS - 257):
            total += self.litlen_freq[257 + code] * _LENGTH_EXTRA_BITS[code]
        for code in range(DIST_SYMBOLS):
            total += self.dist_freq[code] * _DIST_EXTRA_BITS[code]
        return total

    def _is_even(self, size: int) -> bool:
        """Whether all bytes occur about as often as each other: the variance of random bytes, or less than twice it."""
        total = 0
        for value in range(256):
            off = 256 * self.litlen_freq[value] - size
            total += off * off
        return total < 2 * size * 65536

    def _estimate(self, count: int) -> int:
        """Bits of the histogram in codes made for it, by the entropy; ``count`` is the number of tokens."""
        bits = 0
        matches = 0
        total = 0.0
        inverse = fdiv(1.0, count)
        for symbol in range(LITLEN_SYMBOLS):
            if symbol == END_OF_BLOCK:
                total = fadd(total, 15.0)
            freq = self.litlen_freq[symbol]
            if freq:
                total = fadd(total, fmul(code_length(fmul(freq, inverse)), freq))
                if symbol > END_OF_BLOCK:
                    matches += freq
                    bits += freq * _LENGTH_EXTRA_BITS[symbol - 257]
        if matches:
            inverse = fdiv(1.0, matches)
            for code in range(DIST_SYMBOLS):
                freq = self.dist_freq[code]
                if freq:
                    total = fadd(total, fmul(code_length(fmul(freq, inverse)), freq))
                    bits += freq * _DIST_EXTRA_BITS[code]
        return whole(total) + bits
