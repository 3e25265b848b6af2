"""Which pushers an archive speaks for: by who wrote it, who made the image, and how its layers begin."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imgforensics import analyze
from imgforensics.documentreader import Reader, read_config
from imgforensics.documents import Config
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.reconstruct.evidence import Ranked, rank
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.pushers import PUSHERS
from imgforensics.reconstruct.traces import Maker, traces
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import case_of, report_of

FOLDER = Path(__file__).parent / "fixtures"
PUSHED = json.loads((FOLDER / "pushed.json").read_text())
DOCKERS = ImageSpec(raw_config=ImageSpec(extra={"docker_version": "20.10.7"}).moby_config())
"""An image that docker's classic builder made, wherever it was copied to."""
BUILDKIT = [{"created_by": "RUN make", "comment": "buildkit.dockerfile.v0"}] * 2


def ranked(archive: bytes | list[Entry]) -> list[Ranked]:
    case = case_of(report_of(archive))
    return list(rank(case, case.structure.images[0]))


def likely(found: list[Ranked]) -> list[str]:
    return [each.pusher.name for each in found if each.likelihood is Likelihood.LIKELY]


def named(found: list[Ranked], name: str) -> Ranked:
    (one,) = (each for each in found if each.pusher.name == name)
    return one


# --------------------------------------------------------------------------------------------------- who wrote the archive


@pytest.mark.parametrize("layout", ["docker_legacy", "docker25"])
@pytest.mark.parametrize("history", [None, BUILDKIT])
def test_docker_save_is_pushed_by_docker(layout: str, history: list[Any] | None) -> None:
    found = ranked(builder.archive(layout, ImageSpec(history=history)))
    assert likely(found) == ["docker"]
    assert found[0].pusher.encoders[0] == "go1.8-6"
    assert found[0].evidence[0].startswith("docker save wrote the archive: ")
    assert "no layer was pulled from" in found[0].assumptions[0]
    assert not found[0].stored


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("docker20-*.tar*")))
def test_real_docker_save_archives(name: str) -> None:
    case = analyze(FOLDER / name).archives[0].case
    assert case is not None
    for image in case.structure.images:
        assert rank(case, image)[0].pusher.name == "docker"


@pytest.mark.parametrize(
    ("layout", "wanted"),
    [
        (builder.containers_image_docker, ["podman", "skopeo"]),
        (builder.crane, ["crane"]),
        (builder.jib, ["jib"]),
        (builder.rules_oci, ["rules_oci"]),
        (builder.nix, ["skopeo"]),
        (builder.containerd, []),
        (builder.oci_archive, []),
        (builder.umoci, []),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_other_writers(layout: Callable[[list[ImageSpec]], list[Entry]], wanted: list[str]) -> None:
    """Where a manifest lies in the archive, no rebuilt one is more than possible."""
    assert likely(ranked(layout([ImageSpec()]))) == wanted


def test_every_archive_keeps_the_usual_ones_possible() -> None:
    found = ranked(builder.archive("docker_legacy"))
    assert [each.pusher.name for each in found if not each.evidence] == [
        "skopeo",
        "crane",
        "containerd-load",
        "skopeo-oci",
    ]
    assert "containerd-load" not in [each.pusher.name for each in ranked(builder.archive("docker25"))]
    assert [each.pusher.name for each in ranked(builder.archive("oci_archive"))] == ["podman", "skopeo-v2s2"]


def test_likelier_ones_first_then_those_with_evidence() -> None:
    found = ranked(builder.containers_image_docker([ImageSpec(history=BUILDKIT)]))
    keys = [(each.likelihood.rank, not each.evidence) for each in found]
    assert keys == sorted(keys)
    assert len({each.pusher.name for each in found}) == len(found)


@pytest.mark.parametrize("record", PUSHED, ids=lambda record: record["command"].split()[-1].partition("/")[2])
def test_the_real_pusher_is_among_them(record: dict[str, Any]) -> None:
    case = analyze(FOLDER / record["archive"]).archives[0].case
    assert case is not None
    names = [each.pusher.name for image in case.structure.images for each in rank(case, image)]
    if record["archive"].startswith("docker20"):
        assert record["tool"] in names
    elif record["archive"].startswith("podman-docker"):
        assert names[0] == "skopeo"
    elif record["archive"] == "umoci.tar":
        assert names[0] == "podman" or "umoci" in names
    else:
        assert "podman" in names


# ------------------------------------------------------------------------------------------------------ who made the image


def made_by(value: dict[str, Any]) -> list[Maker]:
    return [trace.maker for trace in traces(config(value))]


def config(value: dict[str, Any]) -> Config:
    return read_config(value, DEFAULT_LIMITS, Reader())


def keys(text: str) -> dict[str, Any]:
    """A config of these keys, in this order."""
    return {key: _value(key) for key in text.split()}


def _value(key: str) -> Any:
    return {"rootfs": {}, "config": {}, "history": [], "docker_version": "20.10.7"}.get(key, "")


def last(**entry: str) -> dict[str, Any]:
    return {"rootfs": {}, "zz": 1, "history": [{"comment": "buildkit.dockerfile.v0"}, entry]}


@pytest.mark.parametrize(
    ("value", "maker"),
    [
        (keys("architecture config container_config created docker_version history os rootfs"), Maker.DOCKER),
        (keys("created architecture os rootfs history config"), Maker.DOCKER_CONTAINERD),
        (keys("created author architecture os config rootfs history"), Maker.CONVERTED),
        (keys("created architecture variant os config rootfs history"), Maker.CONVERTED),
        (keys("architecture created history os rootfs config"), Maker.GO_CONTAINERREGISTRY),
        (keys("architecture created docker_version history os rootfs config"), Maker.GO_CONTAINERREGISTRY),
        ({"rootfs": {}, "moby.buildkit.buildinfo.v1": "x"}, Maker.BUILDKIT_OLD),
        ({"config": {"Labels": {"io.buildah.version": "1"}}, "rootfs": {}}, Maker.BUILDAH_OCI),
        ({"container_config": {}, "config": {"Labels": {"io.buildah.version": "1"}}}, Maker.BUILDAH_DOCKER),
        (last(comment="buildkit.exporter.image.v0"), Maker.BUILDKIT),
        (last(author="kaniko"), Maker.GO_CONTAINERREGISTRY),
        (last(author="ko"), Maker.GO_CONTAINERREGISTRY),
        (last(author="apko"), Maker.APKO),
        (last(author="Jib"), Maker.JIB),
        (last(author="Bazel"), Maker.BAZEL),
        (last(created_by="umoci insert app"), Maker.UMOCI),
    ],
    ids=lambda value: value.name if isinstance(value, Maker) else "",
)
def test_makers(value: dict[str, Any], maker: Maker) -> None:
    assert made_by(value) == [maker]


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"rootfs": {}, "architecture": "amd64"},
        keys("os architecture config rootfs history"),
        keys("created architecture os config history rootfs"),
        {"rootfs": {}, "architecture": "x", "docker_version": "20.10.7"},
        {"config": {"Labels": ["io.buildah.version"]}},
        {"config": {"Labels": {"io.buildah.version": 1}}},
        {"config": [], "history": []},
    ],
    ids=repr,
)
def test_no_maker(value: dict[str, Any]) -> None:
    assert made_by(value) == []


