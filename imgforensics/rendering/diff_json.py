"""Two archives compared, as JSON, schema ``imgforensics.diff/1``."""

import json
from typing import Any

from imgforensics.case import Case
from imgforensics.comparison import Answer, Comparison
from imgforensics.comparison.files import Facts, FileChange, FileChanges
from imgforensics.comparison.images import ConfigChange, ImageChange
from imgforensics.comparison.layers import LayerChange
from imgforensics.comparison.values import Difference
from imgforensics.rendering.custody_json import clean
from imgforensics.rendering.escape import json_text
from imgforensics.rendering.json_v1 import Json, head_json
from imgforensics.rendering.layers_json import layer_head
from imgforensics.structure import Image

SCHEMA = "imgforensics.diff/1"


def render(comparison: Comparison) -> str:
    """The document."""
    case_a, case_b = comparison.a.case, comparison.b.case
    findings = (("a", comparison.findings_only_a), ("b", comparison.findings_only_b))
    value = {
        **head_json(SCHEMA, "diff", a=comparison.a, b=comparison.b),
        "answer": comparison.answer.value,
        "same": comparison.answer is not Answer.DIFFERENT,
        "images": [_image(case_a, case_b, each) for each in comparison.images] if case_a and case_b else [],
        "artifacts": {
            "only_a": [str(each) for each in comparison.artifacts_only_a],
            "only_b": [str(each) for each in comparison.artifacts_only_b],
            "renamed": [
                {
                    "digest": str(each.digest),
                    "names_only_a": [json_text(name) for name in each.names_only_a],
                    "names_only_b": [json_text(name) for name in each.names_only_b],
                }
                for each in comparison.artifacts_renamed
            ],
        },
        "findings": {
            f"only_{side}": [{"code": code, "count": count} for code, count in found] for side, found in findings
        },
        "readers": [reader.value for reader in comparison.readers],
        "wrapping": [{"what": each.what, "a": json_text(each.a), "b": json_text(each.b)} for each in comparison.traits],
        "members": None if comparison.members is None else _files(comparison.members),
    }
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def _image(case_a: Case, case_b: Case, change: ImageChange) -> Json:
    return {
        "same": change.same,
        "paired_by": None if change.paired_by is None else change.paired_by.value,
        "a": None if change.a is None else _side(case_a, change.a),
        "b": None if change.b is None else _side(case_b, change.b),
        "names_only_a": [json_text(name) for name in change.names_only_a],
        "names_only_b": [json_text(name) for name in change.names_only_b],
        "config": None if change.config is None else _config(change.config),
        "layers": [_layer(case_a, case_b, each) for each in change.layers],
    }


def _side(case: Case, image: Image) -> Json:
    config = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
    manifest = None if image.manifest_member is None else case.catalogue.blobs.get(image.manifest_member)
    return {
        "index": image.index,
        "tags": [json_text(tag) for tag in image.tags],
        "platform": None if image.platform is None else json_text(image.platform),
        "image_id": None if config is None else str(config.digest),
        "manifest_digest": None if manifest is None else str(manifest.digest),
    }


def _config(change: ConfigChange) -> Json:
    found = change.differences
    return {
        "compared": found is not None,
        "spelling_only": change.spelling_only,
        "total": 0 if found is None else found.total,
        "differences": [] if found is None else [_difference(each) for each in found.listed],
    }


def _difference(difference: Difference) -> Json:
    return {
        "pointer": json_text(difference.pointer),
        "only": difference.only,
        "a": clean(difference.a),
        "b": clean(difference.b),
    }


def _layer(case_a: Case, case_b: Case, change: LayerChange) -> Json:
    return {
        "change": change.change.value,
        "a": None if change.a is None else layer_head(case_a, change.a),
        "b": None if change.b is None else layer_head(case_b, change.b),
        "files": None if change.files is None else _files(change.files),
        "why_not": None if change.why_not is None else json_text(change.why_not),
    }


def _files(files: FileChanges) -> Json:
    return {
        "counts": dict(sorted(files.counts.items())),
        "changes": [_file(each) for each in files.listed],
        "notes": [json_text(note) for note in files.notes],
    }


def _file(change: FileChange) -> dict[str, Any]:
    return {
        "path": json_text(change.path),
        "change": change.change.value,
        "aspects": [aspect.value for aspect in change.aspects],
        "a": None if change.a is None else _facts(change.a),
        "b": None if change.b is None else _facts(change.b),
    }


def _facts(facts: Facts) -> Json:
    return {
        "kind": facts.kind.value,
        "size": facts.size,
        "sha256": None if facts.sha256 is None else f"sha256:{facts.sha256.hex()}",
        "mode": facts.mode,
        "uid": facts.owner.uid,
        "gid": facts.owner.gid,
        "uname": json_text(facts.owner.uname),
        "gname": json_text(facts.owner.gname),
        "mtime": facts.mtime,
        "linkname": json_text(facts.linkname) or None,
        "device": list(facts.device) if facts.kind == "device" else None,
        "xattrs": {json_text(name): value.hex() for name, value in facts.xattrs},
        "occurrences": facts.times,
    }
