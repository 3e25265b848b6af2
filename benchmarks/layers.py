"""What looking into layers costs beside hashing them: a part of ``benchmarks/verify.py``.

Files of a folder, from all parts of it, are packed as image builders pack them: owned by root, times in whole seconds,
a PAX header where a name needs one; and once more with a PAX header before every entry. The archive of these layers is
then measured on all processors, as ``verify`` does it, with and without looking inside, in turn. How much that costs
depends on how many entries a mebibyte has: it is printed. Processor time is what to look at where other programs run.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from benchmarks.measuring import MIB, peak, ratio
from imgforensics import measuring
from imgforensics.archive import Archive
from imgforensics.blobscan import BlobScanner
from imgforensics.layersurvey import LayerSurvey
from imgforensics.layerwalk import LayerWalker
from imgforensics.measuring import measure

LAYERS = 6
LARGEST = 8 * MIB
"""Bytes of a file that is left out: without such ones, a tree has some sixty entries a MiB, as small images have."""
RUN = 200
"""Entries that follow each other as they do in the folder."""
WANTED = "<= 1.3"
MEASURE = """
import sys
from imgforensics.archive import Archive
from imgforensics.measuring import measure
with Archive(sys.argv[1]) as archive:
    measure(archive, 1)
"""


def chosen(source: Path, size: int) -> list[Path]:
    """Runs of what a folder holds, spread over it, so that it comes to about so many bytes."""
    sizes = {}
    for path in sorted(source.rglob("*")):
        kept = path.is_symlink() or path.is_dir() or (path.is_file() and path.stat().st_size < LARGEST)
        if kept:
            sizes[path] = 512 + (path.lstat().st_size if path.is_file() else 0)
    step = -(-sum(sizes.values()) // size)
    return [path for number, path in enumerate(sizes) if number // RUN % step == 0]


def pack(paths: list[Path], target: Path, *, every: bool) -> None:
    """Write layer tars into ``target``, with a PAX header before every entry, or where one is needed."""
    share = -(-len(paths) // LAYERS)
    for number in range(LAYERS):
        with tarfile.open(target / f"{number}.tar", "w", format=tarfile.PAX_FORMAT) as layer:
            for path in paths[number * share : (number + 1) * share]:
                add(layer, path, every=every)


def add(layer: tarfile.TarFile, path: Path, *, every: bool) -> None:
    info = layer.gettarinfo(path, str(path).lstrip("/"))
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    if every:
        info.pax_headers = {"atime": str(path.lstat().st_atime), "ctime": str(path.lstat().st_ctime)}
    else:
        info.mtime = int(info.mtime)
    if info.isreg():
        with path.open("rb") as file:
            layer.addfile(info, file)
    else:
        layer.addfile(info)


def save(folder: Path, path: Path, *, gzip: bool) -> None:
    """The layers in one tar; what they are called does not matter here."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(LAYERS):
            layer = folder / f"{number}.tar"
            if gzip:
                subprocess.run(["gzip", "-kf1", str(layer)], check=True)
                layer = layer.with_suffix(".tar.gz")
            tar.add(layer, layer.name)
            if gzip:
                layer.unlink()


def alone(folder: Path) -> float:
    """Seconds of processor time to walk and survey all layers, without hashing."""
    taken = 0.0
    for number in range(LAYERS):
        data = memoryview((folder / f"{number}.tar").read_bytes())
        start = time.process_time()
        walker, survey = LayerWalker(), LayerSurvey()
        for at in range(0, len(data), MIB):
            survey.add(walker.feed(data[at : at + MIB]))
        survey.finish(walker.finish())
        taken += time.process_time() - start
    return taken


class Blind(BlobScanner):
    """Looks into nothing."""

    def __init__(self, *positional: object, **_: object) -> None:
        super().__init__(*positional, survey=False)  # type: ignore[arg-type]


def measured(path: Path) -> tuple[float, float]:
    """Seconds of wall time, and of processor time, that it takes to measure an archive."""
    with Archive(path) as archive:
        start, worked = time.perf_counter(), time.process_time()
        measure(archive, os.cpu_count() or 1)
        return time.perf_counter() - start, time.process_time() - worked


def blind(path: Path) -> tuple[float, float]:
    with mock.patch.object(measuring, "BlobScanner", Blind):
        return measured(path)


def looking(name: str, path: Path, rounds: int) -> None:
    pairs = [(measured(path), blind(path)) for _ in range(rounds)]
    for number, unit in enumerate(("wall time", "processor time")):
        ratio(f"{name}, looking inside / not, {unit}", [(one[number], other[number]) for one, other in pairs], WANTED)


def many(count: int) -> Iterator[tarfile.TarInfo]:
    for number in range(count):
        yield tarfile.TarInfo(f"srv/data/{number % 997:03}/a-file-with-a-name-{number:09}")


def cost(source: Path, size: int, rounds: int, parent: str | None) -> None:
    """Print what looking into layers of files from a folder costs, as many MiB of them."""
    paths = chosen(source, size * MIB)
    entries = len(paths)
    for kind, every in (("an ordinary tree", False), ("a PAX header each", True)):
        with tempfile.TemporaryDirectory(dir=parent) as name:
            folder, path = Path(name), Path(name, "archive.tar")
            pack(paths, folder, every=every)
            save(folder, path, gzip=False)
            mib = path.stat().st_size / MIB
            print(f"{kind}: {mib:.0f} MiB, {entries} entries, {entries / mib:.0f} in a MiB", flush=True)
            print(
                f"    walked and surveyed alone: {min(alone(folder) for _ in range(3)) / entries * 1e6:.2f} us an entry"
            )
            looking(f"{kind}, plain layers", path, rounds)
            if not every:
                save(folder, path, gzip=True)
                looking(f"{kind}, gzip layers", path, rounds)


def memory(entries: int, parent: str | None) -> None:
    """Print the peak memory that a layer of so many entries takes."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        layer, path = Path(name, "layer.tar"), Path(name, "archive.tar")
        with tarfile.open(layer, "w", format=tarfile.GNU_FORMAT) as tar:
            for info in many(entries):
                tar.addfile(info)
        with tarfile.open(path, "w") as tar:
            tar.add(layer, layer.name)
        taken = peak([sys.executable, "-c", MEASURE, str(path)])
        print(f"peak memory, a layer of {entries} entries, one thread: {taken} MiB, wanted <= 200", flush=True)
