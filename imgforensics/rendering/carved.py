"""What was carved out of an archive: as JSON, schema ``imgforensics.carved/1``, and for people."""

import json
from collections.abc import Sequence

from imgforensics.carving import Carved
from imgforensics.case import Case
from imgforensics.rendering.escape import brief, json_text, printable
from imgforensics.rendering.json_v1 import Json, head_json
from imgforensics.report import ArchiveReport

SCHEMA = "imgforensics.carved/1"


def render_json(report: ArchiveReport, case: Case, carved: Sequence[Carved]) -> str:
    """The document, which also lies beside the files."""
    value = {**head_json(SCHEMA, "carve", archive=report), "files": [_file(case, each) for each in carved]}
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def render_table(case: Case, carved: Sequence[Carved], folder: str) -> str:
    """One line a file, and where they are."""
    lines = [f"{each.file}  {each.piece.span.length} bytes  {brief(_of(case, each))}" for each in carved]
    total = sum(each.piece.span.length for each in carved)
    files = "1 file" if len(carved) == 1 else f"{len(carved)} files"
    return "\n".join([*lines, f"{files}, {total} bytes, and carved.json: {printable(folder)}"]) + "\n"


def _of(case: Case, carved: Carved) -> str:
    piece = carved.piece
    if piece.member is None:
        return piece.why
    return f"@{piece.member} {case.name(piece.member)}: {piece.why}"


def _file(case: Case, carved: Carved) -> Json:
    piece = carved.piece
    member = None if piece.member is None else case.catalogue.members[piece.member]
    return {
        "file": carved.file,
        "name": None if member is None else json_text(member.name),
        "index": piece.member,
        "kind": "trailing" if member is None else member.kind.value,
        "space": "file" if piece.outside else "tar",
        "offset": piece.span.offset,
        "size": piece.span.length,
        "sha256": str(carved.digest),
        "cut_off": piece.cut_off,
        "why": json_text(piece.why),
    }
