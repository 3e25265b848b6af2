"""What a run over archives says of them all: takes each as it ends, and answers at the end."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Self

from imgforensics import batch
from imgforensics.analysis import analyze_archive
from imgforensics.errors import ImgforensicsError
from imgforensics.expectation import Result
from imgforensics.facts import Facts
from imgforensics.findings import Rule, Skipped
from imgforensics.folders import Folders, is_itself
from imgforensics.refnames import normalise
from imgforensics.rendering.escape import json_text
from imgforensics.report import Options
from imgforensics.sets import baseline as baseline_rules
from imgforensics.sets import rules, transfer
from imgforensics.sets.baseline import Baseline
from imgforensics.sets.lockfile import Lock
from imgforensics.sets.rule import SetFinding
from imgforensics.sets.store import Store
from imgforensics.sets.transfer import Transfer
from imgforensics.several import digest_of

_TRIED = 20
"""Archives from which a manifest is tried to be rebuilt: layers may have to be compressed for each."""


def possible_rules(paths: Sequence[str], lock: Lock | None, baseline: Baseline | None) -> tuple[Rule, ...]:
    """The rules by which a run over these paths may judge its archives together: it may, where there may be several."""
    several = len(paths) > 1 or bool(Folders(paths))
    return (
        *(each.rule for each in (rules.RULES if several else ())),
        *(transfer.RULES if lock is not None else ()),
        *(baseline_rules.RULES if baseline is not None else ()),
    )


class Together:
    """A context manager; its facts are on disk."""

    def __init__(self, paths: Sequence[str], lock: Lock | None = None, baseline: Baseline | None = None) -> None:
        """Begin.

        Args:
            paths: as they were given; paths in a lock are relative to them.
            lock: what must have arrived.
            baseline: an earlier report.
        """
        self._folders = Folders(paths)
        self._store = Store()
        self._transfer = None if lock is None else Transfer(lock)
        self._baseline = baseline
        self._found: list[SetFinding] = []
        self.held = ""
        """That the lock holds, in a few words, known with the findings; empty where it does not, or there is none."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def add(self, facts: Facts, codes: frozenset[str]) -> None:
        """Take one archive; ``codes`` are those of its findings."""
        self._store.add(facts)
        if self._transfer is not None:
            name = self._folders.name(facts.path)
            # No answer, or one that its budget cut short; but perhaps it is the file that was sent.
            is_asked = self._transfer.names(name) if facts.error is not None else bool(self._transfer.lock.archives)
            is_wanted = facts.sha256 is None and is_asked
            arrived = replace(facts, sha256=digest_of(facts.path)) if is_wanted else facts
            self._found += self._transfer.add(arrived, name)
        if self._baseline is not None:
            self._found += self._baseline.add(facts, codes, json_text(facts.path))

    def findings(self, options: Options, skipped: Sequence[Skipped] = ()) -> tuple[SetFinding, ...]:
        """Everything about all of them, worst first.

        Args:
            options: as they were given.
            skipped: what is no image archive; a list may name it all the same.
        """
        if self._transfer is not None:
            self._found += self._others(self._transfer, [each.path for each in skipped])
            self._found += self._transfer.finish(*self._rebuilt(self._transfer, options))
            self.held = self._transfer.held(self._found, _beside(self._transfer, skipped))
        if self._baseline is not None:
            self._found += self._baseline.finish()
        if self._store.count > 1:
            self._found += (found for rule in rules.RULES for found in rule.run(self._store))
        chosen = [each for each in self._found if options.selects(each.rule.code)]
        return tuple(sorted(chosen, key=lambda each: (each.severity.rank, each.rule.code)))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules by which they were judged: of a lock and of an earlier report where there is one."""
        return (
            *(rule.rule for rule in (rules.RULES if self._store.count > 1 else ())),
            *(transfer.RULES if self._transfer is not None else ()),
            *(baseline_rules.RULES if self._baseline is not None else ()),
        )

    def _others(self, transfer: Transfer, skipped: Iterable[str]) -> Iterator[SetFinding]:
        """Hold files that are no image archives against the lock; hashed is only what decides something."""
        strangers = []
        for path in skipped:
            name = self._folders.name(path)
            if is_itself(path, transfer.lock.source):
                transfer.add_itself(name)
            elif os.path.isdir(path):
                strangers += self._in_folder(transfer, path)
            elif transfer.names(name):
                yield from transfer.add_file(path, name, digest_of(path))
            elif transfer.lock.lists_files:
                strangers.append(path)
        for name in transfer.awaited():  # parts of unpacked archives are files, too, and not looked at
            if (inside := self._folders.file_at(name)) is not None:
                yield from transfer.add_file(inside, name, digest_of(inside))
        is_wanted = bool(transfer.awaited())
        for path in strangers:
            transfer.add_stranger(path, digest_of(path) if is_wanted else None)

    def _in_folder(self, transfer: Transfer, path: str) -> list[str]:
        """Hold a folder that is not looked into against the lock; what of it a list should name, and does not."""
        parts = list(batch.parts(path))
        if transfer.lock.lists_files:
            others = [part for part in parts if not transfer.names(self._folders.name(part))]
            if len(others) < len(parts):
                return others
            if not parts and transfer.names_below(self._folders.name(path)):
                return []
        transfer.add_folder(path, is_unpacked=bool(parts))
        return []

    def _rebuilt(self, transfer: Transfer, options: Options) -> tuple[set[str], dict[str, int]]:
        """Digests of a list's references that are rebuilt from an archive with an image of that repository.

        Of others, the number of such archives that were not tried.
        """
        proved: set[str] = set()
        untried: dict[str, int] = {}
        for name, digest in transfer.unmatched():
            holding, count = self._holding(normalise(name))
            if any(_proves(path, digest, options) for path in holding):
                proved.add(digest)
            elif count > len(holding):
                untried[digest] = count - len(holding)
        return proved, untried

    def _holding(self, name: str) -> tuple[list[str], int]:
        """Archives with an image of this name's repository, those with its tag first, and how many there are in all."""
        repository = name.rpartition(":")[0]
        query = """
            SELECT path, COUNT(*) OVER () FROM tags JOIN images ON images.id = tags.image
            JOIN archives ON archives.id = images.archive WHERE tag >= ? AND tag < ?
            GROUP BY archives.id ORDER BY MAX(tag = ?) DESC, archives.id LIMIT ?"""
        rows = list(self._store.ask(query, f"{repository}:", f"{repository};", name, _TRIED))
        return [path for path, _ in rows], max((count for _, count in rows), default=0)


def _proves(path: str, digest: str, options: Options) -> bool:
    """Whether a manifest of this digest is rebuilt from an archive."""
    try:
        report = analyze_archive(path, replace(options, expect=(digest,)))
    except ImgforensicsError:
        return False
    return report.case is not None and any(each.result is Result.MATCH for each in report.case.expectations)


def _beside(transfer: Transfer, skipped: Sequence[Skipped]) -> str:
    """What a lock that holds says of what it does not name."""
    others = [each.path for each in skipped if not is_itself(each.path, transfer.lock.source)]
    if any(os.path.isdir(path) for path in others):
        return ""  # a folder that was not looked into may hold anything
    is_whole = (transfer.lock.lists_files or not others) and not transfer.is_packed_again
    return ", and nothing else" if is_whole else ", and no other archive"
