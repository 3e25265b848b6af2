"""Who would load what, and signatures, as properties of a JUnit suite: a name and a line each, bounded."""

from collections.abc import Iterator, Sequence

from imgforensics.case import Case
from imgforensics.loaders import Load, Reader
from imgforensics.rendering.escape import SENTENCE, brief, brief_list
from imgforensics.signature import Headline, Signature
from imgforensics.structure import Image

IMAGES, SIGNATURES = 20, 60
"""How many images of one reader, or of an archive, and how many signatures are told; what is left out is counted."""

Property = tuple[str, str]


def loads(case: Case) -> Iterator[Property]:
    """What each reader would load: ``loads.crane`` and the like, by the names of the JSON report."""
    for reader in Reader:
        found = [each for each in case.loads if each.reader is reader]
        if found:
            yield f"loads.{reader.value}", _counted([_load(each) for each in found], IMAGES)


def _load(load: Load) -> str:
    if load.refused:
        return f"refused: {brief(load.why, SENTENCE)}"
    image = "an image whose config the reader makes itself" if load.image_id is None else str(load.image_id)
    names = f" as {brief_list(load.tags)}" if load.tags else ""
    platform = f" on {brief(load.platform)}" if load.platform else ""
    return f"{image}{names}{platform}: {brief(load.why, SENTENCE)}"


def signatures(case: Case, images: Sequence[Image]) -> Iterator[Property]:
    """The headline, that of each image, and every signature; nothing where nobody asked."""
    known = case.signatures
    if known is None:
        return
    yield "signatures", known.headline.value
    for image in images[:IMAGES]:
        yield f"signatures.image.{image.index}", known.headlines.get(image.index, Headline.NONE).value
    for number, each in enumerate(known.found[:SIGNATURES], 1):
        yield f"signature.{number}", _signature(each)
    hidden = len(known.found) - SIGNATURES
    if hidden > 0:
        yield "signatures.more", str(hidden)


def _signature(signature: Signature) -> str:
    found, judgement, bound = signature.found, signature.judgement, signature.bound
    parts = [f"{judgement.status} {found.purpose} {found.scheme}: {judgement.reason}"]
    parts.append(f"found as {found.place}: {found.where.member or ''}{found.where.pointer or ''}")
    if judgement.signer is not None:
        issuer = f", issuer {judgement.signer.issuer}" if judgement.signer.issuer else ""
        parts.append(f"signer {judgement.signer.identity}{issuer}")
    if judgement.time is not None:
        parts.append(f"time {judgement.time.at.isoformat()}")
    if judgement.signed is not None:
        parts += [f"signed {digest}" for digest in judgement.signed.digests[:IMAGES]]
    if bound is not None:
        of = "".join(f" @{each}" for each in bound.images[:IMAGES])
        parts.append(f"{'binding' if judgement.holds else 'would be'} {bound.binding}{of}")
    return "; ".join(brief(each, SENTENCE) for each in parts)


def _counted(lines: Sequence[str], most: int) -> str:
    more = len(lines) - most
    return "; ".join([*lines[:most], f"and {more} more"] if more > 0 else lines)
