"""IMG215: attestations that do not speak of the image they are said to."""

from collections.abc import Iterator, Mapping

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location
from imgforensics.ociview import ATTESTED_ANNOTATION
from imgforensics.structure import Image, ImageKind, Role


@check("IMG215", "foreign-attestation", Severity.WARNING, Effect.SUSPECT)
def foreign_attestation(case: Case) -> Iterator[Found]:
    """An attestation speaks of another image than the index says, or of one that the archive does not list.

    ## What it means
    The annotation `vnd.docker.reference.digest` beside an attestation names a manifest. No index lists that manifest,
    or the attestation's `subject`, or the statements inside, are about other digests.

    ## Why it matters
    Provenance and bills of materials are read by whoever trusts that they are there. One that was taken from another
    image vouches for nothing.

    ## How it is computed
    The annotation against the digests that the archive's indexes list, against `subject` of the attestation's manifest,
    and against `subject` of each in-toto statement that is small enough to be read. Signatures are not verified.

    ## When it is innocent
    An image that was compressed anew, or otherwise changed, after it was attested.
    """
    listed = {
        reference.descriptor.digest_text
        for reference in case.structure.references
        if reference.descriptor is not None
        and reference.role in (Role.INDEX, Role.MANIFEST)
        and ATTESTED_ANNOTATION not in reference.descriptor.annotations
    }
    for artifact in case.structure.artifacts:
        if artifact.kind is not ImageKind.ATTESTATION or artifact.manifest_member is None:
            continue
        for reference in case.references_to.get(artifact.manifest_member, ()):
            said = None if reference.descriptor is None else reference.descriptor.annotations.get(ATTESTED_ANNOTATION)
            if said is None:
                continue
            if said not in listed:
                yield Found(f"an attestation of {said}, which no index lists", reference.where, claimed=said)
            if artifact.subject is not None and str(artifact.subject) != said:
                own = str(artifact.subject)
                message = f"an attestation of {said} by its index, its subject is {own}"
                places = (Location(case.name(artifact.manifest_member), "/subject"),)
                yield Found(message, reference.where, places, claimed=said, computed=own)
            for member, subjects in _statements(case, artifact):
                if subjects and said not in subjects:
                    first = min(subjects)
                    message = f"an attestation of {said} by its index, its statement is of {first}"
                    yield Found(message, reference.where, (Location(case.name(member)),), claimed=said, computed=first)


def _statements(case: Case, artifact: Image) -> Iterator[tuple[int, set[str]]]:
    """Each in-toto statement of an attestation that was read, and the digests that it is about."""
    for layer in artifact.layers:
        document = None if layer.member is None else case.structure.documents.get(layer.member)
        if layer.member is None or document is None or not isinstance(document.value, Mapping):
            continue
        subjects = document.value.get("subject")
        digests = [
            each.get("digest") for each in (subjects if isinstance(subjects, list) else ()) if isinstance(each, Mapping)
        ]
        yield (
            layer.member,
            {
                f"{algorithm}:{encoded}"
                for each in digests
                if isinstance(each, Mapping)
                for algorithm, encoded in each.items()
            },
        )


CHECKS: tuple[Check, ...] = (foreign_attestation,)
