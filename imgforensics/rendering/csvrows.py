r"""``csv``: one row a finding, and one row an archive without any (RFC 4180: CRLF, quotes doubled, one header row).

Names in an archive are chosen by whoever made it, and spreadsheets run a cell that begins like a formula. So where a
text begins, spaces and quotes aside, with one of ``= + - @ '`` or with the full-width form of one, which some
spreadsheets take for the same, one ``'`` is written before it; the same behind every ``;``, at which a spreadsheet in
many countries splits. Taking that ``'`` away gives every text back. Characters that are not printable, tabs and line
ends among them, are escaped as ``\x09`` before that, and never begin a cell.
"""

import csv
import re
from collections.abc import Iterator, Sequence

from imgforensics.custody import words
from imgforensics.findings import Finding, Skipped
from imgforensics.itself import NAME
from imgforensics.rendering.escape import printable
from imgforensics.rendering.writer import InRow, utc
from imgforensics.report import ArchiveReport, Period
from imgforensics.sets.rule import SetFinding

COLUMNS = (
    "archive",
    "sha256",
    "size",
    "verdict",
    "severity",
    "code",
    "rule",
    "message",
    "member",
    "pointer",
    "offset",
    "length",
    "image",
    "layer",
    "claimed",
    "computed",
    "not_checked",
    "tool",
    "tool_digest",
    "options",
    "started",
    "ended",
)
"""Their order is part of the contract; new ones are added at the end."""

_FORMULA = re.compile(r"""(^|;)(?=[\s"]*[=+\-@'\uff1d\uff0b\uff0d\uff20\uff07])""")

Value = str | int | None


class Rows(InRow):
    """Writes the rows of an archive as it ends."""

    def opening(self) -> str:
        return _lines([COLUMNS])

    def content(self, archive: ArchiveReport) -> str:
        head = (archive.path, None if archive.digest is None else str(archive.digest), archive.size, archive.verdict)
        tail = (
            " | ".join(f"{each.what}: {each.reason}" for each in archive.not_checked) or None,
            f"{NAME} {self.custody.identity.version}",
            self.custody.identity.digest,
            words(self.custody),
            *((None, None) if archive.period is None else (utc(archive.period.started), utc(archive.period.ended))),
        )
        middles = [_finding(each) for each in archive.findings] or [_none(archive)]
        return _lines([[cell(value) for value in (*head, *middle, *tail)] for middle in middles])

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        del skipped, period
        yield _lines([[cell(value) for value in self._about_all(each)] for each in self.about_all])

    def _about_all(self, finding: SetFinding) -> tuple[Value, ...]:
        """The row of something about several archives, which it names together."""
        head = (" | ".join(finding.paths), None, None, None)
        middle = (finding.severity, finding.rule.code, finding.rule.name, finding.message, *[None] * 6)
        identity = self.custody.identity
        tail = (None, f"{NAME} {identity.version}", identity.digest, words(self.custody), None, None)
        return (*head, *middle, finding.subject, None, *tail)


def _finding(finding: Finding) -> tuple[Value, ...]:
    place = finding.location
    rule = finding.rule
    where = (place.member, place.pointer, place.offset, place.length, place.image, place.layer)
    return (finding.severity, rule.code, rule.name, finding.message, *where, finding.claimed, finding.computed)


def _none(archive: ArchiveReport) -> tuple[Value, ...]:
    return (None, None, None, archive.error, *(None,) * 8)


def cell(value: Value) -> str:
    """A value as a cell that no spreadsheet takes for a formula."""
    if value is None or isinstance(value, int):
        return "" if value is None else str(value)
    return _FORMULA.sub(r"\1'", printable(value))


class _Text(list[str]):
    """What the csv module writes into."""

    def write(self, text: str) -> None:
        self.append(text)


def _lines(rows: Sequence[Sequence[str]]) -> str:
    text = _Text()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return "".join(text)
