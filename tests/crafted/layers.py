"""LAY: inside layers; and VIEW-16, the tables of contents beside them."""

from collections.abc import Callable
from typing import Any

from tests import builder, layertables
from tests.builder import Entry, ImageSpec
from tests.crafted.case import Crafted, Threat
from tests.crafted.layerparts import Made, folder, image, layer, link, tar_of
from tests.crafted.resealing import resealed, sum_of
from tests.support import descriptor, oci


def _xattr(name: str, value: str | bytes, data: bytes = b"x", mode: int = 0o755) -> Entry:
    return Entry("usr/file", data, mode=mode, pax={f"SCHILY.xattr.{name}": value})


CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
"""cap_net_raw+ep, as ``setcap`` writes it."""

SPARSE_ACCOUNTS = Entry(
    "etc/passwd",
    b"0\n".ljust(512, b"\0"),
    pax={
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "etc/passwd",
        "GNU.sparse.realsize": str(10 << 30),
    },
)


def _device(name: str, major: int, minor: int, type_: bytes = b"3") -> Entry:
    return resealed(Entry(name, type=type_, mode=0o600), 329, b"%07o\0%07o\0" % (major, minor))


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


def _spoiled(layer: bytes, place: int) -> bytes:
    return layer[:place] + bytes([layer[place] ^ 1]) + layer[place + 1 :]


def _filled(layer: bytes, hidden: bytes) -> bytes:
    """A layer whose first file, of one byte, has this in its padding."""
    return layer[:600] + hidden + layer[600 + len(hidden) :]


