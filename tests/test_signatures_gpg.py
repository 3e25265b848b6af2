"""GPG simple signing: keys and signatures by the real program, in homes that are thrown away."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from imgforensics import InputError
from imgforensics.model import Location
from imgforensics.signature import Found, Judgement, Place, Purpose, Scheme, Status
from imgforensics.trust import gpg
from imgforensics.trust.material import Material, NamedFile
from imgforensics.trust.recognise import recognise
from imgforensics.trust.refusal import RefusedError
from tests.signing import sigstore
from tests.signing.ask import DIGEST, at, binding, file, judged, only, report
from tests.signing.layouts import Pack, dir_image

GPG = shutil.which("gpg")
pytestmark = [
    pytest.mark.skipif(GPG is None, reason="the program gpg is not there"),
    pytest.mark.usefixtures("offline"),
]

KIND = "atomic container signature"
BODY = sigstore.payload(DIGEST, kind=KIND)


class Home:
    """A GnuPG home; its path is short, since sockets are made in it."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix="gpg-")

    def run(self, *arguments: str, given: bytes = b"") -> bytes:
        command = [
            str(GPG),
            "--homedir",
            self.path,
            "--batch",
            "--quiet",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
        ]
        done = subprocess.run([*command, *arguments], input=given, capture_output=True, check=True)
        return done.stdout

    def make(self, user: str, expires: str = "never", *options: str) -> None:
        self.run(*options, "--quick-generate-key", user, "ed25519", "sign", expires)

    def keyring(self, user: str) -> NamedFile:
        return file(self.run("--export", user), f"{user}.gpg")

    def sign(self, user: str, body: bytes = BODY, *options: str) -> bytes:
        return self.run("--local-user", user, *options, "--sign", given=body)

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", self.path, "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(self.path, ignore_errors=True)


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    made = Home()
    made.make("alice@example.com")
    made.make("bob@example.com")
    made.make("old@example.com", "20240601T000000", "--faked-system-time", "20240501T000000")
    yield made
    made.close()


def ask(content: bytes, *keyrings: NamedFile, **more: object) -> Judgement:
    return judged(content, Material(gpg_keyrings=keyrings, **more))  # type: ignore[arg-type]


def test_a_signature_in_the_keyring(home: Home) -> None:
    judgement = ask(home.sign("alice@example.com"), home.keyring("alice@example.com"))
    assert judgement.status is Status.VERIFIED, judgement
    assert judgement.signed is not None
    assert [str(each) for each in judgement.signed.digests] == [DIGEST]
    armoured = home.sign("alice@example.com", BODY, "--armor")
    assert ask(armoured, home.keyring("bob@example.com"), home.keyring("alice@example.com")).status is Status.VERIFIED


