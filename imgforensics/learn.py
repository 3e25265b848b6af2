"""What archives and manifest files teach the ledger: forms of layers that registries have, and whole manifests.

Nothing is learned from an archive that fails its own verification.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_manifest
from imgforensics.documents import DocumentKind, Manifest, read_document
from imgforensics.errors import InputError
from imgforensics.findings import Severity
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import Compression, Digest
from imgforensics.reconstruct.build import NotDerivableError
from imgforensics.reconstruct.ledger import KnownLayer, KnownManifest, Ledger
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.material import gather
from imgforensics.reconstruct.preserved import Preserved, find_preserved
from imgforensics.report import ArchiveReport
from imgforensics.structure import Image


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one file taught."""

    path: str
    layers: int = 0
    """Forms of layers that were not known before."""
    manifests: int = 0
    """Manifests that were not known before."""
    refused: str | None = None
    """Why nothing was learned from it."""

    def __add__(self, other: "Lesson") -> "Lesson":
        return Lesson(self.path, self.layers + other.layers, self.manifests + other.manifests)


def from_archive(report: ArchiveReport, ledger: Ledger) -> Lesson:
    """Learn from an archive that was verified."""
    if report.case is None:
        return Lesson(report.path, refused=report.error)
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    if errors:
        first = errors[0]
        return Lesson(report.path, refused=f"it fails its own verification: {first.rule.code} {first.message}")
    lesson = Lesson(report.path)
    held = find_preserved(report.case)
    for image in report.images:
        lesson += _from_image(report.case, image, held[image.index], report.path, ledger)
    return lesson


def _from_image(case: Case, image: Image, held: Sequence[Preserved], source: str, ledger: Ledger) -> Lesson:
    try:
        material = gather(case, image)
    except NotDerivableError:
        return Lesson(source)
    layers = manifests = 0
    if not material.missing:
        ledger.learn_config(material.config_digest, [piece.diff_id for piece in material.pieces])
    for piece in material.pieces:
        stored = piece.stored
        if stored is not None and stored.compression is not Compression.NONE:
            media_type = image.layers[piece.index].media_type or ""
            layers += ledger.learn_layer(KnownLayer(piece.diff_id, stored.digest, stored.size, media_type, source))
    for found in held:
        content = case.catalogue.content(found.member)
        if content is not None and found.likelihood is not Likelihood.POSSIBLE:
            lesson = _keep(content, found.media_type, source, ledger)
            layers, manifests = layers + lesson.layers, manifests + lesson.manifests
    layers += sum(_pair(known, ledger) for known in ledger.manifests(material.config_digest))
    return Lesson(source, layers, manifests)


def from_manifest(content: bytes, source: str, ledger: Ledger) -> Lesson:
    """Learn a manifest whose bytes were fetched from a registry.

    Raises:
        InputError: it is no image manifest.
    """
    document = read_document(content)
    if document.kind is not DocumentKind.MANIFEST:
        raise InputError(f"no image manifest, but {document.kind}")
    manifest = read_manifest(document.value, DEFAULT_LIMITS, Reader())
    return _keep(content, manifest.media_type, source, ledger)


def _keep(content: bytes, media_type: str, source: str, ledger: Ledger) -> Lesson:
    manifest = _manifest(content)
    if manifest is None or manifest.config is None or manifest.config.digest is None:
        return Lesson(source, refused="it names no config")
    digest = Digest.of(content)
    known = KnownManifest(digest, manifest.config.digest, media_type, content, source)
    new = ledger.learn_manifest(known)
    return Lesson(source, _pair(known, ledger), int(new))


def _pair(known: KnownManifest, ledger: Ledger) -> int:
    """Learn the layers of a manifest whose config was seen: its diff_ids stand in the same order."""
    return sum(ledger.learn_layer(layer) for layer in _layers(known, ledger))


def _layers(known: KnownManifest, ledger: Ledger) -> Iterator[KnownLayer]:
    diff_ids = ledger.diff_ids(known.config)
    manifest = _manifest(known.content)
    if diff_ids is None or manifest is None or len(diff_ids) != len(manifest.layers):
        return
    for diff_id, layer in zip(diff_ids, manifest.layers, strict=True):
        if layer.digest is not None and layer.size is not None and layer.digest != diff_id:
            yield KnownLayer(diff_id, layer.digest, layer.size, layer.media_type, known.source)


def _manifest(content: bytes) -> Manifest | None:
    document = read_document(content)
    if document.kind is not DocumentKind.MANIFEST:
        return None
    return read_manifest(document.value, DEFAULT_LIMITS, Reader())
