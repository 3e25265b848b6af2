"""Inflating: every format whole and in pieces, cut, bent, padded, bombed; Python's own readers as second opinion."""

import bz2
import gzip
import lzma
import random
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgforensics.decoders import Decoder, decoder_for
from imgforensics.gzipheader import parse_gzip_header
from imgforensics.inflate import Inflater
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import AnomalyKind, Compression, Span
from imgforensics.sniffing import sniff

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

KIB = 1024
MIB = 1024 * KIB
TEXT = b"".join(b"%d bottles of beer on the wall\n" % number for number in range(3000))
"""Compressible, and longer than one slice of input in no format; `NOISE` is."""
NOISE = random.Random(7).randbytes(300 * KIB)
SHORT = b"The quick brown fox jumps over the lazy dog. The quick brown fox sleeps."

GZIP, ZSTD, BZIP2, XZ = Compression.GZIP, Compression.ZSTD, Compression.BZIP2, Compression.XZ
Encoder = Callable[[bytes], bytes]


def zstd_with_checksum(data: bytes) -> bytes:
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


COMPRESS: dict[Compression, Encoder] = {
    GZIP: lambda data: gzip.compress(data, mtime=0),
    ZSTD: zstd_with_checksum,
    BZIP2: bz2.compress,
    XZ: lzma.compress,
}
FORMATS = pytest.mark.parametrize("compression", COMPRESS)


class Result(NamedTuple):
    output: bytes
    complete: bool
    streams: int
    kinds: list[AnomalyKind]
    inflater: Inflater


def inflate(
    compression: Compression, data: bytes, pieces: Iterable[int] = (), limits: Limits = DEFAULT_LIMITS
) -> Result:
    """Inflate `data`, fed in pieces of these lengths from a buffer that is overwritten after each, then the rest."""
    inflater = Inflater(compression, limits)
    output: list[bytes] = []

    def take(chunks: Iterator[bytes]) -> None:
        for chunk in chunks:
            assert 0 < len(chunk) <= limits.chunk
            output.append(chunk)

    position = 0
    for length in [*pieces, len(data)]:
        buffer = bytearray(data[position : position + length])
        position += len(buffer)
        take(inflater.feed(memoryview(buffer)))
        buffer[:] = bytes(len(buffer))
        buffer.clear()  # would raise BufferError if a reference were kept
        assert not inflater.complete
    take(inflater.finish())
    joined = b"".join(output)
    assert inflater.size == len(joined)
    assert inflater.consumed == len(data)
    assert all(anomaly.span is not None and anomaly.span.end <= len(data) for anomaly in inflater.anomalies)
    kinds = [anomaly.kind for anomaly in inflater.anomalies]
    return Result(joined, inflater.complete, inflater.streams, kinds, inflater)


def facts(result: Result) -> tuple[object, ...]:
    inflater = result.inflater
    return result[:4], inflater.anomalies, inflater.gzip_header, inflater.skippable, inflater.consumed


def gzip_member(
    data: bytes,
    *,
    flags: int | None = None,
    extra: bytes | None = None,
    name: bytes | None = None,
    comment: bytes | None = None,
    hcrc: bool = False,
    crc: int | None = None,
    isize: int | None = None,
    header_crc: int | None = None,
) -> bytes:
    """One gzip member (RFC 1952, section 2.3) of which every field can be bent."""
    computed = 2 * hcrc | 4 * (extra is not None) | 8 * (name is not None) | 16 * (comment is not None)
    header = b"\x1f\x8b\x08" + bytes([computed if flags is None else flags]) + b"\x01\x02\x03\x04\x02\x03"
    if extra is not None:
        header += struct.pack("<H", len(extra)) + extra
    for text in (name, comment):
        header += b"" if text is None else text + b"\0"
    if hcrc:
        header += struct.pack("<H", (zlib.crc32(header) if header_crc is None else header_crc) & 0xFFFF)
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    trailer = struct.pack("<II", zlib.crc32(data) if crc is None else crc, len(data) if isize is None else isize)
    return header + body + trailer


def skippable_frame(data: bytes, low: int = 0) -> bytes:
    return struct.pack("<II", 0x184D2A50 + low, len(data)) + data


