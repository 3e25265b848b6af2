"""What has to hold of what is taken for the reading of Go's ``archive/tar``, whatever the bytes are."""

import atexit
import io
import itertools
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from imgforensics.archive import Archive
from imgforensics.errors import ImgforensicsError
from imgforensics.gotar import EMPTY_TYPES
from imgforensics.layerentry import Entry, LayerEnd
from imgforensics.layerfacts import LayerFacts
from imgforensics.layersurvey import LayerSurvey
from imgforensics.layerwalk import LayerWalker
from imgforensics.measuring import measure
from imgforensics.model import AnomalyKind, Compression, Member, MemberKind
from imgforensics.tarheader import BLOCK
from tests.golayers import GoEntry, GoLayers

_STEPS = (97, 512, 5_000)
"""Bytes that are given at a time. Below a block's, what reads usual headers many at a time is never asked."""
_ENDINGS = (AnomalyKind.LIMIT, AnomalyKind.LONE_ZERO_BLOCK, AnomalyKind.DANGLING_EXTENSION)
"""What ends the reading here and need not end Go's."""
_FAR = 1 << 53
"""Seconds from which on times are rounded here."""


def layer(data: bytes) -> None:
    """It does not matter how a layer's bytes arrive; Go's reader reads the same entries, and stops at the same one."""
    entries, end, facts = _read(data, max(1, len(data)))
    assert len(entries) <= len(data) // BLOCK
    for step in _STEPS:
        if len(data) // step > 4_000:
            continue
        again = _read(data, step)
        assert again == (entries, end, facts), f"another reading in pieces of {step} bytes"
    go = _go()
    if go is not None and end.is_tar:
        theirs, error = go.read(data)
        _compare(entries, end, [each for each in theirs if each.typeflag != "g"], error)


def outer(data: bytes) -> None:
    """The models of programs that read an archive with Go's reader see the members that it sees, up to its error."""
    go = _go()
    assert go is not None, "IMGFORENSICS_GO has to name the go program of a toolchain"
    try:
        with Archive(io.BytesIO(data)) as archive:
            catalogue = measure(archive, 1, fast=True)
    except ImgforensicsError:
        return
    found = catalogue.go
    if catalogue.outer is not Compression.NONE or any(each.kind is MemberKind.SPARSE for each in found.members):
        return  # maps of sparse members are not judged as Go does
    theirs, error = go.read(data)
    ours = [_member(each) for each in found.members]
    wanted = [(each.name, b"" if each.typeflag in EMPTY_TYPES else each.linkname, each.typeflag) for each in theirs]
    if "was not measured" in (found.error or ""):
        assert ours == wanted[: len(ours)], f"ours {ours} {found.error}, Go's {wanted} {error}"
        return
    assert (found.error is None) == (not error), f"ours {found.error}, Go's {error}"
    rest = iter(wanted)
    assert all(each in rest for each in ours), f"ours {ours} {found.error}, Go's {wanted} {error}"
    names = {each[0] for each in ours}
    alone = [each for each in wanted if each not in ours and each[2] not in EMPTY_TYPES]
    assert not any(each[0] in names for each in alone), f"Go alone sees {alone}"


def _member(member: Member) -> tuple[bytes, bytes, str]:
    flag = member.typeflag if member.typeflag != "\0" else "5" if member.kind is MemberKind.DIRECTORY else "0"
    return member.name.encode("utf-8", "surrogateescape"), member.linkname.encode("utf-8", "surrogateescape"), flag


def _read(data: bytes, step: int) -> tuple[list[Entry], LayerEnd, LayerFacts]:
    walker, survey, entries = LayerWalker(), LayerSurvey(), []
    for at in range(0, len(data), step):
        some = walker.feed(data[at : at + step])
        survey.add(some)
        entries += some
    end = walker.finish()
    return entries, end, survey.finish(end)


@cache
def _go() -> GoLayers | None:
    program = os.environ.get("IMGFORENSICS_GO")
    if not program:
        return None
    folder = TemporaryDirectory(prefix="imgforensics-fuzz-")
    atexit.register(folder.cleanup)
    running = GoLayers(program, Path(folder.name))
    atexit.register(running.close)
    return running


def _compare(ours: list[Entry], end: LayerEnd, theirs: list[GoEntry], error: str) -> None:
    """Up to the first entry whose headers are odd, which is told, Go's reader sees the same; and the same end."""
    plain = list(itertools.takewhile(lambda entry: not entry.notes, ours))
    for one, other in zip(plain, theirs, strict=False):
        assert _shown(one, other) == _told(other), f"ours {one}, Go's {other}"
    if len(plain) < len(ours):
        return
    if end.damage is None:
        assert not error, f"Go fails: {error}"
        assert len(ours) == len(theirs), f"{len(ours)} entries, Go sees {len(theirs)}"
    elif end.damage.kind not in _ENDINGS:
        assert error, f"Go does not fail; {end.damage}"
        assert len(ours) == len(theirs), f"{len(ours)} entries, Go sees {len(theirs)}: {error}; {end.damage}"


def _shown(entry: Entry, other: GoEntry) -> tuple[object, ...]:
    plain = entry.typeflag if entry.typeflag != "\0" else "5" if entry.kind is MemberKind.DIRECTORY else "0"
    texts = (entry.name, entry.linkname, entry.uname, entry.gname)
    return (
        plain,
        entry.size if entry.kind is MemberKind.FILE else other.size,
        (entry.mode, entry.uid, entry.gid, entry.devmajor, entry.devminor),
        int(entry.mtime // 1) if abs(entry.mtime) < _FAR else other.seconds,
        tuple(text.encode("utf-8", "surrogateescape") for text in texts),
    )


def _told(other: GoEntry) -> tuple[object, ...]:
    return (
        other.typeflag,
        other.size,
        (other.mode, other.uid, other.gid, other.devmajor, other.devminor),
        other.seconds,
        (other.name, other.linkname, other.uname, other.gname),
    )
