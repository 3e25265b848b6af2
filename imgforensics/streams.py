"""Bytes in and out of files, whatever they are: pipes too, and every failure is one line for a person."""

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from imgforensics.errors import InputError


def open_evidence(path: str | os.PathLike[str]) -> IO[bytes]:
    """A file, opened to be read by offset.

    Raises:
        InputError: it is missing, unreadable or a directory.
    """
    if not os.fspath(path):  # to pathlib that is the folder one stands in
        raise InputError("an empty name")
    try:
        if os.path.isdir(path):
            raise InputError("is a directory")
        return Path(path).open("rb", buffering=0)
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error
    except ValueError as error:  # a NUL in the name
        raise InputError(str(error)) from error


def temporary() -> IO[bytes]:
    """A file without a name, gone when it is closed.

    Raises:
        InputError: there is no place for one.
    """
    try:
        return tempfile.TemporaryFile(prefix="imgforensics-", buffering=0)  # the caller's stack owns it
    except OSError as error:
        raise InputError(f"no temporary file can be made: {error.strerror or error}") from error


def is_regular(stream: IO[bytes]) -> bool:
    """Whether a file can be read by offset."""
    return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)


def stamp(file: IO[bytes]) -> tuple[int, int, int]:
    """What changes when a file is changed. The last time is the system's own: it cannot be set back."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def read_exactly(stream: IO[bytes], length: int) -> bytes:
    """So many bytes, fewer only at the end: pipes hand out less than they are asked for."""
    data = b""
    try:
        while len(data) < length and (piece := stream.read(length - len(data))):
            data += piece
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error
    return data


def pieces(stream: IO[bytes], head: bytes, chunk: int) -> Iterator[bytes]:
    """A stream of which ``head`` was read, in pieces of ``chunk`` bytes."""
    yield head
    while piece := read_exactly(stream, chunk):
        yield piece


def write_all(file: IO[bytes], chunks: Iterable[bytes]) -> int:
    """Write to a temporary file; the number of bytes.

    Raises:
        InputError: there is no room.
    """
    written = 0
    try:
        for chunk in chunks:
            view = memoryview(chunk)
            while view:
                view = view[file.write(view) :]
            written += len(chunk)
    except OSError as error:
        hint = "TMPDIR names another place"
        raise InputError(f"the temporary copy cannot be written: {error.strerror or error} ({hint})") from error
    return written