# -------------------------------------------------------------------------------------------------------------- sniff


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", Compression.NONE),
        (b"\x1f\x8b\x08\x00", GZIP),
        (b"\x1f\x8b\x07\x00", Compression.NONE),
        (b"\x28\xb5\x2f\xfd", ZSTD),
        (skippable_frame(b"", 0), ZSTD),
        (skippable_frame(b"", 15), ZSTD),
        (b"BZh9", BZIP2),
        (b"BZh0", Compression.NONE),
        (b"\xfd7zXZ\0", XZ),
        (b"\x04\x22\x4d\x18rest", Compression.UNSUPPORTED),
        (b"\x02\x21\x4c\x18rest", Compression.UNSUPPORTED),
        (b"LZIP\x01\x0c", Compression.UNSUPPORTED),
        (b"\x1f\x9d\x90\x2e", Compression.UNSUPPORTED),
        (b"\x1f\x9d", Compression.NONE),
        (b"\x1f\x9d\xff", Compression.NONE),
        (lzma.compress(TEXT, lzma.FORMAT_ALONE), Compression.UNSUPPORTED),
        (b"]\0\0 text that is none", Compression.NONE),
        (b"{}", Compression.NONE),
        (bytes(512), Compression.NONE),
    ],
)
def test_sniff(head: bytes, expected: Compression) -> None:
    assert sniff(head) is expected
    assert sniff(head[:14]) is expected


@FORMATS
def test_sniff_knows_what_is_compressed(compression: Compression) -> None:
    assert sniff(COMPRESS[compression](b"")) is compression
    assert sniff(COMPRESS[compression](TEXT)) is compression


# ------------------------------------------------------------------------------------------------------ good streams


@FORMATS
@pytest.mark.parametrize("data", [b"", b"x", SHORT, TEXT, NOISE, bytes(3 * MIB)], ids=lambda data: str(len(data)))
def test_one_stream(compression: Compression, data: bytes) -> None:
    result = inflate(compression, COMPRESS[compression](data))
    assert result[:4] == (data, True, 1, [])


@FORMATS
def test_several_streams_are_one(compression: Compression) -> None:
    compress = COMPRESS[compression]
    stored = compress(b"") + compress(SHORT) + compress(NOISE) + compress(b"") + compress(TEXT)
    assert inflate(compression, stored)[:4] == (SHORT + NOISE + TEXT, True, 5, [])


@FORMATS
def test_thousands_of_streams(compression: Compression) -> None:
    stored = COMPRESS[compression](b"ab") * 3000
    result = inflate(compression, stored, [7, 100_000, 1])
    assert result[:4] == (b"ab" * 3000, True, 3000, [])


@FORMATS
def test_every_way_to_feed_gives_the_same(compression: Compression) -> None:
    stored = COMPRESS[compression](SHORT) + COMPRESS[compression](b"") + COMPRESS[compression](SHORT) + bytes(4)
    whole = facts(inflate(compression, stored))
    assert facts(inflate(compression, stored, [1] * len(stored))) == whole
    for border in range(len(stored)):
        assert facts(inflate(compression, stored, [border])) == whole


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(COMPRESS)),
    st.lists(st.one_of(st.binary(max_size=300), st.integers(0, 200_000).map(lambda n: NOISE[:n])), max_size=4),
    st.sampled_from([b"", bytes(5), b"\0\0junk", b"junk", b"\x1f"]),
    st.lists(st.integers(0, 70_000), max_size=20),
    st.integers(0, 40),
    st.sampled_from([64, 4096, MIB]),
)
def test_output_and_evidence_do_not_depend_on_chunk_borders(
    compression: Compression, parts: list[bytes], tail: bytes, pieces: list[int], cut: int, chunk: int
) -> None:
    stored = b"".join(map(COMPRESS[compression], parts)) + tail
    stored = stored[: len(stored) - cut]
    limits = Limits(chunk=chunk)
    assert facts(inflate(compression, stored, pieces, limits)) == facts(inflate(compression, stored, (), limits))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(COMPRESS)), st.binary(max_size=2000), st.randoms(use_true_random=False))
def test_a_corrupt_stream_gives_the_same_evidence_in_any_pieces(
    compression: Compression, data: bytes, rng: random.Random
) -> None:
    bent = bytearray(COMPRESS[compression](data + TEXT))
    bent[rng.randrange(len(bent))] ^= 1 << rng.randrange(8)
    pieces = [rng.randrange(3000) for _ in range(20)]
    assert facts(inflate(compression, bytes(bent), pieces)) == facts(inflate(compression, bytes(bent)))


