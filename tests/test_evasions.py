"""Archives that were made to slip through: each hides a lie behind something that a check might excuse or not look at."""

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import pytest

from imgforensics import Options, Severity, Verdict
from tests import builder, layertables
from tests.builder import Entry, ImageSpec
from tests.support import assert_clean, bad, codes, descriptor, edit, errors, manifest, oci, report_of, the, told

LAYERS = builder.two_layers()
CONFIG = ImageSpec().config_bytes(builder.OCI_ORDER)


def app() -> ImageSpec:
    return ImageSpec(tags=["example.com/app:1.0"])


def evil() -> ImageSpec:
    return ImageSpec(layers=[builder.EVIL], tags=["example.com/app:2.0"])


def changed(config: bytes) -> bytes:
    document = json.loads(config)
    document["config"]["Cmd"] = ["/evil"]
    return builder.go(document)


# -------------------------------------------------------------------------------------------------- names through links


@pytest.mark.parametrize("kind", [b"1", b"2"])
@pytest.mark.parametrize("layout", ["crane", "containers_image_docker", "docker_legacy"])
def test_config_behind_a_link(layout: str, kind: bytes) -> None:
    """A link's name claims a digest of the bytes that it leads to."""
    entries = builder.LAYOUTS[layout]([app()])
    config = builder.config_of(entries)
    link = Entry(config.name, type=kind, linkname="payload.json")
    entries[entries.index(config)] = link
    true = [*entries, Entry("payload.json", config.data)]
    assert not errors(report_of(true)), told(report_of(true))
    lie = report_of([*entries, Entry("payload.json", changed(config.data))])
    finding = the(lie, "IMG301")
    assert finding.location.member == "payload.json"
    assert config.path in finding.message
    assert lie.verdict is Verdict.TAMPERED


def test_layer_behind_a_link() -> None:
    entries = builder.crane([app()])
    layer = builder.layers_of(entries)[0]
    entries[entries.index(layer)] = Entry(layer.name, type=b"2", linkname="payload")
    report = report_of([*entries, Entry("payload", builder.gz(builder.EVIL))])
    assert the(report, "IMG303").location.member == "payload"


def test_name_behind_a_linked_folder() -> None:
    """The folder is a link, and below it the name that manifest.json gives is one more."""
    entries = builder.crane([app()])
    config = builder.config_of(entries)
    entries.remove(config)
    edit(entries, "manifest.json", lambda images: images[0].update(Config=f"a/{config.path}"))
    links = [Entry("a", type=b"2", linkname="b"), Entry(f"b/{config.path}", type=b"2", linkname="../c")]
    assert not errors(report_of([*entries, *links, Entry("c", config.data)]))
    report = report_of([*entries, *links, Entry("c", changed(config.data))])
    assert the(report, "IMG301").location.member == "c"


# ----------------------------------------------------------------------------------------------------- encrypted layers


def test_layer_that_layer_sources_call_encrypted() -> None:
    entries = builder.docker_legacy([app()])
    builder.swap_layer(entries)
    source = {
        "mediaType": f"{builder.OCI_LAYER}+encrypted",
        "digest": builder.digest(builder.EVIL),
        "size": len(builder.EVIL),
    }
    edit(entries, "manifest.json", lambda images: images[0].update(LayerSources={app().diff_ids[0]: source}))
    report = report_of(entries)
    assert the(report, "IMG302").claimed == app().diff_ids[0]


@pytest.mark.parametrize(
    "data",
    [builder.EVIL, builder.gz(builder.EVIL), builder.zstd(builder.EVIL), bytes(1024), b""],
    ids=["tar", "gzip", "zstd", "zeros", "nothing"],
)
def test_layer_that_is_called_encrypted_and_can_be_unpacked(data: bytes) -> None:
    document = manifest(CONFIG, [LAYERS[0], data], f"{builder.OCI_LAYER}+encrypted")
    report = report_of(oci([descriptor(document)], [CONFIG, LAYERS[0], data, document]))
    assert the(report, "IMG302").claimed == app().diff_ids[1]
    assert report.verdict is Verdict.TAMPERED


