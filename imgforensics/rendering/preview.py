"""A look at bytes: a document as text where it is one, a hex dump where not; bounded, and escaped line by line."""

import json
from collections.abc import Iterator

from imgforensics.documents import Document
from imgforensics.rendering.escape import printable

_LINES = 60
_WIDTH = 110
_ROW = 16


def document_lines(content: bytes, document: Document) -> Iterator[str]:
    """A JSON document: laid out where nothing was odd about its bytes, else exactly as it stands."""
    text = content.decode("utf-8", "surrogateescape")
    if document.value is not None and not document.problems:
        text = json.dumps(document.value, indent=2, ensure_ascii=False)
    lines = text.split("\n", _LINES)
    for line in lines[:_LINES]:
        shown = printable(line[: _WIDTH + 1])
        yield shown if len(line) <= _WIDTH else f"{shown[:_WIDTH]} ... {len(line) - _WIDTH} characters more"
    if len(lines) > _LINES:
        yield f"... {lines[_LINES].count(chr(10)) + 1} lines more"


def hex_lines(data: bytes, offset: int = 0) -> Iterator[str]:
    """Sixteen bytes a line: where they stand, the bytes, and those that are printable ASCII."""
    for start in range(0, len(data), _ROW):
        row = data[start : start + _ROW]
        digits = " ".join((row[:8].hex(" "), row[8:].hex(" "))).ljust(3 * _ROW)
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{offset + start:08x}  {digits} |{text}|"
