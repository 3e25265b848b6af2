"""The libraries that undo one unit of a compressed stream, under one face: memory bounded, failures told apart.

DEFLATE is undone by ISA-L, which accepts some incomplete sets of Huffman codes that zlib refuses.
"""

import bz2
import lzma
import sys
from typing import Protocol

from isal import igzip_lib

from imgforensics.model import AnomalyKind, Compression

_WINDOW_LOG = (10, 31)
"""What zstd accepts as ``ZSTD_d_windowLogMax`` on 64-bit machines."""


class Decoder(Protocol):
    """What the decoders of bz2, lzma, zstd and ISA-L have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...


def decoder_for(compression: Compression, memory: int) -> Decoder:
    """A decoder of one unit (of gzip: of a member's data) that asks for so many bytes of memory at most."""
    if compression is Compression.GZIP:
        return igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)
    if compression is Compression.ZSTD:
        return _zstd_decoder(memory)
    if compression is Compression.BZIP2:
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=memory)


def failure(error: Exception, memory: int) -> tuple[AnomalyKind, str]:
    """What an exception of a decoder with so many bytes of memory says about the stream: its kind, and the reason."""
    reason = str(error)
    if isinstance(error, MemoryError) or "too much memory" in reason or "Memory usage limit" in reason:
        return AnomalyKind.LIMIT, f"asks for a window beyond {memory} bytes of memory"
    return AnomalyKind.CHECKSUM_MISMATCH if "checksum" in reason else AnomalyKind.CORRUPT_STREAM, reason


def _zstd_decoder(memory: int) -> Decoder:
    # Imported here: most archives hold no zstd.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    least, most = _WINDOW_LOG
    window_log = min(max(memory.bit_length() - 1, least), most)
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: window_log})
