"""The report as JSON, schema ``imgforensics.report/1``: the versioned contract. Keys are never renamed inside it."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from imgforensics.case import Case
from imgforensics.custody import Custody
from imgforensics.documents import History
from imgforensics.findings import Finding, Skipped, Verdict
from imgforensics.loaders import Load
from imgforensics.model import Location, Verification
from imgforensics.rendering.custody_json import clean, custody_json
from imgforensics.rendering.escape import json_text
from imgforensics.rendering.inventory import facts_of, inventory_json
from imgforensics.rendering.moves import moves_json
from imgforensics.rendering.registry_json import expectation_json, registry_json
from imgforensics.rendering.signatures_json import signatures_json
from imgforensics.report import ArchiveReport, Period
from imgforensics.sets.rule import SetFinding
from imgforensics.structure import Image, Layer
from imgforensics.version import __version__

SCHEMA = "imgforensics.report/1"

Json = Mapping[str, Any]


def opening(command: str) -> str:
    """The document up to its first archive: it is written as the archives end, never held in memory whole."""
    head = {"schema": SCHEMA, "tool": {"name": "imgforensics", "version": __version__}, "command": command}
    return f'{_dump(head, indent=2)[:-2]},\n  "archives": ['


def item(archive: ArchiveReport, custody: Custody) -> str:
    """One archive inside the document; a comma belongs between two."""
    return "\n" + textwrap.indent(_dump(archive_json(archive, custody), indent=2), "    ")


def closing(
    skipped: Sequence[Skipped],
    counts: Mapping[Verdict, int],
    findings: int,
    custody: Custody,
    period: Period | None,
    about_all: Sequence[SetFinding] = (),
    *,
    interrupted: bool = False,
) -> str:
    """The document after its last archive."""
    tail = {
        "about_all": [_about_all(each) for each in about_all],
        "skipped": [{"path": json_text(each.path), "reason": json_text(each.reason)} for each in skipped],
        "summary": {
            "archives": sum(counts.values()),
            **{verdict.value: counts.get(verdict, 0) for verdict in Verdict},
            "findings": findings,
            "interrupted": interrupted,
        },
        "custody": custody_json(custody, period),
    }
    return f"\n  ],\n{_dump(tail, indent=2)[2:]}\n"


def _about_all(finding: SetFinding) -> Json:
    """Something about several archives."""
    return {
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": finding.severity.value,
        "message": json_text(finding.message),
        "paths": [json_text(path) for path in finding.paths],
        "subject": None if finding.subject is None else json_text(finding.subject),
    }


def render_line(archive: ArchiveReport, custody: Custody) -> str:
    """One archive as one line (``jsonl``)."""
    return _dump(archive_json(archive, custody), indent=None) + "\n"


def about_all_line(findings: Sequence[SetFinding]) -> str:
    """What archives say together as one line (``jsonl``)."""
    return _dump({"about_all": [_about_all(each) for each in findings]}, indent=None) + "\n"


def head_json(schema: str, command: str, **archives: ArchiveReport) -> Json:
    """What a document about single archives begins with, in any schema: whose it is, and which archives it is about."""
    return {
        "schema": schema,
        "tool": {"name": "imgforensics", "version": __version__},
        "command": command,
        **{name: _archive_head(archive) for name, archive in archives.items()},
    }


def _archive_head(archive: ArchiveReport) -> Json:
    outer = None if archive.case is None else archive.case.catalogue.outer
    return {
        "path": json_text(archive.path),
        "size": archive.size,
        "sha256": None if archive.digest is None else str(archive.digest),
        "outer_compression": None if outer == "none" or outer is None else outer.value,
        "verdict": archive.verdict.value,
    }


def _dump(value: Json, indent: int | None) -> str:
    # ASCII only: whatever an archive's names hold, any reader in any encoding can take it
    return json.dumps(value, indent=indent, ensure_ascii=True)


def archive_json(archive: ArchiveReport, custody: Custody) -> Json:
    """One archive."""
    case = archive.case
    result: dict[str, Any] = {
        "path": json_text(archive.path),
        "size": archive.size,
        "sha256": None if archive.digest is None else str(archive.digest),
        "outer_compression": None,
        "layouts": [],
        "producer": None,
        "verdict": archive.verdict.value,
        "images": [],
        "artifacts": [],
        "verifications": [],
        "findings": [finding_json(finding) for finding in archive.findings],
        "loads": [],
        "expectations": [],
        "signatures": None,
        "not_checked": [
            {"what": json_text(each.what), "reason": json_text(each.reason)} for each in archive.not_checked
        ],
        "error": None if archive.error is None else json_text(archive.error),
        "custody": custody_json(custody, archive.period),
    }
    if case is None:
        return result
    outer = case.catalogue.outer
    producer = case.producer
    result["outer_compression"] = None if outer == "none" else outer.value
    result["layouts"] = [view.value for view in case.structure.layouts]
    if producer is not None:
        evidence = [json_text(each) for each in producer.evidence]
        result["producer"] = {"name": producer.name, "versions": producer.versions, "evidence": evidence}
    result["images"] = [
        {
            **image_json(case, image, detailed=custody.command == "inspect"),
            "registry": registry_json(archive.registries.get(image.index), case.expectations, image.index),
        }
        for image in archive.images
    ]
    result["artifacts"] = [artifact_json(case, image) for image in case.structure.artifacts]
    result["loads"] = [load_json(each) for each in case.loads]
    result["expectations"] = [expectation_json(each) for each in case.expectations]
    result["signatures"] = signatures_json(case.signatures)
    result["verifications"] = [verification_json(each) for each in case.verifications]
    return result


def image_json(case: Case, image: Image, *, detailed: bool) -> Json:
    """One image; with its config's main values and history where they are asked for."""
    config = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
    manifest = None if image.manifest_member is None else case.catalogue.blobs.get(image.manifest_member)
    result: dict[str, Any] = {
        "index": image.index,
        "views": [view.value for view in image.views],
        "tags": [json_text(tag) for tag in image.tags],
        "platform": None if image.platform is None else json_text(image.platform),
        "image_id": None if config is None else str(config.digest),
        "manifest_digest": None if manifest is None else str(manifest.digest),
        "layers": [layer_json(case, layer) for layer in image.layers],
    }
    if detailed:
        result["moves"] = moves_json(image)
        result["config"] = _config_json(image)
        result["history"] = [_history_json(entry) for entry in (image.config.history if image.config else None) or ()]
    return result


