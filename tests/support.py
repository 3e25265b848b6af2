"""Short ways to look at an archive made in memory, shared by the tests."""

import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from imgforensics import Options, analyze
from imgforensics.case import Case
from imgforensics.findings import Finding, Severity, Verdict
from imgforensics.report import ArchiveReport
from imgforensics.structure import Image
from tests import builder
from tests.builder import Entry


def report_of(archive: bytes | Iterable[Entry], options: Options | None = None) -> ArchiveReport:
    """The report of an archive, given as bytes or as members."""
    data = archive if isinstance(archive, bytes) else builder.tar(archive)
    return analyze(io.BytesIO(data), options).archives[0]


def case_of(report: ArchiveReport) -> Case:
    """The facts of a report that has an answer."""
    assert report.case is not None
    return report.case


def codes(report: ArchiveReport, *severities: Severity) -> list[str]:
    """Rule codes of the findings, those of some severities only where any are given."""
    return [found.rule.code for found in report.findings if not severities or found.severity in severities]


def errors(report: ArchiveReport) -> list[Finding]:
    """The findings that are errors."""
    return [found for found in report.findings if found.severity is Severity.ERROR]


def bad(report: ArchiveReport) -> list[Finding]:
    """The findings that are more than a note."""
    return [found for found in report.findings if found.severity is not Severity.NOTE]


def the(report: ArchiveReport, code: str) -> Finding:
    """The one finding of a rule."""
    found = [finding for finding in report.findings if finding.rule.code == code]
    assert len(found) == 1, f"{code} fires {len(found)} times: {told(report)}"
    return found[0]


def told(report: ArchiveReport) -> str:
    """Everything that was found, for the message of a failed assertion."""
    lines = [f"{found.severity} {found.rule.code} {found.message} @ {found.location}" for found in report.findings]
    return "\n".join([f"verdict {report.verdict}", *lines])


def assert_clean(report: ArchiveReport, verdict: Verdict = Verdict.INTACT) -> None:
    """No error, no warning, and that verdict."""
    assert not bad(report), told(report)
    assert report.verdict is verdict, told(report)


def image_ids(report: ArchiveReport) -> list[str]:
    """The computed image IDs (digests of the configs), sorted; '-' where an image has no config."""
    return sorted(_id(case_of(report), image) for image in report.images)


def _id(case: Case, image: Image) -> str:
    return "-" if image.config_member is None else str(case.catalogue.blobs[image.config_member].digest)


def edit(entries: Sequence[Entry], name: str, change: Callable[[Any], Any]) -> Entry:
    """Rewrite a JSON member: `change` alters the document in place; the entry, changed."""
    entry = builder.find(entries, name)
    document = json.loads(entry.data)
    change(document)
    entry.data = builder.go(document)
    return entry


def oci(
    manifests: Sequence[dict[str, Any]], blobs: Iterable[bytes], *, algorithm: str = "sha256", **index: Any
) -> list[Entry]:
    """An OCI layout by hand: the descriptors of index.json and the blobs beside it, named by their digests."""
    names = {f"blobs/{builder.digest(data, algorithm).replace(':', '/')}": data for data in blobs}
    document = {"schemaVersion": 2, "manifests": list(manifests)} | index
    return [
        *(Entry(name, data) for name, data in names.items()),
        Entry("index.json", builder.go(document)),
        Entry("oci-layout", builder.LAYOUT),
    ]


def descriptor(content: bytes, media_type: str = builder.OCI_MANIFEST, **more: Any) -> dict[str, Any]:
    """A truthful descriptor of these bytes, and whatever else it should say."""
    return {"mediaType": media_type, "digest": builder.digest(content), "size": len(content)} | more


def manifest(config: bytes, layers: Sequence[bytes], media_type: str = builder.OCI_LAYER, **more: Any) -> bytes:
    """An image manifest of these bytes."""
    document = {
        "schemaVersion": 2,
        "mediaType": builder.OCI_MANIFEST,
        "config": descriptor(config, builder.OCI_CONFIG),
        "layers": [descriptor(layer, media_type) for layer in layers],
    }
    return builder.go(document | more)
