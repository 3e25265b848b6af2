"""What the tests of commands that go into archives share: one way to run them, and the schema of what they write."""

import json
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource
from typer.testing import CliRunner, Result

from imgforensics.cli import app

_FOLDER = Path(__file__).parent.parent / "docs"
_SCHEMAS = [
    json.loads((_FOLDER / name).read_text(encoding="utf-8"))
    for name in ("evidence-v1.schema.json", "report-v1.schema.json")
]
VALIDATOR = jsonschema.Draft202012Validator(
    _SCHEMAS[0],
    registry=Registry().with_resources([(each["$id"], Resource.from_contents(each)) for each in _SCHEMAS]),
)

HOSTILE = ["../../etc/passwd", "/etc/shadow", "a\x1b[2J\nb", "\u202egpj.exe", "x" * 5000, "blobs/../..", "é\udcff"]
"""Names that must never reach a path, nor a terminal as they are."""


def invoke(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    """Run a command; whatever happens, it is an exit code and never a traceback."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def document(result: Result | str) -> Any:
    """What a command wrote, valid by the schema."""
    parsed = json.loads(result if isinstance(result, str) else result.stdout)
    VALIDATOR.validate(parsed)
    return parsed


def refused(result: Result, words: str) -> None:
    """No answer, and one line that says why."""
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("imgforensics: ")
    assert words in line


def is_safe(text: str) -> bool:
    """Whether nothing in a text moves a cursor, or reorders it."""
    return all(char == "\n" or (char.isprintable() and char != "\u202e") for char in text)