# ------------------------------------------------------------------------------------------------------- names of images


def _swapped_tags() -> list[Entry]:
    entries = builder.containerd([app(), evil()])

    def swap(images: Any) -> None:
        images[0]["RepoTags"], images[1]["RepoTags"] = images[1]["RepoTags"], images[0]["RepoTags"]

    edit(entries, "manifest.json", swap)
    return entries


def _moved_tag(**more: str) -> list[Entry]:
    """manifest.json lists the good image only; in index.json the other one has its tag."""
    entries = builder.containerd([app(), evil()])
    edit(entries, "manifest.json", lambda images: images.pop())

    def move(index: Any) -> None:
        good, other = index["manifests"]
        other["annotations"] = good.pop("annotations") | more

    edit(entries, "index.json", move)
    return entries


def _attested() -> list[Entry]:
    """As above, the good image is not listed at all, and the other one says that it is an attestation."""
    entries = _moved_tag(**{"vnd.docker.reference.type": "attestation-manifest"})
    edit(entries, "index.json", lambda index: index["manifests"].pop(0))
    return entries


def _renamed() -> list[Entry]:
    entries = builder.containerd([app()])
    edit(entries, "manifest.json", lambda images: images[0].update(RepoTags=["example.com/other:1"]))
    return entries


@pytest.mark.parametrize("lie", [_swapped_tags, _moved_tag, _attested, _renamed])
def test_tags_that_differ_between_views(lie: Callable[[], list[Entry]]) -> None:
    report = report_of(lie())
    assert "IMG206" in codes(report, Severity.ERROR), told(report)
    assert report.verdict is Verdict.SUSPECT


def _same_annotations(index: Any) -> None:
    good, other = index["manifests"]
    other["annotations"] = good["annotations"]


def test_tag_of_two_images_in_one_view() -> None:
    entries = builder.crane([app(), evil()])
    edit(entries, "manifest.json", lambda images: images[1].update(RepoTags=images[0]["RepoTags"]))
    assert the(report_of(entries), "IMG213").location.member == "manifest.json"
    for layout in ("containerd", "oci_archive"):
        entries = builder.LAYOUTS[layout]([app(), evil()])
        edit(entries, "index.json", _same_annotations)
        assert the(report_of(entries), "IMG213").location.member == "index.json"


def test_tag_of_two_platforms_is_one() -> None:
    """Entries of one name for different platforms are how an index without nesting holds them."""
    entries = builder.oci_archive([app(), ImageSpec(layers=LAYERS[:1], platform="linux/arm64")])
    edit(entries, "index.json", _same_annotations)
    assert_clean(report_of(entries))


@pytest.mark.parametrize("ref", ["registry.evil/x:9", "9", "app:2.0"])
def test_names_of_an_entry_that_contradict_each_other(ref: str) -> None:
    entries = builder.containerd([app()])
    annotations = {"io.containerd.image.name": "example.com/app:1.0", "org.opencontainers.image.ref.name": ref}
    edit(entries, "index.json", lambda index: index["manifests"][0].update(annotations=annotations))
    finding = the(report_of(entries), "IMG213")
    assert (finding.claimed, finding.computed) == ("example.com/app:1.0", ref)


@pytest.mark.parametrize("ref", ["1.0", "app:1.0", "example.com/app:1.0"])
def test_names_of_an_entry_that_agree(ref: str) -> None:
    entries = builder.containerd([app()])
    annotations = {"io.containerd.image.name": "example.com/app:1.0", "org.opencontainers.image.ref.name": ref}
    edit(entries, "index.json", lambda index: index["manifests"][0].update(annotations=annotations))
    assert_clean(report_of(entries))


@pytest.mark.parametrize("first", [True, False])
def test_tags_do_not_depend_on_the_order_of_members(first: bool) -> None:
    document = manifest(CONFIG, LAYERS)
    listed = [
        descriptor(document, annotations={"org.opencontainers.image.ref.name": f"example.com/a:{n}"}) for n in "12"
    ]
    blobs = [document, CONFIG, *LAYERS] if first else [CONFIG, *LAYERS, document]
    assert report_of(oci(listed, blobs)).images[0].tags == ("example.com/a:1", "example.com/a:2")


