"""Expectations against crafted archives: no wrong match, and nothing innocent refuted."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from imgforensics import Digest, Limits, Verdict
from imgforensics.expectation import Expectation, Result
from imgforensics.learn import from_archive, from_manifest
from imgforensics.reconstruct.build import LayerDescriptor
from imgforensics.reconstruct.ledger import KnownManifest, Ledger
from imgforensics.reconstruct.ociconfig import to_oci_config
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import case_of, codes, descriptor, edit, manifest, oci
from tests.test_digest import ANY, THREE, look, manifest_over, pushed, sha, streams, supplied

MATCH, REFUTED, NOT_REPRODUCED = Result.MATCH, Result.REFUTED, Result.NOT_REPRODUCED
TRUE = pushed(THREE, "docker", streams(THREE, "go1.8-6"))
SAVE = builder.docker_legacy([THREE])


def told(archive: list[Entry], *expect: str, **options: Any) -> Expectation:
    (expectation,) = case_of(look(copy.deepcopy(archive), *expect, **options)).expectations
    return expectation


def bent(**changes: Any) -> bytes:
    document = json.loads(TRUE)
    for key, change in changes.items():
        change(document[key])
    return json.dumps(document).encode()


def without_layer(archive: list[Entry], number: int) -> list[Entry]:
    entries = copy.deepcopy(archive)
    gone = builder.layers_of(entries)[number]
    return [entry for entry in entries if entry is not gone]


def the_manifest(entries: list[Entry]) -> Entry:
    return next(each for each in entries if "blobs/" in str(each.name) and b'"layers":' in (each.data or b""))


# ------------------------------------------------------------------------------------------------ manifests handed in


def test_the_true_manifest_matches() -> None:
    assert told(SAVE, manifests=(supplied(TRUE),)).result is MATCH


@pytest.mark.parametrize(
    "content",
    [
        bent(layers=lambda layers: layers.pop()),
        bent(layers=lambda layers: layers.append(layers[0])),
        bent(config=lambda config: config.update(size=1)),
        bent(layers=lambda layers: layers[0].update(digest="none")),
        bent(layers=lambda layers: layers[0].update(mediaType="application/vnd.docker.image.rootfs.diff.tar")),
    ],
)
def test_a_manifest_that_contradicts_the_archive_is_refuted(content: bytes) -> None:
    assert told(SAVE, manifests=(supplied(content),)).result is REFUTED


@pytest.mark.parametrize("change", [lambda layers: layers.reverse(), lambda layers: layers.__setitem__(0, layers[1])])
def test_stored_layers_in_another_order_are_refuted(change: Any) -> None:
    entries = builder.crane([THREE])
    blobs = [entry.data for entry in builder.layers_of(entries)]
    layers = [LayerDescriptor(Digest.of(blob), len(blob)) for blob in blobs]
    document = json.loads(pushed(THREE, "crane", layers, builder.config_of(entries).data))
    assert told(entries, manifests=(supplied(json.dumps(document).encode()),)).result is MATCH
    change(document["layers"])
    answer = told(entries, manifests=(supplied(json.dumps(document).encode()),))
    assert answer.result is REFUTED
    assert "unpacks to" in answer.how


def test_a_config_as_oci_tools_rewrite_it_is_no_stranger() -> None:
    rewritten = to_oci_config(builder.config_of(SAVE).data)
    assert rewritten is not None
    content = pushed(THREE, "podman", streams(THREE, "pgzip-a"), rewritten)
    answer = told(SAVE, manifests=(supplied(content),))
    assert (answer.result, answer.image) == (MATCH, 0)
    assert "as OCI tools rewrite it" in answer.how


def test_nothing_is_refuted_that_was_not_looked_at() -> None:
    big = ImageSpec(layers=[builder.layer({"a": bytes(2 << 20)})])
    content = pushed(big, "docker", streams(big, "go1.8-6"))
    entries = builder.docker_legacy([big])
    assert told(entries, manifests=(supplied(content),)).result is MATCH
    answer = told(entries, manifests=(supplied(content),), fast=True)
    assert answer.result is NOT_REPRODUCED
    assert "was not hashed" in answer.how


def test_a_missing_layer_refutes_nothing() -> None:
    entries = without_layer(SAVE, 1)
    for answer in (told(entries, manifests=(supplied(TRUE),)), told(entries, sha(builder.config_of(entries).data))):
        assert answer.result is NOT_REPRODUCED
        assert "layers 1 are not in the archive" in answer.how


def test_another_image_than_the_chosen_one_is_no_refutation() -> None:
    other = ImageSpec(layers=[b"other"], tags=["example.com/other:1"])
    entries = builder.docker_legacy([other, THREE])
    given = (supplied(TRUE),)
    index = told(entries, manifests=given).image
    assert index is not None
    assert told(entries, manifests=given, image=f"@{index}").result is MATCH
    answer = told(entries, manifests=given, image=f"@{1 - index}")
    assert answer.result is NOT_REPRODUCED
    assert f"@{index}" in answer.how


def test_an_index_matches_by_its_manifests_only() -> None:
    entries = builder.containerd([THREE])

    def listing(content: bytes) -> bytes:
        entry = {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": sha(content),
            "size": len(content),
        }
        return json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()

    assert told(entries, manifests=(supplied(listing(the_manifest(entries).data)),)).result is MATCH
    assert told(entries, manifests=(supplied(listing(builder.config_of(entries).data)),)).result is NOT_REPRODUCED


# -------------------------------------------------------------------------------------------------------- the archive


def test_a_tampered_image_is_never_likely() -> None:
    entries = builder.containerd([THREE])
    genuine = look(copy.deepcopy(entries), digests=True).registries[0].likely
    assert genuine is not None
    builder.swap_layer(entries)
    report = look(entries, str(genuine.digest), digests=True)
    assert report.verdict is Verdict.TAMPERED
    assert report.registries[0].likely is None
    assert case_of(report).expectations[0].result is REFUTED


def test_a_blob_under_a_wrong_name_is_no_stored_form() -> None:
    entries = builder.crane([THREE])
    entry = builder.layers_of(entries)[0]
    entry.data = builder.gz(THREE.layers[0], level=1)
    report = look(copy.deepcopy(entries), digests=True)
    used = {str(layer.descriptor.digest) for each in report.registries[0].candidates for layer in each.layers}
    assert sha(entry.data) not in used


def test_a_warm_ledger_fills_no_gap(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.sqlite")
    assert told(SAVE, sha(TRUE), ledger=path).result is MATCH
    report = look(without_layer(SAVE, 1), sha(TRUE), digests=True, ledger=path)
    assert case_of(report).expectations[0].result is NOT_REPRODUCED
    assert report.registries[0].likely is None


def test_what_only_unnamed_parts_hold_is_not_the_image() -> None:
    genuine = builder.containerd([THREE])
    blobs = [entry for entry in copy.deepcopy(genuine) if "blobs/sha256/" in str(entry.name) and entry.data]
    evil = builder.docker_legacy([ImageSpec(layers=[b"evil"], tags=["example.com/app:1.0"])]) + blobs
    for digest in (sha(the_manifest(genuine).data), sha(builder.config_of(genuine).data)):
        answer = told(evil, digest)
        assert answer.result is NOT_REPRODUCED


def test_a_twin_over_absent_layers_is_not_the_image() -> None:
    entries = builder.containerd([THREE])
    absent = [LayerDescriptor(Digest.sha256(str(number) * 64), 9) for number in range(3)]
    twin = pushed(THREE, "podman", absent, builder.config_of(entries).data)
    entries.append(Entry(f"blobs/sha256/{sha(twin)[7:]}", twin))
    listed = {"digest": sha(twin), "size": len(twin), "annotations": {}}
    edit(entries, "index.json", lambda d: d["manifests"].append(d["manifests"][0] | listed))
    report = look(entries, sha(twin), digests=True)
    assert case_of(report).expectations[0].result is not MATCH
    assert all(str(each.digest) != sha(twin) for each in report.registries[0].candidates)


def test_more_layers_than_are_read_give_no_answer() -> None:
    digest = sha(builder.config_of(SAVE).data)
    assert told(SAVE, digest).result is MATCH
    assert told(SAVE, digest, limits=Limits(layers=2)).result is NOT_REPRODUCED


def test_the_id_of_a_config_under_a_wrong_name_is_still_its_id() -> None:
    entries = copy.deepcopy(SAVE)
    builder.swap_config(entries, {"author": "someone"})
    report = look(copy.deepcopy(entries), sha(builder.config_of(entries).data), digests=True)
    assert case_of(report).expectations[0].result is MATCH
    assert report.verdict is Verdict.TAMPERED
    assert report.registries[0].likely is None


def test_an_encrypted_layer_is_no_contradiction() -> None:
    spec = ImageSpec(layers=[THREE.layers[0], THREE.layers[1]])
    entries = builder.oci_archive([spec], compression="none")
    cipher = b"\x99" * 5000
    layer = builder.layers_of(entries)[1]
    manifest = the_manifest(entries)
    document = json.loads(manifest.data)
    layer.name, layer.data = f"blobs/sha256/{sha(cipher)[7:]}", cipher
    document["layers"][1] = {"mediaType": f"{builder.OCI_LAYER}+encrypted", "digest": sha(cipher), "size": len(cipher)}
    manifest.data = json.dumps(document).encode()
    manifest.name = f"blobs/sha256/{sha(manifest.data)[7:]}"
    listed = {"digest": sha(manifest.data), "size": len(manifest.data)}
    edit(entries, "index.json", lambda d: d["manifests"][0].update(listed))
    answer = told(entries, sha(manifest.data))
    assert answer.result is MATCH
    assert "byte for byte" in answer.how
    assert told(entries, manifests=(supplied(manifest.data),)).result is MATCH


# --------------------------------------------------------------------------------------------------------- the ledger


def test_a_learned_manifest_has_to_fit(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.sqlite")
    evil = bent(layers=lambda layers: layers[0].update(digest=sha(b"evil")))
    stranger = manifest_over(ImageSpec(layers=[b"x", b"y", b"z"]))
    config = Digest.of(builder.config_of(SAVE).data)
    with Ledger(path) as ledger:
        assert from_archive(look(copy.deepcopy(SAVE)), ledger).refused is None
        assert from_manifest(evil, "evil.json", ledger).manifests == 1
        ledger.learn_manifest(KnownManifest(Digest.of(stranger), config, "", stranger, "a liar"))
    likely = look(copy.deepcopy(SAVE), digests=True, ledger=path).registries[0].likely
    assert likely is not None
    assert str(likely.digest) == sha(TRUE)
    assert told(SAVE, sha(stranger), ledger=path).result is NOT_REPRODUCED


# ------------------------------------------------------------------------------------------------ images that are named


def two_of_one_config() -> tuple[list[Entry], bytes, list[bytes]]:
    """An OCI layout of one config under two manifests, of layers as they are (``a:1``) and packed (``b:1``)."""
    config = builder.config_of(SAVE).data
    packed = [builder.gz(layer) for layer in THREE.layers]
    manifests = [
        manifest(config, THREE.layers, "application/vnd.oci.image.layer.v1.tar"),
        manifest(config, packed),
    ]
    listed = [
        descriptor(content, annotations={"org.opencontainers.image.ref.name": name})
        for content, name in zip(manifests, ("example.com/a:1", "example.com/b:1"), strict=True)
    ]
    index = builder.go({"schemaVersion": 2, "manifests": listed})
    entries = oci([descriptor(index, builder.OCI_INDEX), *listed], [config, *THREE.layers, *packed, *manifests, index])
    return entries, index, manifests


def test_a_digest_may_be_that_of_several_images() -> None:
    entries, index, manifests = two_of_one_config()
    config = builder.config_of(SAVE).data
    assert [each.tags for each in look(copy.deepcopy(entries)).images] == [("example.com/a:1",), ("example.com/b:1",)]
    for name in ("example.com/a:1", "example.com/b:1", "@0", "@1"):
        for content in (config, index, *manifests):
            answer = told(entries, f"{name}={sha(content)}")
            assert (name, answer.result, answer.others) == (name, MATCH, ())
            assert f"@{answer.image}" == {"example.com/a:1": "@0", "example.com/b:1": "@1"}.get(name, name)
    other = ImageSpec(layers=[b"other"], tags=["example.com/other:1"])
    two = builder.docker_legacy([THREE, other])
    found = {each.tags: each.index for each in look(copy.deepcopy(two)).images}
    answer = told(two, f"@{found['example.com/other:1',]}={sha(config)}")
    assert answer.result is REFUTED
    assert f"names image @{1 - found['example.com/other:1',]}" in answer.how


def test_what_is_rebuilt_or_handed_in_may_be_several_images_too() -> None:
    entries, _, _ = two_of_one_config()
    supplied_one = pushed(THREE, "docker", streams(THREE, "go1.8-6"), builder.config_of(SAVE).data)
    pushers = ("skopeo",)
    candidates = look(copy.deepcopy(entries), digests=True, pushers=pushers).registries[0].candidates
    rebuilt = next(each for each in candidates if each.encoder == "pgzip-c")
    for name in ("@0", "@1"):
        assert told(entries, f"{name}={rebuilt.digest}", pushers=pushers).result is MATCH
        assert told(entries, f"{name}={sha(supplied_one)}", manifests=(supplied(supplied_one),)).result is MATCH


@pytest.mark.parametrize("image", ["@0", "@1"])
def test_an_expectation_counts_whatever_image_is_looked_at(image: str) -> None:
    entries = builder.docker_legacy(
        [THREE, ImageSpec(layers=[builder.layer({"o": b"o"})], tags=["example.com/other:1"])]
    )
    for expect in (f"@0={ANY}", f"@1={ANY}", ANY):
        report = look(copy.deepcopy(entries), expect, image=image)
        assert ("IMG602" in codes(report), report.verdict) == (True, Verdict.INTACT), expect
    ids = [look(copy.deepcopy(entries), image=f"@{index}") for index in (0, 1)]
    digests = [case_of(each).catalogue.blobs[each.images[0].config_member or 0].digest for each in ids]
    for expect in (f"@0={digests[1]}", f"@1={digests[0]}"):
        report = look(copy.deepcopy(entries), expect, image=image)
        assert {"IMG601", "IMG602"} & set(codes(report)), expect


@pytest.mark.parametrize("image", ["@0", "@1", None])
def test_an_image_that_is_named_is_looked_at_whichever_was_chosen(image: str | None) -> None:
    entries = builder.docker_legacy(
        [THREE, ImageSpec(layers=[builder.layer({"o": b"o"})], tags=["example.com/other:1"])]
    )
    (index,) = (each.index for each in look(copy.deepcopy(entries)).images if "example.com/other:1" not in each.tags)
    for expect in (f"@{index}={sha(TRUE)}", f"@{index}={sha(builder.config_of(SAVE).data)}"):
        report = look(copy.deepcopy(entries), expect, image=image)
        (answer,) = case_of(report).expectations
        assert (answer.result, answer.image, codes(report)) == (MATCH, index, []), answer.how
        other = look(copy.deepcopy(entries), expect.replace(f"@{index}", f"@{1 - index}"), image=image)
        assert codes(other) in (["IMG601"], ["IMG602"])  # what names an image that was not chosen is not searched for
