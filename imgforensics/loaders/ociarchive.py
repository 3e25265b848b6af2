"""containers/image's reader of ``oci-archive:``, which skopeo, podman and buildah share.

Imitated: containers/image, ``oci/archive`` and ``oci/layout/oci_{src,transport}.go``, of 5.23 and 5.24 (skopeo 1.9.3,
podman 4.3.1, judged) to container-libs of 2026 (read). The archive is unpacked to disk, so that the last member of a
name counts and links are followed. ``index.json`` is read by a Go decoder; ``oci-layout`` is not looked at. The
document that ``index.json`` names is not hashed; all that is below it is, but for diff_ids. What it asks besides stands
in :mod:`.containersimage`.
"""

from collections.abc import Iterator
from typing import Any

from imgforensics.documents import INDEX_TYPES, MANIFEST_TYPES
from imgforensics.loaders import containersimage, layers
from imgforensics.loaders.contents import Contents, needed, occurrence
from imgforensics.loaders.documents import INDEX, REF, names
from imgforensics.loaders.graph import Rules, images
from imgforensics.loaders.load import ASKED_FOR, Load, Reader, RefusedError, asked_for
from imgforensics.structure import Structure


def skopeo(contents: Contents, _: Structure) -> Iterator[Load]:
    """``skopeo copy oci-archive:FILE``; of several entries the one that is asked for, by ``ref.name`` or ``@N``."""
    entries, why = entries_of(contents)
    if len(entries) == 1:
        yield from load(contents, Reader.SKOPEO_OCI, entries[0], why)
        return
    taken: set[str] = set()
    for entry in entries:
        for name in names(entry, REF):
            if name not in taken:
                taken.add(name)
                asked = f"{why}; of {len(entries)} entries {ASKED_FOR}"
                yield from asked_for(Reader.SKOPEO_OCI, (name,), load(contents, Reader.SKOPEO_OCI, entry, asked))
    if not taken:
        raise RefusedError(f"index.json has {len(entries)} entries, none of which has a name to ask for")


def entries_of(contents: Contents) -> tuple[list[dict[str, Any]], str]:
    """Entries of ``index.json``, and which of its members was taken.

    Raises:
        RefusedError: there is none.
    """
    index = needed(contents.disk.at("index.json"), "index.json")
    entries = contents.decode(index, INDEX, stream=True)["manifests"] or []
    copies = contents.disk.copies.get("index.json", ())
    return entries, occurrence(copies, copies[-1], "index.json") if copies else "index.json"


def load(contents: Contents, reader: Reader, entry: dict[str, Any], why: str) -> Iterator[Load]:
    """The images of one entry."""
    rules = Rules(
        find=lambda digest: contents.disk.at(f"blobs/{digest.replace(':', '/')}"),
        checks_top=False,
        levels=1,
        knows=INDEX_TYPES | MANIFEST_TYPES | {""},
        containers_image=True,
        stores=reader is Reader.PODMAN,
        unpack=layers.storage if reader is Reader.PODMAN else None,
        chosen=containersimage.chosen,
        runs=containersimage.RUNS,
    )
    for found in images(contents, entry, rules):
        told = f"{why}; {found.why}" if found.why else why
        tags = names(entry, REF)
        yield Load(reader, found.config, found.manifest, tags, told, platform=found.platform, any_host=found.any_host)
