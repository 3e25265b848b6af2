"""Archives that were made to slip through: each hides a lie behind something that a check might excuse or not look at."""

import json

import pytest

from imgforensics import Verdict
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import descriptor, edit, errors, manifest, oci, report_of, the, told

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
