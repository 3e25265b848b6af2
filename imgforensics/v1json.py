"""The legacy v1 JSON of one layer: ``<id>/json``, or an unreferenced blob of docker 25 and newer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_HEX_ID = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class V1Json:
    """What a layer's legacy v1 JSON claims: ``<id>/json``, or an unreferenced blob of docker 25 and newer."""

    id: str
    """64 hex digits."""
    parent: str | None
    """Id of the layer below, None for the lowest one."""
    created: str | None
    os: str | None
    architecture: str | None
    variant: str | None
    docker_version: str | None
    """These are None where absent or no string."""


def parse_v1_json(value: object) -> V1Json | None:
    """Recognise a layer's legacy v1 JSON (moby, image/spec/v1.md) among parsed JSON documents, None for any other.

    An image config may carry an ``id`` too (``buildah --format docker``), but it has a ``rootfs``.
    """
    if not isinstance(value, Mapping) or "rootfs" in value or "schemaVersion" in value:
        return None
    own_id, parent = value.get("id"), value.get("parent")
    if not isinstance(own_id, str) or not _HEX_ID.fullmatch(own_id):
        return None
    if parent in (None, ""):
        parent = None
    elif not isinstance(parent, str) or not _HEX_ID.fullmatch(parent):
        return None
    created, os, architecture, variant, docker_version = (
        text if isinstance(text := value.get(key), str) else None
        for key in ("created", "os", "architecture", "variant", "docker_version")
    )
    return V1Json(own_id, parent, created, os, architecture, variant, docker_version)
