"""TAR: the outer tar."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted.case import Crafted, Threat

Make = Callable[[], bytes]


def _image() -> list[Entry]:
    """An honest archive: crane's, of one image, whose last member is manifest.json."""
    return builder.crane([ImageSpec()])


def _saved() -> list[Entry]:
    """An honest archive whose last member, ``repositories``, no image needs."""
    return builder.docker_legacy([ImageSpec()])


CONFIG = builder.config_of(_image()).path
"""Name of the config in the honest archive; its first member."""


def _honest() -> bytes:
    return builder.tar(_image())


def _with(*extra: Entry, end: bytes = builder.END) -> Make:
    """The honest archive with more members before manifest.json."""

    def make() -> bytes:
        *before, manifest = _image()
        return builder.tar([*before, *extra, manifest], end=end)

    return make


def _bent(member: str, /, **fields: object) -> Make:
    """The honest archive with header fields of one member changed."""

    def make() -> bytes:
        entries = _image()
        index = entries.index(builder.find(entries, member))
        entries[index] = replace(entries[index], **fields)  # type: ignore[arg-type]
        return builder.tar(entries)

    return make


def _followed(tail: Callable[[], bytes]) -> Make:
    return lambda: _honest() + tail()


def _inner(name: str = "payload", data: bytes = b"hidden") -> bytes:
    """A member as bytes, to stand inside the data of another."""
    return builder.tar([Entry(name, data)], end=b"")


# --------------------------------------------------------------------------------------- checksums, ends, what follows


def _checksum() -> bytes:
    entries = _image()
    entries[1] = replace(entries[1], checksum=1)
    return builder.tar(entries)


def _signed() -> bytes:
    """A checksum of signed bytes, as old tars sum, over a name that is not ASCII."""
    entries = [Entry("ä/", type=b"5"), *_image()]
    block = builder.header(entries[0])
    entries[0] = replace(entries[0], checksum=sum(struct.unpack("512b", block[:148] + b" " * 8 + block[156:])))
    return builder.tar(entries)


def _rubble() -> bytes:
    *before, manifest = _image()
    return builder.tar(before, end=b"") + b"\xaa" * 512 + builder.tar([manifest])


def _zero_block() -> bytes:
    *before, manifest = _image()
    return builder.tar(before, end=bytes(512)) + builder.tar([manifest])


def _early_end() -> bytes:
    *before, manifest = _image()
    return builder.tar(before) + builder.tar([manifest])


def _zip() -> bytes:
    return b"PK\x03\x04" + bytes(22) + b"payload"


def _cut(keep: int) -> Make:
    """The archive of ``docker save``, cut ``keep`` bytes behind the start of its last header."""

    def make() -> bytes:
        *before, _ = _saved()
        return builder.tar(_saved())[: len(builder.tar(before, end=b"")) + keep]

    return make


# ----------------------------------------------------------------------------------------------------------- extensions


def _global_header() -> bytes:
    body = builder.pax_records({"comment": "0123456789abcdef0123456789abcdef01234567"})
    return builder.tar([Entry("pax_global_header", body, b"g"), *_image()])


def _global_name() -> bytes:
    """A global record that renames every later member to manifest.json."""
    *before, manifest = _image()
    body = builder.pax_records({"path": "manifest.json"})
    return builder.tar([*before, Entry("pax_global_header", body, b"g"), replace(manifest, name="README")])


def _size_before_long_name() -> bytes:
    """A PAX size, of a header that says 0, before the GNU long name, to which some readers apply it (CVE-2026-53655)."""
    *before, manifest = _image()
    size = builder.pax_records({"size": str(len(manifest.data))})
    long_name = Entry("././@LongLink", b"manifest.json\0", b"L", magic=builder.GNU)
    stacked = [Entry("PaxHeaders.0/manifest.json", size, b"x"), long_name, replace(manifest, size=0)]
    return builder.tar([*before, *stacked])


