"""The memory of known layers, learned manifests and finished recompressions: one SQLite file.

What archives taught is never believed for its own sake. It only says which bytes to try; a manifest that hashes to a
digest is proved by that, wherever its parts came from. A wrong entry costs a miss, not a wrong answer. What was worked
out here (``recompressions``, ``measured``) stands for doing it again: it is of bytes that were hashed, and no archive
writes it.

===============  ======================================================================================================
recompressions   (diff_id, encoding, revision) -> digest and size of the stream: computed here, never learned
layers           (diff_id, digest) -> size, media type, where it was seen: a compressed form that exists somewhere
manifests        digest -> the exact bytes, the config they name, where they were seen
configs          digest -> the diff_ids that it names, so that a manifest alone tells the forms of layers
measured         digest -> what measuring this blob gave: :mod:`~imgforensics.knownblobs`; the oldest go
===============  ======================================================================================================

Several processes may use one file at a time: every change is a transaction of its own, and whoever comes second waits.
The file is opened when it is first asked for. A row that does not hold what belongs there is skipped.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from imgforensics.errors import InputError
from imgforensics.limits import MIB
from imgforensics.model import Digest

VERSION = 1
"""Of the tables, kept in SQLite's ``user_version``."""

_APPLICATION = 0x494D4746
"""``IMGF``, kept in SQLite's ``application_id``: another program's database is never written into."""

_PATIENCE = 3.0
"""Seconds to wait for another process's transaction. Transactions are of one row each; what takes longer is stuck, and
no answer has to wait for a memory."""

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


_MEASURED = """
CREATE TABLE IF NOT EXISTS measured (
  id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, revision TEXT NOT NULL, probe BLOB NOT NULL,
  content BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS measured_by_probe ON measured (probe);
"""
"""Made when it is first written: a ledger of an earlier release has no such table, and is the same ledger."""

_MOST = 256 * MIB
"""Bytes of the file from which on the oldest measurements are let go, an eighth of them at a time."""


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


class LedgerBusyError(InputError):
    """Another process keeps the ledger locked."""


