"""IMG213: names inside one view that lead to more than one image, or do not agree with each other."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.documents import DocumentKind
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location
from imgforensics.ociview import names_of
from imgforensics.refnames import has_repository, normalise
from imgforensics.structure import Image, Reference, View


@check("IMG213", "ambiguous-tag", Severity.ERROR, Effect.SUSPECT)
def ambiguous_tag(case: Case) -> Iterator[Found]:
    """One document gives a tag to two images, or an index entry has two names that contradict each other.

    ## What it means
    Which image the tag stands for depends on which entry a reader takes, or on which annotation it reads.

    ## Why it matters
    Docker lets the last entry have the tag, and so does containerd, whatever the platforms; others take the first.
    containerd names an image by `io.containerd.image.name`, podman and skopeo by `org.opencontainers.image.ref.name`.

    ## How it is computed
    `RepoTags` of each `manifest.json`, whose images are compared by config and layers; annotations of each
    `index.json`, whose entries are compared by digest. Entries for different platforms may share a name, unless
    `manifest.json` gives it to an image that is not the last of them: that is a warning.

    ## When it is innocent
    Two names of one entry, which are a warning only, occur where somebody renamed an image in one of the annotations.
    """
    yield from _saved(case)
    images = {image.manifest_member: image for image in case.structure.images}
    listed: dict[int, list[Reference]] = defaultdict(list)
    for reference in case.structure.references:
        if case.structure.entry_points.get(reference.member) is DocumentKind.INDEX:
            listed[reference.member].append(reference)
    saved: dict[str, set[int]] = defaultdict(set)
    for image in case.structure.images:
        for name in image.names_in(View.SAVE):
            saved[normalise(name)].add(image.index)
    for member, references in listed.items():
        yield from _listed(case, member, references, images, saved)


def _saved(case: Case) -> Iterator[Found]:
    given: dict[tuple[int, str], list[Image]] = defaultdict(list)
    for image in case.structure.images:
        for member in {reference.member for reference in image.references if reference.path is not None}:
            for tag in dict.fromkeys(normalise(name) for name in image.names_in(View.SAVE)):
                given[member, tag].append(image)
    for (member, tag), images in given.items():
        if len(images) > 1:
            places = [each.where for image in images for each in image.references if each.member == member]
            where = Location(places[0].member, places[0].pointer, image=images[0].index)
            message = f"{case.name(member)} gives {tag} to {len(images)} different images"
            yield Found(message, where, tuple(places[1:]))


def _listed(
    case: Case,
    member: int,
    listed: list[Reference],
    images: dict[int | None, Image],
    saved: Mapping[str, set[int]],
) -> Iterator[Found]:
    """Names in one ``index.json``; ``saved`` are the images by each name that ``manifest.json`` gives them."""
    entries: dict[str, dict[str, list[Reference]]] = defaultdict(lambda: defaultdict(list))
    last: dict[str, Reference] = {}
    for reference in listed:
        if reference.descriptor is None or reference.target is None:
            continue
        document = case.structure.documents.get(reference.target)
        is_index = document is not None and document.kind is DocumentKind.INDEX
        if not is_index and reference.target not in images:
            continue  # artifacts may share the name of the image that they speak of
        names = names_of(reference.descriptor)
        if len(names) > 1:
            message = f"one entry of {case.name(member)} is named {names[0]} for some readers and {names[1]} for others"
            yield Found(message, reference.where, claimed=names[0], computed=names[1], severity=Severity.WARNING)
        for name in dict.fromkeys(normalise(name) if has_repository(name) else name for name in names):
            entries[name][_platform(images, reference)].append(reference)
            last[name] = reference
    for name, platforms in entries.items():
        for platform, references in platforms.items():
            if len({reference.claims for reference in references}) > 1:
                of = f" of {platform}" if platform else ""
                message = f"{case.name(member)} gives {name} to {len(references)} different images{of}"
                yield Found(message, references[0].where, tuple(each.where for each in references[1:]))
        kept = images.get(last[name].target)
        if len(platforms) > 1 and name in saved and (kept is None or kept.index not in saved[name]):
            message = (
                f"{case.name(member)} gives {name} to images for different platforms: ctr, and Docker with the "
                "containerd store, let the last one have it, which is not the one of manifest.json"
            )
            yield Found(message, last[name].where, severity=Severity.WARNING)


def _platform(images: dict[int | None, Image], reference: Reference) -> str:
    """What a reader chooses an entry by besides its name."""
    given = None if reference.descriptor is None else reference.descriptor.platform
    if given is not None:
        return f"{given} {given.os_version}".rstrip()
    image = images.get(reference.target)
    return "" if image is None else image.platform or ""


CHECKS: tuple[Check, ...] = (ambiguous_tag,)
