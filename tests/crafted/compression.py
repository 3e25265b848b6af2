"""GZ: compression, outside and of layers."""

import bz2
import functools
import gzip
import lzma
import struct
from collections.abc import Callable

from tests import builder
from tests.builder import ImageSpec
from tests.crafted.case import Crafted, Threat
from tests.support import descriptor, oci

Bytes = Callable[[bytes], bytes]

_LAYER = builder.layer({"bin/": b"", "bin/app": b"#!/bin/sh\necho hello\n"})


def _image(compress: Bytes, media_type: str = "", layer: bytes = _LAYER) -> bytes:
    """An OCI layout of one image, whose only layer is compressed so, and said to be of that type."""
    config = ImageSpec(layers=[layer]).config_bytes(builder.OCI_ORDER)
    stored = compress(layer)
    document = builder.go(
        {
            "schemaVersion": 2,
            "mediaType": builder.OCI_MANIFEST,
            "config": descriptor(config, builder.OCI_CONFIG),
            "layers": [descriptor(stored, media_type or f"{builder.OCI_LAYER}+gzip")],
        }
    )
    return builder.tar(oci([descriptor(document)], [config, stored, document]))


def _layer(compress: Bytes, media_type: str = "") -> Callable[[], bytes]:
    return lambda: _image(compress, media_type)


def _outer(compress: Bytes) -> Callable[[], bytes]:
    """A truthful archive, compressed as a whole."""
    return lambda: compress(builder.archive("crane"))


def _then(tail: bytes, compress: Bytes = builder.gz) -> Bytes:
    return lambda data: compress(data) + tail


def _with_trailer(crc: int = 0, size: int = 0) -> Bytes:
    """gzip with these numbers added to those of its trailer."""

    def compress(data: bytes) -> bytes:
        stored = builder.gz(data)
        claimed = struct.unpack("<II", stored[-8:])
        sums = [(value + more) % (1 << 32) for value, more in zip(claimed, (crc, size), strict=True)]
        return stored[:-8] + struct.pack("<II", *sums)

    return compress


def _cut(data: bytes) -> bytes:
    return builder.gz(data)[:-6]


def _labelled(*, name: bytes = b"", comment: bytes = b"", extra: bytes = b"") -> Bytes:
    """gzip with such a header."""

    def compress(data: bytes) -> bytes:
        flags = 4 * bool(extra) | 8 * bool(name) | 16 * bool(comment)
        parts = (
            len(extra).to_bytes(2, "little") + extra if extra else b"",
            name and name + b"\0",
            comment and comment + b"\0",
        )
        return b"\x1f\x8b\x08" + bytes([flags]) + builder.gz(data)[4:10] + b"".join(parts) + builder.gz(data)[10:]

    return compress


_FOOTER = struct.pack("<2sH", b"SG", 22) + b"%016x" % 512 + b"STARGZ"
"""The extra field of eStargz's footer."""


def _estargz(data: bytes) -> bytes:
    """Members of their own for parts, and the footer, whose member is empty."""
    return builder.multi_gz(data[:512], data[512:]) + _labelled(extra=_FOOTER)(b"")


def _halves(data: bytes) -> bytes:
    return builder.multi_gz(data[:700], data[700:])


def _two_frames(data: bytes) -> bytes:
    return builder.zstd(data[:700]) + builder.zstd(data[700:])


def _skippable(content: bytes) -> bytes:
    return struct.pack("<II", 0x184D2A50, len(content)) + content


def _window(data: bytes) -> bytes:
    """A zstd frame that asks for a window of a tebibyte, then the true one."""
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(30 << 3)]) + b"\1\0\0" + builder.zstd(data)


def _without_checks(data: bytes) -> bytes:
    return lzma.compress(data, check=lzma.CHECK_NONE)


def _xz_bad_check(data: bytes) -> bytes:
    """xz whose check, which stands before its index and footer, is wrong."""
    stored = bytearray(lzma.compress(data, check=lzma.CHECK_CRC32))
    index = 4 * (1 + int.from_bytes(stored[-8:-4], "little"))
    stored[-12 - index - 1] ^= 1
    return bytes(stored)


def _bz2_bad_check(data: bytes) -> bytes:
    """bzip2 whose block's checksum, which stands behind its magic, is wrong."""
    stored = bytearray(bz2.compress(data))
    stored[10] ^= 1
    return bytes(stored)


def _lz4(data: bytes) -> bytes:
    """One lz4 frame of one block that is not compressed; its header's checksum is not computed."""
    return bytes.fromhex("04224d18604082") + struct.pack("<I", len(data) | 1 << 31) + data + bytes(4)