class Ledger:
    """A ledger: a context manager. Its methods may be called from several threads.

    Every method but :meth:`close` raises InputError where the file cannot be used, unless trouble is to be told of.
    """

    def __init__(self, path: str, trouble: Callable[[str], None] | None = None) -> None:
        """Use the file at ``path``, and make it where it is not there; ``:memory:`` keeps nothing.

        Args:
            path: the file; nothing is opened yet.
            trouble: is told once, in a line, that the file cannot be used or written, and the ledger goes on without:
                nothing is known, or nothing more is kept. Without it, that is an error.
        """
        self._path = path
        self._trouble = trouble
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None
        self._usable = self._writable = True
        self._measuring = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def open(self, *, shared: bool = False) -> None:
        """Open the file now.

        Args:
            shared: let readers go on while another process writes, here and in whoever opens it later. That takes files
                beside it, so that a ledger that is to last does without.

        Raises:
            InputError: it cannot be opened or made, or is something else.
        """
        with self._lock, self._errors():
            database = self._opened()
            if shared:
                database.execute("PRAGMA journal_mode = WAL")

    def recompression(self, diff_id: Digest, encoding: str, revision: int) -> Stream | None:
        """What this encoding, in this revision of our encoders, made of a layer; None where that is not known."""
        query = "SELECT digest, size FROM recompressions WHERE diff_id = ? AND encoding = ? AND revision = ?"
        for text, size in self._ask(query, str(diff_id), encoding, revision):
            digest = _digest(text)
            return None if digest is None or not _is_size(size) else Stream(digest, size)
        return None

    def remember_recompression(self, diff_id: Digest, encoding: str, revision: int, stream: Stream) -> None:
        """Keep what an encoding made of a layer."""
        change = "INSERT OR REPLACE INTO recompressions VALUES (?, ?, ?, ?, ?)"
        self._change(change, str(diff_id), encoding, revision, str(stream.digest), stream.size)

    def layers(self, diff_id: Digest) -> tuple[KnownLayer, ...]:
        """Every compressed form of a layer that was learned, by digest."""
        query = "SELECT digest, size, media_type, source FROM layers WHERE diff_id = ? ORDER BY digest"
        return tuple(
            KnownLayer(diff_id, digest, size, media_type, source)
            for text, size, media_type, source in self._ask(query, str(diff_id))
            if (digest := _digest(text)) is not None and _is_size(size) and _are(str, media_type, source)
        )

    def learn_layer(self, layer: KnownLayer) -> bool:
        """Keep a compressed form. Whether it was new; what was learned first stays."""
        change = "INSERT OR IGNORE INTO layers VALUES (?, ?, ?, ?, ?) RETURNING 1"
        values = (str(layer.diff_id), str(layer.digest), layer.size, layer.media_type, layer.source)
        return bool(self._change(change, *values))

    def manifests(self, config: Digest) -> tuple[KnownManifest, ...]:
        """Every manifest that was learned of this config, by digest. Content that was altered is left out."""
        query = "SELECT digest, media_type, content, source FROM manifests WHERE config = ? ORDER BY digest"
        return tuple(
            KnownManifest(digest, config, media_type, content, source)
            for text, media_type, content, source in self._ask(query, str(config))
            if (digest := _digest(text)) is not None and _are(str, media_type, source) and _are(bytes, content)
            if digest == Digest.of(content)
        )

    def learn_manifest(self, manifest: KnownManifest) -> bool:
        """Keep a manifest. Whether it was new; what was learned first stays."""
        change = "INSERT OR IGNORE INTO manifests VALUES (?, ?, ?, ?, ?) RETURNING 1"
        digest, config = str(manifest.digest), str(manifest.config)
        return bool(self._change(change, digest, config, manifest.media_type, manifest.content, manifest.source))

    def diff_ids(self, config: Digest) -> tuple[Digest, ...] | None:
        """The diff_ids that a config names, lowest layer first; None where it was not learned."""
        for (text,) in self._ask("SELECT diff_ids FROM configs WHERE digest = ?", str(config)):
            if isinstance(text, str):
                digests = tuple(digest for each in text.split() if (digest := _digest(each)) is not None)
                return digests if len(digests) == len(text.split()) else None
        return None

    def learn_config(self, config: Digest, diff_ids: Sequence[Digest]) -> bool:
        """Keep the diff_ids of a config. Whether it was new."""
        change = "INSERT OR IGNORE INTO configs VALUES (?, ?) RETURNING 1"
        return bool(self._change(change, str(config), " ".join(map(str, diff_ids))))

    def is_probable(self, probe: bytes, revision: str) -> bool:
        """Whether a blob with this probe was measured, by this revision of the measuring."""
        query = "SELECT 1 FROM measured WHERE probe = ? AND revision = ? LIMIT 1"
        return self._has_measured() and bool(self._ask(query, probe, revision))

    def measured(self, digest: Digest, revision: str) -> bytes | None:
        """What measuring this blob gave, in this revision of the measuring; None where that is not known."""
        query = "SELECT content FROM measured WHERE digest = ? AND revision = ?"
        for (content,) in self._ask(query, str(digest), revision) if self._has_measured() else ():
            return content if isinstance(content, bytes) else None
        return None

    def remember_measured(self, digest: Digest, revision: str, probe: bytes, content: bytes) -> None:
        """Keep what measuring a blob gave, by a few of its bytes and by its digest."""
        if not self._has_measured():
            for statement in filter(None, map(str.strip, _MEASURED.split(";"))):
                self._change(statement)
        change = "INSERT OR REPLACE INTO measured (digest, revision, probe, content) VALUES (?, ?, ?, ?)"
        self._change(change, str(digest), revision, probe, content)
        query = """
            SELECT (page_count - freelist_count) * page_size
            FROM pragma_page_count, pragma_freelist_count, pragma_page_size"""
        if any(used > _MOST for (used,) in self._ask(query)):
            eighth = "SELECT min(id) + (max(id) - min(id)) / 8 FROM measured"
            self._change(f"DELETE FROM measured WHERE id <= ({eighth})")  # noqa: S608 - no word of it comes from outside

    def _has_measured(self) -> bool:
        self._measuring = self._measuring or bool(self._ask("SELECT 1 FROM sqlite_master WHERE name = 'measured'"))
        return self._measuring

    def _ask(self, query: str, *values: str | int | bytes) -> list[tuple[Any, ...]]:
        """The rows of an answer; none where the file cannot be used, and that is no error."""
        if not self._usable:
            return []
        try:
            with self._lock, self._errors():
                return self._opened().execute(query, values).fetchall()
        except InputError as error:
            self._usable = self._writable = False
            self._tell(error)
            return []

    def _change(self, change: str, *values: str | int | bytes) -> list[tuple[Any, ...]]:
        """Make a change; nothing happens where the file cannot be written, and that is no error."""
        if not self._writable:
            return []
        try:
            with self._lock, self._errors():
                return self._opened().execute(change, values).fetchall()
        except InputError as error:
            self._writable = False
            self._tell(error)
            return []

    def _tell(self, error: InputError) -> None:
        if self._trouble is None:
            raise error
        self._trouble(str(error))

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            database = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
            database.text_factory = lambda text: text.decode("utf-8", "replace")  # one bad row is no bad ledger
            try:
                self._prepare(database)
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Make the tables in an empty database; refuse any but our own. One that is ours is only read."""
        database.execute("PRAGMA synchronous = NORMAL")  # what a crash of the machine takes is computed once more
        if not self._is_ours(database):
            with _transaction(database):
                if not self._is_ours(database):  # nobody else was quicker
                    for statement in filter(None, map(str.strip, _TABLES.split(";"))):
                        database.execute(statement)
                    database.execute(f"PRAGMA application_id = {_APPLICATION}")
                    database.execute(f"PRAGMA user_version = {VERSION}")

    def _is_ours(self, database: sqlite3.Connection) -> bool:
        """Whether the tables are there; not so in an empty database."""
        query = (
            "SELECT (SELECT count(*) FROM sqlite_master), a.*, v.* FROM pragma_application_id a, pragma_user_version v"
        )
        tables, application, version = database.execute(query).fetchone()
        if not (application or version or tables):
            return False
        if application != _APPLICATION:
            raise InputError(f"{self._path}: is no ledger of imgforensics")
        if version != VERSION:
            raise InputError(f"{self._path}: a ledger of version {version}; this program reads version {VERSION}")
        return True

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """SQLite's exceptions as ours."""
        try:
            yield
        except sqlite3.Error as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            raised = LedgerBusyError if busy else InputError
            raise raised(f"{self._path}: cannot be used as a ledger: {error}") from error


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _digest(text: object) -> Digest | None:
    """A digest out of a column, None where it holds something else: SQLite keeps what it is given."""
    try:
        return Digest.parse(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _is_size(value: object) -> bool:
    return isinstance(value, int) and value >= 0


def _are(kind: type, *values: object) -> bool:
    return all(isinstance(value, kind) for value in values)
