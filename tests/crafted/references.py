"""VIEW-11 to VIEW-15: names, platforms and attestations that lead to another image, and blobs that nothing leads to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted.bending import ABSENT, CONFIG, LAYERS, Make, configured, lied, listed, made, true
from tests.crafted.case import Crafted
from tests.crafted.viewparts import AMD64, ARM64, Nested, evil, good, indexed
from tests.support import descriptor, edit, manifest


def _renamed(entries: list[Entry]) -> None:
    edit(entries, "manifest.json", lambda images: images[0].update(RepoTags=["example.com/other:1"]))


def _annotated(**annotations: str) -> Make:
    names = {key.replace("_", "."): value for key, value in annotations.items()}
    return made(entry={"annotations": names})


def _tagged(*tags: str) -> Make:
    return true("crane", ImageSpec(tags=list(tags)))


def _platforms(*descriptions: dict[str, Any]) -> Make:
    """An index of so many images, each with its own config, described in these words."""
    configs = [configured(author=str(number)) for number in range(len(descriptions))]
    documents = [manifest(config, LAYERS) for config in configs]
    entries = [descriptor(each, **more) for each, more in zip(documents, descriptions, strict=True)]
    index = builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": entries})
    return listed(descriptor(index, builder.OCI_INDEX), blobs=[index, *documents, *configs, *LAYERS])


def _variants(given: str, own: str, architecture: str = "arm") -> Make:
    """An image of this variant of a processor, which the index describes as one of that."""
    config = configured(architecture=architecture, variant=own)
    document = manifest(config, LAYERS)
    platform = {"os": "linux", "architecture": architecture, "variant": given}
    index = builder.go(
        {"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": [descriptor(document, platform=platform)]}
    )
    return listed(descriptor(index, builder.OCI_INDEX), blobs=[index, document, config, *LAYERS])


_AMD64 = {"platform": {"os": "linux", "architecture": "amd64"}}
_ARM64 = {"platform": {"os": "linux", "architecture": "arm64"}}


def _attested(
    annotation: Callable[[str], str] = lambda digest: digest,
    statement: Callable[[str], str] = lambda digest: digest,
    subject: Callable[[str], str] = lambda digest: digest,
) -> Make:
    """An image and its attestation, which speaks of it in three places."""
    document = manifest(CONFIG, LAYERS)
    own = builder.digest(document)
    claim = builder.go(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "app", "digest": {"sha256": statement(own).partition(":")[2]}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {},
        }
    )
    attestation = builder.go(
        {
            "schemaVersion": 2,
            "mediaType": builder.OCI_MANIFEST,
            "config": descriptor(b"{}", builder.OCI_EMPTY),
            "layers": [descriptor(claim, "application/vnd.in-toto+json")],
            "subject": descriptor(document) | {"digest": subject(own)},
        }
    )
    notes = {"vnd.docker.reference.digest": annotation(own), "vnd.docker.reference.type": "attestation-manifest"}
    entries = [
        descriptor(document) | _AMD64,
        descriptor(attestation, annotations=notes, platform={"os": "unknown", "architecture": "unknown"}),
    ]
    index = builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": entries})
    blobs = [index, document, attestation, claim, b"{}", CONFIG, *LAYERS]
    return listed(descriptor(index, builder.OCI_INDEX), blobs=blobs)


_OTHER_IMAGE = ImageSpec(layers=[builder.EVIL], tags=["example.com/app:2.0"])


def _unlisted(platform: str = "linux/amd64", **options: Any) -> Make:
    """Two images in ``index.json``, of which ``manifest.json`` lists the first."""

    def make() -> bytes:
        entries = builder.containerd([ImageSpec(), replace(_OTHER_IMAGE, platform=platform)], **options)
        edit(entries, "manifest.json", list.pop)
        return builder.tar(entries)

    return make


def _orphan(entries: list[Entry]) -> None:
    payload = b"\x7fELF" + bytes(100)
    entries.append(Entry(f"blobs/sha256/{builder.sha256(payload)}", payload))


def _orphan_image(entries: list[Entry]) -> None:
    config = ImageSpec(layers=[builder.EVIL]).config_bytes()
    hidden = (manifest(config, [builder.EVIL]), config, builder.EVIL)
    entries.extend(Entry(f"blobs/sha256/{builder.sha256(data)}", data) for data in hidden)


def _former(entries: list[Entry]) -> None:
    config = configured(author="an older state")
    layers = [entry.data for entry in builder.layers_of(entries)]
    former = (config, manifest(config, layers))
    entries.extend(Entry(f"blobs/sha256/{builder.sha256(data)}", data) for data in former)


def _stray_source(entries: list[Entry]) -> None:
    """LayerSources has one entry more, of a layer that the image does not have."""
    entries.append(Entry(f"blobs/sha256/{builder.sha256(builder.EVIL)}", builder.EVIL))
    source = descriptor(builder.EVIL, builder.OCI_LAYER)
    edit(entries, "manifest.json", lambda images: images[0]["LayerSources"].update({ABSENT: source}))


CRAFTED: tuple[Crafted, ...] = (
    Crafted(
        "VIEW-11-repositories",
        "repositories gives the tag to the lower layer",
        lied(
            "docker_legacy",
            lambda entries: edit(
                entries,
                "repositories",
                lambda table: table["example.com/app"].update(
                    {"1.0": builder.layers_of(entries)[0].path.partition("/")[0]}
                ),
            ),
        ),
        frozenset({"IMG211"}),
        true("docker_legacy"),
    ),
    Crafted(
        "VIEW-11-tags",
        "manifest.json and index.json give an image different tags",
        lied("containerd", _renamed),
        frozenset({"IMG206"}),
        true("containerd"),
    ),
    Crafted(
        "VIEW-11-annotations",
        "one entry of index.json has two names that do not agree",
        _annotated(
            io_containerd_image_name="example.com/app:1", org_opencontainers_image_ref_name="evil.example/app:1"
        ),
        frozenset({"IMG213"}),
        _annotated(io_containerd_image_name="example.com/app:1", org_opencontainers_image_ref_name="1"),
    ),
    Crafted(
        "VIEW-12-official",
        "the image takes the name of an official one",
        _tagged("alpine:3.10"),
        frozenset(),
        _tagged("example.com/alpine:3.10"),
        frozenset({"IMG218"}),
    ),
    Crafted(
        "VIEW-12-kubernetes",
        "the image takes a name that Kubernetes relies on",
        _tagged("example.com/app:1.0", "registry.k8s.io/pause:3.9"),
        frozenset(),
        _tagged("registry.k8s.io.example.com/pause:3.9"),
        frozenset({"IMG218"}),
    ),
    Crafted(
        "VIEW-12-look-alike",
        "a tag that reads like another one: a Cyrillic letter in it",
        _tagged("docker.io/library/\u0430lpine:3.10"),
        frozenset({"IMG223"}),
        _tagged("docker.io/library/alpine:3.10"),
    ),
    Crafted(
        "VIEW-13-config",
        "the index says arm64, the config amd64",
        _platforms(_ARM64),
        frozenset({"IMG403"}),
        _platforms(_AMD64),
    ),
    Crafted(
        "VIEW-13-variant",
        "the index says arm/v6, the config arm/v7",
        _variants("v6", "v7"),
        frozenset(),
        _variants("v6", "v6"),
        notes=frozenset({"IMG403"}),
    ),
    Crafted(
        "VIEW-13-variant-spelled",
        "the index says arm64/v9, the config arm64/v8",
        _variants("v9", "v8", "arm64"),
        frozenset(),
        _variants("8", "v8", "arm64"),
        notes=frozenset({"IMG403"}),
    ),
    Crafted(
        "VIEW-13-twice",
        "an index has two images for one platform: some readers take the first, some another",
        _platforms(_AMD64, _AMD64),
        frozenset({"IMG221"}),
        lambda: builder.tar(
            builder.containerd([ImageSpec(), ImageSpec(platform="linux/arm64")], index=True, attestation=True)
        ),
    ),
    Crafted(
        "VIEW-13-nested",
        "one of the two behind an index in the index: containerd takes it, podman and skopeo fail",
        indexed(Nested(AMD64, ((evil(), AMD64),)), (good(), AMD64)),
        frozenset({"IMG221"}),
        indexed(Nested(AMD64, ((good(), AMD64),)), (replace(evil(), platform="linux/arm64"), ARM64)),
    ),
    Crafted(
        "VIEW-13-nested-behind",
        "the same, the index for another platform, and last: everybody takes the first",
        indexed((good(), AMD64), Nested(ARM64, ((evil(), AMD64),))),
        frozenset({"IMG221"}),
        indexed((good(), AMD64), Nested(ARM64, ((replace(evil(), platform="linux/arm64"), ARM64),))),
    ),
    Crafted(
        "VIEW-13-nested-for-any",
        "the same, the index and its image for any platform",
        indexed(Nested(None, ((evil(), None),)), (good(), AMD64)),
        frozenset({"IMG221"}),
        indexed(Nested(None, ((replace(evil(), platform="linux/arm64"), None),)), (good(), AMD64)),
    ),
    Crafted(
        "VIEW-13-no-system",
        "two images for one platform, the first without an operating system: containerd takes it on its host, podman and skopeo nowhere",
        indexed((evil(), {"os": "", "architecture": "amd64"}), (good(), AMD64)),
        frozenset({"IMG221"}),
        indexed((evil(), {"os": "", "architecture": "amd64"}), (replace(good(), platform="linux/arm64"), ARM64)),
    ),
    Crafted(
        "VIEW-14-annotation",
        "the index says that the attestation is of an image that is not listed",
        _attested(*[lambda _: ABSENT] * 3),
        frozenset({"IMG215"}),
        _attested(),
    ),
    Crafted(
        "VIEW-14-statement",
        "the statement is about another image",
        _attested(statement=lambda _: ABSENT),
        frozenset({"IMG215"}),
        _attested(),
    ),
    Crafted(
        "VIEW-14-subject",
        "the attestation's subject is another image",
        _attested(subject=lambda _: ABSENT),
        frozenset({"IMG215"}),
        _attested(),
    ),
    Crafted(
        "VIEW-15-blob",
        "a blob that no document refers to",
        lied("oci_archive", _orphan),
        frozenset({"IMG205"}),
        true("docker25"),
    ),
    Crafted(
        "VIEW-15-image",
        "a whole image that no document refers to",
        lied("oci_archive", _orphan_image),
        frozenset({"IMG205"}),
        true("oci_archive"),
    ),
    Crafted(
        "VIEW-15-former",
        "a manifest that is not listed any more, and its config, with the layers of an image that is",
        lied("oci_archive", _former),
        frozenset(),
        true("oci_archive"),
        notes=frozenset({"IMG205"}),
    ),
    Crafted(
        "VIEW-15-layer-source",
        "LayerSources names a layer that the image does not have",
        lied("docker25", _stray_source),
        frozenset({"IMG222"}),
        true("docker25"),
    ),
    Crafted(
        "VIEW-15-one-view",
        "index.json lists one image more than manifest.json does",
        _unlisted(),
        frozenset({"IMG224"}),
        true("containerd", ImageSpec(), _OTHER_IMAGE),
    ),
    Crafted(
        "VIEW-15-one-view-nested",
        "the same, both behind indexes with attestations",
        _unlisted(attestation=True),
        frozenset({"IMG224"}),
        lambda: builder.tar(
            builder.containerd([ImageSpec(), replace(ImageSpec(), platform="linux/arm64")], index=True)
        ),
    ),
    Crafted(
        "VIEW-15-one-view-platform",
        "index.json lists one image more than manifest.json does, for another platform",
        _unlisted("linux/arm64"),
        frozenset(),
        true("containerd", ImageSpec(), replace(_OTHER_IMAGE, platform="linux/arm64")),
        notes=frozenset({"IMG224"}),
    ),
)
