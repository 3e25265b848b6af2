"""Parsed JSON to typed documents: ``manifest.json``, ``repositories``, index, manifest and config.

Nothing here fails: a value of a wrong type becomes an anomaly and the field stays empty. Keys are matched as Go's
``encoding/json`` matches struct fields, without regard to case, since jib has written lower-case keys; two keys that
differ in case only are reported.

Sources: those of :mod:`imgforensics.documents`.
"""

import base64
import binascii
import copy
from collections.abc import Collection, Mapping, Sequence
from itertools import islice

from imgforensics.documents import Config, Descriptor, History, Index, Manifest, Platform, SaveEntry
from imgforensics.jsonreadings import merged, shown
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.model import Anomaly, AnomalyKind, Digest
from imgforensics.oddities import Oddities
from imgforensics.strictjson import UnusableNumber, escape_pointer, fold_key

RUNTIME_KEYS = (
    *("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal"),
    *("ArgsEscaped", "Healthcheck", "Shell", "OnBuild", "NetworkDisabled", "StopTimeout"),
)
"""What runtimes take from a config's ``config`` (image-spec, config.md; moby, ``container.Config``)."""


class Reader:
    """Takes typed values out of a parsed document and notes what is not as it should be."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.problems = Oddities(limits.problems, limits.pointer)
        self._longest = limits.digest

    def get(self, value: object, key: str, pointer: str) -> object:
        """The value of ``key`` in an object as Go would take it: whatever its case, the last one; None if absent."""
        if not isinstance(value, dict):
            return None
        folded = fold_key(key)
        names = [name for name in value if name == key or fold_key(name) == folded]
        if len(names) > 1:
            return self._several(value, key, names, pointer)
        if names and names[0] not in (key, key[:1].lower() + key[1:]):  # jib's manifest.json had them in lower case
            self._other_case(key, names[0], pointer)
        return value[names[-1]] if names else None

    def _several(self, value: Mapping[str, object], key: str, names: Sequence[str], pointer: str) -> object:
        """The value that Go holds of several keys that are one to it; a note of that, and of what others see."""
        held: object = copy.deepcopy(value[names[0]])
        for name in names[1:]:
            held = merged(held, value[name])
        others = f"others take {shown(value[key])} of {key!r}" if key in names else f"others find no {key!r}"
        detail = f"{', '.join(map(repr, names))} are one key to Go, which holds {shown(held)}; {others}"
        place = f"{pointer}/{escape_pointer(names[-1])}"
        self.problems.append(Anomaly(AnomalyKind.CASE_KEY, detail, pointer=place))
        return held

    def _other_case(self, key: str, name: str, pointer: str) -> None:
        """Note a key that only Go finds."""
        detail = f"Go takes {name!r} for {key!r}, other readers find no such key"
        place = f"{pointer}/{escape_pointer(name)}"
        self.problems.append(Anomaly(AnomalyKind.FOLDED_KEY, detail, pointer=place))

    def fields(self, value: Mapping[str, object], keys: Collection[str], pointer: str) -> None:
        """Note keys of an object that Go takes for one of these, whatever their case, and others do not.

        For objects whose values are not read here, and matter to those that run the image.
        """
        found: dict[str, list[str]] = {}
        for name in value:
            found.setdefault(fold_key(name), []).append(name)
        for key in keys:
            names = found.get(fold_key(key), [])
            if len(names) > 1:
                self._several(value, key, names, pointer)
            elif names and names[0] != key:
                self._other_case(key, names[0], pointer)

    def wrong(self, pointer: str, wanted: str, got: object) -> None:
        """Note a value of a wrong type, unless something is said of it already."""
        if isinstance(got, UnusableNumber):
            return
        detail = f"should be {wanted}, is {_type_name(got)}"
        self.problems.append(Anomaly(AnomalyKind.BAD_VALUE, detail, pointer=pointer))

    def missing(self, pointer: str, key: str) -> None:
        """Note an absent key."""
        self.problems.append(Anomaly(AnomalyKind.MISSING_KEY, f"{key} is missing", pointer=pointer))

    def text(self, value: object, key: str, pointer: str) -> str:
        """A string field; empty where it is absent or null."""
        item = self.get(value, key, pointer)
        if isinstance(item, str):
            return item
        if item is not None:
            self.wrong(f"{pointer}/{key}", "a string", item)
        return ""

    def mapping(self, value: object, key: str, pointer: str) -> Mapping[str, object]:
        """An object field; empty where it is absent or null."""
        item = self.get(value, key, pointer)
        if isinstance(item, dict):
            return item
        if item is not None:
            self.wrong(f"{pointer}/{key}", "an object", item)
        return {}

    def array(self, value: object, key: str, pointer: str, most: int | None = None) -> list[object]:
        """An array field; empty where it is absent or null. What goes beyond ``most`` is cut off, and noted."""
        item = self.get(value, key, pointer)
        if isinstance(item, list):
            if most is None or len(item) <= most:
                return item
            detail = f"lists {len(item)} {key}; read up to {most}"
            self.problems.append(Anomaly(AnomalyKind.LIMIT, detail, pointer=f"{pointer}/{key}"))
            return item[:most]
        if item is not None:
            self.wrong(f"{pointer}/{key}", "an array", item)
        return []

    def texts(self, value: object, key: str, pointer: str, most: int | None = None) -> tuple[str, ...]:
        """An array of strings."""
        result = []
        for number, item in enumerate(self.array(value, key, pointer, most)):
            if isinstance(item, str):
                result.append(item)
            else:
                self.wrong(f"{pointer}/{key}/{number}", "a string", item)
                result.append("")
        return tuple(result)

    def string_map(self, value: object, key: str, pointer: str) -> dict[str, str]:
        """An object of strings, such as annotations."""
        return self.strings(self.mapping(value, key, pointer), f"{pointer}/{key}")

    def strings(self, items: Mapping[str, object], pointer: str) -> dict[str, str]:
        """What is a string in an object that stands at ``pointer``."""
        result = {}
        for name, item in items.items():
            if isinstance(item, str):
                result[name] = item
            else:
                self.wrong(f"{pointer}/{escape_pointer(name)}", "a string", item)
        return result

    def platform(self, value: object, key: str, pointer: str) -> Platform | None:
        """A descriptor's platform."""
        item = self.get(value, key, pointer)
        if item is None:
            return None
        place = f"{pointer}/{key}"
        if not isinstance(item, dict):
            self.wrong(place, "an object", item)
            return None
        fields = (self.text(item, name, place) for name in ("os", "architecture", "variant", "os.version"))
        return Platform(*fields)

    def descriptor(self, value: object, pointer: str) -> Descriptor | None:
        """A content descriptor, None where the value is no object."""
        if not isinstance(value, dict):
            self.wrong(pointer, "a descriptor", value)
            return None
        text = self.claim(self.text(value, "digest", pointer), f"{pointer}/digest")
        return Descriptor(
            pointer=pointer,
            media_type=self.text(value, "mediaType", pointer),
            digest_text=text,
            digest=self.digest(text, f"{pointer}/digest"),
            size=self._size(value, pointer),
            platform=self.platform(value, "platform", pointer),
            annotations=self.string_map(value, "annotations", pointer),
            artifact_type=self.text(value, "artifactType", pointer),
            urls=self.texts(value, "urls", pointer),
            data=self._data(value, pointer),
        )

    def descriptors(self, value: object, key: str, pointer: str, most: int) -> tuple[Descriptor, ...]:
        """An array of descriptors, those that are none left out."""
        found = (
            self.descriptor(item, f"{pointer}/{key}/{number}")
            for number, item in enumerate(self.array(value, key, pointer, most))
        )
        return tuple(item for item in found if item is not None)

    def claim(self, text: str, pointer: str) -> str:
        """A digest as it is claimed; what is far too long for one is cut off, and noted."""
        if len(text) <= self._longest:
            return text
        detail = f"a digest of {len(text)} characters; read up to {self._longest}"
        self.problems.append(Anomaly(AnomalyKind.LIMIT, detail, pointer=pointer))
        return text[: self._longest]

    def digest(self, text: str, pointer: str) -> Digest | None:
        """A digest, None and an anomaly where the text is none."""
        try:
            return Digest.parse(text)
        except ValueError as error:
            self.problems.append(Anomaly(AnomalyKind.BAD_DIGEST, f"{text!r} is no digest: {error}", pointer=pointer))
            return None

    def _size(self, value: object, pointer: str) -> int | None:
        size = self.get(value, "size", pointer)
        if isinstance(size, int) and not isinstance(size, bool):
            if size >= 0:
                return size
            self.wrong(f"{pointer}/size", "a number of bytes", size)
            return None
        if size is None:
            self.missing(f"{pointer}/size", "size")
        else:
            self.wrong(f"{pointer}/size", "a number of bytes", size)
        return None

    def _data(self, value: object, pointer: str) -> bytes | None:
        text = self.text(value, "data", pointer)
        if not text:
            return None
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            self.wrong(f"{pointer}/data", "base64 (RFC 4648)", text)
            return None


