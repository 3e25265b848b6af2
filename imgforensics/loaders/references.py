"""Image references as loaders take or refuse them (``github.com/distribution/reference``, ``ParseNormalizedNamed``)."""

import re
from collections.abc import Iterable

from imgforensics.loaders.load import RefusedError
from imgforensics.refnames import normalise

_COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?/)?"
    rf"{_COMPONENT}(?:/{_COMPONENT})*:[a-zA-Z0-9_][a-zA-Z0-9._-]{{0,127}}"
)
_LONGEST = 512


def normalised(tags: Iterable[str]) -> list[str]:
    """Full names of references with a tag.

    Raises:
        RefusedError: one of them is none.
    """
    return [_normalised(tag) for tag in tags]


def check_named(tags: Iterable[str]) -> None:
    """As :func:`normalised`, for readers that take a digest for a tag.

    Raises:
        RefusedError: one of them is no reference.
    """
    normalised(tag.partition("@")[0] for tag in tags)


def _normalised(tag: str) -> str:
    name = normalise(tag)
    if len(tag) > _LONGEST or not _REFERENCE.fullmatch(name):
        raise RefusedError(f"{tag!r} is no image reference with a tag")
    return name
