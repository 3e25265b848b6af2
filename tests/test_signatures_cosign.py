"""cosign's signatures: by keys of every kind, and keyless with a Fulcio, a Rekor and a CT log of our own."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from imgforensics import InputError
from imgforensics.signature import Status
from imgforensics.trust.material import Material, Pin
from tests.signing import pki, sigstore
from tests.signing.ask import DIGEST, PINS, at, done, file, judged, keys, rooted, simple
from tests.signing.pki import SIGNED_AT, Authority, Stamper
from tests.signing.sigstore import ISSUER, Sigstore, annotations, b64, hashedrekord, keyless, payload, sign

pytestmark = pytest.mark.usefixtures("offline")

BODY = payload(DIGEST)
WORLD = Sigstore()
KEY = pki.ec_key()


def by_key(key: pki.PrivateKey = KEY, body: bytes = BODY, **more: Any) -> dict[str, str]:
    return annotations(sign(key, body), **more)


LONE_SURROGATE = json.dumps(
    {
        "SignedEntryTimestamp": "AAAA",
        "Payload": {
            "body": "\ud800",
            "integratedTime": 1,
            "logIndex": 1,
            "logID": WORLD.promise({})["Payload"]["logID"],
        },
    }
)

# by a key


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (pki.ec_key(), hashes.SHA256()),
        (pki.ec_key(ec.SECP384R1()), hashes.SHA256()),
        (pki.ec_key(ec.SECP384R1()), hashes.SHA384()),
        (pki.ec_key(ec.SECP521R1()), hashes.SHA512()),
        (sigstore.rsa_key(), hashes.SHA256()),
        (sigstore.ed25519_key(), hashes.SHA256()),
    ],
    ids=["p256", "p384", "p384-sha384", "p521-sha512", "rsa", "ed25519"],
)
def test_a_key_of_every_kind(key: pki.PrivateKey, algorithm: hashes.HashAlgorithm) -> None:
    found = simple(BODY, annotations(sign(key, BODY, algorithm)))
    judgement = judged(found, keys(KEY, key))
    assert judgement.status is Status.VERIFIED
    assert judgement.signed is not None
    assert [str(each) for each in judgement.signed.digests] == [DIGEST]
    assert done(judgement) == {"signature": "passed", "log entry": "not-done"}
    changed = simple(BODY.replace(b"ab", b"ac", 1), found.annotations)
    assert judged(changed, keys(KEY, key)).status is Status.UNVERIFIABLE


def test_another_key_is_somebody_else_and_not_broken() -> None:
    judgement = judged(simple(BODY, by_key()), keys(pki.ec_key()))
    assert judgement.status is Status.UNVERIFIABLE
    assert "cannot be told apart" in judgement.reason
    assert judgement.signed is None


def test_no_key_is_said() -> None:
    assert "--key" in judged(simple(BODY, by_key()), Material()).reason


def test_a_log_entry_that_names_our_key_makes_a_failure_broken() -> None:
    signature = sign(KEY, BODY)
    entry = WORLD.promise(hashedrekord(BODY, signature, pki.pem(KEY)))
    found = simple(BODY + b" ", annotations(signature, promise=entry))
    assert judged(found, keys(KEY)).status is Status.INVALID
    assert judged(found, keys(pki.ec_key())).status is Status.UNVERIFIABLE


def test_a_key_with_a_log_entry() -> None:
    signature = sign(KEY, BODY)
    entry = WORLD.promise(hashedrekord(BODY, signature, pki.pem(KEY)))
    found = simple(BODY, annotations(signature, promise=entry))
    trusting = keys(KEY, trusted_root=file(WORLD.trusted_root()))
    judgement = judged(found, trusting)
    assert judgement.status is Status.VERIFIED
    assert done(judgement)["log entry"] == "passed"
    assert judgement.time is not None
    assert judgement.time.at == SIGNED_AT
    assert done(judged(found, keys(KEY)))["log entry"] == "not-done"
    other = keys(KEY, trusted_root=file(Sigstore().trusted_root()))
    assert done(judged(found, other))["log entry"] == "not-done"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (payload(DIGEST, kind="atomic container signature"), "no image"),
        (payload("sha256:abc"), "no digest"),
        (b'{"critical":{"type":"cosign container image signature"}}', "no digest"),
        (payload(DIGEST)[:-1] + b',"critical":{}}', "more than once"),
        (
            BODY.replace(b'"docker-manifest-digest"', b'"Docker-manifest-digest":"sha256:1","docker-manifest-digest"'),
            "two keys",
        ),
        (b"[]", "no JSON object"),
        (b"\xff", "UTF-8"),
    ],
    ids=["kind", "digest", "none", "duplicate", "case", "array", "bytes"],
)
def test_what_is_signed_has_to_be_an_image(body: bytes, why: str) -> None:
    judgement = judged(simple(body, by_key(body=body)), keys(KEY))
    assert judgement.status is Status.INVALID
    assert why in judgement.reason


def test_the_spelling_of_the_specification_is_read_too() -> None:
    body = BODY.replace(b"docker-manifest-digest", b"Docker-manifest-digest")
    assert judged(simple(body, by_key(body=body)), keys(KEY)).status is Status.VERIFIED


def test_a_layer_without_a_signature() -> None:
    assert judged(simple(BODY, {}), keys(KEY)).status is Status.INVALID
    assert judged(simple(BODY, {"dev.cosignproject.cosign/signature": "%"}), keys(KEY)).status is Status.INVALID


def test_a_file_that_is_no_key_is_the_users_error() -> None:
    with pytest.raises(InputError, match="no public key"):
        judged(simple(BODY, by_key()), Material(keys=(file(b"nothing"),)))


def test_a_time_stamp_beside_a_key() -> None:
    signature = sign(KEY, BODY)
    found = simple(BODY, annotations(signature, token=WORLD.stamper.response(signature)))
    assert done(judged(found, keys(KEY)))["time stamp"] == "not-done"
    stampers = (file(pki.cert_pem(WORLD.stamper.authority.certificate)),)
    assert done(judged(found, keys(KEY, timestamp_roots=stampers)))["time stamp"] == "passed"
    other = simple(BODY, annotations(signature, token=WORLD.stamper.response(b"another")))
    assert judged(other, keys(KEY, timestamp_roots=stampers)).status is Status.INVALID


# keyless


def test_keyless() -> None:
    judgement = judged(simple(BODY, keyless(WORLD, BODY)), rooted(WORLD))
    assert judgement.status is Status.VERIFIED, judgement
    assert judgement.signer is not None
    assert (judgement.signer.identity, judgement.signer.issuer) == (sigstore.IDENTITY, ISSUER)
    assert judgement.time is not None
    assert judgement.time.at == SIGNED_AT
    for step in ("signature", "log entry", "certificate chain", "certificate log", "identity"):
        assert done(judgement)[step] == "passed"
    assert done(judgement)["revocation"] == "not-done"


def test_keyless_with_a_changed_payload() -> None:
    assert judged(simple(BODY + b" ", keyless(WORLD, BODY)), rooted(WORLD)).status is Status.INVALID


@pytest.mark.parametrize(
    "pins",
    [
        [],
        [Pin("somebody@example.com", ISSUER)],
        [Pin(sigstore.IDENTITY, "https://accounts.example.org")],
        [Pin("example.com", ISSUER, identity_pattern=True)],
        [Pin(".*@example.com", "accounts", identity_pattern=True, issuer_pattern=True)],
        [Pin(".*", ISSUER)],
    ],
    ids=["nobody", "identity", "issuer", "pattern-is-anchored", "issuer-pattern-is-anchored", "exact-is-no-pattern"],
)
def test_an_identity_that_is_not_pinned(pins: list[Pin]) -> None:
    judgement = judged(simple(BODY, keyless(WORLD, BODY)), rooted(WORLD, pins=pins))
    assert judgement.status is Status.NOT_PINNED
    assert done(judgement)["identity"] == "not-done"


def test_a_pattern_pins_as_a_whole() -> None:
    pins = [Pin(r"[a-z]+@example\.com", ISSUER, identity_pattern=True)]
    assert judged(simple(BODY, keyless(WORLD, BODY)), rooted(WORLD, pins=pins)).status is Status.VERIFIED


def test_a_workflow_is_an_identity() -> None:
    name = "https://example.com/org/repo/.github/workflows/release.yml@refs/heads/main"
    signer = WORLD.signer(name)
    found = simple(BODY, keyless(WORLD, BODY, signer))
    assert judged(found, rooted(WORLD, pins=[Pin(name, ISSUER)])).status is Status.VERIFIED
    assert judged(found, rooted(WORLD, pins=[Pin(name[:-4] + "dev", ISSUER)])).status is Status.NOT_PINNED


@pytest.mark.parametrize("name", ["alice!example.com", "a" * 200 + "!example.com"], ids=["short", "long"])
@pytest.mark.parametrize("old_issuer", [False, True])
def test_a_user_name_is_an_identity_and_an_issuer_has_two_forms(name: str, old_issuer: bool) -> None:
    found = simple(BODY, keyless(WORLD, BODY, WORLD.signer(name, old_issuer=old_issuer)))
    assert judged(found, rooted(WORLD, pins=[Pin(name, ISSUER)])).status is Status.VERIFIED
    assert judged(found, rooted(WORLD, pins=[Pin(name[1:], ISSUER)])).status is Status.NOT_PINNED


def test_nothing_of_the_evidence_is_an_anchor() -> None:
    mine, theirs = Sigstore(), WORLD
    signer = theirs.signer()
    notes = keyless(theirs, BODY, signer)
    chain = pki.cert_pem(theirs.fulcio.certificate) + pki.cert_pem(theirs.root.certificate)
    notes["dev.sigstore.cosign/chain"] = chain.decode()
    mine.log_key, mine.ct_key = theirs.log_key, theirs.ct_key  # only the authority is a stranger
    judgement = judged(simple(BODY, notes), rooted(mine))
    assert judgement.status is Status.UNVERIFIABLE
    assert "leads to no root" in judgement.reason


def test_the_chain_annotation_is_not_needed() -> None:
    assert "dev.sigstore.cosign/chain" not in keyless(WORLD, BODY)


def test_without_a_root_nothing_is_said_of_the_signer() -> None:
    judgement = judged(simple(BODY, keyless(WORLD, BODY)), Material(pins=PINS))
    assert judgement.status is Status.UNVERIFIABLE
    assert "--trusted-root" in judgement.reason


def test_without_a_trusted_time_it_is_never_judged_now() -> None:
    notes = keyless(WORLD, BODY)
    del notes["dev.sigstore.cosign/bundle"]
    judgement = judged(simple(BODY, notes), rooted(WORLD, at=SIGNED_AT))  # the user's time is none of Fulcio's
    assert judgement.status is Status.UNVERIFIABLE
    assert "when it was signed" in judgement.reason


def test_the_time_of_a_log_is_signed() -> None:
    notes = keyless(WORLD, BODY)
    bundle = json.loads(notes["dev.sigstore.cosign/bundle"])
    bundle["Payload"]["integratedTime"] += 7200
    notes["dev.sigstore.cosign/bundle"] = json.dumps(bundle)
    judgement = judged(simple(BODY, notes), rooted(WORLD))
    assert judgement.status is Status.INVALID
    assert "promise" in judgement.reason


def test_a_certificate_that_had_ended_when_it_was_logged() -> None:
    signer = WORLD.signer()
    judgement = judged(simple(BODY, keyless(WORLD, BODY, signer, at=SIGNED_AT + timedelta(hours=2))), rooted(WORLD))
    assert judgement.status is Status.CERTIFICATE_EXPIRED
    assert judgement.signed is not None


def other_entry(**changes: Any) -> dict[str, str]:
    """A keyless signature with a genuine log entry of another signature (CVE-2022-36056)."""
    signer = WORLD.signer()
    signature = sign(signer.key, BODY)
    parts = {"message": BODY, "signature": signature, "verifier": pki.cert_pem(signer.certificate)} | changes
    return annotations(signature, certificate=signer.certificate, promise=WORLD.promise(hashedrekord(**parts)))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"message": b"another"}, "payload hash"),
        ({"signature": sign(KEY, BODY)}, "signature"),
        ({"verifier": pki.cert_pem(WORLD.signer().certificate)}, "key"),
        ({"verifier": pki.pem(KEY)}, "key"),
    ],
    ids=["payload", "signature", "certificate", "key"],
)
def test_the_log_entry_of_another_signature(change: dict[str, Any], what: str) -> None:
    assert judged(simple(BODY, other_entry()), rooted(WORLD)).status is Status.VERIFIED
    judgement = judged(simple(BODY, other_entry(**change)), rooted(WORLD))
    assert judgement.status is Status.INVALID
    assert what in judgement.reason


def test_a_log_entry_of_an_unknown_kind() -> None:
    signer = WORLD.signer()
    signature = sign(signer.key, BODY)
    entry = hashedrekord(BODY, signature, pki.cert_pem(signer.certificate)) | {"kind": "alpine"}
    notes = annotations(signature, certificate=signer.certificate, promise=WORLD.promise(entry))
    assert judged(simple(BODY, notes), rooted(WORLD)).status is Status.UNVERIFIABLE


@pytest.mark.parametrize(("which", "words"), [("log_until", "log's key"), ("certificate_log_until", "SCT")])
def test_a_log_key_that_did_not_count_any_more(which: str, words: str) -> None:
    root = WORLD.trusted_root(**{which: "2022-01-01T00:00:00Z"})
    judgement = judged(simple(BODY, keyless(WORLD, BODY)), Material(trusted_root=file(root), pins=PINS))
    assert judgement.status is Status.INVALID
    assert words in judgement.reason


def test_an_unknown_log_is_unverifiable() -> None:
    mine = Sigstore(root=WORLD.root, ct_key=WORLD.ct_key)
    mine.fulcio = WORLD.fulcio
    assert judged(simple(BODY, keyless(WORLD, BODY)), rooted(mine)).status is Status.UNVERIFIABLE


def test_an_unknown_certificate_log_is_unverifiable() -> None:
    mine = Sigstore(root=WORLD.root, log_key=WORLD.log_key)
    mine.fulcio = WORLD.fulcio
    judgement = judged(simple(BODY, keyless(WORLD, BODY)), rooted(mine))
    assert judgement.status is Status.UNVERIFIABLE
    assert "certificate's log" in judgement.reason


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"logged": False}, Status.UNVERIFIABLE),
        ({"ct_key": pki.ec_key()}, Status.INVALID),
        ({"purpose": pki.TIME_STAMPING}, Status.UNVERIFIABLE),
        ({"authority": WORLD.root.intermediate(ca=False)}, Status.UNVERIFIABLE),
        ({"authority": WORLD.root.intermediate(usage=False)}, Status.UNVERIFIABLE),
        ({"authority": WORLD.fulcio.intermediate()}, Status.UNVERIFIABLE),
    ],
    ids=[
        "no-sct",
        "forged-sct",
        "purpose",
        "issuer-is-no-authority",
        "issuer-may-not-sign-certificates",
        "too-long-a-path",
    ],
)
def test_a_certificate_that_is_not_as_fulcio_makes_it(change: dict[str, Any], status: Status) -> None:
    signer = WORLD.signer(**change)
    authority = change.get("authority")
    notes = keyless(WORLD, BODY, signer)
    material = rooted(WORLD)
    if authority is not None:  # even where the certificate between is handed in, its issuer may not issue
        material = rooted(WORLD, ca_intermediates=(file(pki.cert_pem(authority.certificate)),))
    assert judged(simple(BODY, notes), material).status is status


def test_two_identities_in_a_certificate_are_refused() -> None:
    from cryptography import x509

    names = x509.SubjectAlternativeName([x509.RFC822Name("a@example.com"), x509.RFC822Name(sigstore.IDENTITY)])
    root = Authority.root()
    key = pki.ec_key()
    certificate = root.issue(key, pki.name("x"), extensions=[(names, False)])
    notes = annotations(sign(key, BODY), certificate=certificate)
    assert (
        judged(simple(BODY, notes), Material(ca_roots=(file(pki.cert_pem(root.certificate)),))).status is Status.INVALID
    )


# an authority of one's own


def own(usage: bool = True, at_time: Any = SIGNED_AT, **more: Any) -> tuple[dict[str, str], Material]:
    root = Authority.root("own", usage=usage)
    between = root.intermediate()
    key = pki.ec_key()
    certificate = between.issue(key, pki.name("signer"))
    notes = annotations(sign(key, BODY), certificate=certificate, chain=pki.cert_pem(between.certificate), **more)
    pin = Pin(certificate.subject.rfc4514_string(), root.certificate.subject.rfc4514_string())
    return notes, Material(ca_roots=(file(pki.cert_pem(root.certificate)),), pins=(pin,), at=at_time)


@pytest.mark.parametrize("usage", [True, False], ids=["usage", "no-usage"])
def test_an_authority_of_ones_own_need_not_look_like_one_of_the_web(usage: bool) -> None:
    notes, material = own(usage)
    judgement = judged(simple(BODY, notes), material)
    assert judgement.status is Status.VERIFIED, judgement
    assert done(judgement)["certificate log"] == "not-done"


def test_an_authority_of_ones_own_needs_a_time() -> None:
    notes, material = own(at_time=None)
    assert judged(simple(BODY, notes), material).status is Status.UNVERIFIABLE
    notes, material = own(at_time=at(2040))
    assert judged(simple(BODY, notes), material).status is Status.CERTIFICATE_EXPIRED


def test_a_time_stamp_gives_the_time() -> None:
    notes, material = own(at_time=None)
    stamper = Stamper.make()
    signature = base64.b64decode(notes["dev.cosignproject.cosign/signature"])
    token = {"SignedRFC3161Timestamp": b64(stamper.response(signature))}
    notes["dev.sigstore.cosign/rfc3161timestamp"] = json.dumps(token)
    trusting = Material(
        ca_roots=material.ca_roots,
        pins=material.pins,
        timestamp_roots=(file(pki.cert_pem(stamper.authority.certificate)),),
    )
    judgement = judged(simple(BODY, notes), trusting)
    assert judgement.status is Status.VERIFIED
    assert judgement.time is not None
    assert judgement.time.source == "time-stamp authority"


@pytest.mark.parametrize("name", ["certificate", "bundle", "rfc3161timestamp"])
@pytest.mark.parametrize(
    "value", [LONE_SURROGATE, "", "null", "{}", "[]", "x", '{"Payload":{"integratedTime":true}}', "[" * 2000]
)
def test_annotations_that_are_no_good(name: str, value: str) -> None:
    notes = keyless(WORLD, BODY) | {f"dev.sigstore.cosign/{name}": value}
    allowed = (Status.INVALID, Status.UNVERIFIABLE)
    judgement = judged(simple(BODY, notes), rooted(WORLD))
    assert judgement.status in allowed or (name == "rfc3161timestamp" and not value)
