"""Expected digests against an archive: by what lies in it, by manifests handed in, by the ledger, and by searching.

A match says that this archive holds that image, whole. It is never given for an image of which a part is missing or is
not what its config names, nor for one that no document of the archive names, since nothing would load it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_index
from imgforensics.documents import DocumentKind, Manifest, read_document
from imgforensics.expectation import Expectation, Result, SuppliedManifest, joined
from imgforensics.model import Digest
from imgforensics.reconstruct.candidates import Candidate, from_file
from imgforensics.reconstruct.ledger import Ledger
from imgforensics.reconstruct.ociconfig import SpecVersion, to_oci_config
from imgforensics.reconstruct.search import Search
from imgforensics.reconstruct.subject import Subject, contradiction, learned, manifest_of
from imgforensics.reconstruct.trial import Allowance
from imgforensics.structure import Reference, Role

_SETTLE = (
    "this proves nothing; the manifest itself, fetched where there is a network, would settle it (--manifest FILE), or "
    "the registry's form of the layers (imgforensics learn)"
)

Found = Mapping[int, tuple[Candidate, ...]]
"""Candidates that an expectation led to, by index of the image."""


def expectations(
    case: Case,
    subjects: Sequence[Subject],
    wanted: Sequence[Digest],
    manifests: Sequence[SuppliedManifest],
    ledger: Ledger | None,
) -> tuple[tuple[Expectation, ...], Found]:
    """How every expectation fares, and the candidates that were found by it.

    Args:
        case: the archive.
        subjects: every image in it; only those that were chosen are searched.
        wanted: expected digests, of manifests, indexes or configs (image IDs).
        manifests: documents handed in; each is an expectation of its own digest.
        ledger: learned manifests and layers.
    """
    return _Expecting(case, subjects, ledger).run(wanted, manifests)


class _Expecting:
    def __init__(self, case: Case, subjects: Sequence[Subject], ledger: Ledger | None) -> None:
        self.case = case
        self.subjects = sorted(subjects, key=lambda each: (not each.chosen, each.image.orphan, each.image.index))
        self.ledger = ledger
        self.found: dict[int, list[Candidate]] = {}

    def run(
        self, wanted: Sequence[Digest], manifests: Sequence[SuppliedManifest]
    ) -> tuple[tuple[Expectation, ...], Found]:
        supplied = {each.digest: each for each in manifests}
        answers: dict[Digest, Expectation | None] = dict.fromkeys((*wanted, *supplied))
        for digest in answers:
            answers[digest] = (
                self._in_archive(digest) or self._by_manifest(supplied.get(digest)) or self._by_ledger(digest)
            )
        tried = self._search(answers)
        for digest, answer in answers.items():
            if answer is None:
                how = f"{'; '.join(tried) or 'nothing in the archive can be pushed as an image'}; {_SETTLE}"
                unknown = self._unknown(supplied[digest]) if digest in supplied else None
                answers[digest] = unknown or Expectation(digest, Result.NOT_REPRODUCED, how)
        told = tuple(answer for answer in answers.values() if answer is not None)
        return told, {index: tuple(candidates) for index, candidates in self.found.items()}

    def _search(self, answers: dict[Digest, Expectation | None]) -> list[str]:
        """Try everything that can be pushed; what was tried, in words."""
        tried = []
        searched = [each for each in self.subjects if each.chosen and each.bench is not None]
        allowance = Allowance(self.case.catalogue.limits.search, len(searched))
        for subject in self.subjects:
            open_ = {digest for digest, answer in answers.items() if answer is None}
            if not open_ or not subject.chosen:
                break
            name = f"image @{subject.image.index}"
            if subject.bench is None or subject.missing or subject.image.orphan:
                tried.append(f"{name}: {subject.reason or subject.missing or 'no document names it'}")
                continue
            search = Search(subject.bench, subject.ranked, self.ledger, allowance)
            for candidate in search.find(open_):
                self._keep(subject, candidate)
                how = f"rebuilt bit for bit: {candidate.title}, layers {candidate.encoder}; equal SHA-256 is proof"
                own = Expectation(candidate.digest, Result.MATCH, how, subject.image.index)
                twins = [each for each in self.subjects if each is not subject and each.config == subject.config]
                also = [
                    self._judged(candidate.digest, f"{how}, of image @{own.image}'s config", each) for each in twins
                ]
                answers[candidate.digest] = joined((own, *also))
            made = ", ".join(search.encoders) or "no encoder"
            bound = ", then gave up" if search.gave_up else ""
            tried.append(f"{name}: {search.attempts} manifests tried with {made}{bound}")
        return tried

    def _keep(self, subject: Subject, candidate: Candidate) -> None:
        self.found.setdefault(subject.image.index, []).append(candidate)

    def _judged(self, digest: Digest, how: str, subject: Subject) -> Expectation:
        """The answer where a digest is known to name an image: it depends on what the archive holds of it."""
        index = subject.image.index
        if not subject.chosen:
            return Expectation(digest, Result.NOT_REPRODUCED, f"{how}, which was not the one to look at", index)
        if subject.contradicted:
            return Expectation(digest, Result.REFUTED, f"{how}, but {subject.reason}", index)
        if subject.bench is None:
            return Expectation(digest, Result.NOT_REPRODUCED, f"{how}, but {subject.reason}", index)
        if subject.missing:
            return Expectation(digest, Result.NOT_REPRODUCED, f"{how}, but {subject.missing}; {_SETTLE}", index)
        if subject.image.orphan:
            how = f"{how}, but no document names it: nothing loads it"
            return Expectation(digest, Result.NOT_REPRODUCED, how, index)
        return Expectation(digest, Result.MATCH, how, index)

    def _best(self, digest: Digest, name: Callable[[Subject], str | None]) -> Expectation | None:
        """The answers on the images that a digest names: matches before all others."""
        judged = [self._judged(digest, how, subject) for subject in self.subjects if (how := name(subject)) is not None]
        return joined(sorted(judged, key=lambda each: each.result is not Result.MATCH))

    # what lies in the archive

    def _in_archive(self, digest: Digest) -> Expectation | None:
        return (
            self._best(digest, partial(self._as_config, digest=digest))
            or self._manifest(digest)
            or self._as_index(digest)
        )

    def _manifest(self, digest: Digest) -> Expectation | None:
        found = (self._whole(digest), self._best(digest, partial(self._as_manifest, digest=digest)))
        return joined(each for each in found if each is not None)

    def _as_config(self, subject: Subject, digest: Digest) -> str | None:
        if subject.config != digest:
            return None
        return f"it is the image ID of image @{subject.image.index}, the digest of its config"

    def _as_manifest(self, subject: Subject, digest: Digest) -> str | None:
        if not any(candidate.digest == digest for candidate in subject.preserved):
            return None
        return f"the manifest of image @{subject.image.index} lies in the archive and hashes to it"

    def _as_index(self, digest: Digest) -> Expectation | None:
        """An index in the archive: every image of it that is there has to be whole."""
        listed = [
            subject for subject in self.subjects if any(digest in candidate.indexes for candidate in subject.preserved)
        ]
        how = f"an index that lists {', '.join(f'image @{each.image.index}' for each in listed)} hashes to it"
        judged = [self._judged(digest, how, subject) for subject in listed]
        order = [Result.REFUTED, Result.NOT_REPRODUCED, Result.MATCH]
        worst = min(judged, key=lambda each: order.index(each.result), default=None)
        return worst and joined((worst, *(replace(worst, image=each.image.index) for each in listed)))

    def _whole(self, digest: Digest) -> Expectation | None:
        """A manifest in the archive of which every blob is there, with the digest that it names.

        It may be of an artifact, or have encrypted layers: what they unpack to is not asked then.
        """
        case = self.case
        for member in case.catalogue.by_digest.get(digest, ()):
            document = case.structure.documents.get(member)
            if document is None or document.kind is not DocumentKind.MANIFEST or not case.references_to.get(member):
                continue
            images = [each for each in self.subjects if each.image.manifest_member == member]
            if member in case.wrong_bytes:
                continue
            if any(each.contradicted or each.image.orphan or not each.chosen for each in images):
                continue
            standing = [each for each in case.structure.references if each.member == member]
            named = [each for each in standing if each.role is not Role.SUBJECT]
            if named and all(map(self._holds, named)):
                how = f"{case.name(member)} hashes to it, and everything that it names is in the archive, byte for byte"
                places: list[int | None] = [each.image.index for each in images]
                return joined(Expectation(digest, Result.MATCH, how, place) for place in places or [None])
        return None

    def _holds(self, reference: Reference) -> bool:
        """Whether what a manifest names is in the archive, and is what its descriptor says."""
        blob = None if reference.target is None else self.case.catalogue.blobs.get(reference.target)
        digest = None if reference.descriptor is None else reference.descriptor.digest
        return blob is not None and digest is not None and blob.digest_by(digest.algorithm) == digest

    # manifests handed in

    def _by_manifest(self, supplied: SuppliedManifest | None) -> Expectation | None:
        """What a document that was handed in says of the archive; None where its digest has to be searched for."""
        if supplied is None:
            return None
        limits = self.case.catalogue.limits
        document = read_document(supplied.content, limits)
        if document.kind is DocumentKind.INDEX:
            return self._by_index(supplied, document.value)
        manifest = manifest_of(supplied.content, limits)
        if manifest is None:
            how = f"{supplied.source} is no image manifest that can be read, but {document.kind}"
            return Expectation(supplied.digest, Result.NOT_REPRODUCED, how)
        judged = []
        for subject in self.subjects:
            named, config = self._names_config(supplied, manifest, subject)
            if named is None:
                continue
            answer = self._judged(supplied.digest, named, subject)
            if answer.result is Result.MATCH and subject.bench is not None:
                wrong = contradiction(self.case, manifest, subject.bench.material, config)
                if wrong is not None:
                    index = subject.image.index
                    answer = Expectation(supplied.digest, Result.REFUTED, f"{named}, but {wrong}", index)
                else:
                    self._keep(subject, from_file(supplied, manifest.media_type))
            judged.append(answer)
        return joined(sorted(judged, key=lambda each: each.result is not Result.MATCH))

    def _names_config(
        self, supplied: SuppliedManifest, manifest: Manifest, subject: Subject
    ) -> tuple[str | None, bytes]:
        """How a manifest names an image's config, and the bytes that it names; None where it names another."""
        digest = None if manifest.config is None else manifest.config.digest
        index = subject.image.index
        if digest is not None and digest == subject.config:
            content = b"" if subject.bench is None else subject.bench.material.config
            return f"{supplied.source} names the config of image @{index}, and that names the archive's layers", content
        if digest is not None and subject.bench is not None:
            for version in SpecVersion:
                rewritten = to_oci_config(subject.bench.material.config, version, limits=self.case.catalogue.limits)
                if rewritten is not None and Digest.of(rewritten) == digest:
                    return f"{supplied.source} names the config of image @{index} as OCI tools rewrite it", rewritten
        return None, b""

    def _by_index(self, supplied: SuppliedManifest, value: object) -> Expectation | None:
        listed = read_index(value, self.case.catalogue.limits, Reader(self.case.catalogue.limits)).manifests
        answers = []
        for entry in listed:
            held = None if entry.digest is None else self._manifest(entry.digest)
            for each in () if held is None else held.each:
                how = f"{supplied.source} is an index that lists {entry.digest}: {each.how}"
                answers.append(Expectation(supplied.digest, each.result, how, each.image))
        if answers:
            return joined(answers)
        how = f"{supplied.source} is an index; the manifest of one platform that it lists would tell (--manifest FILE)"
        return Expectation(supplied.digest, Result.NOT_REPRODUCED, how)

    def _unknown(self, supplied: SuppliedManifest) -> Expectation | None:
        """A manifest whose config no image has: it is of another image, if all configs of the archive are known."""
        manifest = manifest_of(supplied.content, self.case.catalogue.limits)
        if manifest is None or manifest.config is None or manifest.config.digest is None:
            return None
        blobs = self.case.catalogue.by_digest
        known = all(subject.config is not None for subject in self.subjects)
        digest = manifest.config.digest
        if digest.algorithm != "sha256" or not known or digest in blobs or self.case.catalogue.unmeasured:
            return None
        how = f"{supplied.source} names the config {digest}, and no image in the archive has it"
        return Expectation(supplied.digest, Result.REFUTED, how)

    # the ledger

    def _by_ledger(self, digest: Digest) -> Expectation | None:
        answers = []
        for subject in self.subjects:
            for candidate in learned(self.case, subject, self.ledger):
                if candidate.digest == digest:
                    how = f"a manifest of that digest was {candidate.title}, and names the config of image"
                    answers.append(self._judged(digest, f"{how} @{subject.image.index}", subject))
        return joined(answers)
