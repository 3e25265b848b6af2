"""Signed schema 1 manifests, whose digest is not of their bytes, but of the payload that was signed.

Source: distribution-spec "Image Manifest Version 2, Schema 1", section "Signed Manifests"; libtrust's JSON signature,
which puts the signatures into the document itself and says in each how to take them out again.
"""

import base64
import binascii
import json
from collections.abc import Mapping


def payload(raw: bytes, value: object) -> bytes | None:
    """The signed payload of a manifest, None where it bears no signatures.

    Args:
        raw: the manifest's bytes.
        value: the same, parsed.
    """
    signatures = value.get("signatures") if isinstance(value, Mapping) else None
    if not isinstance(signatures, list) or not signatures or not isinstance(signatures[0], Mapping):
        return None
    protected = signatures[0].get("protected")
    try:
        said = json.loads(_decoded(protected))
        length, tail = said["formatLength"], _decoded(said["formatTail"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(length, int) or not 0 <= length <= len(raw):
        return None
    whole = raw[:length] + tail
    return whole if _is_rest(whole, value) else None


def _decoded(text: object) -> bytes:
    """Base64 as JSON signatures have it: the alphabet of URLs, no padding (RFC 7515, section 2)."""
    if not isinstance(text, str) or not text.isascii():
        raise ValueError("no text")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _is_rest(whole: bytes, value: object) -> bool:
    """Whether the payload says what the document says without its signatures, so that nobody reads anything else."""
    try:
        found = json.loads(whole)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, Mapping) and found == {key: item for key, item in value.items() if key != "signatures"}
