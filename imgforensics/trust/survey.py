"""All signatures of one archive: found, judged, bound, and summed up for each image."""

from collections.abc import Iterator, Sequence

from imgforensics.case import Case
from imgforensics.errors import InputError
from imgforensics.expectation import SuppliedManifest
from imgforensics.model import Digest, Location
from imgforensics.signature import (
    BOUND,
    Binding,
    Bound,
    Found,
    Headline,
    Judgement,
    Place,
    Purpose,
    Signature,
    Signatures,
    Status,
)
from imgforensics.structure import Image
from imgforensics.trust.binding import Binder, Rebuild
from imgforensics.trust.contenttrust import candidates
from imgforensics.trust.discover import Read, discover
from imgforensics.trust.judge import Judge
from imgforensics.trust.material import Material, NamedFile
from imgforensics.trust.recognise import recognise


def survey(
    case: Case,
    images: Sequence[Image],
    material: Material,
    read: Read,
    rebuild: Rebuild,
    *,
    supplied: Sequence[SuppliedManifest] = (),
    required: bool = False,
) -> Signatures:
    """Everything that can be said of the signatures of an archive, or handed in beside it.

    Args:
        case: the archive.
        images: those that were asked for.
        material: what the user trusts, and signatures beside the archive.
        read: hands out the bytes of a small member.
        rebuild: looks for digests, and rebuilds manifests.
        supplied: manifests that were handed in.
        required: every image has to be signed and verified.

    Raises:
        InputError: a file that the user gave is not what it should be.
    """
    judge = Judge(material)
    found = (*discover(case, read), *map(_detached, material.detached), *candidates(case, material))
    judged = [(each, judge.judge(each)) for each in found]
    wanted = [digest for each, judgement in judged for digest in _digests(each, judgement)]
    binder = Binder(case, wanted, supplied, rebuild)
    signatures = tuple(Signature(each, judgement, _bound(binder, each, judgement)) for each, judgement in judged)
    headlines = {image.index: _headline(case, image, signatures) for image in images}
    return Signatures(signatures, headlines, required)


def _detached(file: NamedFile) -> Found:
    """A signature that was handed in, whatever it is."""
    where = Location(file.source)
    found = recognise(file.content, Place.DETACHED, where)
    if found is None:
        raise InputError(f"{file.source}: no signature, bundle or attestation that is known here")
    return found


def _digests(found: Found, judgement: Judgement) -> tuple[Digest, ...]:
    if judgement.holds and judgement.signed is not None:
        return judgement.signed.digests
    return () if judgement.status in (Status.INVALID, Status.UNSIGNED) else found.claims.digests


def _bound(binder: Binder, found: Found, judgement: Judgement) -> Bound | None:
    digests = _digests(found, judgement)
    return binder.bind(found, digests, judgement.signed) if digests else None


def _headline(case: Case, image: Image, signatures: Sequence[Signature]) -> Headline:
    """The answer for one image. Attestations state something about it; they do not sign it."""
    concerned = [
        each for each in signatures if each.found.purpose is Purpose.SIGNATURE and _concerns(case, each, image)
    ]
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


def _concerns(case: Case, signature: Signature, image: Image) -> bool:
    """Whether a signature is about an image: bound to it, put beside it, or about nothing in particular."""
    if signature.bound is not None and signature.bound.images:
        return image.index in signature.bound.images
    hinted = {index for hint in signature.found.hints for index in _images_of(case, hint)}
    if hinted:
        return image.index in hinted
    return not signature.found.hints or any(each in case.catalogue.by_digest for each in signature.found.hints)


def _images_of(case: Case, digest: Digest) -> Iterator[int]:
    members = case.catalogue.by_digest.get(digest, ())
    return (image.index for image in case.structure.images if image.manifest_member in members)
