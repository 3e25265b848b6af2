r"""What this very program is made of: its version, and digests over its own files. Read once a process.

A report that says which program wrote it can be repeated. :data:`Identity.digest` is the SHA-256 of what ``sha256sum``
prints for the package's sources in the order of their names, so that anyone can compute it without this program:

    cd site-packages && find imgforensics -type f \
      \( -name '*.py' -o -name '*.pxd' -o -name '*.typed' -o -name '*.j2' -o -name '*.css' \) \
      | LC_ALL=C sort | xargs sha256sum | sha256sum

It tells releases and local changes apart. It is no proof against a program that was changed to lie about itself: for
that, compute it from outside, as above.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from imgforensics.version import __version__

NAME = "imgforensics"
_SOURCES = (".py", ".pxd", ".typed", ".j2", ".css")
_COMPILED = (".so", ".pyd", ".dylib")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which program this is."""

    version: str
    digest: str | None
    """``sha256:`` and hex, over the sources: the same wherever the same release is installed. None where they cannot
    be read, as in a bundle of one file."""
    files: int
    """Sources in that digest."""
    compiled: str | None
    """The same over the extension modules, which differ from one build to another; None where everything runs as plain
    Python."""


@cache
def identity() -> Identity:
    """Which program this is, as its files are now."""
    folder = str(Path(__file__).resolve().parent)
    names = sorted(_inside(folder), key=os.fsencode)
    sources = _ending(names, _SOURCES)
    try:
        digest, compiled = _digest(folder, sources), _digest(folder, _ending(names, _COMPILED))
    except OSError:
        digest = compiled = None
    return Identity(__version__, digest, len(sources) if digest else 0, compiled)


def _ending(names: Iterable[str], endings: tuple[str, ...]) -> list[str]:
    return [name for name in names if name.endswith(endings)]


def _inside(folder: str) -> Iterator[str]:
    """Names of all files below a folder, with slashes, relative to the one above it."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            yield os.path.relpath(path, os.path.dirname(folder)).replace(os.sep, "/")


def _digest(folder: str, names: list[str]) -> str | None:
    if not names:
        return None
    lines = hashlib.sha256()
    for name in names:
        with Path(folder).parent.joinpath(*name.split("/")).open("rb") as file:
            lines.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n".encode())
    return f"sha256:{lines.hexdigest()}"
