"""Every rule about sets of archives, in the order of their codes."""

from imgforensics.findings import Rule
from imgforensics.sets import baseline, ended, rules, transfer

KNOWN: tuple[Rule, ...] = tuple(
    sorted(
        (*(each.rule for each in rules.RULES), *transfer.RULES, *baseline.RULES, *ended.RULES),
        key=lambda rule: rule.code,
    )
)
"""Those that archives are held against each other by, those of a lock, those of an earlier report, and of a run
that was ended."""
