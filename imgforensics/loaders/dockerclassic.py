"""``docker load`` with the classic image store.

Imitated: moby, ``image/tarexport/load.go``, ``tarexporter.Load``, of Docker 20.10.24 (judged) to 28.5 and 29 (read).
The archive is unpacked to disk; ``manifest.json`` is read by a Go decoder, ``index.json`` never; the config's name is
not compared with its bytes; layers are unpacked and compared with the diff_ids, unless the daemon holds a layer of that
chain already, in which case the archive's own is not even opened. Without ``manifest.json``, Docker up to 28 falls back
to ``repositories`` and the legacy folders; 29 refuses. 29 refuses a ``manifest.json`` that is ``null``, too.
"""

from collections.abc import Iterator
from typing import Any

from imgforensics.loaders import layers
from imgforensics.loaders.contents import Contents, needed, occurrence
from imgforensics.loaders.documents import DOCKER_IMAGE, SAVED, check_rootfs, diff_ids
from imgforensics.loaders.gonames import clean
from imgforensics.loaders.load import Load, Reader, RefusedError
from imgforensics.loaders.references import tagged
from imgforensics.model import Digest
from imgforensics.structure import Structure


def before_29(contents: Contents, structure: Structure) -> Iterator[Load]:
    """Docker 1.10 to 28."""
    if _falls_back(contents):
        yield from _legacy(structure)
        return
    yield from _load(contents, Reader.DOCKER_28)


def differs_since_29(contents: Contents) -> bool:
    """Whether Docker 29 does something else with the archive than older ones."""
    try:
        return _falls_back(contents)
    except RefusedError:
        return False  # neither gets it unpacked


def _falls_back(contents: Contents) -> bool:
    return contents.docker_disk.at("manifest.json") is None and contents.docker_disk.at("repositories") is not None


def since_29(contents: Contents, _: Structure) -> Iterator[Load]:
    """Docker 29, where the daemon was told to keep the classic store."""
    yield from _load(contents, Reader.DOCKER_29)


def _load(contents: Contents, reader: Reader) -> Iterator[Load]:
    document = needed(contents.docker_disk.at("manifest.json"), "manifest.json")
    entries = contents.decode(document, SAVED, stream=True)
    if not entries:
        raise RefusedError("manifest.json lists no image")
    copies = contents.docker_disk.copies.get("manifest.json", ())
    why = occurrence(copies, copies[-1], "manifest.json") if copies else "manifest.json"
    known: set[str] = set()
    for entry in entries:
        config = _image(contents, entry, known)
        tags = tuple(entry["RepoTags"] or ())
        yield Load(reader, contents.digest(config), None, tags, why)
        tagged(tags)


def _image(contents: Contents, entry: dict[str, Any], known: set[str]) -> int:
    config = needed(_member_at(contents, entry["Config"]), f"the config {entry['Config']}")
    check_rootfs(contents, config)
    system = contents.decode(config, DOCKER_IMAGE, stream=False)["os"]
    if system not in ("", "linux"):
        raise RefusedError(f"{contents.name(config)} is for {system}")
    claimed, listed = diff_ids(contents, config), entry["Layers"] or []
    contents.spend(1 + len(listed))
    if len(claimed) != len(listed):
        raise RefusedError(f"manifest.json lists {len(listed)} layers, the config {len(claimed)} diff_ids")
    opened: list[tuple[int, str]] = []
    for number, (name, diff_id, chain) in enumerate(zip(listed, claimed, _chains(claimed), strict=True)):
        member = _member_at(contents, name)
        if member is not None:
            opened.append((member, ""))
        if chain not in known:
            member = needed(member, f"layer {number}, {name},")
            if contents.layer_differs(member, diff_id):
                raise RefusedError(f"layer {number}, {contents.name(member)}, does not hash to the config's diff_id")
            contents.check_layers(layers.docker, tuple(opened))
            known.add(chain)
    return config


def _member_at(contents: Contents, name: str) -> int | None:
    """The member that a name in ``manifest.json`` leads to (``safePath``)."""
    if clean(name).startswith(".."):
        raise RefusedError(f"{name} leads out of the archive's folder")
    return contents.docker_disk.at(clean(name))


def _chains(claimed: list[str]) -> Iterator[str]:
    """Chain IDs: of the lowest layer its diff_id, of each other the digest of the one below and its own diff_id."""
    chain = ""
    for diff_id in claimed:
        chain = str(Digest.of(f"{chain} {diff_id}".encode())) if chain else diff_id
        yield chain


def _legacy(structure: Structure) -> Iterator[Load]:
    """Images of before Docker 1.10: their configs are made while loading, and so their IDs."""
    for image in structure.images:
        if image.config_member is None and image.v1_ids:
            yield Load(Reader.DOCKER_28, None, None, image.tags, "repositories, and the legacy folders that it names")
