"""The writers of the formats that are text and JSON: ``table``, ``json`` and ``jsonl``."""

from collections.abc import Iterator, Sequence

from imgforensics.findings import Finding, Skipped
from imgforensics.rendering import json_v1, table
from imgforensics.rendering.writer import InRow, Writer
from imgforensics.report import ArchiveReport, Period


class Table(Writer):
    """For people at a terminal."""

    _gravest: Finding | None = None
    """The gravest finding that was shown."""

    def content(self, archive: ArchiveReport) -> tuple[str, Finding | None]:
        manner = self.manner
        text = table.archive(
            archive,
            manner.style,
            verbose=manner.verbose,
            quiet=manner.quiet,
            command=manner.command,
            custody=self.custody,
            fail_on=manner.fail_on,
        )
        return text, table.gravest_shown(archive.findings, verbose=manner.verbose)

    def archive(self, content: tuple[str, Finding | None], /) -> str:
        text, gravest = content
        self._gravest = table.gravest_shown((self._gravest, gravest), verbose=self.manner.verbose)
        separator = "\n" if self.counts.total() > 1 and not self.manner.quiet else ""
        return separator + text

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        del period  # each archive has told its own
        if self.counts.total() != 1 or skipped:
            separator = "" if self.manner.quiet or not self.counts else "\n"
            yield separator + table.summary(self.counts, skipped, self.manner.style, verbose=self.manner.verbose)
            yield table.lock_line(self.held)
        elif self.held:
            yield ("" if self.manner.quiet else "\n") + table.lock_line(self.held)
        yield table.about_all(self.about_all, self.manner.style, verbose=self.manner.verbose)
        if not self.manner.quiet and self._gravest is not None:
            yield f"\n'imgforensics rules {self._gravest.rule.code}' tells what that means, and when it is innocent\n"


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
