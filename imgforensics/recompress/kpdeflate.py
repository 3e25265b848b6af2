"""DEFLATE streams as Go 1.27's compress/flate and klauspost/compress write them: content cut into blocks and compressed.

The two are one encoder: Go took over that of klauspost/compress, levels, quirks and all. A stream takes content in pieces
of any size; a block is compressed when it is full *and* more comes, so that the last one is known as such.
"""

from __future__ import annotations

from array import array

from imgforensics.recompress.encoder import Buffer
from imgforensics.recompress.kpdialect import Dialect

try:
    import cython
except ImportError:
    from imgforensics.recompress import plain as cython

if not cython.compiled:
    from imgforensics.recompress.kpblocks import BlockWriter
    from imgforensics.recompress.kpdouble import level4, level5, level6
    from imgforensics.recompress.kpsingle import level1, level2, level3
    from imgforensics.recompress.lzwords import earlier, latest, pushed
    from imgforensics.recompress.sequences import Sequences

BLOCK = 65535
"""Content of a block."""
REACH = 32768
"""Content before a block that its matches may begin in."""
BUFFER = 327675
"""Content kept before older content is dropped: five blocks, and part of level 4's output."""
SLACK = 8
"""Bytes behind the content that may be read in passing."""
FAR = 65536
"""A distance out of reach."""
HIGHEST_BIAS = 1 << 30
"""Positions in the tables stay well below 32 bits."""


class FastDeflate:
    """A stream of levels 1 to 6."""

    def __init__(self, level: int, dialect: Dialect) -> None:
        self.level = level
        self.longest = dialect.longest
        self.onward = dialect.onward
        self.writer = BlockWriter(dialect, 7)
        self.sequences = Sequences(BLOCK + SLACK)
        self.buffer = bytearray(BUFFER + BLOCK + SLACK)
        self.start = 0
        """Where the block that is being filled begins in ``buffer``."""
        self.end = 0
        self.bias = FAR
        self.short = array("I", bytes(4 << {2: 17}.get(level, 15)))
        self.long = array("I", bytes(4 << (15 if level == 4 else 0)))
        self.pairs = array("Q", bytes(8 << {3: 16, 5: 15, 6: 15}.get(level, 0)))

    def reset(self, dictionary: Buffer) -> int:
        """Begin another stream after :meth:`flush`, as if the dictionary were content before it.

        Args:
            dictionary: Nothing, or 128 to 65535 bytes.
        """
        self.bias += self.end + FAR  # puts whatever the tables hold out of reach
        self.start = 0
        self.end = len(dictionary)
        if self.end:
            self.buffer[: self.end] = dictionary
            self._match()
            self.start = self.end
        return 0

    def write(self, data: Buffer) -> bytes:
        """Take content; return what of the stream is complete."""
        at = 0
        ready = []
        while at < len(data):
            if self.end - self.start == BLOCK:
                self._compress(last=False)
                ready.append(self.writer.bits.take())
            size = min(BLOCK - self.end + self.start, len(data) - at)
            self.buffer[self.end : self.end + size] = data[at : at + size]
            self.end += size
            at += size
        return b"".join(ready)

    def flush(self) -> bytes:
        """Compress what there is and end with a byte; return the rest so far."""
        self._compress(last=True)
        self.writer.put_marker()
        return self.writer.bits.take()

    def close(self) -> bytes:
        """Compress what there is and end the stream; return its rest."""
        self._compress(last=True)
        self.writer.put_end()
        return self.writer.bits.take()

    def _compress(self, last: bool) -> int:
        """Compress the block that is being filled."""
        size = self.end - self.start
        if size < 128:
            if size > 32:
                self.writer.put_bytes(self.buffer, self.start, size, last)
            elif size > 0:
                self.writer.put_stored(self.buffer, self.start, size)
        else:
            self._drop()
            self._match()
            if self.sequences.count == 0:
                self.writer.put_stored(self.buffer, self.start, size)
            elif self.sequences.tokens() > size - (size >> 4):
                self.writer.put_bytes(self.buffer, self.start, size, last)
            else:
                self.writer.put_sequences(self.sequences, self.buffer, self.start, size, last)
        self.start = self.end
        return 0

    def _drop(self) -> int:
        """Make room: drop all but the last 32768 bytes before the block, if the block goes beyond ``BUFFER``."""
        if self.end > BUFFER:
            gone = self.start - REACH
            self.buffer[: self.end - gone] = self.buffer[gone : self.end]
            self.start -= gone
            self.end -= gone
            self.bias += gone
        if self.bias > HIGHEST_BIAS:
            self._rebase()
        return 0

    def _rebase(self) -> int:
        """Lower ``bias`` again, and all positions in the tables with it; those out of reach become zero."""
        gone = self.bias - FAR
        for slot in range(len(self.short)):
            self.short[slot] = max(self.short[slot], gone) - gone
        for slot in range(len(self.long)):
            self.long[slot] = max(self.long[slot], gone) - gone
        for slot in range(len(self.pairs)):
            pair = self.pairs[slot]
            self.pairs[slot] = pushed(max(earlier(pair), gone) - gone, max(latest(pair), gone) - gone)
        self.bias = FAR
        return 0

    def _match(self) -> int:
        """Find the matches of the block that is being filled."""
        data = self.buffer
        start = self.start
        end = self.end
        bias = self.bias
        out = self.sequences
        with cython.nogil:
            if self.level == 1:
                level1(data, start, end, bias, self.short, out, out.lits, out.runs, out.matches, self.longest)
            elif self.level == 2:
                level2(data, start, end, bias, self.short, out, out.lits, out.runs, out.matches, self.longest)
            elif self.level == 3:
                level3(data, start, end, bias, self.pairs, out, out.lits, out.runs, out.matches, self.longest)
            elif self.level == 4:
                level4(data, start, end, bias, self.short, self.long, out, out.lits, out.runs, out.matches, self.longest)
            elif self.level == 5:
                level5(
                    data,
                    start,
                    end,
                    bias,
                    self.short,
                    self.pairs,
                    out,
                    out.lits,
                    out.runs,
                    out.matches,
                    self.longest,
                    self.onward,
                )
            else:
                level6(data, start, end, bias, self.short, self.pairs, out, out.lits, out.runs, out.matches, self.longest)
        return 0


