"""Many archives: find them, look at each, let none stop the others."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from imgforensics.analysis import analyze_archive, describe_folder, failed, is_unpacked
from imgforensics.archive import Progress
from imgforensics.errors import ImgforensicsError, InputError, NotAnImageError
from imgforensics.expectfile import key
from imgforensics.findings import Skipped
from imgforensics.peek import looks_like_archive
from imgforensics.report import ArchiveReport, Options, Period, moment

STDIN = "-"


def discover(paths: Sequence[str]) -> Iterator[str | Skipped]:
    """The files to look at, in the order given; inside a directory sorted by path.

    A path given by name is always looked at. A file found in a directory is looked at if its content is a tar,
    compressed or not; links to directories are not followed, and what is no regular file is skipped. An unpacked
    archive is named, since it has to be packed first, and what lies in it beside its own parts is looked at.
    """
    for path in paths:
        if path != STDIN and os.path.isdir(path):
            yield from _inside(path)
        else:
            yield path


def _inside(folder: str) -> Iterator[str | Skipped]:
    found = False
    for parent, names in _walk(folder):
        if isinstance(names, Skipped):
            yield names
            continue
        unpacked = is_unpacked(parent)
        if unpacked:
            found = found or parent == folder
            yield folder if parent == folder else Skipped(parent, describe_folder(parent))
        for name in names:
            if not (unpacked and name in _OWN_FILES):
                path = os.path.join(parent, name)
                reason = _reason_to_skip(path)
                found = found or reason is None
                yield path if reason is None else Skipped(path, reason)
    if not found and describe_folder(folder) != "is a directory":
        yield folder  # looking at it in earnest says how to pack it


_OWN_FILES = frozenset({"oci-layout", "index.json", "manifest.json", "repositories"})
_OWN_FOLDERS = re.compile("blobs|[0-9a-f]{64}")
"""What belongs to an unpacked archive; its layers are tars too, and hold no images."""


def _walk(folder: str) -> Iterator[tuple[str, list[str] | Skipped]]:
    """Every folder with the sorted names of its files, or why it cannot be read; without recursion, however deep."""
    pending = [folder]
    while pending:
        parent = pending.pop()
        files, folders = [], []
        try:
            with os.scandir(parent) as entries:
                for entry in entries:
                    if not entry.is_dir():
                        files.append(entry.name)
                    elif not entry.is_symlink():
                        folders.append(entry.name)
        except OSError as error:
            yield parent, Skipped(parent, error.strerror or str(error))
            continue
        yield parent, sorted(files)
        own = is_unpacked(parent)
        inner = [name for name in sorted(folders, reverse=True) if not (own and _OWN_FOLDERS.fullmatch(name))]
        pending.extend(os.path.join(parent, name) for name in inner)


def _reason_to_skip(path: str) -> str | None:
    if not os.path.isfile(path):
        return "no regular file"
    try:
        return looks_like_archive(path)
    except InputError:
        return None  # looking at it in earnest says why


def run(
    paths: Iterable[str | Skipped],
    options: Options,
    *,
    stdin: BinaryIO | None = None,
    given: Sequence[str] = (),
    expect: Mapping[str, tuple[str, ...]] | None = None,
    progress: Callable[[str], Progress] | None = None,
) -> Iterator[ArchiveReport | Skipped]:
    """Look at every archive, one after the other; the members of each are measured in parallel.

    Args:
        paths: what :func:`discover` found.
        options: how to look at each.
        stdin: what ``-`` stands for.
        given: paths that were named, not found: one without an image in it is an error, not skipped.
        expect: digests expected in single archives, by :func:`imgforensics.expectfile.key` of their path.
        progress: makes the watcher of one archive.
    """
    named = set(given)
    for path in paths:
        if isinstance(path, Skipped):
            yield path
            continue
        source: str | BinaryIO = stdin if path == STDIN and stdin is not None else path
        watcher = progress(path) if progress is not None else None
        expected = () if expect is None else expect.get(key(path), ())
        chosen = replace(options, expect=(*options.expect, *expected)) if expected else options
        started = moment(chosen)
        try:
            report = analyze_archive(source, chosen, progress=watcher)
        except NotAnImageError as error:
            yield failed(path, str(error), Period.since(started)) if path in named else Skipped(path, str(error))
        except ImgforensicsError as error:
            yield failed(path, str(error), Period.since(started))
        except Exception as error:  # noqa: BLE001 - one bug must not cost the other archives their answers
            yield failed(
                path, f"internal error, please report it: {type(error).__name__}: {error}", Period.since(started)
            )
        else:
            yield report
