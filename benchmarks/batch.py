"""Throughput of ``verify`` over many archives, on this machine.

Usage, from the top of the repository: python -m benchmarks.batch [--archives N] [--jobs N] [--folder DIR]

It makes archives of 5 to 50 MB that share base layers, and prints the time of ``verify DIR`` against the sum
of ``openssl dgst -sha256`` over the same files (read before, so that both read from memory), the time to the first
result, peak memory of all processes, a second run with ``--resume``, and how the work of ``digest`` grows with distinct
layers. Times on shared machines vary: look at the ratios.
"""

import argparse
import contextlib
import ctypes
import functools
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests import builder
from tests.builder import ImageSpec

MIB = 1 << 20
_CHILD_SUBREAPER = 36
"""Of ``prctl`` (linux/prctl.h)."""
PROGRAM = [sys.executable, "-m", "imgforensics"]


def files(seed: str, size: int) -> bytes:
    """A layer of about so many bytes, of files as systems have them: many small, some large, 16 KiB on average."""
    chance = random.Random(seed)
    noise = chance.randbytes(1 << 16)
    words = noise + b"".join(chance.choices([b"lib", b"usr/", b"the ", bytes(4), noise[:3]], k=1 << 16))
    entries = [builder.Entry("usr/", type=b"5", mode=0o755)]
    while size > 0:
        length = min(int(chance.lognormvariate(8.3, 1.7)), 4 * MIB, size)
        start = chance.randrange(1 << 17)
        data = (words[start:] * (length // len(words[start:]) + 1))[:length]
        entries.append(builder.Entry(f"usr/share/{seed}/{len(entries) // 20}/file{len(entries)}", data))
        size -= length + 1024
    return builder.tar(entries)


def make(folder: Path, count: int, *, packed: bool) -> None:
    """Archives of one, two or three of eight base layers and one layer of their own.

    Their layers are plain, as in a ``docker save`` of Docker 24; packed, they are gzip streams, as containerd has them.
    """
    chance = random.Random(7)
    bases = [files(f"base{n}", (4 + 2 * n) * MIB * (2 if packed else 1)) for n in range(8)]
    builder.COMPRESS["gzip"] = functools.lru_cache(maxsize=16)(builder.gz)  # each base is compressed once
    for number in range(count):
        own = files(f"app{number}", chance.randint(1, 4) * MIB)
        spec = ImageSpec(layers=[*chance.sample(bases, chance.randint(1, 3)), own], tags=[f"example.com/app{number}:1"])
        entries = builder.containerd([spec], manifest_json=True) if packed else builder.docker_legacy([spec])
        (folder / f"{number:05}.tar").write_bytes(builder.tar(entries))


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


def first_result(folder: Path, jobs: str) -> float:
    start = time.perf_counter()
    command = [*PROGRAM, "verify", str(folder), "-f", "jsonl", "-j", jobs]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - start
        process.kill()
    return seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--archives", type=int, default=200)
    options.add_argument("--jobs", default=str(len(os.sched_getaffinity(0))))
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", help="where the archives are made; a temporary one unless it is given")
    options.add_argument("--packed", action="store_true", help="layers are compressed")
    options.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.make:
        make(chosen.make, chosen.archives, packed=chosen.packed)
        return
    adopt()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name, "in")
        folder.mkdir()
        # In a process of its own: children begin with the memory of who starts them, and peaks would show that.
        own = [sys.executable, "-m", "benchmarks.batch", "--make", str(folder), "--archives", str(chosen.archives)]
        own += ["--packed"] if chosen.packed else []
        subprocess.run(own, check=True)
        files = sorted(str(path) for path in folder.iterdir())
        size = sum(Path(path).stat().st_size for path in files)
        print(f"{len(files)} archives, {size / MIB:.0f} MiB, {chosen.jobs} jobs")
        verify = [*PROGRAM, "verify", str(folder), "-f", "jsonl", "-j", chosen.jobs]
        openssl = ["openssl", "dgst", "-sha256", *files]
        cost(openssl)
        for _ in range(chosen.rounds):
            theirs, ours = cost(openssl), cost(verify)
            print(
                f"openssl {theirs.wall:.1f} s, verify {ours.wall:.1f} s: {ours.wall / theirs.wall:.2f} times as long,"
                f" with {ours.processor / theirs.processor:.2f} times its processor time;"
                f" largest process {ours.peak:.0f} MiB"
            )
        print(f"first result after {first_result(folder, chosen.jobs):.2f} s")
        resumed = [*verify, "--resume", str(Path(name, "state"))]
        print(f"with --resume: first {cost(resumed).wall:.1f} s, again {cost(resumed).wall:.1f} s")
        ledger = str(Path(name, "ledger"))
        for count in (len(files) // 8, len(files) // 4, len(files) // 2):
            command = [*PROGRAM, "digest", *files[:count], "--ledger", ledger, "-f", "json", "-j", chosen.jobs]
            print(f"digest of {count} archives: first {cost(command).wall:.1f} s, again {cost(command).wall:.1f} s")


if __name__ == "__main__":
    main()
