"""What is measured once: counted, the same report whatever is known, and no word taken that is not to be."""

import os
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from imgforensics import Options, analyze, blobmemory, knownblobs, measuring, plainpickle
from imgforensics.archive import Archive
from imgforensics.blobscan import BlobScanner
from imgforensics.model import Blob, Digest
from imgforensics.reconstruct import ledger as ledgers
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.test_cli import invoke

FORMATS = ["table", "json", "jsonl", "csv", "sarif", "junit", "html"]


def noise(seed: str, size: int = (1 << 20) + (1 << 17)) -> bytes:
    return random.Random(seed).randbytes(size)


BASE = builder.tar(
    [
        Entry("etc/", type=b"5"),
        Entry("etc/link", type=b"2", linkname="/usr/lib"),
        Entry("etc/hard", type=b"1", linkname="gone/file"),
        Entry("lib/deep/er/file", noise("base")),
        Entry("lib/deep", mode=0o755, type=b"5"),
    ]
)
UPPER = builder.tar(
    [
        Entry("etc/link/below", noise("upper")),
        Entry("lib/.wh.deep"),
        Entry("opt/.wh..wh..opq"),
        Entry("opt/.wh.never"),
        Entry("bin/su", b"", mode=0o4755),
    ]
)
"""Layers that only say something together: the index of the one is asked about the other."""


def put(folder: Path, count: int = 4) -> None:
    """Archives in several layouts, of two shared layers and one of their own; one of them is damaged."""
    folder.mkdir()
    kinds = (builder.docker_legacy, builder.containerd, builder.crane, builder.docker25)
    for number in range(count):
        own = builder.layer({f"own{number}": noise(f"own{number}")})
        spec = ImageSpec(layers=[BASE, UPPER, own], tags=[f"example.com/app{number}:1"])
        entries = kinds[number % len(kinds)]([spec])
        if number == 3:
            builder.swap_layer(entries, number=2)
        (folder / f"{number}.tar").write_bytes(builder.tar(entries))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    put(tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    yield tmp_path / "in"
    blobmemory.close()


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[Digest]:
    """Blobs of more than a mebibyte that were inflated and looked into."""
    found: list[Digest] = []
    finish = BlobScanner.finish

    def counted(self: BlobScanner) -> Blob:
        blob = finish(self)
        if blob.size > measuring.SMALL:
            found.append(blob.digest)
        return blob

    monkeypatch.setattr(BlobScanner, "finish", counted)
    return found


def test_each_layer_is_looked_into_once(folder: Path, looked: list[Digest]) -> None:
    invoke("verify", "in", "-j", "1")
    assert len(looked) == len(set(looked))
    assert len(looked) == 2 + 2 + 3  # the shared layers plain and compressed, and one each; that of one is small by now
    before = len(looked)
    for each in sorted(folder.iterdir()):
        invoke("verify", each, "-j", "1")
    assert len(looked) - before == 4 * 3 - 1


@pytest.mark.parametrize("form", FORMATS)
def test_the_report_is_the_same_whatever_is_known(
    folder: Path, looked: list[Digest], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = invoke("verify", "in", "-f", form, "-j", "1", "--ledger", "known")
    many = len(looked)
    warm = invoke("verify", "in", "-f", form, "-j", "1", "--ledger", "known")
    assert len(looked) == many
    in_one_run = invoke("verify", "in", "-f", form, "-j", "2")
    monkeypatch.setattr("imgforensics.several.passing_ledger", nowhere)
    looked.clear()
    alone = invoke("verify", "in", "-f", form, "-j", "1")
    assert len(looked) == 11
    assert cold.stdout == warm.stdout == in_one_run.stdout == alone.stdout
    assert cold.exit_code == warm.exit_code == alone.exit_code == 1


COUNTING = """
from imgforensics import blobmemory
real = blobmemory.LedgerMemory.keep

def keep(self, probe, known, names):
    with open("measured", "a") as file:
        file.write(f"{known.blob.digest}\\n")
    real(self, probe, known, names)

blobmemory.LedgerMemory.keep = keep
if __name__ == "__main__":
    from imgforensics.__main__ import main
    main()
"""


def test_side_by_side_each_process_measures_a_blob_once_at_most(tmp_path: Path) -> None:
    put(tmp_path / "in", 16)
    (tmp_path / "counting.py").write_text(COUNTING)
    command = [sys.executable, "counting.py", "verify", "in", "-f", "csv", "-j", "2"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1
    measured = Counter((tmp_path / "measured").read_text().split())
    assert len(measured) == 2 + 2 + 15  # the shared layers plain and compressed, and one each; that of one is small
    assert max(measured.values()) <= 2


class nowhere:  # noqa: N801 - it stands for a function
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def test_another_process_with_other_hashes_reads_it(folder: Path) -> None:
    outputs = set()
    for seed, ledger in (("1", "known"), ("2", "known"), ("3", None)):
        command = [sys.executable, "-m", "imgforensics", "verify", "in/0.tar", "-f", "json"]
        command += [] if ledger is None else ["--ledger", ledger]
        outputs.add(
            subprocess.run(command, capture_output=True, check=False, env={**os.environ, "PYTHONHASHSEED": seed}).stdout
        )
    (only,) = outputs
    assert b"IMG5" in only  # what the layers say together is among it


def test_a_look_alike_is_measured_in_full(folder: Path, looked: list[Digest]) -> None:
    content = bytearray((folder / "0.tar").read_bytes())
    place = content.index(noise("base")) + 600_123  # no place of the probe
    content[place] ^= 1
    (folder / "0a.tar").write_bytes(content)
    reports = invoke("verify", "in/0.tar", "in/0a.tar", "-f", "csv", "-j", "1")
    assert "tampered" in reports.stdout
    assert reports.stdout.count("IMG302") == 1
    assert len(looked) == 4


def rows(path: str) -> list[tuple[str, bytes]]:
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute("SELECT digest, content FROM measured ORDER BY id").fetchall()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE measured SET content = substr(content, 1, length(content) - 9)",
        "UPDATE measured SET content = 7",
        "UPDATE measured SET content = (SELECT content FROM measured LIMIT 1)",
        "UPDATE measured SET revision = 'another'",
        "DROP TABLE measured",
    ],
)
def test_a_row_that_is_not_what_it_should_be_is_not_used(folder: Path, looked: list[Digest], damage: str) -> None:
    first = invoke("verify", "in", "-f", "json", "-j", "1", "--ledger", "known")
    blobmemory.close()
    with closing(sqlite3.connect("known")) as database, database:
        database.execute(damage)
    many = len(looked)
    assert invoke("verify", "in", "-f", "json", "-j", "1", "--ledger", "known").stdout == first.stdout
    assert len(looked) >= many + 6


def test_the_right_classes_around_wrong_values_are_no_answer() -> None:
    blob = BlobScanner(3)
    blob.feed(b"abc")
    known = knownblobs.Known(blob.finish(), None)
    content = knownblobs.pack(known, set())
    assert content is not None
    assert knownblobs.unpack(content, known.blob.digest) == known
    assert knownblobs.unpack(content, Digest.of(b"other")) is None
    assert knownblobs.unpack(plainpickle.pack([known]), known.blob.digest) is None
    inside = scanned(BASE)[0].layer
    assert inside is not None
    wrong = knownblobs._Kept(knownblobs.Known(known.blob, inside), 7, 8)  # type: ignore[arg-type]
    assert knownblobs.unpack(plainpickle.pack(wrong), known.blob.digest) is None


def scanned(layer: bytes, names: int = 100) -> tuple[knownblobs.Known, set[str] | None]:
    scanner = BlobScanner(len(layer), survey=True, names=names)
    scanner.feed(layer)
    blob = scanner.finish()
    return knownblobs.Known(blob, scanner.layer), scanner.names


@pytest.mark.parametrize("layer", [BASE, UPPER, builder.gz(BASE), builder.tar([]), builder.layer({"a\udc80b": b""})])
def test_facts_come_back_to_the_last_value(layer: bytes) -> None:
    known, names = scanned(layer)
    assert names is not None
    content = knownblobs.pack(known, names)
    assert content is not None
    assert knownblobs.unpack(content, known.blob.digest) == known


def test_what_is_not_kept() -> None:
    document = BlobScanner(2)
    document.feed(b"{}")
    assert knownblobs.pack(knownblobs.Known(document.finish(), None), set()) is None
    known, _ = scanned(BASE)
    assert knownblobs.pack(known, {"etc", "etc/link"}) is None  # names that do not explain the index
    assert scanned(BASE, names=2)[1] is None


def test_the_oldest_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "_MOST", 64 << 10)
    with ledgers.Ledger("known") as ledger:
        for number in range(40):
            ledger.remember_measured(Digest.of(b"%d" % number), "r", b"probe", noise(str(number), 5_000))
        assert ledger.measured(Digest.of(b"0"), "r") is None
        assert ledger.measured(Digest.of(b"39"), "r") is not None
        assert ledger.is_probable(b"probe", "r")
        assert not ledger.is_probable(b"probe", "s")
    assert Path("known").stat().st_size < 128 << 10


