"""What an encoder is to the rest of the tool: chunks in, compressed bytes out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview
"""Content, or part of it."""
Octets: TypeAlias = Buffer
"""Bytes that an encoder's inner rooms read and do not change."""


class Encoder(Protocol):
    """One gzip stream in the making; of use once.

    The output depends on the content alone, never on how it is cut into chunks.
    """

    def feed(self, data: Buffer) -> bytes:
        """Take the next bytes of the content; return those of the stream that are ready, often none."""

    def finish(self) -> bytes:
        """Say that the content has ended; return the rest of the stream."""


class ParallelEncode(Protocol):
    """Makes a whole stream on several processors."""

    def __call__(self, chunks: Iterable[Buffer], jobs: int) -> Iterator[bytes]:
        """The stream of a content, part by part, with at most so many threads at work."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A compressor and level that real programs use."""

    name: str
    """The key in the table: program, version where the output began to differ, and level."""
    stands_for: str
    """The programs and versions that write these bytes, for people."""
    make: Callable[[], Encoder]
    """Begins a stream."""
    parallel: ParallelEncode | None = None
    """Makes the same stream on several processors, where that can be done."""
