"""Candidates for the manifest that a registry shows: those in the archive, and those that pushers would make.

A candidate is bytes and their SHA-256. How likely it is, and why, is told beside it; proof is only that its digest is
the one that a registry showed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_manifest
from imgforensics.expectation import SuppliedManifest
from imgforensics.model import Compression, Digest
from imgforensics.recompress import ENCODERS
from imgforensics.reconstruct.build import BuiltManifest, LayerDescriptor, NotDerivableError, build
from imgforensics.reconstruct.evidence import Ranked
from imgforensics.reconstruct.ledger import KnownLayer, KnownManifest
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.material import Material, Piece
from imgforensics.reconstruct.preserved import Preserved
from imgforensics.reconstruct.pusher import STORED, Pusher
from imgforensics.reconstruct.workshop import Workshop

FOREIGN = "foreign"
"""Stands for an encoder where a layer is fetched from elsewhere and never uploaded."""


class Basis(StrEnum):
    """Where the bytes of a candidate come from."""

    PRESERVED = "preserved"
    """They lie in the archive, or were learned."""
    RECONSTRUCTED = "reconstructed"
    """They were written here, as a pusher would."""


@dataclass(frozen=True, slots=True)
class UploadedLayer:
    """One layer in the form in which a candidate names it."""

    descriptor: LayerDescriptor
    encoder: str
    """Name of the encoding that made this form; ``stored`` as the archive has it, ``foreign`` from elsewhere."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One manifest that a registry may show."""

    digest: Digest
    size: int
    """Bytes of the manifest."""
    media_type: str
    content: bytes
    """The exact bytes."""
    basis: Basis
    pusher: str | None
    """Name of the pusher; None where the bytes were found."""
    title: str
    """The pusher, or the place where the bytes were found, in words."""
    encoder: str | None
    """Names of the encodings of its layers, lowest first, each once."""
    likelihood: Likelihood
    layers: tuple[UploadedLayer, ...]
    assumptions: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    indexes: tuple[Digest, ...] = ()
    """Indexes in the archive that list it."""


def encodings(pusher: Pusher) -> tuple[str, ...]:
    """The encoders of a pusher that can be run here, the likeliest first."""
    return tuple(name for name in pusher.encoders if name in ENCODERS or name == STORED)


class Bench:
    """One image on the workbench: its layers in every form that was made of them so far."""

    def __init__(self, material: Material, workshop: Workshop) -> None:
        self.material = material
        self._workshop = workshop
        self._forms: dict[str, dict[Digest, LayerDescriptor]] = {}

    @property
    def made(self) -> tuple[str, ...]:
        """Encodings in which the layers are at hand."""
        return tuple(self._forms)

    def make(self, encoding: str) -> None:
        """Compress every layer so, unless that was done."""
        if encoding in self._forms or encoding == STORED:
            return
        streams = self._workshop.streams(self.material.pieces, encoding)
        self._forms[encoding] = {
            diff_id: LayerDescriptor(stream.digest, stream.size, diff_id) for diff_id, stream in streams.items()
        }

    def layer(self, piece: Piece, encoding: str, *, keep: bool) -> UploadedLayer:
        """One layer as it would be uploaded.

        Args:
            piece: the layer.
            encoding: how it is compressed; it must have been made.
            keep: whether a compressed layer is uploaded as it lies in the archive.

        Raises:
            NotDerivableError: the archive does not hold it.
        """
        if piece.foreign is not None:
            return UploadedLayer(piece.foreign, FOREIGN)
        if piece.member is None:
            raise NotDerivableError(f"layer {piece.index}, {piece.diff_id}, is not in the archive")
        if piece.stored is not None and (encoding == STORED or (keep and piece.compressed)):
            return UploadedLayer(piece.stored, STORED)
        form = self._forms.get(encoding, {}).get(piece.diff_id)
        if form is None:
            raise NotDerivableError(f"layer {piece.index} is in no form called {encoding}")
        return UploadedLayer(form, encoding)

    def layers(self, encoding: str, *, keep: bool) -> tuple[UploadedLayer, ...]:
        """All layers as they would be uploaded, lowest first."""
        return tuple(self.layer(piece, encoding, keep=keep) for piece in self.material.pieces)

    def build(self, pusher: Pusher, layers: Sequence[UploadedLayer]) -> BuiltManifest:
        """The manifest that a pusher writes over these layers, with the annotations that the archive has."""
        material = self.material
        return build(pusher, material.config, [layer.descriptor for layer in layers], material.annotations)


