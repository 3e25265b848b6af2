"""What one archive may cost: where the budget is used up, that is said, and what was read is reported."""

import io
from pathlib import Path

import pytest

from imgforensics import Limits, Options, Severity, Verdict, analyze
from tests import builder
from tests.builder import ImageSpec
from tests.support import case_of
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
