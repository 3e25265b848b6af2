"""Usage errors in one line: which command, what is wrong with which option, and what it takes.

The parser's contexts and errors have no public names in typer, so they are ``Any`` here.
"""

from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from imgforensics.clisupport import complain
from imgforensics.exitcodes import NO_ANSWER, meanings

USAGE_ERROR: Any = typer.BadParameter.__base__
"""Root of what the parser raises; typer exports its leaves alone."""

_NOISE = "Value error, "
"""What pydantic puts before a message of typer's own."""


class OneLineGroup(TyperGroup):
    """The commands, with usage errors as every other error is told; exit code 2."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401
        """Parse the options before the command."""
        try:
            return super().make_context(*arguments, **more)
        except USAGE_ERROR as error:
            raise _told(error) from None

    def invoke(self, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401
        """Parse what follows the command, and run it."""
        try:
            return super().invoke(*arguments, **more)
        except USAGE_ERROR as error:
            raise _told(error) from None


class GroupedCommand(TyperCommand):
    """A command whose help lists options under the headings that they have (``rich_help_panel``)."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """Write the arguments, the options without a heading, the others, and what exit codes mean."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            line = parameter.get_help_record(ctx)
            if line is not None:
                own = "Arguments" if parameter.param_type_name == "argument" else "Options"
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or own, []).append(line)
        sections["Exit codes"] = [(str(code), words) for code, words in meanings(self.name or "").items()]
        for heading, lines in sections.items():
            if lines:
                with formatter.section(heading):
                    formatter.write_dl(lines)


def refuse_lost(context: typer.Context, given: Mapping[str, bool]) -> None:
    """Refuse options before a command that does not have them: nothing is taken and ignored.

    Args:
        context: of the options before the command.
        given: for each of them, whether it says anything.

    Raises:
        typer.Exit: one of them would be lost.
    """
    commands: Mapping[str, Any] = getattr(context.command, "commands", {})
    command = commands.get(context.invoked_subcommand or "")
    if command is None:
        return
    known = {parameter.name for parameter in command.params}
    for name, said in given.items():
        if said and name not in known:
            complain(f"'{context.invoked_subcommand}' has no option --{name}")
            raise typer.Exit(NO_ANSWER)


def _told(error: Any) -> Exception:  # noqa: ANN401
    """Says what is wrong; where no command was given at all, the parser's own answer is the help."""
    message: str = error.format_message()
    if "\n" in message.strip():
        raise error
    context = error.ctx
    path = "imgforensics" if context is None else context.command_path
    told = message.replace(_NOISE, "").rstrip(".")
    complain(f"{told}; '{path} --help' tells more")
    return typer.Exit(NO_ANSWER)
