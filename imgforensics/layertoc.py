"""Tables of contents that lazily pulling readers use in place of the tar: eStargz and zstd:chunked. No I/O.

Both hold the same JSON, an object with ``version`` and ``entries`` (CRFS; stargz-snapshotter, docs/estargz.md, "TOC";
containers/storage, pkg/chunked). eStargz keeps it in the layer's tar, as ``stargz.index.json``, at or behind its end;
zstd:chunked in a skippable frame, compressed once more, to which a footer points. Whoever mounts such a layer without
unpacking it sees what the table says; everyone else sees the tar.

A table may have a million entries, each of which would take Python a kibibyte: they are read one at a time.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from imgforensics.model import Digest, clean_path

EXAMPLES = 10
"""Differing entries that are kept."""


class TocKind(StrEnum):
    """The formats that have a table of contents."""

    ESTARGZ = "eStargz"
    ZSTD_CHUNKED = "zstd:chunked"


FOOTER = 51
"""Bytes of the gzip member at the end of an eStargz layer that says where the table is (docs/estargz.md, "Footer")."""
_FOOTER = re.compile(rb"\x1f\x8b\x08\x04.{6}(?:\x1a\0SG)?\x16\0([0-9A-Fa-f]{16})STARGZ.{13}\Z", re.DOTALL)


def pointed_to(tail: bytes) -> int | None:
    """Where the footer of an eStargz layer, or of its forerunner stargz, says that the table's gzip member begins.

    Args:
        tail: the last bytes of the layer as stored, :data:`FOOTER` at least.

    Returns:
        An offset in bytes of the layer as stored; None where there is no footer.
    """
    found = _FOOTER.search(tail)
    return None if found is None else int(found[1], 16)


KINDS: Mapping[str, int] = {"dir": 0, "reg": 1, "symlink": 2, "hardlink": 3, "char": 4, "block": 4, "fifo": 5}
"""What an entry is, as :class:`~imgforensics.layersurvey.LayerSurvey` numbers it."""
ANY = 6
"""What the tar has in a way that cannot be compared: sparse files, and types that are unknown."""

Known = Mapping[int, tuple[int, int, int, int, int]]
"""Of every path in the tar, by its hash: kind, mode, value, owner, and how often it stands there.

The value is a size, or the hash of a target or of a device's numbers; the owner is :func:`owner_hash`."""

_FIELDS = frozenset(
    (
        "name",
        "type",
        "size",
        "modtime",
        "linkName",
        "mode",
        "uid",
        "gid",
        "userName",
        "groupName",
        "offset",
        "innerOffset",
        "devMajor",
        "devMinor",
        "NumLink",
        "xattrs",
        "digest",
        "chunkOffset",
        "chunkSize",
        "chunkDigest",
        "chunkType",
    )
)
"""Keys of an entry (stargz-snapshotter, estargz/types.go, ``TOCEntry``; containers/storage, ``FileMetadata``)."""
_FOLDED = {field.casefold(): field for field in _FIELDS}


def owner_hash(uid: int, gid: int, xattrs: Mapping[str, bytes]) -> int:
    """What stands for the owner of an entry and its extended attributes; good within this process."""
    return hash((uid, gid, tuple(sorted(xattrs.items()))))


@dataclass(frozen=True, slots=True)
class TocFacts:
    """A table of contents against its tar."""

    kind: TocKind
    digest: Digest
    """SHA-256 of what the layer's annotation names: the JSON in eStargz, the compressed JSON in zstd:chunked."""
    entries: int = 0
    extra: int = 0
    """Entries that the tar does not have."""
    missing: int = 0
    """Entries of the tar that it does not have."""
    differing: int = 0
    """Entries that are of another kind, size, mode, owner or target in the tar, or stand there less often."""
    examples: tuple[str, ...] = ()
    """Some of the extra and the differing ones, in words."""
    problem: str | None = None
    """Why it could not be read to its end."""

    @property
    def agrees(self) -> bool:
        """Whether it lists what the tar holds."""
        return not (self.extra or self.missing or self.differing or self.problem)


def compare(kind: TocKind, digest: Digest, text: bytes, known: Known) -> TocFacts:
    """Compare a table with the entries of the tar; ``known`` leaves out the table itself."""
    seen: dict[int, int] = {}
    extra = differing = count = 0
    examples: list[str] = []
    problem = None
    try:
        for entry in _entries(text.decode("utf-8")):
            if entry.get("type") == "chunk":
                continue
            count += 1
            name = entry.get("name")
            path = clean_path(name) if isinstance(name, str) else None
            if path == "" and entry.get("type") == "dir":  # the root, which old writers list where the tar does
                continue
            there = None if path is None else known.get(hash(path))
            if there is None:
                extra += 1
                difference: str | None = "is not in the tar"
            else:
                times = seen[hash(path)] = seen.get(hash(path), 0) + 1
                difference = _difference(entry, *there[:4])
                if times > there[4]:
                    difference = "is listed more often than it stands in the tar"
                differing += difference is not None
            if difference and len(examples) < EXAMPLES:
                examples.append(f"{str(name)[:200]!r} {difference}")
    except (ValueError, RecursionError) as error:
        problem = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
    missing = 0 if problem else len(known) - len(seen)
    return TocFacts(kind, digest, count, extra, missing, differing, tuple(examples), problem)


