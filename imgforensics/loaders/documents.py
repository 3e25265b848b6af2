"""The documents of an archive as the readers' own types take them (see :mod:`.godecode` for the notation)."""

from collections.abc import Mapping, Sequence
from typing import Any

from imgforensics.documents import CONFIG_TYPES, INDEX_TYPES, MANIFEST_TYPES
from imgforensics.loaders.contents import Contents
from imgforensics.loaders.godecode import BYTES, MAP, SET, TIME
from imgforensics.loaders.load import RefusedError

SAVED = [{"Config": str, "RepoTags": [str], "Layers": [str]}]
"""``manifest.json``."""
LAYOUT = {"imageLayoutVersion": str}
_PLATFORM = {"architecture": str, "os": str, "variant": str, "os.version": str, "os.features": [str]}
DESCRIPTOR = {
    "mediaType": str,
    "digest": str,
    "size": int,
    "annotations": MAP,
    "platform": (_PLATFORM,),
    "urls": [str],
    "data": BYTES,
}
INDEX = {"schemaVersion": int, "mediaType": str, "manifests": [DESCRIPTOR], "annotations": MAP}
MANIFEST = {"schemaVersion": int, "mediaType": str, "config": DESCRIPTOR, "layers": [DESCRIPTOR], "annotations": MAP}
KEYS = {"mediaType": str, "manifests": object, "layers": object, "config": object, "fsLayers": object}
"""Of a manifest or an index, what decides which of them it is."""
CONFIG = {"os": str, "architecture": str, "rootfs": {"type": str, "diff_ids": [str]}}
MACHINE = {"os": str, "architecture": str, "variant": str}
"""Of a config, for which hosts it is."""
ROOTFS = {"rootfs": object}
_RUN = {
    "User": str,
    "ExposedPorts": SET,
    "Env": [str],
    "Entrypoint": [str],
    "Cmd": [str],
    "Volumes": SET,
    "WorkingDir": str,
    "Labels": MAP,
    "StopSignal": str,
}
IMAGE = CONFIG | {
    "created": TIME,
    "author": str,
    "variant": str,
    "os.version": str,
    "os.features": [str],
    "config": _RUN,
    "history": [{"created": TIME, "created_by": str, "author": str, "comment": str, "empty_layer": bool}],
}
"""A config, all of it (image-spec, ``specs-go/v1/config.go``)."""
_RUN_BY_DOCKER = _RUN | {"Entrypoint": object, "Cmd": object, "Hostname": str, "Image": str, "OnBuild": [str]}
DOCKER_IMAGE = IMAGE | {
    **dict.fromkeys(("id", "parent", "comment", "container", "docker_version"), str),
    "config": _RUN_BY_DOCKER,
    "container_config": _RUN_BY_DOCKER,
}
"""A config as Docker and containers/image's docker-archive reader take it (moby, ``image.Image``; containers/image,
``manifest.Schema2Image``): of commands one that is a text is one, too."""

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
"""Of which containers/image holds platforms by value, so that none is one that says nothing."""
NAME = "io.containerd.image.name"
REF = "org.opencontainers.image.ref.name"


def names(entry: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    """The name of an index entry: the first of these annotations that is there and not empty."""
    annotations = entry["annotations"] or {}
    name = next((annotations[key] for key in keys if annotations.get(key)), None)
    return () if name is None else (name,)


def only_one(entries: Sequence[object]) -> None:
    """What readers demand that take no name to choose an entry of ``index.json`` by.

    Raises:
        RefusedError: there are none, or several.
    """
    if len(entries) != 1:
        raise RefusedError(f"index.json has {len(entries)} entries, where it takes one")


def diff_ids(contents: Contents, config: int, *, stream: bool = False) -> list[str]:
    """``rootfs.diff_ids`` of a config.

    Raises:
        RefusedError: it is no config.
    """
    found: list[str] | None = contents.decode(config, CONFIG, stream=stream)["rootfs"]["diff_ids"]
    return found or []


def check_rootfs(contents: Contents, config: int) -> None:
    """What readers refuse that hold ``rootfs`` by a pointer: a config without one, or with ``null`` as the last one.

    Raises:
        RefusedError: there is none.
    """
    if contents.decode(config, ROOTFS, stream=False)["rootfs"] is None:
        raise RefusedError(f"{contents.name(config)} has no rootfs")


def check_unambiguous(contents: Contents, member: int, media_type: str) -> None:
    """What readers refuse since CVE-2021-41190: keys or a media type of the other kind.

    Raises:
        RefusedError: the document is of two kinds.
    """
    keys = contents.decode(member, KEYS, stream=False)
    own = keys["mediaType"]
    name = contents.name(member)
    if media_type in MANIFEST_TYPES and (keys["manifests"] is not None or own in INDEX_TYPES):
        raise RefusedError(f"{name} is called a manifest and is an index, too")
    if media_type in MANIFEST_TYPES and keys["fsLayers"] is not None:
        raise RefusedError(f"{name} is called a manifest and is one of schema 1, too")
    if media_type in INDEX_TYPES and (
        keys["config"] is not None or keys["layers"] is not None or own in MANIFEST_TYPES
    ):
        raise RefusedError(f"{name} is called an index and is a manifest, too")


def for_no_platform(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of an index fits no host, as BuildKit's attestations do."""
    platform = entry["platform"]
    return platform is not None and (platform["os"], platform["architecture"]) == ("unknown", "unknown")


def is_attestation(entry: Mapping[str, Any]) -> bool:
    """Whether Docker passes over an entry of an index: one for no platform, or with the annotation of attestations."""
    return for_no_platform(entry) or "vnd.docker.reference.type" in (entry["annotations"] or {})


def is_config(descriptor: Mapping[str, Any]) -> bool:
    """Whether a manifest's config is that of an image by its type."""
    return descriptor["mediaType"] in CONFIG_TYPES
