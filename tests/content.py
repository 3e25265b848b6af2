"""Content to compress, the same on every machine: each kind is a function of a seed and a size.

The bytes come from SHAKE-128 and plain arithmetic, since the methods of ``random`` are free to change. Digests of what
real encoders made of this content are kept in ``fixtures/go_vectors.json``: whoever changes a generator makes them anew.
"""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator

MIB = 1 << 20


def noise(seed: str, size: int) -> bytes:
    """Bytes that do not compress."""
    return hashlib.shake_128(seed.encode()).digest(size)


def zeros(seed: str, size: int) -> bytes:
    """One long run."""
    del seed
    return bytes(size)


def skewed(seed: str, size: int) -> bytes:
    """Few matches, and symbols that are far from equally frequent."""
    table = bytes((value * value * value) >> 16 for value in range(256))
    return noise(f"skewed {seed}", size).translate(table)


def four(seed: str, size: int) -> bytes:
    """Four symbols: chains of great length."""
    return noise(f"four {seed}", size).translate(bytes(value & 3 for value in range(256)))


def periodic(seed: str, size: int) -> bytes:
    """A piece over and over."""
    piece = noise(f"periodic {seed}", 3 + noise(seed, 1)[0] * 5)
    return (piece * (size // len(piece) + 1))[:size]


def text(seed: str, size: int) -> bytes:
    """Words of a vocabulary, some much more frequent than others."""
    letters = noise(f"letters {seed}", 8192).translate(bytes(b"etaoinshrdlucmfw"[value >> 4] for value in range(256)))
    words = [letters[at * 16 : at * 16 + 2 + at % 11] + b" ,\n "[at % 4 : at % 4 + 1] for at in range(512)]
    out = bytearray()
    step = 0
    while len(out) < size:
        draw = noise(f"text {seed} {step}", 8192)
        out += b"".join([words[one * two >> 7] for one, two in zip(draw[::2], draw[1::2], strict=True)])
        step += 1
    return bytes(out[:size])


def records(seed: str, size: int) -> bytes:
    """Like tables and machine code: fields that count up, small numbers, a few opcodes."""
    out = bytearray()
    step = 0
    address = 0x400000
    while len(out) < size:
        for draw in noise(f"records {seed} {step}", 4096):
            address += draw & 31
            if draw < 90:
                out += b"\x48\x8b" + bytes((draw & 63,)) + (draw * 40 - 2000).to_bytes(4, "little", signed=True)
            elif draw < 150:
                out += b"\xe8" + (address & 0xFFFFF0).to_bytes(4, "little")
            elif draw < 220:
                out += address.to_bytes(8, "little") + draw.to_bytes(8, "little")
            else:
                out += b"\x0f\x1f\x44\x00\x00" + bytes(draw & 7)
        step += 1
    return bytes(out[:size])


def mixed(seed: str, size: int) -> bytes:
    """Pieces of every other kind, and copies of what was there before, near and far."""
    out = bytearray()
    step = 0
    while len(out) < size:
        draw = int.from_bytes(noise(f"mixed {seed} {step}", 8), "little")
        length = (draw >> 8) % 6000
        back = (draw >> 24) % 40000 + 1
        if draw & 7 < 2 and back <= len(out):
            start = len(out) - back
            out += out[start : start + min(length, back)]
        else:
            kind = (noise, zeros, skewed, four, periodic, text, records)[draw % 7]
            out += kind(f"{seed} {draw & 255}", length)
        step += 1
    return bytes(out[:size])


def tar(seed: str, size: int) -> bytes:
    """A tar archive of small files, cut off at the size."""
    buffer = io.BytesIO()
    step = 0
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        while buffer.tell() < size:
            draw = int.from_bytes(noise(f"tar {seed} {step}", 8), "little")
            member = tarfile.TarInfo(f"usr/share/p{draw % 5}/f{step:05}")
            member.size = (draw >> 8) % 50000
            member.mtime = 1_600_000_000 + step
            kind = (text, text, text, records, skewed, mixed)[draw % 6]
            archive.addfile(member, io.BytesIO(kind(f"{seed} {draw % 50}", member.size)))
            step += 1
    return buffer.getvalue()[:size]


KINDS: dict[str, Callable[[str, int], bytes]] = {
    kind.__name__: kind for kind in (zeros, noise, skewed, four, periodic, text, records, mixed, tar)
}


def endless(seed: str, size: int) -> Iterator[bytes]:
    """Chunks of content of any size that repeats nothing within the reach of a match."""
    pieces = [mixed(f"{seed} {number}", MIB) for number in range(8)]
    done = 0
    while done < size:
        number = done // MIB
        piece = number.to_bytes(8, "little") + pieces[number * number % 8][number % 997 : -8]
        yield piece[: size - done]
        done += len(piece)
