"""Layers read once more: their entries, and the SHA-256 of every file, as the bytes come. No I/O of its own."""

import hashlib
from collections.abc import Callable, Generator, Iterable

from imgforensics.catalogue import Catalogue
from imgforensics.layerentry import Entry, LayerEnd
from imgforensics.layerwalk import LayerWalker
from imgforensics.limits import Limits
from imgforensics.model import Compression

Opener = Callable[[int], Iterable[bytes | memoryview]]
"""Uncompressed bytes of a member by its index, in chunks that are each valid until the next is asked for."""

Walked = Generator[Entry, None, LayerEnd]
Hashed = Generator[tuple[Entry, bytes | None], None, LayerEnd]


def why_closed(catalogue: Catalogue, member: int | None) -> str | None:
    """Why a layer's entries cannot be read, None where they can: then as far as its stream is sound."""
    if member is None:
        return "it is not in the archive"
    if member in catalogue.unmeasured:
        return catalogue.unmeasured[member]
    blob = catalogue.blobs.get(member)
    if blob is None:
        return "it is no regular member"
    if blob.compression is Compression.UNSUPPORTED:
        return "its compression cannot be undone here"
    if catalogue.unexpanded(member):
        return "it is a sparse member that could not be put together"
    return None


def entries(chunks: Iterable[bytes | memoryview], limits: Limits) -> Walked:
    """The entries of a layer; returns how it ended."""
    walker = LayerWalker(limits)
    for chunk in chunks:
        yield from walker.feed(chunk)
    return walker.finish()


def hashed(chunks: Iterable[bytes | memoryview], limits: Limits) -> Hashed:
    """The entries of a layer, each with the SHA-256 of its data, None where it has none.

    Of a sparse file it is that of the data as stored, map and all; of one that is cut off, that of what is there.
    """
    walker = LayerWalker(limits)
    open_entry: _Open | None = None
    base = 0
    for chunk in chunks:
        view = memoryview(chunk)
        if open_entry is not None and open_entry.take(view, base):
            yield open_entry.closed()
            open_entry = None
        for entry in walker.feed(view):
            if not entry.size:
                yield entry, None
                continue
            open_entry = _Open(entry)
            if open_entry.take(view, base):
                yield open_entry.closed()
                open_entry = None
        base += len(view)
    if open_entry is not None:
        yield open_entry.closed()
    return walker.finish()


class _Open:
    """An entry whose data have not all come."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._end = entry.data + entry.size
        self._sha256 = hashlib.sha256()

    def take(self, view: memoryview, base: int) -> bool:
        """Hash what of the data lies in these bytes, which begin at ``base``; whether that was all."""
        self._sha256.update(view[max(0, self.entry.data - base) : max(0, self._end - base)])
        return self._end <= base + len(view)

    def closed(self) -> tuple[Entry, bytes]:
        """The entry, and the SHA-256 of its data so far."""
        return self.entry, self._sha256.digest()
