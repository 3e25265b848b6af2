"""Many archives: what is found, in which order, what is passed over and why, and that none stops the others."""

import bz2
import gzip
import io
import json
import lzma
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imgforensics import Options, Verdict, batch
from imgforensics.analysis import analyze_archive
from imgforensics.findings import Skipped
from imgforensics.inflate import Inflater
from imgforensics.rendering import FORMATS
from imgforensics.report import ArchiveReport
from tests import builder
from tests.test_cli import invoke

GOOD = builder.archive("crane")
EVIL = GOOD.replace(b"hello", b"owned")
PLAIN_TAR = builder.tar([builder.Entry("readme.txt", b"hello")])


def put(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def found(*paths: Path | str) -> list[str | Skipped]:
    return list(batch.discover([str(path) for path in paths]))


def as_it_is(_: batch.Task, result: batch.Result) -> batch.Result:
    return result


def results(*paths: Path | str, stdin: io.BytesIO | None = None) -> list[ArchiveReport | Skipped]:
    given = [str(path) for path in paths]
    return list(batch.run(batch.tasks(batch.discover(given), Options(), given), as_it_is, stdin=stdin))


def test_a_directory_is_walked_in_sorted_order(tmp_path: Path) -> None:
    names = ["b.tar", "a.tar", "sub/z.tar", "sub/a.tar", "a-sub/1.tar", "Z.tar"]
    put(tmp_path, dict.fromkeys(names, GOOD))
    expected = ["Z.tar", "a.tar", "b.tar", "a-sub/1.tar", "sub/a.tar", "sub/z.tar"]
    assert found(tmp_path) == [str(tmp_path / name) for name in expected]


def test_paths_come_in_the_order_given(tmp_path: Path) -> None:
    put(tmp_path, {"z.tar": GOOD, "a.tar": GOOD, "dir/m.tar": GOOD})
    given: list[Path | str] = [tmp_path / "z.tar", tmp_path / "dir", tmp_path / "a.tar", "-", tmp_path / "gone.tar"]
    assert found(*given) == [
        str(tmp_path / "z.tar"),
        str(tmp_path / "dir" / "m.tar"),
        str(tmp_path / "a.tar"),
        "-",
        str(tmp_path / "gone.tar"),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "nothing"),
        (b"hello\n", "text"),
        (b'{"a": 1}', "a JSON document"),
        (b"PK\x03\x04rest", "a zip file"),
        (bytes(4096), "zero bytes"),
        (gzip.compress(b"hello", mtime=0), "gzip around text"),
        (bz2.compress(b"hello"), "bzip2 around text"),
        (lzma.compress(b"hello"), "xz around text"),
        (b"\x04\x22\x4d\x18" + bytes(20), "an lz4 stream"),
        (b"\xfe\x01\x02\x03" * 200, "unknown data"),
    ],
)
def test_what_is_no_tar_is_skipped_with_what_it_is_instead(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(data)
    assert found(tmp_path) == [Skipped(str(path), words)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, builder.zstd])
@pytest.mark.parametrize("layout", ["docker_legacy", "oci_archive"])
def test_an_archive_is_found_by_content_in_any_compression(
    tmp_path: Path, pack: Callable[[bytes], bytes], layout: str
) -> None:
    path = tmp_path / "no-suffix"
    path.write_bytes(pack(builder.archive(layout)))
    assert found(tmp_path) == [str(path)]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, builder.zstd])
