"""Archives that were made to slip through: each hides a lie behind something that a check might excuse or not look at."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from imgforensics import Options, Severity, Verdict
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import assert_clean, codes, descriptor, edit, errors, manifest, oci, report_of, the, told

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
