"""Archives made in memory, for the tests: truthful ones in every producer's layout, and tools to bend any one thing.

A layout function (`docker_legacy`, `containerd`, `crane`, …) turns `ImageSpec`s into a list of `Entry`, in the order,
with the names, modes, times and JSON style of that producer. A test edits the list, by hand or with `replace`, `drop`,
`duplicate`, `swap_config`, `swap_layer` and `swap_both`, and then calls `tar`. Nothing here checks what it writes: a
wrong size, checksum or name is written as asked. The same call always gives the same bytes. This module does not import
the package under test, so that an error made there is not made here a second time.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as _copy
from datetime import datetime
from typing import Any, Final

Doc = dict[str, Any]

USTAR: Final = b"ustar\x0000"
GNU: Final = b"ustar  \x00"
V7: Final = bytes(8)
END: Final = bytes(1024)

CREATED: Final = "2024-01-02T03:04:05.678901234Z"
EPOCH: Final = "1970-01-01T00:00:00Z"
SAVED: Final = 1_717_171_717
"""The wall clock at the time of saving, where a producer writes it."""

DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
OCI_EMPTY: Final = "application/vnd.oci.empty.v1+json"
LAYOUT: Final = b'{"imageLayoutVersion":"1.0.0"}'
LAYOUT_SPACED: Final = b'{"imageLayoutVersion": "1.0.0"}'


# ---------------------------------------------------------------------------------------------------------------- tar


@dataclass
class Entry:
    """One tar member; every header field may be bent. A directory's name ends in a slash, as most producers do it."""

    name: str | bytes
    data: bytes = b""
    type: bytes = b"0"
    linkname: str | bytes = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    uname: str = ""
    gname: str = ""
    mtime: int = 0
    magic: bytes = USTAR
    size: int | bytes | None = None
    """What the header says instead of `len(data)`; bytes are the raw 12-byte field."""
    checksum: int | None = None
    """What the header says instead of the right sum."""
    pax: Mapping[str, str | bytes] | Sequence[tuple[str, str | bytes]] | bytes = ()
    """Records of an extended header before this member: a mapping, pairs (a key may come twice), or the raw body."""
    raw_header: bytes | None = None
    """The 512 header bytes, in place of everything above."""

    @property
    def path(self) -> str:
        """The name as text."""
        return _raw(self.name).decode("utf-8", "surrogateescape")


def tar(entries: Iterable[Entry], *, end: bytes = END, pad_to: int = 0) -> bytes:
    """The tar archive of `entries`; `end` closes it, zeros fill it up to a multiple of `pad_to`."""
    body = b"".join(_member(entry) for entry in entries) + end
    return _filled(body, pad_to) if pad_to else body


def pax_records(records: Mapping[str, str | bytes] | Sequence[tuple[str, str | bytes]]) -> bytes:
    """The body of an extended header ("x"), or of a global one when it is the data of an `Entry` of type b"g"."""
    body = b""
    for key, value in records.items() if isinstance(records, Mapping) else records:
        record = b" " + _raw(key) + b"=" + _raw(value) + b"\n"
        length = len(record) + 1
        while len(str(length)) + len(record) != length:
            length = len(str(length)) + len(record)
        body += str(length).encode() + record
    return body


def header(entry: Entry) -> bytes:
    """The 512-byte header of `entry`, without the members that carry its long name or its pax records."""
    if entry.raw_header is not None:
        return entry.raw_header
    name, prefix = _split(_raw(entry.name), entry.magic)
    devices = bytes(16) if entry.magic != USTAR else b"0000000\0" * 2
    size = len(entry.data) if entry.size is None else entry.size
    block = b"".join(
        (
            name[:100].ljust(100, b"\0"),
            *(_number(value, 8) for value in (entry.mode, entry.uid, entry.gid)),
            size if isinstance(size, bytes) else _number(size, 12),
            _number(entry.mtime, 12),
            b" " * 8,
            entry.type,
            _raw(entry.linkname)[:100].ljust(100, b"\0"),
            entry.magic,
            *(_raw(value)[:32].ljust(32, b"\0") for value in (entry.uname, entry.gname)),
            devices,
            prefix.ljust(167, b"\0"),
        )
    )
    checksum = sum(block) if entry.checksum is None else entry.checksum
    return block[:148] + b"%06o\0 " % checksum + block[156:]


def _member(entry: Entry) -> bytes:
    """All blocks of one member, those of its long name and of its pax records first."""
    before = b""
    pax = entry.pax if isinstance(entry.pax, bytes) else pax_records(entry.pax)
    long = len(_split(_raw(entry.name), entry.magic)[0]) > 100 and entry.raw_header is None
    if long and entry.magic == GNU:
        before += _member(Entry("././@LongLink", _raw(entry.name) + b"\0", b"L", magic=GNU, mode=0))
    elif long and not pax:
        pax = pax_records({"path": entry.name})
    if pax:
        before += _member(Entry("PaxHeaders.0/entry", pax, b"x"))
    return before + header(entry) + _filled(entry.data, 512)


