"""IMG81x: a set of archives against the lock that was made at the sending end."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from imgforensics.facts import Facts, ImageFacts
from imgforensics.findings import Effect, Rule, Severity, Verdict
from imgforensics.sets.lockfile import Lock, Locked
from imgforensics.sets.rule import SetFinding


def _rule(code: str, name: str, severity: Severity, doc: str) -> Rule:
    return Rule(code, name, severity, Effect.NONE, "0.1", doc)


MISSING = _rule(
    "IMG811",
    "lock-missing",
    Severity.ERROR,
    """An archive, a file or an image that the lock names has not arrived.

## What it means
No file of the set has that path, and none has those bytes or those images.

## Why it matters
The transfer is not complete.

## How it is computed
By path relative to the folder, then by the SHA-256 of the file, then by the images. A file that is no image archive
counts, too, where a list names it: its SHA-256 is compared. A reference with a digest is looked for among manifests,
indexes and image IDs, and rebuilt where an image goes by its name.

## When it is innocent
Where only part of what was locked was to be checked.""",
)
EXTRA = _rule(
    "IMG812",
    "lock-extra",
    Severity.ERROR,
    """An archive, a file or a folder is there that the lock does not name.

## What it means
Neither its path, nor its bytes, nor its images are in the lock.

## Why it matters
Something came along that nobody sent.

## How it is computed
Every archive that was found has to be one of the lock's. A list of references says nothing of other archives; then this
rule is silent. So it is of files that are no image archives, with a lock of `imgforensics lock`: that lists archives
alone. `sha256sum` lists files: with its list, every file has to be in it, but for the list itself. Of a file that is no
image archive that is an error if the list names others of the kind, and a warning if it names archives alone: then such
files may never have been meant. Folders that are not looked into count as well. An image that lies there unpacked is an
error with a list that names no file of it, as is every file of it that a list of the others lacks. A link to a folder,
into which no path of a list leads, counts like a file that is no image archive. With a lock, both are a warning.

## When it is innocent
Where archives of several transfers lie together, or where a list was made of the archives alone.""",
)
DIFFERENT = _rule(
    "IMG813",
    "lock-different",
    Severity.ERROR,
    """An archive has the path of one in the lock, and holds other images; or a file has another content.

## What it means
The file is not the one that was sent, and it does not hold the same images either.

## Why it matters
It was damaged or exchanged on the way.

## How it is computed
The SHA-256 of the file; where that differs, image IDs, manifest digests, diff_ids and tags of all images. Of a list
that names no images, and of a file that is no image archive, only the SHA-256 can be compared.

## When it is innocent
Never, for a lock of this transfer.""",
)
REPACKED = _rule(
    "IMG814",
    "lock-repacked",
    Severity.NOTE,
    """An archive is not the file that was sent, but holds the same images.

## What it means
The bytes of the file differ, and all image IDs, manifest digests, layers and tags are the same. What else is in it,
such as signatures, was not compared.

## Why it matters
`docker save` does not write the same file twice, and tars are repacked on the way. It is the same image all the same.

## How it is computed
As for IMG813. The layers count as the same only if they were computed and fit. It is a warning where the archive's
verdict is not `intact`: something else may have been put into it.

## When it is innocent
Usually.""",
)
MOVED = _rule(
    "IMG815",
    "lock-moved",
    Severity.NOTE,
    """An archive of the lock has arrived under another path.

## What it means
The lock's path is not there; a file with the same SHA-256, or with the same images, is. With the same images only, it
is a warning where the archive's verdict is not `intact`.

## Why it matters
Scripts at the far side may look for the other name.

## How it is computed
As for IMG811.

