"""The tokens of one DEFLATE block, between the search for matches and the writer of bits."""

from __future__ import annotations

from array import array

from imgforensics.recompress.encoder import Buffer

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython

if not cython.compiled:
    from imgforensics.recompress.lzwords import copy_run

LITERALS = 65535
"""Most literals of a block."""
MATCHES = 32768
"""Most matches of a block."""
SLACK = 8
"""Bytes behind content and literals that may be read and written in passing; they have no meaning."""


class Tokens:
    """Literals in one run, and matches that each say how many of the literals come before them.

    So counting and coding go over two flat lists. What comes behind the last match are the literals left over.
    """

    def __init__(self) -> None:
        self.literals = bytearray(LITERALS + SLACK)
        self.matches = array("Q", bytes(8 * MATCHES))
        """As :func:`~imgforensics.recompress.lzwords.pack_match` packs them."""
        self.literal_count = 0
        self.match_count = 0

    def close(self, data: Buffer, start: int, end: int, literal_count: int, match_count: int) -> int:
        """Append the literals ``data[start:end]`` and note how much there is in all."""
        copy_run(self.literals, literal_count, data, start, end - start)
        self.literal_count = literal_count + end - start
        self.match_count = match_count
        return 0