def _split(name: bytes, magic: bytes) -> tuple[bytes, bytes]:
    """(name, prefix) as ustar stores a name of more than 100 bytes; the name stays too long where that cannot be."""
    cut = name.rfind(b"/", 0, 156)
    if len(name) <= 100 or magic != USTAR or cut < 1 or not 0 < len(name) - cut - 1 <= 100:
        return name, b""
    return name[cut + 1 :], name[:cut]


def _number(value: int, width: int) -> bytes:
    """A numeric header field: octal where it fits, base-256 where not."""
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    field_bytes = value.to_bytes(width, "big", signed=True)
    return bytes([field_bytes[0] | 0x80]) + field_bytes[1:]


def _filled(data: bytes, unit: int) -> bytes:
    return data + bytes(-len(data) % unit)


def _raw(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def layer(files: Mapping[str, bytes], *, mtime: int = 1_700_000_000) -> bytes:
    """A layer: a tar of regular files, and of directories where a name ends in a slash."""
    kinds = {True: (b"5", 0o755), False: (b"0", 0o644)}
    members = ((name, data, *kinds[name.endswith("/")]) for name, data in files.items())
    return tar(Entry(name, data, kind, mode=mode, mtime=mtime) for name, data, kind, mode in members)


# -------------------------------------------------------------------------------------------------------- compression


def gz(data: bytes, *, mtime: int = 0, xfl: int = 0, os: int = 255, level: int = 6) -> bytes:
    """One gzip member; the defaults write the header of Go's standard library, `1f8b08000000000000ff`."""
    body = zlib.compressobj(level, zlib.DEFLATED, -15)
    return _gzip_member(body.compress(data) + body.flush(), data, mtime=mtime, xfl=xfl, os=os)


def pgzip(data: bytes) -> bytes:
    """One gzip member in the shape of pgzip: MTIME is Go's zero time, a sync flush after every MiB and at the end."""
    engine = zlib.compressobj(6, zlib.DEFLATED, -15)
    blocks = (data[start : start + (1 << 20)] for start in range(0, len(data) + 1, 1 << 20))
    body = b"".join(engine.compress(block) + engine.flush(zlib.Z_SYNC_FLUSH) for block in blocks) + engine.flush()
    return _gzip_member(body, data, mtime=0x886E0900)


def multi_gz(*parts: bytes) -> bytes:
    """Several gzip members, one for each part, one after another."""
    return b"".join(gz(part) for part in parts)


def zstd(data: bytes) -> bytes:
    """One Zstandard frame of raw blocks: a true frame that needs no library and is the same everywhere."""
    blocks = [data[start : start + (1 << 17)] for start in range(0, len(data), 1 << 17)] or [b""]
    frame = b"\x28\xb5\x2f\xfd\x00\x38"
    for block in blocks[:-1]:
        frame += (len(block) << 3).to_bytes(3, "little") + block
    return frame + (len(blocks[-1]) << 3 | 1).to_bytes(3, "little") + blocks[-1]


def _gzip_member(body: bytes, data: bytes, *, mtime: int, xfl: int = 0, os: int = 255) -> bytes:
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return struct.pack("<HBBIBB", 0x8B1F, 8, 0, mtime, xfl, os) + body + trailer


COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {"none": bytes, "gzip": gz, "pgzip": pgzip, "zstd": zstd}
_SUFFIX: Final = {"none": "", "gzip": "gzip", "pgzip": "gzip", "zstd": "zstd"}


# -------------------------------------------------------------------------------------------------- digests and JSON


def sha256(data: bytes) -> str:
    """The bare hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def digest(data: bytes, algorithm: str = "sha256") -> str:
    """The digest with its algorithm, as documents write it."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def go(document: Any, indent: int | None = None) -> bytes:
    """JSON as Go's encoding/json writes it, with `<`, `>` and `&` escaped."""
    text = jq(document, indent)
    for character in "<>&\u2028\u2029":
        text = text.replace(character.encode(), b"\\u%04x" % ord(character))
    return text


def jq(document: Any, indent: int | None = None) -> bytes:
    """JSON as jq and Jackson write it: UTF-8, nothing escaped that need not be."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(document, ensure_ascii=False, indent=indent, separators=separators).encode()


def ordered(document: Mapping[str, Any], keys: str) -> Doc:
    """`document` with `keys` (in one string) first, those that it has, and the others behind them, sorted."""
    first = [key for key in keys.split() if key in document]
    return {key: document[key] for key in (*first, *sorted(document.keys() - set(first)))}


# ------------------------------------------------------------------------------------------------------------- images


def two_layers() -> list[bytes]:
    """The layers of the default image."""
    return [layer({"bin/": b"", "bin/app": b"#!/bin/sh\necho hello\n"}), layer({"etc/app.conf": b"greeting=hello\n"})]


@dataclass
class ImageSpec:
    """One image. Its config document is truthful, but for what `extra` or `raw_config` says otherwise."""

    layers: list[bytes] = field(default_factory=two_layers)
    """Uncompressed layers, lowest first."""
    tags: list[str] = field(default_factory=lambda: ["example.com/app:1.0"])
    platform: str = "linux/amd64"
    """os/architecture[/variant]."""
    created: str = CREATED
    container: Doc = field(default_factory=lambda: {"Env": ["PATH=/bin"], "Cmd": ["/bin/app"], "WorkingDir": "/"})
    """The config's "config"."""
    history: list[Doc] | None = None
    """None: one entry for each layer, and one more with empty_layer."""
    extra: Doc = field(default_factory=dict)
    """Top-level keys of the config, added or put in the place of the true ones."""
    raw_config: bytes | None = None
    """The config's bytes, whatever the layout."""

    @property
    def diff_ids(self) -> list[str]:
        """The true diff_ids."""
        return [digest(data) for data in self.layers]

    @property
    def platform_document(self) -> Doc:
        """The platform as a descriptor writes it, in Go's order."""
        os, architecture, *variant = self.platform.split("/")
        return {"architecture": architecture, "os": os} | ({"variant": variant[0]} if variant else {})

    @property
    def seconds(self) -> int:
        """`created` in whole seconds, as a tar header holds it."""
        return int(datetime.fromisoformat(self.created[:19] + "+00:00").timestamp())

    def config(self) -> Doc:
        """The config document."""
        built = [{"created": self.created, "created_by": f"COPY {n} / # buildkit"} for n in range(len(self.layers))]
        command = {"created": self.created, "created_by": 'CMD ["/bin/app"]', "empty_layer": True}
        return {
            "created": self.created,
            **self.platform_document,
            "config": self.container,
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
            "history": [*built, command] if self.history is None else self.history,
            **self.extra,
        }

    def config_bytes(self, keys: str = "", write: Callable[[Doc], bytes] = go) -> bytes:
        """The config's bytes, in the key order and by the JSON writer of a producer."""
        return write(ordered(self.config(), keys)) if self.raw_config is None else self.raw_config

    def moby_config(self) -> bytes:
        """The config's bytes as the classic docker builder writes them, with every field of the container config."""
        document = self.config() | {"config": _container(self.container)}
        return go(ordered(document, "")) if self.raw_config is None else self.raw_config


OCI_ORDER: Final = "created author architecture variant os config rootfs history"
GGCR_ORDER: Final = "architecture author container created docker_version history os rootfs config"
JIB_ORDER: Final = "created architecture os config history rootfs"
RULES_OCI_ORDER: Final = "created config history rootfs architecture os"
NIX_ORDER: Final = "created architecture os config rootfs history"


# --------------------------------------------------------------------------------------------------------- legacy ids

_CONTAINER_ORDER: Final = (
    "Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts? Tty OpenStdin StdinOnce Env Cmd "
    "Healthcheck? ArgsEscaped? Image Volumes WorkingDir Entrypoint NetworkDisabled? MacAddress? OnBuild Labels "
    "StopSignal? StopTimeout? Shell?"
)
_ZERO: Final[Doc] = {
    **dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"), False),
    **dict.fromkeys(("Env", "Cmd", "Volumes", "Entrypoint", "OnBuild", "Labels"), None),
}
_V1_ORDER: Final = (
    "id parent comment created container container_config docker_version author config architecture variant os Size"
)


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """The chain ID of every layer, lowest first."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(digest(f"{chain[-1]} {diff_id}".encode()) if chain else diff_id)
    return chain


def moby_v1(config: Mapping[str, Any], diff_ids: Sequence[str], *, created: str = EPOCH) -> list[tuple[str, bytes]]:
    """(v1 id, its `json` file) of every layer, lowest first, as moby has them; `created` is of the lower layers."""
    result: list[tuple[str, bytes]] = []
    chain = chain_ids(diff_ids)
    for number, chain_id in enumerate(chain):
        parent = result[-1][0] if result else ""
        fields: Doc = {"created": created, "container_config": _container({})}
        if number == len(chain) - 1:
            fields = {key: config[key] for key in _V1_ORDER.split()[2:] if config.get(key)}
            fields["created"] = config.get("created", "0001-01-01T00:00:00Z")
            fields["container_config"] = _container(config.get("container_config") or {})
            if config.get("config") is not None:
                fields["config"] = _container(config["config"])
        hashed = fields | {"layer_id": chain_id} | ({"parent": f"sha256:{parent}"} if parent else {})
        v1id = sha256(go(ordered(hashed, "")))
        stored = {"os": config.get("os", "linux")} | fields | {"id": v1id} | ({"parent": parent} if parent else {})
        result.append((v1id, go(ordered(stored, _V1_ORDER))))
    return result


def containers_image_v1(config: Mapping[str, Any], diff_ids: Sequence[str]) -> list[tuple[str, bytes]]:
    """(legacy id, its `json` file) of every layer, lowest first, as containers/image 5.6 and later compute them."""
    result: list[tuple[str, bytes]] = []
    top = ("architecture", "config", "container", "container_config", "created", "docker_version", "os")
    chain = chain_ids(diff_ids)
    for number, chain_id in enumerate(chain):
        fields: Doc = {"parent": result[-1][0]} if result else {}
        if number == len(chain) - 1:
            fields |= {key: config.get(key) for key in top}
        legacy_id = sha256(go(ordered(fields | {"layer_id": chain_id}, "")))
        result.append((legacy_id, go(ordered(fields | {"id": legacy_id}, ""))))
    return result


def _container(config: Mapping[str, Any]) -> Doc:
    """A container config with all the fields that moby's struct writes, in its order."""
    written: Doc = {}
    for name in _CONTAINER_ORDER.split():
        key = name.rstrip("?")
        value = config.get(key, _ZERO.get(key, ""))
        if value or key == name:
            sort = isinstance(value, dict) and key != "Healthcheck"
            written[key] = dict(sorted(value.items())) if sort else value
    return written


# ------------------------------------------------------------------------------------------- docker save's own layouts


def docker_legacy(images: Sequence[ImageSpec], *, type_bits: bool = True) -> list[Entry]:
    """`docker save` of Docker 1.10 to 24, classic store; `type_bits`: the modes of 23 and before (0100644)."""
    regular, directory, link = (0o100000, 0o040000, 0o120000) if type_bits else (0, 0, 0)
    files: list[Entry] = []
    documents: list[Doc] = []
    first: dict[str, str] = {}
    repositories: dict[str, dict[str, str]] = {}
    for image in images:
        config = image.moby_config()
        chain = moby_v1(_parsed(config), image.diff_ids)
        for (v1id, v1json), diff_id, data in zip(chain, image.diff_ids, image.layers, strict=True):
            same = first.setdefault(diff_id, v1id)
            when = image.seconds if same == v1id else SAVED
            files.append(Entry(f"{v1id}/", type=b"5", mode=directory | 0o755, mtime=when))
            files.append(Entry(f"{v1id}/VERSION", b"1.0", mode=regular | 0o644, mtime=when))
            files.append(Entry(f"{v1id}/json", v1json, mode=regular | 0o644, mtime=when))
            tar_name = f"{v1id}/layer.tar"
            if same == v1id:
                files.append(Entry(tar_name, data, mode=regular | 0o644, mtime=when))
            else:
                target = f"../{same}/layer.tar"
                files.append(Entry(tar_name, type=b"2", linkname=target, mode=link | 0o777, mtime=when))
        files.append(Entry(f"{sha256(config)}.json", config, mode=regular | 0o644, mtime=image.seconds))
        layers = [f"{v1id}/layer.tar" for v1id, _ in chain]
        documents.append(_document(f"{sha256(config)}.json", image.tags or None, layers))
        _repositories(repositories, image, chain[-1][0])
    files.append(Entry("manifest.json", go(documents) + b"\n", mode=regular | 0o644))
    if repositories:
        files.append(Entry("repositories", go(ordered(repositories, "")) + b"\n", mode=regular | 0o644))
    return _walked(files)


def pre110(images: Sequence[ImageSpec]) -> list[Entry]:
    """`docker save` before Docker 1.10: v1 directories and `repositories` only, no config and no manifest.json."""
    return [entry for entry in docker_legacy(images) if "/" in entry.path or entry.path == "repositories"]


def docker25(images: Sequence[ImageSpec]) -> list[Entry]:
    """`docker save` of Docker 25 and later, classic store, with the stable times of 28."""
    blobs = _Blobs()
    times: dict[str, int] = {}
    documents: list[Doc] = []
    index: list[Doc] = []
    repositories: dict[str, dict[str, str]] = {}
    for image in images:
        config = image.moby_config()
        chain = moby_v1(_parsed(config), image.diff_ids)
        for data in (config, *image.layers, *(v1json for _, v1json in chain)):
            times[blobs.path(blobs.put(data))] = image.seconds
        target = blobs.descriptor(OCI_MANIFEST, go(_manifest(blobs, image, config, "none")))
        for tag in image.tags:
            names = {"io.containerd.image.name": full_name(tag), "org.opencontainers.image.ref.name": _tag(tag)}
            index.append(target | {"annotations": names})
        if not image.tags:
            index.append(target)
        sources = {
            diff_id: {"mediaType": OCI_LAYER, "size": len(data), "digest": diff_id}
            for diff_id, data in sorted(zip(image.diff_ids, image.layers, strict=True))
        }
        layers = [blobs.path(diff_id) for diff_id in image.diff_ids]
        document = _document(blobs.path(digest(config)), image.tags or None, layers)
        documents.append(document | {"LayerSources": sources})
        _repositories(repositories, image, image.diff_ids[-1].partition(":")[2])
    files = [_copy(entry, mtime=times.get(entry.path, 0)) for entry in blobs.entries()]
    files.append(Entry("index.json", go(_index(index))))
    files.append(Entry("manifest.json", go(documents) + b"\n"))
    files.append(Entry("oci-layout", LAYOUT_SPACED))
    if repositories:
        files.append(Entry("repositories", go(ordered(repositories, "")) + b"\n"))
    return _walked(files, mtime=images[0].seconds)


def containerd(
    images: Sequence[ImageSpec],
    *,
    compression: str = "gzip",
    docker_types: bool = False,
    manifest_json: bool = True,
    index: bool = False,
    missing_platforms: Sequence[str] = (),
    attestation: bool = False,
    indent: int | None = 2,
    build_time: str = "",
    source: Mapping[str, str] | None = None,
) -> list[Entry]:
    """containerd's writer: `docker save` from a containerd store, `ctr export`, BuildKit's type=docker and type=oci.

    `index`: each image behind an index, images of the same tags behind one. `missing_platforms` ("linux/arm64") are in
    the index and nowhere else; `attestation` adds BuildKit's provenance to each image; both imply `index`. `indent`: of
    the manifest and the index blob, 2 by BuildKit, None after `docker load` of a plain archive or a pull from podman.
    `build_time` is BuildKit's annotation on index.json (without manifest.json this is type=oci). `source`: registry to
    repositories, the distribution.source annotations.
    """
    index = index or attestation or bool(missing_platforms)
    groups: dict[object, list[ImageSpec]] = {}
    for number, image in enumerate(images):
        groups.setdefault(tuple(image.tags) if index else number, []).append(image)
    blobs = _Blobs()
    top: list[Doc] = []
    documents: list[Doc] = []
    for group in groups.values():
        children: list[Doc] = []
        for image in group:
            config = image.config_bytes()
            manifest = _manifest(blobs, image, config, compression, docker_types=docker_types)
            descriptor = blobs.descriptor(manifest["mediaType"], go(manifest, indent))
            children.append(descriptor | {"platform": image.platform_document})
            if image is group[0]:
                layers = [blobs.path(item["digest"]) for item in manifest["layers"]]
                documents.append(_document(blobs.path(digest(config)), image.tags or None, layers))
        target = ordered(children[0], "mediaType digest size")
        if not build_time:
            del target["platform"]
        if index:
            if attestation:
                children += [_attestation(blobs, child, group[0]) for child in list(children)]
            children += [_absent(platform) for platform in missing_platforms]
            target = blobs.descriptor(OCI_INDEX, go(_index(children), indent))
        for tag in group[0].tags or [""]:
            notes = {f"containerd.io/distribution.source.{host}": names for host, names in (source or {}).items()}
            if tag:
                notes |= {"io.containerd.image.name": full_name(tag), "org.opencontainers.image.ref.name": _tag(tag)}
            if build_time:
                notes["org.opencontainers.image.created"] = build_time
            noted = target | ({"annotations": ordered(notes, "")} if notes else {})
            top.append(ordered(noted, "mediaType digest size annotations platform"))
    files = [_copy(entry, mode=0o444) for entry in blobs.entries()]
    files.append(Entry("index.json", go(_index(top))))
    if manifest_json:
        files.append(Entry("manifest.json", go(documents)))
    files.append(Entry("oci-layout", LAYOUT, mode=0o444))
    return _walked(files)


# ------------------------------------------------------------------------------------------------- other tools' layouts


def containers_image_docker(images: Sequence[ImageSpec], *, chain_names: bool = False) -> list[Entry]:
    """The docker-archive of podman, buildah and skopeo; `chain_names`: legacy ids of containers/image before 5.6."""
    files: list[Entry] = []
    documents: list[Doc] = []
    repositories: dict[str, dict[str, str]] = {}
    for image in images:
        config = image.config_bytes(OCI_ORDER)
        names = [f"{sha256(data)}.tar" for data in image.layers]
        files += [Entry(name, data, mode=0o444) for name, data in zip(names, image.layers, strict=True)]
        files.append(Entry(f"{sha256(config)}.json", config, mode=0o444))
        legacy = containers_image_v1(_parsed(config), image.diff_ids)
        if chain_names:
            ids = [chain_id.partition(":")[2] for chain_id in chain_ids(image.diff_ids)]
            legacy = [(name, text) for name, (_, text) in zip(ids, legacy, strict=True)]
        for (legacy_id, text), name in zip(legacy, names, strict=True):
            files.append(Entry(f"{legacy_id}/layer.tar", type=b"2", linkname=f"../{name}", mode=0))
            files.append(Entry(f"{legacy_id}/VERSION", b"1.0", mode=0o444))
            files.append(Entry(f"{legacy_id}/json", text, mode=0o444))
        tags = [full_name(tag) for tag in image.tags]
        documents.append(_document(f"{sha256(config)}.json", tags, names))
        _repositories(repositories, image, legacy[-1][0], full_name)
    files.append(Entry("manifest.json", go(documents), mode=0o444))
    files.append(Entry("repositories", go(ordered(repositories, "")), mode=0o444))
    return _unique(files)


def oci_archive(images: Sequence[ImageSpec], *, compression: str = "pgzip", old: bool = False) -> list[Entry]:
    """The oci-archive of podman, buildah and skopeo; `old`: before containers/image 5.29."""
    files = _oci(images, _Blobs(), compression, layout=LAYOUT_SPACED if old else LAYOUT)
    return [_copy(entry, mtime=SAVED) for entry in files]


def umoci(images: Sequence[ImageSpec]) -> list[Entry]:
    """A layout of umoci, packed by GNU tar: names begin with "./", every JSON file ends in a newline."""

    def write(document: Doc) -> bytes:
        return go({key: value for key, value in document.items() if key != "mediaType"}) + b"\n"

    files = _oci(images, _Blobs(), "pgzip", layout=LAYOUT + b"\n", write=write)
    files = [Entry("./", type=b"5", mode=0o755), *(_copy(entry, name=f"./{entry.path}") for entry in files)]
    return [_copy(entry, magic=GNU, uname="root", gname="root", mtime=SAVED) for entry in files]


def oci_layout_sha512(images: Sequence[ImageSpec], *, compression: str = "gzip") -> list[Entry]:
    """An OCI layout whose blobs, diff_ids apart, all go by SHA-512."""
    return _oci(images, _Blobs("sha512"), compression)


def crane(images: Sequence[ImageSpec], *, compression: str = "gzip") -> list[Entry]:
    """The tarball of go-containerregistry: crane, ko, kaniko, apko. Layers are .tar.gz whatever the compression."""
    files: list[Entry] = []
    documents: list[Doc] = []
    for image in images:
        config = image.config_bytes(GGCR_ORDER)
        layers = [COMPRESS[compression](data) for data in image.layers]
        names = [f"{sha256(data)}.tar.gz" for data in layers]
        files += [Entry(digest(config), config), *map(Entry, names, layers)]
        documents.append(_document(digest(config), image.tags or None, names))
    return _unique([*files, Entry("manifest.json", go(documents))])


def jib(images: Sequence[ImageSpec], *, lower_case_keys: bool = False) -> list[Entry]:
    """Jib's tarball, of one image; `lower_case_keys`: manifest.json with "config", "repoTags" and "layers"."""
    (image,) = images
    layers = [gz(data) for data in image.layers]
    names = [f"{sha256(data)}.tar.gz" for data in layers]
    document = _document("config.json", image.tags, names)
    if lower_case_keys:
        document = {key[0].lower() + key[1:]: value for key, value in document.items()}
    files = [*map(Entry, names, layers), Entry("config.json", image.config_bytes(JIB_ORDER, jq))]
    files.append(Entry("manifest.json", jq([document])))
    return [_copy(entry, mode=0o100644) for entry in _unique(files)]


def rules_oci(images: Sequence[ImageSpec]) -> list[Entry]:
    """The docker tarball of Bazel's rules_oci, of one image: blobs and a manifest.json of jq, no registry manifest."""
    (image,) = images
    config = image.config_bytes(RULES_OCI_ORDER, lambda document: jq(document, 2))
    layers = [gz(data, os=3) for data in image.layers]
    names = [f"blobs/sha256/{sha256(data)}.tar.gz" for data in layers]
    config_name = f"blobs/sha256/{sha256(config)}"
    manifest = jq([_document(config_name, image.tags, names)], 2) + b"\n"
    files = [Entry(config_name, config), *map(Entry, names, layers), Entry("manifest.json", manifest)]
    return [_copy(entry, mode=0o755, mtime=1_672_560_000) for entry in _unique(files)]


def nix(images: Sequence[ImageSpec]) -> list[Entry]:
    """The stream of nixpkgs' dockerTools.streamLayeredImage, of one image; Python's tarfile pads it to 10240."""
    (image,) = images

    def write(document: Doc) -> bytes:
        return json.dumps(document, indent=4).encode()

    config = image.config_bytes(NIX_ORDER, write)
    names = [f"{sha256(data)}/layer.tar" for data in image.layers]
    manifest = json.dumps([_document(f"{sha256(config)}.json", image.tags, names)], indent=4).encode()
    files = [
        *map(Entry, names, image.layers),
        Entry(f"{sha256(config)}.json", config),
        Entry("manifest.json", manifest),
    ]
    return [_copy(entry, mtime=1) for entry in _unique(files)]


LAYOUTS: Final[dict[str, Callable[[Sequence[ImageSpec]], list[Entry]]]] = {
    function.__name__: function
    for function in (
        *(docker_legacy, docker25, containerd, containers_image_docker, oci_archive, crane),
        *(jib, rules_oci, nix, umoci, pre110, oci_layout_sha512),
    )
}


def archive(layout: str = "docker_legacy", *images: ImageSpec) -> bytes:
    """The whole archive in one call; the default image if none is given."""
    return tar(LAYOUTS[layout](images or [ImageSpec()]))


# ------------------------------------------------------------------------------------------------ parts of the layouts


class _Blobs:
    """The content-addressed files of an OCI layout."""

    def __init__(self, algorithm: str = "sha256") -> None:
        self.algorithm = algorithm
        self.content: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        """Keep a blob; its digest."""
        name = digest(data, self.algorithm)
        self.content[name] = data
        return name

    def descriptor(self, media_type: str, data: bytes) -> Doc:
        """Keep a blob; its descriptor."""
        return {"mediaType": media_type, "digest": self.put(data), "size": len(data)}

    @staticmethod
    def path(name: str) -> str:
        """The member that holds the blob of a digest."""
        return f"blobs/{name.replace(':', '/')}"

    def entries(self) -> list[Entry]:
        """One member for each blob."""
        return [Entry(self.path(name), data) for name, data in self.content.items()]


def _oci(
    images: Sequence[ImageSpec],
    blobs: _Blobs,
    compression: str,
    *,
    layout: bytes = LAYOUT,
    write: Callable[[Doc], bytes] = go,
) -> list[Entry]:
    """A plain OCI layout: the tag is the annotation ref.name, and index.json has no mediaType."""
    index = []
    for image in images:
        manifest = write(_manifest(blobs, image, image.config_bytes(OCI_ORDER, write), compression))
        notes = {"annotations": {"org.opencontainers.image.ref.name": _tag(image.tags[0])}} if image.tags else {}
        index.append(blobs.descriptor(OCI_MANIFEST, manifest) | notes)
    document = {"schemaVersion": 2, "manifests": index}
    return _walked([*blobs.entries(), Entry("index.json", write(document)), Entry("oci-layout", layout)])


def _document(config: str, tags: list[str] | None, layers: list[str]) -> Doc:
    """One image in manifest.json."""
    return {"Config": config, "RepoTags": tags, "Layers": layers}


def _index(manifests: list[Doc]) -> Doc:
    """An OCI index."""
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}


