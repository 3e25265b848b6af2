"""What is shown while a run lasts."""

import io
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from imgforensics import batch, progress, tally
from imgforensics.batch import Task
from imgforensics.cli import app
from imgforensics.findings import Skipped
from imgforensics.limits import MIB
from imgforensics.progress import far
from imgforensics.report import Options
from imgforensics.tally import Tally
from tests import builder
from tests.builder import ImageSpec


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        layer = builder.tar([builder.Entry("a", os.urandom(2 * MIB))])
        spec = ImageSpec(layers=[layer], tags=[f"example.com/app{number}:1"])
        (folder / f"{number}.tar").write_bytes(builder.tar(builder.docker_legacy([spec])))
    return folder


@pytest.mark.parametrize(
    ("done", "total", "seconds", "words"),
    [
        (0, None, 0.0, "0 MiB, 0 MiB/s"),
        (0, 100 * MIB, 10.0, "0 of 100 MiB, 0 MiB/s"),
        (2, 100 * MIB, 1.0, "0 of 100 MiB, 0 MiB/s"),
        (50 * MIB, None, 10.0, "50 MiB, 5 MiB/s"),
        (50 * MIB, 100 * MIB, 10.0, "50 of 100 MiB, 5 MiB/s, 0:00:10 left"),
        (MIB, 7201 * MIB, 1.0, "1 of 7201 MiB, 1 MiB/s, 2:00:00 left"),
        (MIB, 2**63 - 1, 30.0, f"1 of {2**43 - 1} MiB, 0 MiB/s"),
        (7 * MIB, 5 * MIB, 1.0, "7 of 5 MiB, 7 MiB/s, 0:00:00 left"),
    ],
)
def test_how_far_a_run_is_in_words(done: int, total: int | None, seconds: float, words: str) -> None:
    assert far(done, total, seconds) == words


def told_by(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[str]:
    """Lines on standard error, where that is no terminal and every look is told."""
    monkeypatch.setattr(progress, "_LINES", 0)
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    app(["verify", *arguments, "--progress", "-f", "json", "-o", os.devnull], standalone_mode=False)
    return stderr.getvalue().splitlines()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_lines_of_a_run_over_many_tell_archives_bytes_rate_and_time_left(
    archives: Path, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    lines = told_by(monkeypatch, str(archives), "-j", jobs)
    pattern = r"imgforensics: \d archives?, \d+( of 6)? MiB, \d+ MiB/s(, \d:\d\d:\d\d left)?"
    assert lines
    assert [line for line in lines if not re.fullmatch(pattern, line)] == []
    assert any(line.endswith("0:00:00 left") for line in lines)


def test_lines_about_one_archive_name_it(archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = told_by(monkeypatch, str(archives / "1.tar"))
    assert lines
    assert [line for line in lines if not line.startswith("imgforensics: 1.tar: ")] == []
    assert lines[-1].startswith("imgforensics: 1.tar: 4 of 4 MiB, ")
    assert lines[-1].endswith(", 0:00:00 left")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
@pytest.mark.parametrize(("names", "size"), [(["0.tar"], 4), (["."], 6)])
def test_at_a_terminal_a_bar_tells_how_much_there_is(
    archives: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], size: int
) -> None:
    ours, theirs = os.openpty()
    shown = bytearray()

    def read() -> None:
        try:
            while piece := os.read(ours, 65536):
                shown.extend(piece)
        except OSError:  # the other end is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    for name in ("TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        paths = [str(archives / name) for name in names]
        app(["verify", *paths, "-f", "json", "-o", os.devnull, "-j", "1"], standalone_mode=False)
    reader.join()
    os.close(ours)
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", bytes(shown)).decode()
    assert re.search(rf"/{size}\.\d MiB", text)
    assert "0:00:0" in text


class Seen:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int, int | None]] = []

    def __call__(self, archives: int, done: int, total: int | None) -> None:
        self.told.append((archives, done, total))


@pytest.fixture
def counted(archives: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Tally, Seen, list[Task], int]:
    class Now:
        """A thread that does its work at once."""

        def __init__(self, target: Any, args: Any, daemon: bool) -> None:
            assert daemon
            self.start = lambda: target(*args)

    monkeypatch.setattr(tally, "Thread", Now)
    seen = Seen()
    tasks = [Task(str(path), Options(), named=False) for path in sorted(archives.iterdir())]
    return Tally(seen, [str(archives)]), seen, tasks, batch.size(tasks[0].path)


def test_what_is_under_way_counts_by_what_was_read(counted: tuple[Tally, Seen, list[Task], int]) -> None:
    count, seen, tasks, size = counted
    count.look(0)
    for task in tasks[:2]:
        count.begin(task)
    count.look(size)
    count.end(tasks[0], "fine")
    count.look(size)  # what has ended counts, whatever was read of it
    count.look(100 * size)  # and no more than has begun
    assert seen.told == [
        (0, 0, 3 * size),
        (0, size // 2, 3 * size),
        (1, size, 3 * size),
        (1, 2 * size, 3 * size),
    ]


def test_what_was_known_or_is_skipped_is_no_work(counted: tuple[Tally, Seen, list[Task], int]) -> None:
    count, seen, tasks, size = counted
    skipped = Skipped(tasks[0].path, "text")
    known = Task(tasks[0].path, Options(), named=False, ready=skipped)
    count.begin(known)
    count.end(known, skipped)
    count.begin(tasks[1])
    count.end(tasks[1], "fine")
    count.look(2 * size)
    assert seen.told == [(1, size, 2 * size)]


def test_the_extent_is_that_of_all_files(archives: Path) -> None:
    size = sum(path.stat().st_size for path in archives.iterdir())
    assert batch.extent([str(archives)]) == size
    assert batch.extent([str(archives / "0.tar"), str(archives / "gone.tar"), "-", "a\0b"]) == size // 3
    inner = archives / "layout" / "blobs"
    inner.mkdir(parents=True)
    for name in ("layout/oci-layout", "layout/index.json", "layout/blobs/own"):
        (archives / name).write_bytes(b"own")
    (archives / "layout" / "other").write_bytes(b"beside")
    assert batch.extent([str(archives)]) == size + len(b"beside")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
@pytest.mark.parametrize(("kind", "moves"), [("xterm", True), ("dumb", False)])
def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch, kind: str, moves: bool) -> None:
    ours, theirs = os.openpty()
    for name in ("TTY_COMPATIBLE", "TTY_INTERACTIVE", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", kind)
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        assert progress._moves() is moves
    os.close(ours)
