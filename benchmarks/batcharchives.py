"""The archives of ``benchmarks/batch.py``: of 5 to 50 MB, with base layers that come again and again.

Each holds one, two or three of eight base layers and one layer of its own. A base is 1.27 times as large as the one
before it, so that small archives are more than large ones, as in real sets, and a thousand have 15 GB and fit into the
page cache of a machine with 24 GB: where they do not, a benchmark measures the disk.
"""

import argparse
import functools
import random
from pathlib import Path
from typing import NamedTuple

from tests import builder
from tests.builder import ImageSpec

MIB = 1 << 20
BASES = [int(3 * MIB * 1.27**number) for number in range(8)]
"""Sizes of the base layers: 3 to 16 MiB."""
_PACKS = 3
"""How much smaller gzip makes such layers, about."""


class Plan(NamedTuple):
    """One archive."""

    bases: list[int]
    own: int
    """Bytes of its own layer."""

    @property
    def size(self) -> int:
        """Bytes of its layers."""
        return self.own + sum(BASES[base] for base in self.bases)


def plans(count: int) -> list[Plan]:
    """What is in so many archives; the same whenever it is asked."""
    chance = random.Random(7)
    made = []
    for _ in range(count):
        (bases,) = chance.choices([1, 2, 3], [65, 25, 10])
        made.append(Plan(chance.sample(range(len(BASES)), bases), chance.randint(2, 4) * MIB))
    return made


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
    """Write them.

    Their layers are plain, as in a ``docker save`` of Docker 24; packed, they are gzip streams, as containerd has them,
    and larger before that.
    """
    times = _PACKS if packed else 1
    bases = [files(f"base{number}", size * times) for number, size in enumerate(BASES)]
    builder.COMPRESS["gzip"] = functools.lru_cache(maxsize=16)(builder.gz)  # each base is compressed once
    for number, plan in enumerate(plans(count)):
        layers = [*(bases[base] for base in plan.bases), files(f"app{number}", plan.own * times)]
        spec = ImageSpec(layers=layers, tags=[f"example.com/app{number}:1"])
        entries = builder.containerd([spec], manifest_json=True) if packed else builder.docker_legacy([spec])
        (folder / f"{number:05}.tar").write_bytes(builder.tar(entries))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("count", type=int)
    options.add_argument("--packed", action="store_true")
    chosen = options.parse_args()
    make(chosen.folder, chosen.count, packed=chosen.packed)


if __name__ == "__main__":
    main()
