"""Pieces of an archive written to files: chosen members, and what lies behind its end, byte for byte as stored.

No file is ever called by anything that an archive says: a name is made of a number and of the SHA-256 of the bytes. The
folder is new or empty, private to its owner, and no link; each file is created, never opened; what was written is read
back and hashed; and when anything fails, what was created is removed again.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from imgforensics.archive import Archive
from imgforensics.case import Case
from imgforensics.errors import InputError, LimitError, SelectionError
from imgforensics.limits import MIB
from imgforensics.model import AnomalyKind, Digest, MemberKind, Span
from imgforensics.streams import is_regular, open_evidence, read_exactly

MANIFEST = "carved.json"
"""Name of the file that says what each of the others is."""

_SHOWN = 120
"""Characters of a name in a message."""

_ENDS = (AnomalyKind.MEMBER_AFTER_END, AnomalyKind.LONE_ZERO_BLOCK)
_NO_BYTES = (MemberKind.SYMLINK, MemberKind.HARDLINK)
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_OTHERS = 0o077
_CAN_BE_RELATIVE = os.open in os.supports_dir_fd and os.unlink in os.supports_dir_fd


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to carve."""

    span: Span
    """Its bytes: of the tar, or of the file as it lies on disk where :attr:`outside` is set."""
    why: str
    """Why it was chosen."""
    member: int | None = None
    """Index of the member; None for what belongs to none."""
    outside: bool = False
    """It lies behind the compressed stream around the tar."""
    cut_off: bool = False
    """The archive ends before the member does."""
    digest: Digest | None = None
    """SHA-256 of its bytes as they were measured, where they were as they are stored."""


@dataclass(frozen=True, slots=True)
class Carved:
    """A piece that was written."""

    piece: Piece
    file: str
    """Its name in the folder."""
    digest: Digest
    """SHA-256 of its bytes, as read from the archive and as read back from the file."""


def members(case: Case, indexes: Iterable[int]) -> list[Piece]:
    """The members that were asked for by name.

    Raises:
        SelectionError: one of them is a link, which holds no bytes.
    """
    pieces = []
    for index in indexes:
        member = case.catalogue.members[index]
        if member.kind in _NO_BYTES and not member.data.length:
            raise SelectionError(f"@{index} {member.name[:_SHOWN]}: a {member.kind}, which holds no bytes")
        pieces.append(_member(case, index, "asked for"))
    return pieces


def orphans(case: Case) -> list[Piece]:
    """The members that nothing refers to, and those that only these refer to.

    Raises:
        SelectionError: there are none.
    """
    pieces = []
    for index in case.structure.orphans:
        pieces.append(_member(case, index, "nothing refers to it"))
        parts = case.structure.orphan_parts.get(index, ())
        pieces += [_member(case, part, f"only @{index} refers to it, to which nothing does") for part in parts]
    if not pieces:
        raise SelectionError("no member is an orphan: everything in the archive is referred to")
    return pieces


def trailing(case: Case) -> list[Piece]:
    """What lies behind the end of the archive, and behind or in the compressed stream around it.

    Members that stand behind an end marker are among it: most readers see none of them.

    Raises:
        SelectionError: nothing does.
    """
    catalogue = case.catalogue
    places = (
        (catalogue.anomalies, AnomalyKind.TRAILING_DATA, False),
        (catalogue.outer_anomalies, AnomalyKind.TRAILING_BYTES, True),
        (catalogue.outer_anomalies, AnomalyKind.SKIPPABLE_FRAME, True),
    )
    pieces = [
        Piece(anomaly.span, anomaly.detail, outside=outside, digest=anomaly.digest)
        for anomalies, kind, outside in places
        for anomaly in anomalies
        if anomaly.kind is kind and anomaly.span is not None
    ]
    ends = [each.span.offset for each in catalogue.anomalies if each.kind in _ENDS and each.span is not None]
    behind = [each for each in catalogue.members if ends and each.header.offset >= min(ends)]
    pieces += [_member(case, each.index, "it stands behind an end marker") for each in behind if each.data.length]
    if not pieces:
        raise SelectionError("nothing but zeros lies behind the end of the archive")
    return pieces


def _member(case: Case, index: int, why: str) -> Piece:
    member = case.catalogue.members[index]
    blob = case.catalogue.blobs.get(index)
    digest = None if blob is None or blob.expanded else blob.digest
    cut_off = case.catalogue.cut_off(index)
    return Piece(Span(member.data.offset, member.present), why, index, cut_off=cut_off, digest=digest)


def carve(
    archive: Archive, path: str, pieces: Sequence[Piece], folder: str, manifest: Callable[[Sequence[Carved]], str]
) -> tuple[Carved, ...]:
    """Write pieces into a folder, and what they are into :data:`MANIFEST` beside them; all of it, or nothing.

    Args:
        archive: still open.
        path: where it was read from, ``-`` for standard input.
        pieces: what to write; a piece that is asked for for several reasons is written once.
        folder: is created; one that is there has to be empty.
        manifest: tells what was written.

    Raises:
        InputError: the folder is a link, no folder, or not empty, something cannot be written, or the archive is not
            what was measured any more.
        LimitError: the pieces are larger than the archive.
    """
    chosen: dict[tuple[bool, Span], Piece] = {}
    for piece in pieces:
        chosen.setdefault((piece.outside, piece.span), piece)
    total = sum(span.length for _, span in chosen)
    if total > archive.spooled.tar_size + archive.spooled.size:
        raise LimitError(f"the pieces overlap: {total} bytes of an archive of {archive.spooled.tar_size}")
    with _Folder(folder) as target:
        carved = []
        for number, piece in enumerate(chosen.values()):
            digest = hashlib.sha256()
            for chunk in _bytes(archive, path, piece.span, outside=piece.outside):
                digest.update(chunk)
            found = Digest.sha256(digest.hexdigest())
            if piece.digest not in (None, found):
                raise InputError("the file changed while it was read")
            label = f"{piece.member:04}" if piece.member is not None else f"trailing-{number:04}"
            file = f"{label}-sha256-{found.encoded}.bin"
            target.write(file, _bytes(archive, path, piece.span, outside=piece.outside), found)
            carved.append(Carved(piece, file, found))
        archive.unchanged()
        told = manifest(carved).encode()
        target.write(MANIFEST, [told], Digest.of(told))
        target.done()
    return tuple(carved)


