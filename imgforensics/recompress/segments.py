"""Content cut into overlapping segments, for workers that each need some of what is before and behind their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from isal.isal_zlib import crc32

from imgforensics.recompress.encoder import Buffer

_PIECE = 1 << 18
"""Bytes taken over at a time."""


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
    final: bool
    """Whether the content ends with the window, and the segment with it."""


def cut(chunks: Iterable[Buffer], size: int, history: int, ahead: int) -> Iterator[Segment]:
    """Cut content into segments.

    Args:
        chunks: The content.
        size: Bytes of each segment but the last, which has from 0 to ``size + ahead``.
        history: Bytes of the window before the segment.
        ahead: Bytes behind it; the last segment has none.
    """
    held = bytearray(history)
    number = 0
    for chunk in chunks:
        view = memoryview(chunk).cast("B")
        for at in range(0, len(view), _PIECE):
            held += view[at : at + _PIECE]
            while len(held) > history + size + ahead:
                window = held[: history + size + ahead]
                yield Segment(number, window, number * size - history, history, history + size, final=False)
                del held[:size]
                number += 1
    yield Segment(number, held, number * size - history, history, len(held), final=True)


class Tally:
    """Checksum and size of the content that went by."""

    def __init__(self) -> None:
        self.crc = 0
        self.size = 0

    def count(self, chunks: Iterable[Buffer]) -> Iterator[Buffer]:
        """Hand chunks on."""
        for chunk in chunks:
            self.crc = crc32(chunk, self.crc)
            self.size += memoryview(chunk).nbytes
            yield chunk
