"""What kind of signature some bytes are, by their content; and what they claim. Nothing is verified here."""

from collections.abc import Mapping
from dataclasses import replace

from imgforensics.model import Location
from imgforensics.signature import Claims, Found, Place, Purpose, Scheme
from imgforensics.strictjson import parse_json
from imgforensics.trust import envelopes
from imgforensics.trust.envelopes import BUNDLE_TYPE, COSIGN_PREDICATE, mapping, objects, text
from imgforensics.trust.refusal import RefusedError

COSE_SIGN1 = b"\xd2\x84"
"""Tag 18 around an array of four (RFC 9052, section 4.2)."""
_ARMOUR = b"-----BEGIN PGP"
_PACKETS = frozenset({2, 4, 8})
"""OpenPGP packets that a signed message may begin with (RFC 9580, section 5): signature, one-pass, compressed."""


def recognise(content: bytes, place: Place, where: Location) -> Found | None:
    """The signature or attestation that these bytes are, None where they are none."""
    found = _by_first_bytes(content, place, where)
    if found is None and content.lstrip()[:1] == b"{":
        value = parse_json(content).value
        if isinstance(value, dict):
            found = _by_keys(value, content, place, where)
    return None if found is None else with_claims(found)


def _by_first_bytes(content: bytes, place: Place, where: Location) -> Found | None:
    if content.startswith(envelopes.SIGSTORE_JSON):
        try:
            parts = envelopes.sigstore_json(content)
        except RefusedError as error:
            return Found(Scheme.COSIGN, Purpose.SIGNATURE, place, where, b"", broken=error.reason)
        return parts and Found(Scheme.COSIGN, Purpose.SIGNATURE, place, where, *parts)
    if content.startswith(COSE_SIGN1):
        return Found(Scheme.NOTATION_COSE, Purpose.SIGNATURE, place, where, content)
    if is_openpgp(content):
        return Found(Scheme.GPG, Purpose.SIGNATURE, place, where, content)
    return None


def is_openpgp(content: bytes) -> bool:
    """Whether these bytes begin like a signed OpenPGP message."""
    if content.startswith(_ARMOUR):
        return True
    if len(content) < 4 or not content[0] & 0x80:
        return False
    return (content[0] & 0x3F if content[0] & 0x40 else content[0] >> 2 & 0x0F) in _PACKETS


def _by_keys(value: Mapping[str, object], content: bytes, place: Place, where: Location) -> Found | None:
    if text(value, "mediaType").startswith(BUNDLE_TYPE):
        return Found(Scheme.BUNDLE, _purpose(value), place, where, content)
    if {"payload", "protected", "signature"} <= value.keys():
        return Found(Scheme.NOTATION_JWS, Purpose.SIGNATURE, place, where, content)
    if {"payload", "payloadType", "signatures"} <= value.keys():
        return Found(Scheme.DSSE, Purpose.ATTESTATION, place, where, content)
    if text(value, "_type").startswith("https://in-toto.io/Statement/") and "subject" in value:
        return Found(Scheme.UNSIGNED, Purpose.ATTESTATION, place, where, content)
    return None


def _purpose(bundle: Mapping[str, object]) -> Purpose:
    """As the bundle claims it; what was signed decides again once it is verified."""
    try:
        statement = envelopes.statement(envelopes.envelope(mapping(bundle, "dsseEnvelope")).payload)
    except RefusedError:
        return Purpose.SIGNATURE
    return Purpose.SIGNATURE if statement.predicate_type == COSIGN_PREDICATE else Purpose.ATTESTATION


def with_claims(found: Found) -> Found:
    """The same with what it says of itself, as far as that can be read."""
    try:
        return replace(found, claims=_READERS.get(found.scheme, _nothing)(found))
    except RefusedError:
        return found


def _nothing(found: Found) -> Claims:
    del found
    return Claims()


def _simple_signing(found: Found) -> Claims:
    payload = envelopes.simple_signing(found.content)
    return Claims((payload.digest,), payload.reference or None)


def _dsse(found: Found) -> Claims:
    return _statement(envelopes.envelope(envelopes.strict_object(found.content, "the envelope")).payload)


def _bundle(found: Found) -> Claims:
    value = envelopes.strict_object(found.content, "the bundle")
    if "dsseEnvelope" not in value:
        return Claims()
    claims = _statement(envelopes.envelope(mapping(value, "dsseEnvelope")).payload)
    entries = objects(mapping(value, "verificationMaterial"), "tlogEntries")
    logged = entries[0].get("integratedTime") if entries else None
    return replace(claims, time=f"{logged} (seconds since 1970, of a log)" if isinstance(logged, str) else None)


def _statement(raw: bytes) -> Claims:
    read = envelopes.statement(raw)
    return Claims(read.digests, predicate_type=read.predicate_type or None)


def _bare(found: Found) -> Claims:
    return _statement(found.content)


def _jws(found: Found) -> Claims:
    value = envelopes.strict_object(found.content, "the envelope")
    payload = envelopes.strict_object(
        envelopes.unbase64(text(value, "payload"), "the payload", url=True), "the payload"
    )
    raw = envelopes.unbase64(text(value, "protected"), "the header", url=True)
    header = envelopes.strict_object(raw, "the protected header")
    target = envelopes.digest_of(text(mapping(payload, "targetArtifact"), "digest"), "the payload")
    return Claims((target,), time=text(header, "io.cncf.notary.signingTime") or None)


def _cose(found: Found) -> Claims:
    try:
        from imgforensics.trust.notationenvelope import read_cose
    except ModuleNotFoundError:
        return Claims()  # CBOR is read with an extra only
    envelope = read_cose(found.content)
    payload = envelopes.strict_object(envelope.payload, "the payload")
    signed_at = envelope.moment("signingTime")
    target = envelopes.digest_of(text(mapping(payload, "targetArtifact"), "digest"), "the payload")
    return Claims((target,), time=None if signed_at is None else signed_at.isoformat())


_READERS = {
    Scheme.NOTATION_COSE: _cose,
    Scheme.COSIGN: _simple_signing,
    Scheme.DSSE: _dsse,
    Scheme.BUNDLE: _bundle,
    Scheme.UNSIGNED: _bare,
    Scheme.NOTATION_JWS: _jws,
}
