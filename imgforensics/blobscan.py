"""One blob's bytes in, one :class:`~imgforensics.model.Blob` out: measured in one pass, as stored and as uncompressed.

What the bytes are is decided by the bytes: a media type or a file name has no say here. No I/O.
"""

import codecs
import hashlib
import re
from itertools import chain

from imgforensics.inflate import Inflater
from imgforensics.layerfacts import LayerFacts
from imgforensics.layersurvey import LayerSurvey
from imgforensics.layertoc import FOOTER, TocKind, pointed_to
from imgforensics.layerwalk import LayerWalker
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import DIGEST_LENGTHS, Anomaly, AnomalyKind, Blob, Compression, Digest, Span
from imgforensics.sniffing import SKIPPABLE, sniff

_HEAD = 512
_SNIFF = 512
"""Bytes by which the compression can be told."""

_SCALAR = 64
"""Bytes up to which a blob may be a JSON value that is neither object nor array."""

_SPACE = b" \t\r\n"
_WIDE_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SCALARS = re.compile(rb'null|true|false|-?[0-9][0-9.eE+-]*|"[^\x00-\x1f]*"')


class BlobScanner:
    """Measures one blob: :meth:`feed` its bytes in order, then :meth:`finish` once."""

    def __init__(
        self,
        size: int,
        limits: Limits = DEFAULT_LIMITS,
        algorithms: frozenset[str] = frozenset(),
        *,
        survey: bool = False,
        names: int = 0,
    ) -> None:
        """Begin a blob.

        Args:
            size: bytes that will come, as the tar says; fewer may come.
            limits: bounds on the inflating and on what counts as a document.
            algorithms: digests to compute besides SHA-256; those that are not in ``DIGEST_LENGTHS`` are left out.
            survey: look inside, if it is a tar.
            names: paths inside to keep at most.
        """
        self._limits = limits
        self._algorithms = sorted(algorithms & DIGEST_LENGTHS.keys() - {"sha256"})
        self._stored = _Hashes(self._algorithms)
        self._uncompressed = self._stored
        self._size = 0
        self._compression: Compression | None = None
        self._inflater: Inflater | None = None
        self._first = b""
        self._skips_first = False
        self._head = b""
        self._content: bytearray | None = bytearray() if size <= limits.document else None
        self._scalar = size <= _SCALAR
        self._walker = LayerWalker(limits) if survey else None
        self._tail = b""
        self._survey: LayerSurvey | None = None
        self.layer: LayerFacts | None = None
        """What is in it, if it was looked for and this is a tar; once it is finished."""
        self.names: set[str] | None = set() if names else None
        """Cleaned paths of all its entries; None where there are more than were to be kept."""
        self._most_names = names

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the blob. No reference to ``data`` is kept."""
        self._size += len(data)
        self._tail = (self._tail + bytes(data[-FOOTER:]))[-FOOTER:]
        if self._compression is not None:
            self._take(data)
        elif self._first or len(data) < _SNIFF:
            self._first += data
            if len(self._first) >= _SNIFF:
                self._begin(self._first)
        else:
            self._begin(data)

    def finish(self) -> Blob:
        """The measurements, now that the blob has ended."""
        if self._compression is None:
            self._begin(self._first)
        compression = self._compression or Compression.NONE
        digest, others = self._stored.digests()
        if self._inflater is not None:
            for chunk in self._inflater.finish():
                self._take_uncompressed(chunk)
        self._end_survey()
        if compression is Compression.NONE:
            return Blob(
                size=self._size,
                digest=digest,
                compression=compression,
                diff_id=digest,
                uncompressed_size=self._size,
                head=self._head,
                content=self._document(),
                other_digests=others,
                other_diff_ids=others,
            )
        inflater = self._inflater
        if inflater is None:
            return Blob(
                size=self._size,
                digest=digest,
                compression=compression,
                diff_id=None,
                uncompressed_size=None,
                anomalies=(_unsupported(self._size),),
                other_digests=others,
            )
        diff_id, other_diff_ids = self._uncompressed.digests()
        return Blob(
            size=self._size,
            digest=digest,
            compression=compression,
            diff_id=diff_id if inflater.complete else None,
            uncompressed_size=inflater.size if inflater.complete else None,
            streams=inflater.streams,
            gzip_header=inflater.gzip_header,
            labels=inflater.labels,
            anomalies=inflater.anomalies,
            head=self._head,
            skips_first=self._skips_first,
            other_digests=others,
            other_diff_ids=other_diff_ids if inflater.complete else {},
        )

    def _begin(self, data: bytes | memoryview) -> None:
        """Decide by the first bytes, and take them."""
        first = bytes(data[:_HEAD])
        self._compression = sniff(first)
        self._skips_first = self._compression is Compression.ZSTD and first.startswith(SKIPPABLE)
        if self._compression not in (Compression.NONE, Compression.UNSUPPORTED):
            self._inflater = Inflater(self._compression, self._limits)
            self._uncompressed = _Hashes(self._algorithms)
        if self._compression is not Compression.NONE or not (self._scalar or _may_begin_json(first)):
            self._content = None
        self._first = b""
        self._take(data)

    def _take(self, data: bytes | memoryview) -> None:
        if self._compression is Compression.NONE:
            self._take_uncompressed(data)
            if self._content is not None:
                self._content += data
                if len(self._content) > self._limits.document:  # more than was promised
                    self._content = None
            return
        self._stored.update(data)
        if self._inflater is not None:
            for chunk in self._inflater.feed(data):
                self._take_uncompressed(chunk)
                del chunk  # the next one then gets the same memory

    def _take_uncompressed(self, data: bytes | memoryview) -> None:
        if len(self._head) < _HEAD:
            self._head += data[: _HEAD - len(self._head)]
        self._uncompressed.update(data)
        if self._walker is not None:
            entries = self._walker.feed(data)
            if entries:
                self._survey = self._survey or LayerSurvey(self._limits)
                self._survey.add(entries)
                if self.names is not None:
                    self.names.update(entry.path for entry in entries if entry.path is not None)
                    if len(self.names) > self._most_names:
                        self.names = None

    def _end_survey(self) -> None:
        if self._walker is not None:
            end = self._walker.finish()
            if end.is_tar:
                survey = self._survey or LayerSurvey(self._limits)
                elsewhere = self._toc_elsewhere() if end.damage is None else None
                self.layer = survey.finish(end, self._toc(), elsewhere)
            self._walker = self._survey = None

    def _toc(self) -> tuple[TocKind, Digest, bytes] | None:
        """The table of contents, if the layer has one: its kind, the digest that annotations name, and its JSON."""
        if self._inflater is not None and self._inflater.table is not None:
            stored, length = self._inflater.table
            inflater = Inflater(Compression.ZSTD, self._limits)
            text = bytearray()
            for chunk in chain(inflater.feed(stored), inflater.finish()):
                text += chunk
                if len(text) > min(length, self._limits.toc):
                    break
            return TocKind.ZSTD_CHUNKED, Digest.of(stored), bytes(text)
        toc = self._walker.toc if self._walker is not None else None
        return None if toc is None else (TocKind.ESTARGZ, Digest.of(toc), toc)

    def _toc_elsewhere(self) -> str | None:
        """Where a footer leads to, None where there is none, or where the table is."""
        inflater = self._inflater
        if inflater is not None and inflater.complete and inflater.table_elsewhere is not None:
            return f"byte {inflater.table_elsewhere} of the compressed layer"
        pointed = pointed_to(self._tail) if self._compression is Compression.GZIP else None
        if pointed is None or inflater is None or self._walker is None or not inflater.complete:
            return None
        plain = dict(inflater.last_units).get(pointed)
        if plain is not None and plain == self._walker.toc_header:
            return None
        return f"byte {pointed} of the compressed layer" + ("" if plain is None else f", {plain} uncompressed")

    def _document(self) -> bytes | None:
        if self._content is None:
            return None
        content = bytes(self._content)
        text = _text(content)
        if text.startswith((b"{", b"[")):
            return content
        return content if len(content) <= _SCALAR and _SCALARS.fullmatch(text.strip(_SPACE + b"\0")) else None


class _Hashes:
    """Digests of the same bytes by several algorithms. They identify; they guard no secret."""

    def __init__(self, algorithms: list[str]) -> None:
        self._hashes = [hashlib.new(name, usedforsecurity=False) for name in ("sha256", *algorithms)]

    def update(self, data: bytes | memoryview) -> None:
        for one in self._hashes:
            one.update(data)

    def digests(self) -> tuple[Digest, dict[str, Digest]]:
        """The SHA-256 digest, and the others by algorithm."""
        first, *others = (Digest(one.name, one.hexdigest()) for one in self._hashes)
        return first, {digest.algorithm: digest for digest in others}


def _unsupported(size: int) -> Anomaly:
    detail = "compressed in a way that is recognised but cannot be undone"
    return Anomaly(AnomalyKind.UNSUPPORTED_COMPRESSION, detail, Span(0, size))


def _text(data: bytes) -> bytes:
    """What follows the byte-order mark, if there is one, and white space."""
    for mark in _WIDE_MARKS:  # UTF-32 first: its little-endian mark begins with that of UTF-16
        if data.startswith(mark):
            return data[len(mark) :].lstrip(_SPACE + b"\0")
    text = data.removeprefix(codecs.BOM_UTF8).lstrip(_SPACE)
    return text.lstrip(b"\0") if text.startswith(_WIDE_BRACKETS) else text


_WIDE_BRACKETS = (b"\0{", b"\0[", b"\0\0\0{", b"\0\0\0[")
"""How JSON begins in wide characters without a mark."""


def _may_begin_json(first: bytes) -> bool:
    """Whether a blob with these first bytes can be a JSON object or array, as far as they reach."""
    text = _text(first)
    return not text or text.startswith((b"{", b"["))
