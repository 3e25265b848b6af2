"""Puts together what a pushing tool uploads for an image: its config, and the manifest over config and layers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from imgforensics.documentreader import Reader, read_config
from imgforensics.documents import Config
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import Compression, Digest
from imgforensics.reconstruct.manifest import Entry, write_manifest
from imgforensics.reconstruct.ociconfig import to_oci_config
from imgforensics.reconstruct.pusher import Annotations, LayerTypes, Pusher
from imgforensics.strictjson import parse_json

_COPIED = re.compile(r"\S+(?: [-/]\S+| pipefail)* #\(nop\) +(?:COPY|ADD) ")
"""How the classic builder describes COPY and ADD: behind the shell and its options; a RUN has the command there."""
_DOCKER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class NotDerivableError(ValueError):
    """The tool would not upload this image, or what it uploads does not follow from it. The message says why."""


@dataclass(frozen=True, slots=True)
class LayerDescriptor:
    """One layer as it is uploaded."""

    digest: Digest
    """Of the blob as the registry stores it."""
    size: int
    """Its bytes."""
    diff_id: Digest | None = None
    """Of the uncompressed bytes, where known. It is not written into a manifest."""
    compression: Compression = Compression.GZIP
    """Of the blob; decides the media type, with most tools."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of the layer's descriptor, such as zstd:chunked needs them."""
    media_type: str | None = None
    """What to write whatever the tool: the type of a foreign layer."""
    urls: tuple[str, ...] = ()
    """Where a foreign layer is kept."""


@dataclass(frozen=True, slots=True)
class BuiltManifest:
    """A manifest, and the config that it names."""

    content: bytes
    """The exact bytes."""
    digest: Digest
    """SHA-256 of them: what the registry shows."""
    size: int
    media_type: str
    """With which it is uploaded."""
    config: bytes
    """The config that is uploaded with it."""


def build(
    pusher: Pusher,
    config: bytes,
    layers: Sequence[LayerDescriptor],
    annotations: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> BuiltManifest:
    """What a tool uploads for an image.

    Args:
        pusher: the tool.
        config: the image config's bytes as the archive holds them.
        layers: one for each diff_id, lowest first.
        annotations: of the image's manifest, where they are known. Tools that write Docker's type drop them.
        limits: bounds on the config, where it has to be read.

    Raises:
        NotDerivableError: the tool cannot upload such layers, or the config does not say what it needs to know.
    """
    uploaded = uploaded_config(pusher, config, limits)
    copied = copied_layers(pusher, config, len(layers), limits)
    content = write_manifest(
        pusher.style,
        pusher.types.manifest,
        config_entry(pusher, uploaded),
        [layer_entry(pusher, layer, copied=copy) for layer, copy in zip(layers, copied, strict=True)],
        image_annotations(pusher, config, annotations, limits),
    )
    return BuiltManifest(content, Digest.of(content), len(content), pusher.types.manifest, uploaded)


def uploaded_config(pusher: Pusher, config: bytes, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The config as a tool uploads it.

    Raises:
        NotDerivableError: it would be rewritten, and cannot be read for that.
    """
    if pusher.config is None:
        return config
    rewritten = to_oci_config(config, pusher.config, limits=limits)
    if rewritten is None:
        raise NotDerivableError(f"{pusher.name}: the config cannot be read into image-spec's structs")
    return rewritten


def config_entry(pusher: Pusher, uploaded: bytes) -> Entry:
    """The descriptor of a config in the form in which it is uploaded."""
    return Entry(pusher.types.config, Digest.of(uploaded), len(uploaded))


def copied_layers(pusher: Pusher, config: bytes, count: int, limits: Limits = DEFAULT_LIMITS) -> list[bool]:
    """Which layers COPY or ADD made, lowest first; none where the tool does not care.

    Raises:
        NotDerivableError: the tool cares, and the history tells of another number of layers than ``count``.
    """
    if pusher.layer_types is not LayerTypes.BY_INSTRUCTION:
        return [False] * count
    instructions = _instructions(_read(pusher, config, limits))
    if len(instructions) != count:
        detail = f"the history tells how {len(instructions)} layers were made, and there are {count}"
        raise NotDerivableError(f"{pusher.name}: {detail}")
    return [_COPIED.match(instruction) is not None for instruction in instructions]


def layer_entry(pusher: Pusher, layer: LayerDescriptor, *, copied: bool) -> Entry:
    """The descriptor that a tool writes of a layer; ``copied`` as :func:`copied_layers` says.

    Raises:
        NotDerivableError: the tool cannot upload such a layer.
    """
    gzip = copied and layer.compression is Compression.GZIP
    media_type = _DOCKER_GZIP if gzip else _layer_type(pusher, layer)
    return Entry(media_type, layer.digest, layer.size, layer.urls, layer.annotations)


def _layer_type(pusher: Pusher, layer: LayerDescriptor) -> str:
    media_type = layer.media_type or pusher.types.layers.get(layer.compression)
    if media_type is None:
        raise NotDerivableError(f"{pusher.name}: uploads no layer compressed with {layer.compression}")
    return media_type


def _instructions(config: Config) -> list[str]:
    """What made each layer, lowest first."""
    return [entry.created_by for entry in config.history or () if not entry.empty_layer]


def image_annotations(
    pusher: Pusher, config: bytes, known: Mapping[str, str] | None, limits: Limits = DEFAULT_LIMITS
) -> Mapping[str, str]:
    """The annotations that a tool writes into the manifest itself; ``known`` are those of the image."""
    if pusher.annotations is Annotations.NONE:
        return {}
    if known is not None or pusher.annotations is Annotations.KEPT:
        return known or {}
    reader = Reader()
    return reader.string_map(reader.mapping(_read(pusher, config, limits).value, "config", ""), "Labels", "/config")


def _read(pusher: Pusher, config: bytes, limits: Limits) -> Config:
    parsed = parse_json(config, limits)
    if not isinstance(parsed.value, dict):
        raise NotDerivableError(f"{pusher.name}: the config is no JSON object")
    return read_config(parsed.value, limits, Reader())
