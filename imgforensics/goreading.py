"""How Go's ``archive/tar`` reads a header where that is not how :mod:`imgforensics.tarextensions` reads it. No I/O."""

from imgforensics.model import GoReading
from imgforensics.paxrecords import pax_integer
from imgforensics.tarextensions import Claims, Extensions
from imgforensics.tarheader import Header
from imgforensics.tartext import decode

_NUMBERS = ((100, 108), (108, 116), (116, 124), (124, 136), (136, 148))
_DEVICE = ((329, 337), (337, 345))
_TIMES = ((345, 357), (357, 369))
"""Access and change time of GNU's header, where others have the prefix."""
_INT64 = 1 << 63


def go_reading(block: bytes, header: Header, extensions: Extensions, claims: Claims) -> GoReading | None:
    """Name, target and size as Go (1.18 to 1.26, ``reader.go``, ``readHeader`` and ``next``) has them.

    Global records and the extended headers of Solaris apply to nothing, a GNU long name wins over a PAX path, and a
    prefix counts in a GNU header, too, whose times are no numbers. None where all that makes no difference.
    """
    fields = _NUMBERS + (() if header.format == "v7" else _DEVICE)
    refused = not all(_is_number(block[start:end]) for start, end in fields)
    solaris = "X" in extensions.types
    own = {} if solaris else {key: value for key, value in extensions.records if value}
    name, linkname = header.name, header.linkname
    if header.format == "gnu" and header.stray_prefix and not all(_is_number(block[a:b]) for a, b in _TIMES):
        name = header.stray_prefix + b"/" + name
    name = extensions.long_name or own.get(b"GNU.sparse.name") or own.get(b"path") or name
    linkname = extensions.long_link or own.get(b"linkpath") or linkname
    size = pax_integer(own.get(b"size", b""))
    size = header.size or 0 if size is None else size
    if not (refused or solaris) and (name, linkname, size) == (claims.name, claims.linkname, claims.size):
        return None
    return GoReading(decode(name), decode(linkname), size, refused=refused, solaris=solaris)


def _is_number(field: bytes) -> bool:
    """Whether Go takes a number from a field: binary of 63 bits, or octal digits up to a NUL, blanks cut off."""
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return -_INT64 <= (value - (1 << bits) if field[0] & 0x40 else value) < _INT64
    text = field.strip(b" \0").partition(b"\0")[0]
    return not text.strip(b"01234567")
