"""The names that loading an archive would move, for ``inspect``: each with the image that gets it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from imgforensics.refnames import is_well_known
from imgforensics.rendering.escape import brief, json_text
from imgforensics.structure import Image


def moves_json(image: Image) -> Sequence[Mapping[str, Any]]:
    """The names of one image."""
    return [{"name": json_text(name), "well_known": is_well_known(name)} for name in image.moved_names]


def moves_lines(images: Sequence[Image]) -> Iterator[str]:
    """Lines of the report for people; none where no name would move."""
    names = [(name, image) for image in images for name in image.moved_names]
    if names:
        yield ""
        yield "  loading this would move"
    for name, image in names:
        mark = " (a well-known name)" if is_well_known(name) else ""
        yield f"    {brief(name)} to @{image.index}{mark}"
