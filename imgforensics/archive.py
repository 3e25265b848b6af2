"""The door to the evidence: open an archive, undo outer compression, index its members, hand out their bytes.

A plain tar on disk is read in place, by offset, by several threads at a time: hashing and inflating release the
interpreter's lock. What cannot be read by offset (standard input, a compressed archive) is first written to an unnamed
temporary file, bounded by :class:`~imgforensics.limits.Limits`. Nothing is ever written under a name from an archive.
"""

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, BinaryIO, Self

from imgforensics import tarwalk
from imgforensics.errors import InputError, LimitError
from imgforensics.inflate import Inflater
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.looks import describe
from imgforensics.model import Anomaly, AnomalyKind, Compression, Digest, GzipLabels, Member, MemberKind
from imgforensics.sniffing import sniff
from imgforensics.sparse import SparseLayout, sparse_layouts
from imgforensics.streams import is_regular, open_evidence, pieces, read_exactly, stamp, temporary, write_all
from imgforensics.tarheader import is_header
from imgforensics.tarscan import Prelude
from imgforensics.tarwalk import Index
from imgforensics.watching import Budget, Progress, Silent

_HEAD = 512


class Cancelled(BaseException):
    """Raised in worker threads when the measurement is given up."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A tar that can be read by offset, and what was learned on the way to it."""

    digest: Digest | None
    """SHA-256 of the original file where it had to be read through already."""
    outer: Compression
    anomalies: tuple[Anomaly, ...]
    size: int
    """Bytes of the original file."""
    tar_size: int
    streams: int = 1
    labels: GzipLabels | None = None
    """Of the compression around the tar, as in :class:`~imgforensics.model.Blob`."""