def _compress_z(data: bytes) -> bytes:
    return b"\x1f\x9d\x90" + data


def _real_gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _plain(data: bytes) -> bytes:
    return data


_XZ = functools.partial(lzma.compress, check=lzma.CHECK_CRC64)
_ZSTD_TYPE = f"{builder.OCI_LAYER}+zstd"

THREATS: tuple[Threat, ...] = (
    Threat(
        "GZ-01",
        "Bytes behind a compressed stream",
        "umoci#358, containerd#4628; gzip warns, Go and Python refuse, tar readers never see them",
        ("IMG103", "IMG307"),
        "Zeros that fill a block are noted for layers (umoci#360), and not reported around an archive.",
    ),
    Threat(
        "GZ-02",
        "Wrong checksum or length, a stream that is cut off",
        "tarfile lists all members of such an archive and raises nothing",
        ("IMG110", "IMG305"),
    ),
    Threat(
        "GZ-03",
        "Several members or frames",
        "soci-snapshotter#1871: readers that stop behind the first see less",
        ("IMG311",),
        "A note, with their number: parallel compressors, eStargz and zstd:chunked write them.",
    ),
    Threat(
        "GZ-04",
        "Names, comments and extra fields in gzip headers",
        "in no digest of uncompressed bytes, and of any length",
        ("IMG310",),
        "The name of a file is a note, and so is what is short; eStargz's footer is known.",
    ),
    Threat(
        "GZ-05",
        "Compression bombs",
        "CVE-2017-14992 (docker, tar-split), CVE-2020-1702 (containers/image)",
        ("IMG902",),
        "Bounds on growth, on absolute size and on a decoder's memory (`imgforensics.Limits`); what is around an archive is given up with an error where it would fill the disk.",
    ),
    Threat(
        "GZ-06",
        "A media type that says otherwise, or what cannot be undone",
        "containerd labels any compression of a docker save layer gzip",
        ("IMG208", "IMG901"),
        "A note where the bytes can be undone, since several tools label wrongly. Around an archive, a format that cannot be undone is an error in one line.",
    ),
)


def _crafted(
    name: str, what: str, make: Callable[[], bytes], codes: str = "", *, twin: Callable[[], bytes], notes: str = ""
) -> Crafted:
    return Crafted(f"GZ-{name}", what, make, frozenset(codes.split()), twin, frozenset(notes.split()))


_GZ, _OUTER = _layer(builder.gz), _outer(builder.gz)

