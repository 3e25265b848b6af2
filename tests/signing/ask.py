"""Short ways to ask what a signature is worth, alone or in an archive."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from imgforensics import Options
from imgforensics.expectation import SuppliedManifest
from imgforensics.model import Digest, Location
from imgforensics.report import ArchiveReport
from imgforensics.signature import Found, Judgement, Place, Purpose, Scheme, Signature, Signatures
from imgforensics.trust.judge import Judge
from imgforensics.trust.material import Material, NamedFile, Pin
from imgforensics.trust.recognise import recognise, with_claims
from tests import builder
from tests.builder import Entry
from tests.signing import pki, sigstore
from tests.signing.sigstore import Sigstore
from tests.support import case_of, report_of

PINS = (Pin(sigstore.IDENTITY, sigstore.ISSUER),)
DIGEST = "sha256:" + "ab" * 32


def file(content: bytes, source: str = "given") -> NamedFile:
    return NamedFile(source, content)


def keys(*given: pki.PrivateKey, **more: Any) -> Material:
    """Trust in these keys."""
    return Material(keys=tuple(file(pki.pem(each), f"{number}.pub") for number, each in enumerate(given)), **more)


def rooted(world: Sigstore, *, pins: Sequence[Pin] = PINS, **more: Any) -> Material:
    """Trust in a Sigstore of our own."""
    return Material(trusted_root=file(world.trusted_root(), "trusted_root.json"), pins=tuple(pins), **more)


def simple(body: bytes, notes: Mapping[str, str], scheme: Scheme = Scheme.COSIGN) -> Found:
    """A signature as it is found in a layer."""
    return with_claims(Found(scheme, Purpose.SIGNATURE, Place.TAG, Location("layer"), body, notes))


def judged(given: Found | bytes, material: Material) -> Judgement:
    """What a signature is worth."""
    found = given if isinstance(given, Found) else recognise(given, Place.DETACHED, Location("file"))
    assert found is not None
    return Judge(material).judge(found)


def report(archive: bytes | Iterable[Entry], material: Material, *manifests: bytes, **more: Any) -> ArchiveReport:
    """The report of an archive, with its signatures."""
    supplied = tuple(
        SuppliedManifest(f"manifest {number}", each, Digest.parse(builder.digest(each)))
        for number, each in enumerate(manifests)
    )
    return report_of(archive, Options(signatures=True, trust=material, signed_manifests=supplied, **more))


def signatures(given: ArchiveReport) -> Signatures:
    known = case_of(given).signatures
    assert known is not None
    return known


def only(given: ArchiveReport) -> Signature:
    """The one signature or attestation of an archive."""
    found = signatures(given).found
    assert len(found) == 1, found
    return found[0]


def binding(given: Signature) -> str:
    return "" if given.bound is None else given.bound.binding.value


def done(judgement: Judgement) -> dict[str, str]:
    """Step to how it went."""
    return {each.what: each.result.value for each in judgement.checks}


def at(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)
