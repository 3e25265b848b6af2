"""Time-stamp tokens: when something was signed, by an authority that the user trusts. Needs the extra ``verify``.

A token is a CMS SignedData around a TSTInfo (RFC 3161, sections 2.4.1 and 2.4.2; RFC 5652, section 5; RFC 5816). It is
read here and not by a library, since real authorities write certificates in an order that strict readers refuse; that
set is not signed, and its order means nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from imgforensics.trust import der
from imgforensics.trust.certificates import TIME_STAMPING, chain, key_of, read_der, serial_of
from imgforensics.trust.der import Element
from imgforensics.trust.keys import DER, Key
from imgforensics.trust.refusal import invalid, unverifiable

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_ESS_V1 = "1.2.840.113549.1.9.16.2.12"
_ESS_V2 = "1.2.840.113549.1.9.16.2.47"

_HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_SIGNATURE_HASHES = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
_BY_DIGEST_ALGORITHM = frozenset({"1.2.840.113549.1.1.1", "1.3.101.112"})
_PRIMITIVES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A token, taken apart; nothing of it is verified."""

    info: bytes
    imprint: tuple[str, bytes]
    """Hash algorithm and digest of what was stamped."""
    time: datetime
    certificates: tuple[bytes, ...]
    signer_id: Element
    digest_algorithm: str
    attributes: bytes
    """The signed attributes, as they are signed."""
    values: dict[str, Element]
    """Signed attribute to its one value."""
    signature_algorithm: str
    signature: bytes


def stamped(raw: bytes, message: bytes, anchors: Sequence[x509.Certificate]) -> datetime:
    """When ``message`` was stamped, by an authority that leads to an anchor.

    Args:
        raw: the token, or the response that carries it.
        message: what should have been stamped: the bytes of a signature.
        anchors: certificates of the authorities that the user trusts.

    Raises:
        RefusedError: the token is broken, of something else, or of an unknown authority.
    """
    try:
        token = _read(raw)
    except (ValueError, IndexError, StopIteration) as error:
        raise invalid(f"the time-stamp token cannot be read: {error}") from error
    algorithm, digest = token.imprint
    if hashlib.new(algorithm, message).digest() != digest:
        raise invalid("the time-stamp token is of something else than this signature")
    given = [read_der(each) for each in token.certificates]
    signer = _signer(token, [*given, *anchors])
    _verify(token, signer)
    others = [each for each in given if each != signer]
    path = chain(signer, others, anchors, token.time, TIME_STAMPING, own_anchor=True)
    if path.expired is not None:
        raise invalid(f"the time-stamp authority: {path.expired}")
    return token.time


def _read(raw: bytes) -> Token:
    outer = der.parse(raw)
    parts = list(outer.expect(der.SEQUENCE))
    if parts[0].tag == der.SEQUENCE:  # a response: its status, then the token
        if next(iter(parts[0])).number not in (0, 1):
            raise ValueError("the authority did not grant it")
        parts = list(parts[1])
    if parts[0].oid != _SIGNED_DATA:
        raise ValueError("no signed data")
    (signed,) = parts[1].expect(0xA0)
    fields = list(signed.expect(der.SEQUENCE))
    content = list(fields[2])
    if content[0].oid != _TST_INFO:
        raise ValueError("no time stamp inside")
    (info,) = content[1].expect(0xA0)
    certificates = [each.raw for field in fields[3:-1] if field.tag == 0xA0 for each in field]
    (signer,) = fields[-1].expect(der.SET)  # exactly one (RFC 3161, section 2.4.2)
    return _token(info.expect(der.OCTETS).content, certificates[:16], list(signer))


