"""The search for a digest that a registry showed: every manifest that may have been pushed, the likeliest first.

A hit is proof, whatever led to it: nobody finds other bytes of the same SHA-256. That nothing is found proves nothing.

What really occurs, besides all layers by one encoder: the lower layers are a base image's, pushed by another tool, and
only the upper ones were compressed at the push; a registry had some blobs already, and their known forms were named
again; the empty layer stood in its form of old. So, in this order: each pusher with each of its encoders; each pusher
with an encoder of another; every split into lower and upper layers between two encoders; learned forms laid over them.

Tries are joined from parts and hashed, see :mod:`.trial`; a hit is built anew, and only that counts.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations

from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import Digest
from imgforensics.recompress import ENCODERS
from imgforensics.reconstruct.build import LayerDescriptor, NotDerivableError
from imgforensics.reconstruct.candidates import Bench, Candidate, UploadedLayer, candidate, encodings, learned_form
from imgforensics.reconstruct.evidence import Ranked
from imgforensics.reconstruct.ledger import Ledger
from imgforensics.reconstruct.material import EMPTY_LAYER, Piece
from imgforensics.reconstruct.pusher import STORED
from imgforensics.reconstruct.trial import ROW, Allowance, Speller

OLD_EMPTY_LAYER = LayerDescriptor(
    Digest.sha256("a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"), 32, EMPTY_LAYER
)
"""The empty layer as Go up to 1.7 compressed it; written into programs as a constant."""

FORMS = 4
"""Learned forms of one layer that are tried."""

_Row = tuple[int, ...]
"""The form of each layer, lowest first, as a number among all forms that the search met."""


class Search:
    """Looks for digests among everything that may have been pushed for one image."""

    def __init__(
        self, bench: Bench, ranked: Sequence[Ranked], ledger: Ledger | None, allowance: Allowance | None = None
    ) -> None:
        """Begin with what is known of the layers.

        Args:
            bench: the image.
            ranked: the pushers, the likeliest first.
            ledger: learned layers.
            allowance: how much may be tried for all images of the archive; None for this image alone.
        """
        self._bench = bench
        self._ranked = ranked
        self._allowance = allowance or Allowance(DEFAULT_LIMITS.search, 1)
        self._forms: list[UploadedLayer] = []
        self._descriptors: list[LayerDescriptor] = []
        self._numbers: dict[object, int] = {}
        self._known = {
            diff_id: tuple(map(self._number, forms)) for diff_id, forms in _known(bench.material.pieces, ledger).items()
        }
        self._empty = [piece.diff_id == EMPTY_LAYER for piece in bench.material.pieces]
        self._learned = [self._known.get(piece.diff_id, ()) for piece in bench.material.pieces]
        self._depths = sorted({_run(self._learned), sum(map(bool, self._learned))} - {0})
        self._rows_made: dict[tuple[str, bool], _Row | None] = {}
        self._spellers: list[tuple[Ranked, Speller]] | None = None
        self._used: set[int] = set()
        self.attempts = 0
        """Manifests that were hashed."""
        self.gave_up = False
        """Whether the bound on tries ended it."""

    @property
    def encoders(self) -> tuple[str, ...]:
        """What made the layers in the manifests that were hashed: encoders as they were met, then found forms."""
        names = dict.fromkeys(self._forms[number].encoder for number in sorted(self._used))
        return tuple(sorted(names, key=lambda name: name not in ENCODERS))

    def find(self, wanted: set[Digest]) -> Iterator[Candidate]:
        """Every candidate of a wanted digest, as soon as it is found; ends when all were, or nothing is left to try.

        Encodings are made one after the other, and everything that can be written with those at hand is tried before
        the next: a search that succeeds early costs little.
        """
        open_ = {bytes.fromhex(each.encoded): each for each in wanted if each.algorithm == "sha256"}
        self._allowance.begin()
        for encoding in self._encodings() if self._complete() else ():
            if not open_:
                return
            if self._allowance.spent:
                self.gave_up = True
                return
            self._bench.make(encoding)
            for ranked, row, hashed in self._tries(encoding):
                if hashed in open_:
                    found = candidate(self._bench, ranked, tuple(self._forms[number] for number in row))
                    if found.digest == open_[hashed]:
                        del open_[hashed]
                        yield found
                if not open_:
                    return
            if self.gave_up:
                return

    def _complete(self) -> bool:
        """Whether every layer can be had in some form; else no manifest can be written, and none needs compressing."""
        return all(
            piece.member is not None or piece.foreign is not None or piece.diff_id in self._known
            for piece in self._bench.material.pieces
        )

    def _encodings(self) -> Iterator[str]:
        """What to try, in order: stored blobs, the pushers' own encoders by rank, those that they meet, all others."""
        own = [name for ranked in self._ranked for name in encodings(ranked.pusher)[:1]]
        other = [name for ranked in self._ranked for name in (*encodings(ranked.pusher), *ranked.pusher.reuses)]
        known = [name for name in (*own, *other) if name in ENCODERS]
        yield from dict.fromkeys((STORED, *known))

    def _tries(self, newest: str) -> Iterator[tuple[Ranked, _Row, bytes]]:
        """Layers for each pusher, with the newest encoding somewhere in them, and SHA-256 of the manifest."""
        for ranked, speller in self._pushers():
            for row in self._rows(newest, keep=ranked.stored):
                if self._allowance.spent:
                    self.gave_up = True
                    return
                self._allowance.spend(ROW + len(row))
                try:
                    fragments = speller.fragments(row, self._descriptors)
                except NotDerivableError:
                    continue
                self.attempts += 1
                self._used.update(row)
                yield ranked, row, speller.hash(fragments)

    def _pushers(self) -> list[tuple[Ranked, Speller]]:
        """The pushers that can upload the image at all; of those that would write the same, the likeliest."""
        if self._spellers is None:
            self._spellers = []
            seen = []
            for ranked in self._ranked:
                if self._allowance.spent:
                    break
                pusher = ranked.pusher
                try:
                    speller = Speller(pusher, self._bench.material, self._allowance)
                except NotDerivableError:
                    continue
                key = pusher.style, pusher.types, pusher.layer_types, speller.frame, ranked.stored
                if key not in seen:
                    seen.append(key)
                    self._spellers.append((ranked, speller))
        return self._spellers

    def _rows(self, newest: str, *, keep: bool) -> Iterator[_Row]:
        """Rows that were not there before the newest encoding was."""
        whole = self._row(newest, keep=keep)
        others = [self._row(other, keep=keep) for other in self._bench.made if other != newest]
        earlier = [row for row in dict.fromkeys((self._row(STORED, keep=keep), *others)) if row is not None]
        if whole is None or (newest != STORED and whole in earlier):
            return
        yield from dict.fromkeys(self._overlaid(whole))
        for other in earlier if newest != STORED else ():
            for low, high in permutations((whole, other), 2):
                before: set[_Row] = set()
                # Between layers that are the same in both, it makes no difference where the split is.
                for split in [index for index, (a, b) in enumerate(zip(low, high, strict=True)) if a != b][1:]:
                    rows = dict.fromkeys(self._overlaid(low[:split] + high[split:]))
                    yield from (row for row in rows if row not in before)
                    before = set(rows)

    def _row(self, encoding: str, *, keep: bool) -> _Row | None:
        """All layers by one encoder; None where one is in no such form."""
        key = encoding, keep
        if key not in self._rows_made:
            self._rows_made[key] = self._make_row(encoding, keep=keep)
        return self._rows_made[key]

    def _make_row(self, encoding: str, *, keep: bool) -> _Row | None:
        row = []
        for piece in self._bench.material.pieces:
            try:
                row.append(self._number(self._bench.layer(piece, encoding, keep=keep)))
            except NotDerivableError:
                known = self._known.get(piece.diff_id)
                if not known:
                    return None
                row.append(known[0])
        return tuple(row)

    def _number(self, form: UploadedLayer) -> int:
        """The number of a form; what is described alike is the same form, whatever made it."""
        each = form.descriptor
        annotations = tuple(each.annotations.items())
        key = each.digest, each.size, each.compression, each.media_type, each.urls, annotations
        if key not in self._numbers:
            self._numbers[key] = len(self._forms)
            self._forms.append(form)
            self._descriptors.append(each)
        return self._numbers[key]

    def _overlaid(self, row: _Row) -> Iterator[_Row]:
        """The layers as they are, and with forms of some of them that exist elsewhere."""
        yield row
        if any(self._empty):
            old = self._number(UploadedLayer(OLD_EMPTY_LAYER, "go1.7-6"))
            yield tuple(old if empty else form for form, empty in zip(row, self._empty, strict=True))
        for choice in range(min(FORMS, max(map(len, self._learned), default=0))):
            for depth in self._depths:
                yield _laid_over(row, self._learned, choice, depth)


def _laid_over(row: _Row, learned: Sequence[_Row], choice: int, depth: int) -> _Row:
    """Layers of which the lowest ``depth`` known ones are in a learned form, the one of number ``choice``."""
    laid = []
    for form, forms in zip(row, learned, strict=True):
        if forms and depth:
            depth -= 1
            laid.append(forms[min(choice, len(forms) - 1)])
        else:
            laid.append(form)
    return tuple(laid)


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
        piece.diff_id: tuple(learned_form(layer) for layer in found)
        for piece in pieces
        if (found := ledger.layers(piece.diff_id))
    }
