"""Tar readers beside this project's own: the page of who sees what is true, and no difference passes in silence."""

import functools
from pathlib import Path

import pytest

from tests import tardifferential
from tests.crafted import tars
from tests.tardifferential import Reader

PAGE = Path(__file__).parents[1] / "docs" / "tar-readers.md"
COMMAND = "python -m tests.tardifferential > docs/tar-readers.md"
NAMES = ["GNU tar", "busybox", "bsdtar", "Go archive/tar"]
TWINS = {case.twin: f"{case.name}-twin" for case in tardifferential.CRAFTED}
"""Each innocent twin once."""


@functools.cache
def cells() -> dict[str, list[str]]:
    """The page's rows: name of the archive to its cells."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `TAR")]
    return {row[0].strip("`"): row for row in (line.strip("| ").split(" | ") for line in lines)}


def column(name: str) -> int:
    head = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| archive"))
    return head.strip("| ").split(" | ").index(name)


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader | str]:
    return tardifferential.readers(tmp_path_factory.mktemp("go"))


def _agrees(reader: Reader, folder: Path) -> None:
    """Every cell of a reader's column, if the page speaks of this version of it."""
    if f"* {reader.name}: {reader.version}\n" not in PAGE.read_text(encoding="utf-8"):
        pytest.skip(f"the page speaks of another version than {reader.version}")
    path = folder / "archive.tar"
    for case in tardifferential.CRAFTED:
        path.write_bytes(case.make())
        seen = tardifferential.difference(tardifferential.read_by_us(case.make())[0], reader.read(path))
        assert cells()[case.name][column(reader.name)] == seen, f"{case.name}: {COMMAND}"


def test_the_page_says_what_this_project_reports() -> None:
    assert list(cells()) == [case.name for case in tardifferential.CRAFTED], COMMAND
    for case in tardifferential.CRAFTED:
        _, codes = tardifferential.read_by_us(case.make())
        assert cells()[case.name][1:3] == [case.what, " ".join(codes) or "nothing"], f"{case.name}: {COMMAND}"


def test_the_page_says_what_python_sees(here: dict[str, Reader | str], tmp_path: Path) -> None:
    reader = here["Python tarfile"]
    assert isinstance(reader, Reader)
    _agrees(reader, tmp_path)


@pytest.mark.tars
@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_others_see(name: str, here: dict[str, Reader | str], tmp_path: Path) -> None:
    reader = here[name]
    if isinstance(reader, str):
        pytest.skip(reader)
    _agrees(reader, tmp_path)


def test_no_difference_on_the_page_is_silent() -> None:
    for name, row in cells().items():
        assert row[2] != "nothing" or set(row[3:]) == {"the same"}, name


@pytest.mark.parametrize("make", TWINS, ids=list(TWINS.values()))
def test_no_difference_is_silent_in_innocent_archives(
    make: tars.Make, here: dict[str, Reader | str], tmp_path: Path
) -> None:
    """What readers understand differently is at least a note."""
    path = tmp_path / "archive.tar"
    path.write_bytes(make())
    ours, codes = tardifferential.read_by_us(make())
    for reader in here.values():
        if isinstance(reader, Reader):
            told = tardifferential.difference(ours, reader.read(path))
            assert told == "the same" or codes, f"{reader.name}: {told}"
