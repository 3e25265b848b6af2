"""The driver that needs nothing: ``python -m fuzz.run TARGET [--seconds N] [--seed S]``.

Inputs are changed at random, the same ones for the same seed. What fails is written to ``fuzz/regressions/``.
"""

import argparse
import hashlib
import random
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType

from fuzz.mutations import mutated
from fuzz.seeds import seeds
from fuzz.targets import TARGETS

REGRESSIONS = Path(__file__).parent / "regressions"
_HANG = 30
"""Seconds after which an input counts as a hang. No bound of the tool is a time; this is to find loops."""
_SAID = 24
"""Characters of an error's text by which failures at one place are told apart."""
_MEMORY = 50
"""MiB that the process may grow above what it takes once every seed was tried."""


def run(name: str, seconds: float, seed: int) -> int:
    """Fuzz one target for so long. Returns how many inputs failed."""
    target, begin = TARGETS[name], seeds(name)
    chance = random.Random(seed)  # noqa: S311 - nothing here is secret
    signal.signal(signal.SIGALRM, _hangs)
    runs = failed = 0
    seen: set[str] = set()
    start = time.monotonic()
    base = 0
    while time.monotonic() - start < seconds or runs < len(begin):
        data = begin[runs] if runs < len(begin) else mutated(chance, chance.choice(begin), begin)
        if runs == len(begin):
            base = _resident()
        runs += 1
        signal.alarm(_HANG if base else 0)  # what a target has to build first may take its time
        try:
            target(data)
            if base and _resident() > base + _MEMORY:
                base = _resident()
                raise AssertionError(f"more than {_MEMORY} MiB were taken")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            place = traceback.extract_tb(error.__traceback__)[-1]
            signature = f"{type(error).__name__} {place.filename}:{place.lineno} {str(error)[:_SAID]}"
            failed += 1
            if signature not in seen:
                seen.add(signature)
                kept = REGRESSIONS / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
                kept.write_bytes(data)
                print(f"{kept.name}: {signature}: {str(error)[_SAID:600]}", file=sys.stderr)
        finally:
            signal.alarm(0)
    took = time.monotonic() - start
    print(f"{name}: {runs} inputs in {took:.0f} s, {failed} failed, seed {seed}")
    return failed


def _resident() -> int:
    """The most memory that this process has taken so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _hangs(_: int, __: FrameType | None) -> None:
    raise AssertionError(f"no end after {_HANG} seconds")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m fuzz.run")
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    names = list(TARGETS) if given.target == "all" else [given.target]
    sys.exit(bool(sum(run(each, given.seconds, given.seed) for each in names)))
