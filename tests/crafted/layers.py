"""LAY-01 to LAY-07: what single entries of layers are, where they lead, and what they remove."""

from tests.builder import Entry
from tests.crafted.case import Crafted, Threat
from tests.crafted.layerparts import folder, image, layer, link, tar_of
from tests.crafted.resealing import resealed


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
)
