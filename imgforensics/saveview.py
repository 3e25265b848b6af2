"""The docker save view: ``manifest.json``, and before Docker 1.10 ``repositories`` with one folder a layer.

Docker image specification v1.2 (``manifest.json``) and v1.0/v1.1 (``repositories``, ``<id>/json``, ``<id>/layer.tar``).
Names in these documents are member names; they are resolved inside the archive, through links, never outside of it.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from itertools import takewhile
from typing import TypeAlias

from imgforensics.documentreader import Reader, read_repositories, read_save_manifest
from imgforensics.documents import DocumentKind, SaveEntry
from imgforensics.model import Anomaly, AnomalyKind
from imgforensics.reading import Reading, is_foreign
from imgforensics.structure import Image, ImageKind, Layer, Reference, Role, View
from imgforensics.v1json import V1Json, parse_v1_json

_V1_LAYER = re.compile(r"(?:.*/)?([0-9a-f]{64})/layer\.tar")


def read_save(reading: Reading, member: int, root: str) -> list[Image]:
    """The images that one ``manifest.json`` lists."""
    reader = Reader(reading.limits)
    entries = read_save_manifest(reading.value(member), reading.limits, reader)
    reading.note(member, [*reading.documents[member].problems, *reader.problems])
    return [_image(reading, member, root, entry) for entry in takewhile(lambda _: not reading.full(), entries)]


def _image(reading: Reading, member: int, root: str, entry: SaveEntry) -> Image:
    references = []
    config_member = None
    if entry.config:
        reference = _refer(reading, Role.CONFIG, member, root, entry.config, f"{entry.pointer}/Config")
        references.append(reference)
        config_member = reference.target
    else:
        missing = Anomaly(AnomalyKind.MISSING_KEY, "Config is missing", pointer=f"{entry.pointer}/Config")
        reading.note(member, [missing])
    config = None if config_member is None else reading.config(config_member)
    if config_member is not None:
        reading.note_config(config_member)
    diff_ids = () if config is None else config.diff_ids
    layers = []
    for number, name in enumerate(entry.layers):
        claimed = diff_ids[number] if number < len(diff_ids) else None
        found = [_refer(reading, Role.LAYER, member, root, name, f"{entry.pointer}/Layers/{number}")]
        source = entry.layer_sources.get(claimed or "")
        if source is not None:
            foreign = is_foreign(source.media_type)
            excused = "a foreign layer, which is kept elsewhere by design" if foreign else None
            where = reading.location(member, source.pointer)
            found.append(
                reading.refer(Reference(Role.LAYER, member, where, found[0].target, descriptor=source, excused=excused))
            )
        layers.append(Layer(number, found[0].target, tuple(found), claimed))
    for diff_id, other in entry.layer_sources.items():
        if config is not None and diff_id not in diff_ids:  # of none of the layers, and yet something that is named
            reading.refer_to_blob(Role.SOURCE, member, root, other)
    platform = None if config is None or not config.platform.os else str(config.platform)
    return Image(
        index=-1,
        kind=ImageKind.IMAGE,
        views=(View.SAVE,),
        tags=entry.repo_tags,
        config_member=config_member,
        config=config,
        references=tuple(references),
        layers=tuple(layers),
        platform=platform,
        v1_ids=_v1_ids(entry.layers),
        names=tuple((View.SAVE, tag) for tag in entry.repo_tags),
    )


def _v1_ids(names: tuple[str, ...]) -> tuple[str, ...]:
    matches = [_V1_LAYER.fullmatch(name) for name in names]
    return tuple(match.group(1) for match in matches if match) if all(matches) else ()


def _refer(reading: Reading, role: Role, member: int, root: str, name: str, pointer: str) -> Reference:
    """Follow a member name; among several members of that name the one whose bytes fit the name is taken."""
    found = reading.catalogue.find(f"{root}/{name}")
    target = found[-1] if found else None
    for index in found:
        if reading.catalogue.blobs.get(index) and reading.catalogue.blobs[index].digest.encoded in name:
            target = index
    return reading.refer(Reference(role, member, reading.location(member, pointer), target, path=name))


def repositories(reading: Reading, member: int) -> Mapping[str, Mapping[str, str]]:
    """What ``repositories`` says: name to tag to ID."""
    reader = Reader(reading.limits)
    found = read_repositories(reading.value(member), reader)
    reading.note(member, [*reading.documents[member].problems, *reader.problems])
    return found


V1Folders: TypeAlias = Mapping[str, tuple[int, V1Json]]
"""Folders of legacy layers in one place: claimed ID to the member of its ``json`` and what that says."""


def v1_folders(reading: Reading) -> Mapping[str, V1Folders]:
    """Folders of legacy layers, by the folder in which they stand."""
    found: dict[str, dict[str, tuple[int, V1Json]]] = defaultdict(dict)
    for path, indexes in reading.catalogue.by_path.items():
        folder, _, name = path.rpartition("/")
        if folder and name == "json" and reading.kind(indexes[-1]) is DocumentKind.V1_JSON:
            document = parse_v1_json(reading.value(indexes[-1]))
            if document is not None:
                root, _, own = folder.rpartition("/")
                found[root][own] = (indexes[-1], document)
    return found


def read_legacy(
    reading: Reading, root: str, folders: V1Folders, tags: Mapping[str, list[tuple[int, str]]]
) -> list[Image]:
    """The images of an archive from before ``manifest.json``: chains of folders, each naming its parent.

    Args:
        reading: the archive's documents.
        root: the folder in which ``repositories`` stands, or the layer folders.
        folders: the layer folders in it.
        tags: top layer's ID to the references that ``repositories`` gives it, each with the member that says so.
    """
    parents = {document.parent for _, document in folders.values()}
    tops = [top for top in tags if top in folders] + [
        folder for folder in folders if folder not in parents and folder not in tags
    ]
    images: list[Image] = []
    layers: dict[str, Reference] = {}
    left = reading.limits.references
    for top in tops:
        if len(images) == reading.limits.images or left <= 0 or reading.full():
            reading.limit(f"{len(tops)} chains of legacy layers; read are the first {len(images)}")
            break
        images.append(_legacy_image(reading, root, folders, top, [name for _, name in tags.get(top, [])], layers))
        left -= len(images[-1].layers)
    return images


def _unread(reading: Reading, root: str, folder: str) -> bool:
    """Whether a folder's JSON is there, and was not read."""
    members = reading.catalogue.by_path.get(f"{root}/{folder}/json".lstrip("/"), ())
    return any(member in reading.catalogue.unmeasured for member in members)


