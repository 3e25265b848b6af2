"""The header of a gzip member (RFC 1952, section 2.3): bytes in, fields out. No I/O."""

from enum import IntFlag

from imgforensics.model import GzipHeader, GzipLabels

_ESTARGZ = 22
_BGZF = 2
_INDEXED = 8


class GzipFlag(IntFlag):
    """FLG of RFC 1952, section 2.3.1."""

    TEXT = 1
    HCRC = 2
    EXTRA = 4
    NAME = 8
    COMMENT = 16
    RESERVED = 0xE0


def parse_gzip_header(data: bytes) -> tuple[GzipHeader, int] | None:
    """The gzip header at the start of ``data`` and its length in bytes; None where it reaches further than ``data``.

    RFC 1952, section 2.3: ID1 ID2 CM FLG MTIME(4) XFL OS, then as FLG says: XLEN(2) and so many bytes, a name and a
    comment that end with a zero byte, CRC16 of all before it. ID1, ID2 and CM are the caller's to look at.
    """
    if len(data) < 10:
        return None
    flags = data[3]
    end = 10
    extra = name = comment = None
    if flags & GzipFlag.EXTRA:
        start = end + 2
        end = start + int.from_bytes(data[end:start], "little")
        if start > len(data) or end > len(data):
            return None
        extra = data[start:end]
    if flags & GzipFlag.NAME:
        start, end = end, data.find(b"\0", end) + 1
        if not end:
            return None
        name = data[start : end - 1]
    if flags & GzipFlag.COMMENT:
        start, end = end, data.find(b"\0", end) + 1
        if not end:
            return None
        comment = data[start : end - 1]
    if flags & GzipFlag.HCRC:
        end += 2
    if end > len(data):
        return None
    mtime = int.from_bytes(data[4:8], "little")
    return GzipHeader(mtime, data[8], data[9], flags, name, comment, extra), end


def is_known_extra(extra: bytes) -> bool:
    """Whether an extra field (RFC 1952, section 2.3.1.1) is one that a format of compressed layers or files defines.

    ``SG``: 16 hex digits and ``STARGZ``, eStargz's footer (stargz-snapshotter, docs/estargz.md). ``BC``: two bytes, the
    length of a BGZF block (SAM specification, section 4.1). ``IG``: eight bytes at most, that of an indexed member.
    """
    kind, length, content = extra[:2], int.from_bytes(extra[2:4], "little"), extra[4:]
    if len(content) != length:
        return False
    if kind == b"SG":
        digits, magic = content[:16], content[16:]
        return length == _ESTARGZ and magic == b"STARGZ" and not digits.strip(b"0123456789abcdefABCDEF")
    return (kind == b"BC" and length == _BGZF) or (kind == b"IG" and length <= _INDEXED)


def with_header(labels: GzipLabels | None, header: GzipHeader) -> GzipLabels | None:
    """The labels of a stream of which one more member begins, with this header."""
    extra = b"" if header.extra is None or is_known_extra(header.extra) else header.extra
    name, payload = len(header.name or b""), len(header.comment or b"") + len(extra)
    if not name and not payload:
        return labels
    before = labels or GzipLabels(0, 0, 0)
    comment = max(before.comment, len(header.comment or b""))
    return GzipLabels(before.members + 1, max(before.name, name), before.payload + payload, comment)
