"""An image config as Docker's structs hold it and print it again, for engines of all ages.

Legacy v1 IDs are hashes over that print; fields came and went with the versions, and Go's own escaping changed once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from imgforensics.gojson import go_string, go_time, scrub
from imgforensics.strictjson import fold_key

ZERO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero ``time.Time``: the date of lower layers in docker 1.10 to 1.12, and of images without a date before 25."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What decides how an engine prints a config."""

    version: tuple[int, int]
    """Engine version: which fields its structs have."""
    short_controls: bool
    """Whether the engine was built by Go 1.22 or newer, see :func:`go_string`."""


class UnreadableError(ValueError):
    """Go would refuse to decode this value into the field."""


_Reader: TypeAlias = Callable[[object, Dialect], str]
"""Decodes a JSON value (None for null or absent) into a Go field and prints the field; raises UnreadableError."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a Go struct."""

    name: str
    read: _Reader
    omitted: frozenset[str] = frozenset()
    """Printed values that leave the field out (Go's ``omitempty``)."""
    since: tuple[int, int] = (1, 10)
    until: tuple[int, int] = (1000, 0)
    """First version of the engine that has the field, and first version that does not have it any more."""


_EMPTY = frozenset({"null", "[]", "{}", '""', "false", "0"})
"""What ``omitempty`` leaves out of strings, numbers, slices and maps."""
_NIL = frozenset({"null"})
"""What ``omitempty`` leaves out of pointers."""


def _read_text(value: object, dialect: Dialect) -> str:
    """``string``."""
    if value is None:
        return '""'
    if not isinstance(value, str):
        raise UnreadableError
    return go_string(value, short_controls=dialect.short_controls)


def _read_flag(value: object, _: Dialect) -> str:
    """``bool``."""
    if value is not None and not isinstance(value, bool):
        raise UnreadableError
    return "true" if value else "false"


def _read_integer(value: object, _: Dialect) -> str:
    """``int``, ``int64`` and ``time.Duration``, all of 64 bits; Go takes neither ``1.0`` nor ``1e3`` for an integer."""
    if value is None:
        return "0"
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise UnreadableError
    return str(value)


def _read_integer_pointer(value: object, dialect: Dialect) -> str:
    """``*int``."""
    return "null" if value is None else _read_integer(value, dialect)


def _read_strings(value: object, dialect: Dialect) -> str:
    """``[]string``; nil stays apart from empty."""
    if value is None:
        return "null"
    if not isinstance(value, list):
        raise UnreadableError
    return "[" + ",".join(_read_text(item, dialect) for item in value) + "]"


def _read_arguments(value: object, dialect: Dialect) -> str:
    """``strslice.StrSlice``, whose decoder also takes one bare string."""
    return _read_strings([value] if isinstance(value, str) else value, dialect)


def _read_map(value: object, read: Callable[[object], str], dialect: Dialect) -> str:
    """``map[string]T``: keys sorted by their UTF-8 bytes, which is the order of code points."""
    if value is None:
        return "null"
    if not isinstance(value, Mapping):
        raise UnreadableError
    entries = {scrub(key): read(item) for key, item in value.items()}
    return "{" + ",".join(f"{_read_text(key, dialect)}:{entries[key]}" for key in sorted(entries)) + "}"


def _read_empty_struct(value: object) -> str:
    """``struct{}``: takes any object and forgets it."""
    if value is not None and not isinstance(value, Mapping):
        raise UnreadableError
    return "{}"


def _read_set(value: object, dialect: Dialect) -> str:
    """``map[string]struct{}``."""
    return _read_map(value, _read_empty_struct, dialect)


def _read_labels(value: object, dialect: Dialect) -> str:
    """``map[string]string``."""
    return _read_map(value, lambda item: _read_text(item, dialect), dialect)


def _read_ports(value: object, dialect: Dialect) -> str:
    """``network.PortSet`` (docker 29), which normalises its keys to ``number/protocol``."""
    if not isinstance(value, Mapping):
        return _read_set(value, dialect)
    return _read_set({_port(key): item for key, item in value.items()}, dialect)


def _port(text: str) -> str:
    """``network.Port`` (docker 29) read and printed again: ``tcp`` where no protocol is given, lower case."""
    number, _, protocol = text.partition("/")
    if not text:
        return text
    if not re.fullmatch("0*[0-9]{1,5}", number) or int(number[-5:]) > 65535:
        raise UnreadableError
    return f"{int(number[-5:])}/{protocol.lower() or 'tcp'}"


