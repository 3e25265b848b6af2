"""Pure functions of text that are asked of the same texts again and again, with what they answered kept at hand."""

from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

_MOST, _LONGEST = 4096, 128
"""Texts that are kept, and their characters: an archive may hold any number, of any length."""


class _Kept(dict[str, Answer]):
    def __init__(self, function: Callable[[str], Answer]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, text: str) -> Answer:
        answer = self._function(text)
        if len(text) <= _LONGEST:
            if len(self) >= _MOST:
                self.clear()
            self[text] = answer
        return answer


def remembered(function: Callable[[str], Answer]) -> Callable[[str], Answer]:
    """The same function, which answers at once what it answered before."""
    return _Kept(function).__getitem__
