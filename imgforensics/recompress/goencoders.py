"""Streams of Go's compress/gzip, Go 1.8 to 1.26, one level after another on one processor.

Each encoder holds a window of the content that slides; its matcher works on positions in the window.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from isal.isal_zlib import crc32

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.goblocks import MAX_STORED, BlockWriter
from imgforensics.recompress.gofastblocks import FastBlocks
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
        stop = self._end if final else self._start + (self._end - self._start) // MAX_STORED * MAX_STORED
        self._write(self._start, stop)
        self._start = stop

    @abstractmethod
    def _write(self, start: int, stop: int) -> None:
        """Write blocks; all but the last have as many bytes as there can be."""


class StoredEncoder(_BlockEncoder):
    """Level 0."""

    def _write(self, start: int, stop: int) -> None:
        for at in range(start, stop, MAX_STORED):
            self._blocks.stored(self._window, at, min(at + MAX_STORED, stop))


class HuffmanEncoder(_BlockEncoder):
    """Level -2."""

    def _write(self, start: int, stop: int) -> None:
        self._blocks.huffman_only(self._window, start, stop)


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

    def _write(self, start: int, stop: int) -> None:
        self._fast.write(self._window, start, stop)
