"""What the page shows of one archive: plain values, bounded, in the words and order in which templates print them."""

from collections import Counter
from dataclasses import dataclass

from imgforensics.case import Case
from imgforensics.findings import Finding, NotChecked, Severity, Verdict
from imgforensics.model import Outcome, What
from imgforensics.rendering.layerpicture import MOST, Picture, picture, size
from imgforensics.rendering.layerstate import State, States
from imgforensics.rendering.pagetrust import LoadsView, SignaturesView, loads_view, signatures_view
from imgforensics.rendering.words import MEANINGS, place
from imgforensics.rendering.writer import utc
from imgforensics.report import ArchiveReport
from imgforensics.structure import Image

FINDINGS, IMAGES, RELATED, FEW = 200, 60, 8, 12
"""How many of each are shown; what is left out is counted. A hostile archive could have millions."""

CLAIMS = {
    What.MEMBER_NAME: "file names",
    What.DESCRIPTOR_DIGEST: "digests in descriptors",
    What.DESCRIPTOR_SIZE: "sizes in descriptors",
    What.DESCRIPTOR_DATA: "embedded data",
    What.DIFF_ID: "diff_ids of layers",
    What.LAYER_COUNT: "layer counts",
    What.HISTORY_COUNT: "history counts",
    What.V1_ID: "legacy layer IDs",
    What.V1_JSON: "legacy layer documents",
    What.REPOSITORIES: "repositories",
}


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding."""

    severity: Severity
    code: str
    name: str
    message: str
    place: str
    claimed: str | None
    computed: str | None
    related: tuple[str, ...]
    more: int
    """Related places that are not shown."""


@dataclass(frozen=True, slots=True)
class LayerView:
    """One layer, in full."""

    index: int
    member: str | None
    diff_id: str | None
    digest: str | None
    size: int | None
    unpacked: int | None
    compression: str | None
    created_by: str
    state: State
    why: str


@dataclass(frozen=True, slots=True)
class ImageView:
    """One image."""

    index: int
    tags: tuple[str, ...]
    platform: str | None
    views: str
    image_id: str | None
    manifest: str | None
    likely: tuple[str, str] | None
    """The digest that a registry shows, and what says so."""
    candidates: int
    """Other digests that are possible."""
    picture: Picture
    layers: tuple[LayerView, ...]


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """One archive."""

    number: int
    path: str
    verdict: Verdict
    meaning: str
    digest: str | None
    size: int | None
    human_size: str
    layouts: str
    producer: str | None
    evidence: tuple[str, ...]
    error: str | None
    problems: tuple[FindingView, ...]
    """Errors and warnings."""
    notes: tuple[FindingView, ...]
    counts: tuple[tuple[Severity, int], ...]
    """How many findings of each severity there are, shown or not."""
    hidden: int
    """Findings that are not shown."""
    images: tuple[ImageView, ...]
    image_count: int
    artifacts: tuple[str, ...]
    loads: LoadsView | None
    signatures: SignaturesView | None
    expectations: tuple[tuple[str, str, str], ...]
    """Digest, result, and what proves or refutes it."""
    claims: tuple[tuple[str, int, int, int], ...]
    """Kind of a claim, and how many held, failed, and could not be checked."""
    not_checked: tuple[NotChecked, ...]
    started: str | None
    ended: str | None


def view(archive: ArchiveReport, number: int) -> ArchiveView:
    """What the page shows of an archive.

    Args:
        archive: its report.
        number: its place in the run, from 1.
    """
    case = archive.case
    shown = archive.findings[:FINDINGS]
    counts = Counter(finding.severity for finding in archive.findings)
    layouts = [] if case is None else [layout.value for layout in case.structure.layouts]
    if case is not None and case.catalogue.outer != "none":
        layouts.append(f"{case.catalogue.outer} around it")
    producer = None if case is None else case.producer
    states = None if case is None else States(case)
    return ArchiveView(
        number=number,
        path="standard input" if archive.path == "-" else archive.path,
        verdict=archive.verdict,
        meaning=archive.error or MEANINGS[archive.verdict],
        digest=None if archive.digest is None else str(archive.digest),
        size=archive.size,
        human_size="" if archive.size is None else size(archive.size),
        layouts=", ".join(layouts) or "no documents",
        producer=None if producer is None else producer.name + (f" ({producer.versions})" if producer.versions else ""),
        evidence=() if producer is None else producer.evidence[:FEW],
        error=archive.error,
        problems=tuple(_finding(each) for each in shown if each.severity is not Severity.NOTE),
        notes=tuple(_finding(each) for each in shown if each.severity is Severity.NOTE),
        counts=tuple((severity, counts[severity]) for severity in Severity if counts[severity]),
        hidden=len(archive.findings) - len(shown),
        images=tuple(_image(case, each, states, archive) for each in archive.images[:IMAGES])
        if case is not None and states is not None
        else (),
        image_count=len(archive.images),
        artifacts=() if case is None else _artifacts(case),
        loads=None if case is None else loads_view(case),
        signatures=None if case is None else signatures_view(case, archive.images),
        expectations=()
        if case is None
        else tuple((str(each.digest), each.result.value, each.how) for each in case.expectations),
        claims=() if case is None else _claims(case),
        not_checked=archive.not_checked,
        started=None if archive.period is None else utc(archive.period.started),
        ended=None if archive.period is None else utc(archive.period.ended),
    )


def _finding(finding: Finding) -> FindingView:
    return FindingView(
        severity=finding.severity,
        code=finding.rule.code,
        name=finding.rule.name,
        message=finding.message,
        place=place(finding.location),
        claimed=finding.claimed,
        computed=finding.computed,
        related=tuple(place(each) for each in finding.related[:RELATED]),
        more=max(0, len(finding.related) - RELATED),
    )


def _image(case: Case, image: Image, states: States, archive: ArchiveReport) -> ImageView:
    config = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
    manifest = None if image.manifest_member is None else case.catalogue.blobs.get(image.manifest_member)
    registry = archive.registries.get(image.index)
    likely = None if registry is None else registry.likely
    return ImageView(
        index=image.index,
        tags=image.tags[:FEW],
        platform=image.platform,
        views=", ".join(image.views),
        image_id=None if config is None else str(config.digest),
        manifest=None if manifest is None else str(manifest.digest),
        likely=None if likely is None else (str(likely.digest), likely.title),
        candidates=0 if registry is None else len([each for each in registry.candidates if each is not likely]),
        picture=picture(case, image, states),
        layers=_layers(case, image, states),
    )


def _layers(case: Case, image: Image, states: States) -> tuple[LayerView, ...]:
    history = (image.config.history if image.config else None) or ()
    commands = [entry.created_by for entry in history if not entry.empty_layer]
    result = []
    for layer in image.layers[:MOST]:
        blob = None if layer.member is None else case.catalogue.blobs.get(layer.member)
        state, why = states.layer(image, layer)
        result.append(
            LayerView(
                index=layer.index,
                member=None if layer.member is None else case.name(layer.member),
                diff_id=None if blob is None or blob.diff_id is None else str(blob.diff_id),
                digest=None if blob is None else str(blob.digest),
                size=None if blob is None else blob.size,
                unpacked=None if blob is None else blob.uncompressed_size,
                compression=None if blob is None else blob.compression.value,
                created_by=commands[layer.index] if layer.index < len(commands) else "",
                state=state,
                why=why,
            )
        )
    return tuple(result)


def _artifacts(case: Case) -> tuple[str, ...]:
    lines = []
    for artifact in case.structure.artifacts[:IMAGES]:
        manifest = None if artifact.manifest_member is None else case.catalogue.blobs.get(artifact.manifest_member)
        name = ", ".join(artifact.tags[:FEW]) or artifact.artifact_type or ""
        lines.append(" ".join(part for part in (artifact.kind, str(manifest.digest) if manifest else "", name) if part))
    hidden = len(case.structure.artifacts) - len(lines)
    return tuple([*lines, f"and {hidden} more"] if hidden else lines)


def _claims(case: Case) -> tuple[tuple[str, int, int, int], ...]:
    counts = Counter((each.what, each.outcome) for each in case.verifications)
    rows = []
    for what, words in CLAIMS.items():
        held, failed, left = (counts[what, each] for each in (Outcome.MATCH, Outcome.MISMATCH, Outcome.UNCHECKED))
        if held or failed or left:
            rows.append((words, held, failed, left))
    return tuple(rows)
