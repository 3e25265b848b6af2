"""IMG511 to IMG515: a layer's tar as a whole, the table of contents beside it, and headers in it."""

from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.layers import clashing, odd_entries, place, surveyed
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.layerfacts import LayerFacts, Odd
from imgforensics.layerstack import Clash
from imgforensics.layertoc import TocKind
from imgforensics.looks import describe
from imgforensics.model import AnomalyKind, Compression, Outcome
from imgforensics.sniffing import begins_like
from imgforensics.structure import Layer
from imgforensics.verify import ENCRYPTED

_GLOBAL = frozenset(("path", "linkpath", "size", "GNU.sparse.name", "GNU.sparse.realsize", "GNU.sparse.size"))
"""Keys of a global PAX header by which GNU tar, Python and libarchive see other files than Go's reader."""

_ANNOTATIONS = {
    "containerd.io/snapshot/stargz/toc.digest": TocKind.ESTARGZ,
    "io.github.containers.zstd-chunked.manifest-checksum": TocKind.ZSTD_CHUNKED,
    "io.containers.zstd-chunked.manifest-checksum": TocKind.ZSTD_CHUNKED,
}
"""Annotations of a layer's descriptor that name the digest of its table of contents."""


def _stands_for_itself(case: Case, member: int) -> bool:
    """Whether nothing else that was found explains what is wrong inside a layer: other bytes, or fewer."""
    if member in case.wrong_bytes or member in case.damaged_streams:
        return False
    if case.catalogue.cut_off(member) or case.catalogue.unexpanded(member):
        return False
    for user in case.users(member):
        if user.image is not None and user.layer is not None:
            checked = case.diff_id_checks.get((user.image, user.layer))
            if checked is not None and (checked.outcome is Outcome.MISMATCH or checked.reason == ENCRYPTED):
                return False
    return True


@check("IMG511", "layer-trailing-data", Severity.WARNING, Effect.SUSPECT)
def layer_trailing_data(case: Case) -> Iterator[Found]:
    """Bytes other than zeros follow the end of a layer's tar, or fill its gaps.

    ## What it means
    The layer's digest covers them, and nobody unpacks them.

    ## Why it matters
    They travel with the image; some readers go on behind an end marker and see other files there.

    ## How it is computed
    The uncompressed layer is read to its end. Zeros are padding, behind the end and behind each file. The table of
    contents that BuildKit puts behind the tar of an eStargz layer is none of this.

    ## When it is innocent
    Concatenated tars.
    """
    for member, facts in surveyed(case):
        trailing = facts.end.trailing
        if trailing is not None:
            where, others, layer = place(case, member, trailing.offset)
            found = f"{trailing.length} bytes, beginning like {describe(facts.end.trailing_head)}"
            message = f"{layer}: data after the end of the layer's tar, at byte {trailing.offset} uncompressed: {found}"
            yield Found(message, where, others)
        if facts.end.padding_at is not None:
            where, others, layer = place(case, member, facts.end.padding_at)
            found = (
                f"{facts.end.padding} bytes that are not zero, the first at byte {facts.end.padding_at} uncompressed"
            )
            yield Found(f"{layer}: data in the padding between the entries of the layer's tar: {found}", where, others)


@check("IMG512", "layer-is-no-tar", Severity.WARNING, Effect.SUSPECT)
def layer_is_no_tar(case: Case) -> Iterator[Found]:
    """A layer of an image is no tar.

    ## What it means
    Its digests fit, and a config and a manifest call it a layer, but there is nothing in it to unpack.

    ## Why it matters
    Runtimes refuse it; scanners may pass over it in silence.

    ## How it is computed
    By its first block, uncompressed. Layers whose media type is no tar's (WebAssembly, Helm, in-toto) are silent, and
    so are encrypted ones, and those of artifacts.

    ## When it is innocent
    Never in an image that should run.
    """
    if not case.catalogue.surveyed:
        return
    seen = set()
    for image in case.structure.images:
        for layer in image.layers:
            member = layer.member
            blob = None if member is None else case.catalogue.blobs.get(member)
            if member is None or blob is None or member in case.catalogue.layers or blob.diff_id in seen:
                continue
            if blob.uncompressed_size and _claims_tar(layer) and _stands_for_itself(case, member):
                seen.add(blob.diff_id)
                where, others, name = place(case, member)
                yield Found(f"{name} is no tar: it begins like {describe(blob.head)}", where, others)


