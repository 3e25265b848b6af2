"""What a long run shows on standard error: a live display at a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from imgforensics.limits import MIB
from imgforensics.rendering.escape import printable
from imgforensics.rendering.words import plural
from imgforensics.watching import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Shown

_LINES = 10.0
"""Seconds between two plain lines."""
_LONG = 1e9
"""Seconds that are no forecast any more: a sparse file may be as large as it likes."""
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


def _moves() -> bool:
    """Whether a live display can be shown: standard error is a terminal, and no dumb one."""
    if not sys.stderr.isatty():
        return False
    from rich.console import Console

    console = Console(stderr=True)
    return console.is_terminal and not console.is_dumb_terminal


@contextmanager
def watched(shown: bool) -> Iterator[Callable[[str], Progress] | None]:
    """What makes the watcher of one archive by its name; None where nobody wants to see one."""
    if not shown:
        yield None
    elif _moves():
        with _bar() as display:
            yield lambda path: _Bar(display, _name(path))
    else:
        yield lambda path: _Lines(_name(path))


class Overall(Protocol):
    """Watches many archives."""

    def __call__(self, archives: int, done: int, total: int | None) -> None:
        """So many archives are done, and so many of all bytes; None as long as nobody knows how many these are."""


@contextmanager
def watched_together(shown: bool) -> Iterator[Overall | None]:
    """The watcher of a run over many archives: how many are done, bytes, rate, time left; None as above."""
    if not shown:
        yield None
    elif _moves():
        with _bar() as display:
            task = display.add_task("0 archives", total=None)

            def overall(archives: int, done: int, total: int | None) -> None:
                words = f"{archives} {plural(archives, 'archive')}"
                display.update(task, description=words, completed=done, total=total)

            yield overall
    else:
        lines = _Lines("")

        def told(archives: int, done: int, total: int | None) -> None:
            lines.tell(f"{archives} {plural(archives, 'archive')}, ", done, total)

        yield told


def _name(path: str) -> str:
    return printable(os.path.basename(path))[:40]


@contextmanager
def _bar() -> "Iterator[Shown]":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Display

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    display = Display(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    with display:
        _live_now.append(display)
        try:
            yield display
        finally:
            _live_now.remove(display)


class _Bar:
    """One archive in a live display."""

    def __init__(self, display: "Shown", name: str) -> None:
        for old in display.task_ids:
            display.remove_task(old)
        self._display = display
        self._size = 0
        self._lock = Lock()
        self._task = display.add_task(name, total=None)

    def expect(self, size: int) -> None:
        with self._lock:  # members are measured by several threads
            self._size += size
            self._display.update(self._task, total=self._size)

    def advance(self, size: int) -> None:
        self._display.advance(self._task, size)


class _Lines:
    """A line now and then, where nobody sees a display move: of one archive, or of many."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = self._told = time.monotonic()
        self._expected = self._read = 0
        self._lock = Lock()

    def expect(self, size: int) -> None:
        with self._lock:
            self._expected += size

    def advance(self, size: int) -> None:
        with self._lock:
            self._read += size
            self.tell(f"{self._name}: ", self._read, self._expected)

    def tell(self, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._told >= _LINES:
            self._told = now
            print(f"imgforensics: {what}{far(done, total, now - self._began)}", file=sys.stderr)


def far(done: int, total: int | None, seconds: float) -> str:
    """How far a run is that did so many of all bytes in so many seconds: bytes, rate and time left, in words."""
    rate = done / max(seconds, 0.001)
    parts = [f"{done // MIB} MiB" if total is None else f"{done // MIB} of {total // MIB} MiB"]
    parts.append(f"{rate / MIB:.0f} MiB/s")
    left = max(total - done, 0) / rate if total is not None and done >= MIB else None  # of less, nothing follows
    if left is not None and left < _LONG:
        parts.append(f"{timedelta(seconds=round(left))} left")
    return ", ".join(parts)
