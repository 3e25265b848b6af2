"""IMG501 to IMG510: what stands in a layer, entry by entry."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.layerfacts import LayerFacts, Odd
from imgforensics.layerstack import Clash
from imgforensics.model import Compression, Location

_LISTED = 3
"""Entries that one message names."""


def surveyed(case: Case, *, stored: bool = False) -> Iterator[tuple[int, LayerFacts]]:
    """Members that are layers of images, and what is in them.

    The same bytes come once: uncompressed, or as stored if that is asked for.
    """
    seen = set()
    for member, facts in case.catalogue.layers.items():
        blob = case.catalogue.blobs[member]
        digest = blob.digest if stored else blob.diff_id or blob.digest
        if digest not in seen and any(user.layer is not None for user in case.users(member)):
            seen.add(digest)
            yield member, facts


def place(case: Case, member: int, offset: int | None = None) -> tuple[Location, tuple[Location, ...], str]:
    """Where a layer is first used, where else, and what to call it."""
    first, *others = case.users(member)
    plain = case.catalogue.blobs[member].compression is Compression.NONE
    where = Location(first.member, offset=offset if plain else None, image=first.image, layer=first.layer)
    return where, tuple(others), f"layer {first.layer}"


def odd_entries(case: Case, kinds: Mapping[Odd, tuple[str, Severity | None]]) -> Iterator[Found]:
    """One finding for each layer and kind."""
    if not any(facts.odd_counts for facts in case.catalogue.layers.values()):
        return
    for member, facts in surveyed(case):
        for kind, (words, severity) in kinds.items():
            count = facts.odd_counts.get(kind, 0)
            if not count:
                continue
            entries = [entry for entry in facts.odd if entry.kind is kind]
            where, others, layer = place(case, member, entries[0].offset)
            shown = "; ".join(f"{entry.name!r}: {entry.detail}" for entry in entries[:_LISTED])
            more = f"; and {count - _LISTED} more" if count > _LISTED else ""
            yield Found(f"{layer}: {words}: {shown}{more}", where, others, severity=severity)


def clashing(case: Case, kinds: Mapping[Clash, tuple[str, Severity | None]]) -> Iterator[Found]:
    """One finding for each layer and kind, of what is odd on the layers below."""
    found: dict[tuple[int, Clash], list[str]] = defaultdict(list)
    for each in case.stacked.clashes:
        if each.kind in kinds:
            found[each.member, each.kind].append(each.detail)
    for (member, kind), details in found.items():
        words, severity = kinds[kind]
        where, others, layer = place(case, member)
        count = case.stacked.counts[member, kind]
        more = f"; and {count - _LISTED} more" if count > _LISTED else ""
        yield Found(f"{layer}: {words}: {'; '.join(details[:_LISTED])}{more}", where, others, severity=severity)


@check("IMG501", "duplicate-path", Severity.WARNING, Effect.SUSPECT)
def duplicate_path(case: Case) -> Iterator[Found]:
    """A layer holds a path more than once.

    ## What it means
    Two entries of one layer's tar have the same path, or paths that symlinks of the layer lead to one place. Where they
    differ in kind, size, mode, owner or target this is an error, and so it is where the bytes of two files of one size
    do.

    ## Why it matters
    image-spec forbids it, and readers make different things of it: containerd and podman end with the last, a scanner
    that reads the tar may show the first, docker's classic image store and `crane validate` refuse the layer. Behind a
    symlink nobody refuses it: `s/app`, where `s` leads to `bin`, is what runs as `bin/app`, and scanners list both.

    ## How it is computed
    Names are cleaned as runtimes clean them (`./a`, `/a` and `a` are one). Folders that are listed again are silent, as
    older builders list them so; with another mode or owner, of which every reader takes the last, they are noted. A
    layer with files of one size under one name is read a second time, and their bytes are hashed; so is a layer with
    entries below symlinks of its own, which are followed as runtimes follow them, inside the root.

    ## When it is innocent
    A tar that was appended to.
    """
    yield from odd_entries(
        case,
        {
            Odd.TWICE_OTHERWISE: ("a path stands more than once, for different things", Severity.ERROR),
            Odd.TWICE: ("a path stands more than once", None),
            Odd.TWICE_LINKED_OTHERWISE: ("an entry overwrites another through a symlink", Severity.ERROR),
            Odd.TWICE_LINKED: ("an entry overwrites another like it through a symlink", None),
            Odd.FOLDER_OTHERWISE: ("a folder stands more than once, with other rights", Severity.NOTE),
        },
    )


@check("IMG502", "layer-path-escapes", Severity.ERROR, Effect.SUSPECT)
def layer_path_escapes(case: Case) -> Iterator[Found]:
    """An entry's name, or a hard link's target, leads out of the layer's root.

    ## What it means
    There are more `..` in it than folders.

    ## Why it matters
    A program that unpacks it without care writes, or links, outside of the image (CVE-2021-29136, CVE-2026-17106,
    CVE-2014-9356).

    ## How it is computed
    Names are taken apart at `/`. Targets of symlinks may lead anywhere: they are resolved inside the container.

    ## When it is innocent
    Absolute names are only noted: every reader cuts the leading `/` off.
    """
    yield from odd_entries(
        case,
        {
            Odd.ESCAPES: ("a name leads out of the root", None),
            Odd.LINK_ESCAPES: ("a hard link leads out of the root", None),
            Odd.ABSOLUTE: ("absolute names", Severity.NOTE),
        },
    )


@check("IMG503", "entry-below-symlink", Severity.WARNING, Effect.SUSPECT)
def entry_below_symlink(case: Case) -> Iterator[Found]:
    """An entry's path goes through a symlink of the same or a lower layer.

    ## What it means
    The layer has `a/b`, and `a` is a symlink.

    ## Why it matters
    Runtimes resolve the link inside the root and write to its target, scanners list the file where its name says. And a
    program that unpacks without care is led out of the root by it (CVE-2021-29136, CVE-2026-17106).

    ## How it is computed
    The folders of every entry are compared with the symlinks before it, in its own layer and in those below it. A link
    that leads out of the root by `..`, or an absolute one in the same layer, is a warning, also where it is reached by
    another link; all others are noted. A hard link to a symlink is one. A symlink in place of the root is a warning.

    ## When it is innocent
    Builders that put files into `bin/` of an image where `bin` is a link to `usr/bin`.
    """
    words = "entries stand below a symlink"
    yield from odd_entries(
        case,
        {
            Odd.BELOW_LEADING_OUT: ("an entry stands below a symlink that is absolute or leads out of the root", None),
            Odd.ROOT_REPLACED: ("an entry that is no folder takes the place of the root", None),
            Odd.BELOW_SYMLINK: ("an entry stands below a symlink", Severity.NOTE),
        },
    )
    yield from clashing(
        case,
        {
            Clash.BELOW_LEADING_OUT: (f"{words} that leads out of the root", None),
            Clash.BELOW_SYMLINK: (words, Severity.NOTE),
        },
    )


@check("IMG504", "broken-hard-link", Severity.WARNING, Effect.SUSPECT)
def broken_hard_link(case: Case) -> Iterator[Found]:
    """A hard link leads to a file that is not there when it is made.

    ## What it means
    Neither the layer before the link, nor any layer below, holds its target; or that is the link itself, or a folder.

    ## Why it matters
    Runtimes refuse the layer, or link to what the host or another layer has there.

    ## How it is computed
    Targets are looked for in the same layer, then in the lower ones as far down as a whiteout takes them away, links in
    their folders followed. Nothing is said where a lower layer is not in the archive, or is damaged. A target that only
    a lower layer holds is noted: layers that are unpacked on a copy of those below find it, those on overlayfs do not.

    ## When it is innocent
    Never; but the layer's writer may only have sorted its entries.
    """
    yield from odd_entries(case, {Odd.LINK_USELESS: ("a hard link that cannot be made", None)})
    yield from clashing(
        case,
        {
            Clash.NO_TARGET: ("a hard link to what no layer holds", None),
            Clash.TARGET_LATER: ("a hard link to what only follows later in the layer", None),
            Clash.TARGET_BELOW: ("a hard link to what only a lower layer holds", Severity.NOTE),
        },
    )


@check("IMG505", "device-node", Severity.WARNING, Effect.SUSPECT)
def device_node(case: Case) -> Iterator[Found]:
    """A layer holds a device.

    ## What it means
    Whoever unpacks it with the right to do so gets a way to a disk, to memory or to other hardware; a character device
    of number 0:0 is what overlayfs takes for a deleted file.

    ## Why it matters
    Runtimes keep containers from devices by cgroups, not by the file system; a privileged container opens them.

    ## How it is computed
    By the types of entries.

    ## When it is innocent
    `dev/null` and the others that every container has, with their usual numbers, are noted, also below another folder,
    and so are fifos.
    """
    yield from odd_entries(
        case,
        {
            Odd.DEVICE: ("a device", None),
            Odd.USUAL_DEVICE: ("devices that every container has", Severity.NOTE),
            Odd.FIFO: ("a fifo", Severity.NOTE),
        },
    )


@check("IMG506", "odd-whiteout", Severity.WARNING, Effect.SUSPECT)
def odd_whiteout(case: Case) -> Iterator[Found]:
    """A whiteout removes what it should not, or nothing.

    ## What it means
    `.wh.` in front of a name removes that name from the layers below. Here the name is empty, `.` or `..`, which is an
    error; or the same layer holds it, or something in it, or its folder is a symlink, or it has data, or is a link to a
    file that has, or comes twice.

    ## Why it matters
    A runtime that takes the name as it stands removes the folder itself, or the one above. And of a file and its
    whiteout in one layer, image-spec keeps the file; programs that apply the entries in order remove it, if it comes
    first; on overlayfs, where a whiteout takes the place of a file, they fail. Below a symlink, runtimes remove what
    its target holds, scanners nothing. Data of a whiteout travel with the image and are unpacked nowhere.

    ## How it is computed
    By names. A whiteout before its file, and of what no lower layer holds, is noted.

    ## When it is innocent
    Layers that were squashed or rebased keep whiteouts of what was below once.
    """
    yield from odd_entries(
        case,
        {
            Odd.BAD_WHITEOUT: ("a whiteout of a folder by itself", Severity.ERROR),
            Odd.WHITEOUT_AFTER: ("a whiteout of what the same layer holds", None),
            Odd.WHITEOUT_BELOW: ("a whiteout below a symlink of the same layer", None),
            Odd.WHITEOUT_AGAIN: ("a whiteout that repeats, at which runtimes fail on overlayfs", None),
            Odd.BELOW_REMOVED: ("an entry in a folder that the same layer removes, and does not make again", None),
            Odd.WHITEOUT_BELOW_REMOVED: ("a whiteout in a folder that the same layer removes", None),
            Odd.WHITEOUT_DATA: ("data in what runtimes take for a whiteout, and unpack nowhere", None),
            Odd.WHITEOUT_BEFORE: ("a whiteout of what the same layer holds", Severity.NOTE),
        },
    )
    yield from clashing(
        case,
        {
            Clash.WHITEOUT_BELOW: ("a whiteout below a symlink of a lower layer", None),
            Clash.NEVER_THERE: ("a whiteout of what no lower layer holds", Severity.NOTE),
        },
    )


@check("IMG507", "repeated-opaque-whiteout", Severity.WARNING, Effect.SUSPECT)
def repeated_opaque_whiteout(case: Case) -> Iterator[Found]:
    """A folder is marked opaque more than once in one layer.

    ## What it means
    `.wh..wh..opq` hides all that lower layers have in its folder. Once is enough.

    ## Why it matters
    containerd walks through the folder at each of them: thousands keep a node busy for hours (CVE-2026-95838).

    ## How it is computed
    Markers are counted for each folder and layer.

    ## When it is innocent
    A tar that was appended to.
    """
    yield from odd_entries(case, {Odd.OPAQUE_AGAIN: ("opaque markers that repeat", None)})


@check("IMG508", "overlay-attribute", Severity.WARNING, Effect.SUSPECT)
def overlay_attribute(case: Case) -> Iterator[Found]:
    """An entry has an extended attribute that overlayfs uses for itself.

    ## What it means
    `trusted.overlay.*` or `user.overlay.*`: opaque folders, redirects, whiteouts.

    ## Why it matters
    A runtime that unpacks the layer into an overlay's folder and keeps the attribute lets the layer say what is seen of
    other layers, beyond what a scanner of tars knows. umoci and containers/storage strip them.

    ## How it is computed
    By the names in PAX records `SCHILY.xattr.` and `LIBARCHIVE.xattr.`. Other `trusted.*` attributes are noted.

    ## When it is innocent
    A layer that was packed with tar from an overlay's own folder.
    """
    yield from odd_entries(
        case,
        {
            Odd.OVERLAY_XATTR: ("an attribute of overlayfs", None),
            Odd.TRUSTED_XATTR: ("a trusted attribute", Severity.NOTE),
        },
    )


@check("IMG509", "writable-privileged-file", Severity.WARNING, Effect.SUSPECT)
def writable_privileged_file(case: Case) -> Iterator[Found]:
    """A file that gives its users more rights may be written by everyone.

    ## What it means
    It has the setuid or setgid bit, or capabilities, and mode `o+w`.

    ## Why it matters
    Whoever writes into it runs as its owner; many systems drop the bits at that moment, not all.

    ## How it is computed
    By modes and the attribute `security.capability`. Setuid files as such are ordinary (`su`, `ping`): `inspect` counts
    and names them.

    ## When it is innocent
    Files from file systems without modes, where everything has mode 777.
    """
    yield from odd_entries(case, {Odd.WRITABLE_PRIVILEGED: ("a privileged file that everyone may write", None)})


@check("IMG510", "oversized-account-file", Severity.WARNING, Effect.SUSPECT)
def oversized_account_file(case: Case) -> Iterator[Found]:
    """`etc/passwd` or `etc/group` is far larger than a list of users.

    ## What it means
    More than one mebibyte.

    ## Why it matters
    Runtimes read these files on the host, whole, to look up a container's user (CVE-2026-47262: containerd runs out of
    memory).

    ## How it is computed
    By the size in the header.

    ## When it is innocent
    A directory service of tens of thousands of users, written out.
    """
    yield from odd_entries(case, {Odd.ACCOUNTS: ("a file of accounts that is too large to be one", None)})


CHECKS: tuple[Check, ...] = (
    duplicate_path,
    layer_path_escapes,
    entry_below_symlink,
    broken_hard_link,
    device_node,
    odd_whiteout,
    repeated_opaque_whiteout,
    overlay_attribute,
    writable_privileged_file,
    oversized_account_file,
)
