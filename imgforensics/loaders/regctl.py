"""``regctl image import``.

Imitated: regclient, ``image.go``, ``ImageImport`` (read, not run here). The tar is walked as often as something new
was asked for; the first member of an exact name counts. ``oci-layout`` and ``index.json`` come first; where one of
them, or a blob below, is *not found*, ``manifest.json`` is used, if it was met before both of them were. Of several
entries the one with the wanted tag is taken. Blobs are verified while they are uploaded, those of ``index.json`` only.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from imgforensics.gotar import EMPTY_TYPES
from imgforensics.loaders.contents import Contents, occurrence
from imgforensics.loaders.documents import INDEX, LAYOUT, REF, SAVED, names
from imgforensics.loaders.graph import Rules, images
from imgforensics.loaders.load import ASKED_FOR, SINCE_LAYOUT, Load, MissingError, Reader, RefusedError
from imgforensics.model import Member, MemberKind
from imgforensics.structure import Structure


def regctl(contents: Contents, _: Structure) -> Iterator[Load]:
    """The image that is tagged in the registry; of several entries each that can be asked for."""
    if contents.compressed:
        raise RefusedError("it does not undo compression around an archive")
    layout = _first(contents, "oci-layout")
    index = _first(contents, "index.json")
    saved = _first(contents, "manifest.json")
    entries = None if index is None else contents.decode(index.index, INDEX, stream=False)["manifests"] or []
    known = layout is not None and contents.decode(layout.index, LAYOUT, stream=False)["imageLayoutVersion"] == "1.0.0"
    lacking = "there is no oci-layout of version 1.0.0" if not known else "there is no index.json"
    if layout is not None and index is not None and known and entries is not None:
        if saved is not None and saved.index > max(layout.index, index.index):
            saved = None
        try:
            yield from list(_listed(contents, entries))
        except MissingError as error:
            lacking = str(error)
        else:
            return
    if saved is None:
        raise RefusedError(f"{lacking}, and there is no manifest.json to fall back to")
    yield _saved(contents, saved, lacking, falls_back=index is not None)


def _first(contents: Contents, name: str) -> Member | None:
    found = next(iter(contents.by_exact_name.get(name, ())), None)
    if found is not None and found.typeflag in EMPTY_TYPES:
        raise RefusedError(f"{name} is a header of type {found.typeflag!r}, and empty")
    return found


def _listed(contents: Contents, entries: Sequence[dict[str, Any]]) -> Iterator[Load]:
    rules = Rules(find=lambda digest: _blob(contents, f"blobs/{digest.replace(':', '/')}"))
    chosen = list(entries)
    copies = contents.by_exact_name["index.json"]
    why = f"{occurrence(copies, copies[0], 'index.json')}{SINCE_LAYOUT}"
    if len(entries) != 1:
        first: dict[str, dict[str, Any]] = {}
        for entry in entries:
            for name in names(entry, REF):
                first.setdefault(name, entry)
        chosen = list(first.values())
        why = f"{why}; of {len(entries)} entries {ASKED_FOR}"
    if not chosen:
        raise RefusedError("no entry of index.json has a tag to ask for")
    for entry in chosen:
        yield from _entry(contents, entry, rules, why)


def _entry(contents: Contents, entry: dict[str, Any], rules: Rules, why: str) -> Iterator[Load]:
    for found in images(contents, entry, rules):
        told = f"{why}; {found.why}" if found.why else why
        yield Load(Reader.REGCTL, found.config, found.manifest, names(entry, REF), told)


def _saved(contents: Contents, saved: Member, lacking: str, *, falls_back: bool) -> Load:
    entries = contents.decode(saved.index, SAVED, stream=False) or []
    if not entries:
        raise RefusedError("manifest.json lists no image")
    entry = entries[0]
    absent = [name for name in (entry["Config"], *(entry["Layers"] or [])) if _blob(contents, name) is None]
    if absent:
        raise RefusedError(f"{lacking}; {absent[0]}, which manifest.json names, is not in the archive")
    which = occurrence(contents.by_exact_name["manifest.json"], saved, "manifest.json")
    which += f", the first of its {len(entries)} images" if len(entries) > 1 else ""
    config = _blob(contents, entry["Config"])
    digest = None if config is None else contents.digest(config)
    why = f"{which}, since {lacking}" if falls_back else which
    return Load(Reader.REGCTL, digest, None, tuple(entry["RepoTags"] or ()), why)


def _blob(contents: Contents, name: str) -> int | None:
    """The first member of an exact name; links have no bytes of their own."""
    member = _first(contents, name)
    if member is None:
        if contents.tar.error is not None:
            raise RefusedError(f"the tar cannot be read to its end: {contents.tar.error}")
        return None
    if member.kind not in (MemberKind.FILE, MemberKind.SPARSE):
        raise RefusedError(f"{name} is a {member.kind}, and has no bytes of its own")
    return member.index
