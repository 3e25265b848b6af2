"""One stream on several processors: the bytes of one processor, wherever the cuts fall."""

import os
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgforensics.recompress import COMPILED, ENCODERS, measure
from imgforensics.recompress.gofastparallel import encode_fast
from imgforensics.recompress.golazyparallel import encode_lazy
from imgforensics.recompress.gzipmember import NO_TIME
from imgforensics.recompress.segments import Cutter
from tests.content import KINDS, MIB
from tests.plainsources import plain

with_compiler = pytest.mark.skipif(not COMPILED, reason="the encoders are not compiled: too slow")

MORE = int(os.environ.get("IMGFORENSICS_STRESS", "1"))
"""Times as many examples as usual."""

PIECES = [kind for kind in KINDS if kind != "tar"]


@cache
def piece(kind: str, seed: int) -> bytes:
    return KINDS[kind](f"parallel {seed}", 400_000)


contents = st.lists(
    st.tuples(st.sampled_from(PIECES), st.integers(0, 3), st.one_of(st.integers(0, 3000), st.integers(0, 400_000))),
    min_size=1,
    max_size=5,
).map(lambda parts: b"".join(piece(kind, seed)[:size] for kind, seed, size in parts))


def alone(name: str, content: bytes) -> bytes:
    encoder = ENCODERS[name].make()
    return encoder.feed(content) + encoder.finish()


def lazily(level: int, content: bytes, segment: int, trail: int, jobs: int = 2) -> bytes:
    chunks = [content[at : at + 50_000] for at in range(0, len(content), 50_000)]
    return b"".join(encode_lazy(level, NO_TIME, chunks, jobs, segment_size=segment, trail_size=trail))


@with_compiler
@settings(deadline=None, max_examples=100 * MORE)
@given(
    content=contents,
    level=st.sampled_from([4, 6, 6, 9]),
    segment=st.integers(5_000, 200_001),
    trail=st.one_of(st.integers(1, 400), st.integers(400, 100_000)),
    jobs=st.integers(1, 3),
)
def test_lazy_levels_at_any_cut(content: bytes, level: int, segment: int, trail: int, jobs: int) -> None:
    assert lazily(level, content, segment, trail, jobs) == alone(f"go1.8-{level}", content)


@with_compiler
@settings(deadline=None, max_examples=50 * MORE)
@given(content=contents, blocks=st.integers(3, 6), jobs=st.integers(1, 3))
def test_level_1_at_any_cut(content: bytes, blocks: int, jobs: int) -> None:
    parts = encode_fast(1, NO_TIME, [content, b"", content[::-1]], jobs, blocks=blocks)
    assert b"".join(parts) == alone("go1.8-1", content + content[::-1])


@with_compiler
@pytest.mark.parametrize("rest", [0, 1, 2, 3, 4, 257, 258, 261, 262, 263, 1023, 1024, 1025, 1026, 1284])
def test_sizes_around_a_cut(rest: int) -> None:
    for kind in ("zeros", "text", "noise"):
        content = piece(kind, 0)[: 3 * 70_000 + rest]
        assert lazily(6, content, 70_000, 30_000) == alone("go1.8-6", content)


@with_compiler
@pytest.mark.parametrize("kind", ["zeros", "periodic"])
def test_parses_that_never_meet(kind: str) -> None:
    content = b"an odd beginning" + KINDS[kind]("never", 3 * MIB) + piece("text", 1)
    assert lazily(6, content, 65_536, 65_536) == alone("go1.8-6", content)


@with_compiler
@pytest.mark.parametrize("name", ["go1.8-1", "go1.8-6", "pgzip-c", "pgzip-c-256k"])
def test_dull_stretches_between_others(name: str) -> None:
    """Where content shrinks to next to nothing the caller works alone; both ways there and back have to join."""
    dull, text, noise = bytes(30 * MIB), piece("text", 3), piece("noise", 3)
    content = dull + text + dull[: 9 * MIB] + noise + b"x" + dull[1:] + text
    assert measure(name, [content], jobs=2) == measure(name, [content])


@with_compiler
@pytest.mark.parametrize("name", ["go1.8-1", "go1.8-6", "go1.7-6", "go1.8-4", "go1.8-3", "zlib-6"])
def test_measure_gives_the_same(name: str) -> None:
    content = KINDS["tar"]("measure", 5 * MIB)
    assert measure(name, [content], jobs=2) == measure(name, [content])


def test_plain_python_joins_alike() -> None:
    content = piece("mixed", 0)[:30_000] + bytes(20_000) + piece("text", 0)[:9_000]
    parts = plain("golazyparallel").encode_lazy(6, NO_TIME, [content], 2, segment_size=6_000, trail_size=2_000)
    assert b"".join(parts) == alone("go1.8-6", content)
    content += piece("noise", 0)[:150_000] + piece("text", 0)[:50_000]
    parts = plain("gofastparallel").encode_fast(1, NO_TIME, [content], 2, blocks=3)
    assert b"".join(parts) == alone("go1.8-1", content)


def test_an_empty_content() -> None:
    for name in ("go1.8-1", "go1.8-6"):
        assert measure(name, [], jobs=2) == measure(name, [])


def test_a_failing_source_is_heard() -> None:
    def broken() -> Iterator[bytes]:
        yield piece("text", 2)
        raise OSError("gone")

    for name in ("go1.8-1", "go1.8-6"):
        with pytest.raises(OSError, match="gone"):
            measure(name, broken(), jobs=2)


def test_segments_overlap_and_cover() -> None:
    content = piece("noise", 0)
    cutter = Cutter([content[:1], b"", content[1:]], 60_000, 32_768, 1_000, 16_384)
    covered = b""
    for segment in cutter:
        assert segment.offset % 16_384 == 0
        assert segment.start >= 32_768
        assert segment.end - segment.stop == (0 if segment.final else 1_000)
        behind = max(segment.offset, 0)
        assert segment.window[behind - segment.offset : segment.end] == content[behind : segment.offset + segment.end]
        covered += segment.window[segment.start : segment.stop]
        cutter.give_back(segment)
    assert covered == content
    assert cutter.total == len(content)
