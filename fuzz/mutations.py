"""Changes to an input: blind ones, and such that know what a tar header or a JSON document is made of."""

import random
from collections.abc import Callable

from imgforensics.tarheader import BLOCK, is_header

Change = Callable[[random.Random, bytearray, list[bytes]], None]

_NUMBERS = (100, 108, 116, 124, 136, 329, 337)
"""Offsets of the numeric fields of a tar header."""
_FIELDS: tuple[tuple[int, int], ...] = (
    (0, 100),
    (100, 108),
    (108, 116),
    (116, 124),
    (124, 136),
    (136, 148),
    (156, 157),
    (157, 257),
    (257, 265),
)
_FIELDS += ((265, 297), (297, 329), (329, 345), (345, 500), (482, 483), (500, 512))
_WORDS = (
    *(b"manifest.json", b"index.json", b"oci-layout", b"repositories", b"blobs/sha256/", b"../", b"./", b"/", b"\0"),
    *(b"path=", b"size=", b"linkpath=", b"GNU.sparse.major=1\n", b"hdrcharset=BINARY\n", b"ustar\00000", b"ustar  \0"),
    *(b"null", b"true", b"1e999", b"-0", b"[[[[", b"{}", b'"Config":', b'"Layers":', b'"manifests":', b"\\ud800"),
    *(b"sha256:", b"sha512:", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"),
)


def mutated(chance: random.Random, seed: bytes, others: list[bytes]) -> bytes:
    """The seed with one to six changes; ``others`` are inputs of which parts may be taken."""
    data = bytearray(seed)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 6))):
        if data:
            chance.choice(_CHANGES)(chance, data, others)
    return bytes(data[: 1 << 18])


def _flip(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    data[chance.randrange(len(data))] = chance.choice((0, 1, 0x20, 0x2F, 0x30, 0x7F, 0x80, 0xFF, chance.randrange(256)))


def _word(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    word, at = chance.choice(_WORDS), chance.randrange(len(data))
    data[at : at + (len(word) if chance.random() < 0.7 else 0)] = word


def _cut(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = chance.randrange(len(data))
    if chance.random() < 0.5:
        at = at // BLOCK * BLOCK + chance.choice((0, 0, 1, 100, 511))
    del data[at:]


def _splice(chance: random.Random, data: bytearray, others: list[bytes]) -> None:
    other = chance.choice(others)
    start, at = chance.randrange(len(other) + 1), chance.randrange(len(data))
    if chance.random() < 0.7:
        start, at = start // BLOCK * BLOCK, at // BLOCK * BLOCK
    data[at:] = other[start:]


def _copy_blocks(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    blocks = len(data) // BLOCK + 1
    start, at = chance.randrange(blocks) * BLOCK, chance.randrange(blocks) * BLOCK
    piece = data[start : start + BLOCK * chance.choice((1, 1, 2, 3, 8))]
    data[at : at + (len(piece) if chance.random() < 0.5 else 0)] = piece


def _swap_blocks(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    blocks = max(1, len(data) // BLOCK)
    one, two = chance.randrange(blocks) * BLOCK, chance.randrange(blocks) * BLOCK
    data[one : one + BLOCK], data[two : two + BLOCK] = data[two : two + BLOCK], data[one : one + BLOCK]


def _zero_blocks(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = chance.randrange(len(data) // BLOCK + 1) * BLOCK
    data[at:at] = bytes(BLOCK * chance.choice((1, 1, 2, 3)))


def _header(chance: random.Random, data: bytearray, _: list[bytes]) -> None:
    """Change a field of a header, and put its checksum right."""
    headers = [at for at in range(0, len(data), BLOCK) if is_header(bytes(data[at : at + BLOCK]))]
    if not headers:
        return
    at = chance.choice(headers)
    block = data[at : at + BLOCK]
    start, end = chance.choice(_FIELDS)
    if start in _NUMBERS:
        width = end - start
        value = chance.choice(
            (0, 1, 511, 512, 513, 1024, 0o7777777, -1, 1 << 33, 1 << 62, 1 << 63, chance.randrange(9999))
        )
        octal = b"%0*o\0" % (width - 1, value) if 0 <= value < 8 ** (width - 1) else b""
        binary = (value % (1 << (8 * width))).to_bytes(width, "big")
        block[start:end] = octal or bytes([binary[0] | 0x80]) + binary[1:]
    elif (start, end) == (156, 157):
        block[156] = chance.choice(b"\x000123456789xXgLKSDMNVZ")
    elif chance.random() < 0.5:
        word = chance.choice(_WORDS)[: end - start]
        block[start : start + len(word)] = word
    else:
        block[chance.randrange(start, end)] = chance.randrange(256)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    data[at : at + BLOCK] = block


_CHANGES: tuple[Change, ...] = (
    *(_flip, _set, _word, _cut, _splice, _copy_blocks, _swap_blocks, _zero_blocks),
    *(_header, _header, _header),
)
