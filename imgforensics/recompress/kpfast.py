"""The matchers of levels 1 to 6 with the tables that they keep from block to block."""

from __future__ import annotations

from array import array

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.kpdialect import Dialect

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython
if not cython.compiled:
    from imgforensics.recompress.kpdouble import level4
    from imgforensics.recompress.kppairs import level5, level6
    from imgforensics.recompress.kpsingle import level1, level2, level3
    from imgforensics.recompress.lzwords import earlier, latest, pushed
    from imgforensics.recompress.sequences import Sequences

_FAR = 65536
"""A distance out of reach."""
_HIGHEST_BIAS = 1 << 30
"""Positions in the tables stay well below 32 bits."""
_SHORT_BITS = {1: 15, 2: 17, 4: 15, 5: 15, 6: 15}
_LONG_BITS = {4: 15}
_PAIR_BITS = {3: 16, 5: 15, 6: 15}
"""Bits of the hashes of each level, by the kind of table."""


class FastMatcher:
    """Finds matches block by block. Not for several threads at once.

    Methods that return a number return 0, for compiled code that has released the interpreter's lock.
    """

    def __init__(self, level: int, dialect: Dialect) -> None:
        self.level = level
        self.longest = dialect.longest
        self.onward = dialect.onward
        self.bias = _FAR
        self.short = array("I", bytes(4 << _SHORT_BITS.get(level, 0)))
        self.long = array("I", bytes(4 << _LONG_BITS.get(level, 0)))
        self.pairs = array("Q", bytes(8 << _PAIR_BITS.get(level, 0)))

    def restart(self, end: int) -> int:
        """Begin another stream: put everything out of reach. ``end`` is where the content of the old one ended."""
        return self.slide(end + _FAR)

    def slide(self, shift: int) -> int:
        """Know that content was moved so far towards the start of the window."""
        self.bias += shift
        if self.bias > _HIGHEST_BIAS:
            self._rebase()
        return 0

    def snapshot(self, at: int) -> bytes:
        """What the tables hold that matters to a block from a position on: matchers with equal snapshots go on alike.

        Each position in the tables as its distance from there, or 0 if it is out of reach.
        """
        distances = array("H", bytes(2 * (len(self.short) + len(self.long) + 2 * len(self.pairs))))
        with cython.nogil:
            self._snapshot(at + self.bias, distances)
        return bytes(distances)

    def match(self, window: Octets, start: int, end: int, out: Sequences) -> None:
        """Find the matches of ``window[start:end]``.

        Args:
            window: Content: the block, the 32768 bytes before it, and behind it eight bytes of no meaning.
            start: Where the block begins.
            end: Where the block ends, at least 128 bytes further on.
            out: Takes literals and matches.
        """
        with cython.nogil:
            self.find(window, start, end, out)

    def find(self, window: Octets, start: int, end: int, out: Sequences) -> int:
        """As ``match``, for compiled code that has released the interpreter's lock."""
        return self._find(window, start, end, out, out.lits, out.runs, out.matches)

    def _find(
        self,
        window: Octets,
        start: int,
        end: int,
        out: Sequences,
        lits: bytearray,
        runs: array[int],
        matches: array[int],
    ) -> int:
        bias = self.bias
        longest = self.longest
        onward = self.onward
        if self.level == 1:
            return level1(window, start, end, bias, self.short, out, lits, runs, matches, longest)
        if self.level == 2:
            return level2(window, start, end, bias, self.short, out, lits, runs, matches, longest)
        if self.level == 3:
            return level3(window, start, end, bias, self.pairs, out, lits, runs, matches, longest)
        if self.level == 4:
            return level4(window, start, end, bias, self.short, self.long, out, lits, runs, matches, longest)
        if self.level == 5:
            return level5(window, start, end, bias, self.short, self.pairs, out, lits, runs, matches, longest, onward)
        return level6(window, start, end, bias, self.short, self.pairs, out, lits, runs, matches, longest, onward)

    def _snapshot(self, at: int, distances: array[int]) -> int:
        short = self.short
        long = self.long
        pairs = self.pairs
        count = len(short)
        for slot in range(count):
            distance = at - short[slot]
            distances[slot] = distance if distance <= 32768 else 0
        for slot in range(len(long)):
            distance = at - long[slot]
            distances[count + slot] = distance if distance <= 32768 else 0
        count += len(long)
        for slot in range(len(pairs)):
            pair = pairs[slot]
            distance = at - latest(pair)
            distances[count + 2 * slot] = distance if distance <= 32768 else 0
            distance = at - earlier(pair)
            distances[count + 2 * slot + 1] = distance if distance <= 32768 else 0
        return 0

    def _rebase(self) -> int:
        """Lower ``bias`` again, and all positions in the tables with it; those out of reach become zero."""
        gone = self.bias - _FAR
        for slot in range(len(self.short)):
            self.short[slot] = max(self.short[slot], gone) - gone
        for slot in range(len(self.long)):
            self.long[slot] = max(self.long[slot], gone) - gone
        for slot in range(len(self.pairs)):
            pair = self.pairs[slot]
            self.pairs[slot] = pushed(max(earlier(pair), gone) - gone, max(latest(pair), gone) - gone)
        self.bias = _FAR
        return 0
