"""``junit``: test results as CI servers read them (the XML of Ant's JUnit task, as Jenkins and GitLab take it).

One suite an archive, one test a rule, the same tests in every run, so that servers can tell what is new and what was
fixed. A rule fails where it has a finding at or above ``--fail-on``; milder findings are the passing test's output.
What was not checked is a skipped test. An archive without an answer is one test with an error.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from imgforensics import checks
from imgforensics.custody import words
from imgforensics.findings import Finding, Rule, Severity, Skipped
from imgforensics.itself import NAME
from imgforensics.rendering.escape import printable
from imgforensics.rendering.words import MEANINGS, place
from imgforensics.rendering.writer import Writer, utc
from imgforensics.report import ArchiveReport, Period

_SHOWN = 100
"""Findings of one rule that a test tells; the counts are of all."""


class Suites(Writer):
    """Writes the suite of an archive as it ends."""

    def opening(self) -> str:
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{NAME}">\n'

    def archive(self, archive: ArchiveReport) -> str:
        name = printable(archive.path)
        if archive.error is not None:
            cases = [_case(name, "can be read", "error", archive.error)]
        else:
            cases = [*self._rules(archive, name), *_not_checked(archive, name)]
        kinds = [kind for kind, _ in cases]
        counts = {
            "tests": len(cases),
            "failures": kinds.count("failure"),
            "errors": kinds.count("error"),
            "skipped": kinds.count("skipped"),
        }
        times = {}
        if archive.period is not None:
            seconds = (archive.period.ended - archive.period.started).total_seconds()
            times = {"timestamp": utc(archive.period.started).rstrip("Z"), "time": f"{seconds:.3f}"}
        head = _attributes({"name": name, **counts, **times})
        suite = f"<testsuite {head}>\n{self._properties(archive)}{''.join(text for _, text in cases)}</testsuite>\n"
        return suite.encode("ascii", "xmlcharrefreplace").decode("ascii")  # the same through an output of any encoding

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        del skipped, period
        yield "</testsuites>\n"

    def _rules(self, archive: ArchiveReport, name: str) -> list[tuple[str, str]]:
        found: dict[str, list[Finding]] = defaultdict(list)
        for finding in archive.findings:
            found[finding.rule.code].append(finding)
        options = self.manner.options
        chosen = {each.rule.code for each in checks.select(options.select, options.ignore)}
        return [
            self._rule(rule, found[rule.code], name)
            if rule.code in chosen
            else _case(name, _title(rule), "skipped", "not selected: counted in the verdict, not reported")
            for rule in self.custody.rules
        ]

    def _rule(self, rule: Rule, found: Sequence[Finding], name: str) -> tuple[str, str]:
        bad = [each for each in found if self._fails(each)]
        if bad:
            return _case(name, _title(rule), "failure", bad[0].message, _told(found), kind=bad[0].severity.value)
        return _case(name, _title(rule), "passed", "", _told(found))

    def _fails(self, finding: Finding) -> bool:
        least = self.manner.fail_on
        return least is not None and finding.severity.rank <= Severity(least).rank

    def _properties(self, archive: ArchiveReport) -> str:
        identity = self.custody.identity
        properties = {
            "verdict": archive.verdict.value,
            "meaning": MEANINGS[archive.verdict],
            "sha256": "" if archive.digest is None else str(archive.digest),
            "size": "" if archive.size is None else str(archive.size),
            "tool": f"{NAME} {identity.version}",
            "tool_digest": identity.digest or "",
            "options": words(self.custody.options),
        }
        lines = [f"<property {_attributes({'name': key, 'value': value})}/>\n" for key, value in properties.items()]
        return f"<properties>\n{''.join(lines)}</properties>\n"


def _title(rule: Rule) -> str:
    return f"{rule.code} {rule.name}"


def _told(found: Sequence[Finding]) -> str:
    lines = [f"{each.severity} {printable(each.message)} [{place(each.location)}]" for each in found[:_SHOWN]]
    more = len(found) - len(lines)
    return "\n".join([*lines, f"and {more} more"] if more else lines)


def _not_checked(archive: ArchiveReport, name: str) -> Iterator[tuple[str, str]]:
    for each in archive.not_checked:
        if not each.what.startswith("rule "):  # a rule that was not selected has its own test
            yield _case(name, f"not checked: {each.what}", "skipped", each.reason)


def _case(
    suite: str, name: str, outcome: str, message: str, body: str = "", *, kind: str | None = None
) -> tuple[str, str]:
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
