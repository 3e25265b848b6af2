"""The one conductor: an archive in, a report out."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import BinaryIO

from imgforensics import checks, images, producer
from imgforensics.archive import Archive
from imgforensics.blobmemory import memory
from imgforensics.case import CUT, Case
from imgforensics.catalogue import Catalogue
from imgforensics.errors import InputError, NotAnImageError, SelectionError
from imgforensics.expectation import Expectation, SuppliedManifest
from imgforensics.findings import Finding, NotChecked, Verdict, verdict_of
from imgforensics.loaders import loads
from imgforensics.measuring import measure
from imgforensics.model import Compression, Digest, Outcome, What
from imgforensics.names import name_claim
from imgforensics.reconstruct.ledger import Ledger
from imgforensics.reconstruct.registry import Reconstruction, Request, check_pushers, reconstruct
from imgforensics.report import DEFAULT_OPTIONS, ArchiveReport, Options, Period, Report, moment
from imgforensics.selection import expected, hold_to_images, named_images, select_images
from imgforensics.signature import Headline, Signatures
from imgforensics.structure import Image, Structure
from imgforensics.trust.survey import survey
from imgforensics.verify import verify
from imgforensics.watching import Progress


def analyze(
    source: str | os.PathLike[str] | BinaryIO,
    options: Options | None = None,
    *,
    progress: Progress | None = None,
) -> Report:
    """Check one archive, wholly offline.

    Args:
        source: a path, or a binary file object that is read from where it stands to its end.
        options: how to look at it.
        progress: told of the bytes that will be and were read, from several threads.

    Raises:
        InputError: it is missing, unreadable, or no docker save or OCI layout archive.
        SelectionError: the options name a rule, an image, a pusher or a digest that does not exist, or no thread.
        LimitError: a bound was reached before anything could be answered.
    """
    chosen = options or DEFAULT_OPTIONS
    archive = analyze_archive(source, chosen, progress=progress)
    return Report((archive,), options=chosen, period=archive.period)


def analyze_archive(
    source: str | os.PathLike[str] | BinaryIO, options: Options, *, progress: Progress | None = None
) -> ArchiveReport:
    """As :func:`analyze`, without the report around it."""
    with examined(source, options, progress=progress) as (_, report):
        return report


@contextmanager
def examined(
    source: str | os.PathLike[str] | BinaryIO, options: Options, *, progress: Progress | None = None
) -> Iterator[tuple[Archive, ArchiveReport]]:
    """As :func:`analyze_archive`, with the archive still open beside its report: for who reads more of it."""
    if options.jobs < 1:
        raise SelectionError(f"jobs={options.jobs}: somebody has to do the work; 1 is the least")
    started = moment(options)
    chosen = checks.select(options.select, options.ignore)
    path = os.fspath(source) if isinstance(source, str | os.PathLike) else "-"
    if isinstance(source, str | os.PathLike) and os.path.isdir(source):
        raise InputError(describe_folder(path))
    request = request_of(options)
    with Archive(source, options.limits, progress) as archive:
        known = None if options.known is None else memory(options.known, options.limits)
        case = examine(measure(archive, options.jobs, fast=options.fast, memory=known))
        selected = select_images(case, options)
        rebuilt = Reconstruction({}, ())
        if request is not None:
            rebuilt = _reconstruct(archive, case, selected, request, options)
            told = hold_to_images(
                case, rebuilt.expectations, options.expect, _elsewhere(archive, case, selected, options)
            )
            case = replace(case, expectations=told)
        if options.signatures:
            case = replace(case, signatures=_signatures(archive, case, selected, options))
        archive.unchanged()
        findings = _about(checks.run(case, chosen), case, selected)
        codes = {each.rule.code for each in chosen}
        others = checks.run(case, [each for each in checks.ALL if each.rule.code not in codes])
        report = ArchiveReport(
            path=path,
            verdict=verdict_of((*findings, *_about(others, case, selected))),
            findings=findings,
            case=case,
            images=selected,
            not_checked=not_checked(case, options),
            registries=rebuilt.registries,
            period=Period.since(started),
        )
        yield archive, report


def request_of(options: Options) -> Request | None:
    """What the options ask about registries; None where they ask nothing.

    Raises:
        SelectionError: an expectation is no digest, or a pusher is unknown.
    """
    check_pushers(options.pushers)
    expect = tuple(dict.fromkeys(expected(text)[1] for text in options.expect))
    if not (options.digests or expect or options.manifests):
        return None
    return Request(options.digests, options.pushers, expect, options.manifests)


def _reconstruct(
    archive: Archive, case: Case, images: Sequence[Image], request: Request, options: Options
) -> Reconstruction:
    def opener(member: int) -> Iterator[bytes | memoryview]:
        return archive.uncompressed(case.catalogue.members[member], case.catalogue.blobs[member].compression)

    with ExitStack() as stack:
        ledger = (
            stack.enter_context(Ledger(options.ledger, options.warn or _unheard))
            if options.ledger is not None
            else None
        )
        try:
            return reconstruct(case, images, opener, request, jobs=options.jobs, ledger=ledger)
        except BaseException:
            archive.cancel()
            raise


def _elsewhere(
    archive: Archive, case: Case, selected: Sequence[Image], options: Options
) -> tuple[Expectation, ...] | None:
    """How what is expected of images that were not selected fares; None where nothing is."""
    kept = {image.index for image in selected}
    pairs = [(name, digest) for name, digest in map(expected, options.expect) if name is not None]
    named = [image for name, _ in pairs for image in named_images(case, name)]
    if all(image.index in kept for image in named):
        return None
    request = Request(candidates=False, expect=tuple(digest for _, digest in pairs), manifests=options.manifests)
    return _reconstruct(archive, case, case.structure.images, request, options).expectations


def _signatures(archive: Archive, case: Case, images: Sequence[Image], options: Options) -> Signatures:
    def read(member: int) -> bytes:
        return b"".join(archive.uncompressed(case.catalogue.members[member], Compression.NONE))

    def rebuild(digests: Sequence[Digest], manifests: Sequence[SuppliedManifest]) -> Reconstruction:
        request = Request(candidates=False, expect=tuple(digests), manifests=tuple(manifests))
        return _reconstruct(archive, case, images, request, options)

    supplied = (*options.manifests, *options.signed_manifests)
    required = options.require_signature
    return survey(case, images, options.trust, read, rebuild, supplied=supplied, required=required)


def _unheard(trouble: str) -> None:
    """What the ledger's trouble is told where nobody asked: answers do not depend on it."""
    del trouble


