"""Go's ``archive/tar`` as the judge of how a layer is read: entries of many layers, from one running program."""

import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.gooracle import build_go

_PROGRAM = """
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

func main() {
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	var size int64
	for binary.Read(in, binary.LittleEndian, &size) == nil {
		data := make([]byte, size)
		if _, err := io.ReadFull(in, data); err != nil {
			panic(err)
		}
		r := tar.NewReader(bytes.NewReader(data))
		for {
			h, err := r.Next()
			if err == nil {
				fmt.Fprintf(out, "%d %d %d %d %d %d %d %d %d %x. %x. %x. %x.\\n", h.Typeflag, h.Size, h.Mode, h.Uid, h.Gid,
					h.ModTime.Unix(), h.ModTime.Nanosecond(), h.Devmajor, h.Devminor, h.Name, h.Linkname, h.Uname, h.Gname)
				_, err = io.Copy(io.Discard, r)
			}
			if err == io.EOF {
				fmt.Fprintln(out, "end")
				break
			}
			if err != nil {
				fmt.Fprintln(out, "error", err)
				break
			}
		}
		out.Flush()
	}
}
"""


class GoEntry(NamedTuple):
    """What Go's reader says of one entry, in the units of :class:`~imgforensics.layerentry.Entry`."""

    typeflag: str
    size: int
    """Of a sparse file, with its holes."""
    mode: int
    uid: int
    gid: int
    seconds: int
    nanoseconds: int
    devmajor: int
    devminor: int
    name: bytes
    linkname: bytes
    uname: bytes
    gname: bytes


class GoLayers:
    """A running program that reads layers."""

    def __init__(self, go: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [build_go(go, folder, _PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False
        )

    def read(self, data: bytes) -> tuple[list[GoEntry], str]:
        """The entries of a layer up to its end, and the error that ended the reading, or nothing."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(struct.pack("<q", len(data)) + data)
        self._process.stdin.flush()
        entries: list[GoEntry] = []
        for line in iter(self._process.stdout.readline, b""):
            word, _, rest = line.decode().rstrip("\n").partition(" ")
            if word in ("end", "error"):
                return entries, rest
            *numbers, name, link, uname, gname = line.decode().split()
            texts = (bytes.fromhex(text[:-1]) for text in (name, link, uname, gname))
            flag, *others = map(int, numbers)
            entries.append(GoEntry(chr(flag), *others, *texts))  # type: ignore[arg-type]
        raise AssertionError("Go's program ended")

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
