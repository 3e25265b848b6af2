"""gzip as Java's ``GZIPOutputStream`` writes it, which is what jib uploads: a bare header around zlib's DEFLATE.

The DEFLATE stream comes from the zlib that Python runs with. Original zlib has given the same output since 1.2.5.1 or
so; forks that trade output for speed (zlib-ng, Cloudflare's) do not, and an interpreter may be linked with one.
"""

import zlib
from functools import partial

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer, Encoding


class ZlibEncoder:
    """One gzip stream by zlib, with its default memory level and strategy."""

    def __init__(self, level: int, os: int) -> None:
        self._ready = gzipmember.header(0, os=os)
        self._deflate = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._crc = 0
        self._size = 0

    def feed(self, data: Buffer) -> bytes:
        """See :class:`~imgforensics.recompress.encoder.Encoder`."""
        self._crc = zlib.crc32(data, self._crc)
        self._size += memoryview(data).nbytes
        ready, self._ready = self._ready, b""
        return ready + self._deflate.compress(data)

    def finish(self) -> bytes:
        """See :class:`~imgforensics.recompress.encoder.Encoder`."""
        return self._ready + self._deflate.flush() + gzipmember.trailer(self._crc, self._size)


ZLIB_ENCODINGS = tuple(
    Encoding(
        f"zlib-{level}{suffix}",
        f"zlib at level {level} in a gzip member as Java writes it, {jdk}{' (jib)' if level == 6 else ''}",
        partial(ZlibEncoder, level, os),
    )
    for level in (6, 9)
    for suffix, os, jdk in (
        ("", gzipmember.FAT_OS, "JDK 15 and older"),
        ("-jdk16", gzipmember.UNKNOWN_OS, "JDK 16 and newer"),
    )
)
"""Java's default level, and its slowest."""