def _bytes(archive: Archive, path: str, span: Span, *, outside: bool) -> Iterator[bytes | memoryview]:
    if not outside:
        yield from archive.chunks(span.offset, span.length)
        return
    if path == "-":
        raise InputError("what lies behind a compressed stream cannot be read from standard input again")
    with open_evidence(path) as stream:
        if not is_regular(stream):
            raise InputError("what lies behind a compressed stream can only be read from a file")
        if os.fstat(stream.fileno()).st_size != archive.spooled.size:
            raise InputError("the file changed while it was read")
        stream.seek(span.offset)
        left = span.length
        while left and (chunk := read_exactly(stream, min(left, MIB))):
            left -= len(chunk)
            yield chunk


def _own_name(path: str) -> str:
    """A folder's path without what would follow it where it is a link: a slash, or ``/.``, at its end.

    Raises:
        InputError: it names no folder.
    """
    if path in ("", "-"):
        raise InputError(f"{path!r} is no folder; carve writes files into one")
    seps = tuple(filter(None, (os.sep, os.altsep)))
    while path.endswith((*seps, *(f"{sep}." for sep in seps))) and len(path) > 1:
        path = path[:-1]
    return path


class _Folder:
    """A folder that files are created in; they are removed again unless :meth:`done` was called."""

    def __init__(self, path: str) -> None:
        self._path = _own_name(path)
        self._made = False
        self._mode: int | None = None
        self._done = False
        self._created: list[str] = []
        self._handle: int | None = None

    def __enter__(self) -> Self:
        try:
            try:
                Path(self._path).mkdir(mode=0o700)
                self._made = True
            except FileExistsError:
                self._must_be_empty()
            if _CAN_BE_RELATIVE:
                self._handle = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                if not self._made:
                    self._make_private(self._handle)
        except (OSError, ValueError, InputError) as error:
            self.__exit__()
            raise error if isinstance(error, InputError) else self._failed(error) from error
        return self

    def _must_be_empty(self) -> None:
        mode = os.lstat(self._path).st_mode
        if stat.S_ISLNK(mode):
            raise InputError(f"{self._path}: is a link; evidence is written into a folder of its own")
        if not stat.S_ISDIR(mode):
            raise InputError(f"{self._path}: is there, and no folder")
        self._refuse_content(os.listdir(self._path))

    def _refuse_content(self, names: Sequence[str]) -> None:
        if names:
            raise InputError(f"{self._path}: is not empty; nothing is ever written over")

    def _make_private(self, handle: int) -> None:
        """Let nobody else into the folder, and look once more that nobody was."""
        status = os.fstat(handle)
        if status.st_uid != os.geteuid():
            raise InputError(f"{self._path}: belongs to somebody else; evidence is written into a folder of its own")
        mode = stat.S_IMODE(status.st_mode)
        if mode & _OTHERS:
            os.fchmod(handle, 0o700)
            self._mode = mode
            self._refuse_content(os.listdir(handle))

    def write(self, name: str, chunks: Iterable[bytes | memoryview], digest: Digest) -> None:
        """Create one file, and read it back.

        Raises:
            InputError: it cannot be written, or what is in it is not what should be.
        """
        try:
            handle = os.open(self._place(name), _CREATE, 0o600, dir_fd=self._handle)
            self._created.append(name)
            with os.fdopen(handle, "w+b", buffering=0) as file:
                for chunk in chunks:
                    view = memoryview(chunk)
                    while view:
                        view = view[file.write(view) :]
                os.fsync(file.fileno())
                file.seek(0)
                found = hashlib.sha256()
                while piece := file.read(MIB):
                    found.update(piece)
        except OSError as error:
            raise self._failed(error) from error
        if found.hexdigest() != digest.encoded:
            raise InputError(f"{self._path}: {name} does not hold what was read from the archive")

    def done(self) -> None:
        """Everything was written."""
        self._done = True

    def __exit__(self, *_: object) -> None:
        if not self._done:
            for name in self._created:
                with contextlib.suppress(OSError):
                    os.unlink(self._place(name), dir_fd=self._handle)
            if self._made:
                with contextlib.suppress(OSError):
                    Path(self._path).rmdir()
            elif self._mode is not None and self._handle is not None:
                with contextlib.suppress(OSError):
                    os.fchmod(self._handle, self._mode)
        if self._handle is not None:
            os.close(self._handle)

    def _place(self, name: str) -> str:
        return name if self._handle is not None else os.path.join(self._path, name)

    def _failed(self, error: OSError | ValueError) -> InputError:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return InputError(f"{self._path}: cannot be written: {words}")
