"""The rules as a list, one rule explained, and ``docs/rules.md``: all from the docstrings of the checks."""

import json

from tabulate import tabulate

from imgforensics.checks import ALL
from imgforensics.errors import SelectionError
from imgforensics.findings import Rule
from imgforensics.sets.known import KNOWN

_GROUPS = {
    "1": "The outer tar and its compression",
    "2": "Documents, references, views",
    "3": "Digests and sizes",
    "4": "Config and history",
    "5": "Inside layers",
    "6": "Provenance and expectations",
    "7": "Signatures",
    "8": "Sets of archives",
    "9": "What could not be checked",
}
RULES: tuple[Rule, ...] = tuple(sorted((*(each.rule for each in ALL), *KNOWN), key=lambda rule: rule.code))
"""The rules about archives, and those about sets of them."""


def render(code: str | None = None, format: str = "table") -> str:  # noqa: A002 - the option's name
    """The list of rules, those whose code begins so, or one of them.

    Args:
        code: a rule's code, with or without ``IMG``, or the beginning of some; or a rule's name.
        format: ``table`` or ``json``.

    Raises:
        SelectionError: there is no such rule.
    """
    listed = list(RULES) if code is None else _asked(code)
    if format == "json":
        return json.dumps([_json(rule) for rule in listed], indent=2) + "\n"
    if code is not None and _is_one(code, listed[0]):
        rule = listed[0]
        head = f"{rule.code} {rule.name} ({rule.severity}, since {rule.since})"
        return f"{head}\n\n{rule.doc}\n"
    rows = [[rule.code, rule.name, rule.severity.value, rule.summary] for rule in listed]
    headers = ["code", "name", "severity", "finds"]
    return tabulate(rows, headers, tablefmt="simple", disable_numparse=True) + "\n"


def _asked(code: str) -> list[Rule]:
    one = [rule for rule in RULES if _is_one(code, rule)]
    listed = one or [rule for rule in RULES if code and rule.code.startswith(_whole(code))]
    if not listed:
        raise SelectionError(f"no rule {code!r}; 'imgforensics rules' lists them")
    return listed


def _is_one(code: str, rule: Rule) -> bool:
    return _whole(code) == rule.code or code.lower() == rule.name


def _whole(code: str) -> str:
    """A code, or the beginning of one, as rules have it."""
    return f"IMG{code}" if code.isascii() and code.isdigit() else code.upper()


def _json(rule: Rule) -> dict[str, str]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.value,
        "verdict": rule.effect.value,
        "since": rule.since,
        "summary": rule.summary,
        "documentation": rule.doc,
    }


def markdown() -> str:
    """``docs/rules.md``."""
    lines = [
        "# Rules",
        "",
        "Made from the docstrings of `imgforensics/checks/` and `imgforensics/sets/` by",
        "`python -m imgforensics.rendering.rules`; do not edit.",
        "A code is never reused. A finding can be milder than its rule's severity; the text says when.",
    ]
    group = ""
    for rule in RULES:
        if rule.code[3] != group:
            group = rule.code[3]
            lines += ["", f"## IMG{group}xx: {_GROUPS[group]}"]
        body = rule.doc.replace("\n## ", "\n#### ")
        lines += ["", f"### {rule.code} {rule.name}", "", f"*{rule.severity}, since {rule.since}*", "", body]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
