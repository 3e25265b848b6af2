"""Every input on which a fuzzing target ever failed, once more; and a few fresh ones, so that the targets stay whole."""

import os
import random
from pathlib import Path

import pytest

from fuzz.mutations import mutated
from fuzz.seeds import seeds
from fuzz.targets import TARGETS, Target

REGRESSIONS = sorted((Path(__file__).parents[1] / "fuzz" / "regressions").glob("*.bin"))
FRESH = 20


def target(name: str) -> Target:
    if name == "outer" and "IMGFORENSICS_GO" not in os.environ:
        pytest.skip("no Go toolchain to compare with: set IMGFORENSICS_GO to the go program of one")
    return TARGETS[name]


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_input_that_failed_once(path: Path) -> None:
    target(path.name.partition("-")[0])(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_fresh_inputs(name: str) -> None:
    one, begin = target(name), seeds(name)
    chance = random.Random(name)
    for _ in range(FRESH):
        one(mutated(chance, chance.choice(begin), begin))
