"""JSON as evidence: strict about what the bytes are, lenient enough to go on, and every departure noted.

Python's own reader accepts byte order marks, UTF-16, NaN and repeated keys, and raises three kinds of exceptions on
hostile input; Go's accepts repeated keys, keys in another case, invalid UTF-8 and (as a stream) anything behind the
first value. Where the two differ, an attacker shows one image to a scanner and another to a runtime, so each
difference becomes an :class:`~imgforensics.model.Anomaly`. The value that comes back is what Go's reader would hold, of
repeated keys the last (see :mod:`imgforensics.jsonreadings`); where Go refuses and Python does not, it is Python's.
"""

import codecs
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from imgforensics.jsonreadings import merged, shown
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import Anomaly, AnomalyKind, Span
from imgforensics.oddities import Oddities
from imgforensics.remembered import remembered

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_WHITESPACE = " \t\n\r"
_OTHER_UNICODE = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_INTEGER_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON value and what was odd about its bytes. The value is None where nothing could be read."""

    value: object
    problems: tuple[Anomaly, ...]


class JsonObject(dict[str, object]):
    """A JSON object that remembers which of its keys stood there more than once, and what the first of each said."""

    repeated: Mapping[str, str] = MappingProxyType({})


class UnusableNumber(str):
    """What was written where a number should be that not every reader can hold; that is noted already."""

    __slots__ = ()


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
    if _HALF_ESCAPED.search(text):
        _lone_surrogates(value, problems)
    return Parsed(value, tuple(problems))


def most_values(raw: bytes) -> int:
    """A number of values that a document in UTF-8 does not exceed: of ``,``, ``[`` and ``{`` in it, and one."""
    return 1 + raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def escape_pointer(key: str) -> str:
    """One reference token of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


@remembered
def fold_key(key: str) -> str:
    """A key as Go's decoder compares it with an ASCII name (encoding/json of Go 1.26, tried out).

    Besides case, two letters that are not ASCII fold to one that is: the long s to ``s``, the Kelvin sign to ``k``.
    """
    return key.lower() if key.isascii() else key.replace("\u017f", "s").replace("\u212a", "k").lower()


def _decode(raw: bytes, problems: Oddities) -> str | None:
    if raw.startswith(codecs.BOM_UTF8):
        detail = "begins with a UTF-8 byte order mark: Python takes it, Go refuses"
        problems.append(Anomaly(AnomalyKind.BYTE_ORDER_MARK, detail))
        raw = raw[3:]
    elif raw.startswith(_OTHER_UNICODE) or b"\0" in raw[:4]:
        encoding = json.detect_encoding(raw)
        detail = f"is {encoding.upper()[:6]}, not UTF-8: Python reads it, Go and JavaScript refuse it"
        try:
            text: str | None = raw.decode(encoding)
        except UnicodeDecodeError:
            text = None
        if text is None or text.startswith("\0"):
            text, detail = None, "is neither UTF-8 nor sound UTF-16 or UTF-32"
        problems.append(Anomaly(AnomalyKind.NOT_UTF8, detail))
        return text
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"byte {error.start} is not UTF-8 ({error.reason}): Go reads U+FFFD there, Python refuses the document"
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
                problems.append(
                    Anomaly(
                        AnomalyKind.LIMIT,
                        f"nests deeper than {limits.json_depth}: Go reads up to 10000, Python some 1000",
                    )
                )
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
            detail = (
                f"an integer of {len(digits)} digits: Go refuses it for a number that it reads, Python takes up to 4300"
            )
            problems.append(Anomaly(AnomalyKind.BAD_VALUE, detail))
            return UnusableNumber(digits)
        return int(digits)

    def real(digits: str) -> object:
        number = float(digits)
        if math.isfinite(number):
            return number
        problems.append(
            Anomaly(AnomalyKind.BAD_VALUE, "a number beyond what 64 bits hold: Go refuses it, Python reads infinity")
        )
        return UnusableNumber(digits)

    def constant(name: str) -> object:
        problems.append(Anomaly(AnomalyKind.BAD_VALUE, f"{name} for a value: Python reads it, Go refuses the document"))
        return UnusableNumber(name)

    decoder = json.JSONDecoder(object_pairs_hook=members, parse_int=integer, parse_float=real, parse_constant=constant)
    start = len(text) - len(text.lstrip(_WHITESPACE))
    value: object
    try:
        value, end = decoder.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        problems.append(Anomaly(AnomalyKind.NOT_JSON, f"is not JSON: {error}"))
        return None, False
    rest = text[end:].strip(_WHITESPACE)
    if rest:
        detail = (
            f"{len(rest)} characters follow the document, from character {end}: Docker and containerd stop before "
            "them, containers/image and Python refuse"
        )
        problems.append(Anomaly(AnomalyKind.TRAILING_JSON, detail))
    return value, repeated


def _object(pairs: list[tuple[str, object]]) -> JsonObject:
    result = JsonObject()
    repeated: dict[str, str] = {}
    for key, value in pairs:
        if key in result:
            before = result.pop(key)  # so that the order of keys is that of their last, effective occurrence
            repeated.setdefault(key, shown(before))
            result[key] = merged(before, value)
        else:
            result[key] = value
    if repeated:
        result.repeated = repeated
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


def _lone_surrogates(value: object, problems: Oddities) -> None:
    """Note the first text with half a character in it, with its pointer; without recursion."""
    pending: list[tuple[_Place | None, object]] = [(None, value)]
    while pending:
        place, item = pending.pop()
        if isinstance(item, dict):
            pending.extend((_Place(place, key), child) for key, child in reversed(item.items()))
            half = any(_SURROGATE.search(key) for key in item)
        elif isinstance(item, list):
            pending.extend((_Place(place, number), item[number]) for number in reversed(range(len(item))))
            half = False
        else:
            half = isinstance(item, str) and _SURROGATE.search(item) is not None
        if half:
            detail = "half a character (a lone surrogate): Go reads U+FFFD in its place, others keep it or refuse"
            problems.append(Anomaly(AnomalyKind.LONE_SURROGATE, detail, pointer=str(place or "")))
            return


def _repeated_keys(value: object, problems: Oddities) -> None:
    """Note every key that stands more than once in its object, with its pointer; without recursion."""
    pending: list[tuple[_Place | None, object]] = [(None, value)]
    while pending:
        place, item = pending.pop()
        if isinstance(item, JsonObject):
            for key, first in item.repeated.items():
                if problems.full(AnomalyKind.DUPLICATE_KEY):
                    problems.leave_out(AnomalyKind.DUPLICATE_KEY)
                    return
                detail = f"key {key!r} stands more than once: Go holds {shown(item[key])}, the first says {first}"
                problems.append(Anomaly(AnomalyKind.DUPLICATE_KEY, detail, pointer=str(_Place(place, key))))
            pending.extend((_Place(place, key), child) for key, child in item.items() if _is_tree(child))
        elif isinstance(item, list):
            pending.extend((_Place(place, number), child) for number, child in enumerate(item) if _is_tree(child))


def _is_tree(value: object) -> bool:
    return isinstance(value, dict | list)
