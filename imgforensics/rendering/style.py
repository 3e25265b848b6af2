"""Colour for a terminal: a few SGR sequences (ECMA-48, section 8.3.117), or none."""

from collections.abc import Mapping
from dataclasses import dataclass

from imgforensics.findings import Severity, Verdict

_CODES: Mapping[str, str] = {
    Verdict.INTACT: "32",
    Verdict.UNCHECKED: "36",
    Verdict.INCOMPLETE: "33",
    Verdict.SUSPECT: "33",
    Verdict.TAMPERED: "1;31",
    Verdict.UNREADABLE: "31",
    Severity.ERROR: "31",
    Severity.WARNING: "33",
    Severity.NOTE: "36",
    "strong": "1",
    "faint": "2",
}


@dataclass(frozen=True, slots=True)
class Style:
    """How to print words that carry a meaning."""

    colour: bool = False

    def paint(self, text: str, meaning: str) -> str:
        """The text in the colour of a verdict, a severity, ``strong`` or ``faint``."""
        code = _CODES.get(meaning)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text
