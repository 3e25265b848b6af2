"""The archive unpacked into a folder, as moby's and containers/storage's ``archive.Untar`` do it, without a disk.

Names are cleaned below the folder, the last of several members counts, folders are made where they are missing, a file
replaces a folder and the other way round, but what lies below a file ends the unpacking with an error. So do, where
nothing keeps the program inside, names that climb out, and links that do; Docker unpacks in a chroot, in which nothing
climbs out. A hard link whose target is not there yet ends it, and so does what Linux refuses to make (moby,
``pkg/archive`` and ``pkg/chrootarchive``; containers/storage, ``pkg/archive``).
"""

from collections.abc import Sequence
from typing import TypeAlias

from imgforensics.linux import PATH, Refusal, encoded, refused_attributes, refused_path, refused_target
from imgforensics.loaders.gonames import clean, join, parent
from imgforensics.loaders.load import LimitError, RefusedError
from imgforensics.model import Member, MemberKind

_HOPS = 255
"""Links that are followed in one name (``github.com/moby/sys/symlink``); Linux itself follows 40."""
_PATH = {True: PATH - 1, False: PATH - 23}
"""Bytes of a path below the folder: in a chroot, and in containers/image's, ``/var/tmp/oci1234567890/``."""
_SHOWN = 256
"""Characters of a name in a message."""
_STEPS = 3_000_000
"""Parts of names that are followed on one disk, links included. The largest mirrors take a tenth of it."""

_HANDLED = frozenset({"\x00", *"0123456"})
"""Types that are unpacked; a contiguous file, or an old sparse one, is of none of them."""

Node: TypeAlias = "dict[str, Node] | int | str"
"""A folder, the index of a file's member, or a symlink's target."""


class Disk:
    """What lies in the folder."""

    def __init__(self, members: Sequence[Member], *, chroot: bool) -> None:
        """Unpack, in a chroot or not.

        Raises:
            RefusedError: a name or link leads out, or a hard link leads nowhere.
        """
        self._root: dict[str, Node] = {}
        self._chroot = chroot
        self._left = _STEPS
        self._found: dict[str, int | None] = {}
        self._folders: dict[str, dict[str, Node]] = {}
        self.copies: dict[str, list[Member]] = {}
        """Regular and link members by path, all of each, in order."""
        for member in members:
            self._unpack(member)

    def at(self, path: str) -> int | None:
        """Index of the member whose bytes a path leads to; links are followed, never out of the folder."""
        if path not in self._found:
            node = self._walk(path)
            self._found[path] = node if isinstance(node, int) else None
        return self._found[path]

    def _unpack(self, member: Member) -> None:
        if member.typeflag == "g":
            return
        if member.typeflag not in _HANDLED:
            raise RefusedError(f"{member.name or 'a header'} is of type {member.typeflag!r}, which is not unpacked")
        path = self._inside(member.name)
        if path in ("", "."):
            if member.name.startswith("/") and member.kind is not MemberKind.DIRECTORY:
                raise RefusedError(f"{member.name} takes the place of the folder that it is unpacked to")
            return
        self._check_member(member, path)
        folder, _, name = path.rpartition("/")
        above = self._above(folder, name, member.kind)
        if member.kind is not MemberKind.DIRECTORY:
            self.copies.setdefault(path, []).append(member)
        if member.kind is MemberKind.DIRECTORY:
            if not isinstance(above.get(name), dict):
                above[name] = {}
        elif member.kind is MemberKind.SYMLINK:
            inside = join(parent(path), member.linkname)
            if not self._chroot and (inside == ".." or inside.startswith("../")):
                raise RefusedError(f"the link {member.name} leads out of the folder that it is unpacked to")
            above[name] = member.linkname
        elif member.kind is MemberKind.HARDLINK:
            target = self._inside(member.linkname)
            found = self._walk(target, follow_last=False)
            if target == ".." or target.startswith("../") or found is None or isinstance(found, dict):
                raise RefusedError(f"the hard link {member.name} leads to nothing that was unpacked before it")
            above[name] = found
        elif member.kind in (MemberKind.FILE, MemberKind.SPARSE):
            above[name] = member.index

    def _check_member(self, member: Member, path: str) -> None:
        """What the system refuses, where the program minds: moby passes over attributes that are forbidden.

        Raises:
            RefusedError: the path leads out, or it, a link's target or an attribute cannot be made.
        """
        if path == ".." or path.startswith("../"):
            raise RefusedError(f"{member.name} leads out of the folder that it is unpacked to")
        trouble = refused_path(path, _PATH[self._chroot])
        if member.kind is MemberKind.SYMLINK:
            trouble = trouble or refused_path(member.linkname, _PATH[self._chroot]) or refused_target(member.linkname)
        for who, attribute in refused_attributes(encoded(member.pax), member.kind).items() if member.pax else ():
            if who is not Refusal.FORBIDDEN or not self._chroot:
                trouble = trouble or attribute
        if trouble:
            raise RefusedError(f"{member.name[:_SHOWN]} cannot be unpacked: {trouble}")

    def _above(self, path: str, name: str, kind: MemberKind) -> dict[str, Node]:
        """The folder of this path, in which a member of this name and kind is about to be put."""
        above = self._folders.get(path)
        if above is None:
            above = self._folders[path] = self._folder(path)
        before = above.get(name)
        if isinstance(before, str) or (isinstance(before, dict) and kind is not MemberKind.DIRECTORY):
            self._folders.clear()  # what led through the old one leads elsewhere now
        return above

    def _inside(self, name: str) -> str:
        """A name below the folder; it begins with ``..`` where it leads out."""
        return clean(f"/{name}" if self._chroot else name).lstrip("/")

    def _folder(self, path: str) -> dict[str, Node]:
        """The folder of this path, made where it is missing."""
        node = self._root
        parts = path.split("/") if path else []
        for number, part in enumerate(parts, 1):
            below = node.get(part)
            if isinstance(below, str):
                below = self._walk("/".join(parts[:number]))
                if not isinstance(below, dict):
                    raise RefusedError(f"the folder {path} cannot be made")
            elif isinstance(below, int):
                raise RefusedError(f"{path} cannot be a folder: {'/'.join(parts[:number])} is a file")
            elif below is None:
                below = node[part] = {}
            node = below
        return node

    def _walk(self, path: str, *, follow_last: bool = True) -> "Node | None":
        pending = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        trail: list[dict[str, Node]] = [self._root]
        hops = 0
        while pending:
            self._left -= 1
            if self._left < 0:
                raise LimitError("names are too long, or links too many, to be followed here")
            part = pending.pop()
            if part == "..":
                if len(trail) > 1:
                    trail.pop()
                continue
            node = trail[-1].get(part)
            if isinstance(node, str) and (pending or follow_last):
                hops += 1
                if hops > _HOPS:
                    return None
                if node.startswith("/"):
                    del trail[1:]
                pending.extend(each for each in reversed(node.split("/")) if each not in ("", "."))
            elif isinstance(node, dict):
                trail.append(node)
            else:
                return node if not pending else None
        return trail[-1]
