"""How Go's ``archive/tar`` reads a header where that is not how :mod:`imgforensics.tarextensions` reads it. No I/O."""

from dataclasses import replace

from imgforensics.tarextensions import Extensions
from imgforensics.tarheader import Header, parse_header

_SUM = 148
_NUMBERS = ((100, 108), (108, 116), (116, 124), (124, 136), (136, 148))
_DEVICE = ((329, 337), (337, 345))
_TIMES = ((345, 357), (357, 369))
"""Access and change time of GNU's header, where others have the prefix."""
_STAR_TIMES = ((476, 488), (488, 500))
_INT64 = 1 << 63


def go_names(block: bytes, header: Header, extensions: Extensions, records: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """Name and target as Go has them, by a header, its extensions, and the PAX records that count."""
    name, prefix = header.name, header.stray_prefix
    if header.format == "gnu" and prefix.isascii() and prefix and not all(_is_number(block[a:b]) for a, b in _TIMES):
        name = prefix + b"/" + name
    name = extensions.long_name or records.get(b"GNU.sparse.name") or records.get(b"path") or name
    return name, extensions.long_link or records.get(b"linkpath") or header.linkname


def go_header(block: bytes) -> Header:
    """The fields of a header as Go has them: it finds numbers behind NULs, too, where others see none."""
    header = parse_header(block)
    if not header.bad:
        return header
    spelled = bytearray(block)
    for start, end in _NUMBERS + _DEVICE:
        text = block[start:end].strip(b" \0")
        if not block[start] and text:
            spelled[start:end] = text.ljust(end - start, b"\0")
    return replace(parse_header(bytes(spelled)), bad=header.bad)


def refuses(block: bytes, header: Header) -> bool:
    """Whether Go fails at a header with a right checksum, by its fields alone, be it an extension's or a member's.

    A checksum in binary is none to it.
    """
    fields: tuple[tuple[int, int], ...] = _NUMBERS if header.format == "v7" else _NUMBERS + _DEVICE
    if header.format == "star":
        fields += _STAR_TIMES
    return block[_SUM] >= 0x80 or not all(_is_number(block[start:end]) for start, end in fields)


def _is_number(field: bytes) -> bool:
    """Whether Go takes a number from a field: binary of 63 bits, or octal digits up to a NUL, blanks cut off."""
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return -_INT64 <= (value - (1 << bits) if field[0] & 0x40 else value) < _INT64
    text = field.strip(b" \0").partition(b"\0")[0]
    return not text.strip(b"01234567")
