"""The matcher of level 4 of Go 1.27's compress/flate and of klauspost/compress: two hash tables.

One table is of four-byte hashes, the other of seven-byte hashes; long matches are tried first. All else is as in
:mod:`~imgforensics.recompress.kpsingle`.
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
        hash4,
        hash7,
        put_match,
    )
    from imgforensics.recompress.sequences import Sequences
    from imgforensics.recompress.words import common, load64


def level4(  # noqa: PLR0915
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
) -> int:
    """Find the matches of ``data[start:end]``; arguments as for :func:`~imgforensics.recompress.kpsingle.level1`.

    ``short`` and ``long`` have one position for each hash, type codes ``I``.

    The original compares a candidate's *distance*, taken for an index of its buffer, where it means to compare the
    candidate. So here ``data`` has to begin with the same byte as the buffer of the original.
    """
    limit = end - 11
    lit_count = count = 0
    done = at = start
    word = load64(data, at)
    while True:
        ahead = at
        while True:
            at = ahead
            ahead = at + 1 + ((at - done) >> 6)
            if ahead > limit:
                return close_sequences(out, lits, lit_count, count, data, done, end)
            slot = hash4(word, 15)
            long_slot = hash7(word, 15)
            near = short[slot] - bias
            candidate = long[long_slot] - bias
            following = load64(data, ahead)
            short[slot] = at + bias
            long[long_slot] = at + bias
            if at - candidate < 32768 and agree4(data, candidate, word):
                break
            if at - near < 32768 and agree4(data, near, word):
                candidate = long[hash7(following, 15)] - bias
                if (
                    ahead - candidate < 32768
                    and agree4(data, candidate, following)
                    and common(data, ahead + 4, ahead - candidate + 4, end - ahead - 4)
                    > common(data, at + 4, near + 4, end - at - 4)
                ):
                    at = ahead
                else:
                    candidate = near
                break
            word = following
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
            if at + 8 < end:
                word = load64(data, at)
                short[hash4(word, 15)] = at + bias
                long[hash7(word, 15)] = at + bias
            return close_sequences(out, lits, lit_count, count, data, done, end)
        inside = ahead
        while inside < at - 1:
            word = load64(data, inside)
            long[hash7(word, 15)] = inside + bias
            word >>= 8
            long[hash7(word, 15)] = inside + 1 + bias
            short[hash4(word, 15)] = inside + 1 + bias
            inside += 3
        word = load64(data, at - 1)
        short[hash4(word, 15)] = at - 1 + bias
        long[hash7(word, 15)] = at - 1 + bias
        word >>= 8
