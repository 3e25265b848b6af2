"""The pages in docs/man: ``python -m tests.manpages`` writes them from the commands and their options.

One page for the program and one for each command, in roff with the macros of man(7). A page bears the day on which its
text last changed, and nothing else of the day on which it was made: a page whose text is the same keeps its date.
"""

import datetime as dt
import re
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from typer.main import get_command

from imgforensics.cli import app
from imgforensics.exitcodes import meanings
from imgforensics.findings import Verdict
from imgforensics.rendering.words import MEANINGS
from imgforensics.version import __version__

FOLDER = Path(__file__).parents[1] / "docs" / "man"
NAME = "imgforensics"
ENVIRONMENT = {
    "NO_COLOR": "where it is set, --color auto uses no colour",
    "XDG_DATA_HOME": "where the ledger lies on Linux, in imgforensics/ledger.sqlite; else ~/.local/share",
    "TMPDIR": "where archives that are compressed outside, or come from a pipe, are put for the time of the run",
}

_WIDTH = 78
"""Characters of a line; mandoc finds fault with more than 80 bytes."""
_DATE = re.compile(r'^\.TH \S+ 1 ([0-9-]+) "', re.MULTILINE)


def pages(dates: Mapping[str, str]) -> dict[str, str]:
    """Every page, by the name of its file.

    Args:
        dates: of each page by that name; one that is missing gets today's.
    """
    group: Any = get_command(app)
    commands: Mapping[str, Any] = group.commands
    made = {f"{NAME}.1": _program(group, commands)}
    made |= {f"{NAME}-{name}.1": _command(name, command) for name, command in commands.items()}
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return {
        file: f'.TH {file[:-2].upper()} 1 {dates.get(file, today)} "{NAME} {__version__}" "User Commands"\n.nh\n.ad l\n{text}'
        for file, text in made.items()
    }


def dates() -> dict[str, str]:
    """The dates of the pages that are there."""
    found = {each.name: _DATE.search(each.read_text(encoding="ascii")) for each in FOLDER.glob("*.1")}
    return {name: match[1] for name, match in found.items() if match is not None}


def write() -> None:
    """Write every page whose text changed, with today's date, and remove those of commands that are gone."""
    FOLDER.mkdir(exist_ok=True)
    before = pages(dates())
    changed = [name for name, text in before.items() if not _is(FOLDER / name, text)]
    fresh = pages({name: date for name, date in dates().items() if name not in changed})
    for name in changed:
        (FOLDER / name).write_text(fresh[name], encoding="ascii")
    for each in set(FOLDER.glob("*.1")) - {FOLDER / name for name in fresh}:
        each.unlink()


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="ascii") == text


def _program(group: Any, commands: Mapping[str, Any]) -> str:
    summary, _, rest = str(group.help).partition(": ")
    return _page(
        ("NAME", [f"{NAME} \\- {_prose(_lowered(summary))}"]),
        ("SYNOPSIS", [rf"\fB{NAME}\fR [\fIOPTION\fR]... \fICOMMAND\fR [\fIARGUMENT\fR]..."]),
        ("DESCRIPTION", [_prose(f"{summary}: {rest}"), *_paragraphs(ABOUT)]),
        ("COMMANDS", [*_listed({_reference(name): _summary(each) for name, each in commands.items()}, bold=False)]),
        ("OPTIONS", [*_options(group)]),
        ("VERDICTS", [*_listed({verdict.value: MEANINGS[verdict] for verdict in Verdict})]),
        ("EXIT STATUS", [*_exits(NAME)]),
        ("ENVIRONMENT", [*_listed(ENVIRONMENT)]),
        ("SEE ALSO", [",\n".join(_reference(name) for name in sorted(commands))]),
    )


ABOUT = """Each command has a page of its own. In a PATH, directories are walked recursively and files that are no archives are
skipped; - is standard input.

Results go to standard output, everything else to standard error. Nothing is ever fetched, nothing is unpacked, and
nothing is written under a name that came from an archive.

`imgforensics rules CODE` explains what a finding means. `imgforensics --install-completion` lets the shell that it is
run in complete commands, options and values."""