CRAFTED: tuple[Crafted, ...] = (
    _crafted(
        "01-layer",
        "text behind a layer's gzip stream",
        _layer(_then(b"hidden")),
        "IMG307",
        twin=_layer(_then(bytes(512))),
    ),
    _crafted(
        "01-layer-zeros", "zeros behind a layer's gzip stream", _layer(_then(bytes(512))), notes="IMG307", twin=_GZ
    ),
    _crafted(
        "01-layer-zstd",
        "a skippable frame with content in a layer",
        _layer(_then(_skippable(b"hidden"), builder.zstd), _ZSTD_TYPE),
        "IMG307",
        twin=_layer(builder.zstd, _ZSTD_TYPE),
    ),
    _crafted(
        "01-outer",
        "an archive behind the gzip stream around the archive",
        _outer(_then(b"PK\x03\x04hidden")),
        "IMG103",
        twin=_outer(_then(bytes(512))),
    ),
    _crafted(
        "01-outer-bzip2",
        "text behind the bzip2 stream",
        _outer(_then(b"hidden", bz2.compress)),
        "IMG103",
        twin=_outer(bz2.compress),
    ),
    _crafted(
        "01-outer-xz",
        "text behind the xz stream",
        _outer(_then(b"hidden", _XZ)),
        "IMG103",
        twin=_outer(_then(bytes(8), _XZ)),
    ),
    _crafted(
        "01-outer-zstd",
        "text behind the zstd frame",
        _outer(_then(b"hidden", builder.zstd)),
        "IMG103",
        twin=_outer(builder.zstd),
    ),
    _crafted(
        "01-outer-frame",
        "a skippable zstd frame with content",
        _outer(_then(_skippable(b"hidden"), builder.zstd)),
        "IMG103",
        twin=_outer(_then(_skippable(b""), builder.zstd)),
    ),
    _crafted(
        "02-layer-crc", "a layer's CRC-32 is wrong", _layer(_with_trailer(crc=1)), "IMG305", twin=_layer(_real_gzip)
    ),
    _crafted("02-layer-length", "a layer's length is wrong", _layer(_with_trailer(size=1)), "IMG305", twin=_GZ),
    _crafted("02-layer-cut", "a layer's trailer is cut off", _layer(_cut), "IMG305", twin=_GZ),
    _crafted(
        "02-layer-xz",
        "a layer's xz check is wrong",
        _layer(_xz_bad_check, builder.OCI_LAYER),
        "IMG305",
        twin=_layer(_without_checks, builder.OCI_LAYER),
    ),
    _crafted(
        "02-layer-bzip2",
        "a layer's bzip2 checksum is wrong",
        _layer(_bz2_bad_check, builder.OCI_LAYER),
        "IMG305",
        twin=_layer(bz2.compress, builder.OCI_LAYER),
    ),
    _crafted(
        "02-outer-crc", "the CRC-32 around the archive is wrong", _outer(_with_trailer(crc=1)), "IMG110", twin=_OUTER
    ),
    _crafted(
        "02-outer-length",
        "the length around the archive is wrong",
        _outer(_with_trailer(size=1)),
        "IMG110",
        twin=_OUTER,
    ),
    _crafted(
        "02-outer-cut", "the stream around the archive is cut in its trailer", _outer(_cut), "IMG110", twin=_OUTER
    ),
    _crafted("03-layer-members", "a layer of two gzip members", _layer(_halves), notes="IMG311", twin=_GZ),
    _crafted(
        "03-layer-frames",
        "a layer of two zstd frames",
        _layer(_two_frames, _ZSTD_TYPE),
        notes="IMG311",
        twin=_layer(builder.zstd, _ZSTD_TYPE),
    ),
    _crafted("03-layer-estargz", "a layer of eStargz", _layer(_estargz), notes="IMG311", twin=_GZ),
    _crafted("03-outer", "two gzip members around the archive", _outer(_halves), notes="IMG311", twin=_OUTER),
    _crafted(
        "04-comment",
        "a layer's gzip header with a long comment",
        _layer(_labelled(comment=b"hidden " * 99)),
        "IMG310",
        twin=_layer(_labelled(name=b"layer.tar")),
    ),
    _crafted(
        "04-extra",
        "a layer's gzip header with a long extra field",
        _layer(_labelled(extra=b"XX\x58\x02" + b"x" * 600)),
        "IMG310",
        twin=_layer(_estargz),
    ),
    _crafted(
        "04-name",
        "a layer's gzip header with a name longer than names are",
        _layer(_labelled(name=b"n" * 300)),
        "IMG310",
        twin=_GZ,
    ),
    _crafted(
        "04-outer",
        "the gzip header around the archive with a long comment",
        _outer(_labelled(comment=b"hidden " * 99)),
        "IMG310",
        twin=_outer(_labelled(name=b"image.tar")),
    ),
    _crafted(
        "04-short",
        "a file's name in a layer's gzip header",
        _layer(_labelled(name=b"layer.tar")),
        notes="IMG310",
        twin=_GZ,
    ),
    _crafted(
        "05-window",
        "a zstd layer that asks for a window of a tebibyte",
        _layer(_window, _ZSTD_TYPE),
        "IMG902",
        twin=_layer(builder.zstd, _ZSTD_TYPE),
    ),
    _crafted("06-said-gzip", "a plain layer that is said to be gzip", _layer(_plain), notes="IMG208", twin=_GZ),
    _crafted(
        "06-said-zstd", "a gzip layer that is said to be zstd", _layer(builder.gz, _ZSTD_TYPE), notes="IMG208", twin=_GZ
    ),
    _crafted(
        "06-said-plain",
        "a gzip layer that is said to be plain",
        _layer(builder.gz, builder.OCI_LAYER),
        notes="IMG208",
        twin=_layer(_plain, builder.OCI_LAYER),
    ),
    _crafted(
        "06-bzip2",
        "a bzip2 layer, of which no media type speaks",
        _layer(bz2.compress, builder.OCI_LAYER),
        notes="IMG208",
        twin=_GZ,
    ),
    _crafted("06-xz", "an xz layer that is said to be gzip", _layer(_XZ), notes="IMG208", twin=_GZ),
    _crafted("06-lz4", "an lz4 layer", _layer(_lz4), "IMG901", twin=_GZ),
    _crafted("06-compress", "a layer of compress", _layer(_compress_z), "IMG901", twin=_GZ),
)
