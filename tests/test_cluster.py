"""Archives looked at by workers of a real Dask scheduler on loopback: as here, and whoever gets lost."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.test_cli import invoke
from tests.test_several import COMMAND, GUARD, archive, folder, together  # noqa: F401 - fixtures

WATCHED = """
import os, time
from imgforensics import batch

if not hasattr(batch, "real"):  # a preload may be run twice
    batch.real = batch.examine

def examine(task, *arguments, **named):
    with open(os.environ["PLACE"] + "/looked", "a") as looked:
        looked.write(f"{os.getpid()} {os.path.basename(task.path)}\\n")
    while os.path.exists(os.environ["PLACE"] + "/wait"):
        time.sleep(0.02)
    deadly = os.environ["PLACE"] + "/deadly"
    if os.path.exists(deadly) and task.path.endswith(open(deadly).read()):
        os._exit(9)
    return batch.real(task, *arguments, **named)

batch.examine = examine
"""
"""What workers are preloaded with: they tell what they look at, wait while they are told to, and may die of it."""


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def looked() -> list[list[str]]:
    """Process and archive of everything that workers began."""
    return [line.split() for line in Path("looked").read_text().splitlines()] if Path("looked").exists() else []


class Cluster:
    """A scheduler and three workers (an archive that costs workers is tried twice), which stand in another folder.

    There all archives are others.
    """

    def __init__(self, place: Path) -> None:
        file = place / "scheduler.json"
        (place / "watched.py").write_text(WATCHED)
        common = ["--scheduler-file", str(file), "--no-dashboard"]
        # One death is enough to blame a task for: else each worker that dies needs others after it.
        environment = os.environ | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0", "PLACE": str(place)}
        elsewhere = place / "elsewhere"
        (elsewhere / "in").mkdir(parents=True)
        for name in ("00.tar", "02.tar"):
            (elsewhere / "in" / name).write_bytes(archive(99, damaged=True))
        self._log = (place / "cluster.log").open("wb")

        def start(program: str, *options: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", f"distributed.cli.{program}", *options, *common]
            return subprocess.Popen(command, cwd=elsewhere, env=environment, stdout=self._log, stderr=self._log)

        self.scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0")
        worker = ("dask_worker", "--nthreads", "1", "--no-nanny", "--preload", str(place / "watched.py"))
        self.workers = [start(*worker) for _ in range(3)]
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        self.address: str = json.loads(file.read_text())["address"]
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(3, timeout=GUARD)

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self._log.close()

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        ours = [*COMMAND, *command, "--cluster", self.address]
        return subprocess.Popen(ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def cluster(folder: Path, tmp_path: Path) -> Iterator[Cluster]:  # noqa: F811 - the fixture
    pytest.importorskip("distributed")
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        cluster.end()


def test_a_worker_that_is_lost_costs_no_answer(cluster: Cluster) -> None:
    alone = subprocess.run([*COMMAND, "verify", "in", "-f", "json"], capture_output=True, check=False)
    Path("wait").touch()
    with cluster.run("verify", "in", "-f", "json") as process:
        victim = cluster.workers[0]
        wait_for(lambda: any(int(number) == victim.pid for number, _ in looked()))
        victim.kill()
        Path("wait").unlink()
        stdout, stderr = process.communicate(timeout=GUARD)
    assert process.returncode == 1, stderr.decode()
    assert stdout == alone.stdout
    names = [name for _, name in looked()]
    assert len(names) > len(set(names)) == 12  # what it was at was done again


def test_an_archive_that_costs_workers_costs_no_other_answer(cluster: Cluster) -> None:
    Path("deadly").write_text("04.tar")
    alone = json.loads(invoke("verify", "in", "-f", "json").stdout)

    with cluster.run("verify", "in", "-f", "json") as process:
        stdout, stderr = process.communicate(timeout=GUARD)
    assert process.returncode == 2, stderr.decode()
    assert stderr.decode().count("\n") == 1, stderr.decode()
    assert "04.tar: the process that looked at it was killed" in stderr.decode()
    assert sum(worker.poll() is not None for worker in cluster.workers) == 2
    there = json.loads(stdout)["archives"]
    assert [each["path"] for each in there] == [each["path"] for each in alone["archives"]]


def test_a_scheduler_that_is_lost_is_said_in_a_line(cluster: Cluster) -> None:
    Path("wait").touch()
    with cluster.run("verify", "in", "-f", "jsonl", "--resume", "state") as process:
        wait_for(looked)
        cluster.scheduler.send_signal(signal.SIGKILL)
        _, stderr = process.communicate(timeout=GUARD)
    assert process.returncode == 2
    assert stderr.decode() == f"imgforensics: {cluster.address}: the Dask scheduler is gone\n"
    assert invoke("verify", "in", "-f", "jsonl", "--resume", "state").exit_code == 1


def test_a_cluster_says_the_same_of_all(together: list[str], cluster: Cluster) -> None:  # noqa: F811
    for form in ("jsonl", "sarif", "junit", "html"):
        with cluster.run(*together, "-f", form) as process:
            there, stderr = process.communicate(timeout=GUARD)
        assert there.decode() == invoke(*together, "-f", form).stdout, stderr.decode()


def test_paths_are_those_of_where_the_run_was_started(folder: Path, cluster: Cluster) -> None:  # noqa: F811
    (folder / "oci" / "blobs").mkdir(parents=True)
    (folder / "oci" / "index.json").write_text("{}")
    command = ["verify", "in/00.tar", "in/oci", "gone.tar", "-f", "json", "--ledger", "ledger"]
    with cluster.run(*command) as process:
        there, errors = process.communicate(timeout=GUARD)
    assert [each["verdict"] for each in json.loads(there)["archives"]] == ["intact", "unreadable", "unreadable"]
    here = invoke(*command)
    assert (there.decode(), errors.decode()) == (here.stdout, here.stderr)
    assert not (folder.parent / "elsewhere" / "ledger").exists()


@pytest.mark.parametrize("path", ["in", "in/00.tar"])
def test_a_cluster_that_is_not_there(folder: Path, path: str) -> None:  # noqa: F811
    pytest.importorskip("distributed")
    ended = subprocess.run(
        [*COMMAND, "verify", path, "--cluster", "tcp://127.0.0.1:9"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "no Dask scheduler answers" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_cluster_does_not_read_standard_input(folder: Path) -> None:  # noqa: F811
    result = invoke("verify", "-", "in", "--cluster", "tcp://127.0.0.1:9")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "imgforensics: --cluster: its workers cannot read the standard input of this process\n"


@pytest.mark.parametrize("address", ["scheduler", "tcp://127.0.0.1:port", "carrier://pigeon:1", ""])
def test_an_address_that_is_none_is_said_in_a_line(folder: Path, address: str) -> None:  # noqa: F811
    pytest.importorskip("distributed")
    command = [*COMMAND, "verify", "in", "--cluster", address]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert f"--cluster {address!r}: no address such as tcp://" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