def _manifest(blobs: _Blobs, image: ImageSpec, config: bytes, compression: str, *, docker_types: bool = False) -> Doc:
    """An image manifest; its config and its layers become blobs."""
    base, joint = (DOCKER_LAYER, ".") if docker_types else (OCI_LAYER, "+")
    media_type = f"{base}{joint}{_SUFFIX[compression]}".rstrip(joint)
    return {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST if docker_types else OCI_MANIFEST,
        "config": blobs.descriptor(DOCKER_CONFIG if docker_types else OCI_CONFIG, config),
        "layers": [blobs.descriptor(media_type, COMPRESS[compression](data)) for data in image.layers],
    }


def _attestation(blobs: _Blobs, child: Doc, image: ImageSpec) -> Doc:
    """The descriptor of a BuildKit provenance of `child`; its manifest, statement and empty config become blobs."""
    subject = {key: child[key] for key in ("mediaType", "digest", "size")}
    platform = f"{child['platform']['os']}%2F{child['platform']['architecture']}"
    name = f"pkg:docker/{image.tags[0].replace(':', '@') if image.tags else 'image'}?platform={platform}"
    predicate = "https://slsa.dev/provenance/v1"
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": predicate,
        "subject": [{"name": name, "digest": {"sha256": child["digest"].partition(":")[2]}}],
        "predicate": {"runDetails": {"builder": {"id": ""}}},
    }
    layer_descriptor = blobs.descriptor("application/vnd.in-toto+json", go(statement))
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.docker.attestation.manifest.v1+json",
        "config": blobs.descriptor(OCI_EMPTY, b"{}") | {"data": "e30="},
        "layers": [layer_descriptor | {"annotations": {"in-toto.io/predicate-type": predicate}}],
        "subject": subject,
    }
    notes = {"vnd.docker.reference.digest": child["digest"], "vnd.docker.reference.type": "attestation-manifest"}
    unknown = {"architecture": "unknown", "os": "unknown"}
    return blobs.descriptor(OCI_MANIFEST, go(manifest, 2)) | {"annotations": notes, "platform": unknown}


