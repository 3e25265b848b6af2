"""What findings about framing and compression say beside their code: places, digests, counts, related members."""

import hashlib
import struct
from dataclasses import replace

import pytest

from imgforensics import Options, Severity, tarwalk
from imgforensics.gzipheader import is_known_extra
from imgforensics.limits import Limits
from imgforensics.model import AnomalyKind
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted import compression
from tests.support import codes, report_of, the, told

HONEST = builder.archive("crane")


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize("zeros", [0, 300, 5120])
@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        (b"PK\x03\x04 and so on", "a zip file"),
        (b"\x7fELF\2\1\1", "an ELF program"),
        (b"#!/bin/sh\n", "a script"),
        (b"a note\n", "text"),
        (builder.gz(b"hidden" * 999), "gzip data"),
        (b"\xff" * 3_000_000, "unknown data"),
    ],
)
def test_what_follows_the_archive(tail: bytes, kind: str, zeros: int) -> None:
    finding = the(report_of(HONEST + bytes(zeros) + tail), "IMG103")
    assert kind in finding.message
    assert finding.computed == sha256(tail)
    assert (finding.location.offset, finding.location.length) == (len(HONEST) + zeros, len(tail))


def test_a_long_tail_is_not_hashed_where_only_structure_was_asked_for() -> None:
    tail = b"x" * 3_000_000
    assert the(report_of(HONEST + tail, Options(fast=True)), "IMG103").computed is None
    assert the(report_of(HONEST + tail[:1000], Options(fast=True)), "IMG103").computed == sha256(tail[:1000])


@pytest.mark.parametrize("zeros", [0, 100_000])
@pytest.mark.parametrize("compress", [builder.gz, builder.zstd])
def test_what_follows_a_compressed_archive(compress: compression.Bytes, zeros: int) -> None:
    tail = b"hidden " * 40_000
    finding = the(report_of(compress(HONEST) + bytes(zeros) + tail), "IMG103")
    assert finding.computed == sha256(tail)
    assert finding.location.length == zeros + len(tail)


def test_members_behind_the_end_are_related() -> None:
    report = report_of(HONEST + builder.tar([Entry("one", b"1"), Entry("two", b"2")]))
    assert codes(report) == ["IMG108"], told(report)
    assert [place.member for place in the(report, "IMG108").related] == ["one", "two"]


def test_padding_in_many_places_is_told_once() -> None:
    entries = [replace(each, data=each.data) for each in builder.docker_legacy([ImageSpec()])]
    entries += [Entry(f"d{number}/", type=b"5") for number in range(40)]
    blocks = [bytearray(builder.header(each)) for each in entries]
    for entry, block in zip(entries, blocks, strict=True):
        block[500:504] = b"junk"
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        entry.raw_header = bytes(block)
    finding = the(report_of(entries), "IMG113")
    assert "4 bytes in unused bytes 500 to 512 of a header: 'junk'" in finding.message
    assert len(finding.related) == 19
    data = builder.tar(entries)
    anomalies = tarwalk.index(lambda at, length: data[at : at + length], len(data)).anomalies
    assert anomalies[-1].detail == f"and {len(entries) - 20} more such places"


@pytest.mark.parametrize("length", [1, 511])
def test_padding_of_an_extension(length: int) -> None:
    """Of its body too only zeros follow."""
    body = b"d" * (512 - length) + b"\0"
    entry = Entry("././@LongLink", body[: 512 - length], b"L", magic=builder.GNU)
    data = bytearray(builder.tar([entry, Entry("d", type=b"5", magic=builder.GNU), *builder.crane([ImageSpec()])]))
    data[1023] = 0x41
    found = tarwalk.index(lambda at, count: bytes(data[at : at + count]), len(data)).anomalies
    padding = [each for each in found if each.kind is AnomalyKind.DATA_IN_PADDING]
    assert [(each.span.offset, each.span.length) for each in padding if each.span] == [(1023, 1)]


def test_owners_are_told_with_the_members() -> None:
    *most, last = builder.crane([ImageSpec()])
    finding = the(report_of([*most, replace(last, uname="mallory", gname="users", uid=1000, gid=100)]), "IMG111")
    assert finding.severity is Severity.NOTE
    assert finding.message == (
        "1 of 4 members belong to mallory:users (1000:100), where go-containerregistry gives 0:0"
    )
    assert finding.location.member == last.name


def test_streams_are_counted_and_labels_measured() -> None:
    make = next(case.make for case in compression.CRAFTED if case.name == "GZ-03-layer-estargz")
    report = report_of(make())
    assert the(report, "IMG311").message.endswith("consists of 3")
    assert "IMG310" not in codes(report)
    make = next(case.make for case in compression.CRAFTED if case.name == "GZ-04-comment")
    assert "1 gzip headers hold 693 bytes of comments" in the(report_of(make()), "IMG310").message


@pytest.mark.parametrize(
    ("extra", "known"),
    [
        (b"SG" + struct.pack("<H", 22) + b"%016x" % 4096 + b"STARGZ", True),
        (b"SG" + struct.pack("<H", 22) + b"hidden hidden 16" + b"STARGZ", False),
        (b"SG" + struct.pack("<H", 22) + b"%016x" % 4096 + b"STARGZ" + b"more", False),
        (b"BC\2\0\x10\x20", True),
        (b"BC\3\0\x10\x20\x30", False),
        (b"IG\4\0\1\2\3\4", True),
        (b"XX\1\0x", False),
        (b"", False),
    ],
)
def test_extra_fields_that_formats_define(extra: bytes, known: bool) -> None:
    assert is_known_extra(extra) is known


@pytest.mark.parametrize("limits", [Limits(inflated=1024), Limits(ratio=2, ratio_floor=1024)])
def test_bombs_by_size_and_by_ratio(limits: Limits) -> None:
    layer = builder.layer({"zeros": bytes(100_000)})
    report = report_of(builder.containerd([ImageSpec(layers=[layer])]), Options(limits=limits))
    assert codes(report, Severity.ERROR, Severity.WARNING) == ["IMG902"], told(report)


@pytest.mark.parametrize(
    ("name", "told_as"),
    [
        ("manifest\u3164.json/", "U+3164 HANGUL FILLER"),
        ("manifest\ufe0f.json/", "U+FE0F VARIATION SELECTOR-16"),
        ("manifest\u2065.json/", "U+2065 without a name"),
        ("o" + "\u0302" * 7 + "/", "U+0302 COMBINING CIRCUMFLEX ACCENT"),
    ],
)
def test_what_is_drawn_as_nothing_or_piled_up_in_a_name(name: str, told_as: str) -> None:
    entries = [*builder.crane([ImageSpec()]), Entry(name, type=b"5")]
    assert told_as in the(report_of(builder.tar(entries)), "IMG112").message


@pytest.mark.parametrize(
    "name", ["o" + "\u0302" * 6 + "/", "\u05e9\u05c1\u05b8\u0591/", "\u0e01\u0e35\u0e48/", "\u3163/"]
)
def test_marks_as_writing_needs_them_are_no_finding(name: str) -> None:
    entries = [*builder.crane([ImageSpec()]), Entry(name, type=b"5")]
    assert "IMG112" not in codes(report_of(builder.tar(entries)))
