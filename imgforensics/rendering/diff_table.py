"""Two archives compared, for people: the answer first, then what differs, from images down to files. It may change."""

import json
from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.comparison import Answer, Comparison
from imgforensics.comparison.files import TIME_ONLY, Aspect, Facts, FileChange, FileChanges
from imgforensics.comparison.images import ImageChange
from imgforensics.comparison.layers import LayerChange
from imgforensics.comparison.order import Change
from imgforensics.comparison.values import Difference
from imgforensics.findings import Verdict
from imgforensics.listing import SETGID, SETUID
from imgforensics.rendering.custody_json import clean
from imgforensics.rendering.escape import SENTENCE, brief, brief_list, json_text, printable
from imgforensics.rendering.member_table import mode_text, time_text
from imgforensics.rendering.style import Style
from imgforensics.report import ArchiveReport
from imgforensics.structure import Image, Layer

_SHORT = 20
"""Lines of a kind that are shown without -v."""

_VALUE = 100
_SIGNS = {Change.ADDED: "+", Change.REMOVED: "-", Change.CHANGED: "~", Change.MOVED: ">", Change.SAME: "="}


def render(comparison: Comparison, style: Style, *, verbose: bool = False, quiet: bool = False) -> str:
    """The answer, and unless it is to be quiet, what differs."""
    lines = [_headline(comparison, style)]
    if not quiet and comparison.answer is not Answer.SAME_FILE:
        lines += _details(comparison, style, verbose=verbose)
    elif not quiet:
        lines.append(f"  {comparison.a.digest}")
    return "\n".join(lines) + "\n"


def _headline(comparison: Comparison, style: Style) -> str:
    word, meaning, words = _answer(comparison)
    names = f"{printable(comparison.a.path)} and {printable(comparison.b.path)}"
    return f"{style.paint(word, meaning)}  {style.paint(names, 'strong')}: {words}"


def _answer(comparison: Comparison) -> tuple[str, str, str]:
    if comparison.answer is Answer.SAME_FILE:
        return "SAME", Verdict.INTACT, "the same file, byte for byte"
    images = comparison.images
    count = (
        "the same image" if len(images) == 1 else f"the same {len(images)} images" if images else "the same contents"
    )
    if comparison.answer is Answer.SAME_IMAGES:
        return "SAME", Verdict.INTACT, f"{count}, wrapped otherwise"
    if images and all(each.same for each in images):
        return "DIFFERENT", Verdict.SUSPECT, f"{count}, {', '.join(_beside(comparison)) or 'beside other artifacts'}"
    lone_a = sum(each.b is None for each in images)
    lone_b = sum(each.a is None for each in images)
    changed = sum(each.paired and not each.same for each in images)
    words = [
        f"{number} {'image' if number == 1 else 'images'} {what}"
        for number, what in ((changed, "changed"), (lone_a, "only in A"), (lone_b, "only in B"))
        if number
    ]
    if not words:
        only = comparison.artifacts_only_a or comparison.artifacts_only_b
        held = any(each.case is not None and each.case.structure.artifacts for each in (comparison.a, comparison.b))
        lone = "other artifacts" if only else "the same artifacts" if held else "no image in either"
        words = [lone, *_beside(comparison)]
    return "DIFFERENT", Verdict.TAMPERED, ", ".join(words)


def _beside(comparison: Comparison) -> Iterator[str]:
    """What is not the same where all images are."""
    if not all(each.same_names for each in comparison.images):
        yield "under other names"
    codes_a, codes_b = (
        [code for code, _ in found] for found in (comparison.findings_only_a, comparison.findings_only_b)
    )
    for name, codes, others in (("A", codes_a, codes_b), ("B", codes_b, codes_a)):
        lone = [code for code in codes if code not in others]
        if lone:
            yield f"but verify finds {', '.join(lone)} in {name} alone"
    both = [code for code in codes_a if code in codes_b]
    if both:
        yield f"but what verify finds as {', '.join(both)} is not the same"
    if comparison.readers:
        yield f"but {', '.join(reader.called for reader in comparison.readers)} would take others"
    if any(each.counts or not comparison.images for each in comparison.artifacts_renamed):
        yield "beside artifacts under other names"


