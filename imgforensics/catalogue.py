"""What an archive holds: every member as claimed, every blob as measured, and the names that lead to them.

Nothing below this room reads the archive again. Names are resolved here, and only inside the archive: a symlink or hard
link that leads out of it leads nowhere.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from imgforensics.gotar import GoTar
from imgforensics.layerfacts import LayerFacts
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import (
    Anomaly,
    AnomalyKind,
    Blob,
    Compression,
    Digest,
    GzipLabels,
    Member,
    MemberKind,
    clean_path,
)


@dataclass(frozen=True)
class Catalogue:
    """One archive, measured."""

    size: int
    """Bytes of the file as it lies on disk."""
    digest: Digest | None
    """SHA-256 of the file as it lies on disk: the chain of custody hangs on it. None where only structure was asked
    for."""
    outer: Compression
    """Compression around the whole tar."""
    outer_anomalies: tuple[Anomaly, ...]
    """What was odd about that compression."""
    tar_size: int
    """Bytes of the tar itself, after outer decompression."""
    members: tuple[Member, ...]
    anomalies: tuple[Anomaly, ...]
    """What was odd about the tar's framing."""
    blobs: Mapping[int, Blob]
    """Measurements by member index; of every regular member that was measured."""
    unmeasured: Mapping[int, str] = field(default_factory=dict)
    """Member index to the reason why its bytes were not measured."""
    begins_like: Compression | None = None
    """What readers that go by the first bytes alone take a plain archive for; None where they take it for plain."""
    spent: str | None = None
    """What of the budget was used up while it was measured, in words; None where it sufficed."""
    limits: Limits = DEFAULT_LIMITS
    layers: Mapping[int, LayerFacts] = field(default_factory=dict)
    """What is inside, by member index; of every measured member that is a tar, compressed or not."""
    surveyed: bool = False
    """Whether it was looked for."""
    layer_anomalies: tuple[Anomaly, ...] = ()
    """Limits that all of them together reached."""
    go: GoTar = field(default_factory=GoTar)
    """The members as readers written in Go see them."""
    outer_streams: int = 1
    """As :attr:`~imgforensics.model.Blob.streams`, of the compression around the whole tar."""
    outer_labels: GzipLabels | None = None
    """As :attr:`~imgforensics.model.Blob.labels`, of the same."""

    @cached_property
    def by_path(self) -> Mapping[str, Sequence[int]]:
        """Cleaned path to the indexes of all members of that path, in order."""
        paths: dict[str, list[int]] = defaultdict(list)
        for member in self.members:
            if member.path is not None:
                paths[member.path].append(member.index)
        return dict(paths)

    @cached_property
    def by_digest(self) -> Mapping[Digest, Sequence[int]]:
        """Digest of the stored bytes to the indexes of the members that have it."""
        digests: dict[Digest, list[int]] = defaultdict(list)
        for index, blob in self.blobs.items():
            for digest in (blob.digest, *blob.other_digests.values()):
                digests[digest].append(index)
        return {digest: sorted(indexes) for digest, indexes in digests.items()}

    @cached_property
    def _symlinks(self) -> Mapping[str, str]:
        """Path of each symlink to its target; the last member of a path counts, as on disk."""
        return {
            member.path: member.linkname for member in self.members if member.kind is MemberKind.SYMLINK and member.path
        }

    @cached_property
    def _sorted_paths(self) -> Sequence[str]:
        """Every path in order: those that lie in a folder follow each other."""
        return sorted(self.by_path)

    def _is_folder(self, path: str) -> bool:
        """Whether a member is, or lies in, a folder of this path."""
        if not path or any(self.members[index].kind is MemberKind.DIRECTORY for index in self.by_path.get(path, ())):
            return True
        inside = f"{path}/"
        place = bisect_left(self._sorted_paths, inside)
        return place < len(self._sorted_paths) and self._sorted_paths[place].startswith(inside)

    def content(self, index: int) -> bytes | None:
        """The bytes of a member that looked like a small JSON document, else None."""
        blob = self.blobs.get(index)
        return None if blob is None else blob.content

    def cut_off(self, index: int) -> bool:
        """Whether the file ends inside this member's data."""
        member = self.members[index]
        return member.present < member.data.length

    def unexpanded(self, index: int) -> bool:
        """Whether a member is a sparse file that was not put together, so that its stored bytes are not its own."""
        blob = self.blobs.get(index)
        is_sparse = self.members[index].kind is MemberKind.SPARSE
        return is_sparse and blob is not None and not (blob.expanded or self.cut_off(index))

    def find(self, path: str) -> tuple[int, ...]:
        """Indexes of all regular members that ``path`` leads to, links followed inside the archive; last one last.

        Args:
            path: a name relative to the archive's root, as a document gives it. Every occurrence of a name is
                returned, since readers disagree which one counts.
        """
        found, _ = self.resolve(path)
        return found

    def resolve(self, path: str) -> tuple[tuple[int, ...], AnomalyKind | None]:
        """As :meth:`find`, with the reason where nothing is found. A folder is no such reason."""
        current = clean_path(path)
        for _ in range(self.limits.link_hops + 1):
            if current is None:
                return (), AnomalyKind.ESCAPING_LINK
            files = tuple(index for index in self.by_path.get(current, ()) if self._is_data(index))
            if files:
                return files, None
            if len(current) > self.limits.path or current.count("/") > self.limits.path_depth:
                return (), AnomalyKind.LIMIT
            following = self._follow(current)
            if following is None:
                return (), None if self._is_folder(current) else AnomalyKind.DANGLING_LINK
            current = None if following.startswith("/") else clean_path(following)
        return (), AnomalyKind.CYCLIC_LINK

    def follow(self, member: Member) -> tuple[tuple[int, ...], AnomalyKind | None]:
        """Where a link member leads: the regular members at its end, or the reason why there are none."""
        target = member.linkname
        if member.kind is MemberKind.SYMLINK:
            target = _relative(member.path or "", target)
        if target.startswith("/"):
            return (), AnomalyKind.ESCAPING_LINK
        return self.resolve(target)

    def _is_data(self, index: int) -> bool:
        return self.members[index].kind in (MemberKind.FILE, MemberKind.SPARSE)

    def _follow(self, path: str) -> str | None:
        """The path after the first link in it is followed, None where there is none."""
        for index in reversed(self.by_path.get(path, ())):
            member = self.members[index]
            if member.kind is MemberKind.HARDLINK:
                return member.linkname
        if not self._symlinks:
            return None
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            head = "/".join(parts[:end])
            if head in self._symlinks:
                return "/".join([_relative(head, self._symlinks[head]), *parts[end:]])
        return None


def _relative(link: str, target: str) -> str:
    """A symlink's target as a name from the archive's root; absolute targets stay absolute."""
    if target.startswith("/"):
        return target
    parent = link.rpartition("/")[0]
    return f"{parent}/{target}" if parent else target