def test_looking_inside_a_compressed_file_stops_early(
    tmp_path: Path, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "zeros"
    path.write_bytes(pack(GOOD + bytes(64 << 20)) if pack is not builder.zstd else pack(GOOD + bytes(4 << 20)))
    seen = []

    class Counting(Inflater):
        def feed(self, data: Any) -> Any:
            for chunk in super().feed(data):
                seen.append(len(chunk))
                yield chunk

    monkeypatch.setattr("imgforensics.archive.Inflater", Counting)
    assert found(tmp_path) == [str(path)]
    assert sum(seen) <= 2 << 20


def test_a_tar_without_an_image_is_skipped_where_found_and_an_error_where_named(tmp_path: Path) -> None:
    path = put(tmp_path, {"plain.tar": PLAIN_TAR}) / "plain.tar"
    (skipped,) = results(tmp_path)
    assert isinstance(skipped, Skipped)
    assert skipped.path == str(path)
    assert "no image" in skipped.reason
    (failed,) = results(path)
    assert isinstance(failed, ArchiveReport)
    assert failed.verdict is Verdict.UNREADABLE
    assert failed.error
    assert "no image" in failed.error


def test_what_is_no_regular_file_is_skipped(tmp_path: Path) -> None:
    put(tmp_path, {"good.tar": GOOD})
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    skipped = [each for each in found(tmp_path) if isinstance(each, Skipped)]
    reasons = {os.path.basename(each.path): each.reason for each in skipped}
    assert reasons.pop("fifo", "no regular file") == "no regular file"
    assert reasons == {"gone": "a link that leads nowhere"}


def test_what_should_be_an_archive_and_cannot_be_read_is_no_answer_not_skipped(tmp_path: Path) -> None:
    put(tmp_path, {"good.tar": GOOD, "empty.tar": b"", "broken.TGZ": b"\0" * 600, "cut.tar.zst": b"(", "text": b"text"})
    put(tmp_path, {"pointer.tar.xz": b"version https://git-lfs.github.com/spec/v1\n", "short.tbz2": b"BZ"})
    (tmp_path / "link.tar").symlink_to(tmp_path / "nowhere")
    answers = {Path(each.path).name: each for each in results(tmp_path)}
    assert isinstance(answers.pop("text"), Skipped)
    errors = {name: each.error for name, each in answers.items() if isinstance(each, ArchiveReport)}
    assert errors.pop("good.tar") is None
    assert set(errors) == {"empty.tar", "broken.TGZ", "cut.tar.zst", "link.tar", "pointer.tar.xz", "short.tbz2"}
    assert errors["empty.tar"] == "the file is empty"
    assert "No such file" in str(errors["link.tar"])
    assert "no tar archive" in str(errors["broken.TGZ"])
    named = [str(tmp_path / name) for name in ("empty.tar", "good.tar")]
    (skipped, _) = list(batch.discover(named, skip_others=True))
    assert isinstance(skipped, Skipped)  # as it was asked


def test_what_macos_puts_beside_a_file_is_skipped_by_name_and_content(tmp_path: Path) -> None:
    put(
        tmp_path,
        {"a.tar": GOOD, "._a.tar": b"\0\x05\x16\x07" + bytes(100), "._b.tar": b"text", "c.tar": b"\0\x05\x16\x07"},
    )
    assert [each for each in found(tmp_path) if isinstance(each, Skipped)] == [
        Skipped(str(tmp_path / "._a.tar"), "unknown data")
    ]


def test_what_vanishes_while_it_is_looked_for_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"a.tar": GOOD, "b": GOOD, "c.tar": GOOD})
    steps = batch.run(batch.tasks(batch.discover([str(tmp_path)]), Options()), as_it_is)
    first = next(steps)
    assert isinstance(first, ArchiveReport)
    (tmp_path / "b").unlink()
    second, third = steps
    assert isinstance(second, ArchiveReport)
    assert "No such file" in str(second.error)
    assert isinstance(third, ArchiveReport)
    assert third.error is None


def test_links_to_files_are_followed_and_links_to_directories_are_not(tmp_path: Path) -> None:
    put(tmp_path, {"in/real.tar": GOOD, "else/where.tar": GOOD})
    (tmp_path / "in" / "link.tar").symlink_to(tmp_path / "else" / "where.tar")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    assert found(tmp_path / "in") == [
        str(tmp_path / "in" / "link.tar"),
        Skipped(str(tmp_path / "in" / "loop"), "a link to a directory, which is not followed"),
        str(tmp_path / "in" / "real.tar"),
    ]


def test_a_nested_unpacked_layout_is_one_skip_that_says_how_to_pack_it(tmp_path: Path) -> None:
    layout = {"oci-layout": builder.LAYOUT, "index.json": b"{}", "blobs/sha256/00": GOOD}
    put(tmp_path, {"image.tar": GOOD, **{f"layout/{name}": data for name, data in layout.items()}})
    first, second = found(tmp_path)
    assert first == str(tmp_path / "image.tar")
    assert isinstance(second, Skipped)
    assert second.path == str(tmp_path / "layout")
    assert "tar -C" in second.reason


