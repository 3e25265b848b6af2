"""A picture of an image: its config and layers as a stack, the lowest at the bottom, with sizes and states.

Numbers for an inline SVG that is as wide as the page gives it: widths are in per cent, heights in pixels, so that its
words stay readable on a phone. Lengths are linear in bytes; what is there at all is a sliver at least.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from imgforensics.case import Case
from imgforensics.model import Blob
from imgforensics.rendering.layerstate import State, States
from imgforensics.structure import Image

TALL, SMALL = 34, 18
"""Pixels of a row: with its words above the bar, and with them on the bar's left, where there are many."""
MANY = 24
MOST = 256
"""Layers shown of an image. Docker refuses more than 127."""
_SLIVER = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One bar, and what stands beside it."""

    label: str
    digest: str
    """Abbreviated; of the uncompressed bytes of a layer, of the bytes of a config."""
    size: str
    """As stored, and unpacked where that differs."""
    stored_size: str
    state: State
    why: str
    stored: float
    """Width in per cent: bytes as stored."""
    unpacked: float
    """The same after decompression."""
    y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """All rows, the highest layer first."""

    rows: tuple[Row, ...]
    height: int
    small: bool
    hidden: int
    """Layers that are not shown."""
    total: str
    """Size of all layers, stored and unpacked, in words."""


def picture(case: Case, image: Image, states: States) -> Picture:
    """The picture of one image."""
    shown = image.layers[:MOST]
    blobs = [None if layer.member is None else case.catalogue.blobs.get(layer.member) for layer in image.layers]
    lengths = [_lengths(case, layer.member, blob) for layer, blob in zip(image.layers, blobs, strict=True)]
    widest = max((max(pair) for pair in lengths[:MOST]), default=0)
    small = len(shown) > MANY
    step = SMALL if small else TALL
    rows = []
    if image.config_member is not None or image.references:
        config = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
        stored, _ = _lengths(case, image.config_member, config)
        digest = "?" if config is None else short(str(config.digest))
        state, why = states.config(image)
        rows.append(
            Row(
                "config",
                digest,
                size(stored),
                size(stored),
                state,
                why,
                _width(stored, widest),
                _width(stored, widest),
                0,
            )
        )
    for layer, blob, (stored, unpacked) in reversed(list(zip(shown, blobs, lengths, strict=False))):
        state, why = states.layer(image, layer)
        digest = short(str(blob.diff_id)) if blob is not None and blob.diff_id is not None else "?"
        plain = "" if layer.member is None else size(stored)
        words = plain if stored == unpacked else f"{plain} \u2192 {size(unpacked)}"
        y = len(rows) * step
        widths = _width(stored, widest), _width(unpacked, widest)
        rows.append(Row(str(layer.index), digest, words, plain, state, why, *widths, y))
    hidden = len(image.layers) - len(shown)
    return Picture(tuple(rows), len(rows) * step, small, hidden, _total(lengths))


def _lengths(case: Case, member: int | None, blob: Blob | None) -> tuple[int, int]:
    """Bytes as stored, and unpacked as far as that is known."""
    if member is None:
        return 0, 0
    stored = case.catalogue.members[member].present if blob is None else blob.size
    return stored, stored if blob is None or blob.uncompressed_size is None else blob.uncompressed_size


def _width(length: int, widest: int) -> float:
    return max(_SLIVER, min(100.0, round(100 * length / max(widest, 1), 2))) if length else 0.0


def _total(lengths: Sequence[tuple[int, int]]) -> str:
    stored, unpacked = sum(one for one, _ in lengths), sum(other for _, other in lengths)
    return size(stored) if stored == unpacked else f"{size(stored)}, {size(unpacked)} unpacked"


def size(length: int) -> str:
    """Bytes for people, in binary units."""
    if length < 1024:
        return f"{length} B"
    value = float(length)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if value < 1023.95 or unit == "TiB":
            return f"{value:.1f} {unit}"
    raise AssertionError


def short(digest: str) -> str:
    """The first twelve digits of a digest."""
    return digest.partition(":")[2][:12]
