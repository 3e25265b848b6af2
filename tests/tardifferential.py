"""Who sees what: tar readers beside this project's own, on every crafted tar. Makes ``docs/tar-readers.md``.

``python -m tests.tardifferential > docs/tar-readers.md`` needs all of them: GNU tar, busybox, bsdtar and a Go toolchain
(``IMGFORENSICS_GO``); Python's ``tarfile`` is at hand. A test compares the page with what the readers that are there
say today.
"""

import functools
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from imgforensics import analyze, tarwalk
from imgforensics.findings import Severity
from imgforensics.rendering.escape import printable
from tests.crafted import framing, paxvalues
from tests.gooracle import build_go

CRAFTED = (*framing.CRAFTED, *paxvalues.CRAFTED)
"""The crafted tars."""

Sight = tuple[tuple[str, int | None], ...]
"""Names and sizes of what a reader lists, in order; no size where a listing shows none, or another number."""


@dataclass(frozen=True)
class Seen:
    """What one reader says of one archive."""

    members: Sight
    complains: bool
    """By its exit status or an exception."""


# -------------------------------------------------------------------------------------------------------- the readers


def read_by_python(archive: Path) -> Seen:
    """Python's ``tarfile``."""
    members: list[tuple[str, int | None]] = []
    try:
        with tarfile.open(archive, "r:") as opened:
            for member in opened:
                size = member.size if member.isreg() and not member.issparse() else None
                members.append((member.name.rstrip("/"), size))
    except (tarfile.TarError, ValueError, OverflowError, OSError):
        return Seen(tuple(members), complains=True)
    return Seen(tuple(members), complains=False)


_GNU = re.compile(r"(.)\S{9}\S? +\S+ +(\S+) +\d{4}-\d\d-\d\d \d\d:\d\d (.*)", re.DOTALL)
_BUSYBOX = re.compile(r"(.)\S{9} +\S+ +(\S+) +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.*)", re.DOTALL)
_BSD = re.compile(r"(.)\S{9}\S? +\d+ +\S+ +\S+ +(\d+|\d+,\d+) +\w{3} +\d+ +[\d:]+ (.*)", re.DOTALL)


def _listing(command: list[str], pattern: re.Pattern[str], archive: Path) -> Seen:
    environment = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.environ.get("PATH", "")}
    done = subprocess.run([*command, str(archive)], capture_output=True, env=environment, check=False, timeout=60)
    text = done.stdout.decode("utf-8", "surrogateescape")
    members = [_listed(match) for match in map(pattern.fullmatch, _lines(text, pattern)) if match]
    return Seen(tuple(members), complains=done.returncode != 0)


def _lines(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Lines of a listing; one that is none belongs to a name with a line feed."""
    line = ""
    for part in text.splitlines(keepends=False) if "\x1b" not in text else text.split("\n"):
        if line and pattern.fullmatch(part):
            yield line
            line = part
        else:
            line = f"{line}\n{part}" if line else part
    if line:
        yield line.rstrip("\n")


def _listed(match: re.Match[str]) -> tuple[str, int | None]:
    kind, size, name = match.groups()
    name = re.split(r" -> | link to | unknown file type |--Volume Header--|--Continued at byte", name)[0]
    name = re.sub(
        rb"\\(\d{3})", lambda octal: bytes([int(octal[1], 8)]), name.encode("utf-8", "surrogateescape")
    ).decode("utf-8", "surrogateescape")
    name = name.replace("\\n", "\n").replace("\\\\", "\\")
    return name.rstrip("/"), int(size) if kind == "-" and size.isdigit() else None


_GO_READER = """
package main

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
)

