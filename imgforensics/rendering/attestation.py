"""The verdict as an in-toto statement, unsigned (in-toto attestation framework, spec/v1/statement.md).

The archives are the subjects, by SHA-256; the predicate says which verdict each got, by which program and options.
What names its type is a URN of a UUID (RFC 9562): ``docs/decisions`` says why. Field names are lowerCamelCase, and
consumers ignore what they do not know, as the framework recommends.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from imgforensics.findings import Severity, Skipped
from imgforensics.model import Digest
from imgforensics.rendering.custody_json import custody_json
from imgforensics.rendering.escape import json_text
from imgforensics.rendering.jsonparts import Items, dump
from imgforensics.rendering.writer import Manner, Memory, Spool, Writer
from imgforensics.report import ArchiveReport, Period, gravest

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:uuid:a5da0c96-78f0-4639-a7a8-3a093396f7a6"
"""Type of the predicate below, version 1. Keys may be added to it; a change that breaks readers takes a new UUID."""


class Attestation(Writer):
    """Keeps a few lines an archive in spools: the statement names all subjects first."""

    def __init__(self, manner: Manner, spool: Callable[[], Spool] = Memory) -> None:
        super().__init__(manner, spool)
        self.subjects = 0
        """How many archives the statement is about. Where no archive has an answer, there is no statement."""
        self._names, self._archives, self._unanswered = Items(spool()), Items(spool()), Items(spool())
        self._told: set[tuple[str, Digest]] = set()
        """Subjects so far: one that is given twice is still one."""

    def archive(self, archive: ArchiveReport, /) -> str:
        name = json_text("stdin" if archive.path == "-" else archive.path)
        if archive.digest is None:
            self._unanswered.add({"name": name, "error": json_text(archive.error or "its SHA-256 was not computed")})
            return ""
        if (name, archive.digest) in self._told:
            return ""
        self._told.add((name, archive.digest))
        self.subjects += 1
        self._names.add({"name": name, "digest": {archive.digest.algorithm: archive.digest.encoded}})
        self._archives.add(_told(archive, name))
        return ""

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        custody = dict(custody_json(self.custody, period))
        times = {"startedAt": custody.pop("started"), "endedAt": custody.pop("ended")}
        custody |= {name: time for name, time in times.items() if time is not None}
        yield f'{{"_type":{dump(STATEMENT)},\n"subject":['
        yield from self._names.read()
        yield f'],\n"predicateType":{dump(PREDICATE)},\n"predicate":{{"verdict":{dump(gravest(self.counts))},'
        yield '\n"archives":['
        yield from self._archives.read()
        yield '],\n"unanswered":['
        yield from self._unanswered.read()
        yield f'],\n"skippedFiles":{len(skipped)},\n'
        if self.asked:
            yield f'"aboutAll":{dump(_judged([(each.severity, each.rule.code) for each in self.about_all]))},\n'
        yield f"{dump(custody)[1:]}}}\n"


def _told(archive: ArchiveReport, name: str) -> dict[str, Any]:
    blobs = {} if archive.case is None else archive.case.catalogue.blobs
    configs = [blobs.get(-1 if image.config_member is None else image.config_member) for image in archive.images]
    manifests = [blobs.get(-1 if image.manifest_member is None else image.manifest_member) for image in archive.images]
    return {
        "name": name,
        "sha256": str(archive.digest),
        "size": archive.size,
        "verdict": archive.verdict.value,
        **_judged([(finding.severity, finding.rule.code) for finding in archive.findings]),
        "imageIds": sorted({str(blob.digest) for blob in configs if blob is not None}),
        "manifestDigests": sorted({str(blob.digest) for blob in manifests if blob is not None}),
        "notChecked": [
            {"what": json_text(each.what), "reason": json_text(each.reason)} for each in archive.not_checked
        ],
    }


def _judged(found: Sequence[tuple[Severity, str]]) -> dict[str, Any]:
    """How many findings there are of each severity, and of which rules."""
    counts = Counter(severity for severity, _ in found)
    return {
        "findings": {severity.value: counts[severity] for severity in Severity},
        "codes": sorted({code for _, code in found}),
    }
