"""The options on signatures, with the names that users of cosign, notation and docker know."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from imgforensics import clicompletion

if TYPE_CHECKING:
    from imgforensics.trust.material import Material

Files = list[str] | None

SIGNATURES = "Signatures, and who may have signed"
"""Heading of these options."""
_option = partial(typer.Option, rich_help_panel=SIGNATURES)

SignatureFile = Annotated[
    Files,
    _option("--signature", metavar="FILE", help="A signature or bundle that lies beside the archive; repeatable."),
]
KeyFile = Annotated[
    Files,
    _option("--key", metavar="FILE", help="A public key to trust, PEM; repeatable."),
]
TrustedRootFile = Annotated[
    str | None,
    _option("--trusted-root", metavar="FILE", help="Sigstore's trusted_root.json: authorities and logs to trust."),
]
CertificateIdentity = Annotated[
    str | None,
    _option("--certificate-identity", metavar="ID", help="Who must have signed, exactly; with the issuer."),
]
CertificateIssuer = Annotated[
    str | None,
    _option("--certificate-oidc-issuer", metavar="URL", help="Who must vouch for the signer, exactly."),
]
IdentityPattern = Annotated[
    str | None,
    _option("--certificate-identity-regexp", metavar="RE", help="The same as a pattern of the whole identity."),
]
IssuerPattern = Annotated[
    str | None,
    _option("--certificate-oidc-issuer-regexp", metavar="RE", help="The same as a pattern of the whole issuer."),
]
CaRoots = Annotated[
    Files,
    _option("--ca-roots", metavar="FILE", help="Root certificates of your own to trust, PEM; repeatable."),
]
CaIntermediates = Annotated[
    Files,
    _option("--ca-intermediates", metavar="FILE", help="Certificates between signer and root; repeatable."),
]
TimestampChain = Annotated[
    Files,
    _option("--timestamp-certificate-chain", metavar="FILE", help="Time-stamp authorities to trust, PEM; repeatable."),
]
NotationTrustFolder = Annotated[
    str | None,
    _option("--notation-trust", metavar="DIR", help="notation's configuration: truststore/ and trustpolicy.json."),
]
ReferenceName = Annotated[
    str | None,
    _option("--reference", metavar="REPOSITORY", help="The repository whose trust policy counts."),
]
DctTrustFolder = Annotated[
    str | None,
    _option("--dct-trust", metavar="DIR", help="Docker Content Trust metadata: ~/.docker/trust, or part of it."),
]
DctRootKey = Annotated[
    Files,
    _option("--dct-root-key", metavar="ID", help="ID of a root key to trust in it; repeatable."),
]
GunName = Annotated[str | None, _option("--gun", metavar="NAME", help="Its repository in question.")]
TagName = Annotated[str | None, _option("--tag", metavar="TAG", help="Its tag in question.")]
GpgKeyring = Annotated[
    Files,
    _option("--gpg-keyring", metavar="FILE", help="OpenPGP public keys to trust; repeatable."),
]
AtTime = Annotated[
    str | None,
    _option(
        "--at",
        metavar="TIME|now",
        help="When to judge what has no trusted time of its own.",
        autocompletion=clicompletion.moments,
    ),
]
Required = Annotated[
    bool,
    _option("--require-signature", help="Every image must be signed, verified, and of a pinned signer."),
]


class Trusting(NamedTuple):
    """The options on signatures, as they were given."""

    signature: Files
    key: Files
    trusted_root: str | None
    identity: str | None
    issuer: str | None
    identity_regexp: str | None
    issuer_regexp: str | None
    ca_roots: Files
    ca_intermediates: Files
    timestamp_chain: Files
    notation_trust: str | None
    reference: str | None
    dct_trust: str | None
    dct_root_key: Files
    gun: str | None
    tag: str | None
    gpg_keyring: Files
    at: str | None

    def options(self, *, required: bool, always: bool = False) -> dict[str, Any]:
        """What they come to. Where nothing is said about signatures, nothing is read.

        Args:
            required: an image that is not signed is a finding.
            always: signatures are looked for even where nothing is trusted.

        Raises:
            InputError: a file cannot be read or parsed, or an identity stands without its issuer.
            SelectionError: an option says more of one that was not given.
        """
        self._refuse_stray()
        if not any(self):
            return {"signatures": always or required, "require_signature": required}
        return {"signatures": True, "require_signature": required, "trust": self._material()}

    def _refuse_stray(self) -> None:
        from imgforensics.errors import SelectionError

        of_dct = {"--dct-root-key": self.dct_root_key, "--gun": self.gun, "--tag": self.tag}
        for main, given, more in (
            ("--dct-trust DIR", self.dct_trust, of_dct),
            ("--notation-trust DIR", self.notation_trust, {"--reference": self.reference}),
        ):
            stray = next((name for name, value in more.items() if value), None)
            if given is None and stray is not None:
                raise SelectionError(f"{stray} says more of {main}, which is not there")

    def _material(self) -> "Material":
        from imgforensics import trustfiles
        from imgforensics.trust.judge import Judge

        made = trustfiles.material(
            signature=self.signature or (),
            key=self.key or (),
            trusted_root=self.trusted_root,
            ca_roots=self.ca_roots or (),
            ca_intermediates=self.ca_intermediates or (),
            timestamp_chain=self.timestamp_chain or (),
            pinned=trustfiles.pins(self.identity, self.issuer, self.identity_regexp, self.issuer_regexp),
            notation=self.notation_trust,
            reference=self.reference,
            dct_trust=self.dct_trust,
            dct_root_key=self.dct_root_key or (),
            gun=self.gun,
            tag=self.tag,
            gpg_keyring=self.gpg_keyring or (),
            at=self.at,
        )
        Judge(made).check()
        return made
