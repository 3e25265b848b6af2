"""Claims against measurements. Every claim that an archive makes about its own bytes is compared, and every comparison
is kept, whatever it gave. Nothing here raises, prints or judges.
"""

import hashlib
from collections.abc import Iterator

from imgforensics.catalogue import Catalogue
from imgforensics.documents import Descriptor, DocumentKind
from imgforensics.legacy import verify_legacy
from imgforensics.model import (
    DIGEST_LENGTHS,
    Blob,
    Compression,
    Digest,
    Location,
    MemberKind,
    Outcome,
    Verification,
    What,
    clean_path,
)
from imgforensics.names import name_claim
from imgforensics.producer import Producer
from imgforensics.reading import is_foreign
from imgforensics.schema1 import payload
from imgforensics.strictjson import parse_json
from imgforensics.structure import Image, Layer, Reference, Structure
from imgforensics.tarheader import is_header

ENCRYPTED = "the layer is encrypted: its diff_id is of the plain text"
"""Why the diff_id of an encrypted layer is not compared."""
SPARSE = "a sparse file whose bytes could not be put together"
"""Why nothing is compared with a sparse member: its stored bytes are not those that the claims are about."""


def verify(catalogue: Catalogue, structure: Structure, producer: Producer | None) -> tuple[Verification, ...]:
    """Compare every claim of an archive with what was measured.

    Args:
        catalogue: the measurements.
        structure: the claims.
        producer: decides whether legacy IDs are expected to follow Docker's scheme.
    """
    return (
        *_names(catalogue),
        *_linked_names(catalogue, structure),
        *_descriptors(catalogue, structure),
        *_images(catalogue, structure),
        *verify_legacy(catalogue, structure, producer),
    )


def _names(catalogue: Catalogue) -> Iterator[Verification]:
    """What members' names claim; the name of a link claims it of the bytes that it leads to."""
    for member in catalogue.members:
        claim = None if member.path is None else name_claim(member.path)
        if claim is None:
            continue
        target = member.index
        if member.kind in (MemberKind.SYMLINK, MemberKind.HARDLINK):
            found, _ = catalogue.follow(member)
            if not found:
                continue
            target = found[-1]
        elif member.kind not in (MemberKind.FILE, MemberKind.SPARSE):
            continue
        where = Location(member=member.name)
        yield _compare(catalogue, where, What.MEMBER_NAME, claim.digest, target, either=claim.of_layer)


def _linked_names(catalogue: Catalogue, structure: Structure) -> Iterator[Verification]:
    """Names in ``manifest.json`` that lead to a member of another name: through a link in the middle of the path."""
    for reference in structure.references:
        if reference.path is None or reference.target is None:
            continue
        claim = name_claim(reference.path)
        own = catalogue.members[reference.target].path or ""
        if claim is not None and not f"/{own}".endswith(f"/{clean_path(reference.path)}"):
            what = What.MEMBER_NAME
            yield _compare(catalogue, reference.where, what, claim.digest, reference.target, either=claim.of_layer)


def _compare(
    catalogue: Catalogue,
    where: Location,
    what: What,
    claimed: Digest,
    target: int,
    *,
    either: bool = False,
    uncompressed: bool = False,
) -> Verification:
    """One claimed digest against the bytes of a member: as stored, uncompressed, or either of both."""
    blob = catalogue.blobs.get(target)
    why = _uncheckable(catalogue, target, claimed.algorithm)
    if why is not None or blob is None:
        return Verification(where, what, str(claimed), None, Outcome.UNCHECKED, why or "not measured", target)
    stored, inflated = blob.digest_by(claimed.algorithm), blob.diff_id_by(claimed.algorithm)
    computed = inflated if uncompressed else stored
    if uncompressed and computed is None:
        reason = "the stream could not be decompressed to its end"
        return Verification(where, what, str(claimed), None, Outcome.UNCHECKED, reason, target)
    bytes_of = "the uncompressed bytes" if uncompressed and inflated != stored else "the bytes"
    name = catalogue.members[target].name
    if computed == claimed:
        return Verification(where, what, str(claimed), str(computed), Outcome.MATCH, f"{bytes_of} of {name}", target)
    if either and inflated == claimed:
        reason = f"the uncompressed bytes of {name}"
        return Verification(where, what, str(claimed), str(inflated), Outcome.MATCH, reason, target)
    if not uncompressed and claimed == _payload_digest(catalogue, target, claimed.algorithm):
        reason = f"the payload of {name} without its signatures"
        return Verification(where, what, str(claimed), str(claimed), Outcome.MATCH, reason, target)
    reason = f"{bytes_of} of {name} hash to another digest"
    if uncompressed and stored == claimed:
        reason = f"it is the digest of the compressed bytes of {name}, not of the uncompressed ones"
    return Verification(where, what, str(claimed), str(computed), Outcome.MISMATCH, reason, target)


