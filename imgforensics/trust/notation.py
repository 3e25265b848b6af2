"""Notary Project signatures (notation): JWS and COSE, trust stores and policies, time stamps. Needs ``verify``.

A signature binds digest, size and media type of one manifest, and no tag. Its algorithm follows from the key; another
is refused. The signer's own clock counts for nothing: a chain is judged at the time of a time-stamp token, at the
signing authority's time where that scheme is used and trusted, or at the time that the user gives.

Sources: notaryproject ``signature-specification.md`` ("Supported Signing Schemes", "Algorithm Selection") and
``trust-store-trust-policy.md`` ("Signature Verification").
"""

from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from imgforensics.signature import Found, Judgement, Scheme, Signed, Signer, Status, TrustedTime
from imgforensics.trust import notationpolicy
from imgforensics.trust.anchors import Anchors
from imgforensics.trust.certificates import CODE_SIGNING, Chain, chain, key_of, read_der
from imgforensics.trust.envelopes import digest_of, mapping, strict_object, text
from imgforensics.trust.keys import Key
from imgforensics.trust.material import NotationTrust
from imgforensics.trust.notationenvelope import PREFIX, NotationEnvelope, checked_type, read_cose, read_jws
from imgforensics.trust.notationpolicy import Policy
from imgforensics.trust.refusal import Checklist, RefusedError, invalid, unverifiable
from imgforensics.trust.timestamps import stamped

_X509, _AUTHORITY = "notary.x509", "notary.x509.signingAuthority"
_KNOWN = frozenset({"signingScheme", "signingTime", "authenticSigningTime", "expiry"})
_PLUGIN = "verificationPlugin"

Algorithms = Mapping[int, tuple[str, hashes.HashAlgorithm]]
_SHA256, _SHA384, _SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()
_RSA: Algorithms = {2048: ("PS256", _SHA256), 3072: ("PS384", _SHA384), 4096: ("PS512", _SHA512)}
_EC: Algorithms = {256: ("ES256", _SHA256), 384: ("ES384", _SHA384), 521: ("ES512", _SHA512)}
_NONE = ("", _SHA256)


def judge(found: Found, anchors: Anchors) -> Judgement:
    """What a Notary Project signature is worth.

    Raises:
        RefusedError: it is broken, or nothing that is trusted leads to it.
    """
    envelope = (read_cose if found.scheme is Scheme.NOTATION_COSE else read_jws)(found.content)
    checks = Checklist()
    if not envelope.certificates:
        raise invalid("the envelope holds no certificate")
    given = [read_der(each) for each in envelope.certificates]
    signer = given[0]
    _verify(envelope, key_of(signer))
    checks.passed("signature", f"{envelope.algorithm}, by the certificate's key")
    scheme = _scheme(envelope)
    target = mapping(strict_object(envelope.payload, "the payload"), "targetArtifact")
    size = target.get("size")
    signed = Signed(
        (digest_of(text(target, "digest"), "the payload"),),
        size=size if isinstance(size, int) and not isinstance(size, bool) else None,
        media_type=text(target, "mediaType") or None,
    )
    trust = anchors.material.notation
    if trust is None:
        raise unverifiable("no trust store was given (--notation-trust)")
    policy = notationpolicy.policy_for(anchors.material, trust)
    if policy.level == "skip":
        raise unverifiable(f"the trust policy {policy.name!r} says to skip verification")
    time = _time(envelope, scheme, policy, trust, anchors, checks)
    kind = "signingAuthority" if scheme == _AUTHORITY else "ca"
    trusted = notationpolicy.anchors(policy, trust, kind)
    path = chain(signer, given[1:], trusted, time.at, CODE_SIGNING, own_anchor=True)
    checks.passed("certificate chain", f"to {path.certificates[-1].subject.rfc4514_string()}, a trust store of {kind}")
    checks.left("revocation", "no list of revoked certificates is looked up")
    pinned = _pinned(policy, path, checks)
    name = signer.subject.rfc4514_string()
    issuer = path.certificates[-1].subject.rfc4514_string()
    who = Signer(name, issuer, f"certificate; trust policy {policy.name!r}, level {policy.level or 'strict'}")
    status, reason = _status(envelope, path, anchors.material.at, checks, pinned=pinned)
    reason = reason or (f"signed by {name}" if pinned else f"signed by {name}, whom no trust policy names")
    return Judgement(status, reason, signed, who, time, checks.steps())


