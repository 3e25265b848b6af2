"""Docker Content Trust metadata of our own, as notary's client keeps it."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from tests.signing import pki
from tests.signing.pki import SIGNED_AT

Doc = dict[str, Any]
GUN = "example.com/app"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


@dataclass
class Signer:
    """A key of one role; root keys come as certificates."""

    key: Key = field(default_factory=pki.ec_key)
    gun: str = ""
    start: datetime = SIGNED_AT - timedelta(days=10)

    def __post_init__(self) -> None:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            kind, public = "ed25519", self.key.public_key().public_bytes_raw()
        elif self.gun:
            made = pki.base(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.gun)]),
                self.key.public_key(),
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.gun)]),
                start=self.start,
                days=3650,
            )
            certificate = made.sign(self.key, hashes.SHA256())
            kind, public = (
                "rsa-x509" if isinstance(self.key, rsa.RSAPrivateKey) else "ecdsa-x509",
                pki.cert_pem(certificate),
            )
        else:
            kind, public = "rsa" if isinstance(self.key, rsa.RSAPrivateKey) else "ecdsa", pki.spki(self.key)
        encoded = base64.b64encode(public).decode()
        self.document = {"keytype": kind, "keyval": {"private": None, "public": encoded}}
        self.key_id = hashlib.sha256(canonical(self.document)).hexdigest()

    def sign(self, message: bytes) -> Doc:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            method, signature = "eddsa", self.key.sign(message)
        elif isinstance(self.key, rsa.RSAPrivateKey):
            algorithm = hashes.SHA256()
            method = "rsapss"
            signature = self.key.sign(message, padding.PSS(padding.MGF1(algorithm), 32), algorithm)
        else:
            first, second = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
            method, signature = "ecdsa", first.to_bytes(32, "big") + second.to_bytes(32, "big")
        return {"keyid": self.key_id, "method": method, "sig": base64.b64encode(signature).decode()}


@dataclass
class Repository:
    """One GUN. Change a part, then ask for ``metadata``."""

    gun: str = GUN
    root_key: Key = field(default_factory=pki.ec_key)
    expires: datetime = SIGNED_AT + timedelta(days=3000)
    targets: dict[str, tuple[bytes, int | None]] = field(default_factory=dict)
    releases: dict[str, tuple[bytes, int | None]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=lambda: [""])
    thresholds: dict[str, int] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    """What a file calls itself in place of its own ``_type``."""
    root_signer: Signer | None = None
    """Another key of the root role, which signs alone."""
    twice: bool = False
    """Every signature stands there twice."""
    forged: str = ""
    """The ``_type`` or role whose signature is a stranger's, under the right key ID; all else fits it."""

    def __post_init__(self) -> None:
        self.root = Signer(self.root_key, self.gun)
        self.snapshot, self.target, self.delegate = Signer(), Signer(), Signer()
        self.timestamp = Signer(ed25519.Ed25519PrivateKey.generate())

    def metadata(self) -> dict[str, bytes]:
        """Role to the bytes of its file."""
        signers = {"root": self.root, "snapshot": self.snapshot, "targets": self.target, "timestamp": self.timestamp}
        roles = {
            name: {"keyids": [each.key_id], "threshold": self.thresholds.get(name, 1)} for name, each in signers.items()
        }
        if self.root_signer is not None:
            signers["another"] = self.root_signer
            roles["root"]["keyids"] = [self.root.key_id, self.root_signer.key_id]
        root = self._signed(
            self.root_signer or self.root,
            {
                "_type": "Root",
                "consistent_snapshot": False,
                "keys": {each.key_id: each.document for each in signers.values()},
                "roles": roles,
            },
        )
        delegated = {"name": "targets/releases", "keyids": [self.delegate.key_id], "threshold": 1, "paths": self.paths}
        delegations = {"keys": {self.delegate.key_id: self.delegate.document}, "roles": [delegated]}
        targets = self._signed(
            self.target, {"_type": "Targets", "delegations": delegations, "targets": _entries(self.targets)}
        )
        none: Doc = {"keys": {}, "roles": []}
        releases = self._signed(
            self.delegate, {"_type": "Targets", "delegations": none, "targets": _entries(self.releases)}, "Releases"
        )
        files = {"root": root, "targets": targets, "targets/releases": releases}
        snapshot = self._signed(
            self.snapshot, {"_type": "Snapshot", "meta": {name: _meta(raw) for name, raw in files.items()}}
        )
        timestamp = self._signed(self.timestamp, {"_type": "Timestamp", "meta": {"snapshot": _meta(snapshot)}})
        return files | {"snapshot": snapshot, "timestamp": timestamp}

    def _signed(self, signer: Signer, part: Doc, role: str = "") -> bytes:
        own = part["_type"]
        part = {
            **part,
            "_type": self.types.get(own, own),
            "expires": self.expires.isoformat().replace("+00:00", "Z"),
            "version": 1,
        }
        forger = Signer() if self.forged == (role or own) else signer
        signature = forger.sign(canonical(part)) | {"keyid": signer.key_id}
        return canonical({"signed": part, "signatures": [signature] * (1 + self.twice)})


def _entries(targets: dict[str, tuple[bytes, int | None]]) -> Doc:
    return {
        tag: {
            "hashes": {"sha256": base64.b64encode(hashlib.sha256(manifest).digest()).decode()},
            "length": len(manifest) if length is None else length,
        }
        for tag, (manifest, length) in targets.items()
    }


def _meta(raw: bytes) -> Doc:
    return {"hashes": {"sha256": base64.b64encode(hashlib.sha256(raw).digest()).decode()}, "length": len(raw)}
