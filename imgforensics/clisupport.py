"""What the commands share: settings from options, exit codes, and the guard that turns what stops the tool into a line.

Everything but the parser is imported inside the functions, so that ``--version`` and completion stay quick.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from imgforensics.clioptions import Colour, FailOn, Format
from imgforensics.exitcodes import INTERRUPTED, NO_ANSWER

if TYPE_CHECKING:
    from imgforensics.report import Options
    from imgforensics.run import Settings


def get_ready(paths: list[str], jobs: int | None, cluster: str | None) -> None:
    """Start early what a run over several archives will need: importing takes longer than looking at a small one."""
    if cluster is None and (jobs or processors()) > 1 and (len(paths) > 1 or any(map(os.path.isdir, paths))):
        from imgforensics import pool

        pool.get_ready()


def run(command: str, paths: list[str], options: "Options", settings: "Settings") -> None:
    """Run a command over paths, and leave with its exit code."""
    from imgforensics import run as runner

    code = runner.run(command, paths, options, settings)
    if code:
        raise typer.Exit(code)


def run_raw(paths: list[str], options: "Options", settings: "Settings") -> None:
    """Write the manifest bytes of one archive, and leave with the exit code."""
    from imgforensics import commands
    from imgforensics.errors import SelectionError

    if len(paths) != 1 or settings.output != "-":
        raise SelectionError("--raw takes one archive, and writes to standard output")
    if settings.format != "table" or options.timestamps:
        option = "--timestamps" if options.timestamps else "--format"
        raise SelectionError(f"--raw prints the manifest's bytes and nothing else; {option} changes nothing there")
    code = commands.run_raw(paths[0], options, settings.expect)
    if code:
        raise typer.Exit(code)


def look_inside(
    paths: list[str], options: "Options", settings: "Settings", *, member: list[str] | None, layers: bool, files: bool
) -> None:
    """Tell about single members, or about layers and files, of one archive, and leave with the exit code."""
    from imgforensics import forensics
    from imgforensics.errors import SelectionError

    asked = [name for name, given in (("--member", member), ("--layers", layers), ("--files", files)) if given]
    path = forensics.the_one(paths, asked[0])
    if member and (layers or files):
        raise SelectionError(f"{asked[0]} and {asked[1]} are two questions; ask one at a time")
    if options.fast and (layers or files):
        raise SelectionError(f"{asked[0]} reads layers, which --fast leaves out")
    for name, given in (("--quiet", settings.quiet), ("--timestamps", options.timestamps)):
        if given:
            raise SelectionError(f"{asked[0]} prints what was asked for and nothing else; {name} changes nothing there")
    if member:
        code = forensics.run_member(path, member, options, settings)
    else:
        code = forensics.run_layers(path, options, settings, layers=layers, files=files)
    if code:
        raise typer.Exit(code)


class Asked(NamedTuple):
    """What options on digests come to."""

    options: dict[str, Any]
    settings: "Settings"


def expectations(
    settings: "Settings",
    expect: list[str] | None,
    expect_file: str | None,
    manifest: list[str] | None,
    ledger: str | None,
    no_ledger: bool,
    *,
    always: bool = False,
) -> Asked:
    """Read the files that options name. Where nothing is asked, nothing is opened."""
    from imgforensics.errors import SelectionError

    if no_ledger and ledger is not None:
        raise SelectionError("--ledger and --no-ledger exclude each other")
    asks = bool(always or expect or expect_file is not None or manifest)
    if not asks and ledger is None:
        return Asked({}, settings)
    from imgforensics import commands
    from imgforensics.recompress import COMPILED

    # What is measured goes into a ledger that somebody named, never into one that is merely there.
    path = commands.ledger_path(ledger, off=no_ledger)
    known = {"known": path if ledger is not None else None}
    if not asks:
        return Asked(known, settings)
    if not COMPILED:
        complain(
            "the encoders run as plain Python, about a hundred times slower: no C compiler was there to build them"
        )
    options = {
        "expect": tuple(expect or ()),
        "manifests": commands.supplied(manifest or ()),
        **known,
        "ledger": path,
        "warn": commands.warner(),
    }
    if expect_file is not None:
        expected, told = commands.expected(expect_file)
        settings = replace(settings, expect=expected, inputs=(*settings.inputs, told))
    return Asked(options, settings)


def names(values: list[str] | None) -> tuple[str, ...]:
    """Names from options that may be repeated, and hold several with commas between."""
    return tuple(name.strip() for value in values or () for name in value.split(",") if name.strip())


def settings_of(
    context: typer.Context,
    format: Format,  # noqa: A002
    output: str,
    fail_on: FailOn,
    progress: bool | None,
    verbose: bool,
    quiet: bool,
    color: Colour,
) -> "Settings":
    """How to print; options before the command count where those after it say nothing."""
    from imgforensics.run import Settings

    verbose_before, quiet_before, color_before = context.obj or (False, False, Colour.AUTO)
    chosen = color if color is not Colour.AUTO else color_before
    return Settings(
        format=format.value,
        output=output,
        fail_on=None if fail_on is FailOn.NEVER else fail_on.value,
        progress=is_watched(progress),
        verbose=verbose or verbose_before,
        quiet=quiet or quiet_before,
        colour=_wants_colour(chosen, output),
    )


def is_watched(progress: bool | None) -> bool:
    """Whether to show progress: as asked, else where somebody sees it."""
    return sys.stderr.isatty() if progress is None else progress


def _wants_colour(color: Colour, output: str) -> bool:
    if color is not Colour.AUTO:
        return color is Colour.ALWAYS
    return output == "-" and sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def codes(values: list[str] | None) -> tuple[str, ...]:
    """The same for rule codes, in upper case; what begins no code stays as it was written, for the message."""
    from imgforensics.rendering.rules import RULES

    known = tuple(rule.code for rule in RULES)
    return tuple(
        name.upper() if any(code.startswith(name.upper()) for code in known) else name for name in names(values)
    )


def processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def guarded() -> Iterator[None]:
    """Turn what stops the tool into one line and an exit code; nothing else may look like an answer."""
    from imgforensics.errors import ImgforensicsError

    try:
        yield
    except ImgforensicsError as error:
        complain(str(error))
        raise typer.Exit(NO_ANSWER) from None
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:  # whoever reads the output has had enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(NO_ANSWER) from None
    except typer.Exit:
        raise
    except Exception as error:
        complain(f"internal error, please report it: {type(error).__name__}: {error}")
        raise typer.Exit(NO_ANSWER) from error


def complain(message: str) -> None:
    """One line on standard error."""
    from imgforensics.rendering.escape import SENTENCE, brief

    typer.echo(f"imgforensics: {brief(message, SENTENCE)}", err=True)
