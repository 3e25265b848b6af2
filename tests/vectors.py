"""Which content fixtures/go_vectors.json and fixtures/go127_vectors.json have digests of. The seed of each is its size."""

from pathlib import Path

PATH = Path(__file__).parent / "fixtures" / "go_vectors.json"
PATH_127 = PATH.with_name("go127_vectors.json")
"""The same of Go 1.27, which has another encoder."""

LEVELS = (-2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
"""Go's numbers; -2 is HuffmanOnly, and -1 the same as 6."""

MIB = 1 << 20

SINGLE: dict[str, dict[int, tuple[int, ...]]] = {
    "tar": {250_000: LEVELS, 3 * MIB: (-2, 0, 1, 2, 3, 4, 5, 6, 7), 24_000_000: (1, 6)},
    "mixed": {300_000: LEVELS, MIB - 1: LEVELS, MIB: (1, 6), MIB + 1: (1, 6), 2 * MIB: (1, 3, 6), 3 * MIB + 5: (1, 6)},
    "four": {100_000: LEVELS},
    "periodic": {400_000: LEVELS},
    "zeros": {5 * MIB: LEVELS},
    "noise": {MIB + 77: LEVELS},
    "records": {500_000: LEVELS},
}
"""Kind, size, levels: a digest each."""

SWEEPS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "tiny": (("zeros", "noise", "four", "text"), tuple(range(301))),
    "edges": (
        ("zeros", "noise", "text", "records"),
        (
            *(4095, 4097, 16384, 32505, 32506, 32507, 32767, 32768, 32769, 65273, 65274, 65275, 65276, 65534, 65535),
            *(65536, 65537, 65551, 65552, 65662, 65663, 98303, 98304, 98305, 131070, 131071, 131072, 196605, 196606),
        ),
    ),
}
"""Kinds and sizes; for each kind and level, the digest of all digests in hexadecimal, one behind the other."""

HUGE = (1 << 32) + (1 << 20) + 12345
"""Bytes of a stream whose positions do not fit in 32 bits."""