@FORMATS
@pytest.mark.parametrize("chunk", [1, 10, 1000])
def test_small_output_chunks(compression: Compression, chunk: int) -> None:
    data = bytes(5000) + SHORT
    limits = Limits(chunk=chunk)
    assert inflate(compression, COMPRESS[compression](data), [3, 20], limits)[:4] == (data, True, 1, [])


@FORMATS
@given(data=st.binary(max_size=5000))
@settings(max_examples=25, deadline=None)
def test_the_library_of_the_format_agrees(compression: Compression, data: bytes) -> None:
    decompress: dict[Compression, Encoder] = {
        GZIP: gzip.decompress,
        ZSTD: zstd.decompress,
        BZIP2: bz2.decompress,
        XZ: lzma.decompress,
    }
    stored = COMPRESS[compression](data) + COMPRESS[compression](data[::-1])
    assert inflate(compression, stored).output == decompress[compression](stored) == data + data[::-1]


@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE])
def test_every_kind_of_deflate_block(level: int, strategy: int) -> None:
    encoder = zlib.compressobj(level, zlib.DEFLATED, 31, 9, strategy)
    stored = encoder.compress(TEXT) + encoder.flush(zlib.Z_SYNC_FLUSH) + encoder.compress(NOISE)
    stored += encoder.flush(zlib.Z_FULL_FLUSH) + encoder.compress(TEXT) + encoder.flush()
    assert inflate(GZIP, stored, [5, 999])[:4] == (TEXT + NOISE + TEXT, True, 1, [])


# -------------------------------------------------------------------------------------------------------- cut streams


@FORMATS
def test_a_stream_cut_anywhere_is_never_complete(compression: Compression) -> None:
    first, second = COMPRESS[compression](b"first"), COMPRESS[compression](SHORT)
    stored = first + second
    for length in range(len(stored)):
        result = inflate(compression, stored[:length])
        assert (b"first" + SHORT).startswith(result.output)
        if length == len(first):  # that is a whole stream: nothing in it says that another was to come
            assert result[:4] == (b"first", True, 1, [])
        else:
            assert not result.complete, length
            assert AnomalyKind.TRUNCATED_STREAM in result.kinds or length == 0, length


def test_where_a_stream_was_cut() -> None:
    first = gzip_member(b"first")
    second = gzip_member(SHORT, name=b"name")
    details = {}
    for length in (1, 12, 40, len(second) - 1):
        (anomaly,) = inflate(GZIP, first + second[:length]).inflater.anomalies
        assert anomaly.span == Span(len(first), length)
        details[length] = anomaly.detail.rsplit(" ", 1)[1]
    assert list(details.values()) == ["header", "header", "data", "trailer"]


@FORMATS
def test_no_input_is_no_stream(compression: Compression) -> None:
    assert inflate(compression, b"")[:4] == (b"", False, 0, [AnomalyKind.TRUNCATED_STREAM])


# ------------------------------------------------------------------------------------------------------- bent streams


def _flip_everywhere(stored: bytes) -> Iterator[tuple[int, int, Result]]:
    for position in range(len(stored)):
        for bit in range(8):
            bent = bytearray(stored)
            bent[position] ^= 1 << bit
            yield position, bit, inflate(GZIP, bytes(bent))


def test_every_flipped_bit_of_a_gzip_member_shows() -> None:
    """All but what no checksum covers: FTEXT of FLG, MTIME, XFL, OS, FNAME, and bits that fill the last data byte."""
    stored = gzip_member(SHORT, name=b"layer.tar")
    silent = {
        (position, bit)
        for position, bit, result in _flip_everywhere(stored)
        if result.complete and not result.kinds and result.output == SHORT
    }
    header = {(3, 0)} | {(position, bit) for position in range(4, 19) for bit in range(8)}
    last = len(stored) - 9
    assert silent - header <= {(last, bit) for bit in range(8)}
    assert silent >= header
    body = bytearray(stored[20:-8])
    for position, bit in silent - header:  # really filling: zlib says the same
        body[position - 20] ^= 1 << bit
    assert zlib.decompress(bytes(body), -15) == SHORT


