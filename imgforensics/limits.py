"""Every bound on hostile input, each with its reason. Reaching one is reported; it never passes in silence."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one archive may cost. Sizes are in bytes."""

    seconds: int | None = None
    """Time for reading one archive, so that one does not hold up a thousand; None for as long as it takes. What is read
    until then depends on the machine: it is the one bound that makes reports differ."""

    read: int | None = None
    """Bytes read of one archive, each as often as it is read: twice as a rule; None for all."""

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

    json_values: int = 4_000_000
    """Values in all JSON documents together. Documents of images have one in some 20 bytes; a document of brackets has
    one in two, and :attr:`documents` of it would cost Python gigabytes."""

    problems: int = 100
    """Oddities of one kind kept of one JSON document; each costs more than the few bytes that make it."""

    pointer: int = 1_024
    """Characters of a JSON pointer in a report. Under one key of a megabyte thousands of values can be odd."""

    digest: int = 1_024
    """Characters of a digest as it is claimed; SHA-512 takes 135. Thousands of images may share a config, and a report
    repeats its diff_ids for each."""

    references: int = 250_000
    """Descriptors and names of members that are read from all documents together. A mirror of thousands of images with
    dozens of layers each stays below; manifests of empty descriptors name ten times as many in one mebibyte."""

    graph_nodes: int = 20_000
    """Descriptors followed from one archive's indexes and manifests (CVE-2026-53493: fan-out of index graphs)."""

    graph_depth: int = 16
    """Indexes inside indexes. Real archives nest two deep."""

    layers: int = 2_000
    """Layers of one image. Docker refuses more than 127; nothing real has more than a few hundred."""

    v1_ids: int = 1_000_000
    """Legacy layer IDs that are computed for one archive. One image takes some dozen a layer; they are remembered for
    each config, and images with other dates of their lower layers, or other configs, cost that again."""

    images: int = 10_000
    """Images of one archive."""

    roots: int = 1_000
    """Folders of one archive that hold documents of their own. Real archives have one, or one a packed layout."""

    path: int = 4_096
    """Characters of a path in which links are followed: Linux takes no longer one (``PATH_MAX``). A longer name is
    found where a member has that very name."""

    path_depth: int = 256
    """Folders of a path in which links are followed. Image archives nest four deep."""

    comparisons: int = 1_000_000
    """Steps in telling which images are the same, where layers are missing. Images that lack none take one step."""

    search: int = 12_000_000
    """Layers written, in all manifests that are tried in search of expected digests, for one archive. A million takes
    about half a second. An image of 127 layers, Docker's most, split anywhere between any two of some ten compressors,
    stays below."""

    signatures: int = 1_000
    """Signatures and attestations of one archive, or layers of one signature manifest. cosign reads 1000 layers."""

    signature: int = 1 * MIB
    """One signature that is no JSON: a COSE envelope, an OpenPGP message. Real ones have a few kilobytes."""

    link_hops: int = 16
    """Links inside the archive followed from one member name to its bytes."""

    streams: int = 2_000_000
    """gzip members or zstd frames in one blob. eStargz starts one a chunk of a file."""

    inflated: int = 512 * GIB
    """Bytes that one compressed stream may grow to."""

    spooled: int = 512 * GIB
    """Bytes of the temporary copy of an archive that cannot be read by offset."""

    headless_floor: int = 16 * MIB
    headless_ratio: int = 16
    headless_most: int = 1 * GIB
    """Bytes copied while no tar header has come, see :meth:`headless`."""

    ratio: int = 2_000
    """Growth of one compressed stream beyond :attr:`ratio_floor` (CVE-2017-14992). DEFLATE cannot exceed 1032;
    zstd and bzip2 can, but file systems of images do not."""

    ratio_floor: int = 1 * GIB
    """Inflated bytes below which the ratio is not judged: a layer of zeros compresses without bound in zstd."""

    holes: int = 1 * GIB
    """Holes of sparse members, all together. Hashing them costs time, not space: so many take a second or two."""

    layer_entries: int = 2_000_000
    """Entries of one layer whose paths are compared. The largest real layers have half a million; each entry costs some
    100 bytes while its layer is read, as much again where many paths stand twice, and 8 later."""

    layer_headers: int = 8_000_000
    """Header blocks of one layer in or before which something is said that most entries lack: where it is unusual, each
    takes some 20 microseconds."""

    layer_names: int = 32 * MIB
    """Characters of names and targets that are kept of one layer, of its symlinks, hard links and whiteouts."""

    layer_folders: int = 1_000_000
    """Folders with entries in one layer: one name can have hundreds, and each takes a look."""

    layer_links: int = 200_000
    """Symlinks of one layer, and folders without entries of their own, each, whose names and targets are kept."""

    layer_open: int = 100_000
    """Hard links, whiteouts and opaque markers of one layer, each, of which lower layers have to tell whether they make
    sense."""

    toc: int = 64 * MIB
    """One table of contents of a layer (eStargz, zstd:chunked), uncompressed. An entry takes some 300 bytes."""

    toc_stored: int = 16 * MIB
    """The same as zstd:chunked stores it, compressed."""

    layer_extensions: int = 256 * MIB
    """Bytes of the extension headers of one layer. Records of five bytes take a microsecond each."""

    layer_indexes: int = 256 * MIB
    """Bytes of memory for the indexes of all layers, by which they are compared with each other."""

    layer_steps: int = 50_000_000
    """Looks into the indexes of layers, and folders looked at to follow links, for one archive: some seconds."""

    decoder_memory: int = 256 * MIB
    """Memory that one zstd or xz stream may ask for its window."""

    preview: int = 256
    """Bytes shown of a member that is looked at alone; sixteen fill a line."""

    told: int = 100
    """Members of one name, or of several that were asked for, about which everything is told. Each is looked up in
    everything that was found."""

    laid_over: int = 384 * MIB
    """Memory, in bytes, of the paths and facts that are kept while layers are laid over each other or compared, at some
    hundred bytes an entry. Two layers of 400,000 entries each fit in; the largest of real images have a quarter."""

    listed: int = 5_000_000
    """Entries of one image's layers that are listed."""

    entries_kept: int = 64 * MIB
    """Memory, in bytes, of the entries of an image's layers that are kept: a layer in several places is read once."""

    differences: int = 1_000
    """Differences listed of one config, one pair of layers, or the members of two archives. All are counted."""

    chunk: int = 1 * MIB
    """Bytes read, or inflated, at a time."""

    def headless(self, size: int) -> int:
        """Bytes of a tar that are copied before its first header has come, where ``size`` bytes were read of a stream.

        A sound tar begins with a header. One that is damaged there has the next behind its first layer, and layers
        compress to a tenth at best; a file of zeros, compressed to a thousandth, must not fill a disk.
        """
        return min(self.headless_most, self.headless_floor + self.headless_ratio * size)


DEFAULT_LIMITS = Limits()
