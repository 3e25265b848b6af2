"""Compressed bytes in, uncompressed chunks out: streaming, bounded, nothing forgiven in silence.

A stored stream is a row of *units*, each of which begins with a magic number. The framing is done here, to the last
byte, and only the coded data is left to libraries: readers disagree about what follows a unit, and there things hide.

=====  ===============================================================================================================
gzip   members (RFC 1952, section 2.2): a header, DEFLATE data, CRC-32 of the output, its length modulo 2**32
zstd   frames (RFC 8878, section 3.1); skippable ones (zstd:chunked keeps a table of contents in one) are passed over
bzip2  streams, one after another
xz     streams (The .xz File Format, section 2); zero bytes in fours may stand between and behind them
=====  ===============================================================================================================

The input is cut into slices by its own offsets, never by how it arrived: the same bytes always give the same anomalies
at the same offsets, and the same output before a flaw. DEFLATE is undone by ISA-L, which accepts some incomplete sets
of Huffman codes that zlib refuses.
"""

import bz2
import lzma
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import IntFlag
from functools import partial
from typing import Protocol

from isal import igzip_lib, isal_zlib

from imgforensics.limits import DEFAULT_LIMITS, KIB, MIB, Limits
from imgforensics.model import Anomaly, AnomalyKind, Compression, GzipHeader, Span

_ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = tuple((0x184D2A50 + low).to_bytes(4, "little") for low in range(16))
_BZIP2 = tuple(b"BZh" + b"%d" % level for level in range(1, 10))

_MAGICS: dict[Compression, tuple[bytes, ...]] = {
    Compression.GZIP: (b"\x1f\x8b",),
    Compression.ZSTD: (_ZSTD_FRAME, *_SKIPPABLE),
    Compression.BZIP2: _BZIP2,
    Compression.XZ: (b"\xfd7zXZ\0",),
}
"""How a unit of a stream of each format can begin; of one length in each format."""

_UNIT = {
    Compression.GZIP: "gzip member",
    Compression.ZSTD: "zstd frame",
    Compression.BZIP2: "bzip2 stream",
    Compression.XZ: "xz stream",
}

_FOREIGN = (
    b"\x04\x22\x4d\x18",  # LZ4 frame
    b"\x02\x21\x4c\x18",  # LZ4, legacy frame
    b"LZIP\x01",  # lzip, version 1
)

_FIRST_SLICE = 4 * KIB
_SLICE = 128 * KIB
"""Compressed bytes given to a decoder at a time: doubled from the first to the last figure. What a decoder did not want
is copied, which would be quadratic with many tiny members in a large slice."""

_HEADER_BOUND = 1 * MIB
"""Bytes of one gzip header. RFC 1952 bounds neither name nor comment; gzip's own footers and names take some dozens."""

_PROBE = 512
"""Bytes kept of what follows the stream: a tar header's size."""

_WINDOW_LOG = (10, 31)
"""What zstd accepts as ``ZSTD_d_windowLogMax`` on 64-bit machines."""


class GzipFlag(IntFlag):
    """FLG of RFC 1952, section 2.3.1."""

    TEXT = 1
    HCRC = 2
    EXTRA = 4
    NAME = 8
    COMMENT = 16
    RESERVED = 0xE0


