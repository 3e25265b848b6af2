"""GPG simple signing, through the ``gpg`` program: the one place that runs another program.

It runs with a home of its own that is made for one signature and then removed, holds the user's keyring alone, and asks
no key server. Its exit code and its status lines count, all of them: an expired signature still prints VALIDSIG. The
payload is read as JSON only after that.

Sources: GnuPG ``doc/DETAILS``, "Format of the --status-fd output"; containers/image
``docs/containers-signature.5.md``.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from imgforensics.errors import InputError
from imgforensics.limits import MIB
from imgforensics.signature import Found, Judgement, Signed, Signer, Status, TrustedTime
from imgforensics.trust.envelopes import GPG_KIND, simple_signing
from imgforensics.trust.material import Material
from imgforensics.trust.refusal import Checklist, invalid, unverifiable

_SECONDS = 20
_OUTPUT = 1 * MIB
_OPTIONS = ("--batch", "--no-tty", "--no-options", "--no-autostart", "--no-auto-key-retrieve")
_SETTINGS = ("--no-auto-check-trustdb", "--trust-model", "always", "--disable-dirmngr", "--status-fd", "2")
_OTHER_SIGNATURES = frozenset({"BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"})


@dataclass(frozen=True, slots=True)
class _Answer:
    code: int
    payload: bytes
    status: tuple[tuple[str, ...], ...]
    """Words of each status line, without the mark before them."""

    def lines(self, word: str) -> list[tuple[str, ...]]:
        return [each for each in self.status if each[0] == word]


def judge(found: Found, material: Material) -> Judgement:
    """What a GPG signature is worth.

    Raises:
        RefusedError: it is broken, of a key that is not in the keyring, or there is no ``gpg``.
        InputError: a keyring holds no key.
    """
    if not material.gpg_keyrings:
        raise unverifiable("no keyring was given (--gpg-keyring)")
    program = shutil.which("gpg")
    if program is None:
        raise unverifiable("the program gpg is not there")
    with tempfile.TemporaryDirectory(prefix="imgforensics-") as home:
        Path(home).chmod(0o700)
        for keyring in material.gpg_keyrings:
            imported = _run(program, home, ("--import",), keyring.content)
            if not imported.lines("IMPORT_OK"):
                raise InputError(f"{keyring.source}: no OpenPGP keyring")
        clock = () if material.at is None else ("--faked-system-time", f"{int(material.at.timestamp())}!")
        answer = _run(program, home, (*clock, "--decrypt"), found.content)
        listed = _run(program, home, ("--with-colons", "--list-keys"), b"")
        return _judged(answer, material, _expiring(listed.payload))


def _run(program: str, home: str, arguments: Sequence[str], content: bytes) -> _Answer:
    command = [program, "--homedir", home, *_OPTIONS, *_SETTINGS, "--max-output", str(_OUTPUT), *arguments]
    environment = {"HOME": home, "LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    try:
        done = subprocess.run(  # noqa: S603 - fixed options; the evidence comes in as standard input
            command, input=content, capture_output=True, env=environment, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise unverifiable(f"the program gpg did not answer: {type(error).__name__}") from error
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    status = (line.removeprefix("[GNUPG:] ").split() for line in lines if line.startswith("[GNUPG:] "))
    return _Answer(done.returncode, done.stdout, tuple(tuple(words) for words in status if words))


def _expiring(listing: bytes) -> frozenset[str]:
    """Long IDs of the keys that expire at some time (GnuPG, doc/DETAILS, "Format of the colon listings")."""
    rows = (line.split(":") for line in listing.decode("utf-8", "replace").splitlines())
    return frozenset(row[4] for row in rows if row[0] in ("pub", "sub") and len(row) > 6 and row[6])


def _judged(answer: _Answer, material: Material, expiring: frozenset[str]) -> Judgement:
    if answer.lines("BADSIG"):
        raise invalid("gpg: bad signature")
    if answer.lines("NO_PUBKEY"):
        raise unverifiable(f"signed by the key {answer.lines('NO_PUBKEY')[0][1:2]}, which is not in the keyring")
    if len(answer.lines("NEWSIG")) != 1 or len(answer.lines("VALIDSIG")) != 1:
        raise invalid("gpg: no message with exactly one signature")
    fingerprint, *times = answer.lines("VALIDSIG")[0][1:]
    if answer.lines("REVKEYSIG"):
        raise invalid(f"the key {fingerprint} is revoked")
    payload = simple_signing(answer.payload)
    if payload.kind != GPG_KIND:
        raise invalid(f"it signs {payload.kind[:100]!r}, no image")
    signed = Signed((payload.digest,))
    checks = Checklist()
    checks.passed("signature", f"by {fingerprint}, in the given keyring")
    checks.left("revocation", "no key server is asked")
    signer = Signer(fingerprint, None, "key in the given keyring")
    time = None if material.at is None else TrustedTime(material.at, "given by the user (--at)")
    key_expires = bool(expiring & {each[-16:] for each in (fingerprint, times[-1])})
    expired = _expired(answer, times, material.at, key_expires=key_expires)
    if expired is not None:
        return Judgement(*expired, signed, signer, time, checks.steps())
    if answer.code != 0 or not answer.lines("GOODSIG") or any(answer.lines(word) for word in _OTHER_SIGNATURES):
        raise invalid("gpg does not call it a good signature")
    return Judgement(Status.VERIFIED, f"signed by {fingerprint}", signed, signer, time, checks.steps())


def _expired(
    answer: _Answer, times: Sequence[str], at: datetime | None, *, key_expires: bool
) -> tuple[Status, str] | None:
    """How it expired. Without a time to judge it at, whatever expires at all cannot be judged.

    Raises:
        RefusedError: it expires, and no time was given.
    """
    signature_ends = len(times) > 2 and times[2] not in ("0", "")
    key_ended = bool(answer.lines("EXPKEYSIG") or answer.lines("KEYEXPIRED"))
    if at is None:
        if signature_ends or key_ended or key_expires:
            raise unverifiable("the signature or its key expires; --at TIME says when to judge it")
        return None
    if answer.lines("EXPSIG"):
        moment = datetime.fromtimestamp(int(times[2]), UTC) if signature_ends and times[2].isdecimal() else None
        return Status.SIGNATURE_EXPIRED, f"the signature expired{f' at {moment.isoformat()}' if moment else ''}"
    if key_ended:
        return Status.CERTIFICATE_EXPIRED, "the key that signed it expired"
    return None
