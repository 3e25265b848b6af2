"""Huffman codes for DEFLATE (RFC 1951, section 3.2) as Go's compress/flate and its relatives build them.

Optimal codes are not unique. The bytes of a stream depend on which symbol of several equally frequent ones gets the
shorter code, on how the list of code lengths is run-length coded, and on where the lists are cut off; this file makes
these choices as Go 1.8 to 1.27 and klauspost/compress 1.14 to 1.19 do.

An encoder keeps one :class:`HuffmanBuilder` and asks it once per block. It is an ordinary class, imported with an
ordinary ``import`` by compiled code too: a call costs less than a microsecond, where a block takes some hundred.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython

LITLEN_SYMBOLS = 286
"""256 literals, the end of the block, and 29 length codes."""
DIST_SYMBOLS = 30
END_OF_BLOCK = 256
MAX_BITS = 15
"""Longest code of a literal, a length or a distance."""
MAX_META_BITS = 7
"""Longest code of a code length."""

_META_ORDER = bytes((16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15))
"""The order in which a dynamic header lists the lengths of the code length code."""
_DEPTH = MAX_BITS
_ITEMS = LITLEN_SYMBOLS + DIST_SYMBOLS
_ROW = 2 * LITLEN_SYMBOLS
"""Room for one list of package-merge."""
_PACKED = 640
"""Bytes of the largest dynamic header: 17 + 19 * 3 bits and 316 items of at most 14 bits."""


class HuffmanBuilder:
    """Builds codes and dynamic headers; keeps its working memory from one block to the next.

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self.keys = array("Q", bytes(8 * LITLEN_SYMBOLS))
        self.row = array("Q", bytes(8 * _ROW))
        self.next_row = array("Q", bytes(8 * _ROW))
        self.leaf_flags = bytearray(MAX_BITS * _ROW)
        self.values = bytearray(_ITEMS)
        self.symbols = bytearray(_ITEMS)
        self.extras = bytearray(_ITEMS)
        self.meta_freq = array("I", bytes(4 * 19))
        self.meta_lengths = bytearray(19)
        self.meta_codes = array("H", bytes(2 * 19))
        self.packed = bytearray(_PACKED)
        self.bit_count = 0

    def lengths(self, freq: array[int], count: int, max_bits: int, out: bytearray) -> None:
        """The lengths of an optimal code in which no length exceeds ``max_bits``.

        One or two used symbols get one bit each; nothing is made up to complete the code.

        Args:
            freq: How often each symbol occurs, type code ``I``.
            count: Number of symbols, at most 286. Only ``freq[:count]`` is read.
            max_bits: At most 15; enough for the number of symbols in use.
            out: Takes ``count`` lengths in bits, 0 for symbols that do not occur.
        """
        with cython.nogil:
            self._lengths(freq, count, max_bits, out)

    def codes(self, lengths: bytearray, count: int, out: array[int]) -> None:
        """The canonical codes of the lengths, each with its first bit in bit 0.

        Args:
            lengths: Length of each symbol's code in bits; 0 for none.
            count: Number of symbols.
            out: Takes the codes, type code ``H``. Symbols without a code keep what was there.
        """
        with cython.nogil:
            self._codes(lengths, count, out)

    def header(self, litlen: bytearray, litlen_count: int, dist: bytearray, dist_count: int) -> tuple[bytes, int]:
        """The header of a block with codes of its own, not final, RFC 1951, section 3.2.7.

        Args:
            litlen: Lengths of the literal and length codes.
            litlen_count: How many of them are listed, 257 to 286.
            dist: Lengths of the distance codes.
            dist_count: How many of them are listed, 1 to 30.

        Returns:
            The header from its first bit (BFINAL) on, packed with the lowest bit first, and its size in bits.
        """
        with cython.nogil:
            size = self._header(litlen, litlen_count, dist, dist_count)
        return bytes(self.packed[: (size + 7) >> 3]), size

    def _sort(self, count: int) -> int:
        """Sort ``keys[:count]``: insertion over shrinking gaps, in place."""
        gap = 121  # then 40, 13, 4, 1
        while gap > 0:
            for right in range(gap, count):
                key = self.keys[right]
                at = right
                while at >= gap and self.keys[at - gap] > key:
                    self.keys[at] = self.keys[at - gap]
                    at -= gap
                self.keys[at] = key
            gap = gap // 3
        return 0

    def _lengths(self, freq: array[int], count: int, max_bits: int, out: bytearray) -> int:
        """Package-merge (Larmore and Hirschberg 1990) over lists as deep as the longest code.

        Each list holds the leaves by weight, and between them pairs of neighbours of the list before. Where a pair
        weighs as much as the next leaf, the pair comes first: of equally frequent symbols the later get shorter codes.
        """
        used = 0
        for symbol in range(count):
            out[symbol] = 0
            if freq[symbol]:
                self.keys[used] = (freq[symbol] << 9) | symbol
                used += 1
        if used <= 2:
            for leaf in range(used):
                out[self.keys[leaf] & 511] = 1
            return 0
        self._sort(used)
        depth = min(max_bits, used - 1)
        wanted = 2 * used - 2
        size = used
        for at in range(used):
            self.row[at] = self.keys[at] >> 9
            self.leaf_flags[at] = 1
        for level in range(1, depth):
            size = self._merge(level * _ROW, used, size, wanted)
        for level in range(depth - 1, -1, -1):
            leaves = 0
            for at in range(wanted):
                leaves += self.leaf_flags[level * _ROW + at]
            for leaf in range(leaves):
                out[self.keys[leaf] & 511] += 1
            wanted = 2 * (wanted - leaves)
        return 0

    def _merge(self, flags: int, used: int, size: int, wanted: int) -> int:
        """Make the next list from ``row[:size]``, at most ``wanted`` items of it; return its size."""
        leaf = 0
        pair = 0
        made = 0
        while made < wanted:
            if pair + 1 < size and (leaf >= used or self.row[pair] + self.row[pair + 1] <= self.keys[leaf] >> 9):
                self.next_row[made] = self.row[pair] + self.row[pair + 1]
                self.leaf_flags[flags + made] = 0
                pair += 2
            elif leaf < used:
                self.next_row[made] = self.keys[leaf] >> 9
                self.leaf_flags[flags + made] = 1
                leaf += 1
            else:
                break
            made += 1
        for at in range(made):
            self.row[at] = self.next_row[at]
        return made

    def _header(self, litlen: bytearray, litlen_count: int, dist: bytearray, dist_count: int) -> int:
        """Pack a header into ``packed``; return its size in bits."""
        for at in range(litlen_count):
            self.values[at] = litlen[at]
        for at in range(dist_count):
            self.values[litlen_count + at] = dist[at]
        items = self._run_lengths(litlen_count + dist_count)
        for at in range(19):
            self.meta_freq[at] = 0
        for at in range(items):
            self.meta_freq[self.symbols[at]] += 1
        self._lengths(self.meta_freq, 19, MAX_META_BITS, self.meta_lengths)
        self._codes(self.meta_lengths, 19, self.meta_codes)
        listed = 19
        while listed > 4 and self.meta_freq[_META_ORDER[listed - 1]] == 0:
            listed -= 1
        for at in range(_PACKED):
            self.packed[at] = 0
        self.bit_count = 0
        self._put(4, 3)  # BFINAL 0, BTYPE 10
        self._put(litlen_count - 257, 5)
        self._put(dist_count - 1, 5)
        self._put(listed - 4, 4)
        for at in range(listed):
            self._put(self.meta_lengths[_META_ORDER[at]], 3)
        for at in range(items):
            symbol = self.symbols[at]
            self._put(self.meta_codes[symbol], self.meta_lengths[symbol])
            if symbol >= 16:
                self._put(self.extras[at], 2 if symbol == 16 else 3 if symbol == 17 else 7)
        return self.bit_count

    def _run_lengths(self, count: int) -> int:
        """Run-length code ``values[:count]`` into symbols 0 to 18 and their extra bits; return how many.

        Greedy, with runs of any value across the border between the two lists. A run of 1 or 2 left over after a
        repetition is written out.
        """
        made = 0
        at = 0
        while at < count:
            value = self.values[at]
            run = 1
            while at + run < count and self.values[at + run] == value:
                run += 1
            at += run
            if value != 0:
                self.symbols[made] = value
                made += 1
                run -= 1
            while run > 0:
                if value != 0 and run >= 3:
                    taken = min(6, run)
                    self.symbols[made] = 16
                    self.extras[made] = taken - 3
                elif value == 0 and run >= 11:
                    taken = min(138, run)
                    self.symbols[made] = 18
                    self.extras[made] = taken - 11
                elif value == 0 and run >= 3:
                    taken = run
                    self.symbols[made] = 17
                    self.extras[made] = taken - 3
                else:
                    taken = 1
                    self.symbols[made] = value
                made += 1
                run -= taken
        return made

    def _codes(self, lengths: bytearray, count: int, out: array[int]) -> int:
        """Canonical codes, RFC 1951, section 3.2.2, with their bits in the order in which a stream holds them."""
        code = 0
        for length in range(1, _DEPTH + 1):
            for symbol in range(count):
                if lengths[symbol] == length:
                    turned = 0
                    for bit in range(length):
                        turned |= ((code >> bit) & 1) << (length - 1 - bit)
                    out[symbol] = turned
                    code += 1
            code <<= 1
        return 0

    def _put(self, value: int, bits: int) -> int:
        """Append at most 16 bits to ``packed``."""
        at = self.bit_count >> 3
        rest = value << (self.bit_count & 7)
        while rest:
            self.packed[at] |= rest & 255
            rest >>= 8
            at += 1
        self.bit_count += bits
        return 0
