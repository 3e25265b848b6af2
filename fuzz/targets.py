"""What is fuzzed, and what has to hold whatever the bytes are. A target raises AssertionError where it does not.

Work is counted, not timed: bytes that were asked for and given out, against the bytes that were put in.
"""

import atexit
import bz2
import gzip
import io
import json
import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema

from fuzz.golang import layer, outer
from imgforensics import Options, analyze, tarwalk
from imgforensics.documents import read_document
from imgforensics.errors import ImgforensicsError
from imgforensics.findings import Severity, Verdict
from imgforensics.gojson import raw_members
from imgforensics.inflate import Inflater
from imgforensics.limits import KIB, MIB, Limits
from imgforensics.model import Compression, Member, MemberKind, Span
from imgforensics.rendering import render
from imgforensics.sniffing import MAGICS, sniff
from imgforensics.strictjson import parse_json
from tests import builder, tardifferential
from tests.builder import ImageSpec
from tests.tardifferential import Reader

SMALL = Limits(inflated=16 * MIB, spooled=64 * MIB, ratio_floor=1 * MIB, chunk=64 * KIB, holes=4 * MIB)
"""Bounds that a small input can reach."""

_FAR = 1 << 36
"""Seconds since 1970: in some two thousand years."""

Target = Callable[[bytes], None]


# ------------------------------------------------------------------------------------------------------------------ tar


def tar(data: bytes) -> None:
    """The walker ends, asks for a bounded number of bytes, and keeps within the file."""
    asked = steps = 0

    def read(offset: int, length: int) -> bytes:
        nonlocal asked, steps
        assert 0 <= offset <= offset + length <= len(data), f"asked for {length} bytes at {offset}"
        asked, steps = asked + length, steps + 1
        return data[offset : offset + length]

    found = tarwalk.index(read, len(data), SMALL)
    assert asked <= 16 * len(data) + 64 * KIB, f"{asked} bytes were asked for of {len(data)}"
    assert steps <= len(data) // 64 + 64, f"{steps} pieces were asked for of {len(data)} bytes"
    assert len(found.anomalies) <= 2 * SMALL.anomalies + 100
    end = -1
    for number, member in enumerate(found.members):
        assert member.index == number
        assert member.header.offset > end or member.header.offset >= 0
        assert member.present <= max(0, len(data) - member.data.offset)
        assert member.header.end == member.data.offset
        end = member.header.offset
    assert found == tarwalk.index(lambda at, length: data[at : at + length], len(data), SMALL)
    if not found.anomalies:
        ours = [_shown(member) for member in found.members]
        theirs = python_members(data, len(ours) + 8)
        assert theirs is None or ours == theirs, f"Python sees {theirs}, nothing odd was seen in {ours}"


def _shown(member: Member) -> tuple[str, int | None]:
    return posixpath.normpath(member.name), member.data.length if member.kind is MemberKind.FILE else None


def python_members(data: bytes, most: int) -> list[tuple[str, int | None]] | None:
    """Names and sizes as Python's ``tarfile`` gives them, so many at most; None where it refuses the archive."""
    shown: list[tuple[str, int | None]] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as opened:
            for member in opened:
                size = member.size if member.isreg() and not member.issparse() else None
                shown.append((posixpath.normpath(member.name), size))
                if len(shown) >= most:
                    break
    except (tarfile.TarError, ValueError, OverflowError, OSError, EOFError):
        return None
    return shown


@cache
def _readers() -> tuple[Path, tuple[Reader, ...]]:
    """A file to put archives into, and the tar readers that are here."""
    folder = TemporaryDirectory(prefix="imgforensics-fuzz-")
    atexit.register(folder.cleanup)
    here = tardifferential.readers(Path(folder.name)).values()
    return Path(folder.name) / "archive.tar", tuple(each for each in here if isinstance(each, Reader))


def readers(data: bytes) -> None:
    """Where the walker finds nothing odd, every tar reader that is here lists the same members without complaint."""
    found = tarwalk.index(lambda at, length: data[at : at + length], len(data), SMALL)
    names = [name for member in found.members for name in (member.name, member.uname, member.gname)]
    # The check notes what is ancient, which busybox refuses; of a far future listings show seconds.
    told = any(member.format == "v7" or abs(member.mtime) > _FAR for member in found.members)
    if found.anomalies or told or not names or any(_is_shown_otherwise(name) for name in names):
        return
    ours = tuple((each.name.rstrip("/"), _shown(each)[1]) for each in found.members)
    path, here = _readers()
    path.write_bytes(data)
    for reader in here:
        difference = tardifferential.difference(ours, reader.read(path))
        assert difference == "the same", f"{reader.name} {difference}, nothing odd was seen in {ours}"


def _is_shown_otherwise(name: str) -> bool:
    """Whether other rules than those of framing speak of a name, or a listing escapes it."""
    return (
        not name.isascii()
        or " " in name
        or not name.isprintable()
        or name.startswith("/")
        or ".." in name
        or "\\" in name
    )


# ----------------------------------------------------------------------------------------------------------------- JSON


