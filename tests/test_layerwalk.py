"""The reader of layers: what Python's tarfile reads, in chunks of any size, and how it ends on what is damaged."""

import io
import tarfile
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgforensics.layerentry import Entry, LayerEnd, WhiteoutKind, whiteout
from imgforensics.layerwalk import LayerWalker
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import AnomalyKind, MemberKind
from tests import builder

KINDS = {
    tarfile.REGTYPE: MemberKind.FILE,
    tarfile.DIRTYPE: MemberKind.DIRECTORY,
    tarfile.SYMTYPE: MemberKind.SYMLINK,
    tarfile.LNKTYPE: MemberKind.HARDLINK,
    tarfile.CHRTYPE: MemberKind.DEVICE,
    tarfile.FIFOTYPE: MemberKind.FIFO,
}


def walk(data: bytes, step: int = 0, limits: Limits = DEFAULT_LIMITS) -> tuple[list[Entry], LayerEnd]:
    walker = LayerWalker(limits)
    entries: list[Entry] = []
    step = step or max(1, len(data))
    for start in range(0, len(data), step):
        entries += walker.feed(memoryview(data)[start : start + step])
    return entries, walker.finish()


def tar(*entries: builder.Entry, end: bytes = builder.END) -> bytes:
    return builder.tar(entries, end=end)


def names(entries: Iterable[Entry]) -> list[str]:
    return [entry.name for entry in entries]


LONG = "a/" * 60 + "b" * 120
MIXED = tar(
    builder.Entry("d/", type=b"5", mode=0o755),
    builder.Entry("d/f", b"x" * 1000, uid=1000, uname="user", mtime=1_700_000_000),
    builder.Entry("d/s", type=b"2", linkname="/absolute"),
    builder.Entry("d/h", type=b"1", linkname="d/f"),
    builder.Entry("d/p", b"pax", pax={"path": LONG, "SCHILY.xattr.user.x": b"\x00\xff", "mtime": "1.5"}),
    builder.Entry("d/e", b""),
)


# ------------------------------------------------------------------------------------------- as tarfile reads it

_parts = st.text("abc.é-", min_size=1, max_size=60).filter(lambda part: part not in {".", ".."})
_members = st.lists(
    st.tuples(
        st.sampled_from(sorted(KINDS)),
        st.lists(_parts, min_size=1, max_size=4).map("/".join),
        st.binary(max_size=1500),
        st.integers(0, 0o7777),
        st.one_of(st.integers(0, 5000), st.integers(0, 2**31)),
        st.integers(0, 2**33),
        st.sampled_from(["", "root", "üser"]),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=80)
@given(members=_members, form=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), step=st.integers(1, 3000))
def test_it_reads_what_tarfile_wrote(
    members: Sequence[tuple[bytes, str, bytes, int, int, int, str]], form: int, step: int
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for kind, name, data, mode, uid, mtime, uname in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.uid, info.mtime, info.uname = kind, mode, uid, mtime, uname
            info.linkname = name[::-1] if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            info.devmajor, info.devminor = (5, 7) if kind == tarfile.CHRTYPE else (0, 0)
            info.size = len(data) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(data))
    entries, end = walk(buffer.getvalue(), step)
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as archive:
        expected = [
            (
                KINDS[info.type],
                info.name + "/" * info.isdir(),
                info.size,
                info.mode,
                info.uid,
                float(info.mtime),
                info.uname,
                info.linkname,
                info.devmajor,
                info.offset_data,
            )
            for info in archive.getmembers()
        ]
    assert [
        (
            entry.kind,
            entry.name,
            entry.size,
            entry.mode,
            entry.uid,
            entry.mtime,
            entry.uname,
            entry.linkname,
            entry.devmajor,
            entry.data,
        )
        for entry in entries
    ] == expected
    assert end.is_tar
    assert end.damage is None
    assert end.trailing is None
    assert end.entries == len(members)


@pytest.mark.parametrize("step", [1, 2, 511, 512, 513, 1024, 4096])
def test_the_size_of_chunks_changes_nothing(step: int) -> None:
    assert walk(MIXED, step) == walk(MIXED)
    spoiled = MIXED + b"behind" + bytes(600) + b"x"
    assert walk(spoiled, step) == walk(spoiled)


ODD = tar(
    builder.Entry(b"\xff/h", b"x"),
    builder.Entry("./a", b"x", magic=builder.V7),
    builder.Entry("/b//c/", type=b"5"),
    builder.Entry("./", type=b"5"),
    builder.Entry("a/./b/../c", b"x"),
    builder.Entry("d/", b"x"),
    builder.Entry("old/", type=b"\0"),
    builder.Entry("old", b"x", type=b"\0"),
    builder.Entry("p" * 90 + "/" + "q" * 90, b"x"),
    builder.Entry("g", builder.pax_records({"comment": "c"}), type=b"g"),
    builder.Entry("..", type=b"5"),
    builder.Entry("u", b"x", uid=3_000_000, mtime=-5),
)


