"""IMG217: names that are one name to some readers or disks."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location, MemberKind, clean_path

_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


@check("IMG217", "names-collide", Severity.ERROR, Effect.SUSPECT)
def names_collide(case: Case) -> Iterator[Found]:
    """Two names differ, and are one name on some disks or to some readers.

    ## What it means
    They differ in case, in how an accent is encoded, in a backslash for a slash, in a percent escape, or in dots
    or spaces at an end.

    ## Why it matters
    Whoever unpacks the archive on a disk that does not tell them apart (Windows, macOS) keeps the last of them only;
    others keep both. A scanner and a runtime can so read two files under one name.

    ## How it is computed
    Names of files and links are reduced: backslashes to slashes, percent escapes undone, Unicode NFC, case folded, dots
    and spaces at the end of each part cut off. Where one name has no document or reference, with the same bytes under
    both, it is a warning. What stands twice under one name is another rule's.

    ## When it is innocent
    No writer of images uses such names.
    """
    catalogue = case.catalogue
    used = case.references_to.keys() | case.structure.entry_points.keys()
    for members in collisions(case).values():
        blobs = [catalogue.blobs.get(member) for member in members]
        same = (
            len({str(blob.digest) if blob else str(member) for blob, member in zip(blobs, members, strict=True)}) == 1
        )
        severity = None if used & set(members) and not same else Severity.WARNING
        first, *others = (catalogue.members[member] for member in members)
        names = " and ".join(repr(catalogue.members[member].name) for member in members)
        yield Found(
            f"{names} are one name on some disks, with {'the same' if same else 'different'} bytes",
            Location(first.name, offset=first.header.offset, length=first.header.length),
            tuple(Location(other.name, offset=other.header.offset, length=other.header.length) for other in others),
            severity=severity,
        )


def collisions(case: Case) -> Mapping[str, Sequence[int]]:
    """Reduced name to one member of each name that comes to it, where there are several names."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for member in case.catalogue.members:
        if member.path and member.kind is not MemberKind.DIRECTORY:
            found[_reduced(member.path)][member.path] = member.index
    return {name: tuple(paths.values()) for name, paths in found.items() if len(paths) > 1}


def _reduced(path: str) -> str:
    plain = path.isascii() and not set(path) & set("\\%") and path.islower() and "." + "/" not in path
    if plain and path[-1] not in ". ":
        return path
    raw = path.replace("\\", "/").encode("utf-8", "surrogateescape")
    plain_text = _PERCENT.sub(lambda escape: bytes.fromhex(escape[1].decode()), raw).decode("utf-8", "surrogateescape")
    text = unicodedata.normalize("NFC", plain_text).casefold()
    parts = (part if part == ".." else part.rstrip(". ") for part in text.split("/"))
    return clean_path("/".join(parts)) or path


CHECKS: tuple[Check, ...] = (names_collide,)
