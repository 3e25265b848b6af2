"""Facts to findings. Every rule is one pure function with its identity on its head, listed in :data:`ALL`."""

from collections.abc import Iterable

from imgforensics.case import Case
from imgforensics.checks import (
    attestations,
    claims,
    collisions,
    config,
    coverage,
    descriptors,
    digests,
    documents,
    framing,
    layers,
    layertars,
    members,
    oneview,
    ownership,
    provenance,
    readers,
    references,
    runtime,
    signatures,
    streams,
    tags,
    times,
)
from imgforensics.checks.rule import Check
from imgforensics.errors import SelectionError
from imgforensics.findings import Finding
from imgforensics.model import Location

_EXPLAIN = (
    "IMG102",
    "IMG104",
    "IMG108",
    "IMG109",
    "IMG201",
    "IMG202",
    "IMG203",
    "IMG206",
    "IMG213",
    "IMG217",
    "IMG221",
)
"""Rules that name a reason why readers take different images."""

_OF_SETS = "IMG8"
"""Beginning of the codes of rules about several archives, which judge no single one and are not among these."""

ALL: tuple[Check, ...] = tuple(
    sorted(
        (
            *framing.CHECKS,
            *members.CHECKS,
            *ownership.CHECKS,
            *streams.CHECKS,
            *documents.CHECKS,
            *references.CHECKS,
            *oneview.CHECKS,
            *tags.CHECKS,
            *claims.CHECKS,
            *descriptors.CHECKS,
            *collisions.CHECKS,
            readers.make_check(lambda: tuple(each for each in ALL if each.rule.code in _EXPLAIN)),
            *attestations.CHECKS,
            *digests.CHECKS,
            *config.CHECKS,
            *runtime.CHECKS,
            *times.CHECKS,
            *layers.CHECKS,
            *layertars.CHECKS,
            *provenance.CHECKS,
            *signatures.CHECKS,
            *coverage.CHECKS,
        ),
        key=lambda each: each.rule.code,
    )
)

CRASHED = coverage.CRASHED
OF_EXPECTATIONS = frozenset(each.rule.code for each in provenance.CHECKS)
"""Codes of the rules about what an archive was said to hold."""


def select(chosen: Iterable[str] = (), ignored: Iterable[str] = ()) -> tuple[Check, ...]:
    """The checks whose codes begin with one of ``chosen`` (all, if it is empty) and with none of ``ignored``.

    Raises:
        SelectionError: a prefix fits no code.
    """
    chosen, ignored = tuple(chosen), tuple(ignored)
    if not (chosen or ignored):
        return ALL
    for prefix in (*chosen, *ignored):
        if not (prefix.startswith(_OF_SETS) or any(each.rule.code.startswith(prefix) for each in ALL)):
            raise SelectionError(f"no rule code begins with {prefix!r}; 'imgforensics rules' lists them")
    return tuple(
        each
        for each in ALL
        if (not chosen or each.rule.code.startswith(chosen)) and not each.rule.code.startswith(ignored or ("-",))
    )


def run(case: Case, checks: Iterable[Check] = ALL) -> tuple[Finding, ...]:
    """Every finding of these checks, worst first. A check that crashes becomes a finding itself."""
    found: list[Finding] = []
    for each in checks:
        try:
            found.extend(each.run(case))
        except Exception as error:  # noqa: BLE001 - one bug must not cost the rest of the report
            message = f"the check {each.rule.code} failed: {type(error).__name__}: {error}"
            found.append(Finding(CRASHED, message, Location(), CRASHED.severity))
    return tuple(sorted(found, key=_order))


def _order(finding: Finding) -> tuple[int, str, str, int, str]:
    place = finding.location
    return finding.severity.rank, finding.rule.code, place.member or "", place.offset or 0, finding.message


__all__ = ["ALL", "CRASHED", "OF_EXPECTATIONS", "Check", "run", "select"]
