"""Runs with ``--resume`` that are killed a hundred times, from their first moment to behind their last one.

Each is the program itself, with its worker processes; a few lines around it write down which archives it looks at, so
that what is done twice can be counted.
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from imgforensics.report import ArchiveReport
from imgforensics.reportstore import unpack
from tests.test_several import archive

ARCHIVES, PARTS, KILLS = 40, 4, 25
"""A hundred kills in parts, which can run side by side."""

SPIED = """
import os
from imgforensics import batch

real = batch.examine

def examine(task, *arguments, **named):
    if task.ready is None:
        with open(os.environ["LOOKED"], "a") as looked:
            looked.write(task.path + "\\n")
    return real(task, *arguments, **named)

batch.examine = examine
if __name__ == "__main__":
    from imgforensics.__main__ import main
    main()
"""


@dataclass(frozen=True)
class Moment:
    """When a run is killed: so many seconds after so many lines are in a file."""

    file: Path
    lines: int
    after: float
    whole: bool
    """Whether all of its processes are killed at once; else the first one alone, and the others have to notice."""

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for it, then kill. The run can come to its own end at any time before: its return code alone tells."""
        while len(lines(self.file)) < self.lines:
            if process.poll() is not None:
                return
            time.sleep(0.001)
        time.sleep(self.after)
        with suppress(ProcessLookupError):
            (os.killpg if self.whole else os.kill)(process.pid, signal.SIGKILL)


def lines(file: Path) -> list[str]:
    """The whole lines of a file that may not be there yet."""
    return file.read_text().split("\n")[:-1] if file.exists() else []


class Runs:
    """Runs over one folder with one state file after the other."""

    def __init__(self, place: Path) -> None:
        (place / "in").mkdir()
        for number in range(ARCHIVES):
            (place / "in" / f"{number:02}.tar").write_bytes(archive(number, damaged=number == 7))
        (place / "spied.py").write_text(SPIED)
        self._place = place
        self.state, self.looked, self.output = place / "state", place / "looked", place / "output"
        self._runs = 0

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        self._runs += 1
        self.looked, self.output = self._place / f"looked{self._runs}", self._place / f"output{self._runs}"
        command = [sys.executable, "spied.py", "verify", "in", "-f", "jsonl", "-j", "2", *options]
        environment = os.environ | {"LOOKED": str(self.looked)}
        with self.output.open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=self._place,
                env=environment,
                stdout=output,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )

    def finished(self) -> dict[str, bytes]:
        """What the state file holds: path to result. It is read from a copy, so that the next run has to repair it."""
        copy = self._place / "copy"
        copy.mkdir(exist_ok=True)
        for end in ("", "-wal"):
            (copy / f"state{end}").unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                shutil.copy(f"{self.state}{end}", copy / f"state{end}")
        with closing(sqlite3.connect(copy / "state")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'results'").fetchall():
                return {}
            return {path.decode(): result for path, result in database.execute("SELECT path, result FROM results")}

    def begin_again(self) -> None:
        """Forget what was done."""
        for file in self._place.glob("state*"):
            file.unlink()


def moments(runs: Runs, chance: random.Random, beginning: float) -> Iterator[Moment]:
    """A fifth while a run begins, most while it works and writes, some when it has written everything."""
    while True:
        whole = chance.random() < 0.8
        kind = chance.choices(["begin", "work", "write", "end"], [4, 7, 7, 2])[0]
        if kind == "begin":
            yield Moment(runs.looked, 0, chance.uniform(0, beginning), whole)
        elif kind == "work":
            yield Moment(runs.looked, chance.randint(1, 6), chance.uniform(0, 0.01), whole)
        elif kind == "write":
            done = len(runs.finished())
            yield Moment(runs.output, done + chance.randint(1, 6), chance.uniform(0, 0.01), whole)
        else:
            yield Moment(runs.output, ARCHIVES + 1, chance.uniform(0, 0.1), whole)


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_and_nothing_done_twice_whenever_it_is_killed(tmp_path: Path, part: int) -> None:
    runs = Runs(tmp_path)
    began = time.monotonic()
    with runs.start("--resume", "state") as process:
        while not lines(runs.looked):
            assert process.poll() is None
            time.sleep(0.001)
        beginning = time.monotonic() - began
    assert process.returncode == 1
    report = runs.output.read_bytes()
    assert report.count(b"\n") == ARCHIVES + 1
    runs.begin_again()
    kills = 0
    ended = False
    chance = random.Random(part)
    coming = moments(runs, chance, beginning)
    while kills < KILLS or not ended:
        if ended:
            runs.begin_again()
        before = runs.finished() if runs.state.exists() else {}
        with runs.start("--resume", "state") as process:
            if kills < KILLS:
                next(coming).kill(process)
                kills += 1
            ended = process.wait() != -signal.SIGKILL
        if ended:
            assert process.returncode == 1
        after = runs.finished() if runs.state.exists() else {}
        looked = lines(runs.looked)
        assert before.keys().isdisjoint(looked)
        assert len(looked) == len(set(looked))
        assert {path: after.get(path) for path in before} == before
        assert all(isinstance(unpack(result), ArchiveReport) for path, result in after.items() if path not in before)
        told = lines(runs.output)
        assert len(after) >= min(len(told), ARCHIVES)
        assert report.decode().split("\n")[: len(told)] == told
        if ended:
            assert runs.output.read_bytes() == report
            assert len(after) == ARCHIVES
