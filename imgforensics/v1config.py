"""An image config as Docker's structs hold it and print it again, for engines of all ages.

Legacy v1 IDs are hashes over that print; fields came and went with the versions, and Go's own escaping changed once.
"""

import re
from collections.abc import Mapping
from functools import cache

from imgforensics.gostruct import (
    EMPTY,
    NIL,
    Dialect,
    Field,
    Struct,
    UnreadableError,
    print_object,
    read_flag,
    read_integer,
    read_integer_pointer,
    read_labels,
    read_set,
    read_string,
    read_strings,
    read_time_pointer,
    struct_members,
)
from imgforensics.strictjson import fold_key

ZERO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero ``time.Time``: the date of lower layers in docker 1.10 to 1.12, and of images without a date before 25."""


def _read_arguments(value: object, dialect: Dialect) -> str:
    """``strslice.StrSlice``, whose decoder also takes one bare string."""
    return read_strings([value] if isinstance(value, str) else value, dialect)


def _read_ports(value: object, dialect: Dialect) -> str:
    """``network.PortSet`` (docker 29), which normalises its keys to ``number/protocol``."""
    if not isinstance(value, Mapping):
        return read_set(value, dialect)
    return read_set({_port(key): item for key, item in value.items()}, dialect)


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
    if value is None and dialect.version < (25, 0):
        return f'"{ZERO_TIME}"'
    return read_time_pointer(value, dialect)


def _read_healthcheck(value: object, dialect: Dialect) -> str:
    """``*container.HealthConfig``."""
    return "null" if value is None else print_object(struct_members(value, _HEALTHCHECK, dialect))


def print_config(value: object, dialect: Dialect) -> str:
    """``container.Config``; all fields at zero where there is none."""
    return _zero_config(dialect) if value is None else print_object(struct_members(value, _CONFIG, dialect))


@cache
def _zero_config(dialect: Dialect) -> str:
    return print_object(struct_members(None, _CONFIG, dialect))


def _read_config_pointer(value: object, dialect: Dialect) -> str:
    """``*container.Config``."""
    return "null" if value is None else print_config(value, dialect)


# moby, api/types/container: HealthConfig
_HEALTHCHECK = Struct(
    Field("Test", read_strings, EMPTY),
    Field("Interval", read_integer, EMPTY),
    Field("Timeout", read_integer, EMPTY),
    Field("StartPeriod", read_integer, EMPTY, since=(17, 5)),
    Field("StartInterval", read_integer, EMPTY, since=(25, 0)),
    Field("Retries", read_integer, EMPTY),
)

# moby, api/types/container/config.go: Config
_CONFIG = Struct(
    Field("Hostname", read_string),
    Field("Domainname", read_string),
    Field("User", read_string),
    Field("AttachStdin", read_flag),
    Field("AttachStdout", read_flag),
    Field("AttachStderr", read_flag),
    Field("ExposedPorts", read_set, EMPTY, until=(29, 0)),
    Field("ExposedPorts", _read_ports, EMPTY, since=(29, 0)),
    Field("Tty", read_flag),
    Field("OpenStdin", read_flag),
    Field("StdinOnce", read_flag),
    Field("Env", read_strings),
    Field("Cmd", _read_arguments),
    Field("Healthcheck", _read_healthcheck, NIL, since=(1, 12)),
    Field("ArgsEscaped", read_flag, EMPTY),
    Field("Image", read_string),
    Field("Volumes", read_set),
    Field("WorkingDir", read_string),
    Field("Entrypoint", _read_arguments),
    Field("NetworkDisabled", read_flag, EMPTY),
    Field("MacAddress", read_string, EMPTY, until=(29, 0)),
    Field("OnBuild", read_strings, until=(29, 0)),
    Field("OnBuild", read_strings, EMPTY, since=(29, 0)),
    Field("Labels", read_labels),
    Field("StopSignal", read_string, EMPTY),
    Field("StopTimeout", read_integer_pointer, NIL, since=(1, 13)),
    Field("Shell", _read_arguments, EMPTY, since=(1, 12)),
)


def refused_keys(value: Mapping[str, object]) -> tuple[str, ...]:
    """Keys of a config's ``config`` whose values Docker cannot hold: for one of them, it refuses the whole config.

    Ports are taken as any text, as Docker did before 29.
    """
    dialect = Dialect((28, 0), short_controls=True)
    given = {fold_key(key): (key, item) for key, item in value.items()}
    refused = []
    for field, folded in _CONFIG.of(dialect.version):
        if folded in given:
            key, item = given[folded]
            try:
                field.read(item, dialect)
            except UnreadableError:
                refused.append(key)
    return tuple(refused)


def is_config(value: Mapping[str, object]) -> bool:
    """Whether an object has no other keys than ``container.Config`` of some engine."""
    return _CONFIG_KEYS.issuperset(fold_key(key) for key in value)


_CONFIG_KEYS = frozenset(field.name.lower() for field in _CONFIG.fields)


# moby, image/image.go: V1Image without the id and parent, which an id is computed without
IMAGE = Struct(
    Field("architecture", read_string, EMPTY),
    Field("author", read_string, EMPTY),
    Field("comment", read_string, EMPTY),
    Field("config", _read_config_pointer, NIL),
    Field("container", read_string, EMPTY),
    Field("container_config", print_config),
    Field("created", _read_time),
    Field("docker_version", read_string, EMPTY),
    Field("os", read_string, EMPTY),
    Field("Size", read_integer, EMPTY),
    Field("variant", read_string, EMPTY),
)
