"""IMG82x: a run against the JSON report of an earlier one: what is new, gone, moved, or changed."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from imgforensics.errors import InputError
from imgforensics.facts import Facts
from imgforensics.findings import Effect, Rule, Severity
from imgforensics.sets.ended import INTERRUPTED
from imgforensics.sets.rule import SetFinding

_SCHEMA = "imgforensics.report/1"

NEW = Rule(
    "IMG821",
    "baseline-new",
    Severity.NOTE,
    Effect.NONE,
    "0.1",
    """An archive that the earlier report does not have.

## What it means
No archive of that path was looked at then, and none that is gone has its bytes.

## Why it matters
It has not been approved before.

## How it is computed
By path, as it was given, and by the SHA-256 of the file.

## When it is innocent
Whenever archives are added.""",
)
GONE = Rule(
    "IMG822",
    "baseline-gone",
    Severity.WARNING,
    Effect.NONE,
    "0.1",
    """An archive of the earlier report that is not here any more.

## What it means
The earlier report has an archive of that path, and this run found neither that nor its bytes under a path that is new.

## Why it matters
Evidence that vanishes is worth a question.

## How it is computed
By path, as it was given, and by the SHA-256 of the file.

## When it is innocent
Where archives were cleared away on purpose.""",
)
CHANGED = Rule(
    "IMG823",
    "baseline-changed",
    Severity.WARNING,
    Effect.NONE,
    "0.1",
    """An archive whose bytes, verdict or findings are not those of the earlier report.

## What it means
The same path holds another file, or the same file is judged differently.

## Why it matters
Archives do not change by themselves. A different verdict on the same bytes comes from other rules, options or versions.

## How it is computed
The SHA-256 of the file, the verdict, and the codes of the findings.

## When it is innocent
Where the archive was written anew on purpose.""",
)
MOVED = Rule(
    "IMG824",
    "baseline-moved",
    Severity.NOTE,
    Effect.NONE,
    "0.1",
    """An archive that the earlier report has under another path, where it is not any more.

## What it means
The file was renamed or moved, or the folder that holds it was, or was given by another path.

## Why it matters
It is what was looked at then, bit for bit. Its verdict is compared all the same.

## How it is computed
By the SHA-256 of the file, for archives whose path is new and those whose path is gone.

## When it is innocent
Always, by itself.""",
)
RULES = (NEW, GONE, CHANGED, MOVED)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a run says of one archive."""

    sha256: str | None
    verdict: str
    codes: frozenset[str]


@dataclass
class Baseline:
    """An earlier report; takes the archives of this run one by one."""

    archives: Mapping[str, _Judged]
    """By their path, as the report spells it."""
    source: str
    _seen: set[str] = field(default_factory=set, init=False)
    _strange: list[tuple[str, _Judged]] = field(default_factory=list, init=False)
    """Archives of this run whose path the earlier report does not have."""

    def add(self, facts: Facts, codes: frozenset[str], spelled: str) -> Iterator[SetFinding]:
        """Compare one archive.

        Args:
            facts: what was found in it.
            codes: those of its findings.
            spelled: its path as a report spells it; two names may come to one there, if one of them is no UTF-8.
        """
        now = _Judged(facts.sha256, facts.verdict, codes)
        earlier = self.archives.get(spelled)
        if earlier is None:
            self._strange.append((facts.path, now))
            return
        self._seen.add(spelled)
        yield from self._changed(facts.path, earlier, now)

    def finish(self) -> Iterator[SetFinding]:
        """What is new, moved, or gone."""
        gone: dict[str, deque[str]] = {}
        for path, earlier in self.archives.items():
            if path not in self._seen and earlier.sha256 is not None:
                gone.setdefault(earlier.sha256, deque()).append(path)
        for path, now in self._strange:
            if now.sha256 is None or not gone.get(now.sha256):
                yield _found(NEW, f"{path} is new since {self.source}", path)
                continue
            before = gone[now.sha256].popleft()
            self._seen.add(before)
            yield _found(MOVED, f"{path} is {before} of {self.source}", path)
            yield from self._changed(path, self.archives[before], now)
        for path in self.archives:
            if path not in self._seen:
                yield _found(GONE, f"{path} is in {self.source}, and not here any more", path)

    def _changed(self, path: str, earlier: _Judged, now: _Judged) -> Iterator[SetFinding]:
        changes = []
        if earlier.sha256 != now.sha256:
            changes.append(f"was {earlier.sha256 or 'not hashed'} and is {now.sha256 or 'not hashed'}")
        if earlier.verdict != now.verdict:
            changes.append(f"was {earlier.verdict} and is {now.verdict}")
        if earlier.codes != now.codes:
            parts = [
                f"{word} {' '.join(sorted(those))}"
                for word, those in (
                    ("new:", now.codes - earlier.codes),
                    ("no longer:", earlier.codes - now.codes),
                )
                if those
            ]
            changes.append("findings " + "; ".join(parts))
        if changes:
            yield _found(CHANGED, f"{path} {', '.join(changes)} (since {self.source})", path)


