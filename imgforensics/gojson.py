"""JSON as Go writes it: strings, times, and values that are copied as they are spelled (``encoding/json``)."""

import calendar
import json
import re
from collections.abc import Iterator

from imgforensics.remembered import remembered

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile('["\\\\\x00-\x1f<>&\u2028\u2029]')
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONG = {character: f"\\u{ord(character):04x}" for character in (*map(chr, range(32)), *"<>&\u2028\u2029")}
_ESCAPES = _SHORT | {character: escape for character, escape in _LONG.items() if character not in _SHORT}
"""Escapes by character. The backslash comes first, so that one replacement after the other does no harm."""
_ESCAPES_SINCE_GO_1_22 = _ESCAPES | {"\b": "\\b", "\f": "\\f"}


def scrub(text: str) -> str:
    """The text as Go's decoder leaves it: U+FFFD for every lone surrogate."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def go_string(text: str, *, short_controls: bool = False) -> str:
    r"""A JSON string literal as Go's ``json.Marshal`` writes it.

    Args:
        text: the value; lone surrogates become U+FFFD, as Go reads them.
        short_controls: write ``\b`` and ``\f`` (Go 1.22 and newer) instead of ``\u0008`` and ``\u000c``.
    """
    text = scrub(text)
    if _ESCAPED.search(text):
        # One str.replace() a character is many times faster than a call for every occurrence.
        for character, escape in (_ESCAPES_SINCE_GO_1_22 if short_controls else _ESCAPES).items():
            text = text.replace(character, escape)
    return f'"{text}"'


_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


@remembered
def go_time(text: str) -> str | None:
    """An RFC 3339 time as Go reads and prints it again (``time.RFC3339Nano``), or None where Go refuses it.

    Nanoseconds at most, no trailing zeros in the fraction, the offset kept, but ``Z`` for an offset of zero.
    """
    parts = _RFC3339.fullmatch(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second = (int(parts[group]) for group in range(1, 7))
    if not (1 <= month <= 12 and hour <= 23 and minute <= 59 and second <= 59):
        return None
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    sign, zone_hours, zone_minutes = parts[8], parts[9], parts[10]
    if sign is not None and (zone_hours > "23" or zone_minutes > "59"):
        return None
    fraction = (parts[7] or "")[:9].rstrip("0")
    utc = sign is None or zone_hours == zone_minutes == "00"
    return text[:19] + (f".{fraction}" if fraction else "") + ("Z" if utc else f"{sign}{zone_hours}:{zone_minutes}")


def _refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity, JSON does not have them."""
    raise ValueError(name)


_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)
_SPACE = re.compile(r"[ \t\r\n]*")
_HTML = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\xe2\x80\xa8": "\\u2028",  # the UTF-8 bytes of U+2028, as Latin-1
    "\xe2\x80\xa9": "\\u2029",
}
_STRING_OR_SPACE = re.compile(r'("(?:[^"\\]++|\\.)*+")|[ \t\r\n]+', re.DOTALL)


def raw_members(document: bytes) -> dict[str, bytes] | None:
    """Keys of a JSON object and their values as they are spelled, but compacted as Go's ``json.RawMessage`` is.

    None where the document is not one JSON object. Of a duplicate key, the last one counts.
    """
    # Latin-1 maps bytes to characters one by one, so that strings that are not UTF-8 keep their bytes.
    text = document.decode("latin-1")
    try:
        return {key: _compact(text[start:end]) for key, start, end in _value_spans(text)}
    except (ValueError, RecursionError):
        return None


def _value_spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Key, start and end of each value of a JSON object; ValueError where the text is anything else."""
    position = _expect(text, _skip_space(text, 0), "{")
    more = text[position : position + 1] != "}"
    while more:
        key, position = _SCANNER.raw_decode(text, position)
        if not isinstance(key, str) or text[position - 1] != '"':
            raise ValueError("a key that is no string")
        start = _expect(text, _skip_space(text, position), ":")
        _, end = _SCANNER.raw_decode(text, start)
        yield key, start, end
        position = _skip_space(text, end)
        more = text[position : position + 1] == ","
        position = _expect(text, position, ",") if more else position
    if text[position:].strip(" \t\r\n") != "}":
        raise ValueError("no end of the object, or something behind it")


def _skip_space(text: str, position: int) -> int:
    """First position from here on that is no white space of JSON."""
    found = _SPACE.match(text, position)
    return found.end() if found is not None else position


def _expect(text: str, position: int, character: str) -> int:
    """Position of what follows this character and white space; ValueError where the character is not there."""
    if text[position : position + 1] != character:
        raise ValueError(f"{character} expected")
    return _skip_space(text, position + 1)


def _compact(text: str) -> bytes:
    """A JSON value, its bytes as Latin-1, the way Go compacts it: no white space, HTML's special characters escaped."""
    text = _STRING_OR_SPACE.sub(lambda found: found[1] or "", text)
    for plain, escaped in _HTML.items():
        text = text.replace(plain, escaped)
    return text.encode("latin-1")
