"""Where readers contradict each other: who would run which image, and why, on one screen of 80 columns, 24 lines."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from textwrap import wrap

from imgforensics.case import Case
from imgforensics.loaders import Load, Reader
from imgforensics.loaders.agreement import Side, contradictions
from imgforensics.loaders.load import ASKED_FOR, SINCE_LAYOUT
from imgforensics.rendering.escape import SENTENCE, brief
from imgforensics.rendering.style import Style
from imgforensics.rendering.words import plural

WIDTH = 80
"""Columns of a terminal as it opens."""
_FEW = 3
"""Images of one side, and reasons, that are spelled out."""
_LINES = 2
"""Lines of one reason."""
_SHORTEST = 12
"""Digits of an ID, as container tools abbreviate."""
_NAME = 24
"""Characters of an image's name."""
_PLATFORM = 16
"""Characters of its platform."""
_USUAL = re.compile(rf"{SINCE_LAYOUT}|; of \d+ entries {ASKED_FOR}|; for [^;,]*$")
"""Parts of a reason that hold for every sound archive, and explain no difference."""
_HEX = re.compile(r"(?:\b[a-z0-9]+:)?\b([0-9a-f]{12})[0-9a-f]{20,}")


def answer(case: Case, style: Style) -> list[str]:
    """Every reader once: under the image that it would run, or under nothing; IDs and reasons shortened.

    Args:
        case: the facts.
        style: colours.

    Returns:
        Lines of at most 80 columns, with an empty one before them; none where no reader contradicts another.
    """
    if not case.sides:
        return []
    lines = ["", f"  {style.paint('readers contradict each other: who would run which image, and why', 'strong')}"]
    if case.sides[0].of:
        more = sum(1 for _ in contradictions(case.loads)) - 1
        lines.append(f"  for {brief(case.sides[0].of, _NAME)}{f', and for {more} more' if more else ''}")
    images = _Images(case)
    for side in case.sides:
        lines += [f"    {images.told(image_id)}" for image_id in side.image_ids[:_FEW]]
        if len(side.image_ids) > _FEW:
            lines.append(f"    and {len(side.image_ids) - _FEW} more (-v)")
        lines += _paragraphs(_reasons(case.loads, side), "by")
    lines += _others(case, {reader for side in case.sides for reader in side.readers})
    return lines


def _others(case: Case, sided: set[Reader]) -> list[str]:
    """Readers that take no part in the contradiction: they load something else, or nothing."""
    refused: dict[str, list[Reader]] = defaultdict(list)
    elsewhere: dict[str, list[Reader]] = defaultdict(list)
    for reader in Reader:
        loads = [load for load in case.loads if load.reader is reader]
        if reader in sided or not loads:
            continue
        taken = [load for load in loads if not load.refused]
        (elsewhere if taken else refused)[_short((taken or loads[-1:])[0].why)].append(reader)
    lines = []
    for heading, whys, word in (("other images", elsewhere, "by"), ("nothing", refused, "since")):
        if whys:
            lines += [f"    {heading}", *_paragraphs(whys, word)]
    return lines


def _reasons(loads: Sequence[Load], side: Side) -> Mapping[str, list[Reader]]:
    whys: dict[str, list[Reader]] = defaultdict(list)
    for reader in side.readers:
        found = [load for load in loads if load.reader is reader]
        why = next(_short(load.why) for load in found if str(load.image_id) in side.image_ids)
        whys[f"{why}; then it fails: {_short(found[-1].why)}" if found[-1].refused else why].append(reader)
    return whys


def _paragraphs(whys: Mapping[str, Sequence[Reader]], word: str) -> Iterator[str]:
    """Readers, and the reason below them; of more than a few reasons only how many there are."""
    if len(whys) > _FEW + 1:
        whys = {f"for {len(whys)} reasons (-v)": [reader for each in whys.values() for reader in each]}
        word = ""
    for why, readers in whys.items():
        names = ", ".join(reader.called.replace(" ", "\xa0") for reader in readers)
        yield from (line.replace("\xa0", " ") for line in _wrapped(names, 6))
        reason = _wrapped(brief(f"{word} {why}".strip(), SENTENCE), 8)
        if len(reason) > _LINES:
            reason[_LINES - 1 :] = [f"{reason[_LINES - 1][: WIDTH - 9]} (-v)"]
        yield from reason


def _wrapped(text: str, indent: int) -> list[str]:
    margin = " " * indent
    return wrap(text, WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False)


def _short(why: str) -> str:
    return _HEX.sub(r"\1", _USUAL.sub("", why))


def digits_needed(image_ids: Collection[str]) -> int:
    """How many digits tell these IDs apart: at least twelve, more only where somebody made some begin alike."""
    digits = {each.partition(":")[2] for each in image_ids}
    needed = _SHORTEST
    while len({each[:needed] for each in digits}) < len(digits):
        needed += 4
    return needed


class _Images:
    """Images of an archive by ID; those that are not listed elsewhere in a report keep all digits."""

    def __init__(self, case: Case) -> None:
        self._case = case
        blobs = case.catalogue.blobs
        self._known = {
            str(blobs[image.config_member].digest): image
            for image in reversed(case.structure.images)
            if image.config_member is not None and image.config_member in blobs
        }
        taken = (image_id for side in case.sides for image_id in side.image_ids)
        self._digits = digits_needed({*taken, *self._known})

    def told(self, image_id: str) -> str:
        """An image in one line: its number, ID, names, platform and how many layers it has."""
        image = self._known.get(image_id)
        if image is None:
            return image_id
        digits = image_id.partition(":")[2][: self._digits]
        layers = f"{len(image.layers)} {plural(len(image.layers), 'layer')}"
        names = f"{brief(image.tags[0], _NAME)}" if image.tags else "(untagged)"
        names += f" and {len(image.tags) - 1} more" if len(image.tags) > 1 else ""
        return f"@{image.index} {digits}  {names}  {brief(image.platform or '?', _PLATFORM)}  {layers}"