@pytest.mark.parametrize("names", [("oci-layout", "index.json"), ("index.json",), ("manifest.json",)])
def test_an_unpacked_archive_by_name_is_an_error_that_says_how_to_pack_it(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    put(tmp_path, dict.fromkeys(names, b"{}"))
    (report,) = (each for each in results(tmp_path) if isinstance(each, ArchiveReport))
    assert report.error is not None
    assert report.error.endswith(f"pack it first: tar -C {tmp_path} -cf image.tar .")


def test_no_archive_stops_the_others(tmp_path: Path) -> None:
    put(tmp_path, {"1.tar": GOOD, "2.tar": b"text", "4.tar": builder.archive("docker25"), "5.tar": GOOD[:512]})
    paths = [tmp_path / f"{number}.tar" for number in range(1, 6)]
    reports = [each for each in results(*paths) if isinstance(each, ArchiveReport)]
    assert [each.path for each in reports] == [str(path) for path in paths]
    assert [each.error is None for each in reports] == [True, False, False, True, reports[4].error is None]
    assert reports[3].verdict is Verdict.INTACT


def test_a_bug_costs_one_archive_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"1.tar": GOOD, "2.tar": GOOD, "3.tar": GOOD})
    real = analyze_archive

    def sometimes(source: Any, options: Any, progress: Any = None) -> Any:
        if str(source).endswith("2.tar"):
            raise ZeroDivisionError("oops")
        return real(source, options, progress=progress)

    monkeypatch.setattr(batch, "analyze_archive", sometimes)
    reports = [each for each in results(tmp_path) if isinstance(each, ArchiveReport)]
    assert [each.verdict for each in reports] == [Verdict.INTACT, Verdict.UNREADABLE, Verdict.INTACT]
    assert reports[1].error == "internal error, please report it: ZeroDivisionError: oops"


def test_standard_input_is_what_is_handed_in() -> None:
    (report,) = results("-", stdin=io.BytesIO(gzip.compress(GOOD, mtime=0)))
    assert isinstance(report, ArchiveReport)
    assert (report.path, report.verdict) == ("-", Verdict.INTACT)


def test_a_watcher_is_made_for_each_archive_and_told_all_bytes(tmp_path: Path) -> None:
    put(tmp_path, {"1.tar": GOOD, "2.tar.gz": gzip.compress(GOOD, mtime=0)})
    told: dict[str, list[int]] = {}

    class Watcher:
        def __init__(self, path: str) -> None:
            self.sums = told.setdefault(os.path.basename(path), [0, 0])

        def expect(self, size: int) -> None:
            self.sums[0] += size

        def advance(self, size: int) -> None:
            self.sums[1] += size

    list(batch.run(batch.tasks(batch.discover([str(tmp_path)]), Options()), as_it_is, progress=Watcher))
    assert list(told) == ["1.tar", "2.tar.gz"]
    assert all(expected == advanced > 0 for expected, advanced in told.values())


def test_a_directory_that_cannot_be_listed_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"a.tar": GOOD})
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def scan(folder: str) -> Any:
        if folder.endswith("closed"):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", scan)
    for given in (tmp_path, tmp_path / "closed"):
        *_, closed = results(given)
        assert isinstance(closed, ArchiveReport)
        assert (closed.path, closed.verdict) == (str(tmp_path / "closed"), Verdict.UNREADABLE)
        assert closed.error == "a directory that cannot be listed: Permission denied"


def test_folders_may_nest_as_deep_as_they_like(tmp_path: Path) -> None:
    depth = sys.getrecursionlimit() + 200
    put(tmp_path, {"z.tar": GOOD})
    handle = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    put(tmp_path, {"d/d/d/deep.tar": GOOD})
    try:
        assert found(tmp_path) == [str(tmp_path / "z.tar"), str(tmp_path / "d/d/d/deep.tar")]
    finally:
        (tmp_path / "d/d/d/deep.tar").unlink()
        for _ in range(depth - 1):  # what removes temporary folders recurses
            (tmp_path / "d/d").rename(tmp_path / "e")
            (tmp_path / "d").rmdir()
            (tmp_path / "e").rename(tmp_path / "d")


