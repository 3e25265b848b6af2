"""Sigstore's ``trusted_root.json``: authorities and logs, each with the time in which it counts. Needs ``verify``.

Source: sigstore protobuf-specs ``sigstore_trustroot.proto``, its JSON form.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from imgforensics.errors import InputError
from imgforensics.trust import keys
from imgforensics.trust.certificates import read_der
from imgforensics.trust.envelopes import mapping, objects, strict_object, text, unbase64
from imgforensics.trust.keys import Key
from imgforensics.trust.material import NamedFile
from imgforensics.trust.refusal import RefusedError

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, both ends included."""

    start: datetime = _ALWAYS
    end: datetime = _FOREVER

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment <= self.end


@dataclass(frozen=True, slots=True)
class Log:
    """A transparency log's key."""

    key: Key
    period: Period


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority, or one for time stamps."""

    certificates: tuple[x509.Certificate, ...]
    """The root last."""
    period: Period


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """What the file holds."""

    logs: Mapping[bytes, Log]
    """SHA-256 of a log's key to it. The file's own ``logId`` is not used: an ID is computed, not believed."""
    certificate_logs: Mapping[bytes, Log]
    authorities: tuple[Authority, ...]
    timestamp_authorities: tuple[Authority, ...]

    def issuers(self, at: datetime) -> tuple[x509.Certificate, ...]:
        """Certificates of the authorities that count at a time."""
        return _counting(self.authorities, at)

    def stampers(self) -> tuple[x509.Certificate, ...]:
        """Certificates of all time-stamp authorities."""
        return tuple(each for authority in self.timestamp_authorities for each in authority.certificates)


def _counting(authorities: tuple[Authority, ...], at: datetime) -> tuple[x509.Certificate, ...]:
    return tuple(each for authority in authorities if at in authority.period for each in authority.certificates)


def load(file: NamedFile) -> TrustedRoot:
    """Read the file that the user gave.

    Raises:
        InputError: it is no trusted root.
    """
    try:
        value = strict_object(file.content, "the file")
        if not text(value, "mediaType").startswith("application/vnd.dev.sigstore.trustedroot"):
            raise InputError(f"{file.source}: no trusted_root.json")
        return TrustedRoot(
            logs=_logs(value, "tlogs"),
            certificate_logs=_logs(value, "ctlogs"),
            authorities=_authorities(value, "certificateAuthorities"),
            timestamp_authorities=_authorities(value, "timestampAuthorities"),
        )
    except (RefusedError, ValueError) as error:
        raise InputError(f"{file.source}: {error}") from error


def _logs(value: Mapping[str, object], name: str) -> dict[bytes, Log]:
    logs = {}
    for each in objects(value, name):
        given = mapping(each, "publicKey")
        key = keys.from_der(unbase64(text(given, "rawBytes"), f"a key of {name}"))
        logs[hashlib.sha256(keys.spki(key)).digest()] = Log(key, _period(given))
    return logs


def _authorities(value: Mapping[str, object], name: str) -> tuple[Authority, ...]:
    return tuple(
        Authority(
            tuple(
                read_der(unbase64(text(one, "rawBytes"), "a certificate"))
                for one in objects(mapping(each, "certChain"), "certificates")
            ),
            _period(each),
        )
        for each in objects(value, name)
    )


def _period(value: Mapping[str, object]) -> Period:
    given = mapping(value, "validFor")
    start, end = text(given, "start"), text(given, "end")
    return Period(_moment(start) if start else _ALWAYS, _moment(end) if end else _FOREVER)


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
