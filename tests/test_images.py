"""What documents say: several images, indexes, views, absent parts, odd layers, links and bounds."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from imgforensics import Limits, Options, SelectionError, Severity, Verdict
from imgforensics.structure import ImageKind, View
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import (
    assert_clean,
    bad,
    case_of,
    codes,
    descriptor,
    edit,
    errors,
    image_ids,
    manifest,
    oci,
    report_of,
    the,
    told,
)

LAYERS = builder.two_layers()
CONFIG = ImageSpec().config_bytes(builder.OCI_ORDER)
MANIFEST = manifest(CONFIG, LAYERS)
ABSENT = {"mediaType": builder.OCI_MANIFEST, "digest": builder.digest(b"absent"), "size": 6}


def index(*children: dict[str, Any], **more: Any) -> bytes:
    return builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": list(children)} | more)


def index_of(data: bytes, **more: Any) -> dict[str, Any]:
    return descriptor(data, builder.OCI_INDEX, **more)


def limited(**limits: int) -> Options:
    return Options(limits=Limits(**limits))


# -------------------------------------------------------------------------------------------------------------- several


def test_many_images_keep_their_order_and_tags() -> None:
    specs = [ImageSpec(layers=[builder.layer({"n": b"%d" % n})], tags=[f"example.com/n:{n}"]) for n in range(12)]
    for layout in ("docker_legacy", "docker25", "containerd", "crane"):
        report = report_of(builder.LAYOUTS[layout](specs))
        assert_clean(report)
        assert [image.tags for image in report.images] == [tuple(spec.tags) for spec in specs]
        assert [image.index for image in report.images] == list(range(12))


def test_image_and_platform_can_be_chosen() -> None:
    specs = [ImageSpec(), ImageSpec(layers=[LAYERS[1]], tags=["tool:2"], platform="linux/arm64/v8")]
    entries = builder.crane(specs)
    assert [image.tags for image in report_of(entries, Options(image="tool:2")).images] == [("tool:2",)]
    assert [image.index for image in report_of(entries, Options(image="@0")).images] == [0]
    assert [image.index for image in report_of(entries, Options(platform="linux/arm64")).images] == [1]
    for options in (Options(image="none:1"), Options(platform="linux/s390x"), Options(image="@7")):
        with pytest.raises(SelectionError):
            report_of(entries, options)


def test_tags_of_one_image_are_one_image() -> None:
    for layout in ("docker_legacy", "docker25", "containerd", "crane", "containers_image_docker"):
        report = report_of(builder.LAYOUTS[layout]([ImageSpec(tags=["example.com/a:1", "example.com/a:2"])]))
        assert_clean(report)
        assert len(report.images) == 1
        assert set(report.images[0].tags) == {"example.com/a:1", "example.com/a:2"}


def test_shared_and_doubled_layers() -> None:
    for layout in ("docker_legacy", "docker25", "containerd", "crane", "oci_archive"):
        spec = ImageSpec(layers=[LAYERS[0], LAYERS[1], LAYERS[0]])
        report = report_of(builder.LAYOUTS[layout]([spec, ImageSpec(tags=["example.com/other:1"])]))
        assert_clean(report)
        assert [len(image.layers) for image in report.images] == [3, 2]
        members = [layer.member for layer in report.images[0].layers]
        assert members[0] == members[2] != members[1]


@pytest.mark.parametrize("data", [builder.tar([]), b""], ids=["end marker only", "no bytes"])
def test_empty_layers(data: bytes) -> None:
    for layout in ("docker_legacy", "docker25", "crane", "oci_archive"):
        assert_clean(report_of(builder.LAYOUTS[layout]([ImageSpec(layers=[LAYERS[0], data])])))


@pytest.mark.parametrize("layout", ["crane", "oci_archive"])
def test_image_without_layers(layout: str) -> None:
    report = report_of(builder.LAYOUTS[layout]([ImageSpec(layers=[])]))
    assert_clean(report)
    assert report.images[0].layers == ()


def test_layer_compressions() -> None:
    layer = LAYERS[0]
    packed = [layer, builder.gz(layer), builder.pgzip(layer), builder.zstd(layer)]
    packed += [
        builder.multi_gz(layer[:7], layer[7:]),
        builder.gz(layer) + bytes(512),
        builder.zstd(layer[:9]) + builder.zstd(layer[9:]),
    ]
    config = ImageSpec(layers=[layer] * len(packed)).config_bytes()
    document = manifest(config, packed)
    assert_clean(report_of(oci([descriptor(document)], [config, *packed, document])))


# -------------------------------------------------------------------------------------------------------------- indexes


def test_nested_indexes() -> None:
    inner = index(descriptor(MANIFEST, platform={"os": "linux", "architecture": "amd64"}))
    outer = index(index_of(inner))
    blobs = [CONFIG, *LAYERS, MANIFEST, inner, outer]
    report = report_of(oci([index_of(outer, annotations={"org.opencontainers.image.ref.name": "v1"})], blobs))
    assert_clean(report)
    assert [image.tags for image in report.images] == [("v1",)]
    assert report.images[0].platform == "linux/amd64"


def test_platforms_of_one_tag_are_images() -> None:
    specs = [ImageSpec(), ImageSpec(layers=[LAYERS[1]], platform="linux/arm64/v8")]
    report = report_of(builder.containerd(specs, index=True))
    assert_clean(report)
    assert [image.platform for image in report.images] == ["linux/amd64", "linux/arm64/v8"]


def test_missing_platforms_are_noted() -> None:
    report = report_of(builder.containerd([ImageSpec()], missing_platforms=["linux/arm64", "linux/s390x"]))
    assert_clean(report)
    assert codes(report) == ["IMG204", "IMG204"]
    assert all(finding.severity is Severity.NOTE for finding in report.findings)


@pytest.mark.parametrize("count", [1, 3])
def test_index_without_any_child_is_an_error(count: int) -> None:
    children = [ABSENT | {"digest": builder.digest(b"%d" % n)} for n in range(count)]
    top = index(*children)
    report = report_of(oci([index_of(top)], [top]))
    assert [finding.rule.code for finding in errors(report)].count("IMG204") == count, told(report)
    assert report.verdict is Verdict.INCOMPLETE


def test_missing_child_of_the_top_index_is_an_error() -> None:
    report = report_of(oci([descriptor(MANIFEST), ABSENT], [CONFIG, *LAYERS, MANIFEST]))
    assert the(report, "IMG204").claimed == ABSENT["digest"]
    assert report.verdict is Verdict.INCOMPLETE


@pytest.mark.parametrize("gone", [0, 1, 2], ids=["config", "layer 0", "layer 1"])
def test_missing_part_is_one_error(gone: int) -> None:
    blobs = [CONFIG, *LAYERS]
    lost = blobs.pop(gone)
    report = report_of(oci([descriptor(MANIFEST)], [*blobs, MANIFEST]))
    assert [finding.rule.code for finding in bad(report)] == ["IMG204"], told(report)
    assert the(report, "IMG204").claimed == builder.digest(lost)


def test_cyclic_index_ends() -> None:
    first, second = Entry("blobs/sha256/" + "a" * 64), Entry("blobs/sha256/" + "b" * 64)
    first.data = index({"mediaType": builder.OCI_INDEX, "digest": "sha256:" + "b" * 64, "size": 9})
    second.data = index({"mediaType": builder.OCI_INDEX, "digest": "sha256:" + "a" * 64, "size": 9})
    entries = oci([{"mediaType": builder.OCI_INDEX, "digest": "sha256:" + "a" * 64, "size": 9}], [])
    report = report_of([first, second, *entries])
    assert report.verdict is Verdict.TAMPERED
    assert [finding.rule.code for finding in errors(report)].count("IMG303") == 2, told(report)


def test_manifest_that_is_none_is_an_error() -> None:
    """A blob that says it is a manifest is one to whoever follows the descriptor, whatever else it may look like."""
    disguised = manifest(CONFIG, LAYERS, imageLayoutVersion="1.0.0")
    good = manifest(CONFIG, LAYERS, annotations={"a": "b"})
    report = report_of(oci([descriptor(good), descriptor(disguised)], [CONFIG, *LAYERS, good, disguised]))
    assert the(report, "IMG201").location.member == f"blobs/sha256/{builder.sha256(disguised)}"


def test_blob_of_another_type_in_the_index_is_nobodys_business() -> None:
    extra = b"<xml/>"
    listed = [descriptor(MANIFEST), descriptor(extra, "application/xml")]
    assert_clean(report_of(oci(listed, [CONFIG, *LAYERS, MANIFEST, extra])))


# ----------------------------------------------------------------------------------------------- artifacts and subjects


def test_attestations_are_no_images() -> None:
    report = report_of(builder.containerd([ImageSpec()], attestation=True))
    assert_clean(report)
    assert len(report.images) == 1
    (attestation,) = case_of(report).structure.artifacts
    assert attestation.kind is ImageKind.ATTESTATION


def _signature(subject: bytes) -> tuple[bytes, bytes]:
    statement = b'{"signed":true}'
    document = builder.go(
        {
            "schemaVersion": 2,
            "mediaType": builder.OCI_MANIFEST,
            "artifactType": "application/vnd.example.signature",
            "config": descriptor(b"{}", builder.OCI_EMPTY, data="e30="),
            "layers": [descriptor(statement, "application/vnd.example.signature+json")],
            "subject": descriptor(subject),
        }
    )
    return document, statement


def test_referrer_that_nothing_lists_is_adopted() -> None:
    document, statement = _signature(MANIFEST)
    report = report_of(oci([descriptor(MANIFEST)], [CONFIG, *LAYERS, MANIFEST, document, statement, b"{}"]))
    assert_clean(report)
    (artifact,) = case_of(report).structure.artifacts
    assert artifact.kind is ImageKind.ARTIFACT
    assert str(artifact.subject) == builder.digest(MANIFEST)


def test_referrer_of_something_absent_is_unreferenced() -> None:
    document, statement = _signature(b"somewhere else")
    report = report_of(oci([descriptor(MANIFEST)], [CONFIG, *LAYERS, MANIFEST, document, statement, b"{}"]))
    finding = the(report, "IMG205")
    assert finding.location.member == f"blobs/sha256/{builder.sha256(document)}"
    assert report.verdict is Verdict.SUSPECT


def test_listed_referrer_of_something_absent_is_only_noted() -> None:
    document, statement = _signature(b"somewhere else")
    report = report_of(oci([descriptor(document)], [document, statement, b"{}"]))
    assert_clean(report)
    assert codes(report) == ["IMG204"]


@pytest.mark.parametrize("present", [True, False])
def test_embedded_data(present: bool) -> None:
    document, statement = _signature(MANIFEST)
    blobs = [CONFIG, *LAYERS, MANIFEST, document, statement, *([b"{}"] if present else [])]
    report = report_of(oci([descriptor(MANIFEST), descriptor(document)], blobs))
    assert_clean(report)
    lie = document.replace(b"e30=", base64.b64encode(b"[]"))
    report = report_of(oci([descriptor(MANIFEST), descriptor(lie)], [*blobs[:4], lie, statement, b"{}"]))
    assert the(report, "IMG303").location.pointer == "/config/data"
    assert report.verdict is Verdict.TAMPERED


# ---------------------------------------------------------------------------------------------------- docker's own ways


def _forgotten(specs: list[ImageSpec], change: Callable[[Any], object]) -> list[Entry]:
    entries = builder.docker25(specs)
    edit(entries, "index.json", change)
    return entries


def test_docker_25_untagged_image_that_index_json_forgot() -> None:
    entries = _forgotten([ImageSpec(tags=[])], lambda document: document.update(manifests=None))
    report = report_of(entries)
    assert_clean(report)
    assert len(report.images) == 1
    assert report.images[0].manifest_member is not None


def test_docker_25_untagged_image_beside_a_tagged_one() -> None:
    specs = [ImageSpec(), ImageSpec(layers=[LAYERS[1]], tags=[])]
    report = report_of(_forgotten(specs, lambda document: document["manifests"].pop()))
    assert_clean(report)
    assert len(report.images) == 2


def test_tagged_image_that_index_json_does_not_list() -> None:
    specs = [ImageSpec(), ImageSpec(layers=[LAYERS[1]], tags=["example.com/other:1"])]
    report = report_of(_forgotten(specs, lambda document: document["manifests"].pop()))
    assert the(report, "IMG206").location.image == 1


def test_before_docker_110() -> None:
    report = report_of(builder.pre110([ImageSpec(), ImageSpec(layers=[LAYERS[1]], tags=["example.com/o:1"])]))
    assert_clean(report)
    assert {image.tags for image in report.images} == {("example.com/app:1.0",), ("example.com/o:1",)}
    assert sorted(len(image.layers) for image in report.images) == [1, 2]
    assert codes(report) == ["IMG212", "IMG212"]
    assert case_of(report).structure.layouts == (View.SAVE,)


def test_before_docker_110_with_a_lost_parent() -> None:
    entries = builder.pre110([ImageSpec()])
    folders = [entry.path for entry in entries if entry.path.endswith("/json") and b'"parent"' not in entry.data]
    lost = folders[0].partition("/")[0]
    report = report_of([entry for entry in entries if not entry.path.startswith(lost)])
    assert [finding.rule.code for finding in errors(report)] == ["IMG204"], told(report)


def test_sha512() -> None:
    report = report_of(builder.oci_layout_sha512([ImageSpec()]))
    assert_clean(report)
    assert all(len(name.partition(":")[2]) == 64 for name in image_ids(report))


# ------------------------------------------------------------------------------------------------ documents that differ


def _two_faces(*, tagged: bool, with_manifest: bool) -> list[Entry]:
    """manifest.json shows one image, index.json another; both truthful in themselves."""
    evil = builder.containerd([ImageSpec(layers=[builder.EVIL], tags=["example.com/app:1.0"] if tagged else [])])
    good = builder.containerd([ImageSpec()])
    target = json.loads(builder.find(evil, "index.json").data)["manifests"][0]["digest"].partition(":")[2]
    blobs = {entry.path: entry for entry in (*good, *evil) if entry.path.startswith("blobs/")}
    if not with_manifest:
        del blobs[f"blobs/sha256/{target}"]
    return [
        *blobs.values(),
        *(builder.find(good, name) for name in ("index.json", "oci-layout")),
        builder.find(evil, "manifest.json"),
    ]


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("with_manifest", [True, False])
def test_views_that_disagree(tagged: bool, with_manifest: bool) -> None:
    """Also where the other image's manifest lies about: a manifest that index.json does not name names nothing."""
    report = report_of(_two_faces(tagged=tagged, with_manifest=with_manifest))
    finding = the(report, "IMG206")
    assert finding.computed != finding.claimed
    assert {finding.claimed, finding.computed} == set(image_ids(report))
    assert report.verdict is Verdict.SUSPECT


