"""Blocks of Go 1.27's compress/flate and of klauspost/compress: which type, with which codes, and left open or not.

A block with codes of its own may stay open: its end is not written, and the next content goes on in it as long as an
estimate says that its codes still serve. Whatever else is written first ends it. The estimate is arithmetic in single
precision, without fused multiplication and addition, as it comes out on amd64.
"""

from __future__ import annotations

from array import array

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.goblocks import FIXED_LENGTHS
from imgforensics.recompress.kpdialect import Dialect

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython

if not cython.compiled:
    from imgforensics.recompress.bitwriter import BitWriter
    from imgforensics.recompress.histogram import Histogram
    from imgforensics.recompress.huffman import HuffmanBuilder
    from imgforensics.recompress.kpfound import Found
    from imgforensics.recompress.lzwords import fadd, fdiv, float_bits, float_of, fmul, whole
    from imgforensics.recompress.sequences import Sequences

_LITLEN_SYMBOLS = 286
_DIST_SYMBOLS = 30
_END_OF_BLOCK = 256
_MAX_BITS = 15
_MAX_STORED = 65535
_NEVER = 1 << 62
"""A size in bits that loses every comparison."""
_FEW = 250
"""Blocks of fewer tokens may take the fixed codes."""
_USUAL_HEADER = 560
"""Bits that the header of a block of literals is taken to have."""
_TINY = 32
"""Bytes that levels 1 to 6 store without looking at them, if they are the last."""
SMALL = 128
"""Last blocks of less are not searched for matches at levels 1 to 6."""
_SMALL = SMALL  # what compiled code has types of, nobody can import


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
    """One DEFLATE stream of blocks; ``bits`` has the output.

    Methods that return a number are for compiled code that has released the interpreter's lock, too: it is 0 or more.
    """

    def __init__(self, dialect: Dialect, shift: int) -> None:
        """Begin a stream.

        Args:
            dialect: The version of the library.
            shift: Estimates are raised by themselves shifted right by this: 7 at levels 1 to 6, 8 at 7 to 9, 10 at -2.
        """
        self.bits = BitWriter()
        self.counts_end = dialect.counts_end
        self.trims_open = dialect.trims_open
        self.shift = shift
        self.huffman = HuffmanBuilder()
        self.histogram = Histogram()
        self.header_bits = 0
        """Size of the header of the open block; 0 if none is open."""
        self.literals_only = False
        """Whether the open block has codes for literals only."""
        self.litlen = bytearray(_LITLEN_SYMBOLS)
        self.litlen_codes = array("H", bytes(2 * _LITLEN_SYMBOLS))
        self.dist = bytearray(_DIST_SYMBOLS)
        self.dist_codes = array("H", bytes(2 * _DIST_SYMBOLS))
        self.trial = bytearray(_LITLEN_SYMBOLS)
        self.fixed_lengths = FIXED_LENGTHS
        self.fixed_codes = array("H", bytes(2 * len(FIXED_LENGTHS)))
        self.fixed_dists = bytes((5,)) * _DIST_SYMBOLS
        self.fixed_dist_codes = array("H", bytes(2 * _DIST_SYMBOLS))
        self.huffman.codes(self.fixed_lengths, len(FIXED_LENGTHS), self.fixed_codes)
        self.huffman.codes(self.fixed_dists, _DIST_SYMBOLS, self.fixed_dist_codes)

    def put_block(self, found: Sequences, window: Octets, start: int, end: int, last: bool) -> None:
        """Write ``window[start:end]`` as levels 1 to 6 do.

        Args:
            found: Its literals and matches, if it has at least 128 bytes.
            window: Content.
            start: Where the block begins.
            end: Where it ends, at most 65535 bytes further on.
            last: Whether nothing may stay open behind it.
        """
        with cython.nogil:
            self._put_block(found, window, start, end, last)

    def put_blocks(self, found: Found, number: int, window: Octets, start: int, stop: int, last: bool) -> None:
        """Write blocks one after another, as :meth:`put_block` does.

        Args:
            found: Their literals and matches.
            number: How many blocks it has before the first of them.
            window: Content.
            start: Where the first begins.
            stop: Where the last one ends.
            last: Whether nothing may stay open behind that.
        """
        with cython.nogil:
            self._put_blocks(found, number, window, start, stop, last)

    def put_sequences(self, sequences: Sequences, raw: Octets, start: int, size: int, last: bool) -> None:
        """Write a block's content in the kind of block that is expected to take the fewest bits.

        Args:
            sequences: The content.
            raw: Bytes that hold the content.
            start: Where it begins there.
            size: How many bytes it has; -1 if it is no longer there, and the block cannot be stored.
            last: Whether nothing may stay open behind it.
        """
        with cython.nogil:
            self._put_sequences(sequences, raw, start, size, last)

    def put_bytes(self, raw: Octets, start: int, size: int, last: bool) -> None:
        """Write ``raw[start:start + size]``, at most 65535 bytes, as literals, or stored if that is not larger."""
        with cython.nogil:
            self._put_bytes(raw, start, size, last)

    def put_stored(self, raw: Octets, start: int, size: int) -> int:
        """Write ``raw[start:start + size]``, at most 65535 bytes, as they are."""
        self._close()
        self.bits.stored(raw, start, size)
        return 0

    def put_marker(self) -> None:
        """Write an empty stored block, behind which the next begins with a byte."""
        self.put_stored(b"", 0, 0)

    def put_end(self) -> None:
        """End the stream: an empty block with the fixed codes that says it is the last."""
        self._close()
        self.bits.put(3, 10)
        self.bits.align()

    def _put_block(self, found: Sequences, window: Octets, start: int, end: int, last: bool) -> int:
        size = end - start
        if size <= _TINY or (size >= _SMALL and found.count == 0):
            self.put_stored(window, start, size)
        elif size < _SMALL or found.tokens() > size - (size >> 4):
            self._put_bytes(window, start, size, last)
        else:
            self._put_sequences(found, window, start, size, last)
        return 0

    def _put_blocks(self, found: Found, number: int, window: Octets, start: int, stop: int, last: bool) -> int:
        while start < stop:
            end = min(start + _MAX_STORED, stop)
            found.show(number)
            self._put_block(found.part, window, start, end, last and end == stop)
            number += 1
            start = end
        return 0

    def _put_sequences(self, sequences: Sequences, raw: Octets, start: int, size: int, last: bool) -> int:
        count = sequences.tokens() + last
        stored = (size + 5) * 8 if 0 <= size <= _MAX_STORED else _NEVER
        self.histogram.count(sequences)
        if self.header_bits and (self.literals_only or self._lacks_codes()):
            self._close()
        self.literals_only = False
        fresh = 0  # what a block of its own would take, by its entropy
        if self.header_bits:
            fresh = self.header_bits + self._entropy(count)
            fresh += self.litlen[_END_OF_BLOCK] + (fresh >> self.shift)
        trims = last or self.trims_open
        if last or self.counts_end:
            self.histogram.litlen[_END_OF_BLOCK] = 1
        if trims and sequences.count == 0:
            self.histogram.dist[0] = 1
        extra = self.histogram.extra_bits if self.header_bits or stored < _NEVER else 0
        fixed = 3 + extra + self.histogram.weigh(self.fixed_lengths, self.fixed_dists) if count < _FEW else _NEVER
        if self.header_bits:  # go on in the open block?
            expected = self.histogram.weigh(self.litlen, self.dist) + extra
            if fresh < expected:
                self._close()
                expected = fresh
            if stored <= expected:
                return self.put_stored(raw, start, size)
            if fixed + 7 < expected:
                return self._put_fixed(sequences)
        if self.header_bits == 0:
            self.histogram.litlen[_END_OF_BLOCK] = 1
            self.huffman.lengths(self.histogram.litlen, _LITLEN_SYMBOLS, _MAX_BITS, self.litlen)
            self.huffman.lengths(self.histogram.dist, _DIST_SYMBOLS, _MAX_BITS, self.dist)
            header_bits = self._header(trims)
            expected = header_bits + self.histogram.weigh(self.litlen, self.dist) + extra
            if stored <= min(fixed, expected):
                return self.put_stored(raw, start, size)
            if fixed <= expected:
                return self._put_fixed(sequences)
            self._open(header_bits)
        self.bits.sequences(sequences)
        if last:
            self._close()
        return 0

    def _put_bytes(self, raw: Octets, start: int, size: int, last: bool) -> int:
        self.histogram.count_bytes(raw, start, start + size)
        if size > 1024 and self._is_even(size):
            return self.put_stored(raw, start, size)
        self.histogram.litlen[_END_OF_BLOCK] = 1
        self.huffman.lengths(self.histogram.litlen, _END_OF_BLOCK + 1, _MAX_BITS, self.trial)
        expected = (self.header_bits or _USUAL_HEADER) + self.histogram.weigh(self.trial, self.dist)
        expected += expected >> self.shift
        if (size + 5) * 8 <= expected:
            return self.put_stored(raw, start, size)
        self.histogram.litlen[_END_OF_BLOCK] = 0
        reused = self.histogram.weigh(self.litlen, self.dist)
        if self.header_bits and (expected < reused or self._lacks_codes()):
            self._close()
        if self.header_bits == 0:
            self.litlen[:] = self.trial
            for code in range(_DIST_SYMBOLS):
                self.dist[code] = code == 0
            self._open(self._header(trims=True))
            self.literals_only = True
        self.bits.literals(raw, start, start + size)
        if last:
            self._close()
        return 0

    def _put_fixed(self, sequences: Sequences) -> int:
        """Write a block with the fixed codes."""
        self._close()
        self.bits.put(2, 3)
        self.bits.set_codes(
            self.fixed_lengths, self.fixed_codes, self.fixed_dists, self.fixed_dist_codes, _LITLEN_SYMBOLS
        )
        self.bits.sequences(sequences)
        self.bits.end_of_block()
        return 0

    def _header(self, trims: bool) -> int:
        """Make the header of a block with the codes in ``litlen`` and ``dist``; return its size in bits."""
        litlen_count = _LITLEN_SYMBOLS
        dist_count = _DIST_SYMBOLS
        if trims:
            while litlen_count > _END_OF_BLOCK + 1 and self.litlen[litlen_count - 1] == 0:
                litlen_count -= 1
            while dist_count > 1 and self.dist[dist_count - 1] == 0:
                dist_count -= 1
        return self.huffman.header(self.litlen, litlen_count, self.dist, dist_count)

    def _open(self, header_bits: int) -> int:
        """Begin a block with the codes in ``litlen`` and ``dist``, and the header made last."""
        self.huffman.codes(self.litlen, _LITLEN_SYMBOLS, self.litlen_codes)
        self.huffman.codes(self.dist, _DIST_SYMBOLS, self.dist_codes)
        self.bits.set_codes(self.litlen, self.litlen_codes, self.dist, self.dist_codes, _LITLEN_SYMBOLS)
        self.bits.append(self.huffman.packed, 0, header_bits)
        self.header_bits = header_bits
        return 0

    def _close(self) -> int:
        """End the open block, if there is one."""
        if self.header_bits:
            self.bits.end_of_block()
            self.header_bits = 0
        return 0

    def _lacks_codes(self) -> bool:
        """Whether something occurs that has no code in the open block."""
        symbol = 0
        while symbol < _LITLEN_SYMBOLS and (self.litlen[symbol] or not self.histogram.litlen[symbol]):
            symbol += 1
        code = 0
        while code < _DIST_SYMBOLS and (self.dist[code] or not self.histogram.dist[code]):
            code += 1
        return symbol < _LITLEN_SYMBOLS or code < _DIST_SYMBOLS

    def _is_even(self, size: int) -> bool:
        """Whether all bytes occur about equally often: their variance is less than twice that of random bytes."""
        total = 0
        for byte in range(256):
            off = 256 * self.histogram.litlen[byte] - size
            total += off * off
        return total < 2 * size * 65536

    def _entropy(self, count: int) -> int:
        """Bits of the histogram in codes made for it, by its entropy; ``count`` is the number of tokens."""
        litlen = self.histogram.litlen
        dist = self.histogram.dist
        matches = 0
        total = 0.0
        inverse = fdiv(1.0, count)
        for symbol in range(_LITLEN_SYMBOLS):
            if symbol == _END_OF_BLOCK:
                total = fadd(total, 15.0)
            if litlen[symbol]:
                total = fadd(total, fmul(code_length(fmul(litlen[symbol], inverse)), litlen[symbol]))
                if symbol > _END_OF_BLOCK:
                    matches += litlen[symbol]
        if matches:
            inverse = fdiv(1.0, matches)
            for code in range(_DIST_SYMBOLS):
                if dist[code]:
                    total = fadd(total, fmul(code_length(fmul(dist[code], inverse)), dist[code]))
        return whole(total) + self.histogram.extra_bits
