"""Which image hosts of one platform get: ordinary indexes of several platforms are silent, whoever lists which of them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from imgforensics.findings import Severity
from imgforensics.loaders import Load, Reader, agreement, containersimage
from imgforensics.model import Digest
from tests import builder
from tests.builder import ImageSpec, containerd, go, tar
from tests.crafted.viewparts import AMD64, ARM64, TAG, Nested, evil, good, indexed
from tests.support import case_of, report_of, told

_PLATFORMS = ("linux/amd64", "linux/386", "linux/arm64/v8", "linux/arm/v7", "linux/arm/v6", "linux/s390x")


def _spec(platform: str, *, number: int = 0) -> ImageSpec:
    return ImageSpec(tags=[TAG], platform=platform, extra={"author": f"{platform} {number}"})


def _given(platform: str, **more: str) -> dict[str, str]:
    os, architecture, *variant = platform.split("/")
    return {"os": os, "architecture": architecture} | ({"variant": variant[0]} if variant else {}) | more


def _loud(data: bytes) -> set[str]:
    return {each.rule.code for each in report_of(data).findings if each.severity is not Severity.NOTE}


@pytest.mark.parametrize("saved", _PLATFORMS)
def test_any_platform_may_be_the_one_that_is_saved(saved: str) -> None:
    specs = {platform: _spec(platform) for platform in _PLATFORMS}
    data = indexed(*((spec, _given(platform)) for platform, spec in specs.items()), saved=specs[saved])()
    assert not _loud(data), told(report_of(data))
    assert not case_of(report_of(data)).sides


@pytest.mark.parametrize("saved", ["linux/amd64", "linux/amd64/v3", "linux/arm/v6", "linux/arm/v7"])
def test_configs_may_leave_their_variants_out(saved: str) -> None:
    specs = {
        "linux/amd64": _spec("linux/amd64"),
        "linux/arm/v6": _spec("linux/arm", number=6),
        "linux/arm/v7": _spec("linux/arm", number=7),
    }
    if saved == "linux/amd64/v3":
        del specs["linux/amd64"]
        specs[saved] = _spec("linux/amd64")
    data = indexed(*((spec, _given(platform)) for platform, spec in specs.items()), saved=specs[saved])()
    assert not _loud(data), told(report_of(data))


def test_what_amd64_may_run_is_no_other_image_of_it() -> None:
    only = _spec("linux/386")
    data = indexed((only, _given("linux/386")), (_spec("linux/arm64"), ARM64), saved=only)()
    assert not _loud(data), told(report_of(data))
    taken = [load.platform for load in case_of(report_of(data)).loads if load.reader is Reader.CONTAINERD]
    assert taken == ["linux/386", "linux/arm64", "linux/amd64"]


def test_versions_of_windows_are_of_one_platform() -> None:
    specs = [_spec("windows/amd64", number=number) for number in range(2)]
    versions = ({"os.version": "10.0.17763.1"}, {"os.version": "10.0.20348.1"})
    listed = [(spec, _given("windows/amd64", **more)) for spec, more in zip(specs, versions, strict=True)]
    assert not _loud(indexed(*listed, saved=specs[1])())


def test_an_index_in_the_index_that_nobody_needs_here_is_no_reason_to_refuse() -> None:
    data = indexed((good(), AMD64), Nested(ARM64, ((replace(evil(), platform="linux/arm64"), ARM64),)))()
    loads = case_of(report_of(data)).loads
    found = {reader: [load for load in loads if load.reader is reader] for reader in (Reader.PODMAN, Reader.SKOPEO_OCI)}
    assert all([load.platform for load in each] == ["linux/amd64"] for each in found.values())


def test_each_host_goes_down_by_itself() -> None:
    inner: tuple[Any, ...] = ((evil(), AMD64), (_spec("linux/arm64"), ARM64))
    data = indexed(Nested(ARM64, inner), (good(), AMD64))()
    loads = [load for load in case_of(report_of(data)).loads if load.reader is Reader.CONTAINERD]
    assert [load.platform for load in loads] == ["linux/arm64", "linux/amd64"]
    assert len({load.image_id for load in loads}) == 2
    data = indexed(Nested(None, inner), (good(), AMD64))()
    hosts = {
        load.platform: load.image_id for load in case_of(report_of(data)).loads if load.reader is Reader.CONTAINERD
    }
    assert set(hosts) == {"linux/arm64", "linux/amd64"}
    assert hosts["linux/arm64"] == loads[0].image_id


def test_a_tag_is_compared_on_each_host() -> None:
    """manifest.json gives both tags to one image; under the second one index.json has another for this host."""
    other = "example.com/app:2.0"
    data = indexed((evil(), AMD64), (good(), AMD64 | {"variant": "v3"}), saved=replace(good(), tags=[TAG, other]))()
    assert "IMG206" in _loud(data)


def test_a_processor_that_there_is_not_hides_no_image() -> None:
    unheard = _spec("linux/amd46")
    data = indexed((evil(), AMD64), (unheard, _given("linux/amd46")), saved=unheard)()
    assert "IMG206" in _loud(data)


def _taken(data: bytes) -> dict[Reader, dict[str, str]]:
    """Image IDs by reader and host."""
    found: dict[Reader, dict[str, str]] = {}
    for load in case_of(report_of(data)).loads:
        if load.image_id is not None:
            found.setdefault(load.reader, {})[load.platform] = str(load.image_id)
    return found


def test_only_docker_passes_over_what_an_annotation_calls_an_attestation() -> None:
    taken = _taken(indexed((evil(), AMD64), pseudo=(0,))())
    assert {Reader.CONTAINERD, Reader.PODMAN, Reader.SKOPEO_OCI} <= taken.keys()
    assert Reader.DOCKER_CONTAINERD not in taken


def test_containers_image_compares_words_as_they_stand() -> None:
    first = ({"os": "", "architecture": "amd64"}, {"os": "linux", "architecture": "x86_64"}, AMD64 | {"variant": "v1"})
    for platform in first:
        taken = _taken(indexed((evil(), platform), (good(), AMD64))())
        assert taken[Reader.CONTAINERD]["linux/amd64"] != taken[Reader.PODMAN]["linux/amd64"]
        assert taken[Reader.PODMAN]["linux/amd64"] == taken[Reader.SKOPEO_OCI]["linux/amd64"]


def test_an_image_without_a_system_is_no_image_for_another_platform() -> None:
    nameless = replace(evil("example.com/app:2.0"), extra={"os": ""})
    entries = {each.path: each for each in containerd([good(), nameless])}
    saved = json.loads(entries["manifest.json"].data)
    entries["manifest.json"].data = go(saved[:1])
    (found,) = [each for each in report_of(tar(entries.values())).findings if each.rule.code == "IMG224"]
    assert found.severity is Severity.WARNING


def test_of_entries_without_a_platform_containers_image_takes_zstd_before_others() -> None:
    entry: dict[str, Any] = {"platform": None}
    plain, packed = (entry | {"annotations": each} for each in (None, {containersimage._ZSTD: "true"}))
    assert containersimage.chosen([plain, packed]) == {"": packed}
    assert containersimage.chosen([plain, dict(plain, number=2)]) == {"": plain}


def test_docker_goes_by_the_config_where_an_entry_says_no_platform() -> None:
    arm, amd = _spec("linux/arm64"), _spec("linux/amd64")
    loads = case_of(report_of(indexed((arm, None), (amd, None), saved=amd)())).loads
    taken = {load.platform for load in loads if load.reader is Reader.DOCKER_CONTAINERD}
    assert taken == {"linux/amd64", "linux/arm64"}


@pytest.mark.parametrize("first", ["linux/arm64", "linux/386"])
def test_ctr_looks_at_the_first_entry_without_a_platform_only(first: str) -> None:
    data = indexed((_spec(first), None), (_spec("linux/amd64"), None))()
    loads = [load for load in case_of(report_of(data)).loads if load.reader is Reader.CONTAINERD]
    runs = {"linux/arm64": ["linux/arm64"], "linux/386": ["linux/386", "linux/amd64"]}
    assert [load.platform for load in loads] == runs[first]
    assert len({load.image_id for load in loads}) == 1


def test_ctr_of_1_6_reads_no_variant_of_a_config() -> None:
    loads = case_of(report_of(indexed((_spec("linux/amd64/v3"), None))())).loads
    assert [load.platform for load in loads if load.reader is Reader.CONTAINERD] == ["linux/amd64/v3", "linux/amd64"]
    assert [load.platform for load in loads if load.reader is Reader.DOCKER_CONTAINERD] == ["linux/amd64/v3"]


def test_a_config_without_an_architecture_is_no_host_s() -> None:
    loads = case_of(report_of(indexed((replace(evil(), extra={"architecture": ""}), None))())).loads
    refused = {load.reader for load in loads if load.refused}
    assert {Reader.CONTAINERD, Reader.DOCKER_CONTAINERD} <= refused
    assert not {Reader.PODMAN, Reader.SKOPEO_OCI} & refused


def test_ctr_imports_what_is_no_host_s_beside_what_is() -> None:
    entries = builder.containerd([good(), evil("example.com/other:1")], manifest_json=False)
    index = builder.find(entries, "index.json")
    document = json.loads(index.data)
    document["manifests"][1]["platform"] = {}
    index.data = builder.go(document)
    loads = [load for load in case_of(report_of(entries)).loads if load.reader is Reader.CONTAINERD]
    assert len({load.image_id for load in loads}) == 2
    document["manifests"] = document["manifests"][1:]
    index.data = builder.go(document)
    (load,) = [load for load in case_of(report_of(entries)).loads if load.reader is Reader.CONTAINERD]
    assert load.refused


def test_a_platform_of_no_words_is_no_host_s() -> None:
    data = indexed((evil(), {}), (good(), AMD64))()
    taken = _taken(data)
    for reader in (Reader.CONTAINERD, Reader.DOCKER_CONTAINERD, Reader.PODMAN, Reader.SKOPEO_OCI):
        assert set(taken[reader]) == {"linux/amd64"}
    assert len(set(taken[Reader.PODMAN].values()) | set(taken[Reader.CONTAINERD].values())) == 1
    assert "IMG206" not in _loud(data)


def test_tags_of_the_same_images_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    real = agreement._Taken.add

    def add(self: Any, of: str, load: Any) -> None:
        nonlocal count
        count += 1
        real(self, of, load)

    monkeypatch.setattr(agreement._Taken, "add", add)
    tags = tuple(f"example.com/app:{number}" for number in range(1000))
    images = [Digest.of(each) for each in (b"one", b"other")]
    loads = [Load(reader, image, None, tags, "") for image in images for reader in Reader]
    assert list(agreement.contradictions(loads)) == []
    assert count < 2 * len(loads) * len(tags)