def _claims_tar(layer: Layer) -> bool:
    media_type = layer.media_type
    return media_type is None or ".tar" in media_type or "rootfs.diff" in media_type


@check("IMG513", "damaged-layer-tar", Severity.ERROR, Effect.SUSPECT)
def damaged_layer_tar(case: Case) -> Iterator[Found]:
    """The tar inside a layer is damaged or cut off, although the layer's digests are right.

    ## What it means
    It was damaged before it was hashed, or made so on purpose.

    ## Why it matters
    Docker, containerd and podman fail there; other readers stop in silence or skip ahead, and see other files. What
    stands behind the place was not looked at.

    ## How it is computed
    Headers are followed as Go's `archive/tar` follows them: to the end marker, or to where it would fail: at a wrong
    checksum, at a field or a PAX record that has to be a number and is none, in the middle of a block. A layer whose
    bytes fit no digest, or whose compression is damaged, is reported for that alone.

    ## When it is innocent
    Never: no runtime unpacks it. Only behind an extension header of no entry Go's reader ends in silence.
    """
    for member, facts in surveyed(case):
        damage = facts.end.damage
        if damage is None or damage.kind is AnomalyKind.LIMIT or not _stands_for_itself(case, member):
            continue
        offset = damage.span.offset if damage.span else None
        where, others, layer = place(case, member, offset)
        yield Found(f"{layer}: its tar is damaged at byte {offset} uncompressed: {damage.detail}", where, others)


@check("IMG514", "table-of-contents-mismatch", Severity.ERROR, Effect.SUSPECT)
def table_of_contents_mismatch(case: Case) -> Iterator[Found]:
    """An eStargz or zstd:chunked table of contents says something else than the layer's tar, or than its annotation.

    ## What it means
    The layer has two lists of its files. Who pulls it lazily mounts what the table says, everyone else unpacks the tar.

    ## Why it matters
    One digest, two images: a scanner sees one, the runtime the other (containers/storage#1888, #2014).

    ## How it is computed
    Paths, kinds, sizes, modes, numeric owners, extended attributes and targets are compared, both ways, and the SHA-256
    of the table with the digest in the annotations of the layer's descriptors. Keys that stand twice, or that Go alone
    takes for others, are an error, and so is a footer that leads to another place than where the table is. Digests and
    offsets of single files in the table are not recomputed.

    ## When it is innocent
    An annotation where the layer has no table any more, since it was compressed anew, is only noted.
    """
    for member, facts in surveyed(case, stored=True):
        where, others, layer = place(case, member)
        toc = facts.toc
        if toc is not None and not toc.agrees:
            words = toc.problem or (
                f"{toc.extra} of {toc.entries} entries are not in the tar, {toc.differing} differ, {toc.missing} of "
                "the tar are missing"
            )
            shown = f": {'; '.join(toc.examples[:3])}" if toc.examples else ""
            yield Found(f"{layer}: the {toc.kind} table of contents against the tar: {words}{shown}", where, others)
        if facts.toc_elsewhere is not None:
            words = "the footer, by which readers find the table of contents, leads to"
            end = "where the layer has none: it was not compared"
            yield Found(f"{layer}: {words} {facts.toc_elsewhere}, {end}", where, others)
        yield from _annotated(case, member, facts)


