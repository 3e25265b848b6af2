"""From an index entry down to the images: what every reader of OCI layouts does, with what each of them checks."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from imgforensics import platforms
from imgforensics.documents import INDEX_TYPES
from imgforensics.loaders import containersimage
from imgforensics.loaders.contents import Contents
from imgforensics.loaders.documents import (
    DOCKER_LIST,
    IMAGE,
    INDEX,
    MANIFEST,
    check_unambiguous,
    diff_ids,
    for_no_platform,
)
from imgforensics.loaders.layers import Unpack
from imgforensics.loaders.load import LimitError, MissingError, RefusedError, parsed
from imgforensics.model import Digest

Entry = Mapping[str, Any]
"""A descriptor as Go decoded it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a reader finds blobs and what it verifies."""

    find: Callable[[str], int | None]
    """The member of a blob by its digest, as claimed."""
    checks_top: bool = True
    """It hashes the document that ``index.json`` names. Readers that find blobs by content need not."""
    checks_below: bool = True
    """It hashes everything below that."""
    checks_layers: bool = True
    """It opens the layers and hashes them."""
    checks_diff_ids: bool = False
    """It compares layers with the config's diff_ids, one by one and in number."""
    levels: int | None = None
    """Indexes below each other that it goes through, below ``index.json``; None for any number."""
    knows: frozenset[str] | None = None
    """Media types of manifests and indexes that it reads; None where it goes by the documents."""
    containers_image: bool = False
    """It asks what :mod:`.containersimage` says, and hashes configs by SHA-256, whatever algorithm is claimed."""
    stores: bool = False
    """It puts images into containers/storage, which takes no others."""
    by_host: bool = False
    """It takes what ``index.json`` itself lists for a platform on hosts of that platform only."""
    unpack: Unpack | None = None
    """How it unpacks layers, if it does."""
    passes_over: Callable[[Entry], bool] = for_no_platform
    """Entries of an index that are no images to it."""
    machines: Callable[[Entry], Collection[str]] | None = None
    """Platforms for which it takes an entry that says none, by the config to which that leads, in one spelling; None
    where it takes such an entry on all hosts."""
    chosen: Callable[[Iterable[Entry]], Mapping[str, Entry]] | None = None
    """Of the entries of an index those that it takes, by the platform for which it does, in one spelling, that of
    entries without one being empty; None where it takes all."""
    runs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further platforms whose images it runs on a host, the best first, where there is none for the host's own."""


@dataclass(frozen=True, slots=True)
class Found:
    """One image."""

    config: Digest | None
    manifest: Digest | None
    why: str = ""
    """What is worth saying besides."""
    platform: str = ""
    """As :attr:`~imgforensics.loaders.load.Load.platform`."""
    any_host: bool = False
    """As :attr:`~imgforensics.loaders.load.Load.any_host`."""


def images(contents: Contents, entry: Entry, rules: Rules) -> Iterator[Found]:
    """The images that an entry of ``index.json`` leads to: one, or one a platform, of which a host takes its own.

    Raises:
        RefusedError: the reader ends with an error.
    """
    contents.spend()
    top = _blob(contents, rules, entry["digest"], check=rules.checks_top)
    _check_type(contents, top, entry, rules)
    if not _is_index(contents, top, entry["mediaType"]):
        host = one_spelling(entry) if rules.by_host else ""
        yield _image(contents, top, entry, rules, several=bool(host), host=host)
        return
    if rules.levels == 0:
        raise RefusedError(f"{contents.name(top)} is an index of several images")
    check_unambiguous(contents, top, next(iter(INDEX_TYPES)))
    if rules.chosen is None:
        yield from _copied(contents, top, rules)
    else:
        yield from _Hosts(contents, rules, rules.chosen, top, entry["mediaType"]).images()


def _check_type(contents: Contents, member: int, entry: Entry, rules: Rules) -> None:
    if rules.knows is not None and entry["mediaType"] not in rules.knows:
        called = entry["mediaType"] or "nothing"
        raise RefusedError(f"{contents.name(member)} is called {called!r}, which it does not know")


