"""An opened archive measured: each of its members once, and the archive itself beside them.

With several threads, the largest members come first, so that none is left alone at the end. With one, members come as
they lie in the file, and the archive's own digest takes the same bytes as they pass: reading and hashing then cost no
more than they must, which is what a run over a thousand archives consists of.

Where there is a memory of earlier blobs (:mod:`~imgforensics.knownblobs`), a member that looks like one of them is
hashed first, and inflated and looked into only if it is none of them.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import ParamSpec, TypeVar

from imgforensics import layerlinked, layertwins
from imgforensics.algorithms import further_algorithms
from imgforensics.archive import Archive
from imgforensics.blobscan import BlobScanner
from imgforensics.catalogue import Catalogue
from imgforensics.gotar import read_as_go
from imgforensics.knownblobs import ENTRIES, Known, Memory
from imgforensics.layerfacts import LayerFacts
from imgforensics.limits import MIB
from imgforensics.model import Anomaly, AnomalyKind, Blob, Compression, Digest, Member, MemberKind, Span
from imgforensics.sniffing import begins_like, sniff
from imgforensics.watching import SpentError

SMALL = 1 * MIB
"""Members up to this size, in bytes, are measured before the others: documents are among them, and they tell whether
another digest algorithm than SHA-256 is claimed anywhere."""

_STRETCH = 2 * MIB
"""Bytes that are hashed at a time where nothing looks into them: between two of these, a thread has to wait for the
interpreter's lock, which those that look into layers hold for as long as a chunk of entries takes them."""

_BATCH = 64
_HEAD = 512
_PROBES = 4
"""Places of a member of which so many bytes as of its head are in its probe; the last one is its end."""

_Result = TypeVar("_Result")
_Given = ParamSpec("_Given")


def measure(archive: Archive, jobs: int = 1, *, fast: bool = False, memory: Memory | None = None) -> Catalogue:
    """Index every member and measure every regular one, and the archive's own digest beside them.

    Args:
        archive: freshly opened.
        jobs: threads that work at a time.
        fast: measure only members that may be documents, and not the archive itself, and look into no layer; what
            was left out stands in ``unmeasured``.
        memory: what was measured before, and where to keep what is measured now. It decides nothing but the time.

    Raises:
        InputError: there is no tar in it, or the file changed while it was read.
    """
    return _Measuring(archive, memory, fast=fast).run(jobs)


