"""The framing of a tar: which members stand where, and everything about it that is not as it should be. No I/O.

Strategy. :func:`walk` is a generator: it yields a Span where it needs those bytes, and a Member or an Anomaly where it
has seen one. It goes from header to header, block by block, to the end of the file whatever it meets; it never asks
for a member's data. Where readers disagree it takes the reading under which a header follows, and notes it:

* A header with a wrong checksum is still taken, as *damaged*, if it looks like one and leads to the next one. If not,
  its member is lost: the next valid header is searched for, and every member from there on is *recovered*. Among them
  may be members of a tar inside the lost member's data, since nothing tells the two apart; so that is never taken
  back, and end markers between them, which may be those of the inner tar, are passed over.
* One zero block is noted and passed over. Two are the end marker, behind which the file is searched to its end: zeros
  are padding, headers begin members that are *recovered*, anything else is trailing data.
* Links, directories and devices carry no data, as Go's ``archive/tar`` has it, although their size may say so - unless
  a header follows only behind that data. A NUL-type entry named like a directory does, as GNU tar and busybox have it,
  unless a header follows only directly.
* Global PAX records apply to later members, as POSIX, GNU tar and Python have it; Go applies none of them.
* Between extensions, PAX ``path`` wins over a GNU long name, and a later PAX record over an earlier one; Go has the
  long name win, Python the header that came first. Where that matters, STACKED_EXTENSION says so.

The work is linear in the size of the file, and memory is bounded by Limits.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeVar

from imgforensics.goreading import go_reading
from imgforensics.limits import DEFAULT_LIMITS, MIB, Limits
from imgforensics.looks import describe
from imgforensics.model import Anomaly, AnomalyKind, Member, Span
from imgforensics.tarextensions import EXTENSIONS, Claims, Extensions, claim, field_notes
from imgforensics.tarheader import (
    BLOCK,
    SIZE_BOUND,
    SPARSE_MAP_MORE,
    ZERO_BLOCK,
    Header,
    is_header,
    parse_header,
    resembles_header,
    resembles_header_strongly,
)
from imgforensics.tarnotes import Notes
from imgforensics.tarremains import Remains
from imgforensics.tarscan import scan
from imgforensics.tartext import decode

_KEPT = 256 * MIB
"""Bound, in bytes of memory, on all extension headers that are kept: one of 5 bytes a record would cost 30 times its
size. Real archives spend some 500 bytes a member."""
_RECORD_COST = 150

T = TypeVar("T")
Event = Span | Member | Anomaly
_Steps = Generator[Event, bytes | None, T]


@dataclass(frozen=True, slots=True)
class End:
    """How the walk ended."""

    members: int
    """How many were yielded."""
    marker: int | None
    """Offset of the first end-of-archive marker (two zero blocks), None if there is none."""
    end: int
    """Offset after the last byte that belongs to the tar's framing, marker and zero padding included. What is behind it
    is trailing data, or was not looked at because a limit was reached."""


Walk = Generator[Event, bytes | None, End]
"""Send the bytes of the Span that was yielded (fewer only at the end of the input), and None for anything else."""


@dataclass(frozen=True, slots=True)
class Index:
    """All that a walk told."""

    members: tuple[Member, ...]
    anomalies: tuple[Anomaly, ...]
    end: End


def walk(size: int, limits: Limits = DEFAULT_LIMITS) -> Walk:
    """Walk through a tar of ``size`` bytes. Raises nothing, whatever the bytes are."""
    return _Walker(size, limits).run()


def index(read: Callable[[int, int], bytes], size: int, limits: Limits = DEFAULT_LIMITS) -> Index:
    """Walk through a tar of ``size`` bytes, with ``read(offset, length)`` giving its bytes."""
    members: list[Member] = []
    anomalies: list[Anomaly] = []
    walker = walk(size, limits)
    reply: bytes | None = None
    while True:
        try:
            event = walker.send(reply)
        except StopIteration as stop:
            end: End = stop.value
            return Index(tuple(members), tuple(anomalies), end)
        reply = None
        if isinstance(event, Span):
            reply = read(event.offset, event.length)
        elif isinstance(event, Member):
            members.append(event)
        else:
            anomalies.append(event)


class _Walker:
    """The state of one walk."""

    def __init__(self, size: int, limits: Limits) -> None:
        self._size = size
        self._limits = limits
        self._at = 0
        self._done = False
        self._members = 0
        self._notes = Notes(limits.anomalies, size)
        self._note = self._notes.note
        self._kept = 0
        self._marker: int | None = None
        self._lost = False
        self._behind = False
        self._cut = False
        self._extensions = Extensions(0)
        self._globals: dict[bytes, bytes] = {}
        self._remains = Remains()
        self._data_end = 0
        self._owner: int | None = None

    def run(self) -> Walk:
        """The walk itself."""
        while not self._done:
            block = yield from self._next_block()
            if len(block) < BLOCK:
                yield from self._finish(block)
            elif block == ZERO_BLOCK:
                yield from self._zero_block()
            elif is_header(block):
                yield from self._header(block, damaged=False)
            elif not (resembles_header(block) and (yield from self._header(block, damaged=True))):
                here = Span(self._at, BLOCK)
                yield from self._note(AnomalyKind.BAD_CHECKSUM, "no valid header where one should stand", here)
                yield from self._drop_extensions()
                yield from self._search(here.offset, here.end)
        yield from self._remains.rest()
        return End(self._members, self._marker, min(self._at, self._size))

    def _next_block(self) -> _Steps[bytes]:
        """The block at the current offset, and with the same read the padding before it, in which only zeros belong."""
        before = self._at - self._data_end
        if not 0 < before < BLOCK:
            before = 0
        piece = yield from self._read(self._at - before, before + BLOCK)
        yield from self._remains.padding(piece[:before], self._at - before, self._owner)
        return piece[before:]

    def _read(self, offset: int, length: int) -> _Steps[bytes]:
        length = min(length, self._size - offset)
        if length <= 0:
            return b""
        return (yield Span(offset, length)) or b""

    def _halt(self, detail: str) -> _Steps[None]:
        """Give up here. This is told whatever the number of anomalies was."""
        self._done = True
        yield Anomaly(AnomalyKind.LIMIT, detail, Span(self._at, self._size - self._at))

    def _finish(self, rest: bytes) -> _Steps[None]:
        """The file is over, but for less than a block."""
        self._done = True
        yield from self._drop_extensions()
        if rest.strip(b"\0"):
            span = Span(self._at, len(rest))
            yield from self._note(AnomalyKind.TRUNCATED_HEADER, f"{len(rest)} of {BLOCK} bytes are there", span)
        elif self._marker is None and not self._cut:
            yield from self._notes.missing_end()
        self._at = self._size

    def _drop_extensions(self) -> _Steps[None]:
        """No header follows to which the extensions could belong."""
        dropped, self._extensions = self._extensions, Extensions(self._at)
        yield from dropped.anomalies
        if dropped.types:
            detail = f"no member follows the extension header of type {dropped.types[-1]!r}"
            span = Span(dropped.start, min(self._at, self._size) - dropped.start)
            yield from self._note(AnomalyKind.DANGLING_EXTENSION, detail, span)

    # zero blocks, and what is behind them

    def _zero_block(self) -> _Steps[None]:
        yield from self._drop_extensions()
        following = yield from self._read(self._at + BLOCK, BLOCK)
        if following == ZERO_BLOCK:
            yield from self._end_marker()
            return
        if len(following) == BLOCK:
            detail = "one zero block, where two end an archive: some readers stop here, others go on"
            yield from self._note(AnomalyKind.LONE_ZERO_BLOCK, detail, Span(self._at, BLOCK))
        self._at += BLOCK

    def _end_marker(self) -> _Steps[None]:
        marker = self._at
        found = yield from scan(marker + 2 * BLOCK, self._size, self._limits.chunk)
        if self._marker is None and not (self._lost and found.header is not None):
            self._marker = marker
        if found.first is not None:
            # To the end of the file, zeros too: what was appended to it may itself end in zeros.
            last = self._size if found.header is None else found.last
            span = Span(found.first, last - found.first)
            if self._lost and found.header is not None:
                yield from self._note(AnomalyKind.RESYNCHRONISED, "passed over in search of a header", span)
            else:
                detail = f"{span.length} bytes behind the end marker, beginning like {describe(found.head)}"
                yield from self._note(AnomalyKind.TRAILING_DATA, detail, span)
        elif found.header is None:
            yield from self._notes.odd_length()
        if found.header is None:
            self._done = True
            self._at = self._size if found.first is None else found.first
            return
        if not (self._lost or self._behind):
            detail = f"members behind the end marker at byte {marker}"
            span = Span(found.header, self._size - found.header)
            yield from self._note(AnomalyKind.MEMBER_AFTER_END, detail, span)
        self._behind = True
        self._at = found.header

    # searching

    def _search(self, lost: int, start: int) -> _Steps[None]:
        """Go on at the next valid header from ``start`` on; what is between ``lost`` and there belongs to nothing."""
        self._lost = True
        found = yield from scan(start, self._size, self._limits.chunk)
        end = found.header
        if end is None:
            end = min(-(-found.last // BLOCK) * BLOCK, self._size)
        if end > lost:
            what = "no header follows" if found.header is None else "passed over in search of a header"
            yield from self._note(AnomalyKind.RESYNCHRONISED, what, Span(lost, end - lost))
        self._at = end
        if found.header is not None:
            return
        self._done = True
        if self._size - end >= 2 * BLOCK:
            self._marker = end if self._marker is None else self._marker
            yield from self._notes.odd_length()
        elif self._marker is None:
            yield from self._notes.missing_end()
        self._at = self._size

    def _leads_on(self, offset: int) -> _Steps[bool]:
        """Whether an archive can go on, or end, at this offset."""
        if offset == self._size:
            return True
        block = yield from self._read(offset, BLOCK)
        return block == ZERO_BLOCK or is_header(block) or resembles_header_strongly(block)

    # headers

    def _header(self, block: bytes, *, damaged: bool) -> _Steps[bool]:
        """Take the header at the current offset. False, with nothing done, if it is damaged and leads nowhere."""
        header = parse_header(block)
        if not self._extensions.types:
            self._extensions.start = self._at
        if header.typeflag in EXTENSIONS:
            return (yield from self._extension(header, block, damaged=damaged))
        return (yield from self._member(header, block, damaged=damaged))

    def _extension(self, header: Header, block: bytes, *, damaged: bool) -> _Steps[bool]:
        here, body, size = Span(self._at, BLOCK), self._at + BLOCK, header.size
        sized = size is not None and 0 <= size < SIZE_BOUND
        if damaged and not (sized and (yield from self._leads_on(body + _padded(size or 0)))):
            return False
        if size is None or not sized:
            kind = AnomalyKind.BAD_NUMBER if size is None else AnomalyKind.BAD_SIZE
            yield from self._note(kind, f"the size of an extension header of type {header.typeflag!r}", here)
            yield from self._drop_extensions()
            yield from self._search(body, body)
            return True
        self._go_behind(body, size, None)
        extensions, whole = self._extensions, Span(here.offset, BLOCK + size)
        if damaged:
            extensions.damaged = True
            extensions.anomalies += self._note(AnomalyKind.BAD_CHECKSUM, "of an extension header", here)
        else:
            extensions.anomalies += self._remains.fields(block, header, here.offset)
        if whole.end > self._size:
            self._cut = True
            detail = f"{self._size - body} of {size} bytes of an extension header are there"
            extensions.anomalies += self._note(AnomalyKind.TRUNCATED_DATA, detail, whole)
        content, most = b"", self._limits.extension
        if size > most:
            detail = f"an extension header of {size} bytes was not read; {most} are the limit"
            extensions.anomalies += self._note(AnomalyKind.LIMIT, detail, whole)
        else:
            content = yield from self._read(body, size)
        before, told = len(extensions.records), list(field_notes(header))
        for kind, detail in told + extensions.take(header.typeflag, header.name, content, self._globals):
            extensions.anomalies += self._note(kind, detail, whole)
        yield from self._keep(len(content) + _RECORD_COST * (len(extensions.records) - before))
        return True

    def _keep(self, cost: int) -> _Steps[None]:
        """Count memory, in bytes, that what extensions say takes."""
        self._kept += cost
        if self._kept > _KEPT and not self._done:
            yield from self._halt(f"extension headers exceed {_KEPT} bytes of memory; the rest was not looked at")

    def _member(self, header: Header, block: bytes, *, damaged: bool) -> _Steps[bool]:
        here, extensions = Span(self._at, BLOCK), self._extensions
        doubtful = damaged or extensions.damaged
        claims = claim(header, extensions, self._globals, damaged=doubtful)
        start, cut_map = yield from self._data_start(header)
        length = yield from self._data_length(claims, start)
        if damaged and not (claims.sized and (yield from self._leads_on(start + _padded(length)))):
            return False
        if self._members >= self._limits.members:
            yield from self._halt(f"more than {self._limits.members} members; the rest was not looked at")
            return True
        data = Span(start, length)
        present = max(0, min(length, self._size - start))
        anomalies = extensions.anomalies
        if damaged:
            anomalies += self._note(AnomalyKind.BAD_CHECKSUM, "the header's fields are doubtful", here)
        else:
            anomalies += self._remains.fields(block, header, here.offset)
        for kind, detail in claims.notes:
            anomalies += self._note(kind, detail, here)
        if cut_map:
            anomalies += self._note(AnomalyKind.TRUNCATED_HEADER, "the file ends inside the sparse map", here)
        elif present < length:
            anomalies += self._note(AnomalyKind.TRUNCATED_DATA, f"{present} of {length} bytes are there", data)
        self._cut = self._cut or cut_map or present < length
        number = self._members
        self._members += 1
        self._extensions = Extensions(self._at)
        self._go_behind(start, length, number)
        yield Member(
            index=number,
            name=decode(claims.name),
            kind=claims.kind,
            header=Span(extensions.start, start - extensions.start),
            data=data,
            linkname=decode(claims.linkname),
            mode=header.mode,
            uid=claims.uid,
            gid=claims.gid,
            uname=decode(claims.uname),
            gname=decode(claims.gname),
            mtime=claims.mtime,
            typeflag=header.typeflag,
            format="pax" if header.format == "ustar" and set("xX") & set(extensions.types) else header.format,
            ustar_name=decode(header.name),
            ustar_size=header.size or 0,
            pax=tuple((decode(key), decode(value)) for key, value in extensions.records),
            present=present,
            recovered=self._lost or self._behind,
            damaged=doubtful,
            go=go_reading(block, header, extensions, claims),
        )
        for anomaly in anomalies:
            yield anomaly if anomaly.kind is AnomalyKind.PAX_GLOBAL else replace(anomaly, member=number)
        # A global header's name of a mebibyte would be kept once for each member.
        yield from self._keep(len(claims.name) + len(claims.linkname) + len(claims.uname) + len(claims.gname))
        if not claims.sized and not self._done:
            yield from self._search(start, start)
        return True

    def _go_behind(self, start: int, length: int, member: int | None) -> None:
        """Go to the block behind these data, which are those of this member, or of an extension."""
        self._data_end, self._owner = start + length, member
        self._at = start + _padded(length)

    def _data_start(self, header: Header) -> _Steps[tuple[int, bool]]:
        """Where a header's data begin: behind the blocks of an old GNU sparse map. And whether the file ends in it."""
        start = self._at + BLOCK
        more = header.typeflag == "S" and header.sparse_more
        while more:
            block = yield from self._read(start, BLOCK)
            if len(block) < BLOCK:
                return self._size, True
            start += BLOCK
            more = block[SPARSE_MAP_MORE] != 0
        return start, False

    def _data_length(self, claims: Claims, start: int) -> _Steps[int]:
        """Bytes of data: the size, but for types that carry none, where it is asked which way a header follows."""
        if not claims.size or not (claims.dataless or claims.directory_name):
            return claims.size
        direct = yield from self._leads_on(start)
        behind = yield from self._leads_on(start + _padded(claims.size))
        if direct == behind:
            return 0 if claims.dataless else claims.size
        return claims.size if behind else 0


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