def _two_names() -> bytes:
    """A PAX path and a GNU long name of one member."""
    *before, manifest = _image()
    path = builder.pax_records({"path": "manifest.json"})
    long_name = Entry("././@LongLink", b"README\0", b"L", magic=builder.GNU)
    return builder.tar([*before, Entry("PaxHeaders.0/manifest.json", path, b"x"), long_name, manifest])


def _stray_prefix(magic: bytes) -> Make:
    """A prefix in a header whose format has none."""

    def make() -> bytes:
        entries = _image()
        block = bytearray(builder.header(replace(entries[-1], magic=magic)))
        block[345:352] = b"decoys/"
        entries[-1] = replace(entries[-1], raw_header=_summed(bytes(block)))
        return builder.tar(entries)

    return make


def _dangling() -> bytes:
    return builder.tar([*_image(), Entry("PaxHeaders.0/x", builder.pax_records({"path": "x"}), b"x")])


def _solaris() -> bytes:
    """The extended header of Solaris, which says the size that the plain one hides."""
    *before, manifest = _image()
    size = builder.pax_records({"size": str(len(manifest.data))})
    return builder.tar([*before, Entry("PaxHeaders.0/manifest.json", size, b"X"), replace(manifest, size=0)])


def _sparse(real: int) -> Make:
    """The config as a sparse file of old GNU tar, which claims to be so large."""

    def make() -> bytes:
        entries = _image()
        config = entries[0]
        block = bytearray(builder.header(replace(config, type=b"S", magic=builder.GNU)))
        pairs = [(0, len(config.data)), (real, 0)]
        for number, pair in enumerate(pairs):
            block[386 + 24 * number : 410 + 24 * number] = b"".join(b"%011o\0" % value for value in pair)
        block[483:495] = b"%011o\0" % real
        entries[0] = replace(config, raw_header=_summed(bytes(block)))
        return builder.tar(entries)

    return make


def _summed(block: bytes) -> bytes:
    """A header with its checksum put right."""
    return block[:148] + b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 256) + block[156:]


# --------------------------------------------------------------------------------------------------------------- fields


def _negative_size() -> bytes:
    *before, manifest = _image()
    return builder.tar([*before, Entry("minus", size=(-1).to_bytes(12, "big", signed=True)), manifest])


def _huge_size() -> bytes:
    *before, manifest = _image()
    return builder.tar([*before, Entry("huge", size=b"\x80" + (1 << 80).to_bytes(11, "big")), manifest])


def _bad_uid() -> bytes:
    block = bytearray(builder.header(Entry("d/", type=b"5")))
    block[108:116] = b"mallory\0"
    return _summed(bytes(block))


def _beyond_the_end() -> bytes:
    entries = _saved()
    entries[-1] = replace(entries[-1], size=1 << 40)
    return builder.tar(entries)


def _hardlink(first: bool) -> Make:
    """Two names of one layer, the hard link before or behind the member that it leads to."""

    def make() -> bytes:
        entries = builder.crane([ImageSpec(layers=[builder.EVIL, builder.EVIL])])
        layer = builder.layers_of(entries)[0]
        link = Entry("again.tar.gz", type=b"1", linkname=layer.name)
        document = entries[-1].data.decode()
        entries[-1].data = document.replace(f'"{layer.path}"]', '"again.tar.gz"]').encode()
        entries.insert(entries.index(layer) + (not first), link)
        return builder.tar(entries)

    return make


# ------------------------------------------------------------------------------------------------- owners, times, padding


def _owned(entries: Sequence[Entry], start: int, **fields: object) -> bytes:
    return builder.tar([*entries[:start], *(replace(each, **fields) for each in entries[start:])])  # type: ignore[arg-type]


def _repacked() -> bytes:
    return _owned(_image(), 0, uid=1000, gid=1000, uname="mallory", gname="mallory", magic=builder.GNU)


