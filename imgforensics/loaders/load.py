"""What a reader does with an archive: the images that it would load, or why it refuses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from imgforensics.model import Digest


class Reader(StrEnum):
    """Programs that load image archives, by how they choose. The values are those of the JSON report."""

    DOCKER_28 = "docker-28-classic"
    DOCKER_29 = "docker-29-classic"
    DOCKER_CONTAINERD = "docker-containerd"
    CONTAINERD = "containerd"
    PODMAN = "podman"
    SKOPEO_DOCKER = "skopeo-docker-archive"
    SKOPEO_OCI = "skopeo-oci-archive"
    CRANE = "crane"
    SYFT = "syft"
    TRIVY = "trivy"
    REGCTL = "regctl"
    ORAS = "oras"

    @property
    def called(self) -> str:
        """For people."""
        return _TITLES[self]


_TITLES = {
    Reader.DOCKER_28: "docker 28 and older",
    Reader.DOCKER_29: "docker 29 with the classic store",
    Reader.DOCKER_CONTAINERD: "docker with the containerd store",
    Reader.CONTAINERD: "ctr/nerdctl/k3s",
    Reader.PODMAN: "podman load",
    Reader.SKOPEO_DOCKER: "skopeo docker-archive:",
    Reader.SKOPEO_OCI: "skopeo oci-archive:",
    Reader.CRANE: "crane",
    Reader.SYFT: "syft/grype",
    Reader.TRIVY: "trivy",
    Reader.REGCTL: "regctl",
    Reader.ORAS: "oras",
}


SINCE_LAYOUT = ", since oci-layout is there"
"""End of a reason, where a reader looks for that marker before it reads ``index.json``."""
ASKED_FOR = "the one that is asked for"
"""Which of several entries a reader takes that wants to be told."""


@dataclass(frozen=True, slots=True)
class Load:
    """One image that a reader would load, or a refusal."""

    reader: Reader
    image_id: Digest | None
    """Computed from the config's bytes that the reader takes. None where it refuses, or makes the config itself."""
    manifest_digest: Digest | None
    """Computed, of the manifest in the archive that the reader takes; None where it makes one itself."""
    tags: tuple[str, ...]
    """Names that the image then has, as written."""
    why: str
    """One line that a person can check: the document and the rule, or the reason of the refusal."""
    refused: bool = False
    platform: str = ""
    """Where it is one of several of an index, and the reader takes it on hosts of this platform: in one spelling."""
    any_host: bool = False
    """It is one of several of an index, and the reader takes it on hosts for which no other one is."""
    instead: bool = False
    """It is taken in place of the others, on some hosts, and never beside them."""
    machine: str = ""
    """Platform by the config, in one spelling, where that gives an architecture; ``linux/arm`` of one without variant,
    which may be of any."""
    limited: bool = False
    """It is refused since a bound of this tool was reached, not of the reader."""


class RefusedError(Exception):
    """A reader ends with an error here; the message says which. Images before it stay loaded."""


class LimitError(RefusedError):
    """More than this tool follows: what the reader does after it is not known."""


class MissingError(RefusedError):
    """A reader refuses since something that is named is not in the archive."""


def asked_for(reader: Reader, tags: tuple[str, ...], found: Iterable[Load]) -> Iterator[Load]:
    """The loads of one image of several, of which a user asks for one: that it fails does not touch the others."""
    try:
        yield from found
    except RefusedError as error:
        yield Load(reader, None, None, tags, str(error), refused=True, limited=isinstance(error, LimitError))


def parsed(text: str) -> Digest:
    """A digest out of a document.

    Raises:
        RefusedError: it is none.
    """
    try:
        return Digest.parse(text)
    except ValueError:
        raise RefusedError(f"{text or 'nothing'} stands where a digest should") from None
