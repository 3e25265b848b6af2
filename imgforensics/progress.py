"""What a long run shows on standard error: a live display at a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from imgforensics.limits import MIB
from imgforensics.rendering.escape import printable
from imgforensics.rendering.words import plural
from imgforensics.watching import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Shown

_LINES = 10.0
"""Seconds between two plain lines."""
_live_now: "list[Shown]" = []
"""The live display, while there is one."""


@contextmanager
def set_aside() -> Iterator[None]:
    """Take the live display away while a report is written to the same terminal: it would stand in its lines."""
    for display in _live_now:
        display.stop()
    try:
        yield
    finally:
        for display in _live_now:
            display.start()


@contextmanager
def _displayed(display: "Shown") -> Iterator[None]:
    with display:
        _live_now.append(display)
        try:
            yield
        finally:
            _live_now.remove(display)


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
    display = Display(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)

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

    with _displayed(display):
        yield Watcher


class Overall(Protocol):
    """Watches many archives at a time."""

    def __call__(self, archives: int, read: int) -> None:
        """So many archives are done, and so many bytes were read."""


@contextmanager
def watched_together(shown: bool) -> Iterator[Overall]:
    """A display of a run over many archives: how many are done, bytes, rate."""
    if not shown:
        yield _nothing
    elif sys.stderr.isatty():
        with _live() as overall:
            yield overall
    else:
        yield _Lines()


def _nothing(archives: int, read: int) -> None:
    """Show nothing."""


@contextmanager
def _live() -> Iterator[Overall]:
    from rich.console import Console
    from rich.progress import FileSizeColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TransferSpeedColumn
    from rich.progress import Progress as Display

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        FileSizeColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
    )
    display = Display(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    task = display.add_task("0 archives", total=None)

    def overall(archives: int, read: int) -> None:
        display.update(task, description=f"{archives} {plural(archives, 'archive')}", completed=read)

    with _displayed(display):
        yield overall


class _Lines:
    """A line now and then, where nobody sees a display move."""

    def __init__(self) -> None:
        self._began = self._told = time.monotonic()

    def __call__(self, archives: int, read: int) -> None:
        now = time.monotonic()
        if now - self._told >= _LINES:
            self._told = now
            rate = read / MIB / max(now - self._began, 0.001)
            print(f"imgforensics: {archives} archives, {read // MIB} MiB read, {rate:.0f} MiB/s", file=sys.stderr)
