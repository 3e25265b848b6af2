"""IMG7xx: signatures and attestations. Silent unless they were asked for."""

from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location
from imgforensics.signature import Binding, Headline, Place, Purpose, Scheme, Signature, Status

_EXPIRED = (Status.CERTIFICATE_EXPIRED, Status.METADATA_EXPIRED, Status.SIGNATURE_EXPIRED)


def _all(case: Case) -> tuple[Signature, ...]:
    return () if case.signatures is None else case.signatures.found


def _what(signature: Signature) -> str:
    found = signature.found
    return f"{found.purpose} ({found.scheme}, {found.place})"


def _where(signature: Signature) -> Location:
    images = () if signature.bound is None else signature.bound.images
    place = signature.found.where
    return Location(place.member, place.pointer, image=images[0] if images else None)


def _digest(signature: Signature) -> str | None:
    return None if signature.bound is None or signature.bound.digest is None else str(signature.bound.digest)


@check("IMG701", "signature-invalid", Severity.ERROR, Effect.SUSPECT)
def signature_invalid(case: Case) -> Iterator[Found]:
    """A signature is broken: its cryptography fails, or what stands beside it contradicts it.

    ## What it means

    The signature does not verify by the certificate or key that it names, its payload is not what was signed, its log
    entry is another signature's, or it holds something that must be understood and is not.

    ## Why it matters

    Somebody changed the signature or what it signs, or put together what does not belong together. It proves nothing.

    ## How it is computed

    See `imgforensics signatures`: every step is listed. A signature that verifies by none of the given keys is not
    broken for all that is known: somebody else may have signed it (IMG703).

    ## When it is innocent

    A tool that writes signatures in a form which is not known here.
    """
    for each in _all(case):
        if each.judgement.status is Status.INVALID:
            yield Found(f"the {_what(each)} is invalid: {each.judgement.reason}", _where(each))


@check("IMG702", "signature-for-different-digest", Severity.ERROR, Effect.SUSPECT)
def signature_for_different_digest(case: Case) -> Iterator[Found]:
    """A signature holds, and what it signs is known to be something else than what the archive holds.

    ## What it means

    The digest inside the signed payload is not that of the image that the signature was put beside, or handed in for.

    ## Why it matters

    A genuine signature of another image, or of another version of it, makes this one look signed.

    ## How it is computed

    Only the digest (and, where it is signed, the size) inside the verified payload counts; `subject`, tags, folders and
    annotations are unsigned. It is compared with the manifests in the archive, those that were handed in
    (`--manifest`), and what known pushing tools would upload.

    ## When it is innocent

    The signature is of an index that is not in the archive, from which one platform was copied: the index itself, with
    `--manifest`, shows that.
    """
    for each in _all(case):
        if each.judgement.holds and each.bound is not None and each.bound.binding is Binding.OTHER_DIGEST:
            message = f"the {_what(each)} holds, for a different digest: {each.bound.how}"
            yield Found(message, _where(each), claimed=_digest(each))


@check("IMG703", "signature-unverifiable", Severity.NOTE, Effect.NONE)
def signature_unverifiable(case: Case) -> Iterator[Found]:
    """A signature could not be verified: trust material, a trusted time, a program or an extra is missing.

    ## What it means

    Nothing is known to be wrong with it, and nothing is proved by it.

    ## Why it matters

    That a signature is there says nothing about who signed, or what.

    ## How it is computed

    The message says what is missing.

    ## When it is innocent

    Always; what the signature claims is unauthenticated until it is verified.
    """
    for each in _all(case):
        if each.judgement.status is Status.UNVERIFIABLE:
            yield Found(f"the {_what(each)} is not verified: {each.judgement.reason}", _where(each))


@check("IMG704", "signature-expired", Severity.WARNING, Effect.NONE)
def signature_expired(case: Case) -> Iterator[Found]:
    """A signature holds, and it, its certificate or its metadata had expired at the time at which it was judged.

    ## What it means

    The certificate was not valid when a log or a time-stamp authority saw the signature, or at the time given with
    `--at`; or the signer's own date of expiry, or that of content trust metadata, was past then.

    ## Why it matters

    Whoever set the date did not vouch for it beyond.

    ## How it is computed

    Against the trusted time of the signature, else against `--at`; never against the clock by itself.

    ## When it is innocent

    Old evidence: content trust metadata expires as a matter of course.
    """
    for each in _all(case):
        if each.judgement.status in _EXPIRED:
            yield Found(f"the {_what(each)}: {each.judgement.status}: {each.judgement.reason}", _where(each))