def _absent(platform: str) -> Doc:
    """The descriptor of a manifest that the archive does not hold."""
    named = digest(f"manifest of {platform}".encode())
    document = ImageSpec(platform=platform).platform_document
    return {"mediaType": OCI_MANIFEST, "digest": named, "size": 1024, "platform": document}


def _parsed(config: bytes) -> Doc:
    """A config as the legacy ids see it: empty, where a test made it unreadable."""
    try:
        document = json.loads(config)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _repositories(
    repositories: dict[str, dict[str, str]], image: ImageSpec, top: str, rename: Callable[[str], str] = str
) -> None:
    """Write an image's tags into the `repositories` document."""
    for tag in image.tags:
        name, _, version = rename(tag).rpartition(":")
        repositories.setdefault(name, {})[version] = top


def full_name(tag: str) -> str:
    """The fully qualified form of a familiar name: docker.io/library/alpine:3 of alpine:3."""
    host, slash, _ = tag.partition("/")
    if not slash:
        return f"docker.io/library/{tag}"
    return tag if "." in host or ":" in host or host == "localhost" else f"docker.io/{tag}"


def _tag(tag: str) -> str:
    return tag.rpartition(":")[2]


def _unique(entries: Iterable[Entry]) -> list[Entry]:
    """Each name once, where it first came."""
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.path, entry)
    return list(first.values())


