"""Names in layers: those that mean something to a host, where links lead, and how much of a name is told."""

from collections.abc import Iterator, Mapping

from imgforensics.limits import MIB

Links = Mapping[int, tuple[str, str]]
"""Hash of the path of each symlink to path and target."""

NAME = 512
"""Characters of a name or a target that are kept for a message."""

HANDLED_TYPES = frozenset(("\0", *"0123456"))
"""Types that runtimes unpack; for others moby and containerd fail: "unhandled tar header type"."""

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


def resolved(folder: str, target: str) -> str:
    """Where a link's target leads from its folder, inside the root, where ``..`` stops."""
    parts = [] if target.startswith("/") else [part for part in folder.split("/") if part]
    for part in target.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def folders_of(path: str) -> Iterator[str]:
    """The folders that a path lies in, the outermost first, without the root."""
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)


_LINK = 2
"""Steps that a character of a link takes when it is followed."""


class Steps:
    """Counts the steps by which names in layers are looked up and followed, up to a bound."""

    def __init__(self, most: int) -> None:
        self._left = most

    def spend(self, steps: int) -> bool:
        """Take so many more; whether they were within the bound."""
        self._left -= steps
        return self._left >= 0

    @property
    def exceeded(self) -> bool:
        """Whether there were more than the bound allows."""
        return self._left < 0


def effort(path: str) -> int:
    """Steps that it takes to look at every folder of a path, each of them as long as it is."""
    return 1 + path.count("/") * (1 + len(path) // 64)


def followed(path: str, links: Links, steps: Steps) -> str | None:
    """The path after the first link among its folders is followed, None where there is none, or no step is left."""
    if not links or not steps.spend(effort(path)):
        return None
    for folder in folders_of(path):
        found = links.get(hash(folder))
        if found is not None:
            steps.spend(_LINK * (len(found[0]) + len(found[1])))
            return resolved(found[0].rpartition("/")[0], found[1]) + path[len(folder) :]
    return None


def leads_out(link: str, target: str, links: Links, hops: int, steps: Steps, *, absolute: bool) -> bool:
    """Whether a symlink, or one that it leads to, leads out of the root by ``..``, or is absolute where that counts."""
    for _ in range(hops):
        if (absolute and target.startswith("/")) or climbs_out(link, target):
            return True
        path = resolved(link.rpartition("/")[0], target)
        if not steps.spend(_LINK * (len(link) + len(target)) + effort(path)):
            return False
        following = next((links[hash(each)] for each in (*folders_of(path), path) if hash(each) in links), None)
        if following is None:
            return False
        link, target = following
    return False


def short(text: str) -> str:
    """A name for a message."""
    return text if len(text) <= NAME else f"{text[:NAME]}…"
