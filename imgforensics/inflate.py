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
at the same offsets, and the same output before a flaw.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from isal import isal_zlib

from imgforensics.decoders import Decoder, decoder_for, failure
from imgforensics.gzipheader import GzipFlag, parse_gzip_header, with_header
from imgforensics.limits import DEFAULT_LIMITS, KIB, MIB, Limits
from imgforensics.looks import describe
from imgforensics.model import Anomaly, AnomalyKind, Compression, Digest, GzipHeader, GzipLabels, Span
from imgforensics.skippable import SkippableFrames
from imgforensics.sniffing import MAGICS, SKIPPABLE

_UNIT = {
    Compression.GZIP: "gzip member",
    Compression.ZSTD: "zstd frame",
    Compression.BZIP2: "bzip2 stream",
    Compression.XZ: "xz stream",
}

_FIRST_SLICE = 4 * KIB
_SLICE = 128 * KIB
"""Compressed bytes given to a decoder at a time: doubled from the first to the last figure. What a decoder did not want
is copied, which would be quadratic with many tiny members in a large slice."""

_HEADER_BOUND = 1 * MIB
"""Bytes of one gzip header. RFC 1952 bounds neither name nor comment; gzip's own footers and names take some dozens."""

_LAST_UNITS = 8
"""Units of which it is kept where they begin: an eStargz layer ends in one for its table, and one for its footer."""

_PROBE = 512
"""Bytes kept of what follows the stream: a tar header's size."""


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
        if compression not in MAGICS:
            raise ValueError(f"{compression} is nothing that can be undone")
        self.streams = 0
        """gzip members, zstd frames (skippable ones not counted), bzip2 or xz streams that were begun."""
        self.skippable = 0
        """Skippable zstd frames that were begun."""
        self._frames = SkippableFrames(limits.toc_stored)
        self.table: tuple[bytes, int] | None = None
        """The table of contents of a zstd:chunked stream, compressed, and the length it claims uncompressed."""
        self.table_elsewhere: int | None = None
        """Where its footer leads to, if that is no table that can be told, in bytes of the stored stream."""
        self.size = 0
        """Uncompressed bytes handed out."""
        self.last_units: deque[tuple[int, int]] = deque(maxlen=_LAST_UNITS)
        """Where the last units begin, skippable frames left out: offset in the stored stream, and uncompressed."""
        self.consumed = 0
        """Bytes of input taken, what follows the stream or a flaw included."""
        self.gzip_header: GzipHeader | None = None
        """Header of the first gzip member."""
        self.labels: GzipLabels | None = None
        """What the headers of all gzip members hold beside their fixed fields, None where it is nothing."""
        self._compression = compression
        self._limits = limits
        self._magics = MAGICS[compression]
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
        self._behind = hashlib.sha256()

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
            found = f"{describe(self._probe)} that begins with {self._probe[:8].hex()}"
            detail = f"{span.length} bytes after {self._unit}: {zeros}{found}"
            self._note(AnomalyKind.TRAILING_BYTES, detail, span, digest=Digest.sha256(self._behind.hexdigest()))
        elif self._zeros:
            self._note(AnomalyKind.TRAILING_ZEROS, f"{self._zeros} zero bytes after {self._unit}", span)
        self.table = self._frames.table(self._offset)
        self.table_elsewhere = self._frames.elsewhere
        frame = self._frames.hidden(self.streams, self._offset)
        if frame is not None and not self._part:
            detail = f"a skippable frame of {frame.length} bytes, which no reader of the content sees"
            self._note(AnomalyKind.SKIPPABLE_FRAME, detail, Span(frame.offset, frame.length))

    # Steps. Each takes the next bytes, tells in `_taken` how many it used and in `_step` and `_want` what comes next.

    def _boundary(self, piece: bytes | memoryview) -> Iterable[bytes]:
        """Between units, and before the first."""
        self._taken = 0
        head = bytes(piece)
        if not any(magic.startswith(head) for magic in self._magics):
            self._no_magic(head)
        elif self.streams + self.skippable >= self._limits.streams:
            self._fail(AnomalyKind.LIMIT, f"more than {self._limits.streams} units", len(head))
        elif self._compression is Compression.ZSTD and head in SKIPPABLE:
            self.skippable += 1
            self._begin_unit(f"skippable frame {self.skippable}")
            self._step, self._want = self._skippable_header, 8
        else:
            self.streams += 1
            self.last_units.append((self._offset, self.size))
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
            self.labels = with_header(self.labels, header)
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
            self._note(AnomalyKind.RESERVED_FLAGS, detail, Span(self._offset + 3, 1))
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
        decoder = decoder_for(self._compression, self._limits.decoder_memory)
        self._step, self._want = partial(self._data, decoder), _FIRST_SLICE

    def _data(self, decoder: Decoder, piece: bytes | memoryview) -> Iterator[bytes]:
        most = self._limits.chunk
        data = piece
        while True:
            try:
                chunk = decoder.decompress(data, most)
            except Exception as error:  # noqa: BLE001 - four libraries with a type each, and MemoryError
                kind, reason = failure(error, self._limits.decoder_memory)
                self._fail(kind, f"{self._unit}: {reason}", len(piece))
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
            length = int.from_bytes(piece[4:], "little")
            self._frames.begin(self._offset + 8, length)
            self._skip(length)
        return ()

    def _skippable_data(self, piece: bytes | memoryview) -> Iterable[bytes]:
        self._taken = len(piece)
        self._frames.feed(piece)
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
        self._behind.update(piece[zeros:])
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

    def _note(
        self, kind: AnomalyKind, detail: str, span: Span, *, sound: bool = True, digest: Digest | None = None
    ) -> None:
        self._sound = self._sound and sound
        if len(self._anomalies) < self._limits.anomalies:
            self._anomalies.append(Anomaly(kind, detail, span, digest=digest))
        elif len(self._anomalies) == self._limits.anomalies:
            self._anomalies.append(Anomaly(AnomalyKind.LIMIT, f"more than {self._limits.anomalies} anomalies", span))


def _leading_zeros(data: bytes | memoryview) -> int:
    return len(data) - len(bytes(data).lstrip(b"\0"))
