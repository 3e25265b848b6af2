"""Notation's two envelopes, taken apart to one form: JWS and COSE_Sign1. Needs the extra ``verify``.

Sources: notaryproject ``signature-specification.md``, ``signature-envelope-jws.md``, ``signature-envelope-cose.md``;
RFC 7515, RFC 9052.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import cbor2

from imgforensics.trust.envelopes import mapping, strict_object, text, unbase64
from imgforensics.trust.refusal import invalid

PREFIX = "io.cncf.notary."
_PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"
_COSE_ALGORITHMS = {-37: "PS256", -38: "PS384", -39: "PS512", -7: "ES256", -35: "ES384", -36: "ES512"}
_ALGORITHM, _CRITICAL, _CONTENT_TYPE, _X5CHAIN = 1, 2, 3, 33


@dataclass(frozen=True, slots=True)
class NotationEnvelope:
    """One envelope, whichever form it came in."""

    message: bytes
    """What was signed."""
    payload: bytes
    signature: bytes
    algorithm: str
    """In JOSE's words, such as ``PS256``."""
    content_type: str
    critical: tuple[str, ...]
    attributes: Mapping[str, object]
    """Signed attributes of the Notary Project, without their prefix."""
    certificates: tuple[bytes, ...]
    """The signer's first. Unsigned, as the token is."""
    token: bytes | None

    def moment(self, name: str) -> datetime | None:
        """A signed time.

        Raises:
            RefusedError: it is none.
        """
        value = self.attributes.get(name)
        if value is None:
            return None
        try:
            if isinstance(value, int) and not isinstance(value, bool):
                return datetime.fromtimestamp(value, UTC)
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except (ValueError, OverflowError, OSError) as error:
            raise invalid(f"the signed attribute {name} is no time") from error
        if moment is None or moment.tzinfo is None:
            raise invalid(f"the signed attribute {name} is no time")
        return moment


def read_jws(raw: bytes) -> NotationEnvelope:
    """Read a JWS in flattened JSON form.

    Raises:
        RefusedError: it is none.
    """
    value = strict_object(raw, "the envelope")
    encoded, payload = text(value, "protected"), text(value, "payload")
    header = mapping(value, "header")
    protected = strict_object(unbase64(encoded, "the protected header", url=True), "the protected header")
    chain = header.get("x5c")
    token = text(header, f"{PREFIX}timestampSignature")
    critical = protected.get("crit")
    return NotationEnvelope(
        message=f"{encoded}.{payload}".encode("ascii", "replace"),
        payload=unbase64(payload, "the payload", url=True),
        signature=unbase64(text(value, "signature"), "the signature", url=True),
        algorithm=text(protected, "alg"),
        content_type=text(protected, "cty"),
        critical=_texts(critical),
        attributes=_attributes(protected),
        certificates=tuple(unbase64(each, "a certificate") for each in _texts(chain)[:8]),
        token=unbase64(token, "the time stamp") if token else None,
    )


def read_cose(raw: bytes) -> NotationEnvelope:
    """Read a COSE_Sign1.

    Raises:
        RefusedError: it is none.
    """
    parts = _cbor(raw, "the envelope")
    if not isinstance(parts, cbor2.CBORTag) or parts.tag != 18 or not isinstance(parts.value, list | tuple):
        raise invalid("the envelope is no COSE_Sign1")
    fields = list(parts.value)
    if len(fields) != 4 or not all(isinstance(fields[number], bytes) for number in (0, 2, 3)):
        raise invalid("the envelope is no COSE_Sign1 with its payload inside")
    encoded, unprotected, payload, signature = fields
    protected = _cbor(encoded, "the protected header")
    if not isinstance(protected, Mapping) or not isinstance(unprotected, Mapping):
        raise invalid("the headers are no maps")
    chain = unprotected.get(_X5CHAIN)
    token = unprotected.get(f"{PREFIX}timestampSignature")
    critical = protected.get(_CRITICAL)
    return NotationEnvelope(
        message=cbor2.dumps(["Signature1", encoded, b"", payload]),
        payload=payload,
        signature=signature,
        algorithm=_COSE_ALGORITHMS.get(_number(protected.get(_ALGORITHM)), ""),
        content_type=str(protected.get(_CONTENT_TYPE)),
        critical=tuple(map(str, critical)) if isinstance(critical, list | tuple) else (),
        attributes=_attributes(protected),
        certificates=_certificates(chain),
        token=token if isinstance(token, bytes) else None,
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _certificates(chain: object) -> tuple[bytes, ...]:
    several = [chain] if isinstance(chain, bytes) else chain if isinstance(chain, list | tuple) else []
    return tuple(each for each in several[:8] if isinstance(each, bytes))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _attributes(protected: Mapping[object, object] | Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in protected.items():
        if isinstance(key, str) and key.startswith(PREFIX):
            found[key.removeprefix(PREFIX)] = _epoch(value)
    return found


def _epoch(value: object) -> object:
    """A time of CBOR's tag 1 as the library gives it, in seconds."""
    return int(value.timestamp()) if isinstance(value, datetime) else value


def _cbor(raw: bytes, what: str) -> object:
    try:
        value: object = cbor2.loads(raw)
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError, TypeError, ArithmeticError) as error:
        raise invalid(f"{what} is no CBOR that can be read") from error
    return value


def checked_type(envelope: NotationEnvelope) -> None:
    """Refuse a payload of another kind.

    Raises:
        RefusedError: it is one.
    """
    if envelope.content_type != _PAYLOAD_TYPE:
        raise invalid(f"the payload is of the type {envelope.content_type[:100]!r}")
