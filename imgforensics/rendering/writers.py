"""The writers of the formats that are text and JSON: ``table``, ``json`` and ``jsonl``."""

from collections.abc import Iterator, Sequence

from imgforensics.findings import Skipped
from imgforensics.rendering import json_v1, table
from imgforensics.rendering.writer import InRow, Writer
from imgforensics.report import ArchiveReport, Period


class Table(Writer):
    """For people at a terminal."""

    def content(self, archive: ArchiveReport) -> str:
        manner = self.manner
        return table.archive(
            archive,
            manner.style,
            verbose=manner.verbose,
            quiet=manner.quiet,
            command=manner.command,
            custody=self.custody,
        )

    def archive(self, content: str, /) -> str:
        separator = "\n" if self.counts.total() > 1 and not self.manner.quiet else ""
        return separator + content

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        del period  # each archive has told its own
        if self.counts.total() != 1 or skipped:
            separator = "" if self.manner.quiet or not self.counts else "\n"
            yield separator + table.summary(self.counts, skipped, self.manner.style, verbose=self.manner.verbose)
        yield table.about_all(self.about_all, self.manner.style, verbose=self.manner.verbose)


class Lines(InRow):
    """``jsonl``: every line stands for itself."""

    def content(self, archive: ArchiveReport) -> str:
        return json_v1.render_line(archive, self.custody)

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        del skipped, period
        yield json_v1.about_all_line(self.about_all) if self.asked else ""


class Document(Writer):
    """``json``: one document."""

    def opening(self) -> str:
        return json_v1.opening(self.manner.command)

    def content(self, archive: ArchiveReport) -> str:
        return json_v1.item(archive, self.custody)

    def archive(self, content: str, /) -> str:
        return "," + content if self.counts.total() > 1 else content

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        yield json_v1.closing(
            skipped,
            self.counts,
            self.findings,
            self.custody,
            period,
            self.about_all,
            interrupted=self.interrupted,
        )
