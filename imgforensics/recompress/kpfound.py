"""What was found in many blocks of levels 1 to 6 of Go 1.27, one behind the other in the same memory.

Blocks are searched one by one and written one by one, and whoever does either sees :class:`Sequences` of that block:
``part`` looks at its piece of the memory.
"""

from __future__ import annotations

from array import array
from typing import Any

from imgforensics.recompress.goblocks import MAX_STORED
from imgforensics.recompress.sequences import SLACK

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython
if not cython.compiled:
    from imgforensics.recompress.sequences import Sequences

_BLOCK = MAX_STORED


class Found:
    """Literals and matches of the blocks of a segment. Methods return 0, for compiled code without the lock."""

    def __init__(self, blocks: int) -> None:
        """Make room for so many blocks of 65535 bytes."""
        matches = blocks * (_BLOCK // 4)
        # Views, since parts of them share their memory, in plain Python too; whom they are lent to has bytes and arrays
        self.lits: Any = memoryview(bytearray(blocks * _BLOCK + SLACK))
        self.runs: Any = memoryview(bytearray(4 * matches)).cast("I")
        self.matches: Any = memoryview(bytearray(4 * matches)).cast("I")
        self.lit_ends = array("q", bytes(8 * (blocks + 1)))
        """Where the literals of each block end; those of the first begin at 0."""
        self.match_ends = array("q", bytes(8 * (blocks + 1)))
        """Where its matches end."""
        self.blocks = 0
        """How many there are."""
        self.part = Sequences(0, 0)
        """The block that was begun or shown last."""

    def clear(self) -> int:
        """Forget everything."""
        self.blocks = 0
        return 0

    def begin(self) -> int:
        """Begin a block behind those that there are: let ``part`` have the memory that is left, with nothing in it."""
        self.part.lits = self.lits[self.lit_ends[self.blocks] :]
        self.part.runs = self.runs[self.match_ends[self.blocks] :]
        self.part.matches = self.matches[self.match_ends[self.blocks] :]
        return self.part.clear()

    def end(self) -> int:
        """End the block, with what ``part`` has."""
        self.lit_ends[self.blocks + 1] = self.lit_ends[self.blocks] + self.part.lit_count
        self.match_ends[self.blocks + 1] = self.match_ends[self.blocks] + self.part.count
        self.blocks += 1
        return 0

    def show(self, number: int) -> int:
        """Let ``part`` have what was found in a block."""
        self.part.lits = self.lits[self.lit_ends[number] :]
        self.part.runs = self.runs[self.match_ends[number] :]
        self.part.matches = self.matches[self.match_ends[number] :]
        self.part.clear()
        self.part.lit_count = self.lit_ends[number + 1] - self.lit_ends[number]
        self.part.count = self.match_ends[number + 1] - self.match_ends[number]
        return 0