def test_docker_import_on_the_containerd_store() -> None:
    value = keys("created architecture os rootfs history config")
    value["history"] = [{"comment": "Imported from -"}]
    assert made_by(value) == [Maker.DOCKER_IMPORT]


def test_every_maker_has_pushers() -> None:
    from imgforensics.reconstruct.evidence import _BY_MAKER, _BY_PRODUCER, _DEFAULTS

    assert set(_BY_MAKER) == set(Maker)
    named = {name for names in (*_BY_MAKER.values(), *_DEFAULTS.values()) for name in names} | set(
        _BY_PRODUCER.values()
    )
    assert named <= {each.name for each in PUSHERS}


def test_a_copied_image_was_pushed_by_its_maker() -> None:
    """skopeo copied it out of a registry, and docker had pushed it there: busybox 1.31 on Docker Hub is such a case."""
    found = ranked(builder.containers_image_docker([DOCKERS]))
    assert likely(found) == ["docker", "skopeo"]
    assert "docker_version" in found[0].evidence[0]


def test_an_old_engine_is_kept_possible() -> None:
    image = ImageSpec(extra={"docker_version": "1.12.6"})
    found = named(ranked(builder.archive("docker_legacy", image)), "docker-1.10")
    assert found.likelihood is Likelihood.POSSIBLE
    assert found.evidence == ("the config says docker_version 1.12.6, of an engine before 17.06",)


@pytest.mark.parametrize("version", ["17.06.0-ce", "20.10.7", "dev", "1", "x.y", "١.٢", "99999.1"])
def test_no_old_engine(version: str) -> None:
    image = ImageSpec(extra={"docker_version": version})
    found = ranked(builder.archive("docker_legacy", image))
    assert "docker-1.10" not in [each.pusher.name for each in found]


# --------------------------------------------------------------------------------------------------- how the layers begin


def test_layers_of_gos_fastest_level_speak_for_crane() -> None:
    packed = [builder.gz(layer, xfl=4) for layer in builder.two_layers()]
    found = ranked(builder.crane([ImageSpec(layers=packed)], compression="none"))
    assert likely(found) == ["crane"]
    assert "2 of 2 layers are compressed and begin with 1f8b08000000000004ff" in found[0].evidence
    assert found[0].stored


def test_dockers_layers_in_cranes_tarball() -> None:
    """crane pull keeps the registry's blobs: docker's manifest over them is as likely as crane's."""
    found = ranked(builder.crane([DOCKERS]))
    assert likely(found) == ["docker", "crane"]
    assert found[0].stored
    assert found[0].evidence[-1] == "2 of 2 layers are compressed and begin with 1f8b08000000000000ff"
    assert "the very blobs" in found[0].assumptions[-1]
    assert not named(found, "skopeo").stored


def test_layers_without_a_maker_speak_for_themselves() -> None:
    raw = builder.go(
        {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ImageSpec().diff_ids, "type": "layers"}}
    )
    image = ImageSpec(raw_config=raw)
    assert likely(ranked(builder.crane([image], compression="pgzip"))) == ["skopeo", "crane"]
    assert likely(ranked(builder.crane([image]))) == ["docker", "crane"]
    assert likely(ranked(builder.crane([image], compression="zstd"))) == ["crane"]


def test_nothing_to_go_by() -> None:
    case = case_of(report_of(builder.archive("docker_legacy")))
    image = case.structure.images[0]
    found = rank(replace(case, producer=None), replace(image, config=None, layers=()))
    assert [each.pusher.name for each in found] == ["docker", "skopeo", "crane", "containerd-load", "skopeo-oci"]
    assert {each.likelihood for each in found} == {Likelihood.POSSIBLE}


def test_long_texts_are_cut() -> None:
    (trace,) = traces(config(last(created_by="umoci " + "x" * 1000)))
    assert trace.sentence.endswith("xxx…")
    assert len(trace.sentence) < 200
