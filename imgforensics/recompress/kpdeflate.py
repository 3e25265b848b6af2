"""DEFLATE streams as Go 1.27's compress/flate and klauspost/compress write them, at every level.

The two are one encoder: Go took over that of klauspost/compress, quirks and all.

==========  ====================================================  ====================================
level       blocks                                                matcher
==========  ====================================================  ====================================
huffman     32768 bytes                                           none
0           65535 bytes, stored                                   none
1 to 6      65535 bytes                                           ``kpfast`` (``kpsingle`` at 1 to 3,
                                                                  ``kpdouble`` 4, ``kppairs`` 5 and 6)
7 to 9      32768 literals and matches                            ``kpchain``
==========  ====================================================  ====================================

Content is taken in pieces of any size. It is worked on when the window is full *and* more comes, because the last block
is treated as such.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.kpblocks import SMALL, BlockWriter
from imgforensics.recompress.kpchain import BLOCK_TOKENS, FULL, WINDOW, ChainMatcher
from imgforensics.recompress.kpdialect import Dialect
from imgforensics.recompress.kpfast import FastMatcher
from imgforensics.recompress.sequences import Sequences

HUFFMAN = -2
"""Go's name for it is HuffmanOnly."""

BLOCK = 65535
_HUFFMAN_BLOCK = 32768
REACH = 32768
"""Longest distance of DEFLATE."""
KEPT = 5 * BLOCK
"""Content that levels 1 to 6 keep before they drop what is out of reach. Level 4 reads where it should not, and for the
same output it has to find the same content there."""
_SLACK = 8
"""Bytes behind the content that are read in passing."""


class Deflate(ABC):
    """A stream: the window, and when it is worked on; what happens then is for the levels."""

    def __init__(self, dialect: Dialect, shift: int, room: int) -> None:
        self._blocks = BlockWriter(dialect, shift)
        self._window = bytearray(room + _SLACK)
        self._view = memoryview(self._window)
        self._start = 0
        """Where the current block begins."""
        self._end = 0
        """Where the content ends."""
        self._full = room
        """Where the content ends when it has to be worked on."""

    def write(self, data: Buffer) -> bytes:
        """Take content; return what of the stream is ready."""
        view = memoryview(data)
        while view:
            if self._end == self._full:
                self._advance(last=False)
            part = view[: self._full - self._end]
            self._view[self._end : self._end + len(part)] = part
            self._end += len(part)
            view = view[len(part) :]
        return self._blocks.bits.take()

    def flush(self) -> bytes:
        """Work on all content and end with a whole byte; return the rest of the stream so far."""
        self._advance(last=True)
        self._blocks.put_marker()
        return self._blocks.bits.take()

    def close(self) -> bytes:
        """Work on all content and end the stream; return its rest."""
        self._advance(last=True)
        self._blocks.put_end()
        return self._blocks.bits.take()

    @abstractmethod
    def restart(self, dictionary: bytes) -> None:
        """Begin another stream after :meth:`flush`.

        Args:
            dictionary: Content before it that matches may begin in, 128 to 32768 bytes or none.
        """

    @abstractmethod
    def _advance(self, *, last: bool) -> None:
        """Write what blocks can be written, and make room."""


class _MatchlessDeflate(Deflate):
    """Levels -2 and 0."""

    def __init__(self, level: int, dialect: Dialect) -> None:
        super().__init__(dialect, 10, _HUFFMAN_BLOCK if level == HUFFMAN else BLOCK)
        self._stored = level == 0

    def restart(self, dictionary: bytes) -> None:
        """See :class:`Deflate`; there is nothing to remember."""

    def _advance(self, *, last: bool) -> None:
        if self._end and self._stored:
            self._blocks.put_stored(self._window, 0, self._end)
        elif self._end:
            self._blocks.put_bytes(self._window, 0, self._end, last)
        self._end = 0


class _FastDeflate(Deflate):
    """Levels 1 to 6."""

    def __init__(self, level: int, dialect: Dialect) -> None:
        super().__init__(dialect, 7, KEPT + BLOCK)
        self._full = BLOCK
        self._matcher = FastMatcher(level, dialect)
        self._sequences = Sequences(BLOCK, BLOCK // 4)

    def restart(self, dictionary: bytes) -> None:
        """See :class:`Deflate`. The tables know the dictionary as they know a block."""
        self._matcher.restart(self._end)
        self._start = self._end = len(dictionary)
        self._full = self._start + BLOCK
        if dictionary:
            self._view[: self._end] = dictionary
            self._matcher.match(self._window, 0, self._end, self._sequences)

    def _advance(self, *, last: bool) -> None:
        if self._end - self._start >= SMALL:
            self._match()
        if self._end > self._start:
            self._blocks.put_block(self._sequences, self._window, self._start, self._end, last)
        self._start = self._end
        self._full = self._start + BLOCK

    def _match(self) -> None:
        if self._end > KEPT:
            gone = self._start - REACH
            self._view[: self._end - gone] = self._view[gone : self._end]
            self._matcher.slide(gone)
            self._start -= gone
            self._end -= gone
        self._matcher.match(self._window, self._start, self._end, self._sequences)


class _ChainDeflate(Deflate):
    """Levels 7 to 9."""

    def __init__(self, level: int, dialect: Dialect) -> None:
        super().__init__(dialect, 8, WINDOW)
        self._matcher = ChainMatcher(level, dialect)
        self._sequences = Sequences(BLOCK_TOKENS, BLOCK_TOKENS)
        self._over = Sequences(BLOCK_TOKENS, BLOCK_TOKENS)

    def restart(self, dictionary: bytes) -> None:
        """See :class:`Deflate`. The first block behind a dictionary is never stored."""
        self._start = -1 if dictionary else 0
        self._end = len(dictionary)
        self._view[: self._end] = dictionary
        self._matcher.restart(self._window, self._end)

    def _advance(self, *, last: bool) -> None:
        matcher = self._matcher
        matcher.weigh(self._window, self._end)
        while matcher.parse(self._window, self._end, last, self._sequences, self._over) == FULL:
            self._put_block(matcher.cut, last=last)
            self._sequences, self._over = self._over, self._sequences
        if not last:
            self._view[:REACH] = self._view[REACH:WINDOW]
            matcher.slide(REACH)
            self._end -= REACH
            self._start = max(self._start - REACH, -1)
        elif self._sequences.tokens():
            self._put_block(matcher.at, last=True)

    def _put_block(self, stop: int, *, last: bool) -> None:
        # The original has lost sight of a block that began before its window
        size = stop - self._start if self._start >= 0 else -1
        self._blocks.put_sequences(self._sequences, self._window, self._start, size, last)
        self._sequences.clear()
        self._start = stop


def begin(level: int, dialect: Dialect) -> Deflate:
    """Begin a stream at a level of -2 or 0 to 9."""
    if level < 1:
        return _MatchlessDeflate(level, dialect)
    return _FastDeflate(level, dialect) if level < 7 else _ChainDeflate(level, dialect)
