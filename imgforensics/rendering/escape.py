"""The one escape for text that comes from an archive, before a terminal or a line of output sees it."""

import unicodedata
from collections.abc import Iterable

from imgforensics.unseen import unseen

LONGEST = 400
"""Characters of one name or value in a table for people."""

SENTENCE = 2_000
"""Characters of what is said of it, in which names and digests stand."""

_PLAIN = frozenset(
    {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Nl", "No"}
    | {"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs"}
)


def printable(text: str) -> str:
    r"""The text with every character escaped that could move a cursor, reorder or hide text.

    Control and format characters (among them the bidirectional ones), line separators, what is drawn as nothing, piles
    of combining marks, private and unassigned ones become ``\x1b`` or ``\u202e``; bytes that were no UTF-8 become
    ``\xff``; a backslash stays as it is.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(character, hidden=hidden) for character, hidden in unseen(text))


def brief(text: str, most: int = LONGEST) -> str:
    """The same, and where it is longer than that, with its middle left out: a name can have a million characters.

    Args:
        text: what an archive says.
        most: how many characters of it are shown, once they are printable.
    """
    shown = printable(text)
    if len(shown) <= most:
        return shown
    half = most // 2
    return f"{shown[:half]}...({len(shown) - 2 * half} characters)...{shown[-half:]}"


def brief_list(texts: Iterable[str]) -> str:
    """Names with commas between, each of them brief, and the whole no longer than a sentence."""
    return brief(", ".join(map(brief, texts)), SENTENCE)


def _escape(character: str, *, hidden: bool) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8, as surrogateescape keeps it
        return f"\\x{code - 0xDC00:02x}"
    if not hidden and unicodedata.category(character) in _PLAIN:
        return character
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def json_text(text: str) -> str:
    r"""Text that any JSON reader takes: a byte that was no UTF-8 as ``\xff``, a lone surrogate as ``?``."""
    if text.isascii():
        return text
    escaped = "".join(f"\\x{ord(char) - 0xDC00:02x}" if "\udc80" <= char <= "\udcff" else char for char in text)
    return escaped.encode("utf-8", "replace").decode("utf-8")
