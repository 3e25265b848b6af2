"""Manifests that lie in an archive ready made, and whether a registry shows them.

A store that keeps images as registries do (containerd's, and with it docker's by default since 29; BuildKit's; an OCI
layout) puts the very manifest into the archive that it pushes: its SHA-256 is the digest. The classic image store of
docker keeps none. Since docker 25 its ``docker save`` makes one up for the archive, over layers that are not
compressed, and no push ever sends that.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_manifest
from imgforensics.documents import DocumentKind
from imgforensics.model import Compression, Digest
from imgforensics.producer import DOCKER_CLASSIC
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.sentences import short
from imgforensics.reconstruct.spelling import spelled_by
from imgforensics.structure import Image, Reference, Role

SOURCE_ANNOTATION = "containerd.io/distribution.source."
"""containerd: what follows names a registry, the value lists the repositories there."""

_STORES = frozenset({"containerd", "BuildKit"})
"""Producers whose archives hold what their store holds and pushes."""

_TWINS = 16
"""Manifests looked at for one image. A store holds one of each tool that pushed it, a hostile archive thousands."""


@dataclass(frozen=True, slots=True)
class Preserved:
    """A manifest of an image that lies in the archive."""

    member: int
    """Index of the member that it is."""
    digest: Digest
    """SHA-256 of its bytes: what a registry shows that was sent them."""
    size: int
    media_type: str
    """As it says itself, else as a descriptor of it says; empty where nothing does."""
    likelihood: Likelihood
    writers: tuple[str, ...]
    """Who spells a manifest so, byte for byte; see :mod:`.spelling`."""
    indexes: tuple[Digest, ...]
    """Indexes in the archive that list it, nearest first: what a tag shows when the whole index was pushed."""
    evidence: tuple[str, ...]
    """What speaks for and against it, each a sentence that a person can check."""
    assumptions: tuple[str, ...]
    """What has to be so for a registry to show it."""


def find_preserved(case: Case) -> dict[int, tuple[Preserved, ...]]:
    """Index of each image to every manifest in the archive that describes it, the likeliest first."""
    finder = _Finder(case)
    return {image.index: finder.find(image) for image in case.structure.images}


class _Finder:
    """The references of an archive by where they stand and where they lead, gathered once for all images."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.below: dict[int, list[Reference]] = defaultdict(list)
        self.above: dict[int, list[Reference]] = defaultdict(list)
        for reference in case.structure.references:
            self.below[reference.member].append(reference)
            if reference.target is not None:
                self.above[reference.target].append(reference)

    @cached_property
    def by_config(self) -> Mapping[Digest, Sequence[int]]:
        """Digest of a config's bytes to the manifests over it."""
        found: dict[Digest, list[int]] = defaultdict(list)
        for member, references in self.below.items():
            document = self.case.structure.documents.get(member)
            if document is not None and document.kind is DocumentKind.MANIFEST:
                targets = [each.target for each in references if each.role is Role.CONFIG and each.target is not None]
                for blob in (self.case.catalogue.blobs.get(target) for target in targets):
                    if blob is not None:
                        found[blob.digest].append(member)
        return found

    def find(self, image: Image) -> tuple[Preserved, ...]:
        """The manifests of one image."""
        found = [self._preserved(image, member) for member in self._members(image)]
        return tuple(sorted(found, key=lambda each: (each.likelihood.rank, each.member != image.manifest_member)))

    def _members(self, image: Image) -> Iterator[int]:
        """The manifest that the image was read from, and others over the same config and layers."""
        if image.manifest_member is not None:
            yield image.manifest_member
        config = None if image.config_member is None else self.case.catalogue.blobs.get(image.config_member)
        twins = [] if config is None else self.by_config.get(config.digest, ())
        for member in twins[:_TWINS]:
            if member != image.manifest_member and self._same_layers(image, member):
                yield member

    def _layers(self, member: int) -> list[Reference]:
        return [reference for reference in self.below[member] if reference.role is Role.LAYER]

    def _same_layers(self, image: Image, member: int) -> bool:
        references = self._layers(member)
        if len(references) != len(image.layers):
            return False
        for reference, layer in zip(references, image.layers, strict=True):
            if reference.target is None or layer.member is None:
                return False  # nothing tells whether it is the same layer
            blobs = [self.case.catalogue.blobs.get(each) for each in (reference.target, layer.member)]
            if blobs[0] is None or blobs[1] is None or blobs[0].diff_id != blobs[1].diff_id:
                return False
        return True

    def _preserved(self, image: Image, member: int) -> Preserved:
        blob = self.case.catalogue.blobs[member]
        manifest = read_manifest(self.case.structure.documents[member].value, self.case.catalogue.limits, Reader())
        types = [each.descriptor.media_type for each in self.above[member] if each.descriptor is not None]
        likelihood, evidence, assumptions = self._judge(image, member)
        parents = self._parents(member)
        if parents:
            assumptions = [
                *assumptions,
                "the tag was not given to the index that lists it: then the tag shows the index",
            ]
        return Preserved(
            member=member,
            digest=blob.digest,
            size=blob.size,
            media_type=manifest.media_type or next((each for each in types if each), ""),
            likelihood=likelihood,
            writers=tuple(style.name for style in spelled_by(blob.content or b"", manifest)),
            indexes=tuple(self.case.catalogue.blobs[parent].digest for parent in parents),
            evidence=(*evidence, *self._sources([member, *parents])),
            assumptions=tuple(assumptions),
        )

    def _judge(self, image: Image, member: int) -> tuple[Likelihood, list[str], list[str]]:
        """How likely a registry shows this manifest, what speaks for and against it, and what has to be so."""
        name = self.case.name(member)
        producer = "" if self.case.producer is None else self.case.producer.name
        references = self._layers(member)
        blobs = [self.case.catalogue.blobs.get(each.target) for each in references if each.target is not None]
        plain = sum(blob is not None and blob.compression is Compression.NONE for blob in blobs)
        uncompressed = f"{plain} of the {len(references)} layers in it are not compressed"
        if member in self.case.wrong_bytes:
            evidence = [f"{name} is a manifest, but its bytes are not those that its name or a descriptor promises"]
            return Likelihood.POSSIBLE, evidence, ["a registry was sent these bytes, and not the promised ones"]
        if producer == DOCKER_CLASSIC:
            made_up = f"{name} was made up by docker save: the classic image store keeps no manifest"
            other = "docker push with that store sends another one, of Docker's media type over gzip layers"
            loaded = "this very archive was loaded into a containerd image store, or copied as an OCI layout"
            return Likelihood.POSSIBLE, [made_up, other, uncompressed], [f"{loaded}, and pushed from there"]
        missing = image.config_member is None or len(blobs) < len(references)
        assumptions = ["the config and layers that are not in the archive are what it says"] if missing else []
        if producer in _STORES:
            evidence = [f"{name} is the manifest in the store of {producer}, which pushes it unchanged"]
            return Likelihood.CERTAIN, evidence, assumptions
        evidence = [f"{name} is a manifest in an OCI layout"]
        if image.orphan:
            assumptions.append("it is meant, although nothing in the archive names it")
            return Likelihood.POSSIBLE, evidence, assumptions
        if plain:
            evidence.append(uncompressed)
            assumptions.append("it was pushed by a tool that copies layouts as they are; skopeo compresses the layers")
            return Likelihood.POSSIBLE, evidence, assumptions
        return Likelihood.LIKELY, evidence, [*assumptions, "the image was not converted when the layout was written"]

    def _parents(self, member: int) -> list[int]:
        """Indexes that list a manifest, and those that list them, nearest first; ``index.json`` itself left out."""
        found: dict[int, None] = {}
        pending = [member]
        for child in pending:
            for reference in self.above[child]:
                parent = reference.member
                listed = reference.role in (Role.MANIFEST, Role.INDEX)
                if listed and parent not in self.case.structure.entry_points and parent not in found:
                    found[parent] = None
                    pending.append(parent)
        return list(found)

    def _sources(self, members: Sequence[int]) -> Iterator[str]:
        """What containerd noted about the registries that a manifest, or an index around it, was pulled from."""
        noted: dict[tuple[str, str], None] = {}
        for reference in (each for member in members for each in self.above[member]):
            annotations = {} if reference.descriptor is None else reference.descriptor.annotations
            noted.update(dict.fromkeys(each for each in annotations.items() if each[0].startswith(SOURCE_ANNOTATION)))
        for key, value in noted:
            registry = key.removeprefix(SOURCE_ANNOTATION)
            where = f"{short(registry)}, repositories {short(value)}"
            yield f"pulled from, or pushed to, {where} (annotation of a descriptor)"
