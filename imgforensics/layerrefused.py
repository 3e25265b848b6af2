"""Entries of a layer that Linux refuses to make, at which every program that unpacks it ends. No I/O.

And whiteouts that are hard links to files: those of aufs are links to its own, or to another whiteout.
"""

from imgforensics.layerentry import Entry, WhiteoutKind, whiteout
from imgforensics.layerfacts import Odd
from imgforensics.layernames import short
from imgforensics.linux import NAME, PATH, refused_path, refused_target
from imgforensics.model import clean_path

_HARDLINK, _SYMLINK = LINKS = "12"
_BELOW = PATH - len("/var/lib/containerd/tmpmounts/containerd-mount123456789/")
"""Bytes of a path that programs have room for: containerd, whose folder for a layer has the shortest name."""
SHORT = NAME // 4
"""Characters of a name that are never too many bytes; of entries with such a name, only links are asked about."""


def refusals(entry: Entry) -> list[tuple[Odd, str]]:
    """What is to be noted of an entry, with the reason; nothing of most."""
    if entry.typeflag not in LINKS and len(entry.name) <= NAME and entry.name.isascii():
        return []
    taken = None if entry.path is None else whiteout(entry.path)
    trouble = _trouble(entry, taken)
    found = [(Odd.REFUSED, trouble)] if trouble else []
    if taken is not None and entry.typeflag == _HARDLINK and whiteout(clean_path(entry.linkname) or "") is None:
        found.append((Odd.WHITEOUT_DATA, f"a hard link to {short(entry.linkname)}"))
    return found


def _trouble(entry: Entry, taken: tuple[WhiteoutKind, str] | None) -> str:
    path = entry.path
    if taken is not None:  # what it takes away is made, as a device
        path = "" if taken[0] is WhiteoutKind.PLUMBING else taken[1]
    trouble = refused_path(path or "", _BELOW)
    return trouble or (refused_target(entry.linkname) if entry.typeflag == _SYMLINK and taken is None else "")