def _added_by_hand() -> bytes:
    return _owned(_image(), len(_image()) - 1, uid=1000, gid=1000, uname="mallory", gname="mallory")


def _other_times() -> bytes:
    return _owned(builder.containerd([ImageSpec()]), 1, mtime=1_717_171_717)


def _padding() -> bytes:
    entries = _image()
    at = len(builder.tar(entries[:1], end=b""))
    data = bytearray(builder.tar(entries))
    data[at - 8 : at] = b"payload!"
    return bytes(data)


def _unused_fields() -> bytes:
    entries = _image()
    block = bytearray(builder.header(entries[0]))
    block[500:512] = b"hidden bytes"
    entries[0] = replace(entries[0], raw_header=_summed(bytes(block)))
    return builder.tar(entries)


def _behind_a_name() -> bytes:
    entries = _image()
    block = bytearray(builder.header(entries[-1]))
    block[50:56] = b"hidden"
    entries[-1] = replace(entries[-1], raw_header=_summed(bytes(block)))
    return builder.tar(entries)


def _link_of_a_file() -> bytes:
    return _bent("manifest.json", linkname="hidden bytes")()


THREATS: tuple[Threat, ...] = (
    Threat(
        "TAR-01",
        "Header checksum",
        "Python's tarfile ends silently, GNU tar skips the member, Go and busybox stop; checkers built on tarfile see a shorter archive",
        ("IMG102",),
        "Sums of signed bytes, as old tars make them, are noted only (IMG109). The walk goes on at the next sound header.",
    ),
    Threat(
        "TAR-02",
        "Early end marker",
        "busybox goes on behind one zero block, GNU tar and Python stop there in silence",
        ("IMG108",),
    ),
    Threat(
        "TAR-03",
        "Bytes behind the end",
        "crane, skopeo and containerd accept whatever follows",
        ("IMG103", "IMG104", "IMG108", "IMG203"),
        "Place, length, kind and SHA-256 of what follows are told. Zeros up to a record or tape block are not.",
    ),
    Threat(
        "TAR-04",
        "Truncation",
        "moby#25711; GNU tar and Python list an archive that is cut inside a header without a word",
        ("IMG101", "IMG107", "IMG109"),
    ),
    Threat(
        "TAR-05",
        "NUL type with a folder's name and data",
        "CVE-2025-13462 and its relatives: Python's tarfile hides the data, GNU tar and busybox show a file, Go refuses",
        ("IMG109",),
    ),
    Threat(
        "TAR-06",
        "PAX against the plain header",
        "CVE-2025-62518 (TARmageddon), CVE-2026-53655 (node-tar), astral-tokio-tar up to 0.5.6; readers without PAX see the plain name",
        ("IMG109",),
        "What readers take differently is an error: names, targets, sizes. Records of another character set, and global headers that name nobody, are noted.",
    ),
    Threat(
        "TAR-07",
        "Sparse members",
        "CVE-2025-58183, CVE-2026-32288 in Go; image-spec advises against them",
        ("IMG907",),
        "One that can be put together within bounds is measured like any other and only noted (IMG109).",
    ),
    Threat(
        "TAR-08",
        "Names that lead out or mislead",
        "CVE-2014-9356, CVE-2014-9357, CVE-2014-6407, CVE-2024-24579, CVE-2026-20613, CVE-2021-21272, CVE-2026-50163",
        ("IMG105", "IMG109", "IMG112"),
        "Names that differ in spelling only are told by other rules. Everything is escaped before it is shown.",
    ),
    Threat(
        "TAR-09",
        "Types that do not belong",
        "containerd passes over devices, fifos and unknown types in silence",
        ("IMG109",),
    ),
    Threat("TAR-10", "Size fields", "CVE-2025-8194: a negative size makes Python's tarfile loop", ("IMG101", "IMG109")),
    Threat(
        "TAR-11",
        "Links with data, or before their target",
        "readers disagree whether the next block is a header or data",
        ("IMG109", "IMG114"),
    ),
    Threat(
        "TAR-12",
        "Owners, times and formats that the writer does not give",
        "an archive that was packed again shows the user's name",
        ("IMG111",),
        "A note: many archives are packed again for honest reasons.",
    ),
    Threat(
        "TAR-13",
        "Bytes in padding and unused fields",
        "in no digest and no listing; image-spec says nothing about them",
        ("IMG113",),
        "All tools whose archives were looked at leave zeros there.",
    ),
)


