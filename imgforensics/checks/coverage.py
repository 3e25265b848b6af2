"""IMG9xx: what could not be checked. Silence about it would pass for a clean result."""

from collections import defaultdict
from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Rule, Severity
from imgforensics.legacy import BOUND
from imgforensics.model import Anomaly, AnomalyKind, Compression, Digest, Location, Outcome, Verification
from imgforensics.verify import ENCRYPTED, SPARSE


@check("IMG901", "unsupported-compression", Severity.WARNING, Effect.SUSPECT)
def unsupported_compression(case: Case) -> Iterator[Found]:
    """A layer is compressed in a way that cannot be undone here.

    ## What it means
    The uncompressed bytes could not be hashed, so the diff_id is unverified.

    ## Why it matters
    No usual runtime reads such a layer either.

    ## How it is computed
    By magic bytes: lz4, lzip, compress.

    ## When it is innocent
    A file that merely begins like such a stream.
    """
    for image in case.structure.images:
        for layer in image.layers:
            blob = None if layer.member is None else case.catalogue.blobs.get(layer.member)
            if blob is not None and layer.member is not None and blob.compression is Compression.UNSUPPORTED:
                where = Location(case.name(layer.member), image=image.index, layer=layer.index)
                yield Found(f"layer {layer.index} is compressed in a way that cannot be undone here", where)


@check("IMG902", "limit-reached", Severity.ERROR, Effect.SUSPECT)
def limit_reached(case: Case) -> Iterator[Found]:
    """A bound on hostile input was reached, and something was left unread.

    ## What it means
    The archive is larger, deeper or denser than anything real: so many members, such nesting, such growth. Or
    `--budget` was used up, as the message says then.

    ## Why it matters
    Decompression bombs and endless indexes are attacks on the tools that read them (CVE-2017-14992, CVE-2023-25153).

    ## How it is computed
    Each bound stands, with its reason, in `imgforensics.Limits`; the library can be called with others.

    ## When it is innocent
    A very large mirror in one archive, or a small budget. Where it is neither the list of members nor a document,
    config or layer of an image that was left unread, it is a warning only.
    """
    places: list[tuple[int | None, Anomaly, bool]] = [
        (None, anomaly, True) for anomaly in (*case.catalogue.anomalies, *case.catalogue.outer_anomalies)
    ]
    places += [(anomaly.member, anomaly, True) for anomaly in case.structure.problems]
    for index, blob in case.catalogue.blobs.items():
        places += [(index, anomaly, bool(case.users(index))) for anomaly in blob.anomalies]
    for index, facts in case.catalogue.layers.items():
        places += [(index, anomaly, bool(case.users(index))) for anomaly in facts.anomalies]
    places += [(None, anomaly, True) for anomaly in case.catalogue.layer_anomalies]
    for member, anomaly, main in places:
        if anomaly.kind is AnomalyKind.LIMIT:
            name = None if member is None else case.name(member)
            where = Location(name, anomaly.pointer, offset=anomaly.span.offset if anomaly.span else None)
            severity = None if main else Severity.WARNING
            spent = case.catalogue.spent is not None and anomaly.detail.startswith(case.catalogue.spent)
            unread = sorted(case.unread_documents) if spent else ()
            related = tuple(Location(case.name(each)) for each in unread)
            yield Found(f"{name or 'the archive'}: {anomaly.detail}", where, related, severity=severity)
    if case.stacked.exceeded:
        detail = f"more than {case.catalogue.limits.layer_steps} steps to compare layers with those below them"
        yield Found(f"the archive: {detail}; not all were compared", Location(), severity=Severity.WARNING)
    bounded = {load.why: load for load in case.loads if load.limited}
    for why, load in bounded.items():
        yield Found(f"what {load.reader.called} would load: {why}", Location(), severity=Severity.WARNING)
    unchecked = sum(verification.reason == BOUND for verification in case.verifications)
    if unchecked:
        yield Found(f"the archive: {BOUND}; {unchecked} were not checked", Location(), severity=Severity.WARNING)


@check("IMG903", "check-crashed", Severity.WARNING, Effect.SUSPECT)
def check_crashed(_: Case) -> Iterator[Found]:
    """One of this tool's own checks failed.

    ## What it means
    A bug in imgforensics; the rest of the report stands.

    ## Why it matters
    What that check looks for was not looked for.

    ## How it is computed
    The failure is caught, and named with the check's code.

    ## When it is innocent
    Please report it with the archive, or with the part of it that you may share.
    """
    yield from ()


CRASHED: Rule = check_crashed.rule