def _details(comparison: Comparison, style: Style, *, verbose: bool) -> Iterator[str]:
    for name, report in (("A", comparison.a), ("B", comparison.b)):
        yield f"  {name} {printable(report.path)}: {report.verdict.value}, {report.digest or 'not hashed'}"
    for change in comparison.images:
        yield ""
        yield from _image(comparison.a, comparison.b, change, style, verbose=verbose)
    for name, findings in (("A", comparison.findings_only_a), ("B", comparison.findings_only_b)):
        if findings:
            yield ""
            found = ", ".join(code if count == 1 else f"{code} ({count} more)" for code, count in findings)
            yield f"  only in {name} verify finds {found}"
    if comparison.readers:
        yield f"  other images for {', '.join(reader.called for reader in comparison.readers)} (verify -v tells which)"
    for name, digests in (("A", comparison.artifacts_only_a), ("B", comparison.artifacts_only_b)):
        yield from (f"  only in {name}: artifact or attestation {digest}" for digest in digests)
    for each in comparison.artifacts_renamed:
        for name, names in (("A", each.names_only_a), ("B", each.names_only_b)):
            if names:
                called = printable(", ".join(names))
                yield f"  called so only in {name}: {called}, artifact or attestation {each.digest}"
    if comparison.traits:
        yield ""
        yield "  wrapping"
        yield from (f"    {each.what}: {brief(each.a)} -> {brief(each.b)}" for each in comparison.traits)
    if comparison.members is not None:
        yield f"  members of the tar: {_counts(comparison.members)}"
        if verbose:
            yield from _files(comparison.members, style, verbose=verbose)


def _image(a: ArchiveReport, b: ArchiveReport, change: ImageChange, style: Style, *, verbose: bool) -> Iterator[str]:
    sides = [(a.case, change.a), (b.case, change.b)]
    if change.same:
        yield f"  = image {_titles(change)}: the same"
        yield f"      image ID {_id(*sides[0])}"
    elif change.paired:
        yield f"  ~ image {_titles(change)}: changed (paired by {change.paired_by})"
        yield from (f"      {name} image ID {_id(*side)}" for name, side in zip("AB", sides, strict=True))
    else:
        sign, name, side = ("-", "A", sides[0]) if change.b is None else ("+", "B", sides[1])
        yield f"  {sign} image {_titles(change)}: only in {name}"
        yield f"      image ID {_id(*side)}"
        return
    for name, names in (("A", change.names_only_a), ("B", change.names_only_b)):
        if names:
            yield f"      called so only in {name}: {brief_list(names)}"
    yield from (f"      {line}" for line in _config(change, verbose=verbose))
    for each in change.layers:
        if each.change is not Change.SAME:
            yield from (f"      {line}" for line in _layer(a.case, b.case, each, style, verbose=verbose))


def _titles(change: ImageChange) -> str:
    titles = [f"@{image.index} {brief_list(image.tags)}".strip() for image in (change.a, change.b) if image is not None]
    platform = next((image.platform for image in (change.a, change.b) if image is not None), None)
    return f"{' / '.join(dict.fromkeys(titles))} {brief(platform or '')}".strip()


def _id(case: Case | None, image: Image | None) -> str:
    if case is None or image is None or image.config_member is None:
        return "(no config)"
    blob = case.catalogue.blobs.get(image.config_member)
    return str(blob.digest) if blob is not None else "(no config)"


def _config(change: ImageChange, *, verbose: bool) -> Iterator[str]:
    if change.config is None:
        return
    found = change.config.differences
    if found is None:
        yield "config: cannot be compared value by value: one is not there, or no JSON"
        return
    if change.config.spelling_only:
        yield "config: the same values, other bytes (order of keys, spaces, numbers or repeated keys)"
        return
    yield f"config: {found.total} {'value differs' if found.total == 1 else 'values differ'}"
    shown = found.listed if verbose else found.listed[:_SHORT]
    for each in shown:
        yield f"  {brief(each.pointer) or 'the whole'}: {_values(each)}"
    if found.total > len(shown):
        yield f"  ... {found.total - len(shown)} more{'' if verbose else ' (-v)'}"


def _values(difference: Difference) -> str:
    if difference.only == "a":
        return f"{_value(difference.a)} -> absent"
    if difference.only == "b":
        return f"absent -> {_value(difference.b)}"
    return f"{_value(difference.a)} -> {_value(difference.b)}"


def _value(value: object) -> str:
    text = json.dumps(clean(value), ensure_ascii=False)
    return brief(text) if len(text) <= _VALUE else f"{brief(text[:_VALUE])}... ({len(text)} characters)"


