"""Manifests tried by the thousand: what a pusher would write over layers in given forms, as SHA-256 only.

:func:`imgforensics.reconstruct.build.build` is what counts; a hit is built with it. Here the parts of which it would
put a manifest together are spelled once each, and only joined and hashed for every try.
"""

import hashlib
from collections.abc import Sequence

from imgforensics.reconstruct.build import (
    LayerDescriptor,
    config_entry,
    copied_layers,
    image_annotations,
    layer_entry,
    uploaded_config,
)
from imgforensics.reconstruct.manifest import Frame, spell_frame, spell_layer
from imgforensics.reconstruct.material import Material
from imgforensics.reconstruct.pusher import Annotations, LayerTypes, Pusher

ROW = 10
"""What one try costs besides its layers, counted in layers."""
FRAGMENT = 25
"""What it costs to spell a layer for the first time, counted in layers that are only joined and hashed."""
_CONFIG = 8
"""Bytes of a config that is read or rewritten for the price of one layer."""


class Allowance:
    """How much may still be tried for one archive, counted in layers written; shared out evenly among its images."""

    def __init__(self, layers: int, images: int) -> None:
        self._left = layers
        self._images = images
        self._share = 0

    def begin(self) -> None:
        """Go on to the next image: what others left over is shared out again."""
        self._share = self._left // max(self._images, 1)
        self._images -= 1

    def spend(self, layers: int) -> None:
        """Count layers that were written."""
        self._left -= layers
        self._share -= layers

    @property
    def spent(self) -> bool:
        """Whether nothing is left for this image."""
        return self._share <= 0


class Speller:
    """One pusher's manifests over one image."""

    def __init__(self, pusher: Pusher, material: Material, allowance: Allowance) -> None:
        """Spell what does not depend on the layers' forms.

        Raises:
            NotDerivableError: the pusher would not upload that image.
        """
        labels = pusher.annotations is Annotations.LABELS
        if pusher.config is not None or pusher.layer_types is LayerTypes.BY_INSTRUCTION or labels:
            allowance.spend(len(material.config) // _CONFIG)
        self._pusher = pusher
        self._allowance = allowance
        self._copied = copied_layers(pusher, material.config, len(material.pieces))
        self.frame: Frame = spell_frame(
            pusher.style,
            pusher.types.manifest,
            config_entry(pusher, uploaded_config(pusher, material.config)),
            image_annotations(pusher, material.config, material.annotations),
        )
        self._fragments: dict[tuple[int, bool], bytes] = {}

    def fragments(self, row: Sequence[int], forms: Sequence[LayerDescriptor]) -> tuple[bytes, ...]:
        """The layers, spelled.

        Args:
            row: the number of each layer's form, lowest first.
            forms: all forms; a number stands for the same one in every call.

        Raises:
            NotDerivableError: the pusher cannot upload one of them.
        """
        known = self._fragments
        keys = tuple(zip(row, self._copied, strict=True))
        for key in keys:
            if key not in known:
                self._allowance.spend(FRAGMENT)
                number, copied = key
                entry = layer_entry(self._pusher, forms[number], copied=copied)
                known[key] = spell_layer(self._pusher.style, entry)
        return tuple([known[key] for key in keys])

    def hash(self, fragments: Sequence[bytes]) -> bytes:
        """SHA-256 of the manifest."""
        return hashlib.sha256(self.frame.join(fragments)).digest()
