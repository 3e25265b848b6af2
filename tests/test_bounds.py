"""Small archives that once cost minutes or gigabytes: what they cost is counted, never timed."""

import json
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from imgforensics import Options, legacy, v1id
from imgforensics.case import Case
from imgforensics.documentreader import Reader, read_index, read_repositories, read_save_manifest
from imgforensics.likeness import Shelf
from imgforensics.limits import MIB, Limits
from imgforensics.model import Anomaly, AnomalyKind, Outcome, What
from imgforensics.oddities import Oddities, shortened
from imgforensics.report import ArchiveReport
from imgforensics.strictjson import parse_json
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.support import assert_clean, case_of, codes, descriptor, edit, oci, report_of, the, told


@contextmanager
def peak_below(size: int) -> Iterator[None]:
    """Python's own memory, in bytes, must stay below a generous bound."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


def limited(**bounds: int) -> Options:
    return Options(limits=Limits(**bounds))


def messages(report: ArchiveReport, code: str = "IMG902") -> list[str]:
    return [finding.message for finding in report.findings if finding.rule.code == code]


# ------------------------------------------------------------------------------------------------------------ oddities


def test_a_flood_of_one_kind_hides_no_other_and_says_that_it_was_cut() -> None:
    kept = Oddities(most=3, pointer=10)
    kept.extend(Anomaly(AnomalyKind.MISSING_KEY, f"{number} is missing") for number in range(1000))
    kept.extend([Anomaly(AnomalyKind.DUPLICATE_KEY, "twice", pointer="/a/b")] * 1000)
    kinds = Counter(anomaly.kind for anomaly in kept)
    assert kinds == {AnomalyKind.MISSING_KEY: 3, AnomalyKind.DUPLICATE_KEY: 1, AnomalyKind.LIMIT: 1}
    (said,) = (anomaly.detail for anomaly in kept if anomaly.kind is AnomalyKind.LIMIT)
    assert said == "more than 3 oddities of the kind 'missing-key'; the others are not listed"


@pytest.mark.parametrize(("pointer", "short"), [("/a/b", "/a/b"), ("/aaaa/bbbbbb", "/aaaa"), ("/" + "a" * 50, "")])
def test_a_long_pointer_leads_to_the_value_around_its_place(pointer: str, short: str) -> None:
    assert shortened(pointer, 10) == short


# ----------------------------------------------------------------------------------------------------------- documents


def test_the_children_of_a_long_key_do_not_repeat_it() -> None:
    bomb = b'{"%s":[%s]}' % (b"k" * 100_000, b",".join([b"[]"] * 5000))
    with peak_below(8 * MIB):
        assert parse_json(bomb).problems == ()
    odd = b'{"%s":[%s]}' % (b"k" * 100_000, b",".join([b'{"a":1,"a":1}'] * 5000))
    with peak_below(16 * MIB):
        problems = parse_json(odd).problems
    assert [(problem.kind, problem.pointer) for problem in problems] == [(AnomalyKind.DUPLICATE_KEY, "")]
    problems = parse_json(odd.replace(b"k", b"", 99_900)).problems
    assert Counter(problem.kind for problem in problems) == {AnomalyKind.DUPLICATE_KEY: 100, AnomalyKind.LIMIT: 1}


def test_pointers_are_made_of_what_is_repeated_only(counted: Callable[[Any, str], Counter[str]]) -> None:
    from imgforensics import strictjson

    calls = counted(strictjson, "escape_pointer")
    (problem,) = parse_json(b'{"a":[%s,{"x~y":{"b":1,"b":2}}]}' % b",".join([b"[]"] * 500)).problems
    assert problem.pointer == "/a/500/x~0y/b"
    assert calls["escape_pointer"] == 4


def flood(documents: int, layers: int) -> bytes:
    manifests = [
        b'{"schemaVersion":2,"n":%d,"config":{},"layers":[%s]}' % (number, b",".join([b"{}"] * layers))
        for number in range(documents)
    ]
    return builder.tar(oci([descriptor(each) for each in manifests], manifests))


def test_manifests_of_empty_descriptors_are_cut_before_they_are_read(
    counted: Callable[[Any, str], Counter[str]],
) -> None:
    calls = counted(Reader, "descriptor")
    report = report_of(flood(3, 20_000))
    assert calls["descriptor"] == 3 + 3 * (1 + Limits().layers)
    assert sum("lists 20000 layers; read up to 2000" in each for each in messages(report)) == 3
    assert len(report.findings) < 1000
    assert {"IMG201", "IMG209", "IMG902"} <= set(codes(report))


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"Layers": [1] * 50}, "Layers"),
        ({"LayerSources": {str(number): {} for number in range(50)}}, "LayerSources"),
    ],
)
def test_an_array_that_is_cut_is_said_to_be(document: dict[str, Any], key: str) -> None:
    limits = Limits(layers=10, problems=1000)
    reader = Reader(limits)
    (entry,) = read_save_manifest([document], limits, reader)
    assert len(entry.layers) + len(entry.layer_sources) == 10
    assert [each.pointer for each in reader.problems if each.kind is AnomalyKind.LIMIT] == [f"/0/{key}"]


def test_an_index_and_a_history_that_are_cut_are_said_to_be() -> None:
    limits = Limits(graph_nodes=10)
    reader = Reader(limits)
    assert len(read_index({"manifests": [{}] * 50}, limits, reader).manifests) == 10
    assert [each.pointer for each in reader.problems if each.kind is AnomalyKind.LIMIT] == ["/manifests"]
    entries = builder.crane([ImageSpec(extra={"history": [{"empty_layer": True}] * 50})])
    assert any("lists 50 history; read up to 40" in each for each in messages(report_of(entries, limited(layers=10))))


def test_a_digest_that_is_far_too_long_is_cut_and_still_wrong() -> None:
    long = "sha256:" + "0" * 5000
    entries = builder.crane([ImageSpec()])
    config = builder.config_of(entries)
    document = json.loads(config.data)
    document["rootfs"]["diff_ids"][0] = long
    config.data = builder.go(document)
    report = report_of(entries)
    assert any("a digest of 5007 characters; read up to 1024" in each for each in messages(report))
    assert report.images[0].layers[0].claimed_diff_id == long[:1024]
    (wrong,) = (each for each in case_of(report).verifications if each.what is What.DIFF_ID and each.subject.layer == 0)
    assert wrong.outcome is Outcome.MISMATCH
    report = report_of(oci([{**descriptor(b"{}"), "digest": long}], []))
    assert {"IMG209", "IMG902"} <= set(codes(report))


def test_references_of_all_documents_together_are_bounded() -> None:
    report = report_of(flood(20, 10), limited(references=50))
    assert len(case_of(report).structure.references) <= 50 + 11
    assert any("references were read; those of further documents were not" in each for each in messages(report))
    entries = builder.crane([ImageSpec(tags=[f"example.com/app:{number}"], layers=[b""] * 9) for number in range(9)])
    report = report_of(entries, limited(references=20))
    assert len(report.images) < 9
    assert any("references were read" in each for each in messages(report))


def test_values_of_all_documents_together_are_bounded() -> None:
    entries = [Entry(f"{number}.json", b"[" + b",".join([b"{}"] * 500) + b"]") for number in range(4)]
    report = report_of([*entries, *builder.crane([ImageSpec()])], limited(json_values=1500))
    assert any(
        "manifest.json: was not read: the documents hold more than 1500 values" in each for each in messages(report)
    )
    assert report.verdict != "intact"
    assert_clean(report_of(builder.crane([ImageSpec()]), limited(json_values=1500)))


def test_repositories_are_looked_up_once_and_their_names_are_no_struct_fields(
    counted: Callable[[Any, str], Counter[str]],
) -> None:
    calls = counted(Reader, "get")
    reader = Reader()
    table: dict[str, object] = {f"name{number}": {"t": "id"} for number in range(500)}
    found = read_repositories({**table, "App": {"t": "1"}, "app": {"t": "2"}, "odd": 3, "a/b": {"t": 4}}, reader)
    assert calls["get"] == 0
    assert (len(found), found["App"], found["app"], found["odd"]) == (504, {"t": "1"}, {"t": "2"}, {})
    assert [(each.kind, each.pointer) for each in reader.problems] == [
        (AnomalyKind.BAD_VALUE, "/odd"),
        (AnomalyKind.BAD_VALUE, "/a~1b/t"),
    ]


def test_what_is_odd_about_a_shared_config_is_said_once() -> None:
    spec = ImageSpec()
    raw = spec.config_bytes()[:-1] + b',"x":[' + b",".join([b'{"a":1,"a":1}'] * 2000) + b"]}"
    name = builder.sha256(raw) + ".json"
    layers = [Entry(f"{number}.tar", data) for number, data in enumerate(spec.layers)]
    listed = [{"Config": name, "RepoTags": None, "Layers": [each.path for each in layers]}] * 3
    report = report_of([Entry(name, raw), *layers, Entry("manifest.json", builder.go(listed))])
    assert Counter(codes(report)) == {"IMG202": 100, "IMG902": 1, "IMG407": 1}, told(report)


# --------------------------------------------------------------------------------------------------------------- paths


def test_a_deep_member_costs_no_memory_for_each_of_its_folders() -> None:
    deep = builder.pax_records({"path": "a/" * 5000 + "b"})
    entries = [*builder.crane([ImageSpec()]), Entry("deep", pax={"path": "a/" * 5000 + "b"})]
    assert len(deep) > 10_000
    with peak_below(8 * MIB):
        report = report_of([*entries, Entry("link", type=b"2", linkname="nowhere")])
    assert "IMG106" in codes(report)


def test_a_folder_is_known_by_what_lies_in_it() -> None:
    entries = [*builder.crane([ImageSpec()]), Entry("a/b-c/file"), Entry("a/b/file"), Entry("empty", type=b"5")]
    links = [Entry(f"l{number}", type=b"2", linkname=to) for number, to in enumerate(["a", "a/b", "empty", ".", "a/c"])]
    broken = case_of(report_of([*entries, *links])).structure.broken_links
    assert [anomaly.detail for anomaly in broken.values()] == ["symlink to 'a/c'"]


def test_a_path_beyond_what_readers_take_is_not_followed_but_found_by_its_own_name() -> None:
    entries = builder.crane([ImageSpec()])
    link = Entry("link", type=b"2", linkname=".")
    name = "d/" * 300 + "layer.tar"
    layer = builder.layers_of(entries)[0]
    renamed = [Entry(name, layer.data, pax={"path": name}) if each is layer else each for each in entries]
    edit(renamed, "manifest.json", lambda document: document[0]["Layers"].__setitem__(0, name))
    assert_clean(report_of(renamed))
    edit(renamed, "manifest.json", lambda document: document[0]["Layers"].__setitem__(0, f"link/{name}"))
    report = report_of([*renamed, link, Entry("far", type=b"2", pax={"linkpath": "a/" * 300})])
    assert "IMG204" in codes(report)
    assert any("was not followed: the path is longer or deeper" in each for each in messages(report, "IMG106"))
    catalogue = case_of(report).catalogue
    assert catalogue.resolve("a/" * 80_000) == ((), AnomalyKind.LIMIT)
    assert catalogue.resolve("a" * 5000) == ((), AnomalyKind.LIMIT)


def test_folders_with_documents_are_bounded() -> None:
    image = ImageSpec()
    entries = []
    for number in range(4):
        for each in builder.oci_archive([image]):
            each.name = f"{number}/{each.path}"
            entries.append(each)
    assert not messages(report_of(entries, limited(roots=4)))
    report = report_of(entries, limited(roots=3))
    assert messages(report) == ["the archive: 4 folders hold documents; read are those in the first 3"]
    assert report.verdict == "suspect"


# -------------------------------------------------------------------------------------------------------- many of them


def test_wrong_members_are_explained_in_one_pass(counted: Callable[[Any, str], Counter[str]]) -> None:
    calls = counted(Case, "cause")
    counted(Case, "mismatches")
    entries = [*builder.crane([ImageSpec()]), *(Entry(f"blobs/sha256/{number:064x}") for number in range(300))]
    layer = builder.swap_layer(entries)
    report = report_of(entries)
    assert len(messages(report, "IMG303")) == 301
    assert calls["cause"] < 50
    assert calls["mismatches"] < 50
    found = next(each for each in report.findings if each.location.member == layer.path)
    assert (found.location.image, found.location.layer) == (0, 0)
    assert [place.pointer for place in found.related] == ["/rootfs/diff_ids/0"]


def test_different_images_are_never_compared_each_with_each(counted: Callable[[Any, str], Counter[str]]) -> None:
    calls = counted(Shelf, "_same_bytes")
    each = [ImageSpec(tags=[f"example.com/app:{number}"], extra={"n": number}) for number in range(60)]
    report = report_of(builder.containerd(each))
    assert_clean(report)
    assert [len(image.views) for image in report.images] == [2] * 60
    assert calls["_same_bytes"] == 0


def test_many_images_that_are_the_same_become_one() -> None:
    spec = ImageSpec()
    entries = builder.crane([spec])

    def repeat(document: list[dict[str, Any]]) -> None:
        document[:] = [{**document[0], "RepoTags": [f"example.com/app:{number}"]} for number in range(101)]

    edit(entries, "manifest.json", repeat)
    (image,) = report_of(entries).images
    assert image.tags == tuple(f"example.com/app:{number}" for number in range(101))
    assert len(image.references) == 101


def lacking(count: int) -> list[Entry]:
    """Images of one config that lack their first layer, and differ in their second."""
    spec = ImageSpec()
    names = [f"layer{number}" for number in range(count)]
    listed = [{"Config": "config.json", "RepoTags": None, "Layers": ["gone", name]} for name in names]
    layers = [Entry(name, name.encode()) for name in names]
    return [Entry("config.json", spec.config_bytes()), *layers, Entry("manifest.json", builder.go(listed))]


def test_images_that_lack_layers_are_compared_so_many_times_at_most(
    counted: Callable[[Any, str], Counter[str]],
) -> None:
    report = report_of(lacking(30))
    assert len(report.images) == 30
    assert not messages(report)
    calls = counted(Shelf, "_same_bytes")
    report = report_of(lacking(30), limited(comparisons=100))
    assert calls["_same_bytes"] <= 100
    assert messages(report) == ["the archive: 30 images; some of those that are the same may be told apart"]


def test_a_layer_that_one_view_lacks_is_filled_in_before_the_next_is_compared() -> None:
    spec = ImageSpec()
    layers = [Entry(f"{number}.tar", data) for number, data in enumerate([*spec.layers, builder.EVIL])]
    names = [["0.tar", "gone"], ["0.tar", "1.tar"], ["0.tar", "2.tar"], ["gone", "1.tar"]]
    listed = [{"Config": "config.json", "RepoTags": None, "Layers": each} for each in names]
    report = report_of([Entry("config.json", spec.config_bytes()), *layers, Entry("manifest.json", builder.go(listed))])
    held = [
        [case_of(report).name(layer.member) for layer in image.layers if layer.member is not None]
        for image in report.images
    ]
    assert held == [["0.tar", "1.tar"], ["0.tar", "2.tar"]]


# ---------------------------------------------------------------------------------------------------------- legacy IDs


def chain(length: int, tops: int) -> list[Entry]:
    ids = [f"{number:064x}" for number in range(1, length + 1)]
    documents = [{"id": own, **({"parent": ids[place - 1]} if place else {})} for place, own in enumerate(ids)]
    documents += [{"id": f"f{number:063x}", "parent": ids[-1]} for number in range(tops)]
    return [Entry(f"{document['id']}/json", builder.go(document)) for document in documents]


def test_legacy_images_share_the_references_of_their_common_layers() -> None:
    report = report_of(chain(20, 10))
    assert [len(image.layers) for image in report.images] == [21] * 10
    assert len(case_of(report).structure.references) == 30
    for bounds, left in (({"images": 4}, 4), ({"references": 100}, 5)):
        report = report_of(chain(20, 10), limited(**bounds))
        assert len(report.images) == left
        assert messages(report) == [f"the archive: 10 chains of legacy layers; read are the first {left}"]
    report = report_of(chain(20, 1), limited(layers=5))
    assert messages(report) == ["the archive: a chain of more than 5 legacy layers; read are the upper ones"]
    assert "a circle" not in told(report)


def test_a_circle_of_legacy_layers_ends() -> None:
    ids = ["a" * 64, "b" * 64]
    documents = [{"id": ids[0], "parent": ids[1]}, {"id": ids[1], "parent": ids[0]}, {"id": "c" * 64, "parent": ids[0]}]
    (image,) = report_of([Entry(f"{each['id']}/json", builder.go(each)) for each in documents]).images
    assert image.v1_ids == ("b" * 64, "a" * 64, "c" * 64)


def shared_config(count: int) -> list[Entry]:
    """Images of one config, each with layer folders of its own."""
    spec = ImageSpec()
    folders = [[f"{count * place + number:064x}" for place in range(2)] for number in range(count)]
    layers = [Entry(f"{own}/layer.tar", spec.layers[place]) for each in folders for place, own in enumerate(each)]
    tags = [f"example.com/app:{number}" for number in range(count)]
    listed = [
        {"Config": "config.json", "RepoTags": [tag], "Layers": [f"{own}/layer.tar" for own in each]}
        for tag, each in zip(tags, folders, strict=True)
    ]
    for number, entry in enumerate(listed):
        entry["Layers"] = list(entry["Layers"]) * (number + 1)  # so that no two are one image
    repositories = {"example.com/app": {str(number): each[-1] for number, each in enumerate(folders)}}
    return [
        Entry("config.json", spec.moby_config()),
        *layers,
        Entry("manifest.json", builder.go(listed)),
        Entry("repositories", builder.go(repositories)),
    ]


def test_ids_of_a_shared_config_are_computed_once(counted: Callable[[Any, str], Counter[str]]) -> None:
    calls = counted(v1id, "ways_of")
    counted(legacy, "containers_image_ids")
    report = report_of(shared_config(12))
    assert len(report.images) == 12
    assert calls == {"ways_of": 1, "containers_image_ids": 1}


def test_ids_that_are_not_computed_are_no_mismatch_and_said() -> None:
    entries = builder.docker_legacy([ImageSpec(), ImageSpec(tags=["example.com/other:1"], extra={"author": "other"})])
    assert_clean(report_of(entries))
    report = report_of(entries, limited(v1_ids=1))
    assert messages(report) == [
        "the archive: more legacy layer IDs than are computed for one archive; 2 were not checked"
    ]
    assert "IMG306" not in codes(report)
    outcomes = Counter(each.outcome for each in case_of(report).verifications if each.what is What.V1_ID)
    assert outcomes == {Outcome.MATCH: 2, Outcome.UNCHECKED: 2}
    assert the(report, "IMG902").severity == "warning"
