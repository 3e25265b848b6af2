"""Ways to craft an archive: a truthful one of some layout with one thing bent, or an OCI layout made by hand."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import descriptor, edit, manifest, oci

LAYERS = builder.two_layers()
CONFIG = ImageSpec().config_bytes(builder.OCI_ORDER)
EVIL_SPEC = ImageSpec(container={"Env": ["PATH=/bin"], "Cmd": ["/bin/evil"], "WorkingDir": "/"})
"""The same layers under a config that runs something else."""
EVIL_CONFIG = EVIL_SPEC.config_bytes(builder.OCI_ORDER)
ABSENT = "sha256:" + "0" * 64
"""The digest of nothing that is there."""

Make = Callable[[], bytes]
Lie = Callable[[list[Entry]], object]


def true(layout: str, *specs: ImageSpec) -> Make:
    """An archive of that layout that tells the truth."""
    return partial(builder.archive, layout, *specs)


def lied(layout: str, lie: Lie, *specs: ImageSpec) -> Make:
    """One whose members a function changes in place."""

    def make() -> bytes:
        entries = builder.LAYOUTS[layout](specs or [ImageSpec()])
        lie(entries)
        return builder.tar(entries)

    return make


def edited(layout: str, name: str, change: Callable[[Any], Any], *specs: ImageSpec) -> Make:
    """One in which a JSON member is changed in place, its name kept."""
    return lied(layout, lambda entries: edit(entries, name, change), *specs)


def replaced(layout: str, name: str, old: str, new: str) -> Make:
    """One in which a text in a member is another, which keeps what a JSON writer would not write."""

    def lie(entries: list[Entry]) -> None:
        entry = builder.find(entries, name)
        assert old.encode() in entry.data
        entry.data = entry.data.replace(old.encode(), new.encode("utf-8", "surrogatepass"), 1)

    return lied(layout, lie)


def made(
    change: Callable[[dict[str, Any]], Any] = lambda _: None,
    *,
    config: bytes = CONFIG,
    layers: Sequence[bytes] = LAYERS,
    entry: Mapping[str, Any] | None = None,
    blobs: Sequence[bytes] = (),
    absent: Sequence[bytes] = (),
) -> Make:
    """An OCI layout of one image, whose manifest was changed before anything was hashed.

    Args:
        change: alters the manifest in place.
        config: the config's bytes.
        layers: the layers' bytes.
        entry: what else the image's descriptor in index.json says.
        blobs: further blobs.
        absent: blobs that are left out.
    """

    def make() -> bytes:
        document = json.loads(manifest(config, layers))
        change(document)
        described = builder.go(document)
        kept = [each for each in (config, *layers, described, *blobs) if each not in absent]
        return builder.tar(oci([descriptor(described) | dict(entry or {})], kept))

    return make


def listed(*descriptors: Mapping[str, Any], blobs: Sequence[bytes]) -> Make:
    """An OCI layout whose index.json lists these descriptors."""
    return lambda: builder.tar(oci([dict(each) for each in descriptors], blobs))


def configured(**changes: Any) -> bytes:
    """The default config's bytes with other top-level keys; those that are None are left out."""
    document = ImageSpec().config() | changes
    return builder.go({key: value for key, value in document.items() if value is not None})


def running(**changes: Any) -> bytes:
    """The default config's bytes with other keys in its "config"."""
    return configured(config=ImageSpec().container | changes)