# ------------------------------------------------------------------------------------------------- what was asked about


@pytest.mark.parametrize("layout", ["crane", "containers_image_docker", "docker25", "docker_legacy"])
@pytest.mark.parametrize("image", ["@0", "@1"])
def test_shared_layer_is_a_matter_of_each_image(layout: str, image: str) -> None:
    specs = [app(), ImageSpec(tags=["example.com/other:1"], container={"Cmd": ["x"]})]
    entries = builder.LAYOUTS[layout](specs)
    builder.swap_layer(entries)
    report = report_of(entries, Options(image=image))
    assert report.verdict is Verdict.TAMPERED, told(report)
    assert len(errors(report)) == 1


def test_layer_of_another_image_is_not() -> None:
    entries = builder.crane([app(), evil()])
    builder.swap_layer(entries)
    assert report_of(entries, Options(image="@0")).verdict is Verdict.TAMPERED
    assert_clean(report_of(entries, Options(image="@1")))


def test_layer_that_fits_one_of_two_configs() -> None:
    """The bytes are right where they are called by what they are."""
    entries = builder.docker_legacy([app(), evil()])
    evil_layer = builder.layers_of(entries, 1)[0].path
    edit(entries, "manifest.json", lambda images: images[0]["Layers"].__setitem__(0, evil_layer))
    assert report_of(entries, Options(image="@0")).verdict is Verdict.TAMPERED
    assert not errors(report_of(entries, Options(image="@1")))


@pytest.mark.parametrize("options", [Options(ignore=("IMG3",)), Options(select=("IMG1",)), Options(select=("IMG905",))])
def test_verdict_counts_what_is_not_reported(options: Options) -> None:
    entries = builder.crane([app()])
    builder.swap_config(entries)
    report = report_of(entries, options)
    assert not report.findings
    assert report.verdict is Verdict.TAMPERED


def test_fast_is_never_intact_whatever_is_reported() -> None:
    report = report_of(
        builder.archive("docker25", ImageSpec(layers=[builder.layer({"big": bytes(3 << 20)})])),
        Options(fast=True, ignore=("IMG905",)),
    )
    assert report.verdict is Verdict.UNCHECKED


# ----------------------------------------------------------------------------------------------------- other algorithms


@pytest.mark.parametrize("spelled", [b"sha512:", b"sha512\\u003a", b"\\u0073ha512:"])
@pytest.mark.parametrize("padding", [0, 1 << 20])
def test_diff_ids_of_another_algorithm(spelled: bytes, padding: int) -> None:
    """However the algorithm is spelled, and in documents of any size."""
    document = ImageSpec().config() | {"padding": "x" * padding}
    wrong, right = ["sha512:" + "0" * 128] * 2, [builder.digest(data, "sha512") for data in LAYERS]
    for diff_ids, found in ((wrong, ["IMG302", "IMG302"]), (right, [])):
        config = builder.go(document | {"rootfs": {"type": "layers", "diff_ids": diff_ids}})
        config = config.replace(b"sha512:", spelled)
        described = manifest(config, LAYERS)
        report = report_of(oci([descriptor(described)], [config, *LAYERS, described]))
        assert codes(report, Severity.ERROR, Severity.WARNING) == found, told(report)


def test_digest_that_was_not_computed_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgforensics.measuring.further_algorithms", lambda *_: frozenset())
    report = report_of(builder.oci_layout_sha512([app()]))
    assert "IMG904" in codes(report), told(report)
    assert report.verdict is Verdict.SUSPECT


# -------------------------------------------------------------------------------------------------------- legacy files

V1_ID = "ab" * 32
V1_LIKE = builder.go({"id": V1_ID, "comment": "smuggled " * 99})


