"""The matcher of Go's compress/flate at levels 2 and 3, Go 1.8 to 1.26.

As at the levels above (see ``golazy``), but a match is taken as soon as it is found, and the positions within a match
longer than ``skip`` bytes are not entered into the chains. The chains therefore depend on what was matched, and grow in
step with the parse. ``heads`` and ``links`` are as there.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython
if not cython.compiled:
    from imgforensics.recompress.words import common, hash_big, load32

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.sequences import Sequences

_MORE, _FULL, _DONE = 0, 1, 2
_LOOKAHEAD = 262
_SLIDE_AT = 65275
_WINDOW = 65536


@dataclass(frozen=True, slots=True)
class GreedyEffort:
    """How hard a level tries."""

    nice: int
    """A match of so many bytes ends the search."""
    chain: int
    """Candidates looked at."""
    skip: int
    """The positions within a longer match are not entered."""


GREEDY_EFFORTS = {2: GreedyEffort(16, 8, 5), 3: GreedyEffort(32, 32, 6)}
"""By level; Go 1.8 to 1.26."""


class GreedyMatcher:
    """Chains and the state of a parse; the same interface as ``LazyMatcher``. Not for several threads at once."""

    def __init__(self, effort: GreedyEffort) -> None:
        self.nice = effort.nice
        self.chain = effort.chain
        self.skip = effort.skip
        self.window: Octets = b""
        self.heads = array("I", bytes(4 << 17))
        self.links = array("H", b"\xff" * (2 * 65536))
        self.at = 0
        """The current position."""
        self.base = 0
        """Where Go's window begins."""
        self.pending = 0
        """No byte before the current position is ever open."""

    def rebase(self, shift: int) -> None:
        """Follow the window: its first ``shift`` bytes, a multiple of 65536, are gone."""
        with cython.nogil:
            self._rebase(shift)

    def parse(self, window: Octets, end: int, final: bool, sequences: Sequences, tokens: int) -> int:
        """Find literals and matches; see ``LazyMatcher.parse``."""
        self.window = window
        with cython.nogil:
            return self._parse(end, final, sequences, tokens)

    def _rebase(self, shift: int) -> int:
        for at in range(1 << 17):
            head = self.heads[at]
            self.heads[at] = head - shift if head > shift else 0
        self.at -= shift
        self.base -= shift
        return 0

    def _enter(self, at: int) -> int:
        slot = hash_big(self.window, at, 17)
        link = at + 65536 - self.heads[slot]
        self.heads[slot] = at + 65536
        self.links[at & 65535] = 65535 if link > 32768 else link
        return 0

    def _parse(self, end: int, final: bool, sequences: Sequences, tokens: int) -> int:
        enterable = end - 3
        while sequences.lit_count + sequences.count < tokens:
            at = self.at
            if at >= self.base + _SLIDE_AT and end > self.base + _WINDOW:
                self.base += _WINDOW // 2
            look = end - at
            if look < _LOOKAHEAD and not final:
                return _MORE
            if look == 0:
                return _DONE
            found = 0
            if at < enterable:
                self._enter(at)
                found = self._search(at, max(self.base, at - 32768), min(look, 258))
            if found:
                length = found & 0xFFFF
                sequences.add_match(length, found >> 16)
                if length <= self.skip:
                    for inner in range(at + 1, min(at + length, enterable)):
                        self._enter(inner)
                self.at = at + length
            else:
                sequences.add_literals(self.window, at, at + 1)
                self.at = at + 1
        return _FULL

    def _search(self, at: int, low: int, limit: int) -> int:
        """The longest match at a position, nearest first; ``distance << 16 | length``, or 0 for none."""
        best = 3
        found = 0
        enough = min(self.nice, limit)
        wanted = load32(self.window, at)
        place = at
        for _ in range(self.chain):
            link = self.links[place & 65535]
            if place < low + link:
                break
            place -= link
            if load32(self.window, place + best - 3) == wanted:
                length = common(self.window, place, at, limit)
                if length > best and (length > 4 or at - place <= 4096):
                    best = length
                    found = (at - place) << 16 | length
                    if length >= enough:
                        break
                    wanted = load32(self.window, at + best - 3)
        return found
