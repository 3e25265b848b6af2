"""Other programs as judges, where they are installed: skopeo and gpg make and verify, ``@sigstore/verify`` verifies.

``IMGFORENSICS_NOTARY=1`` asks for notary and its server (on this machine alone), ``IMGFORENSICS_SKOPEO=1`` for skopeo;
``IMGFORENSICS_NODE_MODULES`` names a folder that holds ``@sigstore/verify`` and ``@sigstore/bundle`` (npm install). Without them the tests are skipped.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imgforensics import trustfiles
from imgforensics.signature import Status
from imgforensics.trust.material import Material
from tests import builder
from tests.signing import pki, sigstore
from tests.signing.ask import DIGEST, binding, file, judged, keys, only, report, rooted
from tests.signing.layouts import Pack, dir_image
from tests.signing.sigstore import Sigstore, key_bundle, keyless_bundle, raw, statement
from tests.test_signatures_gpg import Home

NODE = os.environ.get("IMGFORENSICS_NODE_MODULES")
node = pytest.mark.skipif(NODE is None, reason="IMGFORENSICS_NODE_MODULES is not set")
notary = pytest.mark.skipif("IMGFORENSICS_NOTARY" not in os.environ, reason="IMGFORENSICS_NOTARY is not set")
skopeo = pytest.mark.skipif("IMGFORENSICS_SKOPEO" not in os.environ, reason="IMGFORENSICS_SKOPEO is not set")

SCRIPT = """
const { Verifier, toTrustMaterial, toSignedEntity } = require('@sigstore/verify');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot, PublicKey } = require('@sigstore/protobuf-specs');
const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const root = TrustedRoot.fromJSON(given.root);
const hint = given.bundle.verificationMaterial.publicKey?.hint;
const keys = given.key ? { [hint]: PublicKey.fromJSON(given.key) } : undefined;
try {
  const verifier = new Verifier(toTrustMaterial(root, keys), given.options);
  verifier.verify(toSignedEntity(bundleFromJSON(given.bundle)), given.policy);
  console.log('good');
} catch (error) { console.log(error.code || String(error)); }
"""


def ask_node(tmp_path: Path, **given: Any) -> str:
    script = tmp_path / "judge.js"
    script.write_text(SCRIPT)
    environment = os.environ | {"NODE_PATH": str(NODE)}
    command = [str(shutil.which("node")), str(script)]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, env=environment, check=False
    )
    return done.stdout.strip() or done.stderr


@node
@pytest.mark.parametrize("change", ["", "payload", "entry", "identity"])
def test_npm_agrees_on_keyless_bundles(tmp_path: Path, change: str) -> None:
    world = Sigstore()
    document = keyless_bundle(world, statement(DIGEST))
    if change == "payload":
        document["dsseEnvelope"]["payload"] = sigstore.b64(statement("sha256:" + "cd" * 32))
    if change == "entry":
        other = keyless_bundle(world, statement("sha256:" + "cd" * 32))
        document["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]
    identity = "other@example.com" if change == "identity" else sigstore.IDENTITY
    policy = {"subjectAlternativeName": identity, "extensions": {"issuer": sigstore.ISSUER}}
    theirs = ask_node(tmp_path, root=json.loads(world.trusted_root()), bundle=document, policy=policy, options={})
    ours = judged(raw(document), rooted(world)).status
    assert (theirs == "good") is (change == ""), theirs
    assert (ours is Status.VERIFIED) is (change in ("", "identity"))


@node
@pytest.mark.parametrize("mine", [True, False])
def test_npm_agrees_on_bundles_by_a_key(tmp_path: Path, mine: bool) -> None:
    key = pki.ec_key()
    document = key_bundle(key, statement(DIGEST))
    trusted = key if mine else pki.ec_key()
    public = {
        "rawBytes": sigstore.b64(pki.spki(trusted)),
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "validFor": {"start": "2020-01-01T00:00:00Z"},
    }
    options = {"tlogThreshold": 0, "ctlogThreshold": 0, "timestampThreshold": 0}
    theirs = ask_node(
        tmp_path, root=json.loads(Sigstore().trusted_root()), bundle=document, key=public, options=options
    )
    assert (theirs == "good") is mine, theirs
    assert (judged(raw(document), keys(trusted)).status is Status.VERIFIED) is mine


@skopeo
def test_skopeo_signs_what_we_verify(tmp_path: Path) -> None:
    home = Home()
    try:
        home.make("alice@example.com")
        listing = home.run("--with-colons", "--list-keys", "alice@example.com").decode()
        fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
        pack = Pack()
        (tmp_path / "manifest.json").write_bytes(pack.manifest)
        (tmp_path / "empty").touch()
        environment = os.environ | {"GNUPGHOME": home.path}
        phrase = ["--passphrase-file", "empty"]
        sign = [
            "skopeo",
            "standalone-sign",
            *phrase,
            "manifest.json",
            "example.com/app:1",
            fingerprint,
            "-o",
            "signature-1",
        ]
        subprocess.run(sign, cwd=tmp_path, env=environment, check=True, capture_output=True)
        signature = (tmp_path / "signature-1").read_bytes()
        trusting = Material(gpg_keyrings=(home.keyring("alice@example.com"),))
        found = only(report(dir_image(pack, signature), trusting))
        assert (found.judgement.status, binding(found)) == (Status.VERIFIED, "exact")
        assert found.judgement.signer is not None
        assert found.judgement.signer.identity == fingerprint
        detached = Material(gpg_keyrings=trusting.gpg_keyrings, detached=(file(signature),))
        assert binding(only(report(pack.entries(), detached))) == "exact"
        other = Pack(builder.ImageSpec(container={"Cmd": ["/other"]}))
        assert binding(only(report(dir_image(other, signature), trusting))) == "other-digest"
    finally:
        home.close()


@pytest.fixture
def trust_server(tmp_path: Path) -> Iterator[str]:
    """A notary server that keeps everything in memory, on a port of this machine that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = {
        "server": {"http_addr": address},
        "trust_service": {"type": "local", "hostname": "", "port": "", "key_algorithm": "ed25519"},
        "storage": {"backend": "memory"},
        "logging": {"level": "error"},
    }
    (tmp_path / "server.json").write_text(json.dumps(config))
    command = ["notary-server", f"-config={tmp_path / 'server.json'}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        host, _, port = address.partition(":")
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    break
            time.sleep(0.1)
        yield f"http://{address}"
        server.terminate()


@notary
def test_notary_signs_what_we_verify(tmp_path: Path, trust_server: str) -> None:
    gun, pack = "example.com/app", Pack(builder.ImageSpec(tags=["example.com/app:1.0"]))
    phrases = {f"NOTARY_{role}_PASSPHRASE": "a long phrase" for role in ("ROOT", "TARGETS", "SNAPSHOT", "DELEGATION")}
    command = ["notary", "-s", trust_server, "-d", str(tmp_path / "trust")]
    added = ["addhash", gun, "1.0", str(len(pack.manifest)), "--sha256", builder.sha256(pack.manifest), "-p"]
    for arguments in (["init", gun, "-p"], added, ["list", gun]):  # listing refreshes what the client keeps
        subprocess.run([*command, *arguments], env=os.environ | phrases, check=True, capture_output=True)
    metadata = trustfiles.content_trust(str(tmp_path / "trust"), None)
    (root_key,) = json.loads(metadata[gun]["root"].content)["signed"]["roles"]["root"]["keyids"]
    given = Material(content_trust=metadata, root_keys=(root_key,), at=trustfiles.moment("now"), tag="1.0")
    found = only(report(pack.entries(), given))
    assert (found.judgement.status, binding(found)) == (Status.VERIFIED, "exact")
    other = Pack(builder.ImageSpec(tags=["example.com/app:1.0"], container={"Cmd": ["/other"]}))
    assert binding(only(report(builder.containerd([other.spec]), given))) == "other-digest"
