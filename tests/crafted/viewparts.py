"""Archives with two faces: the makers behind VIEW."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from tests import builder
from tests.builder import Entry, ImageSpec

TAG = "example.com/app:1.0"


def good(tag: str = TAG) -> ImageSpec:
    """The image that everybody may see."""
    return ImageSpec(tags=[tag])


def evil(tag: str = TAG) -> ImageSpec:
    """The other one, as consistent as the first."""
    return ImageSpec(layers=[builder.EVIL], tags=[tag])


def packed(make: Callable[[], Sequence[Entry]]) -> Callable[[], bytes]:
    """A maker of members as a maker of an archive."""
    return lambda: builder.tar(make())


def plain() -> bytes:
    """The innocent twin of a docker save archive."""
    return builder.tar(builder.docker_legacy([good()]))


def both() -> bytes:
    """The innocent twin of an archive with both documents."""
    return builder.tar(builder.containerd([good()]))


def two() -> bytes:
    """An innocent archive of two images with both documents."""
    return builder.tar(builder.containerd([good(), evil("example.com/app:2.0")]))


def hybrid(listed: Sequence[ImageSpec] | None = None) -> list[Entry]:
    """``manifest.json`` of the good image, ``index.json`` of the other (or of these)."""
    saved = builder.containerd([good()])
    other = builder.containerd(listed or [evil()])
    builder.replace(other, "manifest.json", builder.find(saved, "manifest.json").data)
    known = {entry.path for entry in other}
    return [*(entry for entry in saved if entry.path not in known), *other]


def swapped(listed: Sequence[ImageSpec] | None = None) -> list[Entry]:
    """``index.json`` of the good image (or of these), ``manifest.json`` of the other."""
    entries = hybrid(listed or [good()])
    other = builder.containerd([evil()])
    builder.replace(entries, "manifest.json", builder.find(other, "manifest.json").data)
    known = {entry.path for entry in entries}
    return [*entries, *(entry for entry in other if entry.path not in known)]


def elsewhere(platform: dict[str, str], *, other: bool = True) -> list[Entry]:
    """``manifest.json`` of the good image, and in ``index.json`` an index that gives one image this platform.

    Args:
        platform: as the index writes it.
        other: the image is another one than in ``manifest.json``.
    """
    spec = evil() if other else good()
    if platform["os"] == "linux":
        spec = replace(spec, platform=f"linux/{platform['architecture']}")
    entries = hybrid([spec])
    top = builder.find(entries, "index.json")
    (listed,) = json.loads(top.data)["manifests"]
    notes = listed.pop("annotations")
    index = builder.go(
        {"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": [listed | {"platform": platform}]}
    )
    name = builder.digest(index)
    described = {"mediaType": builder.OCI_INDEX, "digest": name, "size": len(index), "annotations": notes}
    top.data = builder.go({"schemaVersion": 2, "manifests": [described]})
    return [Entry(f"blobs/{name.replace(':', '/')}", index), *entries]


DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64"}
_PSEUDO = {"vnd.docker.reference.type": "attestation-manifest"}


@dataclass(frozen=True)
class Nested:
    """Entries of an index that is an entry itself."""

    platform: dict[str, str] | None
    entries: tuple["Listed", ...]


Listed = tuple[ImageSpec, dict[str, str] | None] | Nested
"""An image, or an index, as an index lists it: with a platform, or with none."""


def indexed(
    *listed: Listed,
    saved: ImageSpec | None = None,
    pseudo: Sequence[int] = (),
    media_type: str = builder.OCI_INDEX,
    called: str | None = None,
    edit: Callable[[list[dict[str, Any]]], object] | None = None,
) -> Callable[[], bytes]:
    """An archive whose ``index.json`` leads to an index of all of these.

    Args:
        listed: the index's entries.
        saved: what ``manifest.json`` lists; there is none without it.
        pseudo: numbers of the index's entries that an annotation calls attestations.
        media_type: the index's.
        called: what ``index.json`` calls it, if that is something else.
        edit: changes its entries.
    """

    def make() -> bytes:
        entries = {each.path: each for each in builder.containerd([saved or good()], manifest_json=saved is not None)}
        if saved is None:
            entries = {path: each for path, each in entries.items() if not path.startswith("blobs")}
        described = [_described(each, entries) for each in listed]
        for number in pseudo:
            described[number]["annotations"] = _PSEUDO
        top = json.loads(entries["index.json"].data)
        if edit is not None:
            edit(described)
        index = _index(described, entries, media_type)
        index["mediaType"] = media_type if called is None else called
        top["manifests"] = [index | {"annotations": top["manifests"][0]["annotations"]}]
        entries["index.json"].data = builder.go(top)
        return builder.tar(entries.values())

    return make


def _described(listed: Listed, entries: dict[str, Entry]) -> dict[str, Any]:
    """The descriptor of an entry, whose blobs are added."""
    if isinstance(listed, Nested):
        found, platform = _index([_described(each, entries) for each in listed.entries], entries), listed.platform
    else:
        spec, platform = listed
        own = builder.containerd([spec], manifest_json=False)
        (found,) = json.loads(builder.find(own, "index.json").data)["manifests"]
        found = {key: found[key] for key in ("mediaType", "digest", "size")}
        for each in own:
            if each.path.startswith("blobs"):
                entries.setdefault(each.path, each)
    return found if platform is None else found | {"platform": platform}


def _index(
    described: list[dict[str, Any]], entries: dict[str, Entry], media_type: str = builder.OCI_INDEX
) -> dict[str, Any]:
    """The descriptor of an index of these, which is added."""
    index = builder.go({"schemaVersion": 2, "mediaType": media_type, "manifests": described})
    path = f"blobs/{builder.digest(index).replace(':', '/')}"
    entries[path] = Entry(path, index)
    return {"mediaType": media_type, "digest": builder.digest(index), "size": len(index)}


def parts_of_both() -> tuple[list[Entry], bytes]:
    """A ``docker save`` archive of the good image with all that the other needs, and the other's ``manifest.json``."""
    entries = builder.docker_legacy([good()])
    other = [entry for entry in builder.docker_legacy([evil()]) if entry.path != "repositories"]
    document = builder.drop(other, "manifest.json").data
    known = {entry.path for entry in entries}
    return [*entries, *(entry for entry in other if entry.path not in known)], document


