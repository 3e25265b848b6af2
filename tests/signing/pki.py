"""Keys, certificates, and a time-stamp authority that writes its own DER."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

SIGNED_AT = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC)
"""When everything in the tests is signed."""
CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def pem(key: PrivateKey | PublicKey) -> bytes:
    """A public key in PEM."""
    public = key if isinstance(key, PublicKey) else key.public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def spki(key: PrivateKey | PublicKey) -> bytes:
    """A public key in DER."""
    public = key if isinstance(key, PublicKey) else key.public_key()
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def cert_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def cert_der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def name(common: str, organisation: str = "Example") -> x509.Name:
    """A distinguished name with the parts that the Notary Project asks for."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "WA"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


@dataclass(frozen=True)
class Authority:
    """A certificate authority."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def root(cls, common: str = "root", *, usage: bool = True, path_length: int | None = None) -> "Authority":
        key = ec_key()
        made = base(name(common), key.public_key(), name(common), start=SIGNED_AT - timedelta(days=900), days=9000)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        if usage:
            made = made.add_extension(key_usage(certificates=True), critical=True)
        return cls(key, made.sign(key, hashes.SHA256()))

    def intermediate(self, common: str = "intermediate", *, ca: bool = True, usage: bool = True) -> "Authority":
        key = ec_key()
        made = base(
            name(common), key.public_key(), self.certificate.subject, start=SIGNED_AT - timedelta(days=800), days=8000
        )
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        made = made.add_extension(key_usage(certificates=usage, signatures=not usage), critical=True)
        return Authority(key, made.sign(self.key, hashes.SHA256()))

    def issue(
        self,
        key: PrivateKey | PublicKey,
        subject: x509.Name,
        *,
        purpose: ObjectIdentifier | None = CODE_SIGNING,
        start: datetime = SIGNED_AT - timedelta(days=10),
        days: float = 365,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> x509.Certificate:
        public = key if isinstance(key, PublicKey) else key.public_key()
        made = base(subject, public, self.certificate.subject, start=start, days=days)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(key_usage(signatures=True), critical=True)
        if purpose is not None:
            made = made.add_extension(x509.ExtendedKeyUsage([purpose]), critical=purpose == TIME_STAMPING)
        for extension, critical in extensions:
            made = made.add_extension(extension, critical=critical)
        return made.sign(self.key, hashes.SHA256())


def base(
    subject: x509.Name, key: PublicKey, issuer: x509.Name, *, start: datetime, days: float
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return made.not_valid_before(start).not_valid_after(start + timedelta(days=days))


def key_usage(*, certificates: bool = False, signatures: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signatures,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def self_signed(
    key: PrivateKey, common: str, *, start: datetime = SIGNED_AT - timedelta(days=10), days: float = 365
) -> x509.Certificate:
    """A signer's certificate that no authority issued, as ``notation cert generate-test`` makes it."""
    public = key.public_key()
    made = base(name(common), public, name(common), start=start, days=days)
    made = made.add_extension(key_usage(signatures=True), critical=True)
    made = made.add_extension(x509.ExtendedKeyUsage([CODE_SIGNING]), critical=False)
    return made.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


# ------------------------------------------------------------------------------------------------------------ DER


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = (
        bytes([size])
        if size < 128
        else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    )
    return bytes([tag]) + length + content


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    body = b""
    for number in (40 * first + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        body += bytes(reversed(groups))
    return der(0x06, body)


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


SHA256 = der(0x30, oid("2.16.840.1.101.3.4.2.1"))


@dataclass(frozen=True)
class Stamper:
    """A time-stamp authority (RFC 3161)."""

    authority: Authority
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(
        cls, authority: Authority | None = None, *, purpose: ObjectIdentifier | None = TIME_STAMPING, days: float = 3650
    ) -> "Stamper":
        authority = authority or Authority.root("stamp root")
        key = ec_key()
        return cls(authority, key, authority.issue(key, name("stamper"), purpose=purpose, days=days))

    def token(
        self,
        message: bytes,
        at: datetime = SIGNED_AT,
        *,
        signed_message: bytes | None = None,
        ess: bytes | None = None,
        unsorted: bool = False,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> bytes:
        """A token over ``message``; ``signed_message`` bends the imprint, ``ess`` the named certificate."""
        imprint = hashlib.sha256(message if signed_message is None else signed_message).digest()
        info = der(
            0x30,
            integer(1),
            oid("1.2.3.4"),
            der(0x30, SHA256, der(0x04, imprint)),
            integer(77),
            der(0x18, at.strftime("%Y%m%d%H%M%SZ").encode()),
        )
        certificate = cert_der(self.certificate)
        named = hashlib.sha256(certificate).digest() if ess is None else ess
        attributes = sorted(
            (
                _attribute("1.2.840.113549.1.9.3", oid("1.2.840.113549.1.9.16.1.4")),
                _attribute("1.2.840.113549.1.9.4", der(0x04, hashlib.sha256(info).digest())),
                _attribute("1.2.840.113549.1.9.16.2.47", der(0x30, der(0x30, der(0x30, der(0x04, named))))),
            )
        )
        signature = (key or self.key).sign(der(0x31, *attributes), ec.ECDSA(hashes.SHA256()))
        issuer = self.certificate.issuer.public_bytes()
        signer = der(
            0x30,
            integer(1),
            der(0x30, issuer, integer(self.certificate.serial_number)),
            SHA256,
            der(0xA0, *attributes),
            der(0x30, oid("1.2.840.10045.4.3.2")),
            der(0x04, signature),
        )
        given = sorted((certificate, cert_der(self.authority.certificate)), reverse=unsorted)
        signed = der(
            0x30,
            integer(3),
            der(0x31, SHA256),
            der(0x30, oid("1.2.840.113549.1.9.16.1.4"), der(0xA0, der(0x04, info))),
            der(0xA0, *given),
            der(0x31, signer),
        )
        return der(0x30, oid("1.2.840.113549.1.7.2"), der(0xA0, signed))

    def response(self, message: bytes, at: datetime = SIGNED_AT) -> bytes:
        """The token inside the response that carries it."""
        return der(0x30, der(0x30, integer(0)), self.token(message, at))


def _attribute(kind: str, value: bytes) -> bytes:
    return der(0x30, oid(kind), der(0x31, value))
