"""A small Fulcio, Rekor and CT log of our own, the trusted root that names them, and what cosign makes with them."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ObjectIdentifier

from tests.signing import pki
from tests.signing.pki import SIGNED_AT, Authority, PrivateKey, Stamper, cert_der, cert_pem, pem, spki

Doc = dict[str, Any]

IDENTITY, ISSUER = "builder@example.com", "https://accounts.example.com"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
COSIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


_ISSUER, _OLD_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_USER_NAME = ObjectIdentifier("1.3.6.1.4.1.57264.1.7")


def _named(identity: str) -> x509.GeneralName:
    """An address, a URI, or a user name as Fulcio writes it (``name!realm``)."""
    if "!" in identity:
        return x509.OtherName(_USER_NAME, pki.der(0x0C, identity.encode()))
    return x509.RFC822Name(identity) if "@" in identity else x509.UniformResourceIdentifier(identity)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def compact(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def sign(key: PrivateKey, message: bytes, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    """As cosign signs: by the kind of the key."""
    algorithm = algorithm or hashes.SHA256()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(algorithm))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), algorithm)
    return key.sign(message)


def payload(digest: str, reference: str = "example.com/app", kind: str = "cosign container image signature") -> bytes:
    """The payload of simple signing."""
    critical = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": digest},
        "type": kind,
    }
    return json.dumps({"critical": critical, "optional": None}, separators=(",", ":")).encode()


def statement(digest: str, predicate: str = COSIGN_PREDICATE) -> bytes:
    """An in-toto statement about one image."""
    subject = [{"digest": {"sha256": digest.partition(":")[2]}}]
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": predicate,
        "predicate": {},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def pae(kind: str, body: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body)


@dataclass(frozen=True)
class Signer:
    """A key with the certificate that Fulcio gave it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass
