"""What is kept of layers: bounds, layers used twice, and what is told of them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from imgforensics import Limits, Options, Severity, analyze, layerlinked, render
from imgforensics.cli import app
from imgforensics.layerfacts import LayerFacts, Odd
from imgforensics.layernames import Steps, climbs_out
from imgforensics.layersurvey import LayerSurvey
from imgforensics.layerwalk import LayerWalker
from imgforensics.layerways import Ways
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import AnomalyKind, MemberKind
from tests import builder, layertables
from tests.builder import ImageSpec
from tests.crafted.layers import CAPABILITY
from tests.crafted.layertocs import LISTED, TABLE
from tests.support import case_of, codes, descriptor, manifest, oci, report_of, the, told


def survey(*entries: builder.Entry, limits: Limits = DEFAULT_LIMITS) -> LayerFacts:
    walker, result = LayerWalker(limits), LayerSurvey(limits)
    result.add(walker.feed(builder.tar(entries)))
    return result.finish(walker.finish())


def test_the_inventory() -> None:
    facts = survey(
        builder.Entry("d/", type=b"5", mode=0o755),
        builder.Entry("d/su", b"123", mode=0o4755),
        builder.Entry("d/wall", b"45", mode=0o2755),
        builder.Entry("d/s", type=b"2", linkname="/d/su"),
        builder.Entry("d/.wh.gone"),
        builder.Entry("d/.wh..wh..opq"),
        builder.Entry(".wh..wh.plnk/1.2"),
        builder.Entry("d/ping", b"6", pax={"SCHILY.xattr.security.capability": CAPABILITY}),
    )
    assert facts.counts == {MemberKind.DIRECTORY: 1, MemberKind.FILE: 6, MemberKind.SYMLINK: 1}
    assert (facts.size, facts.whiteouts, facts.opaques) == (6, 1, 1)
    assert facts.privileges.setuid == ("d/su",)
    assert facts.privileges.setgid == ("d/wall",)
    assert facts.privileges.capabilities == ("d/ping",)
    assert facts.xattrs == {"security.capability": 1}
    assert not facts.odd


def test_no_more_odd_entries_are_kept_than_a_message_needs() -> None:
    facts = survey(*[builder.Entry("a", b"x")] * 500)
    assert sum(facts.odd_counts.values()) == 499
    assert len(facts.odd) == 20


def test_harmless_repetitions_hide_none_that_differs() -> None:
    many = [builder.Entry(f"a{number}", b"x") for number in range(50)]
    facts = survey(*many, builder.Entry("su", b"x"), *many, builder.Entry("su", b"x", mode=0o4755))
    assert facts.odd_counts[Odd.TWICE] == 50
    (entry,) = (entry for entry in facts.odd if entry.kind is Odd.TWICE_OTHERWISE)
    assert (entry.name, entry.detail) == ("su", "first with mode 644, then 4755")


@pytest.mark.parametrize(
    ("target", "out"),
    [("../a", False), ("../../a", True), ("b/../../..", True), ("./..", False), ("", False), ("b//.././..", False)],
)
def test_links_that_climb_out(target: str, out: bool) -> None:
    assert climbs_out("d/link", target) is out


@pytest.mark.parametrize(
    "limits",
    [
        Limits(layer_entries=3),
        Limits(layer_entries=1),
        Limits(layer_headers=1),
        Limits(layer_names=10),
        Limits(layer_folders=1),
        Limits(layer_links=1),
        Limits(layer_open=1),
        Limits(layer_indexes=100),
        Limits(layer_steps=1),
        Limits(layer_extensions=10),
        Limits(toc=100),
        Limits(toc=1024),
    ],
    ids=str,
)
def test_reaching_a_limit_is_told(limits: Limits) -> None:
    layer = builder.tar(
        [
            builder.Entry("a/b/c", b"x"),
            builder.Entry("a/l", type=b"2", linkname="c"),
            builder.Entry("a/m", type=b"2", linkname="c"),
            builder.Entry("a/n", type=b"1", linkname="later"),
            builder.Entry("a/o", type=b"1", linkname="later"),
            builder.Entry("p", b"x", pax={"SCHILY.xattr.user.a": "b"}),
            builder.Entry("stargz.index.json", layertables.toc(TABLE)),
        ]
    )
    report = report_of(builder.archive("docker25", ImageSpec(layers=[layer, layer])), Options(limits=limits))
    assert "IMG902" in codes(report), told(report)
    assert "IMG903" not in codes(report), told(report)


def test_a_layer_that_two_images_and_two_members_share_is_told_of_once() -> None:
    layer = builder.tar([builder.Entry("a", b"x"), builder.Entry("a", b"yy")])
    images = [ImageSpec(layers=[layer]), ImageSpec(layers=[layer], platform="linux/arm64", tags=["example.com/b:1"])]
    finding = the(report_of(builder.docker_legacy(images)), "IMG501")
    assert len(finding.related) == 1


def test_whiteouts_beyond_the_bound_are_told() -> None:
    entries = [builder.Entry(f".wh.{number}") for number in range(5)]
    facts = survey(*entries, limits=Limits(layer_open=4))
    assert [anomaly.kind for anomaly in facts.anomalies] == [AnomalyKind.LIMIT]
    assert not survey(*entries, limits=Limits(layer_open=5)).anomalies


def test_following_links_of_lower_layers_is_counted() -> None:
    chain = [builder.tar([builder.Entry(f"l{number}", type=b"2", linkname=f"l{number + 1}")]) for number in range(20)]
    links = [builder.Entry(f"h{number}", type=b"1", linkname=f"l0/x{number}") for number in range(50)]
    images = [ImageSpec(layers=[*chain, builder.tar(links)])]
    assert "IMG902" in codes(report_of(builder.docker25(images), Options(limits=Limits(layer_steps=50_000))))
    assert "IMG902" not in codes(report_of(builder.docker25(images)))


def test_long_ways_of_links_are_counted_in_their_layer() -> None:
    loops = [builder.Entry(f"l{n}", type=b"2", pax={"linkpath": f"{'a/../' * 700}l{n}"}) for n in range(15)]
    below = [builder.Entry(f"l{n}/x", b"x") for n in range(15)]
    facts = survey(*loops, *below, limits=Limits(layer_steps=5_000_000))
    assert [anomaly.kind for anomaly in facts.anomalies] == [AnomalyKind.LIMIT]
    assert not survey(*loops, *below).anomalies


def test_a_link_in_a_folder_that_its_layer_removes_is_none() -> None:
    lower = builder.tar([builder.Entry("d/a", type=b"2", linkname="../../../host")])
    again = [builder.Entry("d/", type=b"5"), builder.Entry("d/a/", type=b"5")]
    for first in (".wh.d", "d/.wh..wh..opq", "d/.wh.a"):
        upper = builder.tar([builder.Entry(first), *again, builder.Entry("d/a/x", b"x")])
        report = report_of(builder.docker25([ImageSpec(layers=[lower, upper])]))
        assert not codes(report, Severity.WARNING), told(report)


def test_clashes_are_told_of_once() -> None:
    lower = builder.tar([builder.Entry("x", type=b"2", linkname="../../host")])
    upper = builder.tar([builder.Entry("x/evil", b"x")])
    images = [ImageSpec(layers=[lower, upper]), ImageSpec(layers=[lower, upper], created=builder.EPOCH, tags=["b:1"])]
    report = report_of(builder.docker25(images))
    assert codes(report, Severity.WARNING) == ["IMG503"], told(report)


def test_what_a_layer_replaces_is_no_link_any_more() -> None:
    lower = builder.tar([builder.Entry("x", type=b"2", linkname="../../host")])
    folder = builder.tar([builder.Entry("x/", type=b"5", mode=0o755), builder.Entry("x/a", b"x")])
    removed = builder.tar([builder.Entry(".wh.x")])
    upper = builder.tar([builder.Entry("x/b", b"x")])
    for middle in (folder, removed):
        report = report_of(builder.docker25([ImageSpec(layers=[lower, middle, upper])]))
        assert not codes(report), told(report)


def test_nothing_is_said_of_hard_links_where_a_lower_layer_is_not_there() -> None:
    lower, upper = LISTED, builder.tar([builder.Entry("h", type=b"1", linkname="nothing")])
    entries = builder.docker25([ImageSpec(layers=[lower, upper])])
    builder.drop(entries, builder.layers_of(entries)[0].path)
    assert "IMG504" not in codes(report_of(entries))


def test_only_structure_is_only_structure() -> None:
    report = report_of(builder.archive("docker25"), Options(fast=True))
    assert not case_of(report).catalogue.layers
    assert "no layer was looked into" in " ".join(each.reason for each in report.not_checked)


def test_a_table_beside_a_plain_copy_of_its_layer_is_compared() -> None:
    """The same uncompressed bytes twice: as they are, and with a table that only lazily pulling readers see."""
    wrong = layertables.chunked(LISTED, layertables.toc([*TABLE, {"name": "evil", "type": "reg", "mode": 0o644}]))
    config = ImageSpec(layers=[LISTED]).config_bytes(builder.OCI_ORDER)
    plain = manifest(config, [LISTED])
    packed = manifest(config, [wrong], f"{builder.OCI_LAYER}+zstd")
    report = report_of(oci([descriptor(plain), descriptor(packed)], [LISTED, wrong, config, plain, packed]))
    assert the(report, "IMG514").location.member == f"blobs/{builder.digest(wrong).replace(':', '/')}"


def test_json_has_the_inventory(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(builder.archive("docker25", ImageSpec(layers=[LISTED])))
    layer = json.loads(render(analyze(str(path)), "json"))["archives"][0]["images"][0]["layers"][0]
    assert layer["inventory"]["setuid"] == {"count": 1, "paths": ["bin/su"]}
    assert layer["inventory"]["kinds"]["hardlink"] == 1


def test_inspect_shows_the_inventory(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(builder.archive("docker25", ImageSpec(layers=[LISTED])))
    shown = CliRunner().invoke(app, ["inspect", str(path)]).output
    assert "in layers: 5 entries (2 files, 1 folders, 1 symlinks, 1 hard links), 12 bytes" in shown
    assert "setuid: bin/su" in shown


def test_folders_without_entries_beyond_the_bound_are_told() -> None:
    entries = [builder.Entry(f"d{number}/x") for number in range(5)]
    facts = survey(*entries, limits=Limits(layer_links=4))
    assert [anomaly.kind for anomaly in facts.anomalies] == [AnomalyKind.LIMIT]
    assert not survey(*entries, limits=Limits(layer_links=5)).anomalies


def test_a_link_that_was_not_followed_to_its_end_is_not_judged() -> None:
    links = {hash("b"): ("b", "real"), hash("a"): ("a", "b/c")}
    nothing: dict[int, object] = {}
    held = ({hash("real/c")}, {hash("real"), hash("real/c")}, {hash("real")}, links, nothing, nothing, Limits())
    assert not list(Ways(*held, Steps(1000)).through("a", "b/c"))
    spent = Steps(0)
    assert not list(Ways(*held, spent).through("a", "b/c"))
    assert spent.exceeded


def _linked(*entries: builder.Entry, limits: Limits = DEFAULT_LIMITS) -> LayerFacts:
    """What is overwritten through symlinks in a layer, its first reading without other bounds than the usual ones."""
    data = builder.tar(entries)
    return layerlinked.told(survey(*entries), lambda: [data], limits)


def test_what_is_overwritten_through_a_symlink() -> None:
    def folder(name: str) -> builder.Entry:
        return builder.Entry(name, type=b"5", mode=0o755)

    link = builder.Entry("s", type=b"2", linkname="bin")
    before = (folder("bin/"), builder.Entry("bin/a", b"good"), link)
    for entries, kind in (
        ((*before, builder.Entry("s/a", b"evil")), Odd.TWICE_LINKED_OTHERWISE),
        ((*before, builder.Entry("s/a", b"good")), Odd.TWICE_LINKED),
        ((*before, builder.Entry("s/a", b"good", mode=0o4755)), Odd.TWICE_LINKED_OTHERWISE),
        ((*before, folder("s/a/")), Odd.TWICE_LINKED_OTHERWISE),
        ((folder("bin/"), link, builder.Entry("bin/a/b", b""), builder.Entry("s/a", b"")), Odd.TWICE_LINKED_OTHERWISE),
        ((*before, builder.Entry("s/b", b"evil")), None),
        ((*before, builder.Entry("s/.wh.a")), None),
        ((folder("bin/"), folder("bin/d/"), link, folder("s/d/"), builder.Entry("s/d/a", b"")), None),
        ((*before, folder("s/"), builder.Entry("s/a", b"evil")), None),
    ):
        told = _linked(*entries).odd_counts
        assert {each: told[each] for each in told if each.startswith("twice-linked")} == ({kind: 1} if kind else {})


def test_links_are_followed_up_to_a_bound() -> None:
    many = [builder.Entry("s", type=b"2", linkname="bin"), *(builder.Entry(f"s/{n}", b"") for n in range(99))]
    assert not _linked(*many).anomalies
    (limit,) = _linked(*many, limits=Limits(layer_steps=99)).anomalies
    assert limit.kind is AnomalyKind.LIMIT
