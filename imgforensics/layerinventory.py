"""What of a layer's entries is counted and named: privileged files, attributes, and whatever is odd. No I/O."""

from collections import Counter

from imgforensics.layercolumns import FILE, HARDLINK, KINDS, kind_code
from imgforensics.layerentry import Entry, whiteout
from imgforensics.layerfacts import KEPT, NAMED, Odd, OddEntry, Privileges
from imgforensics.layernames import HANDLED_TYPES, USUAL_DEVICES, short
from imgforensics.linux import Refusal, refused_attributes
from imgforensics.model import AnomalyKind, MemberKind

SETUID, SETGID, OTHERS_WRITE = 0o4000, 0o2000, 0o002

_AMBIGUOUS = frozenset(
    {
        AnomalyKind.BAD_SIZE,
        AnomalyKind.PAX_OVERRIDES,
        AnomalyKind.STACKED_EXTENSION,
        AnomalyKind.DATA_ON_LINK,
        AnomalyKind.DIRECTORY_WITH_DATA,
        AnomalyKind.NAME_HAS_NUL,
        AnomalyKind.COUNTED_PREFIX,
        AnomalyKind.ODD_CHECKSUM,
    }
)
"""Oddities of headers by which readers see other entries, or other names."""
WITH_RIGHTS = frozenset((FILE, HARDLINK, KINDS.index(MemberKind.SPARSE)))
"""What has a mode that counts when it is run. Runtimes give that of a hard link's entry to its target."""

_REFUSED = {
    Refusal.BY_ALL: Odd.REFUSED,
    Refusal.TRUSTED: Odd.REFUSED_TRUSTED,
    Refusal.FORBIDDEN: Odd.REFUSED_FORBIDDEN,
}


class Inventory:
    """Collects it, entry by entry."""

    def __init__(self) -> None:
        self._setuid: list[str] = []
        self._setgid: list[str] = []
        self._capabilities: list[str] = []
        self._privileged = [0, 0, 0]
        self.xattrs: Counter[str] = Counter()
        """Names of extended attributes, so many at most, to how many entries have them."""
        self.odd: list[OddEntry] = []
        """Of each kind so many at most, in order."""
        self.odd_counts: Counter[Odd] = Counter()
        """How many there are of each kind."""

    def result(self) -> Privileges:
        """The privileged files."""
        setuid, setgid, capabilities = self._privileged
        return Privileges(
            tuple(self._setuid), tuple(self._setgid), tuple(self._capabilities), setuid, setgid, capabilities
        )

    def privileges(self, entry: Entry, path: str) -> None:
        """A file with the setuid or the setgid bit."""
        if entry.mode & SETUID:
            self._privileged[0] += 1
            _keep(self._setuid, path)
        else:
            self._privileged[1] += 1
            _keep(self._setgid, path)
        if entry.mode & OTHERS_WRITE:
            self.note(Odd.WRITABLE_PRIVILEGED, entry, f"mode {entry.mode:o}: everyone may write what runs as its owner")

    def attributes(self, entry: Entry) -> None:
        """The extended attributes of an entry that has some; of a whiteout, programs set none."""
        if whiteout(entry.path or "") is None:
            for who, trouble in refused_attributes(entry.pax, entry.kind).items():
                self.note(_REFUSED[who], entry, trouble)
        for name in entry.xattrs:
            if name in self.xattrs or len(self.xattrs) < NAMED:
                self.xattrs[short(name)] += 1
            if name.startswith(("trusted.overlay.", "user.overlay.")):
                self.note(Odd.OVERLAY_XATTR, entry, f"the attribute {short(name)}")
            elif name.startswith("trusted."):
                self.note(Odd.TRUSTED_XATTR, entry, f"the attribute {short(name)}")
            elif name == "security.capability" and kind_code(entry.kind) in WITH_RIGHTS:
                self._privileged[2] += 1
                _keep(self._capabilities, entry.path or "")
                if entry.mode & OTHERS_WRITE:
                    detail = f"mode {entry.mode:o} and capabilities: everyone may write what runs with them"
                    self.note(Odd.WRITABLE_PRIVILEGED, entry, detail)

    def headers(self, entry: Entry) -> None:
        """What is odd about an entry's headers; the worst of it."""
        if entry.typeflag not in HANDLED_TYPES:
            self.note(Odd.UNHANDLED, entry, f"type {entry.typeflag!r}")
            return
        # Every reader passes over the sizes of these types alike; GNU tar skips as much behind a symlink.
        agreed = AnomalyKind.DATA_ON_LINK if entry.typeflag == "1" else AnomalyKind.DIRECTORY_WITH_DATA
        harmless = (agreed,) if entry.typeflag in "15" else ()
        ambiguous = next((note for note in entry.notes if note[0] in _AMBIGUOUS and note[0] not in harmless), None)
        kind, detail = ambiguous or entry.notes[0]
        self.note(Odd.HEADER_AMBIGUOUS if ambiguous else Odd.HEADER, entry, f"{kind}: {detail}")

    def device(self, entry: Entry, path: str) -> None:
        """A device: whether every container has it, or one that is unpacked inside of it."""
        what = "character" if entry.typeflag == "3" else "block"
        number = f"{entry.devmajor}:{entry.devminor}"
        usual = entry.typeflag == "3" and USUAL_DEVICES.get("/".join(path.split("/")[-2:])) == number
        self.note(Odd.USUAL_DEVICE if usual else Odd.DEVICE, entry, f"a {what} device {number}")

    def note(self, kind: Odd, entry: Entry, detail: str) -> None:
        """Something is odd about an entry."""
        self.tell(kind, entry.name, detail, entry.header)

    def tell(self, kind: Odd, name: str, detail: str, offset: int) -> None:
        """Something is odd about an entry of this name, whose header stands at this offset; all are counted."""
        self.odd_counts[kind] += 1
        if self.odd_counts[kind] <= KEPT:
            self.odd.append(OddEntry(kind, short(name), detail, offset))


def _keep(names: list[str], path: str) -> None:
    if len(names) < NAMED:
        names.append(short(path))
