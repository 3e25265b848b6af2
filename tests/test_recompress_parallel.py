"""One stream on several processors: the bytes of one processor, wherever the cuts fall."""

import os
import random
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgforensics.recompress import COMPILED, ENCODERS, gofastparallel, kpjoin, measure
from imgforensics.recompress.gofastparallel import encode_fast
from imgforensics.recompress.golazyparallel import encode_lazy
from imgforensics.recompress.gzipmember import NO_TIME
from imgforensics.recompress.kpchain import ChainMatcher
from imgforensics.recompress.kpchainparallel import encode_chain
from imgforensics.recompress.kpdialect import GO
from imgforensics.recompress.kpfast import FastMatcher
from imgforensics.recompress.kpfastparallel import encode_fast as encode_kpfast
from imgforensics.recompress.segments import Cutter
from imgforensics.recompress.sequences import Sequences
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


def slices(seed: int, length: int) -> bytes:
    """Pieces of one stretch of noise in any order: what was seen long ago is found again, and tables differ for long."""
    chance = random.Random(seed)
    noise = chance.randbytes(length)
    starts = [chance.randrange(length) for _ in range(1000)]
    return b"".join(noise[start : start + chance.randint(20, 2000)] for start in starts)


@with_compiler
@settings(deadline=None, max_examples=10 * MORE)
@given(seed=st.integers(0, 1000), length=st.integers(5_000, 25_000))
def test_level_1_where_guesses_are_wrong(seed: int, length: int) -> None:
    content = slices(seed, length)
    assert b"".join(encode_fast(1, NO_TIME, [content], 2, blocks=3)) == alone("go1.8-1", content)


