"""Entries of one layer in, its :class:`~imgforensics.layerfacts.LayerFacts` out, in bounded memory. No I/O."""

from array import array
from collections import Counter
from collections.abc import Iterable

from imgforensics.layercolumns import FILE, FOLDER, KINDS, Columns, kind_code, kind_words, owner_of
from imgforensics.layerentry import TOC, Entry, LayerEnd, WhiteoutKind, whiteout
from imgforensics.layerfacts import KEPT, NAMED, LayerFacts, LayerIndex, Odd, OddEntry, Pending, Privileges
from imgforensics.layernames import ACCOUNTS, ACCOUNTS_SIZE, USUAL_DEVICES, climbs_out, short
from imgforensics.layertoc import TocFacts, TocKind, compare
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import Anomaly, AnomalyKind, Digest, MemberKind, clean_path

SETUID, SETGID, OTHERS_WRITE = 0o4000, 0o2000, 0o002

_AMBIGUOUS = frozenset(
    {
        AnomalyKind.PAX_OVERRIDES,
        AnomalyKind.STACKED_EXTENSION,
        AnomalyKind.DATA_ON_LINK,
        AnomalyKind.DIRECTORY_WITH_DATA,
        AnomalyKind.NAME_HAS_NUL,
    }
)
"""Oddities of headers by which readers see other entries, or other names."""

