"""What looking inside layers costs, as ratios of pairs that are measured in turn in one run.

    python benchmarks/layers.py [--source DIR] [--size MIB] [--rounds N] [--folder DIR] [--entries N]

Packs files of a folder, as many as fit, into a docker save archive of several layers, and prints: microseconds an
entry, walked and surveyed alone; the wall time of measuring that archive on all processors, with and without looking
inside; the same with gzip layers; and peak memory for a layer of so many entries. How much it costs depends on how many
entries a mebibyte has: it is printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from imgforensics import archive as archive_room
from imgforensics.archive import Archive
from imgforensics.blobscan import BlobScanner
from imgforensics.layersurvey import LayerSurvey
from imgforensics.layerwalk import LayerWalker
from imgforensics.measuring import measure

MIB = 1 << 20
LAYERS = 6


def pack(source: Path, target: Path, size: int) -> int:
    """Write layer tars into ``target``; returns the entries."""
    entries = 0
    paths = sorted(source.rglob("*"))
    share = size // LAYERS
    position = 0
    for number in range(LAYERS):
        with tarfile.open(target / f"{number}.tar", "w", format=tarfile.GNU_FORMAT) as layer:
            while position < len(paths) and layer.offset < share:
                path = paths[position]
                position += 1
                if path.is_symlink() or path.is_dir() or (path.is_file() and path.stat().st_size < 64 * MIB):
                    layer.add(path, str(path).lstrip("/"), recursive=False)
                    entries += 1
    return entries


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
    """Seconds to walk and survey all layers, without hashing."""
    taken = 0.0
    for number in range(LAYERS):
        data = memoryview((folder / f"{number}.tar").read_bytes())
        start = time.perf_counter()
        walker, survey = LayerWalker(), LayerSurvey()
        for at in range(0, len(data), MIB):
            survey.add(walker.feed(data[at : at + MIB]))
        survey.finish(walker.finish())
        taken += time.perf_counter() - start
    return taken


class Blind(BlobScanner):
    """Looks into nothing."""

    def __init__(self, *positional: object, **_: object) -> None:
        super().__init__(*positional, survey=False)  # type: ignore[arg-type]


def measured(path: Path) -> float:
    with Archive(path) as archive:
        start = time.perf_counter()
        measure(archive, os.cpu_count() or 1)
        return time.perf_counter() - start


def blind(path: Path) -> float:
    with mock.patch.object(archive_room, "BlobScanner", Blind):
        return measured(path)


def ratio(name: str, path: Path, rounds: int) -> None:
    pairs = [(measured(path), blind(path)) for _ in range(rounds)]
    ratios = sorted(one / other for one, other in pairs)
    one, other = pairs[-1]
    print(f"{name}: {statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f}), wanted <= 1.1")
    print(f"    last pair: {one:.2f} s against {other:.2f} s")


PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""
MEASURE = """
import sys
from imgforensics.archive import Archive
from imgforensics.measuring import measure
with Archive(sys.argv[1]) as archive:
    measure(archive, 1)
"""


def peak(path: Path) -> int:
    """Peak memory of measuring, in MiB. A small process starts it: a child counts at least as large as that."""
    command = [sys.executable, "-c", PEAK, sys.executable, "-c", MEASURE, str(path)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


def many(count: int) -> Iterator[tarfile.TarInfo]:
    for number in range(count):
        yield tarfile.TarInfo(f"srv/data/{number % 997:03}/a-file-with-a-name-{number:09}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=Path("/usr"), help="files to pack")
    parser.add_argument("--size", type=int, default=1024, help="MiB of the plain archive")
    parser.add_argument("--rounds", type=int, default=5, help="pairs measured")
    parser.add_argument("--folder", default=None, help="where the archives are made")
    parser.add_argument("--entries", type=int, default=1_000_000, help="entries of the layer for peak memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder, path = Path(name), Path(name, "archive.tar")
        entries = pack(options.source, folder, options.size * MIB)
        save(folder, path, gzip=False)
        size = path.stat().st_size / MIB
        print(f"{os.cpu_count()} processors, {size:.0f} MiB, {entries} entries, {entries / size:.0f} in a MiB")
        print(f"walked and surveyed alone: {min(alone(folder) for _ in range(3)) / entries * 1e6:.2f} us an entry")
        ratio("plain layers, looking inside / not", path, options.rounds)
        save(folder, path, gzip=True)
        ratio("gzip layers, looking inside / not", path, options.rounds)
        with tarfile.open(folder / "0.tar", "w", format=tarfile.GNU_FORMAT) as tar:
            for info in many(options.entries):
                tar.addfile(info)
        with tarfile.open(path, "w") as tar:
            tar.add(folder / "0.tar", "layer.tar")
        print(f"peak memory, a layer of {options.entries} entries, one thread: {peak(path)} MiB, wanted <= 200")


if __name__ == "__main__":
    main()
