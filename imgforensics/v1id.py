"""Chain IDs, and the legacy v1 layer IDs of docker and of containers/image, recomputed from config and diff_ids.

A ``docker save`` archive names its layer directories (before docker 25), or the ids in its unreferenced JSON blobs
(since docker 25), by hashes over the config and the layers. Nothing reads these names any more, so whoever edits a
config by hand forgets them: an id that cannot be recomputed was not written by docker over this config.

An id is the SHA-256 of JSON as Go's ``encoding/json`` writes it, so most of this module imitates what a Go program
reads from a config and prints again.
"""

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property

from imgforensics.gojson import go_string, go_time, raw_members
from imgforensics.gostruct import Dialect, UnreadableError, print_object, struct_members
from imgforensics.v1config import IMAGE, ZERO_TIME, changes, print_config

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


@dataclass(frozen=True, slots=True)
class Engine:
    """A range of docker engines that print every config alike."""

    name: str
    """The versions, as a person writes them."""
    version: tuple[int, int]
    """Major and minor of the first version of the range."""
    variant: bool
    """Whether the engine knows the key ``variant`` (from 20.10)."""


ENGINES = (
    Engine("20.10 to 24.x", (20, 10), variant=True),
    Engine("25.0 to 28.x", (25, 0), variant=True),
    Engine("29.0 and newer", (29, 0), variant=True),
    Engine("17.05 to 19.03", (17, 5), variant=False),
    Engine("1.13 to 17.04", (1, 13), variant=False),
    Engine("1.12", (1, 12), variant=False),
    Engine("1.10 to 1.11", (1, 10), variant=False),
)
"""Likelier ones first."""


def _top_members(config: Mapping[str, object], dialect: Dialect) -> dict[str, str] | None:
    """Keys and printed values of the config that enter the top layer's id, None where Go refuses the config."""
    try:
        return dict(struct_members(config, IMAGE, dialect))
    except UnreadableError:
        return None


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


class LowerCreated(StrEnum):
    """What the date of an image's lower layers is, which tells the engine's age (moby, image/tarexport/save.go)."""

    NONE = "none"
    """The image has one layer, so there is none."""
    EPOCH_UTC = "epoch-utc"
    """Docker 17.04 and newer, daemon in UTC."""
    EPOCH_ZONE = "epoch-zone"
    """Docker 17.04 and newer, daemon in another zone."""
    ZERO = "zero"
    """Docker 1.10 to 1.12."""
    IMAGE = "image"
    """Docker 1.13 to 17.03: the image's own date."""
    OTHER = "other"
    """None of these: no released docker writes it."""


@dataclass(frozen=True, slots=True)
class MatchResult:
    """How far the ids that an archive claims are those that docker computes."""

    matched: bool
    """All claimed ids are docker's, in number and order."""
    agreeing: int
    """Leading ids that agree; where nothing matched, the position (from 0) of the first that differs or is absent."""
    known: int
    """Claimed ids that are among :attr:`ids` at any position: all of them where only layers were left out."""
    ids: tuple[str, ...]
    """The ids by the variant that matched, else by the one that agrees longest, lowest layer first, in bare hex.
    Empty where docker could not read such a config."""
    created: str | None
    """The date of lower layers in that variant, None where there is none."""
    kind: LowerCreated
    """What that date is."""
    engines: tuple[str, ...]
    """Names (:data:`ENGINES`) of those that print this config as that variant does; the date may rule some out."""