def reconstructed(bench: Bench, ranked: Ranked, encoding: str) -> Candidate:
    """What a pusher would upload with one encoder; its layers are compressed now if they were not before.

    Raises:
        NotDerivableError: it does not follow from the archive. The message says why.
    """
    if bench.material.missing:
        raise NotDerivableError(f"layers {', '.join(map(str, bench.material.missing))} are not in the archive")
    bench.make(encoding)
    layers = bench.layers(encoding, keep=ranked.stored)
    return candidate(bench, ranked, layers)


def candidate(bench: Bench, ranked: Ranked, layers: tuple[UploadedLayer, ...]) -> Candidate:
    """The candidate of a pusher over given layers."""
    pusher = ranked.pusher
    made = bench.build(pusher, layers)
    used = tuple(dict.fromkeys(layer.encoder for layer in layers))
    assumed = tuple(f"layers compressed by {ENCODERS[name].stands_for}" for name in used if name in ENCODERS)
    if made.config != bench.material.config:
        assumed = (*assumed, "the config was rewritten on the way: the image ID in the registry is another one")
    return Candidate(
        digest=made.digest,
        size=made.size,
        media_type=made.media_type,
        content=made.content,
        basis=Basis.RECONSTRUCTED,
        pusher=pusher.name,
        title=f"{pusher.title} ({pusher.versions})",
        encoder=", ".join(used) or None,
        likelihood=ranked.likelihood,
        layers=layers,
        assumptions=(*assumed, *ranked.assumptions),
        evidence=ranked.evidence,
    )


def from_archive(case: Case, found: Preserved) -> Candidate | None:
    """A manifest that lies in the archive; None where its bytes were not kept."""
    content = case.catalogue.content(found.member)
    if content is None:
        return None
    return Candidate(
        digest=found.digest,
        size=found.size,
        media_type=found.media_type,
        content=content,
        basis=Basis.PRESERVED,
        pusher=None,
        title=f"in the archive: {case.name(found.member)}",
        encoder=None,
        likelihood=found.likelihood,
        layers=tuple(_named_layers(case, found.member)),
        assumptions=found.assumptions,
        evidence=(*found.evidence, *(f"spelled as by {writer}" for writer in found.writers)),
        indexes=found.indexes,
    )


def learned_form(known: KnownLayer) -> UploadedLayer:
    """A layer in a form that the ledger learned."""
    compression = compression_of(known.media_type)
    descriptor = LayerDescriptor(known.digest, known.size, known.diff_id, compression)
    return UploadedLayer(descriptor, f"learned from {known.source}")


def from_ledger(known: KnownManifest, likelihood: Likelihood) -> Candidate:
    """A manifest that was learned, and names this image's config."""
    return Candidate(
        digest=known.digest,
        size=len(known.content),
        media_type=known.media_type,
        content=known.content,
        basis=Basis.PRESERVED,
        pusher=None,
        title=f"learned from {known.source}",
        encoder=None,
        likelihood=likelihood,
        layers=(),
        assumptions=("the manifest that was learned is the one of the registry that is meant",),
        evidence=("a manifest that was learned names this very config, and so the same layers uncompressed",),
    )


def from_file(supplied: SuppliedManifest, media_type: str) -> Candidate:
    """A manifest that was handed in, and was found to be of this image."""
    return Candidate(
        digest=supplied.digest,
        size=len(supplied.content),
        media_type=media_type,
        content=supplied.content,
        basis=Basis.PRESERVED,
        pusher=None,
        title=f"handed in: {supplied.source}",
        encoder=None,
        likelihood=Likelihood.CERTAIN,
        layers=(),
        assumptions=("the registry that is meant gave these bytes",),
        evidence=("it names this very config, and so the same layers uncompressed",),
    )


def _named_layers(case: Case, member: int) -> Iterator[UploadedLayer]:
    manifest = read_manifest(case.structure.documents[member].value, case.catalogue.limits, Reader())
    for each in manifest.layers:
        if each.digest is not None and each.size is not None:
            yield UploadedLayer(
                LayerDescriptor(
                    each.digest, each.size, None, compression_of(each.media_type), media_type=each.media_type
                ),
                STORED,
            )


def compression_of(media_type: str) -> Compression:
    """What a layer's media type says of its compression; gzip where it says nothing."""
    if not media_type:
        return Compression.GZIP
    if media_type.endswith("zstd"):
        return Compression.ZSTD
    return Compression.GZIP if media_type.endswith("gzip") else Compression.NONE


def distinct(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The likeliest candidate of each digest, likeliest first; its evidence names those that gave the same."""
    kept: dict[Digest, Candidate] = {}
    for each in sorted(candidates, key=lambda one: one.likelihood.rank):
        first = kept.get(each.digest)
        if first is None:
            kept[each.digest] = each
        elif each.title != first.title:
            evidence = dict.fromkeys((*first.evidence, f"the same bytes as {each.title}"))
            kept[each.digest] = replace(first, evidence=tuple(evidence))
    return tuple(kept.values())
