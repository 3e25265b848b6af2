"""The exit codes of the command, and what each means."""

from collections.abc import Mapping

ANSWERED, BAD, NO_ANSWER, INTERRUPTED = 0, 1, 2, 130

_USUAL = {
    ANSWERED: "answered, and nothing at or above the severity of --fail-on (error, where there is no such option)",
    BAD: "answered, and it is bad",
    NO_ANSWER: "no answer for at least one path: usage, unreadable input, output that cannot be written",
    INTERRUPTED: "interrupted",
}
_OWN = {
    "carve": {
        ANSWERED: "everything that was asked for is written",
        NO_ANSWER: "no answer, or something of it is not there: nothing is written; or only the answer cannot be told",
    },
    "diff": {ANSWERED: "the same file, or the same images", BAD: "something differs", NO_ANSWER: "no answer"},
    "lock": {ANSWERED: "written", BAD: "an archive is not intact, and nothing is written", NO_ANSWER: "no answer"},
    "learn": {ANSWERED: "everything was read", NO_ANSWER: "no answer for at least one path"},
    "rules": {ANSWERED: "told", NO_ANSWER: "there is no such rule, or it cannot be told"},
}
"""Of commands that judge nothing, or judge otherwise."""


def meanings(command: str) -> Mapping[int, str]:
    """What the exit codes of a command mean; of the program itself where there is no such command."""
    own = _OWN.get(command)
    return _USUAL if own is None else {**own, INTERRUPTED: _USUAL[INTERRUPTED]}
