"""Compression again, bit for bit as real programs did it: the table of encoders, and what a stream would measure.

Registries name a layer by the digest of its compressed bytes, archives often hold it uncompressed. Which bytes a
compressor writes follows from the program, its version and the level; each entry of ``ENCODERS`` stands for one.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from imgforensics.recompress import huffman
from imgforensics.recompress.encoder import Buffer, Encoder, Encoding
from imgforensics.recompress.go127 import GO127_ENCODINGS
from imgforensics.recompress.goclassic import GO_CLASSIC_ENCODINGS
from imgforensics.recompress.pgzip import PGZIP_ENCODINGS
from imgforensics.recompress.zlibgzip import ZLIB_ENCODINGS

__all__ = ["COMPILED", "ENCODERS", "REVISION", "Buffer", "Encoder", "Encoding", "Recompressed", "measure"]

REVISION = 1
"""Counts up whenever an encoder comes to write other bytes: what ledgers remember of it is void then."""

COMPILED: bool = not huffman.__file__.endswith(".py")
"""Whether the encoders are native code. Plain Python gives the same bytes, about a hundred times slower."""

ENCODERS: Mapping[str, Encoding] = MappingProxyType(
    {
        encoding.name: encoding
        for encoding in (*GO_CLASSIC_ENCODINGS, *GO127_ENCODINGS, *PGZIP_ENCODINGS, *ZLIB_ENCODINGS)
    }
)
"""Every encoding by name."""


_PIECE = 1 << 20
"""Bytes given to an encoder at a time: its output, too, is held as a whole."""


@dataclass(frozen=True, slots=True)
class Recompressed:
    """What a compressed stream would be."""

    digest: str
    """SHA-256 of the stream, in hexadecimal."""
    size: int
    """Bytes of the stream."""


def measure(name: str, chunks: Iterable[Buffer], jobs: int = 1) -> Recompressed:
    """Compress some content and keep nothing but the digest and the size.

    Args:
        name: A key of ``ENCODERS``.
        chunks: The content, in chunks of any size.
        jobs: Processors that may be used; the result does not depend on it.

    Raises:
        KeyError: There is no such encoding.
    """
    encoding = ENCODERS[name]
    if jobs > 1 and COMPILED and encoding.parallel:
        parts = encoding.parallel(chunks, jobs)
    else:
        parts = _encode(encoding.make(), chunks)
    digest = hashlib.sha256()
    size = 0
    for part in parts:
        digest.update(part)
        size += len(part)
    return Recompressed(digest.hexdigest(), size)


def _encode(encoder: Encoder, chunks: Iterable[Buffer]) -> Iterator[bytes]:
    for chunk in chunks:
        view = memoryview(chunk).cast("B")
        for at in range(0, len(view), _PIECE):
            yield encoder.feed(view[at : at + _PIECE])
    yield encoder.finish()
