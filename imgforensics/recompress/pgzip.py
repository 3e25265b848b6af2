"""klauspost/pgzip: gzip in blocks that are compressed apart, as skopeo, podman, buildah and umoci write layers.

The content is cut into blocks of 1 MiB. Each is a DEFLATE stream that knows the last 16384 bytes of the block before as
its dictionary and ends with an empty stored block, so that the streams can be put one behind the other. Content that
ends with a full block is followed by an empty one. How many processors were used does not matter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
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
_DULL = 64
"""A block that shrinks to less than this part of itself is made quicker than it is handed over."""


class PgzipEncoder:
    """One gzip stream, block after block."""

    def __init__(
        self, level: int, dialect: Dialect, block: int, pool: ThreadPoolExecutor | None = None, most: int = 0
    ) -> None:
        """Begin a stream.

        Args:
            level: -2 to 9.
            dialect: The version of klauspost/compress.
            block: Bytes of a block, more than ``DICTIONARY``.
            pool: Compresses the blocks; without it they are compressed where they come.
            most: Blocks that the pool is given at most, before the first of them is waited for.
        """
        self._begin = partial(begin, level, dialect)
        self._idle: deque[Deflate] = deque()
        """Streams that have ended a block and can begin another."""
        self._pool = pool
        self._most = most
        self._under_way: deque[Future[bytes]] = deque()
        self._dull = False
        """Whether the last block that is known was."""
        self._ready = [gzipmember.header(level, gzipmember.ZERO_TIME)]
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
        while view:
            part = view[: len(self._block) - self._filled]
            memoryview(self._block)[self._filled : self._filled + len(part)] = part  # a bytearray copies it twice
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == len(self._block):
                self._put_block(last=False)
        return self._take()

    def finish(self) -> bytes:
        """See :class:`~imgforensics.recompress.encoder.Encoder`."""
        self._put_block(last=True)
        self._wait(0)
        return self._take() + gzipmember.trailer(self._crc, self._size)

    def _take(self) -> bytes:
        ready, self._ready = self._ready, []
        return b"".join(ready)

    def _put_block(self, *, last: bool) -> None:
        """Compress what was filled, here and now or soon and elsewhere."""
        block = bytes(memoryview(self._block)[: self._filled])
        if self._pool is None or self._dull:
            self._wait(0)
            self._keep(self._compress(self._dictionary, block, last))
        else:
            self._wait(self._most - 1)
            self._under_way.append(self._pool.submit(self._compress, self._dictionary, block, last))
        self._dictionary = block[-DICTIONARY:]
        self._filled = 0

    def _wait(self, most: int) -> None:
        """Wait until no more than so many blocks are under way."""
        while len(self._under_way) > most:
            self._keep(self._under_way.popleft().result())

    def _keep(self, made: bytes) -> None:
        self._ready.append(made)
        self._dull = len(made) * _DULL < len(self._block)

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


def encode_parallel(level: int, dialect: Dialect, block: int, chunks: Iterable[Buffer], jobs: int) -> Iterator[bytes]:
    """See :class:`~imgforensics.recompress.encoder.ParallelEncode`: as many blocks at a time as there are jobs."""
    with ThreadPoolExecutor(jobs) as pool:
        encoder = PgzipEncoder(level, dialect, block, pool, jobs + 2)
        for chunk in chunks:
            view = memoryview(chunk).cast("B")
            for at in range(0, len(view), BLOCK):
                yield encoder.feed(view[at : at + BLOCK])
        yield encoder.finish()


_SAME_TIME = "podman and buildah of the same time"


def _encoding(name: str, versions: str, used_by: str, dialect: Dialect, level: int = 5, block: int = BLOCK) -> Encoding:
    return Encoding(
        f"pgzip-{name}",
        f"klauspost/compress {versions} through pgzip{used_by}",
        partial(PgzipEncoder, level, dialect, block),
        partial(encode_parallel, level, dialect, block),
    )


def _at_level(letter: str, versions: str, dialect: Dialect, level: int) -> Encoding:
    return _encoding(f"{letter}-{level}", versions, f", level {level} (skopeo --dest-compress-level)", dialect, level)


def _in_small_blocks(letter: str, dialect: Dialect, used_by: str = "umoci") -> Encoding:
    used_by = f" in blocks of 256 KiB ({used_by}; pgzip up to 1.2.1)"
    return _encoding(f"{letter}-256k", dialect.versions, used_by, dialect, block=SMALL_BLOCK)


PGZIP_ENCODINGS = (
    _encoding("a", CLASS_A.versions, f" (skopeo after 1.22.2, {_SAME_TIME}; apko)", CLASS_A),
    _encoding(
        "c",
        CLASS_C.versions,
        f" (skopeo 1.10 to 1.22.2, {_SAME_TIME}; skopeo 1.9.3, podman 4.3.1 and buildah 1.28.2 of Debian 12)",
        CLASS_C,
    ),
    _encoding("d", CLASS_D.versions, f" (skopeo 1.9.0 to 1.9.3, {_SAME_TIME})", CLASS_D),
    _encoding("e", CLASS_E.versions, f" (skopeo 1.6, {_SAME_TIME})", CLASS_E),
    _encoding("b", CLASS_B.versions, "; its author withdrew it", CLASS_B),
    _in_small_blocks("c", CLASS_C, "umoci 0.4.7 of Debian 12"),
    *(_in_small_blocks(*kind) for kind in (("a", CLASS_A), ("d", CLASS_D), ("e", CLASS_E), ("b", CLASS_B))),
    *(_at_level("a", CLASS_A.versions, CLASS_A, level) for level in (1, 6, 9, 2, 3, 4, 7, 8)),
    _at_level("c", "1.15.11 to 1.18.0", CLASS_C, 1),
    _at_level("c", "1.15.10 to 1.18.0", CLASS_C, 6),
    _at_level("c", "1.15.15 to 1.18.0", CLASS_C, 9),
)
"""The encodings of this family, at the library's default level, which is 5, unless they say otherwise."""
