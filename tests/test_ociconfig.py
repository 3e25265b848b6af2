"""A Docker image's config as an OCI image's: against conversions of real tools, and what is lost on the way."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgforensics.limits import Limits
from imgforensics.reconstruct.ociconfig import SpecVersion, to_oci_config

FOLDER = Path(__file__).parent / "fixtures"
ROOTFS: dict[str, Any] = {"type": "layers", "diff_ids": []}


def configs(archive: str) -> list[bytes]:
    """Every JSON document with a rootfs in a fixture."""
    with tarfile.open(FOLDER / archive) as tar:
        documents = [tar.extractfile(info).read() for info in tar if info.isreg() and info.size < 20_000]  # type: ignore[union-attr]
    return [each for each in documents if each.startswith(b"{") and b'"rootfs"' in each]


def convert(value: Any, version: SpecVersion = SpecVersion.V1_1) -> Any:
    converted = to_oci_config(json.dumps(value).encode(), version)
    return None if converted is None else json.loads(converted)


@pytest.mark.parametrize("version", SpecVersion)
def test_skopeos_conversion_of_dockers_config(version: SpecVersion) -> None:
    """skopeo copy docker-archive:docker20-save.tar oci-archive:skopeo-oci.tar"""
    (docker,), (oci,) = configs("docker20-save.tar"), configs("skopeo-oci.tar")
    assert to_oci_config(docker, version) == oci
    assert docker != oci


@pytest.mark.parametrize("archive", ["skopeo-oci-zstd.tar", "buildah-oci.tar", "podman-oci.tar", "podman-multi.tar"])
def test_a_config_of_an_oci_tool_comes_out_unchanged(archive: str) -> None:
    for config in configs(archive):
        assert all(to_oci_config(config, version) == config for version in SpecVersion)


def test_umocis_newline_is_lost() -> None:
    for config in configs("umoci.tar"):
        assert to_oci_config(config) == config.rstrip(b"\n") != config


def test_the_variant_moved() -> None:
    """buildah 1.28 wrote it between architecture and os, newer ones after os, older ones not at all."""
    (config,) = (each for each in configs("buildah-index.tar") if b'"variant"' in each)
    assert to_oci_config(config, SpecVersion.V1_1_RC) == config
    moved = config.replace(b'"variant":"v8","os":"linux"', b'"os":"linux","variant":"v8"')
    assert to_oci_config(config, SpecVersion.V1_1) == moved
    assert to_oci_config(config, SpecVersion.V1_0) == config.replace(b'"variant":"v8",', b"")


def test_what_the_structs_do_not_know_is_gone() -> None:
    inner = {
        "Hostname": "h",
        "Healthcheck": {},
        "OnBuild": [],
        "Shell": ["/bin/sh"],
        "Image": "i",
        "Env": [],
        "User": "",
    }
    value = {"id": "x", "docker_version": "20.10", "container": "c", "container_config": inner, "config": inner}
    assert convert(value | {"os": "linux", "rootfs": ROOTFS, "history": []}) == {
        "architecture": "",
        "os": "linux",
        "config": {},
        "rootfs": ROOTFS,
    }


def test_a_whole_platform_since_1_1() -> None:
    value = {"os": "windows", "os.version": "10.0", "os.features": ["win32k"], "config": {"ArgsEscaped": True}}
    assert list(convert(value)) == ["architecture", "os", "os.version", "os.features", "config", "rootfs"]
    assert convert(value)["config"] == {"ArgsEscaped": True}
    assert list(convert(value, SpecVersion.V1_1_RC)) == ["architecture", "os", "config", "rootfs"]
    assert convert(value, SpecVersion.V1_1_RC)["config"] == {}


def test_absent_parts_and_times() -> None:
    entry = {"created": "2024-01-01T00:00:00.120000+00:00", "created_by": "a", "empty_layer": False}
    assert convert({"created": None, "history": [entry, {}], "config": None, "rootfs": None}) == {
        "architecture": "",
        "os": "",
        "config": {},
        "rootfs": {"type": "", "diff_ids": None},
        "history": [{"created": "2024-01-01T00:00:00.12Z", "created_by": "a"}, {}],
    }


@pytest.mark.parametrize(
    "value",
    [
        {"created": "yesterday"},
        {"created": 1},
        {"os": 1},
        {"config": []},
        {"config": {"Cmd": "/bin/sh"}},
        {"config": {"Env": [1]}},
        {"config": {"Labels": {"a": 1}}},
        {"rootfs": "x"},
        {"rootfs": {"diff_ids": "x"}},
        {"history": {}},
        {"history": ["x"]},
        {"history": [{"empty_layer": "x"}]},
        [],
        "x",
    ],
    ids=repr,
)
def test_what_go_refuses_to_read(value: Any) -> None:
    assert convert(value) is None


def test_no_json_and_bounds() -> None:
    assert to_oci_config(b"{") is None
    assert to_oci_config(b"{}", limits=Limits(document=1)) is None


def test_control_characters_by_the_age_of_go() -> None:
    config = b'{"author":"\\b\\f\\u0001"}'
    assert b'"author":"\\b\\f\\u0001"' in (to_oci_config(config) or b"")
    assert b'"author":"\\u0008\\u000c\\u0001"' in (to_oci_config(config, short_controls=False) or b"")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["created", "author", "architecture", "variant", "os", "config", "rootfs", "history", "x"])


@given(st.dictionaries(keys, json_values))
def test_converting_twice_changes_nothing(value: dict[str, Any]) -> None:
    once = to_oci_config(json.dumps(value).encode())
    assert once is None or to_oci_config(once) == once
