"""Our streams against those of a Go toolchain on this machine, on content that no fixture has.

``IMGFORENSICS_GO`` names the ``go`` program of a release since 1.8; without one the test is skipped.
``IMGFORENSICS_GO_SEEDS=8-20`` takes other content, and more or less of it.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imgforensics.recompress import measure
from tests import vectors
from tests.content import KINDS, MIB, noise
from tests.gooracle import Go, go_version, running_go

GO = os.environ.get("IMGFORENSICS_GO") or shutil.which("go") or ""
VERSION = go_version(GO) if GO else None

pytestmark = [
    pytest.mark.go,
    pytest.mark.skipif(VERSION is None, reason="no Go toolchain: set IMGFORENSICS_GO to the go program of one"),
    pytest.mark.skipif(VERSION is not None and VERSION < (1, 8), reason="not a Go since 1.8"),
]


def seeds() -> range:
    first, _, last = os.environ.get("IMGFORENSICS_GO_SEEDS", "0-8").partition("-")
    return range(int(first), int(last))


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Go]:
    folder: Path = tmp_path_factory.mktemp("go")
    with running_go(GO, folder) as running:
        yield running


def test_random_content(go: Go, capsys: pytest.CaptureFixture[str]) -> None:
    family = "go1.27" if VERSION and VERSION >= (1, 27) else "go1.8"
    compared = 0
    for seed in seeds():
        draw = noise(f"differential {seed}", 3 * len(KINDS))
        for number, (kind, make) in enumerate(KINDS.items()):
            size = int.from_bytes(draw[3 * number : 3 * number + 3], "little") % (1 << (10 + seed % 11))
            data = make(f"differential {seed}", size)
            for level in vectors.LEVELS:
                ours = measure(f"{family}-{'huffman' if level == -2 else level}", [data])
                assert (ours.digest, ours.size) == go.gzip(level, data), f"{kind}, {size} bytes, level {level}"
                compared += size
    with capsys.disabled():
        print(f" {compared} bytes compared with Go {VERSION}", end="")
    assert compared


def test_several_processors(go: Go) -> None:
    """Content that fills several segments, with what matchers never agree on in between."""
    family = "go1.27" if VERSION and VERSION >= (1, 27) else "go1.8"
    for seed in seeds()[:2]:
        content = KINDS["tar"](f"segments {seed}", 5 * MIB) + bytes(MIB) + KINDS["mixed"](f"segments {seed}", 3 * MIB)
        for level in vectors.LEVELS:
            name = f"{family}-{'huffman' if level == -2 else level}"
            ours = measure(name, [content], jobs=2)
            assert (ours.digest, ours.size) == go.gzip(level, content), f"seed {seed}, level {level}"
