"""The judgements: severities, rules, findings, verdicts and the report that carries them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from imgforensics.model import Location


class Severity(StrEnum):
    """How bad a finding is, in SARIF's words (sarif-v2.1.0, section 3.27.10), worst first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return ("error", "warning", "note").index(self.value)


class Verdict(StrEnum):
    """The answer for one archive, worst last but for UNREADABLE, which is no answer."""

    INTACT = "intact"
    UNCHECKED = "unchecked"
    INCOMPLETE = "incomplete"
    SUSPECT = "suspect"
    TAMPERED = "tampered"
    UNREADABLE = "unreadable"


class Effect(StrEnum):
    """What a finding of a rule means for the verdict."""

    NONE = "none"
    UNCHECKED = "unchecked"
    INCOMPLETE = "incomplete"
    SUSPECT = "suspect"
    TAMPERED = "tampered"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its code is never reused, its documentation is the docstring of the check that stands for it."""

    code: str
    name: str
    severity: Severity
    """Severity of its findings unless the documentation says when it is lower."""
    effect: Effect
    since: str
    """First version of imgforensics that has it."""
    doc: str
    """Markdown; the first line is the summary."""

    @property
    def summary(self) -> str:
        """One sentence."""
        return self.doc.split("\n", 1)[0]

    def section(self, title: str) -> str:
        """What the documentation says under a heading; empty where there is none."""
        return self.doc.partition(f"## {title}\n")[2].partition("\n## ")[0].strip()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, missing, odd or could not be checked."""

    rule: Rule
    message: str
    location: Location
    severity: Severity
    related: tuple[Location, ...] = ()
    """Other places with the same cause."""
    claimed: str | None = None
    computed: str | None = None

    @property
    def images(self) -> frozenset[int]:
        """Indexes of all images that it concerns."""
        return frozenset(place.image for place in (self.location, *self.related) if place.image is not None)

    @property
    def effect(self) -> Effect:
        """What this finding means for the verdict: notes never change it, except for what was not checked."""
        if self.severity is Severity.NOTE and self.rule.effect is not Effect.UNCHECKED:
            return Effect.NONE
        return self.rule.effect


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Something that was not checked, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file in a directory that is no archive."""

    path: str
    reason: str


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The verdict that these findings add up to: the gravest effect among them."""
    order = [Effect.NONE, Effect.UNCHECKED, Effect.INCOMPLETE, Effect.SUSPECT, Effect.TAMPERED]
    verdicts = [Verdict.INTACT, Verdict.UNCHECKED, Verdict.INCOMPLETE, Verdict.SUSPECT, Verdict.TAMPERED]
    return verdicts[max((order.index(finding.effect) for finding in findings), default=0)]
