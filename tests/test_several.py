"""Many archives: side by side as one by one, resumed after any end, on a cluster, locked and compared."""

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imgforensics import analyze, batch, pool, several
from imgforensics.batch import Task, examine_in_pool
from imgforensics.interrupts import held_back
from imgforensics.rendering import FORMATS
from imgforensics.report import ArchiveReport, Options
from imgforensics.reportstore import pack, unpack
from tests import builder
from tests.builder import ImageSpec
from tests.test_cli import document, invoke

COMMAND = [sys.executable, "-m", "imgforensics"]
GUARD = 300
"""Seconds after which something hangs."""


def archive(number: int, *, damaged: bool = False) -> bytes:
    layers = [builder.layer({f"file{number}": bytes(200 + number)}), builder.two_layers()[0]]
    entries = builder.docker_legacy([ImageSpec(layers=layers, tags=[f"example.com/app{number}:1"])])
    if damaged:
        builder.swap_layer(entries)
    return builder.tar(entries)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve archives, one of them damaged, and a file that is none."""
    inside = tmp_path / "in"
    (inside / "deep").mkdir(parents=True)
    for number in range(12):
        place = inside / "deep" if number % 2 else inside
        (place / f"{number:02}.tar").write_bytes(archive(number, damaged=number == 7))
    (inside / "note.txt").write_text("no archive")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return inside


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "sarif", "junit", "html"])
def test_side_by_side_gives_the_bytes_of_one_by_one(folder: Path, form: str) -> None:
    alone = invoke("verify", "in", "-f", form, "-j", "1")
    together = invoke("verify", "in", "-f", form, "-j", "2")
    assert together.stdout == alone.stdout
    assert together.exit_code == alone.exit_code == 1


@pytest.fixture
def together(folder: Path) -> list[str]:
    """Options by which the archives of the folder are also held against a lock and an earlier report."""
    assert invoke("lock", "in", "--any", "-o", "transfer.lock").exit_code == 0
    assert invoke("verify", "in", "-f", "json", "-o", "old.json").exit_code == 1
    (folder / "00.tar").unlink()
    (folder / "copy.tar").write_bytes((folder / "02.tar").read_bytes())
    return ["verify", "in", "--lock", "transfer.lock", "--baseline", "old.json"]


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_said_of_all_does_not_depend_on_how_they_are_looked_at(together: list[str], form: str) -> None:
    for more in ([], ["--resume", "state"]):  # custody tells of a state file, and nothing else may differ
        alone, again, side_by_side = (
            invoke(*together, "-f", form, *more, "-j", jobs).stdout for jobs in ("1", "1", "2")
        )
        assert "IMG811" in alone
        assert alone == again == side_by_side


def test_digests_come_out_alike(folder: Path) -> None:
    alone, together = (invoke("digest", "in", "-f", "json", "-j", jobs, "--no-ledger") for jobs in ("1", "2"))
    assert together.stdout == alone.stdout
    assert alone.exit_code == 0 or alone.exit_code == 1


# --------------------------------------------------------------------------------------------------------- resuming


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    looked: list[str] = []
    real = batch.examine

    def count(task: Task, *arguments: Any, **named: Any) -> Any:
        if task.ready is None:
            looked.append(task.path)
        return real(task, *arguments, **named)

    monkeypatch.setattr(batch, "examine", count)
    return looked


def test_a_second_run_looks_at_nothing_that_is_unchanged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = counted(monkeypatch)
    first = invoke("verify", "in", "-f", "json", "-j", "1", "--resume", "state")
    assert len(looked) == 12
    second = invoke("verify", "in", "-f", "json", "-j", "1", "--resume", "state")
    assert len(looked) == 12
    assert second.stdout == first.stdout
    assert second.exit_code == first.exit_code == 1
    assert invoke("verify", "in", "-f", "html", "-j", "1", "--resume", "state").stdout.startswith("<!")
    assert len(looked) == 12


def test_what_changed_is_looked_at_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = counted(monkeypatch)
    invoke("verify", "in", "-j", "1", "--resume", "state")
    changed, touched = folder / "00.tar", folder / "02.tar"
    changed.write_bytes(archive(0, damaged=True))
    os.utime(touched, ns=(1, 1))
    looked.clear()
    report = document(invoke("verify", "in", "-f", "json", "-j", "1", "--resume", "state"))
    assert looked == ["in/00.tar"]
    assert report["archives"][0]["verdict"] == "tampered"


def test_rehash_trusts_content_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = counted(monkeypatch)
    invoke("verify", "in", "-j", "1", "--resume", "state")
    changed = folder / "00.tar"
    before = changed.stat()
    content = bytearray(changed.read_bytes())
    content[-2000] ^= 1
    changed.write_bytes(content)
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    looked.clear()
    invoke("verify", "in", "-j", "1", "--resume", "state")
    assert looked == []
    invoke("verify", "in", "-j", "1", "--resume", "state", "--rehash")
    assert looked == ["in/00.tar"]
    assert invoke("verify", "in", "--rehash").exit_code == 2


def test_a_path_from_another_folder_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, damaged in (("r1", False), ("r2", True)):
        (tmp_path / name).mkdir()
        content = archive(0)
        (tmp_path / name / "x.tar").write_bytes(content.replace(b"file0", b"evil0") if damaged else content)
        os.utime(tmp_path / name / "x.tar", ns=(1, 1))
    state = str(tmp_path / "state")
    for folder, code in (("r1", 0), ("r2", 1)):
        monkeypatch.chdir(tmp_path / folder)
        assert invoke("verify", "x.tar", "--resume", state).exit_code == code
        assert invoke("lock", "x.tar", "-o", "x.lock", "--resume", f"{state}.lock").exit_code == code


def test_an_answer_is_told_under_the_path_as_it_is_given_now(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = counted(monkeypatch)
    state = str(folder.parent / "state")
    invoke("verify", "in", "-j", "1", "--resume", state)
    assert invoke("lock", "in", "--any", "-j", "1", "-o", "1.lock", "--resume", f"{state}.lock").exit_code == 0
    monkeypatch.chdir(folder)
    looked.clear()
    report = document(invoke("verify", ".", "-j", "1", "-f", "json", "--resume", state))
    assert [each["path"] for each in report["archives"]][:2] == ["./00.tar", "./02.tar"]
    assert invoke("lock", ".", "--any", "-j", "1", "-o", "../2.lock", "--resume", f"{state}.lock").exit_code == 0
    assert Path("../1.lock").read_text() == Path("../2.lock").read_text()
    assert looked == []


def test_no_name_of_a_file_is_that_of_another_with_an_expectation(folder: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    name = f"in/x.tar\n{digest}"
    for path in ("in/x.tar", name, "in/\udcff.tar"):
        Path(path).write_bytes(archive(0))
        os.utime(path, ns=(1, 1))
    Path("list").write_text(f"{digest}  in/x.tar\n")
    for path in ("in/\udcff.tar", name):
        for _ in range(2):
            assert invoke("verify", path, "--resume", "state", "--no-ledger").exit_code == 0
    again = invoke("verify", "in/x.tar", "--expect-file", "list", "--resume", "state", "--no-ledger")
    assert again.exit_code == 1, again.output


def test_what_was_touched_is_hashed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    invoke("verify", "in", "-j", "1", "--resume", "state")
    os.utime(folder / "02.tar", ns=(1, 1))
    hashed: list[str] = []
    real = several.digest_of

    def digest_of(path: str) -> str | None:
        hashed.append(path)
        return real(path)

    monkeypatch.setattr(several, "digest_of", digest_of)
    for _ in range(2):
        invoke("verify", "in", "-j", "1", "--resume", "state")
    assert hashed == ["in/02.tar"]


def test_an_answer_does_not_count_for_a_file_that_changes_while_it_is_hashed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = counted(monkeypatch)
    invoke("verify", "in", "-j", "1", "--resume", "state")
    os.utime(folder / "02.tar", ns=(1, 1))
    looked.clear()
    real = several.digest_of

    def digest_of(path: str) -> str | None:
        digest = real(path)
        os.utime(path, ns=(2, 2))
        return digest

    monkeypatch.setattr(several, "digest_of", digest_of)
    invoke("verify", "in", "-j", "1", "--resume", "state")
    assert looked == ["in/02.tar"]


def test_a_state_belongs_to_one_command_and_its_options(folder: Path) -> None:
    invoke("verify", "in", "--resume", "state")
    other = invoke("verify", "in", "--resume", "state", "--fast")
    assert other.exit_code == 2
    assert "other options" in other.stderr
    assert len(other.stderr.splitlines()) == 1


def test_a_run_that_is_killed_leaves_no_process_behind(folder: Path) -> None:
    for number in range(12, 200):
        (folder / f"{number:03}.tar").write_bytes(archive(number))
    command = [*COMMAND, "verify", "in", "-f", "jsonl", "-j", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    for _ in range(GUARD * 10):
        if not runs(process.pid):
            return
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail("some of its processes are still there")


def runs(group: int) -> bool:
    """Whether a process of a group runs. Nobody may collect those that have ended: in a container, say."""
    if not Path("/proc/self/stat").exists():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, 0)
            return True
        return False
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group, *_ = file.read_bytes().rpartition(b")")[2].split()
            if int(its_group) == group and state not in (b"Z", b"X"):
                return True
    return False


ENDLESS = """
import os, signal, time
from imgforensics import batch, run

