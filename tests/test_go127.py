"""The streams of Go 1.27, at every level: those of real Go, whatever the content and the chunks."""

import gzip
import hashlib
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgforensics.recompress import COMPILED, ENCODERS, measure
from imgforensics.recompress.kpdeflate import begin
from imgforensics.recompress.kpdialect import GO
from tests import vectors
from tests.content import KINDS, MIB, endless, text
from tests.plainsources import plain

DIGESTS: dict[str, Any] = json.loads(vectors.PATH_127.read_text())
SINGLE = [
    (kind, size, level) for kind, sizes in vectors.SINGLE.items() for size, levels in sizes.items() for level in levels
]
SWEEPS = [(name, kind) for name, (kinds, _) in vectors.SWEEPS.items() for kind in kinds]
NAMES = {level: f"go1.27-{'huffman' if level == -2 else level}" for level in vectors.LEVELS}

slow_without_compiler = pytest.mark.skipif(not COMPILED, reason="the encoders are not compiled: too slow")


@cache
def content(kind: str, size: int) -> bytes:
    return KINDS[kind](str(size), size)


def stream(level: int, data: bytes, package: Any = None) -> bytes:
    encoders = package.ENCODERS if package else ENCODERS
    encoder = encoders[NAMES[level]].make()
    return bytes(encoder.feed(data) + encoder.finish())


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
        made = stream(level, content("four", size), plain())
        digest.update(hashlib.sha256(made).hexdigest().encode())
    assert digest.hexdigest() == DIGESTS["sweeps"][f"tiny four {level}"]


@slow_without_compiler
@pytest.mark.parametrize("level", vectors.LEVELS)
def test_plain_python_is_no_other_encoder(level: int) -> None:
    for kind in ("mixed", "text"):
        data = content(kind, 140_000 if level < 7 else 70_000)
        assert stream(level, data, plain()) == stream(level, data)


@slow_without_compiler
def test_literals_that_level_9_has_not_seen_yet() -> None:
    """Go guesses the cost of literals from half of its window; one that does not occur there costs a bit, not nothing."""
    seen = text("seen", 33_000)
    made = measure("go1.27-9", [seen, bytes(byte | 128 for byte in seen[:32_000])])
    assert made.digest == "5a6a892ea0b547757763b7391f39795aa803d06289d29b11609a946844757b56"


@slow_without_compiler
@pytest.mark.parametrize("level", range(1, 10))
def test_positions_that_are_lowered(level: int) -> None:
    """Positions of 32 bits must not run over: before that all of them are lowered. Every stream after another goes on counting."""
    data = content("mixed", MIB + 1)
    deflate = begin(level, GO)
    for _ in range(16_382 if level < 7 else 8_190):
        deflate.restart(b"")
    assert deflate.write(data) + deflate.close() == stream(level, data)[10:-8]


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


@settings(deadline=None)
@given(data=pieces, level=st.sampled_from(vectors.LEVELS))
def test_zlib_reads_it_back(data: bytes, level: int) -> None:
    assert gzip.decompress(stream(level, data)) == data


@settings(deadline=None)
@given(
    data=pieces, level=st.sampled_from(vectors.LEVELS), sizes=st.lists(st.one_of(st.integers(0, 70_000), st.just(1)))
)
def test_chunks_do_not_matter(data: bytes, level: int, sizes: list[int]) -> None:
    encoder = ENCODERS[NAMES[level]].make()
    made = b""
    at = 0
    for size in [*sizes, len(data)]:
        made += encoder.feed(memoryview(data)[at : at + size])
        at += size
    assert made + encoder.finish() == stream(level, data)


@slow_without_compiler
@pytest.mark.parametrize("level", vectors.LEVELS)
def test_chunks_do_not_matter_where_the_window_slides(level: int) -> None:
    data = content("mixed", 2 * MIB)
    whole = stream(level, data)
    for size in (65_535, 1_000_001):
        encoder = ENCODERS[NAMES[level]].make()
        parts = [encoder.feed(data[at : at + size]) for at in range(0, len(data), size)]
        assert b"".join(parts) + encoder.finish() == whole


def test_headers() -> None:
    heads = {level: ENCODERS[name].make().feed(b"").hex() for level, name in NAMES.items()}
    assert heads.pop(9) == "1f8b08000000000002ff"
    assert heads.pop(1) == "1f8b08000000000004ff"
    assert set(heads.values()) == {"1f8b08000000000000ff"}
