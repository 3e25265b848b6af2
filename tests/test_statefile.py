"""A run that was killed goes on where it was."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from imgforensics import InputError
from imgforensics.statefile import Stamp, State

DIGEST = f"sha256:{'1' * 64}"


def never() -> str | None:
    raise AssertionError("the content was asked for")


def test_a_result_counts_while_the_file_is_the_same(tmp_path: Path) -> None:
    with State(str(tmp_path / "state"), "key") as state:
        assert state.find("a", Stamp(1, 2), never, rehash=False) is None
        state.keep("a", Stamp(1, 2), DIGEST, b"intact")
    with State(str(tmp_path / "state"), "key") as state:
        assert state.find("a", Stamp(1, 2), never, rehash=False) == b"intact"
        assert state.find("a", Stamp(1, 3), lambda: DIGEST, rehash=False) == b"intact"
        assert state.find("a", Stamp(1, 3), never, rehash=False) == b"intact"
        assert state.find("a", Stamp(1, 4), lambda: None, rehash=False) is None
        assert state.find("a", Stamp(2, 2), never, rehash=False) is None
        assert state.find("a", Stamp(1, 2), lambda: DIGEST, rehash=True) == b"intact"
        assert state.find("a", Stamp(1, 3), lambda: f"sha256:{'2' * 64}", rehash=True) is None


def test_a_result_without_a_digest_counts_by_its_stamp_alone(tmp_path: Path) -> None:
    with State(str(tmp_path / "state"), "key") as state:
        state.keep("a\udcff", Stamp(1, 2), None, b"1")
        assert state.find("a\udcff", Stamp(1, 2), never, rehash=False) == b"1"
        assert state.find("a\udcff", Stamp(1, 2), never, rehash=True) is None
        state.keep("a\udcff", Stamp(1, 3), DIGEST, b"2")
        assert state.find("a\udcff", Stamp(1, 3), never, rehash=False) == b"2"


def test_another_runs_state_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "state")
    State(path, "key").__exit__()
    with pytest.raises(InputError, match="other options"):
        State(path, "another key")


def test_another_programs_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(b"no database, but evidence" * 100)
    with pytest.raises(InputError, match="cannot be used"):
        State(str(path), "key")
    assert path.read_bytes() == b"no database, but evidence" * 100
    with sqlite3.connect(tmp_path / "theirs") as theirs:
        theirs.execute("CREATE TABLE t (a)")
    theirs.close()
    with pytest.raises(InputError, match="another program's"):
        State(str(tmp_path / "theirs"), "key")
    with pytest.raises(InputError, match="cannot be used"):
        State(str(tmp_path / "no" / "state"), "key")


WRITER = """
import sys
from imgforensics.statefile import Stamp, State
with State(sys.argv[1], "key") as state:
    for number in range(int(sys.argv[2]), 1_000_000):
        state.keep(str(number), Stamp(number, 0), None, str(number).encode())
        print(number, flush=True)
"""


def test_nothing_is_lost_when_it_is_killed(tmp_path: Path) -> None:
    """What was said to be kept is there, however often the writer was killed."""
    path = str(tmp_path / "state")
    following = 0
    for _ in range(100):
        command = [sys.executable, "-c", WRITER, path, str(following)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = [int(process.stdout.readline()) for _ in range(5)]
            os.kill(process.pid, signal.SIGKILL)
            said += [int(line) for line in process.stdout if line.endswith("\n")]
        with State(path, "key") as state:
            for number in range(said[-1] + 1):
                assert state.find(str(number), Stamp(number, 0), never, rehash=False) == str(number).encode()
        following = said[-1] + 1