def _annotated(case: Case, member: int, facts: LayerFacts) -> Iterator[Found]:
    """What descriptors say of the table."""
    where, others, layer = place(case, member)
    claims = {
        (claimed, _ANNOTATIONS[key])
        for reference in case.references_to.get(member, ())
        if reference.descriptor is not None
        for key, claimed in reference.descriptor.annotations.items()
        if key in _ANNOTATIONS
    }
    for claimed, kind in sorted(claims):
        if facts.toc is not None and facts.toc.kind is kind and claimed != str(facts.toc.digest):
            computed = str(facts.toc.digest)
            message = f"{layer}: an annotation says the {kind} table of contents is {claimed}, it hashes to {computed}"
            yield Found(message, where, others, claimed, computed)
        elif facts.toc is None and facts.toc_elsewhere is None and facts.index is not None and facts.end.damage is None:
            message = f"{layer}: an annotation names a {kind} table of contents, {claimed}; none was found"
            yield Found(message, where, others, claimed, severity=Severity.NOTE)


@check("IMG515", "odd-layer-header", Severity.WARNING, Effect.SUSPECT)
def odd_layer_header(case: Case) -> Iterator[Found]:
    """A header in a layer says something that readers understand differently.

    ## What it means
    PAX records that overrule the plain header, sizes on symlinks, names with NULs, stacked extensions; or what runtimes
    cannot unpack: types that they do not know, paths, targets and extended attributes that no system takes, files, or
    links to files, with entries below them. Below what is a file in a lower layer, those fail that unpack on a copy of
    it; overlayfs makes it a folder.

    ## Why it matters
    Tar readers disagree about each of these (CVE-2025-62518, CVE-2025-13462): a scanner sees other entries than the
    runtime.

    ## How it is computed
    As of the outer tar, see IMG109, with the reading of Go's `archive/tar`. What no reader misunderstands is noted:
    owners and modes beyond all bounds, sparse files, sizes on hard links and folders. moby and containerd fail with
    "unhandled tar header type" for types other than 0 to 6. Global PAX headers are noted; those with names or sizes,
    which Go's reader alone does not apply, are a warning.

    ## When it is innocent
    Old tar programs.
    """
    yield from odd_entries(
        case,
        {
            Odd.HEADER_AMBIGUOUS: ("headers that readers understand differently", None),
            Odd.UNUSABLE: ("a path that no system takes", None),
            Odd.REFUSED: ("what Linux refuses to make", None),
            Odd.REFUSED_TRUSTED: ("an attribute that Linux refuses, and containerd leaves out", None),
            Odd.REFUSED_FORBIDDEN: ("an attribute that Linux refuses, and podman alone minds", None),
            Odd.BELOW_FILE: ("a file that is a folder too", None),
            Odd.UNHANDLED: ("types of entries that runtimes refuse", None),
            Odd.HEADER: ("unusual headers", Severity.NOTE),
        },
    )
    for member, _ in surveyed(case):
        blob = case.catalogue.blobs[member]
        disguise = begins_like(blob.head) if blob.compression is Compression.NONE else None
        if disguise is not None:
            where, others, layer = place(case, member)
            message = f"{layer} is a tar that begins like a {disguise} stream: readers that go by that fail to undo it"
            yield Found(message, where, others)
    yield from clashing(case, {Clash.BELOW_FILE: ("entries stand below what is no folder", None)})
    for member, facts in surveyed(case):
        if facts.end.global_keys:
            where, others, layer = place(case, member)
            keys = ", ".join(facts.end.global_keys)
            message = f"{layer}: a global PAX header with {keys}, which Go's reader does not apply"
            harmless = _GLOBAL.isdisjoint(facts.end.global_keys)
            yield Found(message, where, others, severity=Severity.NOTE if harmless else None)


CHECKS: tuple[Check, ...] = (
    layer_trailing_data,
    layer_is_no_tar,
    damaged_layer_tar,
    table_of_contents_mismatch,
    odd_layer_header,
)
