"""IMG3xx: bytes that are not what something says they are. One cause is one finding; what follows is related."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from imgforensics.case import DAMAGE, HIDDEN, Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.model import AnomalyKind, Location, Verification, What


def _wrong_bytes(case: Case, member: int, failures: Sequence[Verification], what: str) -> Found:
    """One finding for a member whose bytes fail one or more claims."""
    first = min(failures, key=lambda failure: (failure.what is not What.MEMBER_NAME, failure.claimed or ""))
    name = case.name(member)
    if first.what is What.MEMBER_NAME and first.subject.pointer is None:
        called = "its name" if first.subject.member == name else f"the link {first.subject.member} that leads to it"
        said = f"{called} says {first.claimed}"
    else:
        said = f"{first.subject.member} at {first.subject.pointer} says {first.claimed}"
    related = [*(failure.subject for failure in failures if failure is not first), *case.consequences(member)]
    users = case.users(member)
    span = case.catalogue.members[member].data
    place = Location(name, offset=span.offset, length=span.length)
    if users:
        place = replace(users[0], offset=span.offset, length=span.length)
        told = {each.image for each in related}
        related += [user for user in users[1:] if user.image not in {None, place.image} | told]
    return Found(
        f"{what} {name}: {said}, its bytes hash to {first.computed}",
        place,
        tuple(dict.fromkeys(related)),
        claimed=first.claimed,
        computed=first.computed,
    )


@check("IMG301", "config-digest-mismatch", Severity.ERROR, Effect.TAMPERED)
def config_digest_mismatch(case: Case) -> Iterator[Found]:
    """An image config's bytes do not hash to the digest that names it.

    ## What it means
    The config was changed after the archive was written: its entrypoint, environment, user or list of layers.

    ## Why it matters
    The digest of the config is the image ID that `docker images` shows. crane, skopeo's docker-archive reader and
    containerd load the changed config without a word.

    ## How it is computed
    SHA-256 of the config's bytes against its file name and every descriptor that leads to it. diff_ids and legacy IDs
    that do not fit the changed config are listed as related.

    ## When it is innocent
    Archives that were edited on purpose by a tool that keeps the old names.
    """
    for member, failures in case.wrong_bytes.items():
        if member in case.config_members:
            yield _wrong_bytes(case, member, failures, "config")


@check("IMG302", "layer-diff-id-mismatch", Severity.ERROR, Effect.TAMPERED)
def layer_diff_id_mismatch(case: Case) -> Iterator[Found]:
    """A layer's uncompressed bytes do not hash to the diff_id in the image config.

    ## What it means
    The layer is not the one that the image was built with.

    ## Why it matters
    Docker's classic store does not even open a layer whose chain ID it already has; Docker's containerd store notices
    only when it unpacks, and still reports a successful load.

    ## How it is computed
    The layer is decompressed, if it is compressed, and hashed, and the hash is compared with `rootfs.diff_ids` at the
    same position. A layer whose stored bytes already contradict their name is reported as IMG303 instead.

    ## When it is innocent
    Test archives whose layers were emptied by their authors. Encrypted layers are not compared (IMG906).
    """
    groups: dict[tuple[int | None, str | None], list[Verification]] = defaultdict(list)
    for failure in case.mismatches(What.DIFF_ID):
        if case.cause(failure) is None:
            groups[failure.target, failure.claimed].append(failure)
    for (member, claimed), failures in groups.items():
        first, *others = failures
        name = "the layer" if member is None else case.name(member)
        number = first.subject.layer
        said = f"layer {number}: {first.subject.member} at {first.subject.pointer} says {claimed}"
        because = f" ({first.reason})" if "compressed bytes" in first.reason else ""
        hashes = f"the uncompressed bytes of {name} hash to {first.computed}{because}"
        if first.computed is None:
            hashes = f"which is {first.reason}"
        yield Found(
            f"{said}, {hashes}",
            Location(name if member is not None else None, image=first.subject.image, layer=number),
            (first.subject, *(failure.subject for failure in others)),
            claimed=claimed,
            computed=first.computed,
        )


@check("IMG303", "blob-digest-mismatch", Severity.ERROR, Effect.TAMPERED)
def blob_digest_mismatch(case: Case) -> Iterator[Found]:
    """A member's bytes do not hash to the digest that names it.

    ## What it means
    A layer, manifest, index or other blob was exchanged or damaged, and its name was kept.

    ## Why it matters
    `skopeo copy` follows a manifest blob whose bytes were exchanged; viewers and scanners never hash anything.

    ## How it is computed
    Every name that claims a digest (`blobs/sha256/<hex>`, `<hex>.tar`, `sha256:<hex>` ...) and every descriptor,
    against the bytes as stored. Layers of docker-archive writers may be named after their compressed or uncompressed
    bytes; both are tried. Also content that is embedded in a descriptor.

    ## When it is innocent
    Test archives that were trimmed by their authors.
    """
    for member, failures in case.wrong_bytes.items():
        if member not in case.config_members:
            yield _wrong_bytes(case, member, failures, "blob")
    for failure in case.mismatches(What.DESCRIPTOR_DATA):
        message = f"embedded data does not fit its descriptor, which says {failure.claimed}: {failure.reason}"
        yield Found(message, failure.subject, claimed=failure.claimed, computed=failure.computed)


@check("IMG304", "size-mismatch", Severity.ERROR, Effect.SUSPECT)
def size_mismatch(case: Case) -> Iterator[Found]:
    """A descriptor's size is not that of the bytes it names.

    ## What it means
    The bytes hash to the right digest, but a document gives another size for them.

    ## Why it matters
    Readers that allocate or read by the claimed size fail or stop early; negative sizes have crashed some.

    ## How it is computed
    `size` of every descriptor against the member's length.

    ## When it is innocent
    Old versions of some tools wrote the uncompressed size.
    """
    for failure in case.mismatches(What.DESCRIPTOR_SIZE):
        if case.cause(failure) is None:
            name = "?" if failure.target is None else case.name(failure.target)
            message = (
                f"{failure.subject.member} at {failure.subject.pointer} gives {failure.claimed} bytes, "
                f"{name} has {failure.computed}"
            )
            yield Found(message, failure.subject, claimed=failure.claimed, computed=failure.computed)


@check("IMG305", "corrupt-compressed-stream", Severity.ERROR, Effect.SUSPECT)
def corrupt_compressed_stream(case: Case) -> Iterator[Found]:
    """A compressed member does not decompress to its end, or its own checksum does not fit.

    ## What it means
    The stream is damaged or cut off, whatever its digest says.

    ## Why it matters
    Tools that list a layer often stop before the checksum and never notice; tools that unpack fail.

    ## How it is computed
    gzip, bzip2, xz and zstd are decompressed to the last byte; CRC and length are compared. Reserved flags in a gzip
    header count as well: zlib and gzip refuse them, Go reads on.

    ## When it is innocent
    A member that merely begins like a compressed stream and is none is only reported if an image uses it as a layer,
    or, as a warning, if its name or a media type says that it is compressed.
    """
    layers = {layer.member for image in case.structure.images for layer in image.layers}
    called = _called_compressed(case)
    for member in sorted(case.damaged_streams):
        blob = case.catalogue.blobs[member]
        anomalies = [anomaly for anomaly in blob.anomalies if anomaly.kind in DAMAGE]
        if case.catalogue.cut_off(member) or member in case.wrong_bytes:
            continue
        if member in layers or member in called:
            details = "; ".join(anomaly.detail for anomaly in anomalies)
            span = anomalies[0].span
            where = Location(case.name(member), offset=span.offset if span else None)
            related = tuple(case.consequences(member))
            severity = None if member in layers else Severity.WARNING
            message = f"{case.name(member)}: the {blob.compression} stream is damaged: {details}"
            yield Found(message, where, related, severity=severity)


def _called_compressed(case: Case) -> set[int | None]:
    """Members that are compressed by their name or by a descriptor's media type."""
    called = {member.index for member in case.catalogue.members if member.name.endswith((".gz", ".tgz", ".zst"))}
    return called | {
        reference.target
        for reference in case.structure.references
        if reference.descriptor is not None and reference.descriptor.media_type.endswith(("gzip", "zstd"))
    }


