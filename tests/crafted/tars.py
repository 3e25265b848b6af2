"""How the crafted tars of :mod:`tests.crafted.framing` are made: an honest archive, bent in one place."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted.resealing import resealed, sum_of, summed

Make = Callable[[], bytes]


def image() -> list[Entry]:
    """An honest archive: crane's, of one image, whose last member is manifest.json."""
    return builder.crane([ImageSpec()])


def saved() -> list[Entry]:
    """An honest archive whose last member, ``repositories``, no image needs."""
    return builder.docker_legacy([ImageSpec()])


CONFIG = builder.config_of(image()).path
"""Name of the config in the honest archive; its first member."""


def honest() -> bytes:
    return builder.tar(image())


def with_members(*extra: Entry, end: bytes = builder.END) -> Make:
    """The honest archive with more members before manifest.json."""

    def make() -> bytes:
        *before, manifest = image()
        return builder.tar([*before, *extra, manifest], end=end)

    return make


def bent(member: str, /, **fields: object) -> Make:
    """The honest archive with header fields of one member changed."""

    def make() -> bytes:
        entries = image()
        index = entries.index(builder.find(entries, member))
        entries[index] = replace(entries[index], **fields)  # type: ignore[arg-type]
        return builder.tar(entries)

    return make


def followed(tail: Callable[[], bytes]) -> Make:
    return lambda: honest() + tail()


def inner(name: str = "payload", data: bytes = b"hidden") -> bytes:
    """A member as bytes, to stand inside the data of another."""
    return builder.tar([Entry(name, data)], end=b"")


# --------------------------------------------------------------------------------------- checksums, ends, what follows


def checksum() -> bytes:
    entries = image()
    entries[1] = replace(entries[1], checksum=1)
    return builder.tar(entries)


def signed() -> bytes:
    """A checksum of signed bytes, as old tars sum, over a name that is not ASCII."""
    entries = [Entry("ä/", type=b"5"), *image()]
    block = builder.header(entries[0])
    entries[0] = replace(entries[0], checksum=sum(struct.unpack("512b", block[:148] + b" " * 8 + block[156:])))
    return builder.tar(entries)


def late_checksum() -> bytes:
    """A checksum that stands behind a NUL."""
    entries = image()
    return builder.tar([resealed(entries[0], 148, b"\0%06o\0" % sum_of(entries[0])), *entries[1:]])


def binary_checksum() -> bytes:
    """A checksum in binary."""
    entries = image()
    return builder.tar([resealed(entries[0], 148, b"\x80" + sum_of(entries[0]).to_bytes(7, "big")), *entries[1:]])


def rubble() -> bytes:
    *before, manifest = image()
    return builder.tar(before, end=b"") + b"\xaa" * 512 + builder.tar([manifest])


def zero_block() -> bytes:
    *before, manifest = image()
    return builder.tar(before, end=bytes(512)) + builder.tar([manifest])


def early_end() -> bytes:
    *before, manifest = image()
    return builder.tar(before) + builder.tar([manifest])


def zip_tail() -> bytes:
    return b"PK\x03\x04" + bytes(22) + b"payload"


def cut(keep: int) -> Make:
    """The archive of ``docker save``, cut ``keep`` bytes behind the start of its last header."""

    def make() -> bytes:
        *before, _ = saved()
        return builder.tar(saved())[: len(builder.tar(before, end=b"")) + keep]

    return make


# ----------------------------------------------------------------------------------------------------------- extensions


def global_header() -> bytes:
    body = builder.pax_records({"comment": "0123456789abcdef0123456789abcdef01234567"})
    return builder.tar([Entry("pax_global_header", body, b"g"), *image()])


def global_name() -> bytes:
    """A global record that renames every later member to manifest.json."""
    *before, manifest = image()
    body = builder.pax_records({"path": "manifest.json"})
    return builder.tar([*before, Entry("pax_global_header", body, b"g"), replace(manifest, name="README")])


def size_before_long_name() -> bytes:
    """A PAX size, of a header that says 0, before the GNU long name, to which some readers apply it (CVE-2026-53655)."""
    *before, manifest = image()
    size = builder.pax_records({"size": str(len(manifest.data))})
    long_name = Entry("././@LongLink", b"manifest.json\0", b"L", magic=builder.GNU)
    stacked = [Entry("PaxHeaders.0/manifest.json", size, b"x"), long_name, replace(manifest, size=0)]
    return builder.tar([*before, *stacked])


