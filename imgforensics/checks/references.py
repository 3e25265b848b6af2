"""IMG204 to IMG207, IMG211, IMG212: what documents refer to, what nothing refers to, and documents that disagree."""

from collections import defaultdict
from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.collisions import collisions
from imgforensics.checks.readers import contradiction
from imgforensics.checks.rule import Check, Found, check
from imgforensics.documents import DocumentKind
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location, Outcome, Verification, What
from imgforensics.refnames import has_repository, normalise
from imgforensics.structure import Image, Reference, View


@check("IMG204", "missing-blob", Severity.ERROR, Effect.INCOMPLETE)
def missing_blob(case: Case) -> Iterator[Found]:
    """A document names a config, layer or manifest that is not in the archive.

    ## What it means
    The image cannot be loaded from this archive alone.

    ## Why it matters
    Docker with the containerd image store saves such archives and reports success; the load on the far side fails, or
    fetches the blob from a registry.

    ## How it is computed
    Every reference of every document is followed. One finding a missing thing, with all places that name it. An empty
    name in `Layers`, which pack writes for a layer that the daemon has already, leads to nothing.

    ## When it is innocent
    Other platforms of a multi-platform image, attestations, foreign (Windows) layers, and content that a descriptor
    embeds are only noted.
    """
    missing: dict[str, list[Reference]] = defaultdict(list)
    for reference in case.structure.references:
        if reference.target is None and reference.claims and not _malformed(reference):
            missing[_named(reference)].append(reference)
    for name, references in missing.items():
        needed = [reference for reference in references if reference.excused is None]
        first, *others = needed or references
        roles = sorted({str(reference.role) for reference in references})
        what = f"{' or '.join(roles)} {name} is not in the archive"
        related = tuple(reference.where for reference in others)
        if needed:
            yield Found(f"the {what}", first.where, related, claimed=name)
        else:
            yield Found(f"the {what}: {first.excused}", first.where, related, claimed=name, severity=Severity.NOTE)
    for reference in case.structure.references:
        if reference.target is None and reference.path == "":
            message = f"a {reference.role} is listed under an empty name, so that nothing leads to it"
            yield Found(message, reference.where)
    for reference in case.structure.references:
        if reference.by_content and reference.target is not None:
            message = f"{reference.claims} does not stand under blobs/, where readers look for it"
            where = (Location(case.name(reference.target)),)
            yield Found(message, reference.where, where, claimed=reference.claims, severity=Severity.WARNING)


def _malformed(reference: Reference) -> bool:
    """Whether it gives a digest that is none, and so leads to nothing wherever it stands (IMG209)."""
    return reference.descriptor is not None and reference.descriptor.digest is None


def _named(reference: Reference) -> str:
    """One spelling for a digest and for the member name that holds it."""
    name = reference.claims
    parts = name.split("/")
    if len(parts) >= 3 and parts[-3] == "blobs":
        return f"{parts[-2]}:{parts[-1]}"
    return name


@check("IMG205", "unreferenced-member", Severity.WARNING, Effect.SUSPECT)
def unreferenced_member(case: Case) -> Iterator[Found]:
    """A member that no document refers to.

    ## What it means
    The archive carries bytes that belong to none of its images.

    ## Why it matters
    All usual readers accept them; containerd imports them into its store. They can be remains, smuggled data, or the
    other half of an archive that shows two faces.

    ## How it is computed
    Everything reachable from `manifest.json`, `repositories` and `index.json`, through nested indexes, referrers and
    links, is taken away; what is left is reported. Of an unreferenced image only its manifest is, the rest as related.

    ## When it is innocent
    The legacy JSON that Docker 25 and newer stores a layer is recognised by its ID, the manifest that Docker 25.0
    forgot to list by its image; neither is reported. What a document names that can be read in two ways, or not at all,
    belongs to the finding about that document. A manifest that is not listed any more, of whose image all layers are
    those of others, is only noted: umoci leaves it until `umoci gc`. Files of the operating system that packed a folder
    (`.DS_Store`) are only noted, too. Members that only some readers of tars see are told by IMG102, IMG108 and IMG109.
    Where a document was left unread that may refer to others, which IMG902 tells, nothing is said. In an archive that
    is cut off (IMG101, IMG107, IMG110) they are only noted: the documents usually come last.
    """
    if case.unread_documents:
        return
    explained = _explained_v1_json(case).union(*case.mentions.by_document.values(), *collisions(case).values())
    for member in case.structure.orphans:
        if member in explained or member in case.oddly_framed:
            continue
        parts = case.structure.orphan_parts.get(member, ())
        blob = case.catalogue.blobs.get(member)
        document = case.structure.documents.get(member)
        what = "a member"
        if document is not None and document.kind is not DocumentKind.OTHER:
            what = f"{'an' if document.kind[0] in 'aeio' else 'a'} {document.kind}"
        size = case.catalogue.members[member].data.length
        below = f", with {len(parts)} members that only it refers to" if parts else ""
        name = (case.catalogue.members[member].path or "").rpartition("/")[2]
        former = _is_former(case, member)
        theirs = "; all of its layers are those of images that are listed" if former else ""
        litter = name in (".DS_Store", "Thumbs.db", "desktop.ini") or name.startswith("._")
        gone = "; what is cut off may" if case.is_cut_off else ""
        yield Found(
            f"nothing refers to {case.name(member)}: {what} of {size} bytes{below}{theirs}{gone}",
            Location(case.name(member), offset=case.catalogue.members[member].data.offset, length=size),
            tuple(Location(case.name(part)) for part in parts),
            computed=str(blob.digest) if blob else None,
            severity=Severity.NOTE if litter or former or not size or case.is_cut_off else None,
        )