@check("IMG306", "v1-id-mismatch", Severity.WARNING, Effect.SUSPECT)
def v1_id_mismatch(case: Case) -> Iterator[Found]:
    """A legacy layer ID is not the one that Docker computes from the config and the diff_ids.

    ## What it means
    The config, or the order of layers, is not what it was when Docker saved the image; or another tool than Docker
    wrote the folders.

    ## Why it matters
    Nobody reads these IDs any more, so whoever edits a config by hand forgets them.

    ## How it is computed
    SHA-256 over the JSON that Docker builds for each layer (moby, image/v1), for all versions and zones that occur. A
    legacy v1 JSON with such an ID is hashed again itself, and has to give that ID.
    Only archives that bear other marks of Docker are judged.

    ## When it is innocent
    A tool that imitates Docker's layout to the letter, but not its IDs.
    """
    by_image: dict[int | None, list[Verification]] = defaultdict(list)
    for failure in case.mismatches(What.V1_ID):
        if case.cause(failure) is None:
            by_image[failure.subject.image].append(failure)
    for first, *others in by_image.values():
        message = f"legacy layer ID {first.claimed} is not {first.computed}, which config and diff_ids give"
        related = tuple(failure.subject for failure in others)
        yield Found(message, first.subject, related, claimed=first.claimed, computed=first.computed)
    if not case.wrong_bytes:
        for failure in case.mismatches(What.V1_JSON):
            message = f"{failure.subject.member} has the legacy ID {failure.claimed}: {failure.reason}"
            yield Found(message, failure.subject, claimed=failure.claimed)


