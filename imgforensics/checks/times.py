"""IMG405: dates in configs that contradict each other or the archive. There is no clock to compare them with."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.documents import Config
from imgforensics.findings import Effect, Severity
from imgforensics.gojson import go_time
from imgforensics.model import Location

_EPOCHS = frozenset({1, 1970, 1980})
"""Years of the dates that reproducible builds give: Go's zero time, Unix's, and that of zip archives."""
_DOCKER = 2013
"""The year of the first image."""
_BAZEL = 1_672_560_000
"""The time of every member that Bazel's tar rules write."""
_SLACK = timedelta(days=1)


@check("IMG405", "odd-times", Severity.WARNING, Effect.SUSPECT)
def odd_times(case: Case) -> Iterator[Found]:
    """A date in a config cannot be read, or contradicts the other dates.

    ## What it means
    `created` is no date, is earlier than the first image of all, than its own history or than what stands above it in
    the history, or later than every file of the archive.

    ## Why it matters
    Go refuses a config with a date that it cannot read, other readers show it. Dates that contradict each other are
    traces of a config that was put together by hand, or of a clock.

    ## How it is computed
    RFC 3339 as Go reads it; `created` of the config, of each history entry and the times of the archive's members. The
    dates of reproducible builds (the years 1, 1970 and 1980) are not compared.

    ## When it is innocent
    All but a date that cannot be read is only noted: squashed images, caches and rebased images have such dates.
    """
    latest = _latest_member(case)
    seen: set[int] = set()
    for image in case.structure.images:
        if image.config is None or image.config_member is None or image.config_member in seen:
            continue
        seen.add(image.config_member)
        member = case.name(image.config_member)
        for pointer, text in _unreadable(image.config):
            where = Location(member, pointer, image=image.index)
            yield Found(f"{text[:60]!a} is no date: Go refuses the config", where, claimed=text)
        for pointer, message in _contradictions(image.config, latest):
            yield Found(message, Location(member, pointer, image=image.index), severity=Severity.NOTE)


def _dates(config: Config) -> Iterator[tuple[str, str]]:
    """Pointer and text of every date in a config that is there."""
    given = [("/created", config.created)]
    given += [(f"/history/{number}/created", entry.created) for number, entry in enumerate(config.history or ())]
    return ((pointer, text) for pointer, text in given if text)


def _unreadable(config: Config) -> Iterator[tuple[str, str]]:
    """The first date that Go cannot read."""
    for pointer, text in _dates(config):
        if go_time(text) is None:
            yield pointer, text
            return


def _contradictions(config: Config, latest: datetime | None) -> Iterator[tuple[str, str]]:
    """Pointer and message of dates that do not fit each other, one of each kind at most."""
    created = _moment(config.created)
    history = [(number, _moment(entry.created)) for number, entry in enumerate(config.history or ())]
    known = [(number, moment) for number, moment in history if moment is not None]
    if created is not None and created.year < _DOCKER:
        yield "/created", f"the config was made in {created.year}, before there were images"
    if created is not None and latest is not None and created > latest + _SLACK:
        yield (
            "/created",
            f"the config was made on {created:%Y-%m-%d}, and no file of the archive after {latest:%Y-%m-%d}",
        )
    if created is not None and known and max(moment for _, moment in known) > created + _SLACK:
        yield "/created", f"the config was made on {created:%Y-%m-%d}, and its history goes on after that"
    for (_, before), (number, moment) in pairwise(known):
        if moment + _SLACK < before:
            yield f"/history/{number}/created", f"history entry {number} is earlier than the one below it"
            return


def _moment(text: str) -> datetime | None:
    """A date that means something, None for the others."""
    spelled = go_time(text)
    if spelled is None:
        return None
    try:
        moment = datetime.fromisoformat(spelled).astimezone(UTC)
    except (ValueError, OverflowError):  # the year 0, or one that an offset takes beyond the calendar
        return None
    return None if moment.year in _EPOCHS else moment


def _latest_member(case: Case) -> datetime | None:
    """The latest time that a member has, None where all have the date of a reproducible build."""
    latest = max((member.mtime for member in case.catalogue.members), default=0)
    if not 0 < latest < 1 << 36 or latest == _BAZEL:
        return None
    moment = datetime.fromtimestamp(latest, UTC)
    return None if moment.year in _EPOCHS else moment


CHECKS: tuple[Check, ...] = (odd_times,)