class _Decoder(Protocol):
    """What the decoders of bz2, lzma, zstd and ISA-L have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...


def sniff(head: bytes) -> Compression:
    """The compression of a stream that begins with these bytes; 14 of them are enough.

    The magic numbers are those by which container tools choose (``DetectCompression`` in moby and containerd), a
    skippable zstd frame included. LZ4, lzip, compress (.Z) and bare LZMA are recognised as UNSUPPORTED.
    """
    if head.startswith(b"\x1f\x8b\x08"):
        return Compression.GZIP
    for compression in (Compression.ZSTD, Compression.XZ, Compression.BZIP2):
        if head.startswith(_MAGICS[compression]):
            return compression
    if head.startswith(_FOREIGN) or _is_compress(head) or _is_bare_lzma(head):
        return Compression.UNSUPPORTED
    return Compression.NONE


def _is_compress(head: bytes) -> bool:
    """Whether this is compress (.Z): magic, then 9 to 16 bits a code, two reserved bits, the block flag."""
    return head.startswith(b"\x1f\x9d") and len(head) > 2 and head[2] & 0x60 == 0 and 9 <= head[2] & 0x1F <= 16


def _is_bare_lzma(head: bytes) -> bool:
    """Whether this is LZMA_Alone: no magic, but xz's rules for its 13 bytes of header, and a range coder's zero byte.

    lc/lp/pb as every tool sets them, a dictionary of ``2**n`` or ``2**n + 2**(n-1)`` bytes, a length that is unknown or
    below 256 GiB.
    """
    if len(head) < 14 or head[0] != 0x5D or head[13] != 0:
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    length = int.from_bytes(head[5:13], "little")
    lowest = dictionary & -dictionary
    return dictionary >= 4 * KIB and dictionary in (lowest, lowest * 3) and (length < 2**38 or length == 2**64 - 1)


def parse_gzip_header(data: bytes) -> tuple[GzipHeader, int] | None:
    """The gzip header at the start of ``data`` and its length in bytes; None where it reaches further than ``data``.

    RFC 1952, section 2.3: ID1 ID2 CM FLG MTIME(4) XFL OS, then as FLG says: XLEN(2) and so many bytes, a name and a
    comment that end with a zero byte, CRC16 of all before it. ID1, ID2 and CM are the caller's to look at.
    """
    if len(data) < 10:
        return None
    flags = data[3]
    end = 10
    extra = name = comment = None
    if flags & GzipFlag.EXTRA:
        start = end + 2
        end = start + int.from_bytes(data[end:start], "little")
        if start > len(data) or end > len(data):
            return None
        extra = data[start:end]
    if flags & GzipFlag.NAME:
        start, end = end, data.find(b"\0", end) + 1
        if not end:
            return None
        name = data[start : end - 1]
    if flags & GzipFlag.COMMENT:
        start, end = end, data.find(b"\0", end) + 1
        if not end:
            return None
        comment = data[start : end - 1]
    if flags & GzipFlag.HCRC:
        end += 2
    if end > len(data):
        return None
    mtime = int.from_bytes(data[4:8], "little")
    return GzipHeader(mtime, data[8], data[9], flags, name, comment, extra), end


class Inflater:
    """Undoes one compressed stream. What it met stands in its attributes; it raises nothing about the bytes.

    :meth:`feed` and :meth:`finish` are generators: each must be read to its end before the next is called, and an
    inflater of which one was abandoned must not be used further.
    """

    def __init__(self, compression: Compression, limits: Limits = DEFAULT_LIMITS) -> None:
        """Begin a stream of one format.

        Raises:
            ValueError: ``compression`` is NONE or UNSUPPORTED.
        """
        if compression not in _MAGICS:
            raise ValueError(f"{compression} is nothing that can be undone")
        self.streams = 0
        """gzip members, zstd frames (skippable ones not counted), bzip2 or xz streams that were begun."""
        self.skippable = 0
        """Skippable zstd frames that were begun."""
        self.size = 0
        """Uncompressed bytes handed out."""
        self.consumed = 0
        """Bytes of input taken, what follows the stream or a flaw included."""
        self.gzip_header: GzipHeader | None = None
        """Header of the first gzip member."""
        self._compression = compression
        self._limits = limits
        self._magics = _MAGICS[compression]
        self._anomalies: list[Anomaly] = []
        self._sound = True
        self._finished = False
        # `_step` gets the next `_want` bytes, fewer only at the end, and says in `_taken` how many of them it used.
        self._step: Callable[[bytes | memoryview], Iterable[bytes]] = self._boundary
        self._want = len(self._magics[0])
        self._taken = 0
        self._offset = 0
        self._pending = bytearray()
        self._stopped = False
        # The unit that is being read: its name, the part of it that is due, where it starts. Between units, and behind
        # them, no part is due, and the start is where the last unit ended.
        self._unit = ""
        self._part = ""
        self._start = 0
        self._crc = 0
        self._length = 0
        self._to_skip = 0
        # What follows the last unit: zero bytes, then others.
        self._zeros = 0
        self._probe = b""

    @property
    def complete(self) -> bool:
        """Whether the input has ended and every unit of it ended as it should, checksums right.

        Bytes behind the last unit do not make it False.
        """
        return self._finished and self._sound

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """What was odd, with spans in bytes from the start of the stored stream."""
        return tuple(self._anomalies)

    def feed(self, data: bytes | memoryview) -> Iterator[bytes]:
        """Inflate the next input. No reference to ``data`` is kept.

        Yields:
            Uncompressed chunks, of ``limits.chunk`` bytes at most.
        """
        position = 0
        with memoryview(data) as view:
            self.consumed += len(view)
            while not self._stopped:
                piece: bytes | memoryview
                if self._pending:
                    missing = max(0, self._want - len(self._pending))
                    self._pending += view[position : position + missing]
                    position = min(len(view), position + missing)
                    if len(self._pending) < self._want:
                        return
                    piece = bytes(self._pending[: self._want])
                    yield from self._step(piece)
                    del self._pending[: self._taken]
                else:
                    piece = view[position : position + self._want]
                    if len(piece) < self._want:
                        self._pending += piece
                        return
                    yield from self._step(piece)
                    position += self._taken
                self._offset += self._taken

    def finish(self) -> Iterator[bytes]:
        """Inflate what is left, now that the input has ended, and judge the end.

        Yields:
            Uncompressed chunks, of ``limits.chunk`` bytes at most.
        """
        while self._pending and not self._stopped:
            yield from self._step(bytes(self._pending[: self._want]))
            del self._pending[: self._taken]
            self._offset += self._taken
        if not self._stopped:
            self._judge_end()
        self._stop()
        self._finished = True

    def _judge_end(self) -> None:
        span = Span(self._start, self._offset - self._start)
        if self._part:
            detail = f"the input ends inside {self._unit}, in its {self._part}"
            self._note(AnomalyKind.TRUNCATED_STREAM, detail, span, sound=False)
        elif not self._unit:
            self._note(AnomalyKind.TRUNCATED_STREAM, "there is nothing to inflate", span, sound=False)
        elif self._probe:
            zeros = f"{self._zeros} zero bytes, then " if self._zeros else ""
            detail = f"{span.length} bytes after {self._unit}: {zeros}{_looks_like(self._probe)}"
            self._note(AnomalyKind.TRAILING_BYTES, detail, span)
        elif self._zeros:
            self._note(AnomalyKind.TRAILING_ZEROS, f"{self._zeros} zero bytes after {self._unit}", span)

    # Steps. Each takes the next bytes, tells in `_taken` how many it used and in `_step` and `_want` what comes next.

    def _boundary(self, piece: bytes | memoryview) -> Iterable[bytes]:
        """Between units, and before the first."""
        self._taken = 0
        head = bytes(piece)
        if not any(magic.startswith(head) for magic in self._magics):
            self._no_magic(head)
        elif self.streams + self.skippable >= self._limits.streams:
            self._fail(AnomalyKind.LIMIT, f"more than {self._limits.streams} units", len(head))
        elif self._compression is Compression.ZSTD and head in _SKIPPABLE:
            self.skippable += 1
            self._begin_unit(f"skippable frame {self.skippable}")
            self._step, self._want = self._skippable_header, 8
        else:
            self.streams += 1
            self._begin_unit(f"{_UNIT[self._compression]} {self.streams}")
            if self._compression is Compression.GZIP:
                self._step, self._want = self._gzip_header, 10
            else:
                self._begin_data()
        return ()

    def _no_magic(self, head: bytes) -> None:
        if not self._unit:
            self._fail(AnomalyKind.CORRUPT_STREAM, f"no {_UNIT[self._compression]} begins here", len(head))
        elif self._compression is Compression.XZ and head[0] == 0:
            self._step, self._want = self._xz_padding, _SLICE
        else:
            self._step, self._want = self._tail, _SLICE

    def _begin_unit(self, name: str) -> None:
        self._start = self._offset
        self._unit = name
        self._part = "header"
        self._zeros = 0

    def _end_unit(self) -> None:
        """The unit is over; for the step that takes its last byte."""
        self._start = self._offset + self._taken
        self._part = ""
        self._step, self._want = self._boundary, len(self._magics[0])

    def _gzip_header(self, piece: bytes | memoryview) -> Iterable[bytes]:
        data = bytes(piece)
        self._taken = 0
        if data[2:3] not in (b"", b"\x08"):
            self._fail(AnomalyKind.CORRUPT_STREAM, f"{self._unit}: compression method {data[2]}", len(data))
        elif parsed := parse_gzip_header(data):
            header, self._taken = parsed
            if self.streams == 1:
                self.gzip_header = header
            self._check_gzip_flags(header, data[: self._taken])
            self._begin_data()
        elif len(data) < self._want:
            self._taken = len(data)
        elif len(data) < _HEADER_BOUND:
            self._want = min(max(256, 4 * len(data)), _HEADER_BOUND)
        else:
            self._fail(AnomalyKind.LIMIT, f"{self._unit}: a header of more than {_HEADER_BOUND} bytes", len(data))
        return ()

    def _check_gzip_flags(self, header: GzipHeader, data: bytes) -> None:
        if reserved := header.flags & GzipFlag.RESERVED:
            # RFC 1952, 2.3.1.2: an error must be indicated. zlib and gzip refuse the member, Go and Python read on.
            detail = f"{self._unit}: reserved header flags {reserved:#04x}"
            self._note(AnomalyKind.CORRUPT_STREAM, detail, Span(self._offset + 3, 1), sound=False)
        if header.flags & GzipFlag.HCRC:
            claimed = int.from_bytes(data[-2:], "little")
            computed = isal_zlib.crc32(data[:-2]) & 0xFFFF
            if claimed != computed:
                detail = f"{self._unit}: the header's CRC-16 is {computed:#06x}, it says {claimed:#06x}"
                span = Span(self._offset + len(data) - 2, 2)
                self._note(AnomalyKind.CHECKSUM_MISMATCH, detail, span, sound=False)

    def _begin_data(self) -> None:
        self._part = "data"
        self._crc = self._length = 0
        decoder = _decoder(self._compression, self._limits.decoder_memory)
        self._step, self._want = partial(self._data, decoder), _FIRST_SLICE

    def _data(self, decoder: _Decoder, piece: bytes | memoryview) -> Iterator[bytes]:
        most = self._limits.chunk
        data = piece
        while True:
            try:
                chunk = decoder.decompress(data, most)
            except Exception as error:  # noqa: BLE001 - four libraries with a type each, and MemoryError
                self._decoding_failed(error, len(piece))
                return
            length = len(chunk)
            if length:
                if not self._admits(length, len(piece)):
                    return
                if self._compression is Compression.GZIP:
                    self._crc = isal_zlib.crc32(chunk, self._crc)
                self._length += length
                self.size += length
                yield chunk
            del chunk  # the next one then gets the same memory, which is a fifth faster than fresh pages
            if decoder.eof or length < most:  # a decoder that could have said more had nothing more to say
                break
            data = b""
        self._want = min(2 * self._want, _SLICE)
        self._taken = len(piece)
        if decoder.eof:
            self._taken -= len(decoder.unused_data)
            if self._compression is Compression.GZIP:
                self._part = "trailer"
                self._step, self._want = self._gzip_trailer, 8
            else:
                self._end_unit()

    def _decoding_failed(self, error: Exception, length: int) -> None:
        reason = str(error)
        if isinstance(error, MemoryError) or "too much memory" in reason or "Memory usage limit" in reason:
            kind, reason = AnomalyKind.LIMIT, f"asks for a window beyond {self._limits.decoder_memory} bytes of memory"
        elif "checksum" in reason:
            kind = AnomalyKind.CHECKSUM_MISMATCH
        else:
            kind = AnomalyKind.CORRUPT_STREAM
        self._fail(kind, f"{self._unit}: {reason}", length)

    def _admits(self, more: int, length: int) -> bool:
        """Whether so many bytes more are within bounds, of a piece of this length; if not, that is the end."""
        size = self.size + more
        limits = self._limits
        if size > limits.inflated:
            self._fail(AnomalyKind.LIMIT, f"inflates to more than {limits.inflated} bytes", length)
        elif size > limits.ratio_floor and size > limits.ratio * (self._offset + length):
            self._fail(AnomalyKind.LIMIT, f"inflates to more than {limits.ratio} times its size", length)
        return not self._stopped

    def _gzip_trailer(self, piece: bytes | memoryview) -> Iterable[bytes]:
        self._taken = len(piece)
        if len(piece) < 8:
            return ()
        checksum = int.from_bytes(piece[:4], "little")
        length = int.from_bytes(piece[4:], "little")
        if checksum != self._crc:
            detail = f"{self._unit}: the data's CRC-32 is {self._crc:#010x}, its trailer says {checksum:#010x}"
            self._note(AnomalyKind.CHECKSUM_MISMATCH, detail, Span(self._offset, 4), sound=False)
        if length != self._length & 0xFFFFFFFF:
            detail = f"{self._unit}: the data's length is {self._length}, its trailer says {length} modulo 2**32"
            self._note(AnomalyKind.LENGTH_MISMATCH, detail, Span(self._offset + 4, 4), sound=False)
        self._end_unit()
        return ()

    def _skippable_header(self, piece: bytes | memoryview) -> Iterable[bytes]:
        self._taken = len(piece)
        if len(piece) == 8:
            self._part = "data"
            self._skip(int.from_bytes(piece[4:], "little"))
        return ()

    def _skippable_data(self, piece: bytes | memoryview) -> Iterable[bytes]:
        self._taken = len(piece)
        self._skip(self._to_skip - len(piece))
        return ()

    def _skip(self, length: int) -> None:
        self._to_skip = length
        if length:
            self._step, self._want = self._skippable_data, min(length, _SLICE)
        else:
            self._end_unit()

    def _xz_padding(self, piece: bytes | memoryview) -> Iterable[bytes]:
        """Zero bytes in fours between xz streams (The .xz File Format, section 2.2)."""
        zeros = _leading_zeros(piece)
        if zeros % 4:
            self._taken = 0
            self._step = self._tail
        else:
            self._taken = zeros
            self._zeros += zeros
            if zeros < len(piece):
                self._step, self._want = self._boundary, len(self._magics[0])
        return ()

    def _tail(self, piece: bytes | memoryview) -> Iterable[bytes]:
        """What follows the last unit: counted, and its beginning kept."""
        self._taken = len(piece)
        zeros = 0 if self._probe else _leading_zeros(piece)
        self._zeros += zeros
        self._probe += bytes(piece[zeros : zeros + _PROBE - len(self._probe)])
        return ()

    def _fail(self, kind: AnomalyKind, detail: str, length: int) -> None:
        """Note what ends the inflating; it came to light somewhere in the next ``length`` bytes."""
        self._note(kind, detail, Span(self._offset, length), sound=False)
        self._stop()

    def _stop(self) -> None:
        self._stopped = True
        self._step = self._boundary  # lets go of the decoder
        self._pending.clear()

    def _note(self, kind: AnomalyKind, detail: str, span: Span, *, sound: bool = True) -> None:
        self._sound = self._sound and sound
        if len(self._anomalies) < self._limits.anomalies:
            self._anomalies.append(Anomaly(kind, detail, span))
        elif len(self._anomalies) == self._limits.anomalies:
            self._anomalies.append(Anomaly(AnomalyKind.LIMIT, f"more than {self._limits.anomalies} anomalies", span))


def _decoder(compression: Compression, memory: int) -> _Decoder:
    """A decoder of one unit that asks for so many bytes of memory at most."""
    if compression is Compression.GZIP:
        return igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)
    if compression is Compression.ZSTD:
        return _zstd_decoder(memory)
    if compression is Compression.BZIP2:
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=memory)


def _zstd_decoder(memory: int) -> _Decoder:
    # Imported here: most archives hold no zstd.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    least, most = _WINDOW_LOG
    window_log = min(max(memory.bit_length() - 1, least), most)
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: window_log})


def _leading_zeros(data: bytes | memoryview) -> int:
    return len(data) - len(bytes(data).lstrip(b"\0"))


def _looks_like(head: bytes) -> str:
    """What bytes that should not be there seem to be, in words, and how they begin."""
    compression = sniff(head)
    if compression is Compression.UNSUPPORTED:
        kind = "data of another compression"
    elif compression is not Compression.NONE:
        kind = f"{compression} data"
    elif head[257:262] == b"ustar":
        kind = "a tar header"
    elif all(0x20 <= byte < 0x7F or byte in b"\t\n\r" for byte in head):
        kind = "text"
    else:
        kind = "binary data"
    return f"{kind} that begins with {head[:8].hex()}"
