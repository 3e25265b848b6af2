"""Archives against each other, against a lock, and against an earlier report."""

import io
import json
import os
import pickle
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from imgforensics import InputError, analyze, cli, expectfile, reportstore
from imgforensics.facts import Facts, ImageFacts, LayerFacts, facts_of
from imgforensics.findings import Severity
from imgforensics.framing import Framing
from imgforensics.rendering import render
from imgforensics.rendering.escape import json_text
from imgforensics.report import ArchiveReport, Report
from imgforensics.sets import baseline, lockfile, rules, transfer
from imgforensics.sets.rule import SetFinding
from imgforensics.sets.store import Store
from imgforensics.textlines import lines_of
from tests import builder
from tests.builder import Entry, ImageSpec

FIXTURES = Path(__file__).parent / "fixtures"


def report_at(path: str, entries: Sequence[Entry] | bytes) -> ArchiveReport:
    data = entries if isinstance(entries, bytes) else builder.tar(entries)
    (report,) = analyze(io.BytesIO(data)).archives
    return ArchiveReport(**{**report.__dict__, "path": path})


def facts_at(path: str, entries: Sequence[Entry] | bytes) -> Facts:
    return facts_of(report_at(path, entries))


def spec(text: str, *tags: str) -> ImageSpec:
    return ImageSpec(layers=[builder.layer({text: text.encode()})], tags=list(tags))


def said(*facts: Facts) -> list[SetFinding]:
    with Store() as store:
        for each in facts:
            store.add(each)
        return [found for rule in rules.RULES for found in rule.run(store)]


def codes(found: Sequence[SetFinding]) -> list[str]:
    return [each.rule.code for each in found]


# ------------------------------------------------------------------------------------------------------- facts


@pytest.mark.parametrize("layout", ["docker_legacy", "docker25", "containerd"])
def test_facts_say_what_the_archive_holds(layout: str) -> None:
    entries = builder.LAYOUTS[layout]([ImageSpec(tags=["example.com/app:1"])])
    facts = facts_at("a.tar", entries)
    (image,) = facts.images
    assert image.image_id == f"sha256:{builder.sha256(builder.config_of(entries).data)}"
    assert image.tags
    assert [layer.held for layer in image.layers] == ["match", "match"]


def test_a_report_that_was_kept_gives_the_same_facts() -> None:
    report = report_at("a.tar", builder.gz(builder.archive()))
    kept = reportstore.unpack(reportstore.pack(report))
    assert isinstance(kept, ArchiveReport)
    assert facts_of(kept) == facts_of(report)
    assert pickle.loads(pickle.dumps(facts_of(report))) == facts_of(report)


def test_facts_tell_damaged_and_missing_layers() -> None:
    entries = builder.docker_legacy([ImageSpec()])
    builder.swap_layer(entries)
    builder.drop(entries, builder.layers_of(entries)[1].path)
    (image,) = facts_at("a.tar", entries).images
    assert [layer.held for layer in image.layers] == ["mismatch", "missing"]
    assert all(layer.diff_id for layer in image.layers)


# -------------------------------------------------------------------------------------- against each other


def test_a_set_of_different_images_is_silent() -> None:
    one, two = (facts_at(f"d/{name}.tar", builder.docker_legacy([spec(name, f"{name}:1")])) for name in "ab")
    assert said(one, two) == []


def test_a_tag_of_two_images() -> None:
    one, two = (facts_at(f"d/{name}.tar", builder.docker_legacy([spec(name, "app:1")])) for name in "ab")
    (found,) = said(one, two)
    assert (found.rule.code, found.severity, found.paths) == ("IMG801", Severity.WARNING, ("d/a.tar", "d/b.tar"))
    assert found.subject == "docker.io/library/app:1"
    latest = [facts_at(f"d/{name}.tar", builder.docker_legacy([spec(name, "app:latest")])) for name in "ab"]
    assert [each.severity for each in said(*latest)] == [Severity.NOTE]


