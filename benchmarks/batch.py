"""Throughput of ``verify`` over many archives, on this machine.

    python -m benchmarks.batch [--parts PART ...] [--archives N] [--packed] [--jobs N] [--rounds N] [--folder DIR]

It makes archives of 5 to 50 MB that share base layers (``benchmarks/batcharchives.py``); in a folder that is named they
stay, and are taken the next time. Its parts, of which all are taken where none is named:

* `verify`: time and processor time of ``verify DIR`` against the sum of ``openssl dgst -sha256`` over the same files,
  in turn; the files were read before, so that both read from memory. A thousand take 15 GB of it;
* `floor`: processor time of ``verify DIR`` against what cannot be left out: every byte hashed twice, as the archive's
  and as a member's, and each different layer inflated with ISA-L, and hashed, once;
* `first`: the time to the first result;
* `memory`: peak memory of all processes together (proportional set size: what several share counts once; Linux);
* `resume`: a run with ``--resume``, and another one over what it left;
* `digest`: how the work of ``digest`` grows with layers that are different, and what is left of it the second time.

Times on shared machines vary: look at the ratios.
"""

import argparse
import contextlib
import ctypes
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from isal import igzip_lib

from benchmarks.batcharchives import BASES, MIB, plans

PARTS = ("verify", "floor", "first", "memory", "resume", "digest")
PROGRAM = [sys.executable, "-m", "imgforensics"]
_CHILD_SUBREAPER = 36
"""Of ``prctl`` (linux/prctl.h)."""
_DOCUMENT = 64 * 1024
"""Bytes up to which a member is no layer here."""


class Cost(NamedTuple):
    """What a command cost, all of its processes together."""

    wall: float
    processor: float
    """Seconds."""
    peak: float
    """MiB of its largest process."""


def adopt() -> None:
    """Become the parent of processes whose own parent ends, so that their time and memory are seen (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)


def cost(command: list[str]) -> Cost:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = processor = peak = 0.0
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, process_status, used = os.wait3(0)
            processor += used.ru_utime + used.ru_stime
            peak = max(peak, used.ru_maxrss / 1024)
            if pid == process.pid:
                wall = time.perf_counter() - start
                process.returncode = os.waitstatus_to_exitcode(process_status)
    return Cost(wall, processor, peak)


def together(command: list[str]) -> float:
    """Peak memory of all processes of a command in MiB, looked at ten times a second."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_share(folder) for folder in Path("/proc").glob("[0-9]*") if _of(folder, process.pid)))
        time.sleep(0.1)
    bury()
    return peak / 1024


def bury() -> None:
    """Wait for adopted processes, so that nothing of them counts for the next command."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def _of(process: Path, session: int) -> bool:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[3]) == session
    except OSError:
        return False


def _share(process: Path) -> int:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def floor(paths: list[str]) -> float:
    """Processor seconds of what cannot be left out."""
    start = time.process_time()
    whole, part = hashlib.sha256(), hashlib.sha256()
    buffer = memoryview(bytearray(MIB))
    for path in paths:
        with Path(path).open("rb") as file:
            while length := file.readinto(buffer):
                whole.update(buffer[:length])
                part.update(buffer[:length])
    seconds = time.process_time() - start
    seen = set()
    for path in paths:
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.size > _DOCUMENT else None
                if content is not None and member.name not in seen:
                    seen.add(member.name)
                    seconds += inflating(content.read())
    return seconds


def inflating(stored: bytes) -> float:
    """Processor seconds of inflating a layer, if it is compressed, and hashing it."""
    if not stored.startswith(b"\x1f\x8b"):
        return 0
    start = time.process_time()
    decoder = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_GZIP)
    sha256 = hashlib.sha256()
    position = 0
    while not decoder.eof:
        sha256.update(decoder.decompress(stored[position : position + 128 * 1024], MIB))
        position += 128 * 1024
    return time.process_time() - start


def first_result(verify: list[str]) -> float:
    start = time.perf_counter()
    with subprocess.Popen(verify, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - start
        process.kill()
    bury()
    return seconds


def against_openssl(verify: list[str], paths: list[str], rounds: int) -> None:
    openssl = ["openssl", "dgst", "-sha256", *paths]
    cost(openssl)
    for _ in range(rounds):
        theirs, ours = cost(openssl), cost(verify)
        print(
            f"openssl {theirs.wall:.1f} s, verify {ours.wall:.1f} s: {ours.wall / theirs.wall:.2f} times as long,"
            f" with {ours.processor / theirs.processor:.2f} times its processor time;"
            f" largest process {ours.peak:.0f} MiB",
            flush=True,
        )


def digests(paths: list[str], jobs: str) -> None:
    """Half, a quarter and an eighth of the archives, each with a ledger of its own."""
    for count in (len(paths) // 8, len(paths) // 4, len(paths) // 2):
        made = plans(count)
        different = sum(plan.own for plan in made) + sum(
            BASES[base] for base in {b for plan in made for b in plan.bases}
        )
        every = sum(plan.size for plan in made)
        with tempfile.TemporaryDirectory() as name:
            command = [*PROGRAM, "digest", *paths[:count], "--ledger", f"{name}/ledger", "-f", "json", "-j", jobs]
            first, again = cost(command), cost(command)
        print(
            f"digest of {count} archives, {every / MIB:.0f} MiB of layers, {different / MIB:.0f} MiB different:"
            f" {first.wall:.1f} s, {first.processor:.1f} s of processor time,"
            f" {1000 * first.processor / different * MIB:.0f} ms for each of these MiB; again {again.wall:.1f} s",
            flush=True,
        )


def measure(chosen: argparse.Namespace, folder: Path, paths: list[str], scratch: str) -> None:
    verify = [*PROGRAM, "verify", str(folder), "-f", "jsonl", "-j", chosen.jobs]
    if "verify" in chosen.parts:
        against_openssl(verify, paths, chosen.rounds)
    if "floor" in chosen.parts:
        least, ours = floor(paths), cost(verify).processor
        print(f"what cannot be left out {least:.1f} s, verify {ours:.1f} s of processor time: {ours / least:.2f} times")
    if "first" in chosen.parts:
        print(f"first result after {first_result(verify):.2f} s")
    if "memory" in chosen.parts:
        print(f"all processes together {together(verify):.0f} MiB")
    if "resume" in chosen.parts:
        resumed = [*verify, "--resume", str(Path(scratch, "state"))]
        print(f"with --resume: first {cost(resumed).wall:.1f} s, again {cost(resumed).wall:.1f} s")
    if "digest" in chosen.parts:
        digests(paths, chosen.jobs)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS, help="what to measure")
    options.add_argument("--archives", type=int, default=200)
    options.add_argument("--jobs", default=str(len(os.sched_getaffinity(0))))
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, help="where the archives are, or are made, and left")
    options.add_argument("--packed", action="store_true", help="layers are compressed")
    chosen = options.parse_args()
    adopt()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch, "in")
        folder.mkdir(exist_ok=True)
        if not any(folder.iterdir()):
            # In a process of its own: children begin with the memory of who starts them, and peaks would show that.
            own = [sys.executable, "-m", "benchmarks.batcharchives", str(folder), str(chosen.archives)]
            subprocess.run([*own, "--packed"] if chosen.packed else own, check=True)
        paths = sorted(map(str, folder.iterdir()))
        size = sum(Path(path).stat().st_size for path in paths)
        print(f"{len(paths)} archives, {size / MIB:.0f} MiB, {chosen.jobs} jobs", flush=True)
        measure(chosen, folder, paths, scratch)


if __name__ == "__main__":
    main()
