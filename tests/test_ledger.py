"""The ledger: what it keeps, whom it refuses, and several users at once."""

import hashlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from imgforensics import Digest, InputError
from imgforensics.reconstruct.ledger import _PATIENCE, KnownLayer, KnownManifest, Ledger, Stream


def digest(text: str) -> Digest:
    return Digest.sha256(hashlib.sha256(text.encode()).hexdigest())


A, B, C = digest("a"), digest("b"), digest("c")


def manifest(content: bytes, source: str = "a file") -> KnownManifest:
    return KnownManifest(Digest.sha256(hashlib.sha256(content).hexdigest()), A, "type", content, source)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.sqlite")


def test_recompressions_are_kept_by_encoding_and_revision(path: str) -> None:
    with Ledger(path) as ledger:
        assert ledger.recompression(A, "go1.8-6", 1) is None
        ledger.remember_recompression(A, "go1.8-6", 1, Stream(B, 10))
    with Ledger(path) as ledger:
        assert ledger.recompression(A, "go1.8-6", 1) == Stream(B, 10)
        assert ledger.recompression(A, "go1.8-1", 1) is None
        assert ledger.recompression(A, "go1.8-6", 2) is None
        ledger.remember_recompression(A, "go1.8-6", 2, Stream(C, 11))
        assert ledger.recompression(A, "go1.8-6", 2) == Stream(C, 11)
        assert ledger.recompression(A, "go1.8-6", 1) is None


def test_what_was_learned_first_stays(path: str) -> None:
    one, two = KnownLayer(A, B, 10, "gzip", "here"), KnownLayer(A, B, 10, "gzip", "there")
    other = KnownLayer(A, C, 11, "", "here")
    with Ledger(path) as ledger:
        assert [ledger.learn_layer(each) for each in (one, two, other)] == [True, False, True]
        assert set(ledger.layers(A)) == {one, other}
        assert ledger.layers(B) == ()
        assert [ledger.learn_manifest(manifest(b"{}", source)) for source in ("x", "y")] == [True, False]
        assert ledger.manifests(A) == (manifest(b"{}", "x"),)
        assert ledger.manifests(B) == ()


def test_an_altered_manifest_is_left_out(path: str) -> None:
    with Ledger(path) as ledger:
        ledger.learn_manifest(manifest(b"{}"))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE manifests SET content = x'00'")
    database.close()
    with Ledger(path) as ledger:
        assert ledger.manifests(A) == ()


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda path: Path(path).write_bytes(b"no database at all" * 99), "cannot be used as a ledger"),
        (lambda path: Path(path).mkdir(), "cannot be used as a ledger"),
        (lambda path: _another(path, "CREATE TABLE t (x)"), "is no ledger of imgforensics"),
        (lambda path: _another(path, "PRAGMA user_version = 99", ours=True), "a ledger of version 99"),
    ],
)
def test_anything_else_is_refused_in_one_line(path: str, prepare, words: str) -> None:  # type: ignore[no-untyped-def]
    prepare(path)
    with pytest.raises(InputError, match=words) as caught:
        Ledger(path).open()
    assert "\n" not in str(caught.value)


def _another(path: str, statement: str, *, ours: bool = False) -> None:
    if ours:
        with Ledger(path) as ledger:
            ledger.open()
    database = sqlite3.connect(path)
    database.execute(statement)
    database.commit()
    database.close()


def test_several_processes_write_at_once(path: str) -> None:
    script = """
import sys
from imgforensics import Digest
from imgforensics.reconstruct import ledger as room
from imgforensics.reconstruct.ledger import Ledger, Stream
room._PATIENCE = 60  # disks of busy machines stand still for seconds
with Ledger(sys.argv[1]) as ledger:
    for number in range(50):
        diff_id = Digest.sha256(f"{int(sys.argv[2]) * 1000 + number:064x}")
        ledger.remember_recompression(diff_id, "go1.8-6", 1, Stream(diff_id, number))
"""
    writers = [subprocess.Popen([sys.executable, "-c", script, path, str(number)]) for number in range(3)]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    with Ledger(path) as ledger:
        for writer in range(3):
            for number in range(50):
                diff_id = Digest.sha256(f"{writer * 1000 + number:064x}")
                assert ledger.recompression(diff_id, "go1.8-6", 1) == Stream(diff_id, number)


