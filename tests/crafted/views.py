"""VIEW: two images in one file."""

from tests.crafted.case import Crafted, Threat

THREATS: tuple[Threat, ...] = ()
CRAFTED: tuple[Crafted, ...] = ()