def test_a_converted_image_is_only_noted() -> None:
    one = facts_at("a.tar", builder.docker_legacy([spec("a", "app:1")]))
    two = facts_at("b.tar", builder.docker_legacy([ImageSpec(layers=spec("a").layers, tags=["app:1"], extra={"x": 1})]))
    (found,) = said(one, two)
    assert (found.rule.code, found.severity) == ("IMG801", Severity.NOTE)
    assert "with the same layers" in found.message


def test_a_tag_of_two_platforms_is_one_name_for_both() -> None:
    arm = ImageSpec(layers=[builder.layer({"arm": b"arm"})], tags=["app:1"], platform="linux/arm64")
    one = facts_at("a.tar", builder.docker_legacy([spec("a", "app:1")]))
    assert said(one, facts_at("b.tar", builder.docker_legacy([arm]))) == []


def test_one_image_under_several_tags_and_in_two_layouts() -> None:
    one = facts_at("a.tar", builder.docker_legacy([spec("same", "app:1")]))
    two = facts_at("b.tar", builder.docker25([spec("same", "other:1")]))
    three = facts_at("c.tar", builder.docker25([spec("same", "app:1")]))
    (found,) = said(one, two)
    assert found.rule.code == "IMG802"
    assert "docker.io/library/app:1 in a.tar; docker.io/library/other:1 in b.tar" in found.message
    assert said(one, three) == []


def test_the_odd_one_out() -> None:
    usual = [facts_at(f"d/{n}.tar", builder.docker_legacy([spec(str(n), f"app{n}:1")])) for n in range(5)]
    odd = facts_at("d/odd.tar", builder.crane([spec("odd", "odd:1")]))
    (found,) = said(*usual, odd)
    assert (found.rule.code, found.paths) == ("IMG803", ("d/odd.tar",))
    assert said(*usual[:3], odd) == []
    assert "5 of 5 archives beside it" in found.message
    elsewhere = replace(odd, path="e/odd.tar")
    assert said(*usual, elsewhere) == []


def packed(path: str, text: str, magic: bytes = builder.USTAR, pad_to: int = 0) -> Facts:
    """One archive of docker save, with headers and an end of choice."""
    entries = builder.docker_legacy([spec(text * 300, f"{text}:1")])  # of no size that fills a record by chance
    return facts_at(path, builder.tar([replace(entry, magic=magic) for entry in entries], pad_to=pad_to))


def wrapped(path: str, text: str, wrap: Callable[[bytes], bytes]) -> Facts:
    return facts_at(path, wrap(builder.archive("docker_legacy", spec(text, f"{text}:1"))))


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (
            wrapped("d/odd.tar", "odd", builder.gz),
            "gzip around the tar, where 5 of 5 have no compression around the tar",
        ),
        (wrapped("d/odd.tar", "odd", builder.zstd), "zstd around the tar"),
        (packed("d/odd.tar", "odd", builder.GNU), "GNU headers, where 5 of 5 have POSIX headers"),
        (packed("d/odd.tar", "odd", pad_to=10240), "padding to a record of 10240 bytes, where 5 of 5 have no padding"),
        (packed("d/odd.tar", "odd", pad_to=1 << 20), "zeros for more than a record, where 5 of 5 have no padding"),
    ],
    ids=["gzip", "zstd", "gnu", "record", "zeros"],
)
def test_an_archive_that_is_framed_otherwise(odd: Facts, words: str) -> None:
    usual = [packed(f"d/{n}.tar", f"app{n}") for n in range(5)]
    (found,) = said(*usual, odd)
    assert (found.rule.code, found.paths, found.severity) == ("IMG803", ("d/odd.tar",), Severity.NOTE)
    assert words in found.message
    assert said(*usual[:3], odd) == []  # too few to tell
    assert said(*usual, replace(odd, path="e/odd.tar")) == []
    assert said(*usual, replace(odd, producer=None)) != []  # by another tool: that alone is said
    others = [replace(odd, path=f"d/odd{n}.tar") for n in range(2)]
    assert [each for each in codes(said(*usual, *others)) if each == "IMG803"] == []  # no rule without exceptions


