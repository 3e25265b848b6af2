"""The library as its page tells of it: the names, the examples, the metadata that an index shows."""

import importlib.metadata
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import imgforensics
from tests.signing import pki

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
EXAMPLES = [
    block
    for page in (PAGE, (ROOT / "README.md").read_text(encoding="utf-8"))
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL)
]


def test_the_page_names_every_public_name_and_no_other() -> None:
    rows = re.findall(r"^\| (`[^|]*) \|", PAGE, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)", row)]
    assert sorted(named) == sorted(imgforensics.__all__)


@pytest.mark.parametrize("name", imgforensics.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(imgforensics, name)
    assert isinstance(value, str) or value.__doc__
    assert name in dir(imgforensics)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_run(example: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "fixtures" / "docker20-save.tar", tmp_path / "image.tar")
    (tmp_path / "cosign.pub").write_bytes(pki.pem(pki.ec_key().public_key()))
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout


def test_the_examples_are_typed(tmp_path: Path) -> None:
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"example{number}.py").write_text(example, encoding="utf-8")
    names = sorted(str(path) for path in tmp_path.glob("*.py"))
    asked = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), *names]
    checked = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    if "No module named mypy" in checked.stderr:
        pytest.skip("mypy is not installed")
    assert checked.returncode == 0, checked.stdout


def test_no_thread_is_refused() -> None:
    with pytest.raises(imgforensics.SelectionError, match="jobs=0"):
        imgforensics.analyze(ROOT / "tests" / "fixtures" / "docker20-save.tar", imgforensics.Options(jobs=0))


def test_every_value_of_an_enumeration_is_on_the_page() -> None:
    for kind in (imgforensics.Verdict, imgforensics.Outcome, imgforensics.Severity):
        for each in kind:
            assert f"`{each.name}`" in PAGE


def test_a_report_is_a_value(tmp_path: Path) -> None:
    report = imgforensics.analyze(ROOT / "tests" / "fixtures" / "docker20-save.tar")
    again = pickle.loads(pickle.dumps(report.findings))
    assert again == report.findings


def test_the_metadata_says_what_an_index_shows() -> None:
    metadata = importlib.metadata.metadata("imgforensics")
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert (Path(imgforensics.__file__).parent / "py.typed").exists()