def _walked(entries: Iterable[Entry], *, mtime: int = 0) -> list[Entry]:
    """Each name once, with the directories that lead there, in the order of a walk."""
    files = _unique(entries)
    parents = {name[: end + 1] for name in (entry.path for entry in files) for end, c in enumerate(name) if c == "/"}
    files = _unique([*files, *(Entry(name, type=b"5", mode=0o755, mtime=mtime) for name in parents)])
    return sorted(files, key=lambda entry: entry.path.rstrip("/").split("/"))


# --------------------------------------------------------------------------------------------------------------- lies

EVIL: Final = layer({"bin/": b"", "bin/app": b"#!/bin/sh\necho owned\n"})
"""The layer that the lies put in the place of a true one."""


def find(entries: Sequence[Entry], name: str) -> Entry:
    """The one entry of that name, or whose name ends in a slash and `name`; the first, if it is there twice."""
    found = [entry for entry in entries if _is_called(entry, name)]
    if len({entry.path for entry in found}) != 1:
        raise LookupError(f"{len(found)} entries end in {name!r}")
    return found[0]


def replace(entries: Sequence[Entry], name: str, data: bytes) -> Entry:
    """Put other bytes under a name; the entry, changed."""
    entry = find(entries, name)
    entry.data = data
    return entry


