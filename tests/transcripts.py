"""The transcripts in README.md: ``python -m tests.transcripts`` runs their commands and writes what was printed.

A transcript is a block fenced by ```` ```console ````: lines that begin with ``$ imgforensics`` are commands, the rest is what
they print. They run one after the other in one folder that :func:`furnish` fills, so that a later command finds what an
earlier one wrote. ``echo $?`` prints the exit code of the command before it.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner

from imgforensics.cli import app
from tests import builder
from tests.crafted import CRAFTED

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FIXTURES = Path(__file__).parent / "fixtures"
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def furnish(folder: Path) -> None:
    """Fill a folder with the archives that the transcripts speak of."""
    shutil.copy(FIXTURES / "docker20-save.tar", folder / "app.tar")
    config = builder.docker_legacy([builder.ImageSpec(tags=["example.com/api:1.4"])])
    (folder / "api.tar").write_bytes(builder.tar(config))
    builder.swap_config(config)
    (folder / "swapped.tar").write_bytes(builder.tar(config))
    hybrid = next(case for case in CRAFTED if case.name == "VIEW-01-hybrid")
    (folder / "hybrid.tar").write_bytes(hybrid.make())
    sent, transfer = folder / "sent", folder / "transfer"
    for each in (sent, transfer):
        each.mkdir()
    shutil.copy(FIXTURES / "docker20-save.tar", sent / "app.tar")
    shutil.copy(FIXTURES / "skopeo-oci.tar", sent / "web.tar")
    shutil.copy(folder / "api.tar", sent / "api.tar")
    shutil.copy(FIXTURES / "docker20-save.tar", transfer / "app.tar")
    shutil.copy(FIXTURES / "skopeo-oci.tar", transfer / "web.tar")
    damaged = builder.docker_legacy([builder.ImageSpec(tags=["example.com/api:1.4"])])
    builder.swap_layer(damaged)
    (transfer / "api.tar").write_bytes(builder.tar(damaged))


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def played(readme: str) -> str:
    """A text with every transcript as it is now."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        furnish(folder)
        with _inside(folder):
            return _BLOCK.sub(lambda match: _play(match[0], folder), readme)


def _play(block: str, folder: Path) -> str:
    lines = []
    code = 0
    runner = CliRunner()
    for line in block.splitlines():
        if not line.startswith("$ "):
            continue
        lines.append(line)
        command = line.removeprefix("$ ")
        if command == "echo $?":
            lines.append(str(code))
        elif command.startswith("cat "):
            lines += (folder / command.removeprefix("cat ")).read_text(encoding="utf-8").splitlines()
        else:
            program, *arguments = command.split()
            assert program == "imgforensics", f"not understood in a transcript: {command}"
            environment = {"COLUMNS": "120", "XDG_DATA_HOME": str(folder / "data"), "NO_COLOR": "1"}
            result = runner.invoke(app, arguments, env=environment)
            code = result.exit_code
            lines += result.output.splitlines()
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    README.write_text(played(README.read_text(encoding="utf-8")), encoding="utf-8")