def _status(
    envelope: NotationEnvelope, path: Chain, at: datetime | None, checks: Checklist, *, pinned: bool
) -> tuple[Status, str]:
    expiry = envelope.moment("expiry")
    if path.expired is not None:
        return Status.CERTIFICATE_EXPIRED, path.expired
    if expiry is not None:
        if at is None:
            raise unverifiable(f"the signature expires at {expiry.isoformat()}; --at TIME says when to judge it")
        if expiry < at:
            return Status.SIGNATURE_EXPIRED, f"the signature expired at {expiry.isoformat()}"
        checks.passed("expiry", f"not before {expiry.isoformat()}")
    return (Status.VERIFIED if pinned else Status.NOT_PINNED), ""


def _pinned(policy: Policy, path: Chain, checks: Checklist) -> bool:
    signer = path.certificates[0]
    if notationpolicy.trusts(policy, signer):
        checks.passed("identity", f"{signer.subject.rfc4514_string()}, as the trust policy names it")
        return True
    if len(path.certificates) == 1 and policy.subjects is None:
        checks.passed("identity", "the signer's own certificate is in the trust store")
        return True
    checks.left("identity", "the trust policy names nobody, or somebody else")
    return False


def _scheme(envelope: NotationEnvelope) -> str:
    """The signing scheme, once nothing is critical that is not understood here.

    Raises:
        RefusedError: something is, or the scheme is unknown.
    """
    checked_type(envelope)
    names = [each.removeprefix(PREFIX) for each in envelope.critical]
    if _PLUGIN in envelope.attributes:
        raise unverifiable(f"a plugin has to verify it: {envelope.attributes[_PLUGIN]}")
    unknown = [each for each in names if each not in _KNOWN]
    if unknown:
        raise invalid(f"the critical attribute {unknown[0][:100]!r} is not known here")
    scheme = envelope.attributes.get("signingScheme")
    needed = ["signingScheme", *(["expiry"] if "expiry" in envelope.attributes else [])]
    if scheme == _AUTHORITY:
        needed.append("authenticSigningTime")
    lacking = [each for each in needed if each not in names or each not in envelope.attributes]
    if lacking:
        raise invalid(f"the signed attribute {lacking[0]} is not there, or not marked as critical")
    if scheme not in (_X509, _AUTHORITY):
        raise unverifiable(f"the signing scheme {scheme!r} is not known here")
    return str(scheme)


def _time(
    envelope: NotationEnvelope, scheme: str, policy: Policy, trust: NotationTrust, anchors: Anchors, checks: Checklist
) -> TrustedTime:
    if scheme == _AUTHORITY:
        moment = envelope.moment("authenticSigningTime")
        if moment is not None:
            return TrustedTime(moment, "signing authority")
    why = "it has no time stamp"
    if envelope.token is not None:
        stampers = (*notationpolicy.anchors(policy, trust, "tsa"), *anchors.stampers)
        try:
            moment = stamped(envelope.token, envelope.signature, stampers)
        except RefusedError as error:
            if error.status is Status.INVALID:
                raise
            why = f"time stamp: {error.reason}"
        else:
            checks.passed("time stamp", moment.isoformat())
            return TrustedTime(moment, "time-stamp authority")
    checks.left("time stamp", why)
    if anchors.material.at is not None:
        return TrustedTime(anchors.material.at, "given by the user (--at)")
    raise unverifiable(
        f"nothing that is trusted says when it was signed ({why}); --at TIME gives a time to judge it at"
    )


def _verify(envelope: NotationEnvelope, key: Key) -> None:
    """The signature itself, by the one algorithm that a key of this kind and size has.

    Raises:
        RefusedError: it does not verify, or by another algorithm.
    """
    if isinstance(key, rsa.RSAPublicKey):
        name, algorithm = _RSA.get(key.key_size, _NONE)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        name, algorithm = _EC.get(key.key_size, _NONE)
    else:
        raise invalid("the certificate's key is of a kind that the Notary Project does not allow")
    if not name or envelope.algorithm != name:
        given = envelope.algorithm or "an unknown algorithm"
        raise invalid(f"signed with {given}; a key like this one takes {name or 'none'}")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            padded = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
            key.verify(envelope.signature, envelope.message, padded, algorithm)
        else:
            key.verify(_der(envelope.signature, key), envelope.message, ec.ECDSA(algorithm))
    except InvalidSignature:
        raise invalid("the signature does not verify by the certificate that stands with it") from None


def _der(signature: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """R and S side by side (RFC 7518, section 3.4), as DER."""
    half = (key.key_size + 7) // 8
    if len(signature) != 2 * half:
        raise invalid(f"a signature of {len(signature)} bytes, where the key makes {2 * half}")
    return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
