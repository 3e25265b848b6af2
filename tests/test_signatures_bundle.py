"""Sigstore bundles: by a key, judged here; by a certificate, judged by sigstore-python with the user's root alone."""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from imgforensics.model import Location
from imgforensics.signature import Found, Place, Purpose, Scheme, Status
from imgforensics.trust.material import Material, Pin
from imgforensics.trust.recognise import recognise
from tests.signing import pki, sigstore
from tests.signing.ask import DIGEST, PINS, done, file, judged, keys, rooted, simple
from tests.signing.pki import SIGNED_AT
from tests.signing.sigstore import (
    PAYLOAD_TYPE,
    Sigstore,
    annotations,
    b64,
    dsse_entry,
    envelope,
    key_bundle,
    keyless_bundle,
    pae,
    raw,
    sign,
    stamped_bundle,
    statement,
)

Doc = dict[str, Any]

pytestmark = pytest.mark.usefixtures("offline")

BODY = statement(DIGEST)
WORLD = Sigstore()
KEY = pki.ec_key()


def found(document: Doc) -> Found:
    made = recognise(raw(document), Place.ORPHAN, Location("blob"))
    assert made is not None
    assert made.scheme is Scheme.BUNDLE
    return made


# by a key


@pytest.mark.parametrize("key", [KEY, sigstore.ed25519_key(), sigstore.rsa_key()], ids=["ecdsa", "ed25519", "rsa"])
def test_a_bundle_by_a_key(key: pki.PrivateKey) -> None:
    judgement = judged(found(key_bundle(key, BODY)), keys(key))
    assert judgement.status is Status.VERIFIED
    assert judgement.signed is not None
    assert [str(each) for each in judgement.signed.digests] == [DIGEST]
    assert done(judgement)["log entry"] == "not-done"


def test_a_bundle_by_a_key_with_a_log_entry() -> None:
    trusting = keys(KEY, trusted_root=file(WORLD.trusted_root()))
    assert done(judged(found(key_bundle(KEY, BODY, world=WORLD)), trusting))["log entry"] == "passed"
    other = key_bundle(KEY, BODY)
    other["verificationMaterial"]["tlogEntries"] = [WORLD.tlog_entry(dsse_entry(b"another", b"x", pki.pem(KEY)))]
    assert judged(found(other), trusting).status is Status.INVALID
    unpromised = key_bundle(KEY, BODY)
    entry = dsse_entry(BODY, sign(KEY, pae(PAYLOAD_TYPE, BODY)), pki.pem(KEY))
    unpromised["verificationMaterial"]["tlogEntries"] = [WORLD.tlog_entry(entry, promised=False)]
    assert done(judged(found(unpromised), trusting))["log inclusion"] == "not-done"


def test_the_hint_is_a_hint() -> None:
    strange = key_bundle(KEY, BODY, hint="whatever")
    assert judged(found(strange), keys(KEY)).status is Status.VERIFIED
    foreign = key_bundle(KEY, BODY)
    assert judged(found(foreign), keys(pki.ec_key())).status is Status.UNVERIFIABLE
    signature = sign(pki.ec_key(), pae(PAYLOAD_TYPE, BODY))
    assert judged(found(key_bundle(KEY, BODY, signature=signature)), keys(KEY)).status is Status.INVALID


def test_the_payload_type_is_signed() -> None:
    document = key_bundle(KEY, BODY)
    document["dsseEnvelope"]["payloadType"] = "text/plain"
    assert judged(found(document), keys(KEY)).status is Status.INVALID
    plain = key_bundle(KEY, BODY, signature=sign(KEY, BODY))
    assert judged(found(plain), keys(KEY)).status is Status.INVALID


def two_signatures(document: Doc) -> None:
    document["dsseEnvelope"]["signatures"] *= 2


def no_signature(document: Doc) -> None:
    document["dsseEnvelope"]["signatures"] = []


def no_envelope(document: Doc) -> None:
    document["messageSignature"] = {"signature": document.pop("dsseEnvelope")["signatures"][0]["sig"]}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (two_signatures, Status.INVALID),
        (no_signature, Status.INVALID),
        (no_envelope, Status.UNVERIFIABLE),
    ],
)
def test_bundles_that_are_not_as_they_should_be(change: Callable[[Doc], None], status: Status) -> None:
    document = key_bundle(KEY, BODY)
    change(document)
    assert judged(found(document), keys(KEY)).status is status


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        BODY.replace(b"in-toto.io", b"example.com"),
        BODY.replace(b"sha256", b"sha999"),
        BODY[:-1] + b',"subject":[]}',
        BODY.replace(DIGEST[7:].encode(), b"abc"),
    ],
    ids=["bytes", "type", "algorithm", "duplicate", "digest"],
)
def test_what_is_signed_has_to_be_a_statement(body: bytes) -> None:
    assert judged(found(key_bundle(KEY, body)), keys(KEY)).status is Status.INVALID


