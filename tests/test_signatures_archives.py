"""Signatures in archives: found wherever tools leave them, bound to what they sign and to nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from imgforensics import Options, Severity
from imgforensics.report import ArchiveReport
from imgforensics.signature import Headline, Place, Scheme, Status
from imgforensics.trust.material import Material, NotationTrust
from tests import builder
from tests.builder import ImageSpec
from tests.signing import layouts, notation, pki, sigstore
from tests.signing.ask import binding, file, keys, only, report, rooted, signatures
from tests.signing.layouts import Pack, attestation, dir_image, docker29, holder, kinds, referrer, sigstore_file, tagged
from tests.signing.sigstore import annotations, key_bundle, payload, raw, sign, statement
from tests.support import bad, case_of, codes, descriptor, report_of, told
from tests.support import manifest as manifest_of

pytestmark = pytest.mark.usefixtures("offline")

KEY = pki.ec_key()
TRUST = keys(KEY)
OTHER = "sha256:" + "0" * 64

Layer = tuple[bytes, dict[str, str]]


def classic(digest: str) -> Layer:
    """A signature of cosign 1 and 2 over a digest."""
    body = payload(digest)
    return body, annotations(sign(KEY, body))


def bundle(digest: str, predicate: str = sigstore.COSIGN_PREDICATE) -> bytes:
    """A signature of cosign 3 over a digest."""
    return raw(key_bundle(KEY, statement(digest, predicate)))


def jws(manifest: bytes) -> bytes:
    return notation.jws(KEY, [CERTIFICATE], notation.target(manifest))


CERTIFICATE = pki.self_signed(KEY, "signer")
NOTATION = Material(
    notation=NotationTrust({("ca", "x"): (file(pki.cert_pem(CERTIFICATE)),)}),
    at=pki.SIGNED_AT,
)


def _two_hops(pack: Pack, digest: str) -> Any:
    made = attestation(pack)
    return docker29(pack, bundle(digest if digest == OTHER else builder.digest(made)), made).entries()


FORMS: dict[str, tuple[Callable[[Pack, str], Any], Scheme, Place]] = {
    "tag": (lambda pack, digest: tagged(pack, classic(digest)).entries(), Scheme.COSIGN, Place.TAG),
    "kind": (lambda pack, digest: kinds(pack, classic(digest)).entries(), Scheme.COSIGN, Place.INDEX),
    "oci-1.1": (
        lambda pack, digest: _experimental(pack, *classic(digest)).entries(),
        Scheme.COSIGN,
        Place.REFERRER,
    ),
    "referrer": (lambda pack, digest: referrer(pack, bundle(digest)).entries(), Scheme.BUNDLE, Place.REFERRER),
    "orphan": (
        lambda pack, digest: referrer(pack, bundle(digest), how="orphan").entries(),
        Scheme.BUNDLE,
        Place.ORPHAN,
    ),
    "fallback": (
        lambda pack, digest: referrer(pack, bundle(digest), how="fallback").entries(),
        Scheme.BUNDLE,
        Place.TAG,
    ),
    "folder": (lambda pack, digest: dir_image(pack, sigstore_file(*classic(digest))), Scheme.COSIGN, Place.FOLDER),
    "docker-29": (_two_hops, Scheme.BUNDLE, Place.REFERRER),
}


def _experimental(pack: Pack, body: bytes, notes: dict[str, str]) -> Pack:
    made = holder(
        [(body, layouts.SIMPLE_SIGNING, notes)],
        config_type="application/vnd.dev.cosign.artifact.sig.v1+json",
        subject=pack.subject,
    )
    return pack.put(b"{}", body).add(made)


def signed(given: ArchiveReport) -> Any:
    found = [each for each in signatures(given).found if each.found.scheme is not Scheme.UNSIGNED]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_verified_and_bound(form: str) -> None:
    make, scheme, place = FORMS[form]
    pack = Pack()
    given = report(make(pack, pack.digest), TRUST)
    signature = signed(given)
    assert (signature.found.scheme, signature.found.place) == (scheme, place)
    assert (signature.judgement.status, binding(signature)) == (Status.VERIFIED, "exact")
    assert signature.bound.images == (0,)
    assert signature.bound.level == ("attestation" if form == "docker-29" else "manifest")
    assert signatures(given).headline is Headline.VERIFIED
    assert not {each for each in codes(given) if each.startswith("IMG7")}, told(given)
    if form != "folder":  # which is no archive of images, and has its own findings
        assert not bad(given), told(given)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_that_signs_something_else(form: str) -> None:
    """Tags, ``subject`` and folders lie; the digest that was signed does not."""
    pack = Pack()
    given = report(FORMS[form][0](pack, OTHER), TRUST)
    signature = signed(given)
    assert (signature.judgement.status, binding(signature)) == (Status.VERIFIED, "other-digest")
    assert signatures(given).headline is Headline.DIFFERENT
    assert "IMG702" in codes(given, Severity.ERROR)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_that_was_changed(form: str) -> None:
    pack = Pack()
    entries = FORMS[form][0](pack, pack.digest)
    for entry in entries:
        if any(word in entry.data for word in (b"critical", b"dsseEnvelope", b"sigstore-json")):
            entry.data = entry.data.replace(b"cosign container", b"cosign Container").replace(
                b'"payload": "e', b'"payload": "f'
            )
    given = report(entries, TRUST)
    assert signed(given).judgement.status in (Status.INVALID, Status.UNVERIFIABLE)
    assert signatures(given).headline is not Headline.VERIFIED


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_shown_without_trust_as_a_claim(form: str) -> None:
    pack = Pack()
    given = report(FORMS[form][0](pack, pack.digest), Material())
    signature = signed(given)
    assert signature.judgement.status is Status.UNVERIFIABLE
    assert signature.judgement.signed is None
    assert signature.found.claims.digests
    assert signatures(given).headline is Headline.UNVERIFIABLE
    assert "IMG703" in codes(given, Severity.NOTE)


def test_nothing_is_looked_for_unless_asked() -> None:
    pack = Pack()
    entries = tagged(pack, classic(OTHER)).entries()
    given = report_of(entries)
    assert case_of(given).signatures is None
    assert not bad(given)


# Notary Project


@pytest.mark.parametrize("how", ["listed", "orphan", "fallback"])
@pytest.mark.parametrize("kind", [layouts.JWS, layouts.COSE])
def test_signatures_of_notation(kind: str, how: str) -> None:
    make = notation.jws if kind == layouts.JWS else notation.cose
    pack = Pack()
    envelope_ = make(KEY, [CERTIFICATE], notation.target(pack.manifest))
    given = report(referrer(pack, envelope_, kind, artifact_type=layouts.NOTATION, how=how).entries(), NOTATION)
    signature = only(given)
    assert (signature.judgement.status, binding(signature)) == (Status.VERIFIED, "exact")
    assert signatures(given).headline is Headline.VERIFIED
    pack = Pack()
    envelope_ = make(KEY, [CERTIFICATE], notation.target(b"another"))
    given = report(referrer(pack, envelope_, kind, artifact_type=layouts.NOTATION, how=how).entries(), NOTATION)
    assert binding(only(given)) == "other-digest"


@pytest.mark.parametrize(
    ("change", "words"),
    [({"size": 1}, "1 bytes are signed"), ({"mediaType": builder.OCI_INDEX}, "is signed, and the document")],
)
def test_size_and_type_are_signed_too(change: dict[str, Any], words: str) -> None:
    pack = Pack()
    envelope_ = notation.jws(KEY, [CERTIFICATE], notation.target(pack.manifest, **change))
    given = report(referrer(pack, envelope_, layouts.JWS).entries(), NOTATION)
    assert binding(only(given)) == "other-digest"
    assert words in only(given).bound.how  # type: ignore[union-attr]


WORLD = sigstore.Sigstore()


def _keyless(pack: Pack, digest: str) -> Any:
    body = payload(digest)
    return tagged(pack, (body, sigstore.keyless(WORLD, body))).entries()


def _keyless_bundle(pack: Pack, digest: str) -> Any:
    return referrer(pack, raw(sigstore.keyless_bundle(WORLD, statement(digest)))).entries()


def _att(pack: Pack, digest: str) -> Any:
    body = statement(digest, "https://slsa.dev/provenance/v1")
    sealed = raw(sigstore.envelope(body, sign(KEY, sigstore.pae(sigstore.PAYLOAD_TYPE, body))))
    return tagged(pack, (sealed, {}), suffix="att", kind=layouts.DSSE).entries()


@pytest.mark.parametrize(
    ("make", "trusting", "headlines"),
    [
        (_keyless, rooted(WORLD), (Headline.VERIFIED, Headline.DIFFERENT)),
        (_keyless_bundle, rooted(WORLD), (Headline.VERIFIED, Headline.DIFFERENT)),
        (_att, TRUST, None),  # an attestation signs no image: it has no say in the headline
    ],
)
def test_keyless_signatures_and_attestations_are_bound_too(
    make: Callable[[Pack, str], Any], trusting: Material, headlines: tuple[Headline, Headline] | None
) -> None:
    pack = Pack()
    right, wrong = report(make(pack, pack.digest), trusting), report(make(Pack(), OTHER), trusting)
    assert (only(right).judgement.status, binding(only(right))) == (Status.VERIFIED, "exact"), only(right).judgement
    assert (only(wrong).judgement.status, binding(only(wrong))) == (Status.VERIFIED, "other-digest")
    if headlines is not None:
        assert (signatures(right).headline, signatures(wrong).headline) == headlines


# detached


@pytest.mark.parametrize("layout", ["oci_archive", "containerd", "umoci"])
def test_a_signature_beside_an_archive(layout: str) -> None:
    entries = builder.LAYOUTS[layout]([ImageSpec()])
    (manifest,) = [each.data for each in entries if b'"schemaVersion"' in each.data and b'"layers"' in each.data]
    given = report(entries, keys(KEY, detached=(file(bundle(builder.digest(manifest))),)))
    assert (only(given).found.place, binding(only(given))) == (Place.DETACHED, "exact")
    assert signatures(given).headline is Headline.VERIFIED
    other = report(entries, keys(KEY, detached=(file(bundle(OTHER)),)))
    if layout == "containerd":  # a store that keeps the registry's manifests
        assert (binding(only(other)), signatures(other).headline) == ("other-digest", Headline.DIFFERENT)
    else:  # a copy, for which the manifest may have been converted
        assert (binding(only(other)), signatures(other).headline) == ("unbound", Headline.UNVERIFIABLE)
        assert not bad(other), told(other)


def test_a_manifest_that_was_handed_in_leads_to_the_config() -> None:
    """docker save throws the manifest away: signature, manifest, config, diff_ids, layers."""
    pack = Pack(ImageSpec(layers=[builder.layer({"a": bytes(5000)})]))
    pack.layers = [builder.gz(each, level=9, mtime=12345) for each in pack.spec.layers]  # as no known tool compresses
    manifest = manifest_of(pack.config, pack.layers, f"{builder.OCI_LAYER}+gzip")
    saved = builder.crane([ImageSpec(layers=pack.spec.layers, raw_config=pack.config)], compression="none")
    trusting = keys(KEY, detached=(file(bundle(builder.digest(manifest))),))
    given = report(saved, trusting, manifest)
    assert binding(only(given)) == "via-config"
    assert signatures(given).headline is Headline.VERIFIED
    without = report(saved, trusting)
    assert binding(only(without)) == "unbound"
    assert signatures(without).headline is Headline.UNVERIFIABLE
    assert "IMG706" in codes(without, Severity.NOTE)
    assert not bad(without), told(without)


def test_a_manifest_that_was_handed_in_refutes() -> None:
    other = Pack(ImageSpec(container={"Cmd": ["/other"]}))
    given = report(builder.crane([ImageSpec()]), keys(KEY, detached=(file(bundle(other.digest)),)), other.manifest)
    assert binding(only(given)) == "other-digest"
    assert signatures(given).headline is Headline.DIFFERENT


def test_an_index_that_was_handed_in_leads_to_its_manifests() -> None:
    pack = Pack()
    index = builder.go({"schemaVersion": 2, "mediaType": builder.OCI_INDEX, "manifests": [descriptor(pack.manifest)]})
    trusting = keys(KEY, detached=(file(bundle(builder.digest(index))),))
    given = report(pack.entries(), trusting, index)
    assert (binding(only(given)), only(given).bound.level) == ("exact", "index")  # type: ignore[union-attr]
    saved = builder.crane([ImageSpec(raw_config=pack.config)], compression="none")
    given = report(saved, trusting, index, pack.manifest)
    assert binding(only(given)) == "via-config"
    alone = report(saved, trusting, index)
    assert binding(only(alone)) in ("unbound", "reconstructed")
    strange = report(builder.crane([ImageSpec(created=builder.EPOCH)]), trusting, index, pack.manifest)
    assert binding(only(strange)) == "unbound"


def test_a_rebuilt_manifest_is_proof() -> None:
    """The signed digest drives the search of ``digest --expect``."""
    saved = builder.docker_legacy([ImageSpec()])
    rebuilt = report_of(saved, Options(digests=True)).registries[0].likely
    assert rebuilt is not None
    given = report(saved, keys(KEY, detached=(file(bundle(str(rebuilt.digest))),)))
    assert binding(only(given)) == "reconstructed"
    assert signatures(given).headline is Headline.VERIFIED
    sized = notation.target(rebuilt.content)
    signature = only(
        report(
            saved,
            Material(
                notation=NOTATION.notation, at=NOTATION.at, detached=(file(notation.jws(KEY, [CERTIFICATE], sized)),)
            ),
        )
    )
    assert binding(signature) == "other-digest", "another media type was signed"
    sized = notation.target(rebuilt.content, mediaType=rebuilt.media_type)
    signature = only(
        report(
            saved,
            Material(
                notation=NOTATION.notation, at=NOTATION.at, detached=(file(notation.jws(KEY, [CERTIFICATE], sized)),)
            ),
        )
    )
    assert binding(signature) == "reconstructed"


def test_a_signed_index_in_the_archive() -> None:
    specs = [ImageSpec(), ImageSpec(platform="linux/arm64")]
    entries = builder.containerd(specs, index=True)
    indexes = [each.data for each in entries if each.path.startswith("blobs") and b'"manifests"' in each.data]
    given = report(entries, keys(KEY, detached=(file(bundle(builder.digest(indexes[0]))),)))
    assert (binding(only(given)), only(given).bound.level) == ("exact", "index")  # type: ignore[union-attr]
    assert only(given).bound.images == (0, 1)  # type: ignore[union-attr]
    assert set(signatures(given).headlines.values()) == {Headline.VERIFIED}


def test_the_digest_of_a_config_is_no_image() -> None:
    pack = Pack()
    given = report(pack.entries(), keys(KEY, detached=(file(bundle(builder.digest(pack.config))),)))
    assert binding(only(given)) != "exact"
    assert signatures(given).headline is not Headline.VERIFIED
