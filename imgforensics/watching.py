"""Who watches a measurement: those who see it go on, and the budget that ends it."""

import time
from dataclasses import replace
from threading import Lock
from typing import Protocol

from imgforensics.limits import Limits


class Progress(Protocol):
    """What a caller gives to watch a long measurement. Called from several threads."""

    def expect(self, size: int) -> None:
        """So many more bytes will be read."""

    def advance(self, size: int) -> None:
        """So many bytes were read."""


class Silent:
    """A progress that nobody watches."""

    def expect(self, size: int) -> None:
        """Nothing to do."""

    def advance(self, size: int) -> None:
        """Nothing to do."""


class SpentError(Exception):
    """The budget of an archive is used up: what is under way is left."""


class Budget:
    """What reading one archive may cost in time and bytes, from when it was opened. For several threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._began = time.monotonic()
        self._read = 0
        self._lock = Lock()
        self.spent: str | None = None
        """What was used up, in words; None as long as nothing was."""

    def end(self) -> None:
        """Bound nothing any more: what is read from here on was asked for, and is bounded where it is asked."""
        self._limits = replace(self._limits, seconds=None, read=None)

    def spend(self, size: int) -> None:
        """Count bytes that were read.

        Raises:
            SpentError: there were too many, or it took too long.
        """
        seconds, most = self._limits.seconds, self._limits.read
        if most is not None:
            with self._lock:
                self._read += size
            if self._read > most:
                self.spent = f"the budget of {most} bytes read"
        if seconds is not None and time.monotonic() - self._began > seconds:
            self.spent = f"the budget of {seconds} seconds"
        if self.spent is not None and (seconds, most) != (None, None):
            raise SpentError
