"""IMG218 and IMG223: the names that loading an archive would give to its images."""

from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location
from imgforensics.refnames import has_repository, is_reference, is_well_known
from imgforensics.structure import Image, View

_SHOWN = 8
"""Names in one message."""


@check("IMG218", "claims-well-known-name", Severity.NOTE, Effect.NONE)
def claims_well_known_name(case: Case) -> Iterator[Found]:
    """Loading the archive gives one of its images a name that others rely on.

    ## What it means
    A tag is in a namespace of official or widely used images.

    ## Why it matters
    Loading moves a name from the image that has it, without a question (moby#11285, moby#35625, CVE-2026-50195). Builds
    and clusters on that machine then take the archive's image for the official one. Nothing in an archive proves that
    it is; the digest that the registry shows does (`--expect`).

    ## How it is computed
    Every tag of every view, spelled out as Docker does, against a list of namespaces. `inspect` shows all names.

    ## When it is innocent
    Nearly always: a saved official image has its official name.
    """
    for image in case.structure.images:
        names = [name for name in image.moved_names if is_well_known(name)]
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            said = f"{', '.join(names[:_SHOWN])}{more}"
            message = f"loading it gives {said}, which others rely on, to {_called(case, image)}"
            yield Found(message, _where(case, image), claimed=names[0])


@check("IMG223", "malformed-reference", Severity.WARNING, Effect.SUSPECT)
def malformed_reference(case: Case) -> Iterator[Found]:
    """A tag is no image reference.

    ## What it means
    The name has characters that references do not have, or not in that place, or is too long.

    ## Why it matters
    Docker refuses to load it, containerd keeps it as it is. Letters of other alphabets and characters that do not print
    make it look like a name that it is not.

    ## How it is computed
    `RepoTags` of `manifest.json`, and names in `index.json` that name a repository, against the grammar of
    distribution/reference. A familiar name (`alpine`) is one.

    ## When it is innocent
    Upper-case letters in hand-made archives and other names in plain ASCII are only noted. What
    `org.opencontainers.image.ref.name` gives without a repository may be anything, and is not reported.
    """
    for image in case.structure.images:
        given = dict.fromkeys(name for view, name in image.names if view is View.SAVE or has_repository(name))
        wrong: dict[Severity | None, list[str]] = {}
        for name in given:
            if not is_reference(name):
                plain = name.isascii() and name.isprintable()
                wrong.setdefault(Severity.NOTE if plain else None, []).append(name)
        for severity, names in wrong.items():
            more = f", and {len(names) - 1} more like it" if len(names) > 1 else ""
            message = f"{names[0][:200]!a} is no image reference{more}"
            yield Found(message, _where(case, image), claimed=names[0], severity=severity)


def _called(case: Case, image: Image) -> str:
    blob = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
    return f"image @{image.index}" if blob is None else str(blob.digest)


def _where(case: Case, image: Image) -> Location:
    """The document that names the image, where it does so."""
    leading = () if image.manifest_member is None else case.references_to.get(image.manifest_member, ())
    places = [each.where for each in (*(each for each in image.references if each.path is not None), *leading)]
    member = places[0].member if places else None
    return Location(member, places[0].pointer if places else None, image=image.index)


CHECKS: tuple[Check, ...] = (claims_well_known_name, malformed_reference)
