"""Streams of Go's compress/gzip, Go 1.8 to 1.26, one level after another on one processor.

Each encoder holds a window of the content that slides; its matcher works on positions in the window.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from isal.isal_zlib import crc32

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer, Octets
from imgforensics.recompress.goblocks import MAX_STORED, BlockWriter
from imgforensics.recompress.gofast import MIN_BLOCK, FastMatcher
from imgforensics.recompress.gogreedy import GREEDY_EFFORTS, GreedyMatcher
from imgforensics.recompress.golazy import DONE, EFFORTS, MORE, LazyMatcher
from imgforensics.recompress.sequences import Sequences

_WINDOW = 1 << 20
"""Bytes of content that are held."""
_HISTORY = 1 << 16
"""Bytes before the current position that must stay: matches reach half as far, stored blocks begin as far back. Windows
slide by multiples of it."""
BLOCK_TOKENS = 16384
"""Literals and matches of a block at levels 2 to 9."""
_TINY = 16
"""Bytes that level 1 stores without looking at them."""


class _GoEncoder(ABC):
    """The frame and the window; what happens in it is for the levels."""

    def __init__(self, level: int, mtime: bytes) -> None:
        self._ready = gzipmember.header(level, mtime)
        self._crc = 0
        self._size = 0
        self._window = bytearray(_WINDOW)
        self._end = 0
        """Where the content in the window ends."""
        self._blocks = BlockWriter()

    def feed(self, data: Buffer) -> bytes:
        """See :class:`~imgforensics.recompress.encoder.Encoder`."""
        view = memoryview(data).cast("B")
        self._crc = crc32(view, self._crc)
        self._size += len(view)
        taken = 0
        while taken < len(view):
            if self._end == _WINDOW:
                shift = self._slide()
                self._window[: _WINDOW - shift] = self._window[shift:]
                self._end -= shift
            part = view[taken : taken + _WINDOW - self._end]
            self._window[self._end : self._end + len(part)] = part
            self._end += len(part)
            taken += len(part)
            self._advance(final=False)
        return self._take()

    def finish(self) -> bytes:
        """See :class:`~imgforensics.recompress.encoder.Encoder`."""
        self._advance(final=True)
        self._blocks.finish()
        return self._take() + gzipmember.trailer(self._crc, self._size)

    def _take(self) -> bytes:
        ready, self._ready = self._ready, b""
        return ready + self._blocks.bits.take()

    @abstractmethod
    def _slide(self) -> int:
        """Let go of the beginning of the window; return how many bytes of it."""

    @abstractmethod
    def _advance(self, *, final: bool) -> None:
        """Write what blocks can be written."""


class ChainEncoder(_GoEncoder):
    """Levels 2 to 9."""

    def __init__(self, level: int, mtime: bytes) -> None:
        super().__init__(level, mtime)
        effort = EFFORTS.get(level)
        self._matcher = LazyMatcher(effort) if effort else GreedyMatcher(GREEDY_EFFORTS[level])
        self._sequences = Sequences(BLOCK_TOKENS, BLOCK_TOKENS)
        self._start = 0
        """Where the current block begins; below zero if that is no longer in the window."""

    def _slide(self) -> int:
        shift = (self._matcher.at - _HISTORY) // _HISTORY * _HISTORY
        self._matcher.rebase(shift)
        self._start -= shift
        return shift

    def _advance(self, *, final: bool) -> None:
        matcher = self._matcher
        status = matcher.parse(self._window, self._end, final, self._sequences, BLOCK_TOKENS)
        while status != MORE:
            stop = matcher.at - matcher.pending
            if self._sequences.tokens():
                # Go has lost sight of a block that began before its own window
                known = self._start >= matcher.base
                self._blocks.best(self._sequences, self._window, self._start if known else -1, stop)
                self._sequences.clear()
                self._start = stop
            if status == DONE:
                return
            status = matcher.parse(self._window, self._end, final, self._sequences, BLOCK_TOKENS)


class _BlockEncoder(_GoEncoder):
    """Levels that cut the content into blocks of the same size."""

    def __init__(self, level: int, mtime: bytes) -> None:
        super().__init__(level, mtime)
        self._start = 0

    def _slide(self) -> int:
        shift = (self._start - _HISTORY) // _HISTORY * _HISTORY
        self._start -= shift
        return shift

    def _advance(self, *, final: bool) -> None:
        while self._end - self._start >= MAX_STORED:
            self._block(self._start, self._start + MAX_STORED)
            self._start += MAX_STORED
        if final and self._start < self._end:
            self._block(self._start, self._end)

    @abstractmethod
    def _block(self, start: int, stop: int) -> None:
        """Write one block."""


class StoredEncoder(_BlockEncoder):
    """Level 0."""

    def _block(self, start: int, stop: int) -> None:
        self._blocks.stored(self._window, start, stop)


class HuffmanEncoder(_BlockEncoder):
    """Level -2."""

    def _block(self, start: int, stop: int) -> None:
        self._blocks.huffman(self._window, start, stop)


class FastBlocks:
    """Blocks of level 1, whoever cuts them."""

    def __init__(self) -> None:
        self.matcher = FastMatcher()
        self.blocks = BlockWriter()
        self._sequences = Sequences(MAX_STORED, MAX_STORED // 4)

    def match(self, window: Octets, start: int, stop: int) -> None:
        """Have the matcher see a block that is not written."""
        self.matcher.match(window, start, stop, self._sequences)
        self._sequences.clear()

    def write(self, window: Octets, start: int, stop: int) -> bool:
        """Match and write a block; whether it was stored."""
        size = stop - start
        if size <= _TINY:
            self.blocks.stored(window, start, stop)
            return True
        if size < MIN_BLOCK:
            return self.blocks.huffman(window, start, stop)
        self.matcher.match(window, start, stop, self._sequences)
        many = self._sequences.tokens() > size - (size >> 4)
        if many:
            stored = self.blocks.huffman(window, start, stop)
        else:
            stored = self.blocks.dynamic(self._sequences, window, start, stop)
        self._sequences.clear()
        return stored


class FastEncoder(_BlockEncoder):
    """Level 1."""

    def __init__(self, level: int, mtime: bytes) -> None:
        super().__init__(level, mtime)
        self._fast = FastBlocks()
        self._blocks = self._fast.blocks

    def _slide(self) -> int:
        shift = super()._slide()
        self._fast.matcher.rebase(shift)
        return shift

    def _block(self, start: int, stop: int) -> None:
        self._fast.write(self._window, start, stop)
