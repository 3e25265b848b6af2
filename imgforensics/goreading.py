"""How Go's ``archive/tar`` reads a header where that is not how :mod:`imgforensics.tarextensions` reads it. No I/O."""

from collections.abc import Iterator
from dataclasses import replace

from imgforensics.model import AnomalyKind
from imgforensics.paxrecords import parse_pax, pax_integer
from imgforensics.tarextensions import DATALESS, Extensions
from imgforensics.tarheader import SIZE_BOUND, Header, parse_header
from imgforensics.tartext import Note, decode, show

_SUM = 148
_NUMBERS = ((100, 108), (108, 116), (116, 124), (124, 136), (136, 148))
_DEVICE = ((329, 337), (337, 345))
_TIMES = ((345, 357), (357, 369))
"""Access and change time of GNU's header, where others have the prefix."""
_STAR_TIMES = ((476, 488), (488, 500))


def go_names(block: bytes, header: Header, extensions: Extensions, *, sparse: bool) -> tuple[bytes, bytes]:
    """Name and target as Go has them, by a header and its extensions; where they make a :func:`sparse <go_sparse>` one,
    its name wins over a GNU long name, which wins over a PAX path.
    """
    records = dict(extensions.records)
    name, prefix = header.name, header.stray_prefix
    if header.format == "gnu" and prefix.isascii() and prefix and not all(_is_number(block[a:b]) for a, b in _TIMES):
        name = prefix + b"/" + name
    own = records.get(b"GNU.sparse.name") if sparse else None
    name = own or extensions.long_name or records.get(b"path") or name
    return name, extensions.long_link or records.get(b"linkpath") or header.linkname


def go_header(block: bytes) -> Header:
    """The fields of a header as Go has them: it finds numbers behind NULs, too, where others see none."""
    header = parse_header(block)
    if not header.bad:
        return header
    spelled = bytearray(block)
    for start, end in _NUMBERS + _DEVICE:
        text = block[start:end].strip(b" \0")
        if text and block[start] < 0x80:
            spelled[start:end] = text.ljust(end - start, b"\0")
    return replace(parse_header(bytes(spelled)), bad=header.bad)


def go_notes(header: Header, name: bytes, size: int) -> Iterator[Note]:
    """What is odd about an entry of this name and size since Go alone reads it so."""
    if "size" in header.bad:
        yield AnomalyKind.BAD_SIZE, f"a size behind a NUL, where Go's reader finds it and others do not: {size} bytes"
    if header.stray_prefix and name.startswith(header.stray_prefix + b"/"):
        detail = f"a prefix in a GNU header whose times are none, which Go's reader counts: {show(name)}"
        yield AnomalyKind.COUNTED_PREFIX, detail


def go_global(header: Header, body: bytes) -> str:
    """The name of a global header, which Go hands out as an entry without bytes, and whatever stood before is gone."""
    return decode(dict(parse_pax(body)[0]).get(b"path") or header.name)


def refusal(block: bytes, header: Header) -> str | None:
    """Why Go fails at a header with a right checksum, by its fields alone, be it an extension's or a member's.

    A checksum in binary is none to it; None where it does not fail.
    """
    fields: tuple[tuple[int, int], ...] = _NUMBERS if header.format == "v7" else _NUMBERS + _DEVICE
    if header.format == "star":
        fields += _STAR_TIMES
    if block[_SUM] >= 0x80 or not all(_is_number(block[start:end]) for start, end in fields):
        where = f" in the field {', '.join(header.bad)}" if header.bad else ""
        return f"a header without a number where one has to be{where}"
    if header.size is not None and header.size < 0 and header.typeflag not in DATALESS:
        return f"a size of {header.size} bytes"
    if header.typeflag == "S" and header.format != "gnu":
        return "an old sparse file in another format than GNU's"
    return None


def go_sparse(records: list[tuple[bytes, bytes]]) -> bool | None:
    """Whether PAX records make a sparse file; None where they are refused (``readGNUSparsePAXHeaders``).

    What stands in the data, as in version 1.0, is not looked at.
    """
    own = {key: value for key, value in dict(records).items() if value}
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
    """True, or None where one is no number: as :func:`go_sparse` answers."""
    return True if all(pax_integer(value) is not None for value in values) else None


def _is_number(field: bytes) -> bool:
    """Whether Go takes a number from a field: binary of 63 bits, or octal digits up to a NUL, blanks cut off."""
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return -SIZE_BOUND <= (value - (1 << bits) if field[0] & 0x40 else value) < SIZE_BOUND
    text = field.strip(b" \0").partition(b"\0")[0]
    return not text.strip(b"01234567")
