"""INT: digests, sizes, counts and names."""

import json
from collections.abc import Sequence
from typing import Any

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted import descriptors
from tests.crafted.bending import (
    CONFIG,
    EVIL_CONFIG,
    EVIL_SPEC,
    LAYERS,
    Make,
    edited,
    lied,
    made,
    true,
)
from tests.crafted.case import Crafted, Threat
from tests.support import descriptor, manifest

OTHER = ImageSpec(layers=[builder.EVIL] * 2, tags=["example.com/app:2.0"])

THREATS: tuple[Threat, ...] = (
    Threat(
        "INT-01",
        "A config whose name is not the digest of its bytes",
        "crane, skopeo's docker-archive reader, containerd and Docker's classic store load it; CVE-2014-9358",
        ("IMG301",),
    ),
    Threat(
        "INT-02",
        "A layer whose name is not the digest of its bytes",
        "crane, skopeo's docker-archive reader, syft, trivy and dive take it; cosign#1912",
        ("IMG301", "IMG303"),
    ),
    Threat(
        "INT-03",
        "Folders of legacy layers, whose names are no digests",
        "Docker 1.10 to 24 names them by v1 IDs; Nix and Bazel reuse the shape",
        ("IMG306",),
        "The names are never compared with the bytes below them. Only where the JSON in such a folder is not what its "
        "ID is the hash of, in archives that bear Docker's marks, is it reported.",
    ),
    Threat(
        "INT-04",
        "A layer that does not hash to its diff_id",
        "Docker's classic store never opens a layer whose chain ID it has; docker/for-mac#2530, container-libs#391",
        ("IMG302",),
    ),
    Threat(
        "INT-05",
        "More or fewer layers than diff_ids or history entries",
        "crane and containerd accept it; GO-2024-3311",
        ("IMG207", "IMG401"),
        "History alone is only noted: squashed images and Nix have another number of entries.",
    ),
    Threat(
        "INT-06",
        "A descriptor's size that is not that of the bytes",
        "umoci's changelog after 0.5.0 (negative sizes); oras-go 2.6.1; containerd does not compare",
        ("IMG201", "IMG304"),
    ),
    Threat(
        "INT-07",
        "A manifest that is not what index.json says",
        "skopeo copies and inspects an oci-archive with an exchanged manifest; podman load shares its reader",
        ("IMG303",),
    ),
    Threat(
        "INT-08",
        "A nested index, or what stands in it, that is not what is said",
        "nora#615; notation-go GHSA-xhg5-42rf-296r",
        ("IMG303",),
    ),
    Threat(
        "INT-09",
        "Something that is referred to is not there",
        "containerd#11344, moby#51389, moby#47065; docker load skips it",
        ("IMG204",),
        "Other platforms of a multi-platform image are absent by design, and only noted.",
    ),
    Threat(
        "INT-10",
        "Layers and diff_ids that belong to other layers",
        'containers/image refuses a layer "used for two different DiffID" (podman#8132)',
        ("IMG302",),
        "That two layers are one file is ordinary where their diff_ids are one, too.",
    ),
    Threat(
        "INT-11",
        "A digest of an algorithm that is not known",
        "go-containerregistry knows SHA-256 only; nora#615 fails closed",
        ("IMG904",),
    ),
    Threat(
        "INT-12",
        "A digest that is none",
        "CVE-2024-3727; apple/container 1.3.1; osv-scalibr#2408; containerd#4176",
        ("IMG209",),
    ),
    Threat(
        "INT-13",
        "Content embedded in a descriptor that is not what the digest names",
        "umoci checks it; readers that prefer `data` see another document",
        ("IMG201", "IMG204", "IMG303", "IMG304"),
        "Where only a descriptor holds a manifest, an index or an image's config, it is missing: few readers take it from "
        "there.",
    ),
    Threat(
        "INT-14",
        "Descriptors of one digest, or of one name, that contradict each other",
        "some readers take the first match, others the last",
        ("IMG203", "IMG208", "IMG213", "IMG220", "IMG304", "IMG403"),
        "Two documents may give one blob two media types: Docker's and OCI's names of a layer, or an empty config.",
    ),
    Threat(
        "INT-15",
        "Legacy documents that speak of IDs that are not there",
        "moby ignores them today; legacy readers do not",
        ("IMG211", "IMG306"),
    ),
)


def _nested(lie: bool) -> Make:
    """An image behind a nested index that names another manifest, all under the old index's name."""
    good, evil = manifest(CONFIG, LAYERS), manifest(EVIL_CONFIG, LAYERS)

    def index(document: bytes) -> bytes:
        return builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": [descriptor(document)]})

    shown, config = (evil, EVIL_CONFIG) if lie else (good, CONFIG)
    named = descriptor(index(good), builder.OCI_INDEX)

    def make() -> bytes:
        entries = [Entry(f"blobs/sha256/{builder.sha256(each)}", each) for each in (config, *LAYERS, shown)]
        entries.append(Entry(f"blobs/{named['digest'].replace(':', '/')}", index(shown)))
        top = {"schemaVersion": 2, "manifests": [named]}
        return builder.tar([*entries, Entry("index.json", builder.go(top)), Entry("oci-layout", builder.LAYOUT)])

    return make


def _exchanged_manifest(entries: list[Entry]) -> None:
    """Another manifest under the old one's name; the config that it left is taken out."""
    config = builder.config_of(entries)
    target = json.loads(builder.find(entries, "index.json").data)["manifests"][0]["digest"]
    entry = builder.find(entries, f"blobs/{target.replace(':', '/')}")
    document = json.loads(entry.data)
    document["config"] |= {"digest": builder.digest(EVIL_CONFIG), "size": len(EVIL_CONFIG)}
    entry.data = builder.go(document)
    config.data = EVIL_CONFIG
    config.name = f"blobs/sha256/{builder.sha256(EVIL_CONFIG)}"