def _token(info: bytes, certificates: list[bytes], signer: list[Element]) -> Token:
    fields = list(der.parse(info).expect(der.SEQUENCE))
    imprint = list(fields[2])
    attributes = signer[3].expect(0xA0)
    values: dict[str, Element] = {}
    for attribute in attributes:
        kind, several = attribute
        (values[kind.oid],) = several
    return Token(
        info=info,
        imprint=(_hash(imprint[0]), imprint[1].expect(der.OCTETS).content),
        time=_time(fields[4].expect(der.TIME).content),
        certificates=tuple(certificates),
        signer_id=signer[1],
        digest_algorithm=_hash(signer[2]),
        attributes=b"\x31" + attributes.raw[1:],  # signed as the SET that it is (RFC 5652, section 5.4)
        values=values,
        signature_algorithm=next(iter(signer[4])).oid,
        signature=signer[5].expect(der.OCTETS).content,
    )


def _hash(algorithm: Element) -> str:
    oid = next(iter(algorithm)).oid
    if oid not in _HASHES:
        raise ValueError(f"the hash algorithm {oid}")
    return _HASHES[oid]


def _time(raw: bytes) -> datetime:
    """GeneralizedTime in UTC, with or without a fraction (RFC 3161, section 2.4.2)."""
    whole, _, _ = raw.decode("ascii").removesuffix("Z").partition(".")
    if not raw.endswith(b"Z"):
        raise ValueError("a time that is not in UTC")
    return datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _signer(token: Token, known: Sequence[x509.Certificate]) -> x509.Certificate:
    for certificate in known:
        if _is_meant(token.signer_id, certificate):
            return certificate
    raise unverifiable("the certificate of the time-stamp authority is not there")


def _is_meant(signer_id: Element, certificate: x509.Certificate) -> bool:
    try:
        if signer_id.tag == der.SEQUENCE:
            issuer, serial = signer_id
            return issuer.raw == certificate.issuer.public_bytes() and serial.number == serial_of(certificate)
        held = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return held.digest == signer_id.content


def _verify(token: Token, signer: x509.Certificate) -> None:
    """The token's own consistency: attributes, signer's certificate, signature."""
    try:
        kind = token.values[_CONTENT_TYPE].oid
        digest = token.values[_MESSAGE_DIGEST].expect(der.OCTETS).content
        named = _names_certificate(token, signer.public_bytes(DER))
    except (KeyError, ValueError, IndexError, StopIteration) as error:
        raise invalid(f"the time-stamp token's attributes: {error}") from error
    if kind != _TST_INFO or digest != hashlib.new(token.digest_algorithm, token.info).digest():
        raise invalid("the time-stamp token's attributes are of another content")
    if not named:
        raise invalid("the time-stamp token names another certificate than that of its signer")
    if not _verifies(key_of(signer), token):
        raise invalid("the time-stamp token's signature does not verify")


def _names_certificate(token: Token, certificate: bytes) -> bool:
    """ESSCertID, or ESSCertIDv2 with its own hash algorithm (RFC 2634, section 5.4; RFC 5035, section 3)."""
    version, algorithm = (_ESS_V2, "sha256") if _ESS_V2 in token.values else (_ESS_V1, "sha1")
    first = list(next(iter(next(iter(token.values[version])))))
    if first[0].tag == der.SEQUENCE:
        algorithm = _hash(first.pop(0))
    return hashlib.new(algorithm, certificate, usedforsecurity=False).digest() == first[0].expect(der.OCTETS).content


def _verifies(key: Key, token: Token) -> bool:
    oid = token.signature_algorithm
    name = token.digest_algorithm if oid in _BY_DIGEST_ALGORITHM else _SIGNATURE_HASHES.get(oid)
    if name is None:
        raise unverifiable(f"the time-stamp token is signed with {oid}, which is not known here")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(token.signature, token.attributes, padding.PKCS1v15(), _PRIMITIVES[name])
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(token.signature, token.attributes, ec.ECDSA(_PRIMITIVES[name]))
        else:
            key.verify(token.signature, token.attributes)
    except InvalidSignature:
        return False
    return True
