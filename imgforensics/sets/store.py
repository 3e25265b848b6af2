"""The facts of all archives of a run in a database on disk, so that a hundred thousand cost no more memory than ten.

The database is SQLite's own temporary one: unnamed, and gone with the process.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, Self

from imgforensics.facts import Facts
from imgforensics.refnames import has_repository, normalise

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE archives (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL, folder TEXT NOT NULL, sha256 TEXT, size INTEGER, verdict TEXT NOT NULL,
  producer TEXT, error TEXT);
CREATE TABLE images (
  id INTEGER PRIMARY KEY, archive INTEGER NOT NULL, image_id TEXT, manifest TEXT, platform TEXT, content TEXT NOT NULL);
CREATE TABLE tags (image INTEGER NOT NULL, tag TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE layers (image INTEGER NOT NULL, place INTEGER NOT NULL, diff_id TEXT, digest TEXT, held TEXT NOT NULL);
CREATE INDEX by_sha256 ON archives (sha256);
CREATE INDEX by_path ON archives (path);
CREATE INDEX by_folder ON archives (folder);
CREATE INDEX by_archive ON images (archive);
CREATE INDEX by_image_id ON images (image_id);
CREATE INDEX by_tag ON tags (tag);
CREATE INDEX by_image ON tags (image);
CREATE INDEX by_place ON layers (image, place);
CREATE INDEX by_diff_id ON layers (diff_id);
"""


class Store:
    """The facts of a set of archives: a context manager."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_TABLES)
        self.count = 0
        """Archives that were added."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def add(self, facts: Facts) -> None:
        """Take the facts of one archive, behind those that were taken before."""
        self.count += 1
        folder = facts.path.rpartition("/")[0]
        row = (facts.path, folder, facts.sha256, facts.size, facts.verdict, facts.producer, facts.error)
        archive = self._insert("archives (path, folder, sha256, size, verdict, producer, error)", row)
        for image in facts.images:
            content = image.image_id or image.manifest or f"archive {archive}"
            facets = (archive, image.image_id, image.manifest, image.platform, content)
            number = self._insert("images (archive, image_id, manifest, platform, content)", facets)
            for tag in image.tags:
                if has_repository(tag):
                    self._insert("tags (image, tag, name)", (number, normalise(tag), tag))
            for place, layer in enumerate(image.layers):
                claim = (number, place, layer.diff_id, layer.digest, layer.held)
                self._insert("layers (image, place, diff_id, digest, held)", claim)

    def ask(self, query: str, *values: str | int | None) -> Iterator[tuple[Any, ...]]:
        """The rows that a query gives."""
        yield from self._database.execute(query, [_text(value) for value in values])

    def _insert(self, into: str, row: tuple[str | int | None, ...]) -> int:
        marks = ", ".join("?" * len(row))
        cursor = self._database.execute(
            f"INSERT INTO {into} VALUES ({marks})",  # noqa: S608 - table and columns are this module's own words
            [_text(value) for value in row],
        )
        return cursor.lastrowid or 0


def _text(value: str | int | None) -> str | int | None:
    """Names of files and tags may hold what is no Unicode; SQLite takes none of it."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