def test_all_that_is_odd_about_one_archive_is_one_finding() -> None:
    usual = [packed(f"d/{n}.tar", f"app{n}") for n in range(5)]
    (found,) = said(*usual, packed("d/odd.tar", "odd", builder.GNU, 10240))
    assert found.message.count(", where 5 of 5 have ") == 2


def test_the_plain_one_among_compressed_ones() -> None:
    usual = [wrapped(f"d/{n}.tar.gz", f"app{n}", builder.gz) for n in range(4)]
    (found,) = said(*usual, packed("d/odd.tar", "odd"))
    assert "no compression around the tar, where 4 of 4 have gzip" in found.message


def test_long_names_large_numbers_and_chance_are_no_framing() -> None:
    entries = builder.docker_legacy([spec("odd", "odd:1")])
    by_pax = replace(entries[0], pax={"comment": "x"})
    long = facts_at("d/long.tar", [by_pax, *entries[1:], Entry(f"{'a' * 120}/", b"", b"5")])
    long = replace(long, producer="docker save")
    number = facts_at("d/number.tar", [*entries[:-1], replace(entries[-1], uid=8**7, magic=builder.GNU)])
    chance = next(
        replace(facts_at("d/chance.tar", data), producer="docker save")
        for n in range(20)
        if len(data := builder.tar([*entries, Entry("x", bytes(512 * n + 1))])) % 10240 == 0
    )
    cut = facts_at("d/cut.tar", builder.tar(entries, end=b""))
    assert chance.framing is not None
    assert chance.framing.ending is None
    assert cut.framing is not None
    assert cut.framing.ending is None
    usual = [packed(f"d/{n}.tar", f"app{n}") for n in range(16)]
    assert said(*usual, long, number, chance, cut) == []
    records = [packed(f"d/{n}.tar", f"app{n}", pad_to=10240) for n in range(8)]
    assert said(*records, chance) == []


@pytest.mark.parametrize("layout", sorted(builder.LAYOUTS))
def test_different_images_of_one_tool_are_framed_alike(layout: str) -> None:
    sizes = (1, 600, 5000, 7000, 20000, 99999)
    images = [ImageSpec(layers=[builder.layer({str(n): bytes(n)})], tags=[f"app{n}:1"]) for n in sizes]
    assert said(*(facts_at(f"d/{n}.tar", builder.LAYOUTS[layout]([each])) for n, each in enumerate(images))) == []


def test_archives_of_one_tool_are_framed_alike() -> None:
    """Also with other images, versions of the tool, and kinds of archive: whatever there is of it."""
    reports = [analyze(path).archives[0] for path in sorted(FIXTURES.glob("*.tar"))]
    facts = [replace(facts_of(report), path=f"d/{Path(report.path).name}") for report in reports]
    by_tool: dict[str | None, set[Framing | None]] = {}
    for each in facts:
        by_tool.setdefault(each.producer, set()).add(each.framing)
    for tool in ("docker save", "containerd", "containers/image"):
        assert by_tool[tool] == {Framing("no compression around the tar", "POSIX headers", "no padding at the end")}


def test_a_damaged_layer_that_is_intact_elsewhere() -> None:
    good = builder.docker_legacy([ImageSpec(tags=["app:1"])])
    bad = builder.docker_legacy([ImageSpec(tags=["app:1"])])
    builder.swap_layer(bad)
    (found,) = said(facts_at("bad.tar", bad), facts_at("good.tar", good))
    assert (found.rule.code, found.paths) == ("IMG804", ("bad.tar", "good.tar"))
    assert said(facts_at("bad.tar", bad)) == []


def test_the_same_archive_twice() -> None:
    entries = builder.docker_legacy([spec("a", "app:1")])
    (found,) = said(facts_at("a.tar", entries), facts_at("b.tar", entries))
    assert (found.rule.code, found.paths) == ("IMG805", ("a.tar", "b.tar"))


