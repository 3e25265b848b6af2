"""IMG201 to IMG203, IMG208 to IMG210: documents that are not what they should be, or can be read in two ways."""

from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.readers import contradiction
from imgforensics.checks.rule import Check, Found, check
from imgforensics.documentreader import Reader
from imgforensics.documents import CONFIG_TYPES, INDEX_TYPES, MANIFEST_TYPES, Document, DocumentKind
from imgforensics.findings import Effect, Severity
from imgforensics.model import Anomaly, AnomalyKind, Compression, Location
from imgforensics.ociview import ATTESTATION_ANNOTATION
from imgforensics.structure import Image, Role

_MALFORMED = frozenset(
    {
        AnomalyKind.NOT_JSON,
        AnomalyKind.NOT_UTF8,
        AnomalyKind.BYTE_ORDER_MARK,
        AnomalyKind.TRAILING_JSON,
        AnomalyKind.BAD_VALUE,
        AnomalyKind.MISSING_KEY,
        AnomalyKind.LONE_SURROGATE,
    }
)
_CONFIG_TYPES = CONFIG_TYPES | {"", "application/vnd.docker.plugin.v1+json", "application/octet-stream"}
"""Types of configs with diff_ids: of images, of Docker's plugins, and what Docker 1.10 pushed."""
_MODELS = "application/vnd.docker.ai."
"""How Docker's types of models begin, whose configs have diff_ids, too."""
_UNREAD = frozenset({AnomalyKind.NOT_JSON, AnomalyKind.NOT_UTF8, AnomalyKind.AMBIGUOUS_KIND, AnomalyKind.LIMIT})
_TYPE_OF = {
    Compression.GZIP: ("gzip",),
    Compression.ZSTD: ("zstd",),
    Compression.NONE: (None,),
}
"""Endings of media types that fit; nothing names bzip2 and xz."""


def _related(case: Case, anomaly: Anomaly) -> tuple[Location, ...]:
    """Members that only another reading of the document leads to, and what hangs below them."""
    orphans = case.mentions.of(anomaly)
    below = (part for orphan in orphans for part in case.structure.orphan_parts.get(orphan, ()))
    return tuple(Location(case.name(member)) for member in dict.fromkeys((*orphans, *below)))


def _place(case: Case, anomaly: Anomaly) -> Location:
    name = None if anomaly.member is None else case.name(anomaly.member)
    return Location(name, anomaly.pointer, offset=anomaly.span.offset if anomaly.span else None)


@check("IMG201", "malformed-document", Severity.ERROR, Effect.SUSPECT)
def malformed_document(case: Case) -> Iterator[Found]:
    """A document is no JSON, or a value in it has a wrong type or is missing.

    ## What it means
    `manifest.json`, `index.json`, a manifest or a config is not what its specification says.

    ## Why it matters
    Readers differ in what they forgive: Go takes invalid UTF-8 and stops behind the first value, Python takes byte
    order marks, UTF-16 and NaN; where a value has a wrong type, Go refuses the whole document and others read on. A
    document that some refuse and others read shows each of them another archive.

    ## How it is computed
    Strictly after RFC 8259 and the image specifications; reading goes on wherever it can.

    ## When it is innocent
    Hand-written test archives leave out fields; a missing field is a warning only, and so is half a character in a
    text. `RepoTags` and `manifests` that are
    `null` are ordinary and not reported.
    """
    for problem in case.structure.problems:
        if problem.member is not None and case.catalogue.cut_off(problem.member):
            continue  # IMG101 is the cause
        if problem.kind in _MALFORMED:
            place = f" at {problem.pointer}" if problem.pointer else ""
            name = "the document" if problem.member is None else case.name(problem.member)
            mild = problem.kind in (AnomalyKind.MISSING_KEY, AnomalyKind.LONE_SURROGATE)
            severity = Severity.WARNING if mild else None
            told = contradiction(case) if problem.kind is AnomalyKind.TRAILING_JSON else ""
            message = f"{name}{place}: {problem.detail}{told}"
            yield Found(message, _place(case, problem), _related(case, problem), severity=severity)