def _difference(entry: Mapping[str, Any], kind: int, mode: int, value: int, owner: int) -> str | None:
    """What an entry says otherwise than the tar, None where it says the same."""
    said = KINDS.get(str(entry.get("type")))
    if kind == ANY:
        return None
    if said != kind:
        return "is of another type in the tar"
    different = _other_content(entry, kind, value)
    if different is not None:
        return different
    permissions = entry.get("mode", 0)
    if not isinstance(permissions, int) or permissions & 0o7777 != mode:
        return f"has the mode {oct(permissions)[2:22] if isinstance(permissions, int) else 'none'}, {mode:o} in the tar"
    if _owner(entry) != owner:
        return "has another owner, or other extended attributes, in the tar"
    return None


def _other_content(entry: Mapping[str, Any], kind: int, value: int) -> str | None:
    """In which way an entry's size, target or device is another than the tar's."""
    if kind in (2, 3):
        target = entry.get("linkName", "")
        if kind == 3 and isinstance(target, str):
            target = clean_path(target)
        return None if hash(target) == value else "leads to another target in the tar"
    if kind == 1 and entry.get("size", 0) != value:
        return f"has {str(entry.get('size', 0))[:20]} bytes, {value} in the tar"
    if kind == 4:
        numbers = (entry.get("type") == "char", entry.get("devMajor", 0), entry.get("devMinor", 0))
        return None if _hashed(numbers) == value else "is another device in the tar"
    return None


def _hashed(value: object) -> int | None:
    """The hash of a value from JSON, None where it is a list or an object."""
    try:
        return hash(value)
    except TypeError:
        return None


def _owner(entry: Mapping[str, Any]) -> int | None:
    """What an entry says of owner and attributes, as :func:`owner_hash` has it; None where it is none."""
    uid, gid, xattrs = entry.get("uid", 0), entry.get("gid", 0), entry.get("xattrs") or {}
    if type(uid) is not int or type(gid) is not int or type(xattrs) is not dict:
        return None
    try:
        return owner_hash(uid, gid, {name: b64decode(value) for name, value in xattrs.items()})
    except (TypeError, ValueError):
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, in which no key may stand twice.

    Raises:
        ValueError: one does; readers merge, or take the first or the last.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object, of which readers take one")
    return found


def _respelled(key: str, fields: Mapping[str, str]) -> None:
    """Raise ValueError where Go takes a key for another one, which it does without regard to case."""
    field = fields.get(key.casefold())
    if field is not None and field != key:
        raise ValueError(f"a key {key[:40]!r}, which Go takes for {field!r}, and others do not")


_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(object_pairs_hook=_object)
_TOP = {"version": "version", "entries": "entries"}


def _entries(text: str) -> Iterator[Mapping[str, Any]]:
    """The objects in the list ``entries`` of a JSON object, one at a time.

    Raises:
        ValueError: it is no such object.
        RecursionError: a value is nested deeply.
    """
    at = _expect(text, 0, "{")
    at = _skip(text, at)
    seen = False
    while text[at : at + 1] != "}":
        key, at = _value(text, at)
        at = _skip(text, _expect(text, at, ":"))
        _respelled(str(key), _TOP)
        if key == "entries":
            if seen:
                raise ValueError("two lists of entries")
            seen = True
        if key == "entries" and text[at : at + 1] == "[":
            at = _skip(text, at + 1)
            while text[at : at + 1] != "]":
                entry, at = _value(text, at)
                if type(entry) is not dict:
                    raise ValueError("an entry that is no object")
                if not entry.keys() <= _FIELDS:
                    for field in entry:
                        _respelled(field, _FOLDED)
                yield entry
                at = _comma(text, at, "]")
            at += 1
        else:
            _, at = _value(text, at)
        at = _comma(text, at, "}")
    if text[at + 1 :].strip(" \t\r\n\0"):
        raise ValueError("more follows behind it")


def _value(text: str, at: int) -> tuple[Any, int]:
    return _DECODER.raw_decode(text, _skip(text, at))


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _expect(text: str, at: int, what: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != what:
        raise ValueError(f"no {what!r} at character {at}")
    return at + 1


def _comma(text: str, at: int, end: str) -> int:
    """Behind a comma, or at the end of a list or an object."""
    at = _skip(text, at)
    if text[at : at + 1] == end:
        return at
    return _skip(text, _expect(text, at, ","))
