"""TAR-06, TAR-07 and TAR-11: values of extension headers that readers take in two ways, and links to nothing."""

from collections.abc import Mapping
from dataclasses import replace

from tests import builder
from tests.builder import Entry
from tests.crafted.case import Crafted, Threat
from tests.crafted.tars import Make, bent, global_header, honest, image, with_members

THREATS: tuple[Threat, ...] = ()
_SIZE = str(len(image()[-1].data))
_MAP = {"GNU.sparse.map": f"0,{_SIZE}", "GNU.sparse.size": _SIZE, "GNU.sparse.name": "manifest.json"}


def _global(name: str, records: Mapping[str, str]) -> Make:
    """A global header of this name before everything."""
    return lambda: builder.tar([Entry(name, builder.pax_records(records), b"g"), *image()])


def _two_headers() -> bytes:
    """Two extension headers before one member; Go forgets the first."""
    *before, manifest = image()
    first = Entry("PaxHeaders.0/manifest.json", builder.pax_records({"path": "manifest.json"}), b"x")
    return builder.tar([*before, first, replace(manifest, name="README", pax={"comment": "the second one"})])


def _sparse(records: Mapping[str, str]) -> Make:
    """``manifest.json`` as a file without holes that records call sparse."""
    return bent("manifest.json", pax=records)


def _crafted(name: str, what: str, make: Make, codes: str, twin: Make) -> Crafted:
    return Crafted(f"TAR-{name}", what, make, frozenset(codes.split()), twin)


CRAFTED: tuple[Crafted, ...] = (
    _crafted(
        "06-size-without-value",
        "a PAX size without a value: the plain header's, or none at all",
        bent("manifest.json", pax={"size": ""}),
        "IMG109",
        bent("manifest.json", pax={"uname": ""}),
    ),
    _crafted(
        "06-name-without-value",
        "a PAX path without a value: the plain header's, or none at all",
        bent("manifest.json", pax={"path": ""}),
        "IMG109",
        bent("manifest.json", pax={"gname": ""}),
    ),
    _crafted(
        "06-size-with-plus",
        "a PAX size with a plus sign, of a header that says 0",
        bent("manifest.json", size=0, pax={"size": f"+{_SIZE}"}),
        "IMG109",
        bent("manifest.json", pax={"size": f"00{_SIZE}"}),
    ),
    _crafted(
        "06-uid-with-plus",
        "a PAX owner with a plus sign",
        bent("manifest.json", pax={"uid": "+0"}),
        "IMG109",
        bent("manifest.json", pax={"uid": "0"}),
    ),
    _crafted(
        "06-two-headers",
        "two PAX headers for one member, of which Go, GNU tar and bsdtar know the last one only",
        _two_headers,
        "IMG109",
        bent("manifest.json", pax={"path": "manifest.json", "comment": "one header"}),
    ),
    _crafted(
        "06-global-called-manifest",
        "a PAX header for all later members that is itself called manifest.json: to Go it is the first member of that name",
        _global("manifest.json", {"comment": "x"}),
        "IMG109",
        global_header,
    ),
    _crafted(
        "06-too-long",
        "a PAX header of two mebibytes, which Go refuses to read",
        bent("manifest.json", pax={"comment": "x" * (2 << 20)}),
        "IMG902",
        bent("manifest.json", pax={"comment": "x" * (1 << 19)}),
    ),
    _crafted(
        "06-attribute",
        "an extended attribute that Linux refuses: docker and skopeo's oci-archive reader end there, others do not look",
        bent("manifest.json", pax={"SCHILY.xattr.security.capability": "garbage"}),
        "IMG109",
        bent("manifest.json", pax={"SCHILY.xattr.user.note": "x", "LIBARCHIVE.xattr.com.apple.provenance": "AQ"}),
    ),
    _crafted(
        "07-name-only",
        "the name of a sparse file without a map: GNU tar, bsdtar and Python take the name, Go does not",
        bent("manifest.json", name="README", pax={"GNU.sparse.name": "manifest.json"}),
        "IMG109 IMG907",
        honest,
    ),
    _crafted(
        "07-unknown-version",
        "a sparse file of a version that nobody wrote: GNU tar and bsdtar look for a map in the data, Go takes all for data",
        _sparse({"GNU.sparse.major": "2", "GNU.sparse.minor": "0", **_MAP}),
        "IMG907",
        _sparse({"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.numblocks": "1", **_MAP}),
    ),
    _crafted(
        "07-count",
        "a sparse map of another count than is said, which Go refuses",
        _sparse({"GNU.sparse.numblocks": "2", **_MAP}),
        "IMG907",
        _sparse({"GNU.sparse.numblocks": "1", **_MAP}),
    ),
    _crafted(
        "11-to-nothing",
        "a symlink without a target, at which docker and skopeo's oci-archive reader end",
        with_members(Entry("x", type=b"2")),
        "IMG109",
        with_members(Entry("x", type=b"2", linkname="manifest.json")),
    ),
)
