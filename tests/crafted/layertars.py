"""LAY-08: layers that are no tar, damaged tars, tars that readers take differently, and data where none belongs."""

from tests import builder
from tests.builder import Entry
from tests.crafted.case import Crafted, Threat
from tests.crafted.layerparts import folder, image, layer, tar_of
from tests.crafted.resealing import resealed, sum_of


def _spoiled(layer: bytes, place: int) -> bytes:
    return layer[:place] + bytes([layer[place] ^ 1]) + layer[place + 1 :]


def _filled(layer: bytes, hidden: bytes) -> bytes:
    """A layer whose first file, of one byte, has this in its padding."""
    return layer[:600] + hidden + layer[600 + len(hidden) :]


THREATS: tuple[Threat, ...] = (
    Threat(
        "LAY-08",
        "Data behind a layer's tar, layers that are no tar, damaged tars with right digests",
        "tar readers stop in silence, or skip ahead, where Go's fails",
        ("IMG511", "IMG512", "IMG513", "IMG515"),
        "Zeros behind the end are padding. Layers of other media types (in-toto, Helm, WebAssembly) are no tars by right. A "
        "size on a symlink is a warning: GNU tar takes so many bytes behind it for data, where Go's reader and all others "
        "see the next entry, so that who unpacks a layer by hand misses what runtimes unpack.",
    ),
)

CRAFTED: tuple[Crafted, ...] = (
    Crafted(
        "LAY-08-behind-the-end",
        "a second tar behind the end of a layer's",
        image(tar_of(Entry("a", b"x")) + tar_of(Entry("hidden", b"evil"))),
        frozenset({"IMG511"}),
        image(tar_of(Entry("a", b"x")) + bytes(10_240)),
    ),
    Crafted(
        "LAY-08-in-the-padding",
        "data between the end of a file and the next header",
        image(_filled(tar_of(Entry("a", b"x"), Entry("b", b"y")), b"hidden")),
        frozenset({"IMG511"}),
        layer(Entry("a", b"x"), Entry("b", b"y")),
    ),
    Crafted(
        "LAY-08-no-tar",
        "a layer that is a script",
        image(b"#!/bin/sh\necho evil\n" * 100),
        frozenset({"IMG512"}),
        image(bytes(1024)),
    ),
    Crafted(
        "LAY-08-damaged",
        "a wrong checksum in the second header",
        image(_spoiled(tar_of(Entry("a", b"x"), Entry("b", b"x"), Entry("c", b"x")), 1024)),
        frozenset({"IMG513"}),
        layer(Entry("a", b"x"), Entry("b", b"x"), end=b""),
    ),
    Crafted(
        "LAY-08-cut",
        "a tar that ends inside a file",
        image(tar_of(Entry("a", b"x" * 2000))[:1500]),
        frozenset({"IMG513"}),
        layer(Entry("a", b"x" * 2000), end=bytes(512)),
    ),
    Crafted(
        "LAY-08-half-a-zero-block",
        "a tar that ends inside its end marker",
        image(tar_of(Entry("a", b"x"), end=bytes(700))),
        frozenset({"IMG513"}),
        layer(Entry("a", b"x"), end=bytes(1024)),
    ),
    Crafted(
        "LAY-08-no-number",
        "a time that is no number in the second header",
        image(tar_of(Entry("a", b"x"), resealed(Entry("b", b"x"), 136, b"yesterday"))),
        frozenset({"IMG513"}),
        layer(Entry("a", b"x"), Entry("b", b"x", mtime=-5, uid=3_000_000)),
    ),
    Crafted(
        "LAY-08-late-checksum",
        "a checksum behind a NUL",
        image(tar_of(resealed(Entry("a", b"x"), 148, b"\0%06o\0" % sum_of(Entry("a", b"x"))))),
        frozenset({"IMG515"}),
        layer(Entry("a", b"x")),
    ),
    Crafted(
        "LAY-08-binary-checksum",
        "a checksum in binary",
        image(tar_of(resealed(Entry("a", b"x"), 148, b"\x80" + sum_of(Entry("a", b"x")).to_bytes(7, "big")))),
        frozenset({"IMG513"}),
        layer(Entry("a", b"x")),
    ),
    Crafted(
        "LAY-08-no-number-before",
        "an owner that is no number in an extension header",
        image(
            tar_of(resealed(Entry("p", builder.pax_records({"comment": "c"}), b"x"), 108, b"root"), Entry("a", b"x"))
        ),
        frozenset({"IMG513"}),
        layer(Entry("a", b"x", pax={"comment": "c"})),
    ),
    Crafted(
        "LAY-08-no-time",
        "a PAX access time that is none",
        layer(Entry("a", b"x", pax={"atime": "yesterday"})),
        frozenset({"IMG513"}),
        layer(Entry("a", b"x", pax={"atime": "1.5"})),
    ),
    Crafted(
        "LAY-08-broken-global-header",
        "a global PAX header whose record has no end",
        image(tar_of(Entry("g", b"13 comment=cc", b"g"), Entry("a", b"x"))),
        frozenset({"IMG513"}),
        layer(Entry("g", builder.pax_records({"comment": "c"}), b"g"), Entry("a", b"x")),
    ),
    Crafted(
        "LAY-08-solaris",
        "a name in an extended header of Solaris, which Go's reader takes for an entry",
        image(tar_of(Entry("p", builder.pax_records({"path": "etc/shadow"}), b"X"), Entry("etc/a", b"x"))),
        frozenset({"IMG515"}),
        layer(Entry("etc/a", b"x", pax={"comment": "c"})),
    ),
    Crafted(
        "LAY-08-prefix",
        "a prefix in a GNU header",
        image(tar_of(resealed(Entry("passwd", b"x", magic=builder.GNU), 345, b"etc"))),
        frozenset({"IMG515"}),
        layer(Entry("passwd", b"x", magic=builder.GNU)),
    ),
    Crafted(
        "LAY-08-overruled-name",
        "a PAX path that overrules the plain name",
        layer(Entry("etc/a", b"x", pax={"path": "etc/b"})),
        frozenset({"IMG515"}),
        layer(Entry("etc/a", b"x", pax={"mtime": "1.5"})),
    ),
    Crafted(
        "LAY-08-headers-behind",
        "headers of empty tables of contents behind the end",
        image(tar_of(Entry("a", b"x")) + tar_of(Entry("stargz.index.json"), end=b"") * 50),
        frozenset({"IMG511"}),
        image(tar_of(Entry("a", b"x")) + bytes(51_200)),
    ),
    Crafted(
        "LAY-08-file-as-folder",
        "a file, and a file below it",
        layer(Entry("a", b"x"), Entry("a/b", b"x")),
        frozenset({"IMG515"}),
        layer(folder("a/"), Entry("a/b", b"x")),
    ),
    Crafted(
        "LAY-08-unknown-type",
        "an entry of a type that runtimes refuse",
        layer(Entry("etc/a", b"x", type=b"Z")),
        frozenset({"IMG515"}),
        layer(Entry("etc/a", b"x"), Entry("b", type=b"1", linkname="etc/a", size=1)),
    ),
    Crafted(
        "LAY-08-global-name",
        "a global PAX header with a path",
        layer(Entry("g", builder.pax_records({"path": "etc/b"}), type=b"g"), Entry("etc/a", b"x")),
        frozenset({"IMG515"}),
        layer(Entry("g", builder.pax_records({"comment": "b"}), type=b"g"), Entry("etc/a", b"x")),
    ),
)
