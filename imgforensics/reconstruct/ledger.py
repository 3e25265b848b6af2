"""The memory of known layers, learned manifests and finished recompressions: one SQLite file.

What is in it is never believed for its own sake. It only says which bytes to try; a manifest that hashes to a digest is
proved by that, wherever its parts came from. A wrong entry costs a miss, not a wrong answer.

===============  ======================================================================================================
recompressions   (diff_id, encoding, revision) -> digest and size of the stream: computed here, never learned
layers           (diff_id, digest) -> size, media type, where it was seen: a compressed form that exists somewhere
manifests        digest -> the exact bytes, the config they name, where they were seen
configs          digest -> the diff_ids that it names, so that a manifest alone tells the forms of layers
===============  ======================================================================================================

Several processes may use one file at a time: every change is a transaction of its own, and whoever comes second waits.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from imgforensics.errors import InputError
from imgforensics.model import Digest

VERSION = 1
"""Of the tables, kept in SQLite's ``user_version``."""

_APPLICATION = 0x494D4746
"""``IMGF``, kept in SQLite's ``application_id``: another program's database is never written into."""

_PATIENCE = 60.0
"""Seconds to wait for another process's transaction."""

_TABLES = """
CREATE TABLE recompressions (
  diff_id TEXT NOT NULL, encoding TEXT NOT NULL, revision INTEGER NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
  PRIMARY KEY (diff_id, encoding)) WITHOUT ROWID;
CREATE TABLE layers (
  diff_id TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, media_type TEXT NOT NULL, source TEXT NOT NULL,
  PRIMARY KEY (diff_id, digest)) WITHOUT ROWID;
CREATE TABLE manifests (
  digest TEXT NOT NULL PRIMARY KEY, config TEXT NOT NULL, media_type TEXT NOT NULL, content BLOB NOT NULL,
  source TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE configs (digest TEXT NOT NULL PRIMARY KEY, diff_ids TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX manifests_by_config ON manifests (config);
"""


@dataclass(frozen=True, slots=True)
class Stream:
    """A compressed form of a layer."""

    digest: Digest
    size: int
    """In bytes."""


@dataclass(frozen=True, slots=True)
class KnownLayer:
    """A compressed form of a layer that was seen somewhere."""

    diff_id: Digest
    digest: Digest
    size: int
    """In bytes, compressed."""
    media_type: str
    """As the manifest that named it said; empty where none did."""
    source: str
    """Where it was seen, in words."""


@dataclass(frozen=True, slots=True)
class KnownManifest:
    """The exact bytes of a registry's manifest."""

    digest: Digest
    config: Digest
    """The config that it names: the image ID."""
    media_type: str
    content: bytes
    source: str
    """Where it was seen, in words."""


class Ledger:
    """An open ledger: a context manager. Its methods may be called from several threads."""

    def __init__(self, path: str) -> None:
        """Open the file at ``path``, or make it; ``:memory:`` keeps nothing.

        Raises:
            InputError: it cannot be opened or written, or is something else.
        """
        self._path = path
        self._lock = threading.Lock()
        with self._errors():
            self._database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            with self._errors():
                self._prepare()
        except InputError:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def recompression(self, diff_id: Digest, encoding: str, revision: int) -> Stream | None:
        """What this encoding, in this revision of our encoders, made of a layer; None where that is not known."""
        query = "SELECT digest, size FROM recompressions WHERE diff_id = ? AND encoding = ? AND revision = ?"
        for digest, size in self._ask(query, str(diff_id), encoding, revision):
            return Stream(Digest.parse(digest), size)
        return None

    def remember_recompression(self, diff_id: Digest, encoding: str, revision: int, stream: Stream) -> None:
        """Keep what an encoding made of a layer."""
        change = "INSERT OR REPLACE INTO recompressions VALUES (?, ?, ?, ?, ?)"
        self._ask(change, str(diff_id), encoding, revision, str(stream.digest), stream.size)

    def layers(self, diff_id: Digest) -> tuple[KnownLayer, ...]:
        """Every compressed form of a layer that was learned, by digest."""
        query = "SELECT digest, size, media_type, source FROM layers WHERE diff_id = ? ORDER BY digest"
        found = self._ask(query, str(diff_id))
        return tuple(KnownLayer(diff_id, Digest.parse(digest), *rest) for digest, *rest in found)

    def learn_layer(self, layer: KnownLayer) -> bool:
        """Keep a compressed form. Whether it was new; what was learned first stays."""
        change = "INSERT OR IGNORE INTO layers VALUES (?, ?, ?, ?, ?) RETURNING 1"
        values = (str(layer.diff_id), str(layer.digest), layer.size, layer.media_type, layer.source)
        return bool(self._ask(change, *values))

    def manifests(self, config: Digest) -> tuple[KnownManifest, ...]:
        """Every manifest that was learned of this config, by digest. Content that was altered is left out."""
        query = "SELECT digest, media_type, content, source FROM manifests WHERE config = ? ORDER BY digest"
        return tuple(
            KnownManifest(Digest.parse(digest), config, media_type, content, source)
            for digest, media_type, content, source in self._ask(query, str(config))
            if digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
        )

    def learn_manifest(self, manifest: KnownManifest) -> bool:
        """Keep a manifest. Whether it was new; what was learned first stays."""
        change = "INSERT OR IGNORE INTO manifests VALUES (?, ?, ?, ?, ?) RETURNING 1"
        digest, config = str(manifest.digest), str(manifest.config)
        return bool(self._ask(change, digest, config, manifest.media_type, manifest.content, manifest.source))

    def diff_ids(self, config: Digest) -> tuple[Digest, ...] | None:
        """The diff_ids that a config names, lowest layer first; None where it was not learned."""
        with self._errors():
            for (text,) in self._ask("SELECT diff_ids FROM configs WHERE digest = ?", str(config)):
                return tuple(Digest.parse(each) for each in text.split())
        return None

    def learn_config(self, config: Digest, diff_ids: Sequence[Digest]) -> bool:
        """Keep the diff_ids of a config. Whether it was new."""
        change = "INSERT OR IGNORE INTO configs VALUES (?, ?) RETURNING 1"
        return bool(self._ask(change, str(config), " ".join(map(str, diff_ids))))

    def _ask(self, statement: str, *values: str | int | bytes) -> list[tuple[Any, ...]]:
        with self._errors(), self._lock:
            return self._database.execute(statement, values).fetchall()

    def _prepare(self) -> None:
        """Make the tables in an empty database; refuse any but our own."""
        database = self._database
        with self._transaction():
            (application,) = database.execute("PRAGMA application_id").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
            (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not (application or version or tables):
                for statement in filter(None, map(str.strip, _TABLES.split(";"))):
                    database.execute(statement)
                database.execute(f"PRAGMA application_id = {_APPLICATION}")
                database.execute(f"PRAGMA user_version = {VERSION}")
            elif application != _APPLICATION:
                raise InputError(f"{self._path}: is no ledger of imgforensics")
            elif version != VERSION:
                raise InputError(f"{self._path}: a ledger of version {version}; this program reads version {VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """SQLite's exceptions, and those of digests that are none, as ours."""
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            raise InputError(f"{self._path}: cannot be used as a ledger: {error}") from error
