r"""The body of a PAX extended header: its records, and the numbers and times in them. Compiled; no I/O.

A record is ``<length> <key>=<value>\n``, where the length, in decimal digits, is that of the whole record
(POSIX.1-2017, pax, "pax Extended Header"). Layers may have such a header before every entry, so that it has to be read
quickly.
"""

from collections import Counter

from imgforensics.model import AnomalyKind
from imgforensics.tartext import Note, show, show_keys

Records = tuple[tuple[bytes, bytes], ...]

_TEXT_KEYS = frozenset((b"path", b"linkpath", b"uname", b"gname", b"GNU.sparse.name"))

_REPEATED_KEYS = frozenset((b"GNU.sparse.offset", b"GNU.sparse.numbytes"))
"""Keys that GNU's sparse format 0.0 repeats by design (GNU tar manual, "Storing Sparse Files")."""

_LENGTH_DIGITS = 8
_NUMBER_DIGITS = 32
_TIME_LENGTH = 64


def parse_pax(body: bytes) -> tuple[Records, tuple[Note, ...]]:
    """Read PAX records strictly by their lengths.

    A NUL is malformed in a key, and in the values that are names: C programs see such a name cut there. Elsewhere it
    is ordinary: values of ``SCHILY.xattr.*`` are binary.

    Returns:
        Keys and values in order, up to the first malformed record, and what was odd, one a kind at most.
    """
    records = []
    keys = set()
    malformed = ""
    may_name_nul = b"\0" in body
    text = body  # compiled, these are its bytes
    at, size = 0, len(body)
    while at < size:
        place, length = at, 0
        while place < size and place - at < _LENGTH_DIGITS and 48 <= text[place] <= 57:
            length = 10 * length + text[place] - 48
            place += 1
        end = at + length
        if place == at or not place + 1 < end <= size or text[place] != 32 or text[end - 1] != 10:
            malformed = f"the record at byte {at} of the header's body has a wrong length"
            break
        key, equals, value = body[place + 1 : end - 1].partition(b"=")
        if not key or not equals:
            malformed = f"the record at byte {at} of the header's body has no key, or no value"
            break
        if may_name_nul and (b"\0" in key or (key in _TEXT_KEYS and b"\0" in value)):
            malformed = malformed or f"a NUL in {show(key)}"
        records.append((key, value))
        keys.add(key)
        at = end
    odd = malformed or len(keys) < len(records)
    return tuple(records), _notes(records, malformed) if odd else ()


def pax_integer(value: bytes) -> int | None:
    """A decimal number of a PAX record, None where it is none. With a plus sign, Go and Python take it, GNU tar not."""
    digits = value[1:] if value[:1] in (b"-", b"+") else value
    return int(value) if digits.isdigit() and len(digits) <= _NUMBER_DIGITS else None


def pax_time(value: bytes) -> float | None:
    """A PAX time in seconds, ``-?digits[.digits]``, None where it is none."""
    text = value
    at, size = 1 if value.startswith(b"-") else 0, len(value)
    digits = at
    while at < size and 48 <= text[at] <= 57:
        at += 1
    if at == digits or size > _TIME_LENGTH:
        return None
    if at < size and text[at] == 46:
        at += 1
        while at < size and 48 <= text[at] <= 57:
            at += 1
    return float(value) if at == size else None


def _notes(records: list[tuple[bytes, bytes]], malformed: str) -> tuple[Note, ...]:
    notes = [(AnomalyKind.PAX_MALFORMED, malformed)] if malformed else []
    seen = Counter(key for key, _ in records)
    twice = [key for key, count in seen.items() if count > 1 and key not in _REPEATED_KEYS]
    if twice:
        notes.append((AnomalyKind.PAX_DUPLICATE_KEY, f"more than once: {show_keys(twice)}"))
    return tuple(notes)
