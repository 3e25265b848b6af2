"""Signatures and attestations: what was found, what verification made of it, and which image it is bound to.

Three things that are never mixed: a *claim*, which anybody could have written; a *judgement*, which rests on trust
material that the user brought; and a *binding*, which says whether the signed digest is an image of this archive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from imgforensics.model import Digest, Location


class Scheme(StrEnum):
    """How something is signed."""

    COSIGN = "cosign-simple-signing"
    BUNDLE = "sigstore-bundle"
    DSSE = "dsse"
    NOTATION_JWS = "notation-jws"
    NOTATION_COSE = "notation-cose"
    CONTENT_TRUST = "docker-content-trust"
    GPG = "gpg-simple-signing"
    UNSIGNED = "unsigned"


class Purpose(StrEnum):
    """What a signature says. An attestation states something about an image; it is not the image's signature."""

    SIGNATURE = "signature"
    ATTESTATION = "attestation"


class Status(StrEnum):
    """What became of a signature, whatever it is bound to."""

    VERIFIED = "verified"
    NOT_PINNED = "verified-identity-not-pinned"
    CERTIFICATE_EXPIRED = "verified-cert-expired"
    METADATA_EXPIRED = "verified-metadata-expired"
    SIGNATURE_EXPIRED = "signature-expired"
    UNVERIFIABLE = "unverifiable"
    INVALID = "invalid"
    UNSIGNED = "unsigned"


HOLDS = frozenset(
    {
        Status.VERIFIED,
        Status.NOT_PINNED,
        Status.CERTIFICATE_EXPIRED,
        Status.METADATA_EXPIRED,
        Status.SIGNATURE_EXPIRED,
    }
)
"""The cryptography holds and leads to what the user trusts; only then is what was signed more than a claim."""


class Binding(StrEnum):
    """Whether the digest is that of an image in the archive."""

    EXACT = "exact"
    """The manifest or index of that digest is in the archive, with everything that it names of the image."""
    VIA_CONFIG = "via-config"
    """The manifest of that digest was handed in: config, diff_ids and layers of the archive agree with it."""
    RECONSTRUCTED = "reconstructed"
    """A manifest that was rebuilt from the archive hashes to it."""
    UNBOUND = "unbound"
    """Nothing in the archive leads to it; that refutes nothing."""
    OTHER_DIGEST = "other-digest"
    """It is known to be the digest of something else than what the archive holds, or than the signature stands with."""


BOUND = frozenset({Binding.EXACT, Binding.VIA_CONFIG, Binding.RECONSTRUCTED})
"""An image of the archive is what was signed."""


class Headline(StrEnum):
    """The answer for one image, best first."""

    VERIFIED = "signed-and-verified"
    UNVERIFIABLE = "signed-unverifiable"
    NONE = "no-signature-in-archive"
    DIFFERENT = "signature-for-different-digest"
    INVALID = "signature-invalid"


class Place(StrEnum):
    """How a signature was found."""

    TAG = "tag"
    REFERRER = "referrer"
    INDEX = "index"
    ORPHAN = "orphan"
    FOLDER = "folder"
    DETACHED = "detached"
    TRUST_DATA = "trust-data"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a signature says of itself and of its subject. Unauthenticated, every word of it."""

    digests: tuple[Digest, ...] = ()
    reference: str | None = None
    identity: str | None = None
    issuer: str | None = None
    time: str | None = None
    predicate_type: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is, or should be, signed."""

    scheme: Scheme
    purpose: Purpose
    place: Place
    where: Location
    """The member that holds it; its name is that of a file where it was handed in."""
    content: bytes
    """The signed payload (cosign), or the whole envelope, bundle or OpenPGP message."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of the layer descriptor; unsigned."""
    hints: tuple[Digest, ...] = ()
    """Digests that its surroundings say it belongs to: subject, tag, annotations, folder. Unsigned."""
    broken: str | None = None
    """Why its bytes are not those that the archive itself names, where they are not."""
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    """Content trust: role to the bytes of its metadata."""
    tag: str = ""
    """Content trust: the tag in question."""
    role: str = ""
    """Content trust: the role that names it."""
    claims: Claims = field(default_factory=Claims)


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signer signed; authenticated by the signature."""

    digests: tuple[Digest, ...]
    size: int | None = None
    """Bytes of the signed manifest, where the scheme binds it."""
    media_type: str | None = None
    name: str | None = None
    """The repository and tag, where the scheme binds them."""
    predicate_type: str | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, and how that is known."""

    identity: str
    issuer: str | None
    how: str


@dataclass(frozen=True, slots=True)
class TrustedTime:
    """When it was signed, or judged, by somebody other than the signer."""

    at: datetime
    source: str


class CheckResult(StrEnum):
    """How one step of a verification went."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_DONE = "not-done"


@dataclass(frozen=True, slots=True)
class Checked:
    """One step of a verification."""

    what: str
    result: CheckResult
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What verification made of a signature."""

    status: Status
    reason: str
    signed: Signed | None = None
    """None unless the signature holds."""
    signer: Signer | None = None
    time: TrustedTime | None = None
    checks: tuple[Checked, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether what was signed is more than a claim."""
        return self.status in HOLDS and self.signed is not None


@dataclass(frozen=True, slots=True)
class Bound:
    """What a digest means for this archive."""

    binding: Binding
    how: str
    digest: Digest | None = None
    level: str = ""
    """What was signed: ``manifest``, ``index``, ``attestation`` (which is of the image) or ``artifact``."""
    images: tuple[int, ...] = ()
    """Indexes of the images that it is bound to."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature or attestation, judged and bound."""

    found: Found
    judgement: Judgement
    bound: Bound | None
    """None where no digest is even claimed."""

    @property
    def is_good(self) -> bool:
        """Whether it is a signature that is verified, of a pinned signer."""
        return self.found.purpose is Purpose.SIGNATURE and self.judgement.status is Status.VERIFIED


@dataclass(frozen=True, slots=True)
class Signatures:
    """Everything that is known of the signatures of one archive."""

    found: tuple[Signature, ...] = ()
    headlines: Mapping[int, Headline] = field(default_factory=dict)
    """By index of the image."""
    required: bool = False
    """Every image has to be signed and verified."""

    @property
    def headline(self) -> Headline:
        """The worst headline among the images."""
        order = list(Headline)
        return max(self.headlines.values(), key=order.index, default=Headline.NONE)