def _legacy_image(
    reading: Reading, root: str, folders: V1Folders, top: str, tags: list[str], known: dict[str, Reference]
) -> Image:
    """The image with this top layer. Its lower layers may be those of others: each folder is referred to once."""
    chain: dict[str, None] = {}
    current: str | None = top
    while current is not None and current in folders and current not in chain:
        if len(chain) == reading.limits.layers:
            reading.limit(f"a chain of more than {len(chain)} legacy layers; read are the upper ones")
            break
        chain[current] = None
        current = folders[current][1].parent
    below = f"{next(reversed(chain))}/parent"
    if current is not None and current not in folders and below not in known and not _unread(reading, root, current):
        lowest = folders[next(reversed(chain))][0]
        where = reading.location(lowest, "/parent")
        known[below] = reading.refer(Reference(Role.LAYER, lowest, where, None, path=f"{current}/json"))
    layers = []
    for number, folder in enumerate(reversed(chain)):
        if folder not in known:
            known[folder] = _refer(reading, Role.LAYER, folders[folder][0], root, f"{folder}/layer.tar", "")
        layers.append(Layer(number, known[folder].target, (known[folder],), None))
    described = folders[top][1]
    return Image(
        index=-1,
        kind=ImageKind.IMAGE,
        views=(View.SAVE,),
        tags=tuple(tags),
        config_member=None,
        config=None,
        references=(),
        layers=tuple(layers),
        platform="/".join(part for part in (described.os, described.architecture) if part) or None,
        v1_ids=tuple(reversed(chain)),
        names=tuple((View.SAVE, tag) for tag in tags),
    )
