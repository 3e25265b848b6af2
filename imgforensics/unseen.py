"""Characters that are not seen, but change what is: one list for what is escaped and for what is found."""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator

_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Controls, formats (among them the bidirectional ones), separators of lines and paragraphs."""

_IGNORABLE = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
"""Default_Ignorable_Code_Point, first and last of each range (Unicode 16.0, DerivedCoreProperties.txt)."""

_STARTS = [first for first, _ in _IGNORABLE]
_STACKING = frozenset({"Mn", "Me"})
"""Marks that take no place of their own."""

_MARKS = 6
"""Marks on one another that writing needs: vowels and cantillation of Hebrew, letters below letters of Tibetan."""


def unseen(text: str) -> Iterator[tuple[str, bool]]:
    """Every character of a text, and whether it is not seen, or not as what it is.

    Such are controls and formats, what Unicode has programs draw as nothing (fillers, variation selectors, tags), and
    combining marks from the seventh in a row on, which pile up over other lines.
    """
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _STACKING else 0
        yield character, category in _CATEGORIES or marks > _MARKS or _ignorable(ord(character))


def _ignorable(code: int) -> bool:
    place = bisect_right(_STARTS, code) - 1
    return place >= 0 and code <= _IGNORABLE[place][1]