@check("IMG705", "signer-not-pinned", Severity.WARNING, Effect.NONE)
def signer_not_pinned(case: Case) -> Iterator[Found]:
    """A signature verifies, and its signer is not one that was asked for.

    ## What it means

    Somebody signed it, whom an authority vouches for. It was not said whom to expect, or somebody else was expected.

    ## Why it matters

    Anybody can get a certificate of a public authority: "signed by somebody" is worth nothing.

    ## How it is computed

    Identity and issuer of the certificate against `--certificate-identity` and `--certificate-oidc-issuer`, both of
    them and exactly; for the Notary Project the subject against the trust policy's `trustedIdentities`.

    ## When it is innocent

    Several parties signed, and only one of them was asked for.
    """
    for each in _all(case):
        if each.judgement.status is Status.NOT_PINNED:
            yield Found(f"the {_what(each)}: {each.judgement.reason}", _where(each))


@check("IMG706", "signature-unbound", Severity.NOTE, Effect.NONE)
def signature_unbound(case: Case) -> Iterator[Found]:
    """A signature holds, and nothing in the archive leads to the digest that it signs.

    ## What it means

    Neither a manifest in the archive, nor one that was handed in, nor a rebuilt one has that digest.

    ## Why it matters

    The signature may be of this image; it is not shown to be.

    ## How it is computed

    As for `--expect`; the message says what was tried.

    ## When it is innocent

    The archive was written by `docker save`, which throws the manifest away, and it was pushed in a way that cannot be
    rebuilt; or the archive holds signatures of images that are not in it. `--manifest FILE` settles the first.
    """
    for each in _all(case):
        if each.judgement.holds and each.bound is not None and each.bound.binding is Binding.UNBOUND:
            yield Found(
                f"the {_what(each)} is bound to no image: {each.bound.how}", _where(each), claimed=_digest(each)
            )


@check("IMG707", "image-not-signed", Severity.ERROR, Effect.NONE)
def image_not_signed(case: Case) -> Iterator[Found]:
    """A signature was required, and an image is not signed and verified.

    ## What it means

    `--require-signature` was given. For this image there is no signature that verifies, is of a pinned signer, has not
    expired, and binds to it.

    ## Why it matters

    Whoever requires signatures must not take this archive.

    ## How it is computed

    One good signature of an image is enough; attestations do not count.

    ## When it is innocent

    Archives seldom carry signatures. One that is kept elsewhere can be handed in with `--signature`.
    """
    if case.signatures is None or not case.signatures.required:
        return
    for index, headline in sorted(case.signatures.headlines.items()):
        if headline is not Headline.VERIFIED:
            yield Found(f"image @{index}: {headline}", Location(image=index))
    if not case.signatures.headlines:
        yield Found("the archive holds no image that could be signed", Location())


@check("IMG708", "unsigned-attestation", Severity.NOTE, Effect.NONE)
def unsigned_attestation(case: Case) -> Iterator[Found]:
    """A statement about an image is there, and nobody signed it.

    ## What it means

    Provenance or a bill of materials as BuildKit writes it: a bare statement.

    ## Why it matters

    Whoever can write the archive can write such a statement.

    ## How it is computed

    The blob is an in-toto statement and no envelope. That the manifest around it is signed, as that of Docker's own
    images is, shows in that signature.

    ## When it is innocent

    Always; it is a claim.
    """
    signed = {
        each.bound.digest
        for each in _all(case)
        if each.is_good and each.bound is not None and each.bound.level == "attestation"
    }
    for each in _all(case):
        plain = each.found.scheme is Scheme.UNSIGNED and each.found.place is not Place.DETACHED
        if plain and each.found.purpose is Purpose.ATTESTATION and not signed & set(each.found.hints):
            kind = each.found.claims.predicate_type or "of no type"
            yield Found(f"an unsigned attestation, {kind}", _where(each))


CHECKS: tuple[Check, ...] = (
    signature_invalid,
    signature_for_different_digest,
    signature_unverifiable,
    signature_expired,
    signer_not_pinned,
    signature_unbound,
    image_not_signed,
    unsigned_attestation,
)