def second_manifest(name: str = "manifest.json", *, first: bool = False) -> list[Entry]:
    """A second ``manifest.json``, under this name, that names the other image."""
    entries, document = parts_of_both()
    place = next(number for number, entry in enumerate(entries) if entry.path == "manifest.json")
    entries.insert(place if first else len(entries), Entry(name, document))
    return entries


def lookalike(name: str) -> list[Entry]:
    """A second ``manifest.json`` under a name like it, which gives the image another tag."""
    entries = builder.docker_legacy([good()])
    document = builder.find(entries, "manifest.json").data.replace(TAG.encode(), b"nginx:latest")
    return [*entries, Entry(name, document)]


def merged_manifest() -> list[Entry]:
    """A second ``manifest.json`` with a config only: whoever decodes it over the first keeps tags and layers."""
    entries = builder.jib([good()])
    other = json.loads(builder.config_of(entries).data)
    other["config"]["Cmd"] = ["/bin/evil"]
    document = builder.go([{"Config": "other.json"}])
    return [*entries, Entry("other.json", builder.go(other)), Entry("manifest.json", document)]


def linked_folder() -> list[Entry]:
    """All blobs lie in another folder than the documents say, and a symlink leads to it."""
    entries = builder.docker25([good()])
    moved = [replace(each, name=each.path.replace("blobs/", "elsewhere/", 1)) for each in entries]
    return [Entry("blobs", type=b"2", linkname="elsewhere"), *moved]


def second_config() -> list[Entry]:
    """A second config of the same name, in a layout whose config is not named by its hash."""
    entries = builder.jib([good()])
    document = json.loads(builder.config_of(entries).data)
    document["config"]["Cmd"] = ["/bin/evil"]
    builder.duplicate(entries, "config.json", builder.go(document))
    return entries


def second_index() -> list[Entry]:
    """A second ``index.json`` that names the other image."""
    entries = builder.oci_archive([good()])
    other = builder.oci_archive([evil()])
    builder.duplicate(entries, "index.json", builder.drop(other, "index.json").data)
    known = {entry.path for entry in entries}
    return [*entries, *(entry for entry in other if entry.path not in known)]


def second_blob() -> list[Entry]:
    """A layer's blob twice, the second time with other bytes."""
    entries = builder.containerd([good()])
    layer = builder.layers_of(entries)[0]
    builder.duplicate(entries, layer.path, builder.gz(builder.EVIL))
    return entries


def second_layer() -> list[Entry]:
    """A layer of ``docker save`` twice, the second time with other bytes."""
    entries = builder.docker_legacy([good()])
    builder.duplicate(entries, builder.layers_of(entries)[0].path, builder.EVIL)
    return entries


def renamed_config(written: str, *, stored: Sequence[str]) -> list[Entry]:
    """A config under a free name, and further members, whose bytes differ, under names that look like it."""
    entries = builder.jib([good()])
    config = builder.drop(entries, "config.json").data
    other = json.loads(config)
    other["config"]["Cmd"] = ["/bin/evil"]
    documents = json.loads(builder.find(entries, "manifest.json").data)
    documents[0]["Config"] = written
    builder.replace(entries, "manifest.json", builder.go(documents))
    place = len(entries) - 1
    entries[place:place] = [
        Entry(name, config if name == written else builder.go(other), mode=0o644) for name in stored
    ]
    return entries


def linked(name: str, *, kind: bytes = b"2", hops: int = 1, layout: Callable[..., list[Entry]] | None = None) -> Any:
    """A docker save archive in which a member is reached through links; its bytes lie elsewhere."""
    entries = (layout or builder.crane)([good()])
    if name == "config":
        place = entries.index(builder.config_of(entries))
    elif name == "layer":
        place = entries.index(builder.layers_of(entries)[0])
    else:
        place = entries.index(builder.find(entries, name))
    target = entries[place]
    names = [f"elsewhere{number}" for number in range(hops)]
    up = "../" * target.path.count("/") if kind == b"2" else ""
    entries[place] = Entry(target.name, type=kind, linkname=f"{up}{names[0]}")
    chain = [Entry(one, type=kind, linkname=other) for one, other in pairwise(names)]
    real = replace(target, name=names[-1])
    if kind == b"1":
        return [real, *reversed(chain), *entries]
    return [*entries, *chain, real]


def duplicate_layers() -> bytes:
    """What ``docker save`` writes of an image that has a layer twice: a symlink."""
    layer = builder.two_layers()[0]
    return builder.tar(builder.docker_legacy([ImageSpec(layers=[layer, layer], tags=[TAG])]))
