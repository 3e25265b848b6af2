"""Files of two layers, or members of two archives, compared by path: what came, what left, and what changed how."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from imgforensics.catalogue import Catalogue
from imgforensics.comparison.order import Change
from imgforensics.layerentry import Entry, LayerEnd
from imgforensics.layerfiles import Hashed
from imgforensics.limits import Limits
from imgforensics.model import Member, MemberKind

_COST = 400
"""Memory in bytes of one file's facts and its place in a dictionary, texts not counted."""


class Owner(NamedTuple):
    """Whose a file is; shared by all that have it."""

    uid: int
    gid: int
    uname: str
    gname: str


class Facts(NamedTuple):
    """What is compared of one file."""

    kind: MemberKind
    size: int
    sha256: bytes | None
    """Of its data; of a path that occurs several times, of the digests of all of them. None where it has none."""
    mode: int
    owner: Owner
    mtime: float
    linkname: str
    device: tuple[int, int]
    xattrs: tuple[tuple[str, bytes], ...]
    times: int
    """How often its path occurs."""
    earlier: bytes = b""
    """A digest of what is compared of earlier occurrences."""


class Aspect(StrEnum):
    """In what a file can differ, gravest first."""

    KIND = "kind"
    CONTENT = "content"
    MODE = "mode"
    OWNER = "owner"
    LINK = "link"
    DEVICE = "device"
    XATTRS = "xattrs"
    TIMES = "occurrences"
    """How often its path occurs, or what an earlier occurrence is."""
    MTIME = "mtime"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One path that is not the same on both sides."""

    path: str
    change: Change
    aspects: tuple[Aspect, ...]
    a: Facts | None
    b: Facts | None


@dataclass(frozen=True, slots=True)
class FileChanges:
    """All of them, so many listed at most: those in which nothing but the time differs only where there is room."""

    listed: tuple[FileChange, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    """``same``, ``added``, ``removed``, ``changed``; of the changed ones by aspect, and ``mtime only``."""
    notes: tuple[str, ...] = ()
    """What was not compared, in words."""


TIME_ONLY = "mtime only"


@dataclass(slots=True)
class Side:
    """The files of one side by path, as far as memory allows."""

    files: dict[str, Facts] = field(default_factory=dict)
    spent: int = 0
    cut: bool = False
    note: str | None = None
    """Why the reading ended early."""
    owners: dict[Owner, Owner] = field(default_factory=dict)

    def put(self, path: str, facts: Facts, limits: Limits) -> None:
        """Keep one more."""
        before = self.files.get(path)
        if before is not None:
            both = hashlib.sha256((before.sha256 or b"") + (facts.sha256 or b"")).digest()
            earlier = hashlib.sha256(repr(before).encode()).digest()
            facts = facts._replace(sha256=both, times=before.times + 1, earlier=earlier)
        elif self.spent > limits.laid_over // 2:
            self.cut = True
            return
        self.spent += (
            _COST + len(path) + len(facts.linkname) + sum(len(key) + len(value) for key, value in facts.xattrs)
        )
        owner = self.owners.setdefault(facts.owner, facts.owner)
        self.files[path] = facts._replace(owner=owner)


def of_layer(walk: Hashed, limits: Limits) -> Side:
    """The files of a layer."""
    side = Side()
    while True:
        try:
            entry, digest = next(walk)
        except StopIteration as stop:
            end: LayerEnd = stop.value
            if not end.is_tar:
                side.note = "it is no tar"
            elif end.damage is not None:
                side.note = f"it is read up to {end.damage.kind}: {end.damage.detail}"
            return side
        side.put(entry.name if entry.path is None else entry.path or ".", _facts(entry, digest), limits)


def of_archive(catalogue: Catalogue) -> Side:
    """The members of an archive."""
    side = Side()
    for member in catalogue.members:
        blob = catalogue.blobs.get(member.index)
        digest = bytes.fromhex(blob.digest.encoded) if blob is not None else None
        side.put(member.path or member.name, _of_member(member, digest), catalogue.limits)
    return side


def compare(a: Side, b: Side, limits: Limits, most: int) -> FileChanges:
    """Compare two sides; ``most`` changes are listed at most."""
    counts: Counter[str] = Counter()
    grave: list[FileChange] = []
    touched: list[FileChange] = []
    for path in _paths(a, b):
        one, other = a.files.get(path), b.files.get(path)
        change, aspects = _judge(one, other)
        if (one is None and a.cut) or (other is None and b.cut):
            continue
        counts[change.value] += 1
        counts.update(aspect.value for aspect in aspects)
        kept = grave
        if aspects == (Aspect.MTIME,):
            counts[TIME_ONLY] += 1
            kept = touched
        if change is not Change.SAME and len(kept) < most:
            kept.append(FileChange(path, change, aspects, one, other))
    listed = sorted((grave + touched)[:most], key=lambda each: each.path)
    return FileChanges(tuple(listed), dict(counts), tuple(_notes(a, b, limits)))


def _paths(a: Side, b: Side) -> Iterable[str]:
    yield from a.files
    yield from (path for path in b.files if path not in a.files)


def _judge(a: Facts | None, b: Facts | None) -> tuple[Change, tuple[Aspect, ...]]:
    if a is None or b is None:
        return Change.ADDED if a is None else Change.REMOVED, ()
    if a == b:
        return Change.SAME, ()
    content = (a.size, a.sha256) != (b.size, b.sha256)
    differ = (
        (Aspect.KIND, a.kind is not b.kind),
        (Aspect.CONTENT, content),
        (Aspect.MODE, a.mode != b.mode),
        (Aspect.OWNER, a.owner != b.owner),
        (Aspect.LINK, a.linkname != b.linkname),
        (Aspect.DEVICE, a.device != b.device),
        (Aspect.XATTRS, a.xattrs != b.xattrs),
        (Aspect.TIMES, (a.times, a.earlier) != (b.times, b.earlier)),
        (Aspect.MTIME, a.mtime != b.mtime),
    )
    return Change.CHANGED, tuple(aspect for aspect, differs in differ if differs)


def _notes(a: Side, b: Side, limits: Limits) -> Iterable[str]:
    for name, side in (("A", a), ("B", b)):
        if side.cut:
            most = limits.laid_over // 2
            yield f"in {name} there are more files than fit into {most} bytes; others are not compared"
        if side.note is not None:
            yield f"in {name} {side.note}"


def _facts(entry: Entry, digest: bytes | None) -> Facts:
    return Facts(
        kind=entry.kind,
        size=entry.size,
        sha256=digest,
        mode=entry.mode & 0o7777,
        owner=Owner(entry.uid, entry.gid, entry.uname, entry.gname),
        mtime=entry.mtime,
        linkname=entry.linkname,
        device=(entry.devmajor, entry.devminor) if entry.kind is MemberKind.DEVICE else (0, 0),
        xattrs=tuple(sorted(entry.xattrs.items())) if entry.pax else (),
        times=1,
    )


def _of_member(member: Member, digest: bytes | None) -> Facts:
    return Facts(
        kind=member.kind,
        size=member.data.length,
        sha256=digest,
        mode=member.mode,
        owner=Owner(member.uid, member.gid, member.uname, member.gname),
        mtime=member.mtime,
        linkname=member.linkname,
        device=(0, 0),
        xattrs=(),
        times=1,
    )