class Sigstore:
    """The authority, the logs and the time-stamp authority."""

    root: Authority = field(default_factory=lambda: Authority.root("fulcio root", path_length=1))
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=pki.ec_key)
    ct_key: ec.EllipticCurvePrivateKey = field(default_factory=pki.ec_key)
    stamper: Stamper = field(default_factory=Stamper.make)

    def __post_init__(self) -> None:
        self.fulcio = self.root.intermediate("fulcio")

    # trust

    def trusted_root(self, *, log_until: str | None = None, certificate_log_until: str | None = None) -> bytes:
        """``trusted_root.json``."""

        def period(end: str | None = None) -> Doc:
            return {"start": "2021-01-01T00:00:00.000Z"} | ({"end": end} if end else {})

        def log(key: ec.EllipticCurvePrivateKey, url: str, until: str | None) -> Doc:
            return {
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(spki(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": period(until),
                },
                "logId": {"keyId": b64(hashlib.sha256(spki(key)).digest())},
            }

        def authority(certificates: Sequence[x509.Certificate]) -> Doc:
            chain = [{"rawBytes": b64(cert_der(each))} for each in certificates]
            subject = {"organization": "example", "commonName": "example"}
            return {
                "subject": subject,
                "uri": "https://fulcio.example",
                "certChain": {"certificates": chain},
                "validFor": period(),
            }

        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [log(self.log_key, "https://rekor.example", log_until)],
                "certificateAuthorities": [authority([self.fulcio.certificate, self.root.certificate])],
                "ctlogs": [log(self.ct_key, "https://ct.example", certificate_log_until)],
                "timestampAuthorities": [authority([self.stamper.certificate, self.stamper.authority.certificate])],
            }
        ).encode()

    # certificates

    def signer(
        self,
        identity: str = IDENTITY,
        issuer: str = ISSUER,
        *,
        at: datetime = SIGNED_AT,
        logged: bool = True,
        ct_key: ec.EllipticCurvePrivateKey | None = None,
        purpose: ObjectIdentifier = pki.CODE_SIGNING,
        authority: Authority | None = None,
        old_issuer: bool = False,
    ) -> Signer:
        """A certificate of ten minutes, with the promise of the CT log inside."""
        key = pki.ec_key()
        fulcio = authority or self.fulcio
        kind = _named(identity)
        issued = (_OLD_ISSUER, issuer.encode()) if old_issuer else (_ISSUER, pki.der(0x0C, issuer.encode()))
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.SubjectAlternativeName([kind]), True),
            (x509.UnrecognizedExtension(*issued), False),
        ]
        start, days = at - timedelta(minutes=1), 10 / 1440
        made = pki.base(x509.Name([]), key.public_key(), fulcio.certificate.subject, start=start, days=days)
        made = made.add_extension(pki.key_usage(signatures=True), critical=True)
        made = made.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(fulcio.key.public_key())
        made = made.add_extension(identifier, critical=False)
        for extension, critical in extensions:
            made = made.add_extension(extension, critical=critical)
        if not logged:
            return Signer(key, made.sign(fulcio.key, hashes.SHA256()))
        body = made.sign(fulcio.key, hashes.SHA256()).tbs_certificate_bytes
        sct = self._sct(body, fulcio, at, ct_key or self.ct_key)
        listed = len(sct).to_bytes(2, "big") + sct
        listed = len(listed).to_bytes(2, "big") + listed
        oid = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
        made = made.add_extension(x509.UnrecognizedExtension(oid, pki.der(0x04, listed)), critical=False)
        return Signer(key, made.sign(fulcio.key, hashes.SHA256()))

    def _sct(self, body: bytes, fulcio: Authority, at: datetime, key: ec.EllipticCurvePrivateKey) -> bytes:
        stamp = int(at.timestamp() * 1000).to_bytes(8, "big")
        issuer = hashlib.sha256(spki(fulcio.key)).digest()
        signed = b"\0\0" + stamp + b"\0\1" + issuer + len(body).to_bytes(3, "big") + body + b"\0\0"
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        log_id = hashlib.sha256(spki(self.ct_key)).digest()
        return b"\0" + log_id + stamp + b"\0\0" + b"\x04\x03" + len(signature).to_bytes(2, "big") + signature

    # the log

    def promise(self, body: Doc, *, at: datetime = SIGNED_AT, index: int = 7) -> Doc:
        """cosign's ``bundle`` annotation."""
        entry = {
            "body": b64(compact(body)),
            "integratedTime": int(at.timestamp()),
            "logID": hashlib.sha256(spki(self.log_key)).hexdigest(),
            "logIndex": index,
        }
        signature = self.log_key.sign(compact(entry), ec.ECDSA(hashes.SHA256()))
        return {"SignedEntryTimestamp": b64(signature), "Payload": entry}

    def tlog_entry(self, body: Doc, *, at: datetime = SIGNED_AT, promised: bool = True) -> Doc:
        """An entry of a bundle, in a log that holds this one entry, with proof and checkpoint."""
        raw = compact(body)
        leaf = hashlib.sha256(b"\0" + raw).digest()
        note = f"rekor.example - 1\n1\n{b64(leaf)}\n".encode()
        key_id = hashlib.sha256(spki(self.log_key)).digest()
        mark = b64(key_id[:4] + self.log_key.sign(note, ec.ECDSA(hashes.SHA256())))
        promise = self.promise(body, at=at, index=0)
        entry: Doc = {
            "logIndex": "0",
            "logId": {"keyId": b64(key_id)},
            "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
            "integratedTime": str(int(at.timestamp())),
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": b64(leaf),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note.decode()}\n\u2014 rekor.example {mark}\n"},
            },
            "canonicalizedBody": b64(raw),
        }
        if promised:
            entry["inclusionPromise"] = {"signedEntryTimestamp": promise["SignedEntryTimestamp"]}
        return entry


def hashedrekord(message: bytes, signature: bytes, verifier: bytes) -> Doc:
    """The log entry of a signature over bytes."""
    return {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(message).hexdigest()}},
            "signature": {"content": b64(signature), "publicKey": {"content": b64(verifier)}},
        },
    }


