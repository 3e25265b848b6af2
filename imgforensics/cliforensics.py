"""The commands that take evidence out of archives: ``carve`` and ``diff``. No judgement here."""

from typing import Annotated

import typer

from imgforensics.clioptions import (
    Colour,
    ColourChoice,
    FailOn,
    Format,
    Jobs,
    Output,
    PlainFormat,
    ShowProgress,
)
from imgforensics.clisupport import guarded, processors, settings_of
from imgforensics.cliusage import GroupedCommand

_ARCHIVE = typer.Argument(help="An archive, or - for standard input.", metavar="ARCHIVE")


def carve(
    context: typer.Context,
    archive: Annotated[str, _ARCHIVE],
    directory: Annotated[
        str,
        typer.Option("--output", "-o", metavar="DIR", help="A folder for the files: a new one, or an empty one."),
    ],
    member: Annotated[
        list[str] | None,
        typer.Option(
            "--member", metavar="NAME|@N", help="This member: every one of that name, or number N; repeatable."
        ),
    ] = None,
    orphans: Annotated[bool, typer.Option("--orphans", help="Members that nothing in the archive refers to.")] = False,
    trailing: Annotated[bool, typer.Option("--trailing", help="What lies behind the end of the archive.")] = False,
    format: Annotated[PlainFormat, typer.Option("--format", "-f", help="Form of the answer.")] = PlainFormat.TABLE,  # noqa: A002
    jobs: Jobs = None,
    progress: ShowProgress = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing; carved.json tells all.")] = False,
) -> None:
    """Write pieces of an archive into a folder, byte for byte as they are stored, to be looked at elsewhere.

    Files are called by number and SHA-256, never by what the archive says; carved.json beside them tells what each was
    called and where it stood. Nothing is written over, and nothing is written unless everything that was asked for is
    there.

    Example: imgforensics carve suspect.tar --orphans --trailing -o evidence/
    """
    with guarded():
        from imgforensics import forensics
        from imgforensics.errors import SelectionError
        from imgforensics.report import Options

        if not (member or orphans or trailing):
            raise SelectionError("carve what? --member NAME, --orphans or --trailing")
        form = Format(format.value)
        settings = settings_of(
            context, form, "-", FailOn.NEVER, progress, verbose=False, quiet=quiet, color=Colour.NEVER
        )
        options = Options(jobs=jobs or processors())
        forensics.run_carve(
            archive, directory, options, settings, names=member or (), orphans=orphans, trailing=trailing
        )


def diff(
    context: typer.Context,
    a: Annotated[str, typer.Argument(help="The archive that is known, or - for standard input.", metavar="A")],
    b: Annotated[str, typer.Argument(help="The archive that came, or - for standard input; not both.", metavar="B")],
    format: Annotated[PlainFormat, typer.Option("--format", "-f", help="Form of the answer.")] = PlainFormat.TABLE,  # noqa: A002
    output: Output = "-",
    jobs: Jobs = None,
    progress: ShowProgress = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List everything, members of the tar too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="The answer alone, in one line.")] = False,
    color: ColourChoice = Colour.AUTO,
) -> None:
    """Compare two archives: the one that was approved, and the one that arrived.

    Says whether they are the same file, or hold the same images (by image ID and by the bytes of every layer) in
    another wrapping; if not, which images, config values, layers and files in them differ. Exit codes: 0 the same file
    or the same images, 1 something differs, 2 no answer.

    Example: imgforensics diff approved.tar arrived.tar
    """
    with guarded():
        from imgforensics import forensics
        from imgforensics.report import Options

        settings = settings_of(
            context, Format(format.value), output, FailOn.ERROR, progress, verbose=verbose, quiet=quiet, color=color
        )
        code = forensics.run_diff(a, b, Options(jobs=jobs or processors()), settings)
        if code:
            raise typer.Exit(code)


def register(app: typer.Typer) -> None:
    """Put the commands on the application."""
    app.command(cls=GroupedCommand, short_help="Take chosen members out, under safe names.")(carve)
    app.command(cls=GroupedCommand, short_help="What differs between the approved and the arrived?")(diff)
