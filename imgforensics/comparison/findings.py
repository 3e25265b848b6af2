"""What is worse than a note in two archives, compared: by what it is about and what it says, not by where it stands.

Another wrapping calls members otherwise and puts them elsewhere. So a member counts as its bytes, an image as its ID,
and offsets count nothing. Whoever keeps the number of findings, but changes what they are about, makes other findings.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping

from imgforensics.case import Case
from imgforensics.findings import Finding, Severity
from imgforensics.loaders.load import Load, Reader
from imgforensics.model import AnomalyKind, Blob, Location
from imgforensics.refnames import has_repository, normalise
from imgforensics.report import ArchiveReport

Key = tuple[str, Hashable]
"""The code of a finding, and all that makes it the same as another."""

_OF_FRAMING = "IMG1"
_OF_STORED_BYTES = "IMG3"
_BYTES_OF = {"IMG103": AnomalyKind.TRAILING_DATA, "IMG113": AnomalyKind.DATA_IN_PADDING}
"""Rules whose findings show bytes in part; all of them are in the digests of these anomalies."""


def grave(report: ArchiveReport, case: Case) -> Counter[Key]:
    """The errors and warnings of an archive, each as what makes it the same as one of another archive."""
    keys = _Keys(report, case)
    return Counter(keys.of(each) for each in report.findings if each.severity is not Severity.NOTE)


def by_code(found: Counter[Key]) -> tuple[tuple[str, int], ...]:
    """How many there are of each code."""
    counts: Counter[str] = Counter()
    for (code, _), count in found.items():
        counts[code] += count
    return tuple(sorted(counts.items()))


class _Keys:
    def __init__(self, report: ArchiveReport, case: Case) -> None:
        self._case = case
        self._members: dict[str, list[int]] = defaultdict(list)
        for member in case.catalogue.members:
            self._members[member.name].append(member.index)
        self._known: dict[tuple[str, bool], str] = {}
        self._digests = {
            code: tuple(str(each.digest) for each in case.catalogue.anomalies if each.kind is kind)
            for code, kind in _BYTES_OF.items()
        }
        odd = any(each.kind is AnomalyKind.SKIPPABLE_FRAME for each in case.catalogue.outer_anomalies)
        packed = odd or case.catalogue.outer_labels is not None
        self._outside = str(report.digest) if packed else None
        """The whole file, where something hides in the stream around the tar that is not hashed by itself."""

    def of(self, finding: Finding) -> Key:
        """What makes this finding the same as another."""
        code = finding.rule.code
        stored = code.startswith(_OF_STORED_BYTES)
        place = self._place(finding.location, stored=stored)
        related = sorted({repr(self._place(each, stored=stored)) for each in finding.related})
        said: tuple[Hashable, ...] = ()
        if code.startswith(_OF_FRAMING) or finding.location.member is None:
            outside = self._outside if finding.location.member is None else None
            said = (finding.message, self._digests.get(code), outside)
        return code, (finding.severity, place, finding.claimed, finding.computed, tuple(related), said)

    def _place(self, place: Location, *, stored: bool) -> tuple[Hashable, ...]:
        member = None if place.member is None else self._bytes_of(place.member, stored=stored)
        image = None if place.image is None else self._image(place.image)
        return member, place.pointer, image, place.layer

    def _bytes_of(self, name: str, *, stored: bool) -> str:
        """Everything that stands under a name, in order; the name itself where nothing does that was measured."""
        if (name, stored) not in self._known:
            blobs = self._case.catalogue.blobs
            found = [blobs[index] for index in self._members[name] if index in blobs]
            whole = hashlib.sha256("\n".join(_identity(blob, stored=stored) for blob in found).encode())
            self._known[name, stored] = whole.hexdigest() if found else name
        return self._known[name, stored]

    def _image(self, index: int) -> Hashable:
        image = self._case.structure.images[index]
        for member in (image.config_member, image.manifest_member):
            blob = None if member is None else self._case.catalogue.blobs.get(member)
            if blob is not None:
                return str(blob.digest)
        return image.tags or index


def _identity(blob: Blob, *, stored: bool) -> str:
    """The uncompressed bytes; the stored ones where the finding may be about what hides in the compressed stream."""
    if blob.diff_id is None or (stored and (blob.anomalies or blob.labels is not None)):
        return str(blob.digest)
    return str(blob.diff_id)


def other_loads(a: Case, b: Case) -> tuple[Reader, ...]:
    """Readers that would take other images out of the second archive, or give a tag to another.

    A reader that refuses one of the two, as it does where it cannot read the layout, takes no other image. Where the
    layouts differ a reader may see one platform in the one and all in the other: it has to share none then.
    """
    taken_a, taken_b = _taken(a.loads), _taken(b.loads)
    strictly = a.structure.layouts == b.structure.layouts
    differ: dict[Reader, None] = {}
    for key, images in taken_a.items():
        others = taken_b.get(key)
        if others and (images.isdisjoint(others) or (strictly and images != others)):
            differ[key[0]] = None
    return tuple(differ)


def _taken(loads: tuple[Load, ...]) -> Mapping[tuple[Reader, str], set[str]]:
    """The image IDs that each reader takes, in all (under no tag) and under each full tag."""
    taken: dict[tuple[Reader, str], set[str]] = defaultdict(set)
    for load in loads:
        if load.image_id is not None:
            taken[load.reader, ""].add(str(load.image_id))
            for tag in load.tags:
                if has_repository(tag):
                    taken[load.reader, normalise(tag)].add(str(load.image_id))
    return taken
