"""What a registry shows, or would show, for the images of an archive."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from imgforensics.case import Case
from imgforensics.errors import SelectionError
from imgforensics.expectation import Expectation, Result, SuppliedManifest
from imgforensics.model import Digest
from imgforensics.reconstruct.build import NotDerivableError
from imgforensics.reconstruct.candidates import (
    Bench,
    Candidate,
    candidate,
    distinct,
    encodings,
    from_archive,
    learned_form,
    reconstructed,
)
from imgforensics.reconstruct.evidence import Ranked, rank
from imgforensics.reconstruct.expect import expectations
from imgforensics.reconstruct.ledger import Ledger
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.material import ContradictionError, gather
from imgforensics.reconstruct.preserved import Preserved, find_preserved
from imgforensics.reconstruct.pusher import Compressed
from imgforensics.reconstruct.pushers import PUSHERS, by_name
from imgforensics.reconstruct.subject import Subject, learned
from imgforensics.reconstruct.workshop import Opener, Workshop
from imgforensics.structure import Image

ALL = "all"
"""Asks for every pusher with every encoder."""


@dataclass(frozen=True, slots=True)
class Registry:
    """One image, as a registry shows it."""

    candidates: tuple[Candidate, ...]
    """The likeliest first; no digest twice."""
    likely: Candidate | None
    """The one that the evidence favours, or that an expectation proved; None where nothing speaks for any."""
    reasons: tuple[str, ...]
    """What could not be reconstructed, and why."""


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """The images of an archive, as a registry shows them, and how expectations fared."""

    registries: Mapping[int, Registry]
    """By index of the image."""
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked."""

    candidates: bool = True
    """Candidates are wanted even where no expectation asks for them."""
    pushers: tuple[str, ...] = ()
    """Names of pushers, or ``all``; those that the evidence suggests where it is empty."""
    expect: tuple[Digest, ...] = ()
    manifests: tuple[SuppliedManifest, ...] = ()


def check_pushers(names: Sequence[str]) -> None:
    """Refuse what is no pusher.

    Raises:
        SelectionError: a name is unknown.
    """
    for name in names:
        if name != ALL and not by_name(name):
            known = ", ".join(sorted(pusher.name for pusher in PUSHERS))
            raise SelectionError(f"no pusher {name!r}; there are {known}, and {ALL}")


def reconstruct(
    case: Case,
    images: Sequence[Image],
    opener: Opener,
    request: Request,
    *,
    jobs: int = 1,
    ledger: Ledger | None = None,
) -> Reconstruction:
    """Find or rebuild the manifests of images, and look for the expected ones.

    Args:
        case: the archive, measured.
        images: those to look at.
        opener: hands out a member's uncompressed bytes.
        request: what is asked.
        jobs: processors to use.
        ledger: the memory of known layers, None for none.
    """
    workshop = Workshop(opener, jobs, ledger)
    held = find_preserved(case)
    chosen = {image.index for image in images}
    asked = bool(request.expect or request.manifests)
    subjects = [
        _subject(case, image, held[image.index], workshop, chosen=image.index in chosen)
        for image in (case.structure.images if asked else images)
    ]
    told, found = expectations(case, subjects, request.expect, request.manifests, ledger)
    proved = {each.digest for each in told if each.result is Result.MATCH}
    registries = {}
    for subject in subjects:
        if subject.chosen:
            index = subject.image.index
            known = [*subject.preserved, *learned(case, subject, ledger)]
            candidates, reasons = (
                ((), ()) if index in found or not request.candidates else _plain(subject, request, ledger)
            )
            every = distinct((*found.get(index, ()), *(_capped(each, subject) for each in known), *candidates))
            registries[index] = Registry(every, _likely(every, proved), reasons)
    return Reconstruction(registries, told)


def _subject(case: Case, image: Image, held: Sequence[Preserved], workshop: Workshop, *, chosen: bool) -> Subject:
    bench, reason, contradicted = None, "", False
    try:
        bench = Bench(gather(case, image), workshop)
    except ContradictionError as error:
        reason, contradicted = str(error), True
    except NotDerivableError as error:
        reason = str(error)
    config = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
    found = [from_archive(case, each) for each in held]
    return Subject(
        image=image,
        config=None if config is None else config.digest,
        bench=bench,
        reason=reason,
        contradicted=contradicted,
        ranked=rank(case, image),
        preserved=tuple(each for each in found if each is not None),
        chosen=chosen,
    )


def _capped(candidate: Candidate, subject: Subject) -> Candidate:
    """A manifest that was found, no likelier than the archive's holding that image allows."""
    if subject.contradicted or (subject.bench is not None and subject.bench.material.misnamed):
        why = subject.reason or "the config is not the one that its name promises"
        return replace(
            candidate,
            likelihood=Likelihood.POSSIBLE,
            evidence=(f"the archive contradicts it: {why}", *candidate.evidence),
        )
    return candidate


def _plain(subject: Subject, request: Request, ledger: Ledger | None) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """The candidates that are worth their time, and why others are not there."""
    if subject.bench is None:
        return (), (subject.reason,)
    if subject.bench.material.misnamed:
        return (), ("the config is not the one that its name promises",)
    if not request.pushers and any(each.likelihood is not Likelihood.POSSIBLE for each in subject.preserved):
        return (), ()
    made: list[Candidate] = []
    reasons: list[str] = []
    for ranked, encoding in _choices(subject.ranked, request.pushers):
        try:
            plain = reconstructed(subject.bench, ranked, encoding)
            made += [plain, *_with_known(subject.bench, ranked, plain, ledger)]
        except NotDerivableError as error:
            reasons.append(f"{ranked.pusher.name}, {encoding}: {error}")
    return tuple(made), tuple(dict.fromkeys(reasons))


def _with_known(bench: Bench, ranked: Ranked, plain: Candidate, ledger: Ledger | None) -> Iterator[Candidate]:
    """The same manifest over layers as they were learned, where that is another form: the registry may have it."""
    if ledger is None or ranked.likelihood is Likelihood.POSSIBLE:
        return
    layers = []
    for piece, layer in zip(bench.material.pieces, plain.layers, strict=True):
        known = ledger.layers(piece.diff_id)
        layers.append(learned_form(known[0]) if known else layer)
    if [each.descriptor.digest for each in layers] != [each.descriptor.digest for each in plain.layers]:
        made = candidate(bench, ranked, tuple(layers))
        assumed = "the registry had some of these layers already, in the form that was learned"
        yield replace(made, likelihood=Likelihood.POSSIBLE, assumptions=(assumed, *made.assumptions))


def _choices(ranked: Sequence[Ranked], names: Sequence[str]) -> Iterator[tuple[Ranked, str]]:
    """Pushers and encodings to try: the first of each that is ranked, or every one of those that were named."""
    if not names:
        yield from ((each, encoding) for each in ranked for encoding in encodings(each.pusher)[:1])
        return
    known = {each.pusher.name: each for each in ranked}
    chosen = {pusher.name for name in names for pusher in (PUSHERS if name == ALL else by_name(name))}
    for pusher in PUSHERS:
        if pusher.name in chosen:
            kept = pusher.compressed is Compressed.KEPT
            unranked = Ranked(pusher, Likelihood.POSSIBLE, (), pusher.assumes, kept)
            each = known.get(pusher.name, unranked)
            yield from ((each, encoding) for encoding in encodings(pusher))


def _likely(candidates: Sequence[Candidate], proved: set[Digest]) -> Candidate | None:
    for each in candidates:
        if each.digest in proved:
            return each
    return next((each for each in candidates if each.likelihood is not Likelihood.POSSIBLE), None)
