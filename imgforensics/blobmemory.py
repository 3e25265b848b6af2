"""What was measured of blobs, kept in a ledger: the user's own, or one that lives as long as a run."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from functools import cache

from imgforensics import knownblobs
from imgforensics.errors import InputError
from imgforensics.itself import identity
from imgforensics.knownblobs import Known
from imgforensics.limits import MIB, Limits
from imgforensics.model import Digest
from imgforensics.reconstruct.ledger import Ledger

_NEAR, _NEAR_COST = 32, 1 * MIB
"""Blobs that are held at hand, and bytes that the index of each may have: base layers come again and again."""


class LedgerMemory:
    """A :class:`~imgforensics.knownblobs.Memory` in a ledger."""

    def __init__(self, path: str, limits: Limits) -> None:
        """Use the ledger at ``path`` for what is measured within these limits. Its trouble costs time, no answer."""
        self._ledger = Ledger(path, lambda _: None)
        self._revision = revision(limits)
        self._near: dict[Digest, Known] = {}

    def close(self) -> None:
        """Let go of the file."""
        self._ledger.close()

    def expects(self, probe: bytes) -> bool:
        return self._ledger.is_probable(probe, self._revision)

    def recall(self, digest: Digest) -> Known | None:
        known = self._near.get(digest)
        if known is None:
            content = self._ledger.measured(digest, self._revision)
            known = None if content is None else knownblobs.unpack(content, digest)
        return None if known is None else self._seen(known)

    def keep(self, probe: bytes, known: Known, names: AbstractSet[str]) -> None:
        content = knownblobs.pack(known, names)
        if content is not None:
            self._ledger.remember_measured(known.blob.digest, self._revision, probe, content)

    def _seen(self, known: Known) -> Known:
        """Hold it at hand, in the place of what was used the longest time ago, unless it is large."""
        index = None if known.layer is None else known.layer.index
        if index is None or index.cost <= _NEAR_COST:
            self._near.pop(known.blob.digest, None)
            self._near[known.blob.digest] = known
            for oldest in [*self._near][:-_NEAR]:
                self._near.pop(oldest, None)
        return known


_open: dict[tuple[str, Limits], LedgerMemory] = {}
"""The one that this process used last: a run over small archives would spend more on opening than on asking."""


def memory(path: str, limits: Limits) -> LedgerMemory:
    """The memory in the ledger at ``path``; it stays open until another one is asked for, or :func:`close`."""
    found = _open.get((path, limits))
    if found is None:
        close()
        found = _open[path, limits] = LedgerMemory(path, limits)
    return found


def close() -> None:
    """Let go of the ledger that this process has open."""
    while _open:
        _open.popitem()[1].close()


@cache
def revision(limits: Limits) -> str:
    """What measurements depend on besides the bytes: every source of this program, and the limits."""
    own = identity()
    told = repr((own.version, own.digest, own.compiled, limits))
    return hashlib.sha256(told.encode()).hexdigest()


@contextmanager
def passing_ledger() -> Iterator[str | None]:
    """The path of a ledger for one run, which several processes may use; None where there is no place for one."""
    with ExitStack() as stack:
        try:
            folder = tempfile.TemporaryDirectory(prefix="imgforensics-", ignore_cleanup_errors=True)
            path = os.path.join(stack.enter_context(folder), "run.sqlite")
            stack.callback(close)
            with Ledger(path) as ledger:
                ledger.open(shared=True)
        except (OSError, InputError):
            yield None
        else:
            yield path
