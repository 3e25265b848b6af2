"""Layers with a table of contents, as eStargz and zstd:chunked have it: truthful ones, or with any table that is given."""

import io
import json
import struct
import tarfile
from typing import Any

from tests import builder
from tests.builder import Entry

TYPES = {
    tarfile.REGTYPE: "reg",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "char",
    tarfile.FIFOTYPE: "fifo",
}


def table_of(layer: bytes) -> list[dict[str, Any]]:
    """The entries of a truthful table of contents, as Python's tarfile reads the layer."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return [
            {"name": info.name + "/" * info.isdir(), "type": TYPES[info.type], "mode": info.mode}
            | ({"size": info.size} if info.isreg() and info.size else {})
            | ({"linkName": info.linkname} if info.linkname else {})
            for info in tar.getmembers()
        ]


def toc(entries: list[dict[str, Any]] | None) -> bytes:
    """The JSON of a table of contents."""
    return json.dumps({"version": 1, "entries": entries}, indent="\t").encode()


def estargz(layer: bytes, table: bytes, *, behind: bool = False) -> bytes:
    """The uncompressed tar of an eStargz layer: the table in front of the end marker, or, as BuildKit has it, behind."""
    body = layer if behind else layer.removesuffix(builder.END)
    return body + builder.tar([Entry("stargz.index.json", table)])


def gzipped(tar: bytes, table: bytes) -> bytes:
    """That tar compressed, one member for the layer, one for the table, and the footer that points to it."""
    return split(tar, tar.index(table) - 512)


def hidden(layer: bytes, table: bytes) -> tuple[bytes, bytes]:
    """A tar of these entries and a file that holds a tar of the table; and it compressed, with a footer to that tar."""
    carrier = builder.tar([Entry("stargz.index.json", table)], end=b"")
    tar = layer.removesuffix(builder.END) + builder.tar([Entry("data", carrier)])
    return tar, split(tar, tar.index(carrier))


def split(tar: bytes, start: int) -> bytes:
    """A tar compressed in two members, and a footer that points to the second, which begins at this byte."""
    first = builder.gz(tar[:start])
    field = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % len(first)
    footer = bytes.fromhex("1f8b0804000000000000") + struct.pack("<H", len(field)) + field
    return first + builder.gz(tar[start:]) + footer + bytes.fromhex("0100 00ff ff") + bytes(8)


def chunked(layer: bytes, table: bytes) -> bytes:
    """A layer as zstd:chunked has it: content, table of contents, footer."""
    stream = builder.zstd(layer)
    numbers = (len(stream) + 8, len(stored(table)), len(table), 1, 0, 0, 0)
    return stream + _skippable(stored(table)) + _skippable(struct.pack("<7Q", *numbers) + b"GNUlInUx")


def chunked_before_2023(layer: bytes, table: bytes) -> bytes:
    """The same with the footer of containers/storage before 2023, which knows no tar-split."""
    stream = builder.zstd(layer)
    numbers = (len(stream) + 8, len(stored(table)), len(table), 1)
    return stream + _skippable(stored(table)) + _skippable(struct.pack("<4Q", *numbers) + b"GnUlInUx")


def chunked_hidden(layer: bytes, table: bytes) -> tuple[bytes, bytes]:
    """A tar of these entries and a file that holds a table; and it packed, with a footer to the inside of that file."""
    tar = layer.removesuffix(builder.END) + builder.tar([Entry("data", stored(table))])
    stream = builder.zstd(tar)
    numbers = (stream.index(stored(table)), len(stored(table)), len(table), 1, 0, 0, 0)
    return tar, stream + _skippable(struct.pack("<7Q", *numbers) + b"GNUlInUx")


def stored(table: bytes) -> bytes:
    """The table as zstd:chunked stores it."""
    return builder.zstd(table)


def _skippable(content: bytes) -> bytes:
    return struct.pack("<II", 0x184D2A50, len(content)) + content
