"""LAY: what lies where nothing can lie, in one layer and across layers, and files that are there twice."""

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted.case import Crafted, Threat
from tests.crafted.layerparts import BASE, folder, image, layer, link, tar_of

THREATS: tuple[Threat, ...] = ()

_LOWER = tar_of(folder("d/"), Entry("d/a", b"x"), Entry("f", b"x"))


def _packed(compression: str, *entries: Entry) -> bytes:
    return builder.tar(builder.containerd([ImageSpec(layers=[BASE, tar_of(*entries)])], compression=compression))


CRAFTED = (
    Crafted(
        "LAY-01-same-size-packed",
        "a file three times, of one size, the last one with other bytes, in a compressed layer",
        lambda: _packed("gzip", *[Entry("etc/a", b"good")] * 2, Entry("./etc/a", b"evil")),
        frozenset({"IMG501"}),
        lambda: _packed("gzip", Entry("etc/a", b"good"), Entry("etc/b", b"evil")),
    ),
    Crafted(
        "LAY-01-same-bytes",
        "a file twice, with the same bytes",
        layer(Entry("etc/a", b"good"), Entry("etc/a", b"good")),
        frozenset({"IMG501"}),
        image(tar_of(Entry("etc/a", b"good")), tar_of(Entry("etc/a", b"good"))),
    ),
    Crafted(
        "LAY-02-link-into-lower-layer",
        "a hard link to what only a lower layer holds: overlayfs does not find it",
        image(_LOWER, tar_of(link("h", "d/a", b"1"))),
        frozenset(),
        image(_LOWER, tar_of(folder("d/"), Entry("d/a", b"x"), link("h", "d/a", b"1"))),
        notes=frozenset({"IMG504"}),
    ),
    Crafted(
        "LAY-04-twice",
        "a whiteout that is there twice, in two spellings",
        image(_LOWER, tar_of(Entry("d/.wh.a"), Entry("./d/.wh.a"))),
        frozenset({"IMG506"}),
        image(_LOWER, tar_of(Entry("d/.wh.a"), Entry("d/.wh.b"))),
    ),
    Crafted(
        "LAY-04-file-below",
        "a folder that is removed, and a file in it without the folder",
        image(_LOWER, tar_of(Entry(".wh.d"), Entry("d/a/b", b"x"))),
        frozenset({"IMG506"}),
        image(_LOWER, tar_of(Entry(".wh.d"), folder("d/"), Entry("d/a/b", b"x"))),
    ),
    Crafted(
        "LAY-04-whiteout-below",
        "a folder that is removed, and a whiteout in it",
        image(_LOWER, tar_of(Entry(".wh.d"), Entry("d/.wh.a"))),
        frozenset({"IMG506"}),
        image(_LOWER, tar_of(Entry("d/.wh.a"), Entry(".wh.f"))),
    ),
    Crafted(
        "LAY-04-linked-to-a-file",
        "a whiteout that is a hard link to a file with data",
        image(_LOWER, tar_of(Entry("z", b"payload"), link("d/.wh.a", "z", b"1"))),
        frozenset({"IMG506"}),
        image(_LOWER, tar_of(Entry(".wh.f"), link("d/.wh.a", ".wh.f", b"1"))),
    ),
    Crafted(
        "LAY-08-begins-like-bzip2",
        "a layer whose first name makes it begin like a bzip2 stream",
        layer(Entry("BZh91AY&SY", b"x"), folder("d/")),
        frozenset({"IMG515"}),
        layer(folder("d/"), Entry("BZh91AY&SY", b"x")),
    ),
    Crafted(
        "LAY-08-begins-like-gzip",
        "a layer whose first name makes it begin like a gzip stream",
        layer(Entry(b"\x1f\x8b\x08", b"x"), folder("d/")),
        frozenset({"IMG515"}),
        layer(folder("d/"), Entry(b"\x1f\x8b\x08", b"x")),
    ),
    Crafted(
        "LAY-08-file-as-folder-below",
        "a file of a lower layer, and a file below it",
        image(_LOWER, tar_of(Entry("d/a/b", b"x"))),
        frozenset({"IMG515"}),
        image(_LOWER, tar_of(Entry("d/.wh.a"), folder("d/a/"), Entry("d/a/b", b"x"))),
    ),
    Crafted(
        "LAY-08-file-as-folder-too-late",
        "a file of a lower layer, a file below it, and only then a folder in its place",
        image(_LOWER, tar_of(Entry("f/b", b"x"), folder("f/"))),
        frozenset({"IMG515"}),
        image(_LOWER, tar_of(folder("f/"), Entry("f/b", b"x"))),
    ),
    Crafted(
        "LAY-08-linked-file-as-folder",
        "a file of a lower layer, a link to it, and a file below that",
        image(_LOWER, tar_of(link("l", "f")), tar_of(Entry("l/b", b"x"))),
        frozenset({"IMG515"}),
        image(_LOWER, tar_of(link("l", "d")), tar_of(Entry("l/b", b"x"))),
    ),
    Crafted(
        "LAY-08-link-to-file-as-folder",
        "a link to a file of the same layer, and a file below it",
        layer(Entry("t", b"x"), link("l", "t"), Entry("l/b", b"x")),
        frozenset({"IMG515"}),
        layer(folder("t/"), link("l", "t"), Entry("l/b", b"x")),
    ),
    Crafted(
        "LAY-08-circle-as-folder",
        "a link to itself, and a file below it",
        layer(link("l", "l"), Entry("l/b", b"x")),
        frozenset({"IMG515"}),
        layer(folder("t/"), link("l", "t"), Entry("l/b", b"x")),
    ),
    Crafted(
        "LAY-08-refused-name",
        "a file whose name is longer than Linux takes, at which every runtime ends and no scanner",
        layer(Entry("a" * 256, b"x")),
        frozenset({"IMG515"}),
        layer(Entry("a" * 255, b"x"), Entry("etc/.wh." + "a" * 255)),
    ),
    Crafted(
        "LAY-08-refused-target",
        "a symlink to nothing",
        layer(link("a", "")),
        frozenset({"IMG515"}),
        layer(link("a", "b" * 300)),
    ),
    Crafted(
        "LAY-08-refused-attribute",
        "capabilities that are none to Linux",
        layer(Entry("a", b"x", pax={"SCHILY.xattr.security.capability": b"\0\0\0\1" + bytes(8)})),
        frozenset({"IMG515"}),
        layer(
            Entry("a", b"x", pax={"SCHILY.xattr.security.capability": b"\0\0\0\3" + bytes(20)}),
            Entry("b", b"x", pax={"LIBARCHIVE.xattr.security.capability": "AQ"}),
            Entry("c", b"x", pax={"SCHILY.xattr.com.apple.quarantine": "x"}),
        ),
    ),
    Crafted(
        "LAY-08-attribute-on-link",
        "an attribute of users on a symlink, at which podman ends alone",
        layer(Entry("a", type=b"2", linkname="b", pax={"SCHILY.xattr.user.note": "x"})),
        frozenset({"IMG515"}),
        layer(Entry("a", b"x", pax={"SCHILY.xattr.user.note": "x"}), link("b", "a")),
    ),
)
