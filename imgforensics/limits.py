"""Every bound on hostile input, each with its reason. Reaching one is reported; it never passes in silence."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one archive may cost. Sizes are in bytes."""

    members: int = 200_000
    """Members of the outer tar. The largest mirrors hold tens of thousands of blobs; so many take seconds."""

    extension: int = 1 * MIB
    """One PAX or GNU long-name body. Go's ``archive/tar`` and GNU tar refuse more than 1 MiB."""

    anomalies: int = 1_000
    """Oddities kept for one walk or one stream; a damaged file could name millions."""

    document: int = 4 * MIB
    """One JSON document. containers/image reads manifests and configs up to 4 MiB, containerd up to 20 MiB
    since CVE-2023-25153."""

    documents: int = 48 * MIB
    """All JSON documents that are kept in memory together."""

    json_depth: int = 64
    """Nesting of a JSON document. Image documents nest about six deep; Python recurses once a level."""

    json_tokens: int = 500_000
    """Values in one JSON document (counted by ``,``, ``[`` and ``{``); each costs Python some 100 bytes."""

    graph_nodes: int = 20_000
    """Descriptors followed from one archive's indexes and manifests (CVE-2026-53493: fan-out of index graphs)."""

    graph_depth: int = 16
    """Indexes inside indexes. Real archives nest two deep."""

    layers: int = 2_000
    """Layers of one image. Docker refuses more than 127; nothing real has more than a few hundred."""

    images: int = 10_000
    """Images of one archive."""

    link_hops: int = 16
    """Links inside the archive followed from one member name to its bytes."""

    streams: int = 2_000_000
    """gzip members or zstd frames in one blob. eStargz starts one a chunk of a file."""

    inflated: int = 512 * GIB
    """Bytes that one compressed stream may grow to."""

    ratio: int = 2_000
    """Growth of one compressed stream beyond :attr:`ratio_floor` (CVE-2017-14992). DEFLATE cannot exceed 1032;
    zstd and bzip2 can, but file systems of images do not."""

    ratio_floor: int = 1 * GIB
    """Inflated bytes below which the ratio is not judged: a layer of zeros compresses without bound in zstd."""

    holes: int = 1 * GIB
    """Holes of sparse members, all together. Hashing them costs time, not space: so many take a second or two."""

    decoder_memory: int = 256 * MIB
    """Memory that one zstd or xz stream may ask for its window."""

    chunk: int = 1 * MIB
    """Bytes read, or inflated, at a time."""


DEFAULT_LIMITS = Limits()
