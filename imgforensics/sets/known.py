"""Every rule about sets of archives, in the order of their codes."""

from imgforensics.findings import Rule
from imgforensics.sets import baseline, rules, transfer

KNOWN: tuple[Rule, ...] = tuple(
    sorted(
        (*(each.rule for each in rules.RULES), *transfer.RULES, *baseline.RULES),
        key=lambda rule: rule.code,
    )
)
"""Those that archives are held against each other by, those of a lock, and those of an earlier report."""
