"""go-containerregistry's ``pkg/v1/tarball`` and the programs that use it: crane, trivy, syft and grype.

Imitated: go-containerregistry of 2026, ``pkg/v1/tarball/image.go``, and trivy, ``pkg/fanal/image/archive.go`` (both
read, not run here); stereoscope, ``pkg/image/{docker,oci}``, of syft 1.18.1 (judged), whose OCI archives
:mod:`.plaindisk` unpacks. Names are compared after ``path.Clean``, the first member of a name counts, symlinks and hard
links are followed, both from the folder that they stand in. ``manifest.json`` is read by a Go decoder and must list one
image. Neither names nor diff_ids are compared with bytes.

The image that syft shows is that of the config which it reads once more, by its exact name and following no link, so
that of a link it is that of nothing; layers have to be tars that can be read to their ends.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from imgforensics.gotar import EMPTY_TYPES
from imgforensics.loaders import layers
from imgforensics.loaders.contents import Contents, is_regular, needed, occurrence
from imgforensics.loaders.documents import IMAGE, INDEX, SAVED, diff_ids, only_one
from imgforensics.loaders.gonames import clean, join, parent
from imgforensics.loaders.graph import Rules, images
from imgforensics.loaders.load import Load, MissingError, Reader, RefusedError
from imgforensics.loaders.plaindisk import PlainDisk
from imgforensics.model import Compression, MemberKind
from imgforensics.structure import Structure


def crane(contents: Contents, _: Structure) -> Iterator[Load]:
    """``crane push``, ``digest --tarball``, ``validate --tarball``. Compressed archives are not undone."""
    yield _load(contents, Reader.CRANE, ())


def trivy(contents: Contents, _: Structure) -> Iterator[Load]:
    """``trivy image --input FILE``: a docker archive, gzip around it undone. OCI layouts only as folders."""
    yield _load(contents, Reader.TRIVY, (Compression.GZIP,))


def syft(contents: Contents, _: Structure) -> Iterator[Load]:
    """``syft FILE``, ``grype FILE``: a docker archive, and an OCI archive where that fails."""
    try:
        yield _shown(contents, _load(contents, Reader.SYFT, ()))
    except RefusedError as error:
        yield from _oci(contents, str(error))


def _shown(contents: Contents, load: Load) -> Load:
    """What syft says that it is: the first member of the config's exact name, where it finds one."""
    (entry,) = contents.decode(_extract(contents, "manifest.json"), SAVED, stream=True)
    contents.check_layers(layers.stereoscope, [(_extract(contents, name), "") for name in entry["Layers"] or []])
    config = next(iter(contents.by_exact_name.get(entry["Config"], ())), None)
    if config is None or config.kind not in (MemberKind.SYMLINK, MemberKind.HARDLINK):
        return load
    why = f"{load.why}; {config.name} is a {config.kind}, of which it shows the digest of nothing"
    return replace(load, image_id=None, why=why)


def _oci(contents: Contents, tried: str) -> Iterator[Load]:
    """An OCI archive of one image, unpacked (:mod:`.plaindisk`); blobs are opened by name, and not hashed."""
    if contents.compressed:
        raise RefusedError(tried)
    try:
        disk = PlainDisk(contents.whole())
        index = needed(disk.at("index.json"), "index.json")
        entries = contents.decode(index, INDEX, stream=True)["manifests"] or []
        if len({entry["digest"] for entry in entries}) != 1:
            only_one(entries)
        rules = Rules(
            find=lambda digest: disk.at(_path(digest)),
            checks_top=False,
            checks_below=False,
            levels=0,
            unpack=layers.stereoscope,
        )
        copies = [each for each in contents.tar.members if clean(f"./{each.name}") == "index.json" and is_regular(each)]
        for found in images(contents, entries[0], rules):
            why = occurrence(copies, copies[-1], "index.json")
            why += f", since manifest.json fails: {tried}" if _saved_is_there(contents) else ""
            yield Load(Reader.SYFT, found.config, found.manifest, (), why)
    except RefusedError as error:
        raise RefusedError(f"as a docker archive: {tried}; as an OCI archive: {error}") from None


def _path(digest: str) -> str:
    if not digest.startswith("sha256:"):
        raise RefusedError(f"{digest} is of an algorithm that it does not know")
    return f"blobs/{digest.replace(':', '/')}"


def _saved_is_there(contents: Contents) -> bool:
    return "manifest.json" in contents.by_clean_name


def _load(contents: Contents, reader: Reader, undone: tuple[Compression, ...]) -> Load:
    if contents.compressed and contents.catalogue.outer not in undone:
        raise RefusedError(f"it does not undo {contents.catalogue.outer} around an archive")
    if contents.catalogue.begins_like in undone:
        raise RefusedError(f"the archive begins like {contents.catalogue.begins_like}, and is taken for that")
    document = _extract(contents, "manifest.json")
    entries: list[dict[str, Any]] = contents.decode(document, SAVED, stream=True) or []
    if len(entries) != 1:
        raise RefusedError(f"manifest.json lists {len(entries)} images, where it takes one")
    (entry,) = entries
    config = _extract(contents, entry["Config"])
    contents.decode(config, IMAGE, stream=True)
    claimed = diff_ids(contents, config, stream=True)
    given = [_extract(contents, name) for name in entry["Layers"] or []]
    compressed = any(_compressed(contents, layer) for layer in given)
    if (len(given) > len(claimed)) if compressed else (len(given) < len(claimed)):
        raise RefusedError(f"manifest.json lists {len(given)} layers, the config {len(claimed)} diff_ids")
    copies = contents.by_clean_name["manifest.json"]
    why = occurrence(copies, copies[0], "manifest.json")
    return Load(reader, contents.digest(config), None, tuple(entry["RepoTags"] or ()), why)


def _compressed(contents: Contents, member: int) -> bool:
    blob = contents.catalogue.blobs.get(member)
    return blob is not None and blob.compression is not Compression.NONE


def _extract(contents: Contents, name: str) -> int:
    visited = set()
    path = name
    while path not in visited:
        visited.add(path)
        contents.spend()
        found = next(iter(contents.by_clean_name.get(clean(path), ())), None)
        if found is None:
            raise MissingError(contents.tar.error or f"{path or 'a member without a name'} is not in the archive")
        if found.typeflag in EMPTY_TYPES:
            raise RefusedError(f"{path} is a header of type {found.typeflag!r}, and empty")
        if found.kind not in (MemberKind.SYMLINK, MemberKind.HARDLINK):
            return found.index
        path = join(parent(path), clean(found.linkname))
    raise RefusedError(f"{name} is a link that leads in a circle")
