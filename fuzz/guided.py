"""The driver that follows coverage, with atheris: ``python -m fuzz.guided TARGET [options of libFuzzer]``.

Needs ``pip install atheris``. Every other input is changed by what knows about tar headers, see ``mutations``.
"""

import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["imgforensics"]):
    from fuzz.mutations import mutated
    from fuzz.seeds import seeds
    from fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    """Fuzz one target until libFuzzer's options end it."""
    name, *options = arguments
    begin = seeds(name)

    def change(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)  # noqa: S311 - nothing here is secret
        if chance.random() < 0.5 or not data:
            return bytes(atheris.Mutate(data, most))
        return mutated(chance, data, begin)[:most]

    with tempfile.TemporaryDirectory() as folder:
        for number, each in enumerate(begin):
            (Path(folder) / str(number)).write_bytes(each)
        regressions = f"-artifact_prefix={Path(__file__).parent / 'regressions' / name}-"
        settings = [sys.argv[0], regressions, "-max_len=65536", *options, folder]
        atheris.Setup(settings, TARGETS[name], custom_mutator=change)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