@check("IMG202", "duplicate-json-key", Severity.ERROR, Effect.SUSPECT)
def duplicate_json_key(case: Case) -> Iterator[Found]:
    """A JSON object has a key twice, or two keys that differ in case only, or a key that only Go takes for another.

    ## What it means
    The document can be read in two ways; the message gives both.

    ## Why it matters
    Go takes the last of equal keys, merges objects that stand under them, and does not mind their case: `"Config"` and
    `"config"` are one to it and two to Python and JavaScript. A scanner in one language and a runtime in the other see
    different images.

    ## How it is computed
    Equal keys in every object of every document that is in use; keys that differ in case where a document has a fixed
    set of them, in a config also those that runtimes read. Labels and annotations may differ in case.

    ## When it is innocent
    No writer of images produces it. One key alone in another case is a warning only, since hand-made configs have it;
    the lower-case keys of jib's `manifest.json` are not reported.
    """
    for problem in case.structure.problems:
        if problem.kind in (AnomalyKind.DUPLICATE_KEY, AnomalyKind.CASE_KEY, AnomalyKind.FOLDED_KEY):
            name = "the document" if problem.member is None else case.name(problem.member)
            severity = Severity.WARNING if problem.kind is AnomalyKind.FOLDED_KEY else None
            message = f"{name} at {problem.pointer}: {problem.detail}{contradiction(case)}"
            yield Found(message, _place(case, problem), _related(case, problem), severity=severity)


@check("IMG203", "ambiguous-document", Severity.ERROR, Effect.SUSPECT)
def ambiguous_document(case: Case) -> Iterator[Found]:
    """A document is an index and a manifest at once.

    ## What it means
    Which image it describes depends on the reader.

    ## Why it matters
    CVE-2021-41190: one digest, two images.

    ## How it is computed
    Keys of an index (`manifests`) beside those of a manifest (`layers`, `config`) or a config (`rootfs`), and a
    `mediaType` that contradicts the keys or the descriptor. A descriptor with the annotation of BuildKit's
    attestations, over which Docker and scanners pass, that leads to an image with a config and layers, which containerd
    and podman run. A document that stands twice is IMG104's.

    ## When it is innocent
    No writer of images produces it. Two types that both fit the document's keys are only a warning, and so is a type
    that readers do not know, and a config with diff_ids under the type of an artifact.
    """
    for problem in case.structure.problems:
        if problem.kind is AnomalyKind.AMBIGUOUS_KIND:
            name = "the document" if problem.member is None else case.name(problem.member)
            leading = () if problem.member is None else case.references_to.get(problem.member, ())
            related = (*(each.where for each in leading), *_related(case, problem))
            message = f"{name}: {problem.detail}{contradiction(case)}"
            yield Found(message, _place(case, problem), related)
    yield from _contradicting_descriptors(case)
    yield from _called_attestations(case)


def _called_attestations(case: Case) -> Iterator[Found]:
    images = {image.manifest_member: image for image in case.structure.images if _runs(case, image)}
    for reference in case.structure.references:
        descriptor = reference.descriptor
        called = None if descriptor is None else descriptor.annotations.get(ATTESTATION_ANNOTATION)
        image = None if called is None or reference.target is None else images.get(reference.target)
        if image is not None and image.manifest_member is not None:
            place = Location(case.name(image.manifest_member), image=image.index)
            message = (
                f"an annotation says {ATTESTATION_ANNOTATION}={called} of what is an image with a config and layers"
            )
            yield Found(f"{message}{contradiction(case)}", reference.where, (place,), claimed=called)


def _runs(case: Case, image: Image) -> bool:
    """Whether runtimes run it: it has layers that are tars, by their bytes or types, and a config that knows them."""
    tars = (layer.member in case.catalogue.layers or ".tar" in (layer.media_type or "") for layer in image.layers)
    return image.config is not None and bool(image.config.diff_ids) and any(tars)