@pytest.mark.parametrize("before", [True, False])
def test_second_manifest_json(before: bool) -> None:
    good, evil = builder.crane([ImageSpec()]), builder.crane([ImageSpec(layers=[builder.EVIL])])
    entries = list({entry.path: entry for entry in (*evil[:-1], *good)}.values())
    builder.duplicate(entries, "manifest.json", evil[-1].data, before=before)
    report = report_of(entries)
    assert codes(report, Severity.ERROR) == ["IMG104"], told(report)
    assert "would load" in the(report, "IMG104").message
    assert len(report.images) == 2
    assert report.verdict is Verdict.SUSPECT


@pytest.mark.parametrize("extra", [b'"Config":"x.json",', b'"config":"x.json",', b'"LAYERS":[],'])
def test_keys_that_stand_twice(extra: bytes) -> None:
    entries = builder.crane([ImageSpec()])
    listed = builder.find(entries, "manifest.json")
    listed.data = listed.data.replace(b"[{", b"[{" + extra)
    report = report_of(entries)
    assert the(report, "IMG202").location.member == "manifest.json"
    assert report.verdict is Verdict.SUSPECT


@pytest.mark.parametrize(
    "extra", [{"layers": []}, {"manifests": []}, {"fsLayers": []}, {"imageLayoutVersion": "1.0.0"}]
)
def test_config_that_looks_like_another_document(extra: dict[str, Any]) -> None:
    """Keys that readers of configs ignore must not keep the layers from being compared."""
    for layout in ("crane", "containerd", "docker_legacy", "oci_archive"):
        entries = builder.LAYOUTS[layout](
            [ImageSpec(extra=extra | {"rootfs": {"type": "layers", "diff_ids": [builder.digest(b"x")] * 2}})]
        )
        report = report_of(entries)
        assert report.verdict is Verdict.TAMPERED, told(report)
        assert "IMG302" in codes(report), told(report)


