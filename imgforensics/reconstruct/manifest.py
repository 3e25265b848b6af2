"""The bytes of an image manifest in the spelling of each program that writes manifests.

A registry stores a manifest as it was sent and names it by the SHA-256 of those bytes, so indentation, the order of
keys and a newline at the end decide the digest. A :class:`ManifestStyle` is all that differs between the programs.
Sources: image-spec v1.1 (manifest.md, descriptor.md) and distribution-spec "Image Manifest V 2, Schema 2" for the keys;
the order and the spelling are those of manifests that the programs named below were seen to write, but for jib and
rules_oci, of which only the sources were read.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from imgforensics.gojson import go_string
from imgforensics.model import Digest

_Value: TypeAlias = "str | int | Sequence[_Value] | Mapping[str, _Value] | None"

_DIGEST_FIRST = ("mediaType", "digest", "size", "urls", "annotations")
_SIZE_FIRST = ("mediaType", "size", "digest", "urls", "annotations")


@dataclass(frozen=True, slots=True)
class Entry:
    """A content descriptor that is to be written (image-spec, descriptor.md)."""

    media_type: str
    digest: Digest
    size: int
    """Bytes of the blob as the registry stores it."""
    urls: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ManifestStyle:
    """How a program spells a manifest."""

    name: str
    """Who writes so."""
    config_keys: tuple[str, ...]
    """Keys of the config's descriptor, in order. Those without a value are left out."""
    layer_keys: tuple[str, ...]
    """The same of every layer's."""
    keys: tuple[str, ...] = ("schemaVersion", "mediaType", "config", "layers", "annotations")
    """Keys of the manifest, in order. Annotations are left out where there are none."""
    indent: int | None = None
    """Spaces for each level; None for all in one line."""
    spaced: bool = False
    """In one line: a space after every comma and colon."""
    null_layers: bool = False
    """An image without layers gets ``null``, as Go prints a slice that was never filled, and not ``[]``."""
    newline: bool = False
    """Whether a newline ends the document."""
    go_escapes: bool = True
    """Strings as Go's ``encoding/json`` writes them (1.22 or newer) and maps sorted by key; otherwise only what
    RFC 8259 asks for is escaped, and keys stay as they were given."""


DOCKER = ManifestStyle("docker engine, classic image store", _SIZE_FIRST, _SIZE_FIRST, indent=3)
"""docker 1.10 to 29.7 (docker/distribution, manifest/schema2)."""

CONTAINERS_SCHEMA2 = ManifestStyle("containers/image (schema 2) or go-containerregistry", _SIZE_FIRST, _SIZE_FIRST)
"""skopeo, podman and buildah for Docker's type; crane, ko and kaniko for either type."""

CONTAINERS_OCI = ManifestStyle("containers/image (OCI), containerd or oras", _DIGEST_FIRST, _DIGEST_FIRST)
"""skopeo, podman and buildah since containers/image 5.18 for OCI's type; containerd's importer for either type."""

OCI_WITHOUT_TYPE = replace(
    CONTAINERS_OCI, name="containers/image before 5.18 (OCI)", keys=("schemaVersion", "config", "layers", "annotations")
)
"""image-spec before 1.0.2 had no ``mediaType`` in a manifest."""

UMOCI = replace(OCI_WITHOUT_TYPE, name="umoci", newline=True)

CLASSIC_BUILDER = replace(
    CONTAINERS_OCI,
    name="docker engine, classic builder or commit on the containerd image store",
    keys=("mediaType", "schemaVersion", "config", "layers", "annotations"),
    indent=4,
)

BUILDKIT = replace(CONTAINERS_OCI, name="BuildKit 0.12 or newer", indent=2, null_layers=True)

BUILDKIT_0_11 = replace(CLASSIC_BUILDER, name="BuildKit 0.11", indent=2, null_layers=True)

BUILDKIT_0_10 = replace(BUILDKIT_0_11, name="BuildKit 0.3 to 0.10", indent=3)

JIB = replace(CONTAINERS_OCI, name="jib", go_escapes=False)
"""Jackson."""

RULES_OCI = ManifestStyle(
    "rules_oci, image without a base",
    ("mediaType", "size", "digest"),
    ("size", "digest", "mediaType", "urls", "annotations"),
    indent=2,
    newline=True,
    go_escapes=False,
)
"""jq, since rules_oci 1.8 and 2.0. With a base the manifest keeps the base's own order of keys, which is not known."""

RULES_DOCKER_PYTHON = ManifestStyle(
    "rules_docker with Python's containerregistry",
    ("digest", "mediaType", "size"),
    ("digest", "mediaType", "size"),
    keys=("config", "layers", "mediaType", "schemaVersion"),
    spaced=True,
    go_escapes=False,
)
"""``json.dumps`` with sorted keys."""