def test_another_payload_type_is_no_statement_about_an_image() -> None:
    document = key_bundle(KEY, BODY, signature=sign(KEY, pae("text/plain", BODY)))
    document["dsseEnvelope"]["payloadType"] = "text/plain"
    assert judged(found(document), keys(KEY)).status is Status.UNVERIFIABLE


def test_only_one_predicate_means_signed() -> None:
    assert found(key_bundle(KEY, BODY)).purpose is Purpose.SIGNATURE
    assert found(key_bundle(KEY, statement(DIGEST, "https://slsa.dev/provenance/v1"))).purpose is Purpose.ATTESTATION


# an envelope in an .att layer


def attestation(kind: str = "dsse", **changes: Any) -> Found:
    signer = WORLD.signer()
    signature = sign(signer.key, pae(PAYLOAD_TYPE, BODY))
    content = raw(envelope(BODY, signature))
    verifier = changes.get("verifier", pki.cert_pem(signer.certificate))
    entry = dsse_entry(changes.get("body", BODY), changes.get("signature", signature), verifier)
    if kind == "intoto":
        import hashlib

        digest = hashlib.sha256(changes.get("body", content)).hexdigest()
        spec = {
            "content": {"hash": {"algorithm": "sha256", "value": digest}},
            "publicKey": b64(verifier),
        }
        entry = {"apiVersion": "0.0.1", "kind": "intoto", "spec": spec}
    notes = annotations(b"", certificate=signer.certificate, promise=WORLD.promise(entry))
    return simple(content, notes, Scheme.DSSE)


@pytest.mark.parametrize("kind", ["dsse", "intoto"])
def test_an_attestation_of_cosign(kind: str) -> None:
    assert judged(attestation(kind), rooted(WORLD)).status is Status.VERIFIED
    judgement = judged(attestation(kind, body=b"another"), rooted(WORLD))
    assert judgement.status is Status.INVALID
    assert "another signature" in judgement.reason


def test_an_attestation_of_cosign_with_another_entry() -> None:
    assert judged(attestation(signature=b"another"), rooted(WORLD)).status is Status.INVALID
    for kind in ("dsse", "intoto"):
        assert judged(attestation(kind, verifier=pki.pem(KEY)), rooted(WORLD)).status is Status.INVALID


# keyless


def test_a_keyless_bundle(offline: Path) -> None:
    judgement = judged(found(keyless_bundle(WORLD, BODY)), rooted(WORLD))
    assert judgement.status is Status.VERIFIED, judgement
    assert judgement.time is not None
    assert judgement.time.at == SIGNED_AT
    assert judgement.signer is not None
    assert judgement.signer.identity == sigstore.IDENTITY
    assert not list(offline.rglob("*")), "nothing is written into the home directory"


@pytest.mark.parametrize(
    "pins", [(), (Pin("other@example.com", sigstore.ISSUER),), (Pin(sigstore.IDENTITY, "https://x"),)]
)
def test_a_keyless_bundle_of_somebody(pins: tuple[Pin, ...]) -> None:
    assert judged(found(keyless_bundle(WORLD, BODY)), rooted(WORLD, pins=pins)).status is Status.NOT_PINNED


def test_a_keyless_bundle_without_a_root_or_with_another() -> None:
    document = found(keyless_bundle(WORLD, BODY))
    assert "--trusted-root" in judged(document, Material(pins=PINS)).reason
    judgement = judged(document, rooted(Sigstore()))
    assert judgement.status is Status.UNVERIFIABLE
    assert "leads to no root" in judgement.reason
    mine = Sigstore(root=WORLD.root, ct_key=WORLD.ct_key)
    mine.fulcio = WORLD.fulcio
    assert judged(document, rooted(mine)).status is Status.UNVERIFIABLE


