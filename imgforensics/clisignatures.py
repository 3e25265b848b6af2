"""The command ``signatures``."""

from typing import Annotated

import typer

from imgforensics.clioptions import (
    Colour,
    ColourChoice,
    FailOn,
    Format,
    ImageChoice,
    Jobs,
    LedgerFile,
    ManifestFile,
    NoLedger,
    Output,
    Paths,
    PlainFormat,
    PlatformChoice,
    Quiet,
    ShowProgress,
    Verbose,
)
from imgforensics.clisupport import expectations, guarded, processors, run, settings_of
from imgforensics.clitrust import (
    AtTime,
    CaIntermediates,
    CaRoots,
    CertificateIdentity,
    CertificateIssuer,
    DctRootKey,
    DctTrustFolder,
    GpgKeyring,
    GunName,
    IdentityPattern,
    IssuerPattern,
    KeyFile,
    NotationTrustFolder,
    ReferenceName,
    Required,
    SignatureFile,
    TagName,
    TimestampChain,
    TrustedRootFile,
    Trusting,
)


def signatures(
    context: typer.Context,
    paths: Paths,
    format: Annotated[PlainFormat, typer.Option("--format", "-f", help="Form of the report.")] = PlainFormat.TABLE,  # noqa: A002
    output: Output = "-",
    signature: SignatureFile = None,
    key: KeyFile = None,
    trusted_root: TrustedRootFile = None,
    certificate_identity: CertificateIdentity = None,
    certificate_oidc_issuer: CertificateIssuer = None,
    certificate_identity_regexp: IdentityPattern = None,
    certificate_oidc_issuer_regexp: IssuerPattern = None,
    ca_roots: CaRoots = None,
    ca_intermediates: CaIntermediates = None,
    timestamp_certificate_chain: TimestampChain = None,
    notation_trust: NotationTrustFolder = None,
    reference: ReferenceName = None,
    dct_trust: DctTrustFolder = None,
    dct_root_key: DctRootKey = None,
    gun: GunName = None,
    tag: TagName = None,
    gpg_keyring: GpgKeyring = None,
    at: AtTime = None,
    require_signature: Required = False,
    manifest: ManifestFile = None,
    image: ImageChoice = None,
    platform: PlatformChoice = None,
    ledger: LedgerFile = None,
    no_ledger: NoLedger = False,
    jobs: Jobs = None,
    progress: ShowProgress = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
    color: ColourChoice = Colour.AUTO,
) -> None:
    """Find signatures and attestations, verify them with what you trust, and say which image they are of.

    Offline: nothing is fetched, and no key or certificate of the archive counts as trusted. A signature says who signed
    a digest; whether that digest is an image of this archive is a second answer, beside it.

    Example: imgforensics signatures image.tar --key cosign.pub
    """
    with guarded():
        from imgforensics.report import Options

        settings = settings_of(context, Format(format.value), output, FailOn.ERROR, progress, verbose, quiet, color)
        asked = expectations(settings, None, None, manifest, ledger, no_ledger, always=True)
        trusting = Trusting(
            signature,
            key,
            trusted_root,
            certificate_identity,
            certificate_oidc_issuer,
            certificate_identity_regexp,
            certificate_oidc_issuer_regexp,
            ca_roots,
            ca_intermediates,
            timestamp_certificate_chain,
            notation_trust,
            reference,
            dct_trust,
            dct_root_key,
            gun,
            tag,
            gpg_keyring,
            at,
        )
        options = Options(
            jobs=jobs or processors(),
            image=image,
            platform=platform,
            **trusting.options(required=require_signature, always=True),
            signed_manifests=asked.options.pop("manifests"),
            **asked.options,
        )
        run("signatures", paths, options, asked.settings)
