"""How a rule about sets of archives is made, and what it finds."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from imgforensics.findings import Effect, Rule, Severity
from imgforensics.sets.store import Store


@dataclass(frozen=True, slots=True)
class SetFound:
    """What a rule says of some archives; :class:`SetRule` adds the rule."""

    message: str
    paths: tuple[str, ...]
    """The archives concerned, in order."""
    subject: str | None = None
    """The tag, digest or path that it is about."""
    severity: Severity | None = None
    """Where it differs from the rule's own."""


@dataclass(frozen=True, slots=True)
class SetFinding:
    """One thing that is odd about a set."""

    rule: Rule
    severity: Severity
    message: str
    paths: tuple[str, ...]
    subject: str | None = None


SetJudge = Callable[[Store], Iterator[SetFound]]


@dataclass(frozen=True, slots=True)
class SetRule:
    """A rule, and the function that looks for it."""

    rule: Rule
    judge: SetJudge

    def run(self, store: Store) -> Iterator[SetFinding]:
        """Everything that this rule finds in a set."""
        for found in self.judge(store):
            yield SetFinding(self.rule, found.severity or self.rule.severity, found.message, found.paths, found.subject)


def set_rule(code: str, name: str, severity: Severity, since: str = "0.1") -> Callable[[SetJudge], SetRule]:
    """Make a rule of a generator function; its docstring becomes the documentation. It changes no archive's verdict."""

    def made(judge: SetJudge) -> SetRule:
        return SetRule(Rule(code, name, severity, Effect.NONE, since, inspect.cleandoc(judge.__doc__ or "")), judge)

    return made
