"""IMG111: owners, times and formats of members that the archive's writer does not give."""

from collections import Counter
from collections.abc import Callable, Iterator

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location, Member
from imgforensics.producer import Producer

_RELATED = 100

_GO = frozenset({"docker save", "containerd", "BuildKit", "containers/image", "go-containerregistry"})
"""Producers whose archives Go's archive/tar writes: of the formats ustar and PAX (archive/tar since Go 1.0)."""

_TIMELESS = frozenset({"containerd", "BuildKit", "go-containerregistry"})
"""Producers that give no member a time (containerd images/archive/exporter.go, ggcr pkg/v1/tarball)."""

_PACKED_BY_HAND = ("umoci", "download-frozen-image")
"""Producers of folders, which any tar program then packs."""


def _is_root(member: Member) -> bool:
    """As every writer of images has it: number 0, and the name root, or none."""
    return member.uid == 0 and member.gid == 0 and member.uname in ("", "root")


def _owner(member: Member) -> str:
    names = f"{member.uname}:{member.gname} " if member.uname or member.gname else ""
    return f"{names}({member.uid}:{member.gid})"


def _others(members: tuple[Member, ...], producer: Producer | None) -> Iterator[tuple[str, list[Member]]]:
    """What is unusual, in words, and the members of which it is."""
    writer = None if producer is None or producer.name in _PACKED_BY_HAND else producer.name
    if producer is not None and "layout directory" in (producer.versions or ""):
        writer = None
    owners = Counter(map(_owner, members))
    most, _ = owners.most_common(1)[0]
    foreign = [member for member in members if not _is_root(member)]
    rare = [member for member in members if _owner(member) != most]
    if writer is not None and foreign:
        yield f"belong to {_listed(foreign, _owner)}, where {writer} gives 0:0", foreign
    elif rare:
        yield f"belong to {_listed(rare, _owner)}, all others to {most}", rare
    dated = [member for member in members if member.mtime]
    if writer in _TIMELESS and dated:
        yield f"bear a time, where {writer} gives none", dated
    packed = [member for member in members if member.format not in ("ustar", "pax")]
    if writer in _GO and packed:
        yield f"have {_listed(packed, lambda each: each.format)} headers, where {writer} writes ustar ones", packed


def _listed(members: list[Member], words: Callable[[Member], str]) -> str:
    return ", ".join(list(dict.fromkeys(map(words, members)))[:3])


@check("IMG111", "unusual-ownership", Severity.NOTE, Effect.NONE)
def unusual_ownership(case: Case) -> Iterator[Found]:
    """Members have owners, times or headers that the archive's writer does not give.

    ## What it means
    The archive was packed again, or something was added to it, after the tool that wrote it was done.

    ## Why it matters
    Packing again is how an archive is changed by hand; the owner says on whose machine. A single member that differs
    from all others is the one to look at.

    ## How it is computed
    Every writer of images gives the owner 0:0, named root or not at all; containerd, BuildKit and go-containerregistry
    give no times; those in Go write ustar or PAX headers. Members are compared with what the recognised producer does,
    and with each other.

    ## When it is innocent
    Often: the archive was unpacked to be looked at, and packed again. Layouts that are written as folders are always
    packed by a tar program; of these only owners that differ among each other are told.
    """
    told = list(_others(case.catalogue.members, case.producer))
    if told:
        count = len(case.catalogue.members)
        message = "; ".join(f"{len(members)} of {count} members {words}" for words, members in told)
        odd = list({member.index: member for _, members in told for member in members}.values())
        places = [Location(each.name, offset=each.header.offset, length=each.header.length) for each in odd]
        yield Found(message, places[0], tuple(places[1 : _RELATED + 1]))


CHECKS: tuple[Check, ...] = (unusual_ownership,)
