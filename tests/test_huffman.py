"""Code lengths, codes and dynamic headers: optimal, within the limit, complete, and read back by zlib."""

import zlib
from array import array
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgforensics.recompress import huffman
from tests.plainsources import plain

PLAIN = plain("huffman")
BUILDERS = [huffman.HuffmanBuilder(), PLAIN.HuffmanBuilder()]


def lengths(builder: Any, freq: list[int], limit: int) -> list[int]:
    out = bytearray(len(freq))
    builder.lengths(array("I", freq), len(freq), limit, out)
    return list(out)


def reference(freq: list[int], limit: int) -> list[int]:
    """Package-merge as a textbook has it: sets of symbols, a pair before a leaf of the same weight."""
    leaves = sorted((count, symbol) for symbol, count in enumerate(freq) if count)
    out = [0] * len(freq)
    if len(leaves) <= 2:
        for _, symbol in leaves:
            out[symbol] = 1
        return out
    single: list[tuple[int, int, tuple[int, ...]]] = [(count, 1, (symbol,)) for count, symbol in leaves]
    row = single
    for _ in range(min(limit, len(leaves) - 1) - 1):
        pairs = [(one[0] + two[0], 0, one[2] + two[2]) for one, two in zip(row[::2], row[1::2], strict=False)]
        row = sorted(single + pairs, key=lambda item: item[:2])
    for _, _, symbols in row[: 2 * len(leaves) - 2]:
        for symbol in symbols:
            out[symbol] += 1
    return out


frequencies = st.lists(st.one_of(st.just(0), st.integers(1, 9), st.integers(1, 1 << 20)), max_size=286)


@pytest.mark.parametrize("builder", BUILDERS, ids=["imported", "plain"])
@given(freq=frequencies, limit=st.sampled_from([9, 15]))
def test_lengths_are_package_merge(builder: Any, freq: list[int], limit: int) -> None:
    assert lengths(builder, freq, limit) == reference(freq, limit)


def test_a_complete_code_fills_the_space() -> None:
    fibonacci = [1, 1]
    while len(fibonacci) < 30:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    made = lengths(BUILDERS[0], fibonacci, 15)
    assert max(made) == 15
    assert sum(Fraction(1, 1 << length) for length in made) == 1


def test_of_equally_frequent_symbols_the_later_get_shorter_codes() -> None:
    assert lengths(BUILDERS[0], [5, 5, 5], 15) == [2, 2, 1]
    assert lengths(BUILDERS[0], [0, 7, 0], 15) == [0, 1, 0]
    assert lengths(BUILDERS[0], [0, 7, 1], 15) == [0, 1, 1]


@pytest.mark.parametrize("builder", BUILDERS, ids=["imported", "plain"])
@given(freq=st.lists(st.integers(0, 60), min_size=257, max_size=286), dist=st.lists(st.integers(1, 99), max_size=30))
def test_zlib_reads_the_header_and_the_codes(builder: Any, freq: list[int], dist: list[int]) -> None:
    freq[256] = 1
    while freq[-1] == 0:
        freq.pop()
    litlen = bytearray(lengths(builder, freq, 15))
    distances = bytearray(lengths(builder, dist or [1], 15))
    codes = array("H", bytes(2 * len(litlen)))
    builder.codes(litlen, len(litlen), codes)
    bits = builder.header(litlen, len(litlen), distances, len(distances))
    stream = int.from_bytes(bytes(builder.packed[: (bits + 7) // 8]), "little") | 1  # BFINAL
    expected = bytes(symbol for symbol in range(256) if freq[symbol])
    for symbol in (*expected, 256):
        stream |= codes[symbol] << bits
        bits += litlen[symbol]
    assert zlib.decompress(stream.to_bytes((bits + 7) // 8, "little"), -15) == expected
