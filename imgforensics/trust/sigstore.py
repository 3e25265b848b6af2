"""cosign: signatures by a key or by a certificate, with promises of a log and time stamps. Needs the extra ``verify``.

The same for simple signing, for DSSE envelopes in ``.att`` layers and for bundles that are signed by a key. Judged at
the time that a log or a time-stamp authority gives: Fulcio's certificates live for ten minutes, and "now" says nothing.

Sources: cosign ``specs/SIGNATURE_SPEC.md``, ``pkg/cosign/verify.go``; sigstore client spec, "Verification".
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from imgforensics.signature import Judgement, Signed, Signer, Status, TrustedTime
from imgforensics.trust import certificates, keys
from imgforensics.trust.anchors import Anchors
from imgforensics.trust.certificates import CODE_SIGNING
from imgforensics.trust.envelopes import Envelope, mapping, objects, strict_object, text, unbase64
from imgforensics.trust.logs import Logged, Promise, certificate_logged, cosign_promise, names_key, promised
from imgforensics.trust.refusal import Checklist, RefusedError, invalid, unverifiable
from imgforensics.trust.timestamps import stamped

_NEW, _OLD = "dev.sigstore.cosign/", "dev.cosignproject.cosign/"
_MOST_TOKENS = 32
"""Time stamps of one signature; sigstore reads no more."""


@dataclass(frozen=True)
class Evidence:
    """One signature with what stands beside it."""

    message: bytes
    signatures: tuple[bytes, ...]
    certificate: x509.Certificate | None = None
    between: tuple[x509.Certificate, ...] = ()
    """Certificates beside the signer's. They may lead to an anchor of one's own; none of them is one."""
    promise: Promise | None = None
    tokens: tuple[bytes, ...] = ()
    hint: str = ""
    """What the bundle calls its key; to look it up by, no proof."""
    envelope: Envelope | None = None
    raw_envelope: bytes = b""


@dataclass
class Outcome:
    """What is known of a signature whose cryptography holds."""

    signer: Signer
    pinned: bool
    time: TrustedTime | None = None
    expired: str | None = None
    checks: Checklist = field(default_factory=Checklist)

    def judgement(self, signed: Signed) -> Judgement:
        """The judgement of what was signed."""
        status, reason = Status.VERIFIED, f"signed by {self.signer.identity}"
        if self.expired is not None:
            status, reason = Status.CERTIFICATE_EXPIRED, self.expired
        elif not self.pinned:
            status = Status.NOT_PINNED
            reason = f"signed by {self.signer.identity}, issuer {self.signer.issuer}: not a signer that was asked for"
        return Judgement(status, reason, signed, self.signer, self.time, self.checks.steps())


def annotation(notes: Mapping[str, str], name: str) -> str:
    """An annotation of cosign, by its prefix or by the older one."""
    return notes.get(f"{_NEW}{name}") or notes.get(f"{_OLD}{name}") or ""


def annotated(
    message: bytes, signatures: tuple[bytes, ...], notes: Mapping[str, str], envelope: Envelope | None, raw: bytes
) -> Evidence:
    """The evidence in the annotations of a layer.

    Raises:
        RefusedError: an annotation cannot be read.
    """
    pem, chain, log = (annotation(notes, name) for name in ("certificate", "chain", "bundle"))
    token = annotation(notes, "rfc3161timestamp")
    tokens: tuple[bytes, ...] = ()
    if token:
        value = strict_object(token.encode("utf-8", "replace"), "the time stamp")
        tokens = (unbase64(text(value, "SignedRFC3161Timestamp"), "the time stamp"),)
    return Evidence(
        message=message,
        signatures=signatures,
        certificate=certificates.read_pem(pem) if pem else None,
        between=_between(chain),
        promise=cosign_promise(log) if log and log != "null" else None,
        tokens=tokens,
        envelope=envelope,
        raw_envelope=raw,
    )


def _between(pem: str) -> tuple[x509.Certificate, ...]:
    """What an annotation gives as a chain; nothing hangs on it, so one that cannot be read is none."""
    try:
        return certificates.read_pems(pem)[:8] if pem else ()
    except RefusedError:
        return ()


def bundle_tokens(material: Mapping[str, object]) -> tuple[bytes, ...]:
    """The time stamps of a bundle.

    Raises:
        RefusedError: one of them is no base64.
    """
    given = objects(mapping(material, "timestampVerificationData"), "rfc3161Timestamps")
    return tuple(unbase64(text(each, "signedTimestamp"), "a time stamp") for each in given[:_MOST_TOKENS])


def verify(evidence: Evidence, anchors: Anchors) -> Outcome:
    """Verify a signature and everything that stands beside it.

    Raises:
        RefusedError: it is broken, or nothing that is trusted leads to it.
    """
    if evidence.certificate is None:
        return _by_key(evidence, anchors)
    return _by_certificate(evidence, evidence.certificate, anchors)


# by a key


def _by_key(evidence: Evidence, anchors: Anchors) -> Outcome:
    if not anchors.keys:
        raise unverifiable("it is signed by a key, and none was given (--key)")
    for trusted in anchors.keys:
        for signature in evidence.signatures:
            if keys.verifies(trusted.key, signature, evidence.message):
                outcome = Outcome(Signer(trusted.name, None, f"the key {trusted.source}"), pinned=True)
                outcome.checks.passed("signature", trusted.name)
                logged = _logged(evidence, signature, trusted.key)
                outcome.time = _time(evidence, logged, anchors, outcome.checks)
                return outcome
    for trusted in anchors.keys:
        named = evidence.hint == base64.b64encode(hashlib.sha256(trusted.spki).digest()).decode()
        if named or (evidence.promise is not None and names_key(evidence.promise.body, trusted.key)):
            raise invalid(f"it says that it is signed by {trusted.name}, and does not verify by it")
    count = len(anchors.keys)
    raise unverifiable(
        f"it verifies by none of the {count} keys that were given: signed by somebody else, or altered; "
        "the two cannot be told apart"
    )


def _logged(evidence: Evidence, signature: bytes, key: keys.Key) -> Logged:
    return Logged(evidence.message, signature, key, evidence.certificate, evidence.envelope, evidence.raw_envelope)


def _time(evidence: Evidence, logged: Logged, anchors: Anchors, checks: Checklist) -> TrustedTime | None:
    """When it was signed, by a log before all; None where nothing that is trusted says so."""
    found: TrustedTime | None = None
    if evidence.promise is None:
        checks.left("log entry", "the signature carries no promise of a log")
    elif anchors.root is None:
        checks.left("log entry", "no trusted root was given (--trusted-root)")
    else:
        try:
            moment = promised(evidence.promise, anchors.root.logs, logged)
        except RefusedError as error:
            if error.status is Status.INVALID:
                raise
            checks.left("log entry", error.reason)
        else:
            found = TrustedTime(moment, f"log entry {evidence.promise.index}")
            checks.passed("log entry", f"index {evidence.promise.index}, the entry is of this signature")
    for token in evidence.tokens:
        if not anchors.stampers:
            checks.left("time stamp", "no time-stamp authority was given (--timestamp-certificate-chain)")
            break
        try:
            moment = stamped(token, logged.signature, anchors.stampers)
        except RefusedError as error:
            if error.status is Status.INVALID:
                raise
            checks.left("time stamp", error.reason)
            continue
        checks.passed("time stamp", moment.isoformat())
        found = found or TrustedTime(moment, "time-stamp authority")
    return found


# by a certificate


def _by_certificate(evidence: Evidence, certificate: x509.Certificate, anchors: Anchors) -> Outcome:
    key = certificates.key_of(certificate)
    signature = next(
        (each for each in evidence.signatures if keys.verifies(key, each, evidence.message, sha256_only=True)), None
    )
    if signature is None:
        raise invalid("the signature does not verify by the certificate that stands with it")
    identity, issuer = certificates.identity(certificate)
    checks = Checklist()
    checks.passed("signature", "by the certificate's key")
    if anchors.root is None and not anchors.own_roots:
        raise unverifiable("it is signed by a certificate; no roots were given (--trusted-root, --ca-roots)")
    time = _time(evidence, _logged(evidence, signature, key), anchors, checks)
    if time is None and anchors.own_roots and anchors.material.at is not None:
        time = TrustedTime(anchors.material.at, "given by the user (--at)")
    if time is None:
        raise unverifiable(_no_time(checks))
    found = _chain(evidence, certificate, anchors, time.at)
    checks.passed(
        "certificate chain", f"to {found.certificates[-1].subject.rfc4514_string()}, at {time.at.isoformat()}"
    )
    _certificate_log(found, anchors, checks)
    checks.left("revocation", "Fulcio's certificates are not revoked, they expire; others were not looked up")
    if issuer is None:  # no claim of an identity provider: then the root itself is who vouches for it
        issuer = found.certificates[-1].subject.rfc4514_string()
    signer = Signer(identity, issuer, f"certificate of {issuer}")
    pinned = any(pin.admits(identity, issuer) for pin in anchors.material.pins)
    if pinned:
        checks.passed("identity", f"{identity}, issuer {issuer}")
    else:
        why = "it is another" if anchors.material.pins else "none was given (--certificate-identity)"
        checks.left("identity", f"{identity}, issuer {issuer}: {why}")
    return Outcome(signer, pinned, time, found.expired, checks)


def _no_time(checks: Checklist) -> str:
    why = "; ".join(f"{each.what}: {each.detail}" for each in checks.steps() if each.result == "not-done")
    return f"nothing that is trusted says when it was signed ({why})"


def _chain(evidence: Evidence, certificate: x509.Certificate, anchors: Anchors, at: datetime) -> certificates.Chain:
    roots: Sequence[x509.Certificate] = () if anchors.root is None else anchors.root.issuers(at)
    between = (*anchors.own_intermediates, *(evidence.between if anchors.own_roots else ()))
    return certificates.chain(certificate, between, (*roots, *anchors.own_roots), at, CODE_SIGNING)


def _certificate_log(found: certificates.Chain, anchors: Anchors, checks: Checklist) -> None:
    if found.certificates[-1] in anchors.own_roots:
        checks.left("certificate log", "the root is one of your own, which need not use any")
        return
    known = {} if anchors.root is None else anchors.root.certificate_logs
    moment = certificate_logged(found.certificates[0], found.certificates[1], known)
    checks.passed("certificate log", f"seen at {moment.isoformat()}")
