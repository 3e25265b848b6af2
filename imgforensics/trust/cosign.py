"""cosign's two layers: simple signing (``.sig``) and envelopes around statements (``.att``). Needs ``verify``."""

from imgforensics.signature import Found, Judgement, Signed
from imgforensics.trust.anchors import Anchors
from imgforensics.trust.bundles import signed_of
from imgforensics.trust.envelopes import COSIGN_KIND, envelope, simple_signing, strict_object, unbase64
from imgforensics.trust.refusal import invalid
from imgforensics.trust.sigstore import annotated, annotation, verify


def judge_simple_signing(found: Found, anchors: Anchors) -> Judgement:
    """What a signature of simple signing is worth. Its payload is read only after the signature holds.

    Raises:
        RefusedError: it is broken, or nothing that is trusted leads to it.
    """
    signature = unbase64(annotation(found.annotations, "signature"), "the signature")
    if not signature:
        raise invalid("the layer carries no signature")
    outcome = verify(annotated(found.content, (signature,), found.annotations, None, b""), anchors)
    payload = simple_signing(found.content)
    if payload.kind != COSIGN_KIND:
        raise invalid(f"{payload.kind[:100]!r} is signed, no image")
    return outcome.judgement(Signed((payload.digest,)))


def judge_envelope(found: Found, anchors: Anchors) -> Judgement:
    """What an envelope is worth.

    Raises:
        RefusedError: it is broken, or nothing that is trusted leads to it.
    """
    signed = envelope(strict_object(found.content, "the envelope"))
    evidence = annotated(signed.encoded(), signed.signatures, found.annotations, signed, found.content)
    outcome = verify(evidence, anchors)
    return outcome.judgement(signed_of(signed))
