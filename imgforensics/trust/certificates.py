"""X.509 certificates: loading, chains at a given time, and who a certificate names. Needs the extra ``verify``.

Paths are built and their signatures, validity, name constraints and path lengths checked by ``cryptography``. Its
default profile is that of the web and refuses certificates that sign code; so the extensions are judged by a profile of
our own: issuers are certificate authorities that may sign certificates, the end is for digital signatures and for what
the caller says.

Sources: RFC 5280 sections 4.2 and 6; fulcio ``docs/certificate-specification.md`` and ``docs/oid-info.md``;
notaryproject ``signature-specification.md``, "Certificate Requirements".
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier
from cryptography.x509.verification import Criticality, ExtensionPolicy

from imgforensics.errors import InputError
from imgforensics.trust.keys import Key, usable
from imgforensics.trust.material import NamedFile
from imgforensics.trust.refusal import invalid, unverifiable

CODE_SIGNING = ExtendedKeyUsageOID.CODE_SIGNING
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING

_ISSUER_V2 = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_ISSUER_V1 = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_USER_NAME = ObjectIdentifier("1.3.6.1.4.1.57264.1.7")
_UTF8_STRING = 0x0C
_UNREADABLE = (
    ValueError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)

T = TypeVar("T", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Chain:
    """A path from a certificate to an anchor."""

    certificates: tuple[x509.Certificate, ...]
    """The end first, the anchor last."""
    expired: str | None = None
    """Why it does not hold at the time in question, where it held while its end was valid."""


def load_pem(file: NamedFile) -> tuple[x509.Certificate, ...]:
    """The certificates of a file that the user gave: PEM, or one in DER.

    Raises:
        InputError: there is none.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            if b"-----BEGIN" in file.content:
                return tuple(map(_sound, x509.load_pem_x509_certificates(file.content)))
            return (_sound(x509.load_der_x509_certificate(file.content)),)
    except _UNREADABLE as error:
        in_pem = b"-----BEGIN" in file.content
        told = f"a certificate in PEM that cannot be read: {error}" if in_pem else "no certificate, in PEM or in DER"
        raise InputError(f"{file.source}: {told}") from error


def load_pems(files: Sequence[NamedFile]) -> tuple[x509.Certificate, ...]:
    """All certificates of several files.

    Raises:
        InputError: one of the files holds none.
    """
    return tuple(certificate for file in files for certificate in load_pem(file))


def read_der(raw: bytes) -> x509.Certificate:
    """A certificate that is evidence.

    Raises:
        RefusedError: it is none.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of what it will refuse some day; the evidence is what it is
            return _sound(x509.load_der_x509_certificate(raw))
    except _UNREADABLE as error:
        raise invalid(f"the certificate cannot be read: {error}") from error


def read_pem(raw: str) -> x509.Certificate:
    """The first certificate of a text that is evidence.

    Raises:
        RefusedError: there is none.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            return _sound(x509.load_pem_x509_certificate(raw.encode("utf-8", "replace")))
    except _UNREADABLE as error:
        raise invalid(f"the certificate cannot be read: {error}") from error


