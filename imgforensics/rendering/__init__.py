"""Report to text; pure. Hostile text is escaped for the medium it goes to."""

from collections.abc import Callable, Mapping

from imgforensics.errors import SelectionError
from imgforensics.rendering import json_v1, table
from imgforensics.rendering.escape import printable
from imgforensics.report import Report


def _jsonl(report: Report) -> str:
    return "".join(json_v1.render_line(archive, report.command) for archive in report.archives)


def _table(report: Report) -> str:
    return table.render(report)


FORMATS: Mapping[str, Callable[[Report], str]] = {"table": _table, "json": json_v1.render, "jsonl": _jsonl}
"""Name of a format to its renderer."""


def render(report: Report, format: str = "table") -> str:  # noqa: A002 - the contract's word
    """The report in one of :data:`FORMATS`.

    Raises:
        SelectionError: there is no such format.
    """
    renderer = FORMATS.get(format)
    if renderer is None:
        raise SelectionError(f"no format {format!r}; there are {', '.join(FORMATS)}")
    return renderer(report)


__all__ = ["FORMATS", "printable", "render"]
