"""containers/image's reader of ``docker-archive:``, which skopeo, podman and buildah share.

Imitated: containers/image, ``docker/internal/tarfile/{reader,src}.go``, of 5.23 and 5.24 (skopeo 1.9.3, podman 4.3.1,
judged) to container-libs of 2026 (read). Names are compared after ``path.Clean``; the first member of a name counts; a
symlink is followed once, a hard link is an empty file. ``manifest.json`` and the config are read by ``json.Unmarshal``.
The config's name is not compared with its bytes; the layers are counted and hashed, since the manifest that is made
names them by their diff_ids. A stream that begins with a skippable frame is no zstd to it.
"""

from collections.abc import Iterator
from typing import Any

from imgforensics.loaders.containersimage import check_size
from imgforensics.loaders.contents import Contents, occurrence
from imgforensics.loaders.documents import DOCKER_IMAGE, SAVED, check_rootfs, diff_ids
from imgforensics.loaders.gonames import clean, join, parent
from imgforensics.loaders.load import Load, MissingError, Reader, RefusedError, asked_for
from imgforensics.model import Member, MemberKind
from imgforensics.structure import Structure

_MANIFEST_LIMIT = 1 << 20
"""Bytes of ``manifest.json`` that are read (containers/image, ``iolimits.MaxTarFileManifestSize``)."""


def skopeo(contents: Contents, _structure: Structure) -> Iterator[Load]:
    """``skopeo copy docker-archive:FILE``; of several images the one that is asked for, by name or ``@N``."""
    entries, why = entries_of(contents)
    asked = f"{why}; of {len(entries)} images the one that is asked for" if len(entries) > 1 else why
    for entry in entries:
        found = _asked_for(contents, entry, asked)
        yield from asked_for(Reader.SKOPEO_DOCKER, tuple(entry["RepoTags"]), found) if len(entries) > 1 else found


def _asked_for(contents: Contents, entry: dict[str, Any], why: str) -> Iterator[Load]:
    config, _ = image(contents, entry)
    yield Load(Reader.SKOPEO_DOCKER, contents.digest(config), None, tuple(entry["RepoTags"]), why)


def entries_of(contents: Contents) -> tuple[list[dict[str, Any]], str]:
    """Entries of ``manifest.json``, and which of its members was taken.

    Raises:
        RefusedError: there are none.
    """
    contents.undone(whole=True)
    member = component(contents, "manifest.json")
    if contents.catalogue.members[member].data.length > _MANIFEST_LIMIT:
        raise RefusedError(f"manifest.json is larger than {_MANIFEST_LIMIT} bytes")
    entries = contents.decode(member, SAVED, stream=False) or []
    if not entries:
        raise RefusedError("manifest.json lists no image")
    copies = contents.by_clean_name["manifest.json"]
    filled = [entry | {"RepoTags": entry["RepoTags"] or [], "Layers": entry["Layers"] or []} for entry in entries]
    return filled, occurrence(copies, copies[0], "manifest.json")


def image(contents: Contents, entry: dict[str, Any]) -> tuple[int, dict[str, str]]:
    """The config's member of one entry, and its layers' names by diff_id, all checked that is checked while copying.

    Raises:
        RefusedError: something is missing or does not fit.
    """
    config = component(contents, entry["Config"])
    check_size(contents, config)
    check_rootfs(contents, config)
    contents.decode(config, DOCKER_IMAGE, stream=False)
    claimed, layers = diff_ids(contents, config), entry["Layers"]
    contents.spend(1 + len(layers))
    if len(claimed) != len(layers):
        raise RefusedError(f"manifest.json lists {len(layers)} layers, the config {len(claimed)} diff_ids")
    contents.whole()  # the sizes of layers are looked up in one walk of the whole tar
    paths: dict[str, str] = {}
    users: dict[str, str] = {}
    for name, diff_id in zip(layers, claimed, strict=True):
        path = clean(name)
        if diff_id not in paths and users.setdefault(path, diff_id) != diff_id:
            raise RefusedError(f"{name} stands for two layers with different diff_ids")
        paths.setdefault(diff_id, path)
    for number, (diff_id, path) in enumerate(paths.items()):
        member = component(contents, path)
        disguise = contents.begins_like(member)
        if disguise is not None:
            raise RefusedError(
                f"layer {number}, {contents.name(member)}, begins like {disguise}, and is taken for that"
            )
        if contents.layer_differs(member, diff_id, skippable=False):
            raise RefusedError(f"layer {number}, {contents.name(member)}, does not hash to the config's diff_id")
    return config, paths


def is_link(contents: Contents, name: str) -> bool:
    """Whether a name leads to a symlink."""
    found = _first(contents, name)
    return found is not None and found.kind is MemberKind.SYMLINK


def component(contents: Contents, name: str) -> int:
    """The first member of a name, one symlink followed.

    Raises:
        RefusedError: it is not there, or is no regular file.
    """
    found = _first(contents, name)
    if found is not None and found.kind is MemberKind.SYMLINK:
        found = _first(contents, join(parent(name), found.linkname))
    if found is None:
        raise MissingError(contents.tar.error or f"{name or 'a member without a name'} is not in the archive")
    if found.kind not in (MemberKind.FILE, MemberKind.SPARSE):
        raise RefusedError(f"{found.name} is {_article(found.kind)}, not a regular file")
    if contents.catalogue.cut_off(found.index):
        raise RefusedError(f"{found.name} is cut off")
    return found.index


def _first(contents: Contents, name: str) -> Member | None:
    return next(iter(contents.by_clean_name.get(clean(name), ())), None)


def _article(kind: MemberKind) -> str:
    return "a hard link, and empty" if kind is MemberKind.HARDLINK else f"a {kind}"
