"""Layers of images, and their files, for people. It may change any time; files are written as they are read."""

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tabulate import tabulate

from imgforensics.case import Case
from imgforensics.layerentry import WhiteoutKind
from imgforensics.layerfiles import why_closed
from imgforensics.listing import Contents, Listed
from imgforensics.model import MemberKind
from imgforensics.overlay import Fate
from imgforensics.rendering.escape import SENTENCE, brief, brief_list, printable
from imgforensics.rendering.member_table import time_text
from imgforensics.rendering.style import Style
from imgforensics.report import ArchiveReport
from imgforensics.structure import Image, Layer

_TYPES = {
    MemberKind.FILE: stat.S_IFREG,
    MemberKind.SPARSE: stat.S_IFREG,
    MemberKind.DIRECTORY: stat.S_IFDIR,
    MemberKind.SYMLINK: stat.S_IFLNK,
    MemberKind.FIFO: stat.S_IFIFO,
    MemberKind.DEVICE: stat.S_IFCHR,
}
_FATES = {
    Fate.KEPT: "",
    Fate.MERGED: "",
    Fate.OVERWRITTEN: "overwritten in layer {}",
    Fate.DELETED: "deleted by layer {}",
    Fate.HIDDEN: "hidden by layer {}",
    Fate.BURIED: "its folder is replaced in layer {}",
    Fate.UNKNOWN: "fate unknown",
    Fate.IGNORED: "aufs's own, not unpacked",
}
_COMMAND = 60


def head(report: ArchiveReport, style: Style) -> str:
    """Which archive it is."""
    path = style.paint(printable(report.path), "strong")
    return f"{path}: {report.verdict.value}, {report.digest or 'not hashed'}\n"


def layers(case: Case, image: Image, contents: Mapping[int, Contents]) -> str:
    """The layers of one image, each with what it holds."""
    rows = [_row(case, image, layer, contents) for layer in image.layers]
    headers = ["layer", "diff_id", "member", "stored", "uncompressed", "form"]
    headers += ["files", "folders", "links", "other", "whiteouts", "set-id", "created by"]
    table = tabulate(rows, headers, tablefmt="simple", disable_numparse=True)
    return f"\n{image_head(image)}\n" + "".join(f"  {line.rstrip()}\n" for line in table.splitlines())


def image_head(image: Image) -> str:
    """Which image it is."""
    return f"  image @{image.index}  {brief_list(image.tags)}  {brief(image.platform or '')}".rstrip()


def _row(case: Case, image: Image, layer: Layer, contents: Mapping[int, Contents]) -> list[str]:
    blob = None if layer.member is None else case.catalogue.blobs.get(layer.member)
    steps = [step.created_by for step in (image.config.history if image.config else None) or () if not step.empty_layer]
    return [
        str(layer.index),
        blob.diff_id.short if blob and blob.diff_id else brief(layer.claimed_diff_id or "?")[:19] + " (claimed)",
        "" if layer.member is None else f"@{layer.member}",
        "" if layer.member is None else str(case.catalogue.members[layer.member].present),
        "" if blob is None or blob.uncompressed_size is None else str(blob.uncompressed_size),
        blob.compression.value if blob else "",
        *_counts(case, layer, contents),
        brief(steps[layer.index])[:_COMMAND] if layer.index < len(steps) else "",
    ]


def _counts(case: Case, layer: Layer, contents: Mapping[int, Contents]) -> list[str]:
    found = None if layer.member is None else contents.get(layer.member)
    if found is None or found.end is None:
        return [why_closed(case.catalogue, layer.member) or "", "", "", "", "", ""]
    if not found.end.is_tar:
        return ["no tar", "", "", "", "", ""]
    files = found.kinds[MemberKind.FILE] + found.kinds[MemberKind.SPARSE]
    links = found.kinds[MemberKind.SYMLINK] + found.kinds[MemberKind.HARDLINK]
    folders = found.kinds[MemberKind.DIRECTORY]
    others = found.kinds.total() - files - links - folders
    opaque = f" +{found.opaque} opaque" if found.opaque else ""
    broken = "" if found.end.damage is None else f" (up to {found.end.damage.kind})"
    return [f"{files}{broken}", str(folders), str(links), str(others), f"{found.whiteouts}{opaque}", str(found.set_id)]


def files(listing: Iterable[Listed], style: Style) -> Iterator[str]:
    """One line an entry."""
    yield "\n  layer  mode        owner          size  mtime                 path\n"
    for listed in listing:
        entry = listed.entry
        owner = f"{entry.uid}:{entry.gid}"
        time = time_text(entry.mtime)
        mode = _mode(listed)
        yield f"  {listed.layer:>5}  {mode:<10}  {owner:<9} {entry.size:>9}  {time:<20}  {_path(listed, style)}\n"


def notes(lines: Sequence[str]) -> str:
    """What of the listing is not whole."""
    return "".join(f"  {brief(line, SENTENCE)}\n" for line in lines)


def _mode(listed: Listed) -> str:
    entry = listed.entry
    if listed.takes is not None:
        return listed.takes[0].value
    if entry.kind is MemberKind.HARDLINK:
        return "h" + stat.filemode(entry.mode & 0o7777)[1:]
    kind = stat.S_IFBLK if entry.typeflag == "4" else _TYPES.get(entry.kind, 0)
    return stat.filemode(kind | (entry.mode & 0o7777))


def _path(listed: Listed, style: Style) -> str:
    entry = listed.entry
    words = brief(entry.name)
    if listed.takes is not None and listed.takes[0] is not WhiteoutKind.PLUMBING:
        count = f"{listed.hides} entries" if listed.hides != 1 else "1 entry"
        return f"{words}  [takes away {count}]"
    if entry.kind is MemberKind.DEVICE:
        words += f" ({entry.devmajor},{entry.devminor})"
    if entry.linkname:
        words += f" -> {brief(entry.linkname)}"
    fate = _FATES[listed.fate].format(listed.by)
    if listed.fate is Fate.OVERWRITTEN and listed.by == listed.layer:
        fate = "overwritten further down in the same layer"
    return f"{words}  {style.paint(f'[{fate}]', 'faint')}" if fate else words
