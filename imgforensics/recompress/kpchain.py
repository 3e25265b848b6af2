"""The matcher of levels 7 to 9 of Go 1.27's compress/flate and of klauspost/compress: hash chains, lazy evaluation.

The chain of earlier positions with the same hash is searched at each position. A match is not taken before the next
position was tried; the last literal is pending meanwhile. Level 9 takes a longer match only if it saves more bits, by a
guess at the cost of literals. A match that is taken may be replaced by one that begins two bytes later and ends further
on. Where a long run of literals shows that nothing is to be found, positions are passed over.

Positions are indices of a window of 65536 bytes, which is parsed when it is full and moves on by half its size; the
tables hold positions plus ``bias``, so that whatever fell out of the window is below zero.

The numbers stand in the hot loops as they are: compiled code would load a named one from memory every time.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from imgforensics.recompress import histogram
from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.kpdialect import Dialect

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython
if not cython.compiled:
    from imgforensics.recompress.huffman import HuffmanBuilder
    from imgforensics.recompress.lzwords import hash4
    from imgforensics.recompress.sequences import Sequences
    from imgforensics.recompress.words import common, load32

BLOCK_TOKENS = 32768
"""Literals and matches of a block."""
WINDOW = 65536
"""Bytes that the matcher sees."""
MORE, FULL = _MORE, _FULL = 0, 1
"""Why a parse stopped: the window is done with, or a block is full."""
_HIGHEST_BIAS = 1 << 30
"""Positions in the tables stay well below 32 bits."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard a level tries."""

    lazy: int
    """A match of so many bytes is taken without looking at the next position."""
    nice: int
    """A match of so many bytes ends the search."""
    chain: int
    """Candidates looked at; and literals in a row behind which positions are passed over."""


EFFORTS = {7: Effort(12, 16, 24), 8: Effort(30, 40, 64), 9: Effort(258, 258, 1024)}
"""By level."""


