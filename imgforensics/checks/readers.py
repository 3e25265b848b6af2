"""IMG216: readers that would load different images, and what other findings say of that."""

from collections import defaultdict
from collections.abc import Callable, Iterator

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.documents import DocumentKind
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location, Member, MemberKind, clean_path
from imgforensics.structure import Role

_LINKS = (MemberKind.SYMLINK, MemberKind.HARDLINK)
_OPENED = (Role.INDEX, Role.MANIFEST, Role.CONFIG)
"""Blobs of an OCI layout that say what the image is."""


def contradiction(case: Case) -> str:
    """For the end of a message: which readers would load what, where they contradict each other; else nothing."""
    return "".join(f"; {side}" for side in case.sides)


def make_check(others: Callable[[], tuple[Check, ...]]) -> Check:
    """The rule, which is silent where one of the other rules names the reason.

    Args:
        others: gives the rules that explain why readers differ, worst findings of which are looked for.
    """

    @check("IMG216", "readers-disagree", Severity.ERROR, Effect.SUSPECT)
    def readers_disagree(case: Case) -> Iterator[Found]:
        """Programs that load image archives would take different images out of this one, or lose one behind a link.

        ## What it means
        The archive shows one image to some programs and another, or none, to others.

        ## Why it matters
        The one that was scanned is then not the one that runs.

        ## How it is computed
        A model of each reader (docker, containerd, podman, skopeo, crane, syft, trivy, regctl, oras) says which image
        it would take. Readers that share no image, or none under a tag, disagree. Where another rule names the reason,
        such as two documents that differ or a member that stands twice, that finding names the readers and this one is
        silent. Besides, documents, manifests and configs that are links, layers behind several of them, and whatever
        lies below a link in the place of a folder, are a warning: containerd follows no link to a document or blob,
        syft none in an OCI archive, skopeo one symlink, docker all.

        ## When it is innocent
        A layer that is a symlink is what `docker save` writes of a layer that occurs twice, and not reported. Readers
        that cannot read a layout at all do not count.
        """
        if case.sides and not any(_explains(each, case) for each in others()):
            yield Found(f"readers disagree{contradiction(case)}", Location())
        yield from _links(case)

    return readers_disagree


def _explains(other: Check, case: Case) -> bool:
    return any(found.severity is not Severity.NOTE for found in other.judge(case))


def _links(case: Case) -> Iterator[Found]:
    catalogue = case.catalogue
    names = dict.fromkeys(_documents(case), "document")
    for reference in case.structure.references:
        if reference.path and reference.target is not None and reference.role in (Role.CONFIG, Role.LAYER):
            folder = catalogue.members[reference.member].name.rpartition("/")[0]
            names.setdefault(f"{folder}/{reference.path}".lstrip("/"), str(reference.role))
        elif reference.descriptor is not None and reference.descriptor.digest is not None and reference.role in _OPENED:
            digest = reference.descriptor.digest
            for root in case.structure.roots:
                name = f"{root}/blobs/{digest.algorithm}/{digest.encoded}".lstrip("/")
                names.setdefault(name, str(reference.role))
    behind: dict[str, list[str]] = defaultdict(list)
    for name, role in names.items():
        member = _only(case, name)
        if (link := _linked_folder(case, name)) is not None:
            behind[link].append(name)
        if member is None or member.kind not in _LINKS:
            continue
        target = _target(case, member)
        if role == Role.LAYER and (target is None or target.kind not in _LINKS):
            continue
        where = Location(member.name, offset=member.header.offset, length=member.header.length)
        how = "behind more than one link" if role == Role.LAYER else f"a {member.kind} to {member.linkname}"
        message = f"the {role} {member.name} is {how}: some readers follow it, others find nothing there"
        yield Found(message, where, severity=Severity.WARNING)
    for folder, below in behind.items():
        message = f"{below[0]} lies below {folder}, a link: some readers follow it, others find nothing there"
        yield Found(message, Location(folder), tuple(Location(each) for each in below), severity=Severity.WARNING)


def _linked_folder(case: Case, name: str) -> str | None:
    """The folder of a name that is a link, where it leads to a member, and no member has that name."""
    path = clean_path(name) or ""
    members, by_path = case.catalogue.members, case.catalogue.by_path
    if path in by_path or not case.catalogue.find(path):
        return None
    folders = (path[:end] for end, character in enumerate(path) if character == "/")
    return next((each for each in folders if any(members[n].kind in _LINKS for n in by_path.get(each, ()))), None)


def _documents(case: Case) -> Iterator[str]:
    """Names under which readers look for the documents that are here."""
    wanted = {DocumentKind.SAVE_MANIFEST: "manifest.json", DocumentKind.INDEX: "index.json"}
    found = set(case.structure.entry_points.values())
    for root in case.structure.roots:
        for kind, name in wanted.items():
            if kind in found:
                yield f"{root}/{name}".lstrip("/")


def _only(case: Case, name: str) -> Member | None:
    """The member of a name, where there is one only: of several another rule speaks."""
    indexes = case.catalogue.by_path.get(name, ())
    return case.catalogue.members[indexes[0]] if len(indexes) == 1 else None


def _target(case: Case, member: Member) -> Member | None:
    """The member that a link names, which may be another link."""
    target = member.linkname
    if member.kind is MemberKind.SYMLINK and not target.startswith("/"):
        target = f"{(member.path or '').rpartition('/')[0]}/{target}"
    path = clean_path(target)
    return None if path is None else _only(case, path)
