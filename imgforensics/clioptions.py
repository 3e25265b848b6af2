"""The options of the command line: what they take, and what ``--help`` says of them."""

from enum import StrEnum
from typing import Annotated

import typer

from imgforensics import clicompletion


class Format(StrEnum):
    """Formats of a report."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    SARIF = "sarif"
    JUNIT = "junit"
    HTML = "html"


class PlainFormat(StrEnum):
    """Formats of a listing."""

    TABLE = "table"
    JSON = "json"


class Colour(StrEnum):
    """When to use colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class FailOn(StrEnum):
    """The least severity that makes the exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NEVER = "never"


DIGESTS = "Digests of registries"
"""Heading of options about them."""

Paths = Annotated[
    list[str],
    typer.Argument(help="Archives, directories (walked recursively), or - for standard input.", metavar="PATH"),
]
Output = Annotated[
    str, typer.Option("--output", "-o", metavar="FILE", help="Write the report to FILE, whole or not at all.")
]
ImageChoice = Annotated[
    str | None,
    typer.Option(
        "--image",
        metavar="REF|ID|@N",
        help="Report on this image only: a tag, an ID or its beginning, @ and its number.",
    ),
]
PlatformChoice = Annotated[
    str | None,
    typer.Option(
        "--platform",
        metavar="OS/ARCH",
        help="Report on images of this platform only.",
        autocompletion=clicompletion.platforms,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        metavar="N",
        help="Threads, or processes over several archives; as many as there are processors by default.",
    ),
]
ShowProgress = Annotated[
    bool | None,
    typer.Option("--progress/--no-progress", help="Progress on stderr; shown by default if that is a terminal."),
]
Fast = Annotated[
    bool, typer.Option("--fast", help="Structure only: layers are not hashed. The verdict is never 'intact'.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show notes, evidence, and what was not checked.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="One line an archive.")]
ColourChoice = Annotated[Colour, typer.Option("--color", help="Colour in tables; auto heeds NO_COLOR.")]
Codes = Annotated[
    list[str] | None,
    typer.Option(
        "--select", metavar="CODE,...", help="Only these rules, e.g. IMG3.", autocompletion=clicompletion.rule_codes
    ),
]
Ignored = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="CODE,...", help="Not these rules.", autocompletion=clicompletion.rule_codes),
]
Threshold = Annotated[FailOn, typer.Option("--fail-on", help="Least severity that makes the exit code 1.")]
Timestamps = Annotated[
    bool,
    typer.Option("--timestamps", help="Tell when work began and ended; else the same evidence gives the same bytes."),
]
Attest = Annotated[
    str | None,
    typer.Option("--attest", metavar="FILE", help="Also write the verdict as an unsigned in-toto statement to FILE."),
]
Expect = Annotated[
    list[str] | None,
    typer.Option(
        "--expect",
        metavar="[IMAGE=]DIGEST",
        help="A registry's digest, or an image ID, that the archive (or that image of it) must hold; repeatable.",
        rich_help_panel=DIGESTS,
    ),
]
ExpectFile = Annotated[
    str | None,
    typer.Option(
        "--expect-file",
        metavar="FILE",
        help="A list of expected digests: DIGEST PATH lines, CSV or JSON.",
        rich_help_panel=DIGESTS,
    ),
]
ManifestFile = Annotated[
    list[str] | None,
    typer.Option(
        "--manifest",
        metavar="FILE",
        help="A manifest fetched from the registry: proves or refutes; repeatable.",
        rich_help_panel=DIGESTS,
    ),
]
LedgerFile = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        metavar="FILE",
        help="Known layers and finished work; by default in your data directory.",
        rich_help_panel=DIGESTS,
    ),
]
NoLedger = Annotated[bool, typer.Option("--no-ledger", help="Neither use nor write a ledger.", rich_help_panel=DIGESTS)]
PusherChoice = Annotated[
    list[str] | None,
    typer.Option(
        "--pusher",
        metavar="NAME|all",
        help="Pushing tools to imitate; those that fit by default; repeatable.",
        autocompletion=clicompletion.pushers,
        rich_help_panel=DIGESTS,
    ),
]
Raw = Annotated[bool, typer.Option("--raw", help="The exact bytes of the likely manifest, nothing added.")]
Members = Annotated[
    list[str] | None,
    typer.Option(
        "--member",
        metavar="NAME|@N",
        help="Everything about this member: every one of that name, or number N; repeatable.",
    ),
]
Layers = Annotated[bool, typer.Option("--layers", help="Each layer with what it holds; an archive at a time.")]
Files = Annotated[
    bool,
    typer.Option("--files", help="Every file of one image's layers, and which layer deletes or overwrites it."),
]