def documents(data: bytes) -> None:
    """The JSON readers raise nothing, and what they find nothing odd in is what Python reads too."""
    parsed = parse_json(data, SMALL)
    first, second = read_document(data, SMALL), read_document(data, SMALL)
    assert repr(first) == repr(second)
    raw_members(data)
    if not parsed.problems:
        assert repr(parsed.value) == repr(json.loads(data)), "another value than Python's"


# ------------------------------------------------------------------------------------------------------------ inflaters

_PYTHON: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.GZIP: gzip.decompress,
    Compression.BZIP2: bz2.decompress,
    Compression.XZ: partial(lzma.decompress, format=lzma.FORMAT_XZ),
}


def streams(data: bytes) -> None:
    """The inflaters raise nothing, stay in bounds, and what they call complete is what Python's libraries give."""
    compression = sniff(data)
    if compression not in MAGICS:
        compression = list(MAGICS)[len(data) % len(MAGICS)]
    output, inflater = _inflated(compression, data, [len(data)])
    again, other = _inflated(compression, data, [1, 7, 4096, 13])
    assert (output, inflater.anomalies) == (again, other.anomalies), "it depends on how the bytes arrive"
    assert inflater.size == len(output) <= SMALL.inflated
    for anomaly in inflater.anomalies:
        assert anomaly.span is None or anomaly.span.end <= len(data)
    python = _PYTHON.get(compression)
    if inflater.complete and not inflater.anomalies and python is not None:
        try:
            theirs = python(data)
        except zlib.error as error:
            if "set" not in str(error):  # ISA-L takes incomplete sets of codes that zlib refuses
                raise AssertionError("Python refuses it") from error
        else:
            # Python passes over what follows the padding between xz streams.
            same = output.startswith(theirs) if compression is Compression.XZ else output == theirs
            assert same, "another content than Python's"


def _inflated(compression: Compression, data: bytes, cuts: list[int]) -> tuple[bytes, Inflater]:
    inflater, output, at, turn = Inflater(compression, SMALL), bytearray(), 0, 0

    def take(chunk: bytes) -> None:
        assert 0 < len(chunk) <= SMALL.chunk
        output.extend(chunk)

    while at < len(data):
        piece = data[at : at + max(1, cuts[turn % len(cuts)])]
        at, turn = at + len(piece), turn + 1
        for chunk in inflater.feed(piece):
            take(chunk)
    for chunk in inflater.finish():
        take(chunk)
    return bytes(output), inflater


# ------------------------------------------------------------------------------------------------------------- analysis


@cache
def _validator() -> Any:
    schema = json.loads((Path(__file__).parents[1] / "docs" / "report-v1.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def archive(data: bytes) -> None:
    """The analysis answers or says in one line why not; the answer fits the schema and is the same each time."""
    reports = []
    for jobs in (1, 2):
        try:
            report = analyze(io.BytesIO(data), Options(limits=SMALL, jobs=jobs))
        except ImgforensicsError as error:
            reports.append(str(error))
            continue
        assert not any(finding.rule.code == "IMG903" for finding in report.findings), report.findings
        reports.append(render(report, "json"))
        render(report, "table")
        _validator().validate(json.loads(reports[-1]))
    assert reports[0] == reports[1], "two runs differ"
    assert "\n" not in reports[0] or reports[0].startswith("{"), "an error of several lines"


# ---------------------------------------------------------------------------------------------------------------- flips


@cache
def _honest() -> tuple[tuple[bytes, tuple[Span, ...]], ...]:
    """Honest archives in every layout, each with where the bytes stand that some digest covers."""
    found = []
    for layout, write in sorted(builder.LAYOUTS.items()):
        if layout == "pre110":
            continue  # it has no digests
        entries = write([ImageSpec()])
        data = builder.tar(entries)
        named = [entry for entry in entries if entry.path != "config.json"]  # jib's, which no digest covers
        covered = {entry.path for entry in (builder.config_of(entries), *builder.layers_of(entries)) if entry in named}
        covered |= {entry.path for entry in entries if "blobs/" in entry.path}
        members = tarwalk.index(lambda at, length, data=data: data[at : at + length], len(data)).members  # type: ignore[misc]
        spans = [each.data for each in members if each.name in covered and each.data.length]
        found.append((data, tuple(spans)))
    return tuple(found)


def flip(data: bytes) -> None:
    """An honest archive of which one bit that a digest covers was flipped is never intact.

    The input chooses the archive, the place and the bit.
    """
    number = int.from_bytes(data[:8].ljust(8, b"\0"), "little")
    honest = _honest()
    number, which = divmod(number, len(honest))
    content, spans = honest[which]
    number, place = divmod(number, sum(span.length for span in spans))
    for span in spans:
        if place < span.length:
            place += span.offset
            break
        place -= span.length
    changed = bytearray(content)
    changed[place] ^= 1 << number % 8
    (report,) = analyze(io.BytesIO(bytes(changed))).archives
    assert report.verdict is not Verdict.INTACT, f"archive {which}, byte {place}"
    assert any(finding.severity is Severity.ERROR for finding in report.findings)


TARGETS: dict[str, Target] = {
    "tar": tar,
    "readers": readers,
    "layer": layer,
    "outer": outer,
    "documents": documents,
    "streams": streams,
    "archive": archive,
    "flip": flip,
}
