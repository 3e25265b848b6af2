"""The matcher of Go's compress/flate at level 1, Go 1.8 to 1.26.

Blocks are matched one by one against a table with the last position of each hash of four bytes. Where nothing is found
for a while, ever more positions are skipped. ``table`` holds, for each of 2**14 hashes, a position plus 65536 in the
upper half, and the four bytes there in the lower; 0 is none, farther away than the 32768 bytes that a match can reach.

Positions are indices into the window that the caller holds; ``rebase`` moves them. Numbers stand in the hot loop as
they are: compiled code would load a named one from memory every time.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython
if not cython.compiled:
    from imgforensics.recompress.words import common, hash_little, load32, load64, low32, store64

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.sequences import Sequences


class FastMatcher:
    """The table that one block leaves to the next. Not for several threads at once."""

    def __init__(self) -> None:
        self.table = array("Q", bytes(8 << 14))

    def reset(self) -> None:
        """Begin again."""
        for slot in range(1 << 14):
            self.table[slot] = 0

    def rebase(self, shift: int) -> int:
        """Follow the window: its first ``shift`` bytes are gone."""
        for slot in range(1 << 14):
            entry = self.table[slot]
            position = entry >> 32
            self.table[slot] = entry - (shift << 32) if position > shift else 0
        return 0

    def match(self, window: Octets, start: int, stop: int, sequences: Sequences) -> int:
        """Find the literals and matches of a block.

        Args:
            window: Content, from at least 32768 bytes before the block on, if there is as much.
            start: Where the block begins.
            stop: Where it ends, 128 to 65535 bytes farther.
            sequences: Takes what is found.

        Returns:
            0, always: compiled code calls it without the interpreter's lock.
        """
        return self._match(window, start, stop, sequences, sequences.lits, sequences.runs, sequences.matches)

    def snapshot(self, at: int) -> bytes:
        """What matters of the table to blocks from a position on: two tables with the same snapshot are the same.

        For each slot the distance to its position, as two bytes, or 0 if it is out of reach.
        """
        distances = array("H", bytes(2 << 14))
        with cython.nogil:
            self._snapshot(at, distances)
        return bytes(distances)

    def _snapshot(self, at: int, distances: array[int]) -> int:
        for slot in range(1 << 14):
            distance = at + 65536 - (self.table[slot] >> 32)
            distances[slot] = distance if distance <= 32768 else 0
        return 0

    def _match(
        self,
        window: Octets,
        start: int,
        stop: int,
        sequences: Sequences,
        lits: bytearray,
        runs: array[int],
        matches: array[int],
    ) -> int:
        table = self.table
        lit_count = sequences.lit_count
        count = sequences.count
        limit = stop - 15
        done = start
        at = start
        value = load32(window, at)
        slot = hash_little(window, at, 14)
        while True:
            skip = 32
            distance = 0
            following = at
            while True:
                at = following
                following = at + (skip >> 5)
                skip += skip >> 5
                if following > limit:
                    break
                entry = table[slot]
                table[slot] = (at + 65536) << 32 | value
                distance = at + 65536 - (entry >> 32)
                if distance <= 32768 and low32(entry) == value:
                    break
                value = load32(window, following)
                slot = hash_little(window, following, 14)
            if following > limit:
                break
            run = at - done
            for behind in range(0, run, 8):  # `limit` is more than 8 bytes before the end
                store64(lits, lit_count + behind, load64(window, done + behind))
            lit_count += run
            while True:
                length = 4 + common(window, at + 4, at + 4 - distance, min(254, stop - at - 4))
                runs[count] = run
                matches[count] = (length - 3) << 16 | (distance - 1)
                count += 1
                run = 0
                at += length
                done = at
                if at >= limit:
                    break
                table[hash_little(window, at - 1, 14)] = (at - 1 + 65536) << 32 | load32(window, at - 1)
                value = load32(window, at)
                slot = hash_little(window, at, 14)
                entry = table[slot]
                table[slot] = (at + 65536) << 32 | value
                distance = at + 65536 - (entry >> 32)
                if distance > 32768 or low32(entry) != value:
                    break
            if at >= limit:
                break
            at += 1
            value = load32(window, at)
            slot = hash_little(window, at, 14)
        sequences.lit_count = lit_count
        sequences.count = count
        return sequences.add_literals(window, done, stop)
