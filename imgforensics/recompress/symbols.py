"""The symbols of DEFLATE and their extra bits, RFC 1951, section 3.2.5."""

from array import array

LITLEN_SYMBOLS = 286
"""256 literals, the end of a block, and 29 length codes."""
DIST_SYMBOLS = 30
END_OF_BLOCK = 256
MAX_BITS = 15
"""Longest code of a literal, a length or a distance."""

LENGTH_EXTRA_BITS = bytes((0, 0, 0, 0, 0, 0, 0, 0, *(bits for bits in range(1, 6) for _ in range(4)), 0))
"""Of length codes 257 to 285, counted from 0."""
LENGTH_BASE = array("H", (0, 1, 2, 3, *((4 + step) << bits for bits in range(6) for step in range(4)), 255))
"""Least length of each code, minus 3. The last code takes one value from the one before."""
LENGTH_CODE = bytes(max(code for code in range(29) if LENGTH_BASE[code] <= length) for length in range(256))
"""Code of each length, minus 3."""
DIST_EXTRA_BITS = bytes((0, 0, *(bits for bits in range(14) for _ in range(2))))
DIST_BASE = array("H", (0, 1, *((2 + step) << bits for bits in range(14) for step in range(2))))
"""Least distance of each code, minus 1."""
