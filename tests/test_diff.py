"""``diff``: the archive that was approved against the one that arrived."""

import gzip
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.evidence import HOSTILE, document, invoke, is_safe, refused

FILES = [
    Entry("bin/", type=b"5", mode=0o755),
    Entry("bin/app", b"#!/bin/sh\n", mode=0o755, mtime=100),
    Entry("bin/su", b"su", mode=0o755, mtime=100),
    Entry("etc/conf", b"a=1", mtime=100),
    Entry("lib", type=b"2", linkname="usr/lib"),
]
BASE, TOP = builder.tar(FILES), builder.layer({"top": b"top"})
CONFIG = ImageSpec(layers=[BASE, TOP]).moby_config()
APPROVED = ImageSpec(layers=[BASE, TOP], raw_config=CONFIG)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.tar").write_bytes(builder.archive("docker_legacy", APPROVED))
    return tmp_path


def against(folder: Path, arrived: bytes | Sequence[Entry], code: int, approved: str = "a.tar") -> Any:
    """What differs, as JSON, after the exit code was compared, and that of the table too."""
    path = folder / "b.tar"
    path.write_bytes(arrived if isinstance(arrived, bytes) else builder.tar(arrived))
    table = invoke("diff", folder / approved, path)
    assert table.exit_code == code, table.output
    assert is_safe(table.stdout)
    result = invoke("diff", folder / approved, path, "-f", "json")
    assert (result.exit_code, result.stderr) == (code, "")
    told = document(result)
    assert told["same"] is (code == 0)
    return told


def headline(folder: Path) -> str:
    """The one line that a quiet run says."""
    (line,) = invoke("diff", folder / "a.tar", folder / "b.tar", "-q").stdout.splitlines()
    return line.replace(f"{folder}/", "")


def changed(*entries: Entry) -> ImageSpec:
    """The image with its lowest layer changed, everything else truthful."""
    return ImageSpec(layers=[builder.tar(entries), TOP])


def the_changes(told: Any, layer: int = 0) -> dict[str, Any]:
    files = told["images"][0]["layers"][layer]["files"]
    assert files["notes"] == []
    return {each["path"]: each for each in files["changes"]}


# ------------------------------------------------------------------------------------------------------------- the same


def test_the_same_file_is_said_to_be_that(folder: Path) -> None:
    told = against(folder, (folder / "a.tar").read_bytes(), 0)
    assert told["answer"] == "same-file"
    assert headline(folder) == "SAME  a.tar and b.tar: the same file, byte for byte"


@pytest.mark.parametrize(
    "layout", ["docker25", "containers_image_docker", "containerd", "crane", "oci_archive", "umoci"]
)
def test_the_same_image_in_another_wrapping_is_the_same(folder: Path, layout: str) -> None:
    told = against(folder, builder.archive(layout, APPROVED), 0)
    assert told["answer"] == "same-images"
    (image,) = told["images"]
    assert (image["same"], image["paired_by"], image["config"]) == (True, "image-id", None)
    assert image["a"]["image_id"] == image["b"]["image_id"] == builder.digest(CONFIG)
    assert {each["change"] for each in image["layers"]} == {"same"}
    assert told["wrapping"]
    assert headline(folder) == "SAME  a.tar and b.tar: the same image, wrapped otherwise"


def test_another_tar_of_the_same_members_is_the_same(folder: Path) -> None:
    entries = builder.docker_legacy([APPROVED])
    entries[0].mtime += 60
    told = against(folder, entries, 0)
    assert told["members"]["counts"]["mtime only"] == 1
    told = against(folder, [*entries[1:], entries[0]], 0)
    assert "order of members" in {each["what"] for each in told["wrapping"]}
    assert against(folder, gzip.compress(builder.tar(entries), mtime=0), 0)["b"]["outer_compression"] == "gzip"


def test_a_name_that_is_lost_is_no_other_name(folder: Path) -> None:
    unnamed = replace(APPROVED, tags=[])
    assert against(folder, builder.archive("oci_archive", unnamed), 0)["images"][0]["names_only_a"]
    assert against(folder, builder.archive("docker_legacy", unnamed), 0)["answer"] == "same-images"


def test_names_that_say_the_same_are_the_same(folder: Path) -> None:
    (folder / "a.tar").write_bytes(builder.archive("docker_legacy", replace(APPROVED, tags=["alpine:latest"])))
    told = against(folder, builder.archive("crane", replace(APPROVED, tags=["docker.io/library/alpine:latest"])), 0)
    assert told["images"][0]["names_only_b"] == []


# -------------------------------------------------------------------------------------------------- the same, but not quite


