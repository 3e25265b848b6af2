"""Layers of images, and their files, as JSON, schema ``imgforensics.layers/1``; files are written as they are read."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from imgforensics.case import Case
from imgforensics.listing import Contents, Listed
from imgforensics.model import MemberKind
from imgforensics.rendering.escape import json_text
from imgforensics.rendering.json_v1 import Json, head_json, layer_json
from imgforensics.rendering.member_json import gzip_json
from imgforensics.report import ArchiveReport
from imgforensics.structure import Image, Layer

SCHEMA = "imgforensics.layers/1"

_HEAD = (
    *("index", "member", "claimed_diff_id", "diff_id", "digest"),
    *("size", "uncompressed_size", "compression", "media_type"),
)


def pieces(
    report: ArchiveReport,
    case: Case,
    contents: Mapping[int, Contents],
    files: Iterable[Listed] | None,
    notes: Sequence[str],
) -> Iterator[str]:
    """The document, piece by piece.

    Args:
        report: of the archive, with the images that were chosen.
        case: its facts.
        contents: of layers, by member; empty where they were not asked for.
        files: of the one image; None where they were not asked for.
        notes: what of the files is not whole; looked at when all files were written.
    """
    images = [_image(case, image, contents) for image in report.images]
    head = json.dumps({**head_json(SCHEMA, "inspect", archive=report), "images": images}, indent=2)
    yield f"{head[:-2]},\n"
    if files is None:
        yield '  "files": null,\n'
    else:
        yield '  "files": ['
        separator = "\n"
        for listed in files:
            yield f"{separator}    {json.dumps(_file(listed))}"
            separator = ",\n"
        yield "\n  ],\n"
    yield f'  "notes": {json.dumps([json_text(note) for note in notes])}\n}}\n'


def _image(case: Case, image: Image, contents: Mapping[int, Contents]) -> Json:
    config = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
    steps = [step for step in (image.config.history if image.config else None) or () if not step.empty_layer]
    return {
        "index": image.index,
        "tags": [json_text(tag) for tag in image.tags],
        "platform": None if image.platform is None else json_text(image.platform),
        "image_id": None if config is None else str(config.digest),
        "layers": [
            {
                **layer_head(case, layer),
                "member_index": layer.member,
                "gzip_header": _gzip(case, layer),
                "created_by": json_text(steps[layer.index].created_by) if layer.index < len(steps) else None,
                "contents": _contents(contents.get(layer.member)) if layer.member is not None else None,
            }
            for layer in image.layers
        ],
    }


def layer_head(case: Case, layer: Layer) -> Json:
    """What says which layer it is, and how it is stored: the first keys of a report's layer."""
    whole = layer_json(case, layer)
    return {key: whole[key] for key in _HEAD}


def _gzip(case: Case, layer: Layer) -> Json | None:
    blob = None if layer.member is None else case.catalogue.blobs.get(layer.member)
    return None if blob is None or blob.gzip_header is None else gzip_json(blob.gzip_header)


def _contents(contents: Contents | None) -> Json | None:
    if contents is None or contents.end is None:
        return None
    damage = contents.end.damage
    return {
        "entries": contents.end.entries,
        "kinds": {kind.value: contents.kinds[kind] for kind in MemberKind if contents.kinds[kind]},
        "data": contents.data,
        "whiteouts": contents.whiteouts,
        "opaque": contents.opaque,
        "set_id": contents.set_id,
        "with_xattrs": contents.with_xattrs,
        "is_tar": contents.end.is_tar,
        "damage": None if damage is None else {"kind": damage.kind.value, "detail": json_text(damage.detail)},
        "trailing": 0 if contents.end.trailing is None else contents.end.trailing.length,
    }


def _file(listed: Listed) -> dict[str, Any]:
    entry, takes = listed.entry, listed.takes
    return {
        "layer": listed.layer,
        "name": json_text(entry.name),
        "path": None if entry.path is None else json_text(entry.path),
        "kind": entry.kind.value,
        "mode": entry.mode,
        "uid": entry.uid,
        "gid": entry.gid,
        "uname": json_text(entry.uname),
        "gname": json_text(entry.gname),
        "size": entry.size,
        "mtime": entry.mtime,
        "linkname": json_text(entry.linkname) or None,
        "device": [entry.devmajor, entry.devminor] if entry.kind is MemberKind.DEVICE else None,
        "xattrs": {json_text(name): value.hex() for name, value in entry.xattrs.items()} if entry.pax else {},
        "offset": entry.data,
        "whiteout": None if takes is None else {"kind": takes[0].value, "path": json_text(takes[1])},
        "hides": listed.hides,
        "fate": listed.fate.name.lower(),
        "by_layer": listed.by,
    }
