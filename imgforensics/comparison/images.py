"""The images of two archives, paired, and each pair compared: names, config, layers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from imgforensics.case import Case
from imgforensics.comparison.layers import LayerChange, LayerComparer
from imgforensics.comparison.names import names_of, only_in
from imgforensics.comparison.order import Change
from imgforensics.comparison.values import Differences, differences
from imgforensics.limits import Limits
from imgforensics.refnames import normalise
from imgforensics.structure import Image


class PairedBy(StrEnum):
    """Why two images are taken for each other's counterpart."""

    IMAGE_ID = "image-id"
    TAG = "tag"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """How two configs differ, whose bytes are not the same."""

    differences: Differences | None
    """By their values; None where one of them is not there, or no JSON."""

    @property
    def spelling_only(self) -> bool:
        """The same values, written otherwise."""
        return self.differences is not None and not self.differences.total


@dataclass(frozen=True, slots=True)
class ImageChange:
    """An image of the first archive, of the second, or one of each."""

    a: Image | None
    b: Image | None
    paired_by: PairedBy | None
    names_only_a: tuple[str, ...]
    names_only_b: tuple[str, ...]
    config: ConfigChange | None
    """None where the configs are the same bytes, or there is no pair."""
    layers: tuple[LayerChange, ...]

    @property
    def same(self) -> bool:
        """The same config, to the byte, and the same layers in the same order. Names may differ."""
        return self.paired and self.config is None and all(each.change is Change.SAME for each in self.layers)

    @property
    def paired(self) -> bool:
        """Whether both archives have it."""
        return self.a is not None and self.b is not None

    @property
    def same_names(self) -> bool:
        """Whether both archives call it the same; that the second has no name for it at all is no other name."""
        is_unnamed = self.b is not None and not self.b.tags
        return not self.names_only_b and (is_unnamed or not self.names_only_a)


_Pair = tuple[Image, Image, PairedBy]
_Keys = Callable[[Image], Iterable[Hashable]]


class _Configs:
    """What the images of one archive are known by."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._v1 = {v1_id: member for member, v1_id in case.structure.v1_json.items()}

    def identity(self, image: Image) -> tuple[Hashable, ...]:
        """The image ID; where its config is not there, the digest of its manifest, which names the config.

        Of an image of an old layout, which has neither, the digests of its legacy documents. Empty where these are not
        there.
        """
        blobs = self._case.catalogue.blobs
        for member in (image.config_member, image.manifest_member):
            if member is not None:
                blob = blobs.get(member)
                return () if blob is None else (blob.digest,)
        found = [blobs.get(self._v1.get(v1_id, -1)) for v1_id in image.v1_ids]
        return (tuple(blob.digest for blob in found if blob is not None),) if found and all(found) else ()

    def value(self, image: Image) -> object:
        """The parsed config, None where there is none."""
        document = self._case.structure.documents.get(-1 if image.config_member is None else image.config_member)
        return None if document is None else document.value


class _Pairing:
    """Images that have no counterpart yet, and pairs that were found."""

    def __init__(self, a: Sequence[Image], b: Sequence[Image]) -> None:
        self.rest_a = list(a)
        self.rest_b = list(b)
        self.pairs: list[_Pair] = []

    def take(self, how: PairedBy, keys_a: _Keys, keys_b: _Keys) -> None:
        """Pair images that share a key, the first with the first."""
        waiting: dict[Hashable, list[Image]] = defaultdict(list)
        for other in reversed(self.rest_b):
            for key in keys_b(other):
                waiting[key].append(other)
        taken: set[int] = set()
        left = []
        for one in self.rest_a:
            found = _first_free([waiting[key] for key in keys_a(one) if key in waiting], taken)
            if found is None:
                left.append(one)
            else:
                taken.add(found.index)
                self.pairs.append((one, found, how))
        self.rest_a = left
        self.rest_b = [other for other in self.rest_b if other.index not in taken]


def compare_images(a: Case, b: Case, layers: LayerComparer, limits: Limits) -> tuple[ImageChange, ...]:
    """Every image of both: pairs in the order of the first archive, then those that only one has.

    They are paired by ID, then by a name, then by platform where each side has one image left of it.
    """
    configs_a, configs_b = _Configs(a), _Configs(b)
    pairing = _Pairing(a.structure.images, b.structure.images)
    pairing.take(PairedBy.IMAGE_ID, configs_a.identity, configs_b.identity)
    pairing.take(PairedBy.TAG, _names, _names)
    lone = _lone_platforms(pairing.rest_a) & _lone_platforms(pairing.rest_b)
    pairing.take(PairedBy.PLATFORM, lambda image: {image.platform} & lone, lambda image: {image.platform} & lone)
    changes = []
    for one, other, how in sorted(pairing.pairs, key=lambda pair: pair[0].index):
        config = None
        known = configs_a.identity(one)
        if not known or known != configs_b.identity(other):
            config = _config(configs_a.value(one), configs_b.value(other), limits)
        changes.append(_change(one, other, how, config, layers))
    changes += [_change(one, None, None, None, layers) for one in pairing.rest_a]
    changes += [_change(None, other, None, None, layers) for other in pairing.rest_b]
    return tuple(changes)


def _first_free(queues: Sequence[list[Image]], taken: set[int]) -> Image | None:
    for queue in queues:
        while queue:
            found = queue.pop()
            if found.index not in taken:
                return found
    return None


def _lone_platforms(images: Sequence[Image]) -> set[str | None]:
    return {platform for platform, count in Counter(image.platform for image in images).items() if count == 1}


def _names(image: Image) -> Sequence[Hashable]:
    _, bare = names_of(image)
    return tuple(dict.fromkeys(tag if tag in bare else normalise(tag) for tag in image.tags))


def _change(
    one: Image | None, other: Image | None, how: PairedBy | None, config: ConfigChange | None, layers: LayerComparer
) -> ImageChange:
    return ImageChange(
        a=one,
        b=other,
        paired_by=how,
        names_only_a=() if one is None else one.tags if other is None else only_in(one, other),
        names_only_b=() if other is None else other.tags if one is None else only_in(other, one),
        config=config,
        layers=layers.compare(one, other),
    )


def _config(a: object, b: object, limits: Limits) -> ConfigChange:
    return ConfigChange(None if a is None or b is None else differences(a, b, limits))