def test_a_header_checksum_covers_the_header() -> None:
    stored = gzip_member(SHORT, extra=b"AP\x02\0zz", name=b"layer.tar", comment=b"hi", hcrc=True)
    end = stored.index(b"hi\0") + 5
    for position, bit, result in _flip_everywhere(stored[:end] + stored[end:]):
        if position < end:
            assert not result.complete, (position, bit)


@FORMATS
def test_every_flipped_byte_shows(compression: Compression) -> None:
    """Zstd and bzip2 have their own checksums, xz too; bits that mean nothing stay, and then the output is the same."""
    stored = COMPRESS[compression](SHORT)
    for position in range(len(stored)):
        bent = bytearray(stored)
        bent[position] ^= 0xFF
        result = inflate(compression, bytes(bent))
        assert not result.complete or result.kinds or result.output == SHORT, position


def test_a_wrong_crc_and_a_wrong_length_are_two_things_and_the_stream_goes_on() -> None:
    good = gzip_member(SHORT)
    for crc, isize, kinds in (
        (1, None, [AnomalyKind.CHECKSUM_MISMATCH]),
        (None, 1, [AnomalyKind.LENGTH_MISMATCH]),
        (1, 1, [AnomalyKind.CHECKSUM_MISMATCH, AnomalyKind.LENGTH_MISMATCH]),
    ):
        result = inflate(GZIP, good + gzip_member(SHORT, crc=crc, isize=isize) + good)
        assert result[:4] == (SHORT * 3, False, 3, kinds)
        trailer = 2 * len(good) - 8
        starts = {AnomalyKind.CHECKSUM_MISMATCH: trailer, AnomalyKind.LENGTH_MISMATCH: trailer + 4}
        assert [anomaly.span for anomaly in result.inflater.anomalies] == [Span(starts[kind], 4) for kind in kinds]


def test_a_zstd_frame_with_a_wrong_checksum() -> None:
    stored = bytearray(zstd_with_checksum(SHORT))
    stored[-1] ^= 1
    result = inflate(ZSTD, bytes(stored))
    assert (result.complete, result.kinds) == (False, [AnomalyKind.CHECKSUM_MISMATCH])


def test_a_corrupt_stream_stops_but_its_bytes_are_counted() -> None:
    good, noise = gzip_member(NOISE), bytearray(gzip_member(TEXT * 20))
    noise[len(noise) // 2 :] = b"\xff" * (len(noise) - len(noise) // 2)
    stored = good + bytes(noise) + good
    result = inflate(GZIP, stored)
    assert (result.complete, result.streams, result.kinds) == (False, 2, [AnomalyKind.CORRUPT_STREAM])
    assert result.inflater.consumed == len(stored)
    (anomaly,) = result.inflater.anomalies
    assert anomaly.span is not None
    assert len(good) < anomaly.span.offset < anomaly.span.end <= len(stored)
    assert result.output.startswith(NOISE)


@FORMATS
def test_another_format_is_corrupt_at_the_start(compression: Compression) -> None:
    for stored in (b"hello, world", bytes(20), b"\xff"):
        result = inflate(compression, stored)
        assert result[:4] == (b"", False, 0, [AnomalyKind.CORRUPT_STREAM])


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(
        [
            (GZIP, b"\x1f\x8b\x08"),
            (GZIP, b"\x1f\x8b\x08\0\0\0\0\0\0\xff"),
            (GZIP, gzip_member(b"x")),
            (ZSTD, b"\x28\xb5\x2f\xfd"),
            (ZSTD, b"\x50\x2a\x4d\x18"),
            (ZSTD, zstd.compress(b"x")),
            (BZIP2, b"BZh9"),
            (BZIP2, b"BZh91AY&SY"),
            (BZIP2, bz2.compress(b"x")),
            (XZ, b"\xfd7zXZ\0"),
            (XZ, lzma.compress(b"x")[:12]),
            (XZ, lzma.compress(b"x")),
        ]
    ),
    st.binary(max_size=200),
    st.lists(st.integers(0, 50), max_size=5),
)
def test_whatever_follows_a_magic_number_nothing_is_raised(
    start: tuple[Compression, bytes], rest: bytes, pieces: list[int]
) -> None:
    compression, magic = start
    result = inflate(compression, magic + rest, pieces)
    assert result.complete or result.kinds


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.data())
def test_python_does_not_accept_what_is_refused_here(data: bytes, draw: st.DataObject) -> None:
    bent = bytearray(gzip_member(data))
    bent[draw.draw(st.integers(10, len(bent) - 1))] ^= draw.draw(st.integers(1, 255))
    result = inflate(GZIP, bytes(bent))
    try:
        expected = gzip.decompress(bytes(bent))
    except (OSError, EOFError, zlib.error):
        assert not result.complete or result.kinds
    else:
        assert result.complete
        assert result.output == expected


