"""VIEW-10: documents of two kinds, or of another kind than is said."""

from dataclasses import replace
from typing import Any

from tests import builder
from tests.builder import ImageSpec
from tests.crafted.bending import CONFIG, LAYERS, Make, configured, made
from tests.crafted.case import Crafted
from tests.crafted.viewparts import AMD64, ARM64, evil, good, indexed
from tests.support import descriptor, manifest


def _two_kinds(**more: Any) -> Make:
    """One document that is a manifest and something else."""
    return made(lambda document: document.update(more))


def _kind_by_type(media_type: str) -> Make:
    return made(lambda document: document.update(mediaType=media_type), entry={"mediaType": media_type})


def _config_type(media_type: str) -> Make:
    return made(lambda document: document["config"].update(mediaType=media_type))


def _config_is_manifest() -> Make:
    inner = manifest(CONFIG, LAYERS)
    return made(lambda document: document.update(config=descriptor(inner, builder.OCI_CONFIG)), blobs=[inner])


def _call_layers(document: dict[str, Any], media_type: str) -> None:
    for layer in document["layers"]:
        layer["mediaType"] = media_type


def _as_artifact(document: dict[str, Any]) -> None:
    document["artifactType"] = "application/vnd.example.thing"
    document["config"]["mediaType"] = builder.OCI_EMPTY


CRAFTED: tuple[Crafted, ...] = (
    Crafted(
        "VIEW-10-index-and-manifest",
        "one document is a manifest and an index",
        _two_kinds(manifests=[]),
        frozenset({"IMG203"}),
        made(),
    ),
    Crafted(
        "VIEW-10-config-and-manifest",
        "one document is a config and a manifest: as which it is read depends on what leads to it",
        made(config=configured(layers=[], schemaVersion=2)),
        frozenset({"IMG203"}),
        made(),
    ),
    Crafted(
        "VIEW-10-schema-1",
        "one document is a manifest of schema 1 and one of schema 2",
        _two_kinds(fsLayers=[]),
        frozenset({"IMG203"}),
        made(),
    ),
    Crafted(
        "VIEW-10-schema-version",
        "a manifest calls itself one of schema 1",
        _two_kinds(schemaVersion=1),
        frozenset({"IMG201"}),
        made(lambda document: document.pop("schemaVersion")),
    ),
    Crafted(
        "VIEW-10-own-type",
        "a manifest calls itself an index, and so does the descriptor",
        _kind_by_type(builder.OCI_INDEX),
        frozenset({"IMG203"}),
        made(),
    ),
    Crafted(
        "VIEW-10-descriptor",
        "the descriptor says Docker's manifest, the manifest says OCI's",
        made(entry={"mediaType": builder.DOCKER_MANIFEST}),
        frozenset({"IMG203"}),
        made(lambda document: document.pop("mediaType"), entry={"mediaType": builder.DOCKER_MANIFEST}),
    ),
    Crafted(
        "VIEW-10-parameter",
        "descriptor and manifest go under a type with a parameter, which readers do not know",
        _kind_by_type(f"{builder.OCI_MANIFEST}; charset=utf-8"),
        frozenset({"IMG203"}),
        made(),
    ),
    Crafted(
        "VIEW-10-no-type",
        "a descriptor without a type: containerd refuses it, others go by the document",
        made(entry={"mediaType": ""}),
        frozenset({"IMG203"}),
        made(lambda document: document.pop("mediaType", None)),
    ),
    Crafted(
        "VIEW-10-artifact",
        "the config of an image goes under the type of a chart, so that it is an image for some only",
        _config_type("application/vnd.cncf.helm.config.v1+json"),
        frozenset({"IMG203"}),
        _config_type("application/vnd.docker.plugin.v1+json"),
    ),
    Crafted(
        "VIEW-10-image-as-attestation",
        "the layers of an image go under the type of an attestation: scanners pass over it, docker and podman run it",
        made(lambda manifest: _call_layers(manifest, "application/vnd.in-toto+json")),
        frozenset({"IMG203"}),
        made(),
    ),
    Crafted(
        "VIEW-10-image-called-attestation",
        "an annotation calls an image an attestation: docker passes over it, containerd, podman and skopeo run it",
        indexed((evil(), AMD64), pseudo=(0,)),
        frozenset({"IMG203"}),
        lambda: builder.tar(builder.containerd([ImageSpec()], attestation=True)),
    ),
    Crafted(
        "VIEW-10-image-called-attestation-beside",
        "the same, beside an image for another platform",
        indexed((evil(), AMD64), (replace(good(), platform="linux/arm64"), ARM64), pseudo=(0,)),
        frozenset({"IMG203"}),
        indexed((evil(), AMD64), (replace(good(), platform="linux/arm64"), ARM64)),
    ),
    Crafted(
        "VIEW-10-image-as-signature",
        "the layers of an image go under the type of a signature",
        made(lambda manifest: _call_layers(manifest, "application/vnd.dev.cosign.simplesigning.v1+json")),
        frozenset({"IMG203"}),
        made(),
    ),
    Crafted(
        "VIEW-10-image-as-artifact",
        "an image calls itself an artifact, and its config empty",
        made(_as_artifact),
        frozenset({"IMG203"}),
        made(),
    ),
    Crafted(
        "VIEW-10-manifest-as-config",
        "what an image calls its config is a manifest",
        _config_is_manifest(),
        frozenset({"IMG201"}),
        made(),
    ),
)
