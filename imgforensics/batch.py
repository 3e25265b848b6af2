"""Many archives: find them, look at each, let none stop the others."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from imgforensics.analysis import analyze_archive, describe_folder, failed
from imgforensics.archive import Progress, looks_like_archive
from imgforensics.errors import ImgforensicsError, InputError, NotAnImageError
from imgforensics.expectfile import key
from imgforensics.findings import Skipped
from imgforensics.report import ArchiveReport, Options

STDIN = "-"


def discover(paths: Sequence[str]) -> Iterator[str | Skipped]:
    """The files to look at, in the order given; inside a directory sorted by path.

    A path given by name is always looked at. A file found in a directory is looked at if its content is a tar,
    compressed or not; links to directories are not followed, and what is no regular file is skipped.
    """
    for path in paths:
        if path != STDIN and Path(path).is_dir() and "unpacked" not in describe_folder(Path(path)):
            yield from _inside(path)
        else:
            yield path


def _inside(folder: str) -> Iterator[str | Skipped]:
    unreadable: list[Skipped] = []

    def note(error: OSError) -> None:
        unreadable.append(Skipped(str(error.filename), error.strerror or str(error)))

    for parent, folders, files in os.walk(folder, onerror=note):
        yield from unreadable
        unreadable.clear()
        folders.sort()
        layout = describe_folder(Path(parent))
        if "OCI layout" in layout and parent != folder:
            folders.clear()
            yield Skipped(parent, layout)
            continue
        for name in sorted(files):
            path = os.path.join(parent, name)
            reason = _reason_to_skip(path)
            yield path if reason is None else Skipped(path, reason)
    yield from unreadable


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
        try:
            report = analyze_archive(source, chosen, progress=watcher)
        except NotAnImageError as error:
            yield failed(path, str(error)) if path in named else Skipped(path, str(error))
        except ImgforensicsError as error:
            yield failed(path, str(error))
        except Exception as error:  # noqa: BLE001 - one bug must not cost the other archives their answers
            yield failed(path, f"internal error, please report it: {type(error).__name__}: {error}")
        else:
            yield report