_IS_FILE, _IS_SYMLINK, _IS_HARDLINK, _IS_DEVICE, _IS_FIFO = KINDS[1:6]
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
        self._folder = ""
        self._symlinks: dict[int, tuple[str, str]] = {}
        self._named = 0
        self._hardlinks: list[tuple[str, str, int]] = []
        self._removed: dict[int, Pending] = {}
        self._opaque: Counter[int] = Counter()
        self._whiteouts = 0
        self._setuid: list[str] = []
        self._setgid: list[str] = []
        self._capabilities: list[str] = []
        self._privileged = [0, 0, 0]
        self._xattrs: Counter[str] = Counter()
        self._odd: list[OddEntry] = []
        self._odd_counts: Counter[Odd] = Counter()
        self._anomalies: list[Anomaly] = []

    def add(self, entries: Iterable[Entry]) -> None:
        """Take the next entries."""
        for entry in entries:
            self._take(entry)

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
                self._tell(Odd.WHITEOUT_BEFORE, pending.path, detail, pending.offset)
        setuid, setgid, capabilities = self._privileged
        compared = self._compared(toc) if toc is not None and self._indexing and end.damage is None else None
        return LayerFacts(
            end=end,
            counts={kind: count for kind, count in zip(KINDS, self._counts, strict=True) if count},
            size=self._size,
            whiteouts=self._whiteouts,
            opaques=sum(self._opaque.values()),
            privileges=Privileges(
                tuple(self._setuid), tuple(self._setgid), tuple(self._capabilities), setuid, setgid, capabilities
            ),
            xattrs=dict(self._xattrs),
            odd=tuple(self._odd),
            odd_counts=dict(self._odd_counts),
            index=self._index() if self._indexing else None,
            toc=compared,
            toc_elsewhere=toc_elsewhere,
            anomalies=tuple(self._anomalies),
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
            symlinks=self._symlinks,
            hardlinks=tuple(links),
            whiteouts=tuple(self._removed.values()),
            named=self._named,
        )

    def _take(self, entry: Entry) -> None:
        path, code = entry.path, kind_code(entry.kind)
        self._counts[code] += 1
        if entry.notes:
            self._headers(entry)
        if path is None:
            self._note(Odd.ESCAPES, entry, "the name climbs out of the layer's root")
            return
        if entry.pax:
            self._attributes(entry)
        if entry.name[:1] == "/":
            self._note(Odd.ABSOLUTE, entry, "the name is absolute; readers cut the slash off")
        if ".wh." in path and self._is_whiteout(entry, path):
            if self._indexing:
                self._remember(entry, hash(path), code)
            return
        if self._indexing:
            self._place(entry, path, code)
        if code == FILE:
            self._size += entry.size
            if entry.mode & (SETUID | SETGID):
                self._privileges(entry, path)
            if path == TOC and entry.size > self._limits.toc:
                detail = f"a table of contents of {entry.size} bytes was not compared; {self._limits.toc} are the limit"
                self._anomalies.append(Anomaly(AnomalyKind.LIMIT, detail))
            if path in ACCOUNTS and entry.size > ACCOUNTS_SIZE:
                self._note(Odd.ACCOUNTS, entry, f"{entry.size} bytes, which runtimes read whole to look up a user")
        elif code != FOLDER:
            self._special(entry, path, entry.kind)

    def _place(self, entry: Entry, path: str, code: int) -> None:
        """Put an entry into the index."""
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
            if code == FOLDER:
                self._directories[key] = _rights(entry)
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
                self._below(entry, *self._symlinks[key])
            folder = folder.rpartition("/")[0]

    def _below(self, entry: Entry, link: str, target: str) -> None:
        """An entry stands below a symlink of its own layer."""
        leads_out = target.startswith("/") or climbs_out(link, target)
        detail = f"below {short(link)}, a symlink to {short(target)} in the same layer"
        self._note(Odd.BELOW_LEADING_OUT if leads_out else Odd.BELOW_SYMLINK, entry, detail)

    def _again(self, entry: Entry, key: int, code: int) -> None:
        """A path that the layer has already."""
        if code == FOLDER and key in self._directories:
            self._note(Odd.FOLDER_TWICE, entry, "a folder")
            if self._directories[key] != _rights(entry):
                self._note(Odd.FOLDER_OTHERWISE, entry, f"now with mode {entry.mode & 0o7777:o}, or another owner")
            return
        difference = self._columns.compare(entry, key, code)
        if difference is not None:
            self._note(Odd.TWICE_OTHERWISE, entry, difference)
        else:
            compared = f" of {entry.size} bytes, which were not compared" if entry.size else ""
            self._note(Odd.TWICE, entry, f"each time {kind_words(code)}{compared}")

    def _special(self, entry: Entry, path: str, kind: MemberKind) -> None:
        """An entry that is neither file nor folder."""
        if kind is _IS_SYMLINK:
            self._symlink(entry, path)
        elif kind is _IS_HARDLINK:
            self._hardlink(entry, path)
        elif kind is _IS_DEVICE:
            what = "character" if entry.typeflag == "3" else "block"
            number = f"{entry.devmajor}:{entry.devminor}"
            usual = entry.typeflag == "3" and USUAL_DEVICES.get(path) == number
            self._note(Odd.USUAL_DEVICE if usual else Odd.DEVICE, entry, f"a {what} device {number}")
        elif kind is _IS_FIFO:
            self._note(Odd.FIFO, entry, "a fifo")
        else:
            self._size += entry.size

    def _symlink(self, entry: Entry, path: str) -> None:
        if not self._indexing:
            return
        if len(self._symlinks) >= self._limits.layer_links:
            self._give_up(f"more than {self._limits.layer_links} symlinks in one layer")
            return
        if len(path) > self._limits.path or len(entry.linkname) > self._limits.path:
            self._note(Odd.UNUSABLE, entry, "the path or the target is longer than a system takes")
            return
        if not self._may_name(path, entry.linkname):
            return
        key = hash(path)
        self._symlinks[key] = (path, entry.linkname)
        if key in self._folders:
            self._below(entry, path, entry.linkname)

    def _hardlink(self, entry: Entry, path: str) -> None:
        from_root = clean_path(entry.linkname)
        if from_root is None:
            self._note(Odd.LINK_ESCAPES, entry, f"a hard link to {short(entry.linkname)}, out of the layer's root")
        elif max(len(path), len(from_root)) > self._limits.path:
            self._note(Odd.UNUSABLE, entry, "the path or the target is longer than a system takes")
        elif self._indexing and hash(from_root) not in self._paths:
            if len(self._hardlinks) < self._limits.layer_open:
                if self._may_name(path, from_root):
                    self._hardlinks.append((path, from_root, entry.header))
            else:
                self._give_up(f"more than {self._limits.layer_open} hard links before their targets in one layer")

    def _is_whiteout(self, entry: Entry, path: str) -> bool:
        found = whiteout(path)
        if found is None:
            return False
        kind, target = found
        if kind is WhiteoutKind.PLUMBING:
            return True
        if kind is WhiteoutKind.OPAQUE:
            self._is_opaque(entry, target)
            return True
        self._whiteouts += 1
        last = target.rpartition("/")[2]
        if last in ("", ".", ".."):
            self._note(Odd.BAD_WHITEOUT, entry, f"a whiteout of {last!r}: of its own folder, or the one above")
        elif self._indexing and len(self._removed) < self._limits.layer_open and len(path) <= self._limits.path:
            key = hash(target)
            after = key in self._paths
            if not self._may_name(path, target):
                return True
            self._removed[key] = Pending(path, target, entry.header, later=after)
            if after:
                self._note(Odd.WHITEOUT_AFTER, entry, f"{short(target)} stands before it in the same layer")
        return True

    def _is_opaque(self, entry: Entry, folder: str) -> None:
        key = hash(folder)
        if len(self._opaque) < self._limits.layer_folders or key in self._opaque:
            self._opaque[key] += 1
            if self._opaque[key] > 1:
                self._note(Odd.OPAQUE_AGAIN, entry, f"the opaque marker of {short(folder) or 'the root'} once more")

    def _may_name(self, path: str, target: str) -> bool:
        """Count names that are to be kept."""
        self._named += len(path) + len(target)
        if self._named > self._limits.layer_names:
            self._give_up(f"more than {self._limits.layer_names} characters of names of links and whiteouts")
        return self._indexing

    def _privileges(self, entry: Entry, path: str) -> None:
        if entry.mode & SETUID:
            self._privileged[0] += 1
            _keep(self._setuid, path)
        else:
            self._privileged[1] += 1
            _keep(self._setgid, path)
        if entry.mode & OTHERS_WRITE:
            self._note(
                Odd.WRITABLE_PRIVILEGED, entry, f"mode {entry.mode:o}: everyone may write what runs as its owner"
            )

    def _attributes(self, entry: Entry) -> None:
        for name in entry.xattrs:
            if name in self._xattrs or len(self._xattrs) < NAMED:
                self._xattrs[short(name)] += 1
            if name.startswith(("trusted.overlay.", "user.overlay.")):
                self._note(Odd.OVERLAY_XATTR, entry, f"the attribute {short(name)}")
            elif name.startswith("trusted."):
                self._note(Odd.TRUSTED_XATTR, entry, f"the attribute {short(name)}")
            elif name == "security.capability" and entry.kind is _IS_FILE:
                self._privileged[2] += 1
                _keep(self._capabilities, entry.path or "")
                if entry.mode & OTHERS_WRITE:
                    detail = f"mode {entry.mode:o} and capabilities: everyone may write what runs with them"
                    self._note(Odd.WRITABLE_PRIVILEGED, entry, detail)

    def _headers(self, entry: Entry) -> None:
        """What is odd about an entry's headers; the worst of it."""
        ambiguous = next((note for note in entry.notes if note[0] in _AMBIGUOUS), None)
        kind, detail = ambiguous or entry.notes[0]
        self._note(Odd.HEADER_AMBIGUOUS if ambiguous else Odd.HEADER, entry, f"{kind}: {detail}")

    def _note(self, kind: Odd, entry: Entry, detail: str) -> None:
        self._tell(kind, entry.name, detail, entry.header)

    def _tell(self, kind: Odd, name: str, detail: str, offset: int) -> None:
        self._odd_counts[kind] += 1
        if self._odd_counts[kind] <= KEPT:
            self._odd.append(OddEntry(kind, short(name), detail, offset))

    def _give_up(self, detail: str) -> None:
        """Let the index go; the inventory goes on."""
        self._indexing = False
        self._anomalies.append(Anomaly(AnomalyKind.LIMIT, f"{detail}: what stands twice, or below links, was not told"))
        self._columns = Columns()
        self._paths, self._directories, self._folders, self._symlinks = set(), {}, set(), {}


def _rights(entry: Entry) -> int:
    """What stands for a folder's mode and owner."""
    return hash((entry.mode & 0o7777, owner_of(entry)))


def _keep(names: list[str], path: str) -> None:
    if len(names) < NAMED:
        names.append(short(path))