@pytest.mark.parametrize(
    ("layout", "name", "data"),
    [
        ("crane", "smuggled", V1_LIKE),
        ("crane", "x/json", V1_LIKE),
        ("crane", f"{V1_ID}/json", V1_LIKE),
        ("crane", "x/VERSION", b"\x7fELF" + bytes(70_000)),
        ("oci_archive", f"blobs/sha256/{builder.sha256(V1_LIKE)}", V1_LIKE),
        ("docker_legacy", f"{V1_ID}/json", V1_LIKE),
        ("containers_image_docker", f"{V1_ID}/json", V1_LIKE),
    ],
)
def test_bytes_that_look_like_legacy_files(layout: str, name: str, data: bytes) -> None:
    report = report_of([*builder.LAYOUTS[layout]([app()]), Entry(name, data)])
    assert name in {each.location.member for each in report.findings if each.rule.code == "IMG205"}, told(report)


def test_version_of_a_legacy_folder() -> None:
    for data, found in ((b"1.0", []), (b"1.0\n", []), (b"1.0" + b"payload" * 99, ["IMG205"]), (b"2.0", ["IMG205"])):
        entries = builder.docker_legacy([app()])
        next(each for each in entries if each.path.endswith("/VERSION")).data = data
        assert codes(report_of(entries)) == found


def test_legacy_json_that_docker_25_did_not_write() -> None:
    entries = builder.docker25([app()])
    report = report_of([*entries, Entry(f"blobs/sha256/{builder.sha256(V1_LIKE)}", V1_LIKE)])
    assert codes(report, Severity.WARNING) == ["IMG306"], told(report)


