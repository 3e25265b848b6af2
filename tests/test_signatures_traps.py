"""What must not pass for a signature of an image, and what must not be called broken: one test for each trap."""

import json

import pytest

from imgforensics import Limits, Options, Severity
from imgforensics.model import Location
from imgforensics.signature import Binding, Found, Headline, Place, Purpose, Scheme, Status
from imgforensics.trust.material import Material
from imgforensics.trust.recognise import recognise
from tests import builder
from tests.builder import ImageSpec
from tests.signing import layouts, pki, sigstore
from tests.signing.ask import binding, keys, only, report, signatures
from tests.signing.layouts import Pack, attestation, docker29, holder, referrer, tagged
from tests.signing.sigstore import envelope, pae, payload, raw, sign, statement
from tests.support import bad, codes, descriptor, report_of, told
from tests.test_signatures_archives import CERTIFICATE, KEY, OTHER, TRUST, bundle, classic, signed

pytestmark = pytest.mark.usefixtures("offline")


def test_a_signed_manifest_over_changed_layers() -> None:
    pack = Pack()
    entries = tagged(pack, classic(pack.digest)).entries()
    place = f"blobs/sha256/{builder.sha256(pack.layers[0])}"
    builder.find(entries, place).data = builder.gz(builder.EVIL)
    given = report(entries, TRUST)
    assert binding(only(given)) == "unbound"
    assert signatures(given).headline is Headline.UNVERIFIABLE
    assert "IMG303" in codes(given)


def test_a_signed_artifact_signs_no_image() -> None:
    """A genuine signature of something small beside an image that nobody signed."""
    pack = Pack()
    artifact = holder([(b"text", "text/plain", {})], artifact_type="example/text")
    pack.put(b"{}", b"text").add(artifact)
    given = report(referrer(pack, bundle(builder.digest(artifact)), subject=descriptor(artifact)).entries(), TRUST)
    signature = only(given)
    assert (signature.judgement.status, signature.bound.level) == (Status.VERIFIED, "artifact")  # type: ignore[union-attr]
    assert signatures(given).headline is Headline.NONE


def test_one_signed_image_does_not_sign_another() -> None:
    pack = Pack()
    other = Pack(ImageSpec(tags=["example.com/other:2"], container={"Cmd": ["/other"]}))
    tagged(pack, classic(pack.digest))
    pack.listed.append(other.listed[0])
    pack.put(*other.blobs)
    given = report(pack.entries(), TRUST)
    assert sorted(signatures(given).headlines.values()) == [Headline.NONE, Headline.VERIFIED]
    assert signatures(given).headline is Headline.NONE


def test_an_attestation_is_no_signature() -> None:
    pack = Pack()
    given = report(referrer(pack, bundle(pack.digest, "https://slsa.dev/provenance/v1")).entries(), TRUST)
    signature = only(given)
    assert (signature.judgement.status, signature.found.purpose) == (Status.VERIFIED, Purpose.ATTESTATION)
    assert binding(signature) == "exact"
    assert signatures(given).headline is Headline.NONE


def test_an_attestation_of_cosign_in_its_tag() -> None:
    pack = Pack()
    body = statement(pack.digest, "https://slsa.dev/provenance/v1")
    content = raw(envelope(body, sign(KEY, pae(sigstore.PAYLOAD_TYPE, body))))
    entries = tagged(
        pack, (content, {"dev.cosignproject.cosign/signature": ""}), suffix="att", kind=layouts.DSSE
    ).entries()
    given = report(entries, TRUST)
    signature = only(given)
    assert (signature.found.scheme, signature.found.purpose) == (Scheme.DSSE, Purpose.ATTESTATION)
    assert (signature.judgement.status, binding(signature)) == (Status.VERIFIED, "exact")
    assert not bad(given), told(given)


def test_an_attestation_of_buildkit_is_unsigned() -> None:
    given = report(builder.containerd([ImageSpec()], attestation=True), TRUST)
    signature = only(given)
    assert (signature.found.scheme, signature.judgement.status) == (Scheme.UNSIGNED, Status.UNSIGNED)
    assert signature.bound is None
    assert signatures(given).headline is Headline.NONE
    assert "IMG708" in codes(given, Severity.NOTE)


def test_a_bill_of_materials_in_its_tag_is_unsigned() -> None:
    pack = Pack()
    made = holder([(b"{}", "text/spdx+json", {})])
    entries = pack.put(b"{}").add(made, annotations={layouts.REF: pack.digest.replace(":", "-") + ".sbom"}).entries()
    signature = only(report(entries, TRUST))
    assert (signature.judgement.status, signature.found.claims.predicate_type) == (Status.UNSIGNED, "text/spdx+json")


@pytest.mark.parametrize("wrong", ["size", "digest"])
def test_the_second_hop_is_checked_too(wrong: str) -> None:
    pack = Pack()
    subject = pack.subject | ({"size": 1} if wrong == "size" else {"digest": OTHER})
    made = attestation(pack, subject=subject)
    given = report(docker29(pack, bundle(builder.digest(made)), made).entries(), TRUST)
    signature = signed(given)
    assert signature.judgement.status is Status.VERIFIED
    assert signature.bound.binding not in (Binding.EXACT, Binding.VIA_CONFIG, Binding.RECONSTRUCTED)
    assert signatures(given).headline is not Headline.VERIFIED


