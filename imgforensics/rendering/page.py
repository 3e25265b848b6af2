"""``html``: one page that stands for itself. It fetches nothing and runs nothing, and its content policy forbids both.

Every text that is printed is escaped twice over: :func:`.printable` for what could reorder or hide text, then HTML's
own escape, which Jinja2 applies to all that a template prints. Archives are turned into text as they end, and kept in
spools, one for each verdict: the page shows the gravest first.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from imgforensics.custody import words
from imgforensics.findings import Rule, Severity, Skipped, Verdict
from imgforensics.rendering.escape import printable
from imgforensics.rendering.layerpicture import short
from imgforensics.rendering.layerstate import State
from imgforensics.rendering.pageset import SetView, set_view
from imgforensics.rendering.pageview import ArchiveView, view
from imgforensics.rendering.words import MEANINGS, plural
from imgforensics.rendering.writer import Manner, Memory, Spool, Writer, utc
from imgforensics.report import ArchiveReport, Period, gravest

if TYPE_CHECKING:
    from jinja2 import Environment

_LONGEST = 2_000
"""Characters of one text; names and commands in an archive can have megabytes."""
_SKIPPED = 500
_SIGNS: Mapping[Verdict | Severity, str] = {
    Verdict.INTACT: "\u2713",
    Verdict.UNCHECKED: "\u25cb",
    Verdict.INCOMPLETE: "\u25d1",
    Verdict.SUSPECT: "!",
    Verdict.TAMPERED: "\u2715",
    Verdict.UNREADABLE: "?",
    Severity.ERROR: "\u2715",
    Severity.WARNING: "!",
}
_STATE_SIGNS = {
    State.HELD: "\u2713",
    State.UNCLAIMED: "\u00b7",
    State.UNCHECKED: "\u25cb",
    State.MISSING: "\u25d1",
    State.FAILED: "\u2715",
}
_ONE = {
    Verdict.INTACT: "The archive is intact",
    Verdict.UNCHECKED: "The archive was not checked in full",
    Verdict.INCOMPLETE: "The archive is incomplete",
    Verdict.SUSPECT: "The archive is suspect",
    Verdict.TAMPERED: "The archive was tampered with",
    Verdict.UNREADABLE: "The archive gives no answer",
}
_ORDER = tuple(reversed(Verdict))
_MILDER: Mapping[Severity, tuple[Verdict, ...]] = {
    Severity.ERROR: (Verdict.INTACT, Verdict.UNCHECKED, Verdict.INCOMPLETE, Verdict.SUSPECT),
    Severity.WARNING: (Verdict.INTACT, Verdict.UNCHECKED),
}
"""Verdicts that are milder than a finding about the archives together."""


class Page(Writer):
    """Keeps the text of every archive until all have ended, since the answer comes first."""

    def __init__(self, manner: Manner, spool: Callable[[], Spool] = Memory) -> None:
        super().__init__(manner, spool)
        self._rows = {verdict: spool() for verdict in _ORDER}
        self._sections = {verdict: spool() for verdict in _ORDER}
        self._rules: dict[str, Rule] = {}
        self._only: ArchiveView | None = None
        """The first archive: it is shown opened if it stays the only one."""

    def archive(self, archive: ArchiveReport, /) -> str:
        self._rules |= {finding.rule.code: finding.rule for finding in archive.findings}
        seen = view(archive, self.counts.total())
        if self.counts.total() == 1:
            self._only = seen
        else:
            self._flush()
            self._keep(seen, opened=seen.verdict is not Verdict.INTACT)
        return ""

    def _flush(self) -> None:
        if self._only is not None:
            self._keep(self._only, opened=self._only.verdict is not Verdict.INTACT)
            self._only = None

    def _keep(self, seen: ArchiveView, *, opened: bool) -> None:
        self._rows[seen.verdict].write(_render("row", a=seen))
        self._sections[seen.verdict].write(_render("archive", a=seen, open=opened))

    def closing(self, skipped: Sequence[Skipped], period: Period | None) -> Iterator[str]:
        total = self.counts.total()
        explanation = self._explanation()
        if self._only is not None:
            self._keep(self._only, opened=True)
        together = set_view(self.asked, self.about_all)
        known = self._rules | {each.rule.code: each.rule for each in self.about_all}
        rules = [known[code] for code in sorted(known)]
        style, style_hash = _style()
        yield _render(
            "head",
            style=style,
            style_hash=style_hash,
            custody=self.custody,
            headline=self._headline(together),
            explanation=explanation,
            tone=self._tone(together),
            total=total,
            shares=self._shares(),
            together=together,
            rules=rules,
            period=period,
        )
        if total > 1:
            for verdict in _ORDER:
                yield from self._rows[verdict].read()
        yield _render("between", total=total, together=together)
        for verdict in _ORDER:
            yield from self._sections[verdict].read()
        yield _render(
            "foot",
            rules=rules,
            skipped=skipped[:_SKIPPED],
            skipped_count=len(skipped),
            custody=self.custody,
            options=words(self.custody),
            period=period,
        )

    def _headline(self, together: SetView | None) -> str:
        if self.interrupted:
            return f"Interrupted, and not all archives are here; of those that are: {self._answer()}"
        bad = "" if together is None else together.gravest
        return f"{self._answer()}; {bad} about the archives together" if bad else self._answer()

    def _tone(self, together: SetView | None) -> Verdict | Severity:
        """What the answer is painted in: the gravest verdict, unless what is said of all archives is graver."""
        worst, verdict = None if together is None else together.worst, gravest(self.counts)
        return worst if worst is not None and verdict in _MILDER.get(worst, ()) else verdict

    def _answer(self) -> str:
        total, intact = self.counts.total(), self.counts[Verdict.INTACT]
        if total < 2:
            return _ONE[gravest(self.counts)] if total else "There was no archive"
        if intact in (0, total):
            return f"All {total} archives are intact" if total == intact else f"None of {total} archives is intact"
        return f"{intact} of {total} archives {'is' if intact == 1 else 'are'} intact"

    def _explanation(self) -> str:
        return "" if self._only is None else f"{self._only.path}: {self._only.meaning}."

    def _shares(self) -> list[Mapping[str, Any]]:
        """Each verdict's share of the archives, in per cent, the gravest first."""
        shares: list[Mapping[str, Any]] = []
        before, total = 0, max(1, self.counts.total())
        for verdict in _ORDER:
            count = self.counts[verdict]
            if count:
                x, end = round(100 * before / total, 3), round(100 * (before + count) / total, 3)
                width = round(end - x, 3)
                meaning = MEANINGS[verdict]
                shares.append({"verdict": verdict, "meaning": meaning, "count": count, "x": x, "width": width})
                before += count
        return shares