def test_another_name_is_a_difference(folder: Path) -> None:
    told = against(folder, builder.archive("docker_legacy", replace(APPROVED, tags=["example.com/app:2.0"])), 1)
    assert told["images"][0]["same"]
    assert told["images"][0]["names_only_b"] == ["example.com/app:2.0"]
    assert headline(folder) == "DIFFERENT  a.tar and b.tar: the same image, under other names"


def test_something_hidden_beside_the_same_image_is_a_difference(folder: Path) -> None:
    told = against(folder, (folder / "a.tar").read_bytes() + b"#!/bin/sh\n", 1)
    assert told["findings"] == {"only_a": [], "only_b": [{"code": "IMG103", "count": 1}]}
    assert headline(folder) == "DIFFERENT  a.tar and b.tar: the same image, but verify finds IMG103 in B alone"


def test_a_further_image_is_told(folder: Path) -> None:
    told = against(folder, builder.archive("docker_legacy", APPROVED, ImageSpec(tags=["evil:1"])), 1)
    assert [(each["same"], each["paired_by"]) for each in told["images"]] == [(True, "image-id"), (False, None)]
    assert headline(folder) == "DIFFERENT  a.tar and b.tar: 1 image only in B"
    assert "+ image @1 evil:1" in invoke("diff", folder / "a.tar", folder / "b.tar").stdout
    assert "- image @1 evil:1" in invoke("diff", folder / "b.tar", folder / "a.tar").stdout


# ------------------------------------------------------------------------------------------------------------- different


def test_a_swapped_config_shows_which_values_differ(folder: Path) -> None:
    entries = builder.docker_legacy([APPROVED])
    builder.swap_config(entries, {"config": {"Cmd": ["/bin/evil"], "Env": ["PATH=/bin", "LD_PRELOAD=/x"]}})
    told = against(folder, entries, 1)
    (image,) = told["images"]
    assert image["paired_by"] == "tag"
    found = {each["pointer"]: (each["only"], each["a"], each["b"]) for each in image["config"]["differences"]}
    assert found["/config/Cmd/0"] == (None, "/bin/app", "/bin/evil")
    assert found["/config/Env/1"] == ("b", None, "LD_PRELOAD=/x")
    assert {each["change"] for each in image["layers"]} == {"same"}
    assert told["findings"]["only_b"] == [{"code": "IMG301", "count": 1}]
    assert '/config/Cmd/0: "/bin/app" -> "/bin/evil"' in invoke("diff", folder / "a.tar", folder / "b.tar").stdout


def test_the_same_config_spelled_otherwise_is_another_image(folder: Path) -> None:
    told = against(folder, builder.archive("docker_legacy", replace(APPROVED, raw_config=CONFIG + b" ")), 1)
    assert told["images"][0]["config"]["spelling_only"]
    assert "the same values, other bytes" in invoke("diff", folder / "a.tar", folder / "b.tar").stdout


def test_a_layer_that_contradicts_the_config_is_compared_by_its_bytes(folder: Path) -> None:
    entries = builder.docker_legacy([APPROVED])
    builder.swap_layer(entries, builder.tar([*FILES, Entry("evil", b"evil")]))
    told = against(folder, entries, 1)
    assert told["images"][0]["config"] is None
    assert told["images"][0]["layers"][0]["change"] == "changed"
    assert the_changes(told)["evil"]["change"] == "added"


@pytest.mark.parametrize("layout", ["docker_legacy", "crane"])
def test_one_changed_file_is_found(folder: Path, layout: str) -> None:
    told = against(folder, builder.archive(layout, changed(*FILES[:3], replace(FILES[3], data=b"a=2"), FILES[4])), 1)
    (change,) = the_changes(told).values()
    assert (change["path"], change["change"], change["aspects"]) == ("etc/conf", "changed", ["content"])
    assert (change["a"]["sha256"], change["b"]["sha256"]) == (builder.digest(b"a=1"), builder.digest(b"a=2"))
    assert told["images"][0]["layers"][1]["change"] == "same"
    assert "~ etc/conf  content 3 bytes" in invoke("diff", folder / "a.tar", folder / "b.tar").stdout


def test_a_setuid_bit_is_pointed_out(folder: Path) -> None:
    told = against(
        folder, builder.archive("docker_legacy", changed(*FILES[:2], replace(FILES[2], mode=0o4755), *FILES[3:])), 1
    )
    (change,) = the_changes(told).values()
    assert (change["aspects"], change["a"]["mode"], change["b"]["mode"]) == (["mode"], 0o755, 0o4755)
    assert "mode 0755 -> 4755 (now setuid)" in invoke("diff", folder / "a.tar", folder / "b.tar").stdout