def _contradicting_descriptors(case: Case) -> Iterator[Found]:
    for reference in case.structure.references:
        descriptor, target = reference.descriptor, reference.target
        if descriptor is None or target is None or target not in case.structure.documents:
            continue
        document = case.structure.documents[target]
        kind = document.kind
        if any(problem.kind is AnomalyKind.AMBIGUOUS_KIND for problem in document.problems):
            continue
        own = Reader().text(document.value, "mediaType", "")
        says_index = "image.index." in descriptor.media_type or "manifest.list." in descriptor.media_type
        says_manifest = "image.manifest." in descriptor.media_type or "manifest.v2+" in descriptor.media_type
        places = (Location(case.name(target)),)
        if reference.role is Role.CONFIG and _is_runnable(document):
            if descriptor.media_type not in _CONFIG_TYPES and not descriptor.media_type.startswith(_MODELS):
                message = f"a config of the type {descriptor.media_type} has the diff_ids of an image"
                yield Found(message, reference.where, places, descriptor.media_type, severity=Severity.WARNING)
        elif (says_index and kind is DocumentKind.MANIFEST) or (says_manifest and kind is DocumentKind.INDEX):
            if own == descriptor.media_type:
                continue  # the document's own type is wrong, and that is said of it
            message = f"a descriptor of the type {descriptor.media_type} leads to an {kind}"
            yield Found(message, reference.where, places)
        elif reference.role in (Role.INDEX, Role.MANIFEST) and kind in (DocumentKind.MANIFEST, DocumentKind.INDEX):
            given = descriptor.media_type
            known = given in INDEX_TYPES | MANIFEST_TYPES
            if not known or (own and given != own):
                called = given or "(none)" if known else f"{given or '(none)'}, which readers do not know,"
                message = f"a descriptor of the type {called} leads to an {kind} of the type {own or '(none)'}"
                yield Found(message, reference.where, places, given, own, severity=Severity.WARNING)


def _is_runnable(document: Document) -> bool:
    """Whether a document is a config with layers, which runtimes run whatever its type is said to be."""
    reader = Reader()
    return document.kind is DocumentKind.CONFIG and bool(
        reader.array(reader.get(document.value, "rootfs", ""), "diff_ids", "")
    )


@check("IMG208", "media-type-mismatch", Severity.NOTE, Effect.NONE)
def media_type_mismatch(case: Case) -> Iterator[Found]:
    """A layer's media type names another compression than its bytes have.

    ## What it means
    The descriptor says `+gzip` and the blob is a plain tar, or the like.

    ## Why it matters
    Readers that trust the type fail, or take another layer than those that look at the bytes.

    ## How it is computed
    The magic bytes of the blob against the suffix of the media type.

    ## When it is innocent
    Often: skopeo labels layers `+gzip` that it was asked to leave uncompressed, crane and the classic Docker daemon
    label zstd layers `tar.gzip`.
    """
    for image in case.structure.images:
        for layer in image.layers:
            blob = None if layer.member is None else case.catalogue.blobs.get(layer.member)
            media_type = layer.media_type or ""
            claimed = next((word for word in ("gzip", "zstd") if media_type.endswith(word)), None)
            if blob is None or blob.compression is Compression.UNSUPPORTED or layer.member in case.damaged_streams:
                continue
            if not (claimed or media_type.endswith("tar")):
                continue
            if blob.size and claimed not in _TYPE_OF.get(blob.compression, ()):
                found = "not compressed" if blob.compression is Compression.NONE else str(blob.compression)
                message = f"layer {layer.index} is {found}, its media type says {media_type}"
                name = None if layer.member is None else case.name(layer.member)
                where = Location(name, image=image.index, layer=layer.index)
                yield Found(message, where, claimed=media_type, computed=str(blob.compression))


