"""Entries of one layer in, its :class:`~imgforensics.layerfacts.LayerFacts` out, in bounded memory. No I/O."""

from array import array
from collections import Counter
from collections.abc import Iterable

from imgforensics.layercolumns import (
    FILE,
    FOLDER,
    KINDS,
    SYMLINK,
    Columns,
    has_attributes,
    kind_code,
    kind_words,
    rights_of,
)
from imgforensics.layerentry import TOC, Entry, LayerEnd, WhiteoutKind, whiteout
from imgforensics.layerfacts import LayerFacts, LayerIndex, Odd, Pending
from imgforensics.layerinventory import SETGID, SETUID, WITH_RIGHTS, Inventory
from imgforensics.layernames import ACCOUNTS, ACCOUNTS_SIZE, Steps, followed, short
from imgforensics.layerrefused import LINKS, SHORT, refusals
from imgforensics.layertoc import TocFacts, TocKind, compare
from imgforensics.layerways import Ways
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import Anomaly, AnomalyKind, Digest, MemberKind, clean_path

_AUFS_STORE = ".wh..wh.plnk/"
_IS_FILE, _IS_SYMLINK, _IS_HARDLINK, _IS_DEVICE, _IS_FIFO, _IS_SPARSE = KINDS[1:7]
_MARKERS = (_IS_FILE, _IS_HARDLINK, _IS_SPARSE)
"""What whiteouts are: files, or, as aufs had them, hard links to one."""
_LAYER_SHARE = 10
"""What part of an archive's steps to follow links one layer may take by itself."""
_TOC_ENTRY = 256
"""Bytes of an entry in a table of contents; and of memory, about, to compare it."""


