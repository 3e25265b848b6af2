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

    def __init__(self, size: int) -> None:
        """Make room.

        Args:
            size: Tokens, that is literals and matches together, that are held at most.
        """
        self.lits = bytearray(size + SLACK)
        self.lit_count = 0
        self.runs = array("I", bytes(4 * size))
        self.matches = array("I", bytes(4 * size))
        self.count = 0
        self.run = 0
        """Literals since the last match."""

    def clear(self) -> None:
        """Forget everything."""
        self.lit_count = 0
        self.count = 0
        self.run = 0

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
