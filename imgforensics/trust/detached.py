"""Signatures that were handed in beside an archive: what a file holds. Nothing is verified here.

A bundle, an envelope, an OpenPGP message or a signature file of containers/image; or what ``cosign download signature``
and ``cosign download attestation`` print, one JSON document a line (cosign 2, ``pkg/cosign/fetch.go``).
"""

import base64
import binascii
import json
from collections.abc import Mapping

from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import Location
from imgforensics.signature import Found, Place, Purpose, Scheme
from imgforensics.strictjson import parse_json
from imgforensics.trust.envelopes import mapping, objects, text
from imgforensics.trust.recognise import recognise, with_claims

_PREFIX = "dev.sigstore.cosign/"


def detached(content: bytes, source: str) -> tuple[Found, ...]:
    """Every signature of a file that was handed in; none where it holds none that is known here.

    Args:
        content: the file's bytes.
        source: its name.
    """
    lines = [line for line in content.splitlines() if line.strip()]
    if len(lines) > 1 and all(line.startswith(b"{") for line in lines):
        several = lines[: DEFAULT_LIMITS.signatures]
        found = [_one(line, Location(f"{source}:{number}")) for number, line in enumerate(several, 1)]
    else:
        found = [_one(content, Location(source))]
    return tuple(each for each in found if each is not None)


def _one(content: bytes, where: Location) -> Found | None:
    value = parse_json(content).value if content.startswith(b"{") else None
    if isinstance(value, dict) and {"Base64Signature", "Payload"} <= value.keys():
        return _downloaded(value, where)
    return recognise(content, Place.DETACHED, where)


def _downloaded(value: Mapping[str, object], where: Location) -> Found | None:
    """A signature as cosign prints it: what stood in the layer and its annotations, under names of Go's."""
    try:
        payload = base64.b64decode(text(value, "Payload"), validate=True)
    except (binascii.Error, ValueError):
        return None
    notes = {f"{_PREFIX}signature": text(value, "Base64Signature")}
    certificates = [mapping(value, "Cert"), *objects(value, "Chain")]
    pems = [_pem(text(each, "Raw")) for each in certificates]
    for name, content in (
        ("certificate", pems[0]),
        ("chain", "".join(pems[1:])),
        ("bundle", _json(mapping(value, "Bundle"))),
        ("rfc3161timestamp", _json(mapping(value, "RFC3161Timestamp"))),
    ):
        if content:
            notes[f"{_PREFIX}{name}"] = content
    return with_claims(Found(Scheme.COSIGN, Purpose.SIGNATURE, Place.DETACHED, where, payload, notes))


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value) if value else ""


def _pem(encoded: str) -> str:
    """PEM around base64 as it stands; what is no certificate is refused when it is read as one."""
    return f"-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n" if encoded else ""
