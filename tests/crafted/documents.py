"""RES: documents that cost or confuse."""

from tests.crafted.case import Crafted, Threat

THREATS: tuple[Threat, ...] = ()
CRAFTED: tuple[Crafted, ...] = ()
