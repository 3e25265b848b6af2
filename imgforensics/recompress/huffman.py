"""Huffman codes for DEFLATE (RFC 1951, section 3.2) as Go's compress/flate and its relatives build them.

Optimal codes are not unique. The bytes of a stream depend on which symbol of several equally frequent ones gets the
shorter code, on how the list of code lengths is run-length coded, and on where the lists are cut off; this file makes
these choices as Go 1.8 to 1.27 and klauspost/compress 1.14 to 1.19 do.

An encoder keeps one :class:`HuffmanBuilder` and asks it once per block. Its methods return numbers of 0 or more:
compiled code calls them without the interpreter's lock, and keeps -1 for exceptions.
"""

from __future__ import annotations

from array import array

from imgforensics.recompress.encoder import Octets

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
_ITEMS = LITLEN_SYMBOLS + DIST_SYMBOLS
_ROW = 2 * LITLEN_SYMBOLS + 2
"""Room for one list of package-merge, and two weights behind it."""
_PACKED = 640
"""Bytes of the largest dynamic header: 17 + 19 * 3 bits and 316 items of at most 14 bits."""


class HuffmanBuilder:
    """Builds codes and dynamic headers; keeps its working memory from one block to the next.

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self.keys = array("Q", bytes(8 * LITLEN_SYMBOLS))
        self.leaves = array("Q", bytes(8 * (LITLEN_SYMBOLS + 1)))
        self.rows = array("Q", bytes(8 * 2 * _ROW))
        self.leaf_flags = bytearray(MAX_BITS * _ROW)
        self.values = bytearray(_ITEMS)
        self.symbols = bytearray(_ITEMS)
        self.extras = bytearray(_ITEMS)
        self.meta_freq = array("I", bytes(4 * 19))
        self.meta_lengths = bytearray(19)
        self.meta_codes = array("H", bytes(2 * 19))
        self.packed = bytearray(_PACKED)
        self.next_code = array("I", bytes(4 * 16))
        self.bit_count = 0

    def lengths(self, freq: array[int], count: int, max_bits: int, out: bytearray) -> int:
        """The lengths of an optimal code in which no length exceeds ``max_bits``.

        One or two used symbols get one bit each; nothing is made up to complete the code. This is package-merge
        (Larmore and Hirschberg 1990) over lists as deep as the longest code: each list holds the leaves by weight, and
        between them pairs of neighbours of the list before. Where a pair weighs as much as the next leaf, the pair
        comes first: of equally frequent symbols the later get shorter codes.

        Args:
            freq: How often each symbol occurs, type code ``I``.
            count: Number of symbols, at most 286. Only ``freq[:count]`` is read.
            max_bits: At most 15; enough for the number of symbols in use.
            out: Takes ``count`` lengths in bits, 0 for symbols that do not occur.
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
            self.leaves[at] = self.keys[at] >> 9
            self.rows[at] = self.leaves[at]
            self.leaf_flags[at] = 1
        self.leaves[used] = 1 << 61
        for level in range(1, depth):
            size = self._merge(level, used, size, wanted)
        for level in range(depth - 1, -1, -1):
            taken = 0
            for at in range(wanted):
                taken += self.leaf_flags[level * _ROW + at]
            for leaf in range(taken):
                out[self.keys[leaf] & 511] += 1
            wanted = 2 * (wanted - taken)
        return 0

    def codes(self, lengths: Octets, count: int, out: array[int]) -> int:
        """The canonical codes of the lengths, RFC 1951, section 3.2.2, each with its first bit in bit 0.

        Args:
            lengths: Length of each symbol's code in bits; 0 for none.
            count: Number of symbols.
            out: Takes the codes, type code ``H``. Symbols without a code keep what was there.
        """
        next_code = self.next_code
        for length in range(16):
            next_code[length] = 0
        for symbol in range(count):
            next_code[lengths[symbol]] += 1
        code = 0
        for length in range(1, 16):
            used = next_code[length]
            next_code[length] = code
            code = (code + used) << 1
        for symbol in range(count):
            length = lengths[symbol]
            if length:
                code = next_code[length]
                next_code[length] = code + 1
                turned = (code & 0x5555) << 1 | (code >> 1 & 0x5555)
                turned = (turned & 0x3333) << 2 | (turned >> 2 & 0x3333)
                turned = (turned & 0x0F0F) << 4 | (turned >> 4 & 0x0F0F)
                turned = (turned & 0x00FF) << 8 | turned >> 8
                out[symbol] = turned >> (16 - length)
        return 0

    def header(self, litlen: Octets, litlen_count: int, dist: Octets, dist_count: int) -> int:
        """Make the header of a block with codes of its own, not final, RFC 1951, section 3.2.7.

        Args:
            litlen: Lengths of the literal and length codes.
            litlen_count: How many of them are listed, 257 to 286.
            dist: Lengths of the distance codes.
            dist_count: How many of them are listed, 1 to 30.

        Returns:
            Its size in bits. ``packed`` holds them, from the first (BFINAL) on, the lowest bit first.
        """
        for at in range(litlen_count):
            self.values[at] = litlen[at]
        for at in range(dist_count):
            self.values[litlen_count + at] = dist[at]
        items = self._run_lengths(litlen_count + dist_count)
        for at in range(19):
            self.meta_freq[at] = 0
        for at in range(items):
            self.meta_freq[self.symbols[at]] += 1
        self.lengths(self.meta_freq, 19, MAX_META_BITS, self.meta_lengths)
        self.codes(self.meta_lengths, 19, self.meta_codes)
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

    def _merge(self, level: int, used: int, size: int, wanted: int) -> int:
        """Make a list from the one before, which has ``size`` items; stop at ``wanted`` and return its size.

        Two rows take turns. Weights that nothing reaches stand behind the leaves and behind the list, and the choice is
        a number that is added, since no processor could guess it.
        """
        leaves = self.leaves
        rows = self.rows
        leaf_flags = self.leaf_flags
        leaf = 0
        pair = (level - 1 & 1) * _ROW
        to = (level & 1) * _ROW
        flags = level * _ROW
        rows[pair + size] = 1 << 61
        rows[pair + size + 1] = 1 << 61
        made = min(wanted, used + size // 2)
        for at in range(made):
            weight = rows[pair] + rows[pair + 1]
            lighter = leaves[leaf]
            is_leaf = 1 if lighter < weight else 0
            rows[to + at] = lighter if is_leaf else weight
            leaf_flags[flags + at] = is_leaf
            leaf += is_leaf
            pair += 2 - 2 * is_leaf
        return made

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
