"""Blocks as Go 1.8 to 1.26 writes them: which kind, with which codes, and how the stream ends.

Three writers, for different levels: *best* weighs stored, fixed and dynamic blocks against each other; *dynamic* and
*literals* stop short of fixed ones, and prefer a stored block as soon as Huffman codes save less than a sixteenth. Each
counts a little differently, and ties matter.
"""

from __future__ import annotations

from array import array

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.huffman import DIST_SYMBOLS, LITLEN_SYMBOLS, MAX_BITS

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython
if not cython.compiled:
    from imgforensics.recompress.bitwriter import BitWriter
    from imgforensics.recompress.histogram import Histogram
    from imgforensics.recompress.huffman import HuffmanBuilder
    from imgforensics.recompress.sequences import Sequences

MAX_STORED = 65535
"""Bytes of the largest stored block."""
_MAX_STORED = MAX_STORED  # what compiled code has types of, nobody can import

FIXED_LENGTHS = bytes((8,)) * 144 + bytes((9,)) * 112 + bytes((7,)) * 24 + bytes((8,)) * 8
"""RFC 1951, section 3.2.6, with the two symbols that never occur but take part in the code."""


class BlockWriter:
    """One DEFLATE stream of blocks; ``bits`` has the output.

    Methods that return a number, 0 or more, are for compiled code that has released the interpreter's lock, too.
    """

    def __init__(self) -> None:
        self.bits = BitWriter()
        self.huffman = HuffmanBuilder()
        self.histogram = Histogram()
        self.litlen = bytearray(LITLEN_SYMBOLS)
        self.litlen_codes = array("H", bytes(2 * LITLEN_SYMBOLS))
        self.dist = bytearray(DIST_SYMBOLS)
        self.dist_codes = array("H", bytes(2 * DIST_SYMBOLS))
        self.fixed_lengths = FIXED_LENGTHS
        self.fixed_codes = array("H", bytes(2 * len(FIXED_LENGTHS)))
        self.fixed_dists = bytes((5,)) * DIST_SYMBOLS
        self.fixed_dist_codes = array("H", bytes(2 * DIST_SYMBOLS))
        self.huffman.codes(self.fixed_lengths, len(FIXED_LENGTHS), self.fixed_codes)
        self.huffman.codes(self.fixed_dists, DIST_SYMBOLS, self.fixed_dist_codes)
        self.header_bits = 0

    def best(self, sequences: Sequences, raw: Octets, start: int, stop: int) -> None:
        """The smallest of a stored, a fixed and a dynamic block; of equals fixed, then dynamic, then stored.

        Args:
            sequences: The content as literals and matches.
            raw: Bytes that hold the content.
            start: Where it begins there; less than zero if it is no longer there, and the block cannot be stored.
            stop: Where it ends.
        """
        with cython.nogil:
            self._best(sequences, raw, start, stop)

    def stored(self, raw: Octets, start: int, stop: int) -> int:
        """A stored block of a range of bytes, at most 65535."""
        return self.bits.stored(raw, start, stop - start)

    def dynamic(self, sequences: Sequences, raw: Octets, start: int, stop: int) -> int:
        """A dynamic block, or a stored one where that is smaller or hardly larger. Extra bits are not weighed.

        Returns:
            1 if the block is stored, 0 if it is not.
        """
        self.histogram.count(sequences)
        if self._stored_instead(raw, start, stop):
            return 1
        self._open()
        self.bits.sequences(sequences)
        self.bits.end_of_block()
        return 0

    def literals(self, raw: Octets, start: int, stop: int) -> int:
        """A dynamic block of literals alone, or a stored one where that is smaller or hardly larger.

        Returns:
            1 if the block is stored, 0 if it is not.
        """
        self.histogram.count_bytes(raw, start, stop)
        if self._stored_instead(raw, start, stop):
            return 1
        self._open()
        self.bits.literals(raw, start, stop)
        self.bits.end_of_block()
        return 0

    def huffman_only(self, raw: Octets, start: int, stop: int) -> None:
        """As ``literals``, of a range of bytes in blocks of at most 65535 each."""
        with cython.nogil:
            self._huffman_only(raw, start, stop)

    def finish(self) -> None:
        """End the stream: an empty stored block that says it is the last."""
        self.bits.stored(b"", 0, 0, final=True)

    def _best(self, sequences: Sequences, raw: Octets, start: int, stop: int) -> int:
        self.histogram.count(sequences)
        self._build()
        extra = self.histogram.extra_bits
        fixed = 3 + extra + self.histogram.weigh(self.fixed_lengths, self.fixed_dists)
        size = self.header_bits + extra + self.histogram.weigh(self.litlen, self.dist)
        if start >= 0 and stop - start <= _MAX_STORED and (stop - start + 5) * 8 < min(size, fixed):
            return self.stored(raw, start, stop)
        if size < fixed:
            self._open()
        else:
            self.bits.put(2, 3)
            self.bits.set_codes(
                self.fixed_lengths, self.fixed_codes, self.fixed_dists, self.fixed_dist_codes, len(self.fixed_lengths)
            )
        self.bits.sequences(sequences)
        return self.bits.end_of_block()

    def _huffman_only(self, raw: Octets, start: int, stop: int) -> int:
        while start < stop:
            self.literals(raw, start, min(start + _MAX_STORED, stop))
            start += _MAX_STORED
        return 0

    def _build(self) -> int:
        """Build codes for the histogram, which gets the end of block, and a distance if it has none; and the header."""
        self.histogram.end()
        self.huffman.lengths(self.histogram.litlen, LITLEN_SYMBOLS, MAX_BITS, self.litlen)
        self.huffman.lengths(self.histogram.dist, DIST_SYMBOLS, MAX_BITS, self.dist)
        self.header_bits = self.huffman.header(
            self.litlen, self.histogram.litlen_count, self.dist, self.histogram.dist_count
        )
        return 0

    def _stored_instead(self, raw: Octets, start: int, stop: int) -> int:
        """Build codes; write a stored block if they would save too little, and return 1 then."""
        self._build()
        size = self.header_bits + self.histogram.weigh(self.litlen, self.dist)
        if (stop - start + 5) * 8 >= size + (size >> 4):
            return 0
        self.stored(raw, start, stop)
        return 1

    def _open(self) -> int:
        """Begin a block with the codes that were built."""
        self.huffman.codes(self.litlen, LITLEN_SYMBOLS, self.litlen_codes)
        self.huffman.codes(self.dist, DIST_SYMBOLS, self.dist_codes)
        self.bits.set_codes(self.litlen, self.litlen_codes, self.dist, self.dist_codes, self.histogram.litlen_count)
        return self.bits.append(self.huffman.packed, 0, self.header_bits)