def _one_file_for_two_layers(entries: list[Entry]) -> None:
    first, second = builder.layers_of(entries)
    document = builder.find(entries, "manifest.json")
    document.data = document.data.replace(second.path.encode(), first.path.encode())
    entries.remove(second)


def _exchanged_configs(images: Sequence[dict[str, Any]]) -> None:
    images[0]["Config"], images[1]["Config"] = images[1]["Config"], images[0]["Config"]


def _legacy_parent(entries: list[Entry]) -> None:
    """The upper layer's legacy JSON names another parent."""
    entry = next(each for each in entries if each.path.endswith("/json") and b'"parent":' in each.data)
    entry.data = builder.go(json.loads(entry.data) | {"parent": "cd" * 32})


def _size(size: int) -> Make:
    return made(lambda document: document["layers"][1].update(size=size))


CRAFTED: tuple[Crafted, ...] = (
    Crafted(
        "INT-01-crane",
        "the config was edited and kept its name",
        lied("crane", builder.swap_config),
        frozenset({"IMG301"}),
        true("crane"),
    ),
    Crafted(
        "INT-01-docker-legacy",
        "the same; the legacy IDs do not fit it any more",
        lied("docker_legacy", builder.swap_config),
        frozenset({"IMG301"}),
        true("docker_legacy"),
    ),
    Crafted(
        "INT-02-layer",
        "a layer was exchanged and kept its name",
        lied("crane", builder.swap_layer),
        frozenset({"IMG303"}),
        true("crane"),
    ),
    Crafted(
        "INT-02-layer-and-config",
        "a layer was exchanged, the config edited to fit, both kept their names",
        lied("docker25", builder.swap_both),
        frozenset({"IMG301", "IMG303"}),
        true("docker25"),
    ),
    Crafted(
        "INT-03-parent",
        "a legacy JSON names another parent than its ID is the hash of",
        lied("docker_legacy", _legacy_parent),
        frozenset({"IMG306"}),
        true("docker_legacy"),
    ),
    Crafted(
        "INT-04-free-name",
        "a layer was exchanged whose name says nothing about its bytes",
        lied("docker_legacy", builder.swap_layer),
        frozenset({"IMG302"}),
        true("docker_legacy"),
    ),
    Crafted(
        "INT-04-truthful-names",
        "all names are right, and the config speaks of another layer",
        made(config=ImageSpec(layers=[LAYERS[0], builder.EVIL]).config_bytes()),
        frozenset({"IMG302"}),
        made(),
    ),
    Crafted(
        "INT-05-layer-too-many",
        "two layers and one diff_id",
        made(config=ImageSpec(layers=LAYERS[:1]).config_bytes()),
        frozenset({"IMG207"}),
        made(),
        frozenset({"IMG401"}),
    ),
    Crafted(
        "INT-05-diff-id-too-many",
        "one layer and two diff_ids",
        made(lambda document: document["layers"].pop(), absent=[LAYERS[1]]),
        frozenset({"IMG207"}),
        made(config=ImageSpec(layers=LAYERS[:1]).config_bytes(), layers=LAYERS[:1]),
    ),
    Crafted(
        "INT-06-one-more",
        "a size of one byte more",
        _size(len(LAYERS[1]) + 1),
        frozenset({"IMG304"}),
        _size(len(LAYERS[1])),
    ),
    Crafted("INT-06-zero", "a size of zero", _size(0), frozenset({"IMG304"}), made()),
    Crafted("INT-06-negative", "a negative size", _size(-1), frozenset({"IMG201"}), made()),
    Crafted("INT-06-huge", "a size beyond 64 bits", _size(1 << 70), frozenset({"IMG201"}), made()),
    Crafted(
        "INT-07-manifest",
        "another manifest, which leads to another config, under the old name",
        lied("oci_archive", _exchanged_manifest),
        frozenset({"IMG303"}),
        true("oci_archive", EVIL_SPEC),
    ),
    Crafted(
        "INT-08-index",
        "another nested index, which leads to another manifest, under the old name",
        _nested(lie=True),
        frozenset({"IMG303"}),
        _nested(lie=False),
    ),
    Crafted(
        "INT-09-layer",
        "a layer is missing",
        made(absent=[LAYERS[1]]),
        frozenset({"IMG204"}),
        lambda: builder.tar(builder.containerd([ImageSpec()], missing_platforms=["linux/arm64"])),
    ),
    Crafted(
        "INT-10-one-file",
        "manifest.json gives one file for two layers with different diff_ids",
        lied("crane", _one_file_for_two_layers),
        frozenset({"IMG302"}),
        true("crane", ImageSpec(layers=[LAYERS[0], LAYERS[0]])),
    ),
    Crafted(
        "INT-10-exchanged",
        "two images have each other's config",
        edited("crane", "manifest.json", _exchanged_configs, ImageSpec(), OTHER),
        frozenset({"IMG302"}),
        true("crane", ImageSpec(), OTHER),
    ),
    *descriptors.CRAFTED,
    Crafted(
        "INT-15-repositories",
        "repositories gives the tag to a layer that is not there",
        edited("docker_legacy", "repositories", lambda table: table["example.com/app"].update({"1.0": "cd" * 32})),
        frozenset({"IMG211"}),
        true("docker_legacy"),
    ),
)
