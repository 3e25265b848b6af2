"""Keys and signatures of Notary v1's metadata. Needs the extra ``verify``.

Ordinary TUF libraries do not read it: types are capitalised, keys have no scheme, ECDSA signatures are R and S side by
side, and keys come as certificates too.

Source: notary ``tuf/data/keys.go``, ``tuf/signed/verifiers.go`` (0.7), described by what its files hold.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from imgforensics.trust.envelopes import mapping, objects, strict_object, text, unbase64
from imgforensics.trust.keys import Key, from_der, usable
from imgforensics.trust.refusal import invalid


@dataclass(frozen=True, slots=True)
class TufKey:
    """A key, by the ID that is computed from it; the ID that a file gives it is a claim."""

    key_id: str
    key: Key
    certificate: x509.Certificate | None


@dataclass(frozen=True, slots=True)
class Role:
    """Who may sign something, and how many of them have to."""

    keys: Mapping[str, TufKey]
    threshold: int


@dataclass(frozen=True, slots=True)
class Document:
    """A metadata file: its signed part, the very bytes of it, and the signatures."""

    name: str
    raw: bytes
    signed: Mapping[str, object]
    message: bytes
    signatures: tuple[Mapping[str, object], ...]


def read(name: str, raw: bytes) -> Document:
    """Read a metadata file.

    Raises:
        RefusedError: it is none.
    """
    value = strict_object(raw, f"{name}.json")
    signed = mapping(value, "signed")
    return Document(name, raw, signed, _raw_member(raw, "signed"), tuple(objects(value, "signatures")[:32]))


def _raw_member(raw: bytes, wanted: str) -> bytes:
    """The bytes of one value of an object, as they stand: a signature is over these, not over what they mean."""
    text_ = raw.decode("utf-8", "replace")
    decoder = json.JSONDecoder()
    position = text_.index("{") + 1
    while True:
        while position < len(text_) and text_[position] in " \t\r\n,:":
            position += 1
        if position >= len(text_) or text_[position] == "}":
            raise invalid(f"no {wanted!r} in the metadata")
        key, position = decoder.raw_decode(text_, position)
        while text_[position] in " \t\r\n:":
            position += 1
        _, end = decoder.raw_decode(text_, position)
        if key == wanted:
            return text_[position:end].encode("utf-8")
        position = end


def role_of(keys: Mapping[str, object], given: Mapping[str, object]) -> Role:
    """A role, its keys looked up among those that stand beside it.

    Raises:
        RefusedError: a key cannot be read, or nobody has to sign.
    """
    named = given.get("keyids")
    threshold = given.get("threshold")
    if not isinstance(threshold, int) or isinstance(threshold, bool) or threshold < 1:
        raise invalid("a role that nobody has to sign")
    found = {}
    for key_id in named if isinstance(named, list) else ():
        key = _key(mapping(keys, key_id)) if isinstance(key_id, str) else None
        if key is not None:
            found[key.key_id] = key
    return Role(found, threshold)


def _key(value: Mapping[str, object]) -> TufKey | None:
    kind, public = text(value, "keytype"), text(mapping(value, "keyval"), "public")
    raw = unbase64(public, "a key")
    identified = {"keytype": kind, "keyval": {"private": None, "public": public}}
    key_id = hashlib.sha256(json.dumps(identified, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    try:
        if kind.endswith("-x509"):
            certificate = x509.load_pem_x509_certificate(raw)
            return TufKey(key_id, usable(certificate.public_key()), certificate)
        if kind == "ed25519":
            return TufKey(key_id, ed25519.Ed25519PublicKey.from_public_bytes(raw), None)
        return TufKey(key_id, from_der(raw), None)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise invalid(f"a key of the metadata cannot be read: {error}") from error


def signers(document: Document, role: Role) -> tuple[TufKey, ...]:
    """The keys of a role that signed a document, if they are enough.

    Raises:
        RefusedError: they are not.
    """
    good = {}
    for each in document.signatures:
        key = role.keys.get(text(each, "keyid"))
        if key is not None and _verifies(key, each, document.message):
            good[key.key_id] = key
    if len(good) < role.threshold:
        raise invalid(f"{document.name}.json: {len(good)} good signatures of its role, {role.threshold} are needed")
    return tuple(good.values())


def _verifies(key: TufKey, signature: Mapping[str, object], message: bytes) -> bool:
    raw = unbase64(text(signature, "sig"), "a signature")
    method, public = text(signature, "method"), key.key
    algorithm = hashes.SHA256()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey) and method == "ecdsa":
            half = (public.key_size + 7) // 8
            if len(raw) != 2 * half:
                return False
            pair = encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
            public.verify(pair, message, ec.ECDSA(algorithm))
        elif isinstance(public, rsa.RSAPublicKey) and method == "rsapss":
            public.verify(raw, message, padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), algorithm)
        elif isinstance(public, rsa.RSAPublicKey) and method == "rsapkcs1v15":
            public.verify(raw, message, padding.PKCS1v15(), algorithm)
        elif isinstance(public, ed25519.Ed25519PublicKey) and method == "eddsa":
            public.verify(raw, message)
        else:
            return False
    except InvalidSignature:
        return False
    return True