func main() {
	f, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			os.Exit(1)
		}
		fmt.Printf("%c %d %x\\n", h.Typeflag, h.Size, h.Name)
		if _, err := io.Copy(io.Discard, r); err != nil {
			os.Exit(1)
		}
	}
}
"""


def _read_by_go(program: Path, archive: Path) -> Seen:
    done = subprocess.run([program, str(archive)], capture_output=True, text=True, check=False, timeout=60)
    members = []
    for line in done.stdout.splitlines():
        kind, size, name = line.split(" ")
        text = bytes.fromhex(name).decode("utf-8", "surrogateescape").rstrip("/")
        if kind != "g":  # Go hands out global headers
            members.append((text, int(size) if kind in "07" else None))
    return Seen(tuple(members), complains=done.returncode != 0)


@dataclass(frozen=True)
class Reader:
    """A tar reader that is here."""

    name: str
    version: str
    read: Callable[[Path], Seen]


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return ""
    return (done.stdout or done.stderr).partition("\n")[0]


def _program(name: str, *command: str, sign: str, listing: list[str], pattern: re.Pattern[str]) -> Reader | None:
    version = _first_line(*command) if shutil.which(command[0]) else ""
    if sign not in version:
        return None
    return Reader(
        name, version.partition("(Debian")[0].partition(" - ")[0].strip(), functools.partial(_listing, listing, pattern)
    )


def readers(folder: Path) -> dict[str, Reader | str]:
    """Every reader by its name, or why it is not here; ``folder`` is for the program that Go builds."""
    gnu = _program(
        "GNU tar",
        "tar",
        "--version",
        sign="GNU tar",
        listing=["tar", "--quoting-style=escape", "--numeric-owner", "-tvf"],
        pattern=_GNU,
    )
    busybox = _program("busybox", "busybox", sign="BusyBox", listing=["busybox", "tar", "-tvf"], pattern=_BUSYBOX)
    bsd = _program(
        "bsdtar", "bsdtar", "--version", sign="bsdtar", listing=["bsdtar", "--numeric-owner", "-tvf"], pattern=_BSD
    )
    go = os.environ.get("IMGFORENSICS_GO")
    made: Reader | str = "IMGFORENSICS_GO names no Go toolchain"
    if go:
        program = build_go(go, folder, _GO_READER)
        made = Reader(
            "Go archive/tar",
            _first_line(go, "version").split(" ")[2],
            functools.partial(_read_by_go, program),
        )
    python = Reader("Python tarfile", f"Python {sys.version.partition(' ')[0]}", read_by_python)
    return {
        "Python tarfile": python,
        "GNU tar": gnu or "there is no GNU tar",
        "busybox": busybox or "there is no busybox",
        "bsdtar": bsd or "there is no bsdtar",
        "Go archive/tar": made,
    }


# ------------------------------------------------------------------------------------------------------------ the page


def read_by_us(archive: bytes) -> tuple[Sight, tuple[str, ...]]:
    """What this project lists, and the codes of its findings, notes in brackets."""
    found = tarwalk.index(lambda offset, length: archive[offset : offset + length], len(archive))
    members = tuple(
        (member.name.rstrip("/"), member.data.length if member.kind == "file" else None) for member in found.members
    )
    (report,) = analyze(BytesIO(archive)).archives
    loud = {finding.rule.code for finding in report.findings if finding.severity is not Severity.NOTE}
    quiet = {finding.rule.code for finding in report.findings} - loud
    return members, (*sorted(loud), *(f"({code})" for code in sorted(quiet)))


def difference(ours: Sight, seen: Seen) -> str:
    """A cell: how what a reader sees differs from what this project sees."""
    ours_left, told = list(ours), []
    extra = [each for each in seen.members if not _taken(each, ours_left)]
    names = {name for name, _ in extra}
    lacking = [name for name, _ in ours_left if name not in names]
    resized = [(name, size) for name, size in extra if name in {left for left, _ in ours_left}]
    also = [name for name, _ in extra if name not in {left for left, _ in ours_left}]
    if lacking:
        told.append(f"lacks {_names(lacking)}" if len(lacking) < len(ours) else "sees nothing")
    if also:
        told.append(f"has {_names(also)}")
    told += [
        f"{_name(name)} has {size} bytes" if size is not None else f"{_name(name)} is another thing"
        for name, size in resized
    ]
    if seen.complains:
        told.append("error")
    return ", ".join(told) or "the same"


def _taken(member: tuple[str, int | None], left: list[tuple[str, int | None]]) -> bool:
    """Take a member out of what is left, if it is there, whatever its size where none is shown."""
    for each in left:
        if _plain(each[0]) == _plain(member[0]) and (each[1] == member[1] or None in (each[1], member[1])):
            left.remove(each)
            return True
    return False


def _plain(name: str) -> str:
    """A name as far as all listings show it: bsdtar, busybox and GNU tar each escape other characters."""
    return posixpath.normpath(re.sub(r"[^\x20-\x7e]+|\?+|\\u[0-9a-f]{4}", "?", name))


def _names(names: list[str]) -> str:
    return ", ".join(map(_name, names[:2])) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def _name(name: str) -> str:
    short = re.sub(r"[0-9a-f]{64}", lambda match: f"{match[0][:6]}…", printable(name.rstrip("\0\n")))
    return f"`{short}`"


def rows(here: dict[str, Reader | str]) -> Iterator[tuple[str, str, tuple[str, ...], dict[str, str]]]:
    """Each crafted tar: its name, what is wrong, what we report, and a cell for each reader that is here."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.tar"
        for case in CRAFTED:
            archive = case.make()
            path.write_bytes(archive)
            ours, codes = read_by_us(archive)
            cells = {
                name: difference(ours, reader.read(path)) for name, reader in here.items() if isinstance(reader, Reader)
            }
            yield case.name, case.what, codes, cells


_HEAD = """\
# What tar readers make of the crafted tars

Made by `python -m tests.tardifferential`; a test holds it to what the readers say that are there. Each crafted archive
([threats](threats.md)) is listed by each reader. Cells say how what it lists differs from what `imgforensics` lists,
and whether it reports an error; the codes are what `imgforensics` reports, notes in brackets. Where two readers differ,
it has to report something.

"""


def page(here: dict[str, Reader | str]) -> str:
    """The page; every reader has to be here."""
    missing = [reader for reader in here.values() if isinstance(reader, str)]
    if missing:
        raise SystemExit("; ".join(missing))
    versions = "".join(f"* {name}: {reader.version}\n" for name, reader in here.items() if isinstance(reader, Reader))
    lines = [f"| archive | what is wrong | imgforensics | {' | '.join(here)} |", "| --- " * (3 + len(here)) + "|"]
    for name, what, codes, cells in rows(here):
        lines.append(f"| `{name}` | {what} | {' '.join(codes) or 'nothing'} | {' | '.join(cells.values())} |")
    return _HEAD + versions + "\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(page(readers(Path(scratch))), end="")
