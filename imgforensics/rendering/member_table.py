"""What is known of single members, for people. It may change any time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from imgforensics.case import Case
from imgforensics.dossier import Dossier
from imgforensics.looks import describe
from imgforensics.model import Blob, Outcome
from imgforensics.rendering.escape import SENTENCE, brief, printable
from imgforensics.rendering.preview import document_lines, hex_lines
from imgforensics.rendering.style import Style
from imgforensics.report import ArchiveReport
from imgforensics.tartext import decode

_WORDS = {Outcome.MATCH: "holds", Outcome.MISMATCH: "FAILS", Outcome.UNCHECKED: "unchecked"}
_RECORDS = 20
_VALUE = 160
_PLACES = 12


def render(report: ArchiveReport, case: Case, dossiers: Sequence[Dossier], style: Style) -> str:
    """One block a member."""
    blocks = ["\n".join(_lines(case, each, style)) for each in dossiers]
    head = f"{printable(report.path)}: {report.verdict.value}, {report.digest or 'not hashed'}"
    return "\n\n".join([head, *blocks]) + "\n"


def mode_text(mode: int) -> str:
    """The rights of a mode as octal digits, its type bits left out where it has some."""
    return f"{mode & 0o7777:04o}" if mode == mode & 0o177777 else oct(mode)


def time_text(seconds: float) -> str:
    """A time in UTC; the bare number where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g}"


def _lines(case: Case, dossier: Dossier, style: Style) -> Iterator[str]:
    member = dossier.member
    yield f"@{member.index}  {style.paint(brief(member.name), 'strong')}"
    if len(dossier.occurrences) > 1:
        others = ", ".join(f"@{index}" for index in dossier.occurrences[:_PLACES])
        yield f"  stands {len(dossier.occurrences)} times: {others}"
    yield f"  {member.kind} (type {brief(repr(member.typeflag))}), {member.format} header{_state(dossier)}"
    yield f"  header    {member.header.length} bytes at {member.header.offset}"
    cut = f", {member.present} of them there" if member.present < member.data.length else ""
    yield f"  data      {member.data.length} bytes at {member.data.offset}{cut}"
    yield f"  mode      {mode_text(member.mode)}"
    owner = " ".join(brief(part) for part in (member.uname, member.gname) if part)
    yield f"  owner     {member.uid}:{member.gid} {owner}".rstrip()
    yield f"  mtime     {time_text(member.mtime)}"
    if member.linkname:
        ends = ", ".join(_named(case, index) for index in dossier.leads_to) or "no member"
        yield f"  link to   {brief(member.linkname)}, which leads to {ends}"
    yield from _plain(dossier)
    for key, value in member.pax[:_RECORDS]:
        more = "" if len(value) <= _VALUE else f" ... {len(value) - _VALUE} characters more"
        yield f"  PAX       {brief(key[:_VALUE])} = {brief(value[:_VALUE])}{more}"
    if len(member.pax) > _RECORDS:
        yield f"  PAX       {len(member.pax) - _RECORDS} records more (--format json)"
    if dossier.blob is not None:
        yield from _bytes(dossier.blob)
    elif dossier.unmeasured is not None:
        yield f"  bytes     {brief(dossier.unmeasured)}"
    yield from _meaning(dossier)
    yield from _users(case, dossier)
    yield from _judgements(dossier, style)
    yield from _preview(dossier)


def _state(dossier: Dossier) -> str:
    damaged = ", its checksum is wrong" if dossier.member.damaged else ""
    return damaged + (", found behind damage or the end marker" if dossier.member.recovered else "")


def _plain(dossier: Dossier) -> Iterator[str]:
    """What the plain header says otherwise than its extensions."""
    member, plain = dossier.member, dossier.plain
    if plain is None:
        return
    pairs = (
        ("name", decode(plain.name), member.name),
        ("link", decode(plain.linkname), member.linkname),
        ("size", plain.size, member.data.length),
        ("uid", plain.uid, member.uid),
        ("gid", plain.gid, member.gid),
        ("user", decode(plain.uname), member.uname),
        ("group", decode(plain.gname), member.gname),
        ("mtime", float(plain.mtime), member.mtime),
    )
    for title, own, effective in pairs:
        if own != effective:
            yield f"  plain     {title} is {brief(str(own))} in the header itself"


