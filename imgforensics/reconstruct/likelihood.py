"""How far a candidate for a registry's manifest is supported by what an archive holds."""

from enum import StrEnum


class Likelihood(StrEnum):
    """Ordered from the strongest. An inference, never a proof: only the registry's digest proves."""

    CERTAIN = "certain"
    """The bytes lie in the archive, and every tool that pushes from such a store uploads them unchanged."""
    LIKELY = "likely"
    """Something in the archive speaks for it."""
    POSSIBLE = "possible"
    """Nothing speaks against it."""

    @property
    def rank(self) -> int:
        """0 for the strongest."""
        return list(Likelihood).index(self)
