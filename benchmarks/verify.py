"""How fast and how small `imgforensics verify` is, as ratios of pairs that are measured in turn in one run.

    python -m benchmarks.verify [--parts PART ...] [--size MIB] [--rounds N] [--memory MIB ...] [--folder DIR]
        [--source DIR] [--tree MIB] [--entries N]

Its parts, of which all are taken where none is named:

* `plain`: makes a docker save archive of the given size with several layers, and prints the wall time of `imgforensics
  verify` against `openssl dgst -sha256` of the same file, and whether anything was spooled;
* `gzip`: makes a gzip OCI archive of the same content, and prints the time of inflating and hashing everything in it on
  all processors, and of the whole command, against the same work with zlib of the standard library on one;
* `layers`: packs files of a folder, and prints the time of measuring them with and without looking into the layers;
* `memory`: prints peak memory for archives of each size asked for, and for a layer of so many entries.

Times on shared machines vary: look at the ratios.
"""

import argparse
import hashlib
import io
import itertools
import json
import os
import random
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import layers
from benchmarks.measuring import MIB, peak, ratio, run
from imgforensics.archive import Archive
from imgforensics.measuring import measure

PARTS = ("plain", "gzip", "layers", "memory")
LAYERS = 6
PIECE = 8 * MIB


def content(seed: int) -> bytes:
    """Eight MiB that compress about as a file system does: words, tables and some noise."""
    draw = random.Random(seed)
    words = [bytes(draw.choices(b"abcdefghijklmnopqrstuvwxyz_", k=draw.randint(2, 11))) for _ in range(1500)]
    phrases = [b" ".join(draw.choices(words, k=draw.randint(3, 12))) for _ in range(300)]
    parts: list[bytes] = []
    size = 0
    while size < PIECE:
        kind = draw.random()
        if kind < 0.7:
            part = b"\n".join(draw.choices(phrases, k=20) + draw.choices(words, k=20))
        elif kind < 0.9:
            start = draw.randrange(1 << 20)
            part = b"".join(number.to_bytes(4, "little") for number in range(start, min(start + 1024, (1 << 20) + 300)))
        else:
            part = draw.randbytes(1024)
        parts.append(part)
        size += len(part)
    return b"".join(parts)[:PIECE]


