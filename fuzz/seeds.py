"""Inputs to begin with: the fixtures that real tools made, the crafted archives and their twins, and every layout."""

from collections.abc import Iterator
from pathlib import Path

from imgforensics import tarwalk
from imgforensics.model import Compression
from imgforensics.sniffing import sniff
from imgforensics.tarheader import BLOCK, is_header
from tests import builder
from tests.crafted import CRAFTED

_FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
_MOST = 65_536


def archives() -> list[bytes]:
    """Whole archives, small ones first."""
    found = [path.read_bytes() for path in sorted(_FIXTURES.glob("*.tar*"))]
    found += [builder.archive(layout) for layout in sorted(builder.LAYOUTS)]
    for case in CRAFTED:
        found += [case.make(), case.twin()]
    return sorted((each for each in dict.fromkeys(found) if len(each) <= _MOST), key=len)


def members() -> Iterator[bytes]:
    """The data of every member of these."""
    for data in archives():
        for member in tarwalk.index(lambda at, length, data=data: data[at : at + length], len(data)).members:  # type: ignore[misc]
            if member.present:
                yield data[member.data.offset : member.data.offset + member.present]


def seeds(target: str) -> list[bytes]:
    """The inputs to begin with for a target."""
    if target == "flip":
        return [number.to_bytes(8, "little") for number in range(64)]
    whole = archives()
    if target == "layer":
        return [each for each in dict.fromkeys([*members(), *whole]) if len(each) <= _MOST and is_header(each[:BLOCK])]
    if target in ("tar", "readers", "outer", "archive"):
        return [each for each in whole if target == "archive" or sniff(each) is Compression.NONE]
    parts = [each for each in dict.fromkeys([*whole, *members()]) if len(each) <= _MOST]
    if target == "documents":
        return [each for each in parts if each.lstrip()[:1] in (b"{", b"[")]
    return [each for each in parts if sniff(each) not in (Compression.NONE, Compression.UNSUPPORTED)]