def test_config_with_keys_of_another_case() -> None:
    """Go reads `RootFS` as `rootfs`."""
    document = ImageSpec().config()
    rootfs = {"Type": "layers", "Diff_IDs": [builder.digest(b"x"), builder.digest(b"y")]}
    del document["rootfs"]
    for layout in ("crane", "containerd"):
        spec = ImageSpec(raw_config=builder.go(document | {"RootFS": rootfs}))
        report = report_of(builder.LAYOUTS[layout]([spec]))
        assert report.verdict is Verdict.TAMPERED, told(report)


@pytest.mark.parametrize("raw", [b"", b"garbage", b"null", b"[]", b"{}", b'{"os":"linux","architecture":"amd64"}'])
def test_config_that_is_none(raw: bytes) -> None:
    """Nothing could be compared, so that nothing is intact."""
    for layout in ("docker_legacy", "docker25", "containerd", "oci_archive", "crane", "jib"):
        report = report_of(builder.LAYOUTS[layout]([ImageSpec(raw_config=raw)]))
        assert [finding.rule.code for finding in bad(report)] == ["IMG201"], (layout, told(report))


# ----------------------------------------------------------------------------------------------------------- odd layers


def test_encrypted_layer_is_unchecked() -> None:
    secret = b"\x93\x11cipher text" * 99
    document = manifest(CONFIG, [LAYERS[0], secret]).replace(
        b'tar","digest":"' + builder.digest(secret).encode(),
        b'tar+encrypted","digest":"' + builder.digest(secret).encode(),
    )
    assert b"+encrypted" in document
    report = report_of(oci([descriptor(document)], [CONFIG, LAYERS[0], secret, document]))
    assert_clean(report)
    assert any("encrypted" in each.reason for each in report.not_checked)


