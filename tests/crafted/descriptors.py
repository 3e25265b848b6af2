"""INT-11 to INT-14: descriptors whose digests, embedded content or fellows are wrong."""

import base64
import json
from dataclasses import replace
from typing import Any

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted.bending import (
    ABSENT,
    CONFIG,
    EVIL_CONFIG,
    LAYERS,
    Make,
    listed,
    made,
    true,
)
from tests.crafted.case import Crafted
from tests.crafted.viewparts import evil, good, hybrid, packed
from tests.support import descriptor, manifest

_ELSEWHERE = replace(evil(), platform="linux/arm64")


def _digest_text(text: str, place: str = "config") -> Make:
    def change(document: dict[str, Any]) -> None:
        target = document["config"] if place == "config" else document["layers"][1]
        target["digest"] = text

    return made(change, absent=[CONFIG] if place == "config" else [LAYERS[1]])


def _embedded(data: bytes | str, *, present: bool = False, size: int | None = None) -> Make:
    """An artifact whose config is embedded in its descriptor."""
    encoded = data if isinstance(data, str) else base64.b64encode(data).decode()
    config = descriptor(b"{}", builder.OCI_EMPTY, data=encoded)
    if size is not None:
        config["size"] = size
    document = json.loads(manifest(b"{}", LAYERS, "application/octet-stream"))
    described = builder.go(document | {"config": config, "artifactType": "application/x"})
    return listed(descriptor(described), blobs=[described, *LAYERS, *([b"{}"] if present else [])])


def _unlike_blob(document: dict[str, Any], *, algorithm: str) -> None:
    document["layers"][1]["digest"] = f"{algorithm}:{'ab' * 20}"


def _other_algorithm(algorithm: str) -> Make:
    def make() -> bytes:
        described = json.loads(manifest(CONFIG, LAYERS))
        _unlike_blob(described, algorithm=algorithm)
        document = builder.go(described)
        blobs = [CONFIG, LAYERS[0], document]
        top = {"schemaVersion": 2, "manifests": [descriptor(document)]}
        return builder.tar(
            [
                *(Entry(f"blobs/sha256/{builder.sha256(each)}", each) for each in blobs),
                Entry(f"blobs/{algorithm}/{'ab' * 20}", LAYERS[1]),
                Entry("index.json", builder.go(top)),
                Entry("oci-layout", builder.LAYOUT),
            ]
        )

    return make


def _embedded_manifest() -> Make:
    """An image, and beside it the manifest of another one that no member holds."""
    good, evil = manifest(CONFIG, LAYERS), manifest(EVIL_CONFIG, LAYERS)
    data = base64.b64encode(evil).decode()
    return listed(descriptor(good), descriptor(evil, data=data), blobs=[good, CONFIG, *LAYERS])


def _twice(*changes: dict[str, Any]) -> Make:
    """One image that index.json lists once for each of these changes of its descriptor."""
    document = manifest(CONFIG, LAYERS)
    return listed(*(descriptor(document) | change for change in changes), blobs=[CONFIG, *LAYERS, document])


def _named(ref: str) -> dict[str, Any]:
    return {"annotations": {"org.opencontainers.image.ref.name": ref}}


def _two_images_of_one_name() -> Make:
    good, evil = manifest(CONFIG, LAYERS), manifest(EVIL_CONFIG, LAYERS)
    return listed(
        descriptor(good) | _named("example.com/app:1.0"),
        descriptor(evil) | _named("example.com/app:1.0"),
        blobs=[CONFIG, EVIL_CONFIG, *LAYERS, good, evil],
    )


def _sizes_of_an_absent_layer() -> Make:
    """An index of two platforms that are not there, under one digest, and one that is."""
    document = manifest(CONFIG, LAYERS)
    gone = {"mediaType": builder.OCI_MANIFEST, "digest": ABSENT, "size": 500}
    entries = [gone | {"platform": {"os": "linux", "architecture": name}} for name in ("arm64", "s390x")]
    entries[1]["size"] = 501
    own = descriptor(document, platform={"os": "linux", "architecture": "amd64"})
    index = builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": [own, *entries]})
    return listed(descriptor(index, builder.OCI_INDEX), blobs=[index, document, CONFIG, *LAYERS])


def _types_in_one_manifest() -> Make:
    """One layer that stands twice in a manifest, under media types that mean two things."""
    twice = [LAYERS[0], LAYERS[0]]
    config = ImageSpec(layers=twice).config_bytes()
    zipped = f"{builder.OCI_LAYER}+gzip"
    return made(lambda document: document["layers"][1].update(mediaType=zipped), config=config, layers=twice)


