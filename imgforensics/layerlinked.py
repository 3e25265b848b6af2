"""Entries that lie in the place of others of their layer since a symlink leads there. The layer is read again. No I/O.

``s/app`` behind ``s``, a symlink to ``bin``, is written to ``bin/app``: programs that unpack resolve the links among an
entry's folders inside the root (containerd ``fs.RootPath``; moby and containers/storage unpack in a chroot). Which
places are reached so twice is found by one reading, what is different there by another; mostly there is none.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from imgforensics.layercolumns import FILE, FOLDER, Columns, kind_code, kind_words
from imgforensics.layerentry import Entry, whiteout
from imgforensics.layerfacts import KEPT, LayerFacts, LayerIndex, Odd, OddEntry
from imgforensics.layerfiles import entries, hashed
from imgforensics.layernames import Steps, followed, short
from imgforensics.limits import Limits
from imgforensics.model import Anomaly, AnomalyKind, MemberKind, clean_path

_SHARE = 10
"""What one layer may take of the steps of an archive: a tenth, as in the first reading."""

Chunks = Iterable[bytes | memoryview]
Found = tuple[Entry, Odd, str]
_Hashed = tuple[Entry, bytes | None]
"""An entry, and the SHA-256 of its data, where it was computed."""


def asks(facts: LayerFacts) -> bool:
    """Whether the layer has entries below symlinks of its own, so that it has to be read again."""
    below = facts.odd_counts.get(Odd.BELOW_SYMLINK, 0) or facts.odd_counts.get(Odd.BELOW_LEADING_OUT, 0)
    return bool(below) and facts.index is not None


def told(facts: LayerFacts, read: Callable[[], Chunks], limits: Limits) -> LayerFacts:
    """The facts of a layer, with entries that overwrite others through a symlink.

    Args:
        facts: what the first reading found, for which :func:`asks` holds.
        read: begins to read the layer, uncompressed, in chunks that are each valid until the next is asked for.
        limits: bounds on the reading.
    """
    steps = Steps(limits.layer_steps // _SHARE)
    index = facts.index or LayerIndex()
    twice = _reached_twice(_places(_unhashed(read(), limits), limits, steps), index)
    counts, odd = dict(facts.odd_counts), list(facts.odd)
    if twice:
        for entry, kind, detail in _Overwritten(index, twice).found(read(), limits, steps):
            counts[kind] = counts.get(kind, 0) + 1
            if counts[kind] <= KEPT:
                odd.append(OddEntry(kind, short(entry.name), detail, entry.header))
    anomalies = facts.anomalies
    if steps.exceeded:
        detail = "too many steps to follow links in one layer: what is overwritten through them was not told"
        anomalies = (*anomalies, Anomaly(AnomalyKind.LIMIT, detail))
    return replace(facts, odd=tuple(odd), odd_counts=counts, anomalies=anomalies)


def _unhashed(chunks: Chunks, limits: Limits) -> Iterator[_Hashed]:
    return ((entry, None) for entry in entries(chunks, limits))


def _places(walked: Iterable[_Hashed], limits: Limits, steps: Steps) -> Iterator[tuple[Entry, str, bytes | None]]:
    """Entries but whiteouts, each with the path that it comes to lie at: the symlinks before it are followed."""
    links: dict[int, tuple[str, str]] = {}
    for entry, digest in walked:
        place = entry.path
        if not place or len(place) > limits.path or whiteout(place) is not None:
            continue
        for _ in range(limits.link_hops if links else 0):
            following = followed(place, links, steps)
            if following is None:
                break
            place = following[: limits.path]
        if steps.exceeded:
            return
        yield entry, place, digest
        linked = links.get(hash(clean_path(entry.linkname))) if entry.kind is MemberKind.HARDLINK else None
        if entry.kind is MemberKind.SYMLINK:
            links[hash(place)] = place, entry.linkname[: limits.path]
        elif linked is not None:  # a hard link to a symlink is one
            links[hash(place)] = place, linked[1]
        else:
            links.pop(hash(place), None)


def _reached_twice(placed: Iterable[tuple[Entry, str, object]], index: LayerIndex) -> set[int]:
    """Hashes of the paths that a symlink leads an entry to, and where something else may lie; of two folders none."""
    reached: dict[int, bool] = {}
    twice: set[int] = set()
    for entry, place, _ in placed:
        if place != entry.path:
            key, is_folder = hash(place), entry.kind is MemberKind.DIRECTORY
            made = index.makes_folder(key)
            both_folders = is_folder and (made or not index.has(key)) and reached.get(key, True)
            if not both_folders and (made or index.has(key) or key in reached):
                twice.add(key)
            reached[key] = is_folder and reached.get(key, True)
    return twice


class _Overwritten:
    """Compares the entries that come to lie at some paths."""

    def __init__(self, index: LayerIndex, twice: set[int]) -> None:
        self._index = index
        self._twice = twice
        self._columns = Columns()
        self._first: dict[int, tuple[str, int, bytes | None]] = {}

    def found(self, chunks: Chunks, limits: Limits, steps: Steps) -> Iterator[Found]:
        """What lies where an entry of another name does, in order; folders that are listed again are not among it."""
        for entry, place, digest in _places(hashed(chunks, limits), limits, steps):
            if hash(place) in self._twice:
                yield from self._compared(entry, place, digest)

    def _compared(self, entry: Entry, place: str, digest: bytes | None) -> Iterator[Found]:
        key, code, path = hash(place), kind_code(entry.kind), entry.path or ""
        before = self._first.get(key)
        if before is None:
            self._columns.append(entry, key, code)
            self._first[key] = path, code, digest
            if code != FOLDER and path != place and self._index.makes_folder(key):
                detail = f"it comes to lie at {short(place)}, a folder of the same layer"
                yield entry, Odd.TWICE_LINKED_OTHERWISE, detail
            return
        first, first_code, first_digest = before
        if first == path or code == first_code == FOLDER:
            return
        before_it = "" if first == place else f", as {short(first)} before it"
        where = f"it comes to lie at {short(place)}{before_it}: "
        difference = self._columns.compare(entry, key, code)
        if difference is None and digest != first_digest:
            difference = f"each time a file of {entry.size} bytes, with others"
        if difference is not None:
            yield entry, Odd.TWICE_LINKED_OTHERWISE, where + difference
        else:
            same = " with the same bytes" if code == FILE else ""
            yield entry, Odd.TWICE_LINKED, f"{where}each time {kind_words(code)}{same}"