def _layer(
    case_a: Case | None, case_b: Case | None, change: LayerChange, style: Style, *, verbose: bool
) -> Iterator[str]:
    places = [f"layer {layer.index}" for layer in (change.a, change.b) if layer is not None]
    place = " -> ".join(dict.fromkeys(places))
    ids = [_diff_id(case, layer) for case, layer in ((case_a, change.a), (case_b, change.b)) if layer is not None]
    yield f"{_SIGNS[change.change]} {place} {change.change}: {' -> '.join(dict.fromkeys(ids))}"
    if change.why_not is not None:
        yield f"    files not compared: {brief(change.why_not, SENTENCE)}"
    if change.files is not None:
        yield f"    files: {_counts(change.files)}"
        yield from (f"  {line}" for line in _files(change.files, style, verbose=verbose))


def _diff_id(case: Case | None, layer: Layer) -> str:
    blob = None if case is None or layer.member is None else case.catalogue.blobs.get(layer.member)
    if blob is None or blob.diff_id is None:
        return f"{json_text(brief(layer.claimed_diff_id or 'unknown'))[:_VALUE]} (claimed)"
    return str(blob.diff_id)


def _counts(files: FileChanges) -> str:
    counts = files.counts
    words = [f"{counts[each]} {each}" for each in ("added", "removed", "changed", "same") if counts.get(each)]
    kinds = [f"{counts[aspect]} in {aspect}" for aspect in Aspect if counts.get(aspect)]
    if counts.get(TIME_ONLY):
        kinds.append(f"{counts[TIME_ONLY]} in nothing but mtime")
    return (", ".join(words) or "none") + (f" (changed: {', '.join(kinds)})" if kinds else "")


def _files(files: FileChanges, style: Style, *, verbose: bool) -> Iterator[str]:
    grave = [each for each in files.listed if verbose or each.aspects != (Aspect.MTIME,)]
    shown = grave if verbose else grave[:_SHORT]
    for each in shown:
        yield f"    {_SIGNS[each.change]} {printable(each.path)}{_how(each, style)}"
    total = sum(files.counts.get(each, 0) for each in ("added", "removed", "changed"))
    if total > len(shown):
        yield f"    ... {total - len(shown)} more{'' if verbose else ' (-v)'}"
    yield from (f"    {brief(note, SENTENCE)}" for note in files.notes)


def _how(change: FileChange, style: Style) -> str:
    a, b = change.a, change.b
    if a is None or b is None:
        there = a or b
        return f"  {_described(there, style)}" if there is not None else ""
    words = []
    for aspect in change.aspects:
        one, other = _aspect(aspect, a), _aspect(aspect, b)
        words.append(f"{aspect} {one} -> {other}{_set_id(aspect, a, b, style)}" if one or other else aspect.value)
    return f"  {', '.join(words)}"


def _described(facts: Facts, style: Style) -> str:
    grave = style.paint(" set-id", "error") if facts.mode & (SETUID | SETGID) and facts.kind == "file" else ""
    link = f" -> {brief(facts.linkname)[:_VALUE]}" if facts.linkname else ""
    return f"{facts.kind}, {mode_text(facts.mode)}{grave}, {facts.size} bytes{link}"


def _aspect(aspect: Aspect, facts: Facts) -> str:
    """What a file has of an aspect, in words; empty where words say nothing more."""
    values = {
        Aspect.KIND: facts.kind.value,
        Aspect.CONTENT: f"{facts.size} bytes {facts.sha256.hex()[:12] if facts.sha256 else '-'}",
        Aspect.MODE: mode_text(facts.mode),
        Aspect.OWNER: " ".join(
            str(part) for part in (f"{facts.owner.uid}:{facts.owner.gid}", *facts.owner[2:]) if part
        ),
        Aspect.LINK: facts.linkname[:_VALUE] or "none",
        Aspect.DEVICE: f"{facts.device[0]},{facts.device[1]}",
        Aspect.TIMES: f"{facts.times}{f' (earlier {facts.earlier.hex()[:12]})' if facts.earlier else ''}",
        Aspect.MTIME: time_text(facts.mtime),
    }
    return brief(values.get(aspect, ""))


def _set_id(aspect: Aspect, a: Facts, b: Facts, style: Style) -> str:
    gained = b.mode & ~a.mode & (SETUID | SETGID)
    if aspect is not Aspect.MODE or not gained:
        return ""
    return style.paint(" (now setuid)" if gained & SETUID else " (now setgid)", "error")
