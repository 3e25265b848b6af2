"""Layers are read quickly where they are usual, by what is compiled where it can be: every way gives the same."""

import io
from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import imgforensics.layerwalk
from imgforensics import blobscan, paxrecords
from imgforensics.archive import Archive
from imgforensics.errors import InputError
from imgforensics.layerentry import Entry, LayerEnd
from imgforensics.layerfacts import LayerFacts
from imgforensics.layersurvey import LayerSurvey
from imgforensics.layerwalk import LayerWalker
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.measuring import measure
from tests import builder
from tests.crafted import CRAFTED
from tests.plainsources import ROOMS, plain_room
from tests.test_layerwalk import MIXED


class OneByOne(LayerWalker):
    """Takes no header for a usual one."""

    def _between(self) -> bool:
        return False


PLAIN_WALKER: Any = plain_room("layerwalk").LayerWalker
PLAIN_SURVEY: Any = plain_room("layersurvey").LayerSurvey

Told = tuple[Sequence[Entry], LayerEnd, LayerFacts]


def told(data: bytes, walker: Any = LayerWalker, survey: Any = LayerSurvey, step: int = 0) -> Told:
    """Everything that is told of a layer."""
    walk, kept = walker(DEFAULT_LIMITS), survey(DEFAULT_LIMITS)
    entries: list[Entry] = []
    step = step or max(len(data), 1)
    for start in range(0, len(data), step):
        some = walk.feed(memoryview(data)[start : start + step])
        kept.add(some)
        entries += some
    end = walk.finish()
    return entries, end, kept.finish(end)


def test_what_is_called_plain_is() -> None:
    assert len(ROOMS) > 5
    assert all(str(plain_room(name.rpartition(".")[2]).__file__).endswith(".py") for name in ROOMS)
    assert PLAIN_WALKER is not LayerWalker
    assert imgforensics.layerwalk.LayerWalker is LayerWalker


# ---------------------------------------------------------------------------------------------- layers of any kind

_names = st.one_of(
    st.sampled_from(("f", "./d/f", "d/", "./", "/a", "a//b", "../x", "a/./b", ".wh.f", "d/.wh..wh..opq", "etc/passwd")),
    st.text("ab/é.", min_size=1, max_size=12),
    st.text("abc/", min_size=90, max_size=130),
    st.text("aé/", min_size=90, max_size=130),
    st.binary(min_size=1, max_size=6).map(lambda name: name.replace(b"\0", b"_").decode("utf-8", "surrogateescape")),
)
_records = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("path", "linkpath")), _names),
        st.tuples(st.sampled_from(("path", "linkpath")), st.sampled_from(("", "x\0y", "f/"))),
        st.tuples(st.sampled_from(("mtime", "atime")), st.sampled_from(("1.5", "-3", "7.", "", "x", "1e3", "9" * 65))),
        st.tuples(st.sampled_from(("uid", "gid")), st.sampled_from(("0", "70000", "-1", "", "x", "9" * 30))),
        st.tuples(
            st.sampled_from(("SCHILY.xattr.user.a", "SCHILY.xattr.trusted.b", "LIBARCHIVE.xattr.c", "comment")),
            st.sampled_from((b"", b"v", b"\0\xff", b"dg==")),
        ),
        st.tuples(
            st.sampled_from(("size", "uname", "gname", "hdrcharset", "GNU.sparse.major", "GNU.sparse.x", "a\0b")),
            st.sampled_from(("1", "", "BINARY")),
        ),
    ),
    max_size=4,
)
_entries = st.builds(
    builder.Entry,
    name=_names,
    data=st.sampled_from((b"", b"x", b"y" * 512, b"z" * 1000)),
    type=st.sampled_from((b"0", b"0", b"0", b"5", b"2", b"1", b"\0", b"3", b"S", b"g", b"L", b"K", b"x")),
    linkname=st.one_of(st.just(""), st.sampled_from(("f", "/etc/x", "../y", "d")), st.text("ab/", max_size=120)),
    mode=st.sampled_from((0o644, 0o755, 0o4755, 0o100644)),
    uid=st.sampled_from((0, 1000, 3_000_000)),
    uname=st.sampled_from(("", "root")),
    mtime=st.sampled_from((0, 1_700_000_000, -5)),
    magic=st.sampled_from((builder.USTAR, builder.USTAR, builder.GNU, builder.V7)),
    pax=st.one_of(st.just(()), _records),
)


def _spoiled(data: bytes, places: Sequence[tuple[int, int]], *, sound: bool) -> bytes:
    """Some bytes are others; where it is to be sound, the checksums of the blocks that they stand in are made right."""
    spoiled = bytearray(data)
    for place, byte in places:
        at = place % len(spoiled)
        spoiled[at] = byte
        start = at - at % 512
        if sound and spoiled[start + 257 : start + 262] == b"ustar":
            spoiled[start + 148 : start + 156] = b" " * 8
            spoiled[start + 148 : start + 156] = b"%06o\0 " % sum(spoiled[start : start + 512])
    return bytes(spoiled)


_layers = st.builds(
    _spoiled,
    st.builds(
        lambda entries, before: (MIXED[:-1024] if before else b"") + builder.tar(entries),
        st.lists(_entries, max_size=6),
        st.booleans(),
    ),
    st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from((0, 32, 47, 48, 53, 76, 120, 255))), max_size=3),
    sound=st.booleans(),
)


@settings(deadline=None, max_examples=300)
@given(data=_layers, step=st.sampled_from((0, 512, 700, 1536, 4096)))
def test_every_way_to_read_a_layer_gives_the_same(data: bytes, step: int) -> None:
    expected = told(data, OneByOne)
    assert told(data, step=step) == expected
    assert told(data, PLAIN_WALKER, PLAIN_SURVEY, step) == expected


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60) | _records.map(builder.pax_records) | st.text("0123 =\na", max_size=40).map(str.encode))
def test_records_are_the_same_compiled_and_plain(body: bytes) -> None:
    other = plain_room("paxrecords")
    assert paxrecords.parse_pax(body) == other.parse_pax(body)
    assert paxrecords.pax_time(body) == other.pax_time(body)
    assert paxrecords.pax_integer(body) == other.pax_integer(body)


# ------------------------------------------------------------------------------------------------ crafted archives


def _inside(archive: bytes, chunk: int, walker: Any, survey: Any) -> Mapping[int, LayerFacts] | None:
    """What is in the layers of an archive, None where it is none."""
    with mock.patch.object(blobscan, "LayerWalker", walker), mock.patch.object(blobscan, "LayerSurvey", survey):
        try:
            with Archive(io.BytesIO(archive), Limits(chunk=chunk)) as opened:
                return measure(opened).layers
        except InputError:
            return None


@pytest.mark.parametrize("start", range(0, len(CRAFTED), 20))
def test_crafted_layers_are_the_same_however_they_are_read(start: int) -> None:
    for crafted in CRAFTED[start : start + 20]:
        archive = crafted.make()
        for chunk in (DEFAULT_LIMITS.chunk, 1500):
            expected = _inside(archive, chunk, OneByOne, LayerSurvey)
            assert _inside(archive, chunk, LayerWalker, LayerSurvey) == expected, crafted.name
            assert _inside(archive, chunk, PLAIN_WALKER, PLAIN_SURVEY) == expected, crafted.name