@pytest.mark.parametrize(
    "media_type",
    [builder.OCI_LAYER.replace("v1", "nondistributable.v1"), builder.DOCKER_LAYER.replace("diff", "foreign.diff")],
)
def test_foreign_layer_is_noted(media_type: str) -> None:
    absent = {
        "mediaType": media_type,
        "digest": builder.digest(LAYERS[0]),
        "size": 1,
        "urls": ["https://example.com/l"],
    }
    document = builder.go(json.loads(MANIFEST) | {"layers": [absent, descriptor(LAYERS[1], builder.OCI_LAYER)]})
    report = report_of(oci([descriptor(document)], [CONFIG, LAYERS[1], document]))
    assert_clean(report)
    assert codes(report) == ["IMG204", "IMG219"]


# ---------------------------------------------------------------------------------------------------------------- links


def _linked(*links: Entry) -> list[Entry]:
    """A docker archive whose lowest layer is reached through links, the first of which is called as it was."""
    entries = builder.docker_legacy([ImageSpec()])
    layer = builder.layers_of(entries)[0]
    links[0].name = layer.path
    entries[entries.index(layer)] = links[0]
    return [*entries, *links[1:]]


def test_links_in_a_circle() -> None:
    report = report_of(
        _linked(
            Entry("", type=b"2", linkname="../a"),
            Entry("a", type=b"2", linkname="b"),
            Entry("b", type=b"2", linkname="a"),
        )
    )
    assert {"IMG106", "IMG204"} <= set(codes(report)), told(report)
    assert report.verdict is Verdict.INCOMPLETE


