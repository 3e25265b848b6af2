"""``sarif``: the report as SARIF 2.1.0 (OASIS Standard, 27 March 2020), for viewers and code-scanning services.

Archives are artifacts, findings are results, and an archive without an answer is a notification of the tool, as the
standard wants failures of a tool to be kept apart from what it found. Results are written as the archives end; those
about several archives come last. Who would load what, and signatures, are properties of an artifact, as JSON has them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from imgforensics.findings import Finding, Rule, Skipped, Verdict
from imgforensics.itself import NAME
from imgforensics.model import Digest
from imgforensics.rendering.custody_json import custody_json
from imgforensics.rendering.escape import json_text
from imgforensics.rendering.json_v1 import load_json
from imgforensics.rendering.jsonparts import Items, dump
from imgforensics.rendering.sarifplaces import Fingerprints, Json, Places, SetFingerprints, text, uri
from imgforensics.rendering.signatures_json import signatures_json
from imgforensics.rendering.writer import Manner, Memory, Spool, Writer, utc
from imgforensics.report import ArchiveReport, Period
from imgforensics.sets.known import KNOWN
from imgforensics.sets.rule import SetFinding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
VERSION = "2.1.0"
_RELATED = 100
"""Places with the same cause that a result names; a thousand images may share a layer."""


class Sarif(Writer):
    """Writes results as archives end; artifacts and notifications wait for their place."""

    def __init__(self, manner: Manner, spool: Callable[[], Spool] = Memory) -> None:
        super().__init__(manner, spool)
        self._artifacts, self._notifications = Items(spool()), Items(spool())
        self._known = (*self.custody.rules, *KNOWN)
        self._rules = {rule.code: index for index, rule in enumerate(self._known)}
        self._any = False
        self._numbers: dict[str, int] = {}
        """Artifacts by what is said of them, hashed: the standard wants each of them once (section 3.14.15)."""

    def opening(self) -> str:
        identity = self.custody.identity
        driver = {
            "name": NAME,
            "version": identity.version,
            "rules": [_rule(rule) for rule in self._known],
            "properties": {"digest": identity.digest, "compiled": identity.compiled},
        }
        return (
            f'{{"$schema":{dump(SCHEMA)},"version":{dump(VERSION)},"runs":[{{\n"tool":{dump({"driver": driver})},\n'
            '"results":['
        )

    def archive(self, archive: ArchiveReport, /) -> str:
        artifact = _artifact(archive)
        known = Digest.of(dump(artifact).encode()).encoded
        if known not in self._numbers:
            self._artifacts.add(artifact)
        index = self._numbers.setdefault(known, len(self._numbers))
        places, fingerprints = Places(archive, index), Fingerprints(archive)
        if archive.error is not None:
            where = {"physicalLocation": {"artifactLocation": {"uri": uri(archive.path), "index": index}}}
            self._notifications.add({"level": "error", "message": {"text": text(archive.error)}, "locations": [where]})
        return "".join(
            self._result(
                finding,
                [places.location(each) for each in (finding.location, *finding.related[:_RELATED])],
                fingerprints.of(finding),
                {"claimed": finding.claimed, "computed": finding.computed, "related": len(finding.related)},
            )
            for finding in archive.findings
        )

    def _result(self, finding: Finding | SetFinding, places: Sequence[Json], prints: Json, more: Json) -> str:
        """One result: the first of its places is where it is, the others are related to it."""
        result = {
            "ruleId": finding.rule.code,
            "ruleIndex": self._rules[finding.rule.code],
            "level": finding.severity.value,
            "message": {"text": text(finding.message)},
            "locations": places[:1],
            **({"relatedLocations": [{"id": at, **each} for at, each in enumerate(places[1:])]} if places[1:] else {}),
            "properties": {
                name: json_text(value) if isinstance(value, str) else value
                for name, value in more.items()
                if value is not None
            },
            "suppressions": [],  # the standard's way of saying that nothing was suppressed
            "partialFingerprints": prints,
        }
        comma, self._any = "," if self._any else "", True
        return f"{comma}\n{dump(result)}"

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        fingerprints = SetFingerprints()
        for each in self.about_all:
            places = [{"physicalLocation": {"artifactLocation": {"uri": uri(path)}}} for path in each.paths]
            yield self._result(each, places, fingerprints.of(each), {"subject": each.subject, "about": "set"})
        yield '],\n"artifacts":['
        yield from self._artifacts.read()
        times = {} if period is None else {"startTimeUtc": utc(period.started), "endTimeUtc": utc(period.ended)}
        whole = dump({"executionSuccessful": not (self.interrupted or self.counts[Verdict.UNREADABLE]), **times})
        yield f'],\n"invocations":[{whole[:-1]},"toolExecutionNotifications":['
        yield from self._notifications.read()
        properties = {
            "custody": custody_json(self.custody, period),
            "verdicts": {verdict.value: self.counts[verdict] for verdict in Verdict},
            "skipped": [{"path": json_text(each.path), "reason": json_text(each.reason)} for each in skipped],
        }
        yield f']}}],\n"properties":{dump(properties)}\n}}]}}\n'


def _rule(rule: Rule) -> Json:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.section("What it means")},
        "help": {"text": rule.doc, "markdown": rule.doc.replace("\n## ", "\n### ")},
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"since": rule.since, "verdict": rule.effect.value},
    }


def _artifact(archive: ArchiveReport) -> Json:
    result: dict[str, Any] = {
        "location": {"uri": uri(archive.path)},
        "roles": ["analysisTarget"],
        "properties": {
            "verdict": archive.verdict.value,
            "notChecked": [
                {"what": json_text(each.what), "reason": json_text(each.reason)} for each in archive.not_checked
            ],
        },
    }
    if archive.case is not None:
        result["properties"]["loads"] = [load_json(load) for load in archive.case.loads]
        if archive.case.signatures is not None:
            result["properties"]["signatures"] = signatures_json(archive.case.signatures)
    if archive.size is not None:
        result["length"] = archive.size
    if archive.digest is not None:
        result["hashes"] = {"sha-256": archive.digest.encoded}
    if archive.period is not None:
        result["properties"] |= {"started": utc(archive.period.started), "ended": utc(archive.period.ended)}
    return result
