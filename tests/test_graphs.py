"""Documents that lead to each other by many ways, and what a document names that can be read in more than one."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from imgforensics import Limits, Options, Severity, ociview
from imgforensics.mentions import names_in
from imgforensics.report import ArchiveReport
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import assert_clean, codes, descriptor, manifest, oci, report_of, the, told


def limited(**bounds: int) -> Options:
    return Options(limits=Limits(**bounds))


def messages(report: ArchiveReport) -> list[str]:
    return [finding.message for finding in report.findings if finding.rule.code == "IMG902"]


def index_of(*entries: dict[str, Any]) -> bytes:
    return builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": list(entries)})


def test_a_document_is_read_once_however_many_ways_lead_to_it(counted: Callable[[Any, str], Counter[str]]) -> None:
    """Fourteen indexes that list the next one twice: 16384 ways to the image, and a name for each of two."""
    layers, config = builder.two_layers(), ImageSpec().config_bytes()
    blobs = [manifest(config, layers)]
    top = descriptor(blobs[0])
    for _ in range(14):
        blobs.append(index_of(top, top | {"annotations": {"way": "another"}}))
        top = descriptor(blobs[-1], builder.OCI_INDEX)
    names = [{"annotations": {"org.opencontainers.image.ref.name": f"example.com/a:{number}"}} for number in range(2)]
    calls = counted(ociview, "read_index")
    counted(ociview, "read_manifest")
    report = report_of(oci([top | name for name in names], [config, *layers, *blobs]))
    assert_clean(report)
    assert calls == {"read_index": 15, "read_manifest": 1}
    assert report.images[0].tags == ("example.com/a:0", "example.com/a:1")


def named_twice(depth: int) -> list[Entry]:
    """Two indexes of different names over one, and others below: the second name has to go all the way down."""
    layers, config = builder.two_layers(), ImageSpec().config_bytes()
    blobs = [manifest(config, layers)]
    top = descriptor(blobs[0])
    for _ in range(depth):
        blobs.append(index_of(top))
        top = descriptor(blobs[-1], builder.OCI_INDEX)
    tops = [index_of(top | {"annotations": {"n": str(number)}}) for number in range(2)]
    names = [{"annotations": {"org.opencontainers.image.ref.name": f"example.com/a:{number}"}} for number in range(2)]
    listed = [descriptor(each, builder.OCI_INDEX) | name for each, name in zip(tops, names, strict=True)]
    return oci(listed, [config, *layers, *blobs, *tops])


def test_every_name_goes_down_to_the_image() -> None:
    for depth in (1, 2, 5):
        assert report_of(named_twice(depth)).images[0].tags == ("example.com/a:0", "example.com/a:1")


def test_ways_by_which_names_go_down_are_bounded() -> None:
    report = report_of(named_twice(5), limited(references=15))
    assert not any("ways" in each for each in messages(report))
    layers, config = builder.two_layers(), ImageSpec().config_bytes()
    document = manifest(config, layers)
    wide = index_of(*[descriptor(document)] * 40)
    inner = descriptor(wide, builder.OCI_INDEX)
    tops = [index_of(inner | {"annotations": {"n": str(number)}}) for number in range(9)]
    names = [{"annotations": {"org.opencontainers.image.ref.name": f"example.com/a:{number}"}} for number in range(9)]
    listed = [descriptor(each, builder.OCI_INDEX) | name for each, name in zip(tops, names, strict=True)]
    entries = oci(listed, [config, *layers, document, wide, *tops])
    assert_clean(report_of(entries))
    assert any("by 320 ways" in each for each in messages(report_of(entries, limited(references=300))))


def test_siblings_are_looked_at_once(counted: Callable[[Any, str], Counter[str]]) -> None:
    """Manifests of other platforms, none of which has its config here."""
    config, layers = ImageSpec().config_bytes(), builder.two_layers()
    bare = [manifest(b"{gone %d" % number, [b"gone"]) for number in range(50)]
    index = index_of(*(descriptor(each) for each in [*bare, manifest(config, layers)]))
    calls = counted(ociview, "_complete")
    report = report_of(
        oci([descriptor(index, builder.OCI_INDEX)], [index, *bare, manifest(config, layers), config, *layers])
    )
    assert_clean(report)
    assert calls["_complete"] == 51


def test_an_index_that_lists_itself_is_read_once() -> None:
    """Its bytes cannot fit its name, and every reader that does not hash goes round."""
    name = "sha256:" + "5" * 64
    top = {"mediaType": builder.OCI_INDEX, "digest": name, "size": 1}
    entries = [Entry("blobs/sha256/" + "5" * 64, index_of(top | {"annotations": {"way": "down"}}))]
    report = report_of([*entries, *oci([top | {"annotations": {"org.opencontainers.image.ref.name": "a:1"}}], [])])
    assert set(codes(report)) == {"IMG303", "IMG210"}


# ------------------------------------------------------------------------------------------------ what a document names


def test_orphans_are_told_with_the_document_that_another_reading_finds_them_in() -> None:
    spec, evil = ImageSpec(), ImageSpec(layers=[builder.EVIL])
    entries = builder.containers_image_docker([spec])
    more = [entry for entry in builder.containers_image_docker([evil]) if entry.path.endswith((".tar", ".json"))]
    hidden = [entry for entry in more if entry.path != "manifest.json" and "/" not in entry.path]
    second = builder.find(more, "manifest.json").data
    document = builder.find(entries, "manifest.json")
    document.data += second
    report = report_of([*entries, *hidden])
    assert codes(report, Severity.ERROR, Severity.WARNING) == ["IMG201"], told(report)
    assert {place.member for place in the(report, "IMG201").related} == {entry.path for entry in hidden}
    report = report_of([*entries, *hidden, Entry("more", b"x")])
    assert the(report, "IMG205").location.member == "more"


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (b'{"a":"x/y","b":["z"]}', {"a", "b", "x/y", "z"}),
        ('{"a":"é"}'.encode("utf-16"), set()),
        ('{"a":"x"}'.encode("utf-16"), {"a", "x"}),
        (b'"sha256:' + b"AB" * 32 + b'"', {"sha256:" + "AB" * 32, "ab" * 32}),
        (b'"' + b"x" * 600 + b'"', set()),
    ],
)
def test_texts_of_a_document_however_it_is_read(raw: bytes, names: set[str]) -> None:
    assert names <= names_in(raw) <= names | {"a", "\ufffd"}
