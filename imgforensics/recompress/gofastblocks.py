"""Blocks of level 1 of Go 1.8 to 1.26: one after another into a stream, or for somebody else to put into one.

A block depends on the table that the one before leaves, and on nothing else. Many are made at a time without the
interpreter's lock: threads would wait for each other if they took it for every block.
"""

from __future__ import annotations

from array import array

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.goblocks import MAX_STORED

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython
if not cython.compiled:
    from imgforensics.recompress.goblocks import BlockWriter
    from imgforensics.recompress.gofast import FastMatcher
    from imgforensics.recompress.sequences import Sequences

_BLOCK = MAX_STORED
_SMALL = 128
"""Bytes of the smallest block that is searched for matches."""
_TINY = 16
"""Bytes that are stored without looking at them."""


class FastBlocks:
    """A table, and blocks that are made with it. Not for several threads at once."""

    def __init__(self, most: int = 0) -> None:
        """Begin.

        Args:
            most: Blocks that :meth:`keep` has to keep at a time.
        """
        self.matcher = FastMatcher()
        self.blocks = BlockWriter()
        self.sequences = Sequences(_BLOCK, _BLOCK // 4)
        self.begins = array("q", bytes(8 * most))
        """Where in the output the bits of each block begin."""
        self.bits = array("q", bytes(8 * most))
        """How many bits each block has; -1 if it is to be stored."""
        self.kept = 0
        """How many blocks are kept."""

    def match(self, window: Octets, start: int, stop: int) -> None:
        """Have the matcher see whole blocks that are not written."""
        with cython.nogil:
            self._match(window, start, stop)

    def write(self, window: Octets, start: int, stop: int) -> None:
        """Match and write blocks; all but the last have 65535 bytes."""
        with cython.nogil:
            self._write(window, start, stop)

    def keep(self, window: Octets, start: int, stop: int) -> None:
        """Match blocks and code each as if it began with a byte, to be put into a stream by :meth:`put`."""
        with cython.nogil:
            self._keep(window, start, stop)

    def put(self, target: BlockWriter, window: Octets, start: int, stop: int, number: int) -> None:
        """Put blocks that were kept into a stream.

        Args:
            target: Takes them.
            window: Their content.
            start: Where it begins there.
            stop: Where it ends.
            number: How many were kept before the first of them.
        """
        with cython.nogil:
            self._put(target, window, start, stop, number)

    def forget(self) -> None:
        """Keep nothing."""
        self.kept = 0
        self.blocks.bits.drop(0)

    def _match(self, window: Octets, start: int, stop: int) -> int:
        while start < stop:
            self.matcher.match(window, start, start + _BLOCK, self.sequences)
            self.sequences.clear()
            start += _BLOCK
        return 0

    def _write(self, window: Octets, start: int, stop: int) -> int:
        while start < stop:
            self._block(window, start, min(start + _BLOCK, stop))
            start += _BLOCK
        return 0

    def _keep(self, window: Octets, start: int, stop: int) -> int:
        while start < stop:
            begin = self.blocks.bits.used
            self.begins[self.kept] = begin
            if self._block(window, start, min(start + _BLOCK, stop)):
                self.blocks.bits.drop(begin)
                self.bits[self.kept] = -1
            else:
                self.bits[self.kept] = 8 * (self.blocks.bits.used - begin) + self.blocks.bits.pending_bits
                self.blocks.bits.align()
            self.kept += 1
            start += _BLOCK
        return 0

    def _put(self, target: BlockWriter, window: Octets, start: int, stop: int, number: int) -> int:
        while start < stop:
            if self.bits[number] < 0:
                target.stored(window, start, min(start + _BLOCK, stop))
            else:
                target.bits.append(self.blocks.bits.out, self.begins[number], self.bits[number])
            number += 1
            start += _BLOCK
        return 0

    def _block(self, window: Octets, start: int, stop: int) -> int:
        """Match and write a block; 1 if it was stored."""
        size = stop - start
        stored = 1
        if size <= _TINY:
            self.blocks.stored(window, start, stop)
        elif size < _SMALL:
            stored = self.blocks.literals(window, start, stop)
        else:
            self.matcher.match(window, start, stop, self.sequences)
            if self.sequences.tokens() > size - (size >> 4):
                stored = self.blocks.literals(window, start, stop)
            else:
                stored = self.blocks.dynamic(self.sequences, window, start, stop)
            self.sequences.clear()
        return stored
