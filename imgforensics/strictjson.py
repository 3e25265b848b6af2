"""JSON as evidence: strict about what the bytes are, lenient enough to go on, and every departure noted.

Python's own reader accepts byte order marks, UTF-16, NaN and repeated keys, and raises three kinds of exceptions on
hostile input; Go's accepts repeated keys, keys in another case, invalid UTF-8 and (as a stream) anything behind the
first value. Where the two differ, an attacker shows one image to a scanner and another to a runtime, so each
difference becomes an :class:`~imgforensics.model.Anomaly`. The value that comes back is what Go's reader would hold:
the last of repeated keys.
"""

import codecs
import json
import math
import re
from dataclasses import dataclass

from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import Anomaly, AnomalyKind, Span
from imgforensics.oddities import Oddities

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_WHITESPACE = " \t\n\r"
_OTHER_UNICODE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_INTEGER_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON value and what was odd about its bytes. The value is None where nothing could be read."""

    value: object
    problems: tuple[Anomaly, ...]


class JsonObject(dict[str, object]):
    """A JSON object that remembers which of its keys stood there more than once."""

    repeated: tuple[str, ...] = ()


class _RejectedError(ValueError):
    """Raised by the hooks below to leave ``json`` with a reason."""


def parse_json(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Parsed:
    """Read one JSON document (RFC 8259). Never raises.

    Args:
        raw: the document's bytes, all of them.
        limits: bounds on size, nesting and number of values.
    """
    problems = Oddities(limits.problems, limits.pointer)
    if len(raw) > limits.document:
        return Parsed(
            None, (Anomaly(AnomalyKind.LIMIT, f"a document of {len(raw)} bytes; read up to {limits.document}"),)
        )
    text = _decode(raw, problems)
    if text is None or not _bounded(text, limits, problems):
        return Parsed(None, tuple(problems))
    value, repeated = _load(text, problems)
    if repeated:
        _repeated_keys(value, problems)
    return Parsed(value, tuple(problems))


def most_values(raw: bytes) -> int:
    """A number of values that a document in UTF-8 does not exceed: of ``,``, ``[`` and ``{`` in it, and one."""
    return 1 + raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def escape_pointer(key: str) -> str:
    """One reference token of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


def fold_key(key: str) -> str:
    """A key as Go's decoder compares it with an ASCII name (encoding/json of Go 1.26, tried out).

    Besides case, two letters that are not ASCII fold to one that is: the long s to ``s``, the Kelvin sign to ``k``.
    """
    return key.lower() if key.isascii() else key.replace("\u017f", "s").replace("\u212a", "k").lower()


def _decode(raw: bytes, problems: Oddities) -> str | None:
    if raw.startswith(codecs.BOM_UTF8):
        problems.append(Anomaly(AnomalyKind.BYTE_ORDER_MARK, "begins with a UTF-8 byte order mark, which Go refuses"))
        raw = raw[3:]
    elif raw.startswith(_OTHER_UNICODE) or b"\0" in raw[:4]:
        problems.append(Anomaly(AnomalyKind.NOT_UTF8, "is UTF-16 or UTF-32, not UTF-8"))
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"byte {error.start} is not UTF-8 ({error.reason})"
        problems.append(Anomaly(AnomalyKind.NOT_UTF8, detail, Span(error.start, 1)))
        return raw.decode("utf-8", "replace")


def _bounded(text: str, limits: Limits, problems: Oddities) -> bool:
    if not text.strip(_WHITESPACE):
        problems.append(Anomaly(AnomalyKind.NOT_JSON, "is empty"))
        return False
    openings = text.count("[") + text.count("{")
    if openings + text.count(",") > limits.json_tokens:
        problems.append(Anomaly(AnomalyKind.LIMIT, f"holds more than {limits.json_tokens} values"))
        return False
    if openings <= limits.json_depth:
        return True
    depth = 0
    for match in _BRACKETS.finditer(text):
        bracket = match.group()
        if bracket in ("[", "{"):
            depth += 1
            if depth > limits.json_depth:
                problems.append(Anomaly(AnomalyKind.LIMIT, f"nests deeper than {limits.json_depth}"))
                return False
        elif bracket in ("]", "}"):
            depth -= 1
    return True


def _load(text: str, problems: Oddities) -> tuple[object, bool]:
    """The value of the document, and whether any of its objects has a key twice."""
    repeated = False

    def members(pairs: list[tuple[str, object]]) -> JsonObject:
        nonlocal repeated
        result = _object(pairs)
        repeated = repeated or bool(result.repeated)
        return result

    def integer(digits: str) -> object:
        if len(digits) > _INTEGER_DIGITS:
            problems.append(Anomaly(AnomalyKind.BAD_VALUE, f"an integer of {len(digits)} digits"))
            return digits
        return int(digits)

    def real(digits: str) -> object:
        number = float(digits)
        if math.isfinite(number):
            return number
        problems.append(Anomaly(AnomalyKind.BAD_VALUE, "a number beyond what 64 bits hold, which Go refuses"))
        return digits

    decoder = json.JSONDecoder(object_pairs_hook=members, parse_int=integer, parse_float=real, parse_constant=_constant)
    start = len(text) - len(text.lstrip(_WHITESPACE))
    value: object
    try:
        value, end = decoder.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        problems.append(Anomaly(AnomalyKind.NOT_JSON, f"is not JSON: {error}"))
        return None, False
    rest = text[end:].strip(_WHITESPACE)
    if rest:
        detail = f"{len(rest)} characters follow the document, from character {end}: some readers stop before them"
        problems.append(Anomaly(AnomalyKind.TRAILING_JSON, detail))
    return value, repeated


def _constant(name: str) -> object:
    raise _RejectedError(f"{name} is no JSON value")


def _object(pairs: list[tuple[str, object]]) -> JsonObject:
    result = JsonObject()
    repeated = []
    for key, value in pairs:
        if key in result:
            repeated.append(key)
            del result[key]  # so that the order of keys is that of their last, effective occurrence
        result[key] = value
    if repeated:
        result.repeated = tuple(dict.fromkeys(repeated))
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a value stands. A pointer is spelled out only where it is needed: keys may be as long as the document."""

    parent: "_Place | None"
    token: str | int

    def __str__(self) -> str:
        tokens = []
        place: _Place | None = self
        while place is not None:
            tokens.append(escape_pointer(str(place.token)))
            place = place.parent
        return "".join(f"/{token}" for token in reversed(tokens))


def _repeated_keys(value: object, problems: Oddities) -> None:
    """Note every key that stands more than once in its object, with its pointer; without recursion."""
    pending: list[tuple[_Place | None, object]] = [(None, value)]
    while pending:
        place, item = pending.pop()
        if isinstance(item, JsonObject):
            for key in item.repeated:
                if problems.full(AnomalyKind.DUPLICATE_KEY):
                    problems.leave_out(AnomalyKind.DUPLICATE_KEY)
                    return
                detail = f"key {key!r} stands more than once"
                problems.append(Anomaly(AnomalyKind.DUPLICATE_KEY, detail, pointer=str(_Place(place, key))))
            pending.extend((_Place(place, key), child) for key, child in item.items() if _is_tree(child))
        elif isinstance(item, list):
            pending.extend((_Place(place, number), child) for number, child in enumerate(item) if _is_tree(child))


def _is_tree(value: object) -> bool:
    return isinstance(value, dict | list)
