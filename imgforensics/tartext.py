"""How what stands in a tar's headers is told: its bytes as text, and oddities that have no place yet. No I/O."""

from imgforensics.model import AnomalyKind

Note = tuple[AnomalyKind, str]
"""An oddity without a place yet."""


def decode(text: bytes) -> str:
    """Bytes of a name as text; those that are not UTF-8 become lone surrogates."""
    return text.decode("utf-8", "surrogateescape")


def show(text: bytes) -> str:
    """Bytes quoted for an anomaly's detail, shortened where they are long."""
    return repr(decode(text if len(text) <= 120 else text[:120] + b"..."))


def show_keys(keys: list[bytes]) -> str:
    """Keys for an anomaly's detail, shortened where they are many."""
    more = f" and {len(keys) - 8} more" if len(keys) > 8 else ""
    return ", ".join(show(key) for key in keys[:8]) + more