@check("IMG904", "unverifiable-digest", Severity.WARNING, Effect.SUSPECT)
def unverifiable_digest(case: Case) -> Iterator[Found]:
    """A digest of an algorithm that cannot be computed, or was not.

    ## What it means
    The claim is neither right nor wrong: it was not checked.

    ## Why it matters
    An unknown algorithm must never pass for a verified one.

    ## How it is computed
    sha256, sha384 and sha512 are computed; everything else is reported. Where a budget ended the measuring, IMG902
    tells it.

    ## When it is innocent
    New algorithms that image-spec registers after this version.
    """
    groups: dict[tuple[str, int | None], list[Verification]] = defaultdict(list)
    for verification in case.verifications:
        if verification.outcome is Outcome.UNCHECKED and verification.claimed:
            try:
                digest = Digest.parse(verification.claimed)
            except ValueError:
                continue
            if not digest.known or (case.catalogue.spent is None and _lacks(case, verification.target, digest)):
                groups[verification.claimed, verification.target].append(verification)
    for (claimed, _), (first, *others) in groups.items():
        message = f"{claimed} cannot be checked: {first.reason}"
        yield Found(message, first.subject, tuple(each.subject for each in others), claimed=claimed)


def _lacks(case: Case, member: int | None, digest: Digest) -> bool:
    """Whether a member was measured, and its digest of a known algorithm was not computed."""
    blob = None if member is None else case.catalogue.blobs.get(member)
    return blob is not None and blob.digest_by(digest.algorithm) is None


@check("IMG905", "not-hashed", Severity.NOTE, Effect.UNCHECKED)
def not_hashed(case: Case) -> Iterator[Found]:
    """Members were left unhashed because only the structure was asked for.

    ## What it means
    The archive was checked with `--fast`: its documents hang together, its layers were not looked at.

    ## Why it matters
    An exchanged layer is not noticed. The verdict is `unchecked`, never `intact`.

    ## How it is computed
    Every member larger than a document is left out.

    ## When it is innocent
    Always; run `verify` without `--fast` for an answer.
    """
    count = sum(member not in case.catalogue.blobs for member in case.catalogue.unmeasured)
    if case.catalogue.digest is None:
        yield Found(f"structure only: {count} members and the archive itself were not hashed", Location())
    elif count:
        yield Found(f"{count} members were not hashed", Location())


@check("IMG906", "encrypted-layer", Severity.NOTE, Effect.NONE)
def encrypted_layer(case: Case) -> Iterator[Found]:
    """A layer is encrypted, so that its diff_id could not be compared.

    ## What it means
    The bytes as stored fit their digest; what they hold once they are decrypted is unknown.

    ## Why it matters
    The diff_id is of the plain text. Whoever has the key has to compare it after decrypting.

    ## How it is computed
    A manifest gives the layer a media type that ends in `+encrypted`, and the bytes are neither a tar nor compressed.
    Bytes that can be unpacked are compared whatever the type says.

    ## When it is innocent
    Always; it says how much the verdict is worth.
    """
    for verification in case.verifications:
        if verification.outcome is Outcome.UNCHECKED and verification.reason == ENCRYPTED:
            message = f"layer {verification.subject.layer}: {ENCRYPTED}"
            yield Found(message, verification.subject, claimed=verification.claimed)


@check("IMG907", "sparse-member", Severity.ERROR, Effect.SUSPECT)
def sparse_member(case: Case) -> Iterator[Found]:
    """A member is stored as a sparse file that could not be put together.

    ## What it means
    The tar holds the member's bytes without its holes, and a map of them; the map is malformed, or its holes are too
    large. Nothing that is claimed about the member was checked.

    ## Why it matters
    Readers that believe the map write out other bytes than those that are stored, and exhaust memory or disk if it says
    so (CVE-2025-58183).

    ## How it is computed
    GNU tar's four ways to store a map. Where it is in order, fits the stored bytes and stays in bounds
    (`imgforensics.Limits`), the bytes with their holes are measured and compared like any other.

    ## When it is innocent
    `tar -S` over files with huge holes: pack the archive again without that option.
    """
    claims: dict[int, list[Location]] = defaultdict(list)
    for verification in case.verifications:
        if verification.target is not None and case.catalogue.unexpanded(verification.target):
            claims[verification.target].append(verification.subject)
    for member in case.catalogue.members:
        if case.catalogue.unexpanded(member.index):
            places = tuple(dict.fromkeys(claims.get(member.index, ())))
            yield Found(f"{member.name} is {SPARSE}", Location(member.name), places)


CHECKS: tuple[Check, ...] = (
    unsupported_compression,
    limit_reached,
    check_crashed,
    unverifiable_digest,
    not_hashed,
    encrypted_layer,
    sparse_member,
)
