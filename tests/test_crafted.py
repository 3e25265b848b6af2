"""Every archive of the catalogue gets its findings and no others, and its innocent twin none."""

import io
from pathlib import Path

import pytest

from imgforensics import analyze
from imgforensics.checks import ALL
from imgforensics.findings import Severity
from imgforensics.report import ArchiveReport
from tests.crafted import CRAFTED, THREATS
from tests.crafted.case import Crafted
from tests.crafted.page import page
from tests.support import told

LOUD = (Severity.ERROR, Severity.WARNING)
cases = pytest.mark.parametrize("case", CRAFTED, ids=[case.name for case in CRAFTED])


def _report(archive: bytes) -> ArchiveReport:
    (report,) = analyze(io.BytesIO(archive)).archives
    return report


def _codes(report: ArchiveReport, *severities: Severity) -> set[str]:
    return {finding.rule.code for finding in report.findings if finding.severity in severities}


@cases
def test_a_crafted_archive_gets_its_findings_and_no_others(case: Crafted) -> None:
    report = _report(case.make())
    assert _codes(report, *LOUD) == case.codes, told(report)
    assert case.notes <= _codes(report, Severity.NOTE), told(report)


@cases
def test_its_innocent_twin_gets_none(case: Crafted) -> None:
    report = _report(case.twin())
    assert not _codes(report, *LOUD), told(report)
    assert not _codes(report, Severity.NOTE) & case.notes, told(report)


@cases
def test_it_is_made_alike_each_time(case: Crafted) -> None:
    assert case.make() == case.make()


def test_threats_and_archives_fit_each_other() -> None:
    threats = {threat.code: threat for threat in THREATS}
    assert len(threats) == len(THREATS)
    assert len({case.name for case in CRAFTED}) == len(CRAFTED)
    known = {check.rule.code for check in ALL}
    for case in CRAFTED:
        assert case.codes | case.notes, case.name
        assert case.codes | case.notes <= set(threats[case.threat].rules) <= known, case.name
    shown = {case.threat for case in CRAFTED}
    assert {threat.code for threat in THREATS if threat.rules} == shown


def test_the_page_is_what_the_catalogue_says() -> None:
    paper = Path(__file__).parents[1] / "docs" / "threats.md"
    assert paper.read_text(encoding="utf-8") == page(), "python -m tests.crafted > docs/threats.md"
