"""Layers that real skopeo, podman, buildah and umoci pushed, compressed again from the archives of the corpus."""

import gzip
import hashlib
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imgforensics.recompress import COMPILED, measure
from tests.test_corpus import lab

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ENCODINGS = {
    "go1.26.6 kpv1.18.5 pgz-1": "pgzip-a",
    "go1.26.6 kpv1.18.5 pgz1": "pgzip-a-1",
    "go1.26.6 kpv1.18.5 pgz9": "pgzip-a-9",
    "pgzip default 1MiB": "pgzip-c",
    "pgzip 256KiB": "pgzip-c-256k",
}
"""By what the records say that reproduced a layer: with a version of the library, or for the tools of Debian 12."""

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not COMPILED, reason="the encoders are not compiled: too slow"),
]


def recorded(case: dict[str, Any]) -> dict[str, set[tuple[str, str]]]:
    """By diff_id, the encoding and the digest of each layer that was compressed by pgzip."""
    layers: dict[str, set[tuple[str, str]]] = {}
    for image in case["images"]:
        for push in image["pushes"]:
            for layer in push.get("layers") or []:
                told = layer.get("compressor") or []
                for compressor in [told] if isinstance(told, str) else told:
                    if compressor in ENCODINGS:
                        pair = ENCODINGS[compressor], layer["compressed_digest"]
                        layers.setdefault(layer["diff_id"], set()).add(pair)
    return layers


def uncompressed(archive: Path) -> Iterator[bytes]:
    """Every regular member, and what is in it if it is compressed."""
    with tarfile.open(archive) as members:
        for member in members:
            file = members.extractfile(member) if member.isfile() else None
            data = file.read() if file else b""
            if data.startswith(b"\x1f\x8b"):
                yield gzip.decompress(data)
            elif data.startswith(b"\x28\xb5\x2f\xfd"):
                yield zstd.decompress(data)
            else:
                yield data


def pushed() -> list[Any]:
    """The cases with such layers."""
    skipped = [case for case in lab() if case.marks]
    return skipped or [case for case in lab() if recorded(json.loads(case.values[0].read_text()))]


@pytest.mark.parametrize("path", pushed())
def test_layers_that_were_pushed(path: Path) -> None:
    case = json.loads(path.read_text())
    wanted = recorded(case)
    for content in uncompressed(path.parent / case["archive_file"]):
        for encoding, digest in wanted.pop(f"sha256:{hashlib.sha256(content).hexdigest()}", ()):
            assert f"sha256:{measure(encoding, [content], jobs=2).digest}" == digest, encoding
    assert not wanted or "missing-blobs" in case["case"]
