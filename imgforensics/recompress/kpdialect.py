"""How the versions of klauspost/compress, and of Go that took it over, differ in what they write.

The classes of output are named by letters, from the newest to the oldest. Each was compared with real versions of the
library at either end of its range; between 1.14.0 and 1.14.3 there are differences for tiny blocks that are not imitated.
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
    """Where level 5 looks for a match that ends further on, see :func:`~imgforensics.recompress.kpdouble.level5`."""
    longest: int
    """How long matches are cut up, see :func:`~imgforensics.recompress.lzwords.put_match`."""


CLASS_A = Dialect("1.18.2 and newer", counts_end=True, trims_open=True, onward=2, longest=258)
"""Also Go 1.27."""
CLASS_B = Dialect("1.18.1", counts_end=False, trims_open=True, onward=2, longest=258)
CLASS_C = Dialect("1.15.10 to 1.18.0", counts_end=False, trims_open=False, onward=2, longest=258)
CLASS_D = Dialect("1.15.0 to 1.15.9", counts_end=False, trims_open=False, onward=0, longest=258)
CLASS_E = Dialect("1.14.0 to 1.14.4", counts_end=False, trims_open=False, onward=0, longest=255)
