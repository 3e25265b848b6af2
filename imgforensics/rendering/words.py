"""Words that formats for people share."""

from collections.abc import Mapping

from imgforensics.findings import Verdict
from imgforensics.model import Location
from imgforensics.rendering.escape import brief

MEANINGS: Mapping[Verdict, str] = {
    Verdict.INTACT: "every claim was checked and holds",
    Verdict.UNCHECKED: "nothing wrong was seen, but not everything was looked at",
    Verdict.INCOMPLETE: "something that is referred to is missing or cut off",
    Verdict.SUSPECT: "it hangs together, but something in it is out of order",
    Verdict.TAMPERED: "some bytes do not hash to what names them",
    Verdict.UNREADABLE: "no answer",
}
"""What a verdict says of an archive."""


def plural(count: int, word: str) -> str:
    """The word, with an s unless there is one."""
    return word if count == 1 else f"{word}s"


def place(location: Location) -> str:
    """A place in an archive, printable."""
    parts = []
    if location.member is not None:
        parts.append(brief(location.member))
    if location.pointer:
        parts.append(brief(location.pointer))
    if location.offset is not None and location.member is None:
        parts.append(f"at byte {location.offset}")
    if location.layer is not None:
        parts.append(f"(layer {location.layer})")
    return " ".join(parts) or "the archive"
