"""What containers/image asks of blobs and documents while it copies an OCI image (skopeo, podman, buildah).

Imitated: containers/image 5.23 and 5.24 (judged) to container-libs of 2026 (read), ``manifest``, ``internal/image`` and
``oci/layout``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from imgforensics import platforms
from imgforensics.loaders.contents import Contents
from imgforensics.loaders.documents import DOCKER_MANIFEST, IMAGE, KEYS, is_config
from imgforensics.loaders.load import RefusedError, parsed
from imgforensics.platforms import normalised, one_spelling

_BODY_LIMIT = 4 << 20
"""Bytes of a manifest or a config that are read (``internal/iolimits``)."""
_ZSTD = "io.github.containers.compression.zstd"

RUNS = {host: others for host, others in platforms.RUNS.items() if host.startswith("linux/arm/")}
"""What is taken besides on hosts that have variants, the best first (``WantedPlatforms``)."""

Entry = Mapping[str, Any]


def check_size(contents: Contents, member: int) -> None:
    """What is refused of a manifest, an index or a config. A sparse one that was not put together here is larger.

    Raises:
        RefusedError: it is larger than is read.
    """
    blob = contents.catalogue.blobs.get(member)
    if contents.catalogue.unexpanded(member) or (blob is not None and blob.size > _BODY_LIMIT):
        raise RefusedError(f"{contents.name(member)} is larger than {_BODY_LIMIT} bytes")


def check_claimed_size(contents: Contents, config: int, descriptor: Entry, *, stores: bool) -> None:
    """What every place to copy to refuses of a config (``PutBlob``); of layers, the size that was read is taken.

    Args:
        contents: the archive.
        config: its member.
        descriptor: what names it.
        stores: it goes to containers/storage, which takes any negative size for one that is not known.

    Raises:
        RefusedError: it has another size than is claimed.
    """
    claimed, blob = descriptor["size"], contents.catalogue.blobs.get(config)
    unknown = claimed < 0 if stores else claimed == -1
    if blob is not None and not unknown and claimed != blob.size:
        raise RefusedError(f"{contents.name(config)} has {blob.size} bytes, where {claimed} are claimed")


def check_manifest(contents: Contents, member: int, media_type: str) -> None:
    """What is refused of a manifest besides: one of Docker's that does not call itself so.

    Raises:
        RefusedError: it is that.
    """
    check_size(contents, member)
    if media_type == DOCKER_MANIFEST:
        own = contents.decode(member, KEYS, stream=False)["mediaType"]
        if own != media_type:
            raise RefusedError(f"{contents.name(member)} is called a manifest of Docker, and calls itself {own!r}")


def check_blobs(descriptors: Iterable[Entry]) -> None:
    """What is refused of configs and layers before their bytes are looked at.

    Raises:
        RefusedError: one has a digest that cannot be computed, or addresses. It is then fetched from these and from
            nowhere else, which fails where they are out of reach, and they are taken to be.
    """
    for each in descriptors:
        if not parsed(each["digest"]).known:
            raise RefusedError(f"{each['digest']} is of an algorithm that it does not know")
        address = next((url for url in each["urls"] or () if url.startswith(("http://", "https://"))), None)
        if address is not None:
            raise RefusedError(f"{each['digest']} is fetched from {address}, not taken from the archive")


def check_stored(contents: Contents, config: int, descriptor: Entry) -> None:
    """What a store refuses of a config, and a copy to elsewhere does not look at.

    Raises:
        RefusedError: it is no image's config, by its type or as Go decodes it.
    """
    if not is_config(descriptor):
        raise RefusedError(f"a config of type {descriptor['mediaType']!r} is no image's")
    contents.decode(config, IMAGE, stream=False)


def chosen(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries of an index that are taken, each on a host of its platform (``internal/pkg/platform``).

    Words are compared as they stand, so that an entry with others than Go's is for no host. A host's own variant comes
    first, then none; ``arm64`` has ``v8``, all but ``arm`` have none else. Of equal ones, one of zstd comes first, as
    in versions since 5.25, and of those without a platform, too, of which one is for all other hosts; a platform that
    says nothing is for none.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry["platform"] is None:
            groups.setdefault("", []).append(entry)
            continue
        os, architecture, variant = _words(entry)
        spelled = normalised(os, architecture, variant)
        if architecture and spelled[:2] == (os, architecture):
            known = one_spelling(os, architecture, variant, entry["platform"]["os.version"])
            platform = known if variant in _wanted(entry) else f"{os}/{architecture}/{variant}"
            groups.setdefault(platform, []).append(entry)
    return {platform: min(group, key=_rank if platform else _is_plain) for platform, group in groups.items()}


def _rank(entry: Entry) -> tuple[int, bool]:
    variant, wanted = _words(entry)[2], _wanted(entry)
    place = wanted.index(variant) if variant in wanted else len(wanted)
    return place, _is_plain(entry)


def _is_plain(entry: Entry) -> bool:
    """Whether its layers are not said to be of zstd."""
    return (entry["annotations"] or {}).get(_ZSTD) != "true"


def _wanted(entry: Entry) -> tuple[str, str]:
    """Variants that hosts of an entry's platform look for, the best first."""
    words = _words(entry)
    return ("v8" if words[1] == "arm64" else normalised(*words)[2], "")


def _words(entry: Entry) -> tuple[str, str, str]:
    platform = entry["platform"]
    return platform["os"], platform["architecture"], platform["variant"]