def _spoil(path: str, *statements: str) -> None:
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


@pytest.mark.parametrize("value", ["'no digest'", "x'00ff'", "CAST(x'ff' AS TEXT)", "7"])
def test_odd_digests_are_skipped(path: str, value: str) -> None:
    with Ledger(path) as ledger:
        ledger.remember_recompression(A, "go1.8-6", 1, Stream(B, 10))
        for form in (B, C):
            ledger.learn_layer(KnownLayer(A, form, 10, "", "here"))
        ledger.learn_config(A, [B])
    changes = [f"UPDATE recompressions SET digest = {value}", f"UPDATE configs SET diff_ids = {value}"]
    _spoil(path, *changes, f"UPDATE layers SET digest = {value} WHERE digest = '{B}'")
    with Ledger(path) as ledger:
        assert ledger.recompression(A, "go1.8-6", 1) is None
        assert [layer.digest for layer in ledger.layers(A)] == [C]
        assert ledger.diff_ids(A) is None


@pytest.mark.parametrize("column", ["size = 'ten'", "size = -1", "media_type = x'00'", "source = x'00'"])
def test_odd_layers_are_skipped(path: str, column: str) -> None:
    with Ledger(path) as ledger:
        ledger.learn_layer(KnownLayer(A, B, 10, "", "here"))
        ledger.remember_recompression(A, "go1.8-6", 1, Stream(B, 10))
    _spoil(path, f"UPDATE layers SET {column}", "UPDATE recompressions SET size = 'ten'")
    with Ledger(path) as ledger:
        assert ledger.layers(A) == ()
        assert ledger.recompression(A, "go1.8-6", 1) is None


@pytest.mark.parametrize("column", ["content = '{}'", "media_type = x'00'", "source = x'00'"])
def test_odd_manifests_are_skipped(path: str, column: str) -> None:
    with Ledger(path) as ledger:
        ledger.learn_manifest(manifest(b"{}"))
    _spoil(path, f"UPDATE manifests SET {column}")
    with Ledger(path) as ledger:
        assert ledger.manifests(A) == ()


def test_nothing_is_opened_before_it_is_asked_for(path: str) -> None:
    with Ledger(path):
        assert not Path(path).exists()


def test_what_cannot_be_written_is_told_once_and_read_all_the_same(path: str) -> None:
    with Ledger(path) as ledger:
        ledger.remember_recompression(A, "go1.8-6", 1, Stream(B, 10))
    _spoil(path, "CREATE TRIGGER t BEFORE INSERT ON recompressions BEGIN SELECT RAISE(ABORT, 'read-only'); END")
    told: list[str] = []
    with Ledger(path, told.append) as ledger:
        for _ in range(3):
            ledger.remember_recompression(B, "go1.8-6", 1, Stream(B, 10))
            assert ledger.recompression(A, "go1.8-6", 1) == Stream(B, 10)
    assert len(told) == 1
    assert told[0].endswith("read-only")
    with Ledger(path) as ledger, pytest.raises(InputError, match="read-only"):
        ledger.remember_recompression(B, "go1.8-6", 1, Stream(B, 10))


def test_a_locked_ledger_is_waited_for_once(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgforensics.reconstruct.ledger._PATIENCE", 0)
    with Ledger(path) as ledger:
        ledger.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    told: list[str] = []
    with Ledger(path, told.append) as ledger:
        assert ledger.layers(A) == ()
        assert ledger.recompression(A, "go1.8-6", 1) is None
        assert not ledger.learn_layer(KnownLayer(A, B, 10, "", "here"))
    other.close()
    assert len(told) == 1
    assert "locked" in told[0]


def test_nobody_waits_a_minute_for_a_memory() -> None:
    assert _PATIENCE <= 5
