"""Compressed streams as Go's decoders take or refuse them."""

from collections.abc import Iterable

from imgforensics.model import Anomaly, AnomalyKind, Blob, Compression

GZIP_TEXT = 512
"""Bytes of a name or comment in a gzip header, its NUL included, that Go reads (``compress/gzip``)."""
_FINE = (AnomalyKind.SKIPPABLE_FRAME, AnomalyKind.UNSUPPORTED_COMPRESSION, AnomalyKind.RESERVED_FLAGS)
"""What Go does not mind."""


def stream_trouble(compression: Compression, anomalies: Iterable[Anomaly]) -> str:
    """What a decoder ends with that reads a stream to its end; empty where it is content.

    gzip, bzip2 and zstd take any bytes behind a stream for another one, zeros too; xz takes zeros for padding.
    """
    for each in anomalies:
        padding = each.kind is AnomalyKind.TRAILING_ZEROS and compression is Compression.XZ
        if each.kind not in _FINE and not padding:
            return each.detail
    return ""


def blob_trouble(blob: Blob) -> str:
    """As :func:`stream_trouble`, for a blob that is read to its end."""
    header = blob.gzip_header
    if header is not None and any(len(text or b"") >= GZIP_TEXT for text in (header.name, header.comment)):
        return "the gzip header is longer than Go reads"
    return stream_trouble(blob.compression, blob.anomalies)