@pytest.mark.parametrize("step", [1, 300, 512, 700, 1024])
def test_however_it_is_read_an_entry_is_the_same(step: int) -> None:
    """In one piece, or over the border of two, which goes another way."""
    entries, end = walk(ODD)
    assert end.damage is None
    assert [entry.path for entry in entries] == [
        "\udcff/h",
        "a",
        "b/c",
        "",
        "a/c",
        "d",
        "old",
        "old",
        "p" * 90 + "/" + "q" * 90,
        None,
        "u",
    ]
    assert walk(ODD, step) == (entries, end)


@pytest.mark.parametrize(
    "spelling",
    [b"%06o\0 ", b"%06o \0", b"%07o\0", b"%06o  ", b"%06o X", b"%06o\0X", b" %06o\0", b"%6o\0 ", b"%08o", b"-%05o\0 "],
)
def test_however_a_checksum_is_spelled_it_counts_alike(spelling: bytes) -> None:
    data = bytearray(tar(builder.Entry("a"), builder.Entry("b")))
    data[512 + 148 : 512 + 156] = spelling % (sum(data[512:1024]) - sum(data[512 + 148 : 512 + 156]) + 256)
    assert walk(bytes(data), 600) == walk(bytes(data))


def _sealed(block: bytearray) -> bytes:
    """A header with the right checksum."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize("step", [0, 600])
def test_a_prefix_counts_whatever_the_version_beside_the_magic(step: int) -> None:
    header = bytearray(builder.header(builder.Entry("p" * 90 + "/" + "q" * 90)))
    header[263:265] = b" \0"
    entries, _ = walk(_sealed(header) + builder.END, step)
    assert names(entries) == ["p" * 90 + "/" + "q" * 90]


@pytest.mark.parametrize("step", [0, 600])
def test_what_stands_in_place_of_a_prefix_is_told(step: int) -> None:
    """GNU tar keeps the time of access there, which Python and busybox put before the name."""
    header = bytearray(builder.header(builder.Entry("f", magic=builder.GNU)))
    header[345:357] = b"14576463200\0"
    entries, _ = walk(_sealed(header) + builder.END, step)
    assert names(entries) == ["f"]
    assert [kind for kind, _ in entries[0].notes] == [AnomalyKind.STRAY_PREFIX]


def test_what_it_says_of_an_entry() -> None:
    entries, end = walk(MIXED)
    folder, file, symlink, hardlink, pax, empty = entries
    assert (folder.kind, folder.path, folder.name) == (MemberKind.DIRECTORY, "d", "d/")
    assert (file.uid, file.uname, file.size, file.header, file.data) == (1000, "user", 1000, 512, 1024)
    assert (symlink.linkname, hardlink.linkname) == ("/absolute", "d/f")
    assert (pax.name, pax.mtime, pax.xattrs) == (LONG, 1.5, {"user.x": b"\x00\xff"})
    assert empty.name == "d/e"
    assert end == LayerEnd(True, 6, len(MIXED), marker=len(MIXED) - 1024)


def test_libarchives_attributes_are_decoded() -> None:
    pax = {"LIBARCHIVE.xattr.user.a%3Db": b"AP8", "LIBARCHIVE.xattr.bad": b"!"}
    (entry,), _ = walk(tar(builder.Entry("f", pax=pax)))
    assert entry.xattrs["user.a=b"] == b"\x00\xff"


# --------------------------------------------------------------------------------------------------- Go's reading


def test_links_and_folders_carry_no_data() -> None:
    data = tar(builder.Entry("l", type=b"1", linkname="x", size=512), builder.Entry("f", b"1"))
    entries, end = walk(data)
    assert names(entries) == ["l", "f"]
    assert entries[0].size == 0
    assert AnomalyKind.DATA_ON_LINK in {kind for kind, _ in entries[0].notes}
    assert end.damage is None


def test_global_records_are_told_and_not_applied() -> None:
    data = tar(
        builder.Entry("g", builder.pax_records({"path": "other", "comment": "c"}), type=b"g"),
        builder.Entry("f", b"1"),
    )
    entries, end = walk(data)
    assert names(entries) == ["f"]
    assert end.global_keys == ("path",)


# ------------------------------------------------------------------------------------------------- how it can end


CUT = (AnomalyKind.TRUNCATED_DATA, AnomalyKind.TRUNCATED_HEADER, AnomalyKind.DANGLING_EXTENSION)


def test_a_tar_that_is_cut_at_any_block() -> None:
    whole, _ = walk(MIXED)
    for cut in range(0, len(MIXED) + 1, 512):
        for shift in (0, 7):
            entries, end = walk(MIXED[: cut + shift])
            assert entries == whole[: len(entries)]
            assert end.size == min(cut + shift, len(MIXED))
            if end.damage is not None:
                assert end.damage.kind in CUT
                assert end.damage.span is not None
                assert end.damage.span.end == end.size
            elif entries:
                assert end.is_tar


def test_ends_that_are_none() -> None:
    entry = builder.Entry("f", b"x")
    assert walk(tar(entry, end=b""))[1].marker is None
    assert walk(tar(entry, end=bytes(512)))[1].marker == 1024
    assert walk(bytes(1024))[1] == LayerEnd(True, 0, 1024, marker=0)
    assert walk(b"")[1] == LayerEnd(False, 0, 0)


def test_a_zero_block_alone_ends_the_reading() -> None:
    entries, end = walk(tar(builder.Entry("a"), end=bytes(512)) + tar(builder.Entry("b")))
    assert names(entries) == ["a"]
    assert end.damage is not None
    assert end.damage.kind is AnomalyKind.LONE_ZERO_BLOCK


def test_a_wrong_checksum_ends_the_reading() -> None:
    data = bytearray(tar(builder.Entry("a"), builder.Entry("b"), builder.Entry("c")))
    data[512] ^= 1
    entries, end = walk(bytes(data))
    assert names(entries) == ["a"]
    assert end.damage is not None
    assert (end.damage.kind, end.damage.span.offset if end.damage.span else None) == (AnomalyKind.BAD_CHECKSUM, 512)


@pytest.mark.parametrize("data", [b"{}", b'{"a": 1}' * 200, b"\x00asm\x01\x00\x00\x00" + bytes(600), bytes(100)])
def test_what_is_no_tar_is_told_apart(data: bytes) -> None:
    entries, end = walk(data)
    assert not entries
    assert not end.is_tar


def test_a_tar_whose_first_header_is_damaged_is_one() -> None:
    data = bytearray(MIXED)
    data[0] ^= 1
    assert walk(bytes(data))[1].is_tar


def test_bytes_behind_the_end_marker() -> None:
    _, end = walk(MIXED + bytes(5000) + b"hidden" + bytes(700) + b"!" + bytes(100))
    assert end.trailing is not None
    assert (end.trailing.offset, end.trailing.length) == (len(MIXED) + 5000, 707)
    assert end.trailing_head.startswith(b"hidden\0")
    assert walk(MIXED + bytes(9000))[1].trailing is None


def test_an_extension_without_bound_is_not_kept() -> None:
    data = tar(builder.Entry("f", pax={"comment": "x" * 5000}))
    _, end = walk(data, limits=Limits(extension=1000))
    assert end.damage is not None
    assert end.damage.kind is AnomalyKind.LIMIT


@settings(deadline=None, max_examples=60)
@given(place=st.integers(0, len(MIXED) - 1), byte=st.integers(0, 255), step=st.integers(1, 2000))
def test_any_byte_may_be_any_other(place: int, byte: int, step: int) -> None:
    data = bytearray(MIXED)
    data[place] = byte
    assert walk(bytes(data), step) == walk(bytes(data))


# ---------------------------------------------------------------------------------------------------- whiteouts


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("etc/.wh.passwd", (WhiteoutKind.REMOVES, "etc/passwd")),
        (".wh.etc", (WhiteoutKind.REMOVES, "etc")),
        ("etc/.wh..wh..opq", (WhiteoutKind.OPAQUE, "etc")),
        (".wh..wh..opq", (WhiteoutKind.OPAQUE, "")),
        (".wh..wh.plnk/11.22", (WhiteoutKind.PLUMBING, ".wh..wh.plnk/11.22")),
        (".wh..wh.aufs", (WhiteoutKind.PLUMBING, ".wh..wh.aufs")),
        ("d/.wh...", (WhiteoutKind.REMOVES, "d/..")),
        ("d/.wh.", (WhiteoutKind.REMOVES, "d/")),
        ("etc/passwd", None),
        ("", None),
    ],
)
def test_whiteouts(path: str, what: tuple[WhiteoutKind, str] | None) -> None:
    assert whiteout(path) == what


@pytest.mark.parametrize("step", [1, 7, 512, 600, 4096])
def test_padding_is_looked_at_however_it_comes(step: int) -> None:
    layer = bytearray(tar(builder.Entry("a", b"x" * 700), builder.Entry("b", b"y" * 512), builder.Entry("c", b"z")))
    assert walk(bytes(layer), step)[1].padding == 0
    layer[512 + 1000] = layer[512 + 1023] = layer[-1025] = 7
    end = walk(bytes(layer), step)[1]
    assert (end.padding, end.padding_at) == (3, 512 + 1000)


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        (b"0" * 5_000 + b"5", True),
        (b"+5", True),
        (b"-9223372036854775808", True),
        (b"9223372036854775808", False),
        (b"-99999999999999999999999", False),
        (b"5x", False),
    ],
)
def test_records_are_numbers_as_to_gos_reader(value: bytes, fine: bool) -> None:
    """Also with more leading zeros than Python turns into a number."""
    _, end = walk(tar(builder.Entry("a", b"x", pax={"uid": value})))
    assert (end.damage is None) is fine
