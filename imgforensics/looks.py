"""What bytes look like, in words, where others were expected. For messages alone: nothing is decided by it."""

import codecs

from imgforensics.model import Compression
from imgforensics.sniffing import foreign, sniff
from imgforensics.tarheader import BLOCK, is_header

_MAGICS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "a zip file"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"\x7fELF", "an ELF program"),
    (0, b"MZ", "a Windows program"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"hsqs", "a squashfs file system"),
    (0, b"SIF_MAGIC", "a Singularity image"),
    (32, b"SIF_MAGIC", "a Singularity image"),  # behind a first line as of a script
    (0, b"#!", "a script"),
    (0, b"SQLite format 3", "an SQLite database"),
)
"""Offset, bytes that stand there, and what has them."""


def describe(head: bytes) -> str:
    """What begins with these bytes, of which a tar header's length is enough, as a noun with its article."""
    if not head:
        return "nothing"
    if not head.strip(b"\0"):
        return "zero bytes"
    compression = sniff(head)
    if compression not in (Compression.NONE, Compression.UNSUPPORTED):
        return f"{compression} data"
    return foreign(head) or _tar_header(head) or _by_magic(head) or _text(head) or "unknown data"


def _tar_header(head: bytes) -> str | None:
    if is_header(head[:BLOCK]):
        return "a tar header"
    if head[257:262] != b"ustar":
        return None
    return "a tar header with a wrong checksum" if len(head) >= BLOCK else "part of a tar header"


def _by_magic(head: bytes) -> str | None:
    return next((words for offset, magic, words in _MAGICS if head.startswith(magic, offset)), None)


def _text(head: bytes) -> str | None:
    """A name for UTF-8 without control characters; it may be cut off inside a character, or padded with NULs."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head.rstrip(b"\0"))
    except UnicodeDecodeError:
        return None
    if not text or any(char < " " and char not in "\t\n\r\f" for char in text):
        return None
    return "a JSON document" if text.lstrip().startswith(("{", "[")) else "text"
