"""Chain IDs, and the legacy v1 layer IDs of docker and of containers/image, recomputed from config and diff_ids.

A ``docker save`` archive names its layer directories (before docker 25), or the ids in its unreferenced JSON blobs
(since docker 25), by hashes over the config and the layers. Nothing reads these names any more, so whoever edits a
config by hand forgets them: an id that cannot be recomputed was not written by docker over this config.

An id is the SHA-256 of JSON as Go's ``encoding/json`` writes it, so most of this module imitates what a Go program
reads from a config and prints again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import TypeAlias

from imgforensics.gojson import go_string, go_time, raw_members
from imgforensics.gostruct import Dialect, UnreadableError, print_object, struct_members
from imgforensics.v1config import IMAGE, ZERO_TIME, print_config

UTC_EPOCH = "1970-01-01T00:00:00Z"
"""The date of lower layers since docker 17.04, where the daemon's zone is UTC."""


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """ChainID of each layer, lowest first, as ``sha256:`` and hex (image-spec, config.md, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append("sha256:" + _sha256(f"{chain[-1]} {diff_id}") if chain else diff_id)
    return chain


def _sha256(text: str) -> str:
    """Hex SHA-256 of a text in UTF-8. Lone surrogates, which no digest and nothing printed here has, are replaced."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


_ENGINES = (
    ((20, 10), True),
    ((25, 0), True),
    ((29, 0), True),
    ((17, 5), False),
    ((1, 13), False),
    ((1, 12), False),
    ((1, 10), False),
)
"""Docker engines that print configs in different ways, the likelier ones first: major and minor of the first version of
each range, and whether it knows the key ``variant``."""


def _top_members(config: Mapping[str, object], dialect: Dialect, *, variant: bool) -> dict[str, str] | None:
    """Keys and printed values of the config that enter the top layer's id, None where Go refuses the config."""
    try:
        members = dict(struct_members(config, IMAGE, dialect))
    except UnreadableError:
        return None
    if not variant:
        members.pop("variant", None)
    return members


def _lower_ids(chain: Sequence[str], created: str, zero_config: str) -> list[str]:
    """Ids of the layers below the top one."""
    members = {"container_config": zero_config, "created": go_string(created)}
    ids: list[str] = []
    for link in chain:
        ids.append(moby_id(members, link, ids[-1] if ids else None))
    return ids


def moby_id(members: Mapping[str, str], chain_id: str, parent: str | None) -> str:
    """Id of one layer: a hash over the sorted keys of its v1 JSON, its chain ID and its parent's id."""
    keys = {**members, "layer_id": go_string(chain_id)}
    if parent is not None:
        keys["parent"] = f'"sha256:{parent}"'
    return _sha256(print_object(sorted(keys.items())))


_Way: TypeAlias = tuple[dict[str, str], str]
"""How an engine prints a config: keys and printed values that enter the top layer's id, and the ``container_config`` of
lower layers."""


class MobyIds:
    """Docker's ids of one config's layers in all variants: computed once, however many claims they are compared with.

    Thousands of images of an archive may share a config, and each may claim other ids.
    """

    def __init__(self, config: Mapping[str, object], diff_ids: Sequence[str]) -> None:
        """Begin with a config.

        Args:
            config: the image's parsed config; any JSON values in it.
            diff_ids: of all layers, lowest first, as ``sha256:`` and hex.
        """
        self._chain = chain_ids(diff_ids)
        self._unread = ways_of(config)
        self._ways: list[_Way] = []
        self._lower: dict[tuple[str, str], list[str]] = {}
        self._known: dict[tuple[str, int], tuple[str, ...]] = {}
        self.computed = 0
        """Ids computed so far: what the comparing has cost."""

    def match(self, claimed: Sequence[str], created_hint: str | None = None) -> tuple[str, ...]:
        """Those ids, of all that docker engines of any age and time zone compute, that agree longest with claimed ones.

        Args:
            claimed: the ids found in the archive, lowest layer first, in bare hex.
            created_hint: ``created`` of the lowest layer's v1 JSON, where the archive has it.

        Returns:
            One id a layer, lowest first, in bare hex; nothing where no docker could read such a config. Of several that
            agree equally far those of which more are claimed at all, as where layers were left out, and else those of
            the likeliest engine.
        """
        among = frozenset(claimed)
        best: tuple[str, ...] = ()
        fit = (-1, -1)
        for ids in self._candidates(claimed, created_hint):
            agreeing = _common_length(ids, claimed)
            if agreeing == len(ids) == len(claimed):
                return ids
            if (agreeing, len(among.intersection(ids))) > fit:
                fit, best = (agreeing, len(among.intersection(ids))), ids
        return best

    def _candidates(self, claimed: Sequence[str], hint: str | None) -> Iterator[tuple[str, ...]]:
        """Ids with the likeliest dates of lower layers, and with those that the lowest id speaks for."""
        first = next(self._printed(), None)
        if first is None or not self._chain:
            return
        if len(self._chain) == 1:
            yield from self._of(UTC_EPOCH)
            return
        dates = _likely_dates(first[0]["created"].strip('"'), hint)
        for date in dates:
            yield from self._of(date)
        # One hash tells whether a zone can be right; only then are the other layers worth their hashes. It tells
        # nothing where the archive has lost its lowest layers.
        for date in self._zones.get(claimed[0], ()) if claimed else ():
            if date not in dates:
                yield from self._of(date)

    def _printed(self) -> Iterator[_Way]:
        """All different ways of printing the config, each made when it is asked for: the first one is mostly right."""
        yield from self._ways
        for way in self._unread:
            if way not in self._ways:
                self._ways.append(way)
                yield way

    def _of(self, date: str) -> Iterator[tuple[str, ...]]:
        for number, (top, zero_config) in enumerate(self._printed()):
            if (date, number) not in self._known:
                lower = self._lower_of(date, zero_config)
                ids = *lower, moby_id(top, self._chain[-1], lower[-1] if lower else None)
                self._known[date, number] = ids
                self.computed += len(ids)
            yield self._known[date, number]

    def _lower_of(self, date: str, zero_config: str) -> list[str]:
        if (date, zero_config) not in self._lower:
            self._lower[date, zero_config] = _lower_ids(self._chain[:-1], date, zero_config)
        return self._lower[date, zero_config]

    @cached_property
    def _zones(self) -> Mapping[str, Sequence[str]]:
        """Id of the lowest layer to the dates of zones that give it."""
        found: dict[str, list[str]] = defaultdict(list)
        for date in _zone_epochs():
            for zero_config in dict.fromkeys(zero for _, zero in self._printed()):
                (lowest,) = _lower_ids(self._chain[:1], date, zero_config)
                found[lowest].append(date)
        return found