def test_names_that_are_no_text_do_no_harm() -> None:
    image = ImageFacts("sha256:1", None, None, ("a\udcff/b:1",), ())
    facts = [Facts(f"\udcfe{n}.tar", None, None, "intact", None, None, (image,)) for n in range(2)]
    assert said(*facts) == []


def test_any_text_comes_out_as_it_went_in() -> None:
    texts = ["d/\udcff.tar", "d/\\udcff.tar", "d/\\\\udcff.tar", "d/ä\ud800\\.tar", "d/\\x.tar"]
    with Store() as store:
        for each in texts:
            store.add(Facts(each, None, None, "intact", None, None, ()))
        assert [path for (path,) in store.ask("SELECT path FROM archives ORDER BY id")] == texts
        assert list(store.ask("SELECT id FROM archives WHERE path = ?", texts[0])) == [(1,)]


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "sarif", "table", "html", "junit"])
def test_a_path_is_spelled_as_that_of_its_archive(form: str, tmp_path: Path) -> None:
    data = builder.archive("docker_legacy", spec("a", "app:1"))
    for name in (b"one\xff\xfe.tar", b"two\xff\xfe.tar"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(data)
    text = CliRunner().invoke(cli.app, ["verify", "-v", "--format", form, str(tmp_path)]).stdout
    assert "udcff" not in text
    if form == "json":
        report = json.loads(text)
        (said_of_all,) = report["about_all"]
        assert said_of_all["code"] == "IMG805"
        assert said_of_all["paths"] == [archive["path"] for archive in report["archives"]]
        assert all(path in said_of_all["message"] for path in said_of_all["paths"])
    elif form == "sarif":
        (run,) = json.loads(text)["runs"]
        (result,) = (each for each in run["results"] if each["ruleId"] == "IMG805")
        places = {each["physicalLocation"]["artifactLocation"]["uri"] for each in result["locations"]}
        assert places <= {each["location"]["uri"] for each in run["artifacts"]}
        assert all(each.endswith("%FF%FE.tar") for each in places)
    else:
        spelled = "two\\\\xff" if form == "jsonl" else "two\\xff"
        assert text.count(spelled) > 1


# ------------------------------------------------------------------------------------------------ against a lock


def locked(*facts: Facts) -> lockfile.Lock:
    return lockfile.parse("".join(lockfile.render(facts)), "transfer.lock")


def checked(lock: lockfile.Lock, *facts: Facts, proved: Sequence[str] = ()) -> list[SetFinding]:
    arriving = transfer.Transfer(lock)
    found = [each for one in facts for each in arriving.add(one, one.path)]
    return found + list(arriving.finish(proved))


def app(name: str = "a", path: str = "") -> Facts:
    return facts_at(path or f"{name}.tar", builder.docker_legacy([spec(name, f"{name}:1")]))


def test_a_lock_holds_what_it_was_made_of() -> None:
    lock = locked(app("a"), app("b"))
    assert [each.path for each in lock.archives] == ["a.tar", "b.tar"]
    assert checked(lock, app("a"), app("b")) == []


def test_a_lock_is_text_that_can_be_compared() -> None:
    facts = facts_at("a b.tar", builder.docker25([spec("a", "app:1")]))
    text = "".join(lockfile.render([facts]))
    assert text.splitlines()[0] == "imgforensics-lock 1"
    assert text.splitlines()[1] == "archive a b.tar"
    assert f"  sha256 {facts.sha256}\n  size {facts.size}\n" in text
    assert f"    layer {facts.images[0].layers[0].diff_id}\n" in text
    assert "\n    tag app:1\n" in text


@pytest.mark.parametrize("path", ["a\nb.tar", " a.tar", 'say "a".tar', '"a.tar"', "\u202ea.tar", "\udcff.tar"])
def test_any_path_comes_back(path: str) -> None:
    facts = Facts(path, f"sha256:{'1' * 64}", 1, "intact", None, None, ())
    assert [each.path for each in locked(facts).archives] == [path]


def test_what_did_not_arrive_and_what_came_along() -> None:
    found = checked(locked(app("a"), app("b")), app("a"), app("c"))
    assert sorted(codes(found)) == ["IMG811", "IMG812"]
    assert {each.subject for each in found} == {"b.tar", "c.tar"}


def test_another_file_with_the_same_images() -> None:
    repacked = facts_at("a.tar", builder.tar(builder.docker_legacy([spec("a", "a:1")]), pad_to=20480))
    found = checked(locked(app("a")), repacked)
    assert codes(found) == ["IMG814"]
    assert found[0].severity is Severity.NOTE


def test_another_image_in_the_place_of_one() -> None:
    found = checked(locked(app("a")), app("b", "a.tar"))
    assert codes(found) == ["IMG813"]
    assert "was sent and is not in it" in found[0].message


def test_a_damaged_layer_is_not_the_same_image() -> None:
    entries = builder.docker_legacy([spec("a", "a:1")])
    builder.swap_layer(entries)
    found = checked(locked(app("a")), facts_at("a.tar", entries))
    assert codes(found) == ["IMG813"]
    assert "damaged" in found[0].message


def test_another_tag_is_not_the_same_either() -> None:
    renamed = facts_at("a.tar", builder.docker_legacy([spec("a", "z:1")]))
    assert codes(checked(locked(app("a")), renamed)) == ["IMG813"]


def test_another_path_with_the_same_file_or_the_same_images() -> None:
    moved = app("a", "moved/a.tar")
    assert codes(checked(locked(app("a")), moved)) == ["IMG815"]
    repacked = facts_at("x.tar", builder.tar(builder.docker_legacy([spec("a", "a:1")]), pad_to=20480))
    found = checked(locked(app("a")), repacked)
    assert codes(found) == ["IMG815"]
    assert "another file with the same images" in found[0].message


def test_one_file_accounts_for_one_line_only() -> None:
    twice = locked(app("a"), app("a", "b.tar"))
    assert sorted(codes(checked(twice, app("a", "c.tar")))) == ["IMG811", "IMG815"]


def test_an_archive_that_cannot_be_read_is_different() -> None:
    broken = Facts("a.tar", None, None, "unreadable", None, "the file is empty", ())
    found = checked(locked(app("a")), broken)
    assert codes(found) == ["IMG813"]
    assert "the file is empty" in found[0].message


def test_a_list_of_sums() -> None:
    facts = app("a")
    digest = (facts.sha256 or "").removeprefix("sha256:")
    for path in ("./a.tar", "././a.tar", ".//a.tar"):
        assert checked(lockfile.parse(f"{digest}  {path}\n", "SHA256SUMS"), facts) == []
    other = lockfile.parse(f"{'0' * 64} *a.tar\n", "SHA256SUMS")
    assert codes(checked(other, facts)) == ["IMG813"]
    assert lockfile.parse(f"\\{'0' * 64}  a\\nb\\\\c.tar\n", "SHA256SUMS").archives[0].path == "a\nb\\c.tar"


def test_a_list_of_references() -> None:
    facts = facts_at("a.tar", builder.oci_archive([spec("a", "app:1")]))
    (image,) = facts.images
    text = f"# wanted\napp:1@{image.manifest}\nother@{image.image_id}\nlost@sha256:{'0' * 64}\n"
    lock = lockfile.parse(text, "images.txt")
    found = checked(lock, facts, app("stranger"))
    assert codes(found) == ["IMG811"]
    assert "lost@" in found[0].message
    assert checked(lock, facts, proved=[f"sha256:{'0' * 64}"]) == []


def test_a_reference_to_an_image_with_a_damaged_layer_has_not_arrived() -> None:
    entries = builder.docker_legacy([spec("a", "app:1")])
    builder.swap_layer(entries)
    facts = facts_at("a.tar", entries)
    lock = lockfile.parse(f"app:1@{facts.images[0].image_id}\n", "images.txt")
    assert codes(checked(lock, facts)) == ["IMG811"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("# only\n", "empty"),
        ("hello\n", "line 1: no lock"),
        ("imgforensics-lock 2\n", "another version"),
        ("imgforensics-lock 1\n", "lock of no archive"),
        ("imgforensics-lock 1\n  size 1\n", "before the first archive"),
        ("imgforensics-lock 1\narchive a\n", "without sha256 or size"),
        (f"imgforensics-lock 1\narchive a\n  sha256 sha256:{'1' * 64}\n  size -1\n", "without sha256 or size"),
        ("imgforensics-lock 1\narchive a\n  sha256 md5:1\n  size 1\n", "no digest"),
        ("imgforensics-lock 1\narchive a\n  color red\n", "not understood"),
        ("imgforensics-lock 1\narchive a\n    layer sha256:1\n", "not understood"),
        ('imgforensics-lock 1\narchive "a\n', "no JSON string"),
        (f"{'1' * 64}  a\n{'2' * 64}  ././a\n", "stands there twice"),
    ],
)
def test_what_is_no_lock_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        lockfile.parse(text, "transfer.lock")