def test_only_an_attestation_is_a_hop() -> None:
    """A signed manifest with a subject and other layers speaks for itself alone."""
    pack = Pack()
    made = holder([(b"text", "text/plain", {})], artifact_type="example/text", subject=pack.subject)
    pack.put(b"{}", b"text").add(made)
    given = report(referrer(pack, bundle(builder.digest(made)), subject=descriptor(made)).entries(), TRUST)
    assert signatures(given).headline is not Headline.VERIFIED


def test_invalid_outranks_another_digest() -> None:
    """A broken signature that names another digest is noise: it is bound to nothing."""
    pack = Pack()
    content = json.loads(bundle(OTHER))
    content["dsseEnvelope"]["payloadType"] = "x"
    given = report(referrer(pack, raw(content)).entries(), TRUST)
    assert (only(given).judgement.status, only(given).bound) == (Status.INVALID, None)
    assert signatures(given).headline is Headline.INVALID


def test_a_stranger_that_names_another_digest_is_a_hint() -> None:
    pack = Pack()
    given = report(referrer(pack, bundle(OTHER)).entries(), keys(pki.ec_key()))
    assert signatures(given).headline is Headline.UNVERIFIABLE
    assert "IMG702" not in codes(given)


def test_one_good_signature_is_enough_and_the_bad_one_is_told() -> None:
    pack = Pack()
    body, notes = classic(pack.digest)
    broken = notes | {"dev.cosignproject.cosign/signature": "%"}
    given = report(tagged(pack, (body, notes), (body, broken)).entries(), TRUST)
    assert signatures(given).headline is Headline.VERIFIED
    assert "IMG701" in codes(given)


def test_a_blob_that_is_not_what_names_it() -> None:
    pack = Pack()
    content = bundle(pack.digest)
    entries = referrer(pack, content).entries()
    builder.find(entries, builder.sha256(content)).data = bundle(OTHER)
    given = report(entries, TRUST)
    assert only(given).judgement.status is Status.INVALID
    assert signatures(given).headline is Headline.INVALID


def test_a_signature_whose_blob_is_missing() -> None:
    pack = Pack()
    content = bundle(pack.digest)
    entries = [each for each in referrer(pack, content).entries() if builder.sha256(content) not in each.path]
    assert only(report(entries, TRUST)).judgement.status is Status.UNVERIFIABLE


def test_a_signature_of_an_image_that_is_not_here() -> None:
    """A store of many images may keep signatures of some that were not saved."""
    pack = Pack()
    given = report(tagged(pack, classic(OTHER), of=OTHER).entries(), TRUST)
    assert (only(given).judgement.status, binding(only(given))) == (Status.VERIFIED, "unbound")
    assert signatures(given).headline is Headline.NONE
    assert not bad(given), told(given)


def test_keys_and_roots_in_the_archive_are_no_trust() -> None:
    pack = Pack().put(pki.pem(KEY), pki.cert_pem(CERTIFICATE))
    given = report(tagged(pack, classic(pack.digest)).entries(), Material())
    assert signatures(given).headline is Headline.UNVERIFIABLE


def test_an_image_that_nothing_loads_is_not_signed() -> None:
    pack = Pack()
    other = Pack(ImageSpec(container={"Cmd": ["/evil"]}))
    tagged(pack, classic(other.digest), of=pack.digest).put(*other.blobs)
    given = report(pack.entries(), TRUST)
    assert signatures(given).headline is not Headline.VERIFIED


def test_so_many_signatures_at_most() -> None:
    pack = Pack()
    body = payload(pack.digest)
    layers = [(body + b" " * number, {"dev.cosignproject.cosign/signature": "AAAA"}) for number in range(30)]
    entries = tagged(pack, *layers).entries()
    options = Options(signatures=True, trust=TRUST, limits=Limits(signatures=20))
    assert not signatures(report_of(entries, options)).found
    two = tagged(Pack(), *layers[:15])
    tagged(two, *layers[15:])
    assert len(signatures(report_of(two.entries(), options)).found) == 20


def test_one_image_of_several() -> None:
    pack = Pack()
    other = Pack(ImageSpec(tags=["example.com/other:2"], container={"Cmd": ["/other"]}))
    tagged(pack, classic(pack.digest))
    pack.listed.append(other.listed[0])
    pack.put(*other.blobs)
    given = report(pack.entries(), TRUST, image="1.0", require_signature=True)
    assert signatures(given).headline is Headline.VERIFIED
    assert "IMG707" not in codes(given)
    assert "IMG707" in codes(report(pack.entries(), TRUST, image="2", require_signature=True))


def test_a_blob_that_is_named_a_thousandfold_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = Pack()
    content = b"\xd2\x84" + bytes(1000)
    pack.put(b"{}", content)
    for number in range(50):
        pack.put(holder([(content, layouts.COSE, {})] * 20, artifact_type=f"example/{number}", subject=pack.subject))
    seen = []

    def counted(given: bytes, place: Place, where: Location) -> Found | None:
        seen.append(given)
        return recognise(given, place, where)

    monkeypatch.setattr("imgforensics.trust.discover.recognise", counted)
    assert len(signatures(report(pack.entries(), Material())).found) == 1
    assert seen.count(content) == 1


def test_binary_signatures_are_read_up_to_a_bound() -> None:
    pack = Pack()
    contents = [b"\xd2\x84" + bytes(1000 + number) for number in range(4)]
    for content in contents:
        referrer(pack, content, layouts.COSE, how="orphan")
    options = Options(signatures=True, limits=Limits(signature=1003))
    found = signatures(report_of(pack.entries(), options)).found
    assert sorted(len(each.found.content) for each in found) == [0, 0, 1002, 1003]