def test_only_the_given_keyring_counts(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", home.path)
    signed = home.sign("alice@example.com")
    assert ask(signed, home.keyring("bob@example.com")).status is Status.UNVERIFIABLE
    assert "--gpg-keyring" in ask(signed).reason


def test_a_signature_that_was_changed(home: Home) -> None:
    signed = bytearray(home.sign("alice@example.com", BODY, "--compress-algo", "none"))
    place = bytes(signed).index(DIGEST[:20].encode()) + 10
    signed[place] ^= 1
    judgement = ask(bytes(signed), home.keyring("alice@example.com"))
    assert judgement.status is Status.INVALID
    assert judgement.signed is None


@pytest.mark.parametrize("body", [b"not json", sigstore.payload(DIGEST), b"{}", BODY[:-1] + b',"critical":{}}'])
def test_what_is_signed_has_to_be_an_image(home: Home, body: bytes) -> None:
    assert ask(home.sign("alice@example.com", body), home.keyring("alice@example.com")).status is Status.INVALID


def test_two_signatures_in_one_message(home: Home) -> None:
    keyring = home.keyring("alice@example.com")
    both = home.run("--local-user", "alice@example.com", "--local-user", "bob@example.com", "--sign", given=BODY)
    assert ask(both, keyring, home.keyring("bob@example.com")).status is Status.INVALID
    assert ask(both, keyring).status in (Status.INVALID, Status.UNVERIFIABLE)


def test_a_message_that_asks_for_a_phrase(home: Home) -> None:
    """Nobody is asked, and no agent is started, which would outlive the home that was made for it."""
    locked = home.run("--passphrase", "phrase", "--symmetric", given=BODY)
    assert recognise(locked, Place.FOLDER, Location("signature-1")) is None
    given = Found(Scheme.GPG, Purpose.SIGNATURE, Place.FOLDER, Location("signature-1"), locked)
    assert judged(given, Material(gpg_keyrings=(home.keyring("alice@example.com"),))).status is Status.INVALID
    running = subprocess.run(["ps", "-A", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in running.splitlines() if "gpg-agent" in line and "imgforensics-" in line]


def test_a_message_that_is_only_stored(home: Home) -> None:
    stored = home.run("--store", given=BODY)
    assert ask(b"\xa3" + stored[1:], home.keyring("alice@example.com")).status is Status.INVALID


def test_a_detached_signature_signs_nothing_here(home: Home) -> None:
    detached = home.run("--local-user", "alice@example.com", "--detach-sign", given=BODY)
    assert ask(detached, home.keyring("alice@example.com")).status is Status.INVALID


def test_an_expired_signature_still_prints_validsig(home: Home) -> None:
    signed = home.sign("alice@example.com", BODY, "--default-sig-expire", "20991231T000000")
    keyring = home.keyring("alice@example.com")
    assert ask(signed, keyring).status is Status.UNVERIFIABLE, "no time to judge it at"
    assert ask(signed, keyring, at=at(2090)).status is Status.VERIFIED
    judgement = ask(signed, keyring, at=at(2100, 2))
    assert judgement.status is Status.SIGNATURE_EXPIRED
    assert judgement.signed is not None


def test_an_expired_key(home: Home) -> None:
    signed = home.sign("old@example.com", BODY, "--faked-system-time", "20240502T000000")
    keyring = home.keyring("old@example.com")
    assert ask(signed, keyring, at=at(2024, 5, 15)).status is Status.VERIFIED
    assert ask(signed, keyring, at=at(2025)).status is Status.CERTIFICATE_EXPIRED
    assert ask(signed, keyring).status is Status.UNVERIFIABLE


@pytest.mark.parametrize(
    ("code", "more"), [(0, ()), (2, (("GOODSIG", "x"),)), (0, (("GOODSIG", "x"), ("ERRSIG", "x")))], ids=str
)
def test_every_line_and_the_exit_code_count(code: int, more: tuple[tuple[str, ...], ...]) -> None:
    valid = ("VALIDSIG", "F" * 40, "2024-05-01", "1714564800", "0", "4", "0", "22", "8", "00", "F" * 40)
    answer = gpg._Answer(code, BODY, (("NEWSIG",), valid, *more))
    with pytest.raises(RefusedError, match="good signature"):
        gpg._judged(answer, Material(), frozenset())
    good = gpg._Answer(0, BODY, (("NEWSIG",), valid, ("GOODSIG", "x")))
    assert gpg._judged(good, Material(), frozenset()).status is Status.VERIFIED


def test_a_keyring_that_is_none_is_the_users_error(home: Home) -> None:
    with pytest.raises(InputError, match="keyring"):
        ask(home.sign("alice@example.com"), file(b"nothing"))


def test_without_the_program(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    signed, keyring = home.sign("alice@example.com"), home.keyring("alice@example.com")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    judgement = ask(signed, keyring)
    assert (judgement.status, judgement.reason) == (Status.UNVERIFIABLE, "the program gpg is not there")


def test_nothing_is_left_behind(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: Path) -> None:
    short = Path(tempfile.mkdtemp(prefix="t"))
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    assert ask(home.sign("alice@example.com"), home.keyring("alice@example.com")).status is Status.VERIFIED
    assert not os.listdir(short)
    assert not list(offline.rglob("*"))
    short.rmdir()


def test_in_a_folder_beside_the_image(home: Home) -> None:
    pack = Pack()
    trusting = Material(gpg_keyrings=(home.keyring("alice@example.com"),))
    right = home.sign("alice@example.com", sigstore.payload(pack.digest, kind=KIND))
    signature = only(report(dir_image(pack, right), trusting))
    assert (signature.judgement.status, binding(signature)) == (Status.VERIFIED, "exact")
    wrong = home.sign("alice@example.com")
    signature = only(report(dir_image(pack, wrong), trusting))
    assert (signature.judgement.status, binding(signature)) == (Status.VERIFIED, "other-digest")
