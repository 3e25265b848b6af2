"""Two archives compared: the same file, the same images in another wrapping, or not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from imgforensics.case import Case
from imgforensics.comparison.files import FileChanges, of_archive
from imgforensics.comparison.files import compare as compare_files
from imgforensics.comparison.findings import by_code, grave, other_loads
from imgforensics.comparison.images import ImageChange, compare_images
from imgforensics.comparison.layers import Half, LayerComparer
from imgforensics.comparison.names import only_in
from imgforensics.layerfiles import Opener
from imgforensics.limits import Limits
from imgforensics.loaders import Reader
from imgforensics.model import Digest
from imgforensics.report import ArchiveReport
from imgforensics.structure import Image, ImageKind


class Answer(StrEnum):
    """How two archives relate."""

    SAME_FILE = "same-file"
    """The same bytes."""
    SAME_IMAGES = "same-images"
    """The same images under the same names, and nothing worse was found in one than in the other; other wrapping."""
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Trait:
    """Something about the wrapping that is not the same."""

    what: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """An artifact that both archives have, and call otherwise."""

    digest: Digest
    names_only_a: tuple[str, ...]
    names_only_b: tuple[str, ...]
    counts: bool
    """It is no attestation, and so decides also where there are images."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is not the same, and the answer."""

    a: ArchiveReport
    b: ArchiveReport
    answer: Answer
    images: tuple[ImageChange, ...] = ()
    artifacts_only_a: tuple[Digest, ...] = ()
    """Digests of manifests of attestations and other artifacts."""
    artifacts_only_b: tuple[Digest, ...] = ()
    artifacts_renamed: tuple[Renamed, ...] = ()
    """Artifacts that both have, under other names."""
    findings_only_a: tuple[tuple[str, int], ...] = ()
    """Codes of errors and warnings that stand in one archive alone, or about other bytes, and how many do."""
    findings_only_b: tuple[tuple[str, int], ...] = ()
    readers: tuple[Reader, ...] = ()
    """Those that would take other images out of the one than out of the other, though both hold the same."""
    traits: tuple[Trait, ...] = ()
    members: FileChanges | None = None
    """None where the files are the same."""


def compare(
    a: ArchiveReport, case_a: Case, opener_a: Opener, b: ArchiveReport, case_b: Case, opener_b: Opener, limits: Limits
) -> Comparison:
    """Compare two archives.

    Args:
        a: report of the first.
        case_a: its facts.
        opener_a: reads its members once more.
        b: report of the second.
        case_b: its facts.
        opener_b: reads its members once more.
        limits: bounds on what is kept and listed.
    """
    if a.digest is not None and a.digest == b.digest:
        return Comparison(a, b, Answer.SAME_FILE)
    layers = LayerComparer(Half(case_a, opener_a), Half(case_b, opener_b), limits)
    images = compare_images(case_a, case_b, layers, limits)
    all_a, all_b = _artifacts(case_a), _artifacts(case_b)
    renamed = tuple(_renamed(all_a, all_b))
    found_a, found_b = grave(a, case_a), grave(b, case_b)
    readers = other_loads(case_a, case_b) if all(each.same for each in images) else ()
    same = (
        all(each.same and each.same_names for each in images)
        and found_a == found_b
        and not readers
        and _counted(all_a, with_attestations=not images) == _counted(all_b, with_attestations=not images)
        and not any(each.counts or not images for each in renamed)
        and bool(images or all_a)
    )
    return Comparison(
        a=a,
        b=b,
        answer=Answer.SAME_IMAGES if same else Answer.DIFFERENT,
        images=images,
        artifacts_only_a=tuple(sorted(all_a.keys() - all_b.keys())),
        artifacts_only_b=tuple(sorted(all_b.keys() - all_a.keys())),
        artifacts_renamed=renamed,
        findings_only_a=by_code(found_a - found_b),
        findings_only_b=by_code(found_b - found_a),
        readers=readers,
        traits=tuple(_traits(a, case_a, b, case_b)),
        members=compare_files(of_archive(case_a.catalogue), of_archive(case_b.catalogue), limits, limits.differences),
    )


def _artifacts(case: Case) -> dict[Digest, Image]:
    """What is no image, by the digest of its manifest; the first of each."""
    found: dict[Digest, Image] = {}
    for each in case.structure.artifacts:
        blob = None if each.manifest_member is None else case.catalogue.blobs.get(each.manifest_member)
        if blob is not None:
            found.setdefault(blob.digest, each)
    return found


def _counted(artifacts: Mapping[Digest, Image], *, with_attestations: bool) -> set[Digest]:
    """Those that decide: attestations only where there is nothing else, since most tools leave them behind."""
    return {digest for digest, each in artifacts.items() if with_attestations or each.kind is ImageKind.ARTIFACT}


def _renamed(a: Mapping[Digest, Image], b: Mapping[Digest, Image]) -> Iterator[Renamed]:
    for digest in sorted(a.keys() & b.keys()):
        only_a, only_b = only_in(a[digest], b[digest]), only_in(b[digest], a[digest])
        if only_b or (only_a and b[digest].tags):
            yield Renamed(digest, only_a, only_b, a[digest].kind is ImageKind.ARTIFACT)


def _traits(a: ArchiveReport, case_a: Case, b: ArchiveReport, case_b: Case) -> Iterator[Trait]:
    of_a, of_b = _wrapping(a, case_a), _wrapping(b, case_b)
    yield from (Trait(what, of_a[what], of_b[what]) for what in of_a if of_a[what] != of_b[what])
    names_a = [member.path for member in case_a.catalogue.members]
    names_b = [member.path for member in case_b.catalogue.members]
    if names_a != names_b and Counter(names_a) == Counter(names_b):
        yield Trait("order of members", "", "another")


def _wrapping(report: ArchiveReport, case: Case) -> dict[str, str]:
    """What can be said of an archive without looking into its members."""
    catalogue, producer = case.catalogue, case.producer
    members = catalogue.members
    return {
        "bytes": str(catalogue.size),
        "verdict": report.verdict.value,
        "outer compression": catalogue.outer.value,
        "layouts": " + ".join(case.structure.layouts) or "no documents",
        "written by": f"{producer.name} {producer.versions or ''}".strip() if producer is not None else "unknown",
        "members": str(len(members)),
        "tar headers": ", ".join(sorted({member.format for member in members})),
        "owners": _few(f"{member.uid}:{member.gid} {member.uname} {member.gname}".strip() for member in members),
    }


def _few(values: Iterator[str]) -> str:
    distinct = sorted(set(values))
    more = f" and {len(distinct) - 4} more" if len(distinct) > 4 else ""
    return ", ".join(distinct[:4]) + more
