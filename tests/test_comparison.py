"""What ``diff`` is made of: lists matched, values and files compared, all within bounds."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgforensics.comparison.files import Facts, Owner, Side, compare
from imgforensics.comparison.order import Change, match
from imgforensics.comparison.values import differences
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import MemberKind


@given(st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcd"), max_size=8))
def test_matching_tells_every_place_once_and_truly(a: list[str], b: list[str]) -> None:
    steps = match(a, b)
    assert sorted(step.a for step in steps if step.a is not None) == list(range(len(a)))
    assert sorted(step.b for step in steps if step.b is not None) == list(range(len(b)))
    for step in steps:
        if step.change in (Change.SAME, Change.MOVED):
            assert step.a is not None
            assert step.b is not None
            assert a[step.a] == b[step.b]
        else:
            assert (step.change is Change.ADDED) == (step.a is None)
            assert (step.change is Change.REMOVED) == (step.b is None)
    stayed = [step.b for step in steps if step.change is Change.SAME]
    assert stayed == sorted(stayed, key=lambda place: place or 0)
    assert all(step.change is Change.SAME for step in match(a, a))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "y/", "~"]), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, JSON)
def test_values_are_the_same_where_nothing_differs(a: object, b: object) -> None:
    assert not differences(a, a).total
    found = differences(a, b)
    assert found.total == len(found.listed)
    assert bool(found.total) == (repr(a) != repr(b) and not _alike(a, b))
    for each in found.listed:
        if each.only != "b":
            assert _at(a, each.pointer) == each.a
        if each.only != "a":
            assert _at(b, each.pointer) == each.b or isinstance(b, list)


def _alike(a: object, b: object) -> bool:
    """Equality that tells true from one, whatever the order of keys."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_alike, a, b))
    return type(a) is type(b) and a == b


def _at(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def test_one_item_that_came_in_between_is_one_difference() -> None:
    (found,) = differences(["a", "b", "c"], ["a", "x", "b", "c"]).listed
    assert (found.pointer, found.only, found.b) == ("/1", "b", "x")


@pytest.mark.parametrize("nested", [lambda value: value, lambda value: [value], lambda value: {"k": [value]}])
def test_true_is_not_one_where_arrays_differ_in_length(nested: Any) -> None:
    found = differences([nested(1), "x"], [nested(True), "y", "x"]).listed
    assert found[0].pointer.startswith("/0")
    assert differences(["x", nested(1)], ["x", "y", nested(True)]).total == 2


def test_differences_are_bounded() -> None:
    few = replace(DEFAULT_LIMITS, differences=3)
    found = differences({str(number): 1 for number in range(10)}, {}, few)
    assert (len(found.listed), found.total) == (3, 10)
    found = differences({"k" * 5000: {"x": 1}}, {"k" * 5000: {"x": 2}}, few)
    assert found.listed[0].pointer == ""


def test_files_are_bounded_and_what_is_left_out_is_said() -> None:
    limits = replace(DEFAULT_LIMITS, laid_over=4000)
    facts = Facts(MemberKind.FILE, 0, None, 0o644, Owner(0, 0, "", ""), 0.0, "", (0, 0), (), 1)
    a, b = Side(), Side()
    for number in range(100):
        a.put(f"f{number}", facts, limits)
        b.put(f"f{number}", facts._replace(mode=0o600), limits)
    b.put("f0", facts, limits)
    found = compare(a, b, limits, 2)
    assert len(found.listed) == 2
    assert found.counts["changed"] < 100
    assert "added" not in found.counts
    assert "removed" not in found.counts
    assert [note[:4] for note in found.notes] == ["in A", "in B"]
