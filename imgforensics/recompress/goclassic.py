"""Go's compress/gzip as it was from Go 1.8 to 1.26, at every level; and with the header of Go 1.7.

dockerd, BuildKit, containerd and their kin write layers at the default level, which is 6; go-containerregistry (crane,
ko, kaniko) at level 1.

==========  ====================================================  ====================================
level       blocks                                                matcher
==========  ====================================================  ====================================
huffman     65535 bytes                                           none
0           65535 bytes, stored                                   none
1           65535 bytes                                           ``gofast``
2, 3        16384 literals and matches                            ``gogreedy``
4 to 9      16384 literals and matches                            ``golazy``
==========  ====================================================  ====================================

Go slides its window by what one call of Write brought; the output is that of a single call with the whole content, or
of calls with multiples of 512 bytes, as io.Copy makes them.
"""

from __future__ import annotations

from functools import partial

from isal.isal_zlib import crc32

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer, Encoder, Encoding
from imgforensics.recompress.goblocks import MAX_STORED, BlockWriter
from imgforensics.recompress.gofast import MIN_BLOCK, FastMatcher
from imgforensics.recompress.gogreedy import GREEDY_EFFORTS, GreedyMatcher
from imgforensics.recompress.golazy import DONE, EFFORTS, MORE, LazyMatcher
from imgforensics.recompress.sequences import Sequences

HUFFMAN = -2
"""Go's name for it is HuffmanOnly."""

_WINDOW = 1 << 20
"""Bytes of content that are held."""
_HISTORY = 1 << 16
"""Bytes before the current position that must stay: matches reach half as far, stored blocks begin as far back. Windows
slide by multiples of it."""
_BLOCK_TOKENS = 16384
_TINY = 16
"""Bytes that level 1 stores without looking at them."""


class _GoEncoder:
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

    def _slide(self) -> int:
        """Let go of the beginning of the window; return how many bytes of it."""
        raise NotImplementedError

    def _advance(self, *, final: bool) -> None:
        """Write what blocks can be written."""
        raise NotImplementedError


class _ChainEncoder(_GoEncoder):
    """Levels 2 to 9."""

    def __init__(self, level: int, mtime: bytes) -> None:
        super().__init__(level, mtime)
        effort = EFFORTS.get(level)
        self._matcher = LazyMatcher(effort) if effort else GreedyMatcher(GREEDY_EFFORTS[level])
        self._sequences = Sequences(_BLOCK_TOKENS)
        self._start = 0
        """Where the current block begins; below zero if that is no longer in the window."""

    def _slide(self) -> int:
        shift = (self._matcher.at - _HISTORY) // _HISTORY * _HISTORY
        self._matcher.rebase(shift)
        self._start -= shift
        return shift

    def _advance(self, *, final: bool) -> None:
        matcher = self._matcher
        status = matcher.parse(self._window, self._end, final, self._sequences, _BLOCK_TOKENS)
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
            status = matcher.parse(self._window, self._end, final, self._sequences, _BLOCK_TOKENS)


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

    def _block(self, start: int, stop: int) -> None:
        raise NotImplementedError


class _StoredEncoder(_BlockEncoder):
    """Level 0."""

    def _block(self, start: int, stop: int) -> None:
        self._blocks.stored(self._window, start, stop)


class _HuffmanEncoder(_BlockEncoder):
    """Level -2."""

    def _block(self, start: int, stop: int) -> None:
        self._blocks.huffman(self._window, start, stop)


class _FastEncoder(_BlockEncoder):
    """Level 1."""

    def __init__(self, level: int, mtime: bytes) -> None:
        super().__init__(level, mtime)
        self._matcher = FastMatcher()
        self._sequences = Sequences(MAX_STORED)

    def _slide(self) -> int:
        shift = super()._slide()
        self._matcher.rebase(shift)
        return shift

    def _block(self, start: int, stop: int) -> None:
        size = stop - start
        if size <= _TINY:
            self._blocks.stored(self._window, start, stop)
        elif size < MIN_BLOCK:
            self._blocks.huffman(self._window, start, stop)
        else:
            self._matcher.match(self._window, start, stop, self._sequences)
            if self._sequences.tokens() > size - (size >> 4):
                self._blocks.huffman(self._window, start, stop)
            else:
                self._blocks.dynamic(self._sequences, self._window, start, stop)
            self._sequences.clear()


_KINDS = {HUFFMAN: _HuffmanEncoder, 0: _StoredEncoder, 1: _FastEncoder}


def go_encoder(level: int, mtime: bytes = gzipmember.NO_TIME) -> Encoder:
    """Begin a stream as Go 1.8 to 1.26 would at a level of -2 or 0 to 9."""
    return _KINDS.get(level, _ChainEncoder)(level, mtime)


def _known_for(level: int) -> str:
    if level == 6:
        return "the default level (docker, BuildKit, containerd)"
    if level == 1:
        return "level 1 (crane, ko, kaniko)"
    return "Huffman codes only" if level == HUFFMAN else f"level {level}"


GO_CLASSIC_ENCODINGS = (
    *(
        Encoding(
            f"go1.8-{'huffman' if level == HUFFMAN else level}",
            f"Go 1.8 to 1.26 compress/gzip, {_known_for(level)}",
            partial(go_encoder, level),
        )
        for level in (6, 1, HUFFMAN, 0, 2, 3, 4, 5, 7, 8, 9)
    ),
    Encoding(
        "go1.7-6",
        "Go 1.7 compress/gzip, the default level (docker 1.13 to 17.05): as go1.8-6 with the MTIME of a zero time",
        partial(go_encoder, 6, gzipmember.ZERO_TIME),
    ),
)
"""The encodings of this family."""
