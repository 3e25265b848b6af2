"""Notation's trust policy and trust stores: whose certificates count, for which repository, for which signer.

Needs the extra ``verify``. Tags in an archive are claims and never choose the policy: one that is for all repositories
or the only one there counts, else the user names the repository.

Source: notaryproject ``trust-store-trust-policy.md``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509

from imgforensics.errors import InputError
from imgforensics.trust.certificates import load_pems
from imgforensics.trust.envelopes import mapping, objects, strict_object, text
from imgforensics.trust.material import Material, NotationTrust
from imgforensics.trust.refusal import RefusedError, unverifiable

_SUBJECT = "x509.subject:"
_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy that counts."""

    name: str
    level: str
    stores: frozenset[tuple[str, str]] | None
    """None for all of them."""
    subjects: tuple[frozenset[tuple[str, str]], ...] | None
    """Parts of distinguished names, each set one trusted identity; None where nobody in particular is trusted."""


ALL_STORES = Policy("no trustpolicy.json", "strict", None, None)


def policy_for(material: Material, trust: NotationTrust) -> Policy:
    """The policy that counts.

    Raises:
        InputError: the file is no trust policy.
        RefusedError: several policies are there, and nothing says which of them counts.
    """
    if trust.policy is None:
        return ALL_STORES
    try:
        value = strict_object(trust.policy.content, "it")
    except RefusedError as error:
        raise InputError(f"{trust.policy.source}: {error.reason}") from error
    given = objects(value, "trustPolicies")
    if not given:
        raise InputError(f"{trust.policy.source}: no trustPolicies")
    return _read(_chosen(given, material.reference), trust.policy.source)


def _chosen(given: list[Mapping[str, object]], reference: str | None) -> Mapping[str, object]:
    if reference is not None:
        repository = reference.partition("@")[0]
        if ":" in repository.rpartition("/")[2]:
            repository = repository.rpartition(":")[0]
        for each in given:
            if repository in _strings(each, "registryScopes"):
                return each
    for each in given:
        if "*" in _strings(each, "registryScopes"):
            return each
    if reference is None and len(given) == 1:
        return given[0]
    if reference is None:
        raise unverifiable("several trust policies are there; --reference REPOSITORY says which one counts")
    raise unverifiable(f"no trust policy is for {reference}")


def _strings(value: Mapping[str, object], key: str) -> list[str]:
    item = value.get(key)
    return [each for each in item if isinstance(each, str)] if isinstance(item, list) else []


def _read(value: Mapping[str, object], source: str) -> Policy:
    stores = set()
    for each in _strings(value, "trustStores"):
        kind, _, name = each.partition(":")
        stores.add((kind, name))
    identities = _strings(value, "trustedIdentities")
    subjects = [_subject(each, source) for each in identities if each != "*"]
    level = text(mapping(value, "signatureVerification"), "level")
    return Policy(text(value, "name"), level, frozenset(stores), None if "*" in identities else tuple(subjects))


def _subject(identity: str, source: str) -> frozenset[tuple[str, str]]:
    written = identity.removeprefix(_SUBJECT)
    try:
        parts = [part.strip() for part in _COMMA.split(written)]
        fixed = [f"ST={part[2:]}" if part[:2].upper() == "S=" else part for part in parts]
        name = x509.Name.from_rfc4514_string(",".join(fixed))
    except ValueError as error:
        raise InputError(f"{source}: {identity!r} is no trusted identity") from error
    if written == identity:
        raise InputError(f"{source}: {identity!r} does not begin with {_SUBJECT}")
    return _parts(name)


def _parts(name: x509.Name) -> frozenset[tuple[str, str]]:
    return frozenset((each.oid.dotted_string, str(each.value)) for each in name)


def trusts(policy: Policy, certificate: x509.Certificate) -> bool:
    """Whether a certificate's subject has every part of one of the trusted identities."""
    held = _parts(certificate.subject)
    return any(wanted <= held for wanted in policy.subjects or ())


def anchors(policy: Policy, trust: NotationTrust, kind: str) -> tuple[x509.Certificate, ...]:
    """The certificates of the trust stores of one type that the policy names.

    Raises:
        InputError: a file of a store holds no certificate.
    """
    chosen = [
        files
        for (store, name), files in sorted(trust.stores.items())
        if store == kind and (policy.stores is None or (store, name) in policy.stores)
    ]
    return load_pems([file for files in chosen for file in files])
