"""What a user expects an archive to hold, and whether it does."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from imgforensics.model import Digest


class Result(StrEnum):
    """How an expectation fared."""

    MATCH = "match"
    """These bytes are that image."""
    REFUTED = "refuted"
    """The manifest of that digest is known, and contradicts the archive."""
    NOT_REPRODUCED = "not-reproduced"
    """No known way of pushing gives that digest. It proves nothing."""


@dataclass(frozen=True, slots=True)
class SuppliedManifest:
    """The bytes of a manifest or index that were fetched from a registry and handed in."""

    source: str
    """Where they were read, for people."""
    content: bytes
    digest: Digest
    """SHA-256 of the bytes."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A digest that an archive was said to hold."""

    digest: Digest
    result: Result
    how: str
    """What proves or refutes it, or what was tried and what would settle it, in words."""
    image: int | None = None
    """Index of the image that it is, None where it is none."""
    others: tuple["Expectation", ...] = ()
    """The answers on further images that the digest names: two may have one config, and an index lists several."""

    @property
    def each(self) -> tuple["Expectation", ...]:
        """This answer, and those on further images."""
        return (self, *self.others)


def joined(answers: Iterable[Expectation]) -> Expectation | None:
    """One answer of those on several images: the first, with the first on each other image behind it."""
    by_image: dict[int | None, Expectation] = {}
    for answer in answers:
        for each in answer.each:
            by_image.setdefault(each.image, each)
    if not by_image:
        return None
    first, *others = by_image.values()
    return replace(first, others=tuple(replace(each, others=()) for each in others))