def two_names() -> bytes:
    """A PAX path and a GNU long name of one member."""
    *before, manifest = image()
    path = builder.pax_records({"path": "manifest.json"})
    long_name = Entry("././@LongLink", b"README\0", b"L", magic=builder.GNU)
    return builder.tar([*before, Entry("PaxHeaders.0/manifest.json", path, b"x"), long_name, manifest])


def stray_prefix(magic: bytes) -> Make:
    """A prefix in a header whose format has none."""

    def make() -> bytes:
        entries = image()
        block = bytearray(builder.header(replace(entries[-1], magic=magic)))
        block[345:352] = b"decoys/"
        entries[-1] = replace(entries[-1], raw_header=summed(bytes(block)))
        return builder.tar(entries)

    return make


def dangling() -> bytes:
    return builder.tar([*image(), Entry("PaxHeaders.0/x", builder.pax_records({"path": "x"}), b"x")])


def solaris() -> bytes:
    """The extended header of Solaris, which says the size that the plain one hides."""
    *before, manifest = image()
    size = builder.pax_records({"size": str(len(manifest.data))})
    return builder.tar([*before, Entry("PaxHeaders.0/manifest.json", size, b"X"), replace(manifest, size=0)])


def sparse(real: int) -> Make:
    """The config as a sparse file of old GNU tar, which claims to be so large."""

    def make() -> bytes:
        entries = image()
        config = entries[0]
        block = bytearray(builder.header(replace(config, type=b"S", magic=builder.GNU)))
        pairs = [(0, len(config.data)), (real, 0)]
        for number, pair in enumerate(pairs):
            block[386 + 24 * number : 410 + 24 * number] = b"".join(b"%011o\0" % value for value in pair)
        block[483:495] = b"%011o\0" % real
        entries[0] = replace(config, raw_header=summed(bytes(block)))
        return builder.tar(entries)

    return make


# --------------------------------------------------------------------------------------------------------------- fields


def negative_size() -> bytes:
    *before, manifest = image()
    return builder.tar([*before, Entry("minus", size=(-1).to_bytes(12, "big", signed=True)), manifest])


def huge_size() -> bytes:
    *before, manifest = image()
    return builder.tar([*before, Entry("huge", size=b"\x80" + (1 << 80).to_bytes(11, "big")), manifest])


def bad_uid() -> bytes:
    block = bytearray(builder.header(Entry("d/", type=b"5")))
    block[108:116] = b"mallory\0"
    return summed(bytes(block))


def beyond_the_end() -> bytes:
    entries = saved()
    entries[-1] = replace(entries[-1], size=1 << 40)
    return builder.tar(entries)


def hardlink(first: bool) -> Make:
    """Two names of one layer, the hard link before or behind the member that it leads to."""

    def make() -> bytes:
        entries = builder.crane([ImageSpec(layers=[builder.EVIL, builder.EVIL])])
        layer = builder.layers_of(entries)[0]
        link = Entry("again.tar.gz", type=b"1", linkname=layer.name)
        document = entries[-1].data.decode()
        entries[-1].data = document.replace(f'"{layer.path}"]', '"again.tar.gz"]').encode()
        entries.insert(entries.index(layer) + (not first), link)
        return builder.tar(entries)

    return make


# ------------------------------------------------------------------------------------------------- owners, times, padding


def owned(entries: Sequence[Entry], start: int, **fields: object) -> bytes:
    return builder.tar([*entries[:start], *(replace(each, **fields) for each in entries[start:])])  # type: ignore[arg-type]


def repacked() -> bytes:
    return owned(image(), 0, uid=1000, gid=1000, uname="mallory", gname="mallory", magic=builder.GNU)


def added_by_hand() -> bytes:
    return owned(image(), len(image()) - 1, uid=1000, gid=1000, uname="mallory", gname="mallory")


def other_times() -> bytes:
    return owned(builder.containerd([ImageSpec()]), 1, mtime=1_717_171_717)


def padding() -> bytes:
    entries = image()
    at = len(builder.tar(entries[:1], end=b""))
    data = bytearray(builder.tar(entries))
    data[at - 8 : at] = b"payload!"
    return bytes(data)


def unused_fields() -> bytes:
    entries = image()
    block = bytearray(builder.header(entries[0]))
    block[500:512] = b"hidden bytes"
    entries[0] = replace(entries[0], raw_header=summed(bytes(block)))
    return builder.tar(entries)


def behind_a_name() -> bytes:
    entries = image()
    block = bytearray(builder.header(entries[-1]))
    block[50:56] = b"hidden"
    entries[-1] = replace(entries[-1], raw_header=summed(bytes(block)))
    return builder.tar(entries)


def link_of_a_file() -> bytes:
    return bent("manifest.json", linkname="hidden bytes")()