def _about(findings: tuple[Finding, ...], case: Case, selected: Sequence[Image]) -> tuple[Finding, ...]:
    """The findings that concern these images: those about one of them, and those about no image in particular.

    What was expected always counts: it is expected of the archive, or of an image that is named with it, and an answer
    may tell of another image than the one that was chosen.
    """
    if len(selected) == len(case.structure.images):
        return findings
    kept = {image.index for image in selected}
    return tuple(
        each
        for each in findings
        if each.location.image is None or kept & each.images or each.rule.code in checks.OF_EXPECTATIONS
    )


def examine(catalogue: Catalogue) -> Case:
    """Everything that follows from the measurements.

    Raises:
        NotAnImageError: nothing in the tar belongs to a container image.
    """
    structure = images.interpret(catalogue)
    if not _is_image(catalogue, structure):
        raise NotAnImageError(_why_no_image(catalogue))
    made_by = producer.recognise(catalogue, structure)
    checked = verify(catalogue, structure, made_by)
    return Case(catalogue, structure, made_by, checked, loads=loads(catalogue, structure))


def _is_image(catalogue: Catalogue, structure: Structure) -> bool:
    """Whether there is anything to report on: images, documents that should name some, or parts of one."""
    if structure.images or structure.artifacts or structure.layouts:
        return True
    return any(member.path is not None and name_claim(member.path) is not None for member in catalogue.members)


def _why_no_image(catalogue: Catalogue) -> str:
    words = "a tar archive, but no image: neither manifest.json, index.json nor repositories is in it"
    if any(anomaly.kind in CUT for anomaly in catalogue.anomalies):
        return f"{words} (it is cut off, and docker save writes them last)"
    return words


def describe_folder(folder: str) -> str:
    """Why a folder cannot be looked at as an archive, and what to do."""
    if _holds(folder, "oci-layout") or _holds(folder, "index.json"):
        return f"an unpacked OCI layout; pack it first: tar -C {folder} -cf image.tar ."
    if _holds(folder, "manifest.json"):
        return f"an unpacked archive; pack it first: tar -C {folder} -cf image.tar ."
    return "is a directory"


def is_unpacked(folder: str) -> bool:
    """Whether a folder is an unpacked archive for certain. A lone ``index.json`` or ``manifest.json`` is no proof."""
    documented = _holds(folder, "index.json") or _holds(folder, "manifest.json")
    further = ("blobs", "repositories")
    return _holds(folder, "oci-layout") or (documented and any(_holds(folder, name) for name in further))


def _holds(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name))


def not_checked(case: Case, options: Options) -> tuple[NotChecked, ...]:
    """What this report does not answer, in a few lines."""
    reasons: Counter[tuple[str, str]] = Counter()
    for verification in case.verifications:
        if verification.outcome is Outcome.UNCHECKED:
            reasons[str(verification.what), verification.reason] += 1
    result = [
        NotChecked(f"{what} ({count} claims)" if count > 1 else f"{what} (1 claim)", reason)
        for (what, reason), count in reasons.items()
    ]
    unnamed = _unnamed_configs(case)
    if unnamed:
        result.append(NotChecked(f"config of {unnamed} images", "neither a name nor a document claims its digest"))
    unmeasured = Counter(case.catalogue.unmeasured.values())
    result += [NotChecked(f"bytes of {count} members", reason) for reason, count in unmeasured.items()]
    if case.catalogue.digest is None:
        reason = "structure only was asked for" if options.fast else "the budget was used up"
        result.append(NotChecked("SHA-256 of the archive", reason))
    result += [
        NotChecked(f"rule {rule}", "not selected: counted in the verdict, not reported")
        for rule in sorted({each.rule.code for each in checks.ALL} - _codes(options))
    ]
    inside = "their names, kinds and modes are looked at" if case.catalogue.surveyed else "no layer was looked into"
    result.append(NotChecked("files inside layers", f"{inside}; their content is hashed with the layer alone"))
    if case.signatures is None or case.signatures.headline is not Headline.VERIFIED:
        result.append(NotChecked("who made the images", "digests prove that bytes fit, not where they come from"))
    return tuple(result)


def _unnamed_configs(case: Case) -> int:
    """Images whose config no digest leads to, so that nothing shows whether it was changed; jib's are such."""
    kinds = (What.MEMBER_NAME, What.DESCRIPTOR_DIGEST)
    claimed = {each.target for each in case.verifications if each.what in kinds and each.outcome is not Outcome.ABSENT}
    return sum(
        image.config_member is not None and image.config_member not in claimed for image in case.structure.images
    )


def _codes(options: Options) -> set[str]:
    return {each.rule.code for each in checks.select(options.select, options.ignore)}


def failed(path: str, error: str, period: Period | None = None) -> ArchiveReport:
    """The report of an archive for which there is no answer."""
    return ArchiveReport(path=path, verdict=Verdict.UNREADABLE, error=error, period=period)
