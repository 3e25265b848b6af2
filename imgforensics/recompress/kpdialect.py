"""How the versions of klauspost/compress, and of Go that took it over, differ in what they write.

The classes of output are named by letters, from the newest to the oldest. Borders between them are known from runs of
every version; from 1.14.0 to 1.14.2 tiny blocks and blocks without a match may differ, which is not imitated.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """One class of output."""

    versions: str
    """Versions of klauspost/compress at its default level, for people."""
    counts_end: bool
    """Whether the end of a block that stays open counts as one of its symbols."""
    trims_open: bool
    """Whether the header of a block that stays open leaves off the unused symbols at the end of either list."""
    onward: int
    """Where levels 5 and 6 look for a match that ends further on, see :mod:`~imgforensics.recompress.kppairs`."""
    longest: int
    """How long matches are cut up, see :func:`~imgforensics.recompress.lzwords.put_match`."""
    overflows: bool
    """Whether level 9 guesses the cost of literals from all that is ahead in its window, with counters of 16 bits that
    overflow if these are 65536 equal bytes; if not, from 32768 bytes."""
    least: int = 0
    """The fewest bits that level 9 takes a literal for."""


GO = Dialect("in Go 1.27", counts_end=True, trims_open=True, onward=2, longest=258, overflows=False, least=1)
CLASS_A = Dialect("1.18.2 and newer", counts_end=True, trims_open=True, onward=2, longest=258, overflows=False)
CLASS_B = Dialect("1.18.1", counts_end=False, trims_open=True, onward=2, longest=258, overflows=True)
CLASS_C = Dialect("1.15.10 to 1.18.0", counts_end=False, trims_open=False, onward=2, longest=258, overflows=True)
CLASS_D = Dialect("1.15.0 to 1.15.9", counts_end=False, trims_open=False, onward=0, longest=258, overflows=True)
CLASS_E = Dialect("1.14.0 to 1.14.4", counts_end=False, trims_open=False, onward=0, longest=255, overflows=True)