def _copied(contents: Contents, top: int, rules: Rules) -> Iterator[Found]:
    """All images of an index and of indexes in it; what is missing of other platforms is their business."""
    pending = [(top, 1)]
    visited = {top}
    lacking: RefusedError | None = None
    any_found = False
    while pending:
        index, depth = pending.pop()
        for child in _entries(contents, index, rules):
            try:
                member = _blob(contents, rules, child["digest"], check=rules.checks_below)
                if not _is_index(contents, member, child["mediaType"]):
                    yield _image(contents, member, child, rules, several=True)
                    any_found = True
                else:
                    _check_depth(contents, rules, index, depth)
                    if member not in visited:
                        visited.add(member)
                        pending.append((member, depth + 1))
            except MissingError as error:
                lacking = error
    if lacking is not None and not any_found:
        raise lacking


@dataclass(slots=True)
class _Hosts:
    """What hosts take out of an index: each goes down from entry to entry, and what others meet is their business."""

    contents: Contents
    rules: Rules
    choose: Callable[[Iterable[Entry]], Mapping[str, Entry]]
    top: int
    media_type: str
    """As the entry of ``index.json`` calls it."""
    tables: dict[int, Mapping[str, Entry]] = field(default_factory=dict)
    """Member of an index to what is chosen of it."""

    def images(self) -> Iterator[Found]:
        """One image a platform, and the one that is taken where no entry is for the host."""
        lacking: RefusedError | None = None
        any_found = False
        self._table(self.top)
        for host in self._hosts():
            try:
                found = self._taken(host)
            except LimitError:
                raise
            except RefusedError as error:
                lacking = lacking or error
                continue
            if found is not None:
                yield found
                any_found = True
        if lacking is not None and not any_found:
            raise lacking

    def _hosts(self) -> list[str]:
        """Platforms of which the index has something, in order; empty for all others."""
        hosts: dict[str, None] = {}
        pending = [self.top]
        visited = {self.top}
        while pending:
            try:
                table = self._table(pending.pop())
                for platform, entry in table.items():
                    hosts.update(dict.fromkeys((platform,) if platform else self._machines(entry)))
                    member = self.rules.find(entry["digest"]) if entry["mediaType"] in INDEX_TYPES else None
                    if member is not None and member not in visited:
                        visited.add(member)
                        pending.append(member)
            except LimitError:
                raise
            except RefusedError:
                continue  # whoever goes down there meets it again
        for host, others in self.rules.runs.items():
            if any(other in hosts for other in others):
                hosts[host] = None
        return list(hosts)

    def _table(self, index: int) -> Mapping[str, Entry]:
        if index not in self.tables:
            entries = _entries(self.contents, index, self.rules)
            called = self.media_type or self.contents.decode(index, INDEX, stream=False)["mediaType"]
            if self.rules.containers_image and called == DOCKER_LIST:
                entries = [each for each in entries if each["platform"] is not None]
            self.tables[index] = self.choose(entries)
        return self.tables[index]

    def _machines(self, entry: Entry) -> Collection[str]:
        """Hosts that an entry without a platform is for; empty for all that find nothing else."""
        return ("",) if self.rules.machines is None else self.rules.machines(entry)

    def _taken(self, host: str) -> Found | None:
        """What a host takes; None where that is nothing, or what every host takes that finds nothing of its own."""
        index, depth = self.top, 1
        own = not host
        runs = host, *self.rules.runs.get(host, ())
        while True:
            table = self._table(index)
            platform = next((each for each in (*runs, "") if each in table), None)
            if platform is None:
                return None
            entry = table[platform]
            own = own or bool(platform)
            member = _blob(self.contents, self.rules, entry["digest"], check=self.rules.checks_below)
            if not self.rules.containers_image:  # that goes by the document here
                _check_type(self.contents, member, entry, self.rules)
            if not _is_index(self.contents, member, entry["mediaType"]):
                break
            _check_depth(self.contents, self.rules, index, depth)
            index, depth = member, depth + 1
            self.contents.spend()
        if not platform and self.rules.machines is not None:
            own = any(each in runs for each in self._machines(entry))
        return _image(self.contents, member, entry, self.rules, several=True, host=host) if own else None


def _entries(contents: Contents, index: int, rules: Rules) -> list[Entry]:
    children = contents.decode(index, INDEX, stream=False)["manifests"] or []
    contents.spend(len(children))
    return [each for each in children if not rules.passes_over(each)]


