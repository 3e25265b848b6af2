"""Every signature and attestation in an archive. Nothing is verified, and no extra is needed.

Every manifest and every blob is looked at, not only what ``index.json`` leads to: cosign 3 saves its bundles as blobs
that nothing names. What a thing is says its content or the media type of its layer; tags, ``subject`` and annotations
are kept as hints of what it belongs to.

Sources: cosign ``specs/SIGNATURE_SPEC.md`` and ``pkg/oci``; distribution-spec "Listing Referrers" and "Referrers Tag
Schema"; notaryproject ``signature-specification.md``; BuildKit ``docs/attestations``; containers/image ``dir:`` and
lookaside storage.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import chain

from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_manifest
from imgforensics.documents import Descriptor, DocumentKind, Manifest
from imgforensics.model import Compression, Digest, Location
from imgforensics.ociview import ATTESTED_ANNOTATION, DSSE_ENVELOPE, IN_TOTO, REF_ANNOTATION, SUBJECT_ANNOTATION
from imgforensics.signature import Claims, Found, Place, Purpose, Scheme
from imgforensics.structure import Reference, Role
from imgforensics.trust import envelopes
from imgforensics.trust.recognise import COSE_SIGN1, is_openpgp, recognise, with_claims

Read = Callable[[int], bytes]
"""Hands out the bytes of a member that is small."""

_TAG = re.compile(r"(?:.*[:/])?sha256-([0-9a-f]{64})(?:\.(sig|att|sbom))?")
_GPG_NAME = re.compile(r"(?:.*/)?signature-[0-9]{1,4}")
_LOOKASIDE = re.compile(r".*@sha256=([0-9a-f]{64})/signature-[0-9]{1,4}")
_SBOM_SUFFIX = "sbom"
_MOST_TAGS = 16
_MOST_HINTS = 64
_COSIGN_KIND = "dev.cosignproject.cosign/"
_KINDS_BESIDE = frozenset({f"{_COSIGN_KIND}sigs", f"{_COSIGN_KIND}atts"})
_KINDS_IMAGE = frozenset({f"{_COSIGN_KIND}image", f"{_COSIGN_KIND}imageIndex"})


def discover(case: Case, read: Read) -> tuple[Found, ...]:
    """Everything that is or should be signed, in the order of the archive's members; so many at most."""
    return _Discovery(case, read).run()


