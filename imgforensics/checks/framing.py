"""IMG1xx: the outer tar and the compression around it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from imgforensics.case import DAMAGE, HIDDEN, READERS_DIFFER, Case
from imgforensics.checks.readers import contradiction
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.gotar import EMPTY_TYPES
from imgforensics.images import ENTRY_POINTS
from imgforensics.linux import ATTRIBUTES, may_be_refused
from imgforensics.model import Anomaly, AnomalyKind, Location, Member, MemberKind, clean_path
from imgforensics.names import name_claim

_RELATED = 100

_ODD_HEADERS = frozenset(
    {
        AnomalyKind.BAD_NUMBER,
        AnomalyKind.BAD_SIZE,
        AnomalyKind.UNKNOWN_TYPE,
        AnomalyKind.SPECIAL_TYPE,
        AnomalyKind.DATA_ON_LINK,
        AnomalyKind.DIRECTORY_WITH_DATA,
        AnomalyKind.PAX_MALFORMED,
        AnomalyKind.PAX_DUPLICATE_KEY,
        AnomalyKind.PAX_OVERRIDES,
        AnomalyKind.DANGLING_EXTENSION,
        AnomalyKind.STACKED_EXTENSION,
        AnomalyKind.STRAY_PREFIX,
        AnomalyKind.ODD_CHECKSUM,
        AnomalyKind.NAME_HAS_NUL,
    }
)
_HARMLESS_HEADERS = frozenset(
    {
        AnomalyKind.PAX_GLOBAL,
        AnomalyKind.PAX_CHARSET,
        AnomalyKind.SIGNED_CHECKSUM,
        AnomalyKind.NAME_NOT_UTF8,
        AnomalyKind.ODD_LENGTH,
        AnomalyKind.SPARSE,
    }
)


def _means_something(path: str) -> bool:
    """Whether readers of images look for a member of this name, or take it for a digest."""
    return path.rpartition("/")[2] in ENTRY_POINTS or name_claim(path) is not None


def _members(anomalies: Iterable[Anomaly]) -> Iterator[int]:
    return (anomaly.member for anomaly in anomalies if anomaly.member is not None)


def _place(case: Case, anomaly: Anomaly) -> Location:
    name = None if anomaly.member is None else case.name(anomaly.member)
    span = anomaly.span
    return Location(member=name, offset=span.offset if span else None, length=span.length if span else None)


def _digest(anomaly: Anomaly) -> str | None:
    return None if anomaly.digest is None else str(anomaly.digest)


def _hidden(case: Case) -> tuple[Location, ...]:
    """Members that were found behind a marker or by searching, and that no document refers to."""
    found = (case.catalogue.members[index] for index in case.structure.orphans if index in case.oddly_framed)
    places = (Location(each.name, offset=each.data.offset, length=each.data.length) for each in found if each.recovered)
    return tuple(islice(places, _RELATED))


def _of(case: Case, *kinds: AnomalyKind) -> Iterator[Anomaly]:
    return (anomaly for anomaly in case.catalogue.anomalies if anomaly.kind in kinds)


@check("IMG101", "truncated-archive", Severity.ERROR, Effect.INCOMPLETE)
def truncated_archive(case: Case) -> Iterator[Found]:
    """The file ends before the tar does: inside a header, or inside a member's data.

    ## What it means
    The last member is cut off, and whatever came after it is missing.

    ## Why it matters
    `docker save` writes `manifest.json` last, so that a cut archive often names no image at all. GNU tar and Python
    list a file that is cut inside a header without a word.

    ## How it is computed
    Each header claims a size; the bytes up to that size are compared with the length of the file. What is there of the
    cut member is not held against its name.

    ## When it is innocent
    Never: copy the archive again, and compare the SHA-256 with the sender's.
    """
    for anomaly in _of(case, AnomalyKind.TRUNCATED_HEADER, AnomalyKind.TRUNCATED_DATA):
        yield Found(f"the archive is cut off: {anomaly.detail}", _place(case, anomaly))


@check("IMG102", "bad-header-checksum", Severity.ERROR, Effect.SUSPECT)
def bad_header_checksum(case: Case) -> Iterator[Found]:
    """A tar header's checksum does not fit the header.

    ## What it means
    At least one byte of the header was changed after it was written.

    ## Why it matters
    Readers disagree about what comes next: Python's `tarfile` ends the archive silently, GNU tar skips ahead, busybox
    and Go stop with an error. What stands behind the header is seen by some and not by others.

    ## How it is computed
    The sum of the header's bytes, with the checksum field taken as spaces, signed and unsigned (POSIX.1, pax). The walk
    goes on at the next sound header, and what it finds is reported.

    ## When it is innocent
    Damage in transfer or storage; then other findings usually stand beside it.
    """
    for anomaly in _of(case, AnomalyKind.BAD_CHECKSUM):
        yield Found(f"tar header with a wrong checksum: {anomaly.detail}", _place(case, anomaly))
    related = _hidden(case)
    for anomaly in _of(case, AnomalyKind.RESYNCHRONISED):
        message = f"no sound tar header here; the walk went on further down: {anomaly.detail}"
        yield Found(message, _place(case, anomaly), related)
        related = ()


@check("IMG103", "trailing-data", Severity.WARNING, Effect.SUSPECT)
def trailing_data(case: Case) -> Iterator[Found]:
    """Bytes other than zeros follow the end of the archive.

    ## What it means
    The file holds more than the archive: after the tar's end marker, after the compressed stream around it, or in a
    zstd frame of that stream that decoders pass over.

    ## Why it matters
    No image tool reads these bytes, and none mentions them. They travel with the archive all the same.

    ## How it is computed
    The file is read to its end, whatever the end marker says. Zeros are padding and stay silent. The SHA-256 that is
    given is of the bytes from the first that is not zero on.

    ## When it is innocent
    Some media and some tape programs leave remains of older data behind a shorter file.
    """
    for anomaly in _of(case, AnomalyKind.TRAILING_DATA):
        message = f"data after the end of the archive: {anomaly.detail}"
        yield Found(message, _place(case, anomaly), computed=_digest(anomaly))
    for anomaly in case.catalogue.outer_anomalies:
        if anomaly.kind in HIDDEN:
            beside = "after" if anomaly.kind is AnomalyKind.TRAILING_BYTES else "in"
            message = f"data {beside} the {case.catalogue.outer} stream around the archive: {anomaly.detail}"
            yield Found(message, _place(case, anomaly), computed=_digest(anomaly))


@check("IMG104", "duplicate-member", Severity.ERROR, Effect.SUSPECT)
def duplicate_member(case: Case) -> Iterator[Found]:
    """Two members have the same name.

    ## What it means
    The archive holds a name more than once. With different bytes under it this is an error; with the same bytes it is a
    warning, and folders that are listed twice are only noted.

    ## Why it matters
    crane and skopeo's docker-archive reader take the first, Docker, containerd and Python the last. A scanner and a
    runtime can so be shown two images by one file.

    ## How it is computed
    Names are cleaned as readers clean them (`./a`, `/a` and `a/../a` are `a`) and compared; the bytes by SHA-256. Where
    readers take different images for it, the message says which.

    ## When it is innocent
    Archives that were appended to (`tar -r`) keep the older member before the newer one.
    """
    for path, indexes in case.catalogue.by_path.items():
        if len(indexes) < 2 or not path:
            continue
        kinds = {case.catalogue.members[index].kind for index in indexes}
        folders = all(kind == "directory" for kind in kinds)
        blobs = [case.catalogue.blobs.get(index) for index in indexes]
        digests = {str(blob.digest) if blob else "" for blob in blobs}
        same = len(kinds) == 1 and len(digests) == 1
        severity = Severity.NOTE if folders else Severity.WARNING if same else Severity.ERROR
        words = "as a folder" if folders else "with the same bytes" if same else "with different bytes"
        first, *others = (case.catalogue.members[index] for index in indexes)
        used = any(index in case.structure.entry_points or index in case.references_to for index in indexes)
        yield Found(
            f"{path} stands {len(indexes)} times in the archive, {words}{contradiction(case) if used else ''}",
            Location(first.name, offset=first.header.offset, length=first.header.length),
            tuple(Location(other.name, offset=other.header.offset, length=other.header.length) for other in others),
            severity=severity,
        )


@check("IMG107", "missing-end-marker", Severity.ERROR, Effect.INCOMPLETE)
def missing_end_marker(case: Case) -> Iterator[Found]:
    """The tar has no end-of-archive marker.

    ## What it means
    The file ends right after a member; the two zero blocks that end every tar are not there, or only one of them.

    ## Why it matters
    The archive may have been cut exactly between two members; nothing can tell how many are missing. All usual readers
    accept such a file in silence.

    ## How it is computed
    POSIX.1 (pax, "ustar Interchange Format") demands two blocks of 512 zero bytes.

    ## When it is innocent
    Hand-made writers sometimes forget the marker.
    """
    if any(_of(case, AnomalyKind.TRUNCATED_HEADER, AnomalyKind.TRUNCATED_DATA)):
        return  # cut off earlier: that is the cause
    for anomaly in _of(case, AnomalyKind.MISSING_END):
        yield Found(f"no end-of-archive marker: {anomaly.detail}", _place(case, anomaly))


@check("IMG108", "member-after-end", Severity.ERROR, Effect.SUSPECT)
def member_after_end(case: Case) -> Iterator[Found]:
    """Members stand behind an end-of-archive marker, or behind a lone zero block.

    ## What it means
    The tar ends, and goes on.

    ## Why it matters
    GNU tar, Python and Go stop at the marker, busybox goes on after one zero block. Such members are hidden from some
    readers and seen by others.

    ## How it is computed
    The walk goes on to the end of the file, past every marker; members found there are measured like all others. Those
    that no document refers to are related places.

    ## When it is innocent
    Two archives that were concatenated (`cat a.tar b.tar`) look like this.
    """
    related = () if any(_of(case, AnomalyKind.RESYNCHRONISED)) else _hidden(case)
    for anomaly in _of(case, AnomalyKind.MEMBER_AFTER_END, AnomalyKind.LONE_ZERO_BLOCK):
        yield Found(f"members behind an end-of-archive marker: {anomaly.detail}", _place(case, anomaly), related)
        related = ()


@check("IMG109", "odd-tar-header", Severity.WARNING, Effect.SUSPECT)
def odd_tar_header(case: Case) -> Iterator[Found]:
    """A tar header says something that readers understand differently, or that no image writer writes.

    ## What it means
    PAX records that overrule the plain header or are malformed, negative or unreadable numbers, sizes on links and
    folders, a name's prefix in a format that has none, sparse files, devices, unknown types, symlinks to nothing,
    extended attributes.

    ## Why it matters
    Tar readers disagree about each of these, which moves the border between one member and the next (CVE-2025-62518,
    CVE-2025-13462, CVE-2026-53655): what one reader takes for data, another takes for members. And at an attribute or a
    link that Linux refuses, docker and skopeo's oci-archive reader end, while podman goes on with the other document.

    ## How it is computed
    Plain and extended values are both kept and compared. Those known to split readers are errors.

    ## When it is innocent
    Global PAX headers (`git archive` writes one), names that are not UTF-8 or said to be of another character set,
    checksums of signed bytes, headers as before 1988, sparse files (`tar -S`) that could be put together, and
    attributes that every system sets or passes over (`tar --xattrs`, macOS) are only noted. Go before 1.8 gave long
    names a prefix in headers that have none.
    """
    seen: dict[AnomalyKind, list[Anomaly]] = defaultdict(list)
    for anomaly in case.catalogue.anomalies:
        if anomaly.kind is AnomalyKind.SPARSE and any(map(case.catalogue.unexpanded, _members([anomaly]))):
            continue  # IMG907 says more of it
        seen[anomaly.kind].append(anomaly)
    for kind, anomalies in seen.items():
        if kind in _ODD_HEADERS | _HARMLESS_HEADERS:
            first, *others = anomalies
            severity = Severity.ERROR if kind in READERS_DIFFER else None
            more = f" (and {len(others)} more)" if others else ""
            yield Found(
                f"{kind}: {first.detail}{more}",
                _place(case, first),
                tuple(_place(case, other) for other in others[:_RELATED]),
                severity=Severity.NOTE if kind in _HARMLESS_HEADERS else severity,
            )
    for member in case.catalogue.members:
        plain = clean_path(member.ustar_name)
        if plain and plain != member.path and not member.name.isascii() and _means_something(plain):
            message = f"pax-overrides: the header says {member.ustar_name!r}, an extension {member.name!r}"
            where = Location(member.name, offset=member.header.offset, length=member.header.length)
            yield Found(message, where, severity=Severity.ERROR)
    telling = [each for each in case.catalogue.go.members if each.typeflag in EMPTY_TYPES and _is_asked_for(case, each)]
    if telling:
        message = (
            f"pax-overrides: an extension header of type {telling[0].typeflag!r} is a member {telling[0].name!r} to Go"
        )
        yield _of_members(message, [case.catalogue.members[each.index] for each in telling], Severity.ERROR)
    devices = [each for each in case.catalogue.members if each.kind in (MemberKind.DEVICE, MemberKind.FIFO)]
    if devices:
        yield _of_members(f"special-type: a {devices[0].kind}", devices, None)
    yield from _refused(case)
    ancient = [each for each in case.catalogue.members if each.format == "v7" and not each.damaged]
    if ancient:
        words = "v7-header: a header without the magic of any later format, which busybox refuses"
        yield _of_members(words, ancient, Severity.NOTE)


def _refused(case: Case) -> Iterator[Found]:
    """Members that some or all systems refuse to make, or that have attributes, which image builders do not write."""
    empty = [each for each in case.catalogue.members if each.kind is MemberKind.SYMLINK and not each.linkname]
    if empty:
        yield _of_members("unmakeable: a symlink to nothing, which ends the unpacking of the archive", empty, None)
    with_attributes = [
        (each, records)
        for each in case.catalogue.members
        if each.pax and (records := [pair for pair in each.pax if pair[0].startswith(ATTRIBUTES)])
    ]
    risky = [each for each, records in with_attributes if may_be_refused(records, each.kind)]
    if risky:
        words = "extended-attributes: one that systems may refuse, which ends the unpacking of the archive"
        yield _of_members(words, risky, None)
    if len(risky) < len(with_attributes):
        members = [each for each, records in with_attributes if not may_be_refused(records, each.kind)]
        yield _of_members("extended-attributes: no image builder writes them", members, Severity.NOTE)


def _is_asked_for(case: Case, member: Member) -> bool:
    path = clean_path(member.name)
    return bool(path) and (path in case.catalogue.by_path or _means_something(path or ""))


def _of_members(message: str, members: list[Member], severity: Severity | None) -> Found:
    """One finding of several members."""
    chosen = members[: _RELATED + 1]
    places = [Location(each.name, offset=each.header.offset, length=each.header.length) for each in chosen]
    more = f" (and {len(members) - 1} more)" if len(members) > 1 else ""
    return Found(message + more, places[0], tuple(places[1:]), severity=severity)


@check("IMG110", "damaged-outer-compression", Severity.ERROR, Effect.INCOMPLETE)
def damaged_outer_compression(case: Case) -> Iterator[Found]:
    """The compressed stream around the archive is damaged or cut off.

    ## What it means
    gzip, bzip2, xz or zstd around the tar did not decompress to its end, or its own checksum does not fit.

    ## Why it matters
    `tar` readers often stop at the tar's end and never see that the checksum is wrong.

    ## How it is computed
    The stream is read to the end of the file and its CRC and length are compared.

    ## When it is innocent
    Never: copy the archive again.
    """
    for anomaly in case.catalogue.outer_anomalies:
        if anomaly.kind in DAMAGE:
            message = f"the {case.catalogue.outer} stream around the archive is damaged: {anomaly.detail}"
            yield Found(message, _place(case, anomaly))


@check("IMG113", "data-in-padding", Severity.WARNING, Effect.SUSPECT)
def data_in_padding(case: Case) -> Iterator[Found]:
    """Bytes other than zeros stand in the tar where nothing belongs.

    ## What it means
    Something is written into the padding that fills a member's last block, or into a header: behind the end of a name,
    in fields that the format does not have, or as the target of a link on a member that is none.

    ## Why it matters
    No reader looks there, no listing shows it, and no digest covers it but that of the whole file: a way to carry bytes
    along, or the traces of a program that wrote out memory which it had not cleared.

    ## How it is computed
    Every header and every padding is looked at (POSIX.1, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar
    Format"). Of many places the first twenty are listed.

    ## When it is innocent
    Tars of the 1980s and 1990s. No tool that writes image archives leaves anything there.
    """
    found = list(_of(case, AnomalyKind.DATA_IN_PADDING))
    if found:
        first, *others = found
        more = f" (and {len(others)} more)" if others else ""
        places = tuple(_place(case, other) for other in others if other.span is not None)
        yield Found(f"data where a tar has none: {first.detail}{more}", _place(case, first), places)


CHECKS: tuple[Check, ...] = (
    truncated_archive,
    bad_header_checksum,
    trailing_data,
    duplicate_member,
    missing_end_marker,
    member_after_end,
    odd_tar_header,
    damaged_outer_compression,
    data_in_padding,
)
