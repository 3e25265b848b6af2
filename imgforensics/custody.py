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
class Input:
    """A file besides the archives on which a report rests."""

    use: str
    """What it was used for: ``lock``, ``baseline``, ``expect_file``, ``state``, ``manifest``, or a kind of trust."""
    source: str
    """Its name, as it was given."""
    sha256: Digest | None = None
    """None for a state file: the run itself writes into it."""
    size: int | None = None
    """Bytes; None for a state file."""

    @classmethod
    def of(cls, use: str, source: str, content: bytes) -> "Input":
        """A file that was read."""
        return cls(use, source, Digest.of(content), len(content))


@dataclass(frozen=True, slots=True)
class Beside:
    """What a run was given besides archives, and besides the options on how to look at each of them."""

    inputs: tuple[Input, ...] = ()
    set_rules: tuple[Rule, ...] = ()
    """The rules by which archives may be held against each other, a lock, or an earlier report."""
    skip_others: bool = False
    """Whether files that are no image archives are passed over, those that were named too."""
    rehash: bool = False
    """Whether answers in a state file count only where the content is the same, whatever size and time say."""


NOTHING_BESIDE = Beside()


@dataclass(frozen=True, slots=True)
class Custody:
    """What an auditor needs to repeat a run and to hold its report against another."""

    identity: Identity
    command: str
    options: Mapping[str, object]
    """Every option that decides what a report says, as JSON has it; how many threads there were is none."""
    rules: tuple[Rule, ...]
    """All rules that were applied to each archive: the verdict comes from all of them, whichever were selected for the
    report."""
    set_rules: tuple[Rule, ...] = ()
    """All by which they may have been held against each other, a lock, or an earlier report."""
    inputs: tuple[Input, ...] = ()


def custody(
    command: str,
    options: Options,
    fail_on: str | None = Severity.ERROR.value,
    beside: Beside = NOTHING_BESIDE,
) -> Custody:
    """How a report of this command with these options comes about.

    Args:
        command: ``verify``, ``digest``, ``inspect`` or ``signatures``.
        options: as they were given.
        fail_on: the least severity that makes the exit code 1; None for none.
        beside: what the run was given besides.
    """
    return Custody(
        identity(),
        command,
        {**told(options, fail_on), "skip_others": beside.skip_others, "rehash": beside.rehash},
        tuple(each.rule for each in checks.ALL),
        beside.set_rules,
        (*beside.inputs, *inputs_of(options)),
    )


def inputs_of(options: Options) -> Iterator[Input]:
    """The files that the options hold."""
    for use, manifests in (("manifest", options.manifests), ("signed_manifest", options.signed_manifests)):
        yield from (Input(use, each.source, each.digest, len(each.content)) for each in manifests)
    yield from (Input.of(use, file.source, file.content) for use, file in _files(options.trust))


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
    for use, file in _files(material):
        yield {"use": use, "source": file.source, "sha256": str(Digest.of(file.content))}
    for pin in material.pins:
        patterns = [name for name in ("identity", "issuer") if getattr(pin, f"{name}_pattern")]
        how = f" (a pattern: {', '.join(patterns)})" if patterns else ""  # in the use as well, which nobody else writes
        yield {"use": f"identity{how}", "value": f"{pin.identity} {pin.issuer}{how}"}
    told = {
        "root_key": material.root_keys,
        "reference": [material.reference] if material.reference else (),
        "tag": [material.tag] if material.tag else (),
        "at": [material.at.isoformat()] if material.at else (),
    }
    yield from ({"use": use, "value": value} for use, values in told.items() for value in values)


def _files(material: Material) -> Iterator[tuple[str, NamedFile]]:
    """Every file of it, after what it is used for."""
    for use in ("detached", "keys", "ca_roots", "ca_intermediates", "timestamp_roots", "gpg_keyrings"):
        yield from ((use, each) for each in getattr(material, use))
    if material.trusted_root is not None:
        yield "trusted_root", material.trusted_root
    if material.notation is not None:
        if material.notation.policy is not None:
            yield "notation policy", material.notation.policy
        for (kind, name), files in sorted(material.notation.stores.items()):
            yield from ((f"notation {kind} {name}", each) for each in files)
    for gun, roles in sorted(material.content_trust.items()):
        yield from ((f"content_trust {gun} {role}", roles[role]) for role in sorted(roles))


def words(custody: Custody) -> str:
    """The options that differ from the defaults, and the files by their SHA-256, in one line for people.

    Hostile text in it is not escaped.
    """
    given = []
    usual = told(DEFAULT_OPTIONS)
    for name, value in custody.options.items():
        match value:
            case _ if value == usual.get(name, False):
                continue
            case True:
                given.append(name)
            case str():
                given.append(f"{name}={value}")
            case [*items]:
                said = [_word(item) for item in items if not (isinstance(item, Mapping) and "sha256" in item)]
                given += [f"{name}={','.join(said)}"] if said else []
            case {**items}:
                given.append(f"{name}={','.join(f'{key}:{item}' for key, item in items.items())}")
    given += [each.use if each.sha256 is None else f"{each.use}={each.sha256}" for each in custody.inputs]
    return " ".join(given) or "default"


def _word(item: object) -> str:
    return str(item.get("value")) if isinstance(item, Mapping) else str(item)