def test_every_aspect_of_a_file_is_compared(folder: Path) -> None:
    arrived = changed(
        replace(FILES[0], uid=7, uname="me"),
        replace(FILES[1], mtime=200),
        Entry("bin/su", type=b"3", mode=0o755, mtime=100),
        replace(FILES[3], pax={"SCHILY.xattr.user.a": "b"}),
        replace(FILES[4], linkname="/tmp"),
        Entry("new", b"", mode=0o2755),
    )
    told = against(folder, builder.archive("docker_legacy", arrived), 1)
    assert {path: (each["change"], each["aspects"]) for path, each in the_changes(told).items()} == {
        "bin": ("changed", ["owner"]),
        "bin/app": ("changed", ["mtime"]),
        "bin/su": ("changed", ["kind", "content"]),
        "etc/conf": ("changed", ["xattrs"]),
        "lib": ("changed", ["link"]),
        "new": ("added", []),
    }
    table = invoke("diff", folder / "a.tar", folder / "b.tar").stdout
    for words in ("owner 0:0 -> 7:0 me", "link usr/lib -> /tmp", "new  file, 2755 set-id", "1 in nothing but mtime"):
        assert words in table
    assert "~ bin/app" not in table
    assert "~ bin/app  mtime" in invoke("diff", folder / "a.tar", folder / "b.tar", "-v").stdout


def test_a_path_that_stands_twice_is_told(folder: Path) -> None:
    told = against(folder, builder.archive("docker_legacy", changed(*FILES, FILES[3])), 1)
    assert the_changes(told)["etc/conf"]["b"]["occurrences"] == 2


def test_an_earlier_entry_of_a_path_counts(folder: Path) -> None:
    setuid = replace(FILES[2], mode=0o4755)
    (folder / "a.tar").write_bytes(builder.archive("docker_legacy", changed(*FILES, FILES[2])))
    told = against(folder, builder.archive("docker_legacy", changed(*FILES[:2], setuid, *FILES[3:], FILES[2])), 1)
    assert the_changes(told)["bin/su"]["aspects"] == ["occurrences"]
    assert "occurrences 2 (earlier " in invoke("diff", folder / "a.tar", folder / "b.tar").stdout


def test_a_file_that_is_cut_off_in_both_is_compared_as_far_as_it_is_there(folder: Path) -> None:
    def cut(text: bytes) -> bytes:
        layer = builder.tar([*FILES, Entry("big", text * 1000)])
        return builder.archive("docker_legacy", ImageSpec(layers=[layer[: layer.index(text) + 2048], TOP]))

    (folder / "a.tar").write_bytes(cut(b"GOOD"))
    files = against(folder, cut(b"EVIL"), 1)["images"][0]["layers"][0]["files"]
    assert [(each["path"], each["aspects"]) for each in files["changes"]] == [("big", ["content"])]
    assert len(files["notes"]) == 2


@pytest.mark.parametrize(
    "arrived",
    [
        [*FILES[:3], replace(FILES[3], pax={"SCHILY.acl.access": "user::rwx"}), FILES[4]],
        [*FILES[3:], *FILES[:3]],
    ],
)
def test_what_no_file_shows_is_said(folder: Path, arrived: list[Entry]) -> None:
    told = against(folder, builder.archive("docker_legacy", changed(*arrived)), 1)
    files = told["images"][0]["layers"][0]["files"]
    assert files["changes"] == []
    (note,) = files["notes"]
    assert note.startswith("they differ in ways that are not told file by file")
    assert note in invoke("diff", folder / "a.tar", folder / "b.tar").stdout


def test_layers_that_moved_came_and_left_are_told(folder: Path) -> None:
    extra = builder.layer({"extra": b"x"})
    told = against(folder, builder.archive("docker_legacy", replace(APPROVED, raw_config=None, layers=[TOP, BASE])), 1)
    assert sorted(each["change"] for each in told["images"][0]["layers"]) == ["moved", "same"]
    for layers, changes in (
        ([BASE, extra, TOP], ["same", "added", "same"]),
        ([BASE], ["same", "removed"]),
        ([BASE, extra], ["same", "changed"]),
    ):
        told = against(folder, builder.archive("docker_legacy", ImageSpec(layers=layers)), 1)
        assert [each["change"] for each in told["images"][0]["layers"]] == changes


def test_images_are_paired_by_platform_last(folder: Path) -> None:
    two = [ImageSpec(tags=["x:1"]), ImageSpec(tags=["x:2"], platform="linux/arm64")]
    told = against(folder, builder.archive("docker_legacy", *two), 1)
    assert [(each["paired_by"], each["b"]["platform"]) for each in told["images"]] == [
        ("platform", "linux/amd64"),
        (None, "linux/arm64"),
    ]


