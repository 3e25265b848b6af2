"""What a crafted archive is: one entry of the catalogue of threats, made by a function, with what must be said of it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Crafted:
    """An archive that is wrong or suspicious in one way, and its innocent twin."""

    name: str
    """Names the test and the line in the documentation, e.g. ``VIEW-01-hybrid``; begins with the threat."""
    what: str
    """What is wrong with it, in half a line."""
    make: Callable[[], bytes]
    """The archive; the same bytes at each call."""
    codes: frozenset[str]
    """Codes of all findings that are errors or warnings; no others may be there."""
    twin: Callable[[], bytes]
    """An archive that looks like it, and of which nothing but notes may be said."""
    notes: frozenset[str] = frozenset()
    """Codes of findings that are notes and must be there; others may be."""

    @property
    def threat(self) -> str:
        """The entry of the catalogue, e.g. ``VIEW-01``."""
        return "-".join(self.name.split("-")[:2])


@dataclass(frozen=True)
class Threat:
    """An entry of the catalogue."""

    code: str
    title: str
    precedent: str
    """Advisories, issues and measured behaviour of real readers, in a line."""
    rules: tuple[str, ...]
    """Codes of the rules that find it; empty where it is inventory, and shown by ``inspect``."""
    remark: str = ""
    """What is not found, or why it is silent."""
