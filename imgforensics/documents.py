"""The documents of an archive: what kinds there are, which of them a parsed one is, and the types of what they say.

Everything a document says is a claim.

Sources: image-spec v1.1 (image-layout.md, image-index.md, manifest.md, config.md, descriptor.md); Docker image
specification v1.2 (``manifest.json``, ``repositories``); distribution-spec "Image Manifest V 2, Schema 2".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import Anomaly, AnomalyKind, Digest
from imgforensics.strictjson import fold_key, parse_json


class DocumentKind(StrEnum):
    """What a JSON document is, by its keys."""

    SAVE_MANIFEST = "docker save manifest"
    REPOSITORIES = "repositories"
    LAYOUT = "oci-layout"
    INDEX = "image index"
    MANIFEST = "image manifest"
    SCHEMA1 = "schema 1 manifest"
    CONFIG = "image config"
    V1_JSON = "legacy v1 image"
    OTHER = "other JSON"


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform as an index or a config claims it."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    @property
    def unknown(self) -> bool:
        """``unknown/unknown`` marks what is no runnable image, such as BuildKit's attestations."""
        return self.os == "unknown" and self.architecture == "unknown"

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A content descriptor (image-spec, descriptor.md)."""

    pointer: str
    """Where it stands in its document."""
    media_type: str
    digest_text: str
    """The digest as written, well formed or not."""
    digest: Digest | None
    """None where the text is no digest."""
    size: int | None
    """Claimed bytes; None where absent or no number."""
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""
    urls: tuple[str, ...] = ()
    data: bytes | None = None
    """The embedded content, decoded."""


@dataclass(frozen=True, slots=True)
class SaveEntry:
    """One image of docker save's ``manifest.json``."""

    pointer: str
    config: str
    """Name of the config's member; empty where it is not claimed."""
    repo_tags: tuple[str, ...]
    layers: tuple[str, ...]
    """Member names, lowest layer first."""
    layer_sources: Mapping[str, Descriptor]
    """Claimed diff_id to descriptor (Docker since 1.12 on Windows, since 25.0 everywhere)."""


@dataclass(frozen=True, slots=True)
class Index:
    """An image index or Docker manifest list, also the top-level ``index.json``."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest (OCI, or Docker's schema 2), of an image or of an artifact."""

    media_type: str
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None
    annotations: Mapping[str, str]
    artifact_type: str


@dataclass(frozen=True, slots=True)
class History:
    """One entry of a config's history."""

    created: str
    created_by: str
    author: str
    comment: str
    empty_layer: bool


@dataclass(frozen=True, slots=True)
class Config:
    """An image config."""

    platform: Platform
    created: str
    author: str
    docker_version: str
    rootfs_type: str
    diff_ids: tuple[str, ...]
    """As written, lowest layer first."""
    history: tuple[History, ...] | None
    """None where the config has none."""
    value: Mapping[str, object]
    """The whole parsed config, unknown keys kept."""


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed document with its kind and what was odd about it."""

    kind: DocumentKind
    value: object
    problems: tuple[Anomaly, ...]


INDEX_TYPES = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
MANIFEST_TYPES = frozenset(
    {"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"}
)
CONFIG_TYPES = frozenset({"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"})


def read_document(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Parse a document and say what it is by its keys, never by its name. Never raises."""
    parsed = parse_json(raw, limits)
    kind, problems = classify(parsed.value)
    return Document(kind, parsed.value, parsed.problems + problems)


def classify(value: object) -> tuple[DocumentKind, tuple[Anomaly, ...]]:
    """Kind of a parsed document by its keys. A document of two kinds at once is an anomaly (CVE-2021-41190)."""
    if isinstance(value, list):
        return DocumentKind.SAVE_MANIFEST, ()
    if not isinstance(value, dict):
        return DocumentKind.OTHER, ()
    folded = {fold_key(key): item for key, item in value.items()}
    keys = folded.keys()
    problems: tuple[Anomaly, ...] = ()
    both = _two_kinds(frozenset(keys))
    if both is not None:
        detail = f"has the keys of {both[0]} and of {both[1]} at once; readers disagree which it is"
        problems = (Anomaly(AnomalyKind.AMBIGUOUS_KIND, detail),)
    if "imagelayoutversion" in keys:
        return DocumentKind.LAYOUT, problems
    if "manifests" in keys:
        return DocumentKind.INDEX, problems
    if "fslayers" in keys and "layers" not in keys:
        return DocumentKind.SCHEMA1, problems
    if "layers" in keys and keys & {"config", "schemaversion", "artifacttype"}:
        return DocumentKind.MANIFEST, problems
    if "rootfs" in keys and isinstance(folded["rootfs"], dict):
        return DocumentKind.CONFIG, problems
    if isinstance(folded.get("id"), str) and keys <= _V1_KEYS:
        return DocumentKind.V1_JSON, problems
    if value and all(_is_tag_map(item) for item in value.values()):
        return DocumentKind.REPOSITORIES, problems
    return DocumentKind.OTHER, problems


def _two_kinds(keys: frozenset[str]) -> tuple[str, str] | None:
    """What a document with these keys is at once, None where it is one thing. A config has a ``config`` of its own."""
    if "manifests" in keys and keys & {"layers", "config", "fslayers", "rootfs"}:
        return "an index", "a config" if "rootfs" in keys else "a manifest"
    if "rootfs" in keys and keys & {"layers", "fslayers"}:
        return "a config", "a manifest"
    if {"fslayers", "layers"} <= keys:
        return "a manifest of schema 1", "one of schema 2"
    return None


_V1_KEYS = frozenset(
    {"id", "parent", "comment", "created", "container", "container_config", "docker_version", "author", "config"}
    | {"architecture", "variant", "os", "size", "throwaway", "checksum", "layer_id", "parent_id"}
)


def _is_tag_map(item: object) -> bool:
    return isinstance(item, dict) and bool(item) and all(isinstance(image, str) for image in item.values())
