"""What a matcher found, until it is coded: literals in a row, and matches with the number of literals before each.

A sequence is ``runs[k]`` literals, taken from ``lits`` in order, followed by the match ``matches[k]``; literals that
are left follow the last match. A match is one number, ``(length - 3) << 16 | (distance - 1)``.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython

from imgforensics.recompress.encoder import Octets

SLACK = 8
"""Bytes behind the last literal that may be written, so that eight can be copied at a time."""


class Sequences:
    """Literals and matches of one block or segment, in memory of a fixed size."""

    def __init__(self, literals: int, matches: int) -> None:
        """Make room for so many literals and matches at most."""
        self.lits = bytearray(literals + SLACK)
        self.lit_count = 0
        self.runs = array("I", bytes(4 * matches))
        self.matches = array("I", bytes(4 * matches))
        self.count = 0
        self.run = 0
        """Literals since the last match."""
        self.size = 0
        """Bytes of content; only ``fill`` counts them."""
        self.last = 0
        """Bytes of the last literal or match; only ``fill`` keeps it."""
        self.lit_read = 0
        self.read = 0
        self.run_read = 0

    def clear(self) -> int:
        """Forget everything; return 0, as methods for compiled code without the interpreter's lock do."""
        self.lit_count = 0
        self.count = 0
        self.run = 0
        self.size = 0
        self.lit_read = 0
        self.read = 0
        self.run_read = 0
        return 0

    def tokens(self) -> int:
        """Number of literals and matches together."""
        return self.lit_count + self.count

    def literals(self, data: Octets, start: int, stop: int) -> None:
        """Take a range of bytes as literals, behind what is there."""
        with cython.nogil:
            self.add_literals(data, start, stop)

    def add_literals(self, data: Octets, start: int, stop: int) -> int:
        """As ``literals``, for compiled code that has released the interpreter's lock."""
        lits = self.lits
        count = self.lit_count
        for at in range(start, stop):
            lits[count] = data[at]
            count += 1
        self.lit_count = count
        self.run += stop - start
        return 0

    def add_match(self, length: int, distance: int) -> int:
        """Take a match behind what is there; for compiled code."""
        self.runs[self.count] = self.run
        self.matches[self.count] = (length - 3) << 16 | (distance - 1)
        self.count += 1
        self.run = 0
        return 0

    def skip(self, size: int) -> None:
        """Read past the literals and matches of the first ``size`` bytes; they end where one of them does."""
        with cython.nogil:
            self._skip(size)

    def _skip(self, size: int) -> int:
        while size > 0:
            if self.read < self.count and self.run_read == self.runs[self.read]:
                size -= (self.matches[self.read] >> 16) + 3
                self.read += 1
                self.run_read = 0
            else:
                self.lit_read += 1
                self.run_read += 1
                size -= 1
        return 0

    def fill(self, source: Sequences, tokens: int) -> int:
        """Take from another where that was left off, until there are ``tokens`` here or no more there.

        Returns:
            How many there are here.
        """
        with cython.nogil:
            return self._fill(source, tokens, source.lits, source.runs, source.matches)

    def _fill(self, source: Sequences, tokens: int, lits: bytearray, runs: array[int], matches: array[int]) -> int:
        room = tokens - self.lit_count - self.count
        while room > 0:
            left = runs[source.read] if source.read < source.count else source.run
            left -= source.run_read
            if left > 0:
                taken = min(left, room)
                self.add_literals(lits, source.lit_read, source.lit_read + taken)
                source.lit_read += taken
                source.run_read += taken
                self.size += taken
                self.last = 1
                room -= taken
            elif source.read < source.count:
                self.runs[self.count] = self.run
                self.matches[self.count] = matches[source.read]
                self.last = (matches[source.read] >> 16) + 3
                self.size += self.last
                self.count += 1
                self.run = 0
                source.read += 1
                source.run_read = 0
                room -= 1
            else:
                break
        return tokens - room