# -------------------------------------------------------------------------------------------------------- gzip header


FULL = gzip_member(SHORT, extra=b"SG\x03\0abc", name=b"layer.tar", comment=b"a comment", hcrc=True)


def test_the_header_of_the_first_member_is_kept() -> None:
    header = inflate(GZIP, FULL + gzip_member(b"", name=b"second")).inflater.gzip_header
    assert header is not None
    assert (header.mtime, header.extra_flags, header.os, header.flags) == (0x04030201, 2, 3, 30)
    assert (header.name, header.comment, header.extra) == (b"layer.tar", b"a comment", b"SG\x03\0abc")
    assert header.first10 == FULL[:10].hex()


def test_a_header_split_anywhere() -> None:
    expected = facts(inflate(GZIP, FULL))
    assert expected[0] == (SHORT, True, 1, [])
    for first in range(len(FULL)):
        for second in (0, 1, 5):
            assert facts(inflate(GZIP, FULL, [first, second])) == expected


def test_parse_gzip_header_needs_all_of_it() -> None:
    parsed = parse_gzip_header(FULL)
    assert parsed is not None
    length = parsed[1]
    assert FULL[:length].startswith(b"\x1f\x8b")
    assert all(parse_gzip_header(FULL[:end]) is None for end in range(length))
    assert parse_gzip_header(FULL[:length]) == parsed


def test_fields_may_be_empty() -> None:
    header = inflate(GZIP, gzip_member(SHORT, extra=b"", name=b"", comment=b"", hcrc=True)).inflater.gzip_header
    assert header is not None
    assert (header.name, header.comment, header.extra) == (b"", b"", b"")


def test_a_long_name() -> None:
    name = b"n" * (900 * KIB)
    result = inflate(GZIP, gzip_member(SHORT, name=name), [11, 300_000])
    assert result[:4] == (SHORT, True, 1, [])
    assert result.inflater.gzip_header is not None
    assert result.inflater.gzip_header.name == name


def test_a_header_without_end() -> None:
    for stored in (gzip_member(SHORT, name=b"n" * (2 * MIB)), gzip_member(SHORT, comment=b"c" * (2 * MIB))):
        assert inflate(GZIP, stored)[:4] == (b"", False, 1, [AnomalyKind.LIMIT])


def test_a_wrong_header_checksum() -> None:
    result = inflate(GZIP, gzip_member(SHORT, name=b"n", hcrc=True, header_crc=1))
    assert result[:4] == (SHORT, False, 1, [AnomalyKind.CHECKSUM_MISMATCH])
    assert result.inflater.anomalies[0].span == Span(12, 2)


@pytest.mark.parametrize("flag", [0x20, 0x40, 0x80])
def test_reserved_flags(flag: int) -> None:
    result = inflate(GZIP, gzip_member(SHORT, flags=flag))
    assert result[:4] == (SHORT, True, 1, [AnomalyKind.RESERVED_FLAGS])
    assert result.inflater.anomalies[0].span == Span(3, 1)


def test_another_method_is_not_inflated() -> None:
    assert inflate(GZIP, b"\x1f\x8b\x07" + FULL[3:])[:4] == (b"", False, 1, [AnomalyKind.CORRUPT_STREAM])


def test_an_estargz_footer_is_a_member() -> None:
    footer = gzip_member(b"", extra=b"SG\x16\0" + b"%016x" % 123 + b"STARGZ")
    result = inflate(GZIP, gzip_member(SHORT) + gzip_member(TEXT) + footer)
    assert result[:4] == (SHORT + TEXT, True, 3, [])


# ------------------------------------------------------------------------------------------------------- what follows


