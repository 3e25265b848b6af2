"""Many archives: find them, look at each, let none stop the others."""

import os
import pickle
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from imgforensics.analysis import analyze_archive, describe_folder, failed, is_unpacked
from imgforensics.engine import Plan, in_order
from imgforensics.errors import ImgforensicsError, InputError, NotAnImageError
from imgforensics.expectfile import key
from imgforensics.findings import Skipped
from imgforensics.limits import MIB
from imgforensics.peek import is_apple_double, looks_like_archive
from imgforensics.pool import counter
from imgforensics.report import ArchiveReport, Options, Period, moment
from imgforensics.watching import Progress

STDIN = "-"


def discover(paths: Sequence[str], *, skip_others: bool = False) -> Iterator[str | Skipped]:
    """The files to look at, in the order given; inside a directory sorted by path.

    A path given by name is always looked at, unless others than archives are to be skipped there too. A file found in
    a directory is looked at if its content is a tar, compressed or not, if its name says so, or if it cannot be read;
    links to directories are not followed, and what is no regular file is skipped. A directory that cannot be listed is
    given as it is. An unpacked archive is named, since it has to be packed first, and what lies in it beside its own
    parts is looked at.
    """
    for path in paths:
        if path != STDIN and os.path.isdir(path):
            yield from _inside(path, skip_others=skip_others)
        else:
            reason = _reason_to_skip(path, asked=True) if skip_others and os.path.isfile(path) else None
            yield path if reason is None else Skipped(path, reason)


def _inside(folder: str, *, skip_others: bool) -> Iterator[str | Skipped]:
    found = False
    for parent, names in _walk(folder):
        if names is None:
            found = True
            yield parent  # looking at it in earnest says why it cannot be listed
            continue
        unpacked = is_unpacked(parent)
        if unpacked:
            found = found or parent == folder
            yield folder if parent == folder else Skipped(parent, describe_folder(parent))
        for name in names:
            if not (unpacked and name in _OWN_FILES):
                path = os.path.join(parent, name)
                reason = _reason_to_skip(path, asked=skip_others)
                found = found or reason is None
                yield path if reason is None else Skipped(path, reason)
    if not found and describe_folder(folder) != "is a directory":
        yield folder  # looking at it in earnest says how to pack it


def extent(paths: Sequence[str]) -> int:
    """Bytes of all files that :func:`discover` would find or skip; nothing is opened, and what cannot be seen counts
    nothing.
    """
    total = 0
    for path in paths:
        if path == STDIN or not os.path.isdir(path):
            total += size(path)
            continue
        for parent, names in _walk(path):
            if names is not None:
                own = _OWN_FILES if is_unpacked(parent) else frozenset()
                total += sum(size(os.path.join(parent, name)) for name in names if name not in own)
    return total


