"""What tools upload: against manifests that a registry got from real ones, and the table itself."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imgforensics import analyze
from imgforensics.case import Case
from imgforensics.model import Compression, Digest
from imgforensics.reconstruct.build import BuiltManifest, LayerDescriptor, NotDerivableError, build
from imgforensics.reconstruct.mediatypes import DOCKER, OCI
from imgforensics.reconstruct.ociconfig import to_oci_config
from imgforensics.reconstruct.pusher import STORED, Annotations, Pusher
from imgforensics.reconstruct.pushers import PUSHERS, by_name
from imgforensics.structure import Image
from tests import builder

FOLDER = Path(__file__).parent / "fixtures"
PUSHED = json.loads((FOLDER / "pushed.json").read_text("utf-8"))

PUSHER_OF = {
    ("docker", "docker"): "docker",
    ("skopeo", "docker"): "skopeo",
    ("podman", "podman-docker"): "skopeo",
    ("skopeo", "podman-docker"): "skopeo",
    ("skopeo", "podman-oci"): "podman",
    ("podman", "podman-oci"): "podman",
    ("skopeo", "skopeo-oci"): "podman",
    ("skopeo", "umoci"): "umoci",
}
"""Tool that pushed, and beginning of the archive's name (what made the manifest, where it was copied), to the entry."""

CONFIG = builder.go({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})
BLOB = LayerDescriptor(Digest.sha256("1" * 64), 100)
PLAIN = replace(BLOB, compression=Compression.NONE)
ZSTD = replace(BLOB, compression=Compression.ZSTD)


def pusher(name: str) -> Pusher:
    (found,) = (each for each in PUSHERS if each.name == name)
    return found


def made(name: str, *layers: LayerDescriptor, config: bytes = CONFIG, **more: Any) -> Any:
    built = build(pusher(name), config, layers, **more)
    check(built)
    return json.loads(built.content)


def check(built: BuiltManifest) -> None:
    assert built.size == len(built.content)
    assert built.digest == Digest.sha256(hashlib.sha256(built.content).hexdigest())
    config = json.loads(built.content)["config"]
    assert config["digest"] == f"sha256:{hashlib.sha256(built.config).hexdigest()}"
    assert config["size"] == len(built.config)


def the_image(case: Case, image_id: str) -> tuple[Image, bytes]:
    for image in case.structure.images:
        blob = None if image.config_member is None else case.catalogue.blobs[image.config_member]
        if blob is not None and str(blob.digest) == image_id:
            assert blob.content is not None
            return image, blob.content
    raise AssertionError(image_id)


@pytest.mark.parametrize("record", PUSHED, ids=lambda record: record["command"].split()[-1].partition("/")[2])
def test_a_real_push_byte_for_byte(record: dict[str, Any]) -> None:
    """The archive's config and annotations, and the sizes and digests of the pushed layers, give the pushed manifest."""
    case = analyze(FOLDER / record["archive"]).archives[0].case
    assert case is not None
    image, config = the_image(case, record["image_id"])
    name = next(
        entry
        for (tool, archive), entry in PUSHER_OF.items()
        if tool == record["tool"] and record["archive"].startswith(archive)
    )
    held = image.manifest_member
    annotations = {} if held is None else json.loads(case.catalogue.content(held) or b"{}").get("annotations")
    compression = Compression.ZSTD if "zstd" in record["archive"] else Compression.GZIP
    pushed = json.loads(record["manifest"])["layers"]
    layers = [LayerDescriptor(Digest.parse(each["digest"]), each["size"], compression=compression) for each in pushed]
    assert len(layers) == len(image.layers)
    built = build(pusher(name), config, layers, annotations)
    check(built)
    assert built.content.decode() == record["manifest"]
    assert str(built.digest) == record["digest"]


# --------------------------------------------------------------------------------------------------------- the table


def test_names_are_unique_and_every_tool_is_found() -> None:
    assert len({each.name for each in PUSHERS}) == len(PUSHERS)
    for each in PUSHERS:
        assert by_name(each.name) == (each,)
        assert each.title
        assert each.versions
        assert each.traces
        assert each.encoders
        assert all(each in by_name(tool) or by_name(tool)[0].name == tool for tool in each.tools)
    assert [each.name for each in by_name("kaniko")] == ["crane", "crane-oci"]
    assert by_name("unheard-of") == ()


def test_no_two_entries_are_the_same() -> None:
    """Else they would give the same candidates twice."""
    told: dict[str, str] = {}
    for each in PUSHERS:
        types = sorted(each.types.layers.items())
        parts = (each.style, each.types.manifest, types, each.encoders, each.compressed, each.config)
        what = repr((*parts, each.layer_types, each.annotations))
        assert what not in told, (each.name, told[what])
        told[what] = each.name


