"""The command ``lock``, and what ``verify`` takes about sets of archives."""

from typing import TYPE_CHECKING, Annotated

import typer

from imgforensics.clioptions import Jobs, Output, Paths, ShowProgress
from imgforensics.clisupport import guarded, is_watched, processors

if TYPE_CHECKING:
    from imgforensics.limits import Limits
    from imgforensics.run import Settings

SETS = "Many archives"
"""Heading of options about them."""

LockFile = Annotated[
    str | None,
    typer.Option(
        "--lock",
        metavar="FILE",
        help="What must have arrived, and nothing else: a lock, or a sha256sum list. Or NAME@sha256:... lines, "
        "which say nothing of what else is there.",
        rich_help_panel=SETS,
    ),
]
BaselineFile = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="REPORT",
        help="An earlier report in JSON: tell what is new, gone, moved or changed.",
        rich_help_panel=SETS,
    ),
]
StateFile = Annotated[
    str | None,
    typer.Option(
        "--resume",
        metavar="STATE",
        help="Keep every answer in this file, and go on from there: a killed run loses nothing.",
        rich_help_panel=SETS,
    ),
]
Rehash = Annotated[
    bool,
    typer.Option(
        "--rehash", help="With --resume: trust no size or time, only the SHA-256 of each archive.", rich_help_panel=SETS
    ),
]
ClusterAddress = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Use the workers of a Dask scheduler; they see the same files.",
        rich_help_panel=SETS,
    ),
]
BudgetOf = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="TIME|SIZE",
        help="What one archive may cost, e.g. 90s, 5m, 20GiB (bytes read); repeatable. The rest of it is not checked.",
        rich_help_panel=SETS,
    ),
]
SkipOthers = Annotated[
    bool,
    typer.Option(
        "--skip-others", help="Skip files that are no image archives, those that are named too.", rich_help_panel=SETS
    ),
]
AnyVerdict = Annotated[bool, typer.Option("--any", help="Also lock archives that are not intact.")]


_UNITS = {"s": 1, "m": 60, "h": 3600, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def limits_of(budget: list[str] | None) -> "Limits":
    """Bounds with what an archive may cost.

    Raises:
        SelectionError: a budget is neither a time nor a size.
    """
    import re
    from dataclasses import replace

    from imgforensics.errors import SelectionError
    from imgforensics.limits import DEFAULT_LIMITS

    limits = DEFAULT_LIMITS
    for text in budget or ():
        match = re.fullmatch(r"([1-9][0-9]{0,8})(s|m|h|MiB|GiB|TiB)", text)
        if match is None:
            raise SelectionError(f"--budget {text!r}: a number with one of {', '.join(_UNITS)}, such as 90s or 20GiB")
        amount = int(match[1]) * _UNITS[match[2]]
        limits = replace(limits, seconds=amount) if match[2] in ("s", "m", "h") else replace(limits, read=amount)
    return limits


def about_sets(
    settings: "Settings",
    lock: str | None,
    baseline: str | None,
    resume: str | None,
    rehash: bool,
    cluster: str | None,
) -> "Settings":
    """Settings with what these options say; where nothing is asked, nothing is opened."""
    from dataclasses import replace

    from imgforensics.commands import read_baseline, read_lock
    from imgforensics.custody import Input
    from imgforensics.errors import SelectionError
    from imgforensics.several import How

    if rehash and resume is None:
        raise SelectionError("--rehash says how to trust a state file; --resume STATE names it")
    inputs = [*settings.inputs]
    if resume is not None:
        inputs.append(Input("state", resume))
    if lock is not None:
        locked, told = read_lock(lock)
        inputs.append(told)
        settings = replace(settings, lock=locked)
    if baseline is not None:
        earlier, told = read_baseline(baseline)
        inputs.append(told)
        settings = replace(settings, baseline=earlier)
    return replace(settings, how=How(resume=resume, rehash=rehash, cluster=cluster), inputs=tuple(inputs))


def lock(
    paths: Paths,
    output: Output = "-",
    any_verdict: AnyVerdict = False,
    resume: StateFile = None,
    rehash: Rehash = False,
    cluster: ClusterAddress = None,
    jobs: Jobs = None,
    progress: ShowProgress = None,
) -> None:
    """Write down what lies in a folder of archives, so that the far side of a transfer can prove that it arrived.

    For each archive: SHA-256, size, image IDs, manifest digests, tags and layers, as text that can be compared. Only
    intact archives are locked. `imgforensics verify DIR --lock FILE` holds what arrived against it.

    Example: imgforensics lock transfer/ -o transfer.lock
    """
    with guarded():
        from imgforensics.errors import SelectionError
        from imgforensics.locking import run_lock
        from imgforensics.report import Options
        from imgforensics.several import How

        if rehash and resume is None:
            raise SelectionError("--rehash says how to trust a state file; --resume STATE names it")
        how = How(is_watched(progress), resume, rehash, cluster)
        code = run_lock(paths, Options(jobs=jobs or processors()), output, how, anything=any_verdict)
        if code:
            raise typer.Exit(code)
