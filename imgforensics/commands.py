"""The runs of ``learn`` and of ``digest --raw``, and what options name: files that are read, the ledger's place."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import platformdirs

from imgforensics import batch, expectfile, learn
from imgforensics.analysis import analyze_archive
from imgforensics.custody import Input
from imgforensics.documents import DocumentKind, read_document
from imgforensics.errors import ImgforensicsError, InputError, NotAnImageError, SelectionError
from imgforensics.exitcodes import ANSWERED, BAD, NO_ANSWER
from imgforensics.expectation import SuppliedManifest
from imgforensics.findings import Severity, Skipped
from imgforensics.folders import Barren
from imgforensics.learn import Lesson
from imgforensics.limits import DEFAULT_LIMITS, MIB
from imgforensics.model import Digest
from imgforensics.output import Sink, spare
from imgforensics.reconstruct.ledger import Ledger, LedgerBusyError
from imgforensics.rendering import printable
from imgforensics.rendering.words import plural
from imgforensics.report import Options
from imgforensics.sets import baseline, lockfile

_LIST = 64 * MIB
_REPORT = 1024 * MIB
_MANIFESTS = frozenset({DocumentKind.MANIFEST, DocumentKind.INDEX, DocumentKind.SCHEMA1})
"""What a registry gives when it is asked for a manifest."""


def ledger_path(given: str | None, *, off: bool) -> str | None:
    """The ledger to use: the one that was named, else the one in the user's data directory; None for none.

    Where that directory or that file cannot be used, there is none either, and a line says so.

    Raises:
        InputError: the one that was named is no ledger.
    """
    if off:
        return None
    if given is not None:
        with contextlib.suppress(LedgerBusyError), Ledger(_named(given, "--ledger")) as ledger:
            ledger.open()
        return given
    folder = platformdirs.user_data_dir("imgforensics", appauthor=False)
    path = os.path.join(folder, "ledger.sqlite")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with Ledger(path) as ledger:
            ledger.open()
    except (OSError, InputError) as error:
        warn(f"going on without a ledger: {error}")
        return None
    return path


def warner() -> Callable[[str], None]:
    """Says each thing once on standard error."""
    said: set[str] = set()

    def once(text: str) -> None:
        if text not in said:
            said.add(text)
            warn(text)

    return once


def warn(text: str) -> None:
    """Say something on standard error that is no answer."""
    print(f"imgforensics: {printable(text)}", file=sys.stderr)


def _named(path: str, option: str) -> str:
    if not path:
        raise InputError(f"{option}: an empty name")
    return path


def supplied(paths: Sequence[str]) -> tuple[SuppliedManifest, ...]:
    """Manifests that were handed in.

    Raises:
        InputError: a file cannot be read, is too large for a manifest, or holds something else.
    """
    manifests = []
    for path in paths:
        content = _read(_named(path, "--manifest"), DEFAULT_LIMITS.document)
        document = read_document(content)
        if document.kind not in _MANIFESTS:
            what = document.kind.value if isinstance(document.value, (dict, list)) else "no JSON"
            raise InputError(f"{path}: is {what}, no manifest; crane manifest or skopeo inspect --raw fetch one")
        manifests.append(SuppliedManifest(path, content, Digest.of(content)))
    return tuple(manifests)


def read_lock(path: str) -> tuple[lockfile.Lock, Input]:
    """What a lock, or a list, says must have arrived; and the file, for custody.

    Raises:
        InputError: it cannot be read.
    """
    text, told = _text("lock", path, _LIST)
    return lockfile.parse(text, path), told


def read_baseline(path: str) -> tuple[baseline.Baseline, Input]:
    """An earlier report; and the file, for custody.

    Raises:
        InputError: it cannot be read, or is none.
    """
    text, told = _text("baseline", path, _REPORT)
    return baseline.read(text, path), told


def expected(path: str) -> tuple[Mapping[str, tuple[str, ...]], Input]:
    """What a list of expectations says, by archive; and the file, for custody.

    Raises:
        InputError: it cannot be read.
    """
    text, told = _text("expect_file", path, _LIST)
    return expectfile.parse(text, path), told


def _text(use: str, path: str, most: int) -> tuple[str, Input]:
    """The text of a file that the option of this use names, a byte order mark taken away."""
    content = _read(_named(path, f"--{use.replace('_', '-')}"), most)
    return content.decode("utf-8-sig", "surrogateescape"), Input.of(use, path, content)


def _read(path: str, most: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    if len(content) > most:
        raise InputError(f"{path}: is larger than {most} bytes")
    return content


def run_raw(path: str, options: Options, expect: Mapping[str, tuple[str, ...]]) -> int:
    """Write the likely manifest of one image to standard output, nothing added.

    Args:
        path: the archive.
        options: how to look at it.
        expect: digests expected in single archives, by :func:`imgforensics.expectfile.key` of their path.

    Raises:
        InputError: there is no archive, or standard output cannot be written.
        SelectionError: there are several images to choose from, or no manifest that speaks for itself.
    """
    own = expectfile.key(path)
    unseen = sorted(expect.keys() - {own})
    if unseen:
        raise SelectionError(f"{unseen[0]}: listed in --expect-file, and not looked at: --raw takes one archive")
    options = replace(options, expect=(*options.expect, *expect.get(own, ())))
    report = analyze_archive(sys.stdin.buffer if path == batch.STDIN else path, options)
    if len(report.registries) != 1:
        raise SelectionError(f"{path}: {len(report.registries)} images; choose one with --image or --platform")
    ((_, registry),) = report.registries.items()
    if registry.likely is None:
        why = f": {'; '.join(registry.reasons)}" if registry.reasons else ""
        raise SelectionError(f"{path}: nothing speaks for one manifest{why}; --expect DIGEST or --pusher chooses one")
    with Sink("-") as sink:
        sink.write_bytes(registry.likely.content)
    errors = [each for each in report.findings if each.severity is Severity.ERROR]
    for finding in errors:
        print(f"imgforensics: {finding.rule.code}: {printable(finding.message)}", file=sys.stderr)
    return BAD if errors else ANSWERED


def run_learn(paths: Sequence[str], ledger_file: str, options: Options, output: str) -> int:
    """Learn from every path, tell what each taught, and return the exit code."""
    no_answer = is_any = False
    skipped = 0
    total = Lesson("")
    found, barren = list(batch.discover(paths)), Barren(paths)
    read = [each.path if isinstance(each, Skipped) else each for each in found if _may_teach(each)]
    spare(output, [*paths, *read], [Input("ledger", ledger_file)])
    with Ledger(ledger_file) as ledger, Sink(output) as sink:
        for lesson in _lessons(found, paths, ledger, options):
            is_any |= lesson is not None
            if lesson is None:
                skipped += 1
            elif lesson.refused is None:
                barren.see(lesson.path)
                total += lesson
                sink.write(f"{printable(lesson.path)}: {_counted(lesson, ', ')}\n")
            else:
                no_answer = True
                barren.see(lesson.path)
                print(f"imgforensics: {printable(lesson.path)}: {printable(lesson.refused)}", file=sys.stderr)
        if not is_any:
            raise InputError(f"no archive and no manifest in {', '.join(paths[:3])}; {skipped} files skipped")
        for path in barren.left:
            no_answer = True
            warn(f"{path}: no archive and no manifest in it")
        others = f"; {skipped} other {plural(skipped, 'file')} skipped" if skipped else ""
        sink.write(f"learned {_counted(total, ' and ')}: {printable(ledger_file)}{others}\n")
        if not (total.layers or total.manifests or no_answer):
            warn("nothing new: known already, or layers that are not compressed and were in no registry so")
    return NO_ANSWER if no_answer else ANSWERED


def _counted(lesson: Lesson, between: str) -> str:
    layers, manifests = lesson.layers, lesson.manifests
    return f"{layers} {plural(layers, 'layer')}{between}{manifests} {plural(manifests, 'manifest')}"


def _may_teach(found: str | Skipped) -> bool:
    """Whether it is an archive, or may be a manifest."""
    return not isinstance(found, Skipped) or "JSON" in found.reason


def _lessons(
    found: Iterable[str | Skipped], paths: Sequence[str], ledger: Ledger, options: Options
) -> Iterator[Lesson | None]:
    """What each file taught; None for one that was found in a directory, and is nothing to learn from."""
    for each in found:
        path = each.path if isinstance(each, Skipped) else each
        try:
            content = _manifest_bytes(path) if _may_teach(each) else None
        except InputError as error:
            yield Lesson(path, refused=str(error).removeprefix(f"{path}: "))
            continue
        if content is not None:
            lesson = _from_manifest(content, path, ledger)
            yield None if lesson.refused is not None and path not in paths else lesson
            continue
        if isinstance(each, Skipped):
            yield None
            continue
        source = sys.stdin.buffer if path == batch.STDIN else path
        try:
            yield learn.from_archive(analyze_archive(source, options), ledger)
        except NotAnImageError as error:
            yield Lesson(path, refused=str(error)) if path in paths else None
        except ImgforensicsError as error:
            yield Lesson(path, refused=str(error))


def _manifest_bytes(path: str) -> bytes | None:
    """The bytes of a file that may be a manifest: small, and beginning like a JSON object.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if not os.path.isfile(path) or Path(path).stat().st_size > DEFAULT_LIMITS.document:
            return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    content = _read(path, DEFAULT_LIMITS.document)
    return content if content.lstrip()[:1] == b"{" else None


def _from_manifest(content: bytes, path: str, ledger: Ledger) -> Lesson:
    try:
        return learn.from_manifest(content, path, ledger)
    except InputError as error:
        return Lesson(path, refused=str(error))
