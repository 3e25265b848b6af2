"""What a shell completes: values of options that are no files. Nothing here may take longer than a key press.

A shell completes file names by itself where nothing is offered. Several values of one option stand with commas between
(``--select IMG3,IMG5``): the last of them is completed.
"""

import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path

PLATFORMS = (
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/arm/v6",
    "linux/386",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
    "windows/amd64",
)
"""Those that most images of several platforms are made for."""

_RULE = re.compile(r'"(IMG[0-9]{3})",\s*"([a-z0-9-]+)"')
"""Code and name, as they stand on the head of every rule."""

Offer = tuple[str, str]
"""A value, and what a shell may show beside it."""

_ASKED, _LINE = "_IMGFORENSICS_COMPLETE", "_TYPER_COMPLETE_ARGS"
"""What the scripts of the shells put into the environment: what is asked, and the line up to the cursor."""


def with_joined_values(app: Callable[[], object]) -> Callable[[], object]:
    """The command; where a shell asks it what completes ``--option=value``, it answers in that shell's terms.

    The parser completes the value alone. To bash, which breaks words at ``=``, that is a word, but the parser must not
    take the ``=`` for one. zsh has to be told to complete from behind it, and fish wants the whole word.
    """

    def run() -> object:
        asked = os.environ.get(_ASKED, "")
        joined = re.search(r"(?:^|\s)(--[a-z-]+=)\S*$", os.environ.get(_LINE, ""))
        if asked == "complete_bash":
            _take_equal_signs_away()
        elif asked == "complete_zsh" and joined:
            sys.stdout.write("compset -P '*='; ")
        elif asked == "complete_fish" and joined:
            return _prefixed(app, joined[1])
        return app()

    return run


def _take_equal_signs_away() -> None:
    """From the words of bash, one a line: each ``=`` that stands between an option and its value."""
    words = os.environ.get("COMP_WORDS", "").split("\n")
    at = os.environ.get("COMP_CWORD", "")
    gone = [index for index, word in enumerate(words) if word == "=" and words[index - 1].startswith("--")]
    if gone and at.isdecimal():
        place = int(at)
        if place in gone:  # nothing of the value is there yet
            words.insert(place + 1, "''")
            place += 1
        os.environ["COMP_WORDS"] = "\n".join(word for index, word in enumerate(words) if index not in gone)
        os.environ["COMP_CWORD"] = str(place - sum(index < place for index in gone))


def _prefixed(app: Callable[[], object], prefix: str) -> object:
    """What the command offers, each behind the option that stands before it in the same word."""
    offered = io.StringIO()
    try:
        with redirect_stdout(offered):
            return app()
    finally:
        sys.stdout.write("".join(f"{prefix}{line}" for line in offered.getvalue().splitlines(keepends=True)))


def rule_codes(incomplete: str) -> list[Offer]:
    """Codes of rules, several with commas between."""
    done, comma, begun = incomplete.rpartition(",")
    return [(f"{done}{comma}{code}", name) for code, name in _codes(begun)]


def rule(incomplete: str) -> list[Offer]:
    """The code of a rule; or its name, once that is begun."""
    return _codes(incomplete) or [(name, code) for code, name in rules().items() if name.startswith(incomplete)]


def _codes(begun: str) -> list[Offer]:
    """Codes that begin so, in lower case as far as that was typed: a shell keeps what is there."""
    fitting = [(code, name) for code, name in rules().items() if code.startswith(begun.upper())]
    return [(begun + code[len(begun) :], name) for code, name in fitting]


def pushers(incomplete: str) -> list[Offer]:
    """Pushing tools, by entry and by command, several with commas between."""
    done, comma, begun = incomplete.rpartition(",")
    return [(f"{done}{comma}{name}", told) for name, told in _pushers() if name.startswith(begun)]


def platforms(incomplete: str) -> list[str]:
    """Usual platforms."""
    return [each for each in PLATFORMS if each.startswith(incomplete)]


def moments(incomplete: str) -> list[Offer]:
    """The one time that has a name."""
    return [("now", "by the clock of this machine")] if "now".startswith(incomplete) else []


def rules() -> Mapping[str, str]:
    """Codes of all rules and their names, in order.

    They are read from the sources as text: to import the rules, with all that they judge, takes several times longer
    than everything else that a completion does.
    """
    here = Path(__file__).parent
    sources = [
        each.read_text(encoding="utf-8") for folder in ("checks", "sets") for each in (here / folder).glob("*.py")
    ]
    return dict(sorted(match for source in sources for match in _RULE.findall(source)))


def _pushers() -> Iterator[Offer]:
    from imgforensics.reconstruct.pushers import PUSHERS

    yield "all", "every one of them"
    entries = {each.name: each.versions for each in PUSHERS}
    yield from entries.items()
    tools = dict.fromkeys(tool for each in PUSHERS for tool in each.tools if " " not in tool)
    yield from ((tool, "every way in which it pushes") for tool in tools if tool not in entries)
