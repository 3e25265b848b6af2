r"""How an archive is wrapped and framed, in words that hold for every archive its writer makes, whatever is in it.

Archives of one tool are compared by them, so that no trait may hang on how long a name or how large a layer is:

* A PAX or GNU header for a long name comes and goes with the name; what stays is the magic of the headers themselves,
  ``ustar\0`` (POSIX.1, pax) or ``ustar`` and spaces (GNU tar). Where a number is too large for its field some writers
  change that too (Go's ``archive/tar`` before 1.10), so that such members do not count.
* Go ends an archive with two zero blocks, GNU tar and Python fill a record of 10240 bytes. Where the two zero blocks
  happen to fill the record, nothing tells one from the other; and nothing is said of an end that is damaged.
"""

from dataclasses import dataclass
from itertools import chain

from imgforensics.catalogue import Catalogue
from imgforensics.model import AnomalyKind, Compression, Member
from imgforensics.tarheader import BLOCK

RECORD = 20 * BLOCK
"""Bytes of a record with the usual blocking factor (POSIX.1, pax, "-b"; GNU tar, "Blocking Factor")."""
_MARKER = 2 * BLOCK
_PLAIN_SIZE = 8**11
"""Bytes from which on a size does not fit its field as an octal number."""
_PLAIN_OWNER = 8**7
"""The same of user and group IDs."""

_DOUBTFUL_END = frozenset(
    {
        AnomalyKind.TRUNCATED_HEADER,
        AnomalyKind.TRUNCATED_DATA,
        AnomalyKind.MISSING_END,
        AnomalyKind.LONE_ZERO_BLOCK,
        AnomalyKind.MEMBER_AFTER_END,
        AnomalyKind.TRAILING_DATA,
        AnomalyKind.BAD_CHECKSUM,
        AnomalyKind.RESYNCHRONISED,
        AnomalyKind.DANGLING_EXTENSION,
        AnomalyKind.TRUNCATED_STREAM,
        AnomalyKind.CORRUPT_STREAM,
        AnomalyKind.RESERVED_FLAGS,
        AnomalyKind.LIMIT,
    }
)
"""Anomalies that are findings of their own, and behind which the end is not what the writer wrote."""


@dataclass(frozen=True, slots=True)
class Framing:
    """Traits of an archive, each in words that fit behind "it has"; None where a trait cannot be told."""

    wrapping: str
    """Compression around the tar."""
    headers: str | None
    """Whose tar headers they are."""
    ending: str | None
    """What follows the last member."""


def framing_of(catalogue: Catalogue) -> Framing:
    """How an archive is wrapped and framed."""
    outer = "no compression" if catalogue.outer is Compression.NONE else catalogue.outer.value
    return Framing(f"{outer} around the tar", _headers(catalogue), _ending(catalogue))


def _headers(catalogue: Catalogue) -> str | None:
    dialects = {_dialect(member) for member in catalogue.members if _tells(member)}
    return f"{' and '.join(sorted(dialects))} headers" if dialects else None


def _tells(member: Member) -> bool:
    """Whether nothing about a member can have changed the dialect of its header."""
    plain = member.data.length < _PLAIN_SIZE and max(member.uid, member.gid) < _PLAIN_OWNER
    return plain and not (member.damaged or member.recovered)


def _dialect(member: Member) -> str:
    return {"gnu": "GNU", "v7": "v7"}.get(member.format, "POSIX")


def _ending(catalogue: Catalogue) -> str | None:
    anomalies = chain(catalogue.anomalies, catalogue.outer_anomalies)
    if not catalogue.members or any(anomaly.kind in _DOUBTFUL_END for anomaly in anomalies):
        return None
    last = max(member.data.end for member in catalogue.members)
    behind = catalogue.tar_size - -(-last // BLOCK) * BLOCK
    if behind >= _MARKER + RECORD:
        return "zeros for more than a record"
    whole = catalogue.tar_size % RECORD == 0
    if behind == _MARKER and not whole:
        return "no padding at the end"
    return f"padding to a record of {RECORD} bytes" if behind > _MARKER and whole else None
