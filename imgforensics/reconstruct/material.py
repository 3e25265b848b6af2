"""What an archive gives for rebuilding an image's manifest: the config's bytes, and each layer with its diff_id."""

from collections.abc import Mapping
from dataclasses import dataclass

from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_manifest
from imgforensics.documents import Descriptor
from imgforensics.model import Compression, Digest, Outcome
from imgforensics.reconstruct.build import LayerDescriptor, NotDerivableError
from imgforensics.structure import Image, Layer


class ContradictionError(NotDerivableError):
    """What the archive holds is not what its config names: no registry has such an image."""


EMPTY_LAYER = Digest.sha256("5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")
"""diff_id of the layer that is nothing but the end of a tar: 1024 zero bytes."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One layer of an image, as far as an archive and its config tell."""

    index: int
    """Position, from 0, lowest layer first."""
    diff_id: Digest
    """SHA-256 of the uncompressed bytes: computed where the bytes are there, else as the config says."""
    member: int | None
    """Index of the member that holds it, None where the archive does not."""
    size: int | None
    """Bytes uncompressed, None where they are not there."""
    stored: LayerDescriptor | None
    """The blob as the archive holds it; None where it is not the one that its name promises."""
    foreign: LayerDescriptor | None = None
    """What a document says of a layer that is fetched from elsewhere, and that no tool uploads (``urls``)."""

    @property
    def compressed(self) -> bool:
        """Whether the archive holds a compressed form."""
        return self.stored is not None and self.stored.compression is not Compression.NONE


@dataclass(frozen=True, slots=True)
class Material:
    """An image's config and layers."""

    image: int
    """Index of the image."""
    config: bytes
    config_digest: Digest
    """SHA-256 of the config: the image ID."""
    pieces: tuple[Piece, ...]
    annotations: Mapping[str, str] | None
    """Of the manifest in the archive, which pushing over other layers keeps; None where there is no manifest."""
    misnamed: bool = False
    """The config is not the one that its name or a descriptor promises."""

    @property
    def missing(self) -> tuple[int, ...]:
        """Indexes of layers that the archive does not hold, but should: foreign ones are fetched from elsewhere."""
        return tuple(piece.index for piece in self.pieces if piece.member is None and piece.foreign is None)


def gather(case: Case, image: Image) -> Material:
    """What the archive gives for an image.

    Raises:
        ContradictionError: a layer is not the one that the config names. The message says which.
        NotDerivableError: there is no config, or something was not hashed.
    """
    if image.config_member is None or image.config is None:
        raise NotDerivableError("the archive does not hold the image's config")
    config = case.catalogue.content(image.config_member)
    blob = case.catalogue.blobs.get(image.config_member)
    if config is None or blob is None:
        raise NotDerivableError("the image's config was not read")
    claimed = image.config.diff_ids
    most = case.catalogue.limits.layers
    if max(len(claimed), len(image.layers)) >= most:
        raise NotDerivableError(f"the image has {most} layers or more; they were not all read")
    if len(claimed) != len(image.layers):
        raise ContradictionError(f"the config names {len(claimed)} layers, the archive {len(image.layers)}")
    pieces = tuple(_piece(case, image, index, text) for index, text in enumerate(claimed))
    misnamed = image.config_member in case.wrong_bytes
    return Material(image.index, config, blob.digest, pieces, _annotations(case, image), misnamed)


def _annotations(case: Case, image: Image) -> Mapping[str, str] | None:
    document = None if image.manifest_member is None else case.structure.documents.get(image.manifest_member)
    if document is None:
        return None
    return read_manifest(document.value, case.catalogue.limits, Reader()).annotations


def _piece(case: Case, image: Image, index: int, claimed: str) -> Piece:
    try:
        diff_id = Digest.parse(claimed)
    except ValueError:
        raise NotDerivableError(f"layer {index}: the config's diff_id is no digest") from None
    member = image.layers[index].member
    foreign = _foreign(image.layers[index], diff_id)
    if member is None:
        return Piece(index, diff_id, None, None, None, foreign)
    blob = case.catalogue.blobs.get(member)
    checked = case.diff_id_checks.get((image.index, index))
    if blob is None or checked is None:
        raise NotDerivableError(f"layer {index}: {case.name(member)} was not hashed")
    if checked.outcome is Outcome.MISMATCH:
        raise ContradictionError(f"layer {index}: {case.name(member)} is not the layer that the config names")
    if checked.outcome is not Outcome.MATCH or blob.uncompressed_size is None:
        raise NotDerivableError(f"layer {index}: {case.name(member)}: {checked.reason}")
    stored = None
    if member not in case.wrong_bytes:
        annotations = next((each.annotations for each in _descriptors(image.layers[index]) if each.annotations), {})
        stored = LayerDescriptor(blob.digest, blob.size, diff_id, blob.compression, dict(annotations))
    return Piece(index, diff_id, member, blob.uncompressed_size, stored, foreign)


def _descriptors(layer: Layer) -> list[Descriptor]:
    return [reference.descriptor for reference in layer.references if reference.descriptor is not None]


def _foreign(layer: Layer, diff_id: Digest) -> LayerDescriptor | None:
    for each in _descriptors(layer):
        if each.urls and each.digest is not None and each.size is not None:
            return LayerDescriptor(
                each.digest,
                each.size,
                diff_id,
                annotations=dict(each.annotations),
                media_type=each.media_type,
                urls=each.urls,
            )
    return None