STYLES = (
    DOCKER,
    CONTAINERS_SCHEMA2,
    CONTAINERS_OCI,
    BUILDKIT,
    CLASSIC_BUILDER,
    BUILDKIT_0_11,
    BUILDKIT_0_10,
    OCI_WITHOUT_TYPE,
    UMOCI,
    JIB,
    RULES_OCI,
    RULES_DOCKER_PYTHON,
)
"""Every style. Two may give the same bytes: jib's differs from :data:`CONTAINERS_OCI` in escapes only."""


def write_manifest(
    style: ManifestStyle,
    media_type: str,
    config: Entry,
    layers: Sequence[Entry],
    annotations: Mapping[str, str] | None = None,
) -> bytes:
    """The exact bytes of an image manifest, UTF-8.

    Args:
        style: how to spell it.
        media_type: the manifest's own type, written where the style has that key.
        config: the image config's descriptor.
        layers: the layers' descriptors, lowest layer first.
        annotations: of the manifest itself.
    """
    null = style.null_layers and not layers
    values: dict[str, _Value] = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": _descriptor(style, style.config_keys, config),
        "layers": [_descriptor(style, style.layer_keys, layer) for layer in layers] if not null else None,
        "annotations": _map(style, annotations or {}),
    }
    document = {key: values[key] for key in style.keys if key != "annotations" or annotations}
    text = "".join(_print(document, style))
    return (text + "\n" * style.newline).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Frame:
    """A manifest without its layers: what stands around them, however they are.

    Writing a manifest is slow beside hashing it. A search through many that differ in their layers' forms writes the
    frame once and each form once; :meth:`join` gives what :func:`write_manifest` would.
    """

    prefix: bytes
    """Everything up to the first layer."""
    separator: bytes
    suffix: bytes
    """Everything behind the last layer."""
    empty: bytes
    """The whole manifest where there is no layer."""

    def join(self, layers: Sequence[bytes]) -> bytes:
        """The manifest over layers in the spelling of :func:`spell_layer`."""
        return self.prefix + self.separator.join(layers) + self.suffix if layers else self.empty


def spell_frame(
    style: ManifestStyle, media_type: str, config: Entry, annotations: Mapping[str, str] | None = None
) -> Frame:
    """The frame of all manifests that :func:`write_manifest` writes with these arguments."""
    upto = replace(style, keys=style.keys[: style.keys.index("layers") + 1], null_layers=False, newline=False)
    ending = len("]" + _line(style, 0) + "}")
    prefix = write_manifest(upto, media_type, config, (), annotations)[:-ending]
    whole = write_manifest(style, media_type, config, (config,), annotations)
    suffix = whole[len(prefix) + len(spell_layer(style, config)) :]
    separator = b", " if style.spaced else b","
    return Frame(prefix, separator, suffix, write_manifest(style, media_type, config, (), annotations))


def spell_layer(style: ManifestStyle, layer: Entry) -> bytes:
    """One layer's descriptor as it stands in the list of layers, with the line break before it."""
    pieces = _print(_descriptor(style, style.layer_keys, layer), style, 2)
    return "".join((_line(style, 2), *pieces)).encode("utf-8", "replace")


def _descriptor(style: ManifestStyle, keys: Sequence[str], entry: Entry) -> dict[str, _Value]:
    values: dict[str, _Value] = {
        "mediaType": entry.media_type,
        "digest": str(entry.digest),
        "size": entry.size,
        "urls": entry.urls,
        "annotations": _map(style, entry.annotations),
    }
    return {key: values[key] for key in keys if values[key] or key not in ("urls", "annotations")}


def _map(style: ManifestStyle, annotations: Mapping[str, str]) -> dict[str, str]:
    """Annotations in the order in which they are written. Code points sort as their UTF-8 bytes do."""
    return dict(sorted(annotations.items()) if style.go_escapes else annotations)


def _string(text: str, style: ManifestStyle) -> str:
    return go_string(text, short_controls=True) if style.go_escapes else json.dumps(text, ensure_ascii=False)


def _print(value: _Value, style: ManifestStyle, depth: int = 0) -> Iterator[str]:
    """A JSON value in pieces. With an indent, as Go's ``json.MarshalIndent`` and jq lay it out: ``[]`` stays closed."""
    if value is None:
        yield "null"
    elif isinstance(value, int):
        yield str(value)
    elif isinstance(value, str):
        yield _string(value, style)
    else:
        colon = ":" if style.indent is None and not style.spaced else ": "
        keys = [_string(key, style) + colon for key in value] if isinstance(value, Mapping) else [""] * len(value)
        items = value.values() if isinstance(value, Mapping) else value
        opening, closing = "{}" if isinstance(value, Mapping) else "[]"
        yield opening
        for number, (key, item) in enumerate(zip(keys, items, strict=True)):
            yield ("," + " " * style.spaced if number else "") + _line(style, depth + 1) + key
            yield from _print(item, style, depth + 1)
        yield (_line(style, depth) if value else "") + closing


def _line(style: ManifestStyle, depth: int) -> str:
    """The start of a new line, nothing where all stands in one."""
    return "" if style.indent is None else "\n" + " " * style.indent * depth
