"""DER (X.690, sections 8 and 10), as much as a time-stamp token needs: elements with tag, content and raw bytes."""

from collections.abc import Iterator
from dataclasses import dataclass

SEQUENCE, SET, OCTETS, OID, INTEGER, TIME = 0x30, 0x31, 0x04, 0x06, 0x02, 0x18
_MOST_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Element:
    """One element."""

    tag: int
    content: bytes
    raw: bytes
    """Tag, length and content, as they stand."""

    def __iter__(self) -> "Iterator[Element]":
        """The elements that its content is made of."""
        offset = 0
        while offset < len(self.content):
            element, offset = _element(self.content, offset)
            yield element

    def expect(self, tag: int) -> "Element":
        """Itself, if it has this tag.

        Raises:
            ValueError: it has not.
        """
        if self.tag != tag:
            raise ValueError(f"tag {self.tag:#x} where {tag:#x} should be")
        return self

    @property
    def number(self) -> int:
        """The value of an INTEGER."""
        return int.from_bytes(self.expect(INTEGER).content, "big", signed=True)

    @property
    def oid(self) -> str:
        """The value of an OBJECT IDENTIFIER, in dots."""
        numbers: list[int] = []
        value = 0
        for byte in self.expect(OID).content:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                numbers.append(value)
                value = 0
        if not numbers:
            raise ValueError("an empty object identifier")
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def parse(raw: bytes) -> Element:
    """The one element that these bytes are.

    Raises:
        ValueError: they are none, or something follows it.
    """
    element, end = _element(raw, 0)
    if end != len(raw):
        raise ValueError("something follows the element")
    return element


def _element(data: bytes, start: int) -> tuple[Element, int]:
    if start + 2 > len(data):
        raise ValueError("cut off")
    tag, length, offset = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise ValueError("a tag of several bytes")
    if length & 0x80:
        count = length & 0x7F
        if not 0 < count <= _MOST_LENGTH_BYTES:
            raise ValueError("a length that is indefinite or too long")
        length = int.from_bytes(data[offset : offset + count], "big")
        offset += count
    end = offset + length
    if end > len(data):
        raise ValueError("cut off")
    return Element(tag, data[offset:end], data[start:end]), end
