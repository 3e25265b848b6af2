"""The runs that go into archives: single members, layers and their files, pieces carved out, two archives compared."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from imgforensics import batch, carving
from imgforensics.analysis import describe_folder, examined
from imgforensics.archive import Archive
from imgforensics.carving import Carved
from imgforensics.case import Case
from imgforensics.comparison import Answer, compare
from imgforensics.dossier import choose, dossiers
from imgforensics.errors import ImgforensicsError, InputError, SelectionError
from imgforensics.exitcodes import ANSWERED, BAD
from imgforensics.layerfiles import Opener
from imgforensics.listing import Listing, contents_of
from imgforensics.output import Sink, spare
from imgforensics.progress import watched
from imgforensics.rendering import carved as carved_text
from imgforensics.rendering import diff_json, diff_table, layers_json, layers_table, member_json, member_table
from imgforensics.rendering.style import Style
from imgforensics.report import ArchiveReport, Options
from imgforensics.run import Settings, is_bad

_BULK = 512


@contextmanager
def opened(path: str, options: Options, settings: Settings) -> Iterator[tuple[Archive, ArchiveReport, Case]]:
    """One archive, measured and still open.

    Raises:
        ImgforensicsError: there is no answer for it; the text begins with the path.
    """
    if path != batch.STDIN and os.path.isdir(path):
        raise InputError(f"{path}: {describe_folder(path)}; one archive is wanted here")
    with ExitStack() as stack:
        try:
            with watched(settings.progress) as watcher:
                progress = None if watcher is None else watcher(path)
                source = sys.stdin.buffer if path == batch.STDIN else path
                archive, report = stack.enter_context(examined(source, options, progress=progress))
        except ImgforensicsError as error:
            raise type(error)(f"{path}: {error}") from error
        if report.case is None:
            raise InputError(f"{path}: no answer")
        yield archive, report, report.case


def the_one(paths: Sequence[str], option: str) -> str:
    """The one archive that an option is about.

    Raises:
        SelectionError: there are several.
    """
    if len(paths) != 1:
        raise SelectionError(f"{option} takes one archive, not {len(paths)}")
    return paths[0]


def opener(archive: Archive, case: Case) -> Opener:
    """What reads a member of that archive once more, uncompressed."""

    def read(member: int) -> Iterable[bytes | memoryview]:
        return archive.uncompressed(case.catalogue.members[member], case.catalogue.blobs[member].compression)

    return read


def run_member(path: str, names: Sequence[str], options: Options, settings: Settings) -> int:
    """Tell everything about the members of these names, and return the exit code."""
    spare(settings.output, [path])
    with opened(path, options, settings) as (archive, report, case):
        found = dossiers(case, report.findings, choose(case, names), archive.read)
        archive.unchanged()
        with Sink(settings.output) as sink:
            if settings.format == "json":
                sink.write(member_json.render(report, case, found))
            else:
                sink.write(member_table.render(report, case, found, Style(settings.colour)))
        return BAD if is_bad(report, settings.fail_on) else ANSWERED


def run_layers(path: str, options: Options, settings: Settings, *, layers: bool, files: bool) -> int:
    """Tell about layers, and list the files of one image's layers, and return the exit code."""
    spare(settings.output, [path])
    with opened(path, options, settings) as (archive, report, case):
        read = opener(archive, case)
        listing = _listing(report, case, read, options) if files else None
        contents = contents_of(case, report.images, read, options.limits) if layers else {}
        notes = [] if listing is None else listing.notes
        style = Style(settings.colour)
        with Sink(settings.output) as sink:
            if settings.format == "json":
                for text in _in_bulk(layers_json.pieces(report, case, contents, listing, notes)):
                    sink.write(text)
                archive.unchanged()
                return BAD if is_bad(report, settings.fail_on) else ANSWERED
            sink.write(layers_table.head(report, style))
            for image in report.images:
                sink.write(
                    layers_table.layers(case, image, contents) if layers else f"\n{layers_table.image_head(image)}\n"
                )
            if listing is not None:
                for text in _in_bulk(layers_table.files(listing, style)):
                    sink.write(text)
                sink.write(layers_table.notes(notes))
            archive.unchanged()
        return BAD if is_bad(report, settings.fail_on) else ANSWERED


def _in_bulk(pieces: Iterable[str]) -> Iterator[str]:
    """The same text in fewer pieces: each is written through, which costs more than a line does."""
    held: list[str] = []
    for piece in pieces:
        held.append(piece)
        if len(held) == _BULK:
            yield "".join(held)
            held.clear()
    yield "".join(held)


def _listing(report: ArchiveReport, case: Case, read: Opener, options: Options) -> Listing:
    """The files of the one image that was chosen.

    Raises:
        SelectionError: there are several images, or none.
    """
    if len(report.images) != 1:
        there = ", ".join(f"@{image.index} {' '.join(image.tags)}".strip() for image in report.images[:9])
        holds = f"the archive holds {len(report.images)} images: {there}" if report.images else "no image is there"
        raise SelectionError(f"{report.path}: --files lists one image, --image @N chooses it; {holds}")
    return Listing(case, report.images[0], read, options.limits)


def run_carve(
    path: str, folder: str, options: Options, settings: Settings, *, names: Sequence[str], orphans: bool, trailing: bool
) -> int:
    """Write pieces of an archive into a folder, tell which, and return the exit code."""
    with opened(path, options, settings) as (archive, report, case):
        pieces = carving.members(case, choose(case, names)) if names else []
        pieces += carving.orphans(case) if orphans else []
        pieces += carving.trailing(case) if trailing else []

        def manifest(carved: Sequence[Carved]) -> str:
            return carved_text.render_json(report, case, carved)

        carved = carving.carve(archive, path, pieces, folder, manifest)
        with Sink("-") as sink:
            if not settings.quiet:
                as_json = settings.format == "json"
                sink.write(manifest(carved) if as_json else carved_text.render_table(case, carved, folder))
    return ANSWERED


def run_diff(path_a: str, path_b: str, options: Options, settings: Settings) -> int:
    """Compare two archives, tell what differs, and return the exit code: 0 the same, 1 not."""
    if path_a == path_b == batch.STDIN:
        raise SelectionError("standard input holds one archive; diff takes two")
    spare(settings.output, [path_a, path_b])
    with (
        opened(path_a, options, settings) as (archive_a, a, case_a),
        opened(path_b, options, settings) as (archive_b, b, case_b),
    ):
        read_a, read_b = opener(archive_a, case_a), opener(archive_b, case_b)
        comparison = compare(a, case_a, read_a, b, case_b, read_b, options.limits)
        archive_a.unchanged()
        archive_b.unchanged()
        with Sink(settings.output) as sink:
            if settings.format == "json":
                sink.write(diff_json.render(comparison))
            else:
                style = Style(settings.colour)
                sink.write(diff_table.render(comparison, style, verbose=settings.verbose, quiet=settings.quiet))
    return BAD if comparison.answer is Answer.DIFFERENT else ANSWERED
