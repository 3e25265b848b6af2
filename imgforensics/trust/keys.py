"""Public keys that the user trusts, and signatures by keys. Needs the extra ``verify``.

cosign names no algorithm anywhere: it follows from the key. ECDSA with SHA-256, or with the hash of the curve's size;
RSA with PKCS#1 v1.5 and SHA-256; Ed25519 over the message itself (cosign 2 and 3, ``pkg/signature``).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from imgforensics.errors import InputError
from imgforensics.trust.material import NamedFile

Key = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo

_CURVE_HASH: Mapping[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}


@dataclass(frozen=True)
class TrustedKey:
    """A key that the user gave."""

    source: str
    key: Key

    @cached_property
    def spki(self) -> bytes:
        """Its DER (RFC 5280, SubjectPublicKeyInfo)."""
        return spki(self.key)

    @property
    def name(self) -> str:
        """By the SHA-256 of its DER."""
        return f"key sha256:{hashlib.sha256(self.spki).hexdigest()}"


def spki(key: Key) -> bytes:
    """A key's DER (RFC 5280, SubjectPublicKeyInfo)."""
    return key.public_bytes(DER, SPKI)


def load(files: Sequence[NamedFile]) -> tuple[TrustedKey, ...]:
    """The keys in these PEM files.

    Raises:
        InputError: a file holds none that can be used.
    """
    loaded = []
    for file in files:
        try:
            key = usable(serialization.load_pem_public_key(file.content))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InputError(f"{file.source}: {_why_no_key(file.content, error)}") from error
        loaded.append(TrustedKey(file.source, key))
    return tuple(loaded)


def _why_no_key(content: bytes, error: Exception) -> str:
    if b"-----BEGIN" not in content:
        return "no public key in PEM: no line of it begins with -----BEGIN"
    if b"PRIVATE KEY-----" in content:
        return "a private key; what verifies is its public half (cosign public-key, openssl pkey -pubout)"
    return f"no public key in PEM that can be used ({str(error).partition(' See https:')[0]})"


def from_der(raw: bytes) -> Key:
    """A key of its DER.

    Raises:
        ValueError: it is none, or of a kind that is not used here.
    """
    try:
        return usable(serialization.load_der_public_key(raw))
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error


def usable(key: object) -> Key:
    """The key, if it is of a kind that signs images.

    Raises:
        ValueError: it is not.
    """
    if isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        return key
    raise ValueError("neither ECDSA, RSA nor Ed25519")


def verifies(key: Key, signature: bytes, message: bytes, *, sha256_only: bool = False) -> bool:
    """Whether a signature is by this key.

    Args:
        key: the key.
        signature: as its algorithm encodes it; ECDSA in DER.
        message: what was signed, the very bytes.
        sha256_only: ECDSA with SHA-256 whatever the curve, as cosign has it for certificates and logs.
    """
    algorithms: list[hashes.HashAlgorithm] = [hashes.SHA256()]
    if isinstance(key, ec.EllipticCurvePublicKey) and not sha256_only and key.key_size in _CURVE_HASH:
        algorithms.append(_CURVE_HASH[key.key_size])
    return any(_verifies(key, signature, message, each) for each in algorithms)


def _verifies(key: Key, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), algorithm)
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
