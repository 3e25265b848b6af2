"""``docs/threats.md``: each threat, its precedent, the rules that find it, and the archives that show it."""

from collections.abc import Iterator

from imgforensics.checks import ALL
from tests.crafted import CRAFTED, THREATS
from tests.crafted.case import Threat

_HEAD = """\
# Threats

What can be wrong or suspicious in an archive, with precedents, the rules that find it, and the archives by which the
tests know that they do. Made from `tests/crafted` by `python -m tests.crafted`; a test holds it to that.
"""


def page() -> str:
    """The page."""
    return _HEAD + "".join("\n" + "\n".join(_section(threat)) + "\n" for threat in THREATS)


def _section(threat: Threat) -> Iterator[str]:
    yield f"## {threat.code}: {threat.title}"
    yield ""
    yield f"Precedent: {threat.precedent}"
    yield ""
    names = {check.rule.code: check.rule.name for check in ALL}
    links = ", ".join(f"[{code}](rules.md#{code.lower()}-{names[code]})" for code in threat.rules)
    yield f"Rules: {links}" if links else "Rules: none; `inspect` shows it"
    if threat.remark:
        yield ""
        yield threat.remark
    cases = [case for case in CRAFTED if case.threat == threat.code]
    if cases:
        yield ""
        yield "| archive | what is wrong with it | found by |"
        yield "| --- | --- | --- |"
    for case in cases:
        yield f"| `{case.name}` | {case.what} | {' '.join(sorted(case.codes | case.notes))} |"