def drop(entries: list[Entry], name: str) -> Entry:
    """Take an entry out of the list; the entry."""
    entry = find(entries, name)
    entries.remove(entry)
    return entry


def duplicate(entries: list[Entry], name: str, data: bytes | None = None, *, before: bool = False) -> Entry:
    """Add a second entry of the same name, as the last of all or right before the first one; the new entry."""
    entry = find(entries, name)
    twin = _copy(entry, data=entry.data if data is None else data)
    entries.insert(entries.index(entry) if before else len(entries), twin)
    return twin


def config_of(entries: Sequence[Entry], image: int = 0) -> Entry:
    """The entry of an image's config, as the archive's own documents name it."""
    return find(entries, _parts(entries, image)[0])


def layers_of(entries: Sequence[Entry], image: int = 0) -> list[Entry]:
    """The entries of an image's layers, lowest first, links followed."""
    found = [find(entries, name) for name in _parts(entries, image)[1]]
    return [find(entries, _raw(entry.linkname).decode()[3:]) if entry.type == b"2" else entry for entry in found]


def swap_config(entries: Sequence[Entry], edit: Mapping[str, Any] | None = None, *, image: int = 0) -> Entry:
    """Change keys of a config (by default what it runs) and keep its name; the entry, changed."""
    entry = config_of(entries, image)
    document = json.loads(entry.data)
    change = {"config": document.get("config", {}) | {"Cmd": ["/bin/evil"]}} if edit is None else edit
    entry.data = go(document | dict(change))
    return entry


