"""JSON decoded as Go's ``encoding/json`` decodes it into a program's variable (Go 1.18 to 1.26).

What differs from a plain reading: keys are matched without regard to case, every occurrence of a key is decoded into
the same field in turn, and decoding into something that holds a value already overwrites only what is there. An object
that comes twice is so the union of both; an array decoded into a longer one keeps what its elements leave out.

A program's types are written as :data:`Schema`: ``str``, ``bool``, ``int`` (of 64 bits), ``object`` (kept unread), a
list of one schema, a mapping of field names to schemas, or a tuple of one such mapping, which is a pointer to a struct
and None where it is nil; :data:`MAP` is ``map[string]string``, :data:`SET` a map to empty structs, :data:`BYTES`
``[]byte``, which JSON has in base64, and :data:`TIME` ``time.Time``.
"""

import base64
import binascii
import calendar
import codecs
import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from imgforensics.gojson import scrub
from imgforensics.loaders.load import RefusedError
from imgforensics.strictjson import fold_key

Schema: TypeAlias = Any
"""See above; a recursive type that gains nothing by being spelled out."""
MAP = "map[string]string"
SET = "map[string]struct{}"
BYTES = "[]byte"
TIME = "time.Time"

Decoded: TypeAlias = Any
"""What a variable holds: strings, numbers, lists, and mappings by field names, as its schema says."""

_SPACE = " \t\r\n"
_INT64_DIGITS = 19
_INT64 = 1 << 63
_TIME = re.compile(
    r"(\d{4})-(0[1-9]|1[0-2])-(\d\d)T(?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d+)?"
    r"(?:Z|[+-](?:[01]\d|2[0-4]):(?:[0-5]\d|60))",
    re.ASCII,
)
"""RFC 3339 as Go reads it: an hour may have one digit, a fraction a comma, and an offset 24 hours or 60 minutes."""
_NO_UTF8 = re.compile("[\udc80-\udcff]+")


def _text(raw: bytes) -> str:
    """Text with U+FFFD for each byte that is no UTF-8 (Go, ``utf8.DecodeRune``); Python has one for several of them."""
    return _NO_UTF8.sub(lambda found: "\ufffd" * len(found[0]), raw.decode("utf-8", "surrogateescape"))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object, all of its members in order."""


class _Other:
    """A number that fits into no integer of 64 bits."""

    def __init__(self, text: str) -> None:
        self.text = text


def _refuse(constant: str) -> Decoded:
    raise ValueError(f"{constant} is no JSON value")


def _integer(text: str) -> int | _Other:
    value = int(text) if len(text.removeprefix("-")) <= _INT64_DIGITS else _INT64
    return value if -_INT64 <= value < _INT64 else _Other(text)


_JSON = json.JSONDecoder(object_pairs_hook=_Pairs, parse_float=_Other, parse_int=_integer, parse_constant=_refuse)


def decode(raw: bytes, schema: Schema, *, stream: bool, into: Decoded = None) -> Decoded:
    """What a variable holds after decoding.

    Args:
        raw: the document; bounded by whoever read it.
        schema: the variable's type.
        stream: read by ``json.Decoder``, which stops behind the first value; else by ``json.Unmarshal``, which refuses
            whatever follows it but white space.
        into: what the variable held before, None for nothing.

    Raises:
        RefusedError: Go returns an error.
    """
    if raw.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RefusedError("is no JSON to Go: it begins with a byte order mark")
    text = _text(raw)
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        value, end = _JSON.raw_decode(text, start)
    except (ValueError, RecursionError):
        raise RefusedError("is no JSON to Go") from None
    if not stream and text[end:].strip(_SPACE):
        raise RefusedError("is refused by Go: something follows the first value")
    return _fill(schema, value, zero(schema) if into is None else into)


def zero(schema: Schema) -> Decoded:
    """Go's zero value of a type; nil slices and maps are None, structs their fields' zero values."""
    if schema is str:
        return ""
    if schema is int:
        return 0
    if schema is bool:
        return False
    return {name: zero(field) for name, field in schema.items()} if isinstance(schema, Mapping) else None


def _fill(schema: Schema, value: Decoded, held: Decoded) -> Decoded:
    if schema is object:
        return value
    if value is None:
        return None if schema in (MAP, SET, BYTES) or isinstance(schema, list | tuple) else held
    if schema is str:
        return scrub(_of(str, value))
    if schema is int:
        if isinstance(value, bool):
            raise RefusedError("has a boolean where Go wants a number")
        return _of(int, value)
    if schema is bool:
        return _of(bool, value)
    if isinstance(schema, str) and schema != MAP:
        return _fill_other(schema, value)
    if schema == MAP:
        pairs = {scrub(key): scrub(_of(str, item or "")) for key, item in _of(_Pairs, value)}
        return (held or {}) | pairs
    if isinstance(schema, list):
        return _fill_list(schema[0], _of(list, value), held or [])
    if isinstance(schema, tuple):
        (fields,) = schema
        return _fill_struct(fields, _of(_Pairs, value), zero(fields) if held is None else held)
    return _fill_struct(schema, _of(_Pairs, value), held)


def _fill_other(schema: Schema, value: Decoded) -> Decoded:
    """Sets, bytes and times: what is refused counts, and of bytes and times what stood there."""
    if schema == SET:
        return {key: _of(_Pairs, _Pairs() if item is None else item) for key, item in _of(_Pairs, value)}
    text: str = _of(str, value)
    if schema == TIME and not _is_time(text):
        raise RefusedError("has a time that is none to Go")
    if schema == BYTES:
        try:
            base64.b64decode(text.translate({10: None, 13: None}), validate=True)
        except (binascii.Error, ValueError):
            raise RefusedError("has bytes that are no base64 to Go") from None
    return text


def _is_time(text: str) -> bool:
    """Whether Go reads a time (``time.Parse``): on a day that there is."""
    found = _TIME.fullmatch(text)
    return found is not None and 1 <= int(found[3]) <= calendar.monthrange(int(found[1]), int(found[2]))[1]


def _fill_list(item: Schema, values: list[Any], held: list[Any]) -> list[Any]:
    if isinstance(values, _Pairs):
        raise RefusedError("has an object where Go wants an array")
    return [
        _fill(item, value, held[number] if number < len(held) else zero(item)) for number, value in enumerate(values)
    ]


def _fill_struct(fields: Mapping[str, Schema], pairs: _Pairs, held: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(held)
    folded: dict[str, str] = {}
    for key, value in pairs:
        if key not in fields and not folded:  # rare: documents spell keys as Go does
            folded = {fold_key(name): name for name in fields}
        name = key if key in fields else folded.get(fold_key(key))
        if name is not None:
            result[name] = _fill(fields[name], value, result[name])
    return result


def _of(kind: type, value: Decoded) -> Decoded:
    if not isinstance(value, kind):
        raise RefusedError(f"has {_words(value)} where Go wants another type")
    return value


def _words(value: Decoded) -> str:
    if isinstance(value, _Pairs):
        return "an object"
    return {list: "an array", str: "a string", bool: "a boolean", int: "a number"}.get(type(value), "another value")
