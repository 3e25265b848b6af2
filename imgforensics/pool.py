"""Processes of our own that work on archives side by side, behind the interface of ``concurrent.futures``.

Reading Python's own structures takes as long as hashing where archives are small, and only other processes do that at
the same time. Each is told of two things that all share: a flag that ends the work, and a count of bytes read.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection
from multiprocessing.context import BaseContext
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

from imgforensics.interrupts import kept_from_children

_PAUSE = 0.02
"""Seconds between two looks at what is shared: a look takes some microseconds, and members of a kilobyte are many."""


_GRACE = 0.7
"""Seconds within which work is given up."""


class Shared:
    """What the processes of a pool share."""

    def __init__(self, context: BaseContext) -> None:
        self.stop: Event = context.Event()
        """Set: give up what is under way, soon."""
        self.read: Synchronized[int] = context.Value("q", 0)
        """Bytes read by all."""


class Stopped(BaseException):
    """The work of this process was given up."""


class Counter:
    """A watcher of measurements (:class:`~imgforensics.archive.Progress`) that counts for the whole pool."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self._read = 0
        self._due = 0.0

    def expect(self, size: int) -> None:
        """Nothing: sizes are known before."""

    def advance(self, size: int) -> None:
        """Count, and leave where the work was given up."""
        with self._lock:
            self._read += size
            now = time.monotonic()
            if now < self._due:
                return
            self._due = now + _PAUSE
            size, self._read = self._read, 0
        if self._shared.stop.is_set():
            raise Stopped
        with self._shared.read.get_lock():
            self._shared.read.value += size


_here: list[Counter] = []
"""Counts for the pool of this process; empty in any other process."""


def counter() -> Counter | None:
    """The watcher for work in this process; None where it belongs to no pool."""
    return _here[0] if _here else None


def _begin(shared: Shared) -> None:
    """Whoever started the pool is interrupted, and stops it; the processes themselves are not to be."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _here[:] = [Counter(shared)]
    threading.Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    """End this process as soon as the one that started the pool is gone, even if it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def get_ready() -> None:
    """Have the server process import what it needs, while this one still does the same; to be called early or not."""
    if _context().get_start_method() == "forkserver":
        _serve()


def _serve() -> None:
    """Start the server process, if it is not there. At a terminal, Ctrl-C goes to all processes of the program."""
    from multiprocessing import forkserver, resource_tracker  # not everywhere is there one

    resource_tracker.ensure_running()  # on its way it lets interrupts through again
    with kept_from_children():
        forkserver.ensure_running()


def _context() -> BaseContext:
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(["imgforensics.run"])
    return context


@contextmanager
def processes(count: int) -> Iterator[tuple[Executor, Shared]]:
    """A pool of so many processes; leaving it, even by an exception, ends what is under way.

    They are started from a fresh server process, so that neither threads nor open files are inherited.
    """
    get_ready()
    context = _context()
    shared = Shared(context)
    pool = ProcessPoolExecutor(count, context, _begin, (shared,))
    try:
        yield pool, shared
    except BaseException:
        shared.stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        _end(time.monotonic() + _GRACE)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _end(until: float) -> None:
    """End the processes that have not given up their work until then: one may look around too seldom."""
    for each in multiprocessing.active_children():
        each.join(max(0.0, until - time.monotonic()))
        if each.is_alive():
            each.kill()
