"""IMG224: images that readers of ``index.json`` take besides those that ``manifest.json`` has."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.documents import DocumentKind
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location
from imgforensics.platforms import normalised
from imgforensics.structure import Image, Reference, View


@check("IMG224", "image-in-one-view", Severity.WARNING, Effect.SUSPECT)
def image_in_one_view(case: Case) -> Iterator[Found]:
    """An entry of `index.json` leads to images that `manifest.json` does not have, beside others that both have.

    ## What it means
    Readers of `index.json` take an image more out of the archive than readers of `manifest.json`.

    ## Why it matters
    A scanner that reads `manifest.json`, as most do, never sees an image that containerd, and Docker with the
    containerd store, load under the name that it has in `index.json`.

    ## How it is computed
    The images below each entry of `index.json`, through nested indexes, against those of `manifest.json`. Of documents
    that share no image, and of images that only `manifest.json` has, IMG206 tells.

    ## When it is innocent
    Other platforms of an image that both have are silent, since `manifest.json` lists one of them. An entry with images
    for other platforms only is noted: exporters list those of their own.
    """
    images = [image for image in case.structure.images if not image.orphan]
    shared = {_machine(image) for image in images if View.SAVE in image.views}
    if not any(len(image.views) > 1 for image in images) or any(image.views == (View.SAVE,) for image in images):
        return
    by_manifest = {image.manifest_member: image for image in images if image.manifest_member is not None}
    below = _below(case)
    told: set[int] = set()
    for member, kind in case.structure.entry_points.items():
        for reference in below.get(member, ()) if kind is DocumentKind.INDEX else ():
            found = [by_manifest[each] for each in _reached(reference, below) if each in by_manifest]
            if not found or any(View.SAVE in image.views for image in found) or found[0].index in told:
                continue
            told.update(image.index for image in found)
            same = any(_machine(image) in shared for image in found)
            names = ", ".join(found[0].tags) or "an untagged image"
            numbers = ", ".join(f"@{image.index}" for image in found)
            more = "" if same else ", for another platform than its images are"
            message = f"only index.json lists {numbers} ({names}), manifest.json does not{more}"
            related = tuple(_where(case, image) for image in found)
            yield Found(message, reference.where, related, severity=None if same else Severity.NOTE)


def _machine(image: Image) -> tuple[str, str]:
    """Operating system and processor, without the variant; what gives a processor only is for Linux."""
    if image.config is not None and image.config.platform.architecture:
        return normalised(image.config.platform.os, image.config.platform.architecture)[:2]
    words = (image.platform or "").split("/")
    return normalised(*(words[:2] if len(words) > 1 else ("", *words)))[:2]


def _below(case: Case) -> Mapping[int, Sequence[Reference]]:
    found: dict[int, list[Reference]] = defaultdict(list)
    for reference in case.structure.references:
        if reference.target is not None and reference.descriptor is not None:
            found[reference.member].append(reference)
    return found


def _reached(start: Reference, below: Mapping[int, Sequence[Reference]]) -> Sequence[int]:
    """Members that a descriptor leads to, in order."""
    reached: dict[int, None] = {}
    pending = [start.target]
    while pending:
        member = pending.pop()
        if member is not None and member not in reached:
            reached[member] = None
            pending.extend(reference.target for reference in reversed(below.get(member, ())))
    return list(reached)


def _where(case: Case, image: Image) -> Location:
    member = image.manifest_member
    return Location(None if member is None else case.name(member), image=image.index)


CHECKS: tuple[Check, ...] = (image_in_one_view,)