real_take, real_examine = run._Writing.take, batch.examine

def take(self, result):
    real_take(self, result)
    if self.writer.counts.total() == 3:
        os.kill(os.getpid(), signal.SIGINT)

def examine(task, source=None, progress=None):
    if task.path.endswith("06.tar"):
        while progress is not None:
            progress.advance(0)
            time.sleep(0.01)
    return real_examine(task, source, progress)

run._Writing.take, batch.examine = take, examine
if __name__ == "__main__":
    from imgforensics.__main__ import main
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
"""
"""A run that is interrupted after three results, while a worker process is at an archive that would take for ever."""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_run_gives_up_what_is_under_way_and_leaves_a_valid_report(folder: Path, jobs: str) -> None:
    Path("interrupted.py").write_text(ENDLESS)
    command = [sys.executable, "interrupted.py", "verify", "in", "-f", "json", "-o", "report.json", "-j", jobs]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GUARD)
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr == "imgforensics: interrupted; the report holds what was done until then\n"
    report = json.loads(Path("report.json").read_text())
    assert report["summary"]["interrupted"] is True
    assert [each["path"] for each in report["archives"]] == ["in/00.tar", "in/02.tar", "in/04.tar"]


def interrupted(form: str, *options: str) -> str:
    """The report of a run that was interrupted after three results."""
    Path("interrupted.py").write_text(ENDLESS)
    command = [sys.executable, "interrupted.py", "verify", "in", "-f", form, "-o", "report", "-j", "1", *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GUARD)
    assert ended.returncode == 130, ended.stderr
    return ended.stderr


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "sarif", "junit", "html"])
def test_the_report_of_an_interrupted_run_says_that_it_is_not_whole(folder: Path, form: str) -> None:
    told = interrupted(form, "--attest", "statement.json")
    report = Path("report").read_text()
    assert "IMG831" in report
    assert "interrupted after 3 archives" in report
    assert told.splitlines() == [
        "imgforensics: no statement is written: the run was interrupted",
        "imgforensics: interrupted; the report holds what was done until then",
    ]
    assert not Path("statement.json").exists()
    if form == "html":
        assert "<title>Interrupted, and not all archives are here" in report
    if form == "sarif":
        assert json.loads(report)["runs"][0]["invocations"][0]["executionSuccessful"] is False
    whole = invoke("verify", "in", "-f", form).stdout
    assert "interrupted after" not in whole


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Interrupts are exceptions, though whatever runs these tests may ignore them, which is inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_in_the_middle_of_a_step_comes_behind_it() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), held_back():  # noqa: PT012 - what comes behind is what is tested
        steps.append(1)
        signal.raise_signal(signal.SIGINT)
        steps.append(2)
    assert steps == [1, 2]
    with held_back():
        steps.append(3)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("interruptible")
def test_a_second_interrupt_ends_a_step_that_waits() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), held_back():  # noqa: PT012 - what comes between is what is tested
        signal.raise_signal(signal.SIGINT)
        steps.append(1)
        signal.raise_signal(signal.SIGINT)
        steps.append(2)
    assert steps == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks here")
def test_processes_of_the_pool_see_no_interrupt_however_early(folder: Path) -> None:
    with pool.processes(1) as (executor, _):
        assert executor.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result() >= {signal.SIGINT}
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch pwned",)


def test_a_state_file_runs_nothing(folder: Path) -> None:
    (report,) = analyze(str(folder / "00.tar")).archives
    again = unpack(pack(report))
    assert isinstance(again, ArchiveReport)
    assert again.findings == report.findings
    assert again.case == report.case
    assert unpack(zlib.compress(pickle.dumps(Evil()))) is None
    assert unpack(zlib.compress(pickle.dumps([report]))) is None
    assert unpack(b"no") is None
    assert not Path("pwned").exists()


# ------------------------------------------------------------------------------------------------- about all of them


def test_lock_and_check(folder: Path) -> None:
    (folder / "deep" / "07.tar").unlink()
    assert invoke("lock", "in", "-o", "transfer.lock").exit_code == 0
    assert Path("transfer.lock").read_text().startswith("imgforensics-lock 1\narchive 00.tar\n")
    arrived = invoke("verify", "in", "--lock", "transfer.lock")
    assert arrived.exit_code == 0, arrived.stdout
    (folder / "02.tar").unlink()
    (folder / "new.tar").write_bytes(archive(99))
    report = document(invoke("verify", "in", "--lock", "transfer.lock", "-f", "json"))
    assert [(each["code"], each["subject"]) for each in report["about_all"] if each["severity"] == "error"] == [
        ("IMG811", "02.tar"),
        ("IMG812", "in/new.tar"),
    ]
    table = invoke("verify", "in", "--lock", "transfer.lock")
    assert table.exit_code == 1
    assert "error IMG811 lock-missing: 02.tar" in table.stdout


def test_what_is_not_intact_is_not_locked(folder: Path) -> None:
    refused = invoke("lock", "in", "-o", "transfer.lock")
    assert refused.exit_code == 1
    assert "07.tar: tampered" in refused.stderr
    assert not Path("transfer.lock").exists()
    assert invoke("lock", "in", "--any", "-o", "transfer.lock").exit_code == 0
    assert invoke("lock", "in/note.txt").exit_code == 2


def test_a_reference_that_has_to_be_rebuilt(folder: Path) -> None:
    path = str(folder / "00.tar")
    report = document(invoke("digest", path, "-f", "json", "--no-ledger"))
    likely = report["archives"][0]["images"][0]["registry"]["likely"]
    Path("images.txt").write_text(f"example.com/app0:1@{likely}\n")
    assert invoke("verify", path, "--lock", "images.txt").exit_code == 0
    Path("images.txt").write_text(f"example.com/app0:1@sha256:{'0' * 64}\n")
    assert invoke("verify", path, "--lock", "images.txt").exit_code == 1


def test_a_baseline(folder: Path) -> None:
    invoke("verify", "in", "-f", "json", "-o", "old.json")
    (folder / "00.tar").unlink()
    (folder / "02.tar").write_bytes(archive(2, damaged=True))
    report = document(invoke("verify", "in", "-f", "json", "--baseline", "old.json"))
    assert [(each["code"], each["subject"]) for each in report["about_all"][:2]] == [
        ("IMG822", "in/00.tar"),
        ("IMG823", "in/02.tar"),
    ]
    assert invoke("verify", "in", "--baseline", "in/note.txt").exit_code == 2


def test_a_baseline_of_lines(folder: Path) -> None:
    invoke("verify", "in", "-f", "jsonl", "-o", "old.jsonl")
    assert '{"about_all"' in Path("old.jsonl").read_text()
    report = document(invoke("verify", "in", "-f", "json", "--baseline", "old.jsonl"))
    assert report["about_all"] == []


def test_a_large_archive_gets_all_processors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(batch, "analyze_archive", lambda path, options, progress: seen.append(options.jobs))
    task = Task(str(folder / "00.tar"), Options(jobs=4), named=True)
    examine_in_pool(task)
    monkeypatch.setattr(batch, "_LARGE", 1)
    examine_in_pool(task)
    assert seen == [1, 4]
