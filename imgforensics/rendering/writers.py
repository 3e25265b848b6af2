"""The writers of the formats that are text and JSON: ``table``, ``json`` and ``jsonl``."""

from collections.abc import Iterator, Sequence

from imgforensics.findings import Finding, Skipped
from imgforensics.rendering import json_v1, table
from imgforensics.rendering.writer import Writer
from imgforensics.report import ArchiveReport, Period


class Table(Writer):
    """For people at a terminal."""

    _gravest: Finding | None = None
    """The gravest finding that was shown."""

    def archive(self, archive: ArchiveReport) -> str:
        manner = self.manner
        separator = "\n" if self.counts.total() > 1 and not manner.quiet else ""
        text = table.archive(
            archive,
            manner.style,
            verbose=manner.verbose,
            quiet=manner.quiet,
            command=manner.command,
            custody=self.custody,
            fail_on=manner.fail_on,
        )
        self._gravest = table.gravest_shown((self._gravest, *archive.findings), verbose=manner.verbose)
        return separator + text

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        del period  # each archive has told its own
        if self.counts.total() != 1 or skipped:
            separator = "" if self.manner.quiet or not self.counts else "\n"
            yield separator + table.summary(self.counts, skipped, self.manner.style, verbose=self.manner.verbose)
        yield table.about_all(self.about_all, self.manner.style, verbose=self.manner.verbose)
        if not self.manner.quiet and self._gravest is not None:
            yield f"\n'imgforensics rules {self._gravest.rule.code}' tells what that means, and when it is innocent\n"


class Lines(Writer):
    """``jsonl``: every line stands for itself."""

    def archive(self, archive: ArchiveReport) -> str:
        return json_v1.render_line(archive, self.custody)

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        del skipped, period
        yield json_v1.about_all_line(self.about_all) if self.asked else ""


class Document(Writer):
    """``json``: one document."""

    def opening(self) -> str:
        return json_v1.opening(self.manner.command)

    def archive(self, archive: ArchiveReport) -> str:
        comma = "," if self.counts.total() > 1 else ""
        return comma + json_v1.item(archive, self.custody)

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
