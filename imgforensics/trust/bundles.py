"""Sigstore bundles: by a key here, by a certificate through sigstore-python. Needs ``verify``, and then ``sigstore``.

sigstore-python refuses bundles that are signed by a key, and old signatures without a proof of inclusion; for bundles
with a certificate it checks proof, checkpoint and everything else that is not written here a second time. It is given
the user's trusted root and nothing else: no TUF client, no cache, no network.

Sources: sigstore protobuf-specs ``sigstore_bundle.proto``; sigstore-python 4.5, ``sigstore.verify``.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography import x509

from imgforensics.ociview import IN_TOTO
from imgforensics.signature import Found, Judgement, Signed, Signer, TrustedTime
from imgforensics.trust import certificates
from imgforensics.trust.anchors import Anchors
from imgforensics.trust.certificates import CODE_SIGNING
from imgforensics.trust.envelopes import (
    Envelope,
    envelope,
    mapping,
    objects,
    statement,
    strict_object,
    text,
    unbase64,
)
from imgforensics.trust.logs import bundle_promise
from imgforensics.trust.refusal import Checklist, RefusedError, invalid, unverifiable
from imgforensics.trust.sigstore import Evidence, Outcome, bundle_tokens, verify
from imgforensics.trust.timestamps import stamped
from imgforensics.trust.trustedroot import TrustedRoot


def judge(found: Found, anchors: Anchors) -> Judgement:
    """What a bundle is worth.

    Raises:
        RefusedError: it is broken, or nothing that is trusted leads to it.
        ImportError: it needs the extra ``sigstore``.
    """
    value = strict_object(found.content, "the bundle")
    material = mapping(value, "verificationMaterial")
    if "dsseEnvelope" not in value:
        raise unverifiable("the bundle signs bytes that do not stand in it, no statement about an image")
    signed = envelope(mapping(value, "dsseEnvelope"))
    if len(signed.signatures) != 1:
        raise invalid(f"the bundle has {len(signed.signatures)} signatures; one is allowed")
    if "publicKey" in material:
        outcome = _by_key(material, signed, anchors)
    else:
        outcome = _by_certificate(found.content, material, signed, anchors)
    return outcome.judgement(signed_of(signed))


def signed_of(signed: Envelope) -> Signed:
    """What the statement in a verified envelope is about.

    Raises:
        RefusedError: it is no statement.
    """
    if signed.payload_type != IN_TOTO:
        raise unverifiable(f"a payload of the type {signed.payload_type!r} is signed, no statement about an image")
    read = statement(signed.payload)
    return Signed(read.digests, predicate_type=read.predicate_type)


def _by_key(material: Mapping[str, object], signed: Envelope, anchors: Anchors) -> Outcome:
    entries = objects(material, "tlogEntries")
    promise = bundle_promise(entries[0]) if entries else None
    hint = text(mapping(material, "publicKey"), "hint")
    evidence = Evidence(
        message=signed.encoded(),
        signatures=signed.signatures,
        promise=promise,
        tokens=bundle_tokens(material),
        hint=hint,
        envelope=signed,
    )
    outcome = verify(evidence, anchors)
    if entries and promise is None:
        outcome.checks.left("log inclusion", "the entry has a proof of inclusion only, which is not checked for keys")
    return outcome


def _by_certificate(raw: bytes, material: Mapping[str, object], signed: Envelope, anchors: Anchors) -> Outcome:
    chained = objects(mapping(material, "x509CertificateChain"), "certificates")
    given = mapping(material, "certificate") or (chained[0] if chained else {})
    certificate = certificates.read_der(unbase64(text(given, "rawBytes"), "the certificate"))
    identity, issuer = certificates.identity(certificate)
    if anchors.root is None or anchors.material.trusted_root is None:
        raise unverifiable("it is signed by a certificate; no trusted root was given (--trusted-root)")
    begin = certificate.not_valid_before_utc
    certificates.chain(certificate, (), anchors.root.issuers(begin), begin, CODE_SIGNING)  # unknown is not broken
    _know_log(material, anchors.root)
    _ask_sigstore(raw, anchors.material.trusted_root.content, signed)
    checks = Checklist()
    for step in ("signature", "certificate chain", "certificate log", "log entry", "log inclusion"):
        checks.passed(step, "sigstore-python, with the given trusted root")
    pinned = any(pin.admits(identity, issuer) for pin in anchors.material.pins)
    if pinned:
        checks.passed("identity", f"{identity}, issuer {issuer}")
    else:
        why = "it is another" if anchors.material.pins else "none was given (--certificate-identity)"
        checks.left("identity", f"{identity}, issuer {issuer}: {why}")
    signer = Signer(identity, issuer, f"certificate of {issuer}")
    return Outcome(signer, pinned, _time(material, signed, anchors), None, checks)


def _know_log(material: Mapping[str, object], root: TrustedRoot) -> None:
    for entry in objects(material, "tlogEntries"):
        log_id = unbase64(text(mapping(entry, "logId"), "keyId"), "the log's ID")
        if log_id not in root.logs and bundle_promise(entry) is not None:
            raise unverifiable(f"the trusted root does not know the log {log_id.hex()[:16]}…")


class _Anybody:
    """The identity is compared here, so that "somebody else" is told from "broken"."""

    def verify(self, cert: x509.Certificate) -> None:
        """Let every signer pass."""


def _ask_sigstore(raw: bytes, trusted_root: bytes, signed: Envelope) -> None:
    from sigstore.errors import VerificationError
    from sigstore.models import Bundle, InvalidBundle, TrustedRoot
    from sigstore.verify import Verifier
    from sigstore_models.trustroot.v1 import TrustedRoot as Inner

    try:
        verifier = Verifier(trusted_root=TrustedRoot(Inner.from_json(trusted_root)))
        kind, payload = verifier.verify_dsse(Bundle.from_json(raw), _Anybody())
    except InvalidBundle as error:
        raise unverifiable(f"sigstore-python does not take the bundle: {error}") from error
    except VerificationError as error:
        words = str(error)
        missing = words.startswith(("Unsupported", "no Timestamp", "not enough"))
        raise (unverifiable if missing else invalid)(f"sigstore-python: {words}") from error
    except Exception as error:
        raise unverifiable(f"sigstore-python failed: {type(error).__name__}") from error
    if (kind, payload) != (signed.payload_type, signed.payload):
        raise invalid("the bundle reads differently to two readers")


def _time(material: Mapping[str, object], signed: Envelope, anchors: Anchors) -> TrustedTime | None:
    """The time at which sigstore-python judged: it was verified there, and is read again for the report."""
    for entry in objects(material, "tlogEntries"):
        promise = bundle_promise(entry)
        if promise is not None:
            return TrustedTime(datetime.fromtimestamp(promise.time, UTC), f"log entry {promise.index}")
    for token in bundle_tokens(material):
        try:
            return TrustedTime(stamped(token, signed.signatures[0], anchors.stampers), "time-stamp authority")
        except RefusedError:
            continue
    return None