def _render(name: str, **values: object) -> str:
    """A template's text in ASCII, so that it reads the same through an output of any encoding."""
    made = _environment().get_template(f"{name}.html.j2").render(values)
    return made.encode("ascii", "xmlcharrefreplace").decode("ascii")


@cache
def _environment() -> "Environment":
    """The templates. Jinja2 is imported when a page is wanted, and not before."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("imgforensics.rendering", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_final,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals |= {"signs": _SIGNS, "state_signs": _STATE_SIGNS}
    made.filters |= {
        "cut": lambda text, most: text if len(text) <= most else f"{text[:most]}\u2026",
        "first_upper": lambda text: text[:1].upper() + text[1:],
        "plural": lambda word, count: plural(count, word),
        "prose": _prose,
        "short": short,
        "thousands": lambda number: f"{number:,}",
        "utc": lambda time: utc(time) if isinstance(time, datetime) else time,
    }
    return made


def _final(value: object) -> object:
    """What is printed of a value: texts that are not markup already are made printable, and not endless."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        text = printable(value[:_LONGEST])
        return text if len(value) <= _LONGEST else f"{text}\u2026 ({len(value)} characters)"
    return value


def _prose(text: str) -> str:
    """A paragraph of a rule's documentation: what stands between backticks is code."""
    from markupsafe import Markup, escape

    parts = " ".join(text.split()).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


@cache
def _style() -> tuple[str, str]:
    """The style sheet, and the hash by which the page's content policy allows it and no other."""
    from markupsafe import Markup

    loader = _environment().loader
    assert loader is not None
    source, _, _ = loader.get_source(_environment(), "page.css")
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return Markup(source), f"sha256-{digest}"  # noqa: S704 - a file of this package
