"""Manifests that lie in an archive ready made: which are a registry's own, and which are not."""

import json
from pathlib import Path

import pytest

from imgforensics import analyze
from imgforensics.case import Case
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.preserved import Preserved, find_preserved
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import case_of, descriptor, manifest, oci, report_of

FOLDER = Path(__file__).parent / "fixtures"
RECORDS = json.loads((FOLDER / "expected.json").read_text("utf-8"))
PUSHED = json.loads((FOLDER / "pushed.json").read_text("utf-8"))

TWO = ImageSpec(platform="linux/arm64", layers=[builder.layer({"b": b"2"})])
LAYERS = builder.two_layers()
CONFIG = ImageSpec().config_bytes(builder.OCI_ORDER)


def case(archive: bytes | list[Entry]) -> Case:
    return case_of(report_of(archive))


def only(archive: bytes | list[Entry]) -> Preserved:
    ((found,),) = find_preserved(case(archive)).values()
    return found


def look(name: str) -> Case:
    found = analyze(FOLDER / name).archives[0].case
    assert found is not None
    return found


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_fixtures_hold_what_the_record_says(name: str) -> None:
    found = find_preserved(look(name))
    digests = {str(each.digest) for group in found.values() for each in group}
    assert digests == {image["manifest_digest"] for image in RECORDS[name]["images"] if "manifest_digest" in image}


@pytest.mark.parametrize("name", sorted({record["archive"] for record in PUSHED}))
def test_a_push_of_a_layout_that_holds_the_manifest_is_recognised(name: str) -> None:
    """skopeo pushed these as they are, but for the layers that were not compressed."""
    found = {str(each.digest): each for group in find_preserved(look(name)).values() for each in group}
    for record in (record for record in PUSHED if record["archive"] == name):
        assert (record["digest"] in found) == (name in ("podman-oci.tar", "skopeo-oci-zstd.tar", "umoci.tar"))
        if record["digest"] in found:
            assert found[record["digest"]].likelihood is Likelihood.LIKELY


@pytest.mark.parametrize("layout", ["docker_legacy", "containers_image_docker", "crane", "jib", "nix", "rules_oci"])
def test_layouts_without_manifests(layout: str) -> None:
    assert find_preserved(case(builder.archive(layout))) == {0: ()}


def test_what_docker_save_makes_up_is_not_a_registrys() -> None:
    found = only(builder.archive("docker25"))
    assert found.likelihood is Likelihood.POSSIBLE
    assert found.media_type == builder.OCI_MANIFEST
    assert "made up by docker save" in found.evidence[0]
    assert found.evidence[-1] == "2 of the 2 layers in it are not compressed"
    assert "loaded into a containerd image store" in found.assumptions[0]


def test_a_containerd_store_pushes_what_it_holds() -> None:
    archive = builder.containerd([ImageSpec()], source={"registry.example.com": "a/b,c"})
    found = only(archive)
    assert found.likelihood is Likelihood.CERTAIN
    assert found.writers == ("BuildKit 0.12 or newer",)
    assert found.indexes == ()
    assert found.assumptions == ()
    assert found.evidence[-1] == (
        "pulled from, or pushed to, registry.example.com, repositories a/b,c (annotation of a descriptor)"
    )
    index = json.loads(builder.find(archive, "index.json").data)
    assert str(found.digest) == index["manifests"][0]["digest"]
    assert found.size == index["manifests"][0]["size"]


def test_even_uncompressed() -> None:
    assert only(builder.containerd([ImageSpec()], compression="none")).likelihood is Likelihood.CERTAIN


def test_an_index_around_it_is_what_a_tag_may_show() -> None:
    archive = builder.containerd([ImageSpec(), TWO], index=True, attestation=True)
    groups = find_preserved(case(archive))
    wanted = json.loads(builder.find(archive, "index.json").data)["manifests"][0]["digest"]
    assert len(groups) == 2
    for (found,) in groups.values():
        assert [str(each) for each in found.indexes] == [wanted]
        assert "the tag shows the index" in found.assumptions[-1]


def test_nested_indexes_nearest_first() -> None:
    inner = builder.go({"schemaVersion": 2, "manifests": [descriptor(document := manifest(CONFIG, LAYERS))]})
    outer = builder.go({"schemaVersion": 2, "manifests": [descriptor(inner, builder.OCI_INDEX)]})
    blobs = [CONFIG, *LAYERS, document, inner, outer]
    found = only(oci([descriptor(outer, builder.OCI_INDEX)], blobs))
    assert [str(each) for each in found.indexes] == [builder.digest(inner), builder.digest(outer)]


def test_podmans_layout_without_compression_would_be_pushed_otherwise() -> None:
    found = [each for group in find_preserved(look("podman-oci-uncompressed.tar")).values() for each in group]
    assert [each.likelihood for each in found] == [Likelihood.POSSIBLE]
    assert "skopeo compresses the layers" in found[0].assumptions[-1]


def test_a_manifest_with_wrong_bytes() -> None:
    archive = builder.containerd([ImageSpec()])
    name = f"blobs/sha256/{only(archive).digest.encoded}"
    builder.find(archive, name).data += b"\n"
    found = only(archive)
    assert found.likelihood is Likelihood.POSSIBLE
    assert "not those that its name or a descriptor promises" in found.evidence[0]
    assert found.writers == ()


def test_absent_blobs_are_assumed() -> None:
    archive = builder.containerd([ImageSpec()], manifest_json=False)
    builder.drop(archive, builder.layers_of(builder.containerd([ImageSpec()]))[0].path)
    found = only(archive)
    assert found.likelihood is Likelihood.CERTAIN
    assert found.assumptions == ("the config and layers that are not in the archive are what it says",)


def test_a_manifest_that_nothing_names() -> None:
    blobs = [CONFIG, *LAYERS, document := manifest(CONFIG, LAYERS)]
    found = only(oci([], blobs))
    assert str(found.digest) == builder.digest(document)
    assert found.likelihood is Likelihood.POSSIBLE
    assert "nothing in the archive names it" in found.assumptions[0]


def test_two_manifests_over_one_image() -> None:
    """A registry's, and a second one over the same config and the same layers, otherwise compressed."""
    packed = [builder.gz(layer) for layer in LAYERS]
    first, second = manifest(CONFIG, packed, f"{builder.OCI_LAYER}+gzip"), manifest(CONFIG, LAYERS)
    other = manifest(CONFIG, [builder.layer({"x": b"x"}), LAYERS[1]])
    blobs = [CONFIG, *LAYERS, *packed, builder.layer({"x": b"x"}), first, second, other]
    groups = find_preserved(case(oci([descriptor(each) for each in (first, second, other)], blobs)))
    found = groups[0]
    assert [(str(each.digest), each.likelihood) for each in found] == [
        (builder.digest(first), Likelihood.LIKELY),
        (builder.digest(second), Likelihood.POSSIBLE),
    ]


def test_the_media_type_may_stand_in_the_descriptor_only() -> None:
    found = only(builder.archive("umoci"))
    assert found.media_type == builder.OCI_MANIFEST
    assert found.writers == ("umoci",)