@dataclass(frozen=True, slots=True)
class _Profile:
    """One way of printing a config, and the engines that do so."""

    top: dict[str, str]
    zero_config: str
    engines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Variant:
    """The ids that some engines give, with one date of lower layers."""

    ids: tuple[str, ...]
    known: frozenset[str]
    date: str
    engines: tuple[str, ...]


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
        self.profiles = profiles_of(config)
        self._by_date: dict[str, list[_Variant]] = {}
        self.computed = 0
        """Ids computed so far: what the comparing has cost."""

    def match(self, claimed: Sequence[str], created_hint: str | None = None) -> MatchResult:
        """Compare claimed v1 ids with those that docker engines of all ages and time zones compute.

        Args:
            claimed: the ids found in the archive, lowest layer first, in bare hex.
            created_hint: ``created`` of the lowest layer's v1 JSON, where the archive has it.
        """
        chain, profiles = self._chain, self.profiles
        if not chain or not profiles:
            matched = not chain and not claimed
            return MatchResult(matched, 0, 0, (), None, LowerCreated.NONE, ())
        image_created = profiles[0].top["created"].strip('"')
        among = frozenset(claimed)
        tried: list[tuple[tuple[int, int], _Variant]] = []
        matched = False
        for variant in self._variants(image_created, claimed, created_hint):
            agreeing = _common_length(variant.ids, claimed)
            tried.append(((agreeing, len(variant.known & among)), variant))
            matched = agreeing == len(variant.ids) == len(claimed)
            if matched:
                break
        # Of several that agree equally far, max() takes the first, which is the likeliest.
        fit, best = max(tried, key=lambda each: each[0])
        single = len(chain) == 1
        date = None if single else best.date
        kind = LowerCreated.NONE if single else _kind(best.date, image_created)
        return MatchResult(matched, *fit, best.ids, date, kind, best.engines)

    def _variants(self, image_created: str, claimed: Sequence[str], hint: str | None) -> Iterator[_Variant]:
        """Variants of the likeliest dates, and those that the lowest id speaks for."""
        if len(self._chain) == 1:
            yield from self._of(UTC_EPOCH)
            return
        dates = _likely_dates(image_created, hint)
        for date in dates:
            yield from self._of(date)
        # One hash tells whether a zone can be right; only then are the other layers worth their hashes. It tells
        # nothing where the archive has lost its lowest layers.
        for date in self._zones.get(claimed[0], ()) if claimed else ():
            if date not in dates:
                yield from self._of(date)

    def _of(self, date: str) -> list[_Variant]:
        if date not in self._by_date:
            self._by_date[date] = list(self._compute(date))
            self.computed += len(self._by_date[date]) * len(self._chain)
        return self._by_date[date]

    def _compute(self, date: str) -> Iterator[_Variant]:
        for zero_config in dict.fromkeys(profile.zero_config for profile in self.profiles):
            lower = _lower_ids(self._chain[:-1], date, zero_config)
            for profile in self.profiles:
                if profile.zero_config == zero_config:
                    top = moby_id(profile.top, self._chain[-1], lower[-1] if lower else None)
                    ids = (*lower, top)
                    yield _Variant(ids, frozenset(ids), date, profile.engines)

    @cached_property
    def _zones(self) -> Mapping[str, Sequence[str]]:
        """Id of the lowest layer to the dates of zones that give it."""
        found: dict[str, list[str]] = defaultdict(list)
        for date in _zone_epochs():
            for zero_config in dict.fromkeys(profile.zero_config for profile in self.profiles):
                (lowest,) = _lower_ids(self._chain[:1], date, zero_config)
                found[lowest].append(date)
        return found


def profiles_of(config: Mapping[str, object]) -> list[_Profile]:
    """All different ways in which docker engines print this config, likelier ones first."""
    ways: list[tuple[dict[str, str], str]] = []
    names: list[list[str]] = []
    for top, zero, name in ways_of(config):
        way = (top, zero)
        if way not in ways:
            ways.append(way)
            names.append([name])
        elif name not in names[ways.index(way)]:
            names[ways.index(way)].append(name)
    return [_Profile(top, zero, tuple(engines)) for (top, zero), engines in zip(ways, names, strict=True)]


def ways_of(config: Mapping[str, object]) -> Iterator[tuple[dict[str, str], str, str]]:
    """How each docker engine prints this config, likelier ones first, many of them alike.

    Yields:
        Keys and printed values that enter the top layer's id, the ``container_config`` of lower layers, the engine.
    """
    edges = changes(config)  # most engines print most configs alike: once is enough for all of them
    long_controls = False
    for short_controls in (False, True):
        if short_controls and not long_controls:
            return
        printed: dict[int, dict[str, str] | None] = {}
        for engine in ENGINES:
            dialect = Dialect(engine.version, short_controls)
            stage = bisect_right(edges, engine.version)
            if stage not in printed:
                printed[stage] = _top_members(config, dialect)
            top = printed[stage]
            if top is not None:
                top = top if engine.variant else {key: text for key, text in top.items() if key != "variant"}
                long_controls = long_controls or _has_long_controls(top)
                yield top, print_config(None, dialect), engine.name


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


def _kind(date: str, image_created: str) -> LowerCreated:
    """What a date of lower layers is."""
    if date == UTC_EPOCH:
        return LowerCreated.EPOCH_UTC
    if date == ZERO_TIME:
        return LowerCreated.ZERO
    if date == image_created:
        return LowerCreated.IMAGE
    return LowerCreated.EPOCH_ZONE if date in _zone_epochs() else LowerCreated.OTHER


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