def test_a_keyless_bundle_that_was_changed() -> None:
    document = keyless_bundle(WORLD, BODY)
    document["dsseEnvelope"]["payload"] = b64(statement("sha256:" + "cd" * 32))
    assert judged(found(document), rooted(WORLD)).status is Status.INVALID
    document = keyless_bundle(WORLD, BODY)
    entry = document["verificationMaterial"]["tlogEntries"][0]
    entry["integratedTime"] = str(int(entry["integratedTime"]) + 60)
    assert judged(found(document), rooted(WORLD)).status is Status.INVALID
    document = keyless_bundle(WORLD, BODY)
    document["verificationMaterial"]["tlogEntries"] = keyless_bundle(WORLD, BODY)["verificationMaterial"]["tlogEntries"]
    assert judged(found(document), rooted(WORLD)).status is Status.INVALID


def test_a_keyless_bundle_that_was_logged_too_late() -> None:
    document = keyless_bundle(WORLD, BODY, WORLD.signer(), at=SIGNED_AT + timedelta(hours=1))
    assert judged(found(document), rooted(WORLD)).status is Status.INVALID


def test_a_keyless_bundle_of_rekor_2_has_its_time_from_a_stamp() -> None:
    judgement = judged(found(stamped_bundle(WORLD, BODY)), rooted(WORLD))
    assert judgement.status is Status.VERIFIED, judgement
    assert judgement.time is not None
    assert (judgement.time.at, judgement.time.source) == (SIGNED_AT, "time-stamp authority")
    late = stamped_bundle(WORLD, BODY, WORLD.signer(), at=SIGNED_AT + timedelta(hours=1))
    assert judged(found(late), rooted(WORLD)).status is Status.INVALID
    document = stamped_bundle(WORLD, BODY)
    del document["verificationMaterial"]["timestampVerificationData"]
    assert judged(found(document), rooted(WORLD)).status is Status.UNVERIFIABLE, "no trusted time"
    other = stamped_bundle(WORLD, BODY)
    other["verificationMaterial"]["tlogEntries"] = document["verificationMaterial"]["tlogEntries"]
    assert judged(found(other), rooted(WORLD)).status is Status.INVALID


def test_a_keyless_bundle_without_a_log_entry_is_not_taken() -> None:
    document = keyless_bundle(WORLD, BODY)
    del document["verificationMaterial"]["tlogEntries"]
    assert judged(found(document), rooted(WORLD)).status is Status.UNVERIFIABLE


def test_a_key_twice_is_refused_before_anything_is_read() -> None:
    text = raw(keyless_bundle(WORLD, BODY))
    twice = text[:-1] + b', "dsseEnvelope": {}}'
    given = recognise(twice, Place.ORPHAN, Location("blob"))
    assert given is not None
    assert judged(given, rooted(WORLD)).status is Status.INVALID


# extras


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """As if these were not installed, and what uses them was not imported."""
    for name in list(sys.modules):
        top = name.partition(".")[0]
        if top in packages or (name.startswith("imgforensics.trust.") and name.rpartition(".")[2] not in _PLAIN):
            monkeypatch.delitem(sys.modules, name)
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)


_PLAIN = frozenset(
    {"judge", "material", "refusal", "recognise", "envelopes", "discover", "binding", "survey", "contenttrust"}
)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, key = found(keyless_bundle(WORLD, BODY)), found(key_bundle(KEY, BODY))
    without(monkeypatch, "sigstore")
    judgement = judged(bundle, rooted(WORLD))
    assert (judgement.status, judgement.reason) == (
        Status.UNVERIFIABLE,
        "the extra imgforensics[sigstore] is not installed",
    )
    assert judged(key, keys(KEY)).status is Status.VERIFIED
    without(monkeypatch, "cryptography")
    judgement = judged(key, keys(KEY))
    assert (judgement.status, judgement.reason) == (
        Status.UNVERIFIABLE,
        "the extra imgforensics[verify] is not installed",
    )


def test_finding_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = raw(key_bundle(KEY, BODY))
    without(monkeypatch, "cryptography", "cbor2", "sigstore")
    given = recognise(bundle, Place.ORPHAN, Location("blob"))
    assert given is not None
    assert [str(each) for each in given.claims.digests] == [DIGEST]
    cose = recognise(b"\xd2\x84\x40\xa0\x40\x40", Place.ORPHAN, Location("blob"))
    assert cose is not None
    assert judged(cose, Material()).reason == "the extra imgforensics[verify] is not installed"


@pytest.mark.parametrize("text", ["{}", '{"mediaType": 1}', json.dumps({"mediaType": sigstore.BUNDLE})])
def test_no_bundle(text: str) -> None:
    given = recognise(text.encode(), Place.ORPHAN, Location("blob"))
    assert given is None or judged(given, rooted(WORLD)).status is Status.UNVERIFIABLE
