"""A run over archives: one by one or side by side, here or on a cluster, from the start or from where it was."""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Generic, TypeVar

from imgforensics import batch, pool
from imgforensics.batch import Result, Task
from imgforensics.blobmemory import passing_ledger
from imgforensics.cluster import cluster
from imgforensics.custody import told
from imgforensics.errors import SelectionError
from imgforensics.findings import Skipped
from imgforensics.itself import identity
from imgforensics.progress import watched, watched_together
from imgforensics.report import ArchiveReport, Options
from imgforensics.reportstore import pack, unpack
from imgforensics.statefile import Stamp, State
from imgforensics.tally import Tally


@dataclass(frozen=True, slots=True)
class How:
    """Where and from where on the work is done."""

    progress: bool = False
    resume: str | None = None
    """State file of the run; None for none."""
    rehash: bool = False
    """Of what the state file knows, trust nothing but content."""
    cluster: str | None = None
    """Address of a Dask scheduler; None for this machine."""


DEFAULT = How()

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a state file keeps of an answer."""

    size: int | None
    sha256: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class _Answer(Generic[Told]):
    """All that comes from where an archive was looked at."""

    told: Told | Skipped
    kept: _Kept | None
    """None where nothing is to be kept."""


@dataclass(frozen=True, slots=True)
class _Teller(Generic[Told]):
    """Makes an answer of a result, there."""

    tell: Callable[[ArchiveReport], Told]
    keeps: bool
    """There is a state file."""

    def __call__(self, task: Task, result: Result) -> _Answer[Told]:
        if isinstance(result, Skipped):
            return _Answer(result, None)
        # An answer that could not be given may be given the next time; one that was known is kept already.
        kept = self.keeps and result.error is None and task.ready is None
        return _Answer(self.tell(result), _kept(result) if kept else None)


def _kept(report: ArchiveReport) -> _Kept:
    return _Kept(report.size, None if report.digest is None else str(report.digest), pack(report))


def look(
    command: str,
    paths: Sequence[str],
    work: Iterable[Task],
    options: Options,
    how: How,
    stack: ExitStack,
    tell: Callable[[ArchiveReport], Told],
) -> Iterator[Told | Skipped]:
    """The answer for every archive, in order.

    Args:
        command: as it was given; a state file belongs to one command.
        paths: as they were given.
        work: what :func:`~imgforensics.batch.tasks` gave.
        options: as they were given.
        how: where the work is done.
        stack: takes what has to be closed at the end.
        tell: makes an answer of a report, in whichever process made that; picklable.

    Raises:
        InputError: no cluster answers, or the state file is of no use.
        SelectionError: a cluster is to read standard input.
    """
    elsewhere = how.cluster is not None
    if elsewhere and batch.STDIN in paths:
        raise SelectionError("--cluster: its workers cannot read the standard input of this process")
    state = None
    before: dict[str, Stamp] = {}
    if how.resume is not None:
        state = stack.enter_context(State(how.resume, _key(command, options)))
        work = _remembered(work, state, before, rehash=how.rehash)
    keep = _keeper(state, before)
    beginning: list[Task] = []
    archives = 0
    work = iter(work)
    for task in work:
        beginning.append(task)
        archives += not isinstance(task.ready, Skipped)
        if archives > 1:
            break
    work = chain(beginning, work)
    several = elsewhere or (archives > 1 and batch.STDIN not in paths)
    if several and not elsewhere and options.known is None:
        known = stack.enter_context(passing_ledger())
        work = (replace(task, options=replace(task.options, known=known)) for task in work)
    teller = _Teller(tell, keeps=state is not None)
    tally = None
    if several:
        overall = stack.enter_context(watched_together(how.progress))
        tally = None if overall is None else Tally(overall, paths)
    if elsewhere or (several and options.jobs > 1):
        answers = _side_by_side(work, teller, options, how, keep, tally)
    else:
        watcher = stack.enter_context(watched(how.progress)) if tally is None else tally.watcher
        arrived, work = _counted(tally, keep, work)
        answers = batch.run(work, teller, stdin=sys.stdin.buffer, progress=watcher, arrived=arrived)
    for answer in answers:
        yield answer.told


def _counted(
    tally: Tally | None, keep: Callable[[Task, _Answer[Told]], None], work: Iterable[Task]
) -> tuple[Callable[[Task, _Answer[Told]], None], Iterable[Task]]:
    """What is called with every answer, and the tasks, where somebody watches how far the run is."""
    if tally is None:
        return keep, work

    def arrived(task: Task, answer: _Answer[Told]) -> None:
        keep(task, answer)
        tally.end(task, answer.told)

    def beginning() -> Iterator[Task]:
        for task in work:
            tally.begin(task)
            yield task

    return arrived, beginning()


def _side_by_side(
    work: Iterable[Task],
    tell: _Teller[Told],
    options: Options,
    how: How,
    keep: Callable[[Task, _Answer[Told]], None],
    tally: Tally | None,
) -> Iterator[_Answer[Told]]:
    shared: list[pool.Shared] = []

    @contextmanager
    def processes() -> Iterator[Executor]:
        with pool.processes(options.jobs) as (executor, told):
            shared[:] = [told]
            yield executor

    def tick() -> None:
        if tally is not None:
            tally.look(shared[0].read.get_obj().value if shared else 0)

    arrived, work = _counted(tally, keep, work)
    work = (replace(task, options=replace(task.options, warn=None)) for task in work)  # cannot cross processes
    if how.cluster is not None:
        work = map(_from_anywhere, work)
    workers = nullcontext((processes, options.jobs)) if how.cluster is None else cluster(how.cluster)
    with workers as (executors, count):
        yield from batch.run_side_by_side(work, tell, executors, count, arrived=arrived, tick=tick)


def _from_anywhere(task: Task) -> Task:
    """A task for a process that may stand in another folder, with the files that it opens spelled out."""
    if task.ready is None and os.path.isdir(task.path):  # all that there is to say of it is why, as it was given
        return replace(task, ready=batch.examine(task))
    options = task.options
    spelled = replace(options, ledger=_spelled_out(options.ledger), known=_spelled_out(options.known))
    return replace(task, place=_spelled_out(task.path), options=spelled)


def _spelled_out(path: str | None) -> str | None:
    """A path that leads to the same file from any folder. What ``..`` behind a link leads to is left to the system."""
    return path if path is None or Path(path).is_absolute() else os.path.join(Path.cwd(), path)


def _key(command: str, options: Options) -> str:
    """What results depend on besides the archives."""
    own = identity()
    parts = [command, own.version, own.digest, own.compiled, told(options), options.timestamps]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _remembered(work: Iterable[Task], state: State, before: dict[str, Stamp], *, rehash: bool) -> Iterator[Task]:
    """Tasks, with the answers that a state file has for them; ``before`` takes what files were like until then."""
    for task in work:
        stamp = _stamp(task.path)
        if task.ready is not None or stamp is None:
            yield task
            continue
        content = state.find(_place(task), stamp, partial(_digest_if, task.path, stamp), rehash=rehash)
        known = None if content is None else unpack(content)
        if known is None:
            before[task.path] = stamp
        # Kept is the path as it was given then, from another folder perhaps; the file is the same.
        yield task if known is None else replace(task, ready=replace(known, path=task.path))


def _keeper(state: State | None, before: dict[str, Stamp]) -> Callable[[Task, _Answer[Told]], None]:
    def keep(task: Task, answer: _Answer[Told]) -> None:
        """Keep an answer, if its file is what it was before."""
        if state is None or task.ready is not None:
            return
        stamp, kept = before.pop(task.path, None), answer.kept
        if kept is not None and stamp is not None and stamp == _stamp(task.path) and kept.size == stamp.size:
            state.keep(_place(task), stamp, kept.sha256, kept.content)

    return keep


def _place(task: Task) -> str:
    """What an answer is kept under: which file it is, from any folder, and what is expected of this archive alone."""
    return json.dumps([os.path.realpath(task.path), *task.options.expect])


def _stamp(path: str) -> Stamp | None:
    if path == batch.STDIN:
        return None
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return Stamp(found.st_size, found.st_mtime_ns)


def _digest_if(path: str, stamp: Stamp) -> str | None:
    """As :func:`digest_of`, for a file that is the same behind it as its stamp says; else None."""
    digest = digest_of(path)
    return digest if _stamp(path) == stamp else None


def digest_of(path: str) -> str | None:
    """The SHA-256 of a file, with its algorithm; None where it cannot be read, or is none: a pipe may never end."""
    if path == batch.STDIN or not os.path.isfile(path):
        return None
    try:
        with Path(path).open("rb") as stream:
            return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    except OSError:
        return None
