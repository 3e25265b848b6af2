"""Parts of crafted layers, and the images that they are put into."""

from collections.abc import Callable

from tests import builder
from tests.builder import Entry, ImageSpec

Made = Callable[[], bytes]

BASE = builder.layer({"bin/": b"", "bin/app": b"#!/bin/sh\n", "etc/": b"", "etc/passwd": b"root:x:0:0::/:/bin/sh\n"})


def folder(name: str) -> Entry:
    """A folder."""
    return Entry(name, type=b"5", mode=0o755)


def link(name: str, target: str, type_: bytes = b"2") -> Entry:
    """A symlink, or a hard link."""
    return Entry(name, type=type_, linkname=target, mode=0o777)


def tar_of(*entries: Entry, end: bytes = builder.END) -> bytes:
    """A layer's tar."""
    return builder.tar(entries, end=end)


def image(*layers: bytes) -> Made:
    """An image of these layers on a small base, as docker 25 saves it."""
    return lambda: builder.archive("docker25", ImageSpec(layers=[BASE, *layers]))


def layer(*entries: Entry, end: bytes = builder.END) -> Made:
    """An image of one layer of these entries on a small base."""
    return image(tar_of(*entries, end=end))