def dsse_entry(body: bytes, signature: bytes, verifier: bytes) -> Doc:
    """The log entry of an envelope."""
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(body).hexdigest()},
            "signatures": [{"signature": b64(signature), "verifier": b64(verifier)}],
        },
    }


def annotations(
    signature: bytes,
    *,
    certificate: x509.Certificate | None = None,
    chain: bytes = b"",
    promise: Doc | None = None,
    token: bytes = b"",
) -> dict[str, str]:
    """The annotations of a layer of simple signing."""
    notes = {"dev.cosignproject.cosign/signature": b64(signature)}
    if certificate is not None:
        notes["dev.sigstore.cosign/certificate"] = cert_pem(certificate).decode()
    if chain:
        notes["dev.sigstore.cosign/chain"] = chain.decode()
    if promise is not None:
        notes["dev.sigstore.cosign/bundle"] = json.dumps(promise)
    if token:
        notes["dev.sigstore.cosign/rfc3161timestamp"] = json.dumps({"SignedRFC3161Timestamp": b64(token)})
    return notes


def keyless(world: Sigstore, body: bytes, signer: Signer | None = None, *, at: datetime = SIGNED_AT) -> dict[str, str]:
    """The annotations of a keyless signature over ``body``."""
    signer = signer or world.signer(at=at)
    signature = sign(signer.key, body)
    entry = hashedrekord(body, signature, cert_pem(signer.certificate))
    return annotations(signature, certificate=signer.certificate, promise=world.promise(entry, at=at))


def envelope(body: bytes, signature: bytes, kind: str = PAYLOAD_TYPE) -> Doc:
    return {"payloadType": kind, "payload": b64(body), "signatures": [{"sig": b64(signature), "keyid": ""}]}


def key_bundle(
    key: PrivateKey,
    body: bytes,
    *,
    world: Sigstore | None = None,
    hint: str | None = None,
    signature: bytes | None = None,
) -> Doc:
    """A v0.3 bundle signed by a key; with an entry of the log where a world is given."""
    signature = signature or sign(key, pae(PAYLOAD_TYPE, body))
    material: Doc = {"publicKey": {"hint": b64(hashlib.sha256(spki(key)).digest()) if hint is None else hint}}
    if world is not None:
        material["tlogEntries"] = [world.tlog_entry(dsse_entry(body, signature, pem(key)))]
    return {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope(body, signature)}


def keyless_bundle(world: Sigstore, body: bytes, signer: Signer | None = None, *, at: datetime = SIGNED_AT) -> Doc:
    """A v0.3 bundle with a certificate and an entry of Rekor 1."""
    signer = signer or world.signer(at=at)
    signature = sign(signer.key, pae(PAYLOAD_TYPE, body))
    material = {
        "certificate": {"rawBytes": b64(cert_der(signer.certificate))},
        "tlogEntries": [world.tlog_entry(dsse_entry(body, signature, cert_pem(signer.certificate)), at=at)],
    }
    return {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope(body, signature)}


def stamped_bundle(world: Sigstore, body: bytes, signer: Signer | None = None, *, at: datetime = SIGNED_AT) -> Doc:
    """A v0.3 bundle with a certificate, an entry of Rekor 2, which gives no time, and a time stamp."""
    signer = signer or world.signer(at=at)
    message = pae(PAYLOAD_TYPE, body)
    signature = sign(signer.key, message)
    certificate = {"rawBytes": b64(cert_der(signer.certificate))}
    verifier = {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": certificate}
    rekord = {
        "data": {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(message).digest())},
        "signature": {"content": b64(signature), "verifier": verifier},
    }
    entry = {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": rekord}}
    logged = world.tlog_entry(entry, promised=False) | {"integratedTime": "0"}
    stamps = {"rfc3161Timestamps": [{"signedTimestamp": b64(world.stamper.response(signature, at))}]}
    material = {"certificate": certificate, "tlogEntries": [logged], "timestampVerificationData": stamps}
    return {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope(body, signature)}


def raw(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode()


def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)