class _Discovery:
    def __init__(self, case: Case, read: Read) -> None:
        self.case = case
        self.read = read
        self.limits = case.catalogue.limits
        self.layers: set[int] = set()
        self.targets = {
            (each.member, each.where.pointer): each.target
            for each in case.structure.references
            if each.role is Role.LAYER
        }
        self.left = self.limits.documents
        self.known: dict[tuple[int, str], Found | None] = {}

    def run(self) -> tuple[Found, ...]:
        found: dict[tuple[object, ...], Found] = {}
        for each in chain(self._in_manifests(), self._in_blobs()):
            if len(found) >= self.limits.signatures:
                break
            key = (each.scheme, each.content, tuple(sorted(each.annotations.items())), each.where)
            found.setdefault(key, each)
        return tuple(sorted(found.values(), key=lambda one: (one.where.member or "", one.scheme)))

    # layers of manifests

    def _in_manifests(self) -> Iterator[Found]:
        for member, document in self.case.structure.documents.items():
            if document.kind is DocumentKind.MANIFEST:
                manifest = read_manifest(document.value, self.limits, Reader(self.limits))
                if len(manifest.layers) <= self.limits.signatures:
                    yield from self._of_manifest(member, manifest)

    def _of_manifest(self, member: int, manifest: Manifest) -> Iterator[Found]:
        place, hints, suffix = self._surroundings(member, manifest)
        for layer in manifest.layers:
            if suffix == _SBOM_SUFFIX:
                where = Location(self.case.name(member), layer.pointer)
                claims = Claims(hints, predicate_type=layer.media_type or None)
                yield Found(Scheme.UNSIGNED, Purpose.ATTESTATION, place, where, b"", hints=hints, claims=claims)
                continue
            made = self._of_layer(member, layer, place, hints)
            if made is not None:
                yield made

    def _of_layer(self, member: int, layer: Descriptor, place: Place, hints: tuple[Digest, ...]) -> Found | None:
        kind = layer.media_type
        known = (envelopes.SIMPLE_SIGNING, DSSE_ENVELOPE, IN_TOTO, "application/jose+json")
        if kind not in (*known, "application/cose") and not kind.startswith(envelopes.BUNDLE_TYPE):
            return None
        target = self.targets.get((member, layer.pointer))
        blob = None if target is None else self.case.catalogue.blobs.get(target)
        made, broken = None, None
        if target is not None and blob is not None:
            self.layers.add(target)
            made = self._known(target, kind)
            if layer.digest is None or blob.digest_by(layer.digest.algorithm) not in (layer.digest, None):
                broken = f"its bytes hash to {blob.digest}, the manifest names {layer.digest_text}"
        elif layer.data is not None and layer.digest == Digest.of(layer.data):
            made = _made(layer.data, kind, Location(self.case.name(member), layer.pointer))
        if made is None:
            where = Location(self.case.name(member if target is None else target))
            purpose = Purpose.ATTESTATION if kind in (DSSE_ENVELOPE, IN_TOTO) else Purpose.SIGNATURE
            made = Found(_SCHEMES.get(kind, Scheme.BUNDLE), purpose, place, where, b"")
            broken = broken or f"{layer.digest_text} is not in the archive, or is no {kind} that can be read"
        return replace(made, place=place, annotations=layer.annotations, hints=hints, broken=broken)

    def _known(self, target: int, kind: str) -> Found | None:
        """What a blob is; each is read once, however many manifests name it."""
        key = target, kind
        if key not in self.known:
            content = self._bytes(target)
            where = Location(self.case.name(target))
            self.known[key] = None if content is None else _made(content, kind, where)
        return self.known[key]

    def _surroundings(self, member: int, manifest: Manifest) -> tuple[Place, tuple[Digest, ...], str]:
        """How a manifest is found, the digests that this says it belongs to, and the suffix of its tag."""
        references = [
            each for each in self.case.references_to.get(member, ()) if each.role in (Role.INDEX, Role.MANIFEST)
        ]
        place = Place.ORPHAN
        if references:
            place = Place.INDEX if manifest.subject is None else Place.REFERRER
        hints: list[Digest] = []
        suffix = ""
        own = (tag for reference in references if (tag := _tag(reference)) is not None)
        above = (tag for index in {each.member for each in references} for tag in self._tags.get(index, ()))
        for tag in chain(own, above):
            place = Place.TAG
            suffix = suffix or tag[2] or ""
            hints.append(Digest.sha256(tag[1]))
        if manifest.subject is not None and manifest.subject.digest is not None:
            hints.append(manifest.subject.digest)
        hints += [digest for each in references if (digest := self._saved_beside(each)) is not None]
        for reference in references:
            notes = {} if reference.descriptor is None else reference.descriptor.annotations
            for key in (SUBJECT_ANNOTATION, ATTESTED_ANNOTATION):
                with suppress(ValueError):
                    hints.append(Digest.parse(notes.get(key, "")))
        return place, tuple(dict.fromkeys(hints))[:_MOST_HINTS], suffix

    def _saved_beside(self, reference: Reference) -> Digest | None:
        """The one image of an index in which ``cosign save`` (1 and 2) put signatures beside it."""
        images = self._images.get(reference.member, frozenset()) if _kind(reference) in _KINDS_BESIDE else frozenset()
        return next(iter(images)) if len(images) == 1 else None

    @cached_property
    def _images(self) -> Mapping[int, AbstractSet[Digest]]:
        """Member index of an index to what cosign calls images in it."""
        found: dict[int, set[Digest]] = defaultdict(set)
        for each in self.case.structure.references:
            if _kind(each) in _KINDS_IMAGE and each.descriptor is not None and each.descriptor.digest is not None:
                found[each.member].add(each.descriptor.digest)
        return found

    @cached_property
    def _tags(self) -> Mapping[int, Sequence[re.Match[str]]]:
        """Member index of a list of referrers to the tags by which it is one; a few are enough."""
        found: dict[int, list[re.Match[str]]] = defaultdict(list)
        for each in self.case.structure.references:
            tag = _tag(each) if each.role is Role.INDEX else None
            if tag is not None and each.target is not None and len(found[each.target]) < _MOST_TAGS:
                found[each.target].append(tag)
        return found

    # blobs by themselves

    def _in_blobs(self) -> Iterator[Found]:
        for member, blob in self.case.catalogue.blobs.items():
            if member in self.layers or blob.size > self.limits.document:
                continue
            path = self.case.catalogue.members[member].path or ""
            document = self.case.structure.documents.get(member)
            named = _GPG_NAME.fullmatch(path) is not None
            marked = blob.head.startswith((COSE_SIGN1, envelopes.SIGSTORE_JSON)) or (named and is_openpgp(blob.head))
            plain = document is not None and document.kind is DocumentKind.OTHER
            if not marked and not plain:
                continue
            content = self._bytes(member)
            made = None if content is None else recognise(content, Place.ORPHAN, Location(self.case.name(member)))
            if made is not None:
                yield self._beside(made, path) if named else made

    def _beside(self, found: Found, path: str) -> Found:
        """A signature file in the folder of its image, or in a lookaside folder that names a digest."""
        lookaside = _LOOKASIDE.fullmatch(path)
        if lookaside is not None:
            return replace(found, place=Place.FOLDER, hints=(Digest.sha256(lookaside[1]),))
        folder = path.rpartition("/")[0]
        beside = self.case.catalogue.find(f"{folder}/manifest.json" if folder else "manifest.json")
        blobs = [self.case.catalogue.blobs[index].digest for index in beside if index in self.case.catalogue.blobs]
        return replace(found, place=Place.FOLDER, hints=tuple(blobs))

    def _bytes(self, member: int | None) -> bytes | None:
        """A member's bytes, None where it is absent, compressed or large."""
        blob = None if member is None else self.case.catalogue.blobs.get(member)
        if member is None or blob is None:
            return None
        content = self.case.catalogue.content(member)
        small = blob.compression is Compression.NONE and blob.size <= min(self.limits.signature, self.left)
        if content is None and small:
            self.left -= blob.size
            content = self.read(member)
        return content


_SCHEMES = {
    envelopes.SIMPLE_SIGNING: Scheme.COSIGN,
    DSSE_ENVELOPE: Scheme.DSSE,
    IN_TOTO: Scheme.UNSIGNED,
    "application/jose+json": Scheme.NOTATION_JWS,
    "application/cose": Scheme.NOTATION_COSE,
}


def _kind(reference: Reference) -> str:
    """What cosign says of an index entry, under a key without a prefix."""
    return "" if reference.descriptor is None else reference.descriptor.annotations.get("kind", "")


def _tag(reference: Reference) -> re.Match[str] | None:
    """The tag of cosign's or the referrers' tag schema by which an index names something."""
    notes = {} if reference.descriptor is None else reference.descriptor.annotations
    return _TAG.fullmatch(notes.get(REF_ANNOTATION, ""))


def _made(content: bytes, kind: str, where: Location) -> Found | None:
    """What the bytes of a layer of this media type are."""
    if kind == envelopes.SIMPLE_SIGNING:
        return with_claims(Found(Scheme.COSIGN, Purpose.SIGNATURE, Place.ORPHAN, where, content))
    return recognise(content, Place.ORPHAN, where)
