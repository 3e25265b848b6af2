"""What a run over many archives keeps of each: a few plain values, so that a thousand cost little.

They are enough to compare archives with each other, with an earlier run, and with a lock file.
"""

from dataclasses import dataclass

from imgforensics.case import Case
from imgforensics.framing import Framing, framing_of
from imgforensics.model import Outcome
from imgforensics.report import ArchiveReport
from imgforensics.structure import Image


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One layer of an image."""

    diff_id: str | None
    """What the config claims; where it claims nothing, what was computed."""
    digest: str | None
    """SHA-256 of the layer as it is stored, None where it is not in the archive."""
    size: int | None
    """Bytes as stored."""
    held: str
    """How the diff_id fared: an outcome's value, or ``missing`` where the layer is not in the archive."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One image."""

    image_id: str | None
    """Computed from the config."""
    manifest: str | None
    """Digest of the manifest that lies in the archive."""
    platform: str | None
    tags: tuple[str, ...]
    """As written."""
    layers: tuple[LayerFacts, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """One archive."""

    path: str
    sha256: str | None
    """Of the file as it lies on disk; None where it was not hashed or there is no answer."""
    size: int | None
    """Bytes of the file."""
    verdict: str
    producer: str | None
    """Name of the tool that wrote it."""
    error: str | None
    images: tuple[ImageFacts, ...]
    framing: Framing | None = None
    """How it is wrapped; None where it could not be read."""


def facts_of(report: ArchiveReport) -> Facts:
    """What is kept of one archive's report. All its images count, whichever were asked for."""
    case = report.case
    return Facts(
        path=report.path,
        sha256=None if report.digest is None else str(report.digest),
        size=report.size,
        verdict=report.verdict.value,
        producer=None if case is None or case.producer is None else case.producer.name,
        error=report.error,
        images=() if case is None else tuple(_image(case, image) for image in case.structure.images),
        framing=None if case is None else framing_of(case.catalogue),
    )


def _image(case: Case, image: Image) -> ImageFacts:
    config = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
    manifest = None if image.manifest_member is None else case.catalogue.blobs.get(image.manifest_member)
    return ImageFacts(
        image_id=None if config is None else str(config.digest),
        manifest=None if manifest is None else str(manifest.digest),
        platform=image.platform,
        tags=image.tags,
        layers=tuple(_layer(case, image, index) for index in range(len(image.layers))),
    )


def _layer(case: Case, image: Image, index: int) -> LayerFacts:
    layer = image.layers[index]
    blob = None if layer.member is None else case.catalogue.blobs.get(layer.member)
    check = case.diff_id_checks.get((image.index, index))
    computed = None if blob is None or blob.diff_id is None else str(blob.diff_id)
    outcome = Outcome.UNCHECKED if check is None else check.outcome
    return LayerFacts(
        diff_id=layer.claimed_diff_id or computed,
        digest=None if blob is None else str(blob.digest),
        size=None if blob is None else blob.size,
        held="missing" if layer.member is None else outcome.value,
    )
