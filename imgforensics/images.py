"""Catalogue to structure: find the documents, read both views, join what is one image, and see what nothing refers to.

Documents are found by name, since that is how readers find them, in the archive's root or in a folder; everything they
lead to is found by content. Both views are kept: an image that only one of them knows says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from imgforensics import ociview, saveview
from imgforensics.catalogue import Catalogue
from imgforensics.documents import DocumentKind
from imgforensics.likeness import Shelf
from imgforensics.model import Anomaly, AnomalyKind, MemberKind
from imgforensics.reading import Reading
from imgforensics.refnames import has_repository, normalise
from imgforensics.structure import Image, ImageKind, Layer, Structure, View
from imgforensics.v1json import parse_v1_json

ENTRY_POINTS: Mapping[str, DocumentKind] = {
    "manifest.json": DocumentKind.SAVE_MANIFEST,
    "index.json": DocumentKind.INDEX,
    "oci-layout": DocumentKind.LAYOUT,
    "repositories": DocumentKind.REPOSITORIES,
}


def interpret(catalogue: Catalogue) -> Structure:
    """Read every document of the archive. Never raises on its content."""
    reading = Reading(catalogue)
    roots = _roots(reading)
    entries = _entry_points(reading, roots)
    _check_entries(reading, entries)

    saved: list[Image] = []
    tables: dict[int, Mapping[str, Mapping[str, str]]] = {}
    view = ociview.OciView()
    indexes = {}
    for member, (kind, root) in entries.items():
        if kind is DocumentKind.SAVE_MANIFEST and reading.kind(member) is DocumentKind.MANIFEST:
            indexes[member] = root
        elif not _readable_as(reading, member, kind):
            continue
        elif kind is DocumentKind.SAVE_MANIFEST:
            saved.extend(saveview.read_save(reading, member, root))
        elif kind is DocumentKind.REPOSITORIES:
            tables[member] = saveview.repositories(reading, member)
        elif kind is DocumentKind.INDEX:
            indexes[member] = root
    ociview.walk(reading, indexes, view)
    if not any(kind is DocumentKind.SAVE_MANIFEST for kind, _ in entries.values()):
        saved.extend(_legacy(reading, roots, entries, tables))
    _adopt_orphans(reading, roots, entries, view)
    ociview.excuse_absent(reading, view)
    found = [_named(image, view) for image in view.images]
    images, artifacts = _join(catalogue, saved, found, reading)
    orphans, parts = _orphans(reading, roots, entries, images, artifacts)
    shown = {view for image in (*images, *artifacts) for view in image.views}
    if any(image.manifest_member is not None for image in images):
        shown.add(View.OCI)
    layouts = tuple(view for view in View if view in shown)
    return Structure(
        roots=roots,
        layouts=layouts or _layouts_by_name(entries),
        documents=reading.documents,
        entry_points={member: kind for member, (kind, _) in entries.items()},
        problems=tuple(reading.problems),
        references=tuple(reading.references),
        images=images,
        artifacts=artifacts,
        repositories=tables,
        v1_json=_v1_json(reading),
        orphans=orphans,
        orphan_parts=parts,
        broken_links=_broken_links(catalogue),
    )


def _named(image: Image, view: ociview.OciView) -> Image:
    """An image of the OCI view with every tag by which the walk came to it."""
    given = image.tags if image.manifest_member is None else view.visited.get(image.manifest_member, image.tags)
    tags = tuple(dict.fromkeys(given))
    return replace(image, tags=tags, names=() if image.orphan else tuple((View.OCI, tag) for tag in tags))


def _roots(reading: Reading) -> tuple[str, ...]:
    """Folders that hold documents which are what their names say; without any, those that hold such names."""
    named: set[str] = set()
    genuine: set[str] = set()
    for path in reading.catalogue.by_path:
        folder, _, name = path.rpartition("/")
        if name in ENTRY_POINTS:
            found = reading.catalogue.find(path)
            if found:
                named.add(folder)
            if any(reading.kind(index) is ENTRY_POINTS[name] for index in found):
                genuine.add(folder)
        elif name == "json" and reading.kind(reading.catalogue.by_path[path][-1]) is DocumentKind.V1_JSON:
            genuine.add(folder.rpartition("/")[0])
    roots = sorted(genuine or named, key=lambda name: (name.count("/") + bool(name), name))
    if len(roots) > reading.limits.roots:
        reading.limit(f"{len(roots)} folders hold documents; read are those in the first {reading.limits.roots}")
    return tuple(roots[: reading.limits.roots])


def _entry_points(reading: Reading, roots: tuple[str, ...]) -> dict[int, tuple[DocumentKind, str]]:
    entries = {}
    for root in roots:
        for name, kind in ENTRY_POINTS.items():
            for index in reading.catalogue.find(f"{root}/{name}"):
                entries[index] = (kind, root)
    return entries


def _check_entries(reading: Reading, entries: Mapping[int, tuple[DocumentKind, str]]) -> None:
    for member, (kind, _) in entries.items():
        document = reading.documents.get(member)
        if document is None:
            size = reading.catalogue.members[member].data.length
            if reading.catalogue.spent is not None and member in reading.catalogue.unmeasured:
                continue
            if size > reading.limits.document or member in reading.catalogue.unmeasured:
                anomaly = Anomaly(AnomalyKind.LIMIT, f"a document of {size} bytes was not read")
            else:
                anomaly = Anomaly(AnomalyKind.NOT_JSON, "is no JSON document")
            reading.note(member, [anomaly])
        elif not _readable_as(reading, member, kind):
            reading.note(member, document.problems)
            if document.value is not None:
                detail = f"should be {kind.value!r} by its name, is {document.kind.value!r}"
                if document.kind is DocumentKind.MANIFEST:
                    detail += ", as in a folder that skopeo copied to dir:"
                reading.note(member, [Anomaly(AnomalyKind.BAD_VALUE, detail, pointer="")])
            elif not document.problems:
                reading.note(member, [Anomaly(AnomalyKind.MISSING_KEY, "is null and lists nothing", pointer="")])
        elif kind is DocumentKind.LAYOUT:
            reading.note(member, document.problems)


def _readable_as(reading: Reading, member: int, kind: DocumentKind) -> bool:
    """Whether a document can be read as what its name says: it is of that kind, or of none, such as ``{}``."""
    found = reading.kind(member)
    return found is kind or (found is DocumentKind.OTHER and isinstance(reading.value(member), dict))


def _layouts_by_name(entries: Mapping[int, tuple[DocumentKind, str]]) -> tuple[View, ...]:
    kinds = {kind for kind, _ in entries.values()}
    save = kinds & {DocumentKind.SAVE_MANIFEST, DocumentKind.REPOSITORIES}
    oci = kinds & {DocumentKind.INDEX, DocumentKind.LAYOUT}
    return tuple(view for view, there in ((View.SAVE, save), (View.OCI, oci)) if there)


def _legacy(
    reading: Reading,
    roots: tuple[str, ...],
    entries: Mapping[int, tuple[DocumentKind, str]],
    tables: Mapping[int, Mapping[str, Mapping[str, str]]],
) -> list[Image]:
    images = []
    tags: dict[str, dict[str, list[tuple[int, str]]]] = defaultdict(lambda: defaultdict(list))
    for member, table in tables.items():
        for name, versions in table.items():
            for tag, top in versions.items():
                tags[entries[member][1]][top].append((member, f"{name}:{tag}"))
    folders = saveview.v1_folders(reading)
    for root in roots:
        images.extend(saveview.read_legacy(reading, root, folders.get(root, {}), tags.get(root, {})))
    return images


def _adopt_orphans(
    reading: Reading,
    roots: tuple[str, ...],
    entries: Mapping[int, tuple[DocumentKind, str]],
    view: ociview.OciView,
) -> None:
    """Read indexes and manifests that nothing refers to, and keep those whose subject is here as its referrers."""
    root = roots[0] if roots else ""
    targets = {reference.target for reference in reading.references}
    known = set(view.visited)
    for wanted in (DocumentKind.INDEX, DocumentKind.MANIFEST):
        for member, document in reading.documents.items():
            if document.kind is wanted and not any(member in group for group in (targets, view.visited, entries)):
                ociview.walk(reading, {member: root}, view, orphan=True)
    for position, image in enumerate(view.images):
        if image.orphan and image.subject is not None and reading.find_blob(root, image.subject)[0] in known:
            view.images[position] = replace(image, orphan=False)


def _join(
    catalogue: Catalogue, saved: list[Image], found: list[Image], reading: Reading
) -> tuple[tuple[Image, ...], tuple[Image, ...]]:
    """Make one image of what both views describe alike: the same config bytes and the same layers."""
    left = dict(enumerate(image for image in found if image.kind is ImageKind.IMAGE))
    listed = Shelf(catalogue, reading.limits.comparisons)
    twins = Shelf(catalogue, reading.limits.comparisons)
    for position, image in left.items():
        listed.put(position, image)
    groups: list[list[Image]] = []
    for image in saved:
        same = listed.find(image)
        best = min(same, key=lambda place: (left[place].orphan, _members(left[place]) != _members(image)), default=None)
        twin = next(iter(twins.find(image)), None) if best is None else None
        if best is not None:
            listed.take(best, left[best])
            groups.append([image, left.pop(best)])
            if groups[-1][1].orphan:
                twins.put(len(groups) - 1, image)
                twins.put(len(groups) - 1, groups[-1][1])
        elif twin is not None:
            groups[twin].append(image)
            twins.put(twin, image)
        else:
            groups.append([image])
            twins.put(len(groups) - 1, image)
    if listed.exhausted or twins.exhausted:
        reading.limit(f"{len(saved) + len(found)} images; some of those that are the same may be told apart")
    images = [*map(_merge_all, groups), *left.values()]
    if len(images) > reading.limits.images:
        reading.limit(f"holds {len(images)} images; reported are {reading.limits.images}")
        del images[reading.limits.images :]
    numbered = tuple(replace(image, index=number) for number, image in enumerate(images))
    return numbered, tuple(image for image in found if image.kind is not ImageKind.IMAGE)


def _members(image: Image) -> list[int | None]:
    return [layer.member for layer in image.layers]


def _merge_all(group: list[Image]) -> Image:
    """One image of several that are the same; pair by pair, so that thousands do not cost their square."""
    while len(group) > 1:
        pairs = [group[start : start + 2] for start in range(0, len(group), 2)]
        group = [_merge(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return group[0]


def _merge(one: Image, other: Image) -> Image:
    return replace(
        one,
        views=one.views if other.orphan else tuple(view for view in View if view in one.views or view in other.views),
        tags=_merge_tags(one.tags, other.tags),
        names=one.names + other.names,
        references=one.references + other.references,
        layers=tuple(_merge_layers(mine, theirs) for mine, theirs in zip(one.layers, other.layers, strict=True)),
        manifest_member=one.manifest_member if one.manifest_member is not None else other.manifest_member,
        platform=one.platform or other.platform,
        orphan=False,
    )


def _merge_layers(one: Layer, other: Layer) -> Layer:
    member = one.member if one.member is not None else other.member
    return replace(one, member=member, references=one.references + other.references)


def _merge_tags(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    """Both lists, without those of the second that name what the first names already."""
    tags = list(dict.fromkeys(one))
    known = {normalise(tag) for tag in tags}
    bare = {tag.rpartition(":")[2] for tag in known}
    new = (tag for tag in dict.fromkeys(other) if not (normalise(tag) in known if has_repository(tag) else tag in bare))
    return (*tags, *new)


def _v1_json(reading: Reading) -> dict[int, str]:
    found = {}
    for member, document in reading.documents.items():
        if document.kind is DocumentKind.V1_JSON:
            parsed = parse_v1_json(document.value)
            if parsed is not None:
                found[member] = parsed.id
    return found


def _orphans(
    reading: Reading,
    roots: tuple[str, ...],
    entries: Mapping[int, tuple[DocumentKind, str]],
    images: tuple[Image, ...],
    artifacts: tuple[Image, ...],
) -> tuple[tuple[int, ...], dict[int, tuple[int, ...]]]:
    """Regular members that no document leads to, the top of each group with what hangs below it."""
    catalogue = reading.catalogue
    below: dict[int, set[int]] = defaultdict(set)
    for reference in reading.references:
        if reference.target is not None:
            below[reference.member].add(reference.target)
    tops = set(entries) | {image.manifest_member for image in (*images, *artifacts) if not image.orphan}
    known = _reach({top for top in tops if top is not None}, below)
    known |= {
        layer.member for image in images for layer in image.layers if not image.orphan and layer.member is not None
    }
    ids = {v1_id for image in images for v1_id in image.v1_ids}
    known |= _legacy_members(reading, roots, known, ids)
    loose = [
        member.index
        for member in catalogue.members
        if member.kind in (MemberKind.FILE, MemberKind.SPARSE)
        and member.index not in known
        and not any(other in known for other in catalogue.by_path.get(member.path or "", ()))
    ]
    held = {child for member in loose for child in below.get(member, ()) if child != member}
    parts = {
        member: tuple(sorted(_reach({member}, below) - known - {member})) for member in loose if member not in held
    }
    return tuple(parts), {member: children for member, children in parts.items() if children}


def _reach(starts: set[int], below: Mapping[int, set[int]]) -> set[int]:
    reached: set[int] = set()
    pending = list(starts)
    while pending:
        member = pending.pop()
        if member not in reached:
            reached.add(member)
            pending.extend(below.get(member, ()))
    return reached


def _legacy_members(reading: Reading, roots: tuple[str, ...], known: set[int], ids: set[str]) -> set[int]:
    """``json``, ``VERSION`` and ``layer.tar`` of the legacy folders of images: those that hold one of their layers.

    A legacy v1 JSON that stands elsewhere is left to what its ID says.
    """
    catalogue = reading.catalogue
    members: set[int] = set()
    for path, indexes in catalogue.by_path.items():
        folder, _, name = path.rpartition("/")
        above, _, last = folder.rpartition("/")
        if above not in roots or not folder:
            continue
        if name == "VERSION":
            members.update(index for index in indexes if _is_version(catalogue, index))
        elif (name == "layer.tar" or (name == "json" and _is_called(reading, indexes[-1], last))) and (
            last in ids or known & set(catalogue.find(f"{folder}/layer.tar"))
        ):
            members.update(indexes)
    return members


def _is_called(reading: Reading, member: int, v1_id: str) -> bool:
    """Whether a document has the legacy ID of its folder; crane's has, beside it, all that a config has."""
    value = reading.value(member)
    return isinstance(value, dict) and value.get("id") == v1_id


def _is_version(catalogue: Catalogue, index: int) -> bool:
    """Whether a member holds what every legacy ``VERSION`` file does."""
    blob = catalogue.blobs.get(index)
    return blob is not None and blob.size <= 4 and blob.head.rstrip(b"\n") == b"1.0"


def _broken_links(catalogue: Catalogue) -> dict[int, Anomaly]:
    broken = {}
    for member in catalogue.members:
        if member.kind in (MemberKind.SYMLINK, MemberKind.HARDLINK):
            _, why = catalogue.follow(member)
            if why is not None:
                detail = f"{member.kind} to {member.linkname!r}"
                broken[member.index] = Anomaly(why, detail, member.header, member.index)
    return broken
