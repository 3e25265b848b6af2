"""Where a report goes: standard output, or a file, which never takes the place of what the report is about."""

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from imgforensics import batch
from imgforensics.custody import Input
from imgforensics.errors import InputError
from imgforensics.findings import Skipped
from imgforensics.progress import set_aside


def spare(output: str, archives: Iterable[str | Skipped], inputs: Iterable[Input] = ()) -> None:
    """Refuse an output that a run reads: a report never replaces evidence, nor what it rests on.

    Args:
        output: where a report goes, ``-`` for standard output.
        archives: what is looked at; files that are skipped may be replaced: a report of an earlier run lies among them.
        inputs: what is read besides: a lock, a state file, a ledger, a key. It may not be there yet.

    Raises:
        InputError: it is one of them.
    """
    if output == "-":
        return
    try:
        target = Path(output).stat()
    except (OSError, ValueError):
        target = None
    if target is not None and any(isinstance(path, str) and _is_file(path, target) for path in archives):
        raise InputError(f"{output}: is one of the archives; a report never replaces evidence")
    for each in inputs:
        is_it = target is not None and _is_file(each.source, target)
        if is_it or os.path.realpath(each.source) == os.path.realpath(output):
            raise InputError(f"{output}: is read by this run ({each.use}); a report never replaces that")


def _is_file(path: str, target: os.stat_result) -> bool:
    """Whether a path, or standard input where it is ``-``, leads to that very file."""
    try:
        given = os.fstat(sys.stdin.fileno()) if path == batch.STDIN else Path(path).stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(target.st_mode) and os.path.samestat(given, target)


class Sink:
    """Where a report goes: standard output, or a file that is there whole or not at all.

    What is no regular file (a device, a pipe) is written into, never replaced; so is what a link leads to.
    """

    def __init__(self, output: str) -> None:
        if not output:
            raise InputError("--output: an empty name")
        self._output = output
        self._file: TextIO = sys.stdout
        self.is_seen = output == "-" and sys.stdout.isatty()
        """Whether somebody sees at a terminal what is written."""
        self._target = output
        self._temporary: str | None = None
        self._kept = True

    def __enter__(self) -> Self:
        if self._output == "-":
            return self
        try:
            if os.path.exists(self._output) and not os.path.isfile(self._output):
                self._file = Path(self._output).open("w", encoding="utf-8", newline="\n")
            else:
                self._target = os.path.realpath(self._output)
                name = f".imgforensics-{secrets.token_hex(8)}"
                self._temporary = os.path.join(os.path.dirname(self._target), name)  # known before it is there
                handle = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                self._file = os.fdopen(handle, "w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise self._failed(error) from error
        except BaseException:  # a signal: nobody leaves what nobody entered
            self._remove()
            raise
        return self

    def write(self, text: str) -> None:
        """Add text; on standard output it is seen at once."""
        with self._writing(), set_aside() if self.is_seen and text else contextlib.nullcontext():
            self._file.write(text)
            if self._temporary is None:
                self._file.flush()

    def abandon(self) -> None:
        """Leave no file: there is nothing to write after all."""
        self._kept = False

    def write_bytes(self, content: bytes) -> None:
        """Add bytes as they are to standard output; they are written through at once."""
        with self._writing():
            self._file.flush()
            self._file.buffer.write(content)
            self._file.buffer.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._failed(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._output == "-":
            return
        try:
            self._file.close()
            if self._temporary is not None and kind is None and self._kept:
                Path(self._temporary).chmod(_mode(self._target))
                os.replace(self._temporary, self._target)
                self._temporary = None
        except OSError as failure:
            if kind is None:
                raise self._failed(failure) from failure
        finally:
            self._remove()

    def _remove(self) -> None:
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)

    def _failed(self, error: OSError) -> InputError:
        where = "standard output" if self._output == "-" else self._output
        return InputError(f"{where}: cannot be written: {error.strerror or error}")


def _mode(target: str) -> int:
    """The rights of a report: those of the one that it replaces, or of any new file. A temporary file is private."""
    try:
        return stat.S_IMODE(Path(target).stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
