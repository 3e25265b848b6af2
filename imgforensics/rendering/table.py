"""The report for people: the verdict first, then what is wrong, then what is in the archive. It may change any time."""

from collections.abc import Iterable, Mapping, Sequence

from tabulate import tabulate

from imgforensics.case import Case
from imgforensics.checks.readers import contradiction
from imgforensics.custody import Custody, words
from imgforensics.findings import Finding, Severity, Skipped, Verdict
from imgforensics.model import Outcome
from imgforensics.rendering import loads_table, registry_table, sides_table, signatures_table
from imgforensics.rendering.escape import SENTENCE, brief, brief_list, printable
from imgforensics.rendering.inventory import inventory_lines
from imgforensics.rendering.moves import moves_lines
from imgforensics.rendering.style import Style
from imgforensics.rendering.words import MEANINGS, place, plural
from imgforensics.rendering.writer import PLAIN, utc
from imgforensics.report import ArchiveReport, Period
from imgforensics.sets.rule import SetFinding
from imgforensics.structure import Image

_RELATED = 4
_WITHOUT_LOADS = ("digest", "signatures")
"""Commands whose reports do not say who would load what."""


def archive(
    report: ArchiveReport,
    style: Style = PLAIN,
    *,
    verbose: bool = False,
    quiet: bool = False,
    command: str = "verify",
    custody: Custody | None = None,
    fail_on: str | None = None,
) -> str:
    """One archive.

    Args:
        report: what to print.
        style: colours.
        verbose: also notes' related places, everything that was checked, what was not, and how the report came about.
        quiet: one line an archive.
        command: ``inspect`` shows layers and history too, ``digest`` what registries show.
        custody: how the report came about.
        fail_on: the least severity that makes the exit code 1; in one line, a finding that does is named where the
            verdict does not tell of it.
    """
    lines = [_headline(report, style)]
    if quiet or report.case is None:
        more = _although(report, fail_on) + (_digests(report) if command == "digest" else "") if quiet else ""
        return f"{lines[0]}{more}\n"
    above = command not in _WITHOUT_LOADS and bool(report.case.sides)
    lines += [*sides_table.answer(report.case, style), ""] if above else []
    lines.append(f"  {_identity(report)}")
    if report.case.producer is not None:
        producer = report.case.producer
        versions = f" ({producer.versions})" if producer.versions else ""
        lines.append(f"  written by {brief(producer.name + versions)}")
        if command == "inspect" or verbose:
            lines += [f"    - {brief(evidence)}" for evidence in producer.evidence]
    shown = [each for each in report.findings if verbose or each.severity is not Severity.NOTE]
    told = contradiction(report.case) if above else ""
    for finding in shown:
        lines += _finding(finding, style, verbose=verbose, above=told)
    hidden = len(report.findings) - len(shown)
    if hidden:
        lines.append(f"  {hidden} {plural(hidden, 'note')} not shown (-v)")
    if report.images and command not in ("digest", "signatures"):
        lines += ["", *_indent(_images(report.case, report.images))]
    lines += registry_table.images(report, style, verbose=verbose, searched=command == "digest")
    lines += signatures_table.signatures(report, style, verbose=verbose)
    if command != "signatures":
        lines += _artifacts(report.case)
        lines += loads_table.lines(report.case, style, command=command, verbose=verbose)
    if command == "inspect":
        lines += moves_lines(report.images)
        for image in report.images:
            lines += ["", *_image_details(report.case, image)]
    lines += ["", f"  {_checked(report)}"]
    if verbose:
        lines += [f"    not checked: {brief(each.what)}: {brief(each.reason, SENTENCE)}" for each in report.not_checked]
        lines += [] if custody is None else [f"    {_custody(custody, report.period)}"]
    return "\n".join(lines) + "\n"


