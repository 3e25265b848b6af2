"""Folders held against locks and lists: files that are no image archives, nothing at all, and that everything is there."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from imgforensics.rendering import FORMATS
from tests import builder
from tests.builder import ImageSpec
from tests.test_cli import document, invoke


def archive(text: str) -> bytes:
    spec = ImageSpec(layers=[builder.layer({text: text.encode()})], tags=[f"{text}:1"])
    return builder.tar(builder.docker_legacy([spec]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two archives, and a file that is none."""
    inside = tmp_path / "in"
    inside.mkdir()
    for name in ("a", "b"):
        (inside / f"{name}.tar").write_bytes(archive(name))
    (inside / "run.sh").write_text("#!/bin/sh\n")
    monkeypatch.chdir(tmp_path)
    return inside


def sums(*paths: Path, folder: Path) -> str:
    """What ``sha256sum`` prints for these in their folder."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in paths)


def listed(folder: Path, pattern: str = "*") -> str:
    Path("x.sums").write_text(sums(*sorted(folder.glob(pattern)), folder=folder))
    return "x.sums"


def said(*arguments: str, code: int) -> list[tuple[str, str, str]]:
    result = invoke("verify", *arguments, "-f", "json")
    assert result.exit_code == code, result.output
    about_all = document(result)["about_all"]
    return [(each["severity"], each["code"], each["subject"]) for each in about_all if each["code"][:5] == "IMG81"]


# ------------------------------------------------------------------------------------ files that are no archives


def test_a_file_that_is_no_archive_has_arrived(folder: Path) -> None:
    assert said("in", "--lock", listed(folder), code=0) == []
    assert said("in/a.tar", "in/b.tar", "in/run.sh", "--skip-others", "--lock", "x.sums", code=0) == []


def test_a_file_that_is_no_archive_has_another_content(folder: Path) -> None:
    lock = listed(folder)
    (folder / "run.sh").write_text("#!/bin/sh\nrm\n")
    assert said("in", "--lock", lock, code=1) == [("error", "IMG813", "in/run.sh")]
    assert "run.sh: hashes to sha256:" in invoke("verify", "in", "--lock", lock).stdout


def test_a_file_that_is_no_archive_is_missing(folder: Path) -> None:
    lock = listed(folder)
    (folder / "run.sh").unlink()
    assert said("in", "--lock", lock, code=1) == [("error", "IMG811", "run.sh")]


def test_a_file_that_is_no_archive_lies_elsewhere(folder: Path) -> None:
    lock = listed(folder)
    (folder / "sub").mkdir()
    (folder / "run.sh").rename(folder / "sub" / "walk.sh")
    assert said("in", "--lock", lock, code=0) == [("note", "IMG815", "in/sub/walk.sh")]


def test_something_else_in_the_place_of_an_archive(folder: Path) -> None:
    assert invoke("lock", "in", "-o", "x.lock").exit_code == 0
    (folder / "a.tar").write_text("gone")
    assert said("in", "--lock", "x.lock", code=2) == [("error", "IMG813", "in/a.tar")]


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(folder: Path) -> None:
    lock = listed(folder)
    (folder / "run.sh").unlink()
    os.mkfifo(folder / "run.sh")
    assert said("in", "--lock", lock, code=1) == [("error", "IMG813", "in/run.sh")]


def test_an_archive_that_was_sent_damaged_has_arrived(folder: Path) -> None:
    (folder / "c.tar.gz").write_bytes(b"\x1f\x8b\x08" + bytes(40))
    (folder / "c.tar").write_bytes(archive("c")[:700])
    assert said("in", "in/c.tar.gz", "--lock", listed(folder), code=2) == []


@pytest.mark.parametrize("kind", ["lock", "list"])
def test_what_was_not_read_to_its_end_counts_by_its_bytes(folder: Path, kind: str) -> None:
    layers = [builder.layer({"large": bytes(3 << 20)})]
    large = builder.tar(builder.docker_legacy([ImageSpec(layers=layers, tags=["large:1"])]))
    (folder / "a.tar").write_bytes(large)
    lock = listed(folder, "*.tar")
    if kind == "lock":
        assert invoke("lock", "in", "-o", "x.lock").exit_code == 0
        lock = "x.lock"
    (folder / "run.sh").unlink()
    options = ("--lock", lock, "--budget", "1MiB", "--fail-on", "never")
    report = document(invoke("verify", "in", *options, "-f", "json"))
    assert [each["sha256"] is None for each in report["archives"]] == [True, False]
    assert said("in", *options, code=0) == []
    (folder / "a.tar").rename(folder / "c.tar")
    assert said("in", *options, code=0) == [("note", "IMG815", "in/c.tar")]
    (folder / "c.tar").write_bytes(large.replace(b"large", b"l4rge"))
    (folder / "c.tar").rename(folder / "a.tar")
    assert said("in", *options, code=0) == [("error", "IMG813", "in/a.tar")]


def test_parts_of_an_unpacked_archive_are_files_too(folder: Path) -> None:
    (folder / "oci" / "blobs" / "sha256").mkdir(parents=True)
    for name in ("oci-layout", "index.json", "blobs/sha256/0"):
        (folder / "oci" / name).write_text("{}")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    Path("x.sums").write_text(sums(*files, folder=folder))
    assert said("in", "--lock", "x.sums", code=0) == []
    (folder / "oci" / "blobs" / "sha256" / "0").write_text("[]")
    assert said("in", "--lock", "x.sums", code=1) == [("error", "IMG813", "in/oci/blobs/sha256/0")]


@pytest.mark.parametrize("name", ["../secret", "/secret", "sub/../../secret"])
def test_a_list_reaches_no_file_outside(folder: Path, name: str) -> None:
    Path("secret").write_text("text")
    Path("x.sums").write_text(
        f"{hashlib.sha256(b'text').hexdigest()}  {name}\n" + sums(folder / "a.tar", folder=folder)
    )
    assert ("error", "IMG811", name) in said("in", "--lock", "x.sums", code=1)


# ------------------------------------------------------------------------------------------------ nothing else


def test_a_file_that_a_list_of_files_does_not_name(folder: Path) -> None:
    lock = listed(folder)
    (folder / "evil.sh").write_text("evil")
    assert said("in", "--lock", lock, code=1) == [("error", "IMG812", "in/evil.sh")]


def test_a_list_of_archives_alone_may_not_mean_other_files(folder: Path) -> None:
    assert said("in", "--lock", listed(folder, "*.tar"), code=0) == [("warning", "IMG812", "in/run.sh")]


def test_a_lock_says_nothing_of_other_files(folder: Path) -> None:
    assert invoke("lock", "in", "-o", "x.lock").exit_code == 0
    assert said("in", "--lock", "x.lock", code=0) == []
    (folder / "c.tar").write_bytes(archive("c"))
    assert said("in", "--lock", "x.lock", code=1) == [("error", "IMG812", "in/c.tar")]


@pytest.mark.parametrize("names_itself", [False, True])
def test_the_list_may_lie_among_what_it_lists(folder: Path, names_itself: bool) -> None:
    text = sums(*sorted(folder.iterdir()), folder=folder)
    text += f"{hashlib.sha256().hexdigest()}  x.sums\n" if names_itself else ""
    (folder / "x.sums").write_text(text)
    assert said("in", "--lock", "in/x.sums", code=0) == []
    assert "lock: all " in invoke("verify", "in", "--lock", "in/x.sums").stdout


# ------------------------------------------------------------------------------------------- that it all arrived


def held(*arguments: str) -> list[str]:
    return [line for line in invoke("verify", *arguments).stdout.splitlines() if line.startswith("lock:")]


@pytest.mark.parametrize("more", [[], ["-q"], ["-j", "2"]])
def test_a_lock_that_holds_is_told(folder: Path, more: Sequence[str]) -> None:
    assert held("in", *more, "--lock", listed(folder)) == ["lock: all 3 of x.sums arrived, and nothing else"]
    assert invoke("lock", "in", "-o", "x.lock").exit_code == 0
    assert held("in", *more, "--lock", "x.lock") == ["lock: all 2 of x.lock arrived, and no other archive"]
    (folder / "run.sh").unlink()
    assert held("in", *more, "--lock", "x.lock") == ["lock: all 2 of x.lock arrived, and nothing else"]
    assert held("in", *more, "--lock", "x.sums") == []
    (folder / "c.tar").write_bytes(archive("c"))
    assert held("in", *more, "--lock", "x.lock", "--ignore", "IMG812") == []


def test_one_archive_arrived(folder: Path) -> None:
    assert invoke("lock", "in/a.tar", "-o", "x.lock").exit_code == 0
    assert held("in/a.tar", "--lock", "x.lock") == ["lock: the one of x.lock arrived, and nothing else"]


def repacked(text: str, *more: builder.Entry) -> bytes:
    """The archive of that name as another file with the same image."""
    spec = ImageSpec(layers=[builder.layer({text: text.encode()})], tags=[f"{text}:1"])
    return builder.tar([*builder.docker_legacy([spec]), *more], pad_to=20480)


@pytest.mark.parametrize("name", ["a.tar", "c.tar"])
def test_what_was_packed_again_may_hold_something_else(folder: Path, name: str) -> None:
    (folder / "run.sh").unlink()
    assert invoke("lock", "in", "-o", "x.lock").exit_code == 0
    (folder / "a.tar").unlink()
    (folder / name).write_bytes(repacked("a"))
    code = "IMG814" if name == "a.tar" else "IMG815"
    assert said("in", "--lock", "x.lock", code=0) == [("note", code, f"in/{name}")]
    assert held("in", "--lock", "x.lock") == ["lock: all 2 of x.lock arrived, and no other archive"]
    (folder / name).write_bytes(repacked("a", builder.Entry("payload.bin", b"payload")))
    assert document(invoke("verify", f"in/{name}", "-f", "json"))["archives"][0]["verdict"] == "suspect"
    assert said("in", "--lock", "x.lock", code=0) == [("warning", code, f"in/{name}")]
    assert held("in", "--lock", "x.lock") == ["lock: all 2 of x.lock arrived, and no other archive"]
    assert ", and is suspect" in invoke("verify", "in", "--lock", "x.lock").stdout
    assert invoke("verify", "in", "--lock", "x.lock", "--fail-on", "warning", "--select", "IMG81").exit_code == 1


def test_references_say_nothing_of_other_archives(folder: Path) -> None:
    image = document(invoke("verify", "in/a.tar", "-f", "json"))["archives"][0]["images"][0]["image_id"]
    Path("images.txt").write_text(f"a:1@{image}\n")
    assert held("in", "--lock", "images.txt") == ["lock: the one of images.txt arrived"]


def unpacked(folder: Path) -> list[Path]:
    """An image that lies unpacked in ``oci``; its files."""
    inside = folder / "oci" / "blobs" / "sha256"
    inside.mkdir(parents=True)
    files = [folder / "oci" / "oci-layout", folder / "oci" / "index.json", inside / "0", inside / "evil.tar"]
    for each in files:
        each.write_text("{}")
    return files


FILES = ("a.tar", "b.tar", "run.sh")


@pytest.mark.parametrize("names", [FILES, FILES[:2], ("a.tar", "b.tar", "run.sh", "ocix/y", "oc")])
def test_an_unpacked_image_that_a_list_does_not_name(folder: Path, names: Sequence[str]) -> None:
    (folder / "ocix").mkdir()
    (folder / "ocix" / "y").write_text("y")
    (folder / "oc").write_text("x")
    unpacked(folder)
    Path("x.sums").write_text(sums(*(folder / name for name in names), folder=folder))
    assert ("error", "IMG812", "in/oci") in said("in", "--lock", "x.sums", code=1)
    assert held("in", "--lock", "x.sums") == []


def test_of_an_unpacked_image_all_files_are_listed_or_told(folder: Path) -> None:
    files = unpacked(folder)
    (folder / "oci" / "c.tar").write_bytes(archive("c"))
    every = [*(folder / name for name in FILES), *files, folder / "oci" / "c.tar"]
    Path("x.sums").write_text(sums(*every, folder=folder))
    assert said("in", "--lock", "x.sums", code=0) == []
    assert held("in", "--lock", "x.sums") == ["lock: all 8 of x.sums arrived"]
    Path("x.sums").write_text(sums(*(each for each in every if each.name != "evil.tar"), folder=folder))
    assert said("in", "--lock", "x.sums", code=1) == [("error", "IMG812", "in/oci/blobs/sha256/evil.tar")]
    files[-1].rename(folder / "oci" / "index.json")
    assert said("in", "--lock", "x.sums", code=0) == []
    Path("x.sums").write_text(sums(*(folder / name for name in FILES), folder / "oci" / "c.tar", folder=folder))
    assert said("in", "--lock", "x.sums", code=1) == [("error", "IMG812", "in/oci")]


def test_what_is_moved_into_an_unpacked_image_has_arrived(folder: Path) -> None:
    files = unpacked(folder)
    Path("x.sums").write_text(sums(*(folder / name for name in FILES), *files[:3], folder=folder))
    files[3].unlink()
    (folder / "run.sh").rename(files[3])
    assert said("in", "--lock", "x.sums", code=0) == [("note", "IMG815", "in/oci/blobs/sha256/evil.tar")]


def test_with_a_lock_folders_that_are_not_looked_into_are_a_warning(folder: Path) -> None:
    assert invoke("lock", "in", "-o", "x.lock").exit_code == 0
    unpacked(folder)
    Path("elsewhere").mkdir()
    (folder / "away").symlink_to(Path("elsewhere").absolute())
    wanted = [("warning", "IMG812", "in/away"), ("warning", "IMG812", "in/oci")]
    assert sorted(said("in", "--lock", "x.lock", code=0)) == wanted
    assert held("in", "--lock", "x.lock") == []


def test_a_link_to_a_folder_that_a_list_does_not_name(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "c.txt").write_text("c")
    (folder / "link").symlink_to("deep")
    files = [*(folder / name for name in FILES), folder / "deep" / "c.txt"]
    Path("x.sums").write_text(sums(*files, folder=folder))
    assert said("in", "--lock", "x.sums", code=1) == [("error", "IMG812", "in/link")]
    Path("x.sums").write_text(sums(*files, folder / "link" / "c.txt", folder=folder))
    assert said("in", "--lock", "x.sums", code=0) == []
    for each in (folder / "deep" / "c.txt", folder / "run.sh"):
        each.unlink()
    Path("x.sums").write_text(sums(*files[:2], folder=folder))
    assert said("in", "--lock", "x.sums", code=0) == [("warning", "IMG812", "in/link")]


def test_references_say_nothing_of_folders(folder: Path) -> None:
    image = document(invoke("verify", "in/a.tar", "-f", "json"))["archives"][0]["images"][0]["image_id"]
    unpacked(folder)
    Path("images.txt").write_text(f"a:1@{image}\n")
    assert said("in", "--lock", "images.txt", code=0) == []


# ------------------------------------------------------------------------------------------------ nothing at all


@pytest.mark.parametrize("form", list(FORMATS))
def test_of_an_empty_folder_everything_is_missing(folder: Path, form: str) -> None:
    assert invoke("lock", "in", "-o", "x.lock").exit_code == 0
    Path("empty").mkdir()
    result = invoke("verify", "empty", "--lock", "x.lock", "-f", form)
    assert (result.exit_code, result.stderr) == (1, "")
    assert "IMG811" in result.stdout
    assert all(name in result.stdout for name in ("a.tar", "b.tar"))
    assert invoke("verify", "empty", "-f", form).exit_code == 2


@pytest.mark.parametrize("empty", ["empty", "./empty/", "empty//"])
def test_an_empty_folder_is_no_answer_whatever_others_hold(folder: Path, empty: str) -> None:
    Path("empty").mkdir()
    for command in ("verify", "digest", "inspect", "signatures"):
        result = invoke(command, "in/a.tar", empty, "-q")
        assert (result.exit_code, result.stderr) == (2, f"imgforensics: no archive in {empty}\n"), command
    assert invoke("verify", empty, "in", "-q").exit_code == 2
    assert invoke("lock", "in", empty, "-o", "x.lock").exit_code == 2
    assert not Path("x.lock").exists()
    assert invoke("lock", "in", "-o", "x.lock").exit_code == 0
    assert invoke("verify", "in", empty, "--lock", "x.lock").exit_code == 0
    (Path("empty") / "note.txt").write_text("no archive")
    told = invoke("verify", "in", empty, "-q")
    assert told.exit_code == 2
    assert "1 file skipped, the first: " in told.stderr
    assert "note.txt" in told.stderr
    assert "run.sh" not in told.stderr
    assert invoke("verify", "in", empty, "--skip-others").exit_code == 0


def test_a_folder_holds_what_lies_below_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "a.tar").rename(folder / "deep" / "er" / "a.tar")
    (folder / "oci").mkdir()
    (folder / "oci" / "oci-layout").write_text("{}")
    Path("link").symlink_to(folder)
    for paths in (["in", "in/deep"], [".", "in/deep/er", "in//"], ["link", str(folder)], ["/".join([str(folder), ""])]):
        result = invoke("verify", *paths, "-q")
        assert (result.exit_code, result.stderr) == (0, ""), paths
    monkeypatch.chdir(folder)
    assert invoke("verify", ".", "deep/er/a.tar", "-q").exit_code == 0


def test_lock_tells_what_it_leaves_out(folder: Path) -> None:
    for number in range(22):
        (folder / f"oci{number}").mkdir()
        (folder / f"oci{number}" / "oci-layout").write_text("{}")
    Path("elsewhere").mkdir()
    (folder / "away").symlink_to(Path("elsewhere").absolute())
    result = invoke("lock", "in", "-o", "x.lock")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    unpacked = "not locked: an unpacked OCI layout; pack it first: tar -C in/oci0 -cf image.tar ."
    assert f"imgforensics: in/oci0: {unpacked}" in lines
    assert "imgforensics: in/away: not locked: a link to a directory, which is not followed" in lines
    assert lines[-2:] == [
        "imgforensics: 3 more folders like that, not locked",
        "imgforensics: 1 file skipped, no image archives: not locked",
    ]


def test_lock_of_nothing_says_what_there_is(folder: Path) -> None:
    for each in folder.glob("*.tar"):
        each.unlink()
    result = invoke("lock", "in")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("imgforensics: no archive in in; 1 file skipped, the first: in/run.sh: ")
    (folder / "manifest.json").write_text("[]")
    (folder / "repositories").write_text("{}")
    assert "pack it first" in invoke("lock", "in").stderr


def test_a_folder_that_is_not_there_is_no_empty_one(folder: Path) -> None:
    assert invoke("lock", "in", "-o", "x.lock").exit_code == 0
    assert invoke("verify", "nowhere", "--lock", "x.lock").exit_code == 2


# ------------------------------------------------------------------------------------------- an earlier report


def test_a_link_to_the_list_is_not_the_list(folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")
    (folder / "install.sh").write_text("run")
    files = [each for each in folder.rglob("*") if each.is_file()]
    lines = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.relative_to(folder)}\n" for each in files]
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(lines))
    assert said("in", "--lock", "in/SHA256SUMS", code=0) == []
    (folder / "install.sh").unlink()
    (folder / "install.sh").symlink_to("SHA256SUMS")
    (folder / "notes.txt").unlink()
    os.link(sums, folder / "notes.txt")
    assert said("in", "--lock", "in/SHA256SUMS", code=1) == [
        ("error", "IMG813", "in/install.sh"),
        ("error", "IMG813", "in/notes.txt"),
    ]


def test_what_lies_behind_a_linked_folder_has_not_arrived(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (folder / "a.tar").rename(outside / "a.tar")
    (folder / "more").symlink_to(outside)
    digest = hashlib.sha256((outside / "a.tar").read_bytes()).hexdigest()
    Path("one.sums").write_text(f"{digest}  more/a.tar\n")
    for each in folder.glob("*.tar"):
        each.unlink()
    result = invoke("verify", "in", "--lock", "one.sums")
    assert result.exit_code == 1
    assert "IMG811" in result.stdout
    assert "arrived, and nothing else" not in result.stdout


def test_a_report_of_an_interrupted_run_is_no_baseline(folder: Path) -> None:
    assert invoke("verify", "in", "-f", "json", "-o", "old.json").exit_code == 0
    assert invoke("verify", "in", "--baseline", "old.json").exit_code == 0
    report = json.loads(Path("old.json").read_text())
    report["summary"]["interrupted"] = True
    lines = [*report["archives"], {"about_all": [{"code": "IMG831"}]}]
    for text in (json.dumps(report, indent=2), "".join(json.dumps(each) + "\n" for each in lines)):
        Path("old.json").write_text(text)
        result = invoke("verify", "in", "--baseline", "old.json")
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert "old.json: its run was interrupted" in result.stderr


@pytest.mark.parametrize("command", ["inspect", "signatures"])
def test_a_report_of_another_command_is_no_baseline(folder: Path, command: str) -> None:
    assert invoke(command, "in", "-f", "json", "-o", "old.json").exit_code == 0
    result = invoke("verify", "in", "--baseline", "old.json")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert f"old.json: a report of '{command}'" in result.stderr
