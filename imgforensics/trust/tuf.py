"""Docker Content Trust: the chain of TUF metadata from a pinned root key to one tag. Needs the extra ``verify``.

The only scheme that binds a tag; and it binds the manifest's size. Without a pinned root the metadata agrees with
itself and proves nothing. Whether newer metadata exists cannot be known offline: rollback and freeze are not excluded.

Source: TUF 1.0, section 5; notary ``docs/service_architecture.md``; what its client keeps in ``~/.docker/trust/tuf``.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from imgforensics.signature import Found, Judgement, Signed, Signer, Status, TrustedTime
from imgforensics.trust import tufkeys
from imgforensics.trust.anchors import Anchors
from imgforensics.trust.contenttrust import target_digest
from imgforensics.trust.envelopes import mapping, objects, text
from imgforensics.trust.refusal import Checklist, invalid, unverifiable
from imgforensics.trust.tufkeys import Document, Role, TufKey

_DEEPEST = 8
"""Delegations below delegations."""


def judge(found: Found, anchors: Anchors) -> Judgement:
    """What the metadata says of one tag, and on whose authority.

    Raises:
        RefusedError: the chain is broken, or nothing that is trusted begins it.
    """
    gun = (found.claims.reference or "").rpartition(":")[0]
    if not anchors.material.root_keys:
        raise unverifiable("unanchored: no root key was given (--dct-root-key), and the metadata's own proves nothing")
    checks = Checklist()
    documents: dict[str, Document] = {}
    root = _document(found, "root", "Root", documents)
    roles, keys = mapping(root.signed, "roles"), mapping(root.signed, "keys")
    own = tufkeys.role_of(keys, mapping(roles, "root"))
    pinned = _pinned(root, own, anchors)
    checks.passed("root", f"signed by the pinned key {pinned.key_id}")
    _same_repository(pinned, gun)
    snapshot = _document(found, "snapshot", "Snapshot", documents)
    tufkeys.signers(snapshot, tufkeys.role_of(keys, mapping(roles, "snapshot")))
    if "timestamp" in found.metadata:
        timestamp = _document(found, "timestamp", "Timestamp", documents)
        tufkeys.signers(timestamp, tufkeys.role_of(keys, mapping(roles, "timestamp")))
        _listed(timestamp, snapshot)
        checks.passed("timestamp", "signed, and names this snapshot")
    else:
        checks.left("timestamp", "timestamp.json is not there")
    _listed(snapshot, root)
    targets = _document(found, "targets", "Targets", documents)
    tufkeys.signers(targets, tufkeys.role_of(keys, mapping(roles, "targets")))
    _listed(snapshot, targets)
    last = _delegated(found, targets, snapshot, documents)
    checks.passed("targets", f"{last.name}.json is signed, and the snapshot names it")
    entry = mapping(mapping(last.signed, "targets"), found.tag)
    digest, length = target_digest(entry), entry.get("length")
    if digest is None:
        raise invalid(f"the tag {found.tag} has no SHA-256")
    signed = Signed((digest,), length if isinstance(length, int) else None, name=f"{gun}:{found.tag}")
    checks.left("freshness", "rollback and freeze cannot be excluded offline")
    status, reason, time = _expiry(documents, pinned, anchors.material.at, checks)
    how = f"root key of {gun}, pinned by its ID"
    signer = Signer(f"root key {pinned.key_id}", None, how)
    reason = reason or f"{gun}:{found.tag} as signed under the pinned root"
    return Judgement(status, reason, signed, signer, time, checks.steps())


def _document(found: Found, name: str, kind: str, documents: dict[str, Document]) -> Document:
    if name not in found.metadata:
        raise unverifiable(f"{name}.json is not there")
    document = tufkeys.read(name, found.metadata[name])
    if text(document.signed, "_type") != kind:
        raise invalid(f"{name}.json is of the type {text(document.signed, '_type')[:40]!r}")
    documents[name] = document
    return document


def _pinned(root: Document, own: Role, anchors: Anchors) -> TufKey:
    wanted = {each.lower() for each in anchors.material.root_keys}
    if not wanted & own.keys.keys():
        there = ", ".join(sorted(own.keys)[:4])
        raise unverifiable(f"its root keys are {there}, none of those that were given")
    for each in tufkeys.signers(root, own):
        if each.key_id in wanted:
            return each
    raise invalid("root.json is not signed by the pinned key that it names")


def _same_repository(root: TufKey, gun: str) -> None:
    """A root certificate names its repository: metadata that was moved to another folder is not of that one."""
    if root.certificate is None:
        return
    names = [str(each.value) for each in root.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [gun]:
        raise invalid(f"the root certificate is of {', '.join(names)[:200] or 'no repository'}, not of {gun}")


def _listed(lister: Document, listed: Document) -> None:
    """Whether one document names the very bytes of another."""
    entry = mapping(mapping(lister.signed, "meta"), listed.name)
    wanted = base64.b64encode(hashlib.sha256(listed.raw).digest()).decode()
    if text(mapping(entry, "hashes"), "sha256") != wanted or entry.get("length") != len(listed.raw):
        raise invalid(f"{lister.name}.json names another {listed.name}.json")


def _delegated(found: Found, targets: Document, snapshot: Document, documents: dict[str, Document]) -> Document:
    """Follow the delegations down to the role in question."""
    parts = found.role.split("/")[1:]
    if len(parts) > _DEEPEST:
        raise unverifiable(f"{found.role} is delegated too deeply")
    current = targets
    for part in parts:
        name = f"{current.name}/{part}"
        delegations = mapping(current.signed, "delegations")
        given = next((each for each in objects(delegations, "roles") if text(each, "name") == name), None)
        if given is None:
            raise invalid(f"{current.name}.json delegates nothing to {name}")
        paths = given.get("paths")
        allowed = paths if isinstance(paths, list) else []
        if not any(isinstance(each, str) and found.tag.startswith(each) for each in allowed):
            raise invalid(f"{name} may not sign the tag {found.tag}")
        document = _document(found, name, "Targets", documents)
        tufkeys.signers(document, tufkeys.role_of(mapping(delegations, "keys"), given))
        _listed(snapshot, document)
        current = document
    return current


def _expiry(
    documents: Mapping[str, Document], root: TufKey, at: datetime | None, checks: Checklist
) -> tuple[Status, str, TrustedTime | None]:
    ends = {name: _moment(text(each.signed, "expires")) for name, each in documents.items()}
    first = min(ends.values())
    if at is None:
        raise unverifiable(f"its metadata expires from {first.isoformat()} on; --at TIME says when to judge it")
    time = TrustedTime(at, "given by the user (--at)")
    if root.certificate is not None and not _valid(root.certificate, at):
        end = root.certificate.not_valid_after_utc
        return Status.CERTIFICATE_EXPIRED, f"the root certificate expired at {end.isoformat()}", time
    late = sorted(name for name, end in ends.items() if end < at)
    if late:
        when = ", ".join(f"{name}.json at {ends[name].isoformat()}" for name in late)
        return Status.METADATA_EXPIRED, f"metadata expired: {when}", time
    checks.passed("expiry", f"not before {first.isoformat()}")
    return Status.VERIFIED, "", time


def _valid(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _moment(written: str) -> datetime:
    """A time as Go writes it: up to nine digits of a second, and an offset."""
    head, dot, rest = written.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    try:
        moment = datetime.fromisoformat(f"{head}{dot}{digits[:6]}{rest[len(digits) :]}")
    except ValueError as error:
        raise invalid(f"{written[:40]!r} is no time") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
