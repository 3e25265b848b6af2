"""Everything that is known of one member, gathered in one place: what its headers say, what its bytes are, who uses it.

Facts and claims only, each from the room that found it. Nothing is judged here, and no bytes are read but a first few.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imgforensics.case import Case
from imgforensics.documents import Document
from imgforensics.errors import SelectionError
from imgforensics.findings import Finding
from imgforensics.model import Anomaly, Blob, Compression, Location, Member, MemberKind, Verification, clean_path
from imgforensics.names import NameClaim, name_claim
from imgforensics.structure import Reference
from imgforensics.tarextensions import EXTENSIONS
from imgforensics.tarheader import BLOCK, Header, parse_header

_EXTENSIONS_PASSED = 1_000
"""Extension headers that are passed over on the way to a member's own. Writers put two there at most."""

_SHOWN = 120
"""Characters of a name in a message."""

Read = Callable[[int, int], bytes]
"""Bytes of the tar by offset and length, fewer at its end."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """One member, with everything around it."""

    member: Member
    plain: Header | None
    """Its own header block, before any extension; None where that lies behind more extensions than are passed over."""
    blob: Blob | None
    """What was measured of its bytes."""
    unmeasured: str | None
    """Why nothing was, where it could have been."""
    occurrences: tuple[int, ...]
    """Indexes of all members whose names come to the same path, its own among them."""
    anomalies: tuple[Anomaly, ...]
    """What was odd about its headers, its stream, and the document in it."""
    claim: NameClaim | None
    """The digest that its name claims."""
    document: Document | None
    """The JSON document that it is."""
    references: tuple[Reference, ...]
    """Every place in a document that leads to it."""
    users: tuple[Location, ...]
    """Every place in an image at which it is a layer, or the config."""
    leads_to: tuple[int, ...]
    """Indexes of the members at the end of it, where it is a link."""
    linked_from: tuple[int, ...]
    """Indexes of the links that lead to it."""
    verifications: tuple[Verification, ...]
    """Every claim about its bytes, and how it fared."""
    findings: tuple[Finding, ...]
    """Every finding that names it."""
    orphan: bool
    """Nothing refers to it."""
    orphan_of: tuple[int, ...]
    """Orphans that alone refer to it."""
    stored: bytes
    """Its first bytes as they lie in the archive."""
    unpacked: bytes | None
    """Its first bytes uncompressed, where they are compressed and could be undone."""


def choose(case: Case, names: Sequence[str]) -> tuple[int, ...]:
    """Indexes of the members that are meant: all whose names come to the same path, or the one at ``@N``; each once.

    They come in the order of asking. A name that leads out of the archive is of members that are called exactly so.

    ``@N`` is always an index, also where a member is called so: that one has an index, too.

    Raises:
        SelectionError: a name is not there.
    """
    chosen: dict[int, None] = {}
    for name in names:
        chosen.update(dict.fromkeys(_meant(case, name)))
    return tuple(chosen)


def _meant(case: Case, name: str) -> Sequence[int]:
    members = case.catalogue.members
    number = name[1:]
    if name.startswith("@") and number.isascii() and number.isdecimal() and len(number) <= len(str(len(members))):
        if int(number) < len(members):
            return (int(number),)
        raise SelectionError(f"no member {name!r} in the archive; it holds {len(members)}, from @0 on")
    path = clean_path(name)
    exactly = {member.index for member in members if member.name == name}
    found = exactly.union(() if path is None else case.catalogue.by_path.get(path, ()))
    if found:
        return sorted(found)
    ending = f"/{name}"
    near = [f"@{member.index} {member.name[-_SHOWN:]}" for member in members if member.name.endswith(ending)][:3]
    hint = f"; perhaps {', '.join(near)}" if near else f"; it holds {len(members)}, and @N chooses by number"
    raise SelectionError(f"no member {name[:_SHOWN]!r} in the archive{hint}")


def dossiers(case: Case, findings: Sequence[Finding], indexes: Sequence[int], read: Read) -> list[Dossier]:
    """Gather what is known of these members.

    Args:
        case: the archive.
        findings: what checks found in it.
        indexes: of the members.
        read: gives bytes of the tar.

    Raises:
        SelectionError: they are more than are told about.
    """
    limits = case.catalogue.limits
    if len(indexes) > limits.told:
        raise SelectionError(f"{len(indexes)} members are meant, {limits.told} at most are told about; @N chooses one")
    links: dict[int, list[int]] = defaultdict(list)
    for member in case.catalogue.members:
        for end in _ends(case, member):
            links[end].append(member.index)
    return [_dossier(case, findings, index, read, links.get(index, ())) for index in indexes]


def _dossier(case: Case, findings: Sequence[Finding], index: int, read: Read, linked_from: Sequence[int]) -> Dossier:
    catalogue, structure = case.catalogue, case.structure
    member, blob = catalogue.members[index], catalogue.blobs.get(index)
    about = (*catalogue.anomalies, *structure.problems)
    preview = catalogue.limits.preview
    is_packed = blob is not None and blob.compression not in (Compression.NONE, Compression.UNSUPPORTED)
    return Dossier(
        member=member,
        plain=own_header(member, read),
        blob=blob,
        unmeasured=catalogue.unmeasured.get(index),
        occurrences=tuple(catalogue.by_path.get(member.path, (index,)) if member.path is not None else (index,)),
        anomalies=(*(each for each in about if each.member == index), *(blob.anomalies if blob is not None else ())),
        claim=name_claim(member.path) if member.path is not None else None,
        document=structure.documents.get(index),
        references=tuple(case.references_to.get(index, ())),
        users=tuple(case.users(index)),
        leads_to=_ends(case, member),
        linked_from=tuple(linked_from),
        verifications=tuple(each for each in case.verifications if each.target == index),
        findings=tuple(each for each in findings if _names(each, member)),
        orphan=index in structure.orphans,
        orphan_of=tuple(top for top, parts in structure.orphan_parts.items() if index in parts),
        stored=read(member.data.offset, min(preview, member.present)),
        unpacked=blob.head[:preview] if blob is not None and is_packed else None,
    )


def own_header(member: Member, read: Read) -> Header | None:
    """The fields of a member's own header block as they stand, the extension headers before it passed over."""
    offset = member.header.offset
    for _ in range(_EXTENSIONS_PASSED):
        block = read(offset, BLOCK)
        if len(block) < BLOCK or offset >= member.header.end:
            return None
        header = parse_header(block)
        if header.typeflag not in EXTENSIONS:
            return header
        offset += BLOCK + -(-max(header.size or 0, 0) // BLOCK) * BLOCK
    return None


def _ends(case: Case, member: Member) -> tuple[int, ...]:
    """The members that a link leads to."""
    if member.kind not in (MemberKind.SYMLINK, MemberKind.HARDLINK):
        return ()
    return case.catalogue.follow(member)[0]


def _names(finding: Finding, member: Member) -> bool:
    return any(place.member == member.name for place in (finding.location, *finding.related))
