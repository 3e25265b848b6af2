"""containerd's importer: ``ctr images import``, nerdctl, k3s and rke2, and Docker with the containerd store.

Imitated: containerd, ``images/archive/importer.go`` (``ImportIndex``) and ``client/import.go``, of 1.6.20 (judged) to
2.x (read); Docker 29, ``daemon/containerd/image_exporter.go`` (read). The tar is read once. Every regular member is
stored under its true digest, whatever it is called, but for ``oci-layout`` and ``manifest.json``, which are decoded in
passing, each occurrence into the same variable. With an ``oci-layout`` of version 1.0.0 the last ``index.json`` counts;
without one ``manifest.json`` does. Hard links are ignored; symlinks lead one hop, by exact names, for ``manifest.json``
only (where one leads to another, it is up to chance), and one that leads nowhere ends the import. A manifest that is
missing ends the import of ctr, and so does an image that cannot be unpacked; Docker goes on. Of several entries of an
index for one platform the first is run, and of those without a platform the first is taken into account, on hosts of
the platform that its config says, of which 1.6 does not read the variant, or none (``images.Manifest``).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from imgforensics import platforms
from imgforensics.documents import INDEX_TYPES, MANIFEST_TYPES
from imgforensics.loaders import layers
from imgforensics.loaders.contents import Contents, is_regular, occurrence
from imgforensics.loaders.documents import (
    CONFIG,
    IMAGE,
    INDEX,
    LAYOUT,
    MACHINE,
    MANIFEST,
    NAME,
    REF,
    SAVED,
    diff_ids,
    for_no_platform,
    is_attestation,
    names,
)
from imgforensics.loaders.gonames import clean, join, parent
from imgforensics.loaders.graph import Entry, Rules, images, one_spelling
from imgforensics.loaders.load import SINCE_LAYOUT, Load, MissingError, Reader, RefusedError
from imgforensics.loaders.references import check_named
from imgforensics.model import Member, MemberKind
from imgforensics.platforms import RUNS, normalised
from imgforensics.structure import Structure

_DOCUMENTS = ("oci-layout", "manifest.json")
_TYPES = INDEX_TYPES | MANIFEST_TYPES
_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
"""The type that it gives a layer of ``manifest.json``, whose compression is then told by its bytes."""
_UNPACKING = "; unpacking then fails, and the load succeeds: "


def containerd(contents: Contents, _: Structure) -> Iterator[Load]:
    """``ctr images import`` and what shares it; an image that cannot be unpacked ends it with an error."""
    if contents.compressed:
        raise RefusedError(f"ctr does not undo {contents.catalogue.outer} around an archive; nerdctl and k3s do")
    yield from _load(contents, Reader.CONTAINERD)


def docker(contents: Contents, _: Structure) -> Iterator[Load]:
    """Docker with the containerd store: blobs may be missing, and an error of unpacking is only printed."""
    yield from _load(contents, Reader.DOCKER_CONTAINERD)


def _load(contents: Contents, reader: Reader) -> Iterator[Load]:
    if reader is Reader.DOCKER_CONTAINERD:
        contents.undone(whole=False)
    regular = [member for member in contents.whole() if is_regular(member)]
    layout, saved = _documents(contents, regular)
    blobs = {name: member for member in regular if (name := clean(member.name)) not in _DOCUMENTS}
    if layout:
        if layout != "1.0.0":
            raise RefusedError(f"oci-layout says version {layout!r}")
        yield from _listed(contents, reader, regular, blobs)
        return
    if not saved:
        raise RefusedError("there is neither an oci-layout nor a manifest.json that lists images")
    yield from _saved(contents, reader, regular, blobs, saved)


def _documents(contents: Contents, regular: list[Member]) -> tuple[str, list[dict[str, Any]] | None]:
    """The version of ``oci-layout`` and the entries of ``manifest.json``, every occurrence decoded over the last."""
    layout: dict[str, str] | None = None
    saved: list[dict[str, Any]] | None = None
    for member in regular:
        if clean(member.name) == "oci-layout":
            layout = contents.decode(member.index, LAYOUT, stream=True, into=layout)
        elif clean(member.name) == "manifest.json":
            saved = contents.decode(member.index, SAVED, stream=True, into=saved)
    return "" if layout is None else layout["imageLayoutVersion"], saved


def _listed(contents: Contents, reader: Reader, regular: list[Member], blobs: Mapping[str, Member]) -> Iterator[Load]:
    index = blobs.get("index.json")
    if index is None:
        raise RefusedError("there is an oci-layout, and no index.json")
    copies = [member for member in regular if clean(member.name) == "index.json"]
    why = f"{occurrence(copies, index, 'index.json')}{SINCE_LAYOUT}"
    strict = Rules(
        find=contents.by_content.get,
        checks_diff_ids=True,
        knows=_TYPES,
        by_host=True,
        unpack=layers.containerd,
        passes_over=is_attestation if reader is Reader.DOCKER_CONTAINERD else for_no_platform,
        chosen=partial(_chosen_by_config if reader is Reader.DOCKER_CONTAINERD else _chosen, contents),
        machines=partial(_machines, contents, older=reader is Reader.CONTAINERD),
        runs=RUNS,
    )
    lenient = replace(strict, checks_diff_ids=False, checks_layers=False, unpack=None)
    entries = contents.decode(index.index, INDEX, stream=False)["manifests"]
    if not entries:
        raise RefusedError("index.json lists nothing")
    if reader is Reader.CONTAINERD and not any(map(_fits, entries)):
        raise RefusedError("index.json lists nothing for any host")
    for entry in entries:
        tags = names(entry, NAME, REF)
        if entry["size"] <= 0:
            raise RefusedError(f"index.json gives {entry['digest']} a size of {entry['size']} bytes")
        if reader is Reader.CONTAINERD:
            yield from _entry(contents, reader, entry, strict, why)
            continue
        try:
            trouble = _unpacking(contents, entry, strict)
            yield from _entry(contents, reader, entry, lenient, f"{why}{trouble}")
        except MissingError as error:
            yield Load(reader, None, None, tags, f"{why}; it names an image of which {error}", refused=True)


def _chosen(contents: Contents, entries: Iterable[Entry]) -> dict[str, Entry]:
    """Of the entries for one platform the first, to which a stable sort leads; those without one have to be there."""
    first: dict[str, Entry] = {}
    for entry in filter(_fits, entries):
        first.setdefault(one_spelling(entry), entry)
        if entry["platform"] is None and contents.by_content.get(entry["digest"]) is None:
            raise MissingError(f"the blob {entry['digest']} is not in the archive")
    return first


def _fits(entry: Entry) -> bool:
    """Whether there are hosts for an entry: not if its platform names no architecture."""
    return entry["platform"] is None or bool(entry["platform"]["architecture"])


def _chosen_by_config(contents: Contents, entries: Iterable[Entry]) -> dict[str, Entry]:
    """The same by Docker, which looks into every image, and goes by the config where an entry says no platform."""
    first: dict[str, Entry] = {}
    for entry in filter(_fits, entries):
        said = _machines(contents, entry) if entry["platform"] is None else [one_spelling(entry)]
        first.setdefault(said[0] if said else "", entry)
    return first


def _machines(contents: Contents, entry: Entry, *, older: bool = False) -> list[str]:
    """Platforms by the config to which an entry leads; none where it leads to none, or that names no architecture.

    Args:
        contents: the archive.
        entry: of an index.
        older: containerd 1.6 is asked, too, which does not read the config's variant.
    """
    contents.spend()
    manifest = contents.by_content.get(entry["digest"])
    if manifest is None or entry["mediaType"] in INDEX_TYPES:
        return []
    try:
        config = contents.by_content.get(contents.decode(manifest, MANIFEST, stream=False)["config"]["digest"])
        said = None if config is None else contents.decode(config, MACHINE, stream=False)
    except RefusedError:
        return []
    if said is None or not said["architecture"]:
        return []
    variants = (said["variant"], "") if older else (said["variant"],)
    return [platforms.one_spelling(said["os"], said["architecture"], each) for each in variants]


def _entry(contents: Contents, reader: Reader, entry: dict[str, Any], rules: Rules, why: str) -> Iterator[Load]:
    for found in images(contents, entry, rules):
        told = f"{why}; {found.why}" if found.why else why
        tags = names(entry, NAME, REF)
        yield Load(reader, found.config, found.manifest, tags, told, platform=found.platform, any_host=found.any_host)


def _unpacking(contents: Contents, entry: dict[str, Any], strict: Rules) -> str:
    """What is to be said where an image of an entry is imported and cannot be unpacked."""
    try:
        for _ in images(contents, entry, strict):
            pass
    except RefusedError as error:
        return f"{_UNPACKING}{error}"
    return ""


def _saved(
    contents: Contents,
    reader: Reader,
    regular: list[Member],
    blobs: Mapping[str, Member],
    saved: list[dict[str, Any]],
) -> Iterator[Load]:
    targets = dict(blobs)
    links = {member.name: member.linkname for member in contents.whole() if member.kind is MemberKind.SYMLINK}
    ends = {name: join(parent(name), linkname) for name, linkname in links.items()}
    for name, target in sorted(ends.items(), key=lambda each: each[1] in links):
        if target not in blobs:
            chance = (
                "; it leads to another one, and whether that is followed is up to chance" if target in links else ""
            )
            raise RefusedError(f"the symlink {name} leads to no regular member{chance}")
        targets[name] = blobs[target]
    copies = [member for member in regular if clean(member.name) == "manifest.json"]
    merged = f"{len(copies)} manifest.json, one decoded over the other" if len(copies) > 1 else "manifest.json"
    why = f"{merged}, since there is no oci-layout" if "index.json" in blobs else merged
    made = []
    for entry in saved:
        contents.spend(1 + len(entry["Layers"] or []))
        if entry["Config"] not in targets:
            raise RefusedError(f"the config {entry['Config']} is not in the archive")
        absent = [name for name in entry["Layers"] or [] if name not in targets]
        if absent:
            raise RefusedError(f"the layer {absent[0]} is not in the archive")
        config = targets[entry["Config"]].index
        _check_platform(contents, reader, config)
        check_named(entry["RepoTags"] or ())
        made.append((entry, config))
    for entry, config in made:
        trouble = _trouble(contents, config, [targets[name].index for name in entry["Layers"] or []])
        if trouble and reader is Reader.CONTAINERD:
            raise RefusedError(f"imported by {why}, but cannot be unpacked: {trouble}")
        told = f"{why}{_UNPACKING}{trouble}" if trouble else why
        yield Load(reader, contents.digest(config), None, tuple(entry["RepoTags"] or ()), told)


def _check_platform(contents: Contents, reader: Reader, config: int) -> None:
    """For ctr, which keeps to the host's platform, taken to be some Linux; Docker imports all."""
    platform = contents.decode(config, CONFIG, stream=False)
    system, _, _ = normalised(platform["os"], platform["architecture"])
    if reader is Reader.CONTAINERD and (system not in ("", "linux") or not platform["architecture"]):
        said = f"for {platform['os']}" if platform["os"] else "for no architecture"
        raise RefusedError(f"{contents.name(config)} is {said}, and filtered out")


def _trouble(contents: Contents, config: int, given: list[int]) -> str:
    """Why an image cannot be unpacked; empty where it can."""
    try:
        contents.decode(config, IMAGE, stream=False)
        contents.check_layers(layers.containerd, tuple((layer, _LAYER) for layer in given))
    except RefusedError as error:
        return str(error)
    claimed = diff_ids(contents, config)
    if len(claimed) != len(given):
        return f"{len(given)} layers, and {len(claimed)} diff_ids in the config"
    for number, (layer, diff_id) in enumerate(zip(given, claimed, strict=True)):
        if contents.layer_differs(layer, diff_id):
            return f"layer {number} does not hash to the config's diff_id"
    return ""