class LayerSurvey:
    """Collects what is kept of one layer: :meth:`add` its entries in order, then :meth:`finish` once."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._most = limits.layer_entries
        self._indexing = True
        self._counts = [0] * len(KINDS)
        self._size = 0
        self._columns = Columns()
        self._paths: set[int] = set()
        self._directories: dict[int, int] = {}
        self._folders: set[int] = set()
        self._late: set[int] = set()
        self._implied: list[str] = []
        self._alike: set[int] = set()
        self._folder = ""
        self._symlinks: dict[int, tuple[str, str]] = {}
        self._named = 0
        self._hardlinks: list[tuple[str, str, int]] = []
        self._removed: dict[int, Pending] = {}
        self._opaque: Counter[int] = Counter()
        self._emptied: dict[int, Pending] = {}
        # Files in aufs's store to which no hard link leads so far; those to which one did.
        self._plumbing: dict[str, Entry] = {}
        self._linked_store: set[int] = set()
        self._steps = Steps(limits.layer_steps // _LAYER_SHARE)
        self._ways = self._see()
        self._whiteouts = 0
        self._inventory = Inventory()
        self._note = self._inventory.note
        self._anomalies: list[Anomaly] = []

    def add(self, entries: Iterable[Entry]) -> None:
        """Take the next entries."""
        for entry in entries:
            if len(entry.name) > SHORT or entry.typeflag in LINKS:
                self._tell(entry, refusals(entry))
            self._take(entry)
        if self._steps.exceeded and self._indexing:
            self._give_up("too many steps to follow links in one layer")

    def finish(
        self, end: LayerEnd, toc: tuple[TocKind, Digest, bytes] | None = None, toc_elsewhere: str | None = None
    ) -> LayerFacts:
        """What is kept, now that the layer has ended, with its table of contents compared, if it has one.

        Args:
            end: how it ended.
            toc: kind, digest and text of the table.
            toc_elsewhere: where its readers look for it, if that is another place.
        """
        if end.damage is not None and end.damage.kind is AnomalyKind.LIMIT:
            self._anomalies.append(end.damage)
        for key, pending in self._removed.items():
            if key in self._paths and not pending.later:
                detail = f"{short(pending.target)} follows in the same layer"
                self._inventory.tell(Odd.WHITEOUT_BEFORE, pending.path, detail, pending.offset)
        for entry in self._plumbing.values():
            if entry.size:
                self._note(Odd.WHITEOUT_DATA, entry, f"{entry.size} bytes, and no hard link leads to it")
        compared = self._compared(toc) if toc is not None and self._indexing and end.damage is None else None
        return LayerFacts(
            end=end,
            counts={kind: count for kind, count in zip(KINDS, self._counts, strict=True) if count},
            size=self._size,
            whiteouts=self._whiteouts,
            opaques=sum(self._opaque.values()),
            privileges=self._inventory.result(),
            xattrs=dict(self._inventory.xattrs),
            odd=tuple(self._inventory.odd),
            odd_counts=dict(self._inventory.odd_counts),
            index=self._index() if self._indexing else None,
            toc=compared,
            toc_elsewhere=toc_elsewhere,
            anomalies=tuple(self._anomalies),
            alike=frozenset(self._alike),
        )

    def _compared(self, toc: tuple[TocKind, Digest, bytes]) -> TocFacts | None:
        most = self._limits.toc // _TOC_ENTRY
        if len(self._columns) > most:
            detail = f"a table of contents was not compared: the layer has more than {most} entries"
            self._anomalies.append(Anomaly(AnomalyKind.LIMIT, detail))
            return None
        return compare(*toc, self._columns.known())

    def _index(self) -> LayerIndex:
        links = (
            Pending(path, target, offset, later=hash(target) in self._paths) for path, target, offset in self._hardlinks
        )
        return LayerIndex(
            paths=array("q", sorted(self._paths)),
            folders=array("q", sorted(self._folders)),
            directories=array("q", sorted(self._directories)),
            implied=tuple(self._implied),
            symlinks=self._symlinks,
            late=frozenset(self._late),
            hardlinks=tuple(links),
            whiteouts=tuple(self._removed.values()),
            opaques=tuple(self._emptied.values()),
            removed=frozenset(self._removed),
            emptied=frozenset(self._emptied),
            named=self._named,
        )

    def _see(self) -> Ways:
        """What links lead to, and what lies below them, is looked up here."""
        held = (self._paths, self._directories, self._folders, self._symlinks)
        return Ways(*held, self._removed, self._emptied, self._limits, self._steps)

    def _take(self, entry: Entry) -> None:
        path, code = entry.path, kind_code(entry.kind)
        self._counts[code] += 1
        if entry.notes:
            self._inventory.headers(entry)
        if path is None:
            self._note(Odd.ESCAPES, entry, "the name climbs out of the layer's root")
            return
        if entry.pax and has_attributes(entry):
            self._inventory.attributes(entry)
        if entry.name[:1] == "/":
            self._note(Odd.ABSOLUTE, entry, "the name is absolute; readers cut the slash off")
        if ".wh." in path and self._is_whiteout(entry, path):
            if self._indexing:
                self._remember(entry, hash(path), code)
            return
        if self._indexing:
            self._place(entry, path, code)
        if entry.mode & (SETUID | SETGID) and code in WITH_RIGHTS:
            self._inventory.privileges(entry, path)
        if code == FILE:
            self._size += entry.size
            if path == TOC and entry.size > self._limits.toc:
                detail = f"a table of contents of {entry.size} bytes was not compared; {self._limits.toc} are the limit"
                self._anomalies.append(Anomaly(AnomalyKind.LIMIT, detail))
            if path in ACCOUNTS and entry.size > ACCOUNTS_SIZE:
                self._note(Odd.ACCOUNTS, entry, f"{entry.size} bytes, which runtimes read whole to look up a user")
        elif code != FOLDER:
            self._special(entry, path, entry.kind)

    def _place(self, entry: Entry, path: str, code: int) -> None:
        """Put an entry into the index."""
        if not path and code != FOLDER:
            self._note(Odd.ROOT_REPLACED, entry, f"the root is to be {kind_words(code)}")
        folder = path.rpartition("/")[0]
        if folder != self._folder:
            self._enter(entry, folder)
        key = hash(path)
        if key in self._paths:
            if path:
                self._again(entry, key, code)
        elif len(self._paths) >= self._most:
            self._give_up(f"more than {self._limits.layer_entries} entries in one layer")
            return
        else:
            self._paths.add(key)
            if key in self._folders:
                self._come_late(entry, key, code)
            if code == FOLDER:
                self._directories[key] = rights_of(entry)
        self._remember(entry, key, code)

    def _remember(self, entry: Entry, key: int, code: int) -> None:
        if len(self._columns) >= 2 * self._most:
            self._give_up(f"more than {2 * self._limits.layer_entries} entries in one layer, most of them twice")
            return
        self._columns.append(entry, key, code)

    def _enter(self, entry: Entry, folder: str) -> None:
        """Note the folders above an entry."""
        if len(folder) > self._limits.path or folder.count("/") > self._limits.path_depth:
            self._note(Odd.UNUSABLE, entry, "the path is longer or deeper than a system takes")
            return
        self._folder = folder
        while folder:
            key = hash(folder)
            if key in self._folders:
                return
            if len(self._folders) >= self._limits.layer_folders:
                self._give_up(f"more than {self._limits.layer_folders} folders in one layer")
                return
            self._folders.add(key)
            if key in self._symlinks:
                self._tell(entry, self._ways.below_link(*self._symlinks[key]))
            elif key in self._paths and key not in self._directories:
                self._note(Odd.BELOW_FILE, entry, f"{short(folder)} is no folder")
            elif key not in self._paths:
                self._imply(entry, folder, key)
            folder = folder.rpartition("/")[0]

    def _imply(self, entry: Entry, folder: str, key: int) -> None:
        """A folder that has no entry of its own so far."""
        if key in self._removed:
            self._note(Odd.BELOW_REMOVED, entry, f"{short(folder)} is removed by a whiteout before it")
        elif len(self._implied) >= self._limits.layer_links:
            self._give_up(f"more than {self._limits.layer_links} folders without entries of their own in one layer")
        elif not self._ways.gone(folder) and self._may_name(folder, ""):
            self._implied.append(folder)

    def _tell(self, entry: Entry, found: Iterable[tuple[Odd, str]]) -> None:
        for kind, detail in found:
            self._note(kind, entry, detail)

    def _come_late(self, entry: Entry, key: int, code: int) -> None:
        """An entry of a path that others in the layer lie in already."""
        if len(self._late) < self._limits.layer_folders:
            self._late.add(key)
        if code not in (FOLDER, SYMLINK):
            self._note(Odd.BELOW_FILE, entry, f"{kind_words(code)}, behind entries that lie in it as in a folder")

    def _again(self, entry: Entry, key: int, code: int) -> None:
        """A path that the layer has already."""
        if code == FOLDER and key in self._directories:
            self._note(Odd.FOLDER_TWICE, entry, "a folder")
            if self._directories[key] != rights_of(entry):
                self._note(Odd.FOLDER_OTHERWISE, entry, f"now with mode {entry.mode & 0o7777:o}, or another owner")
            return
        difference = self._columns.compare(entry, key, code)
        if difference is not None:
            self._note(Odd.TWICE_OTHERWISE, entry, difference)
        else:
            compared = f" of {entry.size} bytes, which were not compared" if entry.size else ""
            if entry.size and len(self._alike) < self._limits.layer_open:
                self._alike.add(key)
            self._note(Odd.TWICE, entry, f"each time {kind_words(code)}{compared}")

    def _special(self, entry: Entry, path: str, kind: MemberKind) -> None:
        """An entry that is neither file nor folder."""
        if kind is _IS_SYMLINK:
            self._symlink(entry, path)
        elif kind is _IS_HARDLINK:
            self._hardlink(entry, path)
        elif kind is _IS_DEVICE:
            self._inventory.device(entry, path)
        elif kind is _IS_FIFO:
            self._note(Odd.FIFO, entry, "a fifo")
        else:
            self._size += entry.size
            if path in ACCOUNTS and kind is _IS_SPARSE:
                self._note(Odd.ACCOUNTS, entry, "a sparse file, which grows to any size when runtimes read it")

    def _symlink(self, entry: Entry, path: str) -> None:
        if not self._indexing:
            return
        if len(path) > self._limits.path or len(entry.linkname) > self._limits.path:
            self._note(Odd.UNUSABLE, entry, "the path or the target is longer than a system takes")
            return
        self._alias(entry, path, entry.linkname)

    def _alias(self, entry: Entry, path: str, target: str) -> None:
        """A symlink, or a hard link to one, which is another."""
        if len(self._symlinks) >= self._limits.layer_links:
            self._give_up(f"more than {self._limits.layer_links} symlinks in one layer")
        elif self._may_name(path, target):
            key = hash(path)
            self._symlinks[key] = (path, target)
            if key in self._folders:
                self._tell(entry, self._ways.below_link(path, target))
            if key in self._directories:
                self._tell(entry, self._ways.through(path, target, Odd.FOLDER_DANGLES))

    def _hardlink(self, entry: Entry, path: str) -> None:
        from_root = clean_path(entry.linkname)
        if from_root is None:
            self._note(Odd.LINK_ESCAPES, entry, f"a hard link to {short(entry.linkname)}, out of the layer's root")
        elif max(len(path), len(from_root)) > self._limits.path:
            self._note(Odd.UNUSABLE, entry, "the path or the target is longer than a system takes")
        elif path == from_root:
            self._note(Odd.LINK_USELESS, entry, "a hard link to itself")
        elif hash(from_root) in self._directories:
            self._note(Odd.LINK_USELESS, entry, f"a hard link to {short(from_root)}, a folder")
        elif self._indexing and hash(from_root) in self._symlinks:
            self._alias(entry, path, self._symlinks[hash(from_root)][1])
        elif self._indexing and not self._linked(from_root):
            if len(self._hardlinks) < self._limits.layer_open:
                if self._may_name(path, from_root):
                    self._hardlinks.append((path, from_root, entry.header))
            else:
                self._give_up(f"more than {self._limits.layer_open} hard links before their targets in one layer")

    def _linked(self, target: str) -> bool:
        """Whether the layer holds a hard link's target so far, links among its folders followed, or aufs's store."""
        if self._plumbing.pop(target, None) is not None:
            self._linked_store.add(hash(target))
        for _ in range(self._limits.link_hops):
            if hash(target) in self._paths or hash(target) in self._linked_store:
                return True
            following = followed(target, self._symlinks, self._steps)
            if following is None:
                return False
            target = following[: self._limits.path]
        return False

    def _is_whiteout(self, entry: Entry, path: str) -> bool:
        if (found := whiteout(path)) is None:
            return False
        kind, target = found
        if kind is WhiteoutKind.PLUMBING:
            self._is_plumbing(entry, path)
            return True
        if entry.size or entry.kind not in _MARKERS:
            self._note(Odd.WHITEOUT_DATA, entry, f"{entry.size} bytes" if entry.size else f"a {entry.kind}")
        if len(path) > self._limits.path or path.count("/") > self._limits.path_depth:
            self._note(Odd.UNUSABLE, entry, "the path is longer or deeper than a system takes")
            return True
        if self._indexing:
            self._tell(entry, self._ways.above_whiteout(path))
        if kind is WhiteoutKind.OPAQUE:
            self._is_opaque(entry, path, target)
            return True
        self._whiteouts += 1
        if (last := target.rpartition("/")[2]) in ("", ".", ".."):
            self._note(Odd.BAD_WHITEOUT, entry, f"a whiteout of {last!r}: of its own folder, or the one above")
        elif self._indexing and self._may_open(len(self._removed)) and self._may_name(path, target):
            key = hash(target)
            after = key in self._paths or key in self._folders
            if key in self._removed:
                self._note(Odd.WHITEOUT_AGAIN, entry, f"{short(target)} is removed once more")
            self._removed[key] = Pending(path, target, entry.header, later=after)
            if after:
                self._note(Odd.WHITEOUT_AFTER, entry, f"{short(target)} stands before it in the same layer")
        return True

    def _is_plumbing(self, entry: Entry, path: str) -> None:
        """An entry of aufs's own: files in its store are for the hard links to them, nothing else has data."""
        if path.startswith(_AUFS_STORE) and entry.kind is _IS_FILE:
            if self._indexing and self._may_open(len(self._plumbing)) and self._may_name(path, ""):
                self._plumbing[path] = entry
        elif entry.size:
            self._note(Odd.WHITEOUT_DATA, entry, f"{entry.size} bytes")

    def _is_opaque(self, entry: Entry, path: str, folder: str) -> None:
        key = hash(folder)
        if key in self._opaque or (self._indexing and self._may_open(len(self._opaque))):
            self._opaque[key] += 1
            if self._opaque[key] > 1:
                self._note(Odd.OPAQUE_AGAIN, entry, f"the opaque marker of {short(folder) or 'the root'} once more")
            elif self._may_name(path, folder):
                self._emptied[key] = Pending(path, folder, entry.header)

    def _may_open(self, count: int) -> bool:
        """Whether one more may be kept of so many whiteouts of a kind."""
        if count >= self._limits.layer_open:
            self._give_up(f"more than {self._limits.layer_open} whiteouts of one kind in one layer")
        return self._indexing

    def _may_name(self, path: str, target: str) -> bool:
        """Count names that are to be kept."""
        self._named += len(path) + len(target)
        if self._named > self._limits.layer_names:
            self._give_up(f"more than {self._limits.layer_names} characters of names of links and whiteouts")
        return self._indexing

    def _give_up(self, detail: str) -> None:
        """Let the index go; the inventory goes on."""
        self._indexing = False
        self._anomalies.append(Anomaly(AnomalyKind.LIMIT, f"{detail}: what stands twice, or below links, was not told"))
        self._columns = Columns()
        self._paths, self._directories, self._folders, self._symlinks = set(), {}, set(), {}
        self._late, self._emptied, self._plumbing = set(), {}, {}
        self._implied, self._alike = [], set()
        self._ways = self._see()
