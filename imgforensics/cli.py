"""The command line: parse, call, render, write, exit. No judgement here.

Everything but the parser is imported inside the commands, so that ``--version`` and completion stay quick.
"""

from dataclasses import replace
from typing import Annotated

import typer

from imgforensics import clicompletion, cliforensics, clisets, clisignatures
from imgforensics.clioptions import (
    Attest,
    Codes,
    Colour,
    ColourChoice,
    Expect,
    ExpectFile,
    FailOn,
    Fast,
    Files,
    Format,
    Ignored,
    ImageChoice,
    Jobs,
    Layers,
    LedgerFile,
    ManifestFile,
    Members,
    NoLedger,
    Output,
    Paths,
    PlainFormat,
    PlatformChoice,
    PusherChoice,
    Quiet,
    Raw,
    ShowProgress,
    Threshold,
    Timestamps,
    Verbose,
)
from imgforensics.clisupport import (
    codes,
    expectations,
    get_ready,
    guarded,
    look_inside,
    names,
    processors,
    run,
    run_raw,
    settings_of,
)
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
from imgforensics.cliusage import GroupedCommand, OneLineGroup, refuse_lost
from imgforensics.version import __version__

app = typer.Typer(
    name="imgforensics",
    cls=OneLineGroup,
    help="Offline forensics for container-image tarballs: docker save and OCI-layout archives. No network, ever.",
    epilog="Exit codes: 0 answered and nothing bad, 1 answered and it is bad, 2 no answer, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"imgforensics {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    verbose: Verbose = False,
    quiet: Quiet = False,
    color: ColourChoice = Colour.AUTO,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options for all commands; they may stand before the command or after it."""
    del version  # its callback has answered
    refuse_lost(context, {"verbose": verbose, "quiet": quiet, "color": color is not Colour.AUTO})
    context.obj = (verbose, quiet, color)


@app.command(cls=GroupedCommand, short_help="Is everything what it claims to be?")
def verify(
    context: typer.Context,
    paths: Paths,
    format: Annotated[Format, typer.Option("--format", "-f", help="Form of the report.")] = Format.TABLE,  # noqa: A002
    output: Output = "-",
    select: Codes = None,
    ignore: Ignored = None,
    fail_on: Threshold = FailOn.ERROR,
    image: ImageChoice = None,
    platform: PlatformChoice = None,
    jobs: Jobs = None,
    progress: ShowProgress = None,
    fast: Fast = False,
    expect: Expect = None,
    expect_file: ExpectFile = None,
    manifest: ManifestFile = None,
    ledger: LedgerFile = None,
    no_ledger: NoLedger = False,
    attest: Attest = None,
    timestamps: Timestamps = False,
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
    budget: clisets.BudgetOf = None,
    skip_others: clisets.SkipOthers = False,
    lock: clisets.LockFile = None,
    baseline: clisets.BaselineFile = None,
    resume: clisets.StateFile = None,
    rehash: clisets.Rehash = False,
    cluster: clisets.ClusterAddress = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
    color: ColourChoice = Colour.AUTO,
) -> None:
    """Check everything in an archive: is every byte what its name says?

    Recomputes the SHA-256 of the archive, of every member, and of every layer uncompressed, compares them with every
    file name, digest, size and ID that the archive claims, and reports everything that is wrong, missing or odd.

    Example: imgforensics verify image.tar transfer/ --format json -o report.json
    """
    with guarded():
        get_ready(paths, jobs, cluster)
        from imgforensics.report import Options

        settings = settings_of(context, format, output, fail_on, progress, verbose, quiet, color)
        asked = expectations(settings, expect, expect_file, manifest, ledger, no_ledger)
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
            fast=fast,
            select=codes(select),
            ignore=codes(ignore),
            image=image,
            platform=platform,
            timestamps=timestamps,
            limits=clisets.limits_of(budget),
            **trusting.options(required=require_signature),
            **asked.options,
        )
        settings = clisets.about_sets(asked.settings, lock, baseline, resume, rehash, cluster)
        run("verify", paths, options, replace(settings, attest=attest, skip_others=skip_others))


@app.command(cls=GroupedCommand, short_help="Which manifest digest does a registry show for it?")
def digest(
    context: typer.Context,
    paths: Paths,
    format: Annotated[PlainFormat, typer.Option("--format", "-f", help="Form of the report.")] = PlainFormat.TABLE,  # noqa: A002
    output: Output = "-",
    expect: Expect = None,
    expect_file: ExpectFile = None,
    manifest: ManifestFile = None,
    image: ImageChoice = None,
    platform: PlatformChoice = None,
    pusher: PusherChoice = None,
    ledger: LedgerFile = None,
    no_ledger: NoLedger = False,
    raw: Raw = False,
    jobs: Jobs = None,
    progress: ShowProgress = None,
    timestamps: Timestamps = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    color: ColourChoice = Colour.AUTO,
) -> None:
    """Find the manifest digest that a registry shows, or would show, for each image.

    Where the archive holds the registry's manifest, that is the answer. Else it is rebuilt bit for bit: layers are
    compressed as the tools that push images do it. A digest that was expected and comes out is proof; that none comes
    out proves nothing.

    Example: imgforensics digest image.tar --expect sha256:acd3ca99...
    """
    with guarded():
        from imgforensics.report import Options

        settings = settings_of(context, Format(format.value), output, FailOn.ERROR, progress, verbose, quiet, color)
        asked = expectations(settings, expect, expect_file, manifest, ledger, no_ledger, always=True)
        options = Options(
            jobs=jobs or processors(),
            image=image,
            platform=platform,
            digests=True,
            pushers=names(pusher),
            timestamps=timestamps,
            **asked.options,
        )
        if raw:
            run_raw(paths, options, asked.settings)
        else:
            run("digest", paths, options, asked.settings)


@app.command(cls=GroupedCommand, short_help="Remember how registries hold layers, for digest.")
def learn(
    paths: Paths,
    ledger: LedgerFile = None,
    output: Output = "-",
    jobs: Jobs = None,
) -> None:
    """Remember how registries hold layers, from archives with compressed layers and from manifest files.

    `digest` and `verify --expect` then try these forms too. Nothing is learned from an archive that fails its own
    verification. Manifest files are the raw bytes that a registry gave (crane manifest, skopeo inspect --raw).
    """
    with guarded():
        from imgforensics.commands import ledger_path, run_learn
        from imgforensics.errors import InputError
        from imgforensics.report import Options

        path = ledger_path(ledger, off=False)
        if path is None:
            raise InputError("no place for a ledger; --ledger FILE names one")
        code = run_learn(paths, path, Options(jobs=jobs or processors()), output)
        if code:
            raise typer.Exit(code)


@app.command(cls=GroupedCommand, short_help="What is inside, and who would load what?")
def inspect(
    context: typer.Context,
    paths: Paths,
    format: Annotated[PlainFormat, typer.Option("--format", "-f", help="Form of the report.")] = PlainFormat.TABLE,  # noqa: A002
    output: Output = "-",
    member: Members = None,
    layers: Layers = False,
    files: Files = False,
    image: ImageChoice = None,
    platform: PlatformChoice = None,
    jobs: Jobs = None,
    progress: ShowProgress = None,
    fast: Fast = False,
    timestamps: Timestamps = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    color: ColourChoice = Colour.AUTO,
) -> None:
    """Show what is inside: who wrote the archive, its images, tags, platforms, layers and history.

    Measures the same as verify, and ends with the same exit codes. --member tells everything about one member of the
    tar: headers, offsets, digests, who refers to it, its first bytes. --layers and --files go into the layers.

    Example: imgforensics inspect image.tar --files --image @0
    """
    with guarded():
        from imgforensics.report import Options

        options = Options(jobs=jobs or processors(), fast=fast, image=image, platform=platform, timestamps=timestamps)
        chosen = Format(format.value)
        settings = settings_of(context, chosen, output, FailOn.ERROR, progress, verbose, quiet, color)
        if member or layers or files:
            look_inside(paths, options, settings, member=member, layers=layers, files=files)
        else:
            run("inspect", paths, options, settings)


@app.command(cls=GroupedCommand, short_help="What can be found, and what a finding means.")
def rules(
    code: Annotated[
        str | None,
        typer.Argument(help="A rule's code or name, e.g. IMG301.", metavar="CODE", autocompletion=clicompletion.rule),
    ] = None,
    format: Annotated[PlainFormat, typer.Option("--format", "-f", help="Form of the list.")] = PlainFormat.TABLE,  # noqa: A002
    output: Output = "-",
) -> None:
    """List the rules, or those whose code begins so (IMG3), or explain one."""
    with guarded():
        from imgforensics.output import Sink
        from imgforensics.rendering import rules as listing

        with Sink(output) as sink:
            sink.write(listing.render(code, format.value))


app.command(cls=GroupedCommand, short_help="Who signed it, and is the signature of this image?")(
    clisignatures.signatures
)
app.command(cls=GroupedCommand, short_help="Write down what is sent, to prove that it arrived.")(clisets.lock)
cliforensics.register(app)


def main() -> None:
    """The entry point of the command."""
    from imgforensics.console import command

    command(clicompletion.with_joined_values(app))
