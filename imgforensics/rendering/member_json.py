"""What is known of single members as JSON, schema ``imgforensics.member/1``."""

import json
from collections.abc import Sequence
from typing import Any

from imgforensics.case import Case
from imgforensics.dossier import Dossier
from imgforensics.model import Anomaly, Blob, GzipHeader
from imgforensics.rendering.escape import json_text
from imgforensics.rendering.json_v1 import Json, finding_json, head_json, location_json, verification_json
from imgforensics.report import ArchiveReport
from imgforensics.structure import Reference
from imgforensics.tarheader import Header
from imgforensics.tartext import decode

SCHEMA = "imgforensics.member/1"


def render(report: ArchiveReport, case: Case, dossiers: Sequence[Dossier]) -> str:
    """The document."""
    value = {**head_json(SCHEMA, "inspect", archive=report), "members": [_member(case, each) for each in dossiers]}
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def _member(case: Case, dossier: Dossier) -> Json:
    member, claim = dossier.member, dossier.claim
    return {
        "index": member.index,
        "name": json_text(member.name),
        "path": None if member.path is None else json_text(member.path),
        "occurrences": list(dossier.occurrences),
        "kind": member.kind.value,
        "header": {
            "offset": member.header.offset,
            "length": member.header.length,
            "format": member.format,
            "typeflag": json_text(member.typeflag),
            "mode": member.mode,
            "uid": member.uid,
            "gid": member.gid,
            "uname": json_text(member.uname),
            "gname": json_text(member.gname),
            "mtime": member.mtime,
            "linkname": json_text(member.linkname),
            "damaged": member.damaged,
            "recovered": member.recovered,
            "plain": None if dossier.plain is None else _plain(dossier.plain),
            "pax": [[json_text(key), json_text(value)] for key, value in member.pax],
        },
        "data": {"offset": member.data.offset, "length": member.data.length, "present": member.present},
        "unmeasured": None if dossier.unmeasured is None else json_text(dossier.unmeasured),
        "bytes": None if dossier.blob is None else _blob(dossier.blob),
        "name_claims": None if claim is None else str(claim.digest),
        "document": None if dossier.document is None else dossier.document.kind.value,
        "anomalies": [_anomaly(each) for each in dossier.anomalies],
        "references": [_reference(each) for each in dossier.references],
        "used_by": [{"image": each.image, "layer": each.layer} for each in dossier.users],
        "leads_to": [_named(case, index) for index in dossier.leads_to],
        "linked_from": [_named(case, index) for index in dossier.linked_from],
        "orphan": dossier.orphan,
        "orphan_of": [_named(case, index) for index in dossier.orphan_of],
        "verifications": [verification_json(each) for each in dossier.verifications],
        "findings": [finding_json(each) for each in dossier.findings],
        "preview": {
            "stored": dossier.stored.hex(),
            "uncompressed": None if dossier.unpacked is None else dossier.unpacked.hex(),
        },
    }


def _plain(header: Header) -> Json:
    """The plain header; names are those of its fields."""
    return {
        "name": json_text(decode(header.name)),
        "mode": header.mode,
        "uid": header.uid,
        "gid": header.gid,
        "size": header.size,
        "mtime": header.mtime,
        "linkname": json_text(decode(header.linkname)),
        "uname": json_text(decode(header.uname)),
        "gname": json_text(decode(header.gname)),
        "no_numbers": list(header.bad),
    }


def _blob(blob: Blob) -> Json:
    return {
        "size": blob.size,
        "digest": str(blob.digest),
        "other_digests": [str(each) for _, each in sorted(blob.other_digests.items())],
        "compression": blob.compression.value,
        "streams": blob.streams,
        "gzip_header": None if blob.gzip_header is None else gzip_json(blob.gzip_header),
        "diff_id": None if blob.diff_id is None else str(blob.diff_id),
        "other_diff_ids": [str(each) for _, each in sorted(blob.other_diff_ids.items())],
        "uncompressed_size": blob.uncompressed_size,
        "sparse": blob.expanded,
    }


def gzip_json(header: GzipHeader) -> Json:
    """A gzip header; the texts in it as Latin-1, which RFC 1952 says they are."""

    def text(value: bytes | None) -> str | None:
        return None if value is None else value.decode("latin-1")

    return {
        "first10": header.first10,
        "mtime": header.mtime,
        "extra_flags": header.extra_flags,
        "os": header.os,
        "flags": header.flags,
        "name": text(header.name),
        "comment": text(header.comment),
        "extra": None if header.extra is None else header.extra.hex(),
    }


def _anomaly(anomaly: Anomaly) -> Json:
    span = anomaly.span
    return {
        "kind": anomaly.kind.value,
        "detail": json_text(anomaly.detail),
        "offset": None if span is None else span.offset,
        "length": None if span is None else span.length,
        "pointer": None if anomaly.pointer is None else json_text(anomaly.pointer),
    }


def _reference(reference: Reference) -> Json:
    return {
        "role": reference.role.value,
        "where": location_json(reference.where),
        "claims": json_text(reference.claims),
        "by_content": reference.by_content,
    }


def _named(case: Case, index: int) -> dict[str, Any]:
    return {"index": index, "name": json_text(case.name(index))}
