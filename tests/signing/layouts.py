"""Archives that carry signatures, in the forms in which tools leave them: each an OCI layout around one image."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import descriptor, manifest, oci

Doc = dict[str, Any]

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
JWS, COSE = "application/jose+json", "application/cose"
NOTATION = "application/vnd.cncf.notary.signature"
IN_TOTO = "application/vnd.in-toto+json"
REF = "org.opencontainers.image.ref.name"


@dataclass
class Pack:
    """One image, and whatever is put beside it."""

    spec: ImageSpec = field(default_factory=ImageSpec)
    listed: list[Doc] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config = self.spec.config_bytes(builder.OCI_ORDER)
        self.layers = [builder.gz(each) for each in self.spec.layers]
        self.manifest = manifest(self.config, self.layers, f"{builder.OCI_LAYER}+gzip")
        self.blobs += [self.config, *self.layers, self.manifest]
        note = {REF: self.spec.tags[0].rpartition(":")[2]}
        self.listed.append(descriptor(self.manifest, annotations=note, platform=self.spec.platform_document))

    @property
    def digest(self) -> str:
        """Of the image's manifest."""
        return builder.digest(self.manifest)

    @property
    def subject(self) -> Doc:
        return descriptor(self.manifest)

    def put(self, *blobs: bytes) -> "Pack":
        """Blobs that nothing lists."""
        self.blobs += blobs
        return self

    def add(self, document: bytes, **more: Any) -> "Pack":
        """A document that index.json lists."""
        self.listed.append(descriptor(document, **more))
        return self.put(document)

    def entries(self) -> list[Entry]:
        return oci(self.listed, dict.fromkeys(self.blobs))

    def tar(self) -> bytes:
        return builder.tar(self.entries())


def holder(
    layers: Sequence[tuple[bytes, str, Mapping[str, str]]],
    *,
    artifact_type: str = "",
    subject: Doc | None = None,
    config: bytes = b"{}",
    config_type: str = builder.OCI_EMPTY,
) -> bytes:
    """A manifest that holds signatures, one a layer."""
    document: Doc = {
        "schemaVersion": 2,
        "mediaType": builder.OCI_MANIFEST,
        **({"artifactType": artifact_type} if artifact_type else {}),
        "config": descriptor(config, config_type),
        "layers": [
            descriptor(content, kind, **({"annotations": dict(notes)} if notes else {}))
            for content, kind, notes in layers
        ],
        **({"subject": subject} if subject else {}),
    }
    return builder.go(document)


def tagged(
    pack: Pack,
    *signatures: tuple[bytes, Mapping[str, str]],
    of: str = "",
    suffix: str = "sig",
    kind: str = SIMPLE_SIGNING,
) -> Pack:
    """cosign's tag scheme, as ``skopeo copy`` of the ``.sig`` tag leaves it."""
    made = holder(
        [(content, kind, notes) for content, notes in signatures],
        config_type=builder.OCI_CONFIG,
        config=b'{"rootfs":{}}',
    )
    tag = (of or pack.digest).replace(":", "-") + f".{suffix}"
    return pack.put(b'{"rootfs":{}}', *(content for content, _ in signatures)).add(made, annotations={REF: tag})


def kinds(pack: Pack, *signatures: tuple[bytes, Mapping[str, str]]) -> Pack:
    """``cosign save`` of cosign 1 and 2: annotations of the key ``kind``."""
    made = holder([(content, SIMPLE_SIGNING, notes) for content, notes in signatures])
    pack.listed[0]["annotations"] = {"kind": "dev.cosignproject.cosign/image"}
    pack.put(b"{}", *(content for content, _ in signatures))
    return pack.add(made, annotations={"kind": "dev.cosignproject.cosign/sigs"})


def referrer(
    pack: Pack,
    content: bytes,
    kind: str = BUNDLE,
    *,
    artifact_type: str = "",
    subject: Doc | None = None,
    how: str = "listed",
) -> Pack:
    """A manifest with ``subject``: listed, an orphan (``cosign save`` of cosign 3), or behind the fallback tag."""
    made = holder([(content, kind, {})], artifact_type=artifact_type or kind, subject=subject or pack.subject)
    pack.put(b"{}", content)
    if how == "orphan":
        return pack.put(made)
    if how == "listed":
        return pack.add(made)
    index = builder.go(
        {"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": [descriptor(made, artifactType=kind)]}
    )
    tag = (subject or pack.subject)["digest"].replace(":", "-")
    return (
        pack.put(made).add(index, media_type=builder.OCI_INDEX, annotations={REF: tag}) if how == "fallback" else pack
    )


def attestation(pack: Pack, *, subject: Doc | None = None, statement: bytes = b"") -> bytes:
    """BuildKit's attestation manifest of the image; its blobs are put into the pack."""
    subject = subject or pack.subject
    statement = (
        statement
        or json.dumps(
            {
                "_type": "https://in-toto.io/Statement/v0.1",
                "predicateType": "https://slsa.dev/provenance/v1",
                "subject": [{"name": "app", "digest": {"sha256": subject["digest"].partition(":")[2]}}],
                "predicate": {},
            }
        ).encode()
    )
    pack.put(b"{}", statement)
    return holder(
        [(statement, IN_TOTO, {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"})],
        artifact_type="application/vnd.docker.attestation.manifest.v1+json",
        subject=subject,
    )


def docker29(pack: Pack, bundle: bytes, made: bytes) -> Pack:
    """``docker save`` of Engine 29.1: attestation and its signature, each listed with its subject as an annotation."""
    pack.add(made, annotations={"io.containerd.manifest.subject": pack.digest})
    signature = holder([(bundle, BUNDLE, {})], artifact_type=BUNDLE, subject=descriptor(made))
    return pack.put(bundle).add(signature, annotations={"io.containerd.manifest.subject": builder.digest(made)})


def dir_image(pack: Pack, *signatures: bytes) -> list[Entry]:
    """skopeo's ``dir:``, packed: blobs by their hex, manifest.json, and signature-N."""
    blobs = [Entry(builder.sha256(each), each) for each in (pack.config, *pack.layers)]
    files = [Entry(f"signature-{number}", each) for number, each in enumerate(signatures, 1)]
    return [
        *blobs,
        Entry("manifest.json", pack.manifest),
        Entry("version", b"Directory Transport Version: 1.1\n"),
        *files,
    ]


def sigstore_file(payload: bytes, notes: Mapping[str, str]) -> bytes:
    """A cosign signature as containers/image keeps it in a file."""
    document = {"mimeType": SIMPLE_SIGNING, "payload": base64.b64encode(payload).decode(), "annotations": dict(notes)}
    return b"\0sigstore-json\n" + json.dumps(document).encode()
