"""Parts of the archives on which readers are asked: entries, keys of configs, types of layers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted.viewparts import AMD64, ARM64, evil, good


def _attributed(name: str, value: bytes, type_: bytes = b"0", linkname: str = "") -> Entry:
    return Entry("a", type=type_, linkname=linkname, pax={f"SCHILY.xattr.{name}": value})


REFUSED: dict[str, Entry] = {
    "xattr-capability": _attributed("security.capability", b"garbage"),
    "xattr-capability-v1": _attributed("security.capability", bytes.fromhex("00000001") + bytes(8)),
    "xattr-capability-v2": _attributed("security.capability", bytes.fromhex("01000002") + bytes(16)),
    "xattr-capability-v3": _attributed("security.capability", bytes.fromhex("00000003") + bytes(20)),
    "xattr-capability-nobody": _attributed("security.capability", bytes.fromhex("00000003") + bytes(16) + b"\xff" * 4),
    "xattr-capability-empty": _attributed("security.capability", b""),
    "xattr-capability-folder": _attributed("security.capability", b"x", b"5"),
    "xattr-name-255": _attributed("user." + "a" * 250, b"x"),
    "xattr-name-256": _attributed("user." + "a" * 251, b"x"),
    "xattr-value": _attributed("user.a", bytes(65_537)),
    "xattr-no-name": _attributed("", b"x"),
    "xattr-user": _attributed("user.", b"x"),
    "xattr-trusted": _attributed("trusted.", b"x"),
    "xattr-system": _attributed("system.", b"x"),
    "xattr-elsewhere": _attributed("com.apple.provenance", b"x"),
    "xattr-selinux": _attributed("security.selinux", b"garbage"),
    "xattr-on-symlink": _attributed("user.a", b"x", b"2", "b"),
    "xattr-on-fifo": _attributed("user.a", b"x", b"6"),
    "acl-short": _attributed("system.posix_acl_access", b"zz"),
    "acl-cut": _attributed("system.posix_acl_access", bytes.fromhex("0200000001")),
    "acl-tag": _attributed("system.posix_acl_access", bytes.fromhex("0200000063000700ffffffff")),
    "acl-version": _attributed("system.posix_acl_access", bytes.fromhex("0300000001")),
    "acl-empty": _attributed("system.posix_acl_access", bytes.fromhex("02000000")),
    "symlink-to-nothing": Entry("a", type=b"2"),
    "name-255": Entry("a" * 255),
    "name-256": Entry("a" * 256),
    "name-256-bytes": Entry("é" * 128),
    "folder-256": Entry("a" * 256 + "/b"),
    "whiteout-255": Entry(".wh." + "a" * 255),
    "whiteout-256": Entry(".wh." + "a" * 256),
    "path-3900": Entry("/".join(["d" * 99] * 39)),
    "path-4090": Entry("/".join(["d" * 90] * 45)[:4_090]),
    "target-2000": Entry("a", type=b"2", pax={"linkpath": "b/" * 1_000}),
    "target-4096": Entry("a", type=b"2", pax={"linkpath": "b/" * 2_048}),
    "root-dot": Entry(".", b"x"),
    "root-slash": Entry("/", b"x"),
    "root-slash-dot": Entry("/.", b"x"),
    "root-up": Entry("a/..", b"x"),
    "root-slash-up": Entry("/a/..", b"x"),
    "root-symlink": Entry("/", type=b"2", linkname="a"),
}
"""Members and entries at which systems end the unpacking, and others like them."""

CONFIGS: dict[str, dict[str, Any]] = {
    "created-empty": {"created": ""},
    "history-day": {"history": [{"created": "2024-02-30T00:00:00Z"}]},
    "author-number": {"author": 1},
    "env-text": {"config": {"Env": "A=1"}},
    "cmd-text": {"config": {"Cmd": "/bin/app"}},
    "labels-list": {"config": {"Labels": []}},
    "ports-numbers": {"config": {"ExposedPorts": {"80/tcp": 1}}},
    "user-number": {"config": {"User": 0}},
    "container-config": {"container_config": {"Env": "A=1"}},
    "parent-number": {"parent": 1},
    "variant-number": {"variant": 8},
    "features-text": {"os.features": "x"},
    "nulls": {"created": None, "author": None, "config": None, "history": None, "container_config": None},
}
"""Keys of a config whose values are of other types than Go wants, or of the right ones."""

LAYER_TYPES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "none": (builder.gz, ""),
    "encrypted": (builder.gz, f"{builder.OCI_LAYER}+gzip+encrypted"),
    "encrypted-plain": (bytes, f"{builder.OCI_LAYER}+encrypted"),
    "encrypted-zstd": (builder.zstd, f"{builder.OCI_LAYER}+encrypted+zstd"),
    "gzip-x": (builder.gz, f"{builder.OCI_LAYER}+gzip+x"),
    "gzip-a": (builder.gz, f"{builder.OCI_LAYER}+a+gzip"),
    "unknown-suffix": (bytes, f"{builder.OCI_LAYER}+x"),
    "dot-gzip": (builder.gz, f"{builder.OCI_LAYER}.gzip"),
    "docker-gzip": (builder.gz, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
    "docker-plus": (builder.gz, "application/vnd.docker.image.rootfs.diff.tar.gzip+x"),
    "docker-foreign": (bytes, "application/vnd.docker.image.rootfs.foreign.diff.tar"),
    "nondistributable": (builder.gz, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
    "upper": (builder.gz, f"{builder.OCI_LAYER}+GZIP"),
}
"""How a layer is packed, and of which type it is said to be."""


def _of(architecture: str, **more: str) -> dict[str, str]:
    return {"os": "linux", "architecture": architecture} | more


_ARM = replace(evil(), platform="linux/arm64")
BARE: dict[str, tuple[tuple[ImageSpec, dict[str, str] | None], ...]] = {
    "arm": ((_ARM, None),),
    "arm-amd": ((_ARM, None), (good(), None)),
    "amd-arm": ((good(), None), (_ARM, None)),
    "arm-amd-empty": ((_ARM, {}), (good(), {})),
    "arm-before-amd64": ((_ARM, None), (good(), AMD64)),
    "arm-behind-amd64": ((good(), AMD64), (_ARM, None)),
    "amd-behind-arm64": ((_ARM, ARM64), (good(), None)),
    "amd-empty-behind-arm64": ((_ARM, ARM64), (good(), {})),
    **{
        f"{platform.replace('/', '-')}-first": ((replace(evil(), platform=f"linux/{platform}"), None), (good(), None))
        for platform in ("amd64/v2", "amd64/v3", "386", "386/x", "arm/v6")
    },
    "nothing-first": ((replace(evil(), extra={"architecture": ""}), None), (good(), None)),
    "nothing": ((replace(evil(), extra={"architecture": ""}), None),),
    "dotted": ((replace(evil(), platform="l\u0130nux/amd64"), None),),
    "behind-386-x": ((replace(evil(), platform="linux/386/x"), _of("386", variant="x")), (good(), None)),
    "behind-dotted": ((replace(evil(), platform="l\u0130nux/amd64"), _of("amd64", os="l\u0130nux")), (good(), None)),
    "behind-features": ((evil(), AMD64 | {"os.features": "x"}), (good(), None)),
}
"""Indexes of which entries say no platform: images, and what is said."""
PLACES = {
    "nowhere": b'"platform":{}',
    "null": b'"platform":null',
    "system": b'"platform":{"os":"linux"}',
    "processor": b'"platform":{"architecture":"amd64"}',
    "elsewhere": b'"platform":{"os":"linux","architecture":"arm64"}',
    "taken-back": b'"platform":{"os":"linux","architecture":"arm64"},"platform":null',
    "emptied": b'"platform":{"os":"linux","architecture":"arm64"},"platform":{}',
    "merged": b'"platform":{"os":"linux"},"Platform":{"architecture":"arm64"}',
}
"""Keys of an entry of ``index.json`` that say a platform, or do not."""