CRAFTED: tuple[Crafted, ...] = (
    Crafted(
        "INT-11-blake3",
        "a layer goes by an algorithm that is not registered",
        _other_algorithm("blake3"),
        frozenset({"IMG904"}),
        true("oci_layout_sha512"),
    ),
    Crafted(
        "INT-11-md5",
        "a layer goes by an algorithm that is broken",
        _other_algorithm("md5"),
        frozenset({"IMG904"}),
        true("oci_layout_sha512"),
    ),
    *(
        Crafted(f"INT-12-{name}", what, _digest_text(text, place), frozenset({"IMG209"}), made())
        for name, what, text, place in (
            ("traversal", "a digest with a path in it", "sha256:../../../etc/passwd", "layer"),
            ("upper-case", "a digest in upper case", builder.digest(CONFIG).upper(), "config"),
            ("upper-hex", "a digest in upper-case digits", "sha256:" + builder.sha256(CONFIG).upper(), "config"),
            ("short", "a digest that is cut off", builder.digest(CONFIG)[:-2], "config"),
            ("colons", "a digest with one more colon", builder.digest(CONFIG) + ":x", "config"),
            ("bare", "digits without an algorithm", builder.sha256(LAYERS[1]), "layer"),
            ("empty", "an empty digest", "", "layer"),
        )
    ),
    Crafted(
        "INT-13-other-data",
        "the embedded content is another than the digest says",
        _embedded(b'{"a":1}'),
        frozenset({"IMG303"}),
        _embedded(b"{}"),
    ),
    Crafted(
        "INT-13-beside-the-blob",
        "the blob is right, the content that is embedded beside it is not",
        _embedded(b"[]", present=True),
        frozenset({"IMG303"}),
        _embedded(b"{}", present=True),
    ),
    Crafted(
        "INT-13-manifest",
        "a manifest lies in index.json only: few readers see its image",
        _embedded_manifest(),
        frozenset({"IMG204"}),
        made(),
    ),
    Crafted(
        "INT-13-size",
        "the size is wrong for the blob and for the embedded content",
        _embedded(b"{}", present=True, size=5),
        frozenset({"IMG304"}),
        _embedded(b"{}", present=True),
    ),
    Crafted(
        "INT-13-no-base64",
        "the embedded content is no base64",
        _embedded("e30*", present=True),
        frozenset({"IMG201"}),
        _embedded(b"{}", present=True),
    ),
    Crafted(
        "INT-14-size",
        "index.json lists a manifest twice, under two sizes",
        _twice({}, {"size": 7}),
        frozenset({"IMG304"}),
        _twice(_named("1.0"), _named("2.0")),
    ),
    Crafted(
        "INT-14-size-of-the-absent",
        "an index lists what is not there twice, under two sizes",
        _sizes_of_an_absent_layer(),
        frozenset({"IMG220"}),
        lambda: builder.tar(builder.containerd([ImageSpec()], missing_platforms=["linux/arm64", "linux/s390x"])),
    ),
    Crafted(
        "INT-14-type",
        "index.json lists a manifest twice, as an OCI one and as one of Docker's",
        _twice({}, {"mediaType": builder.DOCKER_MANIFEST}),
        frozenset({"IMG203"}),
        _twice(_named("1.0"), _named("2.0")),
    ),
    Crafted(
        "INT-14-type-of-a-layer",
        "a manifest lists a layer twice, compressed and not",
        _types_in_one_manifest(),
        frozenset({"IMG220"}),
        made(config=ImageSpec(layers=[LAYERS[0], LAYERS[0]]).config_bytes(), layers=[LAYERS[0], LAYERS[0]]),
    ),
    Crafted(
        "INT-14-platform",
        "index.json lists a manifest twice, for two platforms",
        _twice(
            {"platform": {"os": "linux", "architecture": "amd64"}},
            {"platform": {"os": "linux", "architecture": "arm64"}},
        ),
        frozenset({"IMG403"}),
        _twice({"platform": {"os": "linux", "architecture": "amd64"}}),
    ),
    Crafted(
        "INT-14-name",
        "index.json gives one name to two images",
        _two_images_of_one_name(),
        frozenset({"IMG213"}),
        _twice(_named("example.com/app:1.0"), _named("example.com/app:2.0")),
    ),
    Crafted(
        "INT-14-name-elsewhere",
        "index.json gives the name of manifest.json's image to another one behind it, for another platform by its config",
        packed(lambda: hybrid([good(), _ELSEWHERE])),
        frozenset({"IMG213"}),
        packed(lambda: hybrid([_ELSEWHERE, good()])),
    ),
)
