"""Puts together what a pushing tool uploads for an image: its config, and the manifest over config and layers."""

import hashlib
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
    uploaded = config
    if pusher.config is not None:
        rewritten = to_oci_config(config, pusher.config, limits=limits)
        if rewritten is None:
            raise NotDerivableError(f"{pusher.name}: the config cannot be read into image-spec's structs")
        uploaded = rewritten
    types = _layer_types(pusher, config, layers, limits)
    content = write_manifest(
        pusher.style,
        pusher.types.manifest,
        Entry(pusher.types.config, _digest(uploaded), len(uploaded)),
        [
            Entry(media_type, layer.digest, layer.size, layer.urls, layer.annotations)
            for media_type, layer in zip(types, layers, strict=True)
        ],
        _annotations(pusher, config, annotations, limits),
    )
    return BuiltManifest(content, _digest(content), len(content), pusher.types.manifest, uploaded)


def _digest(data: bytes) -> Digest:
    return Digest.sha256(hashlib.sha256(data).hexdigest())


def _layer_types(pusher: Pusher, config: bytes, layers: Sequence[LayerDescriptor], limits: Limits) -> list[str]:
    copied = [False] * len(layers)
    if pusher.layer_types is LayerTypes.BY_INSTRUCTION:
        instructions = _instructions(_read(pusher, config, limits))
        if len(instructions) != len(layers):
            detail = f"the history tells how {len(instructions)} layers were made, and there are {len(layers)}"
            raise NotDerivableError(f"{pusher.name}: {detail}")
        copied = [_COPIED.match(instruction) is not None for instruction in instructions]
    return [
        _DOCKER_GZIP if copy and layer.compression is Compression.GZIP else _layer_type(pusher, layer)
        for copy, layer in zip(copied, layers, strict=True)
    ]


def _layer_type(pusher: Pusher, layer: LayerDescriptor) -> str:
    media_type = layer.media_type or pusher.types.layers.get(layer.compression)
    if media_type is None:
        raise NotDerivableError(f"{pusher.name}: uploads no layer compressed with {layer.compression}")
    return media_type


def _instructions(config: Config) -> list[str]:
    """What made each layer, lowest first."""
    return [entry.created_by for entry in config.history or () if not entry.empty_layer]


def _annotations(pusher: Pusher, config: bytes, known: Mapping[str, str] | None, limits: Limits) -> Mapping[str, str]:
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
