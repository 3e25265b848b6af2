"""How a check is made: a generator function and its rule."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from imgforensics.case import Case
from imgforensics.findings import Effect, Finding, Rule, Severity
from imgforensics.model import Location


@dataclass(frozen=True, slots=True)
class Found:
    """What a check says of one thing; :class:`Check` adds the rule."""

    message: str
    location: Location
    related: tuple[Location, ...] = ()
    claimed: str | None = None
    computed: str | None = None
    severity: Severity | None = None
    """Where it differs from the rule's own."""


Judge = Callable[[Case], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class Check:
    """A rule and the function that looks for it."""

    rule: Rule
    judge: Judge

    def run(self, case: Case) -> Iterator[Finding]:
        """Everything that this rule finds in a case."""
        for found in self.judge(case):
            yield Finding(
                rule=self.rule,
                message=found.message,
                location=found.location,
                severity=found.severity or self.rule.severity,
                related=found.related,
                claimed=found.claimed,
                computed=found.computed,
            )


def check(code: str, name: str, severity: Severity, effect: Effect, since: str = "0.1") -> Callable[[Judge], Check]:
    """Make a check of a generator function; its docstring becomes the rule's documentation."""

    def made(judge: Judge) -> Check:
        return Check(Rule(code, name, severity, effect, since, inspect.cleandoc(judge.__doc__ or "")), judge)

    return made
