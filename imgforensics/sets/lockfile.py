"""Lock files: what lay in a folder of archives at the sending end, as text that a person can read and compare.

A lock begins with the line ``imgforensics-lock 1``. Then each archive, sorted by path, from its path to its layers::

    archive app/api.tar
      sha256 sha256:0c5e…
      size 10240
      image sha256:7d1e… linux/amd64
        manifest sha256:9a0b…
        tag example.com/api:1.4
        layer sha256:44aa…

Two blanks of indent say what belongs to what. Paths are relative to the folder that was locked, with ``/``; a path or
tag of other than printable characters, or with a blank or a quote at its beginning, is written as a JSON string.
``manifest`` stands where a manifest lies in the archive; ``layer`` is a diff_id, lowest first. Lines that begin with
``#`` are comments.

Instead of a lock, lists of two other kinds are understood: what ``sha256sum`` writes (``HEX  PATH``), and references
with digests (``name@sha256:…``), one a line.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from imgforensics.errors import InputError
from imgforensics.facts import Facts, ImageFacts, LayerFacts
from imgforensics.textlines import lines_of

_HEAD = "imgforensics-lock 1"
_SUM = re.compile(r"\\?([0-9a-f]{64})(?: [ *]|[ \t]+)(.+)")
_REFERENCE = re.compile(r"([^\s@]+)@(sha256:[0-9a-f]{64})")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Locked:
    """One archive as a lock tells of it."""

    path: str
    sha256: str
    """With its algorithm, of the file."""
    size: int | None = None
    """Bytes, None where the list says nothing of it."""
    images: tuple[ImageFacts, ...] | None = None
    """None where the list says nothing of them."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What must be there."""

    archives: tuple[Locked, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    """Names, each with the digest of a manifest, an index or a config (image ID)."""
    source: str = ""
    """The file that it was read from."""

    @property
    def lists_files(self) -> bool:
        """Whether it is a list of files, of whatever kind: ``sha256sum`` wrote it. A lock lists archives alone."""
        return any(each.images is None for each in self.archives)


def render(facts: Iterable[Facts]) -> Iterator[str]:
    """The lock of these archives, which come sorted by path and were all answered, line by line."""
    yield _HEAD + "\n"
    for each in facts:
        yield f"archive {_written(each.path)}\n"
        yield f"  sha256 {each.sha256}\n"
        yield f"  size {each.size}\n"
        for image in each.images:
            yield f"  image {image.image_id or '-'} {_written(image.platform or '-')}\n"
            if image.manifest:
                yield f"    manifest {image.manifest}\n"
            yield from (f"    tag {_written(tag)}\n" for tag in sorted(image.tags))
            yield from (f"    layer {_written(layer.diff_id or '-')}\n" for layer in image.layers)


def parse(text: str, source: str) -> Lock:
    """Read a lock, a ``sha256sum`` list, or a list of references.

    Raises:
        InputError: it is none of them, or names something twice; with the line.
    """
    lines = ((number, line.rstrip("\r")) for number, line in lines_of(text))
    first = next(lines, None)
    if first is None:
        raise InputError(f"{source}: an empty list: it would hold for anything")
    if first[1].split(" ", maxsplit=1)[0] == _HEAD.split(" ", maxsplit=1)[0]:
        return _Reader(source).read(first, lines)
    archives: list[Locked] = []
    references: list[tuple[str, str]] = []
    for number, line in chain([first], lines):
        if match := _REFERENCE.fullmatch(line.strip()):
            references.append((match[1], match[2]))
        elif match := _SUM.fullmatch(line):
            archives.append(Locked(_plain_sum(line, match[2]), f"sha256:{match[1]}"))
        else:
            raise InputError(
                f"{source}: line {number}: no lock, no line of sha256sum and no name@sha256:…: {line[:60]!r}"
            )
    _refuse_twice([each.path for each in archives], source)
    return Lock(tuple(archives), tuple(dict.fromkeys(references)), source)


def _plain_sum(line: str, path: str) -> str:
    """A path as ``sha256sum`` writes it: where the line begins with a backslash, some characters are escaped.

    Parts that lead nowhere are left out: ``././a``, ``./a`` and ``a`` are one file.
    """
    if line.startswith("\\"):
        path = re.sub(r"\\(.)", lambda match: {"n": "\n", "r": "\r"}.get(match[1], match[1]), path)
    start = "/" if path.startswith("/") else ""
    return start + "/".join(part for part in path.split("/") if part not in ("", "."))


@dataclass(slots=True)
class _Image:
    """What was read of an image until now."""

    image_id: str | None
    platform: str | None
    manifest: str | None = None
    tags: list[str] = field(default_factory=list)
    layers: list[LayerFacts] = field(default_factory=list)

    def facts(self) -> ImageFacts:
        return ImageFacts(self.image_id, self.manifest, self.platform, tuple(self.tags), tuple(self.layers))


class _Reader:
    """Reads a lock line by line."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._number = 0

    def read(self, first: tuple[int, str], lines: Iterable[tuple[int, str]]) -> Lock:
        self._number, head = first
        if head != _HEAD:
            raise self._wrong(f"a lock of another version, {head[:40]!r}; this is {_HEAD!r}")
        archives: list[Locked] = []
        path: str | None = None
        fields: dict[str, str] = {}
        images: list[_Image] = []
        for self._number, line in lines:
            indent = len(line) - len(line.lstrip(" "))
            word, _, value = line.strip(" ").partition(" ")
            if (indent, word) == (0, "archive"):
                if path is not None:
                    archives.append(self._locked(path, fields, images))
                path, fields, images = self._read(value), {}, []
            elif path is None:
                raise self._wrong("something before the first archive")
            elif indent == 2 and word in ("sha256", "size") and word not in fields:
                fields[word] = value
            elif (indent, word) == (2, "image"):
                identity, _, platform = value.partition(" ")
                images.append(_Image(self._digest(identity), self._or_none(platform)))
            elif indent == 4 and images and word in ("manifest", "tag", "layer"):
                self._add(images[-1], word, value)
            else:
                raise self._wrong(f"not understood: {line[:60]!r}")
        if path is None:
            raise self._wrong("a lock of no archive: it would hold for anything")
        archives.append(self._locked(path, fields, images))
        _refuse_twice([each.path for each in archives], self._source)
        return Lock(tuple(archives), source=self._source)

    def _locked(self, path: str, fields: dict[str, str], images: list[_Image]) -> Locked:
        size = fields.get("size", "")
        digest = self._digest(fields.get("sha256", "-"))
        if digest is None or not (size.isascii() and size.isdigit() and len(size) < 20):
            raise self._wrong(f"archive {path!r} without sha256 or size")
        return Locked(path, digest, int(size), tuple(image.facts() for image in images))

    def _add(self, image: _Image, word: str, value: str) -> None:
        if word == "manifest":
            image.manifest = self._digest(value)
        elif word == "tag":
            image.tags.append(self._read(value))
        else:
            image.layers.append(LayerFacts(self._or_none(value), None, None, "unchecked"))

    def _digest(self, text: str) -> str | None:
        if text == "-":
            return None
        if not _DIGEST.fullmatch(text):
            raise self._wrong(f"no digest: {text[:80]!r}")
        return text

    def _or_none(self, text: str) -> str | None:
        return None if text == "-" else self._read(text)

    def _read(self, text: str) -> str:
        if not text.startswith('"'):
            return text
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, str):
            raise self._wrong(f"no JSON string: {text[:60]!r}")
        return value

    def _wrong(self, what: str) -> InputError:
        return InputError(f"{self._source}: line {self._number}: {what}")


def _written(text: str) -> str:
    """Text as it stands in a lock."""
    plain = text.isprintable() and text.strip() == text and text and not text.startswith('"')
    return text if plain else json.dumps(text)


def _refuse_twice(paths: list[str], source: str) -> None:
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise InputError(f"{source}: {path!r} stands there twice")
        seen.add(path)