@check("IMG209", "malformed-digest", Severity.ERROR, Effect.SUSPECT)
def malformed_digest(case: Case) -> Iterator[Found]:
    """A digest string is no digest.

    ## What it means
    Wrong length, upper-case or other letters, path separators, or no algorithm.

    ## Why it matters
    Readers have built paths from such strings (CVE-2024-3727). Nothing can be verified against them.

    ## How it is computed
    The grammar of image-spec's descriptor.md, and the exact length of each registered algorithm.

    ## When it is innocent
    Never in an archive that a tool wrote.
    """
    for problem in case.structure.problems:
        if problem.kind is AnomalyKind.BAD_DIGEST:
            name = "the document" if problem.member is None else case.name(problem.member)
            message = f"{name} at {problem.pointer}: {problem.detail}"
            yield Found(message, _place(case, problem), _related(case, problem))


@check("IMG210", "no-image-document", Severity.ERROR, Effect.INCOMPLETE)
def no_image_document(case: Case) -> Iterator[Found]:
    """The archive holds parts of an image, and no document that names one.

    ## What it means
    There are layers, configs or blobs, but neither `manifest.json` nor `index.json` nor `repositories` that names them.

    ## Why it matters
    `docker save` writes these documents last; an archive that was cut off has none, and no reader can load it.

    ## How it is computed
    The names of members and the content of JSON documents.

    ## When it is innocent
    An OCI layout from which every image was removed has an empty index; one that lists blobs of other types only, such
    as a build cache, is a store of these, which is noted.
    """
    named_but_absent = any(reference.target is None for reference in case.structure.references)
    # A document that was not read then is the cause.
    unread = bool(case.unread_documents) or any(problem.kind in _UNREAD for problem in case.structure.problems)
    if not unread and not case.structure.images and not case.structure.artifacts and not named_but_absent:
        named = sorted({case.name(member) for member in case.structure.entry_points})
        which = f"{', '.join(named)} names no image" if named else "no document names an image"
        empty = bool(named) and not case.structure.orphans
        severity = Severity.WARNING if empty else None
        documents = case.structure.documents
        listed = {reference.target for reference in case.structure.references if reference.target is not None}
        if any(target not in documents or documents[target].kind is not DocumentKind.INDEX for target in listed):
            severity = Severity.NOTE  # everything that is listed is there, and of other types
        yield Found(which, Location(named[0] if named else None), severity=severity)


@check("IMG214", "bad-layout-marker", Severity.WARNING, Effect.SUSPECT)
def bad_layout_marker(case: Case) -> Iterator[Found]:
    """An `index.json` without an `oci-layout` beside it, or with one of an unknown version.

    ## What it means
    The folder is no OCI layout to readers that look for the marker.

    ## Why it matters
    containerd reads `index.json` only where `oci-layout` stands, and `manifest.json` elsewhere; podman, crane and
    others refuse. Taking the marker away changes which document, and so which image, is read.

    ## How it is computed
    image-spec, image-layout.md: `oci-layout` with an `imageLayoutVersion` of 1.0.0 in the folder of each `index.json`.

    ## When it is innocent
    Hand-made archives; without a `manifest.json` beside it, it is only noted. So it is where the archive is cut off
    before the end of the marker.
    """
    for member, kind in case.structure.entry_points.items():
        if kind is not DocumentKind.INDEX or case.structure.documents.get(member) is None:
            continue
        folder = (case.catalogue.members[member].path or "").rpartition("/")[0]
        markers = case.catalogue.find(f"{folder}/oci-layout")
        if any(each in case.catalogue.unmeasured for each in markers):
            continue
        values = [document.value for each in markers if (document := case.structure.documents.get(each))]
        versions = [Reader().text(value, "imageLayoutVersion", "") for value in values]
        if versions == ["1.0.0"] * max(len(markers), 1):
            continue
        said = f"says {' and '.join(versions)}" if any(versions) else "says no version" if markers else "is missing"
        beside = bool(case.catalogue.find(f"{folder}/manifest.json"))
        lost = case.is_cut_off and not any(versions)
        severity = None if beside and not lost else Severity.NOTE
        yield Found(f"oci-layout {said}, beside {case.name(member)}", Location(case.name(member)), severity=severity)


CHECKS: tuple[Check, ...] = (
    malformed_document,
    duplicate_json_key,
    ambiguous_document,
    media_type_mismatch,
    malformed_digest,
    no_image_document,
    bad_layout_marker,
)