def _type_name(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "an array"
    return "null" if value is None else "an object"


def read_save_manifest(value: object, limits: Limits, reader: Reader) -> tuple[SaveEntry, ...]:
    """The images of docker save's ``manifest.json``."""
    if not isinstance(value, list):
        if value is not None:
            reader.wrong("", "an array of images", value)
        return ()
    if len(value) > limits.images:
        reader.problems.append(Anomaly(AnomalyKind.LIMIT, f"lists {len(value)} images; read up to {limits.images}"))
    entries = []
    for number, item in enumerate(value[: limits.images]):
        pointer = f"/{number}"
        if not isinstance(item, dict):
            reader.wrong(pointer, "an object", item)
            continue
        entries.append(
            SaveEntry(
                pointer=pointer,
                config=reader.text(item, "Config", pointer),
                repo_tags=reader.texts(item, "RepoTags", pointer),
                layers=reader.texts(item, "Layers", pointer, limits.layers),
                layer_sources=_layer_sources(item, pointer, limits, reader),
            )
        )
    return tuple(entries)


def _layer_sources(item: dict[str, object], pointer: str, limits: Limits, reader: Reader) -> dict[str, Descriptor]:
    sources = {}
    given = reader.mapping(item, "LayerSources", pointer)
    if len(given) > limits.layers:
        detail = f"lists {len(given)} LayerSources; read up to {limits.layers}"
        reader.problems.append(Anomaly(AnomalyKind.LIMIT, detail, pointer=f"{pointer}/LayerSources"))
    for diff_id, value in islice(given.items(), limits.layers):
        found = reader.descriptor(value, f"{pointer}/LayerSources/{escape_pointer(diff_id)}")
        if found is not None:
            sources[diff_id] = found
    return sources


def read_repositories(value: object, reader: Reader) -> dict[str, dict[str, str]]:
    """``repositories``: name to tag to an image's or layer's ID."""
    if not isinstance(value, dict):
        if value is not None:
            reader.wrong("", "an object", value)
        return {}
    tables = {}
    for name, item in value.items():
        pointer = f"/{escape_pointer(name)}"
        if item is not None and not isinstance(item, dict):
            reader.wrong(pointer, "an object", item)
        tables[name] = reader.strings(item, pointer) if isinstance(item, dict) else {}
    return tables


def read_index(value: object, limits: Limits, reader: Reader) -> Index:
    """An image index."""
    manifests = reader.descriptors(value, "manifests", "", limits.graph_nodes)
    if isinstance(value, dict) and not any(fold_key(key) == "manifests" for key in value):
        reader.missing("", "manifests")
    _schema_version(value, reader)
    return Index(
        media_type=reader.text(value, "mediaType", ""),
        manifests=manifests,
        subject=_subject(value, reader),
        annotations=reader.string_map(value, "annotations", ""),
    )


def read_manifest(value: object, limits: Limits, reader: Reader) -> Manifest:
    """An image manifest."""
    config = reader.get(value, "config", "")
    layers = reader.descriptors(value, "layers", "", limits.layers)
    _schema_version(value, reader)
    return Manifest(
        media_type=reader.text(value, "mediaType", ""),
        config=None if config is None else reader.descriptor(config, "/config"),
        layers=layers,
        subject=_subject(value, reader),
        annotations=reader.string_map(value, "annotations", ""),
        artifact_type=reader.text(value, "artifactType", ""),
    )


def _schema_version(value: object, reader: Reader) -> None:
    """Note a version other than 2 (image-spec, image-index.md and manifest.md); many hand-made documents have none."""
    version = reader.get(value, "schemaVersion", "")
    if version is not None and (version != 2 or isinstance(version, float)):
        detail = f"should be 2, is {shown(version)}: readers that choose by it take the document for something else"
        reader.problems.append(Anomaly(AnomalyKind.BAD_VALUE, detail, pointer="/schemaVersion"))


def _subject(value: object, reader: Reader) -> Descriptor | None:
    subject = reader.get(value, "subject", "")
    return None if subject is None else reader.descriptor(subject, "/subject")


def read_config(value: Mapping[str, object], limits: Limits, reader: Reader) -> Config:
    """An image config."""
    rootfs = reader.mapping(value, "rootfs", "")
    runtime = reader.mapping(value, "config", "")
    reader.fields(runtime, RUNTIME_KEYS, "/config")
    history = reader.get(value, "history", "")
    platform = Platform(*(reader.text(value, name, "") for name in ("os", "architecture", "variant", "os.version")))
    diff_ids = reader.texts(rootfs, "diff_ids", "/rootfs", limits.layers)
    return Config(
        platform=platform,
        created=reader.text(value, "created", ""),
        author=reader.text(value, "author", ""),
        docker_version=reader.text(value, "docker_version", ""),
        rootfs_type=reader.text(rootfs, "type", "/rootfs"),
        diff_ids=tuple(reader.claim(text, f"/rootfs/diff_ids/{number}") for number, text in enumerate(diff_ids)),
        history=None if history is None else _history(value, limits, reader),
        value=value,
    )


def _history(value: Mapping[str, object], limits: Limits, reader: Reader) -> tuple[History, ...]:
    entries = []
    for number, item in enumerate(reader.array(value, "history", "", 4 * limits.layers)):
        pointer = f"/history/{number}"
        if not isinstance(item, dict):
            reader.wrong(pointer, "an object", item)
            continue
        empty = reader.get(item, "empty_layer", pointer)
        if empty is not None and not isinstance(empty, bool):
            reader.wrong(f"{pointer}/empty_layer", "a boolean", empty)
        created, created_by, author, comment = (
            reader.text(item, name, pointer) for name in ("created", "created_by", "author", "comment")
        )
        entries.append(History(created, created_by, author, comment, empty_layer=empty is True))
    return tuple(entries)
