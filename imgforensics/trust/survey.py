"""All signatures of one archive: found, judged, bound, and summed up for each image."""

from collections.abc import Sequence

from imgforensics.case import Case
from imgforensics.expectation import SuppliedManifest
from imgforensics.model import Digest
from imgforensics.signature import Bound, Found, Judgement, Signature, Signatures, Status
from imgforensics.structure import Image
from imgforensics.trust.binding import Binder, Rebuild
from imgforensics.trust.contenttrust import candidates
from imgforensics.trust.detached import detached
from imgforensics.trust.discover import Read, discover
from imgforensics.trust.headlines import headlines
from imgforensics.trust.judge import Judge
from imgforensics.trust.material import Material


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
    beside = [each for file in material.detached for each in detached(file.content, file.source)]
    found = (*discover(case, read), *beside, *candidates(case, material))
    judged = [(each, judge.judge(each)) for each in found]
    judged_first = sorted(judged, key=lambda each: not each[1].holds)  # claims must not crowd out what is signed
    wanted = [digest for each, judgement in judged_first for digest in _digests(each, judgement)]
    binder = Binder(case, wanted, supplied, rebuild)
    signatures = tuple(Signature(each, judgement, _bound(binder, each, judgement)) for each, judgement in judged)
    return Signatures(signatures, headlines(case, images, signatures), required)


def _digests(found: Found, judgement: Judgement) -> tuple[Digest, ...]:
    if judgement.holds and judgement.signed is not None:
        return judgement.signed.digests
    return () if judgement.status in (Status.INVALID, Status.UNSIGNED) else found.claims.digests


def _bound(binder: Binder, found: Found, judgement: Judgement) -> Bound | None:
    digests = _digests(found, judgement)
    return binder.bind(found, digests, judgement.signed) if digests else None