def test_lines_that_say_nothing_cost_nothing() -> None:
    digest = "1" * 64
    many = "\n" * (8 << 20) + " \r\n" * 1000
    texts = [
        f"{digest}  a\r",
        f"imgforensics-lock 1\narchive a\n  sha256 sha256:{digest}\n  size 1",
    ]
    texts = [many + text.replace("\n", f"\n#x\n  # {many}") + many for text in texts]
    for text, read in ((texts[0], lockfile.parse), (texts[1], lockfile.parse), (texts[0], expectfile.parse)):
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            assert read(text, "list")
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most - before < 1 << 20


def test_lines_keep_their_numbers() -> None:
    assert list(lines_of("")) == list(lines_of("\n \n#\n")) == []
    text = "\n  a \r\n\n# no\n\t#no\nb\n \nc"
    assert list(lines_of(text)) == [(2, "  a \r"), (6, "b"), (8, "c")]
    with pytest.raises(InputError, match="line 5: not understood"):
        lockfile.parse("\nimgforensics-lock 1\n\narchive a\n  x", "x.lock")


def test_a_lock_of_many_tags_and_layers_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    copied = 0

    def counting(*values: Any) -> ImageFacts:
        nonlocal copied
        copied += sum(len(value) for value in values if isinstance(value, tuple))
        return ImageFacts(*values)

    monkeypatch.setattr(lockfile, "ImageFacts", counting)
    lines = "    tag a:1\n    layer x\n" * 1000
    head = f"imgforensics-lock 1\narchive a\n  sha256 sha256:{'1' * 64}\n  size 1\n  image - -\n"
    (archive,) = lockfile.parse(head + lines, "x.lock").archives
    (image,) = archive.images or ()
    assert (len(image.tags), len(image.layers), copied) == (1000, 1000, 2000)


