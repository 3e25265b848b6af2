"""What the documents of an archive say it holds: references, layers, images. Claims only, beside what they lead to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from imgforensics.documents import Config, Descriptor, Document, DocumentKind
from imgforensics.model import Anomaly, Digest, Location
from imgforensics.refnames import has_repository, normalise


class View(StrEnum):
    """The two ways in which an archive tells what is in it."""

    SAVE = "docker-save"
    OCI = "oci-layout"


class Role(StrEnum):
    """What a reference says its target is."""

    INDEX = "index"
    MANIFEST = "manifest"
    CONFIG = "config"
    LAYER = "layer"
    SUBJECT = "subject"
    SOURCE = "layer source"
    """An entry of ``LayerSources`` for a layer that the image does not have."""


class ImageKind(StrEnum):
    """What a manifest describes."""

    IMAGE = "image"
    ATTESTATION = "attestation"
    ARTIFACT = "artifact"


@dataclass(frozen=True, slots=True)
class Reference:
    """One place in a document that names something, and what that name leads to."""

    role: Role
    member: int
    """Index of the member in which it stands."""
    where: Location
    target: int | None
    """Index of the member it leads to, None where nothing is there."""
    path: str | None = None
    """The member name that it gives (``manifest.json``)."""
    descriptor: Descriptor | None = None
    """The descriptor that it gives (OCI documents, ``LayerSources``)."""
    by_content: bool = False
    """The target does not stand where readers look for it; it was found by its digest."""
    excused: str | None = None
    """Why an absent target is no defect of the archive."""

    @property
    def claims(self) -> str:
        """What it names, for a person."""
        if self.descriptor is not None:
            return self.descriptor.digest_text
        return self.path or ""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image."""

    index: int
    """Position, from 0, lowest layer first."""
    member: int | None
    """Index of the member that holds it, None where it is not in the archive."""
    references: tuple[Reference, ...]
    """Every place that names it as this layer."""
    claimed_diff_id: str | None
    """From the config's ``rootfs.diff_ids``, None where that list is shorter or absent."""

    @property
    def media_type(self) -> str | None:
        """As the first descriptor claims it."""
        types = (reference.descriptor.media_type for reference in self.references if reference.descriptor)
        return next((media_type for media_type in types if media_type), None)


@dataclass(frozen=True, slots=True)
class Image:
    """An image, an attestation or another artifact, as one or both views describe it."""

    index: int
    """Position among the archive's images, from 0; -1 for attestations and artifacts."""
    kind: ImageKind
    views: tuple[View, ...]
    tags: tuple[str, ...]
    """References that name it, as written, without those that say the same in another way."""
    config_member: int | None
    config: Config | None
    """The parsed config, None where it is absent or is no image config."""
    references: tuple[Reference, ...]
    """References to its config."""
    layers: tuple[Layer, ...]
    manifest_member: int | None = None
    """The manifest that describes it in the OCI view."""
    platform: str | None = None
    artifact_type: str | None = None
    subject: Digest | None = None
    orphan: bool = False
    """No document names it: its manifest was found by content."""
    v1_ids: tuple[str, ...] = ()
    """Claimed legacy v1 IDs of its layers, lowest first, where the layout has them (names of the layer directories)."""
    names: tuple[tuple[View, str], ...] = ()
    """Every reference that names it, and the view that says so: two views can give one image different names."""

    @property
    def moved_names(self) -> tuple[str, ...]:
        """Every name that loading the archive takes from the image that has it, spelled out, each once.

        An annotation that is a bare tag names no repository; what a reader makes of it is the reader's choice.
        """
        given = (name for view, name in self.names if view is View.SAVE or has_repository(name))
        return tuple(dict.fromkeys(map(normalise, given)))

    def names_in(self, view: View) -> tuple[str, ...]:
        """The references by which one view names it."""
        return tuple(name for given, name in self.names if given is view)


@dataclass(frozen=True, slots=True)
class Structure:
    """Everything that the documents of an archive say."""

    roots: tuple[str, ...]
    """Folders in which the documents stand; ``""`` is the archive's own root."""
    layouts: tuple[View, ...]
    documents: Mapping[int, Document]
    """Member index to the parsed document, of every member that is JSON."""
    entry_points: Mapping[int, DocumentKind]
    """Member index to what its name promises, of the documents found by name: ``manifest.json`` and so on."""
    problems: tuple[Anomaly, ...]
    """What was odd about documents that something refers to, with member and pointer."""
    references: tuple[Reference, ...]
    images: tuple[Image, ...]
    """Runnable images only."""
    artifacts: tuple[Image, ...]
    """Attestations and other artifacts."""
    repositories: Mapping[int, Mapping[str, Mapping[str, str]]]
    """Member index of each ``repositories`` to name, tag and ID."""
    v1_json: Mapping[int, str]
    """Member index to the legacy v1 ID that it carries, of documents that describe one layer of an image."""
    orphans: tuple[int, ...]
    """Regular members that nothing refers to; of a group that hangs together, its top only."""
    orphan_parts: Mapping[int, tuple[int, ...]]
    """Orphan to the members that only it refers to."""
    broken_links: Mapping[int, Anomaly]
    """Link members that lead nowhere."""
