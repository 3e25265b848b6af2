"""Whether a digest that was signed is an image of this archive.

Apart from the signature's own status. Hints from around a signature (subject, tag, folder) never bind; they only show
that what was signed is something else than what the signature was put beside. That nothing in the archive leads to a
digest refutes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_index, read_manifest
from imgforensics.documents import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    Descriptor,
    Document,
    DocumentKind,
    Manifest,
    read_document,
)
from imgforensics.expectation import Result, SuppliedManifest
from imgforensics.model import Digest
from imgforensics.ociview import IN_TOTO
from imgforensics.reconstruct.candidates import Basis
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.registry import Reconstruction
from imgforensics.signature import BOUND, Binding, Bound, Found, Signed

Rebuild = Callable[[Sequence[Digest], Sequence[SuppliedManifest]], Reconstruction]
"""Looks for digests in the archive, and rebuilds manifests until one hashes to them."""

_MANIFEST, _INDEX, _ATTESTATION, _ARTIFACT = "manifest", "index", "attestation", "artifact"
_MOST_DIGESTS = 64
_MOST_CHILDREN = 64


class Binder:
    """Binds digests to the images of one archive. Every digest in question is looked for at once."""

    def __init__(
        self, case: Case, wanted: Sequence[Digest], supplied: Sequence[SuppliedManifest], rebuild: Rebuild
    ) -> None:
        self._case = case
        self._supplied = {each.digest: each for each in supplied}
        asked = dict.fromkeys(each for each in wanted if each.algorithm == "sha256")
        for digest in list(asked):
            asked.update(dict.fromkeys(self._below(digest)))
        chosen = list(asked)[:_MOST_DIGESTS]
        manifests = [each for each in supplied if each.digest in asked]
        made = rebuild(chosen, manifests) if chosen else Reconstruction({}, ())
        self._answers = {each.digest: each for each in made.expectations}
        self._registries = made.registries

    def bind(self, found: Found, digests: Sequence[Digest], signed: Signed | None) -> Bound:
        """What these digests, of which one is enough, are to the archive.

        Args:
            found: the signature, for its hints.
            digests: what was signed, or is claimed to be.
            signed: what was signed, where that is authenticated.
        """
        judged = [self._bind(digest, signed) for digest in digests]
        first = next((each for each in judged if each.binding in BOUND), judged[0])
        if first.binding in BOUND:
            return first
        if first.binding is Binding.OTHER_DIGEST:
            return first
        if found.hints and not set(found.hints) & set(digests):
            how = f"it stands with {found.hints[0]}, and what it signs is {digests[0]}"
            return replace(first, binding=Binding.OTHER_DIGEST, how=how)
        if not found.hints and not self._known(digests) and self._all_preserved:
            how = (
                f"every image of the archive has its registry's manifest in it, and none is {digests[0]}; an index "
                "that lists one of them could be, and would show it (--manifest FILE)"
            )
            return replace(first, binding=Binding.OTHER_DIGEST, how=how)
        return first

    def _known(self, digests: Sequence[Digest]) -> bool:
        return any(each in self._case.catalogue.by_digest or each in self._supplied for each in digests)

    @cached_property
    def _all_preserved(self) -> bool:
        """Whether the archive is of a store that keeps the registry's manifests; a copy may have converted them."""
        images = self._case.structure.images
        return bool(images) and all(
            any(
                each.basis is Basis.PRESERVED and each.likelihood is Likelihood.CERTAIN
                for each in (self._registries[image.index].candidates if image.index in self._registries else ())
            )
            for image in images
        )

    # one digest

    def _bind(self, digest: Digest, signed: Signed | None, level: str = "") -> Bound:
        for member in self._case.catalogue.by_digest.get(digest, ()):
            document = self._case.structure.documents.get(member)
            if document is not None and document.kind in (DocumentKind.MANIFEST, DocumentKind.INDEX):
                return self._in_archive(digest, member, signed, level)
        if digest in self._supplied:
            return self._by_supplied(self._supplied[digest], signed, level)
        return self._rebuilt(digest, signed, level)

    def _in_archive(self, digest: Digest, member: int, signed: Signed | None, level: str) -> Bound:
        blob = self._case.catalogue.blobs[member]
        document = self._case.structure.documents[member]
        is_index = document.kind is DocumentKind.INDEX
        wrong = _contradiction(signed, blob.size, _own_type(document), is_index=is_index)
        if wrong is not None:
            return Bound(Binding.OTHER_DIGEST, wrong, digest, level)
        if not is_index and not level:
            limits = self._case.catalogue.limits
            subject = attested(read_manifest(document.value, limits, Reader(limits)))
            if subject is not None:
                return self._two_hops(digest, subject)
        answer = self._answers.get(digest)
        own = level or (_INDEX if is_index else _MANIFEST)
        if answer is None or answer.result is not Result.MATCH:
            how = "not every digest was looked for" if answer is None else answer.how
            return Bound(Binding.UNBOUND, f"{self._case.name(member)} hashes to it, but {how}", digest, own)
        if answer.image is None:
            return Bound(Binding.EXACT, answer.how, digest, _ARTIFACT)
        images = self._listed(digest, answer.image) if is_index else (answer.image,)
        return Bound(Binding.EXACT, answer.how, digest, own, images)

    def _two_hops(self, digest: Digest, subject: Descriptor) -> Bound:
        """An attestation manifest was signed, and it names its image by digest and size."""
        if subject.digest is None:
            return Bound(Binding.UNBOUND, "the attestation that was signed names no image", digest, _ATTESTATION)
        hop = self._bind(subject.digest, Signed((subject.digest,), subject.size), _ATTESTATION)
        return replace(hop, how=f"the attestation {digest} was signed, it is of {subject.digest}: {hop.how}")

    def _listed(self, digest: Digest, image: int) -> tuple[int, ...]:
        """The images that an index lists; where it matches, every one of them is whole."""
        registries = self._registries.items()
        listed = {index for index, each in registries if any(digest in one.indexes for one in each.candidates)}
        return tuple(sorted(listed | {image}))

    def _by_supplied(self, supplied: SuppliedManifest, signed: Signed | None, level: str) -> Bound:
        limits = self._case.catalogue.limits
        document = read_document(supplied.content, limits)
        is_index = document.kind is DocumentKind.INDEX
        wrong = _contradiction(signed, len(supplied.content), _own_type(document), is_index=is_index)
        if wrong is not None:
            return Bound(Binding.OTHER_DIGEST, wrong, supplied.digest, level)
        if is_index:
            return self._by_index(supplied, level or _INDEX)
        own = level or _MANIFEST
        answer = self._answers.get(supplied.digest)
        if answer is None:
            return Bound(Binding.UNBOUND, "not every digest was looked for", supplied.digest, own)
        if answer.result is Result.REFUTED:
            return Bound(Binding.OTHER_DIGEST, answer.how, supplied.digest, own)
        if answer.result is Result.MATCH and answer.image is not None:
            return Bound(Binding.VIA_CONFIG, answer.how, supplied.digest, own, (answer.image,))
        return Bound(Binding.UNBOUND, answer.how, supplied.digest, own)

    def _by_index(self, supplied: SuppliedManifest, level: str) -> Bound:
        """An index that was handed in: it is of every image that a manifest it lists is."""
        judged = [self._bind(digest, None, level) for digest in self._below(supplied.digest)]
        good = [each for each in judged if each.binding in BOUND and each.images]
        if good:
            images = tuple(sorted({image for each in good for image in each.images}))
            binding = next(each.binding for each in good)
            how = f"{supplied.source} is an index that lists {good[0].digest}: {good[0].how}"
            return Bound(binding, how, supplied.digest, level, images)
        how = f"{supplied.source} is an index, and nothing in the archive leads to a manifest that it lists"
        return Bound(Binding.UNBOUND, how, supplied.digest, level)

    def _rebuilt(self, digest: Digest, signed: Signed | None, level: str) -> Bound:
        answer = self._answers.get(digest)
        if answer is None:
            return Bound(Binding.UNBOUND, "it was not looked for", digest, level)
        if answer.result is Result.REFUTED:
            return Bound(Binding.OTHER_DIGEST, answer.how, digest, level)
        if answer.result is not Result.MATCH or answer.image is None:
            return Bound(Binding.UNBOUND, answer.how, digest, level)
        for each in self._registries[answer.image].candidates:
            if each.digest == digest:
                wrong = _contradiction(signed, each.size, each.media_type, is_index=False)
                binding = Binding.RECONSTRUCTED if each.basis is Basis.RECONSTRUCTED else Binding.VIA_CONFIG
                if wrong is not None:
                    return Bound(Binding.OTHER_DIGEST, wrong, digest, level)
                return Bound(binding, answer.how, digest, level or _MANIFEST, (answer.image,))
        return Bound(Binding.UNBOUND, f"{answer.how}; a signature is of a manifest", digest, level)

    def _below(self, digest: Digest) -> Iterator[Digest]:
        """What has to be looked for besides a digest: the image of an attestation, the children of a supplied index."""
        limits = self._case.catalogue.limits
        for member in self._case.catalogue.by_digest.get(digest, ()):
            document = self._case.structure.documents.get(member)
            if document is not None and document.kind is DocumentKind.MANIFEST:
                subject = attested(read_manifest(document.value, limits, Reader(limits)))
                if subject is not None and subject.digest is not None:
                    yield subject.digest
        if digest in self._supplied:
            document = read_document(self._supplied[digest].content, limits)
            if document.kind is DocumentKind.INDEX:
                listed = read_index(document.value, limits, Reader(limits)).manifests[:_MOST_CHILDREN]
                yield from (each.digest for each in listed if each.digest is not None)


def attested(manifest: Manifest) -> Descriptor | None:
    """The image that an attestation manifest is of; None where it is no attestation, or names no image."""
    kinds = {each.media_type for each in manifest.layers}
    return manifest.subject if kinds == {IN_TOTO} else None


def _own_type(document: Document) -> str:
    """What a document says of itself."""
    own = document.value.get("mediaType") if isinstance(document.value, dict) else None
    return own if isinstance(own, str) else ""


def _contradiction(signed: Signed | None, size: int, media_type: str, *, is_index: bool) -> str | None:
    """Where what was signed besides the digest does not fit the document."""
    if signed is None:
        return None
    if signed.size is not None and signed.size != size:
        return f"{signed.size} bytes are signed, the document of that digest has {size}"
    kinds = frozenset({media_type}) if media_type else INDEX_TYPES if is_index else MANIFEST_TYPES
    if signed.media_type is not None and signed.media_type not in kinds:
        return f"{signed.media_type} is signed, and the document of that digest is no such"
    return None
