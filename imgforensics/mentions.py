"""What a document names in any reading of it: every text in it that could be a member's name or hold a digest.

A document that can be read in two ways, or was not read, still names what is in the archive. Members that only another
reading leads to are part of what is wrong with the document, and no finding of their own.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from imgforensics.catalogue import Catalogue
from imgforensics.model import Anomaly, AnomalyKind
from imgforensics.structure import Structure

_TEXTS = re.compile(rb'"([^"\\]{1,512})"')
_HEX = re.compile("[0-9a-f]{64,128}")

DOUBTS = frozenset(
    {
        AnomalyKind.NOT_JSON,
        AnomalyKind.NOT_UTF8,
        AnomalyKind.TRAILING_JSON,
        AnomalyKind.DUPLICATE_KEY,
        AnomalyKind.CASE_KEY,
        AnomalyKind.FOLDED_KEY,
        AnomalyKind.AMBIGUOUS_KIND,
        AnomalyKind.BAD_VALUE,
        AnomalyKind.MISSING_KEY,
        AnomalyKind.BAD_DIGEST,
        AnomalyKind.LIMIT,
    }
)
"""Oddities of a document that keep what it names from being known, or make it depend on the reader."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """Orphans that a doubtful document names."""

    by_document: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Member index of the document to the orphans that it names, each given to the first document that does."""
    first: Mapping[int, Anomaly] = field(default_factory=dict)
    """Member index of such a document to the first of its oddities, which stands for them."""

    def of(self, anomaly: Anomaly) -> tuple[int, ...]:
        """The orphans that belong to this oddity of a document."""
        if anomaly.member is None or self.first.get(anomaly.member) is not anomaly:
            return ()
        return self.by_document.get(anomaly.member, ())


def find_mentions(catalogue: Catalogue, structure: Structure) -> Mentions:
    """Look for the orphans of an archive in its doubtful documents, each of which is gone through once."""
    first: dict[int, Anomaly] = {}
    for problem in structure.problems:
        if problem.kind in DOUBTS and problem.member is not None:
            first.setdefault(problem.member, problem)
    by_document: dict[int, tuple[int, ...]] = {}
    orphans: dict[str, list[int]] = defaultdict(list)
    for orphan in structure.orphans if first else ():
        for name in _names_of(catalogue, orphan):
            orphans[name].append(orphan)
    told: set[int] = set()
    for document in first:
        raw = catalogue.content(document)
        if raw is None or not orphans:
            continue
        found = {orphan for name in names_in(raw) for orphan in orphans.get(name, ())} - told - {document}
        if found:
            by_document[document] = tuple(sorted(found))
            told |= found
    return Mentions(by_document, {document: first[document] for document in by_document})


def names_in(raw: bytes) -> set[str]:
    """Texts between quotation marks, and the digits of digests in them in lower case; of wide characters, too."""
    texts = {text.decode("utf-8", "replace") for text in _TEXTS.findall(raw.replace(b"\0", b""))}
    return texts | {digits for text in texts for digits in _HEX.findall(text.lower())}


def _names_of(catalogue: Catalogue, member: int) -> set[str]:
    """What a document can call a member by."""
    path = catalogue.members[member].path or ""
    blob = catalogue.blobs.get(member)
    return {name for name in (path, *([blob.digest.encoded] if blob else []), *_HEX.findall(path)) if name}
