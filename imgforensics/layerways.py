"""What cannot be made where it stands in its layer: entries below links, files and whiteouts. No I/O.

Programs that put layers on each other by overlayfs unpack each into an empty folder, in order: a symlink leads to what
its own layer holds by then, and a whiteout is a device in the place of what it removes.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from imgforensics.layerfacts import Odd
from imgforensics.layernames import Links, Steps, effort, folders_of, followed, leads_out, resolved, short
from imgforensics.limits import Limits

Found = tuple[Odd, str]
"""What is odd, and a detail."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What a layer holds so far, by the hashes of paths."""

    paths: Container[int]
    directories: Container[int]
    """Folders with entries of their own."""
    folders: Container[int]
    """Folders with entries below them."""
    symlinks: Links
    removed: Mapping[int, object]
    emptied: Mapping[int, object]
    limits: Limits
    steps: Steps

    def below_link(self, link: str, target: str) -> Iterator[Found]:
        """An entry stands below a symlink."""
        out = leads_out(link, target, self.symlinks, self.limits.link_hops, self.steps, absolute=True)
        detail = f"below {short(link)}, a symlink to {short(target)} in the same layer"
        yield Odd.BELOW_LEADING_OUT if out else Odd.BELOW_SYMLINK, detail
        yield from self.through(link, target)

    def through(self, link: str, target: str, dangling: Odd = Odd.BELOW_DANGLING) -> Iterator[Found]:
        """A symlink has to lead to a folder, since something lies below it."""
        path = resolved(link.rpartition("/")[0], target)
        for _ in range(self.limits.link_hops):
            following = followed(f"{path}/", self.symlinks, self.steps)
            if following is None:
                break
            path = following.rstrip("/")[: self.limits.path]
        if self.steps.exceeded:
            return  # told as a limit: the path may lead on
        key = hash(path)
        if key in self.symlinks:
            yield Odd.BELOW_FILE, f"{short(link)} leads in a circle"
        elif not path or self._is_folder(key):
            return
        elif key in self.paths:
            yield Odd.BELOW_FILE, f"{short(link)} leads to {short(path)}, which is no folder"
        else:
            yield dangling, f"{short(link)} leads to {short(path)}, which the layer does not hold"

    def above_whiteout(self, path: str) -> Iterator[Found]:
        """What a whiteout lies below that is no folder."""
        for folder in folders_of(path) if self.steps.spend(effort(path)) else ():
            key = hash(folder)
            if (link := self.symlinks.get(key)) is not None:
                yield Odd.WHITEOUT_BELOW, f"below {short(link[0])}, a symlink to {short(link[1])}"
                yield from self.through(*link)
                return
            if self._is_folder(key):
                continue
            if key in self.paths:
                yield Odd.BELOW_FILE, f"{short(folder)} is no folder"
                return
            if key in self.removed:
                yield Odd.WHITEOUT_BELOW_REMOVED, f"{short(folder)} is removed by a whiteout before it"
                return

    def gone(self, path: str) -> bool:
        """Whether the layer removed or emptied a folder around a path."""
        if not (self.removed or self.emptied) or not self.steps.spend(effort(path)):
            return False
        around = ("", *folders_of(path))
        return any(hash(each) in self.removed or hash(each) in self.emptied for each in around)

    def _is_folder(self, key: int) -> bool:
        return key in self.directories or key in self.folders