def _command(name: str, command: Any) -> str:
    body, _, example = str(command.help).partition("\n\nExample: ")
    summary, _, description = body.partition("\n\n")
    arguments = [_argument(each) for each in command.params if each.param_type_name == "argument"]
    needed = [_option(each)[0] for each in command.params if each.param_type_name == "option" and each.required]
    usage = " ".join(["[\\fIOPTION\\fR]...", *needed, *(usage for usage, _ in arguments)])
    return _page(
        ("NAME", [f"{NAME}\\-{name} \\-\n{_prose(_lowered(summary))}"]),
        ("SYNOPSIS", [rf"\fB{NAME} {name}\fR {usage}"]),
        ("DESCRIPTION", [_prose(summary), *_paragraphs(description)]),
        ("ARGUMENTS", [*_terms((f"\\fI{metavar}\\fR", _prose(told)) for metavar, told in _told(command))]),
        ("OPTIONS", [*_options(command)]),
        ("EXIT STATUS", [*_exits(name)]),
        ("EXAMPLE", [f".nf\n.RS\n{_plain(example)}\n.RE\n.fi"] if example else []),
        ("SEE ALSO", [rf"\fB{NAME}\fR(1)"]),
    )


def _summary(command: Any) -> str:
    return str(command.help).partition("\n\n")[0]


def _lowered(summary: str) -> str:
    return (summary[0].lower() + summary[1:]).rstrip(".")


def _reference(name: str) -> str:
    return rf"\fB{NAME}\-{name}\fR(1)"


def _argument(parameter: Any) -> tuple[str, str]:
    """An argument in the synopsis, and what it is called."""
    called = str(parameter.metavar).strip("[]").removesuffix("...")
    usage = rf"\fI{called}\fR{'...' if parameter.nargs == -1 else ''}"
    return (usage if parameter.required else f"[{usage}]"), called


def _told(command: Any) -> Iterator[tuple[str, str]]:
    for each in command.params:
        if each.param_type_name == "argument":
            yield _argument(each)[1], str(each.help)


def _options(command: Any) -> Iterator[str]:
    """The options of a command, in their order, with the one that all have, and under headings those that have one."""
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    headings = dict.fromkeys(each.rich_help_panel for each in options if each.rich_help_panel)
    yield from _terms(_option(each) for each in options if not each.rich_help_panel)
    yield from _terms([(r"\fB\-h\fR, \fB\-\-help\fR", "Show the options, and exit.")])
    for heading in headings:
        yield f".SS {heading}"
        yield from _terms(_option(each) for each in options if each.rich_help_panel == heading)


def _option(parameter: Any) -> tuple[str, str]:
    names = sorted((*parameter.opts, *parameter.secondary_opts), key=lambda name: name.startswith("--"))
    term = ", ".join(rf"\fB{_plain(name)}\fR" for name in names)
    default = parameter.default
    told = _prose(str(parameter.help))
    if isinstance(default, Enum):
        choices = "|".join(str(each.value) for each in type(default))
        return rf"{term} \fI{_plain(choices)}\fR", f"{told}\nThe default is {_plain(str(default.value))}."
    told += "\nIt has to be given." if parameter.required else ""
    return (term if parameter.is_flag else rf"{term} \fI{_plain(str(parameter.metavar))}\fR"), told


def _page(*sections: tuple[str, list[str]]) -> str:
    return "".join(f".SH {title}\n{chr(10).join(lines)}\n" for title, lines in sections if lines)


def _exits(name: str) -> Iterator[str]:
    return _listed({str(code): told for code, told in meanings(name).items()})


def _listed(values: Mapping[str, str], *, bold: bool = True) -> Iterator[str]:
    yield from _terms((rf"\fB{_plain(term)}\fR" if bold else term, _prose(told)) for term, told in values.items())


def _terms(values: Any) -> Iterator[str]:
    for term, told in values:
        yield f".TP\n{term}\n{told}"


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in filter(None, text.split("\n\n")):
        yield f".PP\n{_prose(paragraph)}"


def _prose(text: str) -> str:
    """Words for roff, in short lines; what stands between backticks is bold."""
    parts = " ".join(text.split()).split("`")
    told = "".join(rf"\fB{_plain(part)}\fR" if number % 2 else _plain(part) for number, part in enumerate(parts))
    lines = textwrap.wrap(told, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(rf"\&{line}" if line.startswith(".") else line for line in lines)


def _plain(text: str) -> str:
    """Text as roff prints it letter by letter: a backslash, a hyphen or a quote would mean something else."""
    for character, escape in {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}.items():
        text = text.replace(character, escape)
    return text


if __name__ == "__main__":
    write()
