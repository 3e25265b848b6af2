"""The matcher of Go's compress/flate at levels 4 to 9, Go 1.8 to 1.26; -1 is 6.

The algorithm, as Go defines it: every position is entered into chains of positions whose four bytes hash alike; the
chain of the current position is followed, nearest first, for at most ``chain`` candidates; the first longest match
wins, one of at least ``nice`` bytes ends the search; a match is put off by one byte in favour of a longer one that
begins there, unless it has ``lazy`` bytes already.

This implementation finds the same matches with less work. Three things make that possible:

* Every position is entered exactly once and in order, whatever is matched, so that chains are a function of the
  content. They are built ahead of the parse, in a loop of their own.
* A match longer than ``best`` contains all the groups of four bytes of the current position up to ``best - 3``, so that
  it is on the chain of *each* of them, shifted. Whichever chain leads farthest back can be followed instead; often one
  of them ends at once, and with it the search.
* Go's limit counts candidates of the chain of the position itself. Each position carries its running number in its
  chain (``ordinals``), so that the difference of two numbers tells how many candidates Go would have looked at.

Positions are indices into the window that the caller holds; ``rebase`` moves them. ``heads`` holds the last position of
each of 2**17 chains plus ``bias``, so that 0 is none and farther away than any match can reach, which is 32768 bytes.
``links`` leads from a position to the one before in its chain, as a distance, with 65535 for none; both it and
``ordinals`` are rings over the last 65536 positions.

The numbers stand in the hot loops as they are: compiled code would load a named one from memory every time.
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython
if not cython.compiled:
    from imgforensics.recompress.words import common, hash_big, load32

from imgforensics.recompress.encoder import Octets
from imgforensics.recompress.sequences import Sequences

MORE, FULL, DONE, STOPPED, AGREED = _MORE, _FULL, _DONE, _STOPPED, _AGREED = range(5)
"""Why a parse stopped: content is wanted, the sequences are full, the content has ended, the place to stop was reached,
another parse had been in the same state at the same place."""

_AHEAD = 8192
"""Positions that are entered at a time."""
_LOOKAHEAD = 262
"""Bytes behind the current position without which no step is taken before the content has ended."""
_SLIDE_AT = 65275
_WINDOW = 65536
"""Go's window slides by half, when less than the look-ahead is left; candidates before it are out of reach."""
_FAR = 65536
"""A distance out of reach."""
_HIGHEST_BIAS = 1 << 30
"""Heads stay well below 32 bits."""
_WALK = 2
"""Links followed to see where the chain of the last four bytes leads."""
_SPREAD = 16
"""Groups of four bytes among which the chain that leads farthest is chosen."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard a level tries."""

    lazy: int
    """A match of so many bytes is taken without looking at the next position."""
    nice: int
    """A match of so many bytes ends the search."""
    chain: int
    """Candidates looked at."""


EFFORTS = {
    4: Effort(4, 16, 16),
    5: Effort(16, 32, 32),
    6: Effort(16, 128, 128),
    7: Effort(32, 128, 256),
    8: Effort(128, 258, 1024),
    9: Effort(258, 258, 4096),
}
"""By level; Go 1.8 to 1.26."""


