"""The manual pages in docs/man: what the commands say, and such as programs for manual pages read without a word."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from imgforensics.cli import app
from tests import manpages

COMMANDS: dict[str, Any] = vars(get_command(app))["commands"]
PAGES = sorted(manpages.FOLDER.glob("*.1"))
RENDERERS = {
    "mandoc": ["mandoc", "-Tutf8"],
    "groff": ["groff", "-man", "-Tutf8", "-ww", "-P-cbou"],
    "man": ["man", "--warnings=w", "--local-file", "--pager=cat"],
}


def test_the_pages_are_what_the_commands_say() -> None:
    dates = manpages.dates()
    written = {each.name: each.read_text(encoding="ascii") for each in PAGES}
    assert set(dates) == set(written) == {"imgforensics.1", *(f"imgforensics-{name}.1" for name in COMMANDS)}
    assert written == manpages.pages(dates), "python -m tests.manpages"


def test_a_page_keeps_its_date_until_its_text_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manpages, "FOLDER", tmp_path / "man")
    manpages.write()
    old, other = tmp_path / "man" / "imgforensics-lock.1", tmp_path / "man" / "imgforensics-diff.1"
    for each in (old, other):
        each.write_text(re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "1999-01-01", each.read_text(), count=1))
    other.write_text(other.read_text().replace("arrived", "vanished"))
    (tmp_path / "man" / "imgforensics-gone.1").touch()
    manpages.write()
    assert manpages.dates()["imgforensics-lock.1"] == "1999-01-01"
    assert manpages.dates()["imgforensics-diff.1"] != "1999-01-01"
    assert "vanished" not in other.read_text()
    assert not (tmp_path / "man" / "imgforensics-gone.1").exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_has_every_option(name: str) -> None:
    text = (manpages.FOLDER / f"imgforensics-{name}.1").read_text(encoding="ascii").replace("\\-", "-")
    for parameter in COMMANDS[name].params:
        for option in (*parameter.opts, *parameter.secondary_opts):
            assert f"\\fB{option}\\fR" in text or parameter.param_type_name == "argument"


@pytest.mark.parametrize("program", RENDERERS)
@pytest.mark.parametrize("page", PAGES, ids=lambda each: str(each.stem))
def test_programs_render_it_without_a_warning(program: str, page: Path) -> None:
    if shutil.which(program) is None or (program == "man" and shutil.which("groff") is None):
        pytest.skip(f"no {program} on this machine")
    env = {"PATH": "/usr/bin:/bin:/usr/local/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8"}
    result = subprocess.run([*RENDERERS[program], str(page)], capture_output=True, text=True, check=True, env=env)
    assert result.stderr == ""
    shown = re.sub(r".\x08", "", result.stdout)
    for words in ("NAME", f"{page.stem} - ", "OPTIONS", "-h, --help", "EXIT STATUS"):
        assert words in shown


def test_mandoc_finds_no_fault() -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("no mandoc on this machine")
    result = subprocess.run(["mandoc", "-Tlint", *map(str, PAGES)], capture_output=True, text=True, check=False)
    assert (result.stdout, result.returncode) == ("", 0)
