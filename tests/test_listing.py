"""``inspect --layers`` and ``--files``: what layers hold, and what becomes of it further up."""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imgforensics.layerfiles import hashed
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.listing import Listing
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.evidence import HOSTILE, document, invoke, is_safe, refused
from tests.support import case_of, report_of

LOWER = builder.tar(
    [
        Entry("etc/", type=b"5", mode=0o755),
        Entry("etc/passwd", b"root", mode=0o644, uid=0),
        Entry("etc/secret", b"hunter2", mode=0o600, uid=5, gid=6, uname="me", gname="us", mtime=100),
        Entry("opt/a", b"1"),
        Entry("opt/b", b"2"),
        Entry("bin/su", b"su", mode=0o4755),
        Entry("lib/x", b"x"),
    ]
)
UPPER = builder.tar(
    [
        Entry("etc/", type=b"5", mode=0o700),
        Entry("etc/.wh.secret", b""),
        Entry("etc/passwd", b"toor"),
        Entry("opt/.wh..wh..opq", b""),
        Entry("lib", type=b"2", linkname="usr/lib"),
        Entry("dev/null", type=b"3"),
        Entry("also", type=b"1", linkname="etc/passwd"),
        Entry("app", b"\x7fELF", pax={"SCHILY.xattr.security.capability": b"\x01\x00"}),
    ]
)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.tar"
    path.write_bytes(builder.archive("crane", ImageSpec(layers=[LOWER, UPPER])))
    return path


def listed(path: Path, *more: str) -> list[Any]:
    files = document(invoke("inspect", path, "--files", "-f", "json", *more))["files"]
    assert isinstance(files, list)
    return files


def test_every_entry_is_listed_with_what_becomes_of_it(image: Path) -> None:
    fates = {(each["layer"], each["path"]): (each["fate"], each["by_layer"]) for each in listed(image)}
    assert fates == {
        (0, "etc"): ("merged", 1),
        (0, "etc/passwd"): ("overwritten", 1),
        (0, "etc/secret"): ("deleted", 1),
        (0, "opt/a"): ("hidden", 1),
        (0, "opt/b"): ("hidden", 1),
        (0, "bin/su"): ("kept", None),
        (0, "lib/x"): ("buried", 1),
        **{(1, each["path"]): ("kept", None) for each in listed(image) if each["layer"] == 1},
    }


def test_an_entry_is_told_with_its_facts(image: Path) -> None:
    entries = {(each["layer"], each["path"]): each for each in listed(image)}
    secret = entries[0, "etc/secret"]
    assert [secret[key] for key in ("kind", "mode", "uid", "gid", "uname", "gname", "size", "mtime")] == [
        "file", 0o600, 5, 6, "me", "us", 7, 100.0,
    ]  # fmt: skip
    assert LOWER[secret["offset"] :][:7] == b"hunter2"
    assert entries[1, "etc/.wh.secret"]["whiteout"] == {"kind": "removes", "path": "etc/secret"}
    assert entries[1, "etc/.wh.secret"]["hides"] == 1
    assert entries[1, "opt/.wh..wh..opq"]["whiteout"] == {"kind": "opaque", "path": "opt"}
    assert entries[1, "opt/.wh..wh..opq"]["hides"] == 2
    assert entries[1, "lib"]["linkname"] == "usr/lib"
    assert entries[1, "dev/null"]["device"] == [0, 0]
    assert entries[1, "app"]["xattrs"] == {"security.capability": "0100"}


def test_the_table_reads_like_a_listing(image: Path) -> None:
    result = invoke("inspect", image, "--files")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "      0  -rw-------  5:6               7  1970-01-01T00:01:40Z  etc/secret  [deleted by layer 1]" in lines
    assert any("-rwsr-xr-x" in line and line.endswith("bin/su") for line in lines)
    assert any(line.endswith("etc/.wh.secret  [takes away 1 entry]") for line in lines)
    assert any("opaque" in line and line.endswith("[takes away 2 entries]") for line in lines)
    assert any(line.endswith("lib/x  [its folder is replaced in layer 1]") for line in lines)
    assert any("h--------- " in line or "hrw-r--r--" in line for line in lines if "also -> etc/passwd" in line)
    assert any("c" in line and line.endswith("dev/null (0,0)") for line in lines)


def test_layers_are_told_with_what_they_hold(image: Path) -> None:
    told = document(invoke("inspect", image, "--layers", "-f", "json"))
    assert told["files"] is None
    lower, upper = told["images"][0]["layers"]
    assert lower["contents"]["kinds"] == {"file": 6, "directory": 1}
    assert (lower["contents"]["set_id"], lower["contents"]["data"]) == (1, 16)
    assert upper["contents"]["kinds"] == {"file": 2, "directory": 1, "symlink": 1, "hardlink": 1, "device": 1}
    assert (upper["contents"]["whiteouts"], upper["contents"]["opaque"], upper["contents"]["with_xattrs"]) == (1, 1, 1)
    assert upper["gzip_header"]["first10"] == "1f8b08000000000000ff"
    assert upper["created_by"] == "COPY 1 / # buildkit"
    table = invoke("inspect", image, "--layers").stdout
    assert "1 +1 opaque" in table
    assert "image @0  example.com/app:1.0  linux/amd64" in table


def test_layers_and_files_go_together(image: Path) -> None:
    told = document(invoke("inspect", image, "--layers", "--files", "-f", "json"))
    assert told["images"][0]["layers"][0]["contents"]["entries"] == 7
    assert len(told["files"]) == 15


