"""Lists of what archives are said to hold (``--expect-file``): ``DIGEST  PATH`` lines, CSV or JSON.

=======  ==============================================================================================================
lines    ``sha256:<hex>  PATH`` or ``<hex>  PATH``, as ``sha256sum`` writes (``*`` before the path is allowed); ``#``
         begins a comment
CSV      a header row with the columns ``archive`` and ``digest``, and ``image`` where it is wanted
JSON     a list of objects with the keys ``archive`` and ``digest`` (and ``image``), or an object of path to digest or
         list of digests
=======  ==============================================================================================================

Any other column or key is an error: one that is misspelled would silently drop what it was to say.
"""

import csv
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from imgforensics.errors import InputError
from imgforensics.textlines import lines_of

_KNOWN = ("archive", "digest", "image")
_JSON = re.compile(r"\s*[{\[]")
_LINE = re.compile(r"((?:sha(?:256|384|512):)?[0-9a-f]{64,128})[ \t]+\*?(.+)", re.DOTALL)


def parse(text: str, source: str) -> Mapping[str, tuple[str, ...]]:
    """Normalised path to what is expected in that archive, ``[IMAGE=]DIGEST``, in the order of the list.

    Raises:
        InputError: the list cannot be read.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for path, digest in _pairs(text, source):
        found[key(path)].append(digest)
    if not found:
        raise InputError(f"{source}: expects nothing: no line of the form DIGEST PATH")
    return {path: tuple(dict.fromkeys(digests)) for path, digests in found.items()}


def key(path: str) -> str:
    """The spelling of a path by which lists are looked up."""
    if path == "-":
        return path
    absolute = os.path.abspath(path)  # noqa: PTH100 - the name counts, not where a link leads
    return f"/{absolute.lstrip('/')}" if absolute.startswith("//") else absolute


def _pairs(text: str, source: str) -> Iterator[tuple[str, str]]:
    if _JSON.match(text):
        return _from_json(text, source)
    lines = (line.removesuffix("\r") for _, line in lines_of(text))
    first = next(lines, None)
    if first is None:
        return iter(())
    read = _from_csv if _is_head(first) else _from_lines
    return read(chain([first], lines), source)


def _is_head(line: str) -> bool:
    """Whether a line names columns: no line of the other form has a comma before its path."""
    names = {name.strip().strip('"').lower() for name in line.split(",")}
    return len(names & {"archive", "digest"}) == 2 or ("," in line and not _LINE.fullmatch(line.lstrip()))


def _only_known(names: Iterable[str], what: str, source: str) -> None:
    """Refuse whatever is not known: a misspelled name would silently drop what it was to say."""
    for name in names:
        if name not in _KNOWN:
            raise InputError(f"{source}: the {what} {name[:80]!r} is not known; known are {', '.join(_KNOWN)}")


def _from_lines(lines: Iterable[str], source: str) -> Iterator[tuple[str, str]]:
    for line in lines:
        match = _LINE.fullmatch(line.lstrip())
        if match is None:
            raise InputError(f"{source}: not of the form DIGEST PATH: {line[:80]!r}")
        yield match[2], match[1]


def _from_csv(lines: Iterable[str], source: str) -> Iterator[tuple[str, str]]:
    rows = _rows(lines, source)
    names = [name.strip() for name in next(rows)]
    _only_known(names, "column", source)
    if len(set(names)) < len(names):
        raise InputError(f"{source}: a column is there twice")
    for row in rows:
        if len(row) > len(names):
            raise InputError(f"{source}: a row of more fields than there are columns")
        cleaned = dict(zip(names, row, strict=False))
        archive, digest = cleaned.get("archive"), cleaned.get("digest")
        if not isinstance(archive, str) or not isinstance(digest, str) or not archive or not digest:
            raise InputError(f"{source}: a row without archive or digest")
        yield archive, _of_image(cleaned.get("image"), digest.strip(), source)


def _rows(lines: Iterable[str], source: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, skipinitialspace=True)
    except csv.Error as error:
        raise InputError(f"{source}: no CSV: {error}") from None


def _of_image(image: object, digest: str, source: str) -> str:
    """The expectation of a digest, of one image where an entry names one."""
    if image in (None, ""):
        return digest
    if not isinstance(image, str):
        raise InputError(f"{source}: {image!r} names no image")
    return f"{image}={digest}"


def _only_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object none of whose keys hides another of the same name."""
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return result


def _from_json(text: str, source: str) -> Iterator[tuple[str, str]]:
    try:
        value = json.loads(text, object_pairs_hook=_only_once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: no JSON: {error}") from None
    items: list[tuple[object, object, object]]
    if isinstance(value, dict):
        items = [
            (path, each, None)
            for path, one in value.items()
            for each in (one if isinstance(one, list) and one else [one])
        ]
    else:
        entries = [each if isinstance(each, dict) else {} for each in value]
        for each in entries:
            _only_known(each, "key", source)
        items = [(each.get("archive"), each.get("digest"), each.get("image")) for each in entries]
    for archive, digest, image in items:
        if not isinstance(archive, str) or not isinstance(digest, str):
            raise InputError(f"{source}: an entry without archive or digest")
        yield archive, _of_image(image, digest, source)
