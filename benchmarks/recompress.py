"""Ratios of recompression, on this machine.

Usage, from the top of the repository:
    python -m benchmarks.recompress [--input FILE | --size MIB] [--rounds N] [--jobs N] [--go PATH | --release 1.26.6]
        [--memory MIB ...]

Without --input, the content is a tar of what stands in /usr/bin, /usr/lib and /usr/share, in equal parts. It prints the
throughput of our encoders on one thread against that of Go, alternated, with the content in memory; several threads
against one, in one layer, in six layers and in a layer of zeros; and peak memory for layers of the sizes asked for. Our
figures include the SHA-256 of the output, Go's do not. Without --go, a Go toolchain is installed into a temporary
folder. Times on shared machines vary: look at the ratios, of wall time and of processor time; several threads gain
nothing where other programs use the processors.
"""

import argparse
import io
import itertools
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from imgforensics.model import Digest
from imgforensics.recompress import COMPILED, measure
from imgforensics.reconstruct.material import Piece
from imgforensics.reconstruct.workshop import Workshop
from tests.content import endless
from tests.gooracle import build_go, go_version, installed_go

MIB = 1 << 20
CHUNK = 1 * MIB

PROGRAM = """
package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"bytes"
	"os"
	"syscall"
	"time"
)

func cpu() float64 {
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}

func main() {
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		var level int
		if _, err := fmt.Scan(&level); err != nil {
			return
		}
		wall, used := time.Now(), cpu()
		w, err := gzip.NewWriterLevel(io.Discard, level)
		if err != nil {
			panic(err)
		}
		io.Copy(w, bytes.NewReader(data))
		w.Close()
		fmt.Println(time.Since(wall).Seconds(), cpu()-used)
	}
}
"""


def mixed(size: int) -> bytes:
    """A tar with files of each of three folders, until each has its third of the size."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, root in enumerate(("/usr/bin", "/usr/lib", "/usr/share"), start=1):
            for folder, folders, names in os.walk(root):
                folders.sort()
                for name in sorted(names):
                    path = Path(folder, name)
                    if buffer.tell() < size * number // 3 and path.is_file() and not path.is_symlink():
                        archive.add(path, recursive=False)
    return buffer.getvalue()[:size]


def chunks(data: bytes) -> Iterator[memoryview]:
    view = memoryview(data)
    for at in range(0, len(view), CHUNK):
        yield view[at : at + CHUNK]


def timed(name: str, data: bytes, jobs: int) -> tuple[float, float]:
    """Seconds of wall and processor time."""
    wall, used = time.perf_counter(), time.process_time()
    measure(name, chunks(data), jobs)
    return time.perf_counter() - wall, time.process_time() - used


def against_go(data: bytes, go: str, folder: Path, rounds: int) -> None:
    (folder / "content").write_bytes(data)
    program = build_go(go, folder, PROGRAM)
    family = "go1.27" if (go_version(go) or (1, 0)) >= (1, 27) else "go1.8"
    one = os.environ | {"GOMAXPROCS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen([program, folder / "content"], stdin=pipe, stdout=pipe, text=True, env=one) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for level in (6, 1):
            ratios: list[tuple[float, float]] = []
            for _ in range(rounds):
                process.stdin.write(f"{level}\n")
                process.stdin.flush()
                theirs = [float(number) for number in process.stdout.readline().split()]
                ours = timed(f"{family}-{level}", data, 1)
                ratios.append((theirs[0] / ours[0], theirs[1] / ours[1]))
                print(
                    f"level {level}: Go {len(data) / MIB / theirs[1]:.0f}, ours {len(data) / MIB / ours[1]:.0f} MiB/s "
                    f"of processor time; ratio {ratios[-1][1]:.2f}, of wall time {ratios[-1][0]:.2f}"
                )
            print(f"level {level}: median ratio {statistics.median(ratio[1] for ratio in ratios):.2f}, ", end="")
            print(f"of wall time {statistics.median(ratio[0] for ratio in ratios):.2f}")
        process.stdin.close()


def several_jobs(what: str, data: bytes, jobs: int, rounds: int) -> None:
    for name in ("go1.8-6", "go1.8-1", "go1.27-6", "go1.27-1", "pgzip-c"):
        ratios = []
        for _ in range(rounds):
            alone, together = timed(name, data, 1), timed(name, data, jobs)
            ratios.append(alone[0] / together[0])
        print(
            f"{name}, {what}: {jobs} jobs {statistics.median(ratios):.2f} times as fast as one (median; best "
            f"{max(ratios):.2f}), with {together[1] / alone[1]:.2f} times the processor time"
        )


def several_layers(data: bytes, jobs: int, rounds: int) -> None:
    """Six layers, the largest with two fifths of all bytes."""
    cuts = [round(len(data) * share) for share in (0, 0.4, 0.66, 0.82, 0.92, 0.97, 1)]
    layers = [data[start:stop] for start, stop in itertools.pairwise(cuts)]
    pieces = [Piece(at, Digest.of(layer), at, len(layer), None) for at, layer in enumerate(layers)]
    for name in ("go1.8-6", "go1.8-1", "go1.27-6", "go1.27-1"):
        ratios = []
        for _ in range(rounds):
            seconds = []
            for used in (1, jobs):
                start = time.perf_counter()
                Workshop(lambda member: chunks(layers[member]), used).streams(pieces, name)
                seconds.append(time.perf_counter() - start)
            ratios.append(seconds[0] / seconds[1])
        print(f"{name}: six layers with {jobs} jobs {statistics.median(ratios):.2f} times as fast as with one (median)")


def peak(size: int, jobs: int) -> None:
    """Print the memory of this process at its peak, after a layer of some MiB."""
    for name in ("go1.8-6", "go1.8-1", "go1.27-6", "go1.27-1"):
        measure(name, endless("peak", size * MIB), jobs)
    print(
        f"{size} MiB, {jobs} jobs: peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB of memory"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--input", type=Path, help="the content")
    options.add_argument("--size", type=int, default=160, help="MiB of content")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--go", help="the go program of a toolchain")
    options.add_argument("--release", default="1.26.6", help="the release to install where none is given")
    options.add_argument("--memory", type=int, nargs="*", default=[64, 512], help="MiB of layers")
    options.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.peak:
        peak(chosen.peak, chosen.jobs)
        return
    print("compiled" if COMPILED else "plain Python: expect a hundredth")
    for size in chosen.memory:
        for jobs in (1, chosen.jobs):
            own = [sys.executable, "-m", "benchmarks.recompress", "--peak", str(size), "--jobs", str(jobs)]
            subprocess.run(own, check=True)
    data = chosen.input.read_bytes() if chosen.input else mixed(chosen.size * MIB)
    print(f"{len(data) / MIB:.0f} MiB of content")
    several_jobs("one layer", data, chosen.jobs, chosen.rounds)
    several_jobs("a layer of zeros", bytes(300 * MIB), chosen.jobs, chosen.rounds)
    several_layers(data, chosen.jobs, chosen.rounds)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        against_go(data, chosen.go or installed_go(chosen.release, folder), folder, chosen.rounds)


if __name__ == "__main__":
    main()
