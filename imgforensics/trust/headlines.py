"""The answer for each image, from every signature that concerns it."""

from collections.abc import Mapping, Sequence

from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_index, read_manifest
from imgforensics.documents import Descriptor, DocumentKind
from imgforensics.model import Digest
from imgforensics.signature import BOUND, Binding, Headline, Purpose, Signature, Status
from imgforensics.structure import Image
from imgforensics.trust.binding import attested

_HOPS = 2
"""From an index to an attestation in it, and from that to its image."""


def headlines(case: Case, images: Sequence[Image], signatures: Sequence[Signature]) -> Mapping[int, Headline]:
    """The headline of every image that was asked for, by its index.

    Attestations state something about an image; they do not sign it.
    """
    related = _Related(case)
    signing = [each for each in signatures if each.found.purpose is Purpose.SIGNATURE]
    concerned = [(each, related.images(each)) for each in signing]
    return {
        image.index: _headline([each for each, whom in concerned if whom is None or image.index in whom], image)
        for image in images
    }


def _headline(concerned: Sequence[Signature], image: Image) -> Headline:
    """One good signature is enough; without one, the worst thing that is known counts."""
    if any(each.is_good and _is_bound(each, image) for each in concerned):
        return Headline.VERIFIED
    if any(each.judgement.status is Status.INVALID for each in concerned):
        return Headline.INVALID
    if any(each.judgement.holds and each.bound and each.bound.binding is Binding.OTHER_DIGEST for each in concerned):
        return Headline.DIFFERENT
    return Headline.UNVERIFIABLE if concerned else Headline.NONE


def _is_bound(signature: Signature, image: Image) -> bool:
    bound = signature.bound
    return bound is not None and bound.binding in BOUND and image.index in bound.images


class _Related:
    """Which images a signature is about; each document is read once."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._known: dict[tuple[Digest, int], frozenset[int]] = {}
        self._manifests: dict[int | None, set[int]] = {}
        for image in case.structure.images:
            self._manifests.setdefault(image.manifest_member, set()).add(image.index)

    def images(self, signature: Signature) -> frozenset[int] | None:
        """Indexes of the images that it is bound to, or was put beside; None where it may be about any."""
        bound = signature.bound
        if bound is not None and bound.binding in BOUND:
            return frozenset(bound.images)  # none, where it is of an artifact
        hints = signature.found.hints
        return frozenset().union(*(self._of(hint, _HOPS) for hint in hints)) if hints else None

    def _of(self, digest: Digest, hops: int) -> frozenset[int]:
        key = digest, hops
        if key not in self._known:
            self._known[key] = frozenset()  # an index may list itself, for all that it claims
            members = self._case.catalogue.by_digest.get(digest, ())
            own = {image for member in members for image in self._manifests.get(member, ())}
            below = [each for member in members for each in self._below(member)] if hops else []
            deeper = (self._of(each.digest, hops - 1) for each in below if each.digest is not None)
            self._known[key] = frozenset(own).union(*deeper)
        return self._known[key]

    def _below(self, member: int) -> Sequence[Descriptor]:
        """What an index lists, or what an attestation is of."""
        document = self._case.structure.documents.get(member)
        limits = self._case.catalogue.limits
        if document is not None and document.kind is DocumentKind.INDEX:
            return read_index(document.value, limits, Reader(limits)).manifests
        if document is not None and document.kind is DocumentKind.MANIFEST:
            subject = attested(read_manifest(document.value, limits, Reader(limits)))
            return () if subject is None else (subject,)
        return ()
