"""IMG83x: a run that ended before it was done."""

from imgforensics.findings import Effect, Rule, Severity
from imgforensics.sets.rule import SetFinding

INTERRUPTED = Rule(
    "IMG831",
    "run-interrupted",
    Severity.WARNING,
    Effect.NONE,
    "0.1",
    """The run was interrupted: not all archives were looked at.

## What it means
Somebody, or something, ended the run. The report holds the archives that were done until then, each of them whole.

## Why it matters
Such a report looks like one of a smaller set. Archives that are not in it were not looked at, and those that are were
held neither against each other nor against a lock or an earlier report.

## How it is computed
By the signal that ended the run (Ctrl-C); the exit code is 130. No statement is written for `--attest`.

## When it is innocent
Never as an answer about the whole set. With `--resume`, the next run goes on from there.""",
)
RULES = (INTERRUPTED,)


def interrupted(archives: int) -> SetFinding:
    """What a report says of a run that was interrupted when so many archives were done."""
    done = "1 archive" if archives == 1 else f"{archives} archives"
    message = f"interrupted after {done}: no others were looked at, and none were held against anything together"
    return SetFinding(INTERRUPTED, INTERRUPTED.severity, message, ())
