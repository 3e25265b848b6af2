"""klauspost/pgzip: gzip of blocks that are compressed each for itself, as skopeo, podman, buildah and umoci write layers.

The content is cut into blocks of 1 MiB. Each is a DEFLATE stream of its own that knows the last 16384 bytes of the block
before as a dictionary and ends with an empty stored block, so that the streams can be put one behind the other. Content
that ends with a full block is followed by an empty one. Nothing of this depends on how many processors were used.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from isal.isal_zlib import crc32

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer, Encoding
from imgforensics.recompress.kpdeflate import Deflate, begin
from imgforensics.recompress.kpdialect import CLASS_A, CLASS_B, CLASS_C, CLASS_D, CLASS_E, Dialect

DICTIONARY = 16384
"""Bytes of one block that the next one knows."""
BLOCK = 1 << 20
"""Content of a block since pgzip 1.2.2."""
SMALL_BLOCK = 1 << 18
"""Content of a block up to pgzip 1.2.1, and in umoci."""


class PgzipEncoder:
    """One gzip stream, block after block."""

    def __init__(self, level: int, dialect: Dialect, block: int = BLOCK, jobs: int = 1) -> None:
        """Begin a stream.

        Args:
            level: -2 to 9; what the library takes for its default is 5.
            dialect: The version of klauspost/compress.
            block: Bytes of a block, more than ``DICTIONARY``.
            jobs: Blocks that are compressed at the same time.
        """
        self._begin = partial(begin, level, dialect)
        self._idle: deque[Deflate] = deque()
        """Streams that have ended a block and can begin another."""
        self._ready = [gzipmember.header(level, gzipmember.ZERO_TIME)]
        self._pool = ThreadPoolExecutor(jobs) if jobs > 1 else None
        self._under_way: deque[Future[bytes]] = deque()
        self._most_under_way = jobs + 2
        self._block = bytearray(block)
        self._filled = 0
        self._dictionary = b""
        self._crc = 0
        self._size = 0

    def feed(self, data: Buffer) -> bytes:
        """See :class:`~imgforensics.recompress.encoder.Encoder`."""
        view = memoryview(data).cast("B")
        self._crc = crc32(view, self._crc)
        self._size += len(view)
        while len(view):
            part = view[: len(self._block) - self._filled]
            self._block[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == len(self._block):
                self._put_block(last=False)
        return self._take()

    def finish(self) -> bytes:
        """See :class:`~imgforensics.recompress.encoder.Encoder`."""
        self._put_block(last=True)
        while self._under_way:
            self._ready.append(self._under_way.popleft().result())
        if self._pool:
            self._pool.shutdown()
        return self._take() + gzipmember.trailer(self._crc, self._size)

    def _take(self) -> bytes:
        ready, self._ready = self._ready, []
        return b"".join(ready)

    def _put_block(self, *, last: bool) -> None:
        """Compress what was filled, here and now or soon and elsewhere."""
        block = bytes(memoryview(self._block)[: self._filled])
        if self._pool is None:
            self._ready.append(self._compress(self._dictionary, block, last))
        else:
            if len(self._under_way) == self._most_under_way:
                self._ready.append(self._under_way.popleft().result())
            self._under_way.append(self._pool.submit(self._compress, self._dictionary, block, last))
        self._dictionary = block[-DICTIONARY:]
        self._filled = 0

    def _compress(self, dictionary: bytes, block: bytes, last: bool) -> bytes:
        try:
            deflate = self._idle.pop()
        except IndexError:
            deflate = self._begin()
        deflate.restart(dictionary)
        ready = deflate.write(block) + deflate.flush()
        if last:
            return ready + deflate.close()
        self._idle.append(deflate)
        return ready


def _encoding(name: str, stands_for: str, dialect: Dialect, level: int = 5, block: int = BLOCK) -> Encoding:
    make = partial(PgzipEncoder, level, dialect, block)
    return Encoding(f"pgzip-{name}", f"klauspost/compress {dialect.versions} {stands_for}", make, make)


PGZIP_ENCODINGS = (
    _encoding("a", "(skopeo after 1.22.2; podman, buildah and apko of the same time)", CLASS_A),
    _encoding(
        "c",
        "(skopeo 1.10 to 1.22.2, podman and buildah of the same time; skopeo 1.9.3, podman 4.3.1, buildah 1.28.2 as in "
        "Debian 12)",
        CLASS_C,
    ),
    _encoding("d", "(skopeo 1.9.0 to 1.9.3; podman and buildah of the same time)", CLASS_D),
    _encoding("e", "(skopeo 1.6; podman and buildah of the same time)", CLASS_E),
    _encoding("b", "(withdrawn by its author)", CLASS_B),
    _encoding(
        "c-256k", "in blocks of 256 KiB (umoci 0.4.7 as in Debian 12; pgzip up to 1.2.1)", CLASS_C, 5, SMALL_BLOCK
    ),
    *(
        _encoding(f"{letter}-256k", "in blocks of 256 KiB (umoci; pgzip up to 1.2.1)", dialect, 5, SMALL_BLOCK)
        for letter, dialect in (("a", CLASS_A), ("d", CLASS_D), ("e", CLASS_E), ("b", CLASS_B))
    ),
    *(
        _encoding(f"{letter}-{level}", f"at level {level} (skopeo --dest-compress-level)", dialect, level)
        for letter, dialect in (("a", CLASS_A), ("c", CLASS_C))
        for level in (1, 6, 9, 2, 3, 4, 7, 8)
    ),
)
"""The encodings of this family, at the library's default level unless they say otherwise."""