def test_a_ledger_that_is_merely_there_keeps_no_measurement(folder: Path) -> None:
    invoke("digest", "in/0.tar")
    (found,) = (folder.parent / "data").rglob("ledger.sqlite")
    with closing(sqlite3.connect(found)) as database, database:
        assert not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'measured'").fetchall()
    invoke("digest", "in/0.tar", "--ledger", found)
    assert len(rows(str(found))) == 3


def test_a_ledger_that_cannot_be_used_costs_no_answer(folder: Path, tmp_path: Path) -> None:
    report = analyze("in/0.tar", Options(known=str(tmp_path / "no" / "place")))
    assert report.archives == analyze("in/0.tar").archives


@pytest.mark.parametrize("kind", ["docker_legacy", "containerd", "crane", "podman"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_hashed_in_passing_is_what_is_hashed_alone(tmp_path: Path, kind: str, jobs: int) -> None:
    build = {"podman": builder.containers_image_docker}.get(kind) or getattr(builder, kind)
    data = builder.tar(build([ImageSpec(layers=[BASE, UPPER])])) + noise("tail")
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    with Archive(path) as archive:
        catalogue = measuring.measure(archive, jobs)
    assert catalogue.digest == Digest.of(data)
    for index, blob in catalogue.blobs.items():
        span = catalogue.members[index].data
        assert blob.digest == Digest.of(data[span.offset : span.offset + span.length])


def test_a_budget_is_of_one_archive_alone(folder: Path, looked: list[Digest]) -> None:
    invoke("verify", "in", "-j", "1", "--budget", "1GiB")
    assert len(looked) == 11
