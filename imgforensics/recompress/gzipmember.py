"""The frame of a gzip member (RFC 1952, section 2.3): the ten fixed bytes in front, the eight behind.

======  =====  ====================================================================================
offset  bytes  field
======  =====  ====================================================================================
0       2      magic, ``1f 8b``
2       1      CM: 8, DEFLATE
3       1      FLG: 0; none of the imitated programs writes a name, a comment or an extra field
4       4      MTIME
8       1      XFL: 2 for the slowest level, 4 for the fastest, else 0
9       1      OS
======  =====  ====================================================================================

Behind the DEFLATE stream: CRC-32 of the uncompressed bytes, their number modulo 2**32, both little-endian.
"""

NO_TIME = bytes(4)
"""MTIME of Go 1.8 and later, and of Java, where no time was set."""
ZERO_TIME = bytes.fromhex("00096e88")
"""MTIME of Go up to 1.7 and of klauspost/pgzip where no time was set: the low 32 bits of -62135596800, which is the
first of January of year 1 in Unix seconds."""

UNKNOWN_OS = 255
"""OS of Go, pgzip, and Java since JDK 16."""
FAT_OS = 0
"""OS of Java's ``GZIPOutputStream`` up to JDK 15."""


def header(level: int, mtime: bytes = NO_TIME, os: int = UNKNOWN_OS) -> bytes:
    """The ten fixed bytes.

    Args:
        level: The compression level asked for, -2 to 9; XFL tells 1 and 9 apart from the rest. Java leaves XFL zero,
            which any other level gives.
        mtime: Four bytes, little-endian seconds since 1970.
        os: The number of the file system, RFC 1952, section 2.3.1.
    """
    xfl = {9: 2, 1: 4}.get(level, 0)
    return b"\x1f\x8b\x08\x00" + mtime + bytes((xfl, os))


def trailer(crc: int, size: int) -> bytes:
    """The eight bytes behind the DEFLATE stream.

    Args:
        crc: CRC-32 of the uncompressed bytes.
        size: Number of the uncompressed bytes; only its low 32 bits are written.
    """
    return crc.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