def test_images_without_configs_are_compared_by_their_legacy_documents(folder: Path) -> None:
    (folder / "a.tar").write_bytes(builder.tar(builder.pre110([APPROVED])))
    entries = builder.pre110([APPROVED])
    entries[0].mtime += 1
    assert against(folder, entries, 0)["images"][0]["paired_by"] == "image-id"
    told = against(folder, builder.pre110([replace(APPROVED, raw_config=None, created="2024-01-02T03:04:06Z")]), 1)
    assert not told["images"][0]["same"]


def test_what_cannot_be_compared_says_why(folder: Path) -> None:
    entries = builder.docker_legacy([APPROVED])
    builder.drop(entries, builder.layers_of(entries)[0].path)
    told = against(folder, entries, 1)
    assert told["images"][0]["layers"][0]["why_not"] == "in B it is not in the archive"
    entries = builder.docker_legacy([ImageSpec(layers=[b"no tar" * 200, TOP])])
    told = against(folder, entries, 1)
    assert told["images"][0]["layers"][0]["files"]["notes"] == ["in B it is no tar"]


def test_hostile_names_are_escaped(folder: Path) -> None:
    entries = [Entry(name, b"", pax={"path": name}) for name in HOSTILE]
    told = against(folder, builder.archive("docker_legacy", changed(*entries)), 1)
    assert {each["change"] for each in the_changes(told).values()} == {"added", "removed"}
    assert is_safe(invoke("diff", folder / "a.tar", folder / "b.tar", "-v").stdout)
    evil = ImageSpec(tags=["a\x1b[2J"], container={"Cmd": ["\x1b]0;x\x07", "\u202e" * 500]})
    against(folder, builder.archive("docker_legacy", evil), 1)


# ------------------------------------------------------------------------------------------------------------- no answer


def test_two_is_no_answer(folder: Path) -> None:
    refused(invoke("diff", folder / "a.tar", folder / "gone.tar"), "gone.tar: No such file or directory")
    refused(invoke("diff", folder, folder / "a.tar"), "one archive is wanted here")
    refused(invoke("diff", "-", "-", stdin=b""), "standard input holds one archive")
    refused(invoke("diff", folder / "a.tar", folder / "a.tar", "-o", folder / "a.tar"), "never replaces evidence")
    assert invoke("diff", folder / "a.tar").exit_code == 2
    (folder / "note.txt").write_bytes(b"hello")
    refused(invoke("diff", folder / "a.tar", folder / "note.txt"), "note.txt: no tar archive: text")


def test_one_of_them_may_come_from_standard_input(folder: Path) -> None:
    data = (folder / "a.tar").read_bytes()
    assert invoke("diff", "-", folder / "a.tar", stdin=data).exit_code == 0
    assert invoke("diff", folder / "a.tar", "-", "-o", folder / "r.json", "-f", "json", stdin=data).stdout == ""
    assert document((folder / "r.json").read_text())["answer"] == "same-file"


def test_images_whose_configs_are_missing_are_known_by_their_manifests(folder: Path) -> None:
    entries = builder.oci_archive([APPROVED])
    config = f"blobs/sha256/{builder.sha256(CONFIG)}"
    builder.drop(entries, config)
    (folder / "a.tar").write_bytes(builder.tar(entries))
    entries[0].mtime += 1
    assert against(folder, entries, 0)["images"][0]["a"]["image_id"] is None
    other = ImageSpec(layers=[TOP, BASE]).moby_config()
    others = builder.oci_archive([ImageSpec(layers=[TOP, BASE], raw_config=other)])
    builder.drop(others, f"blobs/sha256/{builder.sha256(other)}")
    assert not against(folder, others, 1)["images"][0]["same"]


def test_layers_that_both_lack_are_the_same_only_where_the_same_is_claimed(folder: Path) -> None:
    def without_layers(image: ImageSpec) -> list[Entry]:
        entries = builder.docker_legacy([image])
        for entry in builder.layers_of(entries):
            entries.remove(entry)
        return entries

    (folder / "a.tar").write_bytes(builder.tar(without_layers(APPROVED)))
    entries = without_layers(APPROVED)
    entries[0].mtime += 1
    assert against(folder, entries, 0)["answer"] == "same-images"
    told = against(folder, without_layers(ImageSpec(layers=[TOP, BASE])), 1)
    assert "same" not in {each["change"] for each in told["images"][0]["layers"][:1]}
