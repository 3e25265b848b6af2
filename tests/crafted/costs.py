"""RES: documents that cost more than they are worth, by depth, number or size."""

from typing import Any

from tests import builder
from tests.crafted.bending import CONFIG, LAYERS, Make, configured, listed, made
from tests.crafted.case import Crafted
from tests.support import descriptor, manifest, oci


def _index_of(*entries: dict[str, Any]) -> bytes:
    return builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": list(entries)})


def _chain(depth: int) -> Make:
    """Indexes in indexes, down to an image."""
    blobs = [manifest(CONFIG, LAYERS)]
    top = descriptor(blobs[0])
    for _ in range(depth):
        blobs.append(_index_of(top))
        top = descriptor(blobs[-1], builder.OCI_INDEX)
    return lambda: builder.tar(oci([top], [CONFIG, *LAYERS, *blobs]))


def _doubling(depth: int) -> Make:
    """Indexes that list the next one twice: as many ways to the image as two to the power of their number."""
    blobs = [manifest(CONFIG, LAYERS)]
    top = descriptor(blobs[0])
    for _ in range(depth):
        blobs.append(_index_of(top, top | {"annotations": {"way": "another"}}))
        top = descriptor(blobs[-1], builder.OCI_INDEX)
    return lambda: builder.tar(oci([top], [CONFIG, *LAYERS, *blobs]))


def _wide(width: int) -> Make:
    """An index.json that lists one image so many times."""
    document = manifest(CONFIG, LAYERS)
    return listed(*[descriptor(document)] * width, blobs=[document, CONFIG, *LAYERS])


def _large_config(size: int) -> Make:
    return made(config=configured(comment="p" * size))


CRAFTED: tuple[Crafted, ...] = (
    Crafted(
        "RES-01-chain",
        "indexes nest a hundred deep",
        _chain(100),
        frozenset({"IMG902"}),
        _chain(3),
    ),
    Crafted(
        "RES-01-large",
        "a config of five mebibytes, which some readers take and others do not",
        _large_config(5 << 20),
        frozenset({"IMG902"}),
        _large_config(1 << 20),
    ),
    Crafted(
        "RES-01-fan-out",
        "index.json lists more manifests than are followed",
        _wide(20_001),
        frozenset({"IMG902"}),
        _doubling(14),
    ),
)