def read_pems(raw: str) -> tuple[x509.Certificate, ...]:
    """All certificates of a text that is evidence.

    Raises:
        RefusedError: one of them cannot be read, or there is none.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            return tuple(map(_sound, x509.load_pem_x509_certificates(raw.encode("utf-8", "replace"))))
    except _UNREADABLE as error:
        raise invalid(f"the certificates cannot be read: {error}") from error


def _sound(certificate: x509.Certificate) -> x509.Certificate:
    """The certificate, every part of it parsed: the library does that late, and raises then."""
    _ = certificate.subject, certificate.issuer, certificate.extensions
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return certificate


def serial_of(certificate: x509.Certificate) -> int:
    """The serial number, whatever it is."""
    with warnings.catch_warnings(action="ignore"):  # that it is not positive
        return certificate.serial_number


def key_of(certificate: x509.Certificate) -> Key:
    """The key that a certificate is about.

    Raises:
        RefusedError: it is of a kind that signs no images.
    """
    try:
        return usable(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise unverifiable(f"the certificate's key cannot be used: {error}") from error


def chain(
    end: x509.Certificate,
    between: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: datetime,
    purpose: ObjectIdentifier,
    *,
    own_anchor: bool = False,
) -> Chain:
    """The path from a certificate to an anchor, at a time.

    Args:
        end: the signer's certificate.
        between: certificates that may lead on; they come from the evidence, and none of them is an anchor.
        anchors: what the user trusts.
        at: when.
        purpose: the extended key usage that the end must be for.
        own_anchor: the end itself may be an anchor, as notation's self-signed certificates are.

    Raises:
        RefusedError: no path leads to an anchor, or the end is not for this purpose.
    """
    if not anchors:
        raise unverifiable("no root certificate was given")
    _check_usage(end, purpose)
    if own_anchor and end in anchors:
        return Chain((end,), _outside(end, at))
    found = _path(end, between, anchors, at)
    if isinstance(found, Chain):
        return found
    inside = [end.not_valid_before_utc, end.not_valid_after_utc - timedelta(seconds=1)]
    for moment in inside:
        held = _path(end, between, anchors, moment)
        if isinstance(held, Chain):
            return Chain(held.certificates, _outside(end, at) or f"an issuer was not valid at {at.isoformat()}")
    raise unverifiable(f"the certificate leads to no root that was given: {found}")


def _outside(certificate: x509.Certificate, at: datetime) -> str | None:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if begin <= at <= end:
        return None
    return f"the certificate is valid from {begin.isoformat()} to {end.isoformat()}, not at {at.isoformat()}"


def _path(
    end: x509.Certificate, between: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], at: datetime
) -> Chain | str:
    authority = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)  # what it says, the library checks
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign_certificates)
    )
    policy = verification.PolicyBuilder().store(verification.Store(list(anchors))).time(at).max_chain_depth(8)
    built = policy.extension_policies(ca_policy=authority, ee_policy=ExtensionPolicy.permit_all())
    try:
        return Chain(tuple(built.build_client_verifier().verify(end, list(between)[:8]).chain))
    except (verification.VerificationError, x509.UnsupportedGeneralNameType, ValueError) as error:
        return str(error).partition("\n")[0]


def _may_sign_certificates(
    policy: verification.Policy, certificate: x509.Certificate, value: x509.KeyUsage | None
) -> None:
    del policy, certificate
    if value is not None and not value.key_cert_sign:
        raise ValueError("an issuer's key is not for signing certificates")


def _check_usage(end: x509.Certificate, purpose: ObjectIdentifier) -> None:
    usage = _extension(end, x509.KeyUsage)
    extended = _extension(end, x509.ExtendedKeyUsage)
    if usage is not None and not usage.digital_signature:
        raise unverifiable("the certificate's key is not for digital signatures")
    if extended is None and purpose == TIME_STAMPING:
        raise unverifiable("the certificate is not for time stamps")
    if extended is not None and purpose not in extended:
        raise unverifiable("the certificate is for another purpose than signing this")


def _extension(certificate: x509.Certificate, kind: type[T]) -> T | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def identity(certificate: x509.Certificate) -> tuple[str, str | None]:
    """Who a certificate of Fulcio, or of a like authority, names: the subject alternative name, and its issuer."""
    names = []
    for name in _extension(certificate, x509.SubjectAlternativeName) or ():
        if isinstance(name, x509.RFC822Name | x509.UniformResourceIdentifier):
            names.append(name.value)
        elif isinstance(name, x509.OtherName) and name.type_id == _USER_NAME:
            names.append(_utf8(name.value))
    if len(names) > 1:
        raise invalid(f"the certificate names {len(names)} identities; one is allowed")
    return (names[0] if names else certificate.subject.rfc4514_string()), _issuer(certificate)


def _issuer(certificate: x509.Certificate) -> str | None:
    for oid in (_ISSUER_V2, _ISSUER_V1):
        try:
            value = certificate.extensions.get_extension_for_oid(oid).value
        except x509.ExtensionNotFound:
            continue
        if isinstance(value, x509.UnrecognizedExtension):
            return _utf8(value.value) if oid == _ISSUER_V2 else value.value.decode("utf-8", "replace")
    return None


def _utf8(raw: bytes) -> str:
    """A DER UTF8String of fewer than 128 bytes, or of more."""
    if len(raw) >= 2 and raw[0] == _UTF8_STRING:
        skipped = 2 + (raw[1] & 0x7F if raw[1] & 0x80 else 0)
        return raw[skipped:].decode("utf-8", "replace")
    return raw.decode("utf-8", "replace")