def _check_depth(contents: Contents, rules: Rules, index: int, depth: int) -> None:
    if rules.levels is not None and depth >= rules.levels:
        raise RefusedError(f"{contents.name(index)} is an index that lists another index")
    if depth >= contents.catalogue.limits.graph_depth:
        raise RefusedError(f"more than {depth} indexes below each other; no more were followed here")


def _image(
    contents: Contents, member: int, entry: Entry, rules: Rules, *, several: bool = False, host: str = ""
) -> Found:
    check_unambiguous(contents, member, entry["mediaType"])
    manifest = contents.decode(member, MANIFEST, stream=False)
    if rules.containers_image:
        containersimage.check_manifest(contents, member, entry["mediaType"])
    config = _blob(contents, rules, manifest["config"]["digest"], check=rules.checks_below)
    layers = manifest["layers"] or []
    if rules.containers_image:
        containersimage.check_size(contents, config)
        containersimage.check_claimed_size(contents, config, manifest["config"], stores=rules.stores)
        containersimage.check_blobs((manifest["config"], *layers))
    if rules.stores:
        containersimage.check_stored(contents, config, manifest["config"])
    if rules.containers_image and not manifest["config"]["digest"].startswith("sha256:"):
        raise RefusedError(f"{contents.name(config)} is hashed by SHA-256 and compared with {_shortened(manifest)}")
    contents.spend(len(layers))
    members = [_layer(contents, rules, layer["digest"]) for layer in layers] if rules.checks_layers else []
    if rules.checks_diff_ids:
        contents.decode(config, IMAGE, stream=False)
        claimed = diff_ids(contents, config)
        if len(claimed) != len(layers):
            raise RefusedError(f"{len(layers)} layers, and {len(claimed)} diff_ids in the config")
        for number, (layer, diff_id) in enumerate(zip(members, claimed, strict=False)):
            if layer is not None and contents.layer_differs(layer, diff_id):
                raise RefusedError(f"layer {number} does not hash to the config's diff_id")
    if rules.unpack is not None:
        types = (layer["mediaType"] for layer in layers)
        contents.check_layers(rules.unpack, tuple(zip(members, types, strict=True)))
    why = f"for {_platform(entry)}" if several else ""
    if host and entry["platform"] is None:
        why = f"for {host}, going by its config"
    elif one_spelling(entry) in rules.runs.get(host, ()):
        why = f"for {host}, which runs what is for {_platform(entry)}"
    return Found(
        contents.digest(config), contents.digest(member), why, host, several and not host and rules.chosen is not None
    )


def _shortened(manifest: Entry) -> str:
    algorithm: str = manifest["config"]["digest"].partition(":")[0]
    return f"a digest of {algorithm}"


def one_spelling(entry: Entry) -> str:
    """The platform of an entry in the words that containerd compares; empty where it says none."""
    platform = entry["platform"]
    if platform is None:
        return ""
    return platforms.one_spelling(platform["os"], platform["architecture"], platform["variant"], platform["os.version"])


def _platform(entry: Entry) -> str:
    platform = entry["platform"]
    if platform is None:
        return "any platform"
    parts = (platform["os"], platform["architecture"], platform["variant"])
    return "/".join(part for part in parts if part) or "a platform without words"


def _layer(contents: Contents, rules: Rules, digest: str) -> int:
    return _blob(contents, rules, digest, check=rules.checks_below)


def _blob(contents: Contents, rules: Rules, text: str, *, check: bool) -> int:
    parsed(text)
    member = rules.find(text)
    if member is None:
        raise MissingError(f"the blob {text} is not in the archive")
    if contents.catalogue.cut_off(member):
        raise RefusedError(f"{contents.name(member)} is cut off")
    if check and contents.differs(member, text):
        raise RefusedError(f"{contents.name(member)} does not hash to {text}")
    return member


def _is_index(contents: Contents, member: int, media_type: str) -> bool:
    """By the descriptor's type; where it has none, by the document's own."""
    own: str = media_type or contents.decode(member, MANIFEST, stream=False)["mediaType"]
    return own in INDEX_TYPES
