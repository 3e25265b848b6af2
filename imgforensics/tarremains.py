"""Bytes in a tar where nothing belongs: in the padding behind data, and in unused fields of headers. No I/O.

Data fill whole blocks, and what is left of the last one is zeros; so is a header's text field behind its first NUL, so
are the fields that a format does not have, and a link's target on what is no link. Every tool that writes images leaves
zeros there, and no reader looks: whatever stands in one of these places survives any listing, and is in no digest.
"""

import hashlib
from collections.abc import Iterator

from imgforensics.model import Anomaly, AnomalyKind, Digest, Span
from imgforensics.tarheader import Header
from imgforensics.tartext import show

_TEXTS = ((0, 100, "name"), (157, 257, "linkname"), (265, 297, "uname"), (297, 329, "gname"))
_UNUSED = {
    "v7": ((257, 512),),
    "ustar": ((500, 512),),
    "gnu": ((369, 386), (386, 495), (495, 512)),
    "star": ((500, 508),),
}
"""Start and end of what is behind the fields of each format. GNU's times (345 to 369) are those of incremental backups;
then come offset, long names and a free byte, the sparse map with its real size, and what is free."""

_LINKS = "12"
_OFFSETS = "M"
_SPARSE = "S"

_TOLD = 20
"""Places that are told one by one. Where there are more, it is one habit of one writer."""


class Remains:
    """What one walk met of such bytes."""

    def __init__(self) -> None:
        self._places = 0
        self._untold = hashlib.sha256()

    def padding(self, data: bytes, offset: int, member: int | None) -> tuple[Anomaly, ...]:
        """The anomaly to tell of the padding at this offset, behind the data of this member; none where it is zeros."""
        text = data.strip(b"\0")
        if not text:
            return ()
        return self._tell("behind the data", text, Span(offset + data.index(text), len(text)), member)

    def fields(self, block: bytes, header: Header, offset: int) -> tuple[Anomaly, ...]:
        """The same of the header in this block, which begins at this offset."""
        areas = list(_used_areas(block, header))
        if not areas:
            return ()
        text = b"".join(block[start:end] for start, end, _ in areas)
        words = ", ".join(dict.fromkeys(where for _, _, where in areas))
        span = Span(offset + areas[0][0], areas[-1][1] - areas[0][0])
        return self._tell(words, text, span, None)

    def rest(self) -> tuple[Anomaly, ...]:
        """At the end of the walk: how many places there were that were not told."""
        more = self._places - _TOLD
        if more <= 0:
            return ()
        digest = Digest.sha256(self._untold.hexdigest())
        return (Anomaly(AnomalyKind.DATA_IN_PADDING, f"and {more} more such places", digest=digest),)

    def _tell(self, where: str, text: bytes, span: Span, member: int | None) -> tuple[Anomaly, ...]:
        self._places += 1
        if self._places > _TOLD:
            self._untold.update(text)
            return ()
        detail = f"{len(text)} bytes {where}: {show(text)}"
        return (Anomaly(AnomalyKind.DATA_IN_PADDING, detail, span, member, digest=Digest.of(text)),)


def _used_areas(block: bytes, header: Header) -> Iterator[tuple[int, int, str]]:
    """Start and end, in the block, of each area that holds other bytes than zeros, and where it is, in words."""
    for start, end, name in _TEXTS if header.format != "v7" else _TEXTS[:2]:
        if block.count(0, start, end) < end - start:
            used = start if name == "linkname" and header.typeflag not in _LINKS else block.find(0, start, end)
            if used >= 0 and block.count(0, used, end) < end - used:
                yield from _area(block, used, end, f"behind the {name}" if used > start else f"as the {name}")
    if header.format in ("ustar", "star"):
        end = 500 if header.format == "ustar" else 476
        used = block.find(0, 345, end)
        if used >= 0:
            yield from _area(block, used, end, "behind the prefix")
    taken = 345 + len(header.stray_prefix) if header.stray_prefix else 0
    for start, end in _UNUSED[header.format]:
        if not (header.typeflag in _OFFSETS and start == 369) and not (header.typeflag == _SPARSE and start == 386):
            behind = max(start, min(taken, end))
            yield from _area(block, behind, end, f"in unused bytes {start} to {end} of a header")


def _area(block: bytes, start: int, end: int, where: str) -> Iterator[tuple[int, int, str]]:
    if block.count(0, start, end) < end - start:
        text = block[start:end].strip(b"\0")
        first = block.index(text, start)
        yield first, first + len(text), where
