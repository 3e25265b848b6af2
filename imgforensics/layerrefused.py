"""Entries of a layer that Linux refuses to make, at which every program that unpacks it ends. No I/O.

And whiteouts that are hard links to files: those of aufs are links to its own, or to another whiteout.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from imgforensics.layerentry import Entry, WhiteoutKind, whiteout
from imgforensics.layerfacts import KEPT, LayerFacts, Odd, OddEntry
from imgforensics.layernames import short
from imgforensics.linux import NAME, PATH, refused_path, refused_target
from imgforensics.model import clean_path

_HARDLINK, _SYMLINK = _LINKS = "12"
_BELOW = PATH - len("/var/lib/containerd/tmpmounts/containerd-mount123456789/")
"""Bytes of a path that programs have room for: containerd, whose folder for a layer has the shortest name."""
_SHORT = NAME // 4
"""Characters of a name that are never too many bytes."""


class Refused:
    """Looks at every entry: :meth:`take` them in order, then :meth:`told` once."""

    def __init__(self) -> None:
        self._odd: list[OddEntry] = []
        self._counts: Counter[Odd] = Counter()

    def take(self, entries: Iterable[Entry]) -> None:
        """Look at the next entries. Most have a short name and are no link, and nothing more is asked of them."""
        for entry in [
            each
            for each in entries
            if each[3] in _LINKS or (len(each[0]) > _SHORT and (len(each[0]) > NAME or not each[0].isascii()))
        ]:
            taken = None if entry.path is None else whiteout(entry.path)
            trouble = _trouble(entry, taken)
            if trouble:
                self._note(Odd.REFUSED, entry, trouble)
            if taken is not None and entry.typeflag == _HARDLINK and whiteout(clean_path(entry.linkname) or "") is None:
                self._note(Odd.WHITEOUT_DATA, entry, f"a hard link to {short(entry.linkname)}")

    def _note(self, kind: Odd, entry: Entry, detail: str) -> None:
        self._counts[kind] += 1
        if self._counts[kind] <= KEPT:
            self._odd.append(OddEntry(kind, short(entry.name), detail, entry.header))

    def told(self, facts: LayerFacts) -> LayerFacts:
        """The facts of the layer, with what is refused."""
        if not self._odd:
            return facts
        counts = Counter(facts.odd_counts) + self._counts
        return replace(facts, odd=(*facts.odd, *self._odd), odd_counts=dict(counts))


def _trouble(entry: Entry, taken: tuple[WhiteoutKind, str] | None) -> str:
    path = entry.path
    if taken is not None:  # what it takes away is made, as a device
        path = "" if taken[0] is WhiteoutKind.PLUMBING else taken[1]
    trouble = refused_path(path or "", _BELOW)
    return trouble or (refused_target(entry.linkname) if entry.typeflag == _SYMLINK and taken is None else "")
