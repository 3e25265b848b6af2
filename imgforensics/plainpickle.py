"""Values of this package as bytes, and back, for files of our own: the state of a run, what is known of layers.

The bytes are Python's pickle, which by itself would run whatever somebody wrote into such a file. So nothing is read
back but values of this package's own data classes and enumerations, and of a few plain types.
"""

import io
import pickle
import zlib
from array import _array_reconstructor, array  # type: ignore[attr-defined]
from collections import defaultdict
from dataclasses import is_dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from types import MappingProxyType
from typing import Any

_PLAIN = {
    (kind.__module__, kind.__qualname__): kind
    for kind in (frozenset, set, bytearray, dict, defaultdict, datetime, timedelta, timezone, MappingProxyType, array)
} | {("array", "_array_reconstructor"): _array_reconstructor}  # how an array says that it is made of bytes


def pack(value: object) -> bytes:
    """The bytes of a value."""
    return zlib.compress(pickle.dumps(value, protocol=5), 1)


def unpack(content: bytes) -> object:
    """The value that these bytes are of; None if they are of none, whoever wrote them."""
    try:
        return _Reader(io.BytesIO(zlib.decompress(content))).load()
    except Exception:  # noqa: BLE001 - pickle raises nearly anything on bytes that it did not write
        return None


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as in the base class
        """A type that may be made. No function may be called but the one that makes arrays."""
        plain = _PLAIN.get((module, name))
        if plain is not None:
            return plain
        if module.partition(".")[0] == "imgforensics":
            found = super().find_class(module, name)
            if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum | tuple | dict)):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no value of a report")