class MatchlessDeflate:
    """A stream of level -2, Huffman codes only, or level 0, stored."""

    def __init__(self, level: int, dialect: Dialect) -> None:
        self.stored = level == 0
        self.block = BLOCK if level == 0 else 32768
        self.writer = BlockWriter(dialect, 10)
        self.buffer = bytearray(BLOCK + SLACK)
        self.size = 0

    def reset(self, dictionary: Buffer) -> int:  # noqa: ARG002
        """Begin another stream after :meth:`flush`."""
        return 0

    def write(self, data: Buffer) -> bytes:
        """Take content; return what of the stream is complete."""
        at = 0
        ready = []
        while at < len(data):
            if self.size == self.block:
                self._compress(last=False)
                ready.append(self.writer.bits.take())
            size = min(self.block - self.size, len(data) - at)
            self.buffer[self.size : self.size + size] = data[at : at + size]
            self.size += size
            at += size
        return b"".join(ready)

    def flush(self) -> bytes:
        """Compress what there is and end with a byte; return the rest so far."""
        self._compress(last=True)
        self.writer.put_marker()
        return self.writer.bits.take()

    def close(self) -> bytes:
        """Compress what there is and end the stream; return its rest."""
        self._compress(last=True)
        self.writer.put_end()
        return self.writer.bits.take()

    def _compress(self, last: bool) -> int:
        """Compress the block that is being filled."""
        if self.size == 0:
            return 0
        if self.stored:
            self.writer.put_stored(self.buffer, 0, self.size)
        else:
            self.writer.put_bytes(self.buffer, 0, self.size, last)
        self.size = 0
        return 0
