"""The run of ``lock``: what lies in folders of archives, as a lock file. Nothing is locked that is not sound."""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from imgforensics import batch
from imgforensics.custody import Input
from imgforensics.errors import InputError
from imgforensics.exitcodes import ANSWERED, BAD, NO_ANSWER
from imgforensics.facts import Facts, facts_of
from imgforensics.findings import Skipped, Verdict
from imgforensics.folders import Barren, Folders
from imgforensics.output import Sink, spare
from imgforensics.rendering.escape import printable
from imgforensics.rendering.words import plural
from imgforensics.report import Options
from imgforensics.run import nothing
from imgforensics.sets import lockfile
from imgforensics.several import How, look

_NAMED = 20
"""Folders that were not looked into, and are named."""


def run_lock(paths: Sequence[str], options: Options, output: str, how: How, *, anything: bool) -> int:
    """Write the lock of all archives, and return the exit code.

    Args:
        paths: archives and folders; paths in the lock are relative to these.
        options: how to look at archives.
        output: the lock's file.
        how: where the work is done.
        anything: lock archives too that are not intact.

    Raises:
        InputError: there is no archive, or two would have one path in the lock.

    What is left out is told on standard error: an image that lies there unpacked is one all the same.
    """
    found = list(batch.discover(paths))
    spare(output, found, [] if how.resume is None else [Input("state", how.resume)])
    if how.resume is not None:
        spare(how.resume, found)
    folders, barren = Folders(paths), Barren(paths)
    skipped: list[Skipped] = []
    facts: dict[str, Facts] = {}
    refused = no_answer = False
    with ExitStack() as stack:
        for result in look("lock", paths, batch.tasks(found, options, paths), options, how, stack, facts_of):
            if isinstance(result, Skipped):
                skipped.append(result)
                continue
            barren.see(result.path)
            name = folders.name(result.path)
            if name in facts:
                raise InputError(f"{result.path}: two archives would be called {name!r} in the lock; give one folder")
            facts[name] = replace(result, path=name)
            if result.error is not None:
                no_answer = True
                print(f"imgforensics: {printable(result.path)}: {printable(result.error)}", file=sys.stderr)
            elif result.verdict != Verdict.INTACT and not anything:
                refused = True
                words = f"{result.verdict}; imgforensics verify says why, --any locks it all the same"
                print(f"imgforensics: {printable(result.path)}: {words}", file=sys.stderr)
    if not facts:
        raise InputError(nothing(paths, skipped))
    for path in barren.left:
        no_answer = True
        print(f"imgforensics: {printable(nothing([path], skipped))}", file=sys.stderr)
    _tell(skipped)
    if no_answer or refused:
        print("imgforensics: no lock was written", file=sys.stderr)
        return NO_ANSWER if no_answer else BAD
    with Sink(output) as sink:
        for line in lockfile.render(facts[name] for name in sorted(facts)):
            sink.write(line)
    return ANSWERED


def _tell(skipped: Sequence[Skipped]) -> None:
    """Tell what is not in the lock: how many files, and which folders that were not looked into."""
    inside = [each for each in skipped if os.path.isdir(each.path)]
    for each in inside[:_NAMED]:
        print(f"imgforensics: {printable(each.path)}: not locked: {printable(each.reason)}", file=sys.stderr)
    if len(inside) > _NAMED:
        print(f"imgforensics: {len(inside) - _NAMED} more folders like that, not locked", file=sys.stderr)
    if files := len(skipped) - len(inside):
        print(f"imgforensics: {files} {plural(files, 'file')} skipped, no image archives: not locked", file=sys.stderr)
