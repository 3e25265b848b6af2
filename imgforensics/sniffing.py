"""Which compression a stream has, by its first bytes alone.

The magic numbers are those by which container tools choose (``DetectCompression`` in moby and containerd), a skippable
zstd frame included. A few compressions are recognised although they cannot be undone here, so that they are not taken
for plain data. A tar may begin like a stream, by the name of its first member; a sound header tells it from one.
"""

from imgforensics.limits import KIB
from imgforensics.model import Compression
from imgforensics.tarheader import BLOCK, is_header

_ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
SKIPPABLE = tuple((0x184D2A50 + low).to_bytes(4, "little") for low in range(16))
"""How a skippable zstd frame can begin (RFC 8878, section 3.1.2)."""

_BZIP2 = tuple(b"BZh" + b"%d" % level for level in range(1, 10))

MAGICS: dict[Compression, tuple[bytes, ...]] = {
    Compression.GZIP: (b"\x1f\x8b",),
    Compression.ZSTD: (_ZSTD_FRAME, *SKIPPABLE),
    Compression.BZIP2: _BZIP2,
    Compression.XZ: (b"\xfd7zXZ\0",),
}
"""How a unit of a stream of each format can begin; of one length in each format."""

_FOREIGN = (
    (b"\x04\x22\x4d\x18", "an lz4 stream"),
    (b"\x02\x21\x4c\x18", "an lz4 stream"),  # legacy frames
    (b"LZIP\x01", "an lzip stream"),
)


_BY_READERS = {
    Compression.GZIP: (b"\x1f\x8b\x08",),
    Compression.ZSTD: MAGICS[Compression.ZSTD],
    Compression.BZIP2: (b"BZh",),
    Compression.XZ: MAGICS[Compression.XZ],
}


def sniff(head: bytes) -> Compression:
    """The compression of a stream that begins with these bytes: a block of a tar is enough.

    What :func:`foreign` has a name for is UNSUPPORTED.
    """
    found = _sniff(head)
    return Compression.NONE if found is not Compression.NONE and is_header(head[:BLOCK]) else found


def begins_like(head: bytes) -> Compression | None:
    """What readers that go by the first bytes alone take a plain file for; None where they take it for plain."""
    if sniff(head) is not Compression.NONE:
        return None
    return next((kind for kind, magics in _BY_READERS.items() if head.startswith(magics)), None)


def _sniff(head: bytes) -> Compression:
    if head.startswith(b"\x1f\x8b\x08"):
        return Compression.GZIP
    for compression in (Compression.ZSTD, Compression.XZ, Compression.BZIP2):
        if head.startswith(MAGICS[compression]):
            return compression
    return Compression.NONE if foreign(head) is None else Compression.UNSUPPORTED


def foreign(head: bytes) -> str | None:
    """A compression that is recognised but cannot be undone, in words; None where it is none of these."""
    for magic, words in _FOREIGN:
        if head.startswith(magic):
            return words
    if _is_compress(head):
        return "a compress (.Z) stream"
    return "a bare LZMA stream" if _is_bare_lzma(head) else None


def _is_compress(head: bytes) -> bool:
    """Whether this is compress (.Z): magic, then 9 to 16 bits a code, two reserved bits, the block flag."""
    return head.startswith(b"\x1f\x9d") and len(head) > 2 and head[2] & 0x60 == 0 and 9 <= head[2] & 0x1F <= 16


def _is_bare_lzma(head: bytes) -> bool:
    """Whether this is LZMA_Alone: no magic, but xz's rules for its 13 bytes of header, and a range coder's zero byte.

    lc/lp/pb as every tool sets them, a dictionary of ``2**n`` or ``2**n + 2**(n-1)`` bytes, a length that is unknown or
    below 256 GiB.
    """
    if len(head) < 14 or head[0] != 0x5D or head[13] != 0:
        return False
    dictionary = int.from_bytes(head[1:5], "little")
    length = int.from_bytes(head[5:13], "little")
    lowest = dictionary & -dictionary
    return dictionary >= 4 * KIB and dictionary in (lowest, lowest * 3) and (length < 2**38 or length == 2**64 - 1)