class _Measuring:
    """One measurement of one archive."""

    def __init__(self, archive: Archive, memory: Memory | None, *, fast: bool) -> None:
        self._archive = archive
        self._limits = archive.limits
        self._fast = fast
        # A budget counts what is read; what is remembered would change what it reaches.
        self._bounded = (self._limits.seconds, self._limits.read) != (None, None)
        self._memory = None if self._bounded or fast else memory
        self._lock = Lock()
        self._layers: dict[int, LayerFacts] = {}
        self._indexed = 0

    def run(self, jobs: int) -> Catalogue:
        archive, spooled, fast = self._archive, self._archive.spooled, self._fast
        found = archive.index()
        seen_by_go = read_as_go(archive.read, spooled.tar_size, found.members, self._limits)
        files = [member for member in found.members if member.kind in (MemberKind.FILE, MemberKind.SPARSE)]
        large = [member for member in files if member.present > SMALL]
        unmeasured = {member.index: "not hashed: structure only was asked for" for member in large} if fast else {}
        total = sum(member.present for member in files if member.index not in unmeasured)
        whole = spooled.digest is None and not fast
        total += sum(span.length for span in (_tail(anomaly, fast=fast) for anomaly in found.anomalies) if span)
        archive.progress.expect(total + (spooled.size if whole else 0))
        with _threads(jobs) as pool, ThreadPoolExecutor(1, "imgforensics") as filler:
            custody = None
            if whole and (jobs > 1 or self._bounded):
                custody = filler if jobs > 1 and self._are_mostly_compressed(large) else pool
            try:
                blobs, digest = self._measured(pool, files, unmeasured, custody, whole=whole)
                anomalies = [self._hashed(anomaly) for anomaly in found.anomalies]
            except BaseException:
                archive.cancel()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        archive.budget.end()
        archive.unchanged()
        layer_anomalies = self._bound_indexes()
        spent = archive.budget.spent
        if spent is not None:
            detail = f"{spent} was used up; what was not read until then was not checked"
            anomalies.append(Anomaly(AnomalyKind.LIMIT, detail))
            unmeasured |= {each.index: detail for each in files if each.index not in blobs.keys() | unmeasured.keys()}
        return Catalogue(
            size=spooled.size,
            digest=digest or spooled.digest,
            outer=spooled.outer,
            outer_anomalies=spooled.anomalies,
            tar_size=spooled.tar_size,
            members=found.members,
            anomalies=tuple(anomalies),
            blobs=dict(sorted(blobs.items())),
            unmeasured=unmeasured,
            begins_like=begins_like(archive.read(0, _HEAD)) if spooled.outer is Compression.NONE else None,
            spent=spent,
            limits=self._limits,
            layers=dict(sorted(self._layers.items())),
            surveyed=not fast,
            layer_anomalies=layer_anomalies,
            go=seen_by_go,
            outer_streams=spooled.streams,
            outer_labels=spooled.labels,
        )

    def _are_mostly_compressed(self, members: list[Member]) -> bool:
        """Whether inflating will take most of the time.

        Hashing the file is then a small part of the work and, in a thread of its own, fills the gaps that layers of
        unequal length leave. In a plain archive it is half of the work and gets one of the pool's threads at once.
        """
        read = self._archive.read
        packed = [each for each in members if sniff(read(each.data.offset, _HEAD)) is not Compression.NONE]
        return 2 * sum(each.present for each in packed) > sum(each.present for each in members)

    def _measured(
        self,
        pool: Executor,
        files: list[Member],
        unmeasured: dict[int, str],
        custody: Executor | None,
        *,
        whole: bool,
    ) -> tuple[dict[int, Blob], Digest | None]:
        """Every blob; and the digest of the ``whole`` archive, where it is wanted, by ``custody`` or in passing."""
        small = [member for member in files if member.present <= SMALL]
        blobs = self._scan_all(pool, _batches(small), frozenset())
        algorithms = further_algorithms(files, blobs.values())
        rest = [member for member in files if member.present > SMALL and member.index not in unmeasured]
        again = _batches(small) if algorithms else []
        digest = None
        beside = custody.submit(self._digest, Span(0, self._archive.spooled.size)) if custody is not None else None
        if whole and custody is None:
            digest = self._pass(rest, algorithms, blobs)
            blobs.update(self._scan_all(pool, again, algorithms))
        else:
            rest.sort(key=lambda member: member.present, reverse=True)
            blobs.update(self._scan_all(pool, [[member] for member in rest] + again, algorithms))
        late = further_algorithms(files, blobs.values()) - algorithms
        if late:  # a document among the large members claims them
            self._archive.progress.expect(sum(member.present for member in small + rest))
            everything = [[member] for member in rest] + _batches(small)
            blobs.update(self._scan_all(pool, everything, algorithms | late))
        budget = self._limits.documents
        for index, blob in sorted(blobs.items()):
            if blob.content is not None:
                budget -= len(blob.content)
                if budget < 0:
                    blobs[index] = replace(blob, content=None)
                    unmeasured[index] = f"read no further: the documents exceed {self._limits.documents} bytes"
        return blobs, beside.result() if beside is not None else digest

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
            try:
                blobs[member.index] = self._blob(member, algorithms)
            except SpentError:
                break
        return blobs

    def _pass(self, members: list[Member], algorithms: frozenset[str], blobs: dict[int, Blob]) -> Digest:
        """Measure members into ``blobs`` in the order in which they lie, and the whole file as it passes by."""
        sha256 = hashlib.sha256()
        position = 0
        for member in sorted(members, key=lambda each: each.data.offset):
            if self._archive.is_expanded(member) or member.data.offset < position:
                blobs[member.index] = self._blob(member, algorithms)
                continue
            self._hash(sha256.update, Span(position, member.data.offset - position))
            blobs[member.index] = self._blob(member, algorithms, sha256.update)
            position = member.data.offset + member.present
        self._hash(sha256.update, Span(position, self._archive.spooled.size - position))
        return Digest.sha256(sha256.hexdigest())

    def _blob(
        self, member: Member, algorithms: frozenset[str], beside: Callable[[bytes | memoryview], None] | None = None
    ) -> Blob:
        """Measure one member; ``beside`` takes its bytes as they pass."""
        probe = self._probe(member, algorithms)
        if self._memory is not None and probe is not None and self._memory.expects(probe):
            digest = self._stored_digest(member, beside)
            known = self._memory.recall(digest)
            if known is not None:
                self._keep_layer(member.index, known.layer)
                return known.blob
            beside = None
            self._archive.progress.expect(member.present)
        scanner = BlobScanner(
            self._archive.size(member),
            self._limits,
            algorithms,
            survey=not self._fast,
            names=0 if probe is None else ENTRIES,
        )
        for chunk in self._passing(member, beside):
            scanner.feed(chunk)
        blob = scanner.finish()
        if self._archive.is_expanded(member):
            blob = replace(blob, expanded=True)
        layer = self._read_again(member, blob, scanner.layer)
        if self._memory is not None and probe is not None and scanner.names is not None:
            self._memory.keep(probe, Known(blob, layer), scanner.names)
        self._keep_layer(member.index, layer)
        return blob

    def _read_again(self, member: Member, blob: Blob, facts: LayerFacts | None) -> LayerFacts | None:
        """What is inside a member, with files that stand there twice, or are reached by two ways, compared."""
        if facts is None:
            return None
        read = partial(self._archive.uncompressed, member, blob.compression)
        try:
            if facts.alike:
                facts = layertwins.compared(facts, read(), self._limits)
            return layerlinked.told(facts, read, self._limits) if layerlinked.asks(facts) else facts
        except SpentError:
            return facts

    def _probe(self, member: Member, algorithms: frozenset[str]) -> bytes | None:
        """A few bytes that two blobs hardly have in common; None for a member that is not to be remembered."""
        if self._memory is None or algorithms or member.present <= SMALL or self._archive.is_expanded(member):
            return None
        start, last = member.data.offset, member.present - _HEAD
        places = [start + last * number // (_PROBES - 1) for number in range(_PROBES)]
        sha256 = hashlib.sha256(member.present.to_bytes(8, "big"))
        for place in places:
            sha256.update(self._archive.read(place, _HEAD))
        return sha256.digest()

    def _passing(
        self, member: Member, beside: Callable[[bytes | memoryview], None] | None
    ) -> Iterator[bytes | memoryview]:
        for chunk in self._archive.content(member):
            if beside is not None:
                beside(chunk)
                self._archive.progress.advance(len(chunk))
            yield chunk

    def _stored_digest(self, member: Member, beside: Callable[[bytes | memoryview], None] | None) -> Digest:
        sha256 = hashlib.sha256()
        for chunk in self._passing(member, beside):
            sha256.update(chunk)
        return Digest.sha256(sha256.hexdigest())

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

    def _bound_indexes(self) -> tuple[Anomaly, ...]:
        """Let all indexes of layers go where they took too much together: which ones did is a matter of threads."""
        if self._indexed <= self._limits.layer_indexes:
            return ()
        self._layers = {index: replace(facts, index=None) for index, facts in self._layers.items()}
        detail = f"the indexes of layers exceed {self._limits.layer_indexes} bytes: layers were not compared"
        return (Anomaly(AnomalyKind.LIMIT, detail),)

    def _hash(self, update: Callable[[bytes | memoryview], None], span: Span, most: int | None = None) -> None:
        for chunk in self._archive.chunks(span.offset, span.length, most):
            update(chunk)

    def _digest(self, span: Span) -> Digest | None:
        """SHA-256 of a stretch of the file; None where the budget does not reach."""
        sha256 = hashlib.sha256()
        try:
            self._hash(sha256.update, span, _STRETCH)
        except SpentError:
            return None
        return Digest.sha256(sha256.hexdigest())

    def _hashed(self, anomaly: Anomaly) -> Anomaly:
        """The anomaly with the digest of what follows the archive, if it speaks of that."""
        span = _tail(anomaly, fast=self._fast)
        if span is None:
            return anomaly
        return replace(anomaly, digest=self._digest(span))


def _tail(anomaly: Anomaly, *, fast: bool) -> Span | None:
    """The bytes behind the archive that this anomaly speaks of, None if of none, or of too many in a hurry."""
    if anomaly.kind is not AnomalyKind.TRAILING_DATA or anomaly.span is None:
        return None
    return None if fast and anomaly.span.length > SMALL else anomaly.span


def _threads(count: int) -> Executor:
    return _Here() if count == 1 else ThreadPoolExecutor(max_workers=count, thread_name_prefix="imgforensics")


class _Here(Executor):
    """Does what is submitted at once: to one thread, another one is no help."""

    def submit(self, fn: Callable[_Given, _Result], /, *args: _Given.args, **kwargs: _Given.kwargs) -> Future[_Result]:
        future: Future[_Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for, as by any executor
            future.set_exception(error)
        return future


def _batches(members: list[Member]) -> list[list[Member]]:
    return [members[start : start + _BATCH] for start in range(0, len(members), _BATCH)]
