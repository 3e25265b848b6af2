"""What the page shows of who would load what, and of signatures: plain values, bounded, for the templates to escape."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imgforensics.case import Case
from imgforensics.loaders import Reader
from imgforensics.rendering.loads_table import grouped, images_in_words
from imgforensics.rendering.signatures_table import STATUS_TONES, TONES
from imgforensics.signature import CheckResult, Headline, Signature
from imgforensics.structure import Image

MOST = 60
"""Signatures, and images with their headlines, that are shown."""
_FEW = 12

Ways = tuple[tuple[str, str], ...]
"""Readers, and the reason why they do so."""


@dataclass(frozen=True, slots=True)
class LoadsView:
    """Which readers would load which images."""

    contradiction: bool
    able: int
    readers: int
    groups: tuple[tuple[str, Ways], ...]
    refusals: Ways


@dataclass(frozen=True, slots=True)
class SignatureView:
    """One signature or attestation."""

    tone: str
    """Class of its colour: that of a verdict."""
    status: str
    title: str
    reason: str
    rows: tuple[tuple[str, str], ...]
    """Words and values."""


@dataclass(frozen=True, slots=True)
class SignaturesView:
    """The answer for each image, and every signature."""

    images: tuple[tuple[int, str, str], ...]
    """Number of an image, its headline, and the class of its colour."""
    found: tuple[SignatureView, ...]
    hidden: int


def loads_view(case: Case) -> LoadsView | None:
    """Who would load what; None where no reader was asked."""
    if not case.loads:
        return None
    groups, refusals = grouped(case.loads)
    return LoadsView(
        contradiction=bool(case.sides),
        able=sum(len(readers) for whys in groups.values() for readers in whys.values()),
        readers=len(Reader),
        groups=tuple((images_in_words(case, loaded), _ways(whys)) for loaded, whys in groups.items()),
        refusals=_ways(refusals),
    )


def _ways(whys: Mapping[str, Sequence[Reader]]) -> Ways:
    return tuple((", ".join(reader.called for reader in readers), why) for why, readers in whys.items())


def signatures_view(case: Case, images: Sequence[Image]) -> SignaturesView | None:
    """What is known of the signatures; None where nobody asked."""
    known = case.signatures
    if known is None:
        return None
    headlines = [(image.index, known.headlines.get(image.index, Headline.NONE)) for image in images[:MOST]]
    return SignaturesView(
        images=tuple((index, headline.value, TONES[headline]) for index, headline in headlines),
        found=tuple(_signature(each) for each in known.found[:MOST]),
        hidden=max(0, len(known.found) - MOST),
    )


def _signature(signature: Signature) -> SignatureView:
    found, judgement = signature.found, signature.judgement
    return SignatureView(
        tone=STATUS_TONES.get(judgement.status, "suspect"),
        status=judgement.status.value,
        title=f"{found.purpose}, {found.scheme}",
        reason=judgement.reason,
        rows=tuple(_rows(signature)),
    )


def _rows(signature: Signature) -> Iterator[tuple[str, str]]:
    found, judgement, bound = signature.found, signature.judgement, signature.bound
    yield "Found as", f"{found.place}: {found.where.member or ''}{found.where.pointer or ''}"
    if judgement.signer is not None:
        issuer = f", issuer {judgement.signer.issuer}" if judgement.signer.issuer else ""
        yield "Signer", f"{judgement.signer.identity}{issuer} ({judgement.signer.how})"
    if judgement.time is not None:
        yield "Time", f"{judgement.time.at.isoformat()} ({judgement.time.source})"
    if judgement.signed is not None:
        yield from (("Signed", str(digest)) for digest in judgement.signed.digests[:_FEW])
    else:
        yield from (("Claims", f"{digest}, unauthenticated") for digest in found.claims.digests[:_FEW])
    if bound is not None:
        of = "".join(f" @{each}" for each in bound.images[:_FEW])
        yield "Binding" if judgement.holds else "Would be", f"{bound.binding}{of}: {bound.how}"
    for step in [each for each in judgement.checks if each.result is not CheckResult.PASSED][:_FEW]:
        yield step.result.replace("-", " ").capitalize(), f"{step.what}: {step.detail}"
