"""JSON objects as a Go program holds them in its structs and prints them again (``encoding/json``).

A :class:`Struct` is a row of :class:`Field`; what the program does not know is lost, the order is the struct's, and
strings, times and numbers are spelled Go's way. Fields come and go with versions, so a :class:`Dialect` chooses among
them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from imgforensics.gojson import go_string, go_time, scrub
from imgforensics.strictjson import fold_key


@dataclass(frozen=True, slots=True)
class Dialect:
    """What decides how a program prints its structs."""

    version: tuple[int, int]
    """Version of the program or library that declares the structs: which fields they have."""
    short_controls: bool
    """Whether the program was built by Go 1.22 or newer, see :func:`~imgforensics.gojson.go_string`."""


class UnreadableError(ValueError):
    """Go would refuse to decode this value into the field."""


Reader: TypeAlias = Callable[[object, Dialect], str]
"""Decodes a JSON value (None for null or absent) into a Go field and prints the field; raises UnreadableError."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a Go struct."""

    name: str
    read: Reader
    omitted: frozenset[str] = frozenset()
    """Printed values that leave the field out (Go's ``omitempty``)."""
    since: tuple[int, int] = (0, 0)
    until: tuple[int, int] = (1000, 0)
    """First version that has the field, and first version that does not have it any more."""


class Struct:
    """A Go struct: its fields in all versions, in order."""

    def __init__(self, *fields: Field) -> None:
        self.fields = fields
        self._versions: dict[tuple[int, int], Sequence[tuple[Field, str]]] = {}

    def of(self, version: tuple[int, int]) -> Sequence[tuple[Field, str]]:
        """The fields of one version, each with the folded key by which it is found: asked for again and again."""
        found = self._versions.get(version)
        if found is None:
            found = [(field, field.name.lower()) for field in self.fields if field.since <= version < field.until]
            self._versions[version] = found
        return found


EMPTY = frozenset({"null", "[]", "{}", '""', "false", "0"})
"""What ``omitempty`` leaves out of strings, numbers, slices and maps."""
NIL = frozenset({"null"})
"""What ``omitempty`` leaves out of pointers."""


def read_string(value: object, dialect: Dialect) -> str:
    """``string``."""
    if value is None:
        return '""'
    if not isinstance(value, str):
        raise UnreadableError
    return go_string(value, short_controls=dialect.short_controls)


def read_flag(value: object, _: Dialect) -> str:
    """``bool``."""
    if value is not None and not isinstance(value, bool):
        raise UnreadableError
    return "true" if value else "false"


def read_integer(value: object, _: Dialect) -> str:
    """``int``, ``int64`` and ``time.Duration``, all of 64 bits; Go takes neither ``1.0`` nor ``1e3`` for an integer."""
    if value is None:
        return "0"
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise UnreadableError
    return str(value)


def read_integer_pointer(value: object, dialect: Dialect) -> str:
    """``*int``."""
    return "null" if value is None else read_integer(value, dialect)


def read_strings(value: object, dialect: Dialect) -> str:
    """``[]string``; nil stays apart from empty."""
    if value is None:
        return "null"
    if not isinstance(value, list):
        raise UnreadableError
    return "[" + ",".join(read_string(item, dialect) for item in value) + "]"


def read_map(value: object, read: Callable[[object], str], dialect: Dialect) -> str:
    """``map[string]T``: keys sorted by their UTF-8 bytes, which is the order of code points."""
    if value is None:
        return "null"
    if not isinstance(value, Mapping):
        raise UnreadableError
    entries = {scrub(key): read(item) for key, item in value.items()}
    return "{" + ",".join(f"{read_string(key, dialect)}:{entries[key]}" for key in sorted(entries)) + "}"


def _read_empty_struct(value: object) -> str:
    """``struct{}``: takes any object and forgets it."""
    if value is not None and not isinstance(value, Mapping):
        raise UnreadableError
    return "{}"


def read_set(value: object, dialect: Dialect) -> str:
    """``map[string]struct{}``."""
    return read_map(value, _read_empty_struct, dialect)


def read_labels(value: object, dialect: Dialect) -> str:
    """``map[string]string``."""
    return read_map(value, lambda item: read_string(item, dialect), dialect)


def read_time_pointer(value: object, _: Dialect) -> str:
    """``*time.Time``."""
    if value is None:
        return "null"
    time = go_time(value) if isinstance(value, str) else None
    if time is None:
        raise UnreadableError
    return f'"{time}"'


def struct_members(value: object, struct: Struct, dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Names and printed values of a struct's fields, in order, decoded from an object without regard to case."""
    if value is not None and not isinstance(value, Mapping):
        raise UnreadableError
    # The later of two spellings of a key wins, as in Go.
    given = {fold_key(key): item for key, item in (value or {}).items()}
    for field, key in struct.of(dialect.version):
        text = field.read(given.get(key), dialect)
        if text not in field.omitted:
            yield field.name, text


def print_object(members: Iterable[tuple[str, str]]) -> str:
    """A JSON object of names that need no escaping and printed values."""
    return "{" + ",".join(f'"{name}":{text}' for name, text in members) + "}"
