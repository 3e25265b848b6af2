"""The facts of all archives of a run in a database on disk, so that a hundred thousand cost no more memory than ten.

The database is SQLite's own temporary one: unnamed, and gone with the process.
"""

import re
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
  producer TEXT, error TEXT,
  wrapping TEXT, headers TEXT, ending TEXT);
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
CREATE INDEX by_diff_id ON layers (diff_id, held, image);
"""

_ESCAPED = re.compile(r"\\(?:\\|u([0-9a-f]{4}))")


class Store:
    """The facts of a set of archives: a context manager."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.text_factory = _back
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
        framing = facts.framing
        traits = (None, None, None) if framing is None else (framing.wrapping, framing.headers, framing.ending)
        row = (facts.path, folder, facts.sha256, facts.size, facts.verdict, facts.producer, facts.error, *traits)
        columns = "path, folder, sha256, size, verdict, producer, error, wrapping, headers, ending"
        archive = self._insert(f"archives ({columns})", row)
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
    r"""What is stored for a value. Names of files and tags may hold lone surrogates, and SQLite takes no such text.

    They become ``\udcff``, and a backslash two of them, so that what comes out is what went in.
    """
    if not isinstance(value, str) or (value.isascii() and "\\" not in value):
        return value
    return value.replace("\\", "\\\\").encode("utf-8", "backslashreplace").decode()


def _back(stored: bytes) -> str:
    """The text that stored bytes stand for."""
    text = stored.decode()
    return _ESCAPED.sub(lambda escape: chr(int(escape[1] or "5c", 16)), text) if "\\" in text else text