@pytest.mark.parametrize("target", ["../../../etc/passwd", "/etc/passwd"])
@pytest.mark.parametrize("kind", [b"1", b"2"])
def test_links_that_lead_out(target: str, kind: bytes) -> None:
    report = report_of(_linked(Entry("", type=kind, linkname=target)))
    assert "IMG105" in codes(report, Severity.ERROR), told(report)
    assert "IMG204" in codes(report, Severity.ERROR), told(report)


def test_chain_of_links_is_followed() -> None:
    links = [
        Entry("", type=b"2", linkname="../a"),
        Entry("b", type=b"2", linkname="c"),
        Entry("a", type=b"1", linkname="b"),
        Entry("c", LAYERS[0]),
    ]
    report = report_of(_linked(*links))
    assert [finding.rule.code for finding in bad(report)] == ["IMG216"], told(report)
    assert not errors(report)


def test_linked_folder_is_followed() -> None:
    entries = builder.docker_legacy([ImageSpec()])
    folder = builder.layers_of(entries)[0].path.partition("/")[0]
    for entry in entries:
        if entry.path.startswith(folder):
            entry.name = entry.path.replace(folder, "real", 1)
    report = report_of([*entries, Entry(folder, type=b"2", linkname="real")])
    assert codes(report, Severity.ERROR, Severity.WARNING) == ["IMG216"], told(report)


