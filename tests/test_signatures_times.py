"""Time-stamp tokens of an authority of our own, and what another reader says of them."""

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from shutil import which

import pytest
from cryptography.x509.oid import ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from imgforensics.signature import Status
from imgforensics.trust import der
from imgforensics.trust.refusal import RefusedError
from imgforensics.trust.timestamps import stamped
from tests.signing import pki
from tests.signing.pki import SIGNED_AT, Authority, Stamper, cert_der, cert_pem, integer, oid

MESSAGE = b"the bytes of a signature"
STAMPER = Stamper.make()
ROOTS = (STAMPER.authority.certificate,)


def refused(call: Callable[[], object]) -> Status:
    with pytest.raises(RefusedError) as caught:
        call()
    return caught.value.status


@pytest.mark.parametrize("unsorted", [False, True])
def test_a_token_gives_its_time(unsorted: bool) -> None:
    """The order of the certificates is not signed; a real authority writes them unsorted."""
    assert stamped(STAMPER.token(MESSAGE, unsorted=unsorted), MESSAGE, ROOTS) == SIGNED_AT
    assert stamped(STAMPER.response(MESSAGE), MESSAGE, ROOTS) == SIGNED_AT
    assert stamped(STAMPER.token(MESSAGE), MESSAGE, (STAMPER.certificate,)) == SIGNED_AT


def test_sigstores_reader_agrees() -> None:
    client = pytest.importorskip("rfc3161_client")
    builder = client.VerifierBuilder().add_root_certificate(ROOTS[0])
    response = client.decode_timestamp_response(STAMPER.response(MESSAGE))
    assert builder.build().verify_message(response, MESSAGE)
    assert response.tst_info.gen_time == SIGNED_AT


@pytest.mark.skipif(which("openssl") is None, reason="the program openssl is not there")
def test_openssl_agrees(tmp_path: Path) -> None:
    for name, content in (("token", STAMPER.token(MESSAGE)), ("data", MESSAGE), ("root", cert_pem(ROOTS[0]))):
        (tmp_path / name).write_bytes(content)
    command = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "data", "-CAfile", "root"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_of_something_else() -> None:
    assert refused(lambda: stamped(STAMPER.token(MESSAGE), b"another", ROOTS)) is Status.INVALID
    assert refused(lambda: stamped(STAMPER.token(MESSAGE, signed_message=b"another"), MESSAGE, ROOTS)) is Status.INVALID


def test_that_a_stranger_signed() -> None:
    assert refused(lambda: stamped(STAMPER.token(MESSAGE, key=pki.ec_key()), MESSAGE, ROOTS)) is Status.INVALID


def test_of_an_unknown_authority() -> None:
    assert refused(lambda: stamped(Stamper.make().token(MESSAGE), MESSAGE, ROOTS)) is Status.UNVERIFIABLE
    assert refused(lambda: stamped(STAMPER.token(MESSAGE), MESSAGE, ())) is Status.UNVERIFIABLE


@pytest.mark.parametrize("purpose", [None, pki.CODE_SIGNING])
def test_of_a_certificate_that_is_not_for_time_stamps(purpose: ObjectIdentifier | None) -> None:
    authority = Authority.root()
    stamper = Stamper.make(authority, purpose=purpose)
    assert refused(lambda: stamped(stamper.token(MESSAGE), MESSAGE, (authority.certificate,))) is Status.UNVERIFIABLE


def test_of_a_certificate_that_had_ended() -> None:
    late = STAMPER.token(MESSAGE, SIGNED_AT + timedelta(days=4000))
    assert refused(lambda: stamped(late, MESSAGE, ROOTS)) is Status.INVALID


def test_that_names_another_certificate() -> None:
    assert refused(lambda: stamped(STAMPER.token(MESSAGE, ess=bytes(32)), MESSAGE, ROOTS)) is Status.INVALID


def test_every_changed_byte_is_seen() -> None:
    """Whatever a flipped bit hits, no other time comes out; bytes that nothing signs may go unseen."""
    token = STAMPER.token(MESSAGE)
    for place in range(0, len(token), 3):
        changed = bytearray(token)
        changed[place] ^= 0x04
        try:
            assert stamped(bytes(changed), MESSAGE, ROOTS) == SIGNED_AT
        except RefusedError:
            continue


@given(st.binary(max_size=200))
def test_bytes_that_are_no_token(raw: bytes) -> None:
    assert refused(lambda: stamped(raw, MESSAGE, ROOTS)) is Status.INVALID


@given(st.integers(0, 2000), st.binary(max_size=8))
def test_a_token_cut_off_or_overwritten(place: int, change: bytes) -> None:
    token = STAMPER.token(MESSAGE)
    for changed in (token[:place], token[:place] + change + token[place + len(change) :]):
        try:
            assert stamped(changed, MESSAGE, ROOTS) == SIGNED_AT
        except RefusedError:
            continue


# DER


@given(st.integers(-(2**70), 2**70))
def test_numbers(value: int) -> None:
    size = value.bit_length() // 8 + 1
    assert der.parse(pki.der(0x02, value.to_bytes(size, "big", signed=True))).number == value


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**40), max_size=8))
def test_object_identifiers(first: int, second: int, rest: list[int]) -> None:
    text = ".".join(map(str, (first, second, *rest)))
    assert der.parse(oid(text)).oid == text


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x30", b"\x30\x80\x00\x00", b"\x30\x85\1\1\1\1\1", b"\x30\x01", b"\x1f\x81\x01\x00", b"\x02\x01\x00\x00"],
)
def test_what_is_no_der(raw: bytes) -> None:
    with pytest.raises(ValueError):
        der.parse(raw)


def test_children_and_lengths() -> None:
    inner = integer(5) + pki.der(0x04, bytes(300))
    first, second = der.parse(pki.der(0x30, inner))
    assert (first.number, len(second.content), second.raw) == (5, 300, pki.der(0x04, bytes(300)))
    assert der.parse(cert_der(ROOTS[0])).tag == der.SEQUENCE
    with pytest.raises(ValueError):
        _ = first.oid
    with pytest.raises(ValueError):
        _ = der.parse(b"\x06\x00").oid