@pytest.mark.parametrize("name", ["a" * 5000, "x\0y", "/".join(["d" * 200] * 50)])
def test_a_path_that_no_file_can_have_costs_the_others_nothing(tmp_path: Path, name: str) -> None:
    put(tmp_path, {"good.tar": GOOD})
    bad, good = results(name, str(tmp_path / "good.tar"))
    assert isinstance(bad, ArchiveReport)
    assert isinstance(good, ArchiveReport)
    assert (bad.verdict, good.verdict) == (Verdict.UNREADABLE, Verdict.INTACT)
    assert "internal error" not in (bad.error or "")


@pytest.mark.parametrize("stray", ["index.json", "manifest.json"])
@pytest.mark.parametrize("place", ["", "sub/"])
def test_a_stray_document_hides_no_archive_beside_it(tmp_path: Path, stray: str, place: str) -> None:
    put(tmp_path, {f"{place}{stray}": b"{}", f"{place}a.tar": GOOD, "b.tar": GOOD})
    archives = [each for each in found(tmp_path) if isinstance(each, str)]
    assert sorted(archives) == sorted([str(tmp_path / f"{place}a.tar"), str(tmp_path / "b.tar")])


def test_archives_beside_the_parts_of_an_unpacked_one_are_looked_at(tmp_path: Path) -> None:
    layout = {"oci-layout": builder.LAYOUT, "index.json": b"{}", "blobs/sha256/00": GOOD}
    put(tmp_path, {**layout, "a.tar": GOOD, "sub/b.tar": GOOD, f"{'0' * 64}/layer.tar": GOOD})
    assert found(tmp_path) == [str(tmp_path), str(tmp_path / "a.tar"), str(tmp_path / "sub" / "b.tar")]
    first, second, third = (each for each in results(tmp_path) if isinstance(each, ArchiveReport))
    assert (first.error or "").startswith("an unpacked OCI layout; pack it first")
    assert (second.verdict, third.verdict) == (Verdict.INTACT, Verdict.INTACT)


def test_parts_of_an_unpacked_archive_are_what_is_passed_over(tmp_path: Path) -> None:
    layout = {
        "oci-layout": builder.LAYOUT,
        "index.json": b"{}",
        "blobs/sha256/00": GOOD,
        "blobs/x/blobs/index.json": b"",
    }
    others = {"a.tar": GOOD, "note.txt": b"note", "sub/b.tar": GOOD, "manifest.json/c.txt": b"note", "0" * 64: b"file"}
    put(tmp_path / "oci", {**layout, **others})
    (tmp_path / "oci" / "blobs" / "link").symlink_to(tmp_path)
    seen = [each.path if isinstance(each, Skipped) else each for each in found(tmp_path / "oci")]
    passed = list(batch.parts(str(tmp_path / "oci")))
    assert passed == [
        str(tmp_path / "oci" / name)
        for name in ("index.json", "oci-layout", "blobs/link", "blobs/x/blobs/index.json", "blobs/sha256/00")
    ]
    assert not set(seen) & set(passed)
    files = {str(path) for path in (tmp_path / "oci").rglob("*") if not path.is_dir() or path.is_symlink()}
    assert {*seen, *passed} == {*files, str(tmp_path / "oci")}
    (tmp_path / "link").symlink_to("oci")
    assert list(batch.parts(str(tmp_path / "link"))) == []


def test_others_are_skipped_where_they_are_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("image.tar").write_bytes(builder.archive("crane"))
    Path("text.tar").write_text("version https://git-lfs.github.com/spec/v1\n")
    Path("notes.tar").write_bytes(builder.tar([builder.Entry("notes.txt", b"hello")]))
    named = ["image.tar", "text.tar", "notes.tar"]
    assert invoke("verify", *named).exit_code == 2
    report = json.loads(invoke("verify", *named, "--skip-others", "-f", "json").stdout)
    assert [each["path"] for each in report["archives"]] == ["image.tar"]
    assert [each["path"] for each in report["skipped"]] == ["text.tar", "notes.tar"]
    for form in FORMATS:
        nothing = invoke("verify", *named[1:], "--skip-others", "-f", form)
        assert (nothing.exit_code, nothing.stderr) == (0, "")
    assert invoke("verify", "gone.tar", "notes.tar", "--skip-others").exit_code == 2
    assert invoke("verify", ".", "--skip-others").exit_code == 0
