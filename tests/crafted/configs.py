"""CFG: configs and annotations."""

from tests.crafted.case import Crafted, Threat

THREATS: tuple[Threat, ...] = ()
CRAFTED: tuple[Crafted, ...] = ()