def test_one_image_is_listed_at_a_time(tmp_path: Path, image: Path) -> None:
    two = tmp_path / "two.tar"
    two.write_bytes(builder.archive("crane", ImageSpec(), ImageSpec(tags=["b:1"], layers=[UPPER])))
    refused(invoke("inspect", two, "--files"), "--files lists one image, --image @N chooses it; the archive holds 2")
    assert len(listed(two, "--image", "b:1")) == 8
    told = document(invoke("inspect", two, "--layers", "-f", "json"))
    assert [len(each["layers"]) for each in told["images"]] == [2, 1]
    refused(invoke("inspect", image, image, "--layers"), "--layers takes one archive, not 2")
    refused(invoke("inspect", image, "--files", "--fast"), "--files reads layers, which --fast leaves out")


@pytest.mark.parametrize("layout", ["docker_legacy", "docker25", "containerd", "oci_archive", "jib", "nix", "umoci"])
def test_every_layout_is_listed(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(builder.archive(layout, ImageSpec(layers=[LOWER, UPPER])))
    assert len(listed(path)) == 15


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    layer = builder.tar([Entry(name, b"", pax={"path": name}) for name in HOSTILE])
    path = tmp_path / "image.tar"
    path.write_bytes(builder.archive("docker_legacy", ImageSpec(layers=[layer])))
    assert len(listed(path)) == len(HOSTILE)
    assert {each["path"] for each in listed(path)} >= {None, "etc/shadow"}
    table = invoke("inspect", path, "--files").stdout
    assert "a\\x1b[2J\\x0ab" in table
    assert is_safe(table)


def test_times_that_no_calendar_has_are_numbers(tmp_path: Path) -> None:
    layer = builder.tar([Entry("a", mtime=2**60), Entry("b", mtime=-(2**40))])
    path = tmp_path / "image.tar"
    path.write_bytes(builder.archive("docker_legacy", ImageSpec(layers=[layer])))
    assert f"{float(2**60):g}" in invoke("inspect", path, "--files").stdout


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    entries = builder.docker_legacy([ImageSpec(layers=[LOWER, UPPER, b"no tar at all" * 100])])
    cut, absent, _ = builder.layers_of(entries)
    cut.data = LOWER[:3000]
    builder.drop(entries, absent.path)
    path = tmp_path / "image.tar"
    path.write_bytes(builder.tar(entries))
    told = document(invoke("inspect", path, "--layers", "--files", "-f", "json"))
    assert [each["path"] for each in told["files"]] == ["etc", "etc/passwd", "etc/secret"]
    gone, damaged, other = told["notes"]
    assert gone == "layer 1 is not listed, and what it takes away is not known: it is not in the archive"
    assert damaged.startswith("layer 0 is read up to truncated")
    assert other == "layer 2 is no tar"
    table = invoke("inspect", path, "--layers", "--files").stdout
    assert "it is not in the archive" in table
    assert "no tar" in table


def test_a_listing_is_cut_where_it_would_be_too_long(image: Path) -> None:
    case = case_of(report_of(image.read_bytes()))
    data = {layer.member: tar for layer, tar in zip(case.structure.images[0].layers, (LOWER, UPPER), strict=True)}
    listing = Listing(case, case.structure.images[0], lambda member: [data[member]], replace(DEFAULT_LIMITS, listed=10))
    assert {each.layer for each in listing} == {1}
    assert listing.notes == ["the layers hold more than 10 entries: layer 0 and those below are not listed"]
    listing = Listing(
        case, case.structure.images[0], lambda member: [data[member]], replace(DEFAULT_LIMITS, inflated=9)
    )
    assert not list(listing)
    assert listing.notes == ["the layers hold more than 9 bytes: layer 1 and those below are not listed"]


@pytest.mark.parametrize("size", [1, 7, 512, 1000, 1 << 20])
def test_files_are_hashed_whatever_the_chunks(size: int) -> None:
    walk = hashed((LOWER[start : start + size] for start in range(0, len(LOWER), size)), DEFAULT_LIMITS)
    found = {entry.name: digest.hex() if digest else None for entry, digest in walk}
    assert found == {
        "etc/": None,
        **{
            name: builder.sha256(data)
            for name, data in (("etc/passwd", b"root"), ("etc/secret", b"hunter2"), ("opt/a", b"1"))
        },
        **{name: builder.sha256(data) for name, data in (("opt/b", b"2"), ("bin/su", b"su"), ("lib/x", b"x"))},
    }


def test_data_that_are_cut_off_are_hashed_as_far_as_they_are_there() -> None:
    whole = builder.tar([Entry("a", b"x" * 3000)])
    (digest,) = [digest for _, digest in hashed([whole[:2000]], DEFAULT_LIMITS)]
    assert digest == hashlib.sha256(b"x" * (2000 - 512)).digest()


@pytest.mark.parametrize(("kept", "reads"), [(DEFAULT_LIMITS.entries_kept, 1), (0, 2)])
def test_a_layer_in_many_places_is_read_no_more_often(kept: int, reads: int) -> None:
    case = case_of(report_of(builder.archive("crane", ImageSpec(layers=[LOWER, *[UPPER, LOWER] * 20]))))
    (image,) = case.structure.images
    seen: Counter[int] = Counter()

    def opener(member: int) -> list[bytes]:
        seen[member] += 1
        return [LOWER if member == image.layers[0].member else UPPER]

    listing = Listing(case, image, opener, replace(DEFAULT_LIMITS, entries_kept=kept))
    layers = Counter(each.layer for each in listing)
    assert dict(seen) == {image.layers[0].member: reads, image.layers[1].member: reads}
    if kept:
        assert (len(layers), listing.notes) == (41, [])
    else:
        assert (sorted(layers), len(listing.notes)) == ([39, 40], 39)
        assert "layer 0 is not listed: it is layer 40 once more, and too large" in listing.notes[-1]