def _crafted(name: str, what: str, make: Make, codes: str = "", twin: Make = _honest, notes: str = "") -> Crafted:
    return Crafted(f"TAR-{name}", what, make, frozenset(codes.split()), twin, frozenset(notes.split()))


CRAFTED: tuple[Crafted, ...] = (
    _crafted("01-checksum", "the layer's header has a wrong checksum", _checksum, "IMG102", _signed),
    _crafted("01-rubble", "a block that is no header, in the middle", _rubble, "IMG102"),
    _crafted("02-one-zero-block", "one zero block before manifest.json", _zero_block, "IMG108"),
    _crafted("02-early-end", "an end marker before manifest.json", _early_end, "IMG108"),
    _crafted(
        "03-hidden-member",
        "a member behind the end marker",
        _followed(lambda: builder.tar([Entry("payload", b"hidden")])),
        "IMG108",
    ),
    _crafted(
        "03-second-archive",
        "another archive behind it",
        _followed(lambda: builder.tar(builder.crane([ImageSpec(layers=[builder.EVIL])]))),
        "IMG104 IMG108 IMG203",
    ),
    _crafted(
        "03-zip",
        "a zip file behind the end marker",
        _followed(_zip),
        "IMG103",
        lambda: builder.tar(_image(), pad_to=10240),
    ),
    _crafted("03-elf", "a program behind the end marker", _followed(lambda: b"\x7fELF\2\1\1" + bytes(600)), "IMG103"),
    _crafted("03-text", "text behind the end marker", _followed(lambda: b"a note to whom it may concern\n"), "IMG103"),
    _crafted("03-gzip", "a gzip stream behind the end marker", _followed(lambda: builder.gz(b"hidden")), "IMG103"),
    _crafted("04-cut-header", "cut inside a header", _cut(100), "IMG101", lambda: builder.tar(_saved())),
    _crafted("04-cut-data", "cut inside a member's data", _cut(520), "IMG101", lambda: builder.tar(_saved())),
    _crafted("04-no-end-marker", "ends right behind a member", lambda: builder.tar(_image(), end=b""), "IMG107"),
    _crafted(
        "04-odd-length",
        "ends in the middle of a block of zeros",
        lambda: builder.tar(_image()) + bytes(100),
        notes="IMG109",
    ),
    _crafted(
        "05-nul-directory",
        "a folder of NUL type with data, in which a member hides",
        _with(Entry("d/", _inner(), b"\0")),
        "IMG109",
        _with(Entry("d/", type=b"\0")),
    ),
    _crafted(
        "05-nul-directory-text",
        "a folder of NUL type with data that are no header",
        _with(Entry("d/", b"x" * 600, b"\0")),
        "IMG109",
        _with(Entry("d/", type=b"\0")),
    ),
    _crafted(
        "05-directory-data",
        "a folder with data, in which a member hides",
        _with(Entry("d/", _inner(), b"5")),
        "IMG109",
        _with(Entry("d/", type=b"5")),
    ),
    _crafted(
        "05-file-slash",
        "a file with a folder's name, in which a member hides",
        _with(Entry("d/", _inner(), b"0")),
        "IMG109",
        _with(Entry("d/", type=b"5")),
    ),
    _crafted(
        "06-size",
        "PAX gives a size where the header says 0: a member hides in the data",
        _bent("manifest.json", size=0, pax={"size": str(len(_image()[-1].data))}),
        "IMG109",
        _bent("manifest.json", pax={"size": str(len(_image()[-1].data))}),
    ),
    _crafted(
        "06-size-hides",
        "PAX gives a size where the header says 0: a member in the data shows to some",
        _with(Entry("README", _inner(), size=0, pax={"size": str(len(_inner()))})),
        "IMG109",
    ),
    _crafted(
        "06-renamed-to",
        "PAX makes it manifest.json",
        _bent("manifest.json", name="notes.txt", pax={"path": "manifest.json"}),
        "IMG109",
    ),
    _crafted(
        "06-renamed-from",
        "PAX hides a second manifest.json",
        _with(Entry("manifest.json", b"[]", pax={"path": "README"})),
        "IMG109",
    ),
    _crafted(
        "06-linkpath",
        "PAX gives a link another target",
        _with(Entry("l", type=b"2", linkname="manifest.json", pax={"linkpath": CONFIG})),
        "IMG109",
        _with(Entry("l", type=b"2", linkname="manifest.json")),
    ),
    _crafted(
        "06-twice",
        "PAX gives the name twice",
        _bent("manifest.json", pax=[("path", "manifest.json"), ("path", "manifest.json")]),
        "IMG109",
    ),
    _crafted(
        "06-malformed",
        "a PAX record with a wrong length",
        _bent("manifest.json", pax=b"99 path=manifest.json\n"),
        "IMG109",
    ),
    _crafted("06-nul", "a NUL in a PAX name", _bent("manifest.json", pax={"path": b"manifest.json\0.sig"}), "IMG109"),
    _crafted(
        "06-hdrcharset",
        "PAX says that names are of another character set",
        _bent("manifest.json", pax={"hdrcharset": "BINARY"}),
        notes="IMG109",
        twin=_bent("manifest.json", pax={"mtime": "1.5"}),
    ),
    _crafted("06-global-name", "a PAX record for all later members names them", _global_name, "IMG109", _global_header),
    _crafted("06-global", "a PAX header for all later members", _global_header, notes="IMG109"),
    _crafted("06-size-of-long-name", "a PAX size before a GNU long name", _size_before_long_name, "IMG109"),
    _crafted("06-two-names", "a PAX path and a GNU long name", _two_names, "IMG109"),
    _crafted("06-solaris", "the extended header of Solaris gives the size", _solaris, "IMG109"),
    _crafted("06-dangling", "an extension header before the end marker", _dangling, "IMG109"),
    _crafted(
        "06-prefix-gnu",
        "a prefix in a GNU header: some see another name",
        _stray_prefix(builder.GNU),
        "IMG109",
        _bent("manifest.json", magic=builder.GNU),
    ),
    _crafted(
        "06-prefix-v7",
        "a prefix in a v7 header: some see another name",
        _stray_prefix(builder.V7),
        "IMG109",
        _bent("manifest.json", magic=builder.V7),
    ),
    _crafted(
        "07-huge",
        "a sparse file that claims a tebibyte",
        _sparse((1 << 33) - 1),
        "IMG907",
        _sparse(len(_image()[0].data)),
    ),
    _crafted(
        "08-parent", "a name with ..", _with(Entry("../d/", type=b"5")), "IMG105", _with(Entry("./a/../d/", type=b"5"))
    ),
    _crafted("08-absolute", "a name with a leading /", _bent("manifest.json", name="/manifest.json"), notes="IMG105"),
    _crafted("08-drive", "a name with a drive letter", _with(Entry("C:\\Windows/", type=b"5")), "IMG105"),
    _crafted("08-backslash", "a name that climbs out on Windows", _with(Entry("..\\..\\d/", type=b"5")), "IMG105"),
    _crafted(
        "08-link",
        "a link that leads out",
        _with(Entry("l", type=b"2", linkname="../../etc/passwd")),
        "IMG105",
        _with(Entry("l", type=b"2", linkname="manifest.json")),
    ),
    _crafted(
        "08-control",
        "a line feed in a name",
        _with(Entry("d\nerror: none/", type=b"5")),
        "IMG112",
        _with(Entry("dänisch/", type=b"5")),
    ),
    _crafted("08-ansi", "a terminal's escape sequence in a name", _with(Entry("d\x1b[2K/", type=b"5")), "IMG112"),
    _crafted("08-bidi", "a name that reads backwards", _with(Entry("d\u202egpj.exe/", type=b"5")), "IMG112"),
    _crafted(
        "08-invisible", "a name with an invisible character", _with(Entry("manifest\u200b.json/", type=b"5")), "IMG112"
    ),
    _crafted(
        "08-long-name-nul",
        "a GNU long name with a NUL inside",
        _with(
            Entry("././@LongLink", b"d/\0hidden\0", b"L", magic=builder.GNU), Entry("d/", type=b"5", magic=builder.GNU)
        ),
        "IMG109",
    ),
    _crafted("09-device", "a device", _with(Entry("dev", type=b"3")), "IMG109"),
    _crafted("09-fifo", "a fifo", _with(Entry("pipe", type=b"6")), "IMG109"),
    _crafted("09-unknown", "a member of an unknown type", _with(Entry("odd", type=b"Z")), "IMG109"),
    _crafted("09-volume", "a GNU volume label", _with(Entry("label", type=b"V", magic=builder.GNU)), "IMG109"),
    _crafted(
        "09-continued",
        "a continuation from another volume",
        _with(Entry("rest", b"x" * 600, type=b"M", magic=builder.GNU)),
        "IMG109",
    ),
    _crafted("09-contiguous", "manifest.json as a contiguous file", _bent("manifest.json", type=b"7"), "IMG109"),
    _crafted("10-negative", "a negative size", _negative_size, "IMG109"),
    _crafted("10-huge", "a size that no reader holds", _huge_size, "IMG109"),
    _crafted("10-beyond", "a size beyond the file's end", _beyond_the_end, "IMG101", lambda: builder.tar(_saved())),
    _crafted("10-no-number", "a size that is no number", _with(Entry("d/", type=b"5", size=b"12345678901z")), "IMG109"),
    _crafted("10-uid", "an owner that is no number", _with(Entry("d/", type=b"5", raw_header=_bad_uid())), "IMG109"),
    _crafted(
        "11-hardlink-data",
        "a hard link with data, in which a member hides",
        _with(Entry("l", _inner(), type=b"1", linkname=CONFIG)),
        "IMG109",
        _with(Entry("l", type=b"1", linkname=CONFIG)),
    ),
    _crafted(
        "11-symlink-size",
        "a symlink with a size, and a member where its data would be",
        _with(
            Entry("l", type=b"2", linkname="manifest.json", size=512),
        ),
        "IMG109",
    ),
    _crafted(
        "11-before-target", "a hard link before its target", _hardlink(first=True), "IMG114", _hardlink(first=False)
    ),
    _crafted("12-repacked", "packed again with GNU tar by a user", _repacked, notes="IMG111"),
    _crafted("12-added", "one member of another owner", _added_by_hand, notes="IMG111"),
    _crafted(
        "12-times",
        "times where the writer gives none",
        _other_times,
        notes="IMG111",
        twin=lambda: builder.tar(builder.containerd([ImageSpec()])),
    ),
    _crafted("13-padding", "bytes behind a member's data", _padding, "IMG113"),
    _crafted("13-unused-fields", "bytes in the unused end of a header", _unused_fields, "IMG113"),
    _crafted("13-behind-a-name", "bytes behind the end of a name", _behind_a_name, "IMG113"),
    _crafted("13-link-of-a-file", "a link's target on a file", _link_of_a_file, "IMG113"),
)
