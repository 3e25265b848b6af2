"""Image references as loaders take or refuse them (``github.com/distribution/reference``, ``ParseNormalizedNamed``)."""

import re
from collections.abc import Iterable

from imgforensics.loaders.load import RefusedError
from imgforensics.model import DIGEST_LENGTHS
from imgforensics.refnames import normalise

_COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    r"((?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?/)?)"
    rf"({_COMPONENT}(?:/{_COMPONENT})*):[a-zA-Z0-9_][a-zA-Z0-9._-]{{0,127}}"
)
_DIGEST = re.compile("([a-z0-9]+):([0-9a-f]+)")
_LONGEST = 255
"""Characters of a name without its tag; without its registry since distribution/reference 0.6.0."""


def tagged(tags: Iterable[str]) -> None:
    """What Docker checks of ``RepoTags``: each has a tag; that there is a digest behind it, it does not mind.

    Raises:
        RefusedError: one of them is none.
    """
    for tag in tags:
        _require_tag(tag)
        _normalised(tag)


def normalised(tags: Iterable[str]) -> list[str]:
    """Full names of references with a tag and no digest, as containers/image takes them.

    Raises:
        RefusedError: one of them is none.
    """
    found = []
    for tag in tags:
        _require_tag(tag)
        if "@" in tag:
            raise RefusedError(f"{tag!r} has a digest")
        found.append(_normalised(tag, with_registry=True))
    return found


def check_named(tags: Iterable[str]) -> None:
    """As :func:`tagged`, for readers that take a digest for a tag, and of neither the tag ``latest``.

    Raises:
        RefusedError: one of them is no reference.
    """
    for tag in tags:
        _normalised(tag)


def _require_tag(tag: str) -> None:
    if ":" not in tag.partition("@")[0].rpartition("/")[2]:
        raise RefusedError(f"{tag!r} is an image reference without a tag")


def _normalised(tag: str, *, with_registry: bool = False) -> str:
    plain, at, digest = tag.partition("@")
    name = normalise(plain)
    found = _REFERENCE.fullmatch(name)
    if found is None or (at and not _is_digest(digest)):
        raise RefusedError(f"{tag!r} is no image reference with a tag")
    if len(found[2]) + with_registry * len(found[1]) > _LONGEST:
        raise RefusedError(f"{tag!r} is longer than image references may be")
    return name


def _is_digest(text: str) -> bool:
    found = _DIGEST.fullmatch(text)
    return found is not None and DIGEST_LENGTHS.get(found[1]) == len(found[2])
