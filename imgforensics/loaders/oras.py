"""``oras copy --from-oci-layout FILE:REF``, and oras-go's read-only store over a tar.

Imitated: oras-go v2, ``content/oci/readonlyoci.go`` and ``internal/fs/tarfs`` (read, not run here). Exact names, the
last member of a name counts, regular members only; ``oci-layout`` must be there. Everything that is read is verified.
"""

from collections.abc import Iterator
from typing import Any

from imgforensics.loaders.contents import Contents, occurrence
from imgforensics.loaders.documents import INDEX, LAYOUT, REF, names
from imgforensics.loaders.graph import Rules, images
from imgforensics.loaders.load import Load, MissingError, Reader, RefusedError, asked_for
from imgforensics.model import MemberKind
from imgforensics.structure import Structure


def oras(contents: Contents, _: Structure) -> Iterator[Load]:
    """Each entry of ``index.json`` that can be asked for; the last one that has a tag, and any by its digest."""
    if contents.compressed:
        raise RefusedError("it does not undo compression around an archive")
    contents.whole()
    version = contents.decode(_member(contents, "oci-layout"), LAYOUT, stream=True)["imageLayoutVersion"]
    if version != "1.0.0":
        raise RefusedError(f"oci-layout says version {version!r}")
    index = _member(contents, "index.json")
    copies = contents.by_exact_name["index.json"]
    why = occurrence(copies, copies[-1], "index.json")
    entries = contents.decode(index, INDEX, stream=True)["manifests"] or []
    if not entries:
        raise RefusedError("index.json lists nothing")
    last = {name: entry for entry in entries for name in names(entry, REF)}
    rules = Rules(find=lambda digest: _find(contents, f"blobs/{digest.replace(':', '/')}"))
    for entry in entries:
        tags = tuple(name for name in names(entry, REF) if last[name] is entry)
        if names(entry, REF) and not tags:
            continue
        yield from asked_for(Reader.ORAS, tags, _entry(contents, entry, rules, tags, why))


def _entry(contents: Contents, entry: dict[str, Any], rules: Rules, tags: tuple[str, ...], why: str) -> Iterator[Load]:
    for found in images(contents, entry, rules):
        yield Load(Reader.ORAS, found.config, found.manifest, tags, f"{why}; {found.why}" if found.why else why)


def _member(contents: Contents, name: str) -> int:
    member = _find(contents, name)
    if member is None:
        raise MissingError(f"{name} is not in the archive under this very name")
    return member


def _find(contents: Contents, name: str) -> int | None:
    found = contents.by_exact_name.get(name)
    if not found:
        return None
    if found[-1].kind not in (MemberKind.FILE, MemberKind.SPARSE):
        raise RefusedError(f"{name} is a {found[-1].kind}, which it does not support")
    return found[-1].index