def size(path: str) -> int:
    """Bytes of a regular file; 0 for anything else."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


_OWN_FILES = frozenset({"oci-layout", "index.json", "manifest.json", "repositories"})
_OWN_FOLDERS = re.compile("blobs|[0-9a-f]{64}")
"""What belongs to an unpacked archive; its layers are tars too, and hold no images."""


def parts(folder: str) -> Iterator[str]:
    """The files of an unpacked archive itself, which :func:`discover` passes over, and folders in it that cannot be
    listed; nothing where a link leads to it.
    """
    pending = [] if Path(folder).is_symlink() else [folder]
    while pending:
        parent = pending.pop()
        try:
            with os.scandir(parent) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            yield parent
            continue
        for entry in found:
            is_folder = entry.is_dir(follow_symlinks=False)
            is_own = _OWN_FOLDERS.fullmatch(entry.name) is not None if is_folder else entry.name in _OWN_FILES
            if parent == folder and not is_own:
                continue
            if is_folder:
                pending.append(entry.path)
            else:
                yield entry.path


def _walk(folder: str) -> Iterator[tuple[str, list[str] | None]]:
    """Every folder with the sorted names of its files, None if it cannot be listed; without recursion, however deep."""
    pending = [folder]
    while pending:
        parent = pending.pop()
        files: list[str] = []
        folders: list[str] = []
        try:
            with os.scandir(parent) as entries:
                for entry in entries:
                    is_folder = entry.is_dir() and not entry.is_symlink()
                    (folders if is_folder else files).append(entry.name)
        except OSError:
            yield parent, None
            continue
        yield parent, sorted(files)
        own = is_unpacked(parent)
        inner = [name for name in sorted(folders, reverse=True) if not (own and _OWN_FOLDERS.fullmatch(name))]
        pending.extend(os.path.join(parent, name) for name in inner)


def _reason_to_skip(path: str, *, asked: bool = False) -> str | None:
    """Why a file is no archive; None if it is looked at.

    So is what is there and cannot be read, what was there a moment ago, and what has the name of a tar and is none: to
    pass over it would be to say that it is fine. Looking at it in earnest tells what is wrong.

    Args:
        path: the file.
        asked: skipping is what was asked for: no name counts.
    """
    is_named = not asked and _TAR_NAME.search(path) is not None
    if not os.path.isfile(path):
        if not os.path.exists(path):
            return "a link that leads nowhere" if Path(path).is_symlink() and not is_named else None
        return "a link to a directory, which is not followed" if os.path.isdir(path) else "no regular file"
    try:
        reason = looks_like_archive(path)
        is_named = is_named and not is_apple_double(path)
    except InputError:
        return None
    return None if is_named else reason


_TAR_NAME = re.compile(r"\.(tar|tgz|tzst|tbz2?|txz|tar\.(gz|zst|bz2|xz))\Z", re.IGNORECASE)
"""Names of what this program reads."""


@dataclass(frozen=True, slots=True)
class Task:
    """One archive to look at, or one that is skipped."""

    path: str
    options: Options
    named: bool
    """It was given by name, not found: one without an image in it is an error, not skipped."""
    ready: ArchiveReport | Skipped | None = None
    """The answer, where it is known before."""
    place: str | None = None
    """Where it is opened, where that is spelled otherwise: a process elsewhere may stand in another folder."""


Result = ArchiveReport | Skipped
Told = TypeVar("Told")
Teller = Callable[[Task, Result], Told]
"""Makes what somebody wants to know of a result. It is called wherever the archive was looked at, so that nothing else
has to come from there; for another process, it has to be picklable."""


def tasks(
    found: Iterable[str | Skipped],
    options: Options,
    given: Sequence[str] = (),
    expect: Mapping[str, tuple[str, ...]] | None = None,
) -> Iterator[Task]:
    """What is to be done.

    Args:
        found: what :func:`discover` found.
        options: how to look at each.
        given: paths that were named.
        expect: digests expected in single archives, by :func:`imgforensics.expectfile.key` of their path.
    """
    named = set(given)
    for each in found:
        if isinstance(each, Skipped):
            yield Task(each.path, options, named=False, ready=each)
            continue
        expected = () if expect is None else expect.get(key(each), ())
        chosen = replace(options, expect=(*options.expect, *expected)) if expected else options
        yield Task(each, chosen, each in named)


def examine(task: Task, source: BinaryIO | None = None, progress: Progress | None = None) -> Result:
    """Look at one archive; whatever is wrong with it is in the answer."""
    if task.ready is not None:
        return task.ready
    started = moment(task.options)
    place = task.place or task.path
    closed = _closed(place) if source is None else None
    if closed is not None:
        return failed(task.path, closed, Period.since(started))
    try:
        report = analyze_archive(place if source is None else source, task.options, progress=progress)
        return report if task.place is None else replace(report, path=task.path)
    except NotAnImageError as error:
        told, is_skipped = str(error), not task.named
    except ImgforensicsError as error:
        told, is_skipped = str(error), False
    except Exception as error:  # noqa: BLE001 - one bug must not cost the other archives their answers
        told, is_skipped = f"internal error, please report it: {type(error).__name__}: {error}", False
    return Skipped(task.path, told) if is_skipped else failed(task.path, told, Period.since(started))


def _closed(path: str) -> str | None:
    """Why a directory cannot be listed; None if it can, or is none."""
    try:
        if os.path.isdir(path):
            os.scandir(path).close()
    except OSError as error:
        return f"a directory that cannot be listed: {error.strerror or error}"
    return None


def run(
    work: Iterable[Task],
    tell: Teller[Told],
    *,
    stdin: BinaryIO | None = None,
    progress: Callable[[str], Progress] | None = None,
    arrived: Callable[[Task, Told], None] = lambda *_: None,
) -> Iterator[Told]:
    """Look at archives one after the other, here; the members of each are measured in parallel.

    Args:
        work: what :func:`tasks` gave.
        tell: makes what is given out of each result.
        stdin: what ``-`` stands for.
        progress: makes the watcher of one archive.
        arrived: called with every result before it is given out.
    """
    for task in work:
        watcher = progress(task.path) if progress is not None and task.ready is None else None
        told = tell(task, examine(task, stdin if task.path == STDIN else None, watcher))
        arrived(task, told)
        yield told


_LARGE = 256 * MIB
"""An archive of so many bytes gets all processors; what is smaller, one, as long as others wait."""
_WINDOW = 16
"""Archives under way or waiting to be written, for each process."""


def examine_in_pool(task: Task) -> Result:
    """As :func:`examine`, in a process among others."""
    options = task.options
    if options.jobs > 1 and size(task.place or task.path) < _LARGE:
        task = replace(task, options=replace(options, jobs=1))
    return examine(task, progress=counter())


def lost(task: Task) -> Result:
    """The answer for an archive whose process died twice."""
    return failed(task.path, "the process that looked at it was killed, for its use of memory perhaps")


def run_side_by_side(
    work: Iterable[Task],
    tell: Teller[Told],
    executors: Callable[[], AbstractContextManager[Executor]],
    count: int,
    *,
    arrived: Callable[[Task, Told], None] = lambda *_: None,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Told]:
    """Look at many archives at a time; what is told of them comes in order.

    Args:
        work: what :func:`tasks` gave; none of it may be standard input.
        tell: makes what is given out of each result.
        executors: makes an executor whose workers see the same files.
        count: workers that it has.
        arrived: called with every result as soon as it is there.
        tick: called a few times a second.
    """

    def known(task: Task) -> Told | None:
        return None if task.ready is None else tell(task, task.ready)

    plan = Plan(
        work=partial(_told_of, pickle.dumps(tell)),  # pickled once: it is the same for all
        lost=lambda task: tell(task, lost(task)),
        executors=executors,
        window=_WINDOW * count,
        known=known,
        arrived=arrived,
        tick=tick,
    )
    yield from in_order(work, plan)


def _told_of(tell: bytes, task: Task) -> Any:  # noqa: ANN401 - what the teller makes
    return _teller(tell)(task, examine_in_pool(task))


@lru_cache(maxsize=1)
def _teller(pickled: bytes) -> Teller[Any]:
    found: Teller[Any] = pickle.loads(pickled)  # noqa: S301 - it comes from the process that gives this one its work
    return found