class LazyMatcher:
    """Chains and the state of a parse. Not for several threads at once."""

    def __init__(self, effort: Effort) -> None:
        self.lazy = effort.lazy
        self.nice = effort.nice
        self.chain = effort.chain
        self.window: Octets = b""
        self.bias = _FAR
        self.heads = array("I", bytes(4 << 17))
        self.links = array("H", b"\xff" * (2 * 65536))
        self.ordinals = array("H", bytes(2 * 65536))
        self.entered = 0
        self.at = 0
        """The current position."""
        self.base = 0
        """Where Go's window begins."""
        self.match_length = 3
        """The match at the position before, to which a longer one is preferred; 3 is none."""
        self.match_distance = 0
        self.stop = sys.maxsize
        self.trail = bytearray()
        self.trail_start = 0
        self.trail_end = 0
        self.compare = False
        self.pending = 0
        """1 if the byte before the current position is neither a literal yet nor in a match."""

    def rebase(self, shift: int) -> None:
        """Follow the window: its first ``shift`` bytes, a multiple of 65536, are gone."""
        self._shift(shift)
        self.entered -= shift
        self.at -= shift
        self.base -= shift

    def parse(self, window: Octets, end: int, final: bool, sequences: Sequences, tokens: int) -> int:
        """Find literals and matches.

        Args:
            window: Content, from at least 32768 bytes before the current position on, if there is as much.
            end: Where the content in the window ends; it is read no farther.
            final: Whether the content ends there, too.
            sequences: Takes what is found.
            tokens: How many literals and matches there may be in it.

        Returns:
            MORE, FULL, DONE or what ``watch`` brings about.
        """
        self.window = window
        with cython.nogil:
            return self._parse(end, final, sequences.lits, sequences.runs, sequences.matches, sequences, tokens)

    def begin(self, at: int, base: int, entered: int) -> None:
        """Start somewhere in the content, with nothing put off and nothing pending.

        Args:
            at: The position.
            base: Where Go's window would begin.
            entered: The first position that matters to the chains, at most 32768 before.
        """
        self._shift(max(self.entered - entered, 0) + _FAR)  # everything entered so far is out of reach
        self.match_length = 3
        self.pending = 0
        self.at = at
        self.base = base
        self.entered = entered

    def watch(self, stop: int, trail: bytearray, start: int, compare: bool) -> None:
        """Have parses stop at a place, and leave a trail or follow one.

        A parse is fixed by the content, the position, the match that is put off, and whether a byte is pending. Where
        two parses of the same content are in the same state at the same position, they are the same from there on. The
        trail has a byte for each position: 1 plus ``pending`` where a step began with no match put off, else 0.

        Args:
            stop: The first position at which no step begins.
            trail: The trail.
            start: The position to which its first byte belongs.
            compare: Whether to stop where the trail has the same state, instead of writing it.
        """
        self.stop = stop
        self.trail = trail
        self.trail_start = start
        self.trail_end = start + len(trail)
        self.compare = compare

    def _shift(self, shift: int) -> int:
        """Move what was entered so far back; rarely is it necessary to touch it."""
        self.bias += shift
        if self.bias > _HIGHEST_BIAS:
            heads = self.heads
            gone = self.bias - _FAR
            for slot in range(1 << 17):
                head = heads[slot]
                heads[slot] = head - gone if head > gone else 0
            self.bias = _FAR
        return 0

    def _enter(self, stop: int) -> int:
        """Enter positions up to ``stop`` into the chains."""
        window = self.window
        heads = self.heads
        links = self.links
        ordinals = self.ordinals
        bias = self.bias
        ordinal = 0
        last_slot = 1 << 17
        for at in range(self.entered, stop):
            slot = hash_big(window, at, 17)
            if slot == last_slot:  # a run of one byte: do not wait for what was just written
                links[at & 65535] = 1
                ordinal += 1
            else:
                link = at + bias - heads[slot]
                links[at & 65535] = 65535 if link > 32768 else link
                ordinal = ordinals[(at - link) & 65535] + 1
                last_slot = slot
            heads[slot] = at + bias
            ordinals[at & 65535] = ordinal & 65535
        self.entered = stop
        return 0

    def _parse(
        self,
        end: int,
        final: bool,
        lits: bytearray,
        runs: array[int],
        matches: array[int],
        sequences: Sequences,
        tokens: int,
    ) -> int:
        window = self.window
        at = self.at
        base = self.base
        length = self.match_length
        distance = self.match_distance
        pending = self.pending
        lit_count = sequences.lit_count
        count = sequences.count
        run = sequences.run
        room = tokens - lit_count - count
        enterable = end - 3
        entered = self.entered
        status = _FULL
        while room > 0:
            if at >= base + _SLIDE_AT and end > base + _WINDOW:
                base += _WINDOW // 2
            if at < self.trail_end and length == 3:
                if self.compare:
                    if self.trail[at - self.trail_start] == pending + 1:
                        status = _AGREED
                        break
                else:
                    self.trail[at - self.trail_start] = pending + 1
            if at >= self.stop:
                status = _STOPPED
                break
            look = end - at
            if look < _LOOKAHEAD and (look == 0 or not final):
                status = _MORE
                if final:
                    status = _DONE
                    if pending:
                        lits[lit_count] = window[at - 1]
                        lit_count += 1
                        run += 1
                        pending = 0
                break
            if entered < at + _LOOKAHEAD and entered < enterable:
                entered = min(at + _LOOKAHEAD + _AHEAD, enterable)
                self._enter(entered)
            last_length = length
            last_distance = distance
            length = 3
            if last_length < self.lazy and look > last_length:
                low = max(base, at - 32768)
                found = self._search(at, low, min(look, 258), last_length)
                if found:
                    length = found & 0xFFFF
                    distance = found >> 16
            if last_length >= 4 and length <= last_length:
                runs[count] = run
                matches[count] = (last_length - 3) << 16 | (last_distance - 1)
                count += 1
                room -= 1
                run = 0
                at += last_length - 1
                pending = 0
                length = 3
            else:
                if pending:
                    lits[lit_count] = window[at - 1]
                    lit_count += 1
                    run += 1
                    room -= 1
                at += 1
                pending = 1
        self.at = at
        self.base = base
        self.match_length = length
        self.match_distance = distance
        self.pending = pending
        sequences.lit_count = lit_count
        sequences.count = count
        sequences.run = run
        return status

    def _search(self, at: int, low: int, limit: int, best: int) -> int:
        """The match that Go finds at a position, if longer than ``best``.

        Args:
            at: The position.
            low: Where the nearest candidate that is out of reach ends.
            limit: Length of the longest match that there can be.
            best: Length of the match to beat, 3 for none.

        Returns:
            Distance and length in one number, ``distance << 16 | length``; 0 for none.

        At most ``chain`` candidates of the position's own chain are looked at, and as many of other chains.
        """
        found = 0
        enough = min(self.nice, limit)
        ordinal = self.ordinals[at & 65535]
        # The chain in use: of the four bytes `shift` behind the position. `here` is the last place looked at.
        shift = 0
        link = self.links[at & 65535]
        for other in range(1, min(best - 3, _SPREAD) + 1):
            if self.links[(at + other) & 65535] > link:
                link = self.links[(at + other) & 65535]
                shift = other
        here = at + shift
        floor = low + shift
        # Four bytes of a candidate that decide whether it is compared: those on the side where it may differ
        probe = 0 if shift == best - 3 else best - 3
        wanted = load32(self.window, at + probe)
        # Where the position's own chain can be taken up again; how many candidates of it, and of others, are left
        anchor = at
        left = self.chain
        spare = self.chain
        while here >= floor + link:
            here -= link
            if shift == 0:
                if left == 0:
                    break
                left -= 1
            elif spare == 0:
                shift = 0
                here = anchor
                floor = low
                link = self.links[here & 65535]
                probe = best - 3
                wanted = load32(self.window, at + probe)
                continue
            else:
                spare -= 1
            place = here - shift
            if load32(self.window, place + probe) == wanted:
                length = common(self.window, place, at, limit)
                if length > best and (length > 4 or at - place <= 4096):
                    rank = (ordinal - self.ordinals[place & 65535]) & 65535
                    if rank > self.chain:
                        break
                    best = length
                    found = (at - place) << 16 | length
                    if length >= enough:
                        break
                    anchor = place
                    left = self.chain - rank
                    # Where do the last four bytes of the next longer match lead?
                    ahead = at + best - 3
                    floor = low + best - 3
                    for _ in range(_WALK):
                        link = self.links[ahead & 65535]
                        if ahead < floor + link:
                            return found
                        ahead -= link
                        if ahead < place + best - 3:
                            break
                    shift = 0
                    link = self.links[place & 65535]
                    for other in range(1, min(best - 4, _SPREAD) + 1):
                        if self.links[(place + other) & 65535] > link:
                            link = self.links[(place + other) & 65535]
                            shift = other
                    if ahead < place + best - 3 and place + best - 3 - ahead >= link:
                        shift = best - 3
                        here = ahead
                        link = 0
                        probe = 0
                    else:
                        here = place + shift
                        floor = low + shift
                        probe = best - 3
                    wanted = load32(self.window, at + probe)
                    continue
            link = self.links[here & 65535]
        return found
