"""What every format is made of: a writer that turns each archive into text as it ends, and holds no archive.

Nothing here opens a file. Text that can only be placed when all archives have ended goes into a :class:`Spool`, which
whoever runs the writer may put on disk.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from imgforensics.custody import NOTHING_BESIDE, Beside, Custody, custody
from imgforensics.findings import Rule, Severity, Skipped, Verdict
from imgforensics.rendering.style import Style
from imgforensics.report import DEFAULT_OPTIONS, ArchiveReport, Options, Period
from imgforensics.sets.rule import SetFinding

PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Manner:
    """What a report is of, and how it is to look."""

    command: str = "verify"
    options: Options = DEFAULT_OPTIONS
    fail_on: str | None = Severity.ERROR.value
    """The least severity that counts as a failure; None for none."""
    style: Style = PLAIN
    verbose: bool = False
    """Tables: also notes, evidence, and what was not checked."""
    quiet: bool = False
    """Tables: one line an archive."""
    beside: Beside = NOTHING_BESIDE
    """What the run was given besides."""


class Spool(Protocol):
    """Text that is kept aside until it is wanted."""

    def write(self, text: str) -> None: ...

    def read(self) -> Iterator[str]:
        """Everything that was written, in order, in pieces."""


class Memory:
    """A spool that keeps its text in memory."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def write(self, text: str) -> None:
        self._parts.append(text)

    def read(self) -> Iterator[str]:
        yield from self._parts


@dataclass(frozen=True, slots=True)
class Told:
    """What a report says of one archive."""

    verdict: Verdict
    findings: int
    """How many."""
    content: Any
    """Text, and what else the format keeps of an archive; where it needs more than one text of it, its report."""


class Writer(ABC):
    """Turns archives into text, one after the other.

    That has two steps: :meth:`tell` depends on the archive and the manner alone, and can be done wherever the archive
    was looked at; :meth:`place` on what was placed before.
    """

    def __init__(self, manner: Manner, spool: Callable[[], Spool] = Memory) -> None:
        self.manner = manner
        self.spool = spool
        self.custody: Custody = custody(manner.command, manner.options, manner.fail_on, manner.beside)
        self.counts: Counter[Verdict] = Counter()
        """Archives by verdict, up to now."""
        self.findings = 0
        self.about_all: Sequence[SetFinding] = ()
        """What the archives say together; known before the end."""
        self.asked: Sequence[Rule] = ()
        """The rules that they were asked by for this; none where one archive stood for itself, or the run was ended."""
        self.held = ""
        """That the lock holds against which they were held, in a few words; empty where it does not."""
        self.interrupted = False
        """Whether the run was ended before all archives were looked at."""

    def add(self, archive: ArchiveReport) -> str:
        """The text that one more archive adds to the report at once."""
        return self.place(self.tell(archive))

    def tell(self, archive: ArchiveReport) -> Told:
        """What is said of an archive; it changes nothing here."""
        return Told(archive.verdict, len(archive.findings), self.content(archive))

    def place(self, told: Told) -> str:
        """The text that what is said of one more archive adds to the report at once."""
        first = not self.counts
        self.counts[told.verdict] += 1
        self.findings += told.findings
        text = self.archive(told.content)
        return self.opening() + text if first else text

    def end(self, skipped: Sequence[Skipped], period: Period | None = None) -> Iterator[str]:
        """The text after the last archive, in pieces."""
        if not self.counts:
            yield self.opening()
        yield from self.closing(skipped, period)

    def opening(self) -> str:
        """What comes before the first archive."""
        return ""

    def content(self, archive: ArchiveReport) -> Any:  # noqa: ANN401 - each format has its own
        """What :meth:`archive` takes; it can be pickled."""
        return archive

    @abstractmethod
    def archive(self, content: Any, /) -> str:  # noqa: ANN401 - as above
        """One archive, by its :meth:`content`."""

    @abstractmethod
    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        """What comes after the last archive."""


class InRow(Writer):
    """A format in which the text of an archive is the same wherever it stands."""

    @abstractmethod
    def content(self, archive: ArchiveReport) -> str:
        """The text of an archive."""

    def archive(self, content: str, /) -> str:
        return content


def utc(time: datetime) -> str:
    """A time as RFC 3339 has it, in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
