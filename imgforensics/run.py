"""One run of a command over many archives: results are written as they end, and the exit code is worked out."""

import contextlib
import os
import stat
import sys
import tempfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from imgforensics import batch, checks
from imgforensics.analysis import describe_folder, request_of
from imgforensics.archive import Progress
from imgforensics.errors import InputError
from imgforensics.expectfile import key
from imgforensics.findings import Severity, Skipped, Verdict
from imgforensics.rendering import json_v1, printable, table
from imgforensics.rendering.style import Style
from imgforensics.report import ArchiveReport, Options

ANSWERED, BAD, NO_ANSWER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Settings:
    """How to print."""

    format: str
    output: str
    fail_on: str | None
    """The least severity that makes the exit code 1; None for none."""
    progress: bool
    verbose: bool
    quiet: bool
    colour: bool
    expect: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Digests expected in single archives, by path."""


def run(command: str, paths: list[str], options: Options, settings: Settings) -> int:
    """Look at every path, write every result, and return the exit code."""
    checks.select(options.select, options.ignore)  # a wrong code is an error before any work, not one an archive
    request_of(options)  # so is an expectation that is no digest
    counts: Counter[Verdict] = Counter()
    bad = no_answer = False
    skipped: list[Skipped] = []
    found: Iterable[str | Skipped] = batch.discover(paths)
    if settings.output != "-":
        found = list(found)  # before the report's temporary file lies among them
        spare_evidence(found, settings.output)
    with Sink(settings.output) as sink, watched(settings.progress) as watcher:
        writer = _WRITERS[settings.format](sink, command, settings)
        unseen = set(settings.expect)
        for result in batch.run(
            found, options, stdin=sys.stdin.buffer, given=paths, expect=settings.expect, progress=watcher
        ):
            unseen.discard(key(result.path))
            if isinstance(result, Skipped):
                skipped.append(result)
                continue
            counts[result.verdict] += 1
            no_answer |= result.error is not None
            bad |= is_bad(result, settings.fail_on)
            writer.add(result)
            if result.error is not None:
                print(f"imgforensics: {printable(result.path)}: {printable(result.error)}", file=sys.stderr)
        if not counts:
            raise InputError(_nothing(paths, skipped))
        writer.end(skipped, counts)
    for path in sorted(unseen):
        no_answer = True
        print(f"imgforensics: {printable(path)}: listed in --expect-file, and not looked at", file=sys.stderr)
    return NO_ANSWER if no_answer else BAD if bad else ANSWERED


def spare_evidence(found: Iterable[str | Skipped], output: str) -> None:
    """Refuse an output that is one of the archives.

    Raises:
        InputError: it is.
    """
    try:
        target = Path(output).stat()
    except (OSError, ValueError):
        return
    for path in found:
        if isinstance(path, str) and _is_file(path, target):
            raise InputError(f"{output}: is one of the archives; a report never replaces evidence")


def _is_file(path: str, target: os.stat_result) -> bool:
    """Whether a path, or standard input where it is ``-``, leads to that very file."""
    try:
        given = os.fstat(sys.stdin.fileno()) if path == batch.STDIN else Path(path).stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(target.st_mode) and os.path.samestat(given, target)


def _nothing(paths: list[str], skipped: list[Skipped]) -> str:
    where = ", ".join(paths[:3])
    hints = [describe_folder(path) for path in paths if os.path.isdir(path)]
    hint = next((f"; perhaps {words}" for words in hints if words != "is a directory"), "")
    seen = f"; {len(skipped)} files skipped, the first: {skipped[0].path}: {skipped[0].reason}" if skipped else ""
    return f"no archive in {where}{seen}{hint}"


def is_bad(report: ArchiveReport, fail_on: str | None) -> bool:
    """Whether a report has a finding of this severity or a worse one."""
    if fail_on is None:
        return False
    return any(finding.severity.rank <= Severity(fail_on).rank for finding in report.findings)


class Sink:
    """Where a report goes: standard output, or a file that is there whole or not at all.

    What is no regular file (a device, a pipe) is written into, never replaced; so is what a link leads to.
    """

    def __init__(self, output: str) -> None:
        self._output = output
        self._file: TextIO = sys.stdout
        self._target = output
        self._temporary: str | None = None

    def __enter__(self) -> Self:
        if self._output == "-":
            return self
        try:
            if os.path.exists(self._output) and not os.path.isfile(self._output):
                self._file = Path(self._output).open("w", encoding="utf-8", newline="\n")
            else:
                self._target = os.path.realpath(self._output)
                handle, self._temporary = tempfile.mkstemp(prefix=".imgforensics-", dir=os.path.dirname(self._target))
                self._file = os.fdopen(handle, "w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise self._failed(error) from error
        return self

    def write(self, text: str) -> None:
        """Add text; on standard output it is seen at once."""
        with self._writing():
            self._file.write(text)
            if self._temporary is None:
                self._file.flush()

    def write_bytes(self, content: bytes) -> None:
        """Add bytes as they are to standard output; they are written through at once."""
        with self._writing():
            self._file.flush()
            self._file.buffer.write(content)
            self._file.buffer.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._output == "-":
            return
        try:
            self._file.close()
            if self._temporary is not None and kind is None:
                Path(self._temporary).chmod(_mode(self._target))
                os.replace(self._temporary, self._target)
                self._temporary = None
        except OSError as failure:
            if kind is None:
                raise self._failed(failure) from failure
        finally:
            if self._temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(self._temporary)

    def _failed(self, error: OSError) -> InputError:
        where = "standard output" if self._output == "-" else self._output
        return InputError(f"{where}: cannot be written: {error.strerror or error}")


def _mode(target: str) -> int:
    """The rights of a report: those of the one that it replaces, or of any new file. A temporary file is private."""
    try:
        return stat.S_IMODE(Path(target).stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


class _Writer(ABC):
    """Writes results as they end."""

    def __init__(self, sink: Sink, command: str, settings: Settings) -> None:
        self.sink = sink
        self.command = command
        self.settings = settings
        self.written = 0

    @abstractmethod
    def add(self, report: ArchiveReport) -> None:
        """Write one archive."""

    @abstractmethod
    def end(self, skipped: list[Skipped], counts: Counter[Verdict]) -> None:
        """Write what follows the last archive."""


class _Table(_Writer):
    def add(self, report: ArchiveReport) -> None:
        separator = "\n" if self.written and not self.settings.quiet else ""
        text = table.archive(
            report,
            Style(self.settings.colour),
            verbose=self.settings.verbose,
            quiet=self.settings.quiet,
            command=self.command,
        )
        self.sink.write(separator + text)
        self.written += 1

    def end(self, skipped: list[Skipped], counts: Counter[Verdict]) -> None:
        if counts.total() > 1 or skipped:
            style = Style(self.settings.colour)
            self.sink.write("\n" + table.summary(counts, skipped, style, verbose=self.settings.verbose))


class _Lines(_Writer):
    def add(self, report: ArchiveReport) -> None:
        self.sink.write(json_v1.render_line(report, self.command))

    def end(self, skipped: list[Skipped], counts: Counter[Verdict]) -> None:
        """Nothing: every line stands for itself."""


class _Document(_Writer):
    findings = 0

    def add(self, report: ArchiveReport) -> None:
        self.sink.write(json_v1.opening(self.command) if not self.written else ",")
        self.sink.write(json_v1.item(report, self.command))
        self.written += 1
        self.findings += len(report.findings)

    def end(self, skipped: list[Skipped], counts: Counter[Verdict]) -> None:
        self.sink.write(json_v1.closing(skipped, counts, self.findings))


_WRITERS: dict[str, type[_Writer]] = {"table": _Table, "jsonl": _Lines, "json": _Document}


@contextmanager
def watched(shown: bool) -> Iterator[Callable[[str], Progress] | None]:
    """A progress display on standard error: archives by name, bytes, rate and time left."""
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Display

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    display = Display(*columns, console=Console(stderr=True), transient=True)

    class Watcher:
        def __init__(self, path: str) -> None:
            self.done = 0
            for old in display.task_ids:
                display.remove_task(old)
            self.size = 0
            self.task = display.add_task(printable(os.path.basename(path))[:40], total=None)

        def expect(self, size: int) -> None:
            self.size += size
            display.update(self.task, total=self.size)

        def advance(self, size: int) -> None:
            display.advance(self.task, size)

    with display:
        yield Watcher
