"""What is in layers, counted: for ``inspect``, as text and as JSON. Nothing in it is a finding."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from imgforensics.case import Case
from imgforensics.layerfacts import LayerFacts, Odd
from imgforensics.model import MemberKind
from imgforensics.rendering.escape import brief, json_text
from imgforensics.structure import Image, Layer

_LISTED = 8
"""Names that a line shows."""


def facts_of(case: Case, layer: Layer) -> LayerFacts | None:
    """What is in a layer, None where nobody looked, or it is no tar."""
    return None if layer.member is None else case.catalogue.layers.get(layer.member)


def inventory_json(facts: LayerFacts | None) -> Mapping[str, Any] | None:
    """One layer."""
    if facts is None:
        return None
    privileges, toc = facts.privileges, facts.toc
    return {
        "entries": facts.end.entries,
        "kinds": {kind.value: facts.counts.get(kind, 0) for kind in MemberKind},
        "size": facts.size,
        "whiteouts": facts.whiteouts,
        "opaque_whiteouts": facts.opaques,
        "setuid": _named_json(privileges.setuid, privileges.setuid_count),
        "setgid": _named_json(privileges.setgid, privileges.setgid_count),
        "capabilities": _named_json(privileges.capabilities, privileges.capabilities_count),
        "attributes": {json_text(name): count for name, count in sorted(facts.xattrs.items())},
        "repeated_folders": facts.odd_counts.get(Odd.FOLDER_TWICE, 0),
        "table_of_contents": None
        if toc is None
        else {"format": toc.kind.value, "digest": str(toc.digest), "entries": toc.entries, "agrees": toc.agrees},
    }


def _named_json(names: tuple[str, ...], count: int) -> Mapping[str, Any]:
    return {"count": count, "paths": [json_text(name) for name in names]}


def inventory_lines(case: Case, image: Image) -> Iterator[str]:
    """What all layers of an image hold together, lowest layer first; nothing where nobody looked."""
    layers = [facts for layer in image.layers if (facts := facts_of(case, layer)) is not None]
    if not layers:
        return
    counts: Counter[MemberKind] = Counter()
    for facts in layers:
        counts.update(facts.counts)
    kinds = ", ".join(f"{count} {_PLURALS[kind]}" for kind in MemberKind if (count := counts[kind]))
    whiteouts = sum(facts.whiteouts for facts in layers)
    opaques = sum(facts.opaques for facts in layers)
    removed = f"; {whiteouts} whiteouts" if whiteouts else ""
    removed += f"; {opaques} opaque folders" if opaques else ""
    entries = sum(facts.end.entries for facts in layers)
    yield f"in layers: {entries} entries ({kinds or 'none'}), {sum(each.size for each in layers)} bytes{removed}"
    for title in ("setuid", "setgid", "capabilities"):
        names = [name for each in layers for name in getattr(each.privileges, title)]
        count = sum(getattr(each.privileges, f"{title}_count") for each in layers)
        if count:
            yield f"{title}: {_list([brief(name) for name in names[:_LISTED]], count)}"
    attributes: Counter[str] = Counter()
    for facts in layers:
        attributes.update(facts.xattrs)
    if attributes:
        shown = [f"{brief(name)} ({count})" for name, count in sorted(attributes.items())[:_LISTED]]
        yield f"attributes: {_list(shown, len(attributes))}"
    tables = Counter(each.toc.kind.value for each in layers if each.toc is not None)
    if tables:
        yield f"tables of contents: {', '.join(f'{count} {kind}' for kind, count in sorted(tables.items()))}"


_PLURALS = {
    MemberKind.FILE: "files",
    MemberKind.DIRECTORY: "folders",
    MemberKind.SYMLINK: "symlinks",
    MemberKind.HARDLINK: "hard links",
    MemberKind.DEVICE: "devices",
    MemberKind.FIFO: "fifos",
    MemberKind.SPARSE: "sparse files",
    MemberKind.OTHER: "others",
}


def _list(shown: list[str], count: int) -> str:
    more = f" and {count - len(shown)} more" if count > len(shown) else ""
    return f"{', '.join(shown)}{more}"
