"""Go 1.8 to 1.26: the streams of real Go, whatever the level, the content and the chunks; compiled and as plain Python."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgforensics.recompress import COMPILED, ENCODERS, measure
from imgforensics.recompress.goblocks import BlockWriter
from imgforensics.recompress.golazy import DONE, EFFORTS, MORE, LazyMatcher
from imgforensics.recompress.sequences import Sequences
from tests import vectors
from tests.content import KINDS, MIB, endless
from tests.plainsources import plain

DIGESTS: dict[str, Any] = json.loads(vectors.PATH.read_text())
SINGLE = [
    (kind, size, level) for kind, sizes in vectors.SINGLE.items() for size, levels in sizes.items() for level in levels
]
SWEEPS = [(name, kind) for name, (kinds, _) in vectors.SWEEPS.items() for kind in kinds]
NAMES = {level: f"go1.8-{'huffman' if level == -2 else level}" for level in vectors.LEVELS}

slow_without_compiler = pytest.mark.skipif(not COMPILED, reason="the encoders are not compiled: too slow")


@cache
def content(kind: str, size: int) -> bytes:
    return KINDS[kind](str(size), size)


def streams(level: int, data: bytes, package: Any = None) -> bytes:
    encoders = package.ENCODERS if package else ENCODERS
    encoder = encoders[NAMES[level]].make()
    return bytes(encoder.feed(data) + encoder.finish())


def cut(data: bytes, sizes: list[int]) -> Iterator[memoryview]:
    view = memoryview(data)
    for size in sizes:
        yield view[:size]
        view = view[size:]
    yield view


@slow_without_compiler
@pytest.mark.parametrize(("kind", "size", "level"), SINGLE)
def test_streams_of_real_go(kind: str, size: int, level: int) -> None:
    made = measure(NAMES[level], [content(kind, size)])
    assert made.digest == DIGESTS["single"][kind][str(size)][str(level)]


@slow_without_compiler
@pytest.mark.parametrize("level", vectors.LEVELS)
@pytest.mark.parametrize(("name", "kind"), SWEEPS)
def test_sizes_at_every_edge(name: str, kind: str, level: int) -> None:
    digest = hashlib.sha256()
    for size in vectors.SWEEPS[name][1]:
        digest.update(measure(NAMES[level], [content(kind, size)]).digest.encode())
    assert digest.hexdigest() == DIGESTS["sweeps"][f"{name} {kind} {level}"]


@pytest.mark.parametrize("level", vectors.LEVELS)
def test_tiny_sizes_as_plain_python(level: int) -> None:
    digest = hashlib.sha256()
    for size in vectors.SWEEPS["tiny"][1]:
        stream = streams(level, content("four", size), plain())
        digest.update(hashlib.sha256(stream).hexdigest().encode())
    assert not plain().COMPILED
    assert digest.hexdigest() == DIGESTS["sweeps"][f"tiny four {level}"]


@slow_without_compiler
@pytest.mark.parametrize("level", vectors.LEVELS)
def test_plain_python_is_no_other_encoder(level: int) -> None:
    data = content("mixed", 70_000)
    assert streams(level, data, plain()) == streams(level, data)


@pytest.mark.parametrize(
    ("content_hex", "digest"),
    [
        pytest.param(
            "2829282926282729272726272628262628",
            "2c9ca28517740f8a9ddad0759d3f9d787cbb8e4e0d30cc7233b57241c72cc07e",
            id="fixed-as-small-as-dynamic",
        ),
        pytest.param(
            "d2ded5dce4e5e3d6dce4dedfdfd9e1dbe1deded7e5e5dadbe1dadfd2",
            "8af780d7cfdbf2bf7e3fd21200a765bc75af3a48df8274b3f852a856504b6ec6",
            id="stored-as-small-as-huffman",
        ),
    ],
)
def test_ties_between_kinds_of_blocks(content_hex: str, digest: str) -> None:
    assert measure("go1.8-6", [bytes.fromhex(content_hex)]).digest == digest


@slow_without_compiler
@pytest.mark.huge
@pytest.mark.parametrize("level", [1, 6])
def test_positions_beyond_32_bits(level: int) -> None:
    made = measure(NAMES[level], endless("huge", vectors.HUGE))
    assert [made.digest, made.size] == DIGESTS["huge"][str(level)]


pieces = st.lists(
    st.tuples(st.sampled_from([kind for kind in KINDS if kind != "tar"]), st.integers(0, 9), st.integers(0, 40_000)),
    max_size=6 if COMPILED else 1,
).map(lambda parts: b"".join(KINDS[kind](str(seed), size) for kind, seed, size in parts))


@slow_without_compiler
def test_positions_move_where_they_would_outgrow_their_tables() -> None:
    """As after a thousand megabytes: the table of the chains is gone through in the middle of a stream."""
    data = content("mixed", 2 * MIB)
    made = []
    for before in (0, (1 << 30) - (1 << 17) - 1000):
        matcher = LazyMatcher(EFFORTS[6])
        matcher.rebase(before)
        matcher.begin(0, 0, 0)
        bias = matcher.bias
        sequences = Sequences(len(data), len(data) // 4)
        assert matcher.parse(data[:MIB], MIB, False, sequences, len(data)) == MORE
        shift = (matcher.at >> 16) - 1 << 16
        matcher.rebase(shift)
        assert (matcher.bias < bias) == (before > 0)
        assert matcher.parse(data[shift:], len(data) - shift, True, sequences, len(data)) == DONE
        writer = BlockWriter()
        writer.best(sequences, data, -1, 0)
        made.append(writer.bits.take())
    assert made[0] == made[1]


@settings(deadline=None)
@given(data=pieces, level=st.sampled_from(vectors.LEVELS))
def test_zlib_reads_it_back(data: bytes, level: int) -> None:
    assert gzip.decompress(streams(level, data)) == data


@settings(deadline=None)
@given(
    data=pieces, level=st.sampled_from(vectors.LEVELS), sizes=st.lists(st.one_of(st.integers(0, 70_000), st.just(1)))
)
def test_chunks_do_not_matter(data: bytes, level: int, sizes: list[int]) -> None:
    encoder = ENCODERS[NAMES[level]].make()
    parts = [encoder.feed(chunk) for chunk in cut(data, sizes)]
    assert b"".join(parts) + encoder.finish() == streams(level, data)


@slow_without_compiler
@pytest.mark.parametrize("level", vectors.LEVELS)
def test_chunks_do_not_matter_where_the_window_slides(level: int) -> None:
    data = content("mixed", 2 * MIB)
    whole = streams(level, data)
    for size in (65_535, 1_000_001):
        encoder = ENCODERS[NAMES[level]].make()
        parts = [encoder.feed(data[at : at + size]) for at in range(0, len(data), size)]
        assert b"".join(parts) + encoder.finish() == whole


def test_headers() -> None:
    heads = {
        name: ENCODERS[name].make().finish()[:10].hex() for name in ENCODERS if name.startswith(("go1.7", "go1.8"))
    }
    assert heads.pop("go1.7-6") == "1f8b080000096e8800ff"
    assert heads.pop("go1.8-9") == "1f8b08000000000002ff"
    assert heads.pop("go1.8-1") == "1f8b08000000000004ff"
    assert set(heads.values()) == {"1f8b08000000000000ff"}


def test_output_comes_as_soon_as_there_is_some() -> None:
    encoder = ENCODERS["go1.8-6"].make()
    assert encoder.feed(b"") == bytes.fromhex("1f8b08000000000000ff")
    assert len(encoder.feed(content("noise", 200_000 if COMPILED else 30_000))) > 10_000
