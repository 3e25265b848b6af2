"""Which readers take which image, and where they contradict each other.

Readers that cannot read a layout, or one image where there are several, contradict nobody, and neither do readers that
see further images beside those of others: ``manifest.json`` lists one platform of an image, ``index.json`` all; one
reader takes the first entry with a bare tag, another the last, where a third loads both under their full names.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from imgforensics.loaders.load import Load, Reader
from imgforensics.platforms import HOSTS, without_variant
from imgforensics.refnames import has_repository, normalise

_MOST = 3
"""Image IDs spelled out of one side."""
_COPIERS = (Reader.REGCTL, Reader.ORAS)
"""Readers that take an index as a whole, for no host."""
_ARM = "linux/arm"


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
    """The sides of each contradiction: readers that share no image, at all, under one tag or on one host.

    A host takes what is for its platform; where an entry says none, and in ``manifest.json``, the config tells. Of one
    host they may contradict each other under a tag only.
    """
    taking = [load for load in loads if load.image_id is not None and not load.instead]
    whole, tagged, hosted = (_Taken() for _ in range(3))
    for load in taking:
        whole.add("", load)
        for tag in _tags(load):
            tagged.add(tag, load)
    placed = list(_on_hosts(taking))
    for platform, load in placed:
        hosted.add(platform, load)
    any_found = False
    for found in (whole, tagged, hosted):
        for apart in found.apart():
            any_found = True
            yield apart
    if not any_found:
        yield from _under_tags(placed)


def _under_tags(placed: Sequence[tuple[str, Load]]) -> Iterator[tuple[Side, ...]]:
    """Contradictions under one tag on one host; of tags that the same loads have, under the first one."""
    loads = list({id(load): load for _, load in placed}.values())
    carrying: dict[str, list[int]] = defaultdict(list)
    for number, load in enumerate(loads):
        for tag in _tags(load):
            carrying[tag].append(number)
    hosts: dict[int, list[str]] = defaultdict(list)
    for platform, load in placed:
        hosts[id(load)].append(platform)
    alike = {tuple(numbers): tag for tag, numbers in reversed(carrying.items())}
    for numbers, tag in alike.items():
        if len({loads[number].image_id for number in numbers}) > 1:
            found = _Taken()
            for number in numbers:
                for platform in hosts[id(loads[number])]:
                    found.add(f"{tag} on {platform}", loads[number])
            yield from found.apart()


class _Taken:
    """Image IDs by what they are taken for and by reader."""

    def __init__(self) -> None:
        self._found: dict[str, dict[Reader, set[str]]] = defaultdict(lambda: defaultdict(set))

    def add(self, of: str, load: Load) -> None:
        self._found[of][load.reader].add(str(load.image_id))

    def apart(self) -> Iterator[tuple[Side, ...]]:
        """The sides of each contradiction."""
        for of, taken in self._found.items():
            found = _groups(taken, of)
            if _contradict([set(side.image_ids) for side in found]):
                yield found


def _tags(load: Load) -> set[str]:
    return {normalise(tag) for tag in load.tags if has_repository(tag)}


def _on_hosts(loads: Sequence[Load]) -> Iterator[tuple[str, Load]]:
    """Each load with every platform on whose hosts it is taken."""
    listed: dict[str, dict[str, None]] = defaultdict(dict)
    chosen: dict[tuple[Reader, str, str], None] = {}
    for load in loads:
        if load.platform:
            listed[str(load.image_id)][load.platform] = None
            chosen.update(dict.fromkeys((load.reader, load.platform, tag) for tag in load.tags or ("",)))
            yield load.platform, load
    rest = [load for load in loads if not load.platform and load.reader not in _COPIERS]
    machines = {str(load.image_id): load.machine for load in rest}
    hosts = {image: _hosts(machine, listed[image]) for image, machine in machines.items()}
    for load in rest:
        own = hosts[str(load.image_id)]
        for host in HOSTS if load.any_host else own:
            if not load.any_host or not any((load.reader, host, tag) in chosen for tag in load.tags or ("",)):
                yield host, load


def _hosts(machine: str, listed: Collection[str]) -> tuple[str, ...]:
    """Hosts of an image by its config, as far as that says them; for the rest by the entries that list it.

    An index that says another processor than the config is contradicted by IMG403. What is for none, or for one that no
    Linux runs on, is taken wherever it is loaded.
    """
    bases = {without_variant(each) for each in listed}
    if machine == _ARM:
        found = {each for each in listed if each.startswith(f"{_ARM}/")} or {f"{_ARM}/v7"}
    elif machine and (not bases or without_variant(machine) in bases):
        found = {without_variant(machine)}
    else:
        found = bases
    unknown = all(each.startswith("linux/") and each not in HOSTS for each in found)
    return tuple(host for host in HOSTS if host in found or unknown)


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
