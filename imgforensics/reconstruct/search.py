"""The search for a digest that a registry showed: every manifest that may have been pushed, the likeliest first.

A hit is proof, whatever led to it: nobody finds other bytes of the same SHA-256. That nothing is found proves nothing.

What really occurs, besides all layers by one encoder: the lower layers are a base image's, pushed by another tool, and
only the upper ones were compressed at the push; a registry had some blobs already, and their known forms were named
again; the empty layer stood in its form of old. So, in this order: each pusher with each of its encoders; each pusher
with an encoder of another; every split into lower and upper layers between two encoders; learned forms laid over them.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations

from imgforensics.model import Digest
from imgforensics.recompress import ENCODERS
from imgforensics.reconstruct.build import LayerDescriptor, NotDerivableError
from imgforensics.reconstruct.candidates import Bench, Candidate, UploadedLayer, candidate, compression_of, encodings
from imgforensics.reconstruct.evidence import Ranked
from imgforensics.reconstruct.ledger import Ledger
from imgforensics.reconstruct.material import EMPTY_LAYER, Piece
from imgforensics.reconstruct.pusher import STORED

OLD_EMPTY_LAYER = LayerDescriptor(
    Digest.sha256("a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"), 32, EMPTY_LAYER
)
"""The empty layer as Go up to 1.7 compressed it; written into programs as a constant."""

FORMS = 4
"""Learned forms of one layer that are tried."""

ATTEMPTS = 200_000
"""Manifests written in search of one digest at the most: some seconds. Images of very many layers reach it."""


class Search:
    """Looks for digests among everything that may have been pushed for one image."""

    def __init__(self, bench: Bench, ranked: Sequence[Ranked], ledger: Ledger | None) -> None:
        self._bench = bench
        self._ranked = ranked
        self._known = _known(bench.material.pieces, ledger)
        self.attempts = 0
        self.gave_up = False
        """Whether the bound on attempts ended it."""

    def find(self, wanted: set[Digest]) -> Iterator[Candidate]:
        """Every candidate of a wanted digest, as soon as it is found; ends when all were, or nothing is left to try.

        Encodings are made one after the other, and everything that can be written with those at hand is tried before
        the next: a search that succeeds early costs little.
        """
        open_ = set(wanted)
        for encoding in self._encodings():
            self._bench.make(encoding)
            for ranked, layers in self._assignments(encoding):
                if not open_:
                    return
                if self.attempts >= ATTEMPTS:
                    self.gave_up = True
                    return
                self.attempts += 1
                try:
                    made = self._bench.build(ranked.pusher, layers)
                except NotDerivableError:
                    continue
                if made.digest in open_:
                    open_.discard(made.digest)
                    yield candidate(self._bench, ranked, layers)

    def _encodings(self) -> Iterator[str]:
        """What to try, in order: stored blobs, the pushers' own encoders by rank, those that they meet, all others."""
        own = [name for ranked in self._ranked for name in encodings(ranked.pusher)[:1]]
        other = [name for ranked in self._ranked for name in (*encodings(ranked.pusher), *ranked.pusher.reuses)]
        known = [name for name in (*own, *other) if name in ENCODERS]
        yield from dict.fromkeys((STORED, *known))

    def _assignments(self, newest: str) -> Iterator[tuple[Ranked, tuple[UploadedLayer, ...]]]:
        """Layers for each pusher, with the newest encoding somewhere in them."""
        seen: set[tuple[str, tuple[Digest, ...]]] = set()
        for ranked in self._ranked:
            for layers in self._rows(newest, keep=ranked.stored):
                key = ranked.pusher.name, tuple(layer.descriptor.digest for layer in layers)
                if key not in seen:
                    seen.add(key)
                    yield ranked, layers

    def _rows(self, newest: str, *, keep: bool) -> Iterator[tuple[UploadedLayer, ...]]:
        whole = self._row(newest, keep=keep)
        if whole is not None:
            yield from self._overlaid(whole)
        for other in self._bench.made:
            if other == newest:
                continue
            for lower, upper in permutations((newest, other), 2):
                low, high = self._row(lower, keep=keep), self._row(upper, keep=keep)
                if low is not None and high is not None:
                    for split in range(1, len(low)):
                        yield from self._overlaid(low[:split] + high[split:])

    def _row(self, encoding: str, *, keep: bool) -> tuple[UploadedLayer, ...] | None:
        """All layers by one encoder; None where one is in no such form."""
        layers = []
        for piece in self._bench.material.pieces:
            try:
                layers.append(self._bench.layer(piece, encoding, keep=keep))
            except NotDerivableError:
                known = self._known.get(piece.diff_id)
                if not known:
                    return None
                layers.append(known[0])
        return tuple(layers)

    def _overlaid(self, layers: tuple[UploadedLayer, ...]) -> Iterator[tuple[UploadedLayer, ...]]:
        """The layers as they are, and with forms of some of them that exist elsewhere."""
        yield layers
        diff_ids = [piece.diff_id for piece in self._bench.material.pieces]
        if EMPTY_LAYER in diff_ids:
            yield tuple(
                UploadedLayer(OLD_EMPTY_LAYER, "go1.7-6") if diff_id == EMPTY_LAYER else layer
                for layer, diff_id in zip(layers, diff_ids, strict=True)
            )
        learned = [self._known.get(diff_id, ()) for diff_id in diff_ids]
        depths = {_run(learned), sum(bool(forms) for forms in learned)} - {0}
        for choice in range(min(FORMS, max(map(len, learned), default=0))):
            for depth in sorted(depths):
                yield _laid_over(layers, learned, choice, depth)


def _laid_over(
    layers: Sequence[UploadedLayer], learned: Sequence[Sequence[UploadedLayer]], choice: int, depth: int
) -> tuple[UploadedLayer, ...]:
    """Layers of which the lowest ``depth`` known ones are in a learned form, the one of number ``choice``."""
    row = []
    for layer, forms in zip(layers, learned, strict=True):
        if forms and depth:
            depth -= 1
            row.append(forms[min(choice, len(forms) - 1)])
        else:
            row.append(layer)
    return tuple(row)


def _run(learned: Sequence[Sequence[object]]) -> int:
    """How many of the lowest layers, without a gap, are known."""
    for index, each in enumerate(learned):
        if not each:
            return index
    return len(learned)


def _known(pieces: Sequence[Piece], ledger: Ledger | None) -> dict[Digest, tuple[UploadedLayer, ...]]:
    """Forms of layers that the ledger learned."""
    if ledger is None:
        return {}
    return {
        piece.diff_id: tuple(
            UploadedLayer(
                LayerDescriptor(layer.digest, layer.size, piece.diff_id, compression_of(layer.media_type)),
                f"learned from {layer.source}",
            )
            for layer in found
        )
        for piece in pieces
        if (found := ledger.layers(piece.diff_id))
    }