class Layer:
    """A layer tar of a given size, made piece by piece."""

    def __init__(self, number: int, size: int, piece: bytes) -> None:
        self.number = number
        self.files = max(1, size // PIECE)
        self.piece = piece

    def chunks(self) -> Iterator[bytes]:
        for index in range(self.files):
            info = tarfile.TarInfo(f"data/{self.number}-{index}.bin")
            info.size = PIECE
            yield info.tobuf(tarfile.USTAR_FORMAT)
            turn = 1 + (index * 4099) % (PIECE - 1)
            yield self.piece[turn:]
            yield self.piece[:turn]
        yield bytes(1024)

    @property
    def size(self) -> int:
        return self.files * (PIECE + 512) + 1024


class Reader(io.RawIOBase):
    """Chunks as a file, for tarfile."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks
        self.rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts = []
        while size > 0:
            if not self.rest:
                self.rest = memoryview(next(self.chunks, b""))
                if not self.rest:
                    break
            parts.append(self.rest[:size])
            size -= len(parts[-1])
            self.rest = self.rest[len(parts[-1]) :]
        return b"".join(parts)


def sha256(chunks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def config_of(diff_ids: list[str]) -> bytes:
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{diff_id}" for diff_id in diff_ids]}
    history = [{"created_by": f"layer {number}"} for number in range(len(diff_ids))]
    value = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs, "history": history}
    return json.dumps(value, separators=(",", ":")).encode()


def make_plain(path: Path, size: int) -> list[Layer]:
    piece = content(1)
    layers = [Layer(number, size // LAYERS, piece) for number in range(LAYERS)]
    with ThreadPoolExecutor() as pool:
        diff_ids = list(pool.map(lambda layer: sha256(layer.chunks()), layers))
    config = config_of(diff_ids)
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        archive.copybufsize = PIECE  # type: ignore[attr-defined]
        paths = [f"{diff_id}/layer.tar" for diff_id in diff_ids]
        for layer, member in zip(layers, paths, strict=True):
            info = tarfile.TarInfo(member)
            info.size = layer.size
            archive.addfile(info, Reader(layer.chunks()))
        add(archive, name, config)
        add(archive, "manifest.json", json.dumps([{"Config": name, "RepoTags": ["bench:1"], "Layers": paths}]).encode())
    return layers


def make_gzip(path: Path, layers: list[Layer], level: int = 6) -> None:
    """The same layers in an OCI layout. The blobs are made beside it: all of them may be larger than memory."""

    def compress(layer: Layer) -> tuple[str, Path, dict[str, object]]:
        blob = path.with_suffix(f".{layer.number}")
        inner, outer, packer = hashlib.sha256(), hashlib.sha256(), zlib.compressobj(level, zlib.DEFLATED, 31)
        with blob.open("wb") as file:
            for chunk in itertools.chain(layer.chunks(), [None]):
                if chunk is not None:
                    inner.update(chunk)
                data = packer.flush() if chunk is None else packer.compress(chunk)
                outer.update(data)
                file.write(data)
            size = file.tell()
        return inner.hexdigest(), blob, descriptor("layer.v1.tar+gzip", outer.hexdigest(), size)

    with ThreadPoolExecutor() as pool:
        made = list(pool.map(compress, layers))
    config = config_of([diff_id for diff_id, _, _ in made])
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": descriptor("config.v1+json", sha256(iter([config])), len(config)),
            "layers": [layer for _, _, layer in made],
        }
    ).encode()
    root = descriptor("manifest.v1+json", sha256(iter([manifest])), len(manifest))
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for _, blob, layer in made:
            archive.add(blob, f"blobs/sha256/{str(layer['digest']).removeprefix('sha256:')}")
            blob.unlink()
        for data in (config, manifest):
            add(archive, f"blobs/sha256/{hashlib.sha256(data).hexdigest()}", data)
        add(archive, "index.json", json.dumps({"schemaVersion": 2, "manifests": [root]}).encode())
        add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')


def descriptor(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": size}


def tool(path: Path) -> list[str]:
    return [sys.executable, "-m", "imgforensics", "verify", str(path)]


def serially(path: Path) -> float:
    """The work of measuring a gzip archive, with the standard library, on one processor."""
    start = time.perf_counter()
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    with tarfile.open(path) as archive:
        for member in archive:
            reader = archive.extractfile(member)
            if reader is None:
                continue
            stored, inflated, unpacker = hashlib.sha256(), hashlib.sha256(), zlib.decompressobj(31)
            packed = reader.peek(2)[:2] == b"\x1f\x8b"  # type: ignore[attr-defined]
            while chunk := reader.read(256 * 1024):
                stored.update(chunk)
                if packed:
                    inflated.update(unpacker.decompress(chunk))
    return time.perf_counter() - start


def in_parallel(path: Path) -> float:
    """The same work as `verify` does it, on all processors; finding and judging are not in it."""
    with Archive(path) as archive:
        start = time.perf_counter()
        measure(archive, os.cpu_count() or 1)
        return time.perf_counter() - start


def plain_part(path: Path, rounds: int) -> None:
    run(tool(path))  # warms the page cache
    openssl = ["openssl", "dgst", "-sha256", str(path)]
    ratio("plain archive, verify / openssl dgst", [(run(tool(path)), run(openssl)) for _ in range(rounds)], "<= 1.3")
    run(tool(path), TMPDIR="/nonexistent")
    print("plain archive with no temporary folder: verified, so nothing was spooled", flush=True)


def gzip_part(path: Path, rounds: int) -> None:
    turns = [(serially(path), in_parallel(path), run(tool(path))) for _ in range(rounds)]
    ratio("gzip archive, zlib on one processor / inflating and hashing", [turn[:2] for turn in turns], ">= 3")
    ratio("gzip archive, zlib on one processor / verify, start-up and all", [turn[::2] for turn in turns], "-")


def memory_part(plain: Path, packed: Path, sizes: list[int]) -> None:
    for size in sizes:
        made = make_plain(plain, size * MIB)
        print(f"peak memory, {size} MiB plain: {peak(tool(plain))} MiB, wanted <= 150", flush=True)
        plain.unlink()
        make_gzip(packed, made, level=1)
        print(f"peak memory, {size} MiB gzip: {peak(tool(packed))} MiB, wanted <= 150", flush=True)
        packed.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS, help="what to measure")
    parser.add_argument("--size", type=int, default=2048, help="MiB of the plain archive")
    parser.add_argument("--rounds", type=int, default=5, help="pairs measured")
    parser.add_argument("--memory", type=int, nargs="*", default=[200, 2048], help="MiB of archives for peak memory")
    parser.add_argument("--folder", default=None, help="where the archives are made")
    parser.add_argument("--source", type=Path, default=Path("/usr"), help="files to pack into layers")
    parser.add_argument("--tree", type=int, default=1024, help="MiB of these")
    parser.add_argument("--entries", type=int, default=1_000_000, help="entries of the layer for peak memory")
    options = parser.parse_args()
    parts = options.parts
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        plain, packed = Path(folder, "plain.tar"), Path(folder, "gzip.tar")
        if "plain" in parts or "gzip" in parts:
            made = make_plain(plain, options.size * MIB)
            print(f"{LAYERS} layers, {plain.stat().st_size >> 20} MiB plain", flush=True)
            if "plain" in parts:
                plain_part(plain, options.rounds)
            plain.unlink()
            if "gzip" in parts:
                make_gzip(packed, made)
                print(f"{LAYERS} layers, {packed.stat().st_size >> 20} MiB gzip", flush=True)
                gzip_part(packed, options.rounds)
                packed.unlink()
        if "layers" in parts:
            layers.cost(options.source, options.tree, options.rounds, options.folder)
        if "memory" in parts:
            memory_part(plain, packed, options.memory)
            layers.memory(options.entries, options.folder)


if __name__ == "__main__":
    main()
