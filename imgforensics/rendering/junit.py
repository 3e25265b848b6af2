"""``junit``: test results as CI servers read them (the XML of Ant's JUnit task, as Jenkins and GitLab take it).

One suite an archive, one test a rule, the same tests in every run, so that servers can tell what is new and what was
fixed. A rule fails where it has a finding at or above ``--fail-on``; milder findings are the passing test's output.
What was not checked is a skipped test. An archive without an answer is one test with an error. The last suite is about
the archives together, where they were asked for that.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from imgforensics.custody import words
from imgforensics.findings import Rule, Severity, Skipped
from imgforensics.itself import NAME
from imgforensics.rendering import junitfacts
from imgforensics.rendering.escape import printable
from imgforensics.rendering.words import MEANINGS, place
from imgforensics.rendering.writer import InRow, utc
from imgforensics.report import ArchiveReport, Period

_SHOWN = 100
"""Findings of one rule that a test tells; the counts are of all."""
SET = "set"
"""Name of the suite about the archives together."""

_Case = tuple[str, str]
"""A test: its outcome, and its element."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A finding, about an archive or about several."""

    rule: Rule
    severity: Severity
    message: str
    line: str
    """The message and the place, printable."""


class Suites(InRow):
    """Writes the suite of an archive as it ends, and that of the set after all of them."""

    def opening(self) -> str:
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{NAME}">\n'

    def content(self, archive: ArchiveReport) -> str:
        name = printable(archive.path)
        if archive.error is not None:
            cases = [_case(name, "can be read", "error", archive.error)]
        else:
            found = [
                _Found(each.rule, each.severity, each.message, f"{printable(each.message)} [{place(each.location)}]")
                for each in archive.findings
            ]
            cases = [*self._rules(self.custody.rules, found, name), *_not_checked(archive, name)]
        times = {}
        if archive.period is not None:
            seconds = (archive.period.ended - archive.period.started).total_seconds()
            times = {"timestamp": utc(archive.period.started).rstrip("Z"), "time": f"{seconds:.3f}"}
        properties = {
            "verdict": archive.verdict.value,
            "meaning": MEANINGS[archive.verdict],
            "sha256": "" if archive.digest is None else str(archive.digest),
            "size": "" if archive.size is None else str(archive.size),
        }
        if archive.case is not None:
            properties |= dict(junitfacts.loads(archive.case))
            properties |= dict(junitfacts.signatures(archive.case, archive.images))
        return self._suite(name, cases, properties, times)

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        del skipped, period
        if self.asked:
            found = [_Found(each.rule, each.severity, each.message, printable(each.message)) for each in self.about_all]
            cases = self._rules(self.asked, found, SET, "not selected: not reported")
            yield self._suite(SET, cases, {"archives": str(self.counts.total())}, {})
        yield "</testsuites>\n"

    def _suite(self, name: str, cases: Sequence[_Case], properties: Mapping[str, str], times: Mapping[str, str]) -> str:
        kinds = [kind for kind, _ in cases]
        counts = {
            "tests": len(cases),
            "failures": kinds.count("failure"),
            "errors": kinds.count("error"),
            "skipped": kinds.count("skipped"),
        }
        identity = self.custody.identity
        properties = {
            **properties,
            "tool": f"{NAME} {identity.version}",
            "tool_digest": identity.digest or "",
            "options": words(self.custody),
        }
        lines = [f"<property {_attributes({'name': key, 'value': value})}/>\n" for key, value in properties.items()]
        inside = f"<properties>\n{''.join(lines)}</properties>\n{''.join(text for _, text in cases)}"
        suite = f"<testsuite {_attributes({'name': name, **counts, **times})}>\n{inside}</testsuite>\n"
        return suite.encode("ascii", "xmlcharrefreplace").decode("ascii")  # the same through an output of any encoding

    def _rules(
        self,
        rules: Sequence[Rule],
        found: Sequence[_Found],
        name: str,
        skipped: str = "not selected: counted in the verdict, not reported",
    ) -> list[_Case]:
        """A test for each rule."""
        by_rule: dict[str, list[_Found]] = defaultdict(list)
        for each in found:
            by_rule[each.rule.code].append(each)
        return [
            self._rule(rule, by_rule[rule.code], name)
            if self.manner.options.selects(rule.code)
            else _case(name, _title(rule), "skipped", skipped)
            for rule in rules
        ]

    def _rule(self, rule: Rule, found: Sequence[_Found], name: str) -> _Case:
        bad = [each for each in found if self._fails(each)]
        if bad:
            return _case(name, _title(rule), "failure", bad[0].message, _told(found), kind=bad[0].severity.value)
        return _case(name, _title(rule), "passed", "", _told(found))

    def _fails(self, found: _Found) -> bool:
        least = self.manner.fail_on
        return least is not None and found.severity.rank <= Severity(least).rank


def _title(rule: Rule) -> str:
    return f"{rule.code} {rule.name}"


def _told(found: Sequence[_Found]) -> str:
    lines = [f"{each.severity} {each.line}" for each in found[:_SHOWN]]
    more = len(found) - len(lines)
    return "\n".join([*lines, f"and {more} more"] if more else lines)


def _not_checked(archive: ArchiveReport, name: str) -> Iterator[_Case]:
    for each in archive.not_checked:
        if not each.what.startswith("rule "):  # a rule that was not selected has its own test
            yield _case(name, f"not checked: {each.what}", "skipped", each.reason)


def _case(suite: str, name: str, outcome: str, message: str, body: str = "", *, kind: str | None = None) -> _Case:
    """One test: its outcome (``passed``, ``failure``, ``error``, ``skipped``), and the element."""
    head = _attributes({"classname": suite, "name": name})
    inside = escape("\n".join(map(printable, body.split("\n"))), quote=False)
    if outcome == "passed":
        return outcome, (
            f"<testcase {head}><system-out>{inside}</system-out></testcase>\n" if inside else f"<testcase {head}/>\n"
        )
    told = _attributes({"message": message, **({} if kind is None else {"type": kind})})
    element = f"<{outcome} {told}>{inside}</{outcome}>" if inside else f"<{outcome} {told}/>"
    return outcome, f"<testcase {head}>{element}</testcase>\n"


def _attributes(values: Mapping[str, str | int]) -> str:
    """Attributes, escaped; what XML 1.0 has no character for was made printable."""
    return " ".join(f'{name}="{escape(printable(str(value)))}"' for name, value in values.items())