@check("IMG307", "hidden-stream-data", Severity.WARNING, Effect.SUSPECT)
def hidden_stream_data(case: Case) -> Iterator[Found]:
    """A compressed layer carries bytes that are in none of its content.

    ## What it means
    Something follows the end of the compressed stream, or stands in a zstd frame that decoders pass over.

    ## Why it matters
    A diff_id does not cover these bytes. Readers disagree about them: gzip warns and goes on, Go and Python refuse the
    layer, and who only unpacks never sees them.

    ## How it is computed
    Layers are read to their last byte; the SHA-256 that is given is of what follows, from its first byte that is not
    zero on. The frames of zstd:chunked, of the seekable format and of pzstd are known by
    their tables and not reported.

    ## When it is innocent
    Zero bytes that fill a tape block are only noted.
    """
    layers = {layer.member for image in case.structure.images for layer in image.layers}
    for member, blob in case.catalogue.blobs.items():
        for anomaly in blob.anomalies:
            if member not in layers or anomaly.kind not in HIDDEN | {AnomalyKind.TRAILING_ZEROS}:
                continue
            severity = Severity.NOTE if anomaly.kind is AnomalyKind.TRAILING_ZEROS else None
            where = Location(case.name(member))
            if anomaly.span is not None:
                where = replace(where, offset=anomaly.span.offset, length=anomaly.span.length)
            digest = None if anomaly.digest is None else str(anomaly.digest)
            yield Found(f"{case.name(member)}: {anomaly.detail}", where, computed=digest, severity=severity)


CHECKS: tuple[Check, ...] = (
    config_digest_mismatch,
    layer_diff_id_mismatch,
    blob_digest_mismatch,
    size_mismatch,
    corrupt_compressed_stream,
    v1_id_mismatch,
    hidden_stream_data,
)
