"""The catalogue of threats, each with archives that were crafted to show it. ``docs/threats.md`` is made from it."""

from tests.crafted import (
    compression,
    configs,
    documents,
    framing,
    identity,
    layerplaces,
    layers,
    layertars,
    layertocs,
    paxvalues,
    views,
)

_PARTS = (
    identity,
    views,
    framing,
    paxvalues,
    compression,
    documents,
    layers,
    layertars,
    layertocs,
    layerplaces,
    configs,
)

THREATS = tuple(threat for part in _PARTS for threat in part.THREATS)
"""Every entry, in order."""
CRAFTED = tuple(case for part in _PARTS for case in part.CRAFTED)
"""Every archive, in order of the entries."""