def _config_json(image: Image) -> Json | None:
    if image.config is None:
        return None
    runtime = image.config.value.get("config")
    kept = ("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal")
    return {
        "created": json_text(image.config.created) or None,
        "author": json_text(image.config.author) or None,
        "docker_version": json_text(image.config.docker_version) or None,
        "runtime": {name: clean(runtime[name]) for name in kept if name in runtime}
        if isinstance(runtime, dict)
        else None,
    }


def _history_json(entry: History) -> Json:
    return {
        "created": json_text(entry.created) or None,
        "created_by": json_text(entry.created_by) or None,
        "author": json_text(entry.author) or None,
        "comment": json_text(entry.comment) or None,
        "empty_layer": entry.empty_layer,
    }


def artifact_json(case: Case, image: Image) -> Json:
    """An attestation or another artifact."""
    manifest = None if image.manifest_member is None else case.catalogue.blobs.get(image.manifest_member)
    return {
        "kind": image.kind.value,
        "tags": [json_text(tag) for tag in image.tags],
        "artifact_type": None if image.artifact_type is None else json_text(image.artifact_type),
        "manifest_digest": None if manifest is None else str(manifest.digest),
        "subject": None if image.subject is None else str(image.subject),
        "layers": [layer_json(case, layer) for layer in image.layers],
    }


def layer_json(case: Case, layer: Layer) -> Json:
    """One layer."""
    blob = None if layer.member is None else case.catalogue.blobs.get(layer.member)
    return {
        "index": layer.index,
        "member": None if layer.member is None else json_text(case.name(layer.member)),
        "claimed_diff_id": None if layer.claimed_diff_id is None else json_text(layer.claimed_diff_id),
        "diff_id": None if blob is None or blob.diff_id is None else str(blob.diff_id),
        "digest": None if blob is None else str(blob.digest),
        "size": _size(case, layer.member),
        "uncompressed_size": None if blob is None else blob.uncompressed_size,
        "compression": None if blob is None else blob.compression.value,
        "streams": None if blob is None else blob.streams,
        "media_type": None if layer.media_type is None else json_text(layer.media_type),
        "inventory": inventory_json(facts_of(case, layer)),
    }


def _size(case: Case, member: int | None) -> int | None:
    """Bytes of a member: as measured, else as many as are there."""
    if member is None:
        return None
    blob = case.catalogue.blobs.get(member)
    return case.catalogue.members[member].present if blob is None else blob.size


def load_json(load: Load) -> Json:
    """What one reader would load, or that it would not."""
    return {
        "reader": load.reader.value,
        "image_id": None if load.image_id is None else str(load.image_id),
        "manifest_digest": None if load.manifest_digest is None else str(load.manifest_digest),
        "tags": [json_text(tag) for tag in load.tags],
        "platform": load.platform or None,
        "refused": load.refused,
        "why": json_text(load.why),
    }


def verification_json(verification: Verification) -> Json:
    """One claim and how it fared."""
    return {
        "subject": location_json(verification.subject),
        "what": verification.what.value,
        "claimed": None if verification.claimed is None else json_text(verification.claimed),
        "computed": verification.computed,
        "verdict": verification.outcome.value,
        "reason": json_text(verification.reason),
    }


def finding_json(finding: Finding) -> Json:
    """One finding."""
    return {
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": finding.severity.value,
        "message": json_text(finding.message),
        "location": location_json(finding.location),
        "related": [location_json(location) for location in finding.related],
        "claimed": None if finding.claimed is None else json_text(finding.claimed),
        "computed": None if finding.computed is None else json_text(finding.computed),
    }


def location_json(location: Location) -> Json:
    """A place; absent parts are null."""
    return {
        "member": None if location.member is None else json_text(location.member),
        "pointer": None if location.pointer is None else json_text(location.pointer),
        "offset": location.offset,
        "length": location.length,
        "image": location.image,
        "layer": location.layer,
    }
