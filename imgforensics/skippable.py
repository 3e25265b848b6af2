"""Skippable zstd frames that a format puts there for itself, told from those in which anything may hide. No I/O.

A decoder passes over a skippable frame (RFC 8878, section 3.1.2), so that its content is in no digest of uncompressed
bytes. Three formats use them:

* zstd:chunked (containers/storage, pkg/chunked/internal): a table of contents, since 2023 a tar-split, and at the very
  end a footer of 64 bytes, before 2023 of 40, which gives their offsets and lengths and ends in a magic number;
* the seekable format (zstd, contrib/seekable_format): a table of 8 or 12 bytes a frame and a footer of 9 bytes, at the
  very end;
* pzstd: before each frame the length of that frame, in 4 bytes.
"""

import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

_FOOTER = 64
_CHUNKED_MAGIC: Mapping[int, bytes] = {_FOOTER: b"GNUlInUx", 40: b"GnUlInUx"}
"""By length of the footer; the shorter one knows no tar-split (seen of skopeo 1.9.3 and buildah 1.28.2)."""
_SEEKABLE_MAGIC = bytes.fromhex("b1ea928f")


@dataclass(slots=True)
class SkippableFrame:
    """One skippable frame of a stream."""

    offset: int
    """Where its content begins, in bytes from the start of the stream."""
    length: int
    """Bytes of its content."""
    end: bytes = b""
    """The last bytes of its content, a footer's length at most."""
    content: bytearray | None = None
    """All of it so far, unless it is too long."""


class SkippableFrames:
    """The skippable frames of one stream: of millions, only those are kept that may be a format's own or hide most."""

    def __init__(self, most: int) -> None:
        """Begin with none; of each so many bytes of content are kept at most."""
        self._most = most
        self.elsewhere: int | None = None
        """Where the footer of zstd:chunked leads to, if none of the last frames begins there; known after the table."""
        self._short = 0
        self._early: SkippableFrame | None = None
        self._last: deque[SkippableFrame] = deque()

    def begin(self, offset: int, length: int) -> None:
        """A frame begins whose content has this place and length, in bytes."""
        self._last.append(SkippableFrame(offset, length, content=bytearray() if length <= self._most else None))
        if len(self._last) > 3:
            self._pass(self._last.popleft())

    def feed(self, content: bytes | memoryview) -> None:
        """The next content of the frame."""
        frame = self._last[-1]
        frame.end = (frame.end + bytes(content[-_FOOTER:]))[-_FOOTER:]
        if frame.content is not None:
            frame.content += content

    def table(self, size: int) -> tuple[bytes, int] | None:
        """The table of contents of zstd:chunked, compressed as it stands, and its length uncompressed as claimed.

        Args:
            size: bytes of the whole stream. To be called before :meth:`hidden`.
        """
        last = self._last[-1] if self._last else None
        if last is None or last.offset + last.length != size:
            return None
        if not _is_chunked(last):
            return None
        offset, length, uncompressed = struct.unpack("<3Q", last.end[:24])
        frame = next((frame for frame in self._last if (frame.offset, frame.length) == (offset, length)), None)
        if frame is None:
            self.elsewhere = offset
        return None if frame is None or frame.content is None else (bytes(frame.content), uncompressed)

    def hidden(self, streams: int, size: int) -> SkippableFrame | None:
        """The first frame that none of the known formats puts there, None where there is none.

        Args:
            streams: frames of data in the stream.
            size: bytes of the whole stream.
        """
        last = self._last[-1] if self._last else None
        own: list[SkippableFrame] = []
        if last is not None and last.offset + last.length == size:
            own = self._chunked(last) or _seekable(last, streams)
        while self._last:
            frame = self._last.popleft()
            if frame not in own:
                self._pass(frame)
        if self._early is not None and (self._early.length != 4 or self._short > streams):
            return self._early
        return None

    def _pass(self, frame: SkippableFrame) -> None:
        """A frame that is no format's table: pzstd's lengths are counted, empty frames hide nothing."""
        if not frame.length:
            return
        self._short += 1
        if self._early is None or (self._early.length == 4 and frame.length != 4):
            self._early = frame

    def _chunked(self, footer: SkippableFrame) -> list[SkippableFrame]:
        """The frames of zstd:chunked, if the last one is its footer."""
        if not _is_chunked(footer):
            return []
        places = {struct.unpack("<2Q", footer.end[:16])}
        if footer.length == _FOOTER:
            places.add(struct.unpack("<2Q", footer.end[32:48]))
        return [frame for frame in self._last if frame is footer or (frame.offset, frame.length) in places]


def _is_chunked(footer: SkippableFrame) -> bool:
    """Whether a frame is the footer of zstd:chunked."""
    magic = _CHUNKED_MAGIC.get(footer.length)
    return magic is not None and footer.end.endswith(magic)


def _seekable(frame: SkippableFrame, streams: int) -> list[SkippableFrame]:
    """The one frame of the seekable format, if this is it."""
    if not frame.end.endswith(_SEEKABLE_MAGIC) or frame.length < 9:
        return []
    count = int.from_bytes(frame.end[-9:-5], "little")
    entry = 12 if frame.end[-5] & 0x80 else 8
    return [frame] if count <= streams and frame.length == 9 + entry * count else []