def test_headers_are_gzip_headers_and_belong_to_encoders() -> None:
    for each in PUSHERS:
        assert all(len(header) == 20 and header.startswith("1f8b0800") for header in each.headers)
        assert bool(each.headers) == (each.encoders != (STORED,))


def test_docker_is_tried_first_with_go() -> None:
    assert PUSHERS[0].name == "docker"
    assert PUSHERS[0].encoders[0] == "go1.8-6"


# ---------------------------------------------------------------------------------------------------------- building


def test_docker_and_crane_call_every_layer_gzip() -> None:
    for name in ("docker", "crane"):
        assert {layer["mediaType"] for layer in made(name, BLOB, PLAIN, ZSTD)["layers"]} == {
            DOCKER.layers[Compression.GZIP]
        }


@pytest.mark.parametrize(("name", "types"), [("containerd-load", DOCKER), ("buildkit", OCI), ("podman", OCI)])
def test_others_call_layers_what_they_are(name: str, types: Any) -> None:
    found = made(name, PLAIN, BLOB, ZSTD)
    assert found["mediaType"] == types.manifest
    assert found["config"]["mediaType"] == types.config
    wanted = [types.layers[each.compression] for each in (PLAIN, BLOB, ZSTD)]
    assert [layer["mediaType"] for layer in found["layers"]] == wanted


def test_layers_that_a_tool_does_not_upload() -> None:
    with pytest.raises(NotDerivableError, match=r"^buildkit: uploads no layer compressed with bzip2$"):
        made("buildkit", replace(BLOB, compression=Compression.BZIP2))


def test_the_same_layer_twice_stands_there_twice() -> None:
    assert len(made("docker", BLOB, BLOB)["layers"]) == 2


def test_a_foreign_layer_keeps_its_type_and_place() -> None:
    urls = ("https://example.com/layer",)
    media_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    (layer,) = made("docker", replace(BLOB, media_type=media_type, urls=urls))["layers"]
    assert (layer["mediaType"], layer["urls"]) == (media_type, list(urls))


def test_the_config_is_rewritten_only_for_oci() -> None:
    docker = builder.ImageSpec().moby_config()
    assert build(pusher("docker"), docker, ()).config == docker
    assert build(pusher("skopeo"), docker, ()).config == docker
    assert build(pusher("podman"), docker, ()).config == docker
    assert build(pusher("skopeo-oci"), docker, ()).config == to_oci_config(docker) != docker
    with pytest.raises(NotDerivableError, match="cannot be read"):
        build(pusher("skopeo-oci"), b"[]", ())


HISTORY = [
    {"created_by": "/bin/sh -c #(nop) ADD file:1 in / "},
    {"created_by": "/bin/sh -c #(nop)  ENV A=COPY me", "empty_layer": True},
    {"created_by": "/bin/sh -c echo #(nop) COPY dir:1 in /x"},
    {"created_by": "/bin/sh -c make"},
    {"created_by": "/bin/bash -o pipefail -c #(nop) COPY dir:2 in /b "},
]


def test_the_classic_builder_types_layers_by_instruction() -> None:
    config = builder.go({"rootfs": {}, "history": HISTORY})
    found = made("containerd-builder", BLOB, BLOB, BLOB, BLOB, config=config)
    docker, oci = DOCKER.layers[Compression.GZIP], OCI.layers[Compression.GZIP]
    assert [layer["mediaType"] for layer in found["layers"]] == [docker, oci, oci, docker]


def test_the_classic_builder_needs_the_history() -> None:
    with pytest.raises(NotDerivableError, match="the history tells how 4 layers were made, and there are 1"):
        made("containerd-builder", BLOB, config=builder.go({"rootfs": {}, "history": HISTORY}))
    with pytest.raises(NotDerivableError, match="no JSON object"):
        made("containerd-builder", BLOB, config=b"null")


def test_apko_repeats_the_labels() -> None:
    config = builder.go({"rootfs": {}, "config": {"Labels": {"b": "2", "a": "1"}}})
    assert pusher("apko").annotations is Annotations.LABELS
    assert made("apko", BLOB, config=config)["annotations"] == {"a": "1", "b": "2"}
    assert "annotations" not in made("apko", BLOB, config=config, annotations={})
    assert "annotations" not in made("apko", BLOB)
    assert "annotations" not in made("apko", BLOB, config=builder.go({"config": [], "rootfs": {}}))


def test_annotations_that_are_known() -> None:
    notes = {"org.opencontainers.image.base.name": "example.com/base"}
    assert made("podman", BLOB, annotations=notes)["annotations"] == notes
    assert "annotations" not in made("docker", BLOB, annotations=notes)
    assert "annotations" not in made("skopeo-v2s2", BLOB, annotations=notes)
    (layer,) = made("podman", replace(BLOB, annotations={"k": "v"}))["layers"]
    assert layer["annotations"] == {"k": "v"}
