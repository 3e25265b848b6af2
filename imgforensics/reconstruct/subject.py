"""One image of an archive, and everything that is known of how a registry may show it."""

from collections.abc import Iterator
from dataclasses import dataclass

from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_manifest
from imgforensics.documents import DocumentKind, Manifest, read_document
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import Compression, Digest
from imgforensics.reconstruct.candidates import Bench, Candidate, compression_of, from_ledger
from imgforensics.reconstruct.evidence import Ranked
from imgforensics.reconstruct.ledger import Ledger
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.material import Material, Piece
from imgforensics.structure import Image


@dataclass(frozen=True)
class Subject:
    """One image."""

    image: Image
    config: Digest | None
    """SHA-256 of its config's bytes, None where the archive does not hold it."""
    bench: Bench | None
    """None where nothing can be rebuilt of it."""
    reason: str
    """Why there is no bench."""
    contradicted: bool
    """The archive holds something else than the image's config names."""
    ranked: tuple[Ranked, ...]
    preserved: tuple[Candidate, ...]
    chosen: bool
    """Whether it is one of those that were asked for."""

    @property
    def missing(self) -> str | None:
        """What of the image is not in the archive, in words."""
        if self.bench is None or not self.bench.material.missing:
            return None
        return f"layers {', '.join(map(str, self.bench.material.missing))} are not in the archive"


def manifest_of(content: bytes, limits: Limits = DEFAULT_LIMITS) -> Manifest | None:
    """The image manifest that some bytes are, None where they are none, or have more layers than are read."""
    document = read_document(content, limits)
    if document.kind is not DocumentKind.MANIFEST:
        return None
    manifest = read_manifest(document.value, limits, Reader(limits))
    return manifest if len(manifest.layers) < limits.layers else None


def contradiction(case: Case, manifest: Manifest, material: Material, config: bytes) -> str | None:
    """Where a manifest that names this config does not describe these layers; None where nothing contradicts it.

    A layer's compressed form need not be in the archive: then its digest cannot be compared, and what it unpacks to
    follows from the config, which every reader holds it against.

    Args:
        case: the archive.
        manifest: what is claimed.
        material: what the archive gives.
        config: the bytes that the manifest names: the archive's config, or what tools make of it on the way.
    """
    if len(manifest.layers) != len(material.pieces):
        return f"it has {len(manifest.layers)} layers, the config {len(material.pieces)}"
    if manifest.config is not None and manifest.config.size not in (None, len(config)):
        return f"it says that the config has {manifest.config.size} bytes; it has {len(config)}"
    for layer, piece in zip(manifest.layers, material.pieces, strict=True):
        if layer.digest is None:
            return f"the digest of its layer {piece.index} is none"
        wrong = _layer_contradiction(case, layer.digest, layer.size, layer.media_type, piece)
        if wrong is not None:
            return wrong
    return None


def _layer_contradiction(case: Case, digest: Digest, size: int | None, media_type: str, piece: Piece) -> str | None:
    if piece.foreign is not None and digest == piece.foreign.digest:
        return None
    if piece.stored is not None and digest == piece.stored.digest:
        if size not in (None, piece.stored.size):
            return f"it says that layer {piece.index} has {size} bytes; it has {piece.stored.size}"
        return None
    if compression_of(media_type) is Compression.NONE and digest.algorithm == piece.diff_id.algorithm:
        if digest != piece.diff_id:
            return f"it says that layer {piece.index} is {digest}, not compressed; the config says {piece.diff_id}"
        return None
    for member in case.catalogue.by_digest.get(digest, ()):
        held = case.catalogue.blobs[member].diff_id_by(piece.diff_id.algorithm)
        if held is not None and held != piece.diff_id:
            return f"its layer {piece.index}, {case.name(member)}, unpacks to {held}; the config says {piece.diff_id}"
    return None


def learned(case: Case, subject: Subject, ledger: Ledger | None) -> Iterator[Candidate]:
    """Manifests of an image that the ledger learned, and that do not contradict it.

    Those whose layers all are forms that were seen elsewhere, or lie in the archive, are likely; the others possible.
    """
    if subject.bench is None or ledger is None:
        return
    material = subject.bench.material
    for known in ledger.manifests(material.config_digest):
        manifest = manifest_of(known.content)
        if manifest is None or manifest.config is None or manifest.config.digest != material.config_digest:
            continue
        if contradiction(case, manifest, material, material.config) is not None:
            continue
        confirmed = all(
            layer.digest in _forms(piece, ledger, known.source)
            for layer, piece in zip(manifest.layers, material.pieces, strict=True)
        )
        yield from_ledger(known, Likelihood.LIKELY if confirmed else Likelihood.POSSIBLE)


def _forms(piece: Piece, ledger: Ledger, source: str) -> set[Digest]:
    """Forms of a layer that are known otherwise than from this source."""
    forms = {layer.digest for layer in ledger.layers(piece.diff_id) if layer.source != source}
    return forms | {each.digest for each in (piece.stored, piece.foreign) if each is not None}
