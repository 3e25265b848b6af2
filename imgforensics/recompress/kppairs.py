"""The matchers of levels 5 and 6 of Go 1.27's compress/flate and of klauspost/compress: two hash tables, one of pairs.

One table is of four-byte hashes, the other of seven-byte hashes with the last two positions of each. Long matches are
tried first, and a match is given up for one that ends further on. Where candidates compete, no more than 254 bytes
behind their first four are compared. All else is as in :mod:`~imgforensics.recompress.kpsingle`.
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
        hash4,
        hash7,
        latest,
        pushed,
        put_match,
    )
    from imgforensics.recompress.sequences import Sequences
    from imgforensics.recompress.words import common, load64


def level5(  # noqa: C901, PLR0912, PLR0915
    data: Octets,
    start: int,
    end: int,
    bias: int,
    short: array[int],
    long: array[int],
    out: Sequences,
    lits: bytearray,
    runs: array[int],
    matches: array[int],
    longest: int,
    onward: int,
) -> int:
    """Find the matches of ``data[start:end]``; arguments as for :func:`~imgforensics.recompress.kpsingle.level1`.

    Args:
        data: Content.
        start: Where the block begins.
        end: Where it ends.
        bias: What the tables add to positions.
        short: One position for each four-byte hash, type code ``I``.
        long: Two positions for each seven-byte hash, type code ``Q``.
        out: Takes what is found; has room for the block.
        lits: Its literals.
        runs: Its runs.
        matches: Its matches.
        longest: Length of the pieces of long matches.
        onward: How far behind the start of a match a better one that ends further on is taken to start: 2, or 0 in
            klauspost/compress up to 1.15.9.
    """
    limit = end - 11
    lit_count = count = 0
    done = at = start
    word = load64(data, at)
    while True:
        ahead = at
        length = 0
        while True:
            at = ahead
            ahead = at + 1 + ((at - done) >> 6)
            if ahead > limit:
                return close_sequences(out, lits, lit_count, count, data, done, end)
            slot = hash4(word, 15)
            long_slot = hash7(word, 15)
            pair = long[long_slot]
            near = short[slot] - bias
            candidate = latest(pair) - bias
            following = load64(data, ahead)
            short[slot] = at + bias
            long[long_slot] = pushed(pair, at + bias)
            if at - candidate < 32768:
                other = earlier(pair) - bias
                if agree4(data, candidate, word):
                    short[hash4(following, 15)] = ahead + bias
                    slot = hash7(following, 15)
                    long[slot] = pushed(long[slot], ahead + bias)
                    if at - other < 32768 and agree4(data, other, word):
                        length = 4 + common(data, at + 4, candidate + 4, min(254, end - at - 4))
                        rival = 4 + common(data, at + 4, other + 4, min(254, end - at - 4))
                        if rival > length:
                            candidate = other
                            length = rival
                    break
                if at - other < 32768 and agree4(data, other, word):
                    candidate = other
                    short[hash4(following, 15)] = ahead + bias
                    slot = hash7(following, 15)
                    long[slot] = pushed(long[slot], ahead + bias)
                    break
            if at - near < 32768 and agree4(data, near, word):
                candidate = near
                length = 4 + common(data, at + 4, candidate + 4, min(254, end - at - 4))
                slot = hash7(following, 15)
                pair = long[slot]
                short[hash4(following, 15)] = ahead + bias
                long[slot] = pushed(pair, ahead + bias)
                other = latest(pair) - bias
                if ahead - other < 32768:
                    if agree4(data, other, following):
                        rival = 4 + common(data, ahead + 4, other + 4, min(254, end - ahead - 4))
                        if rival > length:
                            candidate = other
                            at = ahead
                            length = rival
                            break
                    other = earlier(pair) - bias
                    if ahead - other < 32768 and agree4(data, other, following):
                        rival = 4 + common(data, ahead + 4, other + 4, min(254, end - ahead - 4))
                        if rival > length:
                            candidate = other
                            at = ahead
                            length = rival
                break
            word = following
        if length == 0:
            length = 4 + common(data, at + 4, candidate + 4, end - at - 4)
        elif length == 258:
            length += common(data, at + length, candidate + length, end - at - length)
        if length < 30 and at + length < limit:
            other = latest(long[hash7(load64(data, at + length), 15)]) - bias - length + onward
            onset = at + onward
            if 0 < onset - other < 32768 and other >= 0:
                rival = common(data, onset, other, end - onset)
                if rival > length:
                    candidate = other
                    length = rival
                    at = onset
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
            return close_sequences(out, lits, lit_count, count, data, done, end)
        inside = at - length + 1
        if inside < at - 1:
            word = load64(data, inside)
            short[hash4(word, 15)] = inside + bias
            slot = hash7(word, 15)
            long[slot] = pushed(long[slot], inside + bias)
            slot = hash7(word >> 8, 15)
            long[slot] = pushed(long[slot], inside + 1 + bias)
            short[hash4(word >> 16, 15)] = inside + 2 + bias
            inside += 4
            while inside < at - 1:
                word = load64(data, inside)
                slot = hash7(word, 15)
                long[slot] = pushed(long[slot], inside + bias)
                short[hash4(word >> 8, 15)] = inside + 1 + bias
                inside += 3
        word = load64(data, at - 1)
        short[hash4(word, 15)] = at - 1 + bias
        slot = hash7(word, 15)
        long[slot] = pushed(long[slot], at - 1 + bias)
        word >>= 8


def level6(  # noqa: C901, PLR0912, PLR0915
    data: Octets,
    start: int,
    end: int,
    bias: int,
    short: array[int],
    long: array[int],
    out: Sequences,
    lits: bytearray,
    runs: array[int],
    matches: array[int],
    longest: int,
    onward: int,
) -> int:
    """Find the matches of ``data[start:end]``; arguments as for :func:`level5`.

    Other than at level 5, the distance of the match before is tried one position ahead, and both positions of a slot
    when a better match is looked for that ends further on.
    """
    limit = end - 11
    lit_count = count = 0
    done = at = start
    word = load64(data, at)
    last_distance = 1
    while True:
        ahead = at
        length = 0
        while True:
            at = ahead
            ahead = at + 1 + ((at - done) >> 7)
            if ahead > limit:
                return close_sequences(out, lits, lit_count, count, data, done, end)
            slot = hash4(word, 15)
            long_slot = hash7(word, 15)
            pair = long[long_slot]
            near = short[slot] - bias
            candidate = latest(pair) - bias
            following = load64(data, ahead)
            short[slot] = at + bias
            long[long_slot] = pushed(pair, at + bias)
            if at - candidate < 32768:
                other = earlier(pair) - bias
                if agree4(data, candidate, word):
                    short[hash4(following, 15)] = ahead + bias
                    slot = hash7(following, 15)
                    long[slot] = pushed(long[slot], ahead + bias)
                    if at - other < 32768 and agree4(data, other, word):
                        length = 4 + common(data, at + 4, candidate + 4, min(254, end - at - 4))
                        rival = 4 + common(data, at + 4, other + 4, min(254, end - at - 4))
                        if rival > length:
                            candidate = other
                            length = rival
                    break
                if at - other < 32768 and agree4(data, other, word):
                    candidate = other
                    short[hash4(following, 15)] = ahead + bias
                    slot = hash7(following, 15)
                    long[slot] = pushed(long[slot], ahead + bias)
                    break
            if at - near < 32768 and agree4(data, near, word):
                candidate = near
                length = 4 + common(data, at + 4, candidate + 4, min(254, end - at - 4))
                slot = hash7(following, 15)
                pair = long[slot]
                short[hash4(following, 15)] = ahead + bias
                long[slot] = pushed(pair, ahead + bias)
                other = at - last_distance + 1
                if agree4(data, other, word >> 8):
                    rival = 4 + common(data, at + 5, other + 4, min(254, end - at - 5))
                    if rival > length:
                        candidate = other
                        length = rival
                        at += 1
                        break
                other = latest(pair) - bias
                if ahead - other < 32768:
                    if agree4(data, other, following):
                        rival = 4 + common(data, ahead + 4, other + 4, min(254, end - ahead - 4))
                        if rival > length:
                            candidate = other
                            at = ahead
                            length = rival
                    other = earlier(pair) - bias
                    if ahead - other < 32768 and agree4(data, other, following):
                        rival = 4 + common(data, ahead + 4, other + 4, min(254, end - ahead - 4))
                        if rival > length:
                            candidate = other
                            at = ahead
                            length = rival
                break
            word = following
        if length == 0:
            length = 4 + common(data, at + 4, candidate + 4, end - at - 4)
        elif length == 258:
            length += common(data, at + length, candidate + length, end - at - length)
        if at + length < limit:
            pair = long[hash7(load64(data, at + length), 15)]
            onset = at + onward
            other = latest(pair) - bias - length + onward
            if onset - other < 32768:
                if onset > other >= 0:
                    rival = common(data, onset, other, end - onset)
                    if rival > length:
                        candidate = other
                        length = rival
                        at = onset
                other = earlier(pair) - bias - length + onward
                if 0 < onset - other < 32768 and other >= 0:
                    rival = common(data, onset, other, end - onset)
                    if rival > length:
                        candidate = other
                        length = rival
                        at = onset
        while candidate > 0 and at > done and data[candidate - 1] == data[at - 1]:
            at -= 1
            candidate -= 1
            length += 1
        copy_run(lits, lit_count, data, done, at - done)
        lit_count += at - done
        count = put_match(runs, matches, count, at - done, length, at - candidate, longest)
        last_distance = at - candidate
        at += length
        done = at
        if ahead >= at:
            at = ahead + 1
        if at >= limit:
            inside = ahead + 1
            while inside < end - 8:
                word = load64(data, inside)
                short[hash4(word, 15)] = inside + bias
                slot = hash7(word, 15)
                long[slot] = pushed(long[slot], inside + bias)
                inside += 2
            return close_sequences(out, lits, lit_count, count, data, done, end)
        inside = ahead + 1
        while inside < at - 1:
            word = load64(data, inside)
            short[hash4(word, 15)] = inside + bias
            slot = hash7(word, 15)
            long[slot] = pushed(long[slot], inside + bias)
            slot = hash7(word >> 8, 15)
            long[slot] = pushed(long[slot], inside + 1 + bias)
            inside += 2
        word = load64(data, at)
