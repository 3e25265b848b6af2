"""The folders that were given, and the names that locks have for what lies in them: relative, with ``/``."""

import os
from collections.abc import Iterable


class Folders:
    """The folders among the paths that were given, in their order."""

    def __init__(self, given: Iterable[str]) -> None:
        self._given = [each for each in given if os.path.isdir(each)]
        self._places: dict[str, int] = {}
        """Of each folder the absolute path without its last separator, to its place in the order."""
        for place, each in enumerate(self._given):
            self._places.setdefault(_absolute(each).rstrip(os.sep), place)

    def __bool__(self) -> bool:
        return bool(self._given)

    def name(self, path: str) -> str:
        """A path from the first of the folders that it lies in; of a file that was given itself, its name alone."""
        absolute = _absolute(path)
        end = absolute.rfind(os.sep)
        above: list[tuple[int, int]] = []
        while end >= 0:
            place = self._places.get(absolute[:end])
            if place is not None:
                above.append((place, absolute.count(os.sep, 0, end)))
            end = absolute.rfind(os.sep, 0, end)
        if not above:
            return os.path.basename(path)
        _, depth = min(above)
        parts = os.path.abspath(path).split(os.sep)  # noqa: PTH100, PTH206 - as _absolute(), which counts separators
        return "/".join(parts[depth + 1 :])

    def file_at(self, name: str) -> str | None:
        """The file that :meth:`name` would give this name to, None where there is none inside of these folders."""
        parts = name.split("/")
        foreign = "" if os.sep == "/" else os.sep + ":"  # would lead out of the folder there
        if {"", os.curdir, os.pardir}.intersection(parts) or any(character in name for character in foreign):
            return None
        for each in self._given:
            path = os.path.join(each, *parts)
            try:
                inside = os.path.isfile(path) and os.path.realpath(path).startswith(
                    os.path.join(os.path.realpath(each), "")
                )
            except (OSError, ValueError):
                continue
            if inside:
                return path
        return None


class Barren:
    """The folders among the paths that were given below which nothing was looked at until now.

    Paths below them are spelled as :func:`imgforensics.batch.discover` does it, from the folder as it was given.
    """

    def __init__(self, given: Iterable[str]) -> None:
        self._left = {_bare(each): each for each in given if each != "-" and os.path.isdir(each)}

    def see(self, path: str) -> None:
        """Something at this path was looked at."""
        at = _bare(path)
        while self._left:
            self._left.pop(at, None)
            above = os.path.dirname(at)
            if above == at:
                return
            at = above

    @property
    def left(self) -> list[str]:
        """Those folders, as they were given."""
        return [*self._left.values()]


def _bare(path: str) -> str:
    """A path without separators at its end."""
    return os.path.dirname(os.path.join(path, ""))


def _absolute(path: str) -> str:
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100 - a folder is what it is called, not where a link leads


def is_itself(path: str, other: str) -> bool:
    """Whether two paths name one entry of one folder. A link to a file is another one than the file."""
    return os.path.basename(path) == os.path.basename(other) and _entry(path) == _entry(other)


def _entry(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder or os.curdir), name)
