"""One run of a command over many archives: results are written in order, and the exit code is worked out."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import cached_property

from imgforensics import batch, checks
from imgforensics.analysis import describe_folder, request_of
from imgforensics.custody import Beside, Input, inputs_of
from imgforensics.errors import InputError, SelectionError
from imgforensics.exitcodes import ANSWERED, BAD, INTERRUPTED, NO_ANSWER
from imgforensics.expectfile import key
from imgforensics.facts import Facts, facts_of
from imgforensics.findings import Rule, Severity, Skipped
from imgforensics.folders import Barren, Folders
from imgforensics.interrupts import held_back
from imgforensics.limits import MIB
from imgforensics.output import Sink, is_replaceable, place, spare
from imgforensics.rendering import FORMATS, Manner, Writer, printable
from imgforensics.rendering.attestation import Attestation
from imgforensics.rendering.style import Style
from imgforensics.rendering.words import plural
from imgforensics.rendering.writer import Told
from imgforensics.report import ArchiveReport, Options, Period, moment
from imgforensics.sets import ended
from imgforensics.sets.baseline import Baseline
from imgforensics.sets.lockfile import Lock
from imgforensics.several import DEFAULT, How, look
from imgforensics.together import Together, possible_rules

_SPOOL = 1 * MIB


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
    attest: str | None = None
    """File for the verdict as an in-toto statement; None for none."""
    skip_others: bool = False
    """Files that are named and are no image archives are skipped, as those that are found are."""
    how: How = DEFAULT
    """Where and from where on the work is done."""
    lock: Lock | None = None
    """What must have arrived."""
    baseline: Baseline | None = None
    """An earlier report to compare with."""
    inputs: tuple[Input, ...] = ()
    """The files on which all this rests, for custody."""


def run(command: str, paths: list[str], options: Options, settings: Settings) -> int:
    """Look at every path, write every result, and return the exit code."""
    checks.select(options.select, options.ignore)  # a wrong code is an error before any work, not one an archive
    request_of(options)  # so is an expectation that is no digest
    _check_settings(options, settings)
    started = moment(options)
    found: Iterable[str | Skipped] = batch.discover(paths, skip_others=settings.skip_others)
    files = [each for each in (settings.output, settings.attest) if each is not None and is_replaceable(each)]
    if files or settings.how.resume is not None:
        found = list(found)  # before a report's temporary file lies among them
    read = [*settings.inputs, *inputs_of(options)]
    read += [Input("ledger", path) for path in (options.ledger, options.known) if path is not None]
    for file in files:
        spare(file, found, read)
        _spare_locked(file, paths, settings.lock)
    if settings.how.resume is not None:
        spare(settings.how.resume, found)
    work = batch.tasks(found, options, () if settings.skip_others else paths, settings.expect)
    with ExitStack() as stack:
        writing = _Writing(command, paths, options, settings, stack)
        try:
            how = replace(settings.how, progress=settings.progress)
            for answer in look(command, paths, work, options, how, stack, writing.tell):
                writing.take(answer)
        except KeyboardInterrupt:
            if not writing.writer.counts:
                raise
            writing.interrupt()
        is_told = settings.lock is not None or (settings.skip_others and writing.skipped)
        if not writing.writer.counts and not is_told:  # with a lock, what is missing is told
            raise InputError(nothing(paths, writing.skipped))
        writing.end(Period.since(started))
    return writing.code()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a run takes of one archive."""

    facts: Facts
    found: frozenset[tuple[Severity, str]]
    """Severity and code of every finding."""
    told: Told
    """By the format."""
    attested: Told | None
    """By the statement, where one is wanted."""


@dataclass(frozen=True)
class _Teller:
    """Makes answers of reports, in whichever process: text crosses from one to another in less time than a report."""

    manner: Manner
    format: str
    attests: bool

    @cached_property
    def _writers(self) -> tuple[Writer, Writer]:
        return FORMATS[self.format](self.manner), Attestation(self.manner)

    def __call__(self, report: ArchiveReport) -> _Answer:
        writer, attestation = self._writers
        found = frozenset((finding.severity, finding.rule.code) for finding in report.findings)
        attested = attestation.tell(report) if self.attests else None
        return _Answer(facts_of(report), found, writer.tell(report), attested)


