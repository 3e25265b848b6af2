"""The OCI view: from ``index.json`` down through nested indexes and manifests to configs and layers.

image-spec v1.1, image-layout.md and image-index.md. Walked without recursion; every descriptor is followed, every
document read once. Absent children are judged at the end, when it is known which siblings are there: a store that holds
one platform of a multi-platform image saves the whole index with it, and that is no defect.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from imgforensics.documentreader import Reader, read_index, read_manifest
from imgforensics.documents import (
    CONFIG_TYPES,
    INDEX_TYPES,
    MANIFEST_TYPES,
    Descriptor,
    DocumentKind,
    Index,
    Manifest,
)
from imgforensics.model import Anomaly, AnomalyKind
from imgforensics.reading import Reading
from imgforensics.refnames import agrees
from imgforensics.structure import Image, ImageKind, Layer, Reference, Role, View

NAME_ANNOTATION = "io.containerd.image.name"
REF_ANNOTATION = "org.opencontainers.image.ref.name"
SUBJECT_ANNOTATION = "io.containerd.manifest.subject"
DSSE_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
ATTESTATION_ANNOTATION = "vnd.docker.reference.type"
ATTESTED_ANNOTATION = "vnd.docker.reference.digest"


@dataclass(slots=True)
class _Step:
    """One descriptor yet to be followed."""

    reference: Reference
    root: str
    depth: int
    tags: tuple[str, ...]
    orphan: bool = False
    parent: int | None = None
    """Member index of the nested index it stands in, None directly below ``index.json``."""


@dataclass(slots=True)
class OciView:
    """What the walk found."""

    images: list[Image] = field(default_factory=list)
    """Images, attestations and artifacts, one a manifest, in the order of the walk."""
    visited: dict[int, dict[str, None]] = field(default_factory=dict)
    """Member index of every index and manifest to the tags it was reached by, in order."""
    excused: dict[int, str] = field(default_factory=dict)
    """``id()`` of a reference whose target may be absent, and why."""
    parents: dict[int, list[int | None]] = field(default_factory=dict)
    """Member index of a manifest to the nested indexes it was reached from."""
    children: dict[int, list[Reference]] = field(default_factory=dict)
    """Member index of a nested index to the references in it."""
    ways: int = 0
    """Steps that were taken again, to carry names down."""


def walk(reading: Reading, starts: Mapping[int, str], view: OciView, *, orphan: bool = False) -> None:
    """Follow every descriptor from these documents on, and add what is found to ``view``.

    Args:
        reading: the archive's documents.
        starts: member index of an ``index.json`` (or, for orphans, of any index or manifest) to its root folder.
        view: gathers the results.
        orphan: nothing refers to the starts; they were found by content.
    """
    pending: deque[_Step] = deque()
    for start, root in starts.items():
        if reading.full():
            return
        view.visited.setdefault(start, {})
        if reading.kind(start) is DocumentKind.MANIFEST:
            _manifest(reading, start, root, None, (), orphan, view)
        else:
            pending.extend(_index(reading, start, root, 0, None, orphan, view))
    pending = _gathered(pending)
    while pending and not reading.full():
        step = pending.popleft()
        member = step.reference.target
        if member is None:
            continue
        if reading.kind(member) not in (DocumentKind.INDEX, DocumentKind.MANIFEST):
            _no_manifest(reading, step.reference, member)
            continue
        view.parents.setdefault(member, []).append(step.parent)
        if member in view.visited:
            pending.extend(_named_again(step, member, view))
        else:
            pending.extend(_enter(reading, step, member, view))
        if len(view.visited) > reading.limits.graph_nodes or view.ways > reading.limits.references:
            reading.limit(
                f"followed {len(view.visited)} indexes and manifests by {view.ways} ways; no others were read"
            )
            break


def _enter(reading: Reading, step: _Step, member: int, view: OciView) -> list[_Step]:
    """Read an index or a manifest; the steps from there."""
    view.visited[member] = dict.fromkeys(step.tags)
    if step.depth > reading.limits.graph_depth:
        detail = f"was not read: indexes nest deeper than {reading.limits.graph_depth}"
        reading.note(member, [Anomaly(AnomalyKind.LIMIT, detail)])
    elif reading.kind(member) is DocumentKind.INDEX:
        return _index(reading, member, step.root, step.depth + 1, step.tags, step.orphan, view)
    else:
        _manifest(reading, member, step.root, step.reference.descriptor, step.tags, step.orphan, view)
    return []


def _named_again(step: _Step, member: int, view: OciView) -> list[_Step]:
    """A document was read and is reached once more; the steps that carry its new names down."""
    known = view.visited[member]
    new = tuple(tag for tag in step.tags if tag not in known)
    known.update(dict.fromkeys(new))
    below = view.children.get(member, ()) if new else ()
    view.ways += len(below)
    return [_Step(each, step.root, step.depth + 1, new, step.orphan, member) for each in below]


def _gathered(steps: deque[_Step]) -> deque[_Step]:
    """The same steps, the first to each target with the tags of all: so that they go down together."""
    tags: dict[int | None, dict[str, None]] = {}
    for step in steps:
        tags.setdefault(step.reference.target, {}).update(dict.fromkeys(step.tags))
    return deque(replace(step, tags=tuple(tags.pop(step.reference.target, ()))) for step in steps)


def _no_manifest(reading: Reading, reference: Reference, member: int) -> None:
    """A descriptor says manifest or index, and the blob is neither. Blobs of other types are nobody's business."""
    media_type = "" if reference.descriptor is None else reference.descriptor.media_type
    if (media_type and media_type not in MANIFEST_TYPES | INDEX_TYPES) or reading.catalogue.cut_off(member):
        return
    document = reading.documents.get(member)
    if document is not None and document.problems:
        reading.note(member, document.problems)
    elif reading.unread(member):
        reading.note(member, [Anomaly(AnomalyKind.LIMIT, "was not read as a manifest")])
    elif media_type and member in reading.catalogue.blobs:
        reading.note(member, [Anomaly(AnomalyKind.BAD_VALUE, f"is no document of the type {media_type}")])


