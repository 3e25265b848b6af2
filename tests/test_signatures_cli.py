"""The command on signatures: options, files, exit codes, both formats, and ``verify`` with the same options."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography import x509
from typer.testing import CliRunner, Result

from imgforensics import InputError, trustfiles
from imgforensics.cli import app
from imgforensics.trust.material import NamedFile, Pin
from tests import builder
from tests.builder import ImageSpec
from tests.signing import notation, pki, sigstore
from tests.signing.ask import at
from tests.signing.layouts import Pack, referrer, tagged
from tests.signing.pki import SIGNED_AT, cert_pem
from tests.signing.sigstore import Sigstore, annotations, key_bundle, keyless, payload, raw, sign, statement
from tests.signing.tuf import GUN, Repository

pytestmark = pytest.mark.usefixtures("offline")

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent.parent / "docs" / "report-v1.schema.json").read_text())
KEY = pki.ec_key()
WORLD = Sigstore()


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def document(result: Result) -> Any:
    parsed = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(parsed)
    (found,) = parsed["archives"]
    return found


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A signed archive, a plain one, and what is needed to judge them."""
    pack = Pack()
    body = payload(pack.digest)
    signed = tagged(pack, (body, annotations(sign(KEY, body))), (body, keyless(WORLD, body)))
    other = Pack()
    lying = referrer(other, raw(key_bundle(KEY, statement("sha256:" + "0" * 64))))
    contents = {
        "signed.tar": signed.tar(),
        "lying.tar": lying.tar(),
        "plain.tar": builder.archive("oci_archive"),
        "key.pub": pki.pem(KEY),
        "other.pub": pki.pem(pki.ec_key()),
        "trusted_root.json": WORLD.trusted_root(),
        "bundle.json": raw(key_bundle(KEY, statement(Pack().digest))),
        "manifest.json": pack.manifest,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_a_signature_by_a_key(files: Path) -> None:
    result = invoke("signatures", files / "signed.tar", "--key", files / "key.pub", "--no-ledger")
    assert result.exit_code == 0, result.output
    assert "signed-and-verified" in result.stdout
    assert "binding  exact, of the manifest @0" in result.stdout
    assert "claims, unauthenticated" in result.stdout, "the keyless one, for which no root was given"


def test_json_of_every_kind_of_answer(files: Path) -> None:
    found = document(invoke("signatures", files / "signed.tar", "--key", files / "key.pub", "-f", "json"))["signatures"]
    assert found["headline"] == "signed-and-verified"
    assert {each["status"] for each in found["found"]} == {"verified", "unverifiable"}
    by_status = {each["status"]: each for each in found["found"]}
    assert by_status["verified"]["binding"]["of"] == "signed"
    assert by_status["unverifiable"]["binding"]["of"] == "claimed"
    assert by_status["unverifiable"]["signed"] is None
    nothing = document(invoke("signatures", files / "plain.tar", "-f", "json"))["signatures"]
    assert (nothing["headline"], nothing["found"]) == ("no-signature-in-archive", [])
    assert document(invoke("verify", files / "plain.tar", "-f", "json"))["signatures"] is None


def test_keyless_needs_both_halves_of_an_identity(files: Path) -> None:
    trusting = ["signatures", files / "signed.tar", "--trusted-root", files / "trusted_root.json"]
    identity, issuer = ["--certificate-identity", sigstore.IDENTITY], ["--certificate-oidc-issuer", sigstore.ISSUER]
    assert invoke(*trusting, *identity, *issuer).exit_code == 0
    assert "signed-and-verified" in invoke(*trusting, *identity, *issuer).stdout
    for half in (identity, issuer):
        result = invoke(*trusting, *half)
        assert result.exit_code == 2
        assert "go together" in result.stderr
    patterns = ["--certificate-identity-regexp", ".*@example.com", "--certificate-oidc-issuer-regexp", "https://.*"]
    for twice in ([*identity, *issuer, *patterns[:2]], [*identity, *issuer, *patterns[2:]]):
        result = invoke(*trusting, *twice)
        assert result.exit_code == 2, "which of the two counts?"
        assert "exclude each other" in result.stderr
    assert "signed-and-verified" in invoke(*trusting, *patterns).stdout
    somebody = invoke(*trusting)
    assert "verified-identity-not-pinned" in somebody.stdout
    assert "signed-unverifiable" in somebody.stdout


def test_a_signature_of_something_else_is_bad(files: Path) -> None:
    result = invoke("signatures", files / "lying.tar", "--key", files / "key.pub")
    assert result.exit_code == 1
    assert "signature-for-different-digest" in result.stdout
    assert "IMG702" in result.stdout
    assert invoke("signatures", files / "lying.tar").exit_code == 0, "without trust it is a claim"


def test_a_signature_can_be_required(files: Path) -> None:
    for command in ("signatures", "verify"):
        signed = invoke(command, files / "signed.tar", "--key", files / "key.pub", "--require-signature")
        assert signed.exit_code == 0, signed.output
        for archive, key in (("plain.tar", "key.pub"), ("signed.tar", "other.pub"), ("lying.tar", "key.pub")):
            result = invoke(command, files / archive, "--key", files / key, "--require-signature")
            assert result.exit_code == 1
            assert "IMG707" in result.stdout
        assert invoke(command, files / "signed.tar", "--require-signature").exit_code == 1


def test_a_detached_bundle(files: Path) -> None:
    pack = Pack()
    (files / "image.tar").write_bytes(pack.tar())
    given = ["signatures", files / "image.tar", "--key", files / "key.pub", "--signature", files / "bundle.json"]
    assert "signed-and-verified" in invoke(*given).stdout
    saved = builder.crane([ImageSpec(raw_config=pack.config)], compression="none")
    (files / "image.tar").write_bytes(builder.tar(saved))
    assert "via-config" in invoke(*given, "--manifest", files / "manifest.json", "--no-ledger").stdout


def downloaded(body: bytes, notes: dict[str, str]) -> bytes:
    """A line of ``cosign download signature``."""
    document: dict[str, Any] = {
        "Base64Signature": notes["dev.cosignproject.cosign/signature"],
        "Payload": sigstore.b64(body),
        "Cert": None,
        "Chain": None,
        "Bundle": None,
        "RFC3161Timestamp": None,
    }
    if "dev.sigstore.cosign/certificate" in notes:
        certificate = x509.load_pem_x509_certificate(notes["dev.sigstore.cosign/certificate"].encode())
        document["Cert"] = {"Raw": sigstore.b64(pki.cert_der(certificate)), "Version": 3}
        document["Chain"] = [{"Raw": sigstore.b64(pki.cert_der(WORLD.fulcio.certificate))}]
        document["Bundle"] = json.loads(notes["dev.sigstore.cosign/bundle"])
    return json.dumps(document).encode() + b"\n"


def test_what_cosign_downloads(files: Path) -> None:
    pack = Pack()
    (files / "image.tar").write_bytes(pack.tar())
    body = payload(pack.digest)
    first, second = downloaded(body, annotations(sign(KEY, body))), downloaded(body, keyless(WORLD, body))
    for name, content in (("one", first), ("two", first + second), ("bad", b'{"Base64Signature":"","Payload":"%"}')):
        (files / name).write_bytes(content)
    given = ["signatures", files / "image.tar", "--key", files / "key.pub", "-f", "json"]
    assert document(invoke(*given, "--signature", files / "one"))["signatures"]["headline"] == "signed-and-verified"
    trusting = [*given, "--trusted-root", files / "trusted_root.json"]
    pins = ["--certificate-identity", sigstore.IDENTITY, "--certificate-oidc-issuer", sigstore.ISSUER]
    found = document(invoke(*trusting, *pins, "--signature", files / "two"))["signatures"]["found"]
    assert [each["status"] for each in found] == ["verified", "verified"]
    assert [each["binding"]["result"] for each in found] == ["exact", "exact"]
    assert invoke(*given, "--signature", files / "bad").exit_code == 2


@pytest.mark.parametrize(
    "wrong",
    [
        ["--key", "manifest.json"],
        ["--key", "missing"],
        ["--signature", "key.pub"],
        ["--trusted-root", "manifest.json"],
        ["--trusted-root", "key.pub"],
        ["--ca-roots", "key.pub"],
        ["--timestamp-certificate-chain", "manifest.json"],
        ["--notation-trust", "."],
        ["--dct-trust", "."],
        ["--at", "yesterday"],
        ["--gpg-keyring", "missing"],
    ],
    ids=" ".join,
)
def test_a_wrong_file_is_an_error_before_any_work(files: Path, wrong: list[str]) -> None:
    option, value = wrong
    given = value if option == "--at" else files / value
    result = invoke("signatures", files / "signed.tar", option, given)
    assert result.exit_code == 2, result.output
    assert not result.stdout
    assert len(result.stderr.splitlines()) == 1


def test_notations_directory(files: Path) -> None:
    certificate = pki.self_signed(KEY, "signer")
    store = files / "config" / "truststore" / "x509" / "ca" / "acme"
    store.mkdir(parents=True)
    (store / "signer.crt").write_bytes(cert_pem(certificate))
    (files / "config" / "localkeys").mkdir()
    pack = Pack()
    envelope = notation.jws(KEY, [certificate], notation.target(pack.manifest))
    (files / "image.tar").write_bytes(referrer(pack, envelope, "application/jose+json").tar())
    given = ["signatures", files / "image.tar", "--notation-trust", files / "config"]
    assert "--at TIME" in invoke(*given).stdout
    assert "signed-and-verified" in invoke(*given, "--at", "2024-05-02").stdout
    document_ = {"version": "1.0", "trustPolicies": [notation.policy("x509.subject: C=DE, ST=x, O=y")]}
    (files / "config" / "trustpolicy.json").write_text(json.dumps(document_))
    named = trustfiles.notation_trust(str(files / "config"))
    assert list(named.stores) == [("ca", "acme")]
    assert named.policy is not None


@pytest.mark.parametrize(("name", "content"), [("truststore/x509/ca/x/y", b"no"), ("trustpolicy.json", b"{}")])
def test_a_wrong_file_of_notation_is_an_error_before_any_work(files: Path, name: str, content: bytes) -> None:
    good = files / "config/truststore/x509/ca/acme/signer.crt"
    good.parent.mkdir(parents=True)
    good.write_bytes(cert_pem(pki.self_signed(KEY, "signer")))
    (files / "config" / name).parent.mkdir(parents=True, exist_ok=True)
    (files / "config" / name).write_bytes(content)
    result = invoke("signatures", files / "plain.tar", "--notation-trust", files / "config")
    assert (result.exit_code, result.stdout) == (2, "")


def test_dockers_trust_directory(files: Path) -> None:
    pack = Pack(ImageSpec(tags=[f"{GUN}:1.0"]))
    made = Repository(releases={"1.0": (pack.manifest, None)})
    trust = files / "trust"
    metadata = trust / "tuf" / GUN / "metadata"
    for role, content in made.metadata().items():
        (metadata / f"{role}.json").parent.mkdir(parents=True, exist_ok=True)
        (metadata / f"{role}.json").write_bytes(content)
    private = trust / "private"
    private.mkdir()
    (private / "root.json").write_bytes(b"secret")
    (files / "image.tar").write_bytes(pack.tar())
    given = ["signatures", files / "image.tar", "--dct-root-key", made.root.key_id, "--at", SIGNED_AT.isoformat()]
    assert "signed-and-verified" in invoke(*given, "--dct-trust", trust).stdout
    assert "signed-and-verified" in invoke(*given, "--dct-trust", trust / "tuf", "--gun", GUN).stdout
    assert invoke(*given, "--dct-trust", metadata).exit_code == 2
    assert "signed-and-verified" in invoke(*given, "--dct-trust", metadata, "--gun", GUN, "--tag", "1.0").stdout
    assert invoke(*given, "--dct-trust", trust, "--gun", "example.com/none").exit_code == 2
    assert set(trustfiles.content_trust(str(trust), None)) == {GUN}


def test_private_keys_are_never_opened(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "trust/private",
        "trust/private/metadata",
        "trust/tuf/private/a/metadata",
        "bare/private/metadata",
        "bare/b/metadata",
    ):
        (files / name).mkdir(parents=True)
        (files / name / "root.json").write_bytes(b"secret")
    opened: list[str] = []

    def read(path: str) -> NamedFile:
        opened.append(path)
        return NamedFile(path, b"")

    monkeypatch.setattr(trustfiles, "read", read)
    assert set(trustfiles.content_trust(str(files / "trust"), None)) == {"private/a"}
    assert set(trustfiles.content_trust(str(files / "bare"), None)) == {"b"}
    assert len(opened) == 2


def test_bounds_of_files(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(5 << 20))
    with pytest.raises(InputError, match="larger"):
        trustfiles.read(str(tmp_path / "large"))
    store = tmp_path / "truststore" / "x509" / "ca" / "x"
    store.mkdir(parents=True)
    for number in range(1001):
        (store / str(number)).touch()
    with pytest.raises(InputError, match="more than"):
        trustfiles.notation_trust(str(tmp_path))


def test_times_and_pins() -> None:
    assert trustfiles.moment("2024-05-01") == at(2024, 5)
    assert trustfiles.moment("2024-05-01T02:00:00+02:00") == at(2024, 5)
    assert trustfiles.moment(None) is None
    now = trustfiles.moment("now")
    assert now is not None
    assert now > at(2026)
    assert trustfiles.pins("a", "b", None, None) == [Pin("a", "b")]
    assert trustfiles.pins(None, "b", "a", None) == [Pin("a", "b", identity_pattern=True)]
    assert trustfiles.pins(None, None, None, None) == []


def test_hostile_text_is_escaped(files: Path) -> None:
    pack = Pack()
    body = payload(pack.digest, reference="evil\x1b[2J\u202e")
    (files / "image.tar").write_bytes(tagged(pack, (body, annotations(sign(KEY, body)))).tar())
    for more in ([], ["--key", files / "key.pub"]):
        result = invoke("signatures", files / "image.tar", "-v", *more)
        assert "\x1b" not in result.output
        assert "\u202e" not in result.output


def test_a_pattern_that_is_none_is_an_error(files: Path) -> None:
    result = invoke(
        "signatures",
        files / "signed.tar",
        "--trusted-root",
        files / "trusted_root.json",
        "--certificate-identity-regexp",
        "(",
        "--certificate-oidc-issuer-regexp",
        ".*",
    )
    assert result.exit_code == 2
    assert not result.stdout


@pytest.mark.parametrize("option", ["--dct-root-key", "--gun", "--tag", "--reference"])
def test_an_option_that_says_more_of_another_does_not_stand_alone(files: Path, option: str) -> None:
    result = invoke("signatures", files / "image.tar", option, "x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{option} says more of --" in result.stderr
