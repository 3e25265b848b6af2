"""How benchmarks measure: ratios of pairs that are taken in turn, wall time, and peak memory of commands."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

MIB = 1 << 20

PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def run(command: list[str], **environment: str) -> float:
    """Wall seconds of a command that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, env=os.environ | environment, check=True)
    return time.perf_counter() - start


def peak(command: list[str]) -> int:
    """Peak memory of a command in MiB. A small process starts it: a child counts at least as large as that."""
    return int(subprocess.run([sys.executable, "-c", PEAK, *command], capture_output=True, check=True).stdout)


def ratio(name: str, pairs: Sequence[tuple[float, float]], wanted: str) -> None:
    """Print the median of the ratios, the least and the largest, and what was taken last."""
    ratios = sorted(one / other for one, other in pairs)
    one, other = pairs[-1]
    print(f"{name}: {statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f}), wanted {wanted}")
    print(f"    last pair: {one:.2f} s against {other:.2f} s", flush=True)
