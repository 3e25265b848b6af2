"""Who would load what: models of the programs that load image archives, each as a pure function of one archive.

They disagree where documents, members of one name, keys or links can be taken in two ways, and an archive that makes
them disagree shows one image to a scanner and another to a runtime. Each model's docstring names the program, version
and function that it imitates, and whether the real program was asked (``tests/test_readers.py``) or its source read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from imgforensics.catalogue import Catalogue
from imgforensics.loaders import containerd, dockerarchive, dockerclassic, ggcr, ociarchive, oras, podman, regctl
from imgforensics.loaders.contents import Contents
from imgforensics.loaders.documents import MACHINE
from imgforensics.loaders.load import LimitError, Load, Reader, RefusedError
from imgforensics.platforms import normalised
from imgforensics.structure import Structure

Model = Callable[[Contents, Structure], Iterator[Load]]

MODELS: Mapping[Reader, Model] = {
    Reader.DOCKER_28: dockerclassic.before_29,
    Reader.DOCKER_29: dockerclassic.since_29,
    Reader.DOCKER_CONTAINERD: containerd.docker,
    Reader.CONTAINERD: containerd.containerd,
    Reader.PODMAN: podman.podman,
    Reader.SKOPEO_DOCKER: dockerarchive.skopeo,
    Reader.SKOPEO_OCI: ociarchive.skopeo,
    Reader.CRANE: ggcr.crane,
    Reader.SYFT: ggcr.syft,
    Reader.TRIVY: ggcr.trivy,
    Reader.REGCTL: regctl.regctl,
    Reader.ORAS: oras.oras,
}
"""Every reader, in the order of reports."""


def loads(catalogue: Catalogue, structure: Structure) -> tuple[Load, ...]:
    """What each reader would do with the archive: its images in order, the refusal that ends them last."""
    contents = Contents(catalogue, structure)
    found: list[Load] = []
    for reader, model in MODELS.items():
        if reader is Reader.DOCKER_29 and not dockerclassic.differs_since_29(contents):
            found += [replace(load, reader=reader) for load in found if load.reader is Reader.DOCKER_28]
        else:
            found += _loads(reader, model, contents, structure)
    return tuple(load if load.platform else replace(load, machine=_machine(contents, load)) for load in found)


def _loads(reader: Reader, model: Model, contents: Contents, structure: Structure) -> list[Load]:
    """What one reader does: each image once, with all of its names, where several entries lead to it."""
    found: list[Load] = []
    places: dict[tuple[object, ...], int] = {}
    names: list[dict[str, None]] = []
    contents.begin()
    try:
        for load in model(contents, structure):
            key = load.image_id, load.manifest_digest, load.why
            place = len(found) if load.image_id is None else places.setdefault(key, len(found))
            if place < len(found):
                names[place].update(dict.fromkeys(load.tags))
                continue
            if place >= contents.catalogue.limits.images:
                raise LimitError(f"more than {contents.catalogue.limits.images} images; no more were listed here")
            found.append(load)
            names.append(dict.fromkeys(load.tags))
        if not found:
            found.append(Load(reader, None, None, (), "there is no image for any platform", refused=True))
    except RefusedError as error:
        limited = isinstance(error, LimitError)
        found.append(Load(reader, None, None, (), str(error), refused=True, limited=limited))
    return [
        load if len(tags) == len(load.tags) else replace(load, tags=tuple(tags))
        for load, tags in zip(found, (*names, ()), strict=False)
    ]


def _machine(contents: Contents, load: Load) -> str:
    """As :attr:`~imgforensics.loaders.load.Load.machine`."""
    member = contents.by_content.get(str(load.image_id))
    if member is None:
        return ""
    try:
        said = contents.decode(member, MACHINE, stream=True)
    except RefusedError:
        return ""
    os, architecture, variant = normalised(said["os"], said["architecture"], said["variant"])
    known = "" if architecture == "arm" and not said["variant"] else variant
    return "/".join(word for word in (os, architecture, known) if word) if architecture else ""


__all__ = ["MODELS", "Load", "Reader", "loads"]
