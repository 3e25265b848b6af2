"""Trust material and detached signatures from files: read, bounded, and named; nothing is parsed here.

Of a configuration directory of notation its trust stores and its policy are read, of Docker's trust directory the
metadata; private keys beside them are never opened.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from imgforensics.errors import InputError
from imgforensics.limits import MIB
from imgforensics.trust.detached import detached
from imgforensics.trust.material import Material, NamedFile, NotationTrust, Pin

_MOST_BYTES = 4 * MIB
"""One file. The largest real one, a trusted root or a content-trust targets file, has some hundred kilobytes."""
_MOST_FILES = 1_000
"""Files of one directory of trust material."""
_PRIVATE = "private"
NOW = "now"


def read(path: str) -> NamedFile:
    """One file that the user named.

    Raises:
        InputError: it cannot be read, or is far too large.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > _MOST_BYTES:
        raise InputError(f"{path}: is larger than {_MOST_BYTES} bytes")
    return NamedFile(path, content)


def signatures(paths: Sequence[str]) -> tuple[NamedFile, ...]:
    """Signatures beside the archive.

    Raises:
        InputError: a file cannot be read, or is no signature that is known here.
    """
    files = tuple(map(read, paths))
    for file in files:
        if not detached(file.content, file.source):
            raise InputError(f"{file.source}: no signature, bundle or attestation that is known here")
    return files


def notation_trust(folder: str) -> NotationTrust:
    """A configuration directory of notation: ``truststore/x509/TYPE/NAME/*`` and ``trustpolicy.json``.

    Raises:
        InputError: there is no trust store in it.
    """
    stores: dict[tuple[str, str], list[NamedFile]] = {}
    base = os.path.join(folder, "truststore", "x509")
    for path in _files(base):
        parts = Path(os.path.relpath(path, base)).parts
        if len(parts) == 3:
            stores.setdefault((parts[0], parts[1]), []).append(read(path))
    if not stores:
        raise InputError(f"{folder}: no trust store in it (truststore/x509/ca/NAME/FILE)")
    names = ("trustpolicy.oci.json", "trustpolicy.json")
    policies = [path for name in names if os.path.isfile(path := os.path.join(folder, name))]
    policy = read(policies[0]) if policies else None
    return NotationTrust({key: tuple(files) for key, files in sorted(stores.items())}, policy)


def content_trust(folder: str, gun: str | None) -> Mapping[str, Mapping[str, NamedFile]]:
    """Docker's trust directory, or the ``metadata`` folder of one GUN: by GUN and role.

    Args:
        folder: ``~/.docker/trust``, its ``tuf`` folder, or a folder that holds ``root.json``.
        gun: the repository in question; needed where the folder does not tell it.

    Raises:
        InputError: there is no metadata in it.
    """
    if os.path.isfile(os.path.join(folder, "root.json")):
        if gun is None:
            raise InputError(f"{folder}: metadata of one repository; --gun NAME says of which")
        return {gun: _roles(folder)}
    tuf = os.path.join(folder, "tuf") if os.path.isdir(os.path.join(folder, "tuf")) else folder
    found = {}
    for path in _files(tuf, spared=_PRIVATE if tuf == folder else ""):
        metadata, name = os.path.split(path)
        if name == "root.json" and os.path.basename(metadata) == "metadata":
            repository = os.path.relpath(os.path.dirname(metadata), tuf).replace(os.sep, "/")
            if gun in (None, repository):
                found[repository] = _roles(metadata)
    if not found:
        raise InputError(f"{folder}: no content-trust metadata in it{f' of {gun}' if gun else ''}")
    return dict(sorted(found.items()))


def _roles(metadata: str) -> dict[str, NamedFile]:
    roles = {}
    for path in _files(metadata):
        name = os.path.relpath(path, metadata).replace(os.sep, "/")
        if name.endswith(".json"):
            roles[name.removesuffix(".json")] = read(path)
    return roles


def _files(folder: str, *, spared: str = "") -> Iterator[str]:
    """Every regular file below a folder, sorted, so many at most.

    Args:
        folder: where to begin.
        spared: name of a folder right in it that is left alone; deeper down it may be part of a repository's name.
    """
    count = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each != spared or parent != folder)
        for name in sorted(names):
            path = os.path.join(parent, name)
            if os.path.isfile(path):
                count += 1
                if count > _MOST_FILES:
                    raise InputError(f"{folder}: more than {_MOST_FILES} files")
                yield path


def moment(written: str | None) -> datetime | None:
    """A time as the user gives it: ISO 8601, in UTC where it does not say, or ``now``.

    Raises:
        InputError: it is none.
    """
    if written is None:
        return None
    if written == NOW:
        return datetime.now(UTC)
    try:
        given = datetime.fromisoformat(written)
    except ValueError as error:
        raise InputError(f"--at: {written!r} is no time; 2026-01-31T12:00:00Z is one, and so is {NOW}") from error
    return given if given.tzinfo is not None else given.replace(tzinfo=UTC)


def pins(identity: str | None, issuer: str | None, identity_regexp: str | None, issuer_regexp: str | None) -> list[Pin]:
    """The pinned signer: always an identity and an issuer.

    Raises:
        InputError: one of the two is missing, or given twice, or a pattern is none.
    """
    for option, exact, pattern in (
        ("--certificate-identity", identity, identity_regexp),
        ("--certificate-oidc-issuer", issuer, issuer_regexp),
    ):
        if exact is not None and pattern is not None:
            raise InputError(
                f"{option} and {option}-regexp exclude each other: one says exactly what the other describes"
            )
    who, whose = identity or identity_regexp, issuer or issuer_regexp
    if who is None and whose is None:
        return []
    if who is None or whose is None:
        raise InputError("--certificate-identity and --certificate-oidc-issuer go together: either alone pins nobody")
    for pattern in (None if identity else who, None if issuer else whose):
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise InputError(f"{pattern!r} is no pattern: {error}") from error
    return [Pin(who, whose, identity is None, issuer is None)]


def material(
    *,
    signature: Sequence[str],
    key: Sequence[str],
    trusted_root: str | None,
    ca_roots: Sequence[str],
    ca_intermediates: Sequence[str],
    timestamp_chain: Sequence[str],
    pinned: Sequence[Pin],
    notation: str | None,
    reference: str | None,
    dct_trust: str | None,
    dct_root_key: Sequence[str],
    gun: str | None,
    tag: str | None,
    gpg_keyring: Sequence[str],
    at: str | None,
) -> Material:
    """Everything that the options name, read.

    Raises:
        InputError: a file cannot be read.
    """
    return Material(
        detached=signatures(signature),
        keys=tuple(map(read, key)),
        trusted_root=None if trusted_root is None else read(trusted_root),
        ca_roots=tuple(map(read, ca_roots)),
        ca_intermediates=tuple(map(read, ca_intermediates)),
        timestamp_roots=tuple(map(read, timestamp_chain)),
        pins=tuple(pinned),
        notation=None if notation is None else notation_trust(notation),
        reference=reference,
        content_trust={} if dct_trust is None else content_trust(dct_trust, gun),
        root_keys=tuple(dct_root_key),
        tag=tag,
        gpg_keyrings=tuple(map(read, gpg_keyring)),
        at=moment(at),
    )
