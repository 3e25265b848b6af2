"""Names in layers: those that mean something to a host, where links lead, and how much of a name is told."""

from imgforensics.limits import MIB

NAME = 512
"""Characters of a name or a target that are kept for a message."""

ACCOUNTS = frozenset(("etc/passwd", "etc/group"))
"""Files that runtimes read whole to look up a user."""
ACCOUNTS_SIZE = 1 * MIB
"""Bytes from which one of them is no list of users any more: ten thousand take half as much."""

USUAL_DEVICES = {
    "dev/console": "5:1",
    "dev/full": "1:7",
    "dev/null": "1:3",
    "dev/ptmx": "5:2",
    "dev/random": "1:8",
    "dev/tty": "5:0",
    "dev/urandom": "1:9",
    "dev/zero": "1:5",
}
"""Devices that every container has, and that image builders put into layers (apko, debootstrap)."""


def climbs_out(link: str, target: str) -> bool:
    """Whether the target of a symlink, not an absolute one, leads out of the root by ``..``."""
    depth = link.count("/")
    for part in target.split("/"):
        if part == "..":
            depth -= 1
            if depth < 0:
                return True
        elif part not in ("", "."):
            depth += 1
    return False


def short(text: str) -> str:
    """A name for a message."""
    return text if len(text) <= NAME else f"{text[:NAME]}…"
