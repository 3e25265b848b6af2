"""What a registry shows, for people: image, image ID, the likely digest and its pusher, then the other candidates."""

from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.expectation import Expectation, Result
from imgforensics.reconstruct.candidates import Candidate
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.registry import Registry
from imgforensics.rendering.escape import SENTENCE, brief, brief_list
from imgforensics.rendering.style import Style
from imgforensics.report import ArchiveReport
from imgforensics.structure import Image


def images(report: ArchiveReport, style: Style, *, verbose: bool, searched: bool) -> Iterator[str]:
    """Lines on every image that was asked for.

    Args:
        report: of one archive.
        style: colours.
        verbose: also the evidence and assumptions of candidates that are merely possible.
        searched: whether candidates were wanted, and not only what is expected was looked for.
    """
    if report.case is None:
        return
    for image in report.images:
        registry = report.registries.get(image.index)
        if registry is not None:
            yield ""
            yield from _image(report.case, image, registry, style, verbose=verbose, searched=searched)
    for each in report.case.expectations:
        yield ""
        yield from _expectation(each, style)


def _image(
    case: Case, image: Image, registry: Registry, style: Style, *, verbose: bool, searched: bool
) -> Iterator[str]:
    config = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
    name = brief_list(image.tags) or "(untagged)"
    yield f"  image @{image.index}  {style.paint(name, 'strong')}  {brief(image.platform or '')}".rstrip()
    yield f"    image ID  {config.digest if config else '(no config)'}"
    likely = registry.likely
    if likely is None and not searched:
        yield "    likely    not asked for; imgforensics digest finds it"
    elif likely is None:
        yield "    likely    nothing in the archive speaks for one digest"
    else:
        yield from _candidate(likely, "likely" if likely.likelihood != "certain" else "certain", style, reasons=True)
    for each in registry.candidates:
        if each is not likely:
            word = "possible" if each.likelihood is Likelihood.POSSIBLE else "also"  # one is headed likely, no more
            yield from _candidate(each, word, style, reasons=verbose)
    for reason in registry.reasons:
        yield f"    not derivable: {brief(reason, SENTENCE)}"


def _candidate(candidate: Candidate, word: str, style: Style, *, reasons: bool) -> Iterator[str]:
    digest = str(candidate.digest)
    yield f"    {word:<8}  {style.paint(digest, 'strong') if word != 'possible' else digest}"
    encoder = f"; layers {candidate.encoder}" if candidate.encoder else ""
    yield f"              {brief(candidate.title + encoder)}"
    if reasons:
        yield from (f"              because {brief(each, SENTENCE)}" for each in candidate.evidence)
        yield from (f"              provided that {brief(each, SENTENCE)}" for each in candidate.assumptions)


def _expectation(expectation: Expectation, style: Style) -> Iterator[str]:
    tone = {Result.MATCH: "intact", Result.REFUTED: "tampered", Result.NOT_REPRODUCED: "suspect"}[expectation.result]
    yield f"  expected {expectation.digest}: {style.paint(expectation.result.value.upper(), tone)}"
    yield f"    {brief(expectation.how, SENTENCE)}"
