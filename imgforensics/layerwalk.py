"""A layer's tar, entry by entry, from its bytes as they come: no seeking, no buffering of data. No I/O.

Strategy. Layers are unpacked by programs that use Go's ``archive/tar`` (docker, containerd, podman, buildah), so its
reading is taken, and not the forgiving one of :mod:`~imgforensics.tarwalk`, which looks for evidence in the outer tar:

* A header with a wrong checksum, a field or a PAX record that has to be a number and is none, a negative size, a zero
  block alone, end the reading: Go fails there. It is noted, and the rest is not interpreted.
* Links, directories, devices and fifos carry no data whatever their size says. A NUL type whose name ends in a slash
  is a directory.
* Global PAX records are not applied, the extended header of Solaris is an entry of its own, and a prefix counts in some
  of GNU's headers. Of several PAX headers before a member the last counts, and a GNU long name wins
  over a PAX path.
* No end marker, and half of one, are an end. What is behind the marker is not read by anyone: it is measured. The table
  of contents of an eStargz layer may stand there, where BuildKit leaves the tar before it as it was.
"""

from collections.abc import Callable, Iterator

from imgforensics.goreading import go_global, go_header, go_names, go_notes, go_sparse, refusal
from imgforensics.layerentry import TOC, Entry, LayerEnd
from imgforensics.layerextensions import UsualExtensions
from imgforensics.layerheader import UsualHeaders
from imgforensics.layerpadding import Padding
from imgforensics.limits import DEFAULT_LIMITS, KIB, Limits
from imgforensics.model import Anomaly, AnomalyKind, MemberKind, Span, clean_path
from imgforensics.tarextensions import EXTENSIONS, Extensions, claim, refused_record
from imgforensics.tarheader import (
    BLOCK,
    SIZE_BOUND,
    SPARSE_MAP_MORE,
    ZERO_BLOCK,
    Header,
    is_header,
    parse_header,
    parse_number,
    resembles_header_strongly,
)
from imgforensics.tartext import Note, decode

_PROBE = 512
"""Bytes kept of what follows the end marker: a tar header's size."""

_PIECE = 16 * KIB
"""Bytes that are read at a time where most of them are passed over."""

_PADDING = 128
"""Zero blocks behind the end marker before a table of contents: tars are padded to records of twenty blocks."""

_EXTENSIONS = EXTENSIONS - {"X"}
"""Types of extension headers to Go: to it, that of Solaris is an entry like any other."""

_GLOBALS = 4_096
"""Global headers of which names are kept."""

_NOTES = 16
"""Oddities kept of one entry. Extension headers without end may stand before it."""


