"""Which readers take which image, and where they contradict each other.

Readers that cannot read a layout, or one image where there are several, contradict nobody, and neither do readers that
see further images beside those of others: ``manifest.json`` lists one platform of an image, ``index.json`` all; one
reader takes the first entry with a bare tag, another the last, where a third loads both under their full names.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from imgforensics.loaders.load import Load, Reader
from imgforensics.refnames import has_repository, normalise

_MOST = 3
"""Image IDs spelled out of one side."""


@dataclass(frozen=True, slots=True)
class Side:
    """Readers that take the same images."""

    readers: tuple[Reader, ...]
    image_ids: tuple[str, ...]
    """Sorted."""
    of: str = ""
    """The name, or the platform of a host, for which they contradict each other; empty where they do so at all."""

    def __str__(self) -> str:
        shown = ", ".join(self.image_ids[:_MOST])
        more = f" and {len(self.image_ids) - _MOST} more" if len(self.image_ids) > _MOST else ""
        return f"{', '.join(reader.called for reader in self.readers)} would load {shown}{more}"


def sides(loads: Iterable[Load]) -> tuple[Side, ...]:
    """The sides of the first contradiction, or nothing."""
    return next(contradictions(loads), ())


def contradictions(loads: Iterable[Load]) -> Iterator[tuple[Side, ...]]:
    """The sides of each contradiction: readers that share no image, at all, under one tag or on one host."""
    whole: dict[Reader, set[str]] = defaultdict(set)
    tagged: dict[str, dict[Reader, set[str]]] = defaultdict(lambda: defaultdict(set))
    hosted: dict[str, dict[Reader, set[str]]] = defaultdict(lambda: defaultdict(set))
    for load in loads:
        if load.image_id is not None and not load.instead:
            whole[load.reader].add(str(load.image_id))
            if load.platform:
                hosted[load.platform][load.reader].add(str(load.image_id))
            for tag in load.tags:
                if has_repository(tag):
                    tagged[normalise(tag)][load.reader].add(str(load.image_id))
    for of, taken in (("", whole), *tagged.items(), *hosted.items()):
        found = _groups(taken, of)
        if _contradict([set(side.image_ids) for side in found]):
            yield found


def same_names(loads: Iterable[Load]) -> bool:
    """Whether readers that take an image give it the same names, as far as they give it any with a repository."""
    names: dict[str, dict[Reader, set[str]]] = defaultdict(lambda: defaultdict(set))
    for load in loads:
        if load.image_id is not None:
            names[str(load.image_id)][load.reader].update(normalise(tag) for tag in load.tags if has_repository(tag))
    given = [{frozenset(each) for each in readers.values() if each} for readers in names.values()]
    return all(len(each) < 2 for each in given)


def _contradict(taken: Sequence[set[str]]) -> bool:
    """Whether two readers share nothing, and no reader takes what both of them do, side by side."""
    for number, one in enumerate(taken):
        for other in taken[:number]:
            if not one & other and not any(one | other <= whole for whole in taken):
                return True
    return False


def _groups(taken: Mapping[Reader, set[str]], of: str) -> tuple[Side, ...]:
    groups: dict[tuple[str, ...], list[Reader]] = defaultdict(list)
    for reader, image_ids in taken.items():
        groups[tuple(sorted(image_ids))].append(reader)
    return tuple(Side(tuple(readers), image_ids, of) for image_ids, readers in groups.items())
