"""The options on signatures, with the names that users of cosign, notation and docker know."""

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from imgforensics import clicompletion

if TYPE_CHECKING:
    from imgforensics.trust.material import Material

Files = list[str] | None

SIGNATURES = "Signatures, and who may have signed"
"""Heading of these options."""

SignatureFile = Annotated[
    Files,
    typer.Option(
        "--signature",
        metavar="FILE",
        help="A signature or bundle that lies beside the archive; repeatable.",
        rich_help_panel=SIGNATURES,
    ),
]
KeyFile = Annotated[
    Files,
    typer.Option("--key", metavar="FILE", help="A public key to trust, PEM; repeatable.", rich_help_panel=SIGNATURES),
]
TrustedRootFile = Annotated[
    str | None,
    typer.Option(
        "--trusted-root",
        metavar="FILE",
        help="Sigstore's trusted_root.json: authorities and logs to trust.",
        rich_help_panel=SIGNATURES,
    ),
]
CertificateIdentity = Annotated[
    str | None,
    typer.Option(
        "--certificate-identity",
        metavar="ID",
        help="Who must have signed, exactly; with the issuer.",
        rich_help_panel=SIGNATURES,
    ),
]
CertificateIssuer = Annotated[
    str | None,
    typer.Option(
        "--certificate-oidc-issuer",
        metavar="URL",
        help="Who must vouch for the signer, exactly.",
        rich_help_panel=SIGNATURES,
    ),
]
IdentityPattern = Annotated[
    str | None,
    typer.Option(
        "--certificate-identity-regexp",
        metavar="RE",
        help="The same as a pattern of the whole identity.",
        rich_help_panel=SIGNATURES,
    ),
]
IssuerPattern = Annotated[
    str | None,
    typer.Option(
        "--certificate-oidc-issuer-regexp",
        metavar="RE",
        help="The same as a pattern of the whole issuer.",
        rich_help_panel=SIGNATURES,
    ),
]
CaRoots = Annotated[
    Files,
    typer.Option(
        "--ca-roots",
        metavar="FILE",
        help="Root certificates of your own to trust, PEM; repeatable.",
        rich_help_panel=SIGNATURES,
    ),
]
CaIntermediates = Annotated[
    Files,
    typer.Option(
        "--ca-intermediates",
        metavar="FILE",
        help="Certificates between signer and root; repeatable.",
        rich_help_panel=SIGNATURES,
    ),
]
TimestampChain = Annotated[
    Files,
    typer.Option(
        "--timestamp-certificate-chain",
        metavar="FILE",
        help="Time-stamp authorities to trust, PEM; repeatable.",
        rich_help_panel=SIGNATURES,
    ),
]
NotationTrustFolder = Annotated[
    str | None,
    typer.Option(
        "--notation-trust",
        metavar="DIR",
        help="notation's configuration: truststore/ and trustpolicy.json.",
        rich_help_panel=SIGNATURES,
    ),
]
ReferenceName = Annotated[
    str | None,
    typer.Option(
        "--reference",
        metavar="REPOSITORY",
        help="The repository whose trust policy counts.",
        rich_help_panel=SIGNATURES,
    ),
]
DctTrustFolder = Annotated[
    str | None,
    typer.Option(
        "--dct-trust",
        metavar="DIR",
        help="Docker Content Trust metadata: ~/.docker/trust, or part of it.",
        rich_help_panel=SIGNATURES,
    ),
]
DctRootKey = Annotated[
    Files,
    typer.Option(
        "--dct-root-key", metavar="ID", help="ID of a root key to trust in it; repeatable.", rich_help_panel=SIGNATURES
    ),
]
GunName = Annotated[
    str | None, typer.Option("--gun", metavar="NAME", help="Its repository in question.", rich_help_panel=SIGNATURES)
]
TagName = Annotated[
    str | None, typer.Option("--tag", metavar="TAG", help="Its tag in question.", rich_help_panel=SIGNATURES)
]
GpgKeyring = Annotated[
    Files,
    typer.Option(
        "--gpg-keyring", metavar="FILE", help="OpenPGP public keys to trust; repeatable.", rich_help_panel=SIGNATURES
    ),
]
AtTime = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME|now",
        help="When to judge what has no trusted time of its own.",
        autocompletion=clicompletion.moments,
        rich_help_panel=SIGNATURES,
    ),
]
Required = Annotated[
    bool,
    typer.Option(
        "--require-signature",
        help="Every image must be signed, verified, and of a pinned signer.",
        rich_help_panel=SIGNATURES,
    ),
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