class Archive:
    """An opened archive: a context manager that hands out bytes of the (decompressed) tar by offset."""

    def __init__(
        self,
        source: str | os.PathLike[str] | BinaryIO,
        limits: Limits = DEFAULT_LIMITS,
        progress: Progress | None = None,
    ) -> None:
        """Open ``source``: a path, or a binary file object, which is read from where it stands to its end.

        Raises:
            InputError: it is missing, unreadable, a directory, empty, or no tar at all.
        """
        self.limits = limits
        """Bounds on reading from here."""
        self.progress: Progress = progress or Silent()
        """Told of every byte that is read."""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.budget = Budget(limits)
        """What reading from here may cost."""
        self._sparse: dict[int, SparseLayout] = {}
        with ExitStack() as stack:
            given = isinstance(source, str | os.PathLike)
            stream = stack.enter_context(open_evidence(source)) if isinstance(source, str | os.PathLike) else source
            head = read_exactly(stream, _HEAD)
            if not head:
                raise InputError("the file is empty")
            outer = sniff(head)
            if outer is Compression.UNSUPPORTED:
                raise InputError(f"{describe(head)}; unpack it first")
            if given and outer is Compression.NONE and is_regular(stream):
                self._file: IO[bytes] = stream
                size = os.fstat(stream.fileno()).st_size
                self.spooled = Spooled(None, outer, (), size, size)
            else:
                self._file = stack.enter_context(temporary())
                self.spooled = self._spool(stream, head, outer)
            self._stamp = stamp(self._file)
            self._closing = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; the temporary one, if there was one, is gone then."""
        self._closing.close()

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the tar; fewer than asked for only at its end."""
        buffer = bytearray(max(0, min(length, self.spooled.tar_size - offset)))
        filled = 0
        while filled < len(buffer):
            count = self._read_into(offset + filled, memoryview(buffer)[filled:])
            if count == 0:
                break
            filled += count
        return bytes(buffer[:filled])

    def chunks(self, offset: int, length: int, most: int | None = None) -> Iterator[memoryview]:
        """The bytes from ``offset`` on, in views of one reused buffer: each is valid until the next is asked for.

        Args:
            offset: of the first byte, in the tar.
            length: bytes in all.
            most: bytes of one view; as many as the limits say unless given.
        """
        buffer = memoryview(bytearray(min(most or self.limits.chunk, max(length, 1))))
        end = offset + length
        while offset < end:
            if self._stop.is_set():
                raise Cancelled
            self.budget.spend(min(len(buffer), end - offset))
            count = self._read_into(offset, buffer[: min(len(buffer), end - offset)])
            if count == 0:
                raise InputError("the file became shorter while it was read")
            self.progress.advance(count)
            yield buffer[:count]
            offset += count

    def uncompressed(self, member: Member, compression: Compression) -> Iterator[bytes | memoryview]:
        """A member's bytes once more, decompressed, in chunks that are each valid until the next is asked for.

        ``member`` was measured without damage, ``compression`` as it is given.
        """
        self.progress.expect(member.present)
        chunks = self.content(member)
        if compression is Compression.NONE:
            yield from chunks
            return
        inflater = Inflater(compression, self.limits)
        for chunk in chunks:
            yield from inflater.feed(chunk)
        yield from inflater.finish()

    def unchanged(self) -> None:
        """To be called behind the last read: what was read since the measurement is what was measured.

        Raises:
            InputError: the file was written to since it was opened.
        """
        if stamp(self._file) != self._stamp:
            raise InputError("the file changed while it was read")

    def cancel(self) -> None:
        """Make every thread that reads from here stop."""
        self._stop.set()

    def index(self) -> Index:
        """The members of the tar.

        Raises:
            InputError: there is no tar in it.
        """
        found = tarwalk.index(self.read, self.spooled.tar_size, self.limits)
        if not found.members:
            head = self.read(0, _HEAD)
            wrapped = f"{self.spooled.outer} around " if self.spooled.outer is not Compression.NONE else ""
            held = "tar headers, but no member" if is_header(head) else describe(head)
            if not head and any(each.kind is AnomalyKind.TRUNCATED_STREAM for each in self.spooled.anomalies):
                held = "nothing; the stream is cut off"
            raise InputError(f"no tar archive: {wrapped}{held}")
        files = [member for member in found.members if member.kind in (MemberKind.FILE, MemberKind.SPARSE)]
        self._sparse = sparse_layouts(files, self.read, self.limits)
        return found

    def is_expanded(self, member: Member) -> bool:
        """Whether a member is sparse, and is put together by its map."""
        return member.index in self._sparse

    def size(self, member: Member) -> int:
        """Bytes of a member that are there; of a sparse one, put together."""
        layout = self._sparse.get(member.index)
        return member.present if layout is None else layout.size

    def content(self, member: Member) -> Iterator[bytes | memoryview]:
        """A member's bytes as stored; those of a sparse one put together."""
        layout = self._sparse.get(member.index)
        if layout is None:
            return self.chunks(member.data.offset, member.present)
        return layout.pieces(self.chunks, self.limits.chunk)

    def _read_into(self, offset: int, view: memoryview) -> int:
        try:
            if hasattr(os, "preadv"):
                return os.preadv(self._file.fileno(), [view], offset)
            with self._lock:  # Windows has no positioned read
                self._file.seek(offset)
                return self._file.readinto(view)  # type: ignore[attr-defined, no-any-return]
        except OSError as error:
            raise InputError(f"cannot read byte {offset}: {error.strerror or error}") from error

    def _spool(self, stream: IO[bytes], head: bytes, outer: Compression) -> Spooled:
        sha256 = hashlib.sha256()
        inflater = None if outer is Compression.NONE else Inflater(outer, self.limits)
        size = written = 0
        prelude = Prelude()

        def bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
            so_far = written
            for chunk in chunks:
                so_far += len(chunk)
                if not prelude.passed(chunk) and so_far > self.limits.headless(size):
                    wrapped = f"{outer} around " if outer is not Compression.NONE else ""
                    raise InputError(
                        f"no tar archive: {wrapped}{describe(prelude.head)}, and no header in {so_far} bytes"
                    )
                if so_far > self.limits.spooled:
                    raise LimitError(f"more than {self.limits.spooled} bytes; a plain tar on disk is read in place")
                yield chunk

        for chunk in pieces(stream, head, self.limits.chunk):
            if self._stop.is_set():
                raise Cancelled
            size += len(chunk)
            self.progress.expect(len(chunk))
            sha256.update(chunk)
            written += write_all(self._file, bounded([chunk] if inflater is None else inflater.feed(chunk)))
            self.progress.advance(len(chunk))
        if inflater is not None:
            written += write_all(self._file, bounded(inflater.finish()))
        self._file.flush()
        digest = Digest.sha256(sha256.hexdigest())
        if inflater is None:
            return Spooled(digest, outer, (), size, written)
        return Spooled(digest, outer, inflater.anomalies, size, written, inflater.streams, inflater.labels)
