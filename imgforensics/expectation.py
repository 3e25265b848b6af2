"""What a user expects an archive to hold, and whether it does."""

from dataclasses import dataclass
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