@pytest.mark.parametrize("layout", ["docker_legacy", "docker25", "containers_image_docker"])
@pytest.mark.parametrize(
    "change",
    [
        {"config": {"Cmd": ["/evil"]}},
        {"parent": "cd" * 32},
        {"created": "2001-01-01T00:00:00Z"},
        {"comment": "smuggled"},
        {"checksum": "smuggled"},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("top", [True, False])
def test_content_of_legacy_json(layout: str, change: dict[str, Any], top: bool) -> None:
    """The ID is a hash over the content, so that a changed content has another."""
    entries = builder.LAYOUTS[layout]([app()])
    documents = [each for each in entries if each.data.startswith(b"{") and b'"id":' in each.data]
    assert len(documents) == 2
    entry = next(each for each in documents if (b'"parent":' in each.data) == top)
    before = entry.path
    entry.data = builder.go(json.loads(entry.data) | change)
    if layout == "docker25":
        entry.name = f"blobs/sha256/{builder.sha256(entry.data)}"
    report = report_of(entries)
    assert codes(report, Severity.ERROR, Severity.WARNING) == ["IMG306"], (before, told(report))
    assert the(report, "IMG306").location.member == entry.path


@pytest.mark.parametrize("layout", ["docker_legacy", "docker25", "containers_image_docker"])
def test_legacy_json_of_rich_configs(layout: str) -> None:
    container = {
        "Labels": {"a<b": "&\u2028", "ü": "\x01"},
        "ExposedPorts": {"80/tcp": {}},
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5},
        "Entrypoint": None,
        "OnBuild": [],
    }
    for extra in ({"author": "Å <a@b>", "docker_version": "20.10"}, {"os": ""}, {"variant": "v8"}, {"created": None}):
        report = report_of(builder.LAYOUTS[layout]([ImageSpec(container=container, extra=extra)]))
        assert not bad(report), told(report)


# --------------------------------------------------------------------------------------------------- beside the streams

JUNK = b"#!/bin/sh\necho smuggled\n" * 50


def skippable(content: bytes, magic: int = 0x184D2A50) -> bytes:
    return magic.to_bytes(4, "little") + len(content).to_bytes(4, "little") + content


def chunked(data: bytes, toc: bytes, tar_split: bytes = b"", *, moved: int = 0) -> bytes:
    """A layer as zstd:chunked has it: content, table of contents, tar-split, footer."""
    stream = builder.zstd(data)
    toc_at = len(stream) + 8
    stream += skippable(toc)
    split_at = len(stream) + 8 if tar_split else 0
    if tar_split:
        stream += skippable(tar_split)
    numbers = (toc_at + moved, len(toc), 2 * len(toc), 1, split_at, len(tar_split), 2 * len(tar_split))
    return stream + skippable(struct.pack("<7Q", *numbers) + b"GNUlInUx")


def table(data: bytes) -> bytes:
    """A truthful table of contents, as zstd:chunked stores it."""
    return layertables.stored(layertables.toc(layertables.table_of(data)))


def seekable(data: bytes) -> bytes:
    table = struct.pack("<II", 100, len(data)) + struct.pack("<IB", 1, 0) + bytes.fromhex("b1ea928f")
    return builder.zstd(data) + skippable(table, 0x184D2A5E)


@pytest.mark.parametrize(
    ("pack", "severity"),
    [
        (lambda data: builder.gz(data) + JUNK, Severity.WARNING),
        (lambda data: builder.zstd(data) + JUNK, Severity.WARNING),
        (lambda data: builder.zstd(data) + skippable(JUNK), Severity.WARNING),
        (lambda data: skippable(JUNK) + builder.zstd(data), Severity.WARNING),
        (lambda data: skippable(JUNK) + chunked(data, b"toc", b"split"), Severity.WARNING),
        (lambda data: chunked(data, JUNK, moved=1), Severity.WARNING),
        (lambda data: seekable(data) + builder.zstd(b""), Severity.WARNING),
        (lambda data: builder.gz(data) + bytes(512), Severity.NOTE),
        (builder.gz, None),
        (seekable, None),
        (lambda data: chunked(data, table(data)), None),
        (lambda data: chunked(data, table(data), b"split"), None),
        (lambda data: layertables.chunked_before_2023(data, layertables.toc(layertables.table_of(data))), None),
        (lambda data: skippable(JUNK) + layertables.chunked_before_2023(data, b"toc"), Severity.WARNING),
        (lambda data: skippable(b"\x09\0\0\0") + builder.zstd(data), None),
    ],
)
@pytest.mark.parametrize("layout", ["docker_legacy", "containers_image_docker"])
def test_bytes_beside_a_stream(layout: str, pack: Callable[[bytes], bytes], severity: Severity | None) -> None:
    entries = builder.LAYOUTS[layout]([app()])
    layer = builder.layers_of(entries)[0]
    layer.data = pack(layer.data)
    report = report_of(entries)
    assert [each.severity for each in report.findings if each.rule.code == "IMG307"] == ([severity] if severity else [])
    assert report.verdict is (Verdict.SUSPECT if severity is Severity.WARNING else Verdict.INTACT), told(report)


# ------------------------------------------------------------------------------------------------ documents, taken apart


@pytest.mark.parametrize("position", [0, 1])
def test_layer_under_an_empty_name(position: int) -> None:
    entries = builder.containers_image_docker([app()])
    gone = builder.layers_of(entries)[position]
    edit(entries, "manifest.json", lambda images: images[0]["Layers"].__setitem__(position, ""))
    links = [each for each in entries if each.linkname == f"../{gone.path}"]
    report = report_of([each for each in entries if each is not gone and each not in links])
    assert the(report, "IMG204").location.pointer == f"/0/Layers/{position}"
    assert report.verdict is Verdict.INCOMPLETE, told(report)


@pytest.mark.parametrize("layout", ["docker_legacy", "docker25", "oci_archive", "crane", "jib"])
def test_config_that_was_not_read(layout: str) -> None:
    """The diff_ids went unread, and in some layouts nothing else is known of the layers."""
    report = report_of(builder.LAYOUTS[layout]([ImageSpec(extra={"padding": "p" * (4 << 20)})]))
    assert codes(report, Severity.ERROR) == ["IMG902"], told(report)


@pytest.mark.parametrize("key", ["dige\u017ft", "DIGEST", "Dige\u017fT"])
def test_keys_that_are_one_to_go(key: str) -> None:
    """Go takes the last of them, the long s for an s."""
    entries = builder.containerd([app(), evil()], manifest_json=False)
    listed = builder.find(entries, "index.json")
    good, other = (each["digest"] for each in json.loads(listed.data)["manifests"])
    said = f'"digest":"{good}","{key}":"{other}"'
    listed.data = listed.data.replace(f'"digest":"{good}"'.encode(), said.encode(), 1)
    assert "IMG202" in codes(report_of(entries), Severity.ERROR)


def test_config_with_a_folded_key_only() -> None:
    document = ImageSpec().config()
    rootfs = {"type": "layers", "diff_id\u017f": [builder.digest(builder.EVIL)] * 2}
    del document["rootfs"]
    for layout in ("crane", "oci_archive"):
        config = builder.go(document | {"rootf\u017f": rootfs})
        assert "IMG302" in codes(report_of(builder.LAYOUTS[layout]([ImageSpec(raw_config=config)])))


@pytest.mark.parametrize("given", [builder.DOCKER_MANIFEST, builder.OCI_CONFIG, "application/x-garbage"])
@pytest.mark.parametrize("own", [True, False])
def test_media_type_of_a_descriptor(given: str, own: bool) -> None:
    document = manifest(CONFIG, LAYERS)
    if not own:
        document = builder.go({key: value for key, value in json.loads(document).items() if key != "mediaType"})
    report = report_of(oci([descriptor(document, given)], [CONFIG, *LAYERS, document]))
    fits = not own and given == builder.DOCKER_MANIFEST
    assert codes(report, Severity.WARNING) == ([] if fits else ["IMG203"]), told(report)


@pytest.mark.parametrize("marker", [None, b"{}", b'{"imageLayoutVersion":"9.9.9"}', b"[]"])
@pytest.mark.parametrize("layout", ["containerd", "oci_archive"])
def test_layout_marker(layout: str, marker: bytes | None) -> None:
    entries = builder.LAYOUTS[layout]([app()])
    if marker is None:
        builder.drop(entries, "oci-layout")
    else:
        builder.replace(entries, "oci-layout", marker)
    severity = Severity.WARNING if layout == "containerd" else Severity.NOTE
    assert the(report_of(entries), "IMG214").severity is severity


def test_ordinary_layer_that_is_elsewhere() -> None:
    """URLs excuse the absence of a layer only where its type does, too."""
    document = json.loads(manifest(CONFIG, LAYERS))
    document["layers"][0]["urls"] = ["http://169.254.169.254/x"]
    described = builder.go(document)
    report = report_of(oci([descriptor(described)], [CONFIG, LAYERS[1], described]))
    assert the(report, "IMG204").severity is Severity.ERROR
    assert the(report, "IMG219").severity is Severity.ERROR


def test_source_of_no_layer() -> None:
    entries = builder.docker25([app()])
    source = {
        "mediaType": builder.OCI_LAYER,
        "digest": "sha256:" + "1" * 64,
        "size": 5,
        "urls": ["http://evil.example"],
    }
    edit(entries, "manifest.json", lambda images: images[0]["LayerSources"].update({"sha256:" + "0" * 64: source}))
    assert "LayerSources" in (the(report_of(entries), "IMG204").location.pointer or "")


def test_config_without_a_digest_is_named() -> None:
    """Nothing tells whether jib's config was edited, and the report says so."""
    entries = builder.jib([app()])
    config = builder.config_of(entries)
    config.data = changed(config.data)
    report = report_of(entries)
    assert_clean(report)
    assert any(each.what == "config of 1 images" for each in report.not_checked)
    assert not any(each.what.startswith("config of") for each in report_of(builder.archive("crane")).not_checked)


# ------------------------------------------------------------------------------------------------------- false alarms


def _signed(payload: bytes, cut: int = 2) -> bytes:
    """A schema 1 manifest as Docker's registry signed it: the signatures stand before its end."""

    def b64(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    protected = {"formatLength": len(payload) - cut, "formatTail": b64(payload[-cut:]), "time": builder.CREATED}
    signature = {"header": {"alg": "ES256"}, "signature": "x", "protected": b64(builder.go(protected))}
    return payload[:-cut] + b',"signatures":' + builder.go([signature]) + payload[-cut:]


def test_signed_schema_1_manifest() -> None:
    payload = builder.go({"schemaVersion": 1, "name": "x", "tag": "t", "fsLayers": [], "history": []}, 3)
    signed = _signed(payload)
    media_type = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    described = {"mediaType": media_type, "digest": builder.digest(payload), "size": len(signed)}
    path = f"blobs/sha256/{builder.sha256(payload)}"
    assert_clean(report_of([*oci([described], []), Entry(path, signed)]))
    for lie in (
        signed.replace(b'"name": "x"', b'"name": "y"'),
        signed.replace(b'"tag": "t"', b'"tag": "t", "more": 1'),
        signed[:-1] + b', "more": 1}',
    ):
        report = report_of([*oci([described | {"size": len(lie)}], []), Entry(path, lie)])
        assert report.verdict is Verdict.TAMPERED, told(report)


@pytest.mark.parametrize(
    "content", [b"BZh9 is how bzip2 begins" * 9, b"\x1f\x8b\x08 is not gzip" + bytes(50), builder.gz(bytes(999))[:-9]]
)
def test_artifact_that_merely_begins_like_a_stream(content: bytes) -> None:
    for media_type, found in (("application/octet-stream", []), ("application/x.tar+gzip", ["IMG305"])):
        document = builder.go(
            {
                "schemaVersion": 2,
                "mediaType": builder.OCI_MANIFEST,
                "artifactType": "application/x",
                "config": descriptor(b"{}", builder.OCI_EMPTY),
                "layers": [descriptor(content, media_type)],
            }
        )
        report = report_of(oci([descriptor(document)], [b"{}", content, document]))
        assert codes(report, Severity.ERROR, Severity.WARNING) == found, told(report)


def test_layout_of_other_things() -> None:
    """A build cache, or files of other types, are no images, and nothing of them is missing."""
    other = b"<xml/>"
    assert_clean(report_of(oci([descriptor(other, "application/xml")], [other])))
    layer, state = builder.gz(LAYERS[0]), builder.go({"layers": [{"blob": "x", "parent": -1}], "records": []})
    cache = builder.go(
        {
            "schemaVersion": 2,
            "mediaType": builder.OCI_INDEX,
            "manifests": [
                descriptor(layer, f"{builder.OCI_LAYER}+gzip"),
                descriptor(state, "application/vnd.buildkit.cacheconfig.v0"),
            ],
        }
    )
    assert_clean(report_of(oci([descriptor(cache, builder.OCI_INDEX)], [layer, state, cache])))
    empty = builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": []})
    report = report_of(oci([descriptor(empty, builder.OCI_INDEX)], [empty]))
    assert report.verdict is Verdict.INCOMPLETE


@pytest.mark.parametrize("ref", ["app:1.0", "docker.io/example/app:1.0", "1.0"])
def test_shorter_names_in_the_other_view(ref: str) -> None:
    entries = builder.containerd([ImageSpec(tags=["example/app:1.0"])])
    annotations = {"org.opencontainers.image.ref.name": ref}
    edit(entries, "index.json", lambda index: index["manifests"][0].update(annotations=annotations))
    assert_clean(report_of(entries))


@pytest.mark.parametrize("media_type", [builder.OCI_MANIFEST, ""])
def test_manifest_that_was_not_read(media_type: str) -> None:
    deep = manifest(CONFIG, LAYERS)[:-1] + b',"x":' + b"[" * 70 + b"]" * 70 + b"}"
    report = report_of(oci([descriptor(deep, media_type)], [deep, CONFIG, *LAYERS]))
    assert "IMG902" in codes(report, Severity.ERROR), told(report)


# ------------------------------------------------------------------------------------------------------------- headers


@pytest.mark.parametrize("name", ["\u00e9index.json", "blobs/sha256/" + "ab" * 32 + "\u00e9", "manif\u00e9est.json"])
def test_plain_name_that_means_something(name: str) -> None:
    """Go leaves characters that are not ASCII out of the plain name: what is left must not be a document's."""
    plain = name.replace("\u00e9", "")
    report = report_of([*builder.crane([app()]), Entry(plain, b"x", pax={"path": name})])
    assert "IMG109" in codes(report, Severity.ERROR), told(report)
    harmless = report_of([*builder.crane([app()]), Entry("caf.txt", b"x", pax={"path": "caf\u00e9.txt"})])
    assert codes(harmless) == ["IMG205"]
