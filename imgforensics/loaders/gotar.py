"""The members of the outer tar as Go's ``archive/tar`` hands them out, and the error with which it stops."""

from collections.abc import Sequence
from dataclasses import dataclass

from imgforensics.catalogue import Catalogue
from imgforensics.model import AnomalyKind, Member

_STOPS = {
    AnomalyKind.BAD_CHECKSUM: "invalid tar header",
    AnomalyKind.RESYNCHRONISED: "invalid tar header",
    AnomalyKind.LONE_ZERO_BLOCK: "invalid tar header",
    AnomalyKind.BAD_SIZE: "invalid tar header",
    AnomalyKind.BAD_NUMBER: "invalid tar header",
    AnomalyKind.PAX_MALFORMED: "invalid tar header",
    AnomalyKind.TRUNCATED_HEADER: "unexpected EOF",
    AnomalyKind.TRUNCATED_DATA: "unexpected EOF",
}
_ENDS = (AnomalyKind.MEMBER_AFTER_END, AnomalyKind.TRAILING_DATA)
_DATALESS = frozenset("123456")


@dataclass(frozen=True, slots=True)
class GoTar:
    """What Go (1.18 to 1.26, ``archive/tar.Reader.Next``) sees of a tar."""

    members: Sequence[Member]
    """In order, up to the end marker or the error."""
    error: str | None
    """With which it stops behind the last of them; None where it comes to the end."""


def read(catalogue: Catalogue) -> GoTar:
    """Go stops with an error at the first damaged header or lone zero block, and silently at the end marker.

    A header of a kind that has no data is taken to have none, so that what stands there must be a header.
    """
    places = [(each.kind, each.span.offset) for each in catalogue.anomalies if each.span is not None]
    end = min((offset for kind, offset in places if kind in _ENDS), default=None)
    stops = [(offset, _STOPS[kind]) for kind, offset in places if kind in _STOPS and (end is None or offset < end)]
    stops += [(member.data.offset, "invalid tar header") for member in catalogue.members if _has_data_unseen(member)]
    until, error = min(stops, default=(None, None))
    members = []
    for member in catalogue.members:
        if member.recovered or (until is not None and member.header.end > until):
            break
        members.append(member)
    return GoTar(members, None if error is None else f"{error} at byte {until}")


def _has_data_unseen(member: Member) -> bool:
    """Whether a member has data that Go takes for the next header. A NUL type and a name with a slash is a folder."""
    folder = member.typeflag == "\0" and member.name.endswith("/")
    return member.data.length > 0 and not member.recovered and (member.typeflag in _DATALESS or folder)