# -------------------------------------------------------------------------------------- against an earlier run


def earlier(*reports: ArchiveReport, lines: bool = False) -> baseline.Baseline:
    if lines:
        return baseline.read(render(Report(reports), "jsonl"), "old.jsonl")
    return baseline.read(render(Report(reports), "json"), "old.json")


def since(old: baseline.Baseline, *reports: ArchiveReport) -> list[SetFinding]:
    found = [
        each
        for report in reports
        for each in old.add(
            facts_of(report), frozenset(finding.rule.code for finding in report.findings), json_text(report.path)
        )
    ]
    return found + list(old.finish())


@pytest.mark.parametrize("lines", [False, True])
def test_new_gone_and_changed(lines: bool) -> None:
    one = report_at("a.tar", builder.docker_legacy([spec("a", "a:1")]))
    two = report_at("b.tar", builder.docker_legacy([spec("b", "b:1")]))
    swapped = builder.docker_legacy([spec("a", "a:1")])
    builder.swap_layer(swapped)
    assert since(earlier(one, two, lines=lines), one, two) == []
    found = since(
        earlier(one, two, lines=lines),
        report_at("a.tar", swapped),
        report_at("c.tar", b"".join([builder.tar(builder.docker_legacy([spec("c", "c:1")]))])),
    )
    assert codes(found) == ["IMG823", "IMG821", "IMG822"]
    assert "was intact and is tampered" in found[0].message
    assert "new: IMG302" in found[0].message


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_baseline_knows_names_that_are_no_text(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("a\udcff.tar", "ä.tar", "\\x.tar"):
        (tmp_path / "in" / name).write_bytes(builder.archive("docker_legacy", spec(name[0], "app:1")))
    run = CliRunner().invoke
    assert run(cli.app, ["verify", "in", "-f", form, "-o", "old"]).exit_code == 0
    told = run(cli.app, ["verify", "in", "--baseline", "old", "--select", "IMG82", "-f", "json"])
    assert json.loads(told.stdout)["about_all"] == []
    (tmp_path / "in" / "a\udcff.tar").write_bytes(builder.archive("crane"))
    told = run(cli.app, ["verify", "in", "--baseline", "old", "--select", "IMG82", "-f", "json"])
    assert [(each["code"], each["subject"]) for each in json.loads(told.stdout)["about_all"]] == [
        ("IMG823", "in/a\\xff.tar")
    ]


def test_what_moved_is_neither_new_nor_gone() -> None:
    one, two = builder.docker_legacy([spec("a", "a:1")]), builder.docker_legacy([spec("b", "b:1")])
    old = [report_at(path, each) for path, each in [("in/a.tar", one), ("in/b.tar", two), ("in/copy.tar", two)]]
    found = since(earlier(*old), report_at("x/b.tar", two), report_at("in/a.tar", one), report_at("x/c.tar", two))
    assert [(each.rule.code, each.message) for each in found] == [
        ("IMG824", "x/b.tar is in/b.tar of old.json"),
        ("IMG824", "x/c.tar is in/copy.tar of old.json"),
    ]
    found = since(earlier(*old), report_at("x/b.tar", two), *old)
    assert [(each.rule.code, each.subject) for each in found] == [("IMG821", "x/b.tar")]  # a copy did not move
    found = since(earlier(old[0]), report_at("x/a.tar", two))
    assert codes(found) == ["IMG821", "IMG822"]


def test_what_moved_and_is_judged_otherwise() -> None:
    one = report_at("in/a.tar", builder.docker_legacy([spec("a", "a:1")]))
    text = render(Report((one,)), "json")
    assert '"verdict": "intact"' in text
    old = baseline.read(text.replace('"verdict": "intact"', '"verdict": "tampered"'), "old.json")
    found = since(old, report_at("b.tar", builder.docker_legacy([spec("a", "a:1")])))
    assert codes(found) == ["IMG824", "IMG823"]
    assert found[1].message == "b.tar was tampered and is intact (since old.json)"


def test_what_was_not_hashed_moved_nowhere() -> None:
    one, two = (replace(report_at(path, builder.docker_legacy([spec("a", "a:1")])), case=None) for path in "ab")
    assert codes(since(earlier(one), two)) == ["IMG821", "IMG822"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "{", '{"schema": "other/1", "archives": []}', "[" * 100_000, '{"verdict": 1}']
)
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no report|without path"):
        baseline.read(text or "no", "old.json")


def test_rules_of_sets_have_codes_of_their_own() -> None:
    found = [each.rule for each in rules.RULES] + [*transfer.RULES, *baseline.RULES]
    assert len({rule.code for rule in found}) == len(found)
    for rule in found:
        assert rule.code.startswith("IMG8")
        for heading in ("What it means", "Why it matters", "How it is computed", "When it is innocent"):
            assert f"## {heading}" in rule.doc, rule.code
    assert Path(rules.__file__).name == "rules.py"
    assert LayerFacts("a", None, None, "match").held == "match"