class ChainMatcher:
    """Chains and the state of a parse. Not for several threads at once."""

    def __init__(self, level: int, dialect: Dialect) -> None:
        self.overflows = dialect.overflows
        self.least = dialect.least
        self.lazy = EFFORTS[level].lazy
        self.nice = EFFORTS[level].nice
        self.chain = EFFORTS[level].chain
        self.weighs = level == 9
        self.window: Octets = b""
        self.heads = array("I", bytes(4 << 17))
        self.links = array("I", bytes(4 << 15))
        self.bias = WINDOW
        self.at = 0
        """The current position."""
        self.cut = -1
        """The position behind the block that is full."""
        self.length = 3
        """Of the match at the position before the current one; 3 is none."""
        self.distance = 0
        self.pending = False
        """Whether the literal before the current position was not put out yet."""
        self.fruitless = 0
        """Literals in a row."""
        self.literal_freq = array("I", bytes(4 * 256))
        self.literal_bits = bytearray(256)
        """What literals are taken to cost."""
        self.savings = array("I", bytes(4 * 259))
        """What so many literals from the current position on are taken to cost together."""
        self.huffman = HuffmanBuilder()
        self.length_codes = histogram.LENGTH_CODES
        self.length_extra = histogram.LENGTH_EXTRA
        self.dist_codes = histogram.DIST_CODES
        self.dist_extra = histogram.DIST_EXTRA

    def restart(self, window: Octets, end: int) -> None:
        """Begin another stream, in which ``window[:end]`` was content already."""
        self.bias += 2 * WINDOW  # puts whatever the tables hold out of reach
        self._rebase()
        self.window = window
        with cython.nogil:
            for at in range(end - 3):
                self._enter(at)
        self.at = end
        self.length = 3
        self.pending = False
        self.fruitless = 0

    def slide(self, shift: int) -> None:
        """Move all positions, as their content was moved, towards the start of the window."""
        self.at -= shift
        self.bias += shift
        self._rebase()

    def snapshot(self) -> bytes:
        """The state between two windows: matchers with equal snapshots go on alike.

        That is the state of the parse, and for each position in the chains the distance to it, 0 if it is out of reach.
        """
        state = array("H", bytes(2 * (5 + len(self.heads) + len(self.links))))
        state[0] = self.at
        state[1] = self.length
        state[2] = self.distance if self.length > 3 else 0
        state[3] = self.pending
        state[4] = self.fruitless
        with cython.nogil:
            self._distances(state)
        return bytes(state)

    def weigh(self, window: Octets, end: int) -> None:
        """Guess the cost of literals from what is next in the window; before it is parsed, once."""
        if self.weighs and self.at < end:
            for byte in range(256):
                self.literal_freq[byte] = 0
            for at in range(self.at, end if self.overflows else min(self.at + 32768, end)):
                self.literal_freq[window[at]] += 1
            for byte in range(256):
                self.literal_freq[byte] &= 65535
            self.huffman.lengths(self.literal_freq, 256, 15, self.literal_bits)
            for byte in range(256):
                self.literal_bits[byte] = max(self.literal_bits[byte], self.least)

    def parse(self, window: Octets, end: int, final: bool, out: Sequences, over: Sequences) -> int:
        """Find matches from the current position on.

        Args:
            window: Content.
            end: Where it ends.
            final: Whether no more follows.
            out: Takes the block, up to ``BLOCK_TOKENS`` tokens.
            over: Takes what was found in passing when ``out`` was full, at most some thousand tokens.

        Returns:
            ``FULL`` if ``out`` is full; the block ends at ``cut``, and what is in ``over`` begins the next. ``MORE`` if
            the window is done with.
        """
        self.window = window
        self.cut = -1
        with cython.nogil:
            return self._parse(end, final, out, over)

    def _parse(self, end: int, final: bool, out: Sequences, over: Sequences) -> int:
        limit = end - 3
        while self.cut < 0:
            ahead = end - self.at
            if ahead < 262:
                if not final:
                    return _MORE
                if ahead == 0:
                    if self.pending:
                        self.pending = False
                        self._literal(out, over)
                    return _MORE if self.cut < 0 else _FULL
            candidate = self._enter(self.at) if self.at < limit else -1
            length = self.length
            distance = self.distance
            self.length = 3
            if candidate >= max(0, self.at - 32768) and length < ahead and length < self.lazy:
                self._search(candidate, ahead)
            if length >= 4 and self.length <= length:
                self._take(length, distance, ahead, limit, out, over)
                continue
            if self.length >= 4:
                self.fruitless = 0
            if not self.pending:
                self.pending = True
                self.at += 1
                continue
            self.fruitless = (self.fruitless + 1) & 65535
            self._literal(out, over)
            self.at += 1
            if self.fruitless > self.chain:
                self._hurry(limit, out, over)
        return _FULL

    def _enter(self, at: int) -> int:
        """Enter a position into its chain; return the one before, below zero if there is none."""
        slot = hash4(load32(self.window, at), 17)
        before = self.heads[slot]
        self.links[at & 32767] = before
        self.heads[slot] = at + self.bias
        return before - self.bias

    def _search(self, candidate: int, ahead: int) -> int:
        """Follow the chain of the current position; note the match in ``length`` and ``distance``, if there is one."""
        at = self.at
        lowest = max(0, at - 32768)
        most = min(258, ahead)
        nice = min(self.nice, most)
        best = 3
        best_gain = 4
        if self.weighs:
            total = 0
            for length in range(most):
                total += self.literal_bits[self.window[at + length]]
                self.savings[length + 1] = total
            if total - 3 <= best_gain:  # no match can save more
                return 0
        for _ in range(self.chain):
            if self.window[candidate + best] == self.window[at + best]:
                length = common(self.window, candidate, at, most)
                if length > best:
                    gain = self._gain(length, at - candidate) if self.weighs else best_gain + 1
                    if gain > best_gain:
                        best = length
                        best_gain = gain if self.weighs else best_gain
                        self.length = length
                        self.distance = at - candidate
                        if length >= nice:
                            break
            if candidate <= lowest:
                break
            candidate = self.links[candidate & 32767] - self.bias
            if candidate < lowest:
                break
        return 0

    def _gain(self, length: int, distance: int) -> int:
        """Bits that a match at the current position is taken to save.

        The original looks up the extra bits by the distance where the code goes by the distance less one, and its table
        wraps around.
        """
        code = self.dist_codes[distance if distance < 256 else 256 + (distance >> 7)] if distance < 32768 else 14
        return self.savings[length] - self.dist_extra[code] - 3 - self.length_extra[self.length_codes[length - 3]]

    def _take(self, length: int, distance: int, ahead: int, limit: int, out: Sequences, over: Sequences) -> int:
        """Put out the match that begins at the position before, or a better one, and go behind it."""
        start = self.at - 1
        if length < 256 and start + length < limit:
            other = self.heads[hash4(load32(self.window, start + length), 17)] - self.bias - length
            if start - other != distance and other > max(self.at - 32768, 0) + 2:
                better = common(self.window, start + 2, other + 2, min(ahead, 260) - 2)
                if better > length:
                    length = better
                    distance = start - other
                    if length < 258 and self.window[start + 1] == self.window[other + 1]:
                        length += 1
                        if length < 258 and self.window[start] == self.window[other]:
                            length += 1
                        else:
                            self._pass(limit, out, over)
                    else:
                        self._pass(limit, out, over)
                        self._pass(limit, out, over)
        after = self.at + length - 1
        for at in range(self.at + 1, min(after, limit)):
            self._enter(at)
        self.at = after
        self.pending = False
        self.length = 3
        self.fruitless = 0
        if self.cut >= 0:
            return over.add_match(length, distance)
        out.add_match(length, distance)
        return self._note(out)

    def _hurry(self, limit: int, out: Sequences, over: Sequences) -> int:
        """Pass over positions, the more the longer nothing was found."""
        rest = 1 + ((self.fruitless - self.chain) >> 6)
        while rest > 0 and self.at < limit + 2:
            self._literal(out, over)
            if self.at < limit:
                self._enter(self.at)
            self.at += 1
            rest -= 1
        self._literal(out, over)
        self.pending = False
        return 0

    def _pass(self, limit: int, out: Sequences, over: Sequences) -> int:
        """Put out a literal and go one position on."""
        self._literal(out, over)
        self.at += 1
        if self.at < limit:
            self._enter(self.at)
        return 0

    def _literal(self, out: Sequences, over: Sequences) -> int:
        """Put out the literal before the current position."""
        byte = self.window[self.at - 1]
        if self.cut >= 0:
            over.lits[over.lit_count] = byte
            over.lit_count += 1
            over.run += 1
            return 0
        out.lits[out.lit_count] = byte
        out.lit_count += 1
        out.run += 1
        return self._note(out)

    def _note(self, out: Sequences) -> int:
        """Note where the block ends if it is full now."""
        if out.lit_count + out.count == 32768:
            self.cut = self.at
        return 0

    def _distances(self, state: array[int]) -> int:
        heads = self.heads
        links = self.links
        at = self.at + self.bias
        count = len(heads)
        for slot in range(count):
            distance = at - heads[slot]
            state[5 + slot] = distance if distance <= 32768 else 0
        for slot in range(len(links)):
            distance = at - links[slot]
            state[5 + count + slot] = distance if distance <= 32768 else 0
        return 0

    def _rebase(self) -> int:
        """Lower ``bias`` again if it is high, and all positions in the tables with it."""
        if self.bias > _HIGHEST_BIAS:
            gone = self.bias - WINDOW
            for slot in range(len(self.heads)):
                self.heads[slot] = max(self.heads[slot], gone) - gone
            for slot in range(len(self.links)):
                self.links[slot] = max(self.links[slot], gone) - gone
            self.bias = WINDOW
        return 0
