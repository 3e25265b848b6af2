"""Transparency logs: promises of Rekor, and certificate timestamps of CT logs. Needs the extra ``verify``.

A promise (SET) alone proves that the log saw some entry. Only the comparison of the entry's body with what stands here
makes it the entry of this signature (CVE-2022-36056).

Sources: rekor ``types.md`` and ``pkg/types/*/v*/*_schema.json``; cosign ``pkg/cosign/bundle/rekor.go``; RFC 6962,
section 3.2.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.certificate_transparency import LogEntryType, SignedCertificateTimestamp

from imgforensics.trust import keys
from imgforensics.trust.certificates import key_of
from imgforensics.trust.envelopes import Envelope, mapping, objects, strict_object, text, unbase64
from imgforensics.trust.keys import Key
from imgforensics.trust.refusal import invalid, unverifiable
from imgforensics.trust.trustedroot import Log

_LATEST = 253_402_300_799
"""The last second of the year 9999, beyond which Python has no dates."""


@dataclass(frozen=True, slots=True)
class Promise:
    """An entry of a log, and the log's promise to include it."""

    body: str
    """base64, as it was signed."""
    time: int
    """When it was integrated, in seconds since 1970."""
    log_id: str
    """SHA-256 of the log's key, hex."""
    index: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Logged:
    """What the entry has to be about."""

    message: bytes
    """What was signed."""
    signature: bytes
    key: Key
    certificate: x509.Certificate | None
    envelope: Envelope | None = None
    raw_envelope: bytes = b""


def cosign_promise(raw: str) -> Promise:
    """The ``bundle`` annotation of cosign.

    Raises:
        RefusedError: it is none.
    """
    value = strict_object(raw.encode("utf-8", "replace"), "the log bundle")
    payload = mapping(value, "Payload")
    return _promise(
        text(payload, "body"),
        payload.get("integratedTime"),
        text(payload, "logID"),
        payload.get("logIndex"),
        unbase64(text(value, "SignedEntryTimestamp"), "the log's promise"),
    )


def bundle_promise(entry: Mapping[str, object]) -> Promise | None:
    """The promise of a bundle's ``tlogEntries``, None where it has none (Rekor 2 gives none).

    Raises:
        RefusedError: it is malformed.
    """
    promised = text(mapping(entry, "inclusionPromise"), "signedEntryTimestamp")
    if not promised:
        return None
    return _promise(
        text(entry, "canonicalizedBody"),
        _int64(entry.get("integratedTime")),
        unbase64(text(mapping(entry, "logId"), "keyId"), "the log's ID").hex(),
        _int64(entry.get("logIndex")),
        unbase64(promised, "the log's promise"),
    )


