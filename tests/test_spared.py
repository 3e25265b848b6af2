"""Reports never replace evidence, nor what a run rests on."""

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from imgforensics.errors import InputError
from imgforensics.output import spare
from tests import builder
from tests.builder import ImageSpec
from tests.signing import pki
from tests.test_cli import invoke


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder ``in`` with an archive."""
    (tmp_path / "in").mkdir()
    image = ImageSpec(layers=[builder.layer({"file": b"content"})], tags=["example.com/app:1"])
    (tmp_path / "in/a.tar").write_bytes(builder.tar(builder.docker_legacy([image])))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.mark.parametrize("option", ["--lock", "--baseline", "--resume"])
def test_a_report_never_replaces_what_it_rests_on(option: str) -> None:
    invoke("lock", "in/a.tar", "-o", "a.lock")
    invoke("verify", "in/a.tar", "-f", "json", "-o", "a.baseline")
    invoke("verify", "in/a.tar", "--resume", "a.resume")
    file = Path(f"a.{option[2:]}")
    before = file.read_bytes()
    for output in ("-o", "--attest"):
        result = invoke("verify", "in/a.tar", option, str(file), output, str(file))
        assert result.exit_code == 2
        use = option[2:].replace("resume", "state")
        assert result.stderr == f"imgforensics: {file}: is read by this run ({use}); a report never replaces that\n"
    assert file.read_bytes() == before


def test_a_report_never_replaces_a_key_or_a_ledger() -> None:
    Path("key.pem").write_bytes(pki.pem(pki.ec_key()))
    manifest = Path("manifest.json")
    manifest.write_text(
        json.dumps(
            {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {}, "layers": []}
        )
    )
    commands = {
        "key.pem": ("signatures", "in/a.tar", "--key", "key.pem"),
        "manifest.json": ("verify", "in/a.tar", "--manifest", "manifest.json"),
        "ledger": ("verify", "in/a.tar", "--ledger", "ledger"),
    }
    for file, command in commands.items():
        before = Path(file).read_bytes() if Path(file).exists() else None
        result = invoke(*command, "-o", f"./{file}")
        assert (result.exit_code, "is read by this run" in result.stderr) == (2, True), (command, result.stderr)
        assert before is None or Path(file).read_bytes() == before


@pytest.mark.parametrize(
    ("learned", "output"), [("in", "in/a.tar"), ("in/a.tar", "link"), ("a.json", "a.json"), ("in", "in/b.json")]
)
def test_what_is_learned_from_is_never_replaced(learned: str, output: str) -> None:
    Path("link").symlink_to("in/a.tar")
    Path("a.json").write_text("{}")
    Path("in/b.json").write_text('{"schemaVersion": 2}')
    before = Path(output).read_bytes()
    result = invoke("learn", learned, "--ledger", "ledger", "-o", output)
    assert (result.exit_code, "never replaces evidence" in result.stderr) == (2, True), result.stderr
    assert Path(output).read_bytes() == before


@pytest.mark.parametrize("command", ["verify", "lock"])
def test_a_report_never_takes_the_place_of_the_state_that_is_still_to_come(command: str) -> None:
    result = invoke(command, "in/a.tar", "--resume", "new.state", "-o", "./new.state")
    assert result.exit_code == 2
    assert "is read by this run (state)" in result.stderr
    assert not Path("new.state").exists()


posix = pytest.mark.skipif(os.name != "posix", reason="descriptors have no names there")


def shell(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in which ``$V`` verifies the archive in few words."""
    environment = os.environ | {"V": f"{sys.executable} -m imgforensics verify in/a.tar -q", "PYTHONUTF8": "1"}
    return subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False, env=environment)


@posix
@pytest.mark.parametrize(
    "script", ["$V -o /dev/stdout >> log", "$V -o /dev/stderr 2>> log", "$V -o /dev/fd/3 3>> log", "$V >> log"]
)
def test_what_is_open_already_is_written_behind_what_stands_there(script: str) -> None:
    Path("log").write_text("before\n")
    assert shell(script).returncode == 0
    before, *after = Path("log").read_text().splitlines()
    assert (before, after[0].split()[0]) == ("before", "INTACT")


