"""Layers laid over each other: every entry's fate, against a plain model that applies them from the bottom up."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgforensics.layerentry import Entry, WhiteoutKind, whiteout
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import MemberKind, clean_path
from imgforensics.overlay import Fate, Overlay


def entry(name: str) -> Entry:
    """An entry of this name: a folder if it ends in a slash, a symlink if it begins with an at sign, a file.

    The target of a symlink stands behind a second one.
    """
    if name.startswith("@"):
        link, _, target = name[1:].partition("@")
        return entry(link)._replace(kind=MemberKind.SYMLINK, linkname=target)
    kind = MemberKind.DIRECTORY if name.endswith("/") else MemberKind.FILE
    empty = ("", "", 0.0, "", 0, 0, (), 0, 0, ())
    return Entry(name, clean_path(name), kind, "0", 0, 0, 0, 0, *empty)


def laid_over(*layers: Sequence[str]) -> list[list[tuple[Fate, int | None]]]:
    overlay = Overlay()
    for index in range(len(layers) - 1, -1, -1):
        assert overlay.add(index, (entry(name) for name in layers[index])) == len(layers[index])
    assert not overlay.cut
    return [[overlay.fate(index, number) for number in range(len(layer))] for index, layer in enumerate(layers)]


@pytest.mark.parametrize(
    ("lower", "upper", "fate"),
    [
        ("a", "b", Fate.KEPT),
        ("a", "a", Fate.OVERWRITTEN),
        ("a/", "a/", Fate.MERGED),
        ("a/", "a", Fate.OVERWRITTEN),
        ("a", "a/", Fate.OVERWRITTEN),
        ("d/a", "d", Fate.BURIED),
        ("d/a", "d/", Fate.KEPT),
        ("d/a", "d/.wh.a", Fate.DELETED),
        ("d/e/a", ".wh.d", Fate.DELETED),
        ("d/a", ".wh.e", Fate.KEPT),
        ("d/a", "d/.wh..wh..opq", Fate.HIDDEN),
        ("d/", "d/.wh..wh..opq", Fate.KEPT),
        ("a", ".wh..wh..opq", Fate.HIDDEN),
        ("a", ".wh..wh.aufs", Fate.KEPT),
        (".wh..wh.aufs", "a", Fate.IGNORED),
        (".wh..wh.plnk/1.2", "a", Fate.IGNORED),
        ("a", "a/b", Fate.OVERWRITTEN),
        ("a", "a/b/c/", Fate.OVERWRITTEN),
        ("a/", "a/b", Fate.KEPT),
        ("@a", "a/b", Fate.OVERWRITTEN),
        ("@a", "a/.wh.b", Fate.OVERWRITTEN),
        ("@a", "a/", Fate.OVERWRITTEN),
        ("./a", "/a", Fate.OVERWRITTEN),
        ("../a", "../a", Fate.UNKNOWN),
        ("x/" * 300 + "a", "b", Fate.UNKNOWN),
        ("x" * 5000, "b", Fate.UNKNOWN),
    ],
)
def test_what_one_entry_does_to_another(lower: str, upper: str, fate: Fate) -> None:
    by = None if fate in (Fate.KEPT, Fate.UNKNOWN, Fate.IGNORED) else 1
    assert laid_over([lower], [upper])[0] == [(fate, by)]


def test_a_layers_own_whiteouts_spare_its_own_entries() -> None:
    assert laid_over(["a"], [".wh.a", "a"])[1] == [(Fate.KEPT, None), (Fate.KEPT, None)]


def test_of_two_entries_of_a_layer_the_later_one_stays() -> None:
    assert laid_over(["a", "b", "a"])[0] == [(Fate.OVERWRITTEN, 0), (Fate.KEPT, None), (Fate.KEPT, None)]


def test_a_folder_that_was_a_file_before_is_not_the_old_folder() -> None:
    assert laid_over(["a/", "a/x"], ["a", "a/", "a/y"]) == [
        [(Fate.OVERWRITTEN, 1), (Fate.BURIED, 1)],
        [(Fate.OVERWRITTEN, 1), (Fate.KEPT, None), (Fate.KEPT, None)],
    ]


def test_what_lies_in_a_folder_goes_with_it_when_a_file_takes_its_place() -> None:
    assert laid_over(["a/", "a/b", "a", "c"], [])[0] == [
        (Fate.OVERWRITTEN, 0),
        (Fate.BURIED, 0),
        (Fate.KEPT, None),
        (Fate.KEPT, None),
    ]
    assert laid_over(["a/b", "a", "a/", "a/c"], [])[0][0] == (Fate.BURIED, 0)
    assert laid_over(["a/b", "a", "a/", "a/c"], [])[0][3] == (Fate.KEPT, None)


def test_the_nearest_layer_is_told_and_what_comes_back_is_another_entry() -> None:
    assert laid_over(["a"], [".wh.a"], ["a"], ["a"]) == [
        [(Fate.DELETED, 1)],
        [(Fate.KEPT, None)],
        [(Fate.OVERWRITTEN, 3)],
        [(Fate.KEPT, None)],
    ]


def test_whiteouts_count_what_they_take_away() -> None:
    overlay = Overlay()
    overlay.add(1, map(entry, [".wh.d", "e/.wh..wh..opq", ".wh.nothing"]))
    overlay.add(0, map(entry, ["d/", "d/a", "d/b", "e/", "e/c"]))
    assert [overlay.hides(1, number) for number in range(3)] == [3, 1, 0]


def test_beyond_the_bound_on_memory_nothing_is_claimed() -> None:
    overlay = Overlay(replace(DEFAULT_LIMITS, laid_over=1000))
    overlay.add(1, (entry(f"f{number}") for number in range(100)))
    overlay.add(0, (entry(f"f{number}") for number in range(100)))
    assert overlay.cut
    fates = [overlay.fate(0, number)[0] for number in range(100)]
    assert fates[0] is Fate.OVERWRITTEN
    assert fates[-1] is Fate.UNKNOWN


PATHS = st.sampled_from(["a", "a/", "a/b", "a/b/", "a/b/c", "d", "d/", "d/a"])
TAKEN = st.sampled_from([".wh.a", "a/.wh.b", "a/b/.wh.c", ".wh.d", "a/.wh..wh..opq", ".wh..wh..opq", "d/.wh.a"])
LAYERS = st.lists(st.lists(st.one_of(PATHS, TAKEN), max_size=6), max_size=5)


@given(LAYERS)
def test_fates_are_those_of_layers_applied_one_by_one(layers: list[list[str]]) -> None:
    told = laid_over(*layers)
    for index, layer in enumerate(layers):
        for number, name in enumerate(layer):
            fate, by = told[index][number]
            if whiteout(clean_path(name) or "") is None:
                assert by == _gone(layers, index, number) or fate is Fate.MERGED
                if fate is Fate.MERGED:
                    assert by is not None
                    assert _gone(layers, index, number) is None or by == index


def _gone(layers: list[list[str]], index: int, number: int) -> int | None:
    """The first layer after which the entry is no longer there, by trying each in turn."""
    name = layers[index][number]
    path = clean_path(name) or ""
    again = [other for other in layers[index][number + 1 :] if clean_path(other) == path]
    if again and not (name.endswith("/") and again[-1].endswith("/") and all(each.endswith("/") for each in again)):
        return index
    below = layers[index][number + 1 :]
    if any(_is_file(other) and path.startswith(f"{clean_path(other)}/") for other in below):
        return index
    for above in range(index + 1, len(layers)):
        if any(_takes(other, name) for other in layers[above]):
            return above
    return None


def _is_file(name: str) -> bool:
    return not name.endswith("/") and whiteout(clean_path(name) or "") is None


def _takes(upper: str, lower: str) -> bool:
    path, above = clean_path(lower) or "", clean_path(upper) or ""
    taken = whiteout(above)
    if taken is not None and not lower.endswith("/") and f"{above.rpartition('/')[0]}/".startswith(f"{path}/"):
        return True
    if taken is not None and taken[0] is WhiteoutKind.OPAQUE:
        return not taken[1] or path.startswith(f"{taken[1]}/")
    if taken is not None:
        return f"{path}/".startswith(f"{taken[1]}/")
    if not lower.endswith("/") and above.startswith(f"{path}/"):
        return True
    if above == path:
        return not (upper.endswith("/") and lower.endswith("/"))
    return not upper.endswith("/") and path.startswith(f"{above}/")


def test_symlinks_of_the_own_layer_are_followed() -> None:
    lower = ["d/a", "d/b", "d/c", "e/x", "d/f/g"]
    upper = ["@l@d", "@m@/l", "@n@n", "@o@l", "o", "l/a", "m/.wh.b", "n/x", "o/f", "l/.wh.f"]
    fates = laid_over(lower, upper)[0]
    assert fates == [
        (Fate.OVERWRITTEN, 1),
        (Fate.DELETED, 1),
        (Fate.KEPT, None),
        (Fate.KEPT, None),
        (Fate.DELETED, 1),
    ]


def test_symlinks_of_lower_layers_are_not() -> None:
    assert laid_over(["d/a", "@l@d"], ["l/.wh.a", "l/b"])[0] == [(Fate.KEPT, None), (Fate.OVERWRITTEN, 1)]


def test_a_hard_link_to_a_symlink_is_followed_like_it() -> None:
    to_it = entry("t")._replace(kind=MemberKind.HARDLINK, linkname="s")
    overlay = Overlay()
    overlay.add(0, [entry("bin/app"), entry("@s@bin"), to_it, entry("t/app")])
    assert overlay.fate(0, 0) == (Fate.OVERWRITTEN, 0)
