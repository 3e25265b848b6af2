"""What is kept of a layer, once it was read: an inventory, what is odd, and an index for questions across layers.

A layer may have a million entries, and an archive thousands of layers. Names are kept of the odd ones only, so many of
a kind; of all others the index keeps a hash of 64 bits, which serves within this process and is never shown.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from imgforensics.layerentry import LayerEnd
from imgforensics.layernames import folders_of
from imgforensics.layertoc import TocFacts
from imgforensics.model import Anomaly, MemberKind

KEPT = 20
"""Odd entries kept of one kind; all are counted."""

NAMED = 100
"""Names kept of one kind of the inventory; all are counted."""


class Odd(StrEnum):
    """What is odd about an entry. A check decides what it means."""

    TWICE = "twice"
    TWICE_OTHERWISE = "twice-otherwise"
    TWICE_LINKED = "twice-linked"
    TWICE_LINKED_OTHERWISE = "twice-linked-otherwise"
    FOLDER_TWICE = "folder-twice"
    FOLDER_OTHERWISE = "folder-otherwise"
    ESCAPES = "escapes"
    ABSOLUTE = "absolute"
    UNUSABLE = "unusable"
    REFUSED = "refused"
    REFUSED_TRUSTED = "refused-trusted"
    REFUSED_FORBIDDEN = "refused-forbidden"
    LINK_USELESS = "link-useless"
    LINK_ESCAPES = "link-escapes"
    BELOW_LEADING_OUT = "below-leading-out"
    BELOW_SYMLINK = "below-symlink"
    BELOW_FILE = "below-file"
    BELOW_DANGLING = "below-dangling"
    FOLDER_DANGLES = "folder-dangles"
    BELOW_REMOVED = "below-removed"
    WHITEOUT_BELOW_REMOVED = "whiteout-below-removed"
    ROOT_REPLACED = "root-replaced"
    UNHANDLED = "unhandled"
    DEVICE = "device"
    USUAL_DEVICE = "usual-device"
    FIFO = "fifo"
    BAD_WHITEOUT = "bad-whiteout"
    WHITEOUT_BELOW = "whiteout-below"
    WHITEOUT_DATA = "whiteout-data"
    WHITEOUT_AFTER = "whiteout-after"
    WHITEOUT_BEFORE = "whiteout-before"
    WHITEOUT_AGAIN = "whiteout-again"
    OPAQUE_AGAIN = "opaque-again"
    OVERLAY_XATTR = "overlay-xattr"
    TRUSTED_XATTR = "trusted-xattr"
    WRITABLE_PRIVILEGED = "writable-privileged"
    ACCOUNTS = "accounts"
    HEADER = "header"
    HEADER_AMBIGUOUS = "header-ambiguous"


@dataclass(frozen=True, slots=True)
class OddEntry:
    """One odd entry."""

    kind: Odd
    name: str
    """As it stands, shortened where it is long."""
    detail: str
    offset: int
    """Of its header, in bytes of the uncompressed layer."""


@dataclass(frozen=True, slots=True)
class Privileges:
    """Files that give their users more rights than they have. Ordinary images hold some: ``su``, ``ping``."""

    setuid: tuple[str, ...] = ()
    setgid: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    setuid_count: int = 0
    setgid_count: int = 0
    capabilities_count: int = 0


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry of which only lower layers can tell whether it makes sense."""

    path: str
    target: str
    """Cleaned path that a hard link leads to, or that a whiteout removes."""
    offset: int
    later: bool = False
    """Whether the target comes later in the same layer."""


@dataclass(frozen=True, slots=True)
class LayerIndex:
    """Which paths a layer has, for questions across layers."""

    paths: "array[int]" = field(default_factory=lambda: array("q"))
    """Hashes of the cleaned paths of all entries but whiteouts, in order of size."""
    folders: "array[int]" = field(default_factory=lambda: array("q"))
    """Hashes of the folders that have entries below them, in order of size."""
    directories: "array[int]" = field(default_factory=lambda: array("q"))
    """Hashes of the paths of folders that have entries of their own, in order of size."""
    implied: tuple[str, ...] = ()
    """Folders without an entry of their own in front of the first one that lies in them, and not removed before it."""
    symlinks: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Hash of the path of each symlink to path and target."""
    late: frozenset[int] = frozenset()
    """Hashes of the paths whose own entries come behind others that lie in them; so many at most."""
    hardlinks: tuple[Pending, ...] = ()
    """Those whose target does not come before them in the layer; so many at most."""
    whiteouts: tuple[Pending, ...] = ()
    """So many at most."""
    opaques: tuple[Pending, ...] = ()
    """Opaque markers, with the folders that they empty; so many at most."""
    removed: frozenset[int] = frozenset()
    """Hashes of the paths that whiteouts remove."""
    emptied: frozenset[int] = frozenset()
    """Hashes of the folders that opaque markers empty."""
    named: int = 0
    """Characters of all these names."""

    @property
    def cost(self) -> int:
        """Bytes of memory that it takes, roughly."""
        kept = len(self.symlinks) + len(self.hardlinks) + len(self.whiteouts) + len(self.opaques) + len(self.late)
        hashes = len(self.paths) + len(self.folders) + len(self.directories)
        return 8 * hashes + 300 * kept + 60 * len(self.implied) + 2 * self.named

    def holds(self, path: str) -> bool:
        """Whether the layer has an entry of this cleaned path, or entries below it."""
        key = hash(path)
        return _within(self.paths, key) or _within(self.folders, key)

    def removes(self, path: str) -> bool:
        """Whether a whiteout of the layer takes a path of lower layers away, or a folder that it lies in."""
        if not (self.removed or self.emptied):
            return False
        if hash(path) in self.removed or hash("") in self.emptied:
            return True
        return any(hash(each) in self.removed or hash(each) in self.emptied for each in folders_of(path))

    def has(self, key: int) -> bool:
        """Whether the layer has an entry whose path has this hash."""
        return _within(self.paths, key)

    def makes_folder(self, key: int) -> bool:
        """Whether the layer has a folder of the path that has this hash, by an entry or by others in it."""
        return _within(self.directories, key) or _within(self.folders, key)


def _within(ordered: "array[int]", key: int) -> bool:
    place = bisect_left(ordered, key)
    return place < len(ordered) and ordered[place] == key


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One layer, surveyed."""

    end: LayerEnd
    counts: Mapping[MemberKind, int] = field(default_factory=dict)
    """Entries by kind; whiteouts are among the files."""
    size: int = 0
    """Bytes of all files."""
    whiteouts: int = 0
    """Entries that remove something, opaque markers not counted."""
    opaques: int = 0
    """Opaque markers."""
    privileges: Privileges = Privileges()
    xattrs: Mapping[str, int] = field(default_factory=dict)
    """Names of extended attributes, so many at most, to how many entries have them."""
    odd: tuple[OddEntry, ...] = ()
    """Of each kind so many at most, in order."""
    odd_counts: Mapping[Odd, int] = field(default_factory=dict)
    """How many there are of each kind."""
    index: LayerIndex | None = None
    """None where it was given up, because of a limit."""
    toc: TocFacts | None = None
    """Its table of contents, if it has one."""
    toc_elsewhere: str | None = None
    """Where the footer of an eStargz or zstd:chunked layer leads to, in words, if that is no table that it holds."""
    anomalies: tuple[Anomaly, ...] = ()
    """Limits that were reached."""
    alike: frozenset[int] = frozenset()
    """Hashes of the paths of several files of one size, whose bytes nobody compared; so many at most."""
