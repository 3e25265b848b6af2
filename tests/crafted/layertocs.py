"""VIEW-16: the tables of contents beside layers' tars."""

from collections.abc import Callable
from typing import Any

from tests import builder, layertables
from tests.builder import Entry, ImageSpec
from tests.crafted.case import Crafted, Threat
from tests.crafted.layerparts import Made, folder, link, tar_of
from tests.support import descriptor, oci


def _annotated(tar: bytes, packed: bytes, **annotations: str) -> Made:
    """An OCI layout of one image of one layer, packed like this, with these annotations on its descriptor."""
    media_type = f"{builder.OCI_LAYER}+{'zstd' if packed.startswith(bytes.fromhex('28b52ffd')) else 'gzip'}"
    layer: dict[str, Any] = descriptor(packed, media_type)
    config = ImageSpec(layers=[tar]).config_bytes(builder.OCI_ORDER)
    document = {
        "schemaVersion": 2,
        "mediaType": builder.OCI_MANIFEST,
        "config": descriptor(config, builder.OCI_CONFIG),
        "layers": [layer | ({"annotations": annotations} if annotations else {})],
    }
    manifest = builder.go(document)
    named = descriptor(manifest, annotations={"org.opencontainers.image.ref.name": "1.0"})
    return lambda: builder.tar(oci([named], [packed, config, manifest]))


def _hidden(table: bytes) -> Made:
    tar, packed = layertables.hidden(LISTED, table)
    return _annotated(tar, packed, **{"containerd.io/snapshot/stargz/toc.digest": builder.digest(table)})


def _chunked_hidden(table: bytes) -> Made:
    tar, packed = layertables.chunked_hidden(LISTED, table)
    digest = builder.digest(layertables.stored(table))
    return _annotated(tar, packed, **{"io.github.containers.zstd-chunked.manifest-checksum": digest})


def _estargz(table: bytes, *, behind: bool = False, named: bytes | None = None, padding: bytes = b"") -> Made:
    tar = layertables.estargz(LISTED + padding, table, behind=behind or bool(padding))
    digest = builder.digest(table if named is None else named)
    return _annotated(tar, layertables.gzipped(tar, table), **{"containerd.io/snapshot/stargz/toc.digest": digest})


def _chunked(
    table: bytes, named: bytes | None = None, pack: Callable[[bytes, bytes], bytes] = layertables.chunked
) -> Made:
    digest = builder.digest(layertables.stored(table if named is None else named))
    key = "io.github.containers.zstd-chunked.manifest-checksum"
    return _annotated(LISTED, pack(LISTED, table), **{key: digest})


LISTED = tar_of(
    folder("bin/"),
    Entry("bin/app", b"#!/bin/sh\n", mode=0o755),
    link("bin/sh", "app"),
    link("bin/hard", "bin/app", b"1"),
    Entry("bin/su", b"su", mode=0o4755),
)
TABLE = layertables.table_of(LISTED)
HONEST = layertables.toc(TABLE)
ROOTED = layertables.toc([{"name": "./", "type": "dir", "mode": 0o755}, *TABLE])
"""As writers before 2023 list a tar that begins with its root."""
ADDED = layertables.toc([*TABLE, {"name": "bin/evil", "type": "reg", "mode": 0o4755, "size": 9}])
LEFT_OUT = layertables.toc(TABLE[:-1])
OTHER_SIZE = layertables.toc([{**entry, "size": 99} if entry["name"] == "bin/app" else entry for entry in TABLE])
OTHER_MODE = layertables.toc([{**entry, "mode": 0o4755} if entry["name"] == "bin/app" else entry for entry in TABLE])
OTHER_LINK = layertables.toc(
    [{**entry, "linkName": "/evil"} if entry["name"] == "bin/sh" else entry for entry in TABLE]
)
OWNED = layertables.toc([{**entry, "uid": 1000} if entry["name"] == "bin/app" else entry for entry in TABLE])
ATTRIBUTED = layertables.toc(
    [
        {**entry, "xattrs": {"security.capability": "AQAAAg=="}} if entry["name"] == "bin/app" else entry
        for entry in TABLE
    ]
)
TWICE = layertables.toc([*TABLE, TABLE[1]])
FOLDED_LIST = HONEST[:-1] + b', "Entries": [{"name": "bin/evil", "type": "reg"}]}'
FOLDED_SIZE = layertables.toc([{**entry, "Mode": 0o4755} if entry["name"] == "bin/app" else entry for entry in TABLE])
FOLDED_CHUNK = layertables.toc([*TABLE, {"name": "bin/evil", "type": "chunk", "Type": "reg", "size": 9}])
REPEATED_KEY = HONEST.replace(b'"name": "bin/app"', b'"name": "bin/app", "mode": 2541', 1)


