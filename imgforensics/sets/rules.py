"""IMG80x: what archives say about each other."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from imgforensics.findings import Severity
from imgforensics.sets.rule import SetFound, SetRule, set_rule
from imgforensics.sets.store import Store

_SHOWN = 20
"""Archives that one finding names, and findings of one kind about one folder."""
_SIBLINGS = 5
"""Archives of a folder from which on one can be the odd one."""
_SOURCES = 3
"""Archives that are named as holding a layer intact."""
_ROWS = 100
"""Images among which they are looked for: one archive may hold thousands with the same layer."""


@set_rule("IMG801", "tag-of-two-images", Severity.WARNING)
def tag_of_two_images(store: Store) -> Iterator[SetFound]:
    """The same tag names different images in different archives.

    ## What it means
    Two archives of the set give one reference to two images for the same platform: other configs, other bytes.

    ## Why it matters
    Whoever loads both gets whichever comes last. One of them may be older, or may not be what it says.

    ## How it is computed
    References are completed as Docker does it (`alpine` is `docker.io/library/alpine:latest`) and compared by platform;
    images are told apart by their image ID, the SHA-256 of the config.

    ## When it is innocent
    Archives of several releases that all carry a moving tag: with `latest` this is only noted. So it is where all have
    the same layers, since tools that convert an image write its config anew.
    """
    query = """
        SELECT tag, platform, COUNT(DISTINCT image_id) FROM tags JOIN images ON images.id = tags.image
        WHERE image_id IS NOT NULL GROUP BY tag, platform HAVING COUNT(DISTINCT image_id) > 1 ORDER BY tag, platform"""
    for tag, platform, count in list(store.ask(query)):
        rows = list(store.ask(f"{_OF_TAG} ORDER BY nth, archive LIMIT ?", tag, platform, _SHOWN))
        if len({path for path, *_ in rows}) == 1:
            continue  # within one archive other rules speak
        rows.sort(key=lambda row: row[-1])
        which = "; ".join(f"{image_id[:19]} in {path}" for path, image_id, *_ in rows)
        of = f" for {platform}" if platform else ""
        layers = (_layers(store, image) for _, _, image, *_ in store.ask(_OF_TAG, tag, platform))
        first = next(layers)
        alike = all(each == first for each in layers)
        severity = Severity.NOTE if alike or tag.endswith(":latest") else None
        same = " with the same layers" if alike else ""
        message = f"{tag} names different images{of}{same}: {which}{_more(count - len(rows))}"
        yield SetFound(message, tuple(dict.fromkeys(path for path, *_ in rows)), tag, severity)


_OF_TAG = """
    SELECT path, image_id, image, ROW_NUMBER() OVER (PARTITION BY archive ORDER BY image) AS nth, archive FROM (
        SELECT image_id, path, images.id AS image, MIN(archives.id) AS archive FROM tags
        JOIN images ON images.id = tags.image JOIN archives ON archives.id = images.archive
        WHERE tag = ? AND platform IS ? AND image_id IS NOT NULL GROUP BY image_id)"""
"""Different images of a tag and platform, each where it stands first. The first ones of archives have the number 1:
where these come in front, no archive of many images keeps another one from being seen.
"""


def _more(count: int) -> str:
    """That so many are left out."""
    return f"; and {count} more" if count > 0 else ""


def _layers(store: Store, image: int) -> tuple[str | None, ...]:
    """The diff_ids of an image."""
    query = "SELECT diff_id FROM layers WHERE image = ? ORDER BY place"
    return tuple(diff_id for (diff_id,) in store.ask(query, image))


@set_rule("IMG802", "image-with-several-tags", Severity.NOTE)
def image_with_several_tags(store: Store) -> Iterator[SetFound]:
    """The same image stands in several archives under different tags.

    ## What it means
    Archives hold the same config, byte for byte, and name it differently.

    ## Why it matters
    It is one image to approve, not several. It can also be an image that goes by another's name.

    ## How it is computed
    Images with the same image ID are taken together; the sets of their completed references are compared.

    ## When it is innocent
    A release is often tagged with its full version and shorter ones.
    """
    query = """
        SELECT image_id FROM images JOIN tags ON tags.image = images.id WHERE image_id IS NOT NULL
        GROUP BY image_id HAVING COUNT(DISTINCT tag) > 1 AND COUNT(DISTINCT archive) > 1 ORDER BY MIN(images.id)"""
    members = """
        SELECT path, tags, COUNT(*) OVER (), archive FROM (
            SELECT path, archive, GROUP_CONCAT(tag) AS tags FROM (
                SELECT DISTINCT archives.id AS archive, path, tag FROM images JOIN tags ON tags.image = images.id
                JOIN archives ON archives.id = images.archive WHERE image_id = ? ORDER BY archives.id, tag)
            GROUP BY archive)
        ORDER BY ROW_NUMBER() OVER (PARTITION BY tags ORDER BY archive), archive LIMIT ?"""
    for (image_id,) in list(store.ask(query)):
        rows = sorted(store.ask(members, image_id, _SHOWN), key=lambda row: row[-1])
        named = [(path, ", ".join(sorted(tags.split(",")))) for path, tags, *_ in rows]
        if len({tags for _, tags in named}) > 1:  # those of different names come first, so that all of a kind tell
            which = "; ".join(f"{tags} in {path}" for path, tags in named) + _more(rows[0][2] - len(rows))
            yield SetFound(f"{image_id} goes by different names: {which}", tuple(path for path, _ in named), image_id)


@set_rule("IMG803", "odd-one-out", Severity.NOTE)
def odd_one_out(store: Store) -> Iterator[SetFound]:
    """One archive of a folder was written by another tool than the others, or is wrapped or framed otherwise.

    ## What it means
    Of at least five archives in its folder four of five come from one tool, and this one does not. Or it does, and of
    at least five archives of this tool there four of five are wrapped or framed in one way, and this one is not.

    ## Why it matters
    Who exchanges one archive of a transfer seldom has the sender's tools at hand.

    ## How it is computed
    By what the layout shows of its producer, folder by folder, and among archives of one producer by three traits:
    the compression around the tar; whether its headers have the magic of POSIX or of GNU tar, which no long name
    changes; and whether zeros fill the last record of 10240 bytes behind the two blocks that end it, or more than one.
    An end that is damaged, or where the two blocks happen to fill the record, counts as none of these. Nothing of it
    is signed.

    ## When it is innocent
    A folder in which images of several sources are gathered, or one archive was compressed or packed again.
    """
    yield from _other_tools(store)
    yield from _other_framings(store)


def _other_tools(store: Store) -> Iterator[SetFound]:
    """Archives of other producers than most of their folder."""
    query = """
        SELECT folder, producer, COUNT(*) FROM archives WHERE error IS NULL GROUP BY folder, producer
        ORDER BY folder, COUNT(*) DESC, producer"""
    folders: dict[str, list[tuple[str | None, int]]] = {}
    for folder, producer, count in store.ask(query):
        folders.setdefault(folder, []).append((producer, count))
    others = """
        SELECT path, producer FROM archives WHERE folder = ? AND error IS NULL AND producer IS NOT ?
        ORDER BY id LIMIT ?"""
    for folder, counts in folders.items():
        usual, most = counts[0]
        total = sum(count for _, count in counts)
        if usual is None or total < _SIBLINGS or 5 * most < 4 * total:
            continue
        for path, producer in store.ask(others, folder, usual, _SHOWN):
            by = f"by {producer}" if producer else "by no tool that is known"
            yield SetFound(
                f"{path} was written {by}, {most} of {total - 1} archives beside it by {usual}", (path,), usual
            )
        if total - most > _SHOWN:
            message = f"{total - most - _SHOWN} more archives of {folder or '.'} were not written by {usual}"
            yield SetFound(message, (), usual)


def _other_framings(store: Store) -> Iterator[SetFound]:
    """Archives that are wrapped or framed otherwise than most of their folder by the same producer."""
    query = """
        SELECT folder, producer, wrapping, headers, ending, COUNT(*) FROM archives
        WHERE error IS NULL AND producer IS NOT NULL GROUP BY folder, producer, wrapping, headers, ending
        ORDER BY folder, producer"""
    others = """
        SELECT COUNT(*) OVER (), path, wrapping, headers, ending FROM archives
        WHERE folder = ? AND producer = ? AND error IS NULL AND (wrapping <> ? OR headers <> ? OR ending <> ?)
        ORDER BY id LIMIT ?"""
    for (folder, producer), rows in groupby(store.ask(query), lambda row: (row[0], row[1])):
        counts: tuple[Counter[str | None], ...] = (Counter(), Counter(), Counter())
        total = 0
        for *_, wrapping, headers, ending, count in rows:
            total += count
            for counter, trait in zip(counts, (wrapping, headers, ending), strict=True):
                counter[trait] += count
        most = [counter.most_common(1)[0] for counter in counts]
        usual = [trait if total >= _SIBLINGS and 5 * count >= 4 * total else None for trait, count in most]
        if not any(usual):
            continue
        found = 0
        for found, path, *traits in store.ask(others, folder, producer, *usual, _SHOWN):  # noqa: B007 - all rows say it
            pairs = zip(traits, usual, most, strict=True)
            odd = [
                f"{trait}, where {count} of {total - 1} have {known}"
                for trait, known, (_, count) in pairs
                if trait is not None and known is not None and trait != known
            ]
            message = f"{path} is framed unlike the archives beside it that are by {producer}, too: {'; '.join(odd)}"
            yield SetFound(message, (path,), producer)
        if found > _SHOWN:
            message = f"{found - _SHOWN} more archives of {folder or '.'} are framed unlike the others by {producer}"
            yield SetFound(message, (), producer)


@set_rule("IMG804", "layer-intact-elsewhere", Severity.NOTE)
def layer_intact_elsewhere(store: Store) -> Iterator[SetFound]:
    """A layer that is damaged or missing in one archive is intact in another: a source to repair from.

    ## What it means
    Another archive of the set holds a layer whose uncompressed bytes hash to the diff_id that this archive's config
    wants and does not get.

    ## Why it matters
    A transfer need not be repeated where the bytes are already here.

    ## How it is computed
    By diff_id: wanted here, and computed there. A diff_id is a SHA-256, so the bytes are the same whoever made them.

    ## When it is innocent
    Always; the damage itself is the archive's own finding.
    """
    query = """
        SELECT DISTINCT bad.diff_id, there.path, there.id FROM layers AS bad
        JOIN images AS broken ON broken.id = bad.image JOIN archives AS there ON there.id = broken.archive
        WHERE bad.held IN ('mismatch', 'missing') AND bad.diff_id IS NOT NULL ORDER BY there.id, bad.place"""
    sources = """
        SELECT path FROM layers CROSS JOIN images ON images.id = layers.image
        CROSS JOIN archives ON archives.id = images.archive
        WHERE diff_id = ? AND held = 'match' AND archives.id <> ? ORDER BY layers.image LIMIT ?"""
    for diff_id, path, archive in list(store.ask(query)):
        # Ordered by the index, so that of a layer that thousands share only the first few rows are made.
        intact = _first_distinct(store.ask(sources, diff_id, archive, _ROWS))
        if intact:
            where = " and ".join(intact)
            yield SetFound(f"layer {diff_id} of {path} is intact in {where}", (path, *intact), diff_id)


def _first_distinct(rows: Iterable[tuple[str]]) -> list[str]:
    """The first few different paths."""
    paths: dict[str, None] = {}
    for (path,) in rows:
        paths[path] = None
        if len(paths) == _SOURCES:
            break
    return list(paths)


@set_rule("IMG805", "duplicate-archive", Severity.NOTE)
def duplicate_archive(store: Store) -> Iterator[SetFound]:
    """The same archive stands in the set more than once.

    ## What it means
    Files with the same SHA-256 under different names.

    ## Why it matters
    One of them can go; and where one name promises something else, it does not hold it.

    ## How it is computed
    By the SHA-256 of the files.

    ## When it is innocent
    Nearly always.
    """
    query = """
        SELECT sha256, COUNT(DISTINCT path) FROM archives WHERE sha256 IS NOT NULL GROUP BY sha256
        HAVING COUNT(DISTINCT path) > 1 ORDER BY MIN(id)"""
    for sha256, count in list(store.ask(query)):
        names = "SELECT path FROM archives WHERE sha256 = ? GROUP BY path ORDER BY MIN(id) LIMIT ?"
        paths = [path for (path,) in store.ask(names, sha256, _SHOWN)]
        yield SetFound(f"{count} files are the same archive: {', '.join(paths)}", tuple(paths), sha256)


RULES: tuple[SetRule, ...] = (
    tag_of_two_images,
    image_with_several_tags,
    odd_one_out,
    layer_intact_elsewhere,
    duplicate_archive,
)