def _is_former(case: Case, member: int) -> bool:
    """Whether it is the manifest of an image that is no more than a config beside layers of images that are listed."""
    listed = {layer.member for image in case.structure.images if not image.orphan for layer in image.layers}
    for image in case.structure.images:
        if image.orphan and image.manifest_member == member and image.config_member is not None and image.layers:
            own = set(case.structure.orphan_parts.get(member, ())) - {image.config_member}
            return not own and all(layer.member in listed for layer in image.layers)
    return False


def _explained_v1_json(case: Case) -> set[int | None]:
    """Legacy v1 JSON that belongs to an image by its ID, that another rule speaks of, or whose image is not there."""
    lost = any(image.config is None for image in case.structure.images)
    return {
        each.target
        for each in case.verifications
        if each.what is What.V1_JSON and (lost or each.outcome is not Outcome.UNCHECKED)
    }


@check("IMG206", "views-disagree", Severity.ERROR, Effect.SUSPECT)
def views_disagree(case: Case) -> Iterator[Found]:
    """`manifest.json` and `index.json` give a tag to different images, an image different tags, or name other images.

    ## What it means
    The archive shows one image to readers of the one document and another to readers of the other.

    ## Why it matters
    Docker's classic store, crane and most scanners read `manifest.json`; Docker's containerd store, containerd and
    podman read `index.json`. The one that was scanned is then not the one that runs.

    ## How it is computed
    For each tag the computed image IDs of both views are compared, and for each image the tags that both views give it;
    images that only one view knows are named. Where both know an image, hosts of one platform must not take that one by
    `manifest.json`, and one that only `index.json` has by that. The message says which readers would load which image.

    ## When it is innocent
    `manifest.json` lists one platform of a multi-platform image only; such an archive stays silent.
    """
    if not {View.SAVE, View.OCI} <= set(case.structure.layouts):
        return
    by_tag: dict[View, dict[str, list[Image]]] = {View.SAVE: defaultdict(list), View.OCI: defaultdict(list)}
    for image in case.structure.images:
        for view, tag in image.names:
            if has_repository(tag):
                by_tag[view][normalise(tag)].append(image)
    told: set[int] = set()
    for tag, saved in by_tag[View.SAVE].items():
        found = by_tag[View.OCI].get(tag)
        if found and not {image.index for image in saved} & {image.index for image in found}:
            told.update(image.index for image in (*saved, *found))
            yield _disagreement(case, f"{tag} is one image", saved[0], found[0])
    for image in case.structure.images:
        saved_as = [name for name in image.names_in(View.SAVE) if has_repository(name)]
        found_as = [name for name in image.names_in(View.OCI) if has_repository(name)]
        if saved_as and found_as and image.index not in told and not _share_a_name(saved_as, found_as):
            told.add(image.index)
            one, other = saved_as[0], found_as[0]
            message = f"the image {_image_id(case, image)} is {one} by manifest.json and {other} by index.json"
            message += contradiction(case)
            yield Found(message, _where(case, image), claimed=one, computed=other)
    saved_only = [image for image in case.structure.images if image.views == (View.SAVE,) and image.index not in told]
    listed_only = [
        image
        for image in case.structure.images
        if image.views == (View.OCI,) and image.index not in told and not image.orphan
    ]
    both = any(len(image.views) > 1 for image in case.structure.images)
    if saved_only and listed_only:
        yield _disagreement(case, "the archive holds one image", saved_only[0], listed_only[0])
    elif both:
        # Docker 25.0 does not list untagged images in index.json, and stores their manifests all the same
        unlisted = [image for image in saved_only if image.tags or image.manifest_member is None]
        for image in unlisted[:1]:
            name = _image_id(case, image)
            yield Found(f"only manifest.json names the image {name}, index.json does not", _where(case, image))
        if not (told or unlisted):
            yield from _behind_a_platform(case, listed_only)