@FORMATS
@pytest.mark.parametrize("length", [4, 512, 10240, 300 * KIB])
def test_zero_bytes_behind_the_stream(compression: Compression, length: int) -> None:
    stored = COMPRESS[compression](SHORT)
    result = inflate(compression, stored + bytes(length), [1, 2, 300])
    assert result[:4] == (SHORT, True, 1, [AnomalyKind.TRAILING_ZEROS])
    assert result.inflater.anomalies[0].span == Span(len(stored), length)


@FORMATS
@pytest.mark.parametrize("zeros", [0, 1, 8, 200 * KIB])
def test_other_bytes_behind_the_stream(compression: Compression, zeros: int) -> None:
    stored = COMPRESS[compression](SHORT)
    tail = bytes(zeros) + b"hidden text" + bytes(4)
    result = inflate(compression, stored + tail)
    assert result[:4] == (SHORT, True, 1, [AnomalyKind.TRAILING_BYTES])
    (anomaly,) = result.inflater.anomalies
    assert anomaly.span == Span(len(stored), len(tail))
    assert (f"{zeros} zero bytes, then " in anomaly.detail) == bool(zeros)


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (b"words\n", "text that begins with 776f7264730a"),
        (b"\x80\x81\x82", "unknown data"),
        (lzma.compress(SHORT), "xz data"),
        (b"\x04\x22\x4d\x18", "an lz4 stream"),
        (b"name".ljust(257, b"\0") + b"ustar\x0000".ljust(255, b"\0"), "a tar header"),
        (bytes(512) + gzip_member(SHORT), "512 zero bytes, then gzip data"),
    ],
)
def test_what_follows_is_named(tail: bytes, words: str) -> None:
    """A member after zero bytes is no part of the stream: gzip ignores it, Go refuses it, Python reads it."""
    result = inflate(GZIP, gzip_member(SHORT) + tail, [3, 90])
    assert (result.output, result.kinds) == (SHORT, [AnomalyKind.TRAILING_BYTES])
    assert words in result.inflater.anomalies[0].detail


def test_stream_padding_between_xz_streams() -> None:
    one = lzma.compress(SHORT)
    for zeros in (0, 4, 8, 128 * KIB, 300 * KIB):
        assert inflate(XZ, one + bytes(zeros) + one)[:4] == (SHORT * 2, True, 2, [])
    assert inflate(XZ, one + bytes(4) + one + bytes(8))[:4] == (SHORT * 2, True, 2, [AnomalyKind.TRAILING_ZEROS])


@pytest.mark.parametrize("zeros", [1, 2, 3, 5, 128 * KIB + 1])
def test_stream_padding_that_is_not_in_fours(zeros: int) -> None:
    one = lzma.compress(SHORT)
    result = inflate(XZ, one + bytes(zeros) + one)
    assert result[:4] == (SHORT, True, 1, [AnomalyKind.TRAILING_BYTES])
    assert f"{zeros} zero bytes, then xz data" in result.inflater.anomalies[0].detail
    assert inflate(XZ, one + bytes(zeros))[:4] == (SHORT, True, 1, [AnomalyKind.TRAILING_ZEROS])


# -------------------------------------------------------------------------------------------------- zstd and the rest


def test_skippable_frames_are_passed_over_and_counted() -> None:
    frame = zstd.compress(SHORT)
    stored = skippable_frame(b"") + frame + skippable_frame(NOISE, 7) + frame + skippable_frame(b"toc", 15)
    for pieces in ((), [1] * len(stored), [9, 4000, 70_000]):
        result = inflate(ZSTD, stored, pieces)
        assert result[:4] == (SHORT * 2, True, 2, [AnomalyKind.SKIPPABLE_FRAME])
        assert result.inflater.skippable == 3


def test_only_skippable_frames_are_an_empty_stream() -> None:
    assert inflate(ZSTD, skippable_frame(b""))[:4] == (b"", True, 0, [])
    assert inflate(ZSTD, skippable_frame(b"note"))[:4] == (b"", True, 0, [AnomalyKind.SKIPPABLE_FRAME])
    assert inflate(ZSTD, skippable_frame(b"note")[:-1])[:4] == (b"", False, 0, [AnomalyKind.TRUNCATED_STREAM])
    assert inflate(ZSTD, skippable_frame(b"note")[:6])[:4] == (b"", False, 0, [AnomalyKind.TRUNCATED_STREAM])


