"""Which images of an archive options speak of, and what is expected of which."""

import re
from collections.abc import Sequence
from dataclasses import replace

from imgforensics.case import Case
from imgforensics.errors import SelectionError
from imgforensics.expectation import Expectation, Result
from imgforensics.model import Digest
from imgforensics.refnames import normalise
from imgforensics.report import Options
from imgforensics.structure import Image


def select_images(case: Case, options: Options) -> tuple[Image, ...]:
    """The images that the options name; all where they name none.

    Raises:
        SelectionError: they name none that is there, or a beginning of several image IDs.
    """
    found = case.structure.images
    chosen = list(found if options.image is None else named_images(case, options.image))
    wanted = None if options.platform is None else options.platform.rstrip("/")
    if wanted is not None:
        chosen = [image for image in chosen if image.platform and f"{image.platform}/".startswith(f"{wanted}/")]
    if not chosen and (options.image is not None or wanted is not None):
        asked = f"image {options.image!r}" if options.image is not None else "image"
        asked += f" for the platform {options.platform!r}" if wanted is not None else ""
        there = ", ".join(
            f"@{image.index} {' '.join(image.tags)} {image.platform or ''}".strip() for image in found[:9]
        )
        raise SelectionError(f"no {asked} in the archive; it holds {there or 'none'}")
    return tuple(chosen)


def named_images(case: Case, name: str) -> list[Image]:
    """The images that a reference names, or ``@N``; only where there is none, those whose ID begins so."""
    images = case.structure.images
    if name.startswith("@"):
        return [image for image in images if name[1:].isdecimal() and int(name[1:]) == image.index]
    wanted = normalise(name)
    tagged = [image for image in images if name in image.tags or wanted in {normalise(tag) for tag in image.tags}]
    if tagged or not _ID.fullmatch(name):
        return tagged
    beginning = name.removeprefix("sha256:")
    begun = [(image, ident) for image in images if (ident := _image_id(case, image)).startswith(beginning)]
    if len({ident for _, ident in begun}) > 1:
        there = ", ".join(f"@{image.index} sha256:{ident}" for image, ident in begun[:9])
        raise SelectionError(f"several image IDs begin with {name!r}: {there}")
    return [image for image, _ in begun]


_ID = re.compile("(?:sha256:)?[0-9a-f]{1,64}")


def _image_id(case: Case, image: Image) -> str:
    """The computed image ID in hex, empty where the config is not there."""
    blob = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
    return blob.digest.encoded if blob else ""


def expected(text: str) -> tuple[str | None, Digest]:
    """What ``[IMAGE=]DIGEST`` expects: the image that it speaks of, None for any, and the digest.

    Raises:
        SelectionError: it is no SHA-256 digest.
    """
    image, _, name = text.rpartition("=")
    try:
        digest = Digest.parse(name if ":" in name else f"sha256:{name}")
    except ValueError as error:
        raise SelectionError(f"{name!r} is no digest: {error}") from None
    if digest.algorithm != "sha256":
        raise SelectionError(f"{name!r}: registries show SHA-256 digests; one of {digest.algorithm} is not looked for")
    return image or None, digest


def hold_to_images(
    case: Case, told: Sequence[Expectation], wanted: Sequence[str], elsewhere: Sequence[Expectation] | None = None
) -> tuple[Expectation, ...]:
    """How expectations fared, each held to the image that it was expected of; one answer for each image and digest.

    A digest that is another image's refutes: it is known what it names, and that is not the image in question.

    Args:
        case: the archive.
        told: the answers, with the selected images looked at.
        wanted: what was expected, ``[IMAGE=]DIGEST``.
        elsewhere: the answers with all images looked at, where an image that is named was not selected.
    """
    of_named = {each.digest: each for each in (told if elsewhere is None else elsewhere)}
    by_digest = {each.digest: each for each in told}
    pairs = [expected(text) for text in wanted]
    asked = {digest for _, digest in pairs}
    answers = [each for each in told if each.digest not in asked]  # those of manifests that were handed in
    for name, digest in dict.fromkeys(pairs):
        answers.append(by_digest[digest] if name is None else _held_to(case, of_named[digest], name))
    return tuple(answers)


def _held_to(case: Case, answer: Expectation, name: str) -> Expectation:
    of = named_images(case, name)
    if not of:
        how = f"no image of the archive is called {name!r}"
        return Expectation(answer.digest, Result.NOT_REPRODUCED, f"{how}; otherwise: {answer.how}")
    indexes = {image.index for image in of}
    held = next((each for each in answer.each if each.image in indexes), None)
    if held is not None:
        return replace(held, others=())
    index = of[0].index
    if answer.image is None:
        how = f"expected of image @{index}, {name!r}: {answer.how}"
        result = Result.NOT_REPRODUCED if answer.result is Result.MATCH else answer.result
        return Expectation(answer.digest, result, how, index)
    how = f"expected of image @{index}, {name!r}, but it names image @{answer.image}: {answer.how}"
    return Expectation(answer.digest, Result.REFUTED, how, index)