def _index(
    reading: Reading,
    member: int,
    root: str,
    depth: int,
    tags: tuple[str, ...] | None,
    orphan: bool,
    view: OciView,
) -> list[_Step]:
    reader = Reader(reading.limits)
    index = read_index(reading.value(member), reading.limits, reader)
    reading.note(member, [*reading.documents[member].problems, *reader.problems])
    if index.subject is not None:
        _subject(reading, member, root, index.subject)
    steps = []
    for descriptor in index.manifests:
        role = Role.INDEX if "index" in descriptor.media_type or "list" in descriptor.media_type else Role.MANIFEST
        reference = reading.refer_to_blob(role, member, root, descriptor)
        if SUBJECT_ANNOTATION in descriptor.annotations or _is_attestation(descriptor):
            view.excused[id(reference)] = "an attestation, which stores keep only if it was asked for"
        parent = None if tags is None else member
        if parent is not None:
            view.children.setdefault(parent, []).append(reference)
        steps.append(_Step(reference, root, depth, tags if tags is not None else names_of(descriptor), orphan, parent))
    _check_media_type(reading, member, index)
    return steps


def names_of(descriptor: Descriptor) -> tuple[str, ...]:
    """The references by which readers know an index entry: one, or two where its annotations contradict each other."""
    name, ref = descriptor.annotations.get(NAME_ANNOTATION), descriptor.annotations.get(REF_ANNOTATION)
    if name and ref:
        return (name,) if agrees(name, ref) else (name, ref)
    return tuple(each for each in (name, ref) if each)


def _manifest(
    reading: Reading,
    member: int,
    root: str,
    descriptor: Descriptor | None,
    tags: tuple[str, ...],
    orphan: bool,
    view: OciView,
) -> None:
    reader = Reader(reading.limits)
    manifest = read_manifest(reading.value(member), reading.limits, reader)
    reading.note(member, [*reading.documents[member].problems, *reader.problems])
    _check_media_type(reading, member, manifest)
    config_reference = (
        None if manifest.config is None else reading.refer_to_blob(Role.CONFIG, member, root, manifest.config)
    )
    config_member = None if config_reference is None else config_reference.target
    config = None if config_member is None else reading.config(config_member)
    layers = []
    diff_ids = () if config is None else config.diff_ids
    references = [reading.refer_to_blob(Role.LAYER, member, root, layer) for layer in manifest.layers]
    tars = any(reference.target in reading.catalogue.layers for reference in references)
    kind = _image_kind(reading, manifest, descriptor, config_member)
    if kind is not ImageKind.IMAGE and tars and diff_ids:
        # docker, podman and skopeo go by the config and the bytes, and run it
        detail = f"an image by its config and a tar among its layers, an {kind} by the types that it gives them"
        reading.note(member, [Anomaly(AnomalyKind.AMBIGUOUS_KIND, detail, pointer="/layers")])
        kind = ImageKind.IMAGE
    if config_member is not None and kind is ImageKind.IMAGE:
        reading.note_config(config_member)
    for number, reference in enumerate(references):
        claimed = diff_ids[number] if number < len(diff_ids) else None
        layers.append(Layer(number, reference.target, (reference,), claimed))
    if manifest.subject is not None:
        _subject(reading, member, root, manifest.subject)
    platform = None if config is None or not config.platform.os else config.platform
    if platform is None and descriptor is not None:
        platform = descriptor.platform
    view.images.append(
        Image(
            index=-1,
            kind=kind,
            views=(View.OCI,),
            tags=tags,
            config_member=config_member,
            config=config,
            references=() if config_reference is None else (config_reference,),
            layers=tuple(layers),
            manifest_member=member,
            platform=None if platform is None or platform.unknown else str(platform) or None,
            artifact_type=_artifact_type(manifest, kind),
            subject=None if manifest.subject is None else manifest.subject.digest,
            orphan=orphan,
        )
    )


