"""Notary Project envelopes of our own, JWS and COSE, and trust directories."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests import builder
from tests.signing.pki import SIGNED_AT, Stamper, cert_der

PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"
PREFIX = "io.cncf.notary."
_COSE = {"PS256": -37, "PS384": -38, "PS512": -39, "ES256": -7, "ES384": -35, "ES512": -36}
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def algorithm_of(key: Key) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return {2048: "PS256", 3072: "PS384", 4096: "PS512"}[key.key_size]
    return {256: "ES256", 384: "ES384", 521: "ES512"}[key.key_size]


def target(manifest: bytes, **more: Any) -> bytes:
    """What is signed of a manifest."""
    document = {"mediaType": builder.OCI_MANIFEST, "digest": builder.digest(manifest), "size": len(manifest)} | more
    return json.dumps({"targetArtifact": document}, separators=(",", ":")).encode()


def attributes(
    *, scheme: str = "notary.x509", expiry: datetime | None = None, authentic: datetime | None = None, plugin: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """Signed attributes and the names of those that are critical."""
    signed: dict[str, Any] = {f"{PREFIX}signingScheme": scheme}
    critical = [f"{PREFIX}signingScheme"]
    if authentic is not None:
        signed[f"{PREFIX}authenticSigningTime"] = authentic
        critical.append(f"{PREFIX}authenticSigningTime")
    else:
        signed[f"{PREFIX}signingTime"] = SIGNED_AT
    if expiry is not None:
        signed[f"{PREFIX}expiry"] = expiry
        critical.append(f"{PREFIX}expiry")
    if plugin:
        signed[f"{PREFIX}verificationPlugin"] = plugin
        critical.append(f"{PREFIX}verificationPlugin")
    return signed, critical


def jws(
    key: Key,
    chain: Sequence[x509.Certificate],
    payload: bytes,
    *,
    signed: tuple[dict[str, Any], list[str]] | None = None,
    algorithm: str = "",
    said_algorithm: str = "",
    content_type: str = PAYLOAD_TYPE,
    stamper: Stamper | None = None,
    at: datetime = SIGNED_AT,
) -> bytes:
    """A JWS in flattened JSON form."""
    values, critical = signed or attributes()
    algorithm = algorithm or algorithm_of(key)
    times = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
    protected = _url(
        json.dumps({"alg": said_algorithm or algorithm, "cty": content_type, "crit": critical, **times}).encode()
    )
    signature = _sign(key, f"{protected}.{_url(payload)}".encode(), algorithm)
    header: dict[str, Any] = {"x5c": [base64.b64encode(cert_der(each)).decode() for each in chain]}
    if stamper is not None:
        header[f"{PREFIX}timestampSignature"] = base64.b64encode(stamper.token(signature, at)).decode()
    document = {"payload": _url(payload), "protected": protected, "header": header, "signature": _url(signature)}
    return json.dumps(document).encode()


def cose(
    key: Key,
    chain: Sequence[x509.Certificate],
    payload: bytes,
    *,
    signed: tuple[dict[str, Any], list[str]] | None = None,
    algorithm: str = "",
    said_algorithm: str = "",
    content_type: str = PAYLOAD_TYPE,
    stamper: Stamper | None = None,
    at: datetime = SIGNED_AT,
) -> bytes:
    """A COSE_Sign1."""
    values, critical = signed or attributes()
    algorithm = algorithm or algorithm_of(key)
    times = {
        name: cbor2.CBORTag(1, int(value.timestamp())) if isinstance(value, datetime) else value
        for name, value in values.items()
    }
    header: dict[Any, Any] = {1: _COSE[said_algorithm or algorithm], 2: critical, 3: content_type}
    protected = cbor2.dumps(header | times)
    signature = _sign(key, cbor2.dumps(["Signature1", protected, b"", payload]), algorithm)
    unprotected: dict[Any, Any] = {33: [cert_der(each) for each in chain]}
    if stamper is not None:
        unprotected[f"{PREFIX}timestampSignature"] = stamper.token(signature, at)
    return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, payload, signature]))


def _sign(key: Key, message: bytes, algorithm: str) -> bytes:
    """By the algorithm that is named, whatever the key's own would be."""
    chosen = _HASHES[algorithm[2:]]
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PSS(padding.MGF1(chosen), chosen.digest_size), chosen)
    first, second = decode_dss_signature(key.sign(message, ec.ECDSA(chosen)))
    half = (key.key_size + 7) // 8
    return first.to_bytes(half, "big") + second.to_bytes(half, "big")


def _url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def policy(
    *identities: str,
    scopes: Sequence[str] = ("*",),
    stores: Sequence[str] = ("ca:acme", "tsa:stamps"),
    level: str = "strict",
) -> dict[str, Any]:
    """One policy of ``trustpolicy.json``."""
    return {
        "name": "acme",
        "registryScopes": list(scopes),
        "signatureVerification": {"level": level},
        "trustStores": list(stores),
        "trustedIdentities": list(identities),
    }