def _int64(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 19 else value


def _promise(body: str, time: object, log_id: str, index: object, signature: bytes) -> Promise:
    numbers = [each for each in (time, index) if isinstance(each, int) and not isinstance(each, bool)]
    if len(numbers) != 2 or not 0 < numbers[0] <= _LATEST:
        raise invalid("the log entry has no time and index that can be")
    return Promise(body, numbers[0], log_id, numbers[1], signature)


def promised(promise: Promise, logs: Mapping[bytes, Log], logged: Logged) -> datetime:
    """When a log that the user trusts took in the entry of this very signature.

    Raises:
        RefusedError: the promise is broken, of another signature, or of an unknown log.
    """
    try:
        log = logs.get(bytes.fromhex(promise.log_id))
    except ValueError as error:
        raise invalid("the log's ID is no hex") from error
    if log is None:
        raise unverifiable(f"the trusted root does not know the log {promise.log_id[:16]}…")
    fields = {
        "body": promise.body,
        "integratedTime": promise.time,
        "logID": promise.log_id,
        "logIndex": promise.index,
    }
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    if not keys.verifies(log.key, promise.signature, canonical, sha256_only=True):
        raise invalid("the log's promise does not verify")
    compare(promise.body, logged)
    moment = datetime.fromtimestamp(promise.time, UTC)
    if moment not in log.period:
        raise invalid(f"the log's key did not count at {moment.isoformat()}")
    return moment


def compare(body: str, logged: Logged) -> None:
    """Hold a log entry against the signature that it stands with.

    Raises:
        RefusedError: it is the entry of another signature, or of a kind that is not known here.
    """
    value = strict_object(unbase64(body, "the log entry"), "the log entry")
    spec = mapping(value, "spec")
    kind = f"{text(value, 'kind')} {text(value, 'apiVersion')}"
    reader = _KINDS.get(kind)
    if reader is None:
        raise unverifiable(f"a log entry of the kind {kind!r} is not known here")
    reader(spec, logged)


def names_key(body: str, known: Key) -> bool:
    """Whether a log entry says that it is of this key; then a signature that fails by it is broken, not foreign."""
    spec = mapping(strict_object(unbase64(body, "the log entry"), "the log entry"), "spec")
    return text(mapping(mapping(spec, "signature"), "publicKey"), "content") == _encoded(_pem(known))


def _same(what: str, given: str, wanted: str | Sequence[str]) -> None:
    if given not in ([wanted] if isinstance(wanted, str) else wanted):
        raise invalid(f"the log entry is of another signature: its {what} differs")


def _hashedrekord(spec: Mapping[str, object], logged: Logged) -> None:
    data, signature = mapping(mapping(spec, "data"), "hash"), mapping(spec, "signature")
    algorithm = text(data, "algorithm")
    if algorithm not in ("sha256", "sha384", "sha512"):
        raise unverifiable(f"a log entry with the hash {algorithm!r}")
    _same("payload hash", text(data, "value"), hashlib.new(algorithm, logged.message).hexdigest())
    _same("signature", text(signature, "content"), _encoded(logged.signature))
    _same("key", text(mapping(signature, "publicKey"), "content"), _verifiers(logged))


def _dsse(spec: Mapping[str, object], logged: Logged) -> None:
    if logged.envelope is None:
        raise invalid("the log entry is of an envelope, and this is none")
    payload = hashlib.sha256(logged.envelope.payload).hexdigest()
    _same("payload hash", text(mapping(spec, "payloadHash"), "value"), payload)
    entries = objects(spec, "signatures")
    _same("number of signatures", str(len(entries)), str(len(logged.envelope.signatures)))
    for each in entries:
        _same("signature", text(each, "signature"), [_encoded(one) for one in logged.envelope.signatures])
        _same("key", text(each, "verifier"), _verifiers(logged))


def _intoto(spec: Mapping[str, object], logged: Logged) -> None:
    content = mapping(spec, "content")
    if logged.envelope is None:
        raise invalid("the log entry is of an envelope, and this is none")
    envelope_hash = hashlib.sha256(logged.raw_envelope).hexdigest()
    _same("envelope hash", text(mapping(content, "hash"), "value"), envelope_hash)
    _same("key", text(spec, "publicKey"), _verifiers(logged))


_KINDS = {"hashedrekord 0.0.1": _hashedrekord, "dsse 0.0.1": _dsse, "intoto 0.0.1": _intoto}


def _verifiers(logged: Logged) -> list[str]:
    """A log names the certificate, else the key, as base64 around PEM."""
    if logged.certificate is not None:
        pem = logged.certificate.public_bytes(keys.PEM)
        return [_encoded(pem), _encoded(pem.strip())]
    return [_encoded(_pem(logged.key)), _encoded(_pem(logged.key).strip())]


def _pem(key: Key) -> bytes:
    return key.public_bytes(keys.PEM, keys.SPKI)


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def certificate_logged(certificate: x509.Certificate, issuer: x509.Certificate, logs: Mapping[bytes, Log]) -> datetime:
    """When a trusted CT log saw a certificate; it holds the log's promise inside.

    Raises:
        RefusedError: no promise is there, or none of a known log verifies.
    """
    try:
        found = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    except x509.ExtensionNotFound:
        raise unverifiable("the certificate holds no promise of a certificate log (SCT)") from None
    except ValueError as error:
        raise invalid(f"the certificate's SCTs cannot be read: {error}") from error
    known = [(each, logs[each.log_id]) for each in found if each.log_id in logs]
    if not known:
        raise unverifiable("the trusted root does not know the certificate's log")
    for each, log in known:
        try:
            moment: datetime = each.timestamp.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise invalid("the promise of the certificate log (SCT) has no time that can be") from error
        if moment in log.period and _sct_verifies(each, log, certificate, issuer):
            return moment
    raise invalid("the promise of the certificate log (SCT) does not verify")


def _sct_verifies(
    sct: SignedCertificateTimestamp, log: Log, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    if sct.entry_type is not LogEntryType.PRE_CERTIFICATE:
        return False
    stamp = sct.timestamp.replace(tzinfo=UTC)
    seconds = int(stamp.timestamp()) * 1000 + stamp.microsecond // 1000
    body = certificate.tbs_precertificate_bytes
    issuer_hash = hashlib.sha256(keys.spki(key_of(issuer))).digest()
    head = struct.pack(">BBQH", 0, 0, seconds, 1) + issuer_hash + len(body).to_bytes(3, "big")
    extensions = len(sct.extension_bytes).to_bytes(2, "big") + sct.extension_bytes
    return keys.verifies(log.key, sct.signature, head + body + extensions, sha256_only=True)
