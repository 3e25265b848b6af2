"""The members of the outer tar as Go's ``archive/tar`` hands them out, and the error with which it stops."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from imgforensics.catalogue import Catalogue
from imgforensics.loaders.gonames import clean
from imgforensics.model import AnomalyKind, Member, MemberKind, Span
from imgforensics.tarheader import BLOCK, is_header, parse_header

_STOPS = {
    AnomalyKind.BAD_CHECKSUM: "invalid tar header",
    AnomalyKind.RESYNCHRONISED: "invalid tar header",
    AnomalyKind.LONE_ZERO_BLOCK: "invalid tar header",
    AnomalyKind.BAD_SIZE: "invalid tar header",
    AnomalyKind.PAX_MALFORMED: "invalid tar header",
    AnomalyKind.TRUNCATED_HEADER: "unexpected EOF",
    AnomalyKind.TRUNCATED_DATA: "unexpected EOF",
}
_ENDS = (AnomalyKind.MEMBER_AFTER_END, AnomalyKind.TRAILING_DATA)
_DATALESS = frozenset("123456")
_ASKED_FOR = frozenset({"manifest.json", "index.json", "oci-layout", "repositories"})
_INVALID = "invalid tar header"
EMPTY_TYPES = frozenset("gX")
"""Types of extension headers that are members to Go; their bytes are not handed out, or are no document."""


@dataclass(frozen=True, slots=True)
class GoTar:
    """What Go (1.18 to 1.26, ``archive/tar.Reader.Next``) sees of a tar."""

    members: Sequence[Member]
    """In order, up to the end marker or the error, with the names, targets and sizes that Go has. Where a member's
    data are shorter to it than they are, its measurements are not those of what it sees."""
    error: str | None
    """With which it stops behind the last of them; None where it comes to the end."""


def read(catalogue: Catalogue) -> GoTar:
    """Go stops with an error at the first damaged header or lone zero block, and silently at the end marker.

    A header of a kind that has no data is taken to have none, so that what stands there must be a header.
    """
    places = [(each.kind, each.span.offset) for each in catalogue.anomalies if each.span is not None]
    end = min((offset for kind, offset in places if kind in _ENDS), default=None)
    stops = [(offset, _STOPS[kind]) for kind, offset in places if kind in _STOPS and (end is None or offset < end)]
    stops += _unread_extensions(catalogue, end)
    stops += _long_extensions(catalogue, end)
    for member in catalogue.members:
        if not member.recovered:
            stops += _own_stops(catalogue, member)
    until, error = min(stops, default=(None, None))
    members: list[Member] = []
    for member in catalogue.members:
        if member.recovered or (until is not None and member.header.end > until):
            break
        members += _as_go_has_it(member)
    return GoTar(members, None if error is None else f"{error} at byte {until}")


def _unread_extensions(catalogue: Catalogue, end: int | None) -> Iterator[tuple[int, str]]:
    """Extension headers with fields that are no numbers; of members' own headers :class:`GoReading` tells."""
    own = {member.header.end - BLOCK for member in catalogue.members}
    for each in catalogue.anomalies:
        if each.kind is not AnomalyKind.BAD_NUMBER or each.span is None or each.span.offset in own:
            continue
        if end is None or each.span.offset < end:
            yield each.span.offset, _INVALID


def _long_extensions(catalogue: Catalogue, end: int | None) -> Iterator[tuple[int, str]]:
    """Extension headers of more than Go reads (``maxSpecialFileSize``), which is what this tool reads."""
    for each in catalogue.anomalies:
        of_member = each.kind is AnomalyKind.LIMIT and each.member is not None
        if of_member and each.span is not None and (end is None or each.span.offset < end):
            yield each.span.offset, "header field too long"


def _own_stops(catalogue: Catalogue, member: Member) -> Iterator[tuple[int, str]]:
    """Where Go stops at a member's header, or behind the data that it takes it to have."""
    if member.go is not None and member.go.refused:
        yield member.header.end - BLOCK, _INVALID
    elif _is_folder(member) or member.typeflag in _DATALESS:
        if member.data.length and not _goes_on_inside(catalogue, member):
            yield member.data.offset, _INVALID
    elif member.go is not None and _blocks(member.go.size) != _blocks(member.data.length):
        yield member.data.offset + BLOCK * _blocks(member.go.size), _INVALID


def _is_folder(member: Member) -> bool:
    """Whether it is one to Go: by a NUL type and a slash at the end of its name."""
    name = member.name if member.go is None else member.go.name
    return member.typeflag == "\0" and name.endswith("/")


def _goes_on_inside(catalogue: Catalogue, member: Member) -> bool:
    """Whether the data that Go does not see are one more member to it, which nobody asks for by its name.

    Longer chains of members are not followed here.
    """
    blob = catalogue.blobs.get(member.index)
    if blob is None or not is_header(blob.head):
        return False
    header = parse_header(blob.head)
    if BLOCK * (1 + _blocks(header.size or 0)) != BLOCK * _blocks(member.data.length):
        return False
    hidden = clean(header.name.decode("utf-8", "surrogateescape"))
    return hidden not in _ASKED_FOR and all(clean(each.name) != hidden for each in catalogue.members)


def _as_go_has_it(member: Member) -> Iterator[Member]:
    go = member.go
    if go is not None:
        for typeflag, name in go.before:
            yield replace(member, name=name, kind=MemberKind.OTHER, typeflag=typeflag, go=None)
        member = replace(member, kind=MemberKind.FILE) if go.plain else member
        shown = Span(member.data.offset, min(go.size, member.data.length))
        data = member.data if member.kind is MemberKind.SPARSE else shown
        member = replace(member, name=go.name, linkname=go.linkname, data=data)
    if _is_folder(member):
        member = replace(member, kind=MemberKind.DIRECTORY, data=Span(member.data.offset, 0))
    yield member


def _blocks(size: int) -> int:
    return -(-size // BLOCK)