def _subject(reading: Reading, member: int, root: str, descriptor: Descriptor) -> None:
    reference = reading.refer_to_blob(Role.SUBJECT, member, root, descriptor)
    reading.references[-1] = replace(reference, excused="a subject may be kept apart from what refers to it")


def _is_attestation(descriptor: Descriptor) -> bool:
    return descriptor.annotations.get(ATTESTATION_ANNOTATION) == "attestation-manifest"


def _image_kind(
    reading: Reading, manifest: Manifest, descriptor: Descriptor | None, config_member: int | None
) -> ImageKind:
    """What a manifest describes by the types that stand in it."""
    layer_types = {layer.media_type for layer in manifest.layers}
    if layer_types == {IN_TOTO}:
        return ImageKind.ATTESTATION
    config = None if config_member is None else reading.config(config_member)
    runnable = config is not None and bool(config.diff_ids)
    if descriptor is not None and _is_attestation(descriptor) and not runnable and not names_of(descriptor):
        return ImageKind.ATTESTATION  # the annotation alone must not hide an image from whoever compares images
    if manifest.artifact_type and (manifest.config is None or manifest.config.media_type not in CONFIG_TYPES):
        return ImageKind.ARTIFACT
    if config is not None:
        # cosign's signatures and attestations carry an image config around layers that are all signed payloads
        signatures = bool(layer_types) and all("cosign" in each or each == DSSE_ENVELOPE for each in layer_types)
        return ImageKind.ARTIFACT if signatures else ImageKind.IMAGE
    if manifest.config is not None and manifest.config.media_type in CONFIG_TYPES:
        return ImageKind.IMAGE
    return ImageKind.ARTIFACT


def _artifact_type(manifest: Manifest, kind: ImageKind) -> str | None:
    if kind is ImageKind.IMAGE:
        return None
    config_type = "" if manifest.config is None else manifest.config.media_type
    return manifest.artifact_type or config_type or None


def _check_media_type(reading: Reading, member: int, document: Index | Manifest) -> None:
    """A document's own media type against what its keys say (CVE-2021-41190)."""
    if any(problem.kind is AnomalyKind.AMBIGUOUS_KIND for problem in reading.documents[member].problems):
        return  # its keys say two things, and so whatever it says contradicts one of them
    wanted = "index" if isinstance(document, Index) else "manifest"
    given = document.media_type
    says_index = "index" in given or "manifest.list" in given
    if given and says_index != (wanted == "index"):
        detail = f"says mediaType {given!r} and has the keys of an image {wanted}"
        reading.note(member, [Anomaly(AnomalyKind.AMBIGUOUS_KIND, detail, pointer="/mediaType")])


def excuse_absent(reading: Reading, view: OciView) -> None:
    """Mark the references whose absent target is by design: other platforms, attestations."""
    complete = {image.manifest_member for image in view.images if _complete(image)}
    reasons = dict(view.excused)
    held: set[int | None] = set()
    for parent, children in view.children.items():
        if any(child.target in complete for child in children):
            held.add(parent)
            for child in children:
                reasons.setdefault(id(child), "another platform of a multi-platform image, not saved")
    bare = {
        image.manifest_member
        for image in view.images
        if image.manifest_member is not None
        and _empty(image)
        and (parents := view.parents.get(image.manifest_member))
        and held.issuperset(parents)
    }
    for position, reference in enumerate(reading.references):
        reason = reasons.get(id(reference))
        if reference.member in bare:
            reason = "another platform of a multi-platform image, of which only the manifest was saved"
        if reason is not None and reference.excused is None:
            reading.references[position] = replace(reference, excused=reason)


def _complete(image: Image) -> bool:
    return image.config_member is not None and all(layer.member is not None for layer in image.layers)


def _empty(image: Image) -> bool:
    return image.config_member is None and all(layer.member is None for layer in image.layers)
