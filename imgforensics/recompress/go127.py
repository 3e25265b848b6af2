"""Go's compress/gzip since Go 1.27, at every level: the encoder of klauspost/compress in the frame of the old one."""

from __future__ import annotations

from functools import partial

from isal.isal_zlib import crc32

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Buffer, Encoding, ParallelEncode
from imgforensics.recompress.kpchainparallel import encode_chain
from imgforensics.recompress.kpdeflate import HUFFMAN, begin
from imgforensics.recompress.kpdialect import GO
from imgforensics.recompress.kpfastparallel import encode_fast


class Go127Encoder:
    """One gzip stream."""

    def __init__(self, level: int) -> None:
        self._ready = gzipmember.header(level)
        self._deflate = begin(level, GO)
        self._crc = 0
        self._size = 0

    def feed(self, data: Buffer) -> bytes:
        """See :class:`~imgforensics.recompress.encoder.Encoder`."""
        view = memoryview(data).cast("B")
        self._crc = crc32(view, self._crc)
        self._size += len(view)
        ready, self._ready = self._ready, b""
        return ready + self._deflate.write(view)

    def finish(self) -> bytes:
        """See :class:`~imgforensics.recompress.encoder.Encoder`."""
        return self._ready + self._deflate.close() + gzipmember.trailer(self._crc, self._size)


def _known_for(level: int) -> str:
    if level == HUFFMAN:
        return "Huffman codes only"
    return "the default level" if level == 6 else f"level {level}"


def _parallel(level: int) -> ParallelEncode | None:
    if level < 1:
        return None
    return partial(encode_fast if level < 7 else encode_chain, level)


GO127_ENCODINGS = tuple(
    Encoding(
        f"go1.27-{'huffman' if level == HUFFMAN else level}",
        f"Go 1.27 and newer, compress/gzip, {_known_for(level)}",
        partial(Go127Encoder, level),
        _parallel(level),
    )
    for level in (6, 1, HUFFMAN, 0, 2, 3, 4, 5, 7, 8, 9)
)
"""The encodings of this family."""