def ways_of(config: Mapping[str, object]) -> Iterator[_Way]:
    """How docker engines print this config, likelier ones first, many of them alike."""
    long_controls = False
    for short_controls in (False, True):
        if short_controls and not long_controls:
            return
        for version, variant in _ENGINES:
            dialect = Dialect(version, short_controls)
            top = _top_members(config, dialect, variant=variant)
            if top is not None:
                long_controls = long_controls or _has_long_controls(top)
                yield top, print_config(None, dialect)


def _has_long_controls(members: Mapping[str, str]) -> bool:
    """Whether Go 1.22 may print any of these otherwise."""
    return any(escape in text for text in members.values() for escape in ("\\u0008", "\\u000c"))


@cache
def _zone_epochs() -> tuple[str, ...]:
    """The Unix epoch in the zones that clocks showed then, as Go prints it, whole hours first.

    What counts is the zone's offset in 1970 (London had +01:00): all quarter hours from -12:00 to +14:00, Monrovia
    (-00:44:30), Kiritimati (-10:40) and, in older zone tables, Niue (-11:20).
    """
    quarters = sorted(range(-48, 57), key=lambda quarter: (quarter % 4 != 0, quarter % 2 != 0, abs(quarter)))
    seconds = [quarter * 900 for quarter in quarters if quarter] + [-2670, -38400, -40800]
    return tuple(_epoch_at(offset) for offset in seconds)


def _epoch_at(offset: int) -> str:
    """The Unix epoch at an offset of so many seconds, as Go prints it: seconds of the offset are cut off."""
    day = "1970-01-01" if offset >= 0 else "1969-12-31"
    minutes, second = divmod(offset % 86400, 60)
    zone = abs(offset) // 60
    sign = "+" if offset >= 0 else "-"
    return f"{day}T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{sign}{zone // 60:02d}:{zone % 60:02d}"


def _likely_dates(image_created: str, hint: str | None) -> list[str]:
    """Dates that lower layers may have, wherever the daemon stood: likelier ones first."""
    hinted = go_time(hint) if hint is not None else None
    known = [UTC_EPOCH, ZERO_TIME, image_created]
    return list(dict.fromkeys([hinted, *known] if hinted is not None else known))


def _common_length(ids: Sequence[str], claimed: Sequence[str]) -> int:
    """Number of leading items that are the same."""
    pairs = zip(ids, claimed, strict=False)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(ids), len(claimed)))


_COPIED = ("architecture", "config", "container", "container_config", "created", "docker_version", "os")


def chain_hex_ids(diff_ids: Sequence[str]) -> list[str]:
    """Legacy layer ids of containers/image up to 5.5 (podman up to 2.0): the chain IDs in bare hex."""
    return [link.removeprefix("sha256:") for link in chain_ids(diff_ids)]


def containers_image_ids(config: bytes, diff_ids: Sequence[str]) -> list[str] | None:
    """Legacy layer ids of containers/image since 5.6 (podman, buildah, skopeo; docker/internal/tarfile/writer.go).

    Args:
        config: the image's config, byte for byte: its values enter the ids as they are spelled.
        diff_ids: of all layers, lowest first, as ``sha256:`` and hex.

    Returns:
        One id a layer, lowest first, in bare hex; None where the config is no JSON object.
    """
    raw = raw_members(config)
    if raw is None:
        return None
    ids: list[str] = []
    for position, link in enumerate(chain_ids(diff_ids), start=1):
        keys = {"layer_id": go_string(link).encode()}
        if ids:
            keys["parent"] = f'"{ids[-1]}"'.encode()
        if position == len(diff_ids):
            keys |= {key: raw.get(key, b"null") for key in _COPIED}
        text = b",".join(b'"%s":%s' % (key.encode(), keys[key]) for key in sorted(keys))
        ids.append(hashlib.sha256(b"{" + text + b"}").hexdigest())
    return ids
