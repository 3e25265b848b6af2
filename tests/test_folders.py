"""Names of files in the folders that were given."""

import os
from pathlib import Path

import pytest

from imgforensics.folders import Folders


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a/b/c", "d", "ab"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("a/x.tar", "a/b/x.tar", "a/b/c/x.tar", "d/y.tar", "ab/x.tar", "z.tar"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "path", "name"),
    [
        (["a"], "a/x.tar", "x.tar"),
        (["a"], "a/b/c/x.tar", "b/c/x.tar"),
        (["./a/"], "./a/b/x.tar", "b/x.tar"),
        (["a/../d"], "a/../d/y.tar", "y.tar"),
        (["a"], "ab/x.tar", "x.tar"),  # not in the folder: the name alone
        (["a", "z.tar"], "z.tar", "z.tar"),
        (["a", "a/b"], "a/b/c/x.tar", "b/c/x.tar"),  # in two: as the first has it
        (["a/b", "a"], "a/b/c/x.tar", "c/x.tar"),
        (["a/b", "a"], "a/x.tar", "x.tar"),
        (["a", "./a"], "./a/x.tar", "x.tar"),
        ([], "a/b/x.tar", "x.tar"),
        (["."], "a/b/x.tar", "a/b/x.tar"),
        (["a"], "a", "a"),
    ],
)
def test_a_file_is_named_from_the_first_folder_that_it_lies_in(given: list[str], path: str, name: str) -> None:
    assert Folders(given).name(path.replace("/", os.sep)) == name


def test_all_lies_in_the_root() -> None:
    absolute = os.path.abspath("a/x.tar")
    assert Folders([os.path.abspath(os.sep)]).name(absolute) == "/".join(absolute.split(os.sep)[1:])


def test_a_name_is_a_file_inside(place: Path) -> None:
    folders = Folders(["d", "a"])
    assert folders.file_at("b/x.tar") == os.path.join("a", "b", "x.tar")
    assert folders.file_at("y.tar") == os.path.join("d", "y.tar")
    assert folders.file_at("none.tar") is None
    assert folders.file_at("b") is None  # a folder
    for out in ("../z.tar", "/z.tar", "./x.tar", "b//x.tar", "", str(place / "z.tar")):
        assert folders.file_at(out) is None


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_that_leads_out_is_no_file_inside(place: Path) -> None:
    (place / "a/out.tar").symlink_to("../z.tar")
    (place / "a/in.tar").symlink_to("b/x.tar")
    assert Folders(["a"]).file_at("out.tar") is None
    assert Folders(["a"]).file_at("in.tar") == os.path.join("a", "in.tar")


def test_folders_are_those_among_what_was_given() -> None:
    assert not Folders(["z.tar", "-", "none"])
    assert Folders(["z.tar", "a"])
