"""The members of the outer tar as Go's ``archive/tar`` hands them out, and the error with which it stops. No I/O.

Docker, containerd, podman, skopeo, crane, syft and the rest read archives with it (Go 1.18 to 1.26, ``Reader.Next``).
It reads fewer headers, and other names, sizes and borders, than a walk that looks for evidence: as it reads layers, see
:mod:`~imgforensics.layerwalk`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from imgforensics.layerentry import Entry
from imgforensics.layerwalk import LayerWalker
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import Anomaly, AnomalyKind, Member, MemberKind, Span, clean_path

_ASKED_FOR = frozenset({"manifest.json", "index.json", "oci-layout", "repositories"})
EMPTY_TYPES = frozenset("gX")
"""Types of headers that are members to Go alone. What has bytes and is asked for by name is an error; here it has none.
They have the index of the member behind them, or of the last one."""
_EMPTY = 4_096
"""So many of them before one member are told."""
_ENDS = frozenset({AnomalyKind.TRUNCATED_HEADER, AnomalyKind.TRUNCATED_DATA})


@dataclass(frozen=True, slots=True)
class GoTar:
    """What Go sees of a tar."""

    members: Sequence[Member] = ()
    """In order, up to the end marker or the error, with the names, targets, kinds and sizes that Go has. Where a
    member's data are shorter to it than they are, its measurements are not those of what it sees."""
    error: str | None = None
    """With which it stops behind the last of them; None where it comes to the end."""


def read_as_go(
    read: Callable[[int, int], bytes], size: int, members: Sequence[Member], limits: Limits = DEFAULT_LIMITS
) -> GoTar:
    """Walk through a tar of ``size`` bytes, with ``read(offset, length)`` giving its bytes, as Go does.

    Args:
        read: gives bytes by offset.
        size: bytes of the tar.
        members: what a walk that looks for evidence found in it. What Go alone sees, inside the data of others, was
            measured by nobody: by the name of a known member or of a document, it counts as an error here.
        limits: bounds.
    """
    walker = LayerWalker(replace(limits, layer_entries=limits.members, toc=0))
    by_data = {member.data.offset: member for member in members}
    names = _ASKED_FOR | {member.path for member in members}
    seen: list[Member] = []
    told = 0
    empty: list[tuple[str, str]] = []
    for entry in walker.run(read, size):
        common = walker.globals or []
        while told < len(common) and common[told][0] < entry.data:
            empty.append(("g", common[told][1]))
            told += 1
        member = by_data.get(entry.data)
        if member is not None:
            seen += (_without_bytes(member, *each) for each in empty)
            seen.append(_as_go_has_it(member, entry))
            empty = []
        elif clean_path(entry.name) in names:
            return GoTar(tuple(seen), f"what it takes for another member at byte {entry.header} was not measured")
        elif entry.typeflag == "X" and len(empty) < _EMPTY:
            empty.append(("X", entry.name[: limits.path]))
    empty += (("g", name) for _, name in (walker.globals or [])[told:])
    seen += (_without_bytes(seen[-1], *each) for each in empty if seen)
    return GoTar(tuple(seen), _error(walker.finish().damage))


def _without_bytes(member: Member, typeflag: str, name: str) -> Member:
    return replace(member, name=name, linkname="", kind=MemberKind.OTHER, typeflag=typeflag)


def _as_go_has_it(member: Member, entry: Entry) -> Member:
    size = min(entry.size, member.data.length)
    data = member.data if entry.kind is MemberKind.SPARSE else Span(member.data.offset, size)
    found = (entry.name, entry.linkname, entry.kind, entry.typeflag, data)
    if found == (member.name, member.linkname, member.kind, member.typeflag, member.data):
        return member
    name, linkname, kind, typeflag, data = found
    return replace(member, name=name, linkname=linkname, kind=kind, typeflag=typeflag, data=data)


def _error(damage: Anomaly | None) -> str | None:
    if damage is None or damage.kind is AnomalyKind.DANGLING_EXTENSION:  # at which Go ends in silence
        return None
    where = "" if damage.span is None else f" at byte {damage.span.offset}"
    if damage.kind is AnomalyKind.LIMIT:
        return damage.detail + where
    return ("unexpected EOF" if damage.kind in _ENDS else "invalid tar header") + where
