"""IMG201 to IMG203, IMG208 to IMG210: documents that are not what they should be, or can be read in two ways."""

from collections import defaultdict
from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.documentreader import Reader
from imgforensics.documents import INDEX_TYPES, MANIFEST_TYPES, DocumentKind
from imgforensics.findings import Effect, Severity
from imgforensics.model import Anomaly, AnomalyKind, Compression, Location
from imgforensics.structure import Role

_MALFORMED = frozenset(
    {
        AnomalyKind.NOT_JSON,
        AnomalyKind.NOT_UTF8,
        AnomalyKind.BYTE_ORDER_MARK,
        AnomalyKind.TRAILING_JSON,
        AnomalyKind.BAD_VALUE,
        AnomalyKind.MISSING_KEY,
    }
)
_TYPE_OF = {
    Compression.GZIP: ("gzip",),
    Compression.ZSTD: ("zstd",),
    Compression.NONE: (None,),
}
"""Endings of media types that fit; nothing names bzip2 and xz."""


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
    order marks, UTF-16 and NaN. A document that some refuse and others read shows each of them another archive.

    ## How it is computed
    Strictly after RFC 8259 and the image specifications; reading goes on wherever it can.

    ## When it is innocent
    Hand-written test archives leave out fields; a missing field is a warning only. `RepoTags` and `manifests` that are
    `null` are ordinary and not reported.
    """
    for problem in case.structure.problems:
        if problem.member is not None and case.catalogue.cut_off(problem.member):
            continue  # IMG101 is the cause
        if problem.kind in _MALFORMED:
            place = f" at {problem.pointer}" if problem.pointer else ""
            name = "the document" if problem.member is None else case.name(problem.member)
            severity = Severity.WARNING if problem.kind is AnomalyKind.MISSING_KEY else None
            yield Found(f"{name}{place}: {problem.detail}", _place(case, problem), severity=severity)


@check("IMG202", "duplicate-json-key", Severity.ERROR, Effect.SUSPECT)
def duplicate_json_key(case: Case) -> Iterator[Found]:
    """A JSON object has a key twice, or two keys that differ in case only.

    ## What it means
    The document can be read in two ways.

    ## Why it matters
    Go takes the last of equal keys and does not mind their case: `"Config"` and `"config"` are one to it and two to
    Python and JavaScript. A scanner in one language and a runtime in the other see different images.

    ## How it is computed
    Equal keys in every object of every document that is in use; keys that differ in case where a document has a fixed
    set of them. Labels and annotations may differ in case.

    ## When it is innocent
    No writer of images produces it.
    """
    for problem in case.structure.problems:
        if problem.kind in (AnomalyKind.DUPLICATE_KEY, AnomalyKind.CASE_KEY):
            name = "the document" if problem.member is None else case.name(problem.member)
            yield Found(f"{name} at {problem.pointer}: {problem.detail}", _place(case, problem))


@check("IMG203", "ambiguous-document", Severity.ERROR, Effect.SUSPECT)
def ambiguous_document(case: Case) -> Iterator[Found]:
    """A document is an index and a manifest at once, or stands twice with different bytes.

    ## What it means
    Which image it describes depends on the reader.

    ## Why it matters
    CVE-2021-41190: one digest, two images. A `manifest.json` that stands twice is read first by crane and skopeo, last
    by Docker and containerd.

    ## How it is computed
    Keys of an index (`manifests`) beside those of a manifest (`layers`, `config`), a `mediaType` that contradicts the
    keys or the descriptor, and documents of one name with different digests.

    ## When it is innocent
    No writer of images produces it. Two types that both fit the document's keys are only a warning.
    """
    for problem in case.structure.problems:
        if problem.kind is AnomalyKind.AMBIGUOUS_KIND:
            name = "the document" if problem.member is None else case.name(problem.member)
            yield Found(f"{name}: {problem.detail}", _place(case, problem))
    yield from _contradicting_descriptors(case)
    named: dict[str, set[int]] = defaultdict(set)
    for member in case.structure.entry_points:
        named[case.catalogue.members[member].path or ""].add(member)
    for path, members in named.items():
        digests = {blob.digest for member in members if (blob := case.catalogue.blobs.get(member))}
        if len(digests) > 1:
            words = ", ".join(sorted(digest.short for digest in digests))
            yield Found(f"{path} stands {len(members)} times with different bytes ({words})", Location(path))


def _contradicting_descriptors(case: Case) -> Iterator[Found]:
    for reference in case.structure.references:
        descriptor, target = reference.descriptor, reference.target
        if descriptor is None or target is None or target not in case.structure.documents:
            continue
        kind = case.structure.documents[target].kind
        says_index = "image.index." in descriptor.media_type or "manifest.list." in descriptor.media_type
        says_manifest = "image.manifest." in descriptor.media_type or "manifest.v2+" in descriptor.media_type
        places = (Location(case.name(target)),)
        if (says_index and kind is DocumentKind.MANIFEST) or (says_manifest and kind is DocumentKind.INDEX):
            message = f"a descriptor of the type {descriptor.media_type} leads to an {kind}"
            yield Found(message, reference.where, places)
        elif reference.role in (Role.INDEX, Role.MANIFEST) and kind in (DocumentKind.MANIFEST, DocumentKind.INDEX):
            own = Reader().text(case.structure.documents[target].value, "mediaType", "")
            given = descriptor.media_type
            if given and given != own and (own or given not in INDEX_TYPES | MANIFEST_TYPES):
                message = f"a descriptor of the type {given} leads to an {kind} of the type {own or '(none)'}"
                yield Found(message, reference.where, places, given, own, severity=Severity.WARNING)


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
            yield Found(f"{name} at {problem.pointer}: {problem.detail}", _place(case, problem))


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
    if not case.structure.images and not case.structure.artifacts and not named_but_absent:
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
    Hand-made archives; without a `manifest.json` beside it, it is only noted.
    """
    for member, kind in case.structure.entry_points.items():
        if kind is not DocumentKind.INDEX or case.structure.documents.get(member) is None:
            continue
        folder = (case.catalogue.members[member].path or "").rpartition("/")[0]
        markers = case.catalogue.find(f"{folder}/oci-layout")
        values = [document.value for each in markers if (document := case.structure.documents.get(each))]
        versions = [Reader().text(value, "imageLayoutVersion", "") for value in values]
        if versions == ["1.0.0"] * max(len(markers), 1):
            continue
        said = f"says {' and '.join(versions)}" if any(versions) else "says no version" if markers else "is missing"
        beside = bool(case.catalogue.find(f"{folder}/manifest.json"))
        severity = None if beside else Severity.NOTE
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
