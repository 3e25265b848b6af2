"""The envelopes of signatures, taken apart: bytes to parts, every part still a claim.

Sources: cosign ``specs/SIGNATURE_SPEC.md``; sigstore protobuf-specs ``sigstore_bundle.proto``; DSSE ``envelope.md`` and
``protocol.md``; in-toto attestation ``spec/v1/statement.md``; containers/image ``docs/containers-signature.5.md``.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import AnomalyKind, Digest
from imgforensics.strictjson import parse_json
from imgforensics.trust.refusal import invalid

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle"
COSIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
"""The one predicate that means "signed" and states nothing else."""
SIGSTORE_JSON = b"\0sigstore-json\n"
"""How containers/image marks a cosign signature in a file (``internal/signature``)."""

COSIGN_KIND = "cosign container image signature"
GPG_KIND = "atomic container signature"


def strict_object(raw: bytes, what: str) -> Mapping[str, object]:
    """A JSON object in which no key stands twice.

    Raises:
        RefusedError: it is none; two readers would see two documents.
    """
    parsed = parse_json(raw)
    bad = [each for each in parsed.problems if each.kind is not AnomalyKind.BAD_VALUE]
    if bad:
        raise invalid(f"{what}: {bad[0].detail}")
    if not isinstance(parsed.value, dict):
        raise invalid(f"{what} is no JSON object")
    return parsed.value


def text(value: Mapping[str, object], key: str) -> str:
    """A string of an object; empty where it is absent or something else."""
    item = value.get(key)
    return item if isinstance(item, str) else ""


def mapping(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    """An object inside an object; empty where it is absent or something else."""
    item = value.get(key)
    return item if isinstance(item, dict) else {}


def objects(value: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    """The objects of an array inside an object."""
    item = value.get(key)
    return [each for each in item if isinstance(each, dict)] if isinstance(item, list) else []


def unbase64(encoded: str, what: str, *, url: bool = False) -> bytes:
    """Bytes of strict base64 (RFC 4648), or of its URL form without padding (RFC 7515).

    Raises:
        RefusedError: it is none.
    """
    try:
        if url:
            return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"{what} is not base64") from error


def digest_of(value: str, what: str) -> Digest:
    """A digest that was signed.

    Raises:
        RefusedError: it is none.
    """
    try:
        return Digest.parse(value)
    except ValueError as error:
        raise invalid(f"{what}: {value[:100]!r} is no digest: {error}") from error


@dataclass(frozen=True, slots=True)
class SimpleSigning:
    """The payload of simple signing."""

    kind: str
    digest: Digest
    reference: str


def simple_signing(raw: bytes) -> SimpleSigning:
    """Read a payload. Go reads its keys without regard to case, and one specification spells one with a capital.

    Raises:
        RefusedError: it is none.
    """
    critical = mapping(strict_object(raw, "the signed payload"), "critical")
    image = {key.lower(): value for key, value in mapping(critical, "image").items()}
    if len(image) != len(mapping(critical, "image")):
        raise invalid("the signed payload names its image by two keys that differ in case only")
    return SimpleSigning(
        kind=text(critical, "type"),
        digest=digest_of(text(image, "docker-manifest-digest"), "the signed payload"),
        reference=text(mapping(critical, "identity"), "docker-reference"),
    )


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope."""

    payload: bytes
    payload_type: str
    signatures: tuple[bytes, ...]

    def encoded(self) -> bytes:
        """What is signed: the pre-authentication encoding (DSSE, protocol.md)."""
        kind = self.payload_type.encode("utf-8", "surrogatepass")
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)


def envelope(value: Mapping[str, object]) -> Envelope:
    """Read a DSSE envelope.

    Raises:
        RefusedError: it is none, or has no signature.
    """
    signatures = tuple(unbase64(text(each, "sig"), "a signature") for each in objects(value, "signatures")[:16])
    if not signatures:
        raise invalid("the DSSE envelope has no signature")
    return Envelope(unbase64(text(value, "payload"), "the payload"), text(value, "payloadType"), signatures)


@dataclass(frozen=True, slots=True)
class Statement:
    """An in-toto statement."""

    digests: tuple[Digest, ...]
    predicate_type: str


def statement(raw: bytes) -> Statement:
    """Read an in-toto statement.

    Raises:
        RefusedError: it is none, or about nothing that has a SHA-256.
    """
    value = strict_object(raw, "the in-toto statement")
    if not text(value, "_type").startswith("https://in-toto.io/Statement/"):
        raise invalid("the payload is no in-toto statement")
    subjects = objects(value, "subject")[: DEFAULT_LIMITS.signatures]
    hexes = dict.fromkeys(text(mapping(each, "digest"), "sha256") for each in subjects)
    digests = tuple(digest_of(f"sha256:{each}", "the in-toto statement") for each in hexes if each)
    if not digests:
        raise invalid("the in-toto statement is about nothing that has a SHA-256")
    return Statement(digests, text(value, "predicateType"))


def sigstore_json(raw: bytes) -> tuple[bytes, Mapping[str, str]] | None:
    """Payload and annotations of a signature as containers/image stores it in a file, None where it is of no image."""
    value = strict_object(raw.removeprefix(SIGSTORE_JSON), "the signature file")
    if text(value, "mimeType") != SIMPLE_SIGNING:
        return None
    notes = {key: item for key, item in mapping(value, "annotations").items() if isinstance(item, str)}
    return unbase64(text(value, "payload"), "the payload"), notes