## When it is innocent
Usually.""",
)
RULES = (MISSING, EXTRA, DIFFERENT, REPACKED, MOVED)

Signature = tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class _Stranger:
    """What lies at a path that is not in the lock."""

    path: str
    sha256: str | None
    images: Signature | None = None
    verdict: str | None = None
    """On an archive; None where it is none."""
    inside: str | None = None
    """What of it was not looked into; None for a file."""
    is_certain: bool = False
    """That it is no archive excuses nothing."""


@dataclass
class Transfer:
    """Takes the facts of what arrived, one by one, and says at the end what of a lock has not."""

    lock: Lock
    _by_path: Mapping[str, Locked] = field(init=False)
    _seen: set[str] = field(default_factory=set, init=False)
    """Paths of the lock that were accounted for."""
    _strangers: list[_Stranger] = field(default_factory=list, init=False)
    _digests: set[str] = field(default_factory=set, init=False)
    _names_others: bool = field(default=False, init=False)
    """The lock names a file that is no image archive."""
    is_packed_again: bool = field(default=False, init=False)
    """Something arrived as another file with the same images, which may hold more than was sent, or less."""
    _sorted: list[str] | None = field(default=None, init=False)
    """Paths of the lock, once it was asked what lies in a folder."""

    def __post_init__(self) -> None:
        self._by_path = {each.path: each for each in self.lock.archives}

    def add(self, facts: Facts, relative: str) -> Iterator[SetFinding]:
        """Take one archive.

        Args:
            facts: what was found in it.
            relative: its path as a lock would write it.
        """
        for image in facts.images:
            if any(layer.held in ("mismatch", "missing") for layer in image.layers):
                continue  # its config or manifest is here, the image is not
            self._digests |= {digest for digest in (image.image_id, image.manifest) if digest}
        locked = self._by_path.get(relative)
        if locked is None:
            if self.lock.archives:
                images = _signature(facts.images)
                self._strangers.append(_Stranger(facts.path, facts.sha256, images, facts.verdict))
            return
        self._seen.add(relative)
        if facts.sha256 == locked.sha256:
            return
        if locked.images and _signature(facts.images) == _signature(locked.images, believed=True):
            message = f"{facts.path} is another file than was sent, with the same images"
            yield self._packed_again(REPACKED, message, facts.path, facts.verdict)
        else:
            yield _found(DIFFERENT, f"{facts.path}: {_difference(facts, locked)}", facts.path)

    def names(self, relative: str) -> bool:
        """Whether the lock has this path."""
        return relative in self._by_path

    def awaited(self) -> list[str]:
        """Paths of the lock at which nothing was found until now."""
        return [path for path in self._by_path if path not in self._seen]

    def add_file(self, path: str, relative: str, sha256: str | None) -> Iterator[SetFinding]:
        """Take a file that is no image archive, and whose path the lock names.

        Args:
            path: as it was found.
            relative: as the lock writes it.
            sha256: of its bytes, with the algorithm; None where it cannot be read.
        """
        self._seen.add(relative)
        self._names_others = True
        sent = self._by_path[relative].sha256
        if sha256 is None:
            yield _found(DIFFERENT, f"{path}: cannot be read, and {sent} was sent", path)
        elif sha256 != sent:
            yield _found(DIFFERENT, f"{path}: hashes to {sha256}, and {sent} was sent", path)

    def add_itself(self, relative: str) -> None:
        """Take the file of the list, which may name itself: what it was like while it was written tells nothing."""
        self._seen.add(relative)

    def add_stranger(self, path: str, sha256: str | None) -> None:
        """Take a file that is no image archive, and whose path is not in the list; its SHA-256 where it was wanted."""
        self._strangers.append(_Stranger(path, sha256))

    def add_folder(self, path: str, *, is_unpacked: bool) -> None:
        """Take a folder that is not looked into, and in which nothing lies that the lock names.

        Args:
            path: as it was found.
            is_unpacked: an image lies there, else it is a link to a folder. A list of files would have all of the
                image's; a lock has archives alone.
        """
        if self.lock.archives:
            what = "an image that lies there unpacked" if is_unpacked else "a link to a folder"
            self._strangers.append(_Stranger(path, None, inside=what, is_certain=is_unpacked and self.lock.lists_files))

    def names_below(self, relative: str) -> bool:
        """Whether the lock names something in a folder of this path."""
        if self._sorted is None:
            self._sorted = sorted(self._by_path)
        inside = f"{relative}/"
        place = bisect_left(self._sorted, inside)
        return place < len(self._sorted) and self._sorted[place].startswith(inside)

    def unmatched(self) -> list[tuple[str, str]]:
        """References of the lock whose digest lies in no archive."""
        return [(name, digest) for name, digest in self.lock.references if digest not in self._digests]

    def finish(
        self, proved: Collection[str] = (), untried: Mapping[str, int] = MappingProxyType({})
    ) -> Iterator[SetFinding]:
        """What is missing, and what is there that was not sent.

        Args:
            proved: digests of references that were rebuilt from an archive.
            untried: of others, archives of their repository from which they were not tried to be rebuilt.
        """
        by_digest: dict[str, list[int]] = defaultdict(list)
        by_images: dict[Signature, list[int]] = defaultdict(list)
        for number, stranger in enumerate(self._strangers):
            if stranger.sha256:
                by_digest[stranger.sha256].append(number)
            if stranger.images:
                by_images[stranger.images].append(number)
        explained: set[int] = set()
        for locked in self.lock.archives:
            if locked.path in self._seen:
                continue
            same = by_digest.get(locked.sha256, [])
            images = _signature(locked.images or (), believed=True)
            alike = same or (by_images.get(images, []) if images else [])
            free = next((number for number in alike if number not in explained), None)
            if free is None:
                yield _found(MISSING, f"{locked.path} ({locked.sha256}) has not arrived", locked.path)
                continue
            explained.add(free)
            path = self._strangers[free].path
            self._names_others |= self._strangers[free].verdict is None
            message = f"{locked.path} has arrived as {path}"
            if same:
                yield _found(MOVED, f"{message}: the same file", path)
            else:
                message += ": another file with the same images"
                yield self._packed_again(MOVED, message, path, self._strangers[free].verdict)
        for number, stranger in enumerate(self._strangers):
            if number not in explained:
                yield self._extra(stranger)
        for name, digest in self.unmatched():
            if digest not in proved:
                left = untried.get(digest, 0)
                more = f"; {left} more archives of that repository were not tried: give one alone" if left else ""
                message = f"{name}@{digest} is in no archive, and could not be rebuilt from one{more}"
                yield _found(MISSING, message, digest)

    def _packed_again(self, rule: Rule, message: str, path: str, verdict: str | None) -> SetFinding:
        """What is said of a file that is another one, with the same images: what else is in it nobody sent, perhaps."""
        self.is_packed_again = True
        if verdict == Verdict.INTACT:
            return _found(rule, message, path)
        return SetFinding(rule, Severity.WARNING, f"{message}, and is {verdict}", (path,), path)

    def _extra(self, stranger: _Stranger) -> SetFinding:
        path = stranger.path
        if stranger.verdict is not None:
            return _found(EXTRA, f"{path} is not in the lock", path)
        message = f"{path}, which is no image archive, is not in the list"
        if stranger.inside is not None:
            what = "list" if self.lock.lists_files else "lock"
            message = f"{path}, {stranger.inside}, was not looked into, and nothing in the {what} lies there"
        is_meant = stranger.is_certain or (self._names_others and self.lock.lists_files)
        severity = EXTRA.severity if is_meant else Severity.WARNING
        return SetFinding(EXTRA, severity, message, (path,), path)

    def held(self, found: Iterable[SetFinding], beside: str) -> str:
        """That everything arrived, in a few words; empty where that is not so.

        Args:
            found: everything that was found.
            beside: what can be said of things that are not in the lock, where it names files.
        """
        if any(each.rule in (MISSING, EXTRA, DIFFERENT) for each in found):
            return ""
        count = len(self.lock.archives) + len(self.lock.references)
        what = f"all {count} of" if count > 1 else "the one of"
        return f"{what} {self.lock.source} arrived{beside if self.lock.archives else ''}"


def _found(rule: Rule, message: str, path: str) -> SetFinding:
    return SetFinding(rule, rule.severity, message, (path,), path)


def _signature(images: Iterable[ImageFacts], *, believed: bool = False) -> Signature | None:
    """What makes images the same ones, in any order; None where a layer was not computed, or does not fit."""
    rows: list[tuple[object, ...]] = []
    for image in images:
        if not believed and any(layer.held != "match" for layer in image.layers):
            return None
        diff_ids = tuple(layer.diff_id for layer in image.layers)
        rows.append((image.image_id or "", image.manifest or "", tuple(sorted(image.tags)), diff_ids))
    return tuple(sorted(rows, key=repr))


def _difference(facts: Facts, locked: Locked) -> str:
    if facts.error is not None:
        return f"cannot be read: {facts.error}"
    if not locked.images:
        return f"hashes to {facts.sha256}, and {locked.sha256} was sent"
    if any(layer.held not in ("match", "unchecked") for image in facts.images for layer in image.layers):
        return "is not the file that was sent, and a layer in it is damaged or missing"
    there, here = ({image.image_id for image in images} for images in (locked.images, facts.images))
    lost, new = (sorted(str(each)[:19] for each in one - other) for one, other in ((there, here), (here, there)))
    if not lost and not new:
        return "holds images of the same configs, but other tags, manifests or layers were sent with them"
    words = [
        f"{', '.join(lost)} was sent and is not in it" if lost else "",
        f"{', '.join(new)} was not sent" if new else "",
    ]
    return "holds other images: " + "; ".join(word for word in words if word)
