"""Report to text; pure. Hostile text is escaped for the medium it goes to."""

from collections.abc import Mapping

from imgforensics.errors import SelectionError
from imgforensics.rendering.csvrows import Rows
from imgforensics.rendering.escape import printable
from imgforensics.rendering.junit import Suites
from imgforensics.rendering.page import Page
from imgforensics.rendering.sarif import Sarif
from imgforensics.rendering.writer import Manner, Writer
from imgforensics.rendering.writers import Document, Lines, Table
from imgforensics.report import Report

FORMATS: Mapping[str, type[Writer]] = {
    "table": Table,
    "json": Document,
    "jsonl": Lines,
    "csv": Rows,
    "sarif": Sarif,
    "junit": Suites,
    "html": Page,
}
"""Name of a format to what writes it."""


def render(report: Report, format: str = "table") -> str:  # noqa: A002 - the contract's word
    """The report in one of :data:`FORMATS`.

    Raises:
        SelectionError: there is no such format.
    """
    kind = FORMATS.get(format)
    if kind is None:
        raise SelectionError(f"no format {format!r}; there are {', '.join(FORMATS)}")
    return text_of(report, kind(Manner(command=report.command, options=report.options)))


def text_of(report: Report, writer: Writer) -> str:
    """The report as a writer gives it."""
    parts = [writer.add(archive) for archive in report.archives]
    return "".join([*parts, *writer.end(report.skipped, report.period)])


__all__ = ["FORMATS", "Manner", "Writer", "printable", "render", "text_of"]