class LayerWalker:
    """Reads one layer: :meth:`feed` its uncompressed bytes in order, then :meth:`finish` once. It raises nothing."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._seen = self._entries = 0
        # The next `_want` bytes from `_next` on are a header block, a body, or a block of a sparse map.
        self._next = 0
        self._want = BLOCK
        self._pending = bytearray()
        self._over = False
        self._said = UsualExtensions(limits)
        self._usual = UsualHeaders(self._said)
        self._start = 0
        self._extension: Header | None = None
        self._extensions = Extensions(0)
        self._extension_notes: list[Note] = []
        self._globals: dict[bytes, bytes] = {}
        self._sparse: tuple[Header, bytes] | None = None
        self._data_end = 0
        self._zero: int | None = None
        self._marker: int | None = None
        self._damage: Anomaly | None = None
        self._is_tar = self._capturing = self._behind_marker = False
        self.toc: bytes | None = None
        """The table of contents of an eStargz layer, as it stands."""
        self.toc_header: int | None = None
        """Offset of its first header block, in bytes of the uncompressed layer; also where it is not kept."""
        self.globals: list[tuple[int, str]] | None = None
        """Where global headers stand, and how their names begin; known of a tar that is read by offset."""
        self._padding = Padding()
        self._first = self._last = self._zeros_behind = 0
        self._probe = b""

    def feed(self, data: bytes | memoryview) -> list[Entry]:
        """Take the next bytes. No reference to ``data`` is kept. Returns the entries whose headers end in them."""
        base = self._seen
        entries = self._feed(data)
        self._padding.take(entries, data, base)
        return entries

    def run(self, read: Callable[[int, int], bytes], size: int) -> Iterator[Entry]:
        """Read a whole tar of so many bytes by offset, passing over data, padding and what is behind its end."""
        self.globals = []
        while not self._over and self._next + len(self._pending) < size:
            self._seen = self._next + len(self._pending)
            piece = read(self._seen, min(_PIECE, size - self._seen))
            if not piece:  # the file became shorter
                return
            yield from self._feed(piece)
        self._seen = size

    def _feed(self, data: bytes | memoryview) -> list[Entry]:
        entries: list[Entry] = []
        base = self._seen
        length = len(data)
        self._seen = base + length
        at = self._next + len(self._pending) - base
        while at < length and not self._over:
            want = self._want
            if not self._pending and length - at >= BLOCK and self._between():
                before = len(entries)
                at = self._usual.run(data, at, base, entries)
                if len(entries) > before:
                    self._took(entries[-1], len(entries) - before, base + at)
                if self._over or at + BLOCK > length:
                    continue
            if self._pending or length - at < want:
                piece = data[at : at + want - len(self._pending)]
                self._pending += piece
                if len(self._pending) < want:
                    return entries
                unit = bytes(self._pending)
                self._pending.clear()
            else:
                unit = bytes(data[at : at + want])
            entry = self._take(unit)
            if entry is not None:
                entries.append(entry)
            at = self._next - base
        if self._over and self._marker is not None and at < length:
            self._behind(bytes(data[max(at, 0) :]), base + max(at, 0))
        return entries

    def _between(self) -> bool:
        """Whether a header is due, and nothing before it says anything about it."""
        return (
            self._want == BLOCK
            and self._extension is None
            and self._sparse is None
            and self._zero is None
            and not (self._capturing or self._behind_marker or self._extensions.types)
        )

    def _took(self, last: Entry, count: int, following: int) -> None:
        """So many usual entries were read."""
        self._is_tar = True
        self._entries += count
        self._start = last.header
        self._data_end = last.data + last.size
        self._next = following
        most = 2 * self._limits.layer_entries
        if self._entries > most:
            detail = f"more than {most} entries in one layer; the rest was not read"
            self._fail(AnomalyKind.LIMIT, detail, Span(last.header, BLOCK))

    def finish(self) -> LayerEnd:
        """How it ended, now that no more bytes come."""
        if self._behind_marker:
            self._behind(bytes(self._pending), self._seen - len(self._pending))
        elif not self._over:
            self._judge_end()
        return LayerEnd(
            is_tar=self._is_tar,
            entries=self._entries,
            size=self._seen,
            marker=self._marker,
            trailing=Span(self._first, self._last - self._first) if self._probe else None,
            trailing_head=self._probe,
            damage=self._damage,
            padding=self._padding.count,
            padding_at=self._padding.first,
            global_keys=tuple(sorted(decode(key) for key in self._globals)),
        )

    def _judge_end(self) -> None:
        """The bytes ended where more could have come."""
        if self._zero is not None and not self._pending:
            self._end_at(self._zero)
        elif self._seen < self._data_end and self._marker is None:
            detail = f"the layer ends {self._data_end - self._seen} bytes before the data of its last entry do"
            self._fail(AnomalyKind.TRUNCATED_DATA, detail, Span(self._start, self._seen - self._start))
        elif self._extension is not None or self._sparse is not None:
            span = Span(self._start, self._seen - self._start)
            self._fail(AnomalyKind.TRUNCATED_HEADER, "the layer ends inside the headers of an entry", span)
        elif self._pending and self._is_tar:
            span = Span(self._next, len(self._pending))
            self._fail(AnomalyKind.TRUNCATED_HEADER, f"{span.length} of {BLOCK} bytes of a header are there", span)
        elif self._marker is None:
            self._end_at(None)

    def _take(self, unit: bytes) -> Entry | None:
        """The next unit is there. Tells in ``_next`` and ``_want`` which one comes then."""
        if self._extension is not None:
            self._body(self._extension, unit)
            return None
        if self._sparse is not None:
            return self._sparse_map(*self._sparse, unit)
        if self._capturing:
            self._keep_toc(unit)
            return None
        if self._behind_marker:
            self._toc_or_end(unit)
            return None
        return self._unusual(unit)

    def _unusual(self, unit: bytes) -> Entry | None:
        """Any other block where a header should stand."""
        here = self._next
        if unit == ZERO_BLOCK:
            self._zero_block(here)
        elif self._zero is not None:
            detail = "one zero block alone, behind which more follows: readers fail here, or stop, or go on"
            self._fail(AnomalyKind.LONE_ZERO_BLOCK, detail, Span(self._zero, BLOCK))
        elif not is_header(unit):
            self._is_tar = self._is_tar or resembles_header_strongly(unit)
            self._fail(AnomalyKind.BAD_CHECKSUM, "no valid header where one should stand", Span(here, BLOCK))
        else:
            self._is_tar = True
            return self._header(unit, here)
        return None

    def _zero_block(self, here: int) -> None:
        self._is_tar = True
        self._next = here + BLOCK
        if self._zero is None:
            self._zero = here
        else:
            self._end_at(self._zero)
            self._behind_marker = not self._over

    def _end_at(self, marker: int | None) -> None:
        """It ends, at a marker or without one: well, but behind an extension header of no entry."""
        self._marker = marker
        if self._extensions.types:
            span = Span(self._start, self._next - self._start)
            self._fail(AnomalyKind.DANGLING_EXTENSION, "the layer ends behind an extension header of no entry", span)

    def _toc_or_end(self, unit: bytes) -> None:
        """A block behind the end marker: padding, then the one entry that may stand there."""
        self._next += BLOCK
        self._zeros_behind += 1
        if unit == ZERO_BLOCK and self._zeros_behind < _PADDING:
            return
        header = parse_header(unit) if is_header(unit) else None
        if header is not None and header.name == TOC.encode() and header.typeflag == "0":
            self.toc_header = self._next - BLOCK
            if header.size is not None and 0 < header.size <= self._limits.toc:
                self._capturing, self._want = True, header.size
                return
        self._behind_marker = False
        self._over = True
        self._behind(unit, self._next - BLOCK)

    def _keep_toc(self, content: bytes) -> None:
        self.toc = content
        self._capturing, self._want = False, BLOCK
        self._next += -(-len(content) // BLOCK) * BLOCK
        self._over = self._behind_marker
        self._behind_marker = False

    def _header(self, unit: bytes, here: int) -> Entry | None:
        self._said.headers += 1
        if self._said.headers > self._limits.layer_headers or self._entries > 2 * self._limits.layer_entries:
            self._fail(AnomalyKind.LIMIT, "more headers than any layer has; the rest was not read", Span(here, BLOCK))
            return None
        header = go_header(unit)
        size = header.size
        if not self._extensions.types:
            self._start = here
        refused = refusal(unit, header)
        if refused is not None:
            self._fail(AnomalyKind.BAD_NUMBER, refused, Span(here, BLOCK))
            return None
        if header.typeflag in _EXTENSIONS:
            if size is None or not 0 <= size < SIZE_BOUND:
                self._fail(AnomalyKind.BAD_SIZE, f"an extension header of {size} bytes", Span(here, BLOCK))
            elif size > self._limits.extension or self._said.size + size > self._limits.layer_extensions:
                detail = f"an extension header of {size} bytes, behind {self._said.size} bytes of others: too many"
                self._fail(AnomalyKind.LIMIT, detail, Span(here, BLOCK))
            else:
                self._next = here + BLOCK
                self._said.size += size
                self._extension = header
                self._want = size
                if not size:
                    self._body(header, b"")
            return None
        if header.typeflag == "S" and header.sparse_more:
            self._next = here + BLOCK
            self._sparse = (header, unit)
            return None
        return self._entry(header, unit, here + BLOCK)

    def _body(self, header: Header, body: bytes) -> None:
        """The body of an extension header."""
        self._extension = None
        self._want = BLOCK
        self._next += -(-len(body) // BLOCK) * BLOCK
        if header.typeflag == "x":
            self._extensions.records = []  # the last one counts
        notes = self._extensions.take(header.typeflag, body, self._globals)
        malformed = next((detail for kind, detail in notes if kind is AnomalyKind.PAX_MALFORMED), None)
        if header.typeflag == "g" and malformed is None:
            self._global(go_global(header, body))
            notes = [note for note in notes if note[0] is AnomalyKind.STACKED_EXTENSION]
        self._extension_notes += notes[: max(0, _NOTES - len(self._extension_notes))]
        if malformed is not None:
            self._fail(AnomalyKind.PAX_MALFORMED, malformed, Span(self._start, self._next - self._start))

    def _global(self, name: str) -> None:
        """A global header: to Go an entry, so that what other extension headers said before it is gone."""
        self._extensions = Extensions(self._next)
        if self.globals is not None:
            self.globals.append((self._start, name[: self._limits.path]))
            if len(self.globals) > _GLOBALS:
                self._fail(AnomalyKind.LIMIT, f"more than {_GLOBALS} global headers", Span(self._start, BLOCK))

    def _sparse_map(self, header: Header, first: bytes, block: bytes) -> Entry | None:
        """A further block of an old GNU sparse map, which stands between header and data."""
        self._next += BLOCK
        if block[SPARSE_MAP_MORE]:
            return None
        self._sparse = None
        return self._entry(header, first, self._next)

    def _entry(self, header: Header, unit: bytes, data: int) -> Entry | None:
        extensions, notes = self._extensions, self._extension_notes
        claims = claim(header, extensions, {}, damaged=False)
        sparse = header.typeflag != "S" and go_sparse(extensions.records)
        malformed = refused_record(dict(extensions.records))
        if malformed is None and (sparse is None or (sparse and claims.dataless)):
            malformed = "records of a sparse file that do not fit each other"
        if malformed is not None:
            self._fail(AnomalyKind.PAX_MALFORMED, malformed, Span(self._start, data - self._start))
            return None
        plain_name, linkname = go_names(unit, header, extensions, sparse=bool(sparse))
        name = decode(plain_name)
        stored = claims.kind is MemberKind.SPARSE and not sparse and header.typeflag != "S"
        kind = MemberKind.FILE if stored else claims.kind
        is_directory = header.typeflag == "\0" and name.endswith("/")
        if not (claims.sized or claims.dataless or is_directory):
            self._fail(AnomalyKind.BAD_SIZE, "an entry whose size is none", Span(self._start, data - self._start))
            return None
        size = 0 if claims.dataless or is_directory else claims.size
        notes += go_notes(header, plain_name, claims.size)
        self._data_end = data + size
        self._next = data + -(-size // BLOCK) * BLOCK
        self._entries += 1
        self._extensions, self._extension_notes = Extensions(self._next), []
        path = clean_path(name)
        if path == TOC and kind is MemberKind.FILE:
            self.toc_header = self._start
            if 0 < size <= self._limits.toc:
                self._capturing, self._next, self._want = True, data, size
        return Entry(
            name=name,
            path=path,
            kind=MemberKind.DIRECTORY if is_directory else kind,
            typeflag=header.typeflag,
            size=size,
            mode=header.mode,
            uid=claims.uid,
            gid=claims.gid,
            uname=decode(claims.uname),
            gname=decode(claims.gname),
            mtime=claims.mtime,
            linkname=decode(linkname),
            devmajor=parse_number(unit[329:337]) or 0 if header.format != "v7" else 0,
            devminor=parse_number(unit[337:345]) or 0 if header.format != "v7" else 0,
            pax=tuple(extensions.records),
            header=self._start,
            data=data,
            # Names say themselves whether they are UTF-8.
            notes=tuple(note for note in (*notes, *claims.notes) if note[0] is not AnomalyKind.NAME_NOT_UTF8)[:_NOTES],
        )

    def _behind(self, data: bytes, offset: int) -> None:
        """Bytes behind the end marker."""
        used = data.rstrip(b"\0")
        if used and not self._last:
            self._first = offset + len(used) - len(used.lstrip(b"\0"))
        if used:
            self._last = offset + len(used)
        if self._last and len(self._probe) < _PROBE:
            start = max(self._first - offset, 0)
            self._probe += data[start : start + _PROBE - len(self._probe)]

    def _fail(self, kind: AnomalyKind, detail: str, span: Span) -> None:
        self._damage = Anomaly(kind, detail, span)
        self._over = True
        self._pending.clear()