def _behind_a_platform(case: Case, listed_only: list[Image]) -> Iterator[Found]:
    """Readers of ``index.json`` take an image of it only, where those of ``manifest.json`` take one that both list."""
    hidden = {_image_id(case, image): image for image in listed_only}
    shown = {_image_id(case, image): image for image in case.structure.images if View.SAVE in image.views}
    if not case.sides:
        return
    taken = [side.image_ids[0] for side in case.sides if hidden.keys() >= set(side.image_ids)]
    others = [side.image_ids[0] for side in case.sides if shown.keys() - hidden.keys() >= set(side.image_ids)]
    if taken and others:
        of = f" for {case.sides[0].of}" if case.sides[0].of else ""
        yield _disagreement(case, f"the archive holds one image{of}", shown[others[0]], hidden[taken[0]])


def _share_a_name(saved: list[str], found: list[str]) -> bool:
    """Whether one of the names in ``index.json``, which some tools write without a registry, is one of the others."""
    wholes = {normalise(name) for name in saved}
    tails = {whole[cut + 1 :] for whole in wholes for cut, character in enumerate(whole) if character == "/"}
    return any(name in tails or normalise(name) in wholes for name in found)


def _disagreement(case: Case, subject: str, saved: Image, found: Image) -> Found:
    one, other = _image_id(case, saved), _image_id(case, found)
    message = f"{subject} by manifest.json ({one}) and another by index.json ({other}){contradiction(case)}"
    return Found(message, _where(case, saved), (_where(case, found),), claimed=one, computed=other)


def _image_id(case: Case, image: Image) -> str:
    blob = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
    return str(blob.digest) if blob else "config absent"


def _where(case: Case, image: Image) -> Location:
    member = image.config_member if image.config_member is not None else image.manifest_member
    return Location(None if member is None else case.name(member), image=image.index)


@check("IMG207", "layer-count-mismatch", Severity.ERROR, Effect.SUSPECT)
def layer_count_mismatch(case: Case) -> Iterator[Found]:
    """An image lists another number of layers than its config has diff_ids.

    ## What it means
    Layers were added to, or taken from, the list without the config, or the config was changed.

    ## Why it matters
    crane and containerd accept it, and tools that pair the two lists cut the longer one silently.

    ## How it is computed
    `Layers` of `manifest.json`, or `layers` of the manifest, against `rootfs.diff_ids` of the config.

    ## When it is innocent
    Test archives that were trimmed by hand.
    """
    for failure in case.mismatches(What.LAYER_COUNT):
        if case.cause(failure) is None and not _in_doubled_document(case, failure):
            message = f"the config has {failure.claimed} diff_ids, the image {failure.computed} layers"
            yield Found(message, failure.subject, claimed=failure.claimed, computed=failure.computed)


def _in_doubled_document(case: Case, failure: Verification) -> bool:
    """Whether an image without layers stands in a document of whose name there are several, to be merged perhaps."""
    image = case.image(failure.subject)
    if image is None or image.layers:
        return False
    return any(reference.member in case.doubled_documents for reference in image.references)


@check("IMG211", "repositories-disagree", Severity.WARNING, Effect.SUSPECT)
def repositories_disagree(case: Case) -> Iterator[Found]:
    """`repositories` gives a tag to another image than the other documents do.

    ## What it means
    The legacy list of tags and the newer documents tell different stories.

    ## Why it matters
    Docker before 1.10 and some tools still read `repositories`; newer readers ignore it, so that it can lie unnoticed.

    ## How it is computed
    Each ID in it against the IDs that known writers give the top layer of the image with that tag.

    ## When it is innocent
    Rarely used writers give IDs of their own; where the tag fits an image and the ID follows no known scheme, this is
    only noted.
    """
    for failure in case.mismatches(What.REPOSITORIES):
        if case.cause(failure) is not None:
            continue
        known = case.producer is not None and case.producer.name in ("docker save", "containers/image")
        tagged = failure.computed is not None
        severity = Severity.NOTE if tagged and not known else None
        yield Found(
            f"repositories names {failure.claimed}: {failure.reason}",
            failure.subject,
            claimed=failure.claimed,
            computed=failure.computed,
            severity=severity,
        )


@check("IMG212", "nothing-to-verify", Severity.NOTE, Effect.NONE)
def nothing_to_verify(case: Case) -> Iterator[Found]:
    """An image whose format carries no digests at all.

    ## What it means
    Before Docker 1.10 an archive had neither a config nor digests of layers; its IDs are no hashes of the content.

    ## Why it matters
    Nothing inside such an archive can show that a layer was exchanged.

    ## How it is computed
    The image has no config, and no document claims a digest of any of its layers.

    ## When it is innocent
    Always; it says how much the verdict is worth.
    """
    claimed = {verification.target for verification in case.verifications if verification.outcome is not Outcome.ABSENT}
    for image in case.structure.images:
        members = {layer.member for layer in image.layers}
        if image.config_member is None and image.manifest_member is None and not members & claimed and members:
            name = ", ".join(image.tags) or "an untagged image"
            message = f"{name} is in a format without digests: its layers cannot be verified"
            yield Found(message, Location(image=image.index))


CHECKS: tuple[Check, ...] = (
    missing_blob,
    unreferenced_member,
    views_disagree,
    layer_count_mismatch,
    repositories_disagree,
    nothing_to_verify,
)
