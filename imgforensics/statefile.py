"""The state of a run over many archives, so that one that was killed goes on where it was: one SQLite file.

Each result is a transaction of its own, made before anything else is done with it. Whatever is in the file is a
result of the same command with the same options, of this very version; another one's file is refused.

A result counts for a file with the same path, size and time of last change. Where the time differs, or where nothing
but content is to be trusted, it counts if the SHA-256 of the file is the same; the time is kept then, so that a file
that was touched is read once.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from imgforensics.errors import InputError

VERSION = 1
_APPLICATION = 0x494D4753
"""``IMGS``, kept in SQLite's ``application_id``."""
_PATIENCE = 3.0
"""Seconds to wait for another process that uses the file."""
_TABLES = """
CREATE TABLE run (key TEXT NOT NULL);
CREATE TABLE results (
  path BLOB NOT NULL PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, sha256 TEXT, result BLOB NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what a file is told to be unchanged."""

    size: int
    """Bytes."""
    mtime: int
    """Time of the last change, in nanoseconds since the epoch."""


class State:
    """A state file: a context manager."""

    def __init__(self, path: str, key: str) -> None:
        """Open the file at ``path``, or make it.

        Args:
            path: the file.
            key: what the results depend on besides the archives: command, options, version.

        Raises:
            InputError: it cannot be used, is something else, or belongs to a run with another key.
        """
        self._path = path
        with self._errors():
            self._database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        try:
            with self._errors():
                self._prepare(key)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def _prepare(self, key: str) -> None:
        ask = self._database.execute
        (application,) = ask("PRAGMA application_id").fetchone()
        (version,) = ask("PRAGMA user_version").fetchone()
        (tables,) = ask("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if (application, tables) == (0, 0):
            ask("PRAGMA journal_mode = WAL")
            ask("BEGIN EXCLUSIVE")
            (tables,) = ask("SELECT COUNT(*) FROM sqlite_master").fetchone()
            if not tables:
                for statement in _TABLES.split(";")[:-1]:
                    ask(statement)
                ask("INSERT INTO run VALUES (?)", (key,))
                ask(f"PRAGMA application_id = {_APPLICATION}")
                ask(f"PRAGMA user_version = {VERSION}")
            ask("COMMIT")
        elif application != _APPLICATION:
            raise InputError(f"{self._path}: another program's database; --resume wants a file of its own")
        elif version != VERSION:
            raise InputError(f"{self._path}: written by another version of imgforensics; begin a new file")
        ask("PRAGMA synchronous = NORMAL")  # what was committed outlives the process, whatever ends it
        (found,) = ask("SELECT key FROM run").fetchone()
        if found != key:
            raise InputError(
                f"{self._path}: belongs to a run with another command, other options or another version;"
                " begin a new file"
            )

    def find(self, path: str, stamp: Stamp, content: Callable[[], str | None], *, rehash: bool) -> bytes | None:
        """The result that is known for a file, None if there is none.

        Args:
            path: of the file, or whatever else tells it from all others.
            stamp: of the file now.
            content: computes the SHA-256, with its algorithm, of the file with this stamp; asked only where that
                decides.
            rehash: trust nothing but content.
        """
        query = "SELECT size, mtime, sha256, result FROM results WHERE path = ?"
        with self._errors():
            row = self._database.execute(query, (_key(path),)).fetchone()
        if row is None:
            return None
        size, mtime, sha256, result = row
        if (rehash or (size, mtime) != (stamp.size, stamp.mtime)) and (
            sha256 is None or size != stamp.size or content() != sha256
        ):
            return None
        if mtime != stamp.mtime:
            with self._errors():
                self._database.execute("UPDATE results SET mtime = ? WHERE path = ?", (stamp.mtime, _key(path)))
        return bytes(result)

    def keep(self, path: str, stamp: Stamp, sha256: str | None, result: bytes) -> None:
        """Keep the result of a file; it is safe when this returns.

        Args:
            path: of the file.
            stamp: of the file as it was before it was read.
            sha256: of its bytes, with the algorithm; None where they were not hashed.
            result: its bytes.
        """
        row = (_key(path), stamp.size, stamp.mtime, sha256, result)
        with self._errors():
            self._database.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", row)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(f"{self._path}: cannot be used to resume: {error}") from error


def _key(path: str) -> bytes:
    """Paths are bytes to the system; some are no text."""
    return path.encode("utf-8", "surrogateescape")
