"""Lists of what archives are said to hold (``--expect-file``): ``DIGEST  PATH`` lines, CSV or JSON.

=======  ==============================================================================================================
lines    ``sha256:<hex>  PATH`` or ``<hex>  PATH``, as ``sha256sum`` writes (``*`` before the path is allowed); ``#``
         begins a comment
CSV      a header row with the columns ``archive`` and ``digest``
JSON     a list of objects with the keys ``archive`` and ``digest``, or an object of path to digest or list of digests
=======  ==============================================================================================================
"""

import csv
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from imgforensics.errors import InputError

_LINE = re.compile(r"((?:sha(?:256|384|512):)?[0-9a-f]{64,128})[ \t]+\*?(.+)")


def parse(text: str, source: str) -> Mapping[str, tuple[str, ...]]:
    """Normalised path to the digests that are expected in that archive, in the order of the list.

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
    return os.path.normpath(path)


def _pairs(text: str, source: str) -> Iterator[tuple[str, str]]:
    if text.lstrip()[:1] in ("{", "["):
        return _from_json(text, source)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if lines and {"archive", "digest"} <= {name.strip() for name in lines[0].split(",")}:
        return _from_csv(lines, source)
    return _from_lines(lines, source)


def _from_lines(lines: Iterable[str], source: str) -> Iterator[tuple[str, str]]:
    for line in lines:
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise InputError(f"{source}: not of the form DIGEST PATH: {line[:80]!r}")
        yield match[2], match[1]


def _from_csv(lines: Iterable[str], source: str) -> Iterator[tuple[str, str]]:
    for row in csv.DictReader(lines, skipinitialspace=True):
        cleaned = {name.strip(): value for name, value in row.items() if name is not None}
        archive, digest = cleaned.get("archive"), cleaned.get("digest")
        if not isinstance(archive, str) or not isinstance(digest, str) or not archive or not digest:
            raise InputError(f"{source}: a row without archive or digest")
        yield archive.strip(), digest.strip()


def _from_json(text: str, source: str) -> Iterator[tuple[str, str]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: no JSON: {error}") from None
    items: list[tuple[object, object]]
    if isinstance(value, dict):
        items = [(path, each) for path, one in value.items() for each in (one if isinstance(one, list) else [one])]
    else:
        items = [
            (each.get("archive"), each.get("digest")) if isinstance(each, dict) else (None, None) for each in value
        ]
    for archive, digest in items:
        if not isinstance(archive, str) or not isinstance(digest, str):
            raise InputError(f"{source}: an entry without archive or digest")
        yield archive, digest
