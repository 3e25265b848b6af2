"""The table of encoders, measuring, zlib's encodings, and the frame of a gzip member."""

import gzip
import hashlib
import zlib

import pytest

from imgforensics.recompress import ENCODERS, Recompressed, gzipmember, measure, words
from tests.content import text

SMALL = text("small", 5000)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoding_makes_one_gzip_member(name: str) -> None:
    encoding = ENCODERS[name]
    assert encoding.name == name
    assert encoding.stands_for
    encoder = encoding.make()
    stream = encoder.feed(SMALL[:3000]) + encoder.feed(b"") + encoder.feed(bytearray(SMALL[3000:])) + encoder.finish()
    assert gzip.decompress(stream) == SMALL
    assert measure(name, [SMALL]) == Recompressed(hashlib.sha256(stream).hexdigest(), len(stream))


@pytest.mark.parametrize("name", ENCODERS)
def test_nothing_at_all(name: str) -> None:
    assert gzip.decompress(ENCODERS[name].make().finish()) == b""


def test_an_encoding_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        measure("go0.9-6", [])


def test_chunks_of_wider_items() -> None:
    assert measure("zlib-6", [memoryview(SMALL).cast("I")]) == measure("zlib-6", [SMALL])


@pytest.mark.parametrize(("name", "level", "os"), [("zlib-6", 6, 0), ("zlib-9", 9, 0), ("zlib-6-jdk16", 6, 255)])
def test_gzip_of_java(name: str, level: int, os: int) -> None:
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
    body = deflate.compress(SMALL) + deflate.flush()
    frame = bytes.fromhex("1f8b080000000000 00") + bytes((os,))
    trailer = zlib.crc32(SMALL).to_bytes(4, "little") + len(SMALL).to_bytes(4, "little")
    assert ENCODERS[name].make().feed(b"")[:10] in (b"", frame)
    assert measure(name, [SMALL]).digest == hashlib.sha256(frame + body + trailer).hexdigest()


def test_headers_and_trailers() -> None:
    assert gzipmember.header(6).hex() == "1f8b08000000000000ff"
    assert gzipmember.header(9, gzipmember.ZERO_TIME, gzipmember.FAT_OS).hex() == "1f8b080000096e880200"
    assert gzipmember.header(1).hex() == "1f8b08000000000004ff"
    assert gzipmember.trailer(0x01020304, (5 << 32) + 6).hex() == "0403020106000000"


def test_words() -> None:
    data = bytearray(b"abcdefgh" * 3)
    assert words.load32(data, 1) == int.from_bytes(b"bcde", "little")
    assert words.load64(data, 1) == int.from_bytes(b"bcdefgha", "little")
    assert words.common(data, 0, 8, 16) == 16
    assert words.common(data, 0, 7, 16) == 0
    assert words.low32(0x1_2345_6789) == 0x2345_6789
    assert words.hash_little(b"\1\0\0\0", 0, 8) == words.hash_big(b"\0\0\0\1", 0, 8) == 0x1E