def gravest_shown(findings: Iterable[Finding | None], *, verbose: bool) -> Finding | None:
    """The gravest of those that a table shows, the first of several."""
    shown = (each for each in findings if each is not None and (verbose or each.severity is not Severity.NOTE))
    return min(shown, key=lambda each: each.severity.rank, default=None)


def summary(
    counts: Mapping[Verdict, int], skipped: Sequence[Skipped], style: Style = PLAIN, *, verbose: bool = False
) -> str:
    """How many archives fared how; the last lines of a batch."""
    rows = [[style.paint(verdict.value, verdict), str(counts[verdict])] for verdict in Verdict if counts.get(verdict)]
    rows.append(["archives", str(sum(counts.values()))])
    lines = [tabulate(rows, tablefmt="plain", disable_numparse=True, colalign=("left", "right"))]
    if skipped:
        lines.append(f"{len(skipped)} {plural(len(skipped), 'file')} skipped, no image archives")
        if verbose:
            lines += [f"  {printable(each.path)}: {brief(each.reason, SENTENCE)}" for each in skipped]
    return "\n".join(lines) + "\n"


def lock_line(held: str) -> str:
    """That the lock holds, if it does."""
    return f"lock: {printable(held)}\n" if held else ""


def about_all(findings: Sequence[SetFinding], style: Style, *, verbose: bool = False) -> str:
    """What archives say together; notes where they are asked for, else how many there are."""
    shown = [each for each in findings if verbose or each.severity is not Severity.NOTE]
    lines = [
        f"{style.paint(each.severity, each.severity)} {each.rule.code} {each.rule.name}: {printable(each.message)}"
        for each in shown
    ]
    hidden = len(findings) - len(shown)
    if hidden:
        lines.append(f"{hidden} {plural(hidden, 'note')} about all of them not shown (-v)")
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def _although(report: ArchiveReport, fail_on: str | None) -> str:
    """The findings that make the exit code 1 though the verdict is a good one: of what was asked for besides."""
    if fail_on is None or report.verdict not in (Verdict.INTACT, Verdict.UNCHECKED):
        return ""
    least = Severity(fail_on).rank
    return "".join(
        f"; {severity} {code}"
        for severity, code in dict.fromkeys(
            (each.severity.value, each.rule.code) for each in report.findings if each.severity.rank <= least
        )
    )


def _digests(report: ArchiveReport) -> str:
    """The digest of each image that a registry would most likely show, for one line."""
    likely = ((index, registry.likely) for index, registry in report.registries.items())
    return "".join(f"; @{index} {each.digest if each else '-'}" for index, each in likely)


def _headline(report: ArchiveReport, style: Style) -> str:
    verdict = style.paint(report.verdict.value.upper(), report.verdict)
    why = report.error if report.error is not None else MEANINGS[report.verdict]
    signatures = None if report.case is None else report.case.signatures
    signed = f"; {signatures.headline}" if signatures is not None else ""
    return f"{verdict}  {style.paint(printable(report.path), 'strong')}: {brief(why, SENTENCE)}{signed}"


def _identity(report: ArchiveReport) -> str:
    case = report.case
    layouts = " + ".join(case.structure.layouts) if case and case.structure.layouts else "no documents"
    outer = f", {case.catalogue.outer}-compressed" if case and case.catalogue.outer != "none" else ""
    digest = f", {report.digest}" if report.digest else ""
    return f"{layouts}{outer}, {report.size} bytes{digest}"


def _finding(finding: Finding, style: Style, *, verbose: bool, above: str) -> list[str]:
    """A finding; what it says of readers only as far as that does not stand above in a table."""
    severity = style.paint(finding.severity.value, finding.severity)
    message = finding.message.removesuffix(above)
    message += "; who would run which stands above" if len(message) < len(finding.message) else ""
    lines = [f"  {severity} {finding.rule.code} {finding.rule.name}: {brief(message, SENTENCE)}"]
    related = finding.related if verbose else finding.related[:_RELATED]
    if related and finding.severity is not Severity.NOTE:
        lines += [f"      also {place(location)}" for location in related]
        if len(related) < len(finding.related):
            lines.append(f"      and {len(finding.related) - len(related)} more places (-v)")
    return lines


