"""The command line: parse, call, render, write, exit. No judgement here.

Everything but the parser is imported inside the commands, so that ``--version`` and completion stay quick.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from imgforensics.clioptions import (
    Codes,
    Colour,
    ColourChoice,
    Expect,
    ExpectFile,
    FailOn,
    Fast,
    Format,
    Ignored,
    ImageChoice,
    Jobs,
    LedgerFile,
    ManifestFile,
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
    Verbose,
)
from imgforensics.version import __version__

if TYPE_CHECKING:
    from imgforensics.report import Options
    from imgforensics.run import Settings

ANSWERED = 0
BAD = 1
NO_ANSWER = 2
INTERRUPTED = 130

app = typer.Typer(
    name="imgforensics",
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
    context.obj = (verbose, quiet, color)


@app.command()
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
    verbose: Verbose = False,
    quiet: Quiet = False,
    color: ColourChoice = Colour.AUTO,
) -> None:
    """Check everything in an archive: is every byte what its name says?

    Recomputes the SHA-256 of the archive, of every member, and of every layer uncompressed, compares them with every
    file name, digest, size and ID that the archive claims, and reports everything that is wrong, missing or odd.

    Example: imgforensics verify image.tar transfer/ --format json -o report.json
    """
    with _guarded():
        from imgforensics.report import Options

        settings = _settings(context, format, output, fail_on, progress, verbose, quiet, color)
        asked = _expectations(settings, expect, expect_file, manifest, ledger, no_ledger)
        options = Options(
            jobs=jobs or _processors(),
            fast=fast,
            select=_codes(select),
            ignore=_codes(ignore),
            image=image,
            platform=platform,
            **asked.options,
        )
        _run("verify", paths, options, asked.settings)


@app.command()
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
    with _guarded():
        from imgforensics.report import Options

        settings = _settings(context, Format(format.value), output, FailOn.ERROR, progress, verbose, quiet, color)
        asked = _expectations(settings, expect, expect_file, manifest, ledger, no_ledger, always=True)
        options = Options(
            jobs=jobs or _processors(),
            image=image,
            platform=platform,
            digests=True,
            pushers=_names(pusher),
            **asked.options,
        )
        if raw:
            _run_raw(paths, options, asked.settings)
        else:
            _run("digest", paths, options, asked.settings)


@app.command()
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
    with _guarded():
        from imgforensics.commands import ledger_path, run_learn
        from imgforensics.errors import InputError
        from imgforensics.report import Options

        path = ledger_path(ledger, off=False)
        if path is None:
            raise InputError("no place for a ledger; --ledger FILE names one")
        code = run_learn(paths, path, Options(jobs=jobs or _processors()), output)
        if code:
            raise typer.Exit(code)


@app.command()
def inspect(
    context: typer.Context,
    paths: Paths,
    format: Annotated[PlainFormat, typer.Option("--format", "-f", help="Form of the report.")] = PlainFormat.TABLE,  # noqa: A002
    output: Output = "-",
    image: ImageChoice = None,
    platform: PlatformChoice = None,
    jobs: Jobs = None,
    progress: ShowProgress = None,
    fast: Fast = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    color: ColourChoice = Colour.AUTO,
) -> None:
    """Show what is inside: who wrote the archive, its images, tags, platforms, layers and history.

    Measures the same as verify, and ends with the same exit codes.
    """
    with _guarded():
        from imgforensics.report import Options

        options = Options(jobs=jobs or _processors(), fast=fast, image=image, platform=platform)
        chosen = Format(format.value)
        _run(
            "inspect", paths, options, _settings(context, chosen, output, FailOn.ERROR, progress, verbose, quiet, color)
        )


@app.command()
def rules(
    code: Annotated[str | None, typer.Argument(help="A rule's code or name, e.g. IMG301.", metavar="[CODE]")] = None,
    format: Annotated[PlainFormat, typer.Option("--format", "-f", help="Form of the list.")] = PlainFormat.TABLE,  # noqa: A002
    output: Output = "-",
) -> None:
    """List the rules, or explain one."""
    with _guarded():
        from imgforensics.rendering import rules as listing
        from imgforensics.run import Sink

        with Sink(output) as sink:
            sink.write(listing.render(code, format.value))


def _run(command: str, paths: list[str], options: "Options", settings: "Settings") -> None:
    from imgforensics.run import run

    code = run(command, paths, options, settings)
    if code:
        raise typer.Exit(code)


def _run_raw(paths: list[str], options: "Options", settings: "Settings") -> None:
    from imgforensics.commands import run_raw
    from imgforensics.errors import SelectionError

    if len(paths) != 1 or settings.output != "-":
        raise SelectionError("--raw takes one archive, and writes to standard output")
    code = run_raw(paths[0], options, settings.expect)
    if code:
        raise typer.Exit(code)


class _Asked(NamedTuple):
    """What options on digests come to."""

    options: dict[str, Any]
    settings: "Settings"


def _expectations(
    settings: "Settings",
    expect: list[str] | None,
    expect_file: str | None,
    manifest: list[str] | None,
    ledger: str | None,
    no_ledger: bool,
    *,
    always: bool = False,
) -> _Asked:
    """Read the files that options name. Where nothing is asked, nothing is opened."""
    if not (always or expect or expect_file is not None or manifest or ledger == ""):  # an empty name is refused
        return _Asked({}, settings)
    from imgforensics import commands
    from imgforensics.recompress import COMPILED

    if not COMPILED:
        _complain(
            "the encoders run as plain Python, about a hundred times slower: no C compiler was there to build them"
        )
    options = {
        "expect": tuple(expect or ()),
        "manifests": commands.supplied(manifest or ()),
        "ledger": commands.ledger_path(ledger, off=no_ledger),
        "warn": commands.warner(),
    }
    return _Asked(options, replace(settings, expect=commands.expected(expect_file)))


def _names(values: list[str] | None) -> tuple[str, ...]:
    return tuple(name.strip() for value in values or () for name in value.split(",") if name.strip())


def _settings(
    context: typer.Context,
    format: Format,  # noqa: A002
    output: str,
    fail_on: FailOn,
    progress: bool | None,
    verbose: bool,
    quiet: bool,
    color: Colour,
) -> "Settings":
    from imgforensics.run import Settings

    verbose_before, quiet_before, color_before = context.obj or (False, False, Colour.AUTO)
    chosen = color if color is not Colour.AUTO else color_before
    return Settings(
        format=format.value,
        output=output,
        fail_on=None if fail_on is FailOn.NEVER else fail_on.value,
        progress=sys.stderr.isatty() if progress is None else progress,
        verbose=verbose or verbose_before,
        quiet=quiet or quiet_before,
        colour=_wants_colour(chosen, output),
    )


def _wants_colour(color: Colour, output: str) -> bool:
    if color is not Colour.AUTO:
        return color is Colour.ALWAYS
    return output == "-" and sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _codes(values: list[str] | None) -> tuple[str, ...]:
    return tuple(code.strip().upper() for value in values or () for code in value.split(",") if code.strip())


def _processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _guarded() -> Iterator[None]:
    """Turn what stops the tool into one line and an exit code; nothing else may look like an answer."""
    from imgforensics.errors import ImgforensicsError

    try:
        yield
    except ImgforensicsError as error:
        _complain(str(error))
        raise typer.Exit(NO_ANSWER) from None
    except KeyboardInterrupt:
        _complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:  # whoever reads the output has had enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(NO_ANSWER) from None
    except typer.Exit:
        raise
    except Exception as error:
        _complain(f"internal error, please report it: {type(error).__name__}: {error}")
        raise typer.Exit(NO_ANSWER) from error


def _complain(message: str) -> None:
    from imgforensics.rendering.escape import printable

    typer.echo(f"imgforensics: {printable(message)}", err=True)


def main() -> None:
    """The entry point of the command."""
    from imgforensics.console import command

    command(app)
