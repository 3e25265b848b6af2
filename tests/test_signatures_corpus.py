"""Real public signatures verify. They are not part of this repository; see ``test_corpus``."""

import json
import tarfile
from pathlib import Path

import pytest

from imgforensics import trustfiles
from imgforensics.signature import Status
from imgforensics.trust.material import Material, NamedFile, NotationTrust, Pin
from imgforensics.trust.notationenvelope import read_cose, read_jws
from tests.signing.ask import at, binding, judged, report, signatures
from tests.test_corpus import corpus

FOLDER = None if corpus() is None else corpus() / "signatures"  # type: ignore[operator]
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.usefixtures("offline"),
    pytest.mark.skipif(FOLDER is None or not FOLDER.exists(), reason="no corpus: IMGFORENSICS_CORPUS is not set"),
]

PIN = Pin("cody@soyland.com", "https://github.com/login/oauth")


def folder() -> Path:
    assert FOLDER is not None
    return FOLDER


def given(name: str) -> NamedFile:
    return trustfiles.read(str(folder() / name))


@pytest.fixture(scope="module")
def alpine(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The layout that notation's signatures are of, packed."""
    path = tmp_path_factory.mktemp("alpine") / "alpine.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(folder() / "notation" / "oci-layout", ".")
    return path.read_bytes()


def test_cosigns_own_bundle() -> None:
    bundle = given("cosign/oci-attestation.sigstore.json").content
    root = given("cosign/trusted_root_pgi.json")
    assert judged(bundle, Material(trusted_root=root, pins=(PIN,))).status is Status.VERIFIED
    assert judged(bundle, Material(trusted_root=root)).status is Status.NOT_PINNED
    document = json.loads(bundle)
    entry = document["verificationMaterial"]["tlogEntries"][0]
    entry["integratedTime"] = str(int(entry["integratedTime"]) + 7200)
    assert judged(json.dumps(document).encode(), Material(trusted_root=root, pins=(PIN,))).status is Status.INVALID


@pytest.mark.parametrize("name", ["jws_signature.sig", "cose_signature.sig"])
def test_notations_layout(alpine: bytes, name: str) -> None:
    """The anchor is the certificate in the envelope: integrity, and no independent authenticity."""
    signature = given(f"notation/{name}")
    envelope = (read_cose if "cose" in name else read_jws)(signature.content)
    own = NamedFile("own", envelope.certificates[-1])
    trusting = Material(detached=(signature,), notation=NotationTrust({("ca", "own"): (own,)}), at=at(2023, 3, 15))
    (found,) = signatures(report(alpine, trusting)).found
    assert (found.judgement.status, binding(found)) == (Status.VERIFIED, "exact")
    assert found.judgement.signed is not None
    assert found.judgement.signed.size == 481


ENVELOPES = {
    ("ca", "ca_valid_sig_env.json"): Status.NOT_PINNED,
    ("ca", "ca_expired_sig_env.json"): Status.SIGNATURE_EXPIRED,
    ("ca", "ca_invalid_sig_env.json"): Status.INVALID,
    ("ca", "ca_plugin_sig_env.json"): Status.UNVERIFIABLE,
    ("signingAuthority", "sa_valid_sig_env.json"): Status.NOT_PINNED,
    ("signingAuthority", "sa_expired_sig_env.json"): Status.SIGNATURE_EXPIRED,
    ("signingAuthority", "sa_invalid_sig_env.json"): Status.INVALID,
    ("signingAuthority", "sa_plugin_sig_env.json"): Status.UNVERIFIABLE,
    ("ca", "jwsWithTimestamp.sig"): Status.VERIFIED,
    ("ca", "coseWithTimestamp.sig"): Status.VERIFIED,
    ("ca", "timestampBeforeNotBefore.sig"): Status.CERTIFICATE_EXPIRED,
}


@pytest.mark.parametrize(("kind", "name"), ENVELOPES, ids=lambda value: value)
def test_notations_envelopes(kind: str, name: str) -> None:
    names = ("NotationTestRoot.pem", "TestTimestamp.crt", "TestTimestampNotYetValid.crt")
    anchors = tuple(given(f"notation/truststore-ca/{each}") for each in names)
    stampers = (given("notation/truststore-tsa/globalsignRoot.cer"),)
    trust = NotationTrust({(kind, "x"): anchors, ("tsa", "x"): stampers})
    moment = None if "imestamp" in name else at(2026)
    assert (
        judged(given(f"notation/envelopes/{name}").content, Material(notation=trust, at=moment)).status
        is ENVELOPES[kind, name]
    )


@pytest.mark.parametrize(
    ("key", "year", "status"),
    [
        ("18f05e92c04aa438938e0bdccb8ea35f81ee98e303f44c00e859269192f04ed3", (2026, 11, 24), Status.VERIFIED),
        ("18f05e92c04aa438938e0bdccb8ea35f81ee98e303f44c00e859269192f04ed3", (2028, 1, 1), Status.METADATA_EXPIRED),
        ("00" * 32, (2026, 11, 24), Status.UNVERIFIABLE),
    ],
)
def test_what_notary_wrote(alpine: bytes, key: str, year: tuple[int, int, int], status: Status) -> None:
    metadata = trustfiles.content_trust(str(folder() / "dct-made-here" / "metadata"), "127.0.0.1:5077/demo/alpine")
    found = signatures(report(alpine, Material(content_trust=metadata, root_keys=(key,), at=at(*year)))).found
    assert {each.found.tag for each in found} == {"v2", "v3"}
    for each in found:
        assert (each.judgement.status, binding(each)) == (status, "exact")