def read(text: str, source: str) -> Baseline:
    """Read a report in JSON or JSON lines.

    Raises:
        InputError: it is none, is one of another command than ``verify``, or one of a run that was interrupted.
    """
    try:
        documents = (
            [json.loads(line) for line in text.splitlines() if line.strip()] if _is_lines(text) else [json.loads(text)]
        )
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: no report in JSON: {error}") from None
    archives: list[object] = []
    for document in documents:
        if (
            isinstance(document, dict)
            and document.get("schema") == _SCHEMA
            and isinstance(document.get("archives"), list)
        ):
            archives += document["archives"]
        elif isinstance(document, dict) and "verdict" in document:
            archives.append(document)
        elif isinstance(document, dict) and list(document) == ["about_all"]:
            pass  # the last of JSON lines is about no archive of its own
        else:
            raise InputError(f"{source}: no report of schema {_SCHEMA}; imgforensics verify -f json writes one")
        _refuse_others(document, source)
    return Baseline(dict(_earlier(each, source) for each in archives), source)


def _refuse_others(document: Mapping[str, object], source: str) -> None:
    """Refuse a report with which a run of ``verify`` cannot be compared."""
    summary, about_all, command = (document.get(key) for key in ("summary", "about_all", "command"))
    if command not in (None, "verify"):
        raise InputError(f"{source}: a report of {str(command)[:40]!r}; --baseline compares with one of 'verify'")
    found = about_all if isinstance(about_all, list) else []
    codes = {str(each.get("code")) for each in found if isinstance(each, dict)}
    if INTERRUPTED.code in codes or (isinstance(summary, dict) and summary.get("interrupted") is True):
        raise InputError(f"{source}: its run was interrupted: what it had not looked at would count as new")


def _is_lines(text: str) -> bool:
    """Whether each line is a document of its own: a report in one piece has its schema in another line than its end."""
    first = text.lstrip().split("\n", 1)[0].rstrip()
    return first.startswith("{") and first.endswith("}")


def _earlier(archive: object, source: str) -> tuple[str, _Judged]:
    if isinstance(archive, dict):
        path, verdict, sha256 = (archive.get(name) for name in ("path", "verdict", "sha256"))
        findings = archive.get("findings")
        if isinstance(path, str) and isinstance(verdict, str) and isinstance(findings, list):
            codes = frozenset(str(each.get("code")) for each in findings if isinstance(each, dict))
            return path, _Judged(sha256 if isinstance(sha256, str) else None, verdict, codes)
    raise InputError(f"{source}: an archive in it without path, verdict or findings")


def _found(rule: Rule, message: str, path: str) -> SetFinding:
    return SetFinding(rule, rule.severity, message, (path,), path)
