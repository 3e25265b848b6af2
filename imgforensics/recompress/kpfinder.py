"""Matches of Go 1.27 at levels 1 to 6, many blocks at a time, from wherever a worker begins.

Blocks have 65535 bytes, and the matcher begins each afresh but for its tables. It sees a window of the content; where
that begins is of no matter if it holds what is within reach, but for level 4: it looks where it should not, counted
from the beginning of the window, which therefore begins where it does on one processor.

A whole segment is searched without the interpreter's lock: threads would wait for each other if they took it for every
block.
"""

from __future__ import annotations

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.kpblocks import SMALL
from imgforensics.recompress.kpdeflate import BLOCK, KEPT, REACH
from imgforensics.recompress.kpdialect import GO

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython
if not cython.compiled:
    from imgforensics.recompress.kpfast import FastMatcher
    from imgforensics.recompress.kpfound import Found

# What compiled code has types of, under names of its own
_BLOCK, _SMALL, _REACH, _KEPT = BLOCK, SMALL, REACH, KEPT
_KEPT_BLOCKS = KEPT // BLOCK
"""Blocks that the window of one processor holds before it moves."""


def window_base(block: int, size: int) -> int:
    """Where in the content the window of one processor begins when it finds the matches of a block.

    Args:
        block: The number of the block.
        size: Its bytes.
    """
    if block < _KEPT_BLOCKS:
        return 0
    since = (block - _KEPT_BLOCKS) % (_KEPT_BLOCKS - 1)
    base = (block - since) * _BLOCK - _REACH
    if since == 0 and block > _KEPT_BLOCKS:
        before = base - (_KEPT_BLOCKS - 1) * _BLOCK
        return base if block * _BLOCK + size - before > _KEPT else before
    return base


class BlockFinder:
    """A matcher that knows where in the content its window begins. Not for several threads at once."""

    def __init__(self, level: int) -> None:
        self.matcher = FastMatcher(level, GO)
        self.odd = level == 4
        self.base = 0

    def restart(self, block: int) -> None:
        """Begin with empty tables; ``block`` is the number of the one that comes first."""
        self.matcher.restart(_KEPT + _BLOCK)
        self.base = self._base(block, _BLOCK)

    def snapshot(self, at: int) -> bytes:
        """What the tables hold that matters to blocks from a position in the content on."""
        return self.matcher.snapshot(at - self.base)

    def find(self, window: Octets, offset: int, start: int, stop: int, found: Found) -> None:
        """Find the matches of blocks one after another.

        Args:
            window: Content, with at least 32768 bytes before the first block, and what level 4 looks at.
            offset: The position in the content of its first byte; less than zero if nothing is known of the beginning.
            start: Where in the window the first block begins.
            stop: Where the last one ends.
            found: Takes the blocks behind those that it has.
        """
        with cython.nogil:
            self._find(window, offset, start, stop, found)

    def _find(self, window: Octets, offset: int, start: int, stop: int, found: Found) -> int:
        block = (offset + start) // _BLOCK
        while start < stop:
            end = min(start + _BLOCK, stop)
            found.begin()
            if end - start >= _SMALL:
                base = self._base(block, end - start)
                self.matcher.slide(base - self.base)
                self.base = base
                gone = base - offset
                self.matcher.find(window[gone:], start - gone, end - gone, found.part)
            found.end()
            block += 1
            start = end
        return 0

    def _base(self, block: int, size: int) -> int:
        return window_base(block, size) if self.odd else max(block * _BLOCK - _REACH, 0)
