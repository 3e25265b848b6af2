"""Which images are the same: the same config bytes, and the same layers as far as these are there.

Images are looked up by what they hold instead of being compared each with each. Only one of which layers are missing
or were not measured has to be compared with others of the same config, so many times at most.
"""

from collections import defaultdict
from collections.abc import Hashable
from typing import TypeAlias

from imgforensics.catalogue import Catalogue
from imgforensics.model import Digest
from imgforensics.structure import Image

_DiffIds: TypeAlias = tuple[Digest, ...]


class Shelf:
    """Images by position, to be found again by another one that is the same."""

    def __init__(self, catalogue: Catalogue, comparisons: int) -> None:
        """Begin empty.

        Args:
            catalogue: the measurements.
            comparisons: steps that all searches together may take; then no more is found, see :attr:`exhausted`.
        """
        self._catalogue = catalogue
        self._left = comparisons
        self._members: dict[int, tuple[int | None, ...]] = {}
        self._groups: dict[Hashable, dict[_DiffIds | None, dict[int, None]]] = defaultdict(lambda: defaultdict(dict))
        """Config and number of layers, to what the layers hold (None where that is not known of all), to positions."""

    @property
    def exhausted(self) -> bool:
        """Whether some search was given up."""
        return self._left < 0

    def put(self, position: int, image: Image) -> None:
        """Add an image; at a position that is taken, what it holds fills the gaps of what stands there."""
        config = self._config(image)
        members = tuple(layer.member for layer in image.layers)
        if position in self._members:
            before = self._members[position]
            self.take(position, image)
            members = tuple(old if old is not None else new for old, new in zip(before, members, strict=True))
        if config is not None:
            self._members[position] = members
            self._group(config, members)[position] = None

    def take(self, position: int, image: Image) -> None:
        """Remove what stands at a position and is the same as ``image``."""
        config = self._config(image)
        if config is not None:
            del self._group(config, self._members.pop(position))[position]

    def find(self, image: Image) -> list[int]:
        """Positions of all images that are the same, in order."""
        config = self._config(image)
        if config is None or self.exhausted:
            return []
        members = tuple(layer.member for layer in image.layers)
        diff_ids = self._diff_ids(members)
        groups = self._groups[config, len(members)]
        found = [] if diff_ids is None else list(groups[diff_ids])
        self._left -= len(found)
        doubtful = groups.values() if diff_ids is None else [groups[None]]
        for position in (position for group in doubtful for position in group):
            self._left -= 1 + len(members)
            if self.exhausted:
                break
            pairs = zip(members, self._members[position], strict=True)
            if all(self._same_bytes(mine, theirs) for mine, theirs in pairs):
                found.append(position)
        return sorted(found)

    def _group(self, config: Hashable, members: tuple[int | None, ...]) -> dict[int, None]:
        return self._groups[config, len(members)][self._diff_ids(members)]

    def _config(self, image: Image) -> Hashable:
        """What tells images of other configs apart; None where nothing is known of the config."""
        if image.config_member is not None:
            blob = self._catalogue.blobs.get(image.config_member)
            return None, blob.digest if blob else None
        claims = {
            reference.claims.rpartition("/")[2].rpartition(":")[2].removesuffix(".json")
            for reference in image.references
        }
        return claims.pop() if len(claims) == 1 and image.config is None else None

    def _diff_ids(self, members: tuple[int | None, ...]) -> _DiffIds | None:
        """What the layers hold, None where that is not known of all."""
        known = [None if member is None else self._diff_id(member) for member in members]
        diff_ids = tuple(diff_id for diff_id in known if diff_id is not None)
        return diff_ids if len(diff_ids) == len(members) else None

    def _diff_id(self, member: int) -> Digest | None:
        blob = self._catalogue.blobs.get(member)
        return None if blob is None else blob.diff_id

    def _same_bytes(self, one: int | None, other: int | None) -> bool:
        if one == other or one is None or other is None:
            return True
        diff_id = self._diff_id(one)
        return diff_id is not None and diff_id == self._diff_id(other)
