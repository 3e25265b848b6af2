"""The door to the evidence: open an archive, undo outer compression, index its members, measure each of them once.

A plain tar on disk is read in place, by offset, by several threads at a time: hashing and inflating release the
interpreter's lock. What cannot be read by offset (standard input, a compressed archive) is first written to an unnamed
temporary file, bounded by :class:`~imgforensics.limits.Limits`. Nothing is ever written under a name from an archive.
"""

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import IO, BinaryIO, Self

from imgforensics import layertwins, tarwalk
from imgforensics.algorithms import further_algorithms
from imgforensics.blobscan import BlobScanner
from imgforensics.catalogue import Catalogue
from imgforensics.errors import InputError, LimitError
from imgforensics.inflate import Inflater
from imgforensics.layerfacts import LayerFacts
from imgforensics.limits import DEFAULT_LIMITS, MIB, Limits
from imgforensics.looks import describe
from imgforensics.model import Anomaly, AnomalyKind, Blob, Compression, Digest, GzipLabels, Member, MemberKind, Span
from imgforensics.sniffing import begins_like, sniff
from imgforensics.sparse import SparseLayout, sparse_layouts
from imgforensics.streams import is_regular, open_evidence, pieces, read_exactly, stamp, temporary, write_all
from imgforensics.tarheader import is_header
from imgforensics.tarscan import Prelude
from imgforensics.watching import Budget, Progress, Silent, SpentError

SMALL = 1 * MIB
"""Members up to this size, in bytes, are measured before the others: documents are among them, and they tell whether
another digest algorithm than SHA-256 is claimed anywhere."""

