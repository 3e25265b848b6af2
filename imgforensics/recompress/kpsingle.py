"""The matchers of levels 1 to 3 of Go 1.27's compress/flate and of klauspost/compress: one table of five-byte hashes.

A matcher walks over one block of the content and notes what it has seen in a table, which lives on in the next block;
matches may begin in earlier blocks and end with the block. Positions are indices of ``data``, which holds at least the
32768 bytes before the block. The table holds positions plus ``bias``, more than 32768, so that its zeros are out of
reach.

Common to all levels: the further the last match lies behind, the longer the steps; a match grows backwards over
literals, but not over the match before; then the table learns some of the positions inside.

Each function is one long piece because its variables have to stay in registers, and the numbers stand in it as they are
because compiled code would load named ones from memory every time: 32768 is the longest distance, the last 11 bytes of
a block are where no search begins, and the last argument of a hash is its bits.
"""

from __future__ import annotations

from array import array

from imgforensics.recompress.encoder import Octets

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython

if not cython.compiled:
    from imgforensics.recompress.lzwords import (
        agree4,
        close_sequences,
        copy_run,
        earlier,
        hash5,
        latest,
        pushed,
        put_match,
    )
    from imgforensics.recompress.sequences import Sequences
    from imgforensics.recompress.words import common, load64


def level1(  # noqa: PLR0915
    data: Octets,
    start: int,
    end: int,
    bias: int,
    table: array[int],
    out: Sequences,
    lits: bytearray,
    runs: array[int],
    matches: array[int],
    longest: int,
) -> int:
    """Find the matches of ``data[start:end]``.

    Args:
        data: Content, with eight bytes of no meaning behind ``end``.
        start: Where the block begins.
        end: Where the block ends, at least 128 bytes further on.
        bias: What the table adds to positions.
        table: One position for each hash, type code ``I``.
        out: Takes what is found; has room for the block.
        lits: Its literals.
        runs: Its runs.
        matches: Its matches.
        longest: Length of the pieces of long matches, see :func:`~imgforensics.recompress.lzwords.put_match`.
    """
    limit = end - 11
    lit_count = count = 0
    done = at = start
    word = load64(data, at)
    while True:
        ahead = at
        while True:
            slot = hash5(word, 15)
            candidate = table[slot] - bias
            ahead = at + 2 + ((at - done) >> 5)
            if ahead > limit:
                return close_sequences(out, lits, lit_count, count, data, done, end)
            following = load64(data, ahead)
            table[slot] = at + bias
            slot = hash5(following, 15)
            if at - candidate < 32768 and agree4(data, candidate, word):
                table[slot] = ahead + bias
                break
            word = following
            at = ahead
            ahead += 1
            candidate = table[slot] - bias
            following >>= 8
            table[slot] = at + bias
            if at - candidate < 32768 and agree4(data, candidate, word):
                table[slot] = ahead + bias  # although the slot is that of the position before
                break
            word = following
            at = ahead
        while True:
            length = 4 + common(data, at + 4, candidate + 4, end - at - 4)
            while candidate > 0 and at > done and data[candidate - 1] == data[at - 1]:
                at -= 1
                candidate -= 1
                length += 1
            copy_run(lits, lit_count, data, done, at - done)
            lit_count += at - done
            count = put_match(runs, matches, count, at - done, length, at - candidate, longest)
            at += length
            done = at
            if ahead >= at:
                at = ahead + 1
            if at >= limit:
                if at + length + 8 < end:
                    table[hash5(load64(data, at), 15)] = at + bias
                return close_sequences(out, lits, lit_count, count, data, done, end)
            table[hash5(load64(data, at - 2), 15)] = at - 2 + bias
            word = load64(data, at)
            slot = hash5(word, 15)
            candidate = table[slot] - bias
            table[slot] = at + bias
            if at - candidate > 32768 or not agree4(data, candidate, word):
                at += 1
                word = load64(data, at)
                break


