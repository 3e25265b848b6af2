"""Headers of crafted tars with other bytes in them, and a checksum that fits."""

from dataclasses import replace

from tests import builder
from tests.builder import Entry

_SUM = 148


def summed(block: bytes) -> bytes:
    """A header with its checksum put right."""
    return block[:_SUM] + b"%06o\0 " % _sum(block) + block[_SUM + 8 :]


def sum_of(entry: Entry) -> int:
    """The checksum of an entry's header."""
    return _sum(builder.header(entry))


def resealed(entry: Entry, at: int, field: bytes) -> Entry:
    """An entry with other bytes in its header from an offset on; where these are not the checksum, with the right one."""
    block = builder.header(entry)
    block = block[:at] + field + block[at + len(field) :]
    return replace(entry, raw_header=block if at == _SUM else summed(block))


def _sum(block: bytes) -> int:
    return sum(block[:_SUM]) + sum(block[_SUM + 8 :]) + 8 * 0x20
