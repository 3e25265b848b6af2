"""IMG105, IMG106, IMG112, IMG114: what members of the outer tar are called, and where their links lead."""

import re
import unicodedata
from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.readers import contradiction
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.model import AnomalyKind, Location, Member, MemberKind, clean_path
from imgforensics.unseen import unseen

_ON_A_DRIVE = re.compile(r"[A-Za-z]:|\\")


def _names(member: Member) -> Iterator[tuple[str, str]]:
    """Every name that a listing shows of a member, with what it is."""
    yield "the name", member.name
    yield "the link's target", member.linkname
    yield "the owner's name", member.uname
    yield "the group's name", member.gname


def _called(character: str) -> str:
    return unicodedata.name(character, "control" if unicodedata.category(character) == "Cc" else "without a name")


def _escapes_on_windows(name: str) -> bool:
    return _ON_A_DRIVE.match(name) is not None or ("\\" in name and clean_path(name.replace("\\", "/")) is None)


@check("IMG105", "name-escapes-root", Severity.ERROR, Effect.SUSPECT)
def name_escapes_root(case: Case) -> Iterator[Found]:
    r"""A member's name, or the target of a link, leads out of the archive's own folder.

    ## What it means
    A name is absolute or climbs out with `..`, or a link points outside.

    ## Why it matters
    A reader that writes members to disk under their names can be led to overwrite other files (CVE-2014-9356,
    CVE-2014-6407, CVE-2026-17106, CVE-2026-20613).

    ## How it is computed
    Names are taken apart at `/`, and once more as Windows does it: at `\` too, with drive letters. More `..` than
    folders leads out. This tool never writes a member to disk.

    ## When it is innocent
    Leading `/` alone is only noted: older tar programs keep it, and readers cut it off.
    """
    for member in case.catalogue.members:
        if member.path is None:
            where = Location(member.name, offset=member.header.offset, length=member.header.length)
            yield Found("the name climbs out of the archive's folder", where)
        elif member.name.startswith("/"):
            where = Location(member.name, offset=member.header.offset, length=member.header.length)
            yield Found("the name is absolute", where, severity=Severity.NOTE)
        elif _escapes_on_windows(member.name):
            where = Location(member.name, offset=member.header.offset, length=member.header.length)
            yield Found("on Windows, the name leads out of the archive's folder", where)
    for index, anomaly in case.structure.broken_links.items():
        if anomaly.kind is AnomalyKind.ESCAPING_LINK:
            yield Found(f"leads out of the archive: {anomaly.detail}", Location(case.name(index)))


@check("IMG106", "dangling-or-cyclic-link", Severity.WARNING, Effect.INCOMPLETE)
def dangling_link(case: Case) -> Iterator[Found]:
    """A symlink or hard link leads to no member, or in a circle.

    ## What it means
    The archive has a link whose target is not in it.

    ## Why it matters
    Docker saves a layer that occurs twice as a link; a link that leads nowhere is a layer that is missing.

    ## How it is computed
    Links are followed inside the archive only, up to a bound.

    ## When it is innocent
    When nothing refers to the link: then an unused part was left out.
    """
    for index, anomaly in case.structure.broken_links.items():
        if anomaly.kind is not AnomalyKind.ESCAPING_LINK:
            words = {
                AnomalyKind.CYCLIC_LINK: "leads in a circle",
                AnomalyKind.LIMIT: "was not followed: the path is longer or deeper than any reader takes",
            }
            told = words.get(anomaly.kind, "leads to no member")
            yield Found(f"{anomaly.detail} {told}", Location(case.name(index)))


@check("IMG112", "misleading-name", Severity.WARNING, Effect.SUSPECT)
def misleading_name(case: Case) -> Iterator[Found]:
    """The name of a member, of its owner or of a link's target holds characters that are not seen but change what is.

    ## What it means
    Control characters (a line feed, an escape sequence for the terminal), such that turn the direction of text, such
    that are drawn as nothing (a zero width space, a Hangul filler), or combining marks piled on one another. Or the
    first name makes the whole archive begin like a compressed stream, which is an error.

    ## Why it matters
    A listing on a terminal can be made to show other names, to hide members or to run what the terminal offers; a name
    that reads `exe.gpj` is another than the one that is there. docker, podman and skopeo choose by the first bytes, and
    see what that stream would hold, or nothing, where ctr and crane see the archive.

    ## How it is computed
    Characters of Unicode's categories Cc, Cf, Zl and Zp, those with the property Default_Ignorable_Code_Point, and
    more than six nonspacing or enclosing marks in a row. This tool shows them escaped.

    ## When it is innocent
    No writer of images produces them.
    """
    if case.catalogue.begins_like is not None:
        message = (
            f"the archive is a tar that begins like a {case.catalogue.begins_like} stream: some readers take it for one"
        )
        yield Found(f"{message}{contradiction(case)}", Location(offset=0), severity=Severity.ERROR)
    for member in case.catalogue.members:
        for words, text in _names(member):
            if text.isascii() and text.isprintable():
                continue
            found = dict.fromkeys(each for each, hidden in unseen(text) if hidden)
            if found:
                told = ", ".join(f"U+{ord(each):04X} {_called(each)}" for each in list(found)[:4])
                where = Location(member.name, offset=member.header.offset, length=member.header.length)
                yield Found(f"{words} {text} holds {told}", where)
                break


@check("IMG114", "link-before-target", Severity.WARNING, Effect.SUSPECT)
def link_before_target(case: Case) -> Iterator[Found]:
    """A hard link stands before the member that it leads to.

    ## What it means
    A hard link says that its bytes stand further up in the archive; these stand further down.

    ## Why it matters
    Readers that write to disk fail, or link to what lies there already under that name; readers that look names up in
    the whole archive find the member.

    ## How it is computed
    The positions of hard links and of the members that their targets name.

    ## When it is innocent
    Archives whose members were put into another order by hand.
    """
    for member in case.catalogue.members:
        if member.kind is MemberKind.HARDLINK:
            targets = case.catalogue.by_path.get(clean_path(member.linkname) or "", ())
            if targets and targets[0] > member.index:
                target = case.catalogue.members[targets[0]]
                where = Location(member.name, offset=member.header.offset, length=member.header.length)
                related = (Location(target.name, offset=target.header.offset, length=target.header.length),)
                yield Found(f"the hard link {member.name} stands before {target.name}, its target", where, related)


CHECKS: tuple[Check, ...] = (name_escapes_root, dangling_link, misleading_name, link_before_target)