# --------------------------------------------------------------------------------------------------------------- bounds


def _limit_reached(entries: list[Entry], options: Options) -> None:
    assert "IMG902" in codes(report := report_of(entries, options)), told(report)
    assert report.verdict is not Verdict.INTACT


def test_bounds_on_images_and_layers() -> None:
    specs = [ImageSpec(layers=[builder.layer({"n": b"%d" % n})], tags=[f"example.com/n:{n}"]) for n in range(5)]
    for layout in ("docker25", "crane", "oci_archive"):
        entries = builder.LAYOUTS[layout](specs)
        assert_clean(report_of(entries, limited(images=5)))
        _limit_reached(entries, limited(images=4))
        _limit_reached(builder.LAYOUTS[layout]([ImageSpec()]), limited(layers=1))


def test_bounds_on_the_graph() -> None:
    document, blobs = MANIFEST, [CONFIG, *LAYERS, MANIFEST]
    child = descriptor(document)
    for _ in range(5):
        document = index(child)
        blobs.append(document)
        child = index_of(document)
    entries = oci([child], blobs)
    assert_clean(report_of(entries))
    _limit_reached(entries, limited(graph_depth=3))
    _limit_reached(entries, limited(graph_nodes=4))


def test_bounds_on_documents() -> None:
    for layout in ("docker25", "crane", "oci_archive"):
        entries = builder.LAYOUTS[layout]([ImageSpec(container={"Labels": {"filling": "x" * 4000}})])
        assert_clean(report_of(entries))
        report = report_of(entries, limited(document=3000))
        assert report.verdict is not Verdict.INTACT, told(report)


def test_bound_on_all_documents_together() -> None:
    """Documents that nobody asked for must not keep the others from being read unnoticed."""
    for layout in ("docker_legacy", "docker25", "containerd", "oci_archive", "crane"):
        entries = builder.LAYOUTS[layout]([ImageSpec(container={"Labels": {"filling": "x" * 4000}})])
        assert_clean(report_of(entries))
        report = report_of(entries, limited(documents=3000))
        assert "IMG902" in codes(report), told(report)
        assert "IMG905" not in codes(report), told(report)


def test_bounds_on_members_and_growth() -> None:
    entries = builder.crane([ImageSpec(layers=[builder.layer({"zeros": bytes(1 << 20)})])])
    _limit_reached(entries, limited(members=2))
    _limit_reached(entries, limited(inflated=1 << 16))
    _limit_reached(entries, limited(ratio=10, ratio_floor=1 << 10))


def test_absurd_numbers() -> None:
    many = [{"Config": "none.json", "RepoTags": None, "Layers": ["x/layer.tar"]}] * 3000
    entries = [*builder.crane([ImageSpec()])[:-1], Entry("manifest.json", builder.go(many))]
    report = report_of(entries)
    assert report.verdict is not Verdict.INTACT
    assert codes(report).count("IMG204") == 2, told(report)
    entries = oci([ABSENT] * 25_000, [])
    assert report_of(entries).verdict is not Verdict.INTACT
    deep = b"[" * 100_000
    for name in ("manifest.json", "index.json", "repositories", "oci-layout"):
        assert report_of([Entry(name, deep), *builder.crane([ImageSpec()])[:-1]]).verdict is not Verdict.INTACT
