"""The commands around digests: `digest`, `learn`, and what `verify` takes of expectations."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from imgforensics import commands, expectfile
from imgforensics.errors import InputError
from imgforensics.reconstruct.ledger import Ledger
from tests import builder
from tests.test_cli import FIXTURES, document, invoke
from tests.test_digest import PUSHED

SAVE = FIXTURES / "docker20-save.tar"
PUSH = next(push for push in PUSHED if push["archive"] == SAVE.name and push["tool"] == "docker")
DIGEST = PUSH["digest"]
OTHER = f"sha256:{'0' * 64}"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data directory of our own: no test touches the user's ledger."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_digest_says_which_is_likely_and_why() -> None:
    result = invoke("digest", SAVE)
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.lstrip().startswith("likely")]
    assert DIGEST in line
    assert "because docker save wrote the archive" in result.stdout
    assert "provided that no layer was pulled" in result.stdout
    assert "possible  sha256:" in result.stdout


def test_digest_as_json() -> None:
    (archive,) = document(invoke("digest", SAVE, "-f", "json"))["archives"]
    (image,) = archive["images"]
    assert image["registry"]["likely"] == DIGEST
    first = image["registry"]["candidates"][0]
    assert (first["pusher"], first["encoder"], first["basis"]) == ("docker", "go1.8-6", "reconstructed")
    assert [layer["encoder"] for layer in first["layers"]] == ["go1.8-6"] * 3
    assert archive["expectations"] == []


def test_raw_is_the_manifest_and_nothing_else() -> None:
    result = invoke("digest", SAVE, "--raw")
    assert result.exit_code == 0
    assert result.stdout_bytes == PUSH["manifest"].encode()
    assert f"sha256:{hashlib.sha256(result.stdout_bytes).hexdigest()}" == DIGEST


def test_raw_wants_one_image_and_one_archive() -> None:
    several = invoke("digest", FIXTURES / "docker20-multi.tar", "--raw")
    assert (several.exit_code, several.stdout) == (2, "")
    assert "3 images; choose one with --image or --platform" in several.stderr
    assert invoke("digest", FIXTURES / "docker20-multi.tar", "--raw", "--image", "@1").exit_code == 0
    assert invoke("digest", SAVE, SAVE, "--raw").exit_code == 2
    assert invoke("digest", SAVE, "--raw", "-o", "x").exit_code == 2


@pytest.mark.parametrize("command", ["verify", "digest", "signatures"])
def test_a_ledger_and_none_are_not_asked_for_at_once(command: str, tmp_path: Path) -> None:
    result = invoke(command, SAVE, "--ledger", tmp_path / "ledger", "--no-ledger")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--ledger and --no-ledger exclude each other" in result.stderr
    assert not (tmp_path / "ledger").exists()


@pytest.mark.parametrize(("digest", "code", "result"), [(DIGEST, 0, "match"), (OTHER, 1, "not-reproduced")])
@pytest.mark.parametrize("command", ["verify", "digest"])
def test_expectations_decide_the_exit_code(command: str, digest: str, code: int, result: str) -> None:
    told = invoke(command, SAVE, "--expect", digest, "--no-ledger", "-f", "json")
    assert told.exit_code == code
    (archive,) = document(told)["archives"]
    assert archive["verdict"] == "intact"
    assert [each["result"] for each in archive["expectations"]] == [result]
    assert archive["images"][0]["registry"]["expected"]["result"] == result
    table = invoke(command, SAVE, "--expect", digest)
    assert f"expected {digest}: {result.upper()}" in table.stdout


def test_a_manifest_file_proves(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(PUSH["manifest"])
    result = invoke("verify", SAVE, "--manifest", path)
    assert result.exit_code == 0
    assert f"expected {DIGEST}: MATCH" in result.stdout
    assert invoke("verify", FIXTURES / "umoci.tar", "--manifest", path).exit_code == 1
    missing = invoke("verify", SAVE, "--manifest", tmp_path / "nosuch.json")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "No such file" in missing.stderr


def test_a_list_of_expectations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (SAVE.name, "umoci.tar"):
        shutil.copy(FIXTURES / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    umoci = next(push["digest"] for push in PUSHED if push["archive"] == "umoci.tar")
    good, bad, gone = tmp_path / "good.txt", tmp_path / "bad.txt", tmp_path / "gone.txt"
    good.write_text(f"# from the other side\n{DIGEST}  {SAVE.name}\n{umoci.removeprefix('sha256:')} *./umoci.tar\n")
    bad.write_text(f"{DIGEST}  {SAVE.name}\n{DIGEST}  umoci.tar\n")
    gone.write_text(f"{DIGEST}  {SAVE.name}\n{DIGEST}  lost.tar\n")
    assert invoke("verify", ".", "--expect-file", good).exit_code == 0
    told = invoke("verify", ".", "--expect-file", bad, "-f", "json")
    assert told.exit_code == 1
    by_path = {each["path"]: each["expectations"][0]["result"] for each in document(told)["archives"]}
    assert by_path == {f"./{SAVE.name}": "match", "./umoci.tar": "not-reproduced"}
    lost = invoke("verify", SAVE.name, "--expect-file", gone)
    assert lost.exit_code == 2
    assert "lost.tar: listed in --expect-file, and not looked at" in lost.stderr


@pytest.mark.parametrize("command", ["verify", "digest"])
@pytest.mark.parametrize("content", [b"no archive", builder.tar([builder.Entry("notes.txt", b"hello")])])
def test_a_listed_file_that_is_skipped_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, command: str
) -> None:
    shutil.copy(SAVE, tmp_path)
    (tmp_path / "app").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list").write_text(f"{DIGEST}  {SAVE.name}\n{DIGEST}  app\n")
    options = ("--expect-file", "list", "--no-ledger")
    runs = [invoke(command, ".", *options)]
    runs += [invoke("verify", *paths, "--skip-others", *options) for paths in (["."], [SAVE.name, "app"])]
    for run in runs:
        assert run.exit_code == 2
        assert "/app: listed in --expect-file, and not looked at: " in run.stderr
    others = [invoke("verify", "app", "--skip-others"), invoke("verify", ".", "--skip-others")]
    assert [each.exit_code for each in others] == [0, 0]


@pytest.mark.parametrize(
    "text",
    [
        f"{DIGEST}  a.tar\n{OTHER}  b/c.tar\n",
        f"archive, image, digest\na.tar,,{DIGEST}\nb/c.tar,,{OTHER}\n",
        f"{DIGEST}  a.tar\r\n{OTHER}  {os.getcwd()}//b/./c.tar\r\n",
        json.dumps([{"archive": "a.tar", "digest": DIGEST}, {"archive": "./b//c.tar", "digest": OTHER}]),
        json.dumps({"a.tar": DIGEST, "b/c.tar": [OTHER]}),
    ],
)
def test_every_form_of_list_says_the_same(text: str) -> None:
    here = os.getcwd()
    assert expectfile.parse(text, "list") == {f"{here}/a.tar": (DIGEST,), f"{here}/b/c.tar": (OTHER,)}


def test_a_path_is_taken_as_it_is() -> None:
    for path in ("/a b.tar ", "/a\u2028b.tar", "/a\x0bb\x85c.tar", "/a\rb.tar"):
        assert expectfile.parse(f"{DIGEST}  {path}\n{OTHER}  /z\n", "list") == {path: (DIGEST,), "/z": (OTHER,)}
    assert expectfile.key("//a/../b.tar") == expectfile.key("/b.tar") == "/b.tar"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f'{{"a": "{OTHER}", "a": "{DIGEST}"}}', "there twice"),
        (f'[{{"archive": "a", "digest": "{OTHER}", "digest": "{DIGEST}"}}]', "there twice"),
        (f'{{"a": [], "b": "{DIGEST}"}}', "without archive or digest"),
        (f'[{{"archive": "a", "image": 1, "digest": "{DIGEST}"}}]', "1 names no image"),
        (f"archive,digest\n{'a' * 140_000},{DIGEST}\n", "no CSV"),
        (f"archive,Image,digest\na,app:1,{DIGEST}\n", "column 'Image' is not known; known are archive, digest, image"),
        (f"archive,digest,imgae\na,{DIGEST},app:1\n", "column 'imgae' is not known"),
        (f"Archive,Digest\na,{DIGEST}\n", "column 'Archive' is not known"),
        (f"archive,digest,image,image\na,{DIGEST},app:1,\n", "a column is there twice"),
        (f"archive,digest\na,{DIGEST},app:1\n", "more fields than there are columns"),
        (f'[{{"archive": "a", "digest": "{DIGEST}", "Image": "app:1"}}]', "key 'Image' is not known; known are"),
    ],
)
def test_no_expectation_is_dropped(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        expectfile.parse(text, "list")


@pytest.mark.parametrize(
    "text",
    [
        f"archive,image,digest\na.tar,app:1,{DIGEST}\na.tar,@1,{OTHER}\n",
        json.dumps(
            [
                {"archive": "a.tar", "image": "app:1", "digest": DIGEST},
                {"archive": "a.tar", "image": "@1", "digest": OTHER},
            ]
        ),
    ],
)
def test_a_list_may_speak_of_one_image(text: str) -> None:
    assert expectfile.parse(text, "list") == {f"{os.getcwd()}/a.tar": (f"app:1={DIGEST}", f"@1={OTHER}")}


@pytest.mark.parametrize("listed", ["absolute", "relative"])
def test_relative_and_absolute_paths_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    shutil.copy(SAVE, tmp_path)
    monkeypatch.chdir(tmp_path)
    absolute, relative = str(tmp_path / SAVE.name), f"./{SAVE.name}"
    (tmp_path / "list").write_text(f"{DIGEST}  {absolute if listed == 'absolute' else relative}\n")
    given = relative if listed == "absolute" else absolute
    assert invoke("verify", given, "--expect-file", "list", "--no-ledger").exit_code == 0


@pytest.mark.parametrize("text", ["", "hello", "[1]", "{", '{"a": 1}', "archive,digest\na.tar,\n", "[" * 100_000])
def test_what_is_no_list_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="^list: ") as caught:
        expectfile.parse(text, "list")
    assert "\n" not in str(caught.value)


def test_learn_and_then_know(tmp_path: Path) -> None:
    folder, ledger = tmp_path / "seen", tmp_path / "ledger.sqlite"
    folder.mkdir()
    (folder / "hub.json").write_text(PUSH["manifest"])
    (folder / "notes.txt").write_text("nothing")
    shutil.copy(SAVE, folder)
    result = invoke("learn", folder, "--ledger", ledger)
    assert result.exit_code == 0, result.stderr
    assert "learned 3 layers and 1 manifest:" in result.stdout
    assert "learned 0 layers and 0 manifests" in invoke("learn", folder, "--ledger", ledger).stdout
    told = invoke("digest", SAVE, "--ledger", ledger, "-f", "json")
    registry = document(told)["archives"][0]["images"][0]["registry"]
    assert registry["likely"] == DIGEST
    assert any("learned from " in sentence for sentence in registry["candidates"][0]["evidence"])


def test_learn_refuses_what_fails(tmp_path: Path) -> None:
    entries = builder.crane([builder.ImageSpec()])
    builder.swap_layer(entries)
    path = tmp_path / "evil.tar"
    path.write_bytes(builder.tar(entries))
    result = invoke("learn", path, tmp_path / "nosuch", "--ledger", tmp_path / "ledger.sqlite")
    assert result.exit_code == 2
    assert "fails its own verification" in result.stderr
    assert "learned 0 layers" in result.stdout


def test_verify_does_not_say_that_nothing_speaks_for_a_digest_that_it_did_not_look_for() -> None:
    wrong = "sha256:" + "0" * 64
    assert "not asked for; imgforensics digest" in invoke("verify", SAVE, "--expect", wrong).stdout
    assert "    likely    sha256:" in invoke("digest", SAVE, "--expect", wrong).stdout


def test_one_line_of_digest_tells_the_digest() -> None:
    digest = json.loads(invoke("digest", SAVE, "-f", "json").stdout)["archives"][0]["images"][0]["registry"]["likely"]
    assert invoke("digest", "-q", SAVE).stdout.endswith(f"; @0 {digest}\n")


def test_learning_from_nothing_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "readme.txt").write_text("text")
    result = invoke("learn", tmp_path / "in", "--ledger", tmp_path / "ledger.sqlite")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no archive and no manifest in " in result.stderr


def test_the_ledger_is_in_the_data_directory_unless_it_is_off(tmp_path: Path) -> None:
    path = tmp_path / "data" / "imgforensics" / "ledger.sqlite"
    assert invoke("digest", SAVE, "--no-ledger").exit_code == 0
    assert invoke("verify", SAVE).exit_code == 0
    assert not path.exists()
    assert invoke("digest", SAVE).exit_code == 0
    with Ledger(str(path)):
        pass
    other = tmp_path / "text"
    other.write_text("no database" * 1000)
    refused = invoke("digest", SAVE, "--ledger", other)
    assert refused.exit_code == 2
    assert "cannot be used as a ledger" in refused.stderr + refused.stdout


def test_without_a_place_for_a_ledger_digest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    result = invoke("digest", SAVE)
    assert result.exit_code == 0
    assert "going on without a ledger" in result.stderr
    assert invoke("learn", SAVE).exit_code == 2


def test_a_locked_ledger_costs_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgforensics.reconstruct.ledger._PATIENCE", 0)
    path = tmp_path / "data" / "imgforensics" / "ledger.sqlite"
    assert invoke("digest", SAVE).exit_code == 0
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for arguments in ((), ("--ledger", path)):
        result = invoke("verify", SAVE, "--expect", DIGEST, *arguments)
        assert (result.exit_code, result.stderr.count("is locked")) == (0, 1)
    other.execute("ROLLBACK")
    other.execute("BEGIN IMMEDIATE")  # may be read, not written
    umoci = next(push["digest"] for push in PUSHED if push["archive"] == "umoci.tar")
    assert invoke("verify", FIXTURES / "umoci.tar", "--expect", umoci).exit_code == 0
    other.close()


def test_a_spoilt_ledger_costs_no_answer(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    assert invoke("digest", SAVE, "--ledger", ledger).exit_code == 0
    with sqlite3.connect(ledger) as database:
        database.execute("UPDATE recompressions SET digest = 'x'")
    database.close()
    result = invoke("verify", SAVE, "--expect", DIGEST, "--ledger", ledger)
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("command", ["verify", "digest"])
@pytest.mark.parametrize("text", ["sha256:12", "hello", "md5:0123", ""])
def test_what_is_no_digest_is_an_error_of_usage(command: str, text: str) -> None:
    result = invoke(command, SAVE, FIXTURES / "umoci.tar", "--expect", text, "--no-ledger")
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("option", ["--expect-file", "--ledger"])
@pytest.mark.parametrize("command", ["verify", "digest"])
def test_an_empty_name_is_an_error_of_usage(command: str, option: str) -> None:
    result = invoke(command, SAVE, option, "")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{option}: an empty name" in result.stderr


def test_raw_heeds_a_list(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text(f"{DIGEST}  {SAVE}\n")
    assert invoke("digest", SAVE, "--raw", "--expect-file", path).exit_code == 0
    path.write_text(f"{OTHER}  {SAVE}\n")
    assert invoke("digest", SAVE, "--raw", "--expect-file", path).exit_code == 1
    path.write_text(f"{DIGEST}  {SAVE}\n{OTHER}  lost.tar\n")
    assert invoke("digest", SAVE, "--raw", "--expect-file", path).exit_code == 2


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_raw_says_that_it_cannot_be_written(redirection: str) -> None:
    line = f'"{sys.executable}" -m imgforensics digest --no-ledger --raw "{SAVE}" {redirection}'
    result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("imgforensics: standard output: cannot be written: ")
    assert len(result.stderr.splitlines()) == 1


def test_learn_skips_other_files_in_a_directory(tmp_path: Path) -> None:
    folder, ledger = tmp_path / "seen", tmp_path / "ledger.sqlite"
    folder.mkdir()
    (folder / "hub.json").write_text(PUSH["manifest"])
    other = folder / "package.json"
    other.write_text('{"name": "x"}')
    (folder / "notes.txt").write_text("nothing")
    result = invoke("learn", folder, "--ledger", ledger)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "learned 0 layers and 1 manifest:" in result.stdout
    assert result.stdout.endswith("; 2 other files skipped\n")
    named = invoke("learn", other, "--ledger", ledger)
    assert named.exit_code == 2
    assert "no image manifest" in named.stderr


def test_learn_goes_on_behind_what_it_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, empty = tmp_path / "seen", tmp_path / "empty"
    folder.mkdir()
    empty.mkdir()
    (folder / "a.json").write_text(PUSH["manifest"])
    (folder / "hub.json").write_text(PUSH["manifest"])
    real = commands._read

    def read(path: str, most: int) -> bytes:
        if path.endswith("a.json"):
            raise InputError(f"{path}: Permission denied")
        return real(path, most)

    monkeypatch.setattr(commands, "_read", read)
    result = invoke("learn", folder, empty, "--ledger", tmp_path / "ledger.sqlite")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"imgforensics: {folder / 'a.json'}: Permission denied",
        f"imgforensics: {empty}: no archive and no manifest in it",
    ]
    assert "learned 0 layers and 1 manifest:" in result.stdout
