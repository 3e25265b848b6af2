"""One command as a process: standard streams that may be closed, full or gone, and signals that end a run.

None of these may look like an answer: the exit code is 1 only where the command itself says so.
"""

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn, TextIO

from imgforensics.exitcodes import INTERRUPTED, NO_ANSWER


class Terminated(BaseException):
    """Raised in the main thread by a signal that ends the process, so that what is open is closed before."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Forgiving(io.RawIOBase):
    """Standard error that loses what it cannot write: messages are for whoever is there to read them."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, data: "memoryview") -> int:  # type: ignore[override]
        try:
            return os.write(self._number, data)
        except OSError:
            return len(data)


def command(app: Callable[[], object]) -> NoReturn:
    """Run a command to its exit code, which it raises as SystemExit, with prepared streams; then end the process."""
    _prepare()
    stdout = sys.stdout
    code: object = NO_ANSWER
    try:
        with _ended_by_signals():
            try:
                app()
            except SystemExit as end:
                code = end.code
            except KeyboardInterrupt:
                code = INTERRUPTED
            except OSError as error:
                sys.stderr.write(f"imgforensics: standard output: cannot be written: {error.strerror}\n")
            if sys.stdout is not stdout:  # the parser puts a silent one there, and says 1, where a pipe broke
                code = NO_ANSWER
            code = _flushed(code)
    except Terminated as end:
        signal.signal(end.number, signal.SIG_DFL)
        os.kill(os.getpid(), end.number)
    sys.exit(code if isinstance(code, int) else NO_ANSWER)


def _prepare() -> None:
    """Make every standard stream one that can be used, or that says why not."""
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:  # else the next file that is opened, evidence perhaps, would be the standard stream
            os.open(os.devnull, mode)  # takes the lowest free number; writing to standard output fails as it should
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None or _has_number(sys.stderr, 2):
        encoding = "utf-8" if sys.stderr is None else sys.stderr.encoding
        sys.stderr = io.TextIOWrapper(io.BufferedWriter(_Forgiving(2)), encoding=encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _has_number(stream: TextIO, number: int) -> bool:
    try:
        return stream.fileno() == number
    except (OSError, ValueError):
        return False


def _flushed(code: object) -> object:
    """The exit code, once everything was written."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):  # what is left over must not fail once more at the very end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO_ANSWER
    return code


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let signals that end the process unwind it: temporary files are removed on the way."""

    def end(number: int, _: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)  # once is enough
        raise Terminated(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: handler for number, handler in before.items() if handler == signal.SIG_DFL}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
