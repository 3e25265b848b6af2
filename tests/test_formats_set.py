"""What archives say together, who would load what, and signatures: in the reports for other programs and on the page."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from imgforensics import Options, Report, render
from imgforensics.findings import Severity
from imgforensics.loaders import Load, Reader
from imgforensics.model import Digest, Location
from imgforensics.rendering import FORMATS, Manner, pageset, printable
from imgforensics.rendering.attestation import Attestation
from imgforensics.rendering.junitfacts import IMAGES, SIGNATURES
from imgforensics.rendering.writer import Writer
from imgforensics.report import ArchiveReport
from imgforensics.sets import baseline, ended, rules, transfer
from imgforensics.sets.known import KNOWN
from imgforensics.sets.rule import SetFinding
from imgforensics.signature import (
    Binding,
    Bound,
    Found,
    Headline,
    Judgement,
    Place,
    Purpose,
    Scheme,
    Signature,
    Signatures,
    Signed,
    Signer,
    Status,
)
from tests import builder
from tests.support import case_of, report_of
from tests.test_cli import invoke
from tests.test_formats import JENKINS, NAMES, SARIF
from tests.test_page import Reader as Page

JUDGING = [rule for rule in KNOWN if rule not in ended.RULES]
"""The rules of a run that was not interrupted."""

DUPLICATE = rules.duplicate_archive.rule
SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "report-v1.schema.json").read_text(encoding="utf-8"))
ABOUT_ALL = jsonschema.Draft202012Validator({**SCHEMA["properties"]["about_all"], "$defs": SCHEMA.get("$defs", {})})


def finding(subject: str = "in/a.tar", severity: Severity | None = None, rule: Any = transfer.EXTRA) -> SetFinding:
    return SetFinding(rule, severity or rule.severity, f"{subject} is not in the lock", (subject,), subject)


def told(form: str, found: Sequence[SetFinding], *archives: ArchiveReport, **manner: Any) -> str:
    """A report of these archives, with this said of them together."""
    writer = FORMATS[form](Manner(**manner))
    return _ended(writer, found, archives or (report_of(builder.archive("crane")),) * 2)


def _ended(writer: Writer, found: Sequence[SetFinding], archives: Sequence[ArchiveReport]) -> str:
    parts = [writer.add(each) for each in archives]
    writer.about_all, writer.asked = found, JUDGING
    return "".join([*parts, *writer.end(())])


def results(text: str) -> list[Any]:
    document = json.loads(text)
    SARIF.validate(document)
    (run,) = document["runs"]
    return [each for each in run["results"] if each["ruleId"].startswith("IMG8")]


def suite(text: str, name: str = "set") -> ET.Element:
    root = ET.fromstring(text)
    for element in root.iter():
        assert set(element.keys()) <= JENKINS[element.tag]
    (found,) = [each for each in root if each.get("name") == name]
    return found


def properties(element: ET.Element) -> dict[str, str]:
    return {str(each.get("name")): str(each.get("value")) for each in element.findall("properties/property")}


@pytest.fixture
def transferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two archives that were locked and reported; one of them is gone, and another is there twice."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b"):
        spec = builder.ImageSpec(layers=[builder.layer({name: name.encode()})], tags=[f"{name}:1"])
        (folder / f"{name}.tar").write_bytes(builder.archive("crane", spec))
    assert invoke("lock", "in", "-o", "lock").exit_code == 0
    assert invoke("verify", "in", "-f", "json", "-o", "old.json").exit_code == 0
    (folder / "a.tar").unlink()
    (folder / "c.tar").write_bytes((folder / "b.tar").read_bytes())
    return folder


ASKED = ("verify", "in", "--lock", "lock", "--baseline", "old.json")
SAID = ["IMG811", "IMG812", "IMG822", "IMG805", "IMG821"]


# ------------------------------------------------------------------------------------------------------ the command


def test_every_format_tells_it_and_nothing_is_on_standard_error(transferred: Path) -> None:
    made = {form: invoke(*ASKED, "-v", "-f", form) for form in FORMATS}
    for form, result in made.items():
        assert result.exit_code == 1, form
        assert result.stderr == "", form
    assert [each["code"] for each in json.loads(made["json"].stdout)["about_all"]] == SAID
    assert re.findall(r"^(?:error|warning|note) (IMG8\d\d)", made["table"].stdout, re.MULTILINE) == SAID
    lines = [json.loads(line) for line in made["jsonl"].stdout.splitlines()]
    assert lines[-1] == {"about_all": json.loads(made["json"].stdout)["about_all"]}
    assert all("about_all" not in line for line in lines[:-1])
    ABOUT_ALL.validate(lines[-1]["about_all"])
    rows = list(csv.DictReader(io.StringIO(made["csv"].stdout, newline="")))
    assert [row["code"] for row in rows if row["code"].startswith("IMG8")] == SAID
    assert [each["ruleId"] for each in results(made["sarif"].stdout)] == SAID
    failed = suite(made["junit"].stdout).findall("testcase[failure]")
    assert [str(each.get("name"))[:6] for each in failed] == ["IMG811", "IMG812"]
    page = Page(made["html"].stdout)
    assert re.findall(r"(?:error|warning|note) (IMG8\d\d)", page.text)[: len(SAID)] == SAID


def test_a_statement_counts_it(transferred: Path) -> None:
    assert invoke(*ASKED, "--attest", "statement.json").exit_code == 1
    predicate = json.loads(Path("statement.json").read_text())["predicate"]
    assert predicate["verdict"] == "intact"
    assert predicate["aboutAll"] == {"findings": {"error": 2, "warning": 1, "note": 2}, "codes": sorted(SAID)}
    assert invoke("verify", "in/b.tar", "--attest", "one.json").exit_code == 0
    assert "aboutAll" not in json.loads(Path("one.json").read_text())["predicate"]


@pytest.mark.parametrize("form", FORMATS)
def test_one_archive_that_stands_for_itself_is_not_told_so(transferred: Path, form: str) -> None:
    alone = invoke("verify", "in/b.tar", "-f", form).stdout
    for word in ('{"about_all"', 'name="set"', "The archives together", '"about":"set"'):
        assert word not in alone


@pytest.mark.parametrize(("options", "left"), [(["--ignore", "img81"], SAID[2:]), (["--select", "IMG805"], ["IMG805"])])
def test_rules_about_sets_are_selected_like_others(transferred: Path, options: list[str], left: list[str]) -> None:
    made = {form: invoke(*ASKED, *options, "-f", form).stdout for form in ("json", "sarif", "junit")}
    assert [each["code"] for each in json.loads(made["json"])["about_all"]] == left
    assert [each["ruleId"] for each in results(made["sarif"])] == left
    skipped = [str(each.get("name"))[:6] for each in suite(made["junit"]).findall("testcase[skipped]")]
    assert not set(skipped) & set(left)
    assert "IMG812" in skipped


# -------------------------------------------------------------------------------------------------- for programs


def test_sarif_results_have_their_rule_their_place_and_a_fingerprint() -> None:
    several = SetFinding(DUPLICATE, Severity.NOTE, "2 files", ("b c.tar", "/d.tar", "e.tar"), "sha256:00")
    text = told("sarif", [finding(), several, several, finding("gone.tar")])
    driver = json.loads(text)["runs"][0]["tool"]["driver"]
    first, second, third, last = results(text)
    assert driver["rules"][first["ruleIndex"]]["id"] == "IMG812"
    assert first["level"] == "error"
    assert [each["physicalLocation"]["artifactLocation"]["uri"] for each in second["locations"]] == ["b%20c.tar"]
    related = [each["physicalLocation"]["artifactLocation"]["uri"] for each in second["relatedLocations"]]
    assert related == ["file:///d.tar", "e.tar"]
    assert second["properties"] == {"subject": "sha256:00", "about": "set"}
    prints = [each["partialFingerprints"]["set/v1"] for each in (first, second, third, last)]
    assert len(set(prints)) == 4
    again = results(told("sarif", [finding("gone.tar"), finding()]))
    assert [each["partialFingerprints"]["set/v1"] for each in again] == [prints[3], prints[0]]


def test_junit_has_the_same_tests_in_every_run() -> None:
    names = [f"{rule.code} {rule.name}" for rule in JUDGING]
    for found in ([], [finding()], [finding("a"), finding("b"), finding(rule=baseline.NEW)]):
        made = suite(told("junit", found))
        assert [each.get("name") for each in made.findall("testcase")] == names
        assert made.get("failures") == str(min(1, len(found)))
        assert properties(made)["archives"] == "2"
    many = suite(told("junit", [finding(f"{number}.tar") for number in range(150)]))
    (failure,) = many.findall("testcase/failure")
    assert str(failure.text).splitlines()[-1] == "and 50 more"
    assert suite(told("junit", [finding()], fail_on=None)).get("failures") == "0"


@pytest.mark.parametrize("form", ["jsonl", "csv", "sarif", "junit", "html"])
@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_stay_text(form: str, name: str) -> None:
    hostile = SetFinding(transfer.EXTRA, Severity.ERROR, f"{name}\udcff", (name, f"\udcff{name}"), name)
    text = told(form, [hostile])
    text.encode("ascii" if form in ("html", "junit", "sarif", "jsonl") else "utf-8")
    if form == "sarif":
        assert len(results(text)) == 1
    if form == "junit":
        assert len(suite(text).findall("testcase/failure")) == 1
    if form == "html":
        assert " ".join(printable(name).split()) in Page(text).text


# ------------------------------------------------------------------------------------------------------ on the page


def test_the_page_answers_with_what_is_graver() -> None:
    def answer(found: Sequence[SetFinding], *archives: ArchiveReport) -> tuple[str, str]:
        page = Page(told("html", found, *archives))
        (box,) = page.of("div", "answer")
        title = re.search(r"^(.*?) \u00b7 imgforensics ", page.text)
        assert title is not None
        return str(box["class"]).split()[1], title[1]

    entries = builder.docker_legacy([builder.ImageSpec()])
    builder.swap_layer(entries)
    warning = finding(rule=baseline.CHANGED)
    assert answer([]) == ("intact", "All 2 archives are intact")
    assert answer([finding(rule=baseline.NEW)]) == ("intact", "All 2 archives are intact")
    assert answer([warning]) == ("warning", "All 2 archives are intact; 1 warning about the archives together")
    assert answer([finding(), finding(), warning]) == (
        "error",
        "All 2 archives are intact; 2 errors about the archives together",
    )
    assert answer([finding()], report_of(entries)) == (
        "tampered",
        "The archive was tampered with; 1 error about the archives together",
    )


def test_the_page_has_a_section_for_it() -> None:
    page = Page(told("html", [finding(), finding(rule=DUPLICATE)]))
    assert "#set" in page.links
    assert (
        "Held against each other, against what had to arrive and against an earlier report: 1 error, 1 note."
        in page.text
    )
    for code in ("IMG812", "IMG805"):
        assert f"#rule-{code}" in page.links
    quiet = Page(told("html", []))
    assert "against an earlier report: no findings." in quiet.text
    assert "The archives together" not in Page(render(Report((report_of(builder.archive("crane")),)), "html")).text


def test_the_page_is_bounded() -> None:
    page = Page(told("html", [finding(f"{number:04}.tar") for number in range(pageset.MOST + 7)]))
    assert f"{pageset.MOST - 1:04}.tar is not in the lock" in page.text
    assert f"{pageset.MOST:04}.tar" not in page.text
    assert "7 more findings are not shown here" in page.text
    wide = SetFinding(DUPLICATE, Severity.NOTE, "many", tuple(map(str, range(pageset.PATHS + 3))), "x")
    assert "and 3 more" in Page(told("html", [wide])).text


# ------------------------------------------------------------------------------------- who would load it, who signed it


def signed(name: str = "somebody", count: int = 1) -> ArchiveReport:
    archive = report_of(builder.archive("oci_archive"), Options(signatures=True))
    found = Found(Scheme.COSIGN, Purpose.SIGNATURE, Place.TAG, Location(name, f"/{name}"), b"")
    held = Judgement(Status.VERIFIED, name, Signed((Digest.of(b""),)), Signer(name, name, name))
    bound = Bound(Binding.EXACT, name, Digest.of(b""), "manifest", (0,))
    known = Signatures((Signature(found, held, bound),) * count, {0: Headline.VERIFIED})
    return replace(archive, case=replace(case_of(archive), signatures=known))


def test_sarif_has_them_as_json_has_them() -> None:
    archive = signed()
    (artifact,) = json.loads(told("sarif", [], archive))["runs"][0]["artifacts"]
    as_json = json.loads(render(Report((archive,)), "jsonl"))
    assert artifact["properties"]["loads"] == as_json["loads"]
    assert artifact["properties"]["signatures"] == as_json["signatures"]
    assert len(as_json["loads"]) >= len(Reader)
    (plain,) = json.loads(told("sarif", [], report_of(builder.archive("crane"))))["runs"][0]["artifacts"]
    assert "signatures" not in plain["properties"]


def test_junit_has_them_as_properties_of_the_suite() -> None:
    archive = signed()
    known = properties(suite(told("junit", [], archive), "-"))
    assert [name for name in known if name.startswith("loads.")] == [f"loads.{each.value}" for each in Reader]
    image = archive.images[0]
    image_id = case_of(archive).catalogue.blobs[image.config_member or 0].digest
    assert known["loads.podman"].startswith(f"{image_id} as ")
    assert known["loads.docker-28-classic"].startswith("refused: ")
    assert known["signatures"] == known["signatures.image.0"] == "signed-and-verified"
    assert known["signature.1"].startswith("verified signature cosign-simple-signing: somebody; found as tag: ")
    assert known["signature.1"].endswith(f"signed {Digest.of(b'')}; binding exact @0")
    unasked = told("junit", [], report_of(builder.archive("crane")))
    assert not any(name.startswith("signature") for name in properties(suite(unasked, "-")))


def test_junit_counts_what_it_leaves_out() -> None:
    archive = signed(count=SIGNATURES + 3)
    loads = tuple(Load(Reader.CRANE, Digest.of(b"%d" % number), None, ("a:1",), "so") for number in range(IMAGES + 2))
    archive = replace(archive, case=replace(case_of(archive), loads=loads))
    known = properties(suite(told("junit", [], archive), "-"))
    assert known["signatures.more"] == "3"
    assert f"signature.{SIGNATURES + 1}" not in known
    assert known["loads.crane"].endswith("; and 2 more")


@pytest.mark.parametrize("name", NAMES)
def test_hostile_signatures_stay_text(name: str) -> None:
    archive = signed(name)
    known = properties(suite(told("junit", [], archive), "-"))
    assert " ".join(printable(name).split()) in " ".join(known["signature.1"].split())
    assert told("sarif", [], archive).isascii()


def test_a_statement_of_hostile_rules_is_ascii() -> None:
    text = _ended(Attestation(Manner()), [finding("\x1b\udcff")], (report_of(builder.archive("crane")),))
    assert json.loads(text)["predicate"]["aboutAll"]["codes"] == ["IMG812"]
    assert text.isascii()