_BATCH = 64
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
        self._limits = limits
        self._progress: Progress = progress or Silent()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._budget = Budget(limits)
        self._sparse: dict[int, SparseLayout] = {}
        self._survey = False
        self._layers: dict[int, LayerFacts] = {}
        self._indexed = 0
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

    def chunks(self, offset: int, length: int) -> Iterator[memoryview]:
        """The bytes from ``offset`` on, in views of one reused buffer: each is valid until the next is asked for."""
        buffer = memoryview(bytearray(min(self._limits.chunk, max(length, 1))))
        end = offset + length
        while offset < end:
            if self._stop.is_set():
                raise Cancelled
            self._budget.spend(min(len(buffer), end - offset))
            count = self._read_into(offset, buffer[: min(len(buffer), end - offset)])
            if count == 0:
                raise InputError("the file became shorter while it was read")
            self._progress.advance(count)
            yield buffer[:count]
            offset += count

    def uncompressed(self, member: Member, compression: Compression) -> Iterator[bytes | memoryview]:
        """A member's bytes once more, decompressed, in chunks that are each valid until the next is asked for.

        ``member`` was measured without damage, ``compression`` as it is given.
        """
        self._progress.expect(member.present)
        chunks = self._content(member)
        if compression is Compression.NONE:
            yield from chunks
            return
        inflater = Inflater(compression, self._limits)
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

    def measure(self, jobs: int = 1, *, fast: bool = False) -> Catalogue:
        """Index every member and measure every regular one, and the archive's own digest beside them.

        Args:
            jobs: threads that work at a time.
            fast: measure only members that may be documents, and not the archive itself, and look into no layer; what
                was left out stands in ``unmeasured``.

        Raises:
            InputError: there is no tar in it, or the file changed while it was read.
        """
        found = tarwalk.index(self.read, self.spooled.tar_size, self._limits)
        if not found.members:
            head = self.read(0, _HEAD)
            wrapped = f"{self.spooled.outer} around " if self.spooled.outer is not Compression.NONE else ""
            held = "tar headers, but no member" if is_header(head) else describe(head)
            raise InputError(f"no tar archive: {wrapped}{held}")
        files = [member for member in found.members if member.kind in (MemberKind.FILE, MemberKind.SPARSE)]
        self._sparse = sparse_layouts(files, self.read, self._limits)
        large = [member for member in files if member.present > SMALL]
        unmeasured = {member.index: "not hashed: structure only was asked for" for member in large} if fast else {}
        total = sum(member.present for member in files if member.index not in unmeasured)
        whole = self.spooled.digest is None and not fast
        self._survey = not fast
        total += sum(span.length for span in (_tail(anomaly, fast=fast) for anomaly in found.anomalies) if span)
        self._progress.expect(total + (self.spooled.size if whole else 0))
        with _threads(jobs) as pool, _threads(1) as filler:
            try:
                beside = filler if jobs > 1 and self._are_mostly_compressed(large) else pool
                custody = beside.submit(self._digest, Span(0, self.spooled.size)) if whole else None
                blobs = self._run(pool, files, unmeasured)
                anomalies = [self._hashed(anomaly, fast=fast) for anomaly in found.anomalies]
                digest = custody.result() if custody else self.spooled.digest
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        self._budget.end()
        self.unchanged()
        layer_anomalies = self._bound_indexes()
        if self._budget.spent is not None:
            detail = f"{self._budget.spent} was used up; what was not read until then was not checked"
            anomalies.append(Anomaly(AnomalyKind.LIMIT, detail))
            unmeasured |= {each.index: detail for each in files if each.index not in blobs.keys() | unmeasured.keys()}
        return Catalogue(
            size=self.spooled.size,
            digest=digest,
            outer=self.spooled.outer,
            outer_anomalies=self.spooled.anomalies,
            tar_size=self.spooled.tar_size,
            members=found.members,
            anomalies=tuple(anomalies),
            blobs=dict(sorted(blobs.items())),
            unmeasured=unmeasured,
            begins_like=begins_like(self.read(0, _HEAD)) if self.spooled.outer is Compression.NONE else None,
            spent=self._budget.spent,
            limits=self._limits,
            layers=dict(sorted(self._layers.items())),
            surveyed=not fast,
            layer_anomalies=layer_anomalies,
            outer_streams=self.spooled.streams,
            outer_labels=self.spooled.labels,
        )

    def _bound_indexes(self) -> tuple[Anomaly, ...]:
        """Let all indexes of layers go where they took too much together: which ones did is a matter of threads."""
        if self._indexed <= self._limits.layer_indexes:
            return ()
        self._layers = {index: replace(facts, index=None) for index, facts in self._layers.items()}
        detail = f"the indexes of layers exceed {self._limits.layer_indexes} bytes: layers were not compared"
        return (Anomaly(AnomalyKind.LIMIT, detail),)

    def _keep_layer(self, member: int, facts: LayerFacts | None) -> None:
        """Keep what is inside a member, its index as long as there is room for it."""
        if facts is None:
            return
        with self._lock:
            if facts.index is not None and member not in self._layers:
                self._indexed += facts.index.cost
            if self._indexed > self._limits.layer_indexes:
                facts = replace(facts, index=None)
            self._layers[member] = facts

    def _are_mostly_compressed(self, members: list[Member]) -> bool:
        """Whether inflating will take most of the time.

        Hashing the file is then a small part of the work and, in a thread of its own, fills the gaps that layers of
        unequal length leave. In a plain archive it is half of the work and gets one of the pool's threads at once.
        """
        packed = [each for each in members if sniff(self.read(each.data.offset, _HEAD)) is not Compression.NONE]
        return 2 * sum(each.present for each in packed) > sum(each.present for each in members)

    def _run(self, pool: Executor, files: list[Member], unmeasured: dict[int, str]) -> dict[int, Blob]:
        small = [member for member in files if member.present <= SMALL]
        blobs = self._scan_all(pool, _batches(small), frozenset())
        algorithms = further_algorithms(files, blobs.values())
        rest = [member for member in files if member.present > SMALL and member.index not in unmeasured]
        rest.sort(key=lambda member: member.present, reverse=True)
        again = _batches(small) if algorithms else []
        blobs.update(self._scan_all(pool, [[member] for member in rest] + again, algorithms))
        late = further_algorithms(files, blobs.values()) - algorithms
        if late:  # a document among the large members claims them
            self._progress.expect(sum(member.present for member in small + rest))
            everything = [[member] for member in rest] + _batches(small)
            blobs.update(self._scan_all(pool, everything, algorithms | late))
        budget = self._limits.documents
        for index, blob in sorted(blobs.items()):
            if blob.content is not None:
                budget -= len(blob.content)
                if budget < 0:
                    blobs[index] = replace(blob, content=None)
                    unmeasured[index] = f"read no further: the documents exceed {self._limits.documents} bytes"
        return blobs

    def _scan_all(self, pool: Executor, batches: Iterable[list[Member]], algorithms: frozenset[str]) -> dict[int, Blob]:
        blobs: dict[int, Blob] = {}
        pending: set[Future[dict[int, Blob]]] = {pool.submit(self._scan, batch, algorithms) for batch in batches}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                blobs.update(future.result())
        return blobs

    def _scan(self, members: list[Member], algorithms: frozenset[str]) -> dict[int, Blob]:
        blobs = {}
        for member in members:
            layout = self._sparse.get(member.index)
            size = member.present if layout is None else layout.size
            scanner = BlobScanner(size, self._limits, algorithms, survey=self._survey)
            try:
                for chunk in self._content(member):
                    scanner.feed(chunk)
            except SpentError:
                break
            blob = blobs[member.index] = replace(scanner.finish(), expanded=layout is not None)
            self._keep_layer(member.index, self._with_twins(member, blob, scanner.layer))
        return blobs

    def _with_twins(self, member: Member, blob: Blob, facts: LayerFacts | None) -> LayerFacts | None:
        """What is inside a member, with files that stand there twice compared, for which it is read once more."""
        if facts is None or not facts.alike:
            return facts
        try:
            return layertwins.compared(facts, self.uncompressed(member, blob.compression), self._limits)
        except SpentError:
            return facts

    def _content(self, member: Member) -> Iterator[bytes | memoryview]:
        """A member's bytes as stored; those of a sparse one put together."""
        layout = self._sparse.get(member.index)
        if layout is None:
            return self.chunks(member.data.offset, member.present)
        return layout.pieces(self.chunks, self._limits.chunk)

    def _digest(self, span: Span) -> Digest | None:
        """SHA-256 of a stretch of the file; None where the budget does not reach."""
        sha256 = hashlib.sha256()
        try:
            for chunk in self.chunks(span.offset, span.length):
                sha256.update(chunk)
        except SpentError:
            return None
        return Digest.sha256(sha256.hexdigest())

    def _hashed(self, anomaly: Anomaly, *, fast: bool) -> Anomaly:
        """The anomaly with the digest of what follows the archive, if it speaks of that."""
        span = _tail(anomaly, fast=fast)
        if span is None:
            return anomaly
        return replace(anomaly, digest=self._digest(span))

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
        inflater = None if outer is Compression.NONE else Inflater(outer, self._limits)
        size = written = 0
        prelude = Prelude()

        def bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
            so_far = written
            for chunk in chunks:
                so_far += len(chunk)
                if not prelude.passed(chunk) and so_far > self._limits.headless(size):
                    wrapped = f"{outer} around " if outer is not Compression.NONE else ""
                    raise InputError(
                        f"no tar archive: {wrapped}{describe(prelude.head)}, and no header in {so_far} bytes"
                    )
                if so_far > self._limits.spooled:
                    raise LimitError(f"more than {self._limits.spooled} bytes; a plain tar on disk is read in place")
                yield chunk

        for chunk in pieces(stream, head, self._limits.chunk):
            if self._stop.is_set():
                raise Cancelled
            size += len(chunk)
            self._progress.expect(len(chunk))
            sha256.update(chunk)
            written += write_all(self._file, bounded([chunk] if inflater is None else inflater.feed(chunk)))
            self._progress.advance(len(chunk))
        if inflater is not None:
            written += write_all(self._file, bounded(inflater.finish()))
        self._file.flush()
        digest = Digest.sha256(sha256.hexdigest())
        if inflater is None:
            return Spooled(digest, outer, (), size, written)
        return Spooled(digest, outer, inflater.anomalies, size, written, inflater.streams, inflater.labels)


def _tail(anomaly: Anomaly, *, fast: bool) -> Span | None:
    """The bytes behind the archive that this anomaly speaks of, None if of none, or of too many in a hurry."""
    if anomaly.kind is not AnomalyKind.TRAILING_DATA or anomaly.span is None:
        return None
    return None if fast and anomaly.span.length > SMALL else anomaly.span


def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=count, thread_name_prefix="imgforensics")


def _batches(members: list[Member]) -> list[list[Member]]:
    return [members[start : start + _BATCH] for start in range(0, len(members), _BATCH)]