def _images(case: Case, images: Sequence[Image]) -> str:
    rows = []
    for image in images:
        config = None if image.config_member is None else case.catalogue.blobs.get(image.config_member)
        manifest = None if image.manifest_member is None else case.catalogue.blobs.get(image.manifest_member)
        rows.append(
            [
                f"@{image.index}",
                brief_list(image.tags) or "(untagged)",
                brief(image.platform or "?"),
                "(no config)" if config is None else str(config.digest),
                manifest.digest.short if manifest else "",
                str(len(image.layers)),
            ]
        )
    headers = ["", "tags", "platform", "image ID", "manifest", "layers"]
    return tabulate(rows, headers, tablefmt="simple", disable_numparse=True)


def _artifacts(case: Case) -> list[str]:
    lines = []
    for artifact in case.structure.artifacts:
        manifest = None if artifact.manifest_member is None else case.catalogue.blobs.get(artifact.manifest_member)
        name = brief(", ".join(artifact.tags) or artifact.artifact_type or "")
        digest = manifest.digest.short if manifest else ""
        lines.append(f"  {artifact.kind} {digest} {name}".rstrip())
    return ["", *lines] if lines else []


def _image_details(case: Case, image: Image) -> list[str]:
    lines = [f"  image @{image.index} {brief_list(image.tags)}".rstrip()]
    if image.config is not None:
        for name, value in (
            ("created", image.config.created),
            ("author", image.config.author),
            ("docker version", image.config.docker_version),
        ):
            if value:
                lines.append(f"    {name}: {brief(value)}")
    rows = []
    commands = _commands(image)
    for layer in image.layers:
        blob = None if layer.member is None else case.catalogue.blobs.get(layer.member)
        rows.append(
            [
                str(layer.index),
                blob.diff_id.short
                if blob and blob.diff_id
                else brief(layer.claimed_diff_id or "?")[:19] + " (claimed)",
                "" if layer.member is None else str(case.catalogue.members[layer.member].present),
                blob.compression.value if blob else "absent" if layer.member is None else "not hashed",
                brief(commands[layer.index] if layer.index < len(commands) else "")[:60],
            ]
        )
    if rows:
        headers = ["layer", "diff_id", "bytes", "compression", "created by"]
        lines += _indent(tabulate(rows, headers, tablefmt="simple", disable_numparse=True), 4)
    lines += [f"    {line}" for line in inventory_lines(case, image)]
    return lines


def _commands(image: Image) -> list[str]:
    history = (image.config.history if image.config else None) or ()
    return [entry.created_by for entry in history if not entry.empty_layer]


def _checked(report: ArchiveReport) -> str:
    verifications = report.case.verifications if report.case else ()
    held = sum(each.outcome is Outcome.MATCH for each in verifications)
    failed = sum(each.outcome is Outcome.MISMATCH for each in verifications)
    open_ = sum(each.outcome is Outcome.UNCHECKED for each in verifications)
    words = [f"{held} {plural(held, 'claim')} checked and held", f"{failed} failed" if failed else ""]
    words.append(f"{open_} could not be checked" if open_ else "")
    return ", ".join(word for word in words if word)


def _custody(custody: Custody, period: Period | None) -> str:
    told = [
        f"imgforensics {custody.identity.version}",
        custody.identity.digest or "",
        f"{len(custody.rules) + len(custody.set_rules)} rules",
    ]
    told.append(f"options {printable(words(custody))}")
    told.append("" if period is None else f"from {utc(period.started)} to {utc(period.ended)}")
    return f"custody: {', '.join(each for each in told if each)}"


def _indent(text: str, by: int = 2) -> Iterable[str]:
    return (f"{' ' * by}{line}".rstrip() for line in text.splitlines())
