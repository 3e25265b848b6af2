"""How a report came about: by which program, with which options and rules.

Nothing here depends on a clock, a host or a user: the same evidence gives the same bytes. When it was is told beside
it, and only if that was asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from imgforensics import checks
from imgforensics.findings import Rule, Severity
from imgforensics.itself import Identity, identity
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import Digest
from imgforensics.report import DEFAULT_OPTIONS, Options
from imgforensics.trust.material import Material, NamedFile


@dataclass(frozen=True, slots=True)
class Custody:
    """What an auditor needs to repeat a run and to hold its report against another."""

    identity: Identity
    command: str
    options: Mapping[str, object]
    """Every option that decides what a report says, as JSON has it; how many threads there were is none."""
    rules: tuple[Rule, ...]
    """All rules that were applied: the verdict comes from all of them, whichever were selected for the report."""


def custody(command: str, options: Options, fail_on: str | None = Severity.ERROR.value) -> Custody:
    """How a report of this command with these options comes about.

    Args:
        command: ``verify``, ``digest`` or ``inspect``.
        options: as they were given.
        fail_on: the least severity that makes the exit code 1; None for none.
    """
    return Custody(identity(), command, told(options, fail_on), tuple(each.rule for each in checks.ALL))


def told(options: Options, fail_on: str | None = Severity.ERROR.value) -> Mapping[str, object]:
    """The options that decide what a report says. A ledger is told of by being there: its place says who ran this."""
    return {
        "fail_on": fail_on or "never",
        "fast": options.fast,
        "select": list(options.select),
        "ignore": list(options.ignore),
        "image": options.image,
        "platform": options.platform,
        "digests": options.digests,
        "expect": list(options.expect),
        "manifests": [{"source": each.source, "sha256": str(each.digest)} for each in options.manifests],
        "pushers": list(options.pushers),
        "ledger": options.ledger is not None,
        "signatures": options.signatures,
        "require_signature": options.require_signature,
        "trust": [*_trust(options.trust)],
        "limits": {
            each.name: getattr(options.limits, each.name)
            for each in fields(DEFAULT_LIMITS)
            if getattr(options.limits, each.name) != getattr(DEFAULT_LIMITS, each.name)
        },
    }


def _trust(material: Material) -> Iterator[Mapping[str, object]]:
    """What the user trusts, and what was brought beside the archive: files by their SHA-256, all else in words."""
    for use in ("detached", "keys", "ca_roots", "ca_intermediates", "timestamp_roots", "gpg_keyrings"):
        yield from (_file(use, each) for each in getattr(material, use))
    if material.trusted_root is not None:
        yield _file("trusted_root", material.trusted_root)
    if material.notation is not None:
        if material.notation.policy is not None:
            yield _file("notation policy", material.notation.policy)
        for (kind, name), files in sorted(material.notation.stores.items()):
            yield from (_file(f"notation {kind} {name}", each) for each in files)
    for gun, roles in sorted(material.content_trust.items()):
        yield from (_file("content_trust", NamedFile(f"{gun} {role}", roles[role])) for role in sorted(roles))
    told = {
        "identity": [f"{pin.identity} {pin.issuer}" for pin in material.pins],
        "root_key": material.root_keys,
        "reference": [material.reference] if material.reference else (),
        "tag": [material.tag] if material.tag else (),
        "at": [material.at.isoformat()] if material.at else (),
    }
    yield from ({"use": use, "value": value} for use, values in told.items() for value in values)


def _file(use: str, file: NamedFile) -> Mapping[str, object]:
    return {"use": use, "source": file.source, "sha256": str(Digest.of(file.content))}


def words(options: Mapping[str, object]) -> str:
    """The options that differ from the defaults in one line for people; hostile text in it is not escaped."""
    given = []
    usual = told(DEFAULT_OPTIONS)
    for name, value in options.items():
        match value:
            case _ if value == usual[name]:
                continue
            case True:
                given.append(name)
            case str():
                given.append(f"{name}={value}")
            case [*items]:
                given.append(f"{name}={','.join(_word(item) for item in items)}")
            case {**items}:
                given.append(f"{name}={','.join(f'{key}:{item}' for key, item in items.items())}")
    return " ".join(given) or "default"


def _word(item: object) -> str:
    return str(item.get("sha256") or item.get("value")) if isinstance(item, Mapping) else str(item)