THREATS: tuple[Threat, ...] = (
    Threat(
        "LAY-01",
        "A path twice in one layer",
        "image-spec forbids it; docker's tar-split refuses it (buildkit#266, containerd#2070), crane flags it, scanners "
        "may read the other copy",
        ("IMG501",),
        "Folders that are listed twice are silent: docker's own layers have them by the thousand. So are files below a "
        "symlink of the layer that take the place of none: `lib/x`, where `lib` leads to `usr/lib`.",
    ),
    Threat(
        "LAY-02",
        "Names, links and targets that lead out of the layer",
        "CVE-2021-29136 (umoci), CVE-2026-17106 (moby/go-archive)",
        ("IMG502", "IMG503", "IMG504"),
        "Symlinks may lead anywhere, absolute ones too: BusyBox consists of them. Entries below a symlink inside the "
        "root, of the same or a lower layer, are noted; so are those below absolute ones of a lower layer, however many lead "
        "to each other: `var/run/x`, where `var/run` leads to `/run`, is ordinary, overlayfs follows none of a lower layer, "
        "and copies resolve them inside the root.",
    ),
    Threat(
        "LAY-03",
        "Devices, and privileged files that everyone may write",
        "dockle hides setuid files under bin/ (dockle#55)",
        ("IMG505", "IMG509"),
        "Setuid, setgid and capabilities as such are inventory: `inspect` counts and names them. The devices that every "
        "container has are noted.",
    ),
    Threat(
        "LAY-04",
        "Whiteouts that remove what they should not, or again and again",
        "CVE-2026-95838 (containerd: repeated opaque whiteouts)",
        ("IMG506", "IMG507"),
        "A whiteout of what no lower layer holds is noted: squashed and rebased layers have them.",
    ),
    Threat(
        "LAY-05",
        "Attributes that overlayfs uses for itself",
        "umoci and containers/storage strip them",
        ("IMG508",),
        "ACLs, SELinux labels and capabilities are inventory.",
    ),
    Threat(
        "LAY-06",
        "Files that were deleted by a later layer and are still there",
        "secrets in lower layers",
        (),
        "Ordinary: most images delete something. `inspect` counts the whiteouts.",
    ),
    Threat(
        "LAY-07",
        "Bait for parsers on the host",
        "CVE-2026-47262 (containerd: memory, by a huge /etc/group)",
        ("IMG510",),
    ),
    Threat(
        "LAY-08",
        "Data behind a layer's tar, layers that are no tar, damaged tars with right digests",
        "tar readers stop in silence, or skip ahead, where Go's fails",
        ("IMG511", "IMG512", "IMG513", "IMG515"),
        "Zeros behind the end are padding. Layers of other media types (in-toto, Helm, WebAssembly) are no tars by right. A "
        "size on a symlink is a warning: GNU tar takes so many bytes behind it for data, where Go's reader and all others "
        "see the next entry, so that who unpacks a layer by hand misses what runtimes unpack.",
    ),
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
    Crafted(
        "LAY-01-other-bytes",
        "a file twice, with other sizes",
        layer(Entry("etc/a", b"good"), Entry("./etc/a", b"evil!")),
        frozenset({"IMG501"}),
        layer(folder("etc/"), folder("etc/"), Entry("etc/a", b"good")),
    ),
    Crafted(
        "LAY-01-other-kind",
        "a symlink, then a file of its name",
        layer(link("etc/a", "/etc/shadow"), Entry("etc/a", b"evil!")),
        frozenset({"IMG501"}),
        layer(link("etc/a", "/etc/shadow"), Entry("etc/b", b"evil!")),
    ),
    Crafted(
        "LAY-01-same-size",
        "a file twice, of one size",
        layer(Entry("etc/a", b"good"), Entry("etc/a", b"evil")),
        frozenset({"IMG501"}),
        image(tar_of(Entry("etc/a", b"good")), tar_of(Entry("etc/a", b"evil"))),
    ),
    Crafted(
        "LAY-01-other-mode",
        "a file twice, of one size, the second one setuid",
        layer(Entry("etc/a", b"good", mode=0o755), Entry("etc/a", b"evil", mode=0o4755)),
        frozenset({"IMG501"}),
        layer(folder("etc/"), Entry("etc/", type=b"5", mode=0o700), Entry("etc/a", b"good", mode=0o4755)),
    ),
    Crafted(
        "LAY-01-through-a-link",
        "a file, and another that a symlink of the layer leads to its place",
        layer(folder("etc/"), Entry("etc/a", b"good"), link("s", "etc"), Entry("s/a", b"owned")),
        frozenset({"IMG501"}),
        layer(folder("etc/"), Entry("etc/a", b"good"), link("s", "etc"), Entry("s/b", b"owned")),
    ),
    Crafted(
        "LAY-01-through-a-link-before",
        "a file below a symlink, then another of one size in its place",
        layer(folder("usr/bin/"), link("bin", "usr/bin"), Entry("bin/a", b"good"), Entry("usr/bin/a", b"evil")),
        frozenset({"IMG501"}),
        layer(
            folder("usr/bin/"), link("bin", "usr/bin"), folder("bin/a/"), Entry("bin/a/b", b"x"), folder("usr/bin/a")
        ),
    ),
    Crafted(
        "LAY-01-through-a-hard-link",
        "a hard link to a symlink, and a file that it leads to the place of another",
        layer(folder("etc/"), Entry("etc/a", b"x"), link("s", "etc"), link("t", "s", b"1"), Entry("t/a", b"owned")),
        frozenset({"IMG501"}),
        layer(folder("etc/"), Entry("etc/a", b"x"), link("s", "etc"), link("t", "s", b"1"), Entry("t/b", b"owned")),
    ),
    Crafted(
        "LAY-02-climbing-name",
        "a name with more `..` than folders",
        layer(Entry("etc/../../evil", b"x")),
        frozenset({"IMG502"}),
        layer(Entry("etc/../evil", b"x"), Entry("/absolute", b"x")),
    ),
    Crafted(
        "LAY-02-hard-link-out",
        "a hard link to a file outside",
        layer(link("etc/a", "../../etc/shadow", b"1")),
        frozenset({"IMG502"}),
        layer(link("etc/a", "../../etc/shadow"), link("etc/b", "bin/app", b"1")),
    ),
    Crafted(
        "LAY-02-below-absolute-link",
        "a symlink to `/`, and a file below it",
        layer(link("x", "/"), Entry("x/etc/passwd", b"evil")),
        frozenset({"IMG503"}),
        layer(link("x", "/"), Entry("y/etc/passwd", b"evil")),
    ),
    Crafted(
        "LAY-02-below-link-of-lower-layer",
        "a symlink out of the root, and a file below it in the next layer",
        image(tar_of(link("x", "../../host")), tar_of(Entry("x/evil", b"x"))),
        frozenset({"IMG503"}),
        image(tar_of(link("sbin", "bin")), tar_of(Entry("sbin/app", b"x"))),
    ),
    Crafted(
        "LAY-02-no-target",
        "a hard link to what no layer holds",
        layer(link("etc/a", "etc/nothing", b"1")),
        frozenset({"IMG504"}),
        image(tar_of(link("sbin", "bin")), tar_of(link("etc/a", "sbin/app", b"1"))),
    ),
    Crafted(
        "LAY-02-target-later",
        "a hard link in front of its target",
        layer(link("etc/a", "etc/b", b"1"), Entry("etc/b", b"x")),
        frozenset({"IMG504"}),
        layer(Entry("etc/b", b"x"), link("etc/a", "etc/b", b"1")),
    ),
    Crafted(
        "LAY-03-disk",
        "a block device",
        layer(_device("dev/sda", 8, 0, b"4")),
        frozenset({"IMG505"}),
        layer(_device("dev/null", 1, 3), Entry("run/fifo", type=b"6")),
    ),
    Crafted(
        "LAY-03-memory-as-null",
        "`dev/null` with the number of the memory",
        layer(_device("dev/null", 1, 1)),
        frozenset({"IMG505"}),
        layer(_device("dev/zero", 1, 5)),
    ),
    Crafted(
        "LAY-03-writable-setuid",
        "a setuid file that everyone may write",
        layer(Entry("usr/su", b"x", mode=0o4777)),
        frozenset({"IMG509"}),
        layer(Entry("usr/su", b"x", mode=0o4755), Entry("usr/wall", b"x", mode=0o2755)),
    ),
    Crafted(
        "LAY-03-writable-capabilities",
        "a file with capabilities that everyone may write",
        layer(_xattr("security.capability", CAPABILITY, mode=0o777)),
        frozenset({"IMG509"}),
        layer(_xattr("security.capability", CAPABILITY)),
    ),
    Crafted(
        "LAY-04-parent",
        "a whiteout of `..`",
        layer(Entry("etc/.wh...", b"")),
        frozenset({"IMG506"}),
        layer(Entry("etc/.wh.passwd", b"")),
    ),
    Crafted(
        "LAY-04-nameless",
        "a whiteout of no name",
        layer(Entry("etc/.wh.", b"")),
        frozenset({"IMG506"}),
        layer(Entry("etc/.wh.nothing", b"")),
    ),
    Crafted(
        "LAY-04-behind-its-file",
        "a file, then its whiteout",
        layer(Entry("etc/a", b"x"), Entry("etc/.wh.a", b"")),
        frozenset({"IMG506"}),
        layer(Entry("etc/.wh.a", b""), Entry("etc/a", b"x")),
    ),
    Crafted(
        "LAY-04-flood",
        "an opaque marker fifty times",
        layer(*[Entry("etc/.wh..wh..opq", b"")] * 50),
        frozenset({"IMG507"}),
        layer(*(Entry(f"etc/{number}/.wh..wh..opq", b"") for number in range(50))),
    ),
    Crafted(
        "LAY-05-redirect",
        "an overlayfs redirect",
        layer(_xattr("trusted.overlay.redirect", "/etc")),
        frozenset({"IMG508"}),
        layer(_xattr("security.selinux", "system_u:object_r:bin_t:s0\0")),
    ),
    Crafted(
        "LAY-07-group",
        "an `etc/group` of two mebibytes",
        layer(Entry("etc/group", b"root:x:0:\n" * 200_000)),
        frozenset({"IMG510"}),
        layer(Entry("etc/group", b"root:x:0:\n" * 2_000)),
    ),
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
        "LAY-02-below-two-links",
        "a file below a link to a link to `/etc`",
        layer(link("a", "b"), link("b", "/etc"), Entry("a/passwd", b"evil")),
        frozenset({"IMG503"}),
        layer(link("a", "b"), link("b", "c"), Entry("a/passwd", b"evil")),
    ),
    Crafted(
        "LAY-02-below-linked-link",
        "a file below a hard link to a symlink",
        layer(link("l", "/etc"), link("h", "l", b"1"), Entry("h/passwd", b"evil")),
        frozenset({"IMG503"}),
        layer(link("l", "/etc"), link("h", "l", b"1"), Entry("i/passwd", b"evil")),
    ),
    Crafted(
        "LAY-02-folder-too-late",
        "a file below a lower layer's link, and only then a folder in the link's place",
        image(tar_of(link("a", "../../host")), tar_of(Entry("a/passwd", b"evil"), folder("a/"))),
        frozenset({"IMG503"}),
        image(tar_of(link("a", "../../host")), tar_of(Entry(".wh.a"), folder("a/"), Entry("a/passwd", b"x"))),
    ),
    Crafted(
        "LAY-02-root-is-a-link",
        "a symlink in place of the root",
        layer(link("./", "/etc"), Entry("passwd", b"evil")),
        frozenset({"IMG503"}),
        layer(folder("./"), Entry("passwd", b"x")),
    ),
    Crafted(
        "LAY-02-link-to-itself",
        "a hard link to itself",
        layer(link("etc/a", "etc/a", b"1")),
        frozenset({"IMG504"}),
        layer(link("sbin", "bin"), Entry("bin/b", b"x"), link("etc/a", "sbin/b", b"1")),
    ),
    Crafted(
        "LAY-02-link-to-folder",
        "a hard link to a folder",
        layer(folder("var/"), link("etc/a", "var", b"1")),
        frozenset({"IMG504"}),
        layer(folder("var/"), link("etc/a", "var")),
    ),
    Crafted(
        "LAY-02-link-to-deleted",
        "a hard link to what a layer between deletes",
        image(tar_of(Entry("a", b"x")), tar_of(Entry(".wh.a")), tar_of(link("b", "a", b"1"))),
        frozenset({"IMG504"}),
        image(tar_of(Entry("a", b"x")), tar_of(Entry(".wh.c")), tar_of(link("b", "a", b"1"))),
    ),
    Crafted(
        "LAY-03-writable-hard-link",
        "a hard link that makes its target setuid and writable",
        layer(Entry("a", b"x"), Entry("b", type=b"1", linkname="a", mode=0o4777)),
        frozenset({"IMG509"}),
        layer(Entry("a", b"x"), Entry("b", type=b"1", linkname="a", mode=0o4755)),
    ),
    Crafted(
        "LAY-04-below-link",
        "a whiteout below a symlink of a lower layer",
        image(tar_of(link("x", "/etc")), tar_of(Entry("x/.wh.passwd"))),
        frozenset({"IMG506"}),
        image(tar_of(folder("x/"), Entry("x/passwd", b"x")), tar_of(Entry("x/.wh.passwd"))),
    ),
    Crafted(
        "LAY-04-opaque-below-link",
        "an opaque marker below a symlink of its layer",
        layer(link("x", "/etc"), Entry("x/.wh..wh..opq")),
        frozenset({"IMG506"}),
        layer(folder("x/"), Entry("x/.wh..wh..opq")),
    ),
    Crafted(
        "LAY-04-behind-its-folder",
        "a file, then the whiteout of its folder",
        layer(Entry("a/b", b"x"), Entry(".wh.a")),
        frozenset({"IMG506"}),
        layer(Entry(".wh.a"), folder("a/"), Entry("a/b", b"x")),
    ),
    Crafted(
        "LAY-04-data",
        "a whiteout that holds data",
        layer(Entry("etc/.wh.passwd", b"hidden")),
        frozenset({"IMG506"}),
        layer(Entry(".wh..wh.plnk/1.2", b"x"), link("etc/a", ".wh..wh.plnk/1.2", b"1")),
    ),
    Crafted(
        "LAY-04-folder",
        "a whiteout that is a folder",
        layer(folder("etc/.wh.passwd/")),
        frozenset({"IMG506"}),
        layer(Entry("etc/.wh.passwd")),
    ),
    Crafted(
        "LAY-04-plumbing",
        "data among aufs's own names",
        layer(Entry(".wh..wh.hidden", b"hidden"), Entry(".wh..wh.plnk/1.2", b"hidden")),
        frozenset({"IMG506"}),
        layer(Entry(".wh..wh.aufs"), folder(".wh..wh.plnk/")),
    ),
    Crafted(
        "LAY-07-sparse",
        "a sparse `etc/passwd` of ten gibibytes",
        layer(SPARSE_ACCOUNTS),
        frozenset({"IMG510"}),
        layer(Entry("etc/passwd", b"root:x:0:0::/:/bin/sh\n")),
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
