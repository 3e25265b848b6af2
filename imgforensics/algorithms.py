"""Which digest algorithms an archive claims digests by, found before its documents are read. No I/O."""

import re
from collections.abc import Iterable

from imgforensics.model import DIGEST_LENGTHS, Blob, Member

_ESCAPE = re.compile(rb"\\u00([0-7][0-9a-fA-F])")
"""An ASCII character as JSON may spell it."""


def further_algorithms(members: Iterable[Member], blobs: Iterable[Blob]) -> frozenset[str]:
    """Digest algorithms besides SHA-256 that a member's name, or a document in one of these blobs, may claim."""
    names = [f"/{member.name}" for member in members]
    texts = [_ESCAPE.sub(_unescape, blob.content) for blob in blobs if blob.content is not None]
    return frozenset(
        algorithm
        for algorithm in DIGEST_LENGTHS
        if algorithm != "sha256"
        and (any(f"/{algorithm}/" in name for name in names) or any(f"{algorithm}:".encode() in text for text in texts))
    )


def _unescape(escape: re.Match[bytes]) -> bytes:
    return bytes([int(escape[1], 16)])
