"""Texts out of an archive inside sentences about it."""

_LENGTH = 80


def short(text: str) -> str:
    """A text cut to what a sentence bears; escaping is left to whoever prints it."""
    return text if len(text) <= _LENGTH else f"{text[:_LENGTH]}…"
