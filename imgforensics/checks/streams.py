"""IMG310, IMG311: what compressed streams, around the archive and of its layers, are made of beside their content."""

from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.findings import Effect, Severity
from imgforensics.model import GzipLabels, Location

_NAME = 255
"""Bytes of a file's name; Linux takes no longer one (``NAME_MAX``)."""

_PAYLOAD = 255
"""Bytes of comments and extra fields, in one stream, up to which they are no more than a label."""


def _streams(case: Case) -> Iterator[tuple[str, Location, int, GzipLabels | None]]:
    """What it is, where, how many units it has, and its gzip labels: of the stream around the archive and of layers."""
    catalogue = case.catalogue
    yield (
        f"the {catalogue.outer} stream around the archive",
        Location(),
        catalogue.outer_streams,
        catalogue.outer_labels,
    )
    for member in dict.fromkeys(layer.member for image in case.structure.images for layer in image.layers):
        blob = None if member is None else catalogue.blobs.get(member)
        if member is not None and blob is not None:
            name = case.name(member)
            yield name, Location(name), blob.streams, blob.labels


@check("IMG310", "gzip-header-payload", Severity.WARNING, Effect.SUSPECT)
def gzip_header_payload(case: Case) -> Iterator[Found]:
    """A gzip header holds a name, a comment or extra fields.

    ## What it means
    The stream carries text or bytes beside its content. Up to 255 bytes of each are only noted.

    ## Why it matters
    What stands in the header is in no diff_id, no reader shows it, and it may be as long as one likes: a way to carry
    bytes along. A file's name also tells that `gzip` made the stream, and not the tool that wrote the archive.

    ## How it is computed
    FNAME, FCOMMENT and FEXTRA of every gzip member (RFC 1952, section 2.3.1). The extra fields of eStargz, BGZF and
    indexed gzip are known by their content and not counted.

    ## When it is innocent
    The name of the file that was compressed.
    """
    small: list[tuple[str, Location]] = []
    for what, where, _, labels in _streams(case):
        if labels is None:
            continue
        told = f"{what}: {labels.members} gzip headers hold {labels.payload} bytes of comments and extra fields, and "
        told += f"names of up to {labels.name} bytes"
        if labels.name > _NAME or labels.payload > _PAYLOAD:
            yield Found(told, where)
        else:
            small.append((told, where))
    if small:
        (told, where), *others = small
        more = f" (and {len(others)} more)" if others else ""
        yield Found(told + more, where, tuple(place for _, place in others), severity=Severity.NOTE)


@check("IMG311", "several-streams", Severity.NOTE, Effect.NONE)
def several_streams(case: Case) -> Iterator[Found]:
    """A compressed stream consists of several, one behind the other.

    ## What it means
    Several gzip members, zstd frames, bzip2 or xz streams follow each other; their contents are one.

    ## Why it matters
    A reader that stops behind the first sees less than the others.

    ## How it is computed
    They are counted, and all of them are read.

    ## When it is innocent
    Nearly always: parallel compressors, eStargz and zstd:chunked write them, so that parts can be read alone.
    """
    found = [(f"{what} consists of {count}", where) for what, where, count, _ in _streams(case) if count > 1]
    if found:
        (told, where), *others = found
        more = f" (and {len(others)} more)" if others else ""
        yield Found(told + more, where, tuple(place for _, place in others))


CHECKS: tuple[Check, ...] = (gzip_header_payload, several_streams)