def swap_layer(entries: Sequence[Entry], data: bytes = EVIL, *, number: int = 0, image: int = 0) -> Entry:
    """Put another layer, compressed like the one before, under the same name; the entry, changed."""
    entry = layers_of(entries, image)[number]
    entry.data = _compressed_like(entry.data, data)
    return entry


def swap_both(entries: Sequence[Entry], data: bytes = EVIL, *, number: int = 0, image: int = 0) -> tuple[Entry, Entry]:
    """`swap_layer`, and the config's diff_id follows, so that both agree; all names stay. (config, layer), changed."""
    config = config_of(entries, image)
    true = json.loads(config.data)["rootfs"]["diff_ids"][number]
    changed = swap_layer(entries, data, number=number, image=image)
    config.data = config.data.replace(true.encode(), digest(data).encode())
    return config, changed


def _parts(entries: Sequence[Entry], image: int) -> tuple[str, list[str]]:
    """(config name, layer names) of an image, from manifest.json if there is one, else from index.json."""
    if any(_is_called(entry, "manifest.json") for entry in entries):
        document = {key.lower(): value for key, value in json.loads(find(entries, "manifest.json").data)[image].items()}
        return document["config"], document["layers"]
    target = json.loads(find(entries, "index.json").data)["manifests"][image]
    while "config" not in target:
        target = json.loads(find(entries, _Blobs.path(target["digest"])).data)
        target = target["manifests"][0] if "manifests" in target else target
    return _Blobs.path(target["config"]["digest"]), [_Blobs.path(item["digest"]) for item in target["layers"]]


def _is_called(entry: Entry, name: str) -> bool:
    return f"/{entry.path}".endswith(f"/{name}")


def _compressed_like(old: bytes, data: bytes) -> bytes:
    """`data` in the compression of `old`, under the same gzip header."""
    if old.startswith(b"\x28\xb5\x2f\xfd"):
        return zstd(data)
    if not old.startswith(b"\x1f\x8b"):
        return data
    return old[:10] + (pgzip if old[4:8] == bytes.fromhex("00096e88") else gz)(data)[10:]
