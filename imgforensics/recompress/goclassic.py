"""Go's compress/gzip as it was from Go 1.8 to 1.26, at every level; and with the header of Go 1.7.

dockerd, BuildKit, containerd and their kin write layers at the default level, which is 6; go-containerregistry (crane,
ko, kaniko) at level 1.

==========  ====================================================  ====================================
level       blocks                                                matcher
==========  ====================================================  ====================================
huffman     65535 bytes                                           none
0           65535 bytes, stored                                   none
1           65535 bytes                                           ``gofast``
2, 3        16384 literals and matches                            ``gogreedy``
4 to 9      16384 literals and matches                            ``golazy``
==========  ====================================================  ====================================

Go slides its window by what one call of Write brought; the output is that of a single call with the whole content, or
of calls with multiples of 512 bytes, as io.Copy makes them.
"""

from collections.abc import Callable
from functools import partial

from imgforensics.recompress import gzipmember
from imgforensics.recompress.encoder import Encoder, Encoding, ParallelEncode
from imgforensics.recompress.goencoders import ChainEncoder, FastEncoder, HuffmanEncoder, StoredEncoder
from imgforensics.recompress.gofastparallel import encode_fast
from imgforensics.recompress.golazy import EFFORTS
from imgforensics.recompress.golazyparallel import encode_lazy

HUFFMAN = -2
"""Go's name for it is HuffmanOnly."""

_KINDS: dict[int, Callable[[int, bytes], Encoder]] = {HUFFMAN: HuffmanEncoder, 0: StoredEncoder, 1: FastEncoder}


def go_encoder(level: int, mtime: bytes = gzipmember.NO_TIME) -> Encoder:
    """Begin a stream as Go 1.8 to 1.26 would at a level of -2 or 0 to 9."""
    return _KINDS.get(level, ChainEncoder)(level, mtime)


def _parallel(level: int, mtime: bytes = gzipmember.NO_TIME) -> ParallelEncode | None:
    if level in EFFORTS:
        return partial(encode_lazy, level, mtime)
    return partial(encode_fast, level, mtime) if level == 1 else None


def _known_for(level: int) -> str:
    if level == 6:
        return "the default level (docker, BuildKit, containerd)"
    if level == 1:
        return "level 1 (crane, ko, kaniko)"
    return "Huffman codes only" if level == HUFFMAN else f"level {level}"


GO_CLASSIC_ENCODINGS = (
    *(
        Encoding(
            f"go1.8-{'huffman' if level == HUFFMAN else level}",
            f"Go 1.8 to 1.26 compress/gzip, {_known_for(level)}",
            partial(go_encoder, level),
            _parallel(level),
        )
        for level in (6, 1, HUFFMAN, 0, 2, 3, 4, 5, 7, 8, 9)
    ),
    Encoding(
        "go1.7-6",
        "Go 1.7 compress/gzip, the default level (docker 1.13 to 17.05): as go1.8-6 with the MTIME of a zero time",
        partial(go_encoder, 6, gzipmember.ZERO_TIME),
        _parallel(6, gzipmember.ZERO_TIME),
    ),
)
"""The encodings of this family."""
