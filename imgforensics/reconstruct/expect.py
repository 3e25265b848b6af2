"""Expected digests against an archive: by what lies in it, by manifests handed in, by the ledger, and by searching."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_index, read_manifest
from imgforensics.documents import DocumentKind, Manifest, read_document
from imgforensics.expectation import Expectation, Result, SuppliedManifest
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import Digest
from imgforensics.reconstruct.candidates import Bench, Candidate, from_ledger
from imgforensics.reconstruct.evidence import Ranked
from imgforensics.reconstruct.ledger import Ledger
from imgforensics.reconstruct.material import Material
from imgforensics.reconstruct.search import Search
from imgforensics.reconstruct.trial import Allowance
from imgforensics.structure import Image

_SETTLE = (
    "this proves nothing; the manifest itself, fetched where there is a network, would settle it (--manifest FILE), or "
    "the registry's form of the layers (imgforensics learn)"
)


@dataclass(frozen=True)
class Subject:
    """One image, and all that is known of how a registry may show it."""

    image: Image
    bench: Bench | None
    """None where the archive does not hold what its config names."""
    reason: str
    """Why there is no bench."""
    contradicted: bool
    """Whether the archive holds something else than its config names."""
    ranked: tuple[Ranked, ...]
    preserved: tuple[Candidate, ...]


def expectations(
    case: Case,
    subjects: Sequence[Subject],
    wanted: Sequence[Digest],
    manifests: Sequence[SuppliedManifest],
    ledger: Ledger | None,
) -> tuple[tuple[Expectation, ...], Mapping[int, tuple[Candidate, ...]]]:
    """How every expectation fares, and the candidates by image that the search found.

    Args:
        case: the archive.
        subjects: the images to look at.
        wanted: expected digests, of manifests, indexes or configs (image IDs).
        manifests: documents handed in; each is an expectation of its own digest.
        ledger: learned manifests and layers.
    """
    supplied = {each.digest: each for each in manifests}
    answers: dict[Digest, Expectation | None] = dict.fromkeys((*wanted, *supplied))
    for digest in answers:
        answers[digest] = (
            _in_archive(case, subjects, digest)
            or _by_manifest(case, subjects, supplied.get(digest))
            or _by_ledger(subjects, digest, ledger)
        )
    found: dict[int, list[Candidate]] = {}
    tried: list[str] = []
    allowance = Allowance(case.catalogue.limits.search, sum(subject.bench is not None for subject in subjects))
    for subject in subjects:
        open_ = {digest for digest, answer in answers.items() if answer is None}
        if open_ and subject.bench is not None:
            search = Search(subject.bench, subject.ranked, ledger, allowance)
            for candidate in search.find(open_):
                found.setdefault(subject.image.index, []).append(candidate)
                answers[candidate.digest] = _hit(subject, candidate)
            tried.append(_tried(subject, search))
        elif open_:
            tried.append(f"image @{subject.image.index}: {subject.reason}")
    how = f"{'; '.join(tried) or 'the archive holds no image'}; {_SETTLE}"
    told = tuple(answer or Expectation(each, Result.NOT_REPRODUCED, how) for each, answer in answers.items())
    return told, {index: tuple(candidates) for index, candidates in found.items()}


def _hit(subject: Subject, candidate: Candidate) -> Expectation:
    how = f"reproduced bit for bit as {candidate.title}, layers {candidate.encoder}; equal SHA-256 is proof"
    return Expectation(candidate.digest, Result.MATCH, how, subject.image.index)


def _tried(subject: Subject, search: Search) -> str:
    made = ", ".join(search.encoders) or "no encoder"
    bound = ", then gave up" if search.gave_up else ""
    return f"image @{subject.image.index}: {search.attempts} manifests tried with {made}{bound}"


# ------------------------------------------------------------------------------------------------- in the archive


def _in_archive(case: Case, subjects: Sequence[Subject], digest: Digest) -> Expectation | None:
    for subject in subjects:
        bench = subject.bench
        names = _names(case, subject, digest)
        if names and bench is None:
            result = Result.REFUTED if subject.contradicted else Result.NOT_REPRODUCED
            return Expectation(digest, result, f"{names}, but {subject.reason}", subject.image.index)
        if names and bench is not None and bench.material.missing:
            how = f"{names}, but layers {', '.join(map(str, bench.material.missing))} are not in the archive; {_SETTLE}"
            return Expectation(digest, Result.NOT_REPRODUCED, how, subject.image.index)
        if names:
            return Expectation(digest, Result.MATCH, names, subject.image.index)
    return None


def _names(case: Case, subject: Subject, digest: Digest) -> str | None:
    """How an archive names an image by this digest, None where it does not."""
    index = subject.image.index
    if subject.image.config_member is not None:
        config = case.catalogue.blobs.get(subject.image.config_member)
        if config is not None and digest in (config.digest, *config.other_digests.values()):
            return f"it is the image ID of image @{index}, the digest of its config"
    for candidate in subject.preserved:
        if candidate.digest == digest:
            return f"the manifest of image @{index} lies in the archive and hashes to it"
        if digest in candidate.indexes:
            return f"an index that lists image @{index} lies in the archive and hashes to it"
    return None


# ------------------------------------------------------------------------------------------------- by a manifest


def _by_manifest(case: Case, subjects: Sequence[Subject], supplied: SuppliedManifest | None) -> Expectation | None:
    """What a manifest that was handed in says of the archive; None where its digest has to be searched for."""
    if supplied is None:
        return None
    document = read_document(supplied.content, case.catalogue.limits)
    limits = case.catalogue.limits
    if document.kind is DocumentKind.INDEX:
        listed = read_index(document.value, limits, Reader()).manifests
        for entry in listed:
            held = _in_archive(case, subjects, entry.digest) if entry.digest is not None else None
            if held is not None:
                how = f"{supplied.source} is an index that lists {entry.digest}: {held.how}"
                return Expectation(supplied.digest, held.result, how, held.image)
        how = f"{supplied.source} is an index; hand in the manifest of one platform that it lists instead"
        return Expectation(supplied.digest, Result.NOT_REPRODUCED, how)
    if document.kind is not DocumentKind.MANIFEST:
        how = f"{supplied.source} is no image manifest, but {document.kind}"
        return Expectation(supplied.digest, Result.NOT_REPRODUCED, how)
    manifest = read_manifest(document.value, limits, Reader())
    for subject in subjects:
        if subject.bench is not None and manifest.config is not None:
            material = subject.bench.material
            if manifest.config.digest == material.config_digest:
                contradiction = _contradiction(manifest, material)
                return Expectation(
                    supplied.digest,
                    Result.REFUTED if contradiction else Result.MATCH,
                    f"{supplied.source} names the config of image @{subject.image.index}"
                    + (
                        f", but {contradiction}"
                        if contradiction
                        else "; the config names all its layers, and they agree"
                    ),
                    subject.image.index,
                )
    named = "no config" if manifest.config is None else f"the config {manifest.config.digest_text}"
    reasons = "".join(f"; image @{each.image.index}: {each.reason}" for each in subjects if each.bench is None)
    return Expectation(
        supplied.digest, Result.REFUTED, f"{supplied.source} names {named}, and no image in the archive has it{reasons}"
    )


def _contradiction(manifest: Manifest, material: Material) -> str | None:
    """Where a manifest that names this config does not describe these layers; None where it does."""
    if len(manifest.layers) != len(material.pieces):
        return f"it has {len(manifest.layers)} layers, the config {len(material.pieces)}"
    if material.missing:
        return f"layers {', '.join(map(str, material.missing))} are not in the archive"
    if manifest.config is not None and manifest.config.size not in (None, len(material.config)):
        return f"it says that the config has {manifest.config.size} bytes; it has {len(material.config)}"
    for layer, piece in zip(manifest.layers, material.pieces, strict=True):
        stored = piece.stored
        if stored is not None and layer.digest == stored.digest and layer.size not in (None, stored.size):
            return f"it says that layer {piece.index} has {layer.size} bytes; it has {stored.size}"
    return None


# ------------------------------------------------------------------------------------------------- by the ledger


def _by_ledger(subjects: Sequence[Subject], digest: Digest, ledger: Ledger | None) -> Expectation | None:
    for subject in subjects:
        for candidate in learned(subject.bench, ledger):
            if candidate.digest == digest and subject.bench is not None and not subject.bench.material.missing:
                index = subject.image.index
                how = f"a manifest of that digest was {candidate.title}, and names the config of image @{index}"
                return Expectation(digest, Result.MATCH, how, index)
    return None


def learned(bench: Bench | None, ledger: Ledger | None) -> Iterator[Candidate]:
    """Manifests of an image that the ledger learned, and that do not contradict it."""
    if bench is None or ledger is None:
        return
    for known in ledger.manifests(bench.material.config_digest):
        document = read_document(known.content)
        if document.kind is not DocumentKind.MANIFEST:
            continue
        manifest = read_manifest(document.value, DEFAULT_LIMITS, Reader())
        if len(manifest.layers) == len(bench.material.pieces):
            yield from_ledger(known)
