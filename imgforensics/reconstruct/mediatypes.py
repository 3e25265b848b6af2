"""Media types of manifests, configs and layers, in the sets that pushing tools write.

image-spec v1.1 (media-types.md); distribution-spec "Image Manifest V 2, Schema 2".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from imgforensics.model import Compression

_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True, slots=True)
class MediaTypes:
    """What a tool calls a manifest and the blobs in it."""

    manifest: str
    config: str
    layers: Mapping[Compression, str]
    """By the compression of the blob that is uploaded. What is not in it, the tool cannot upload."""


def _types(manifest: str, config: str, layers: dict[Compression, str]) -> MediaTypes:
    return MediaTypes(manifest, config, MappingProxyType(layers))


_DOCKER = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.container.image.v1+json")

DOCKER = _types(
    *_DOCKER,
    {
        Compression.GZIP: f"{_DOCKER_LAYER}.gzip",
        Compression.NONE: _DOCKER_LAYER,
        Compression.ZSTD: f"{_DOCKER_LAYER}.zstd",
    },
)
"""Each layer called what it is. The type for zstd is containerd's own."""

DOCKER_GZIP = _types(*_DOCKER, dict.fromkeys(Compression, f"{_DOCKER_LAYER}.gzip"))
"""Every layer called gzip, whatever it is: docker push reuses blobs that it once pulled, and crane never looks."""

OCI = _types(
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.config.v1+json",
    {
        Compression.GZIP: f"{_OCI_LAYER}+gzip",
        Compression.NONE: _OCI_LAYER,
        Compression.ZSTD: f"{_OCI_LAYER}+zstd",
    },
)
"""Each layer called what it is."""
