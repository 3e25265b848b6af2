"""Signatures as JSON: the ``signatures`` of an archive."""

from collections.abc import Mapping
from typing import Any

from imgforensics.rendering.escape import json_text
from imgforensics.signature import Bound, Checked, Claims, Signature, Signatures, Signed, Signer, TrustedTime

Json = Mapping[str, Any]


def signatures_json(signatures: Signatures | None) -> Json | None:
    """What is known of an archive's signatures; None where nobody asked."""
    if signatures is None:
        return None
    return {
        "headline": signatures.headline.value,
        "required": signatures.required,
        "images": [
            {"index": index, "headline": headline.value} for index, headline in sorted(signatures.headlines.items())
        ],
        "found": [_signature(each) for each in signatures.found],
    }


def _signature(signature: Signature) -> Json:
    found, judgement = signature.found, signature.judgement
    return {
        "scheme": found.scheme.value,
        "purpose": found.purpose.value,
        "place": found.place.value,
        "where": {"member": _text(found.where.member), "pointer": _text(found.where.pointer)},
        "status": judgement.status.value,
        "reason": json_text(judgement.reason),
        "signed": None if judgement.signed is None else _signed(judgement.signed),
        "binding": None
        if signature.bound is None
        else _bound(signature.bound, "signed" if judgement.holds else "claimed"),
        "signer": None if judgement.signer is None else _signer(judgement.signer),
        "time": None if judgement.time is None else _time(judgement.time),
        "checks": [_checked(each) for each in judgement.checks],
        "unauthenticated": {**_claims(found.claims), "stands_with": [str(each) for each in found.hints]},
    }


def _text(value: str | None) -> str | None:
    return None if value is None else json_text(value)


def _signed(signed: Signed) -> Json:
    return {
        "digests": [str(each) for each in signed.digests],
        "size": signed.size,
        "media_type": _text(signed.media_type),
        "name": _text(signed.name),
        "predicate_type": _text(signed.predicate_type),
    }


def _bound(bound: Bound, of: str) -> Json:
    return {
        "of": of,
        "result": bound.binding.value,
        "how": json_text(bound.how),
        "digest": None if bound.digest is None else str(bound.digest),
        "level": bound.level or None,
        "images": list(bound.images),
    }


def _signer(signer: Signer) -> Json:
    return {"identity": json_text(signer.identity), "issuer": _text(signer.issuer), "how": json_text(signer.how)}


def _time(time: TrustedTime) -> Json:
    return {"at": time.at.isoformat(), "source": json_text(time.source)}


def _checked(checked: Checked) -> Json:
    return {"what": checked.what, "result": checked.result.value, "detail": json_text(checked.detail)}


def _claims(claims: Claims) -> Json:
    return {
        "digests": [str(each) for each in claims.digests],
        "reference": _text(claims.reference),
        "identity": _text(claims.identity),
        "issuer": _text(claims.issuer),
        "time": _text(claims.time),
        "predicate_type": _text(claims.predicate_type),
    }
