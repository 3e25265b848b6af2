"""The models of readers: tar headers, streams, configs, layers and platforms as each program takes or refuses them."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from imgforensics import Limits, Options
from imgforensics.loaders import Load, Reader
from imgforensics.loaders.godecode import BYTES, SET, TIME, decode
from imgforensics.loaders.load import RefusedError
from imgforensics.loaders.plaindisk import PlainDisk
from imgforensics.platforms import normalised
from imgforensics.rendering import loads_table
from imgforensics.rendering.style import Style
from imgforensics.report import ArchiveReport
from imgforensics.tarwalk import index
from tests import builder
from tests.builder import Entry
from tests.crafted import CRAFTED
from tests.readerarchives import TRICKS
from tests.support import case_of, codes, descriptor, manifest, oci, report_of, told

CASES = {case.name: case for case in CRAFTED}
LAYER = builder.layer({"bin/": b"", "bin/app": b"#!/bin/sh\n"})
NAMES = {
    "9": Reader.DOCKER_28,
    "D": Reader.DOCKER_CONTAINERD,
    "c": Reader.CONTAINERD,
    "p": Reader.PODMAN,
    "s": Reader.SKOPEO_DOCKER,
    "o": Reader.SKOPEO_OCI,
}


def _takers(loads: Sequence[Load]) -> str:
    return "".join(letter for letter, reader in NAMES.items() if any(x.image_id for x in loads if x.reader is reader))


@pytest.mark.parametrize(
    ("name", "taking"),
    [
        ("TAR-05-nul-directory", "9Dcps"),
        ("TAR-06-global-name", ""),
        ("TAR-06-two-names", ""),
        ("TAR-06-solaris", ""),
        ("TAR-06-prefix-gnu", ""),
        ("TAR-09-contiguous", "ps"),
        ("TAR-10-owner", "9Dcps"),
        ("GZ-01-outer", "9D"),
        ("GZ-04-outer", ""),
        ("GZ-01-layer", "Do"),
        ("GZ-01-layer-zstd", "Dcpo"),
        ("GZ-05-window", "Do"),
        ("GZ-06-said-plain", "Dpo"),
        ("GZ-06-xz", "Dpo"),
        ("INT-06-huge", ""),
        ("INT-11-md5", "D"),
        ("VIEW-09-type", "Do"),
        ("VIEW-09-digits", "Dcpo"),
        ("VIEW-10-schema-1", ""),
        ("CFG-01-outside", "Dc"),
        ("CFG-03-no-date", "Do"),
        ("LAY-01-other-bytes", "Dcso"),
        ("LAY-02-hard-link-out", "Dso"),
        ("LAY-02-below-link-of-lower-layer", "9Dcpso"),
        ("LAY-02-target-later", "Dso"),
        ("LAY-04-nameless", "Dso"),
        ("LAY-02-link-into-lower-layer", "Dso"),
        ("LAY-04-parent", "Dso"),
        ("LAY-04-behind-its-file", "Dso"),
        ("LAY-04-whiteout-below", "Dpso"),
        ("LAY-08-file-as-folder-below", "9Dcpso"),
        ("LAY-08-no-tar", "Dso"),
        ("LAY-08-cut", "Dso"),
        ("LAY-08-behind-the-end", "9Dcpso"),
    ],
)
def test_who_takes_a_crafted_archive(name: str, taking: str) -> None:
    loads = case_of(report_of(CASES[name].make())).loads
    assert _takers(loads) == taking


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("LAY")])
def test_layers_as_they_should_be_are_unpacked_by_all(name: str) -> None:
    """But for folders that stand twice, which tar-split refuses as it does files, and what overlayfs does not find."""
    chroot = ("LAY-01-other-bytes", "LAY-01-other-mode", "LAY-02-below-two-links")
    hard_links = ("LAY-02-hard-link-out", "LAY-02-no-target", "LAY-02-link-to-deleted")
    expected = "Dcso" if name in chroot else "Dso" if name in hard_links else "9Dcpso"
    assert _takers(case_of(report_of(CASES[name].twin())).loads) == expected


@pytest.mark.parametrize(
    ("name", "taking"),
    [
        ("outer-xattr-capability", "Dcps"),
        ("outer-xattr-on-symlink", "9Dcps"),
        ("outer-symlink-to-nothing", "Dcps"),
        ("outer-root-slash", "Dcps"),
        ("layer-xattr-capability", "Ds"),
        ("layer-xattr-trusted", "Dcs"),
        ("layer-xattr-on-symlink", "9Dcs"),
        ("layer-name-256", "Ds"),
        ("layer-root-slash", "Dcs"),
        ("layer-target-2000", "9Dcps"),
        ("zstd-nix-skippable", "9Dc"),
        ("zstd-oci-skippable", "Dco"),
        ("tag-none", "9Dcs"),
        ("tag-and-digest", "9Dcs"),
        ("tag-and-bad-digest", "9s"),
        ("tag-300", "9s"),
        ("tag-250", "9Dcs"),
        ("json-not-utf8-name", "9Dcps"),
        ("json-day", "D"),
        ("json-hour", "9Dcps"),
        ("config-up-and-down", "9ps"),
        ("config-os-upper", "Dcps"),
        ("layer-type-none", "Dpo"),
        ("layer-type-encrypted", "Dpo"),
        ("layer-type-docker-gzip", "Dcpo"),
        ("gzip-reserved", "Dcpo"),
        ("gzip-reserved-jib", "9Dcps"),
        ("gzip-reserved-outer", "9Dps"),
    ],
)
def test_who_takes_a_trick(name: str, taking: str) -> None:
    assert _takers(case_of(report_of(TRICKS[name]())).loads) == taking


# ------------------------------------------------------------------------------------------------------ how Go decodes


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        (b"9223372036854775808", int),
        (b"1.5", int),
        (b"1.5", str),
        (b"1", bool),
        (b'{"80/tcp":1}', SET),
        (b'"not base64"', BYTES),
        (b'"2024-13-01T00:00:00Z"', TIME),
        (b'"yesterday"', TIME),
        (b'"2024-02-31T00:00:00Z"', TIME),
        (b'"2023-02-29T00:00:00Z"', TIME),
        (b'"2024-02-00T00:00:00Z"', TIME),
        (b'"2024-02-01T24:00:00Z"', TIME),
    ],
)
def test_values_that_do_not_fit_their_type(text: bytes, schema: object) -> None:
    with pytest.raises(RefusedError):
        decode(text, schema, stream=False)


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        (b"-9223372036854775808", int, -(1 << 63)),
        (b"true", bool, True),
        (b'{"80/tcp":{}}', SET, {"80/tcp": []}),
        (b"null", SET, None),
        (b'"e30\\n="', BYTES, "e30\n="),
        (b'"2024-02-01T00:00:00.5+01:00"', TIME, "2024-02-01T00:00:00.5+01:00"),
        (b'"2024-02-29T3:04:05,5+24:00"', TIME, "2024-02-29T3:04:05,5+24:00"),
        (b'"\xe2\x82."', str, "\ufffd\ufffd."),
        (b'"\xed\xa0\x80\xf0\x9f\x98"', str, "\ufffd" * 6),
    ],
)
def test_values_that_fit(text: bytes, schema: object, value: object) -> None:
    assert decode(text, schema, stream=False) == value


# --------------------------------------------------------------------------------------------------- one host's entry


def _several(*platforms: dict[str, Any]) -> ArchiveReport:
    configs = [
        builder.ImageSpec(layers=[LAYER], extra={"author": str(n)}).config_bytes() for n in range(len(platforms))
    ]
    documents = [manifest(config, [LAYER]) for config in configs]
    entries = [descriptor(each, **more) for each, more in zip(documents, platforms, strict=True)]
    listed = builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": entries})
    return report_of(oci([descriptor(listed, builder.OCI_INDEX)], [listed, *documents, *configs, LAYER]))


ARM64 = {"platform": {"os": "linux", "architecture": "arm64"}}
ARM64_V8 = {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}
AMD64 = {"platform": {"os": "linux", "architecture": "amd64"}}
ZSTD = {"annotations": {"io.github.containers.compression.zstd": "true"}}


@pytest.mark.parametrize("entries", [(AMD64, ARM64, ARM64_V8), (AMD64, AMD64 | ZSTD)])
def test_readers_that_take_other_entries_for_one_host_contradict_each_other(entries: Sequence[dict[str, Any]]) -> None:
    report = _several(*entries)
    case = case_of(report)
    assert {side.readers for side in case.sides} == {
        (Reader.DOCKER_CONTAINERD, Reader.CONTAINERD),
        (Reader.PODMAN, Reader.SKOPEO_OCI),
    }
    assert "IMG221" in codes(report), told(report)
    assert "IMG216" not in codes(report), told(report)


def test_readers_that_take_the_same_entries_agree() -> None:
    assert not case_of(_several(AMD64, ARM64_V8, AMD64)).sides


@pytest.mark.parametrize(
    ("given", "one"),
    [
        (("linux", "aarch64", "v8"), ("linux", "arm64", "")),
        (("Linux", "x86_64", "v1"), ("linux", "amd64", "")),
        (("linux", "amd64", "v3"), ("linux", "amd64", "v3")),
        (("linux", "armhf", ""), ("linux", "arm", "v7")),
        (("linux", "armel", ""), ("linux", "arm", "v6")),
        (("linux", "arm", ""), ("linux", "arm", "v7")),
        (("linux", "arm", "6"), ("linux", "arm", "v6")),
        (("linux", "i386", "x"), ("linux", "386", "")),
        (("macos", "arm64", ""), ("darwin", "arm64", "")),
    ],
)
def test_one_spelling_of_platforms(given: tuple[str, str, str], one: tuple[str, str, str]) -> None:
    assert normalised(*given) == one


# ------------------------------------------------------------------------------------------- how much is told, and what


def test_an_image_is_listed_once_with_all_of_its_names() -> None:
    document = manifest(builder.ImageSpec(layers=[LAYER]).config_bytes(), [LAYER])
    config = builder.ImageSpec(layers=[LAYER]).config_bytes()
    key = "org.opencontainers.image.ref.name"
    entries = [descriptor(document, annotations={key: f"v{number}"}) for number in range(3)]
    case = case_of(report_of(oci(entries, [document, config, LAYER])))
    loads = [load for load in case.loads if load.reader is Reader.CONTAINERD]
    assert [load.tags for load in loads] == [("v0", "v1", "v2")]


def test_a_list_that_is_cut_short_is_told() -> None:
    images = [
        builder.ImageSpec(layers=[LAYER], extra={"author": str(number)}, tags=[f"e.com/a:{number}"])
        for number in range(5)
    ]
    report = report_of(builder.containerd(images), Options(limits=Limits(images=3)))
    cut = [load for load in case_of(report).loads if load.limited]
    assert {load.reader for load in cut} >= {Reader.CONTAINERD, Reader.DOCKER_28}
    assert any("would load: more than 3 images" in each.message for each in report.findings), told(report)


def test_one_image_under_several_names_is_no_full_agreement() -> None:
    entries = builder.crane([builder.ImageSpec(layers=[LAYER])])
    document = json.loads(entries[-1].data)
    document[0]["RepoTags"] = ["example.com/other:2"]
    case = case_of(report_of([*entries, Entry("manifest.json", builder.go(document))]))
    (_, line) = loads_table.lines(case, Style(), command="verify", verbose=False)
    assert "they differ in names only" in line


# ------------------------------------------------------------------------------------------------- syft's OCI archives


def _plain(*entries: Entry) -> PlainDisk:
    data = builder.tar(entries)
    return PlainDisk(index(lambda offset, length: data[offset : offset + length], len(data)).members)


def test_links_are_passed_over_and_the_last_file_counts() -> None:
    disk = _plain(
        Entry(".", type=b"5"),
        Entry("a/b/", type=b"5"),
        Entry("a/b/f", b"x"),
        Entry("a/b/f", b"y"),
        Entry("a/l", type=b"2", linkname="b/f"),
        Entry("a/h", type=b"1", linkname="a/b/f"),
    )
    assert disk.at("a/b/f") == 3
    assert disk.at("a/l") is None
    assert disk.at("a/h") is None


@pytest.mark.parametrize(
    "entries",
    [
        (Entry("../x", b""),),
        (Entry("./", type=b"5"),),
        (Entry("no/folder", b""),),
        (Entry("d/", type=b"5"), Entry("d", b"")),
    ],
)
def test_files_that_cannot_be_made(entries: Sequence[Entry]) -> None:
    with pytest.raises(RefusedError):
        _plain(*entries)
