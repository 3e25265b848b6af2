"""Usage errors in one line: which command, what is wrong with which option, and what it takes.

The parser's contexts and errors have no public names in typer, so they are ``Any`` here.
"""

from typing import Any

import typer
from typer.core import TyperGroup

from imgforensics.clisupport import NO_ANSWER, complain

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
