"""pgzip: the streams of real versions of klauspost/compress and of programs that use it; blocks and threads."""

import gzip
import hashlib
import json
import struct
import zlib
from array import array
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgforensics.recompress import COMPILED, ENCODERS, lzwords, measure
from imgforensics.recompress.kpdialect import CLASS_A, CLASS_B, CLASS_C, CLASS_D
from imgforensics.recompress.pgzip import PgzipEncoder, encode_parallel
from tests.content import KINDS, MIB, mixed, text, zeros
from tests.plainsources import plain
from tests.xorshift import content

VECTORS = json.loads((Path(__file__).parent / "fixtures" / "pgzip_vectors.json").read_text("utf-8"))
STREAMS: dict[str, dict[str, str]] = VECTORS["streams"]
CLASSES = {"a": CLASS_A, "b": CLASS_B, "c": CLASS_C, "d": CLASS_D}
NAMES = [name for name in ENCODERS if name.startswith("pgzip-")]
HEADER = "1f8b080000096e88"

slow_without_compiler = pytest.mark.skipif(not COMPILED, reason="the encoders are not compiled: too slow")


def recorded(name: str) -> dict[str, str]:
    """By class and level, the digests of the streams that the library made of one content."""
    return {kind: digest for digest, kinds in STREAMS[name].items() for kind in kinds.split()}


def stream(name: str, data: bytes, package: Any = None) -> bytes:
    encoder = (package.ENCODERS if package else ENCODERS)[name].make()
    return bytes(encoder.feed(data) + encoder.finish())


@slow_without_compiler
@pytest.mark.parametrize("name", STREAMS)
def test_streams_of_the_library(name: str) -> None:
    data = content(name)
    for kind, digest in recorded(name).items():
        letter, _, level = kind.partition("-")
        encoder = PgzipEncoder(int(level or 5), CLASSES[letter], MIB)
        made = encoder.feed(data) + encoder.finish()
        assert hashlib.sha256(made).hexdigest() == digest, kind


@pytest.mark.parametrize("name", [name for name in STREAMS if int(name.partition("-")[2]) <= 5000])
def test_streams_of_the_library_by_name_and_as_plain_python(name: str) -> None:
    data = content(name)
    for kind, digest in recorded(name).items():
        if f"pgzip-{kind}" in ENCODERS:
            assert measure(f"pgzip-{kind}", [data]).digest == digest, kind
            assert hashlib.sha256(stream(f"pgzip-{kind}", data, plain())).hexdigest() == digest, kind


@slow_without_compiler
@pytest.mark.parametrize("name", NAMES)
def test_plain_python_is_no_other_encoder(name: str) -> None:
    data = text("plain", 40_000) + mixed("plain", 30_000)
    assert stream(name, data, plain()) == stream(name, data)


@slow_without_compiler
def test_plain_python_knows_the_block_before() -> None:
    data = zeros("", 262_144 - 5000) + mixed("plain", 12_000)
    assert stream("pgzip-c-256k", data, plain()) == stream("pgzip-c-256k", data)


@slow_without_compiler
@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("tar-3000000", "120815a547b68479248c63a189795fda8cb669d36baa0575ca262e949e859aa4"),
        ("mix-1048576", "e85dca049520cdc7822bd3856dba80f9b530357d9b68dc8e4d64c0765af8db87"),
        ("mix-1048577", "061f55fb860d032a4ceefbbaa504b2806606d40d0ce0969b0b17387ece985fc1"),
    ],
)
def test_layers_of_umoci(name: str, digest: str) -> None:
    """Made with umoci 0.4.7 of Debian 12: ``umoci raw add-layer``."""
    assert measure("pgzip-c-256k", [content(name)], jobs=2).digest == digest


@pytest.mark.parametrize("name", NAMES)
def test_nothing_at_all(name: str) -> None:
    level = {"1": "04", "9": "02"}.get(name.rpartition("-")[2], "00")
    assert stream(name, b"").hex() == f"{HEADER}{level}ff" + "000000ffff" + "0300" + "00" * 8


