"""Measuring a blob: digests of stored and uncompressed bytes, what is kept, and that pieces make no difference."""

import bz2
import gzip
import hashlib
import lzma
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgforensics.blobscan import BlobScanner
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import AnomalyKind, Blob, Compression, Digest, Span

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FIXTURES = Path(__file__).parent / "fixtures"
TAR = b"some/file".ljust(512, b"\0") + bytes(range(256)) * 40
STORED = {
    Compression.NONE: TAR,
    Compression.GZIP: gzip.compress(TAR, mtime=0),
    Compression.BZIP2: bz2.compress(TAR),
    Compression.XZ: lzma.compress(TAR),
    Compression.ZSTD: zstd.compress(TAR),
}


def scan(
    data: bytes,
    piece: int | None = None,
    *,
    size: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    algorithms: frozenset[str] = frozenset(),
) -> Blob:
    scanner = BlobScanner(len(data) if size is None else size, limits, algorithms)
    step = piece or max(1, len(data))
    for start in range(0, len(data), step):
        buffer = bytearray(data[start : start + step])
        scanner.feed(memoryview(buffer))
        buffer[:] = b"\xaa" * len(buffer)
    return scanner.finish()


def sha256(data: bytes) -> Digest:
    return Digest.sha256(hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("compression", STORED)
def test_both_digests_and_both_sizes(compression: Compression) -> None:
    stored = STORED[compression]
    blob = scan(stored)
    assert blob.compression is compression
    assert (blob.size, blob.digest) == (len(stored), sha256(stored))
    assert (blob.uncompressed_size, blob.diff_id) == (len(TAR), sha256(TAR))
    assert (blob.streams, blob.anomalies, blob.head, blob.content) == (1, (), TAR[:512], None)
    assert (blob.gzip_header is not None) == (compression is Compression.GZIP)


@pytest.mark.parametrize("compression", STORED)
def test_further_algorithms(compression: Compression) -> None:
    stored = STORED[compression]
    blob = scan(stored, 100, algorithms=frozenset({"sha512", "sha256", "sha384", "blake3", "md5"}))
    assert set(blob.other_digests) == set(blob.other_diff_ids) == {"sha384", "sha512"}
    assert blob.digest_by("sha512") == Digest("sha512", hashlib.sha512(stored).hexdigest())
    assert blob.diff_id_by("sha384") == Digest("sha384", hashlib.sha384(TAR).hexdigest())
    assert blob.digest_by("blake3") is None


@settings(max_examples=50, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=600),
        st.sampled_from(list(STORED.values())),
        st.sampled_from([b'{"a":1}', b" " * 40 + b"[]", b"\xff\xfe{\0}\0", b"null", STORED[Compression.GZIP][:200]]),
    ),
    st.integers(1, 700),
)
def test_pieces_make_no_difference(data: bytes, piece: int) -> None:
    assert scan(data, piece) == scan(data)


def test_an_empty_blob() -> None:
    blob = scan(b"")
    assert (blob.size, blob.compression, blob.content, blob.head) == (0, Compression.NONE, None, b"")
    assert blob.digest == blob.diff_id == sha256(b"")
    assert blob.uncompressed_size == 0


@pytest.mark.parametrize("compression", [kind for kind in STORED if kind is not Compression.NONE])
def test_a_cut_stream_has_no_diff_id(compression: Compression) -> None:
    stored = STORED[compression][:-1]
    blob = scan(stored, size=len(stored) + 1, algorithms=frozenset({"sha512"}))
    assert (blob.diff_id, blob.uncompressed_size, dict(blob.other_diff_ids)) == (None, None, {})
    assert (blob.size, blob.digest) == (len(stored), sha256(stored))
    assert [anomaly.kind for anomaly in blob.anomalies] == [AnomalyKind.TRUNCATED_STREAM]


def test_trailing_zeros_leave_the_diff_id() -> None:
    blob = scan(STORED[Compression.GZIP] + bytes(100))
    assert blob.diff_id == sha256(TAR)
    assert [anomaly.kind for anomaly in blob.anomalies] == [AnomalyKind.TRAILING_ZEROS]


def test_members_are_counted() -> None:
    blob = scan(STORED[Compression.GZIP] * 3)
    assert (blob.streams, blob.diff_id) == (3, sha256(TAR * 3))


def test_unsupported_compression() -> None:
    stored = b"\x04\x22\x4d\x18" + bytes(100)
    blob = scan(stored)
    assert (blob.compression, blob.diff_id, blob.uncompressed_size) == (Compression.UNSUPPORTED, None, None)
    assert (blob.head, blob.content, blob.digest) == (b"", None, sha256(stored))
    (anomaly,) = blob.anomalies
    assert (anomaly.kind, anomaly.span) == (AnomalyKind.UNSUPPORTED_COMPRESSION, Span(0, len(stored)))


def test_limits_reach_the_inflater() -> None:
    blob = scan(gzip.compress(bytes(100_000)), limits=Limits(inflated=1000))
    assert (blob.diff_id, [anomaly.kind for anomaly in blob.anomalies]) == (None, [AnomalyKind.LIMIT])


KEPT = [
    b"{}",
    b"[",
    b' \r\n\t{"a": 1}',
    b" " * 2000 + b"[1]",
    b"\xef\xbb\xbf{}",
    "\ufeff {}".encode("utf-16-le"),
    "\ufeff{}".encode("utf-16-be"),
    "\ufeff{}".encode("utf-32-le"),
    "\ufeff [1]".encode("utf-32-be"),
    b"null",
    b" null\n",
    b"true",
    b"-1.5e3",
    b'"text"',
    b"1.0",
    b"{ no JSON at all \xff",
]
DROPPED = [
    b"",
    b" \n",
    b"\xef\xbb\xbf",
    b"text",
    b"nullify",
    b"<html>",
    b"\0x{",
    b"\0\0{",
    b'"' + b"x" * 100 + b'"',
    b"\xef\xbb\xbf text that is longer than sixty-four bytes, so that it cannot be a scalar",
    bytes(1024),
]


@pytest.mark.parametrize("data", KEPT)
def test_what_begins_like_json_is_kept_whole(data: bytes) -> None:
    assert scan(data).content == data
    assert scan(data, 1).content == data


@pytest.mark.parametrize("data", DROPPED)
def test_other_bytes_are_not_kept(data: bytes) -> None:
    assert scan(data).content is None
    assert scan(data, 1).content is None


def test_large_documents_are_not_kept() -> None:
    limits = Limits(document=20)
    document = b"[" + b"1," * 9 + b"]"
    assert scan(document, limits=limits).content == document
    assert scan(document + b" ", limits=limits).content is None
    assert scan(document + b" ", 7, size=20, limits=limits).content is None


def test_a_compressed_document_is_not_kept() -> None:
    blob = scan(gzip.compress(b"{}"))
    assert (blob.content, blob.head) == (None, b"{}")


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst"])
def test_archives_compressed_by_real_tools(suffix: str) -> None:
    blob = scan((FIXTURES / f"docker20-save.tar.{suffix}").read_bytes(), 65_536)
    assert blob.diff_id == sha256((FIXTURES / "docker20-save.tar").read_bytes())
    assert (blob.streams, blob.anomalies) == (1, ())