THREATS: tuple[Threat, ...] = (
    Threat(
        "VIEW-16",
        "A table of contents that lists other files than the tar",
        "containers/storage#1888, #2014, #2035, #1778: lazily pulling stores against plain unpackers",
        ("IMG514",),
        "Paths, kinds, sizes, modes, owners, attributes and targets are compared; digests of single files in the table "
        "are not recomputed, nor names of owners and times compared.",
    ),
)

CRAFTED: tuple[Crafted, ...] = (
    Crafted("VIEW-16-estargz-extra", "an entry more", _estargz(ADDED), frozenset({"IMG514"}), _estargz(HONEST)),
    Crafted(
        "VIEW-16-estargz-behind",
        "an entry less, in a table behind the end marker",
        _estargz(LEFT_OUT, behind=True),
        frozenset({"IMG514"}),
        _estargz(HONEST, behind=True),
    ),
    Crafted(
        "VIEW-16-estargz-annotation",
        "an annotation with another table's digest",
        _estargz(HONEST, named=ADDED),
        frozenset({"IMG514"}),
        _estargz(HONEST),
    ),
    Crafted(
        "VIEW-16-chunked-size", "a file of another size", _chunked(OTHER_SIZE), frozenset({"IMG514"}), _chunked(HONEST)
    ),
    Crafted(
        "VIEW-16-chunked-before-2023",
        "a file of another size, behind the footer of older writers",
        _chunked(OTHER_SIZE, pack=layertables.chunked_before_2023),
        frozenset({"IMG514"}),
        _chunked(ROOTED, pack=layertables.chunked_before_2023),
    ),
    Crafted("VIEW-16-chunked-mode", "a setuid bit more", _chunked(OTHER_MODE), frozenset({"IMG514"}), _chunked(HONEST)),
    Crafted("VIEW-16-chunked-link", "another target", _chunked(OTHER_LINK), frozenset({"IMG514"}), _chunked(HONEST)),
    Crafted(
        "VIEW-16-chunked-annotation",
        "an annotation with another table's digest",
        _chunked(HONEST, named=ADDED),
        frozenset({"IMG514"}),
        _chunked(HONEST),
    ),
    Crafted(
        "VIEW-16-estargz-folded-list",
        "a second list of entries under `Entries`, which Go takes for the first one's key",
        _estargz(FOLDED_LIST),
        frozenset({"IMG514"}),
        _estargz(HONEST),
    ),
    Crafted(
        "VIEW-16-estargz-folded-mode",
        "an entry with `Mode` too",
        _estargz(FOLDED_SIZE),
        frozenset({"IMG514"}),
        _estargz(HONEST),
    ),
    Crafted(
        "VIEW-16-chunked-folded-type",
        "a chunk whose `Type` makes it a file",
        _chunked(FOLDED_CHUNK),
        frozenset({"IMG514"}),
        _chunked(HONEST),
    ),
    Crafted(
        "VIEW-16-chunked-repeated-key", "a mode twice", _chunked(REPEATED_KEY), frozenset({"IMG514"}), _chunked(HONEST)
    ),
    Crafted("VIEW-16-chunked-name-twice", "an entry twice", _chunked(TWICE), frozenset({"IMG514"}), _chunked(HONEST)),
    Crafted("VIEW-16-estargz-owner", "another owner", _estargz(OWNED), frozenset({"IMG514"}), _estargz(HONEST)),
    Crafted(
        "VIEW-16-estargz-attribute",
        "capabilities that the tar does not have",
        _estargz(ATTRIBUTED),
        frozenset({"IMG514"}),
        _estargz(HONEST),
    ),
    Crafted(
        "VIEW-16-estargz-inside-a-file",
        "a footer that leads to a table inside a file's data",
        _hidden(ADDED),
        frozenset({"IMG514"}),
        _estargz(HONEST, padding=bytes(9 * 1024)),
    ),
    Crafted(
        "VIEW-16-chunked-inside-a-file",
        "a footer that leads to a table inside a file's data",
        _chunked_hidden(ADDED),
        frozenset({"IMG514"}),
        _chunked(HONEST),
    ),
    Crafted(
        "VIEW-16-malformed", "a table that is cut off", _chunked(HONEST[:-2]), frozenset({"IMG514"}), _chunked(HONEST)
    ),
)