@with_compiler
def test_level_1_has_guesses_that_are_wrong_and_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests above are about both."""
    redone = []
    monkeypatch.setattr(gofastparallel._Worker, "go_on", lambda *_: redone.append(True))
    for content in (slices(1, 20_000), piece("text", 0)):
        redone.clear()
        for _ in encode_fast(1, NO_TIME, [content], 2, blocks=3):
            pass
        assert bool(redone) == (content != piece("text", 0))


@with_compiler
@settings(deadline=None, max_examples=100 * MORE)
@given(content=contents, level=st.integers(1, 6), blocks=st.integers(1, 5), jobs=st.integers(1, 3))
def test_go127_blocks_at_any_cut(content: bytes, level: int, blocks: int, jobs: int) -> None:
    parts = encode_kpfast(level, [content, b"", content[::-1]], jobs, blocks=blocks)
    assert b"".join(parts) == alone(f"go1.27-{level}", content + content[::-1])


@with_compiler
@settings(deadline=None, max_examples=25 * MORE)
@given(content=contents, level=st.sampled_from([7, 8, 9]), steps=st.integers(2, 7), jobs=st.integers(1, 3))
def test_go127_windows_at_any_cut(content: bytes, level: int, steps: int, jobs: int) -> None:
    parts = encode_chain(level, [content, b"", content[::-1]], jobs, steps=steps)
    assert b"".join(parts) == alone(f"go1.27-{level}", content + content[::-1])


@with_compiler
@pytest.mark.parametrize("rest", [0, 1, 7, 8, 9, 31, 32, 33, 40, 127, 128, 129, 136, 137, 32767, 32768, 65534])
def test_go127_sizes_around_a_cut(rest: int) -> None:
    for kind in ("zeros", "text", "mixed"):
        content = piece(kind, 0)[: 4 * 65535 + rest]
        for level in (1, 4, 6):
            assert b"".join(encode_kpfast(level, [content], 2, blocks=2)) == alone(f"go1.27-{level}", content)


@with_compiler
@pytest.mark.parametrize("rest", [0, 1, 2, 3, 4, 7, 8, 9, 261, 262, 263, 32760, 32767])
@pytest.mark.parametrize("steps", [0, 1, 2, 4, 8])
def test_go127_sizes_around_a_window(steps: int, rest: int) -> None:
    for kind in ("zeros", "text", "mixed"):
        content = piece(kind, 0)[: 32768 * steps + rest]
        for level in (7, 9):
            assert b"".join(encode_chain(level, [content], 2, steps=2)) == alone(f"go1.27-{level}", content)


@with_compiler
@pytest.mark.parametrize("level", [1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_go127_states_that_never_are_the_same(level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kpjoin, "_SNAPSHOTS", 0)
    content = piece("text", 2) + piece("mixed", 2) + piece("records", 2)
    parts = encode_kpfast(level, [content], 2, blocks=1) if level < 7 else encode_chain(level, [content], 2, steps=2)
    assert b"".join(parts) == alone(f"go1.27-{level}", content)


@with_compiler
def test_go127_level_4_reads_where_one_processor_does() -> None:
    """It compares a distance taken for an index of its window, so that the window has to begin where that one does."""
    for tail in (128, 32767, 32768, 65534):
        content = (piece("records", 3) + piece("text", 3) + piece("mixed", 3))[: 13 * 65535 + tail]
        assert b"".join(encode_kpfast(4, [content], 2, blocks=4)) == alone("go1.27-4", content)


@with_compiler
@pytest.mark.parametrize("level", [1, 2, 3, 4, 5, 6])
def test_snapshots_of_tables(level: int) -> None:
    """They tell what is within reach, and nothing else: neither older positions nor where the window begins."""
    content = piece("text", 1) + bytes(8)
    one, other = FastMatcher(level, GO), FastMatcher(level, GO)
    found = Sequences(65535, 16384)
    fresh = one.snapshot(0)
    one.match(content, 0, 65535, found)
    other.match(content, 0, 65535, found)
    assert one.snapshot(65535) == other.snapshot(65535) != fresh
    other.slide(30_000)
    assert one.snapshot(65535) == other.snapshot(35535)
    assert one.snapshot(65535) != one.snapshot(65536)
    assert one.snapshot(65535 + 32768) == fresh
    assert one.snapshot(65535 + 32768 - 2000) != fresh


@with_compiler
@pytest.mark.parametrize("kind", ["text", "zeros"])
def test_snapshots_of_chains(kind: str) -> None:
    content = piece(kind, 1)[: 1 << 16] + bytes(8)
    matchers = [ChainMatcher(7, GO) for _ in range(3)]
    for matcher, known in zip(matchers, (0, 0, 32768), strict=True):
        matcher.restart(content, known)
        matcher.parse(content, 1 << 16, False, Sequences(32768, 32768), Sequences(32768, 32768))
        matcher.slide(32768)
    one, same, other = (matcher.snapshot() for matcher in matchers)
    assert one == same
    assert one != other


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
@pytest.mark.parametrize("name", ["go1.8-1", "go1.8-6", "go1.27-1", "go1.27-6", "go1.27-7", "pgzip-c", "pgzip-c-256k"])
def test_dull_stretches_between_others(name: str) -> None:
    """Where content shrinks to next to nothing the caller works alone; both ways there and back have to join."""
    dull, text, noise = bytes(30 * MIB), piece("text", 3), piece("noise", 3)
    content = dull + text + dull[: 9 * MIB] + noise + b"x" + dull[1:] + text
    assert measure(name, [content], jobs=2) == measure(name, [content])


@with_compiler
@pytest.mark.parametrize(
    "name",
    ["go1.8-1", "go1.8-6", "go1.7-6", "go1.8-4", "go1.8-3", "go1.27-6", "go1.27-1", "go1.27-9", "go1.27-0", "zlib-6"],
)
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
    for level in (1, 6):
        parts = plain("kpfastparallel").encode_fast(level, [content], 2, blocks=1)
        assert b"".join(parts) == alone(f"go1.27-{level}", content)
    content = content[-120_000:]
    parts = plain("kpchainparallel").encode_chain(7, [content], 2, steps=2)
    assert b"".join(parts) == alone("go1.27-7", content)


def test_an_empty_content() -> None:
    for name in ("go1.8-1", "go1.8-6", "go1.27-1", "go1.27-6", "go1.27-9"):
        assert measure(name, [], jobs=2) == measure(name, [])


def test_a_failing_source_is_heard() -> None:
    def broken() -> Iterator[bytes]:
        yield piece("text", 2)
        raise OSError("gone")

    for name in ("go1.8-1", "go1.8-6", "go1.27-1", "go1.27-6", "go1.27-9"):
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
