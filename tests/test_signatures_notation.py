"""Notary Project signatures: both envelopes, every algorithm, trust stores and policies, times."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from imgforensics import InputError
from imgforensics.signature import Judgement, Status
from imgforensics.trust.material import Material, NotationTrust
from tests.signing import notation, pki, sigstore
from tests.signing.ask import at, done, file, judged
from tests.signing.notation import attributes, cose, jws, policy, target
from tests.signing.pki import SIGNED_AT, Authority, Stamper, cert_pem, name

pytestmark = pytest.mark.usefixtures("offline")

MANIFEST = b'{"schemaVersion":2,"config":{},"layers":[]}'
PAYLOAD = target(MANIFEST)
ROOT = Authority.root("acme root")
KEY = pki.ec_key()
LEAF = ROOT.issue(KEY, name("signer"))
CHAIN = [LEAF, ROOT.certificate]
STAMPER = Stamper.make()
SUBJECT = "x509.subject: C=US, ST=WA, O=Example, CN=signer"

Envelope = Callable[..., bytes]
both = pytest.mark.parametrize("make", [jws, cose], ids=["jws", "cose"])


def trust(
    *policies: dict[str, Any],
    ca: tuple[x509.Certificate, ...] = (ROOT.certificate,),
    kind: str = "ca",
    at_time: Any = SIGNED_AT,
    tsa: bool = True,
    **more: Any,
) -> Material:
    """Trust in these stores; by default one policy that names the signer."""
    stores = {(kind, "acme"): tuple(file(cert_pem(each)) for each in ca)}
    if tsa:
        stores["tsa", "stamps"] = (file(cert_pem(STAMPER.authority.certificate)),)
    chosen = policies or (policy(SUBJECT, stores=(f"{kind}:acme", "tsa:stamps")),)
    document = json.dumps({"version": "1.0", "trustPolicies": list(chosen)}).encode()
    return Material(notation=NotationTrust(stores, file(document, "trustpolicy.json")), at=at_time, **more)


def verified(judgement: Judgement) -> bool:
    return judgement.status is Status.VERIFIED


@both
@pytest.mark.parametrize(
    "key",
    [
        pki.ec_key(),
        pki.ec_key(ec.SECP384R1()),
        pki.ec_key(ec.SECP521R1()),
        sigstore.rsa_key(2048),
        sigstore.rsa_key(3072),
    ],
    ids=["p256", "p384", "p521", "rsa2048", "rsa3072"],
)
def test_every_algorithm(make: Envelope, key: notation.Key) -> None:
    chain = [ROOT.issue(key, name("signer")), ROOT.certificate]
    judgement = judged(make(key, chain, PAYLOAD), trust())
    assert verified(judgement), judgement
    assert judgement.signed is not None
    assert judgement.signed.size == len(MANIFEST)
    assert done(judgement)["revocation"] == "not-done"


@both
def test_an_algorithm_that_is_not_the_keys(make: Envelope) -> None:
    given = make(KEY, CHAIN, PAYLOAD, algorithm="ES384")
    assert judged(given, trust()).status is Status.INVALID
    key = sigstore.rsa_key(2048)
    chain = [ROOT.issue(key, name("signer")), ROOT.certificate]
    assert judged(make(key, chain, PAYLOAD, algorithm="PS384"), trust()).status is Status.INVALID
    assert judged(make(KEY, CHAIN, PAYLOAD, said_algorithm="PS256"), trust()).status is Status.INVALID


@both
def test_a_payload_of_another_type(make: Envelope) -> None:
    assert judged(make(KEY, CHAIN, PAYLOAD, content_type="text/plain"), trust()).status is Status.INVALID


def test_a_key_that_is_not_for_signatures() -> None:
    made = pki.base(name("signer"), KEY.public_key(), ROOT.certificate.subject, start=SIGNED_AT, days=10)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(pki.key_usage(certificates=True), critical=True)
    leaf = made.sign(ROOT.key, hashes.SHA256())
    assert judged(jws(KEY, [leaf, ROOT.certificate], PAYLOAD), trust()).status is Status.UNVERIFIABLE


@both
def test_a_changed_payload(make: Envelope) -> None:
    given = make(KEY, CHAIN, PAYLOAD)
    if make is jws:
        document = json.loads(given)
        document["payload"] = json.loads(jws(KEY, CHAIN, target(b"{}")))["payload"]
        changed = json.dumps(document).encode()
    else:
        tag = cbor2.loads(given)
        changed = cbor2.dumps(cbor2.CBORTag(18, [*tag.value[:2], target(b"{}"), tag.value[3]]))
    assert judged(changed, trust()).status is Status.INVALID


def test_the_original_protected_bytes_count() -> None:
    """A header that decodes to the same and is written otherwise is another message."""
    tag = cbor2.loads(cose(KEY, CHAIN, PAYLOAD))
    protected = cbor2.loads(tag.value[0])
    rewritten = cbor2.dumps(dict(reversed(list(protected.items()))))
    assert rewritten != tag.value[0]
    changed = cbor2.dumps(cbor2.CBORTag(18, [rewritten, *tag.value[1:]]))
    assert judged(changed, trust()).status is Status.INVALID


def test_one_certificate_need_not_be_a_list() -> None:
    protected, unprotected, *rest = cbor2.loads(cose(KEY, CHAIN, PAYLOAD)).value
    alone = dict(unprotected) | {33: unprotected[33][0]}
    assert verified(judged(cbor2.dumps(cbor2.CBORTag(18, [protected, alone, *rest])), trust()))


# who is trusted


@both
def test_another_root(make: Envelope) -> None:
    other = trust(ca=(Authority.root("acme root").certificate,))
    judgement = judged(make(KEY, CHAIN, PAYLOAD), other)
    assert judgement.status is Status.UNVERIFIABLE
    assert "leads to no root" in judgement.reason
    assert judged(make(KEY, CHAIN, PAYLOAD), Material()).status is Status.UNVERIFIABLE


@pytest.mark.parametrize(
    ("identity", "status"),
    [
        (SUBJECT, Status.VERIFIED),
        ("x509.subject: C=US, ST=WA, O=Example", Status.VERIFIED),
        ("x509.subject: C=US,S=WA,O=Example", Status.VERIFIED),
        ("x509.subject: C=US, ST=WA, O=Example, CN=another", Status.NOT_PINNED),
        ("x509.subject: C=US, ST=WA, O=Exam", Status.NOT_PINNED),
        ("*", Status.NOT_PINNED),
    ],
)
def test_identities_are_parts_of_a_name(identity: str, status: Status) -> None:
    assert judged(jws(KEY, CHAIN, PAYLOAD), trust(policy(identity))).status is status


def test_without_a_policy_nobody_is_named() -> None:
    stores = {("ca", "acme"): (file(cert_pem(ROOT.certificate)),)}
    assert (
        judged(jws(KEY, CHAIN, PAYLOAD), Material(notation=NotationTrust(stores), at=SIGNED_AT)).status
        is Status.NOT_PINNED
    )


def test_stores_that_the_policy_does_not_name_do_not_count() -> None:
    assert judged(jws(KEY, CHAIN, PAYLOAD), trust(policy(SUBJECT, stores=["ca:other"]))).status is Status.UNVERIFIABLE
    authority = trust(policy(SUBJECT, stores=["signingAuthority:acme"]), kind="signingAuthority")
    assert judged(jws(KEY, CHAIN, PAYLOAD), authority).status is Status.UNVERIFIABLE


def test_the_policy_is_chosen_by_the_user_and_never_by_a_tag() -> None:
    mine = policy(SUBJECT, scopes=["example.com/mine"])
    others = policy("*", scopes=["example.com/others"])
    given = jws(KEY, CHAIN, PAYLOAD)
    assert "--reference" in judged(given, trust(mine, others)).reason
    assert verified(judged(given, trust(mine, others, reference="example.com/mine:1.0")))
    assert judged(given, trust(mine, others, reference="example.com/others@sha256:ab")).status is Status.NOT_PINNED
    assert judged(given, trust(mine, others, reference="example.com/third")).status is Status.UNVERIFIABLE
    everybody = policy(SUBJECT)
    assert verified(judged(given, trust(everybody, others)))
    assert judged(given, trust(policy(SUBJECT, level="skip"))).status is Status.UNVERIFIABLE


@pytest.mark.parametrize(
    "text", [b"x", b"{}", b'{"trustPolicies":[{"registryScopes":["*"],"trustedIdentities":["CN=x"]}]}']
)
def test_a_policy_that_is_none_is_the_users_error(text: bytes) -> None:
    stores = {("ca", "acme"): (file(cert_pem(ROOT.certificate)),)}
    with pytest.raises(InputError):
        judged(jws(KEY, CHAIN, PAYLOAD), Material(notation=NotationTrust(stores, file(text)), at=SIGNED_AT))


def test_a_store_without_a_certificate_is_the_users_error() -> None:
    with pytest.raises(InputError, match="no certificate"):
        judged(
            jws(KEY, CHAIN, PAYLOAD), Material(notation=NotationTrust({("ca", "acme"): (file(b"x"),)}), at=SIGNED_AT)
        )


def test_a_self_signed_certificate_in_the_store() -> None:
    key = pki.ec_key()
    own = pki.self_signed(key, "test")
    stores = {("ca", "acme"): (file(cert_pem(own)),)}
    material = Material(notation=NotationTrust(stores), at=SIGNED_AT)
    assert verified(judged(jws(key, [own], PAYLOAD), material))
    same_name = pki.self_signed(pki.ec_key(), "test")
    given = jws(key, [own], PAYLOAD)
    other = Material(notation=NotationTrust({("ca", "acme"): (file(cert_pem(same_name)),)}), at=SIGNED_AT)
    assert judged(given, other).status is Status.UNVERIFIABLE


def test_a_certificate_for_another_purpose() -> None:
    chain = [ROOT.issue(KEY, name("signer"), purpose=pki.TIME_STAMPING), ROOT.certificate]
    assert judged(jws(KEY, chain, PAYLOAD), trust()).status is Status.UNVERIFIABLE


# when


@both
def test_without_a_trusted_time_it_is_never_judged_now(make: Envelope) -> None:
    judgement = judged(make(KEY, CHAIN, PAYLOAD), trust(at_time=None))
    assert judgement.status is Status.UNVERIFIABLE
    assert "--at" in judgement.reason


@both
def test_a_time_stamp_outlives_the_certificate(make: Envelope) -> None:
    given = make(KEY, CHAIN, PAYLOAD, stamper=STAMPER)
    judgement = judged(given, trust(at_time=at(2040)))
    assert verified(judgement)
    assert judgement.time is not None
    assert judgement.time.at == SIGNED_AT
    assert judged(make(KEY, CHAIN, PAYLOAD), trust(at_time=at(2040))).status is Status.CERTIFICATE_EXPIRED


def test_a_time_stamp_after_the_certificate_ended() -> None:
    given = jws(KEY, CHAIN, PAYLOAD, stamper=STAMPER, at=SIGNED_AT + timedelta(days=500))
    judgement = judged(given, trust())
    assert judgement.status is Status.CERTIFICATE_EXPIRED
    assert judgement.signed is not None


def test_a_time_stamp_of_an_unknown_authority_does_not_count() -> None:
    given = jws(KEY, CHAIN, PAYLOAD, stamper=Stamper.make())
    assert judged(given, trust(at_time=None)).status is Status.UNVERIFIABLE
    assert done(judged(given, trust()))["time stamp"] == "not-done"


def test_a_time_stamp_of_another_signature() -> None:
    document = json.loads(jws(KEY, CHAIN, PAYLOAD, stamper=STAMPER))
    other = json.loads(jws(KEY, CHAIN, PAYLOAD, stamper=STAMPER))
    field = "io.cncf.notary.timestampSignature"
    document["header"][field] = other["header"][field]
    assert judged(json.dumps(document).encode(), trust()).status is Status.INVALID


@both
def test_a_signature_expires(make: Envelope) -> None:
    given = make(KEY, CHAIN, PAYLOAD, signed=attributes(expiry=at(2024, 12)))
    assert verified(judged(given, trust(at_time=at(2024, 11))))
    judgement = judged(given, trust(at_time=at(2025, 1)))
    assert judgement.status is Status.SIGNATURE_EXPIRED
    stamped = make(KEY, CHAIN, PAYLOAD, signed=attributes(expiry=at(2024, 12)), stamper=STAMPER)
    assert judged(stamped, trust(at_time=None)).status is Status.UNVERIFIABLE


@both
def test_a_signing_authority(make: Envelope) -> None:
    scheme = "notary.x509.signingAuthority"
    given = make(KEY, CHAIN, PAYLOAD, signed=attributes(scheme=scheme, authentic=SIGNED_AT))
    judgement = judged(given, trust(kind="signingAuthority", at_time=None))
    assert verified(judgement), judgement
    assert judgement.time is not None
    assert judgement.time.source == "signing authority"
    assert judged(given, trust()).status is Status.UNVERIFIABLE, "its own kind of trust store"


# attributes


@both
@pytest.mark.parametrize(
    ("signed", "status"),
    [
        (attributes(plugin="com.example.plugin"), Status.UNVERIFIABLE),
        (({"io.cncf.notary.signingScheme": "notary.x509"}, ["io.cncf.notary.signingScheme", "x"]), Status.INVALID),
        (({"io.cncf.notary.signingScheme": "notary.x509"}, []), Status.INVALID),
        (({}, ["io.cncf.notary.signingScheme"]), Status.INVALID),
        (({"io.cncf.notary.signingScheme": "other"}, ["io.cncf.notary.signingScheme"]), Status.UNVERIFIABLE),
        (attributes(scheme="notary.x509.signingAuthority"), Status.INVALID),
        (
            (attributes(expiry=at(2030))[0], ["io.cncf.notary.signingScheme"]),
            Status.INVALID,
        ),
    ],
    ids=[
        "plugin",
        "unknown-critical",
        "not-critical",
        "no-scheme",
        "scheme",
        "no-authentic-time",
        "expiry-not-critical",
    ],
)
def test_attributes_that_must_be_understood(make: Envelope, signed: Any, status: Status) -> None:
    assert judged(make(KEY, CHAIN, PAYLOAD, signed=signed), trust(kind="ca")).status is status


@pytest.mark.parametrize(
    "payload", [b"{}", b"x", PAYLOAD[:-1] + b',"targetArtifact":{}}', b'{"targetArtifact":{"digest":"sha256:1"}}']
)
@both
def test_a_payload_that_is_none(make: Envelope, payload: bytes) -> None:
    assert judged(make(KEY, CHAIN, payload), trust()).status is Status.INVALID


@pytest.mark.parametrize(
    "given",
    [
        b"\xd2\x84",
        b"\xd2\x84\x40\xa0\x40\x40",
        b"\xd2\x84\x41\xff\xa0\x40\x40",
        cbor2.dumps(cbor2.CBORTag(18, [b"", {}, None, b""])),
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -7}), {33: [b"x"]}, b"{}", b"s"])),
        cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps([]), {}, b"{}", b"s"])),
        b"\xd2\x84" + b"\x81" * 5000,
        b'{"payload":"","protected":"","signature":""}',
        b'{"payload":"e30","protected":"e30","signature":"","header":{"x5c":["AAAA"]}}',
    ],
)
def test_envelopes_that_are_none(given: bytes) -> None:
    assert judged(given, trust()).status is Status.INVALID
