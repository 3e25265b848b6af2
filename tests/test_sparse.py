"""Sparse members are measured with their holes, whichever of GNU tar's ways stores the map; a map that lies is no map."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgforensics import Limits, Options, Severity, Verdict
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import assert_clean, codes, report_of, the, told

Extents = list[tuple[int, int]]

HOLE = 8192
LAYER = builder.tar(
    [Entry("file", b"head of the file" * 64 + bytes(HOLE) + b"tail of the layer" * 99)], end=bytes(HOLE)
)


def extents_of(data: bytes, unit: int = 512) -> Extents:
    """Runs of blocks that are not all zeros, and one empty run at the end, as GNU tar writes it."""
    found: Extents = []
    for at in range(0, len(data), unit):
        block = data[at : at + unit]
        if block.strip(b"\0"):
            if found and sum(found[-1]) == at:
                found[-1] = (found[-1][0], found[-1][1] + len(block))
            else:
                found.append((at, len(block)))
    return [*found, (len(data), 0)]


def stored(data: bytes, extents: Extents) -> bytes:
    return b"".join(data[offset : offset + length] for offset, length in extents)


def old_gnu(entry: Entry, extents: Extents, size: int, kept: bytes) -> list[Entry]:
    def pairs(some: Extents, count: int) -> bytes:
        return b"".join(b"%011o\0%011o\0" % pair for pair in some).ljust(24 * count, b"\0")

    def header(name: str, kind: bytes, length: int, mapped: bytes = b"") -> bytes:
        block = bytearray(builder.header(Entry(name, type=kind, size=length, magic=builder.GNU)))
        block[386 : 386 + len(mapped)] = mapped
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        return bytes(block)

    rest, blocks = extents[4:], []
    while rest:
        blocks.append(pairs(rest[:21], 21) + bytes([len(rest) > 21]) + bytes(7))
        rest = rest[21:]
    mapped = pairs(extents[:4], 4) + bytes([bool(blocks)]) + b"%011o\0" % size
    # one raw entry: long name, header, further blocks of the map, data
    long_name = entry.path.encode() + b"\0"
    raw = header("././@LongLink", b"L", len(long_name)) + long_name.ljust(512, b"\0")
    raw += header(entry.path[:100], b"S", len(kept), mapped) + b"".join(blocks) + kept
    return [Entry("", raw[512:], raw_header=raw[:512])]


def pax(version: str) -> Callable[[Entry, Extents, int, bytes], list[Entry]]:
    def write(entry: Entry, extents: Extents, size: int, kept: bytes) -> list[Entry]:
        records = [("GNU.sparse.name", entry.path)]
        if version == "1.0":
            records += [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", str(size))]
            lines = f"{len(extents)}\n" + "".join(f"{offset}\n{length}\n" for offset, length in extents)
            kept = lines.encode() + bytes(-len(lines) % 512) + kept
        elif version == "0.1":
            numbers = ",".join(f"{offset},{length}" for offset, length in extents)
            records += [
                ("GNU.sparse.numblocks", str(len(extents))),
                ("GNU.sparse.size", str(size)),
                ("GNU.sparse.map", numbers),
            ]
        else:
            records += [("GNU.sparse.size", str(size)), ("GNU.sparse.numblocks", str(len(extents)))]
            for offset, length in extents:
                records += [("GNU.sparse.offset", str(offset)), ("GNU.sparse.numbytes", str(length))]
        folder, _, name = entry.path.rpartition("/")
        return [Entry(f"{folder}/GNUSparseFile.7/{name}", kept, pax=records)]

    return write


FORMATS = {"old GNU": old_gnu, "0.0": pax("0.0"), "0.1": pax("0.1"), "1.0": pax("1.0")}


def archive(way: str, extents: Extents | None = None, *, size: int | None = None, layer: bytes = LAYER) -> list[Entry]:
    """An archive whose layer is stored sparsely."""
    entries = builder.docker25([ImageSpec(layers=[LAYER])])
    entry = builder.layers_of(entries)[0]
    position = entries.index(entry)
    true = extents_of(layer)
    kept = stored(layer, true)
    whole = len(layer) if size is None else size
    entries[position : position + 1] = FORMATS[way](entry, true if extents is None else extents, whole, kept)
    return entries


@pytest.mark.parametrize("way", FORMATS)
def test_layer_with_holes_is_intact(way: str) -> None:
    report = report_of(archive(way))
    assert_clean(report)
    assert set(codes(report)) == {"IMG109"} | ({"IMG111"} if way == "old GNU" else set())


@pytest.mark.parametrize("way", FORMATS)
def test_other_layer_with_holes_is_found(way: str) -> None:
    other = LAYER.replace(b"tail", b"tale")
    report = report_of(archive(way, layer=other))
    assert the(report, "IMG303").computed == builder.digest(other)
    assert report.verdict is Verdict.TAMPERED


@pytest.mark.parametrize("way", FORMATS)
def test_many_holes(way: str) -> None:
    layer = builder.tar([Entry("file", b"".join(bytes(512) + b"%08d" % number * 64 for number in range(60)))])
    entries = builder.docker25([ImageSpec(layers=[layer])])
    entry = builder.layers_of(entries)[0]
    position = entries.index(entry)
    extents = extents_of(layer)
    assert len(extents) == 62
    entries[position : position + 1] = FORMATS[way](entry, extents, len(layer), stored(layer, extents))
    assert_clean(report_of(entries))


@pytest.mark.parametrize("way", FORMATS)
@pytest.mark.parametrize("lie", ["shorter", "longer", "out of order", "overlapping", "beyond the end", "none"])
def test_map_that_does_not_fit(way: str, lie: str) -> None:
    first, second, last = extents_of(LAYER)
    lies = {
        "shorter": [(first[0], first[1] - 1), second, last],
        "longer": [first, (second[0], second[1] + 1), last],
        "out of order": [second, first, last],
        "overlapping": [first, (first[0] + 1, second[1]), last],
        "beyond the end": [first, (len(LAYER) - 1, second[1]), last],
        "none": [],
    }
    report = report_of(archive(way, lies[lie]))
    assert set(codes(report, Severity.ERROR, Severity.WARNING)) == {"IMG907"}, told(report)
    assert report.verdict is Verdict.SUSPECT
    assert any("put together" in each.reason for each in report.not_checked)


@pytest.mark.parametrize("way", FORMATS)
def test_holes_are_bounded_together(way: str) -> None:
    assert "IMG907" in codes(report_of(archive(way), Options(limits=Limits(holes=HOLE))))
    assert "IMG907" in codes(report_of(archive(way, size=(1 << 33) - 1)))


@pytest.mark.parametrize(
    "text", [b"", b"1", b"x\n", b"99999999999999999999\n0\n", b"2\n0\n1\n", b"-1\n", b"1\n0\n" + b"9" * 400]
)
def test_map_that_is_none(text: bytes) -> None:
    entries = archive("1.0")
    entry = next(each for each in entries if each.pax)
    entry.data = text.ljust(1024, b"\n")
    assert "IMG907" in codes(report_of(entries), Severity.ERROR)


@pytest.mark.skipif(not shutil.which("tar"), reason="there is no tar")
@pytest.mark.parametrize("way", ["gnu", "posix0.0", "posix0.1", "posix1.0"])
def test_what_gnu_tar_writes(way: str, tmp_path: Path) -> None:
    if b"GNU tar" not in subprocess.run(["tar", "--version"], check=True, capture_output=True).stdout:
        pytest.skip("tar is not GNU tar")
    layer = builder.tar([Entry("file", b"".join(bytes(1 << 16) + b"%08d" % number * 512 for number in range(30)))])
    for entry in builder.oci_archive([ImageSpec(layers=[layer])], compression="none"):
        path = tmp_path / "layout" / entry.path
        if entry.type == b"5":
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(entry.data)
    form, version = way.rstrip(".01"), way.lstrip("gnuposix") or "1.0"
    options = ["-S", "--hole-detection=raw", f"--format={form}", f"--sparse-version={version}"]
    subprocess.run(["tar", *options, "-C", tmp_path / "layout", "-cf", tmp_path / "a.tar", "."], check=True)
    report = report_of((tmp_path / "a.tar").read_bytes())
    assert_clean(report)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    way=st.sampled_from(sorted(FORMATS)),
    extents=st.lists(st.tuples(st.integers(0, 1 << 33), st.integers(0, 1 << 33)), max_size=30),
    size=st.integers(0, (1 << 33) - 1),
)
def test_any_map_gives_an_answer(way: str, extents: Extents, size: int) -> None:
    report = report_of(archive(way, extents, size=size))
    assert "IMG903" not in codes(report), told(report)
    assert report.verdict is not Verdict.INTACT
