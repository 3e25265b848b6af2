"""Blocks as Go 1.8 to 1.26 writes them: which kind, with which codes, and how the stream ends.

Three writers, for different levels: *best* weighs stored, fixed and dynamic blocks against each other; *dynamic* and
*huffman* stop short of fixed ones, and prefer a stored block as soon as Huffman codes save less than a sixteenth. Each
counts a little differently, and ties matter.
"""

from __future__ import annotations

from array import array

from imgforensics.recompress.bitwriter import BitWriter
from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.histogram import Histogram
from imgforensics.recompress.huffman import DIST_SYMBOLS, LITLEN_SYMBOLS, MAX_BITS, HuffmanBuilder
from imgforensics.recompress.sequences import Sequences

MAX_STORED = 65535
"""Bytes of the largest stored block."""

FIXED_LENGTHS = bytes((8,)) * 144 + bytes((9,)) * 112 + bytes((7,)) * 24 + bytes((8,)) * 8
"""RFC 1951, section 3.2.6, with the two symbols that never occur but take part in the code."""
_FIXED_DISTS = bytes((5,)) * DIST_SYMBOLS


class BlockWriter:
    """One DEFLATE stream of blocks; ``bits`` has the output."""

    def __init__(self) -> None:
        self.bits = BitWriter()
        self._huffman = HuffmanBuilder()
        self._histogram = Histogram()
        self._litlen = bytearray(LITLEN_SYMBOLS)
        self._litlen_codes = array("H", bytes(2 * LITLEN_SYMBOLS))
        self._dist = bytearray(DIST_SYMBOLS)
        self._dist_codes = array("H", bytes(2 * DIST_SYMBOLS))
        self._fixed_codes = array("H", bytes(2 * len(FIXED_LENGTHS)))
        self._fixed_dist_codes = array("H", bytes(2 * DIST_SYMBOLS))
        self._huffman.codes(FIXED_LENGTHS, len(FIXED_LENGTHS), self._fixed_codes)
        self._huffman.codes(_FIXED_DISTS, DIST_SYMBOLS, self._fixed_dist_codes)

    def stored(self, raw: Octets, start: int, stop: int) -> None:
        """A stored block of a range of bytes, at most 65535."""
        self.bits.stored(raw, start, stop - start)

    def best(self, sequences: Sequences, raw: Octets, start: int, stop: int) -> None:
        """The smallest of a stored, a fixed and a dynamic block; of equals fixed, then dynamic, then stored.

        Args:
            sequences: The content as literals and matches.
            raw: Bytes that hold the content.
            start: Where it begins there; less than zero if it is no longer there, and the block cannot be stored.
            stop: Where it ends.
        """
        storable = start >= 0 and stop - start <= MAX_STORED
        self._histogram.count(sequences)
        header, header_bits, litlen_count = self._codes()
        extra = self._histogram.extra_bits
        fixed = 3 + extra + self._histogram.weigh(FIXED_LENGTHS, _FIXED_DISTS)
        size = header_bits + extra + self._histogram.weigh(self._litlen, self._dist)
        if storable and (stop - start + 5) * 8 < min(size, fixed):
            self.stored(raw, start, stop)
        elif size < fixed:
            self._open(header, header_bits, litlen_count)
            self.bits.sequences(sequences)
            self.bits.end_of_block()
        else:
            self.bits.put(2, 3)
            self.bits.set_codes(
                FIXED_LENGTHS, self._fixed_codes, _FIXED_DISTS, self._fixed_dist_codes, len(FIXED_LENGTHS)
            )
            self.bits.sequences(sequences)
            self.bits.end_of_block()

    def dynamic(self, sequences: Sequences, raw: Octets, start: int, stop: int) -> bool:
        """A dynamic block, or a stored one where that is smaller or hardly larger. Extra bits are not weighed.

        Returns:
            Whether the block is stored.
        """
        self._histogram.count(sequences)
        header, header_bits, litlen_count = self._codes()
        if self._stored_instead(header_bits + self._histogram.weigh(self._litlen, self._dist), raw, start, stop):
            return True
        self._open(header, header_bits, litlen_count)
        self.bits.sequences(sequences)
        self.bits.end_of_block()
        return False

    def huffman(self, raw: Octets, start: int, stop: int) -> bool:
        """A dynamic block of literals alone, or a stored one where that is smaller or hardly larger.

        Returns:
            Whether the block is stored.
        """
        self._histogram.count_bytes(raw, start, stop)
        header, header_bits, litlen_count = self._codes()
        if self._stored_instead(header_bits + self._histogram.weigh(self._litlen, self._dist), raw, start, stop):
            return True
        self._open(header, header_bits, litlen_count)
        self.bits.literals(raw, start, stop)
        self.bits.end_of_block()
        return False

    def finish(self) -> None:
        """End the stream: an empty stored block that says it is the last."""
        self.bits.stored(b"", 0, 0, final=True)

    def _codes(self) -> tuple[bytes, int, int]:
        """Build codes for the histogram, which gets the end of block, and a distance if it has none.

        Returns:
            The header, its bits, and how many literal and length codes it lists.
        """
        litlen_count, dist_count = self._histogram.end()
        self._huffman.lengths(self._histogram.litlen, LITLEN_SYMBOLS, MAX_BITS, self._litlen)
        self._huffman.lengths(self._histogram.dist, DIST_SYMBOLS, MAX_BITS, self._dist)
        header, header_bits = self._huffman.header(self._litlen, litlen_count, self._dist, dist_count)
        return header, header_bits, litlen_count

    def _stored_instead(self, size: int, raw: Octets, start: int, stop: int) -> bool:
        if (stop - start + 5) * 8 < size + (size >> 4):
            self.stored(raw, start, stop)
            return True
        return False

    def _open(self, header: bytes, header_bits: int, litlen_count: int) -> None:
        self._huffman.codes(self._litlen, LITLEN_SYMBOLS, self._litlen_codes)
        self._huffman.codes(self._dist, DIST_SYMBOLS, self._dist_codes)
        self.bits.set_codes(self._litlen, self._litlen_codes, self._dist, self._dist_codes, litlen_count)
        self.bits.append(header, header_bits)