def test_a_window_beyond_the_bound_is_a_limit() -> None:
    parameter = zstd.CompressionParameter
    options: dict[int, int] = {parameter.window_log: 23, parameter.content_size_flag: 0}
    compressor = zstd.ZstdCompressor(options=options)
    stored = compressor.compress(TEXT) + compressor.flush()
    assert inflate(ZSTD, stored)[:4] == (TEXT, True, 1, [])
    for compression, wide in ((ZSTD, stored), (XZ, lzma.compress(TEXT, preset=6))):
        result = inflate(compression, wide, limits=Limits(decoder_memory=4 * MIB))
        assert result[:4] == (b"", False, 1, [AnomalyKind.LIMIT])
        assert str(4 * MIB) in result.inflater.anomalies[0].detail


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.UNSUPPORTED])
def test_what_cannot_be_undone_is_refused(compression: Compression) -> None:
    with pytest.raises(ValueError, match="nothing that can be undone"):
        Inflater(compression)


# ------------------------------------------------------------------------------------------------------------- bounds


BOMB_SIZE = 64 * MIB


@FORMATS
@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (Limits(inflated=2 * MIB, chunk=64 * KIB), 2 * MIB),
        (Limits(ratio=100, ratio_floor=1 * MIB, chunk=64 * KIB), 100 * 128 * KIB),
    ],
    ids=["size", "ratio"],
)
def test_a_bomb_is_put_out(compression: Compression, limits: Limits, most: int) -> None:
    stored = COMPRESS[compression](bytes(BOMB_SIZE))
    result = inflate(compression, stored, limits=limits)
    assert (result.complete, result.kinds) == (False, [AnomalyKind.LIMIT])
    assert len(result.output) <= most
    assert result.inflater.consumed == len(stored)


def test_the_ratio_is_not_judged_below_its_floor() -> None:
    stored = gzip_member(bytes(MIB))
    assert inflate(GZIP, stored, limits=Limits(ratio=10, ratio_floor=MIB)).complete
    assert not inflate(GZIP, stored, limits=Limits(ratio=10, ratio_floor=MIB - 1)).complete
    assert inflate(GZIP, stored, limits=Limits(inflated=MIB)).complete


@FORMATS
def test_memory_stays_flat(compression: Compression) -> None:
    stored = COMPRESS[compression](bytes(BOMB_SIZE))
    inflater = Inflater(compression)
    tracemalloc.start()
    try:
        for chunk in inflater.feed(stored):
            del chunk
        for chunk in inflater.finish():
            del chunk
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (inflater.complete, inflater.size) == (True, BOMB_SIZE)
    assert peak < 14 * MIB  # xz: a window of 8 MiB among them


@FORMATS
def test_too_many_streams(compression: Compression) -> None:
    stored = COMPRESS[compression](b"ab") * 6
    limits = Limits(streams=5)
    assert inflate(compression, stored, limits=limits)[:4] == (b"ab" * 5, False, 5, [AnomalyKind.LIMIT])
    assert inflate(compression, stored, limits=replace(limits, streams=6)).complete


def test_skippable_frames_count_against_the_bound() -> None:
    result = inflate(ZSTD, skippable_frame(b"") * 20, limits=Limits(streams=5))
    assert (result.complete, result.kinds, result.inflater.skippable) == (False, [AnomalyKind.LIMIT], 5)


def test_anomalies_are_bounded() -> None:
    result = inflate(GZIP, gzip_member(b"ab", crc=0) * 10, limits=Limits(anomalies=3))
    assert result.kinds == [AnomalyKind.CHECKSUM_MISMATCH] * 3 + [AnomalyKind.LIMIT]
    assert (result.output, result.complete) == (b"ab" * 10, False)


class Counting:
    """A decoder that counts the bytes which decoders are handed."""

    handed = 0

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes | memoryview, most: int, /) -> bytes:
        Counting.handed += len(data)
        return self._decoder.decompress(data, most)


def test_what_was_not_decoded_is_not_copied_over_and_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny members one after another take work that grows with their number, not with its square."""
    monkeypatch.setattr("imgforensics.inflate.decoder_for", lambda *asked: Counting(decoder_for(*asked)))

    count = 16_000
    Counting.handed = 0
    assert inflate(GZIP, gzip_member(b"") * count).streams == count
    assert 0 < Counting.handed <= count * 4096
