"""What one JSON text means to different readers: Go merges values of a repeated key, others take one of them.

Sources: documentation of ``Unmarshal`` in Go's ``encoding/json``; that an element of an array keeps what one before it
at its place said was measured with Go 1.26.
"""

import json
from collections.abc import Mapping

_LONGEST = 80


def merged(first: object, second: object) -> object:
    """What Go's decoder holds after it has read two values into one field.

    An object is decoded into what is there, key by key; so is each element of an array, as long as the first array had
    one at its place; null changes nothing but a list. In place: ``first`` may be part of the result.

    What depends on the field's type is taken as for a struct: in a map, and in a pointer, null takes the value away.
    """
    if isinstance(first, dict) and isinstance(second, dict):
        for key, value in second.items():
            first[key] = merged(first[key], value) if key in first else value
        return first
    if isinstance(first, list) and isinstance(second, list):
        return [merged(old, new) for old, new in zip(first, second, strict=False)] + second[len(first) :]
    if second is None and not isinstance(first, list):
        return first
    return second


def shown(value: object) -> str:
    """A value in a message: short ones as JSON spells them, others by what they are."""
    if isinstance(value, Mapping):
        return f"an object of {len(value)} keys"
    if isinstance(value, list) and (len(value) > 4 or any(isinstance(item, dict | list) for item in value)):
        return f"an array of {len(value)} values"
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"a text of {len(value)} characters"
    text = json.dumps(value)
    return text if len(text) <= 2 * _LONGEST else f"{text[: 2 * _LONGEST]}\u2026"
