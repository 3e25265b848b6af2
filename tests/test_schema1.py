"""Signed schema 1 manifests: the payload that was signed comes out, and from anything else nothing does."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgforensics.schema1 import payload
from tests import builder

PAYLOAD = builder.go({"schemaVersion": 1, "name": "x", "fsLayers": [], "history": []}, 3)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(protected: Any, before: bytes = PAYLOAD[:-2], after: bytes = PAYLOAD[-2:]) -> bytes:
    return before + b',"signatures":' + builder.go([{"protected": protected}]) + after


LENGTH, TAIL = len(PAYLOAD) - 2, b64(PAYLOAD[-2:])


def header(length: Any = LENGTH, tail: Any = TAIL) -> str:
    return b64(builder.go({"formatLength": length, "formatTail": tail}))


def test_payload() -> None:
    raw = signed(header())
    assert payload(raw, json.loads(raw)) == PAYLOAD


@pytest.mark.parametrize(
    "protected",
    [
        *(header(length) for length in (0, -1, 1 << 70, "1", None, 3.5, len(PAYLOAD) - 3)),
        *(header(tail=tail) for tail in ("", "!!!", "A", None, 1, "\u00e9", b64(b",}"))),
        *(None, 7, "", "{}", "\u00e9", b64(b"{}"), b64(b"[]"), b64(b"null"), b64(b"[" * 100_000), b64(b"\xff")),
    ],
)
def test_no_payload(protected: Any) -> None:
    raw = signed(protected)
    assert payload(raw, json.loads(raw)) is None


@pytest.mark.parametrize("value", [None, [], {}, {"signatures": None}, {"signatures": []}, {"signatures": [1]}])
def test_unsigned(value: Any) -> None:
    assert payload(builder.go(value), value) is None


@given(st.binary(max_size=200), st.binary(max_size=60), st.integers(-1, 300))
def test_nothing_is_raised(raw: bytes, tail: bytes, length: int) -> None:
    found = payload(raw, {"signatures": [{"protected": header(length, b64(tail))}]})
    assert found is None or found == raw[:length] + tail
