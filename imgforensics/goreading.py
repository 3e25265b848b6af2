"""How Go's ``archive/tar`` reads a header where that is not how :mod:`imgforensics.tarextensions` reads it. No I/O."""

from imgforensics.model import GoReading, MemberKind
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

    Global records and the extended headers of Solaris apply to nothing, and their headers are members; of several PAX
    headers the last counts alone, an empty value is none, a GNU long name wins over a path, and a prefix counts in a
    GNU header, too, whose times are no numbers. None where all that makes no difference.
    """
    fields = _NUMBERS + (() if header.format == "v7" else _DEVICE)
    latest = [] if "X" in extensions.types else extensions.records[extensions.latest :]
    own = {key: value for key, value in dict(latest).items() if value}
    sparse = _sparse(latest, own)
    refused = sparse is None or not all(_is_number(block[start:end]) for start, end in fields)
    plain = not sparse and claims.kind is MemberKind.SPARSE and header.typeflag != "S"
    name, linkname = header.name, header.linkname
    if header.format == "gnu" and header.stray_prefix and not all(_is_number(block[a:b]) for a, b in _TIMES):
        name = header.stray_prefix + b"/" + name
    name = (own.get(b"GNU.sparse.name") if sparse else None) or extensions.long_name or own.get(b"path") or name
    linkname = extensions.long_link or own.get(b"linkpath") or linkname
    size = pax_integer(own.get(b"size", b""))
    size = header.size or 0 if size is None else size
    before = tuple((typeflag, decode(name)) for typeflag, name in extensions.members)
    differs = (name, linkname, size) != (claims.name, claims.linkname, claims.size)
    if not (refused or before or plain or differs):
        return None
    return GoReading(decode(name), decode(linkname), size, refused=refused, before=before, plain=plain)


def _sparse(records: list[tuple[bytes, bytes]], own: dict[bytes, bytes]) -> bool | None:
    """Whether PAX records make a sparse file; None where they are refused (``readGNUSparsePAXHeaders``).

    What stands in the data, as in version 1.0, is not looked at.
    """
    pairs = [(key, value) for key, value in records if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes")]
    if any(
        b"," in value or (key == b"GNU.sparse.offset") == bool(place % 2) for place, (key, value) in enumerate(pairs)
    ):
        return None
    given = own.get(b"GNU.sparse.map", b"").split(b",") if b"GNU.sparse.map" in own else []
    table = [value for _, value in pairs] or given
    version = own.get(b"GNU.sparse.major"), own.get(b"GNU.sparse.minor")
    size = own.get(b"GNU.sparse.size") or own.get(b"GNU.sparse.realsize") or b"0"
    if version == (b"1", b"0"):
        return _all_numbers([size])
    if version not in ((b"0", b"0"), (b"0", b"1")) and (version != (None, None) or not table):
        return False
    blocks = pax_integer(own.get(b"GNU.sparse.numblocks", b""))
    return _all_numbers([size, *table]) if blocks is not None and len(table) == 2 * blocks else None


def _all_numbers(values: list[bytes]) -> bool | None:
    """True, or None where one is no number: as :func:`_sparse` answers."""
    return True if all(pax_integer(value) is not None for value in values) else None


def _is_number(field: bytes) -> bool:
    """Whether Go takes a number from a field: binary of 63 bits, or octal digits up to a NUL, blanks cut off."""
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return -_INT64 <= (value - (1 << bits) if field[0] & 0x40 else value) < _INT64
    text = field.strip(b" \0").partition(b"\0")[0]
    return not text.strip(b"01234567")
