"""Functions of text that keep what they answered."""

import pytest

from imgforensics import remembered as room
from imgforensics.remembered import remembered


def test_a_text_is_asked_about_once_while_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MOST", 3)
    monkeypatch.setattr(room, "_LONGEST", 5)
    asked: list[str] = []

    @remembered
    def upper(text: str) -> str:
        asked.append(text)
        return text.upper()

    assert [upper(text) for text in "abcabc"] == list("ABCABC")
    assert asked == ["a", "b", "c"]
    assert upper("too long") == upper("too long") == "TOO LONG"
    assert asked[3:] == ["too long", "too long"]
    assert upper("d") == "D"  # one more than are kept: all are forgotten
    assert upper("d") == "D"
    assert upper("a") == "A"
    assert asked[5:] == ["d", "a"]


def test_what_fails_fails_again() -> None:
    @remembered
    def refuse(text: str) -> str:
        raise ValueError(text)

    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            refuse("x")
