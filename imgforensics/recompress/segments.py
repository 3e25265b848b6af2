"""Content cut into overlapping segments, for workers that each need some of what is before and behind their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from isal.isal_zlib import crc32

from imgforensics.recompress.encoder import Buffer


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of the content, and its surroundings."""

    number: int
    window: bytearray
    """History, the segment, and what is behind it. The history of the first segment is zeros."""
    offset: int
    """The position in the content of the first byte of the window; below zero for the first segment."""
    start: int
    """Where in the window the segment begins."""
    stop: int
    """Where in the window it ends."""
    end: int
    """Where in the window the content ends."""
    final: bool
    """Whether it ends there altogether; the segment does, too."""


class Cutter:
    """Cuts content into segments; keeps its checksum and size."""

    def __init__(self, chunks: Iterable[Buffer], size: int, history: int, ahead: int, align: int = 1) -> None:
        """Begin.

        Args:
            chunks: The content, in chunks of any size.
            size: Bytes of each segment but the last, which has from 0 to ``size + ahead``.
            history: Bytes of the window before the segment, at least; a multiple of ``align``.
            ahead: Bytes behind it; the last segment has none.
            align: Windows begin at multiples of this.
        """
        self._chunks = chunks
        self._size = size
        self._history = history
        self._ahead = ahead
        self._align = align
        self._spare: list[bytearray] = []
        self.crc = 0
        """CRC-32 of what was cut so far."""
        self.total = 0
        """Bytes that were cut so far."""

    def give_back(self, segment: Segment) -> None:
        """Let the window of a segment be used again: memory that is at hand is quicker than new memory."""
        self._spare.append(segment.window)

    def __iter__(self) -> Iterator[Segment]:
        """The segments."""
        number = 0
        offset = -self._history
        start = filled = self._history
        window = self._window()
        for chunk in self._chunks:
            view = memoryview(chunk).cast("B")
            self.crc = crc32(view, self.crc)
            self.total += len(view)
            while len(view):
                stop = start + self._size
                end = stop + self._ahead
                if filled == end:
                    yield Segment(number, window, offset, start, stop, end, final=False)
                    number += 1
                    gone = (stop - self._history) // self._align * self._align
                    following = self._window()
                    memoryview(following)[: filled - gone] = memoryview(window)[gone:filled]
                    window = following
                    offset += gone
                    start = stop - gone
                    filled -= gone
                else:
                    part = view[: end - filled]
                    memoryview(window)[filled : filled + len(part)] = part  # a bytearray copies it twice
                    filled += len(part)
                    view = view[len(part) :]
        yield Segment(number, window, offset, start, filled, filled, final=True)

    def _window(self) -> bytearray:
        if self._spare:
            return self._spare.pop()
        return bytearray(self._history + self._align + self._size + self._ahead)
