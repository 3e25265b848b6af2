"""Whether a file looks like an archive, by its first bytes alone."""

import os
from typing import IO

from imgforensics.inflate import Inflater
from imgforensics.looks import describe
from imgforensics.model import Compression
from imgforensics.sniffing import sniff
from imgforensics.streams import open_evidence, read_exactly
from imgforensics.tarheader import is_header

_HEAD = 512


def looks_like_archive(path: str | os.PathLike[str]) -> str | None:
    """Whether a file found in a directory should be opened: None if so, else the reason why not.

    Only its first bytes are read: a tar header at its start, or compression around one.

    Raises:
        InputError: the file cannot be read.
    """
    with open_evidence(path) as stream:
        head = read_exactly(stream, _HEAD)
        compression = sniff(head)
        if compression is Compression.NONE:
            return None if is_header(head) else describe(head)
        if compression is Compression.UNSUPPORTED:
            return describe(head)
        inner = _first_bytes(compression, stream, head)
    return None if is_header(inner[:_HEAD]) else f"{compression} around {describe(inner[:_HEAD])}"


def is_apple_double(path: str | os.PathLike[str]) -> bool:
    """Whether a file is what macOS puts beside another one on a foreign file system: ``._name``, with its attributes.

    By the name and the magic number both (RFC 1740, appendix B).

    Raises:
        InputError: the file cannot be read.
    """
    if not os.path.basename(path).startswith("._"):
        return False
    with open_evidence(path) as stream:
        return read_exactly(stream, 4) == b"\0\x05\x16\x07"


def _first_bytes(compression: Compression, stream: IO[bytes], head: bytes) -> bytes:
    """The first inflated bytes of a stream: a tar header's worth, or fewer where there are no more."""
    inflater = Inflater(compression)
    inner = b""
    while head:
        for chunk in inflater.feed(head):
            inner += chunk[:_HEAD]
            if len(inner) >= _HEAD:
                return inner
        head = read_exactly(stream, 64 * 1024)
    return inner + b"".join(chunk[:_HEAD] for chunk in inflater.finish())
