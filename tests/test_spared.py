"""Reports never replace evidence, nor what a run rests on."""

import json
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(("learned", "output"), [("in", "in/a.tar"), ("in/a.tar", "link"), ("a.json", "a.json")])
def test_what_is_learned_from_is_never_replaced(learned: str, output: str) -> None:
    Path("link").symlink_to("in/a.tar")
    Path("a.json").write_text("{}")
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
