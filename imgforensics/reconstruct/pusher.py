"""What is to be known about a tool that pushes images, as data."""

from dataclasses import dataclass
from enum import Enum

from imgforensics.reconstruct.manifest import ManifestStyle
from imgforensics.reconstruct.mediatypes import MediaTypes
from imgforensics.reconstruct.ociconfig import SpecVersion

GO_HEADER = "1f8b08000000000000ff"
"""Go 1.8 and newer at the default level: no time, no flags, an unknown system. Java 16 and newer write the same."""
GO_FASTEST_HEADER = "1f8b08000000000004ff"
"""The same at level 1."""
ZERO_TIME_HEADER = "1f8b080000096e8800ff"
"""klauspost/pgzip, and Go up to 1.7: the time field holds Go's zero time, cut to 32 bits."""
JAVA_HEADER = "1f8b0800000000000000"
"""Java up to 15."""
UNIX_HEADER = "1f8b0800000000000003"
"""gzip -n, pigz -n."""

STORED = "stored"
"""Not an encoder: the blob as the archive holds it."""


class Compressed(Enum):
    """What a tool does with layers that are compressed in the archive already."""

    KEPT = "uploaded as they are"
    UNDONE = "decompressed, and compressed anew"


class LayerTypes(Enum):
    """How a tool chooses the media type of a layer."""

    BY_COMPRESSION = "by the compression of the blob"
    BY_INSTRUCTION = "by the instruction that made the layer"
    """COPY and ADD give Docker's type, RUN and commit OCI's: docker's classic builder on the containerd image store."""


class Annotations(Enum):
    """Whether a tool writes annotations into a manifest."""

    NONE = "never: Docker's manifests have none"
    KEPT = "those that the image has, which the archive may not tell"
    LABELS = "those that the image has; where they are not known, the labels in its config"


@dataclass(frozen=True, slots=True)
class Pusher:
    """Tools and versions that upload the same bytes for the same image."""

    name: str
    """Identifies the entry; stable."""
    title: str
    """What it is, in words."""
    tools: tuple[str, ...]
    """Commands that push so."""
    versions: str
    """Which versions of them."""
    style: ManifestStyle
    types: MediaTypes
    encoders: tuple[str, ...]
    """Encoders for layers that the tool compresses, the likeliest first."""
    compressed: Compressed
    headers: tuple[str, ...]
    """First ten bytes, in hex, of the gzip layers that it makes (RFC 1952, section 2.3)."""
    traces: tuple[str, ...]
    """What tells of the tool in an archive that it or its companions wrote, or in a config."""
    assumes: tuple[str, ...] = ()
    """What has to be so besides, as sentences."""
    reuses: tuple[str, ...] = ()
    """Encoders of others, whose blobs the tool mentions again where the registry has them already."""
    config: SpecVersion | None = None
    """None: the config's bytes are uploaded as they are; else it is rewritten, see :mod:`.ociconfig`."""
    layer_types: LayerTypes = LayerTypes.BY_COMPRESSION
    annotations: Annotations = Annotations.NONE
