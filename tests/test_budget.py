"""What one archive may cost: where the budget is used up, that is said, and what was read is reported."""

import io
from pathlib import Path

import pytest

from imgforensics import Limits, Options, Severity, Verdict, analyze
from tests import builder
from tests.builder import ImageSpec
from tests.support import case_of, told
from tests.test_cli import document, invoke

LARGE = builder.tar(
    builder.docker_legacy([ImageSpec(layers=[builder.layer({f"f{n}": bytes([n]) * (3 << 20)}) for n in range(4)])])
)


@pytest.mark.parametrize("limits", [Limits(read=6 << 20), Limits(seconds=0)])
def test_what_a_budget_leaves_out_is_told(limits: Limits) -> None:
    report = analyze(io.BytesIO(LARGE), Options(limits=limits)).archives[0]
    found = next(each for each in report.findings if each.rule.code == "IMG902" and "the budget of" in each.message)
    assert found.severity is Severity.ERROR
    assert report.verdict is not Verdict.INTACT
    assert case_of(report).catalogue.unmeasured
    assert any("budget" in each.reason for each in report.not_checked)


@pytest.mark.parametrize("layout", builder.LAYOUTS)
def test_that_it_struck_is_the_one_finding(layout: str) -> None:
    """Wherever it strikes: what was not read is no lie of the archive's, and nothing is said of what it may lead to."""
    data = builder.archive(layout)
    for share in range(12):
        report = analyze(io.BytesIO(data), Options(limits=Limits(read=len(data) * share // 8))).archives[0]
        loud = [each for each in report.findings if each.severity is not Severity.NOTE]
        assert [each.rule.code for each in loud] == ["IMG902"] * len(loud), told(report)
        assert len(loud) == (case_of(report).catalogue.spent is not None), told(report)


def test_documents_that_were_left_unread_are_named() -> None:
    report = analyze(io.BytesIO(LARGE), Options(limits=Limits(read=100))).archives[0]
    (found,) = (each for each in report.findings if each.severity is not Severity.NOTE)
    assert {each.member for each in found.related} >= {"manifest.json", "repositories"}


def test_a_budget_that_suffices_changes_nothing() -> None:
    plain = analyze(io.BytesIO(LARGE)).archives[0]
    bounded = analyze(io.BytesIO(LARGE), Options(limits=Limits(read=1 << 30, seconds=3600))).archives[0]
    assert bounded.findings == plain.findings
    assert bounded.verdict is plain.verdict is Verdict.INTACT


def test_what_is_asked_for_beyond_it_is_answered(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(LARGE)
    expected = f"sha256:{'1' * 64}"
    result = invoke(
        "verify", tmp_path / "a.tar", "--budget", "20MiB", "--expect", expected, "--no-ledger", "-f", "json"
    )
    assert document(result)["archives"][0]["error"] is None


def test_the_option(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(LARGE)
    report = document(invoke("verify", tmp_path / "a.tar", "--budget", "6MiB", "--budget", "1h", "-f", "json"))
    assert [each["code"] for each in report["archives"][0]["findings"] if each["severity"] == "error"] == ["IMG902"]
    assert report["custody"]["options"]["limits"] == {"seconds": 3600, "read": 6 << 20}
    for wrong in ("6", "0s", "1 day", "-1s"):
        refused = invoke("verify", tmp_path / "a.tar", f"--budget={wrong}")
        assert refused.exit_code == 2
        assert "such as 90s or 20GiB" in refused.stderr
