"""What the user trusts, as it was read from files: bytes with the name of their source. Nothing is parsed here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that the user named."""

    source: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Pin:
    """An identity and the issuer that vouches for it. Either alone pins nothing: anybody can get some identity."""

    identity: str
    issuer: str
    identity_pattern: bool = False
    """The identity is a regular expression that has to match as a whole."""
    issuer_pattern: bool = False

    def admits(self, identity: str, issuer: str | None) -> bool:
        """Whether this is the pinned signer. Exact, unless patterns were asked for."""
        return issuer is not None and all(
            re.fullmatch(wanted, given) is not None if pattern else wanted == given
            for wanted, given, pattern in (
                (self.identity, identity, self.identity_pattern),
                (self.issuer, issuer, self.issuer_pattern),
            )
        )


@dataclass(frozen=True, slots=True)
class NotationTrust:
    """A configuration directory of notation."""

    stores: Mapping[tuple[str, str], tuple[NamedFile, ...]]
    """Type (``ca``, ``signingAuthority``, ``tsa``) and name of a trust store to its certificate files."""
    policy: NamedFile | None = None
    """``trustpolicy.json``."""


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that the user brought. Empty, it trusts nobody."""

    detached: tuple[NamedFile, ...] = ()
    """Signatures and bundles beside the archive; evidence, not trust."""
    keys: tuple[NamedFile, ...] = ()
    """Public keys, PEM."""
    trusted_root: NamedFile | None = None
    """Sigstore's ``trusted_root.json``: certificate authorities, logs and time-stamp authorities."""
    ca_roots: tuple[NamedFile, ...] = ()
    """Root certificates of a PKI of one's own, PEM."""
    ca_intermediates: tuple[NamedFile, ...] = ()
    timestamp_roots: tuple[NamedFile, ...] = ()
    """Certificates that time-stamp tokens lead to, PEM."""
    pins: tuple[Pin, ...] = ()
    notation: NotationTrust | None = None
    reference: str | None = None
    """The repository by which a trust policy is chosen; tags in the archive are claims and choose nothing."""
    content_trust: Mapping[str, Mapping[str, NamedFile]] = field(default_factory=dict)
    """Content trust: GUN to role (``root``, ``targets/releases``) to its metadata."""
    root_keys: tuple[str, ...] = ()
    """Content trust: key IDs of root keys that are trusted."""
    tag: str | None = None
    """Content trust: the tag in question; those of the archive's images where it is None."""
    gpg_keyrings: tuple[NamedFile, ...] = ()
    at: datetime | None = None
    """The time at which what has no trusted time of its own is judged; never the clock unless the user says so."""
