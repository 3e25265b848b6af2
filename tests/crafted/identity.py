"""INT: digests, sizes, counts and names."""

from tests.crafted.case import Crafted, Threat

THREATS: tuple[Threat, ...] = ()
CRAFTED: tuple[Crafted, ...] = ()