def _bytes(blob: Blob) -> Iterator[str]:
    yield f"  bytes     {blob.digest}" + (" (sparse, put together)" if blob.expanded else "")
    for digest in blob.other_digests.values():
        yield f"            {digest}"
    streams = f", {blob.streams} streams" if blob.streams != 1 else ""
    if blob.compression != "none":
        yield f"  inside    {blob.compression}{streams}: {blob.diff_id or 'could not be undone to its end'}"
        if blob.uncompressed_size is not None:
            yield f"            {blob.uncompressed_size} bytes"
    if blob.gzip_header is not None:
        header = blob.gzip_header
        yield f"  gzip      {header.first10}: time {header.mtime}, flags {header.extra_flags}, system {header.os}"
        for title, value in (("name", header.name), ("comment", header.comment), ("extra", header.extra)):
            if value is not None:
                yield f"            {title}: {brief(value[:_VALUE].decode('latin-1'))}"


def _meaning(dossier: Dossier) -> Iterator[str]:
    """What it is, and what is claimed of it."""
    if dossier.document is not None:
        yield f"  is        a JSON document: {dossier.document.kind}"
    elif dossier.blob is not None:
        yield f"  is        {describe(dossier.blob.head)}" + (", uncompressed" if dossier.unpacked is not None else "")
    if dossier.claim is not None:
        yield f"  its name  claims {dossier.claim.digest}"
    for each in dossier.verifications:
        if each.outcome in _WORDS:
            yield f"  claim     {each.what} {brief(each.claimed or '')[:_VALUE]}: {_WORDS[each.outcome]}"


def _users(case: Case, dossier: Dossier) -> Iterator[str]:
    """Who refers to it."""
    for reference in dossier.references[:_PLACES]:
        where = f"{reference.where.member or ''} {reference.where.pointer or ''}".strip()
        found = ", found by its content" if reference.by_content else ""
        yield f"  named by  {brief(where)} as {reference.role}{found}"
    if len(dossier.references) > _PLACES:
        yield f"  named by  {len(dossier.references) - _PLACES} places more (--format json)"
    for place in dossier.users[:_PLACES]:
        yield f"  used by   image @{place.image} as " + ("config" if place.layer is None else f"layer {place.layer}")
    for index in dossier.linked_from[:_PLACES]:
        yield f"  link at   {_named(case, index)}"
    if dossier.orphan:
        yield "  orphan    nothing refers to it"
    for index in dossier.orphan_of[:_PLACES]:
        yield f"  orphan    only {_named(case, index)} refers to it, to which nothing does"


def _judgements(dossier: Dossier, style: Style) -> Iterator[str]:
    """What is odd about it, and what was found."""
    for anomaly in dossier.anomalies[:_PLACES]:
        yield f"  odd       {anomaly.kind}: {brief(anomaly.detail, SENTENCE)}"
    for finding in dossier.findings[:_PLACES]:
        severity = style.paint(finding.severity.value, finding.severity)
        yield f"  {severity} {finding.rule.code} {finding.rule.name}: {brief(finding.message, SENTENCE)}"


def _preview(dossier: Dossier) -> Iterator[str]:
    blob = dossier.blob
    if blob is not None and blob.content is not None and dossier.document is not None:
        yield "  content"
        yield from (f"    {line}" for line in document_lines(blob.content, dossier.document))
        return
    if dossier.stored:
        yield f"  first {len(dossier.stored)} bytes"
        yield from (f"    {line}" for line in hex_lines(dossier.stored))
    if dossier.unpacked:
        yield f"  first {len(dossier.unpacked)} bytes, uncompressed"
        yield from (f"    {line}" for line in hex_lines(dossier.unpacked))


def _named(case: Case, index: int) -> str:
    return f"@{index} {brief(case.name(index))}"
