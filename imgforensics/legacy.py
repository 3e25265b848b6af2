"""Legacy v1 IDs and ``repositories`` against what they must be: claims that no reader checks any more, so that whoever
edits a config by hand forgets them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from imgforensics.catalogue import Catalogue
from imgforensics.model import Location, Outcome, Verification, What
from imgforensics.producer import DOCKER_CLASSIC, Producer
from imgforensics.refnames import normalise
from imgforensics.strictjson import escape_pointer
from imgforensics.structure import Image, Structure, View
from imgforensics.v1id import MobyIds, chain_hex_ids, chain_ids, containers_image_ids
from imgforensics.v1json import parse_v1_json
from imgforensics.v1own import is_own_v1_json

BOUND = "more legacy layer IDs than are computed for one archive"
"""Why an ID was not checked where :attr:`imgforensics.limits.Limits.v1_ids` was reached."""


def verify_legacy(catalogue: Catalogue, structure: Structure, producer: Producer | None) -> Iterator[Verification]:
    """Every claim that legacy documents and names make."""
    known = _ContainersImageIds(catalogue)
    yield from _ids(catalogue, structure, producer, known)
    yield from _repositories(catalogue, structure, known)


class _ContainersImageIds:
    """Legacy IDs as containers/image gives them; those of a config are computed once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[int | None, tuple[list[str], list[str]]] = {}

    def of(self, image: Image) -> tuple[list[str], list[str]]:
        """An image's IDs, lowest layer first: since containers/image 5.6, and before."""
        member = image.config_member
        if member not in self._known:
            raw = None if member is None else self._catalogue.content(member)
            diff_ids = image.config.diff_ids if image.config is not None else ()
            newer = None if raw is None else containers_image_ids(raw, diff_ids)
            self._known[member] = newer or [], chain_hex_ids(diff_ids)
        return self._known[member]


def _ids(
    catalogue: Catalogue, structure: Structure, producer: Producer | None, theirs: _ContainersImageIds
) -> Iterator[Verification]:
    """Names of layer folders, and the IDs inside legacy v1 JSON, against those recomputed from config and diff_ids.

    A folder that follows no known scheme is a mismatch only where other signs say that Docker wrote the archive.
    """
    docker = producer is not None and producer.name == DOCKER_CLASSIC
    carriers = {v1_id: member for member, v1_id in structure.v1_json.items()}
    every = tuple(carriers)
    hint_of_every = _created_hint(structure, every, carriers)
    explained: dict[str, str] = {}
    hashless: set[str] = set()
    known: dict[int, tuple[MobyIds, list[str]]] = {}
    spent = 0
    bounded = False
    for image in structure.images:
        if View.SAVE not in image.views or image.config is None or not image.config.diff_ids:
            continue
        if not every and not image.v1_ids:
            continue  # what would be computed is compared with nothing
        config = image.config_member if image.config_member is not None else -1
        if config not in known:
            chain = chain_ids(image.config.diff_ids)
            known[config] = MobyIds(image.config.value, image.config.diff_ids), chain
            newer, older = theirs.of(image)
            explained.update(zip(newer, chain, strict=False))
            hashless.update(older)
        if not image.v1_ids and all(each in explained or each in hashless for each in every):
            continue
        moby, chain = known[config]
        computed = None
        if spent < catalogue.limits.v1_ids:
            hint = _created_hint(structure, image.v1_ids, carriers) if image.v1_ids else hint_of_every
            spent -= moby.computed
            computed = moby.match(image.v1_ids or every, hint)
            spent += moby.computed
            explained.update(zip(computed, chain, strict=False))
        bounded = bounded or computed is None
        yield from _folders(image, computed, docker=docker)
    yield from _documents(catalogue, structure, explained, hashless, docker=docker, bounded=bounded)


def _created_hint(structure: Structure, claimed: Sequence[str], carriers: dict[str, int]) -> str | None:
    """The date of the lower layers, as the lowest layer's legacy document gives it."""
    for v1_id in claimed:
        member = carriers.get(v1_id)
        document = None if member is None else parse_v1_json(structure.documents[member].value)
        if document is not None and document.parent is None:
            return document.created
    return None


