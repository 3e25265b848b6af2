"""What bytes look like, in words: every kind that has a name, and the borders between text and none."""

import gzip
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgforensics.looks import describe
from imgforensics.model import Compression
from imgforensics.sniffing import sniff
from tests import builder

HEADER = builder.archive("docker25")[:512]


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "nothing"),
        (bytes(3), "zero bytes"),
        (b"PK\x03\x04rest", "a zip file"),
        (b"#!/bin/sh\n", "a script"),
        (bytes(32) + b"SIF_MAGIC", "a Singularity image"),
        (b"#!/usr/bin/env run-singularity\n".ljust(32, b"\0") + b"SIF_MAGIC", "a Singularity image"),
        (gzip.compress(b"words", mtime=0), "gzip data"),
        (b"\x50\x2a\x4d\x18", "zstd data"),
        (b"\x1f\x8b\x07", "unknown data"),
        (b"LZIP\x01\x0c", "an lzip stream"),
        (b"\x1f\x9d\x90\x2e", "a compress (.Z) stream"),
        (b"\x04\x22\x4d\x18rest", "an lz4 stream"),
        (b"\x02\x21\x4c\x18rest", "an lz4 stream"),
        (lzma.compress(b"words", lzma.FORMAT_ALONE), "a bare LZMA stream"),
    ],
)
def test_what_has_a_magic_number_is_named(head: bytes, words: str) -> None:
    assert describe(head) == words


def test_a_tar_header_is_one_by_its_checksum_or_its_magic() -> None:
    assert describe(HEADER) == describe(HEADER + b"data") == "a tar header"
    assert describe(b"MZ" + HEADER[2:]) == "a tar header with a wrong checksum"
    assert describe(HEADER[:300]) == "part of a tar header"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"words\r\n\t\f", "text"),
        (b"caf\xc3\xa9", "text"),
        (b"caf\xc3", "text"),  # cut off inside a character
        (b"caf\xe9 noir", "unknown data"),
        (b"\xc3", "unknown data"),
        (b"words" + bytes(507), "text"),
        (b"two\0words", "unknown data"),
        (b"\x01\x02", "unknown data"),
        (b" \n[1]", "a JSON document"),
        (b'{"a": 1}' + bytes(4), "a JSON document"),
    ],
)
def test_text_is_utf_8_without_control_characters(head: bytes, words: str) -> None:
    assert describe(head) == words


@given(st.binary(max_size=600) | st.tuples(st.sampled_from([b"\x5d\0\0\x10", b"\x1f\x9d"]), st.binary()).map(b"".join))
def test_everything_has_a_name_and_what_cannot_be_undone_its_own(head: bytes) -> None:
    words = describe(head)
    assert words
    if sniff(head) is Compression.UNSUPPORTED:
        assert words.endswith(" stream")