def _read_time(value: object, dialect: Dialect) -> str:
    """``time.Time``, which became a pointer in docker 25."""
    if value is None:
        return "null" if dialect.version >= (25, 0) else f'"{ZERO_TIME}"'
    time = go_time(value) if isinstance(value, str) else None
    if time is None:
        raise UnreadableError
    return f'"{time}"'


def struct_members(value: object, fields: Iterable[_Field], dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Names and printed values of a struct's fields, in order, decoded from an object without regard to case."""
    if value is not None and not isinstance(value, Mapping):
        raise UnreadableError
    # The later of two spellings of a key wins, as in Go.
    given = {fold_key(key): item for key, item in (value or {}).items()}
    for field in fields:
        if field.since <= dialect.version < field.until:
            text = field.read(given.get(field.name.lower()), dialect)
            if text not in field.omitted:
                yield field.name, text


def print_object(members: Iterable[tuple[str, str]]) -> str:
    """A JSON object of names that need no escaping and printed values."""
    return "{" + ",".join(f'"{name}":{text}' for name, text in members) + "}"


def _read_healthcheck(value: object, dialect: Dialect) -> str:
    """``*container.HealthConfig``."""
    return "null" if value is None else print_object(struct_members(value, _HEALTHCHECK, dialect))


def print_config(value: object, dialect: Dialect) -> str:
    """``container.Config``; all fields at zero where there is none."""
    return print_object(struct_members(value, _CONFIG, dialect))


def _read_config_pointer(value: object, dialect: Dialect) -> str:
    """``*container.Config``."""
    return "null" if value is None else print_config(value, dialect)


# moby, api/types/container: HealthConfig
_HEALTHCHECK = (
    _Field("Test", _read_strings, _EMPTY),
    _Field("Interval", _read_integer, _EMPTY),
    _Field("Timeout", _read_integer, _EMPTY),
    _Field("StartPeriod", _read_integer, _EMPTY, since=(17, 5)),
    _Field("StartInterval", _read_integer, _EMPTY, since=(25, 0)),
    _Field("Retries", _read_integer, _EMPTY),
)

# moby, api/types/container/config.go: Config
_CONFIG = (
    _Field("Hostname", _read_text),
    _Field("Domainname", _read_text),
    _Field("User", _read_text),
    _Field("AttachStdin", _read_flag),
    _Field("AttachStdout", _read_flag),
    _Field("AttachStderr", _read_flag),
    _Field("ExposedPorts", _read_set, _EMPTY, until=(29, 0)),
    _Field("ExposedPorts", _read_ports, _EMPTY, since=(29, 0)),
    _Field("Tty", _read_flag),
    _Field("OpenStdin", _read_flag),
    _Field("StdinOnce", _read_flag),
    _Field("Env", _read_strings),
    _Field("Cmd", _read_arguments),
    _Field("Healthcheck", _read_healthcheck, _NIL, since=(1, 12)),
    _Field("ArgsEscaped", _read_flag, _EMPTY),
    _Field("Image", _read_text),
    _Field("Volumes", _read_set),
    _Field("WorkingDir", _read_text),
    _Field("Entrypoint", _read_arguments),
    _Field("NetworkDisabled", _read_flag, _EMPTY),
    _Field("MacAddress", _read_text, _EMPTY, until=(29, 0)),
    _Field("OnBuild", _read_strings, until=(29, 0)),
    _Field("OnBuild", _read_strings, _EMPTY, since=(29, 0)),
    _Field("Labels", _read_labels),
    _Field("StopSignal", _read_text, _EMPTY),
    _Field("StopTimeout", _read_integer_pointer, _NIL, since=(1, 13)),
    _Field("Shell", _read_arguments, _EMPTY, since=(1, 12)),
)


def is_config(value: Mapping[str, object]) -> bool:
    """Whether an object has no other keys than ``container.Config`` of some engine."""
    return {field.name.lower() for field in _CONFIG}.issuperset(fold_key(key) for key in value)


# moby, image/image.go: V1Image without the id and parent, which an id is computed without
IMAGE_FIELDS = (
    _Field("architecture", _read_text, _EMPTY),
    _Field("author", _read_text, _EMPTY),
    _Field("comment", _read_text, _EMPTY),
    _Field("config", _read_config_pointer, _NIL),
    _Field("container", _read_text, _EMPTY),
    _Field("container_config", print_config),
    _Field("created", _read_time),
    _Field("docker_version", _read_text, _EMPTY),
    _Field("os", _read_text, _EMPTY),
    _Field("Size", _read_integer, _EMPTY),
    _Field("variant", _read_text, _EMPTY),
)
