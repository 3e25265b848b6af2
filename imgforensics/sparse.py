"""GNU tar's sparse files: the map of what is stored and what are holes, and the bytes put together by it. No I/O.

Four ways to store the map (GNU tar manual, "Storing Sparse Files"):

========  ==============================================================================================================
old GNU   type ``S``: four pairs in the header, 21 in each further block; the whole size at offset 483
PAX 0.0   records ``GNU.sparse.offset`` and ``GNU.sparse.numbytes``, by turns; ``GNU.sparse.size``
PAX 0.1   one record ``GNU.sparse.map``; ``GNU.sparse.size``
PAX 1.0   before the data, in decimal lines up to a block boundary; ``GNU.sparse.realsize``
========  ==============================================================================================================

A map can claim holes of any size (CVE-2025-58183), so that all holes of an archive are bounded together, and a map that
is not in order, does not fit the stored bytes or exceeds the bound is no map.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from imgforensics.limits import Limits
from imgforensics.model import Member, MemberKind
from imgforensics.tarextensions import EXTENSIONS
from imgforensics.tarheader import BLOCK, SPARSE_MAP_MORE, parse_header, parse_number

_Read = Callable[[int, int], bytes]
_Pairs = list[tuple[int, int]]


_OLDER = (("0", "0"), ("0", "1"))
"""Versions whose map stands in records."""


@dataclass(frozen=True, slots=True)
class SparseLayout:
    """How one sparse member is put together."""

    size: int
    """Bytes of the whole, holes included."""
    start: int
    """Offset of the first stored byte in the tar."""
    extents: tuple[tuple[int, int], ...]
    """Offset in the whole, and length, of each stored stretch, in order."""

    def pieces(self, chunks: Callable[[int, int], Iterator[memoryview]], most: int) -> Iterator[memoryview]:
        """The whole, piece by piece; each is valid until the next is asked for.

        Args:
            chunks: gives the bytes of the tar from an offset on, so many.
            most: bytes of a hole handed out at a time.
        """
        zeros = memoryview(bytes(min(most, self.size)))
        at, stored = 0, self.start
        for offset, length in (*self.extents, (self.size, 0)):
            while at < offset:
                hole = zeros[: offset - at]
                yield hole
                at += len(hole)
            yield from chunks(stored, length)
            stored, at = stored + length, at + length


def sparse_layouts(members: Iterable[Member], read: _Read, limits: Limits) -> dict[int, SparseLayout]:
    """The layout of every sparse member that can be put together, by its index."""
    layouts = {}
    budget = limits.holes
    for member in members:
        if member.kind is MemberKind.SPARSE and member.present == member.data.length:
            layout = _layout(member, read, limits)
            if layout is not None and layout.size - member.data.length <= budget:
                budget -= max(0, layout.size - member.data.length)
                layouts[member.index] = layout
    return layouts


def _layout(member: Member, read: _Read, limits: Limits) -> SparseLayout | None:
    records = dict(member.pax)
    start = member.data.offset
    try:
        if member.typeflag == "S":
            size, pairs = _old_map(member, read, limits)
        elif (
            "GNU.sparse.major" in records
            and (records["GNU.sparse.major"], records.get("GNU.sparse.minor")) not in _OLDER
        ):
            if (records["GNU.sparse.major"], records.get("GNU.sparse.minor")) != ("1", "0"):
                return None
            text = read(start, min(member.data.length, limits.extension))
            pairs, used = _map_in_data(text)
            start += used
            size = _decimal(records["GNU.sparse.realsize"].encode())
        else:
            size = _decimal(records["GNU.sparse.size"].encode())
            pairs = _map_in_records(member)
    except (ValueError, KeyError, IndexError):
        return None
    at = 0
    for offset, length in pairs:
        if offset < at or length < 0:
            return None
        at = offset + length
    if at > size or start + sum(length for _, length in pairs) != member.data.end:
        return None
    return SparseLayout(size, start, tuple(pairs))


def _old_map(member: Member, read: _Read, limits: Limits) -> tuple[int, _Pairs]:
    at = member.header.offset
    header = read(at, BLOCK)
    while chr(header[156]) in EXTENSIONS:
        at += BLOCK + -(-(parse_header(header).size or 0) // BLOCK) * BLOCK
        if at >= member.data.offset:
            raise ValueError("no header of its own")
        header = read(at, BLOCK)
    further = read(at + BLOCK, min(member.data.offset - at - BLOCK, limits.extension))
    if at + BLOCK + len(further) != member.data.offset:
        raise ValueError("a map beyond bounds")
    table = header[386:482] + b"".join(further[b : b + SPARSE_MAP_MORE] for b in range(0, len(further), BLOCK))
    pairs = []
    for entry in range(0, len(table), 24):
        offset, length = table[entry : entry + 12], table[entry + 12 : entry + 24]
        if offset.strip(b"\0"):
            pairs.append((_number(offset), _number(length)))
    return _number(header[483:495]), pairs


def _number(field: bytes) -> int:
    number = parse_number(field)
    if number is None:
        raise ValueError("no number")
    return number


def _map_in_data(text: bytes) -> tuple[_Pairs, int]:
    """The map, and the bytes that it takes."""
    first, _, _ = text.partition(b"\n")
    count = 2 * _decimal(first)
    if count > len(text):
        raise ValueError("more pairs than bytes")
    lines = text.split(b"\n", count + 1)
    numbers = [_decimal(line) for line in lines[1 : count + 1]]
    if len(lines) != count + 2:
        raise ValueError("the map is cut off")
    used = sum(len(line) + 1 for line in lines[: count + 1])
    return list(zip(numbers[::2], numbers[1::2], strict=True)), -(-used // BLOCK) * BLOCK


def _map_in_records(member: Member) -> _Pairs:
    """The map, of as many pairs as are said to be; Go refuses any other."""
    records = dict(member.pax)
    given = records.get("GNU.sparse.map")
    if given is not None:
        numbers = [_decimal(number.encode()) for number in given.split(",") if given]
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    else:
        offsets = [_decimal(value.encode()) for key, value in member.pax if key == "GNU.sparse.offset"]
        lengths = [_decimal(value.encode()) for key, value in member.pax if key == "GNU.sparse.numbytes"]
        pairs = list(zip(offsets, lengths, strict=True))
    if _decimal(records["GNU.sparse.numblocks"].encode()) != len(pairs):
        raise ValueError("another count")
    return pairs


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise ValueError("no number")
    return int(text)
