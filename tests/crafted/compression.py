"""GZ: compression, outside and of layers."""

from tests.crafted.case import Crafted, Threat

THREATS: tuple[Threat, ...] = ()
CRAFTED: tuple[Crafted, ...] = ()
