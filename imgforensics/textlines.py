"""The lines of a list in text that say something: blank ones and comments may be there by the million."""

import re
from collections.abc import Iterator

_SAID = re.compile(r"\S[^\n]*")


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Every line that is neither blank nor a comment (``#``), with its number from 1 on and without its end.

    Memory is that of one line, whatever the text: the lines of a list are never all made at once.
    """
    number = 1
    seen = 0
    for said in _SAID.finditer(text):
        start = text.rfind("\n", seen, said.start()) + 1
        number += text.count("\n", seen, said.start())
        seen = said.end()
        if not text.startswith("#", said.start()):
            yield number, text[start:seen]
