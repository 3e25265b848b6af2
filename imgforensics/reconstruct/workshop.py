"""Layers compressed again: each pair of layer and encoding once, spread over the processors, remembered in the ledger.

A layer that alone would keep the others waiting is compressed on all processors; the rest one on each, largest first.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from imgforensics import recompress
from imgforensics.model import Digest
from imgforensics.reconstruct.ledger import Ledger, Stream
from imgforensics.reconstruct.material import Piece

Opener = Callable[[int], Iterator[bytes | memoryview]]
"""Member index to the member's uncompressed bytes in chunks, each valid until the next is asked for."""


class StoppedError(Exception):
    """Ends the compression of a layer that nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class Order:
    """A layer that is to be compressed."""

    diff_id: Digest
    member: int
    size: int
    """Bytes uncompressed."""
    encoding: str


class Workshop:
    """Compresses layers, and knows what was compressed before."""

    def __init__(self, opener: Opener, jobs: int = 1, ledger: Ledger | None = None) -> None:
        """Begin with what the ledger remembers.

        Args:
            opener: hands out a member's uncompressed bytes; called from several threads.
            jobs: processors to use.
            ledger: where results are kept, None for nowhere.
        """
        self._opener = opener
        self._stop = Event()
        self._jobs = jobs
        self._ledger = ledger
        self._done: dict[tuple[Digest, str], Stream] = {}
        self.compressed = 0
        """Bytes, uncompressed, that were really compressed: nothing in the ledger told."""

    def streams(self, pieces: Iterable[Piece], encoding: str) -> dict[Digest, Stream]:
        """What an encoding makes of layers, by diff_id; layers that the archive does not hold are left out."""
        pieces = tuple(pieces)
        self._fulfil(self._orders(pieces, encoding))
        wanted = {piece.diff_id for piece in pieces}
        return {diff_id: self._done[diff_id, encoding] for diff_id in wanted if (diff_id, encoding) in self._done}

    def _orders(self, pieces: Iterable[Piece], encoding: str) -> list[Order]:
        """What is not known yet, largest first."""
        orders: dict[Digest, Order] = {}
        for piece in pieces:
            if (piece.diff_id, encoding) in self._done or piece.diff_id in orders:
                continue
            if self._ledger is not None:
                known = self._ledger.recompression(piece.diff_id, encoding, recompress.REVISION)
                if known is not None:
                    self._done[piece.diff_id, encoding] = known
                    continue
            if piece.member is not None and piece.size is not None:
                orders[piece.diff_id] = Order(piece.diff_id, piece.member, piece.size, encoding)
        return sorted(orders.values(), key=lambda order: order.size, reverse=True)

    def _fulfil(self, orders: list[Order]) -> None:
        rest = sum(order.size for order in orders)
        while orders and self._jobs > 1 and orders[0].size * self._jobs > rest:
            rest -= orders[0].size
            self._keep(orders[0], self._compress(orders.pop(0), self._jobs))
        if not orders:
            return
        with ThreadPoolExecutor(min(self._jobs, len(orders)), "imgforensics") as pool:
            try:
                for order, stream in zip(orders, pool.map(self._compress, orders), strict=True):
                    self._keep(order, stream)
            except BaseException:
                self._stop.set()  # else what is running would first be finished
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _compress(self, order: Order, jobs: int = 1) -> Stream:
        made = recompress.measure(order.encoding, self._until_stopped(self._opener(order.member)), jobs)
        return Stream(Digest.sha256(made.digest), made.size)

    def _until_stopped(self, chunks: Iterator[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        for chunk in chunks:
            if self._stop.is_set():
                raise StoppedError
            yield chunk

    def _keep(self, order: Order, stream: Stream) -> None:
        self._done[order.diff_id, order.encoding] = stream
        self.compressed += order.size
        if self._ledger is not None:
            self._ledger.remember_recompression(order.diff_id, order.encoding, recompress.REVISION, stream)