def _payload_digest(catalogue: Catalogue, target: int, algorithm: str) -> Digest | None:
    """The digest by which a signed schema 1 manifest is known, None where the member is none."""
    raw = catalogue.content(target)
    if raw is None or b'"signatures"' not in raw or b'"fsLayers"' not in raw:
        return None
    signed = payload(raw, parse_json(raw, catalogue.limits).value)
    if signed is None:
        return None
    return Digest(algorithm, hashlib.new(algorithm, signed, usedforsecurity=False).hexdigest())


def _uncheckable(catalogue: Catalogue, target: int, algorithm: str) -> str | None:
    if catalogue.cut_off(target):
        member = catalogue.members[target]
        return f"cut off: {member.present} of {member.data.length} bytes are there"
    if catalogue.unexpanded(target):
        return SPARSE
    if target not in catalogue.blobs:
        return catalogue.unmeasured.get(target, "not measured")
    if algorithm not in DIGEST_LENGTHS:
        return f"digests of the algorithm {algorithm!r} cannot be computed"
    if catalogue.blobs[target].digest_by(algorithm) is None:
        return f"{algorithm} was not computed"
    return None


def _descriptors(catalogue: Catalogue, structure: Structure) -> Iterator[Verification]:
    for reference in structure.references:
        descriptor = reference.descriptor
        if descriptor is None:
            continue
        if descriptor.data is not None:
            yield _embedded(reference, descriptor)
        if reference.target is None:
            continue
        if descriptor.digest is not None:
            what = What.DESCRIPTOR_DIGEST
            yield _compare(catalogue, reference.where, what, descriptor.digest, reference.target)
        if descriptor.size is not None:
            yield _size(catalogue, reference, descriptor.size, reference.target)


def _size(catalogue: Catalogue, reference: Reference, claimed: int, target: int) -> Verification:
    member = catalogue.members[target]
    what = What.DESCRIPTOR_SIZE
    if catalogue.cut_off(target):
        reason = f"cut off: {member.present} of {member.data.length} bytes are there"
        return Verification(reference.where, what, str(claimed), None, Outcome.UNCHECKED, reason, target)
    if catalogue.unexpanded(target):
        return Verification(reference.where, what, str(claimed), None, Outcome.UNCHECKED, SPARSE, target)
    blob = catalogue.blobs.get(target)
    size = member.data.length if blob is None else blob.size
    outcome = Outcome.MATCH if claimed == size else Outcome.MISMATCH
    reason = f"bytes of {member.name}"
    return Verification(reference.where, what, str(claimed), str(size), outcome, reason, target)


def _embedded(reference: Reference, descriptor: Descriptor) -> Verification:
    """A descriptor's ``data`` against its own digest and size (image-spec, descriptor.md, "Embedded Content")."""
    data = descriptor.data or b""
    claimed = descriptor.digest
    where = Location(member=reference.where.member, pointer=f"{descriptor.pointer}/data")
    if claimed is None or not claimed.known:
        reason = "the descriptor's digest cannot be computed"
        return Verification(where, What.DESCRIPTOR_DATA, descriptor.digest_text, None, Outcome.UNCHECKED, reason)
    computed = Digest(claimed.algorithm, hashlib.new(claimed.algorithm, data, usedforsecurity=False).hexdigest())
    # the size of a blob that is there is compared with that
    size_fits = reference.target is not None or descriptor.size is None or descriptor.size == len(data)
    outcome = Outcome.MATCH if computed == claimed and size_fits else Outcome.MISMATCH
    reason = f"{len(data)} bytes embedded in the descriptor, which says {descriptor.size}"
    return Verification(where, What.DESCRIPTOR_DATA, str(claimed), str(computed), outcome, reason)


