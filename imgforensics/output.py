"""Where a report goes: standard output, or a file, which never takes the place of what the report is about."""

import contextlib
import os
import re
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

STDOUT = "-"

_DESCRIPTOR = re.compile("/dev/(?:fd/([0-9]{1,4})|std(out|err))|/proc/self/fd/([0-9]{1,4})")


def _descriptor(output: str) -> int | None:
    """The open descriptor that a name stands for, None where it stands for a file."""
    match = _DESCRIPTOR.fullmatch(output) if os.name == "posix" else None
    if match is None:
        return None
    return {"out": 1, "err": 2}[match[2]] if match[2] else int(match[1] or match[3])


def place(output: str) -> str:
    """One spelling of where a report goes: of outputs that are spelled alike, one would replace the other."""
    if output == STDOUT or _descriptor(output) == 1:
        return STDOUT
    return os.path.realpath(output)


def spare(output: str, found: Iterable[str | Skipped], inputs: Iterable[Input] = ()) -> None:
    """Refuse an output that a run reads: a report never replaces evidence, nor what it rests on.

    Args:
        output: where a report goes, ``-`` for standard output.
        found: what is looked at. Files that are skipped may be replaced, since a report of an earlier run lies among
            them; what lies in a folder that is skipped, an unpacked image, may not.
        inputs: what is read besides: a lock, a state file, a ledger, a key. It may not be there yet.

    Raises:
        InputError: it is one of them.
    """
    target = _status(output)
    real = place(output)
    for each in found:
        if isinstance(each, Skipped):
            is_folder = target is not None and os.path.isdir(each.path)
            if is_folder and real.startswith(os.path.join(os.path.realpath(each.path), "")):
                raise InputError(f"{output}: lies in {each.path}; a report never replaces evidence")
        elif target is not None and _is_file(each, target):
            raise InputError(f"{_words(output)}: is one of the archives; a report never replaces evidence")
    for one in inputs:
        if (target is not None and _is_file(one.source, target)) or os.path.realpath(one.source) == real:
            raise InputError(f"{_words(output)}: is read by this run ({one.use}); a report never replaces that")


def is_replaceable(output: str) -> bool:
    """Whether writing there may change a file that is there already."""
    return output != STDOUT or _status(output) is not None


def _status(output: str) -> os.stat_result | None:
    """What an output leads to, where that keeps what is written: a file, or a disk."""
    descriptor = _descriptor(output)
    try:
        if output == STDOUT:
            found = os.fstat(sys.stdout.fileno())
        else:
            found = Path(output).stat() if descriptor is None else os.fstat(descriptor)
    except (OSError, ValueError):
        return None
    return found if _keeps(found) else None


def _keeps(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) or stat.S_ISBLK(found.st_mode)


def _is_file(path: str, target: os.stat_result) -> bool:
    """Whether a path, or standard input where it is ``-``, leads to that very file or disk."""
    try:
        given = os.fstat(sys.stdin.fileno()) if path == batch.STDIN else Path(path).stat()
    except (OSError, ValueError):
        return False
    if stat.S_ISBLK(given.st_mode) and stat.S_ISBLK(target.st_mode):
        return given.st_rdev == target.st_rdev
    return _keeps(given) and os.path.samestat(given, target)


def _words(output: str) -> str:
    return "standard output" if output == STDOUT else output


class Sink:
    """Where a report goes: standard output, or a file that is there whole or not at all.

    What is no regular file (a device, a pipe) is written into, never replaced; so is what a link leads to. Of what is
    open already (``/dev/stdout``, ``/dev/fd/3``) the open descriptor is written to, behind what was written there.
    """

    def __init__(self, output: str) -> None:
        if not output:
            raise InputError("--output: an empty name")
        self._output = STDOUT if place(output) == STDOUT else output
        self._file: TextIO = sys.stdout
        self.is_seen = self._output == STDOUT and sys.stdout.isatty()
        """Whether somebody sees at a terminal what is written."""
        self._target = output
        self._temporary: str | None = None
        self._kept = True

    def __enter__(self) -> Self:
        if self._output == STDOUT:
            return self
        descriptor = _descriptor(self._output)
        try:
            if descriptor is not None:
                self._file = os.fdopen(os.dup(descriptor), "w", encoding="utf-8", newline="\n")
            elif os.path.exists(self._output) and not os.path.isfile(self._output):
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
        if self._output == STDOUT:
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
        return InputError(f"{_words(self._output)}: cannot be written: {error.strerror or error}")


def _mode(target: str) -> int:
    """The rights of a report: those of the one that it replaces, or of any new file. A temporary file is private."""
    try:
        return stat.S_IMODE(Path(target).stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