def _folders(image: Image, ids: Sequence[str] | None, *, docker: bool) -> Iterator[Verification]:
    """Names of an image's layer folders against its layers' IDs; None where a bound kept those from being computed."""
    diff_ids = image.config.diff_ids if image.config else ()
    for number, claimed in enumerate(image.v1_ids):
        where = Location(member=image.layers[number].references[0].path, image=image.index, layer=number)
        if ids is None:
            yield Verification(where, What.V1_ID, claimed, None, Outcome.UNCHECKED, BOUND)
            continue
        computed = ids[number] if number < len(ids) else None
        if claimed == computed:
            outcome, reason = Outcome.MATCH, "recomputed from config and diff_ids as Docker does"
        elif number < len(diff_ids) and claimed == diff_ids[number].rpartition(":")[2]:
            outcome, reason, computed = Outcome.MATCH, "the folder is named after the diff_id, as Nix does", claimed
        elif docker:
            outcome, reason = Outcome.MISMATCH, "recomputed from config and diff_ids as Docker does"
        else:
            reason = "no sign that Docker made this archive; other tools name these folders in other ways"
            outcome, computed = Outcome.UNCHECKED, None
        yield Verification(where, What.V1_ID, claimed, computed, outcome, reason)


def _documents(
    catalogue: Catalogue,
    structure: Structure,
    explained: Mapping[str, str],
    hashless: set[str],
    *,
    docker: bool,
    bounded: bool,
) -> Iterator[Verification]:
    """Each legacy v1 JSON against the ids that its images have.

    Args:
        catalogue: the measurements.
        structure: the claims.
        explained: ids that are hashes over such documents, and the chain ID of the layer of each.
        hashless: ids that say nothing about the document.
        docker: whether Docker wrote the archive.
        bounded: whether the IDs of some images were not computed.
    """
    computed: str | None
    used = {v1_id for image in structure.images for v1_id in image.v1_ids}
    bare = any(View.SAVE in image.views and image.config is None for image in structure.images)
    for member, v1_id in structure.v1_json.items():
        path = catalogue.members[member].path or ""
        where = Location(member=catalogue.members[member].name, pointer="/id")
        folder = path.rpartition("/")[0].rpartition("/")[2]
        if v1_id in explained:
            value, raw = structure.documents[member].value, catalogue.content(member)
            own = isinstance(value, dict) and is_own_v1_json(value, raw or b"", explained[v1_id], v1_id)
            computed, outcome, reason = v1_id, Outcome.MATCH, "recomputed from config and diff_ids"
            if not own:
                computed, outcome = None, Outcome.MISMATCH
                reason = "that is the ID of one of the layers, and a hash of something else than this document"
        elif v1_id in hashless:
            computed, outcome, reason = v1_id, Outcome.MATCH, "recomputed from diff_ids"
        elif folder == v1_id and v1_id in used:
            computed, outcome, reason = folder, Outcome.MATCH, "the ID is the name of its folder"
        elif bounded:
            computed, outcome, reason = None, Outcome.UNCHECKED, BOUND
        elif bare:
            computed, outcome, reason = None, Outcome.UNCHECKED, "the config of an image is not there"
        elif docker and "blobs/" in path:
            computed, outcome, reason = None, Outcome.MISMATCH, "no image in the archive has a layer of this ID"
        else:
            computed, outcome, reason = None, Outcome.UNCHECKED, "it follows no scheme that is known here"
        yield Verification(where, What.V1_JSON, v1_id, computed, outcome, reason, member)


def _repositories(catalogue: Catalogue, structure: Structure, known: _ContainersImageIds) -> Iterator[Verification]:
    """Each ID that ``repositories`` gives a tag against the image that the other documents give that tag."""
    computed: str | None
    tagged: dict[str, list[Image]] = {}
    for image in structure.images:
        for tag in image.tags:
            tagged.setdefault(normalise(tag), []).append(image)
    for member, table in structure.repositories.items():
        source = catalogue.members[member].name
        for repository, versions in table.items():
            for tag, claimed in versions.items():
                name = f"{repository}:{tag}"
                where = Location(member=source, pointer=f"/{escape_pointer(repository)}/{escape_pointer(tag)}")
                images = tagged.get(normalise(name), [])
                tops = [top for image in images for top in _tops(image, known)]
                where = replace(where, image=images[0].index if images else None)
                if claimed in tops:
                    computed, outcome, reason = claimed, Outcome.MATCH, f"the top layer of {name}"
                elif any(image.config is None and not image.v1_ids for image in images):
                    computed, outcome, reason = None, Outcome.UNCHECKED, "the config that tells is not there"
                elif images:
                    computed, outcome = (tops[0] if tops else None), Outcome.MISMATCH
                    reason = f"the image that is tagged {name} has another top layer"
                else:
                    computed, outcome, reason = None, Outcome.MISMATCH, f"no other document tags an image {name}"
                yield Verification(where, What.REPOSITORIES, claimed, computed, outcome, reason)


def _tops(image: Image, known: _ContainersImageIds) -> list[str]:
    """Every ID by which a known writer of ``repositories`` names an image's top layer."""
    diff_ids = image.config.diff_ids if image.config is not None else ()
    ids = ([diff_id.rpartition(":")[2] for diff_id in diff_ids[-1:]], *known.of(image))
    return [*image.v1_ids[-1:], *(each[-1] for each in ids if each)]
