"""Signatures for people: the answer for each image, then every signature with what was checked and what was not."""

from collections.abc import Iterator

from imgforensics.rendering.escape import SENTENCE, brief, brief_list
from imgforensics.rendering.style import Style
from imgforensics.report import ArchiveReport
from imgforensics.signature import CheckResult, Headline, Signature, Status

TONES = {
    Headline.VERIFIED: "intact",
    Headline.UNVERIFIABLE: "suspect",
    Headline.NONE: "unchecked",
    Headline.DIFFERENT: "tampered",
    Headline.INVALID: "tampered",
}
"""Verdicts that are painted in the colour of a headline."""
STATUS_TONES = {Status.VERIFIED: "intact", Status.INVALID: "tampered"}
"""The same of a signature's status; any other is ``suspect``."""


def signatures(report: ArchiveReport, style: Style, *, verbose: bool) -> Iterator[str]:
    """Lines on the signatures of an archive; none where nobody asked.

    Args:
        report: of one archive.
        style: colours.
        verbose: also the checks that were passed.
    """
    if report.case is None or report.case.signatures is None:
        return
    known = report.case.signatures
    yield ""
    for image in report.images:
        headline = known.headlines.get(image.index, Headline.NONE)
        name = brief_list(image.tags) or "(untagged)"
        yield f"  image @{image.index}  {style.paint(name, 'strong')}  {style.paint(headline, TONES[headline])}"
    for each in known.found:
        yield ""
        yield from _signature(each, style, verbose=verbose)


def _signature(signature: Signature, style: Style, *, verbose: bool) -> Iterator[str]:
    found, judgement, bound = signature.found, signature.judgement, signature.bound
    status = style.paint(judgement.status, STATUS_TONES.get(judgement.status, "suspect"))
    yield f"  {found.purpose}  {found.scheme}  {status}"
    yield f"    {brief(judgement.reason, SENTENCE)}"
    yield f"    found as {found.place}: {brief(found.where.member or '')}{brief(found.where.pointer or '')}"
    if judgement.signer is not None:
        issuer = f", issuer {judgement.signer.issuer}" if judgement.signer.issuer else ""
        yield f"    signer   {brief(judgement.signer.identity + issuer)} ({brief(judgement.signer.how)})"
    if judgement.time is not None:
        yield f"    time     {judgement.time.at.isoformat()} ({brief(judgement.time.source)})"
    if judgement.signed is not None:
        yield from (f"    signed   {line}" for line in _signed(signature))
    if bound is not None:
        level = f", of the {bound.level}" if bound.level else ""
        images = "".join(f" @{each}" for each in bound.images)
        word = "binding " if judgement.holds else "would be"
        yield f"    {word} {style.paint(bound.binding, 'strong')}{level}{images}: {brief(bound.how, SENTENCE)}"
    for step in judgement.checks:
        if verbose or step.result is not CheckResult.PASSED:
            yield f"    {step.result.replace('-', ' ')}: {step.what}: {brief(step.detail, SENTENCE)}"
    if judgement.signed is None:
        yield from (f"    claims, unauthenticated: {line}" for line in _claims(signature))


def _signed(signature: Signature) -> Iterator[str]:
    signed = signature.judgement.signed
    if signed is not None:
        size = f", {signed.size} bytes" if signed.size is not None else ""
        name = f" as {brief(signed.name)}" if signed.name else ""
        yield from (f"{digest}{size}{name}" for digest in signed.digests)
        if signed.predicate_type:
            yield brief(signed.predicate_type)


def _claims(signature: Signature) -> Iterator[str]:
    claims = signature.found.claims
    yield from map(str, claims.digests)
    for name, value in (
        ("reference", claims.reference),
        ("identity", claims.identity),
        ("issuer", claims.issuer),
        ("time", claims.time),
        ("predicate", claims.predicate_type),
    ):
        if value:
            yield f"{name} {brief(value)}"