class _Writing:
    """Everything that a run writes, and the exit code that it comes to."""

    def __init__(
        self, command: str, paths: Sequence[str], options: Options, settings: Settings, stack: ExitStack
    ) -> None:
        self._options = options
        self._settings = settings
        self._sink = stack.enter_context(Sink(settings.output))
        self._attest = None if settings.attest is None else stack.enter_context(Sink(settings.attest))

        def spool() -> _File:
            return stack.enter_context(closing(_File()))

        self._is_judged = command == "verify"
        rules = possible_rules(paths, settings.lock, settings.baseline) if self._is_judged else ()
        manner = _manner(command, options, settings, rules)
        elsewhere = replace(manner, options=replace(options, warn=None))  # that one is of this process
        self.tell = _Teller(elsewhere, settings.format, settings.attest is not None)
        self.writer = FORMATS[settings.format](manner, spool)
        self._attestation = Attestation(manner, spool)
        self._together = stack.enter_context(Together(paths, settings.lock, settings.baseline))
        self._bad = self._no_answer = False
        self._unseen = set(settings.expect)
        # With a lock, what is missing is told.
        self._barren = Barren(() if settings.lock is not None else paths)
        self.skipped: list[Skipped] = []

    def take(self, answer: _Answer | Skipped) -> None:
        """Write one answer."""
        if isinstance(answer, Skipped):
            self.skipped.append(answer)
            if self._settings.skip_others:
                self._barren.see(answer.path)
            return
        path, error = answer.facts.path, answer.facts.error
        self._unseen.discard(key(path))
        self._barren.see(path)
        self._no_answer |= error is not None
        self._bad |= any(_counts(severity, self._settings.fail_on) for severity, _ in answer.found)
        with held_back():  # else an archive might be counted, and stand in no text, or twice
            self._sink.write(self.writer.place(answer.told))
        self._together.add(answer.facts, frozenset(code for _, code in answer.found))
        if answer.attested is not None:
            self._attestation.place(answer.attested)
        is_told = self._sink.is_seen and self._settings.format == "table"
        if error is not None and not is_told:
            print(f"imgforensics: {printable(path)}: {printable(error)}", file=sys.stderr)

    def interrupt(self) -> None:
        """There will be no more answers, though not all are here."""
        self.writer.interrupted = self._attestation.interrupted = True

    def end(self, period: Period | None) -> None:
        """Write what follows the last answer."""
        if self.writer.interrupted:
            self.writer.asked = ended.RULES
            self.writer.about_all = (ended.interrupted(self.writer.counts.total()),)
        elif self._is_judged:
            found, asked = self._together.findings(self._options, self.skipped), self._together.rules
            for writer in (self.writer, self._attestation):
                writer.about_all, writer.asked, writer.held = found, asked, self._together.held
            self._bad |= any(_counts(each.severity, self._settings.fail_on) for each in found)
        for text in self.writer.end(self.skipped, period):
            self._sink.write(text)
        if self._attest is not None:
            is_written = _attest(self._attest, self._attestation, self.skipped, period)
            self._no_answer |= not is_written

    def code(self) -> int:
        """The exit code."""
        if self.writer.interrupted:
            print("imgforensics: interrupted; the report holds what was done until then", file=sys.stderr)
            return INTERRUPTED
        reasons = {key(each.path): f": {each.reason}" for each in self.skipped} if self._unseen else {}
        for path in sorted(self._unseen):
            self._no_answer = True
            why = f"listed in --expect-file, and not looked at{reasons.get(path, '')}"
            print(f"imgforensics: {printable(path)}: {printable(why)}", file=sys.stderr)
        for path in self._barren.left:
            self._no_answer = True
            print(f"imgforensics: {printable(nothing([path], self.skipped))}", file=sys.stderr)
        return NO_ANSWER if self._no_answer else BAD if self._bad else ANSWERED


def _attest(sink: "Sink", attestation: Attestation, skipped: Sequence[Skipped], period: Period | None) -> bool:
    """Write the statement, if there is one: it speaks of the whole run, and of archives whose bytes are known."""
    reason = None if attestation.subjects else "no archive has an answer and a SHA-256"
    reason = "the run was interrupted" if attestation.interrupted else reason
    if reason is not None:
        sink.abandon()
        print(f"imgforensics: no statement is written: {reason}", file=sys.stderr)
        return False
    for text in attestation.end(skipped, period):
        sink.write(text)
    return True


def _check_settings(options: Options, settings: Settings) -> None:
    if settings.lock is not None and options.fast:
        raise SelectionError("--lock compares archives by their SHA-256, which --fast leaves out")
    if settings.attest is None:
        return
    if not settings.attest:
        raise SelectionError("--attest: an empty name")
    if options.fast:
        raise SelectionError("--attest names archives by their SHA-256, which --fast leaves out")
    if place(settings.attest) == place(settings.output):
        raise SelectionError("--attest and --output name the same file")


def _spare_locked(output: str, paths: Sequence[str], lock: Lock | None) -> None:
    """Refuse an output that is one of the files that were sent."""
    if lock is not None and os.path.isfile(output):
        folders = Folders(paths)
        name = folders.name(output)
        sent = folders.file_at(name)
        if sent is not None and os.path.samefile(sent, output) and any(each.path == name for each in lock.archives):
            raise InputError(f"{output}: is in {lock.source}; a report never replaces what was sent")


def _manner(command: str, options: Options, settings: Settings, rules: tuple[Rule, ...]) -> Manner:
    style = Style(settings.colour)
    beside = Beside(settings.inputs, rules, settings.skip_others, settings.how.rehash)
    return Manner(command, options, settings.fail_on, style, settings.verbose, settings.quiet, beside)


def nothing(paths: Sequence[str], skipped: Sequence[Skipped]) -> str:
    """That there is no archive in these, and what there is instead.

    Args:
        paths: as they were given.
        skipped: all that was skipped below any path that was given.
    """
    where = ", ".join(paths[:3])
    hints = [describe_folder(path) for path in paths if os.path.isdir(path)]
    hint = next((f"; perhaps {words}" for words in hints if words != "is a directory"), "")
    below = tuple(os.path.join(path, "") for path in paths)
    others = [each for each in skipped if each.path in paths or each.path.startswith(below)]
    seen = f"; {len(others)} {plural(len(others), 'file')} skipped" if others else ""
    first = f", the first: {others[0].path}: {others[0].reason}" if others else ""
    return f"no archive in {where}{seen}{first}{hint}"


def is_bad(report: ArchiveReport, fail_on: str | None) -> bool:
    """Whether a finding is at or above the severity that makes the exit code 1."""
    return any(_counts(finding.severity, fail_on) for finding in report.findings)


def _counts(severity: Severity, fail_on: str | None) -> bool:
    return fail_on is not None and severity.rank <= Severity(fail_on).rank


class _File:
    """A spool that goes to disk when it grows, so that memory does not grow with the archives."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by close()
            max_size=_SPOOL, mode="w+", encoding="utf-8", newline="\n"
        )

    def write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError as error:
            raise InputError(f"temporary file: cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        self._file.close()

    def read(self) -> Iterator[str]:
        self._file.seek(0)
        while text := self._file.read(_SPOOL):
            yield text
