"""The commands that take evidence out of archives: ``carve`` and ``diff``. No judgement here."""

from typing import Annotated

import typer

from imgforensics.clioptions import (
    Colour,
    FailOn,
    Format,
    Jobs,
    PlainFormat,
    Quiet,
    ShowProgress,
)
from imgforensics.clisupport import guarded, processors, settings_of

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
    quiet: Quiet = False,
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


def register(app: typer.Typer) -> None:
    """Put the commands on the application."""
    app.command()(carve)
