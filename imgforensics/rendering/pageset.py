"""What the page shows of the archives together: plain values, bounded, for the templates to escape."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from imgforensics.findings import Rule, Severity
from imgforensics.rendering.words import plural
from imgforensics.sets.rule import SetFinding

MOST, PATHS = 200, 20
"""Findings that are shown, and archives that one of them names; the rest is counted."""
_NO_BREAK = "\N{NO-BREAK SPACE}"
_AGAINST = {
    "IMG80": "against each other",
    "IMG81": "against what had to arrive",
    "IMG82": "against an earlier report",
    "IMG83": "against what was to be looked at",
}


@dataclass(frozen=True, slots=True)
class SetFindingView:
    """One finding about several archives."""

    severity: Severity
    code: str
    name: str
    message: str
    subject: str | None
    paths: tuple[str, ...]
    more: int
    """Paths that are not shown."""


@dataclass(frozen=True, slots=True)
class SetView:
    """What the archives were asked together, and what came of it."""

    problems: tuple[SetFindingView, ...]
    """Errors and warnings."""
    notes: tuple[SetFindingView, ...]
    hidden: int
    told: str
    """How many findings of each severity there are, shown or not, in words."""
    worst: Severity | None
    gravest: str
    """How many errors there are, or warnings where there is no error; empty where there is neither."""
    against: str
    """What they were held against, in words."""


def set_view(asked: Sequence[Rule], findings: Sequence[SetFinding]) -> SetView | None:
    """What the page shows of the archives together; None where they were not asked.

    Args:
        asked: the rules by which they were judged.
        findings: what these found, worst first.
    """
    if not asked:
        return None
    shown = [_view(each) for each in findings[:MOST]]
    counts = Counter(each.severity for each in findings)
    worst = min(counts, key=lambda each: each.rank, default=None)
    told = [f"{counts[each]} {plural(counts[each], each.value)}" for each in Severity if counts[each]]
    return SetView(
        problems=tuple(each for each in shown if each.severity is not Severity.NOTE),
        notes=tuple(each for each in shown if each.severity is Severity.NOTE),
        hidden=len(findings) - len(shown),
        told=", ".join(told) or "no findings",
        worst=worst,
        gravest="" if worst in (None, Severity.NOTE) else told[0].replace(" ", _NO_BREAK),
        against=_listed([words for digits, words in _AGAINST.items() if any(digits in rule.code for rule in asked)]),
    )


def _listed(words: Sequence[str]) -> str:
    """Words with commas between, and ``and`` before the last."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _view(finding: SetFinding) -> SetFindingView:
    return SetFindingView(
        severity=finding.severity,
        code=finding.rule.code,
        name=finding.rule.name,
        message=finding.message,
        subject=finding.subject,
        paths=finding.paths[:PATHS],
        more=max(0, len(finding.paths) - PATHS),
    )