def level2(  # noqa: PLR0915
    data: Octets,
    start: int,
    end: int,
    bias: int,
    table: array[int],
    out: Sequences,
    lits: bytearray,
    runs: array[int],
    matches: array[int],
    longest: int,
) -> int:
    """Find the matches of ``data[start:end]``; arguments as for :func:`level1`."""
    limit = end - 11
    lit_count = count = 0
    done = at = start
    word = load64(data, at)
    while True:
        ahead = at
        while True:
            slot = hash5(word, 17)
            at = ahead
            ahead = at + 2 + ((at - done) >> 5)
            if ahead > limit:
                return close_sequences(out, lits, lit_count, count, data, done, end)
            candidate = table[slot] - bias
            following = load64(data, ahead)
            table[slot] = at + bias
            slot = hash5(following, 17)
            if at - candidate < 32768 and agree4(data, candidate, word):
                table[slot] = ahead + bias
                break
            word = following
            at = ahead
            ahead += 1
            candidate = table[slot] - bias
            following >>= 8
            table[slot] = at + bias
            if at - candidate < 32768 and agree4(data, candidate, word):
                break
            word = following
        while True:
            length = 4 + common(data, at + 4, candidate + 4, end - at - 4)
            while candidate > 0 and at > done and data[candidate - 1] == data[at - 1]:
                at -= 1
                candidate -= 1
                length += 1
            copy_run(lits, lit_count, data, done, at - done)
            lit_count += at - done
            count = put_match(runs, matches, count, at - done, length, at - candidate, longest)
            at += length
            done = at
            if ahead >= at:
                at = ahead + 1
            if at >= limit:
                if at + length + 8 < end:
                    table[hash5(load64(data, at), 17)] = at + bias
                return close_sequences(out, lits, lit_count, count, data, done, end)
            inside = at - length + 2
            while inside < at - 5:
                word = load64(data, inside)
                table[hash5(word, 17)] = inside + bias
                table[hash5(word >> 16, 17)] = inside + 2 + bias
                table[hash5(word >> 32, 17)] = inside + 4 + bias
                inside += 7
            word = load64(data, at - 2)
            table[hash5(word, 17)] = at - 2 + bias
            table[hash5(word >> 8, 17)] = at - 1 + bias
            word >>= 16
            slot = hash5(word, 17)
            candidate = table[slot] - bias
            table[slot] = at + bias
            if at - candidate > 32768 or not agree4(data, candidate, word):
                at += 1
                word >>= 8
                break


def level3(  # noqa: C901, PLR0912, PLR0915
    data: Octets,
    start: int,
    end: int,
    bias: int,
    table: array[int],
    out: Sequences,
    lits: bytearray,
    runs: array[int],
    matches: array[int],
    longest: int,
) -> int:
    """Find the matches of ``data[start:end]``; arguments as for :func:`level1`.

    Here ``table`` has two positions for each hash, type code ``Q``: the latest in the low half, the one before in the
    high half.
    """
    limit = end - 11
    lit_count = count = 0
    done = at = start
    word = load64(data, at)
    while True:
        ahead = at
        while True:
            slot = hash5(word, 16)
            at = ahead
            ahead = at + 1 + ((at - done) >> 7)
            if ahead > limit:
                return close_sequences(out, lits, lit_count, count, data, done, end)
            pair = table[slot]
            candidate = latest(pair) - bias
            other = earlier(pair) - bias
            following = load64(data, ahead)
            oldest = at - 32764
            table[slot] = pushed(pair, at + bias)
            if candidate < oldest:
                word = following
                continue
            if agree4(data, candidate, word):
                if (
                    other >= oldest
                    and agree4(data, other, word)
                    and common(data, at + 4, other + 4, end - at - 4)
                    > common(data, at + 4, candidate + 4, end - at - 4)
                ):
                    candidate = other
                break
            if other > oldest and agree4(data, other, word):
                candidate = other
                break
            word = following
        while True:
            length = 4 + common(data, at + 4, candidate + 4, end - at - 4)
            while candidate > 0 and at > done and data[candidate - 1] == data[at - 1]:
                at -= 1
                candidate -= 1
                length += 1
            copy_run(lits, lit_count, data, done, at - done)
            lit_count += at - done
            count = put_match(runs, matches, count, at - done, length, at - candidate, longest)
            at += length
            done = at
            if ahead >= at:
                at = ahead + 1
            if at >= limit:
                candidate += length
                if candidate + 8 < end and candidate > 0:
                    slot = hash5(load64(data, candidate), 16)
                    table[slot] = pushed(table[slot], candidate + bias)
                return close_sequences(out, lits, lit_count, count, data, done, end)
            inside = at - length + 2
            while inside < at - 5:
                slot = hash5(load64(data, inside), 16)
                table[slot] = pushed(table[slot], inside + bias)
                inside += 6
            word = load64(data, at - 2)
            slot = hash5(word, 16)
            table[slot] = pushed(table[slot], at - 2 + bias)
            word >>= 8
            slot = hash5(word, 16)
            table[slot] = pushed(table[slot], at - 1 + bias)
            word >>= 8
            slot = hash5(word, 16)
            pair = table[slot]
            candidate = latest(pair) - bias
            other = earlier(pair) - bias
            oldest = at - 32764
            table[slot] = pushed(pair, at + bias)
            if candidate > oldest:
                if agree4(data, candidate, word):
                    continue
                if other > oldest and agree4(data, other, word):
                    candidate = other
                    continue
            word >>= 8
            at += 1
            break
