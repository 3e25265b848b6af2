"""The content whose compressed digests stand in ``fixtures/pgzip_vectors.json``: each kind is a function of its size.

Whoever recorded the digests drew the content from xorshift64 (Marsaglia 2003, shifts 13, 7 and 17). What is drawn, and
in which order, is fixed by them; do not change it.
"""

import io
import struct
import tarfile
from collections.abc import Callable

_MASK = (1 << 64) - 1
_WORDS = (
    b"the of and to in a is that for it as was with be by on not he i this are or his from at which but have an had they "
    b"you were their one all we can her has there been if more when will would who so no"
).split()


class Draws:
    """Numbers of 64 bits, one after the other."""

    def __init__(self, seed: int) -> None:
        self.state = seed * 2654435761 + 88172645463325252 & _MASK

    def next(self) -> int:
        state = self.state
        state ^= state << 13 & _MASK
        state ^= state >> 7
        state ^= state << 17 & _MASK
        self.state = state
        return state

    def below(self, limit: int) -> int:
        return self.next() % limit


def rand(seed: int, size: int) -> bytes:
    draws = Draws(seed)
    return b"".join(struct.pack("<Q", draws.next()) for _ in range((size + 7) // 8))[:size]


def zero(seed: int, size: int) -> bytes:
    del seed
    return bytes(size)


def text(seed: int, size: int) -> bytes:
    draws = Draws(seed)
    out = bytearray()
    while len(out) < size:
        out += _WORDS[draws.below(len(_WORDS))]
        out += b" " if draws.below(11) else b"\n"
    return bytes(out[:size])


def low(seed: int, size: int) -> bytes:
    draws = Draws(seed)
    return bytes([draws.next() >> 5 & 3 for _ in range(size)])


def per(seed: int, size: int) -> bytes:
    piece = rand(seed, 7 + seed % 500)
    return (piece * (size // len(piece) + 1))[:size]


def skew(seed: int, size: int) -> bytes:
    draws = Draws(seed)
    out = bytearray()
    for _ in range(size):
        drawn = draws.next()
        ones = 0
        while drawn & 1 and ones < 40:
            ones += 1
            drawn >>= 1
        out.append(ones * 37 + seed % 5 * (drawn >> 20 & 1) & 255)
    return bytes(out)


def obj(seed: int, size: int) -> bytes:
    draws = Draws(seed)
    out = bytearray()
    address = 0x400000
    while len(out) < size:
        kind = draws.below(5)
        address += draws.below(60)
        if kind == 0:
            register = draws.below(64)
            out += b"\x48\x8b" + struct.pack("<Bi", register, draws.below(4096) - 2048)
        elif kind == 1:
            out += b"\xe8" + struct.pack("<i", 16 * draws.below(256) - (len(out) & 0xFFFF))
        elif kind == 2:
            out += struct.pack("<QQ", address, draws.below(512))
        elif kind == 3:
            out += b"\x55\x48\x89\xe5" + bytes(draws.below(4))
        else:
            out += b"\x0f\x1f\x44\x00\x00"
    return bytes(out[:size])


def mix(seed: int, size: int) -> bytes:
    draws = Draws(seed)
    out = bytearray()
    while len(out) < size:
        kind = draws.below(6)
        length = draws.below(5000)
        if kind == 2:
            out += bytes(length)
        elif kind == 3 and out:
            back = draws.below(min(len(out), 40000)) + 1
            start = len(out) - back
            out += out[start : start + min(length, back)]
        else:
            part = {0: rand, 1: text, 4: low}.get(kind, per)
            out += part(draws.below(1000), length)
    return bytes(out[:size])


def tar(seed: int, size: int) -> bytes:
    draws = Draws(seed)
    buffer = io.BytesIO()
    number = 0
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        while buffer.tell() < size:
            suffix = "txt" if number % 2 else "o"
            member = tarfile.TarInfo(f"usr/share/pkg{number % 7}/file{number:04}.{suffix}")
            part = (text, obj, mix, skew)[draws.below(4)]
            seed_of_part = draws.below(100000)
            data = part(seed_of_part, draws.below(30000))
            member.size = len(data)
            member.mode = 0o644
            member.mtime = 1600000000 + number
            archive.addfile(member, io.BytesIO(data))
            number += 1
    return buffer.getvalue()


def chunky(seed: int, size: int) -> bytes:
    out = bytearray(rand(seed, size))
    out[65274:65334] = out[32674:32734]
    out[65273] = out[32673] + 1 & 255
    return bytes(out)


KINDS: dict[str, Callable[[int, int], bytes]] = {
    kind.__name__: kind for kind in (rand, zero, text, low, per, skew, obj, mix, tar, chunky)
}


def content(name: str) -> bytes:
    """The content of a name such as ``text-300``; a tar archive is as large as it happens to be."""
    kind, _, size = name.partition("-")
    return KINDS[kind](int(size) * 31 + 7, int(size))