@slow_without_compiler
@pytest.mark.parametrize(("name", "block"), [("pgzip-c", MIB), ("pgzip-c-256k", MIB // 4), ("pgzip-a-9", MIB)])
def test_blocks_end_with_a_byte_and_a_full_last_one_is_followed_by_an_empty_one(name: str, block: int) -> None:
    data = text("blocks", 2 * block)
    encoder = ENCODERS[name].make()
    encoder.feed(b"")
    inflate = zlib.decompressobj(-15)
    for at in (0, block):
        part = encoder.feed(data[at : at + block])
        assert part.endswith(b"\0\0\xff\xff")
        assert inflate.decompress(part) == data[at : at + block]
    assert encoder.finish()[:-8].hex() == "000000ffff0300"


@slow_without_compiler
@pytest.mark.parametrize("name", ["pgzip-a", "pgzip-e-256k", "pgzip-a-7", "pgzip-a-2"])
@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 16_385])
def test_threads_do_not_matter(name: str, size: int) -> None:
    data = KINDS["records"]("threads", size)
    alone = measure(name, [data])
    assert measure(name, [data], jobs=3) == alone
    assert measure(name, [data[at : at + 77_777] for at in range(0, size, 77_777)], jobs=2) == alone


def test_a_failing_source_is_heard() -> None:
    def broken() -> Iterator[bytes]:
        yield bytes(300_000)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(encode_parallel(5, CLASS_A, MIB // 4, broken(), 2))


pieces = st.lists(
    st.tuples(st.sampled_from([kind for kind in KINDS if kind != "tar"]), st.integers(0, 9), st.integers(0, 100_000)),
    max_size=8 if COMPILED else 1,
).map(lambda parts: b"".join(KINDS[kind](str(seed), size) for kind, seed, size in parts))


@settings(deadline=None)
@given(data=pieces, name=st.sampled_from(NAMES), sizes=st.lists(st.one_of(st.integers(0, 300_000), st.just(1))))
def test_it_inflates_and_chunks_do_not_matter(data: bytes, name: str, sizes: list[int]) -> None:
    encoder = ENCODERS[name].make()
    made = b""
    at = 0
    for size in [*sizes, len(data)]:
        made += encoder.feed(memoryview(data)[at : at + size])
        at += size
    made += encoder.finish()
    assert gzip.decompress(made) == data
    assert made == stream(name, data)


@pytest.mark.parametrize(("longest", "lengths"), [(258, [258, 258, 84]), (255, [255, 255, 90])])
def test_long_matches_are_cut(longest: int, lengths: list[int]) -> None:
    runs, matches = array("I", bytes(40)), array("I", bytes(40))
    count = lzwords.put_match(runs, matches, 1, 7, 600, 32_768, longest)
    assert [(match >> 16) + 3 for match in matches[1:count]] == lengths
    assert {match & 0xFFFF for match in matches[1:count]} == {32_767}
    assert list(runs[1:count]) == [7, 0, 0]
    assert lzwords.put_match(runs, matches, 0, 0, 260, 1, longest) == 2
    assert [(match >> 16) + 3 for match in matches[:2]] == [255, 5]


def neighbours(value: float) -> list[Fraction]:
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return [Fraction(struct.unpack("<f", struct.pack("<I", bits + step))[0]) for step in (-1, 1)]


singles = st.floats(2.0**-40, 2.0**40, width=32)


@given(one=singles, other=singles)
def test_single_precision(one: float, other: float) -> None:
    exact = Fraction(one), Fraction(other)
    for made, wanted in (
        (lzwords.fadd(one, other), exact[0] + exact[1]),
        (lzwords.fmul(one, other), exact[0] * exact[1]),
        (lzwords.fdiv(one, other), exact[0] / exact[1]),
    ):
        assert abs(Fraction(made) - wanted) <= min(abs(near - wanted) for near in neighbours(made))
    assert lzwords.float_of(lzwords.float_bits(one)) == one
    assert lzwords.whole(one) == int(one)
