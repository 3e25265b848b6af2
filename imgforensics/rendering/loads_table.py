"""Who would load what, for people: readers that do the same on one line, under the images that they would load."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from imgforensics.case import Case
from imgforensics.loaders import Load, Reader
from imgforensics.loaders.agreement import same_names
from imgforensics.rendering.escape import SENTENCE, brief
from imgforensics.rendering.style import Style

_SHOWN = 4
"""Images of one group that are spelled out."""


def lines(case: Case, style: Style, *, command: str, verbose: bool) -> list[str]:
    """The table in full; else one line, or none where readers contradict each other and :mod:`.sides_table` says it.

    Args:
        case: the facts.
        style: colours.
        command: whose report it is; ``digest`` does not ask.
        verbose: the whole table in any case.
    """
    if command == "digest" or not case.loads:
        return []
    groups, refusals = grouped(case.loads)
    if not verbose and command != "inspect":
        if case.sides:
            return []
        able = sum(len(readers) for whys in groups.values() for readers in whys.values())
        if not able:
            return ["", "  no reader would load anything from it (-v says why)"]
        agreed = "none contradicts another" if same_names(case.loads) else "they differ in names only"
        agreed = f"some take more images than others, {agreed}" if len(groups) > 1 else agreed
        return ["", f"  {able} of {len(Reader)} readers would load it, {agreed} (-v lists them)"]
    result = ["", f"  {style.paint('who would load what', 'strong')}"]
    for loaded, whys in groups.items():
        result.append(f"    {images_in_words(case, loaded)}")
        result += _readers(whys, "because {} {}")
    if refusals:
        result.append("    nothing")
        result += _readers(refusals, "{1}")
    return result


def grouped(
    loads: Sequence[Load],
) -> tuple[dict[tuple[str, ...], dict[str, list[Reader]]], dict[str, list[Reader]]]:
    """Image IDs to reasons to readers, and reasons of those that load nothing to readers."""
    by_reader: dict[Reader, list[Load]] = defaultdict(list)
    for load in loads:
        by_reader[load.reader].append(load)
    groups: dict[tuple[str, ...], dict[str, list[Reader]]] = defaultdict(lambda: defaultdict(list))
    refusals: dict[str, list[Reader]] = defaultdict(list)
    for reader, found in by_reader.items():
        taken = tuple(dict.fromkeys(str(load.image_id or "") for load in found if not load.refused))
        whys = "; then it fails: ".join(
            dict.fromkeys(load.why.partition("; for ")[0] for load in found[:1] + found[-1:])
        )
        if taken:
            groups[taken][whys if found[-1].refused else found[0].why.partition("; for ")[0]].append(reader)
        else:
            refusals[whys].append(reader)
    return groups, refusals


def images_in_words(case: Case, image_ids: Sequence[str]) -> str:
    """Images by number and ID, so many of them."""
    known: dict[str, str] = {}
    for image in case.structure.images:
        blob = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
        if blob is not None:
            known.setdefault(str(blob.digest), f"@{image.index}")
    words = [_image(known, image_id, alone=len(image_ids) == 1) for image_id in image_ids[:_SHOWN]]
    more = f" and {len(image_ids) - _SHOWN} more" if len(image_ids) > _SHOWN else ""
    return ", ".join(words) + more


def _image(known: Mapping[str, str], image_id: str, *, alone: bool) -> str:
    if not image_id:
        return "an image whose config the reader makes itself"
    number = known.get(image_id, "")
    return f"{number} {image_id if alone else image_id[:19]}".strip()


def _readers(whys: dict[str, list[Reader]], sentence: str) -> Iterator[str]:
    for why, readers in whys.items():
        yield f"      {', '.join(reader.called for reader in readers)}"
        yield f"        {brief(sentence.format('it reads' if len(readers) == 1 else 'they read', why), SENTENCE)}"