@posix
@pytest.mark.parametrize("script", ["$V >> in/a.tar", "$V -o /dev/fd/3 3>> in/a.tar", "$V -o /dev/stdout >> in/a.tar"])
def test_an_archive_that_is_open_already_is_spared(script: str) -> None:
    before = Path("in/a.tar").read_bytes()
    ended = shell(script)
    assert (ended.returncode, "is one of the archives" in ended.stderr) == (2, True), ended.stderr
    assert Path("in/a.tar").read_bytes() == before


@posix
def test_two_reports_are_not_written_to_one_place() -> None:
    ended = shell("$V --attest /dev/stdout > both")
    assert (ended.returncode, Path("both").read_text()) == (2, "")
    assert "name the same file" in ended.stderr


def test_a_disk_is_one_of_the_archives_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def status(path: Path) -> os.stat_result:
        number = {"disk": 7, "alias": 7, "other": 8}[path.name]
        fields = (stat.S_IFBLK | 0o600, ord(path.name[0]), 1, 1, 0, 0, 0, 0, 0, 0)
        return os.stat_result(fields, {"st_rdev": number})

    monkeypatch.setattr(Path, "stat", status)
    spare("disk", ["other"])
    for path in ("disk", "alias"):
        with pytest.raises(InputError, match="is one of the archives"):
            spare("disk", [path])


def test_what_was_sent_is_spared_whatever_it_is() -> None:
    Path("in/note.txt").write_text("sent")
    digests = [f"{hashlib.sha256(Path('in', name).read_bytes()).hexdigest()}  {name}" for name in ("a.tar", "note.txt")]
    Path("sums").write_text("\n".join(digests))
    result = invoke("verify", "in", "--lock", "sums", "-o", "in/note.txt")
    assert (result.exit_code, Path("in/note.txt").read_text()) == (2, "sent")
    assert "in/note.txt: is in sums; a report never replaces what was sent" in result.stderr
    assert invoke("verify", "in", "--lock", "sums", "-o", "in/report.txt").exit_code == 0
    Path("in/report.txt").unlink()
    Path("out").mkdir()
    for _ in range(2):  # another file of that name, outside
        assert invoke("verify", "in", "--lock", "sums", "-o", "out/note.txt").exit_code == 0


def test_parts_of_an_unpacked_image_are_spared() -> None:
    Path("in/oci/blobs").mkdir(parents=True)
    Path("in/oci/oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    Path("in/oci/index.json").write_text("{}")
    for output in ("in/oci/oci-layout", "in/oci/index.json"):
        before = Path(output).read_text()
        result = invoke("verify", "in", "-o", output)
        assert (result.exit_code, "a report never replaces evidence" in result.stderr) == (2, True), result.stderr
        assert Path(output).read_text() == before


@pytest.mark.parametrize("command", [["verify", "in"], ["lock", "in", "-o", "x.lock"]])
def test_a_state_file_takes_no_place_of_an_archive(command: list[str]) -> None:
    Path("in/empty.tar").touch()
    result = invoke(*command, "--resume", "in/empty.tar")
    assert (result.exit_code, "is one of the archives" in result.stderr) == (2, True), result.stderr
    assert Path("in/empty.tar").read_bytes() == b""


def test_metadata_of_content_trust_is_spared() -> None:
    Path("dct").mkdir()
    root = Path("dct/root.json")
    root.write_text("{}")
    options = ["--dct-trust", "dct", "--gun", "example.com/app", "--dct-root-key", "a" * 64]
    result = invoke("verify", "in/a.tar", *options, "-o", "dct/root.json")
    assert (result.exit_code, root.read_text()) == (2, "{}")
    assert "is read by this run (content_trust example.com/app root)" in result.stderr