def _images(catalogue: Catalogue, structure: Structure) -> Iterator[Verification]:
    for image in (*structure.images, *structure.artifacts):
        if image.config is None or image.config_member is None:
            continue
        number = image.index if image.index >= 0 else None
        config = catalogue.members[image.config_member].name
        if image.index >= 0 or image.config.diff_ids:
            yield _layer_count(image, config, number)
        for layer in image.layers:
            yield _diff_id(catalogue, structure, layer, config, number)
        if image.index >= 0:
            yield _history_count(image, config)


def _layer_count(image: Image, config: str, number: int | None) -> Verification:
    claimed = len(image.config.diff_ids) if image.config else 0
    outcome = Outcome.MATCH if claimed == len(image.layers) else Outcome.MISMATCH
    where = Location(member=config, pointer="/rootfs/diff_ids", image=number)
    named = ", ".join(
        sorted({reference.where.member or "" for layer in image.layers for reference in layer.references})
    )
    reason = f"diff_ids of the config against layers listed{' by ' + named if named else ''}"
    return Verification(where, What.LAYER_COUNT, str(claimed), str(len(image.layers)), outcome, reason)


def _history_count(image: Image, config: str) -> Verification:
    where = Location(member=config, pointer="/history", image=image.index)
    history = image.config.history if image.config else None
    computed = str(len(image.layers))
    if not history:
        return Verification(where, What.HISTORY_COUNT, None, computed, Outcome.ABSENT, "the config has no history")
    claimed = sum(not entry.empty_layer for entry in history)
    outcome = Outcome.MATCH if claimed == len(image.layers) else Outcome.MISMATCH
    reason = "history entries that are no empty layer against layers"
    return Verification(where, What.HISTORY_COUNT, str(claimed), computed, outcome, reason)


def _is_encrypted(catalogue: Catalogue, structure: Structure, layer: Layer) -> bool:
    """Whether a layer's bytes can be what a manifest says they are: cipher text.

    Only manifests know encrypted layers (ocicrypt, "+encrypted"), and cipher text is neither a tar nor compressed: what
    a reader could unpack as it stands has a diff_id like any other layer.
    """
    said = any(
        reference.descriptor is not None
        and reference.descriptor.media_type.endswith("+encrypted")
        and structure.documents[reference.member].kind is DocumentKind.MANIFEST
        for reference in layer.references
    )
    blob = None if layer.member is None else catalogue.blobs.get(layer.member)
    return said and not (blob is not None and _can_be_unpacked(blob))


def _can_be_unpacked(blob: Blob) -> bool:
    return blob.compression is not Compression.NONE or not blob.head.strip(b"\0") or is_header(blob.head)


def _diff_id(catalogue: Catalogue, structure: Structure, layer: Layer, config: str, number: int | None) -> Verification:
    where = Location(member=config, pointer=f"/rootfs/diff_ids/{layer.index}", image=number, layer=layer.index)
    claimed = layer.claimed_diff_id
    if claimed is None:
        reason = "the config claims no diff_id for this layer"
        return Verification(where, What.DIFF_ID, None, None, Outcome.ABSENT, reason, layer.member)
    media_type = layer.media_type or ""
    if layer.member is None:
        kept = "kept elsewhere by design (foreign)" if is_foreign(media_type) else "not in the archive"
        reason = f"the layer is {kept}"
        return Verification(where, What.DIFF_ID, claimed, None, Outcome.UNCHECKED, reason)
    if _is_encrypted(catalogue, structure, layer):
        reason = ENCRYPTED
        return Verification(where, What.DIFF_ID, claimed, None, Outcome.UNCHECKED, reason, layer.member)
    try:
        digest = Digest.parse(claimed)
    except ValueError as error:
        reason = f"no digest: {error}"
        return Verification(where, What.DIFF_ID, claimed, None, Outcome.MISMATCH, reason, layer.member)
    return _compare(catalogue, where, What.DIFF_ID, digest, layer.member, uncompressed=True)
