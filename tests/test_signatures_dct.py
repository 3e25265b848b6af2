"""Docker Content Trust: the chain from a pinned root key to a tag, and every way in which it breaks."""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from imgforensics.signature import Headline, Judgement, Status
from imgforensics.trust.material import Material, NamedFile
from tests import builder
from tests.signing import pki, sigstore
from tests.signing.ask import at, binding, done, report, signatures
from tests.signing.layouts import Pack
from tests.signing.pki import SIGNED_AT
from tests.signing.tuf import GUN, Repository, Signer, canonical

pytestmark = pytest.mark.usefixtures("offline")

PACK = Pack()
ARCHIVE = PACK.tar()


def repository(**more: Any) -> Repository:
    return Repository(releases={"1.0": (PACK.manifest, None)}, **more)


def material(made: Repository, metadata: dict[str, bytes] | None = None, **more: Any) -> Material:
    given: dict[str, Any] = {"root_keys": (made.root.key_id,), "at": SIGNED_AT, "tag": "1.0"} | more
    return Material(content_trust={made.gun: named(made.metadata() if metadata is None else metadata)}, **given)


def named(metadata: dict[str, bytes]) -> dict[str, NamedFile]:
    """Metadata as it is read from files."""
    return {role: NamedFile(f"{role}.json", content) for role, content in metadata.items()}


def judgement(given: Material) -> Judgement:
    found = signatures(report(ARCHIVE, given)).found
    assert len(found) == 1, found
    return found[0].judgement


@pytest.mark.parametrize("key", [pki.ec_key(), sigstore.rsa_key()], ids=["ecdsa", "rsa"])
def test_from_a_pinned_root_to_a_tag(key: ec.EllipticCurvePrivateKey) -> None:
    made = repository(root_key=key)
    (signature,) = signatures(report(ARCHIVE, material(made))).found
    assert signature.judgement.status is Status.VERIFIED, signature.judgement
    assert binding(signature) == "exact"
    assert signature.judgement.signed is not None
    assert signature.judgement.signed.name == f"{GUN}:1.0"
    assert signature.judgement.signed.size == len(PACK.manifest)
    assert done(signature.judgement)["freshness"] == "not-done"


def test_targets_without_a_delegation() -> None:
    made = Repository(targets={"1.0": (PACK.manifest, None)})
    assert judgement(material(made)).status is Status.VERIFIED


def test_without_a_pin_it_only_agrees_with_itself() -> None:
    found = judgement(material(repository(), root_keys=()))
    assert found.status is Status.UNVERIFIABLE
    assert "unanchored" in found.reason


def test_another_pin() -> None:
    found = judgement(material(repository(), root_keys=(Signer().key_id,)))
    assert found.status is Status.UNVERIFIABLE
    assert found.signed is None


def test_the_pin_is_computed_and_not_read() -> None:
    """A stranger's root key under the pinned ID is a stranger's."""
    mine, theirs = repository(), repository()
    metadata = theirs.metadata()
    renamed = {
        name: raw.replace(theirs.root.key_id.encode(), mine.root.key_id.encode()) for name, raw in metadata.items()
    }
    assert judgement(material(mine, renamed)).status is Status.UNVERIFIABLE


def test_metadata_of_another_repository() -> None:
    made = repository(gun="example.com/other")
    given = Material(
        content_trust={GUN: named(made.metadata())}, root_keys=(made.root.key_id,), at=SIGNED_AT, tag="1.0"
    )
    found = judgement(given)
    assert found.status is Status.INVALID
    assert "example.com/other" in found.reason


@pytest.mark.parametrize("role", ["root", "snapshot", "targets", "targets/releases", "timestamp"])
def test_every_file_is_signed(role: str) -> None:
    made = repository()
    metadata = made.metadata()
    document = json.loads(metadata[role])
    document["signed"]["version"] = 2
    assert judgement(material(made, metadata | {role: canonical(document)})).status is Status.INVALID
    unsigned = json.loads(metadata[role]) | {"signatures": []}
    assert judgement(material(made, metadata | {role: canonical(unsigned)})).status is Status.INVALID


@pytest.mark.parametrize("role", ["Root", "Snapshot", "Targets", "Releases", "Timestamp"])
def test_a_file_that_fits_and_is_signed_by_a_stranger(role: str) -> None:
    assert judgement(material(repository(forged=role))).status is Status.INVALID


@pytest.mark.parametrize("role", ["root", "targets", "targets/releases"])
def test_files_of_different_times_do_not_mix(role: str) -> None:
    """A genuine older file is not what the snapshot names."""
    made = repository()
    metadata = made.metadata()
    made.expires += timedelta(days=1)
    assert judgement(material(made, metadata | {role: made.metadata()[role]})).status is Status.INVALID


def test_a_timestamp_of_another_snapshot() -> None:
    made = repository()
    metadata = made.metadata()
    made.expires += timedelta(days=1)
    assert judgement(material(made, metadata | {"timestamp": made.metadata()["timestamp"]})).status is Status.INVALID


def test_files_that_are_missing() -> None:
    made = repository()
    metadata = made.metadata()
    for role in ("root", "snapshot", "targets"):
        without = {name: raw for name, raw in metadata.items() if name != role}
        assert judgement(material(made, without)).status is Status.UNVERIFIABLE
    without = {name: raw for name, raw in metadata.items() if name != "timestamp"}
    found = judgement(material(made, without))
    assert found.status is Status.VERIFIED
    assert done(found)["timestamp"] == "not-done"


def test_a_role_signs_only_what_it_may() -> None:
    assert judgement(material(repository(paths=["2."]))).status is Status.INVALID
    assert judgement(material(repository(paths=["1."]))).status is Status.VERIFIED


def test_a_role_that_nobody_delegated_to() -> None:
    made = repository()
    metadata = made.metadata()
    metadata["targets/intruder"] = metadata.pop("targets/releases")
    assert judgement(material(made, metadata)).status is Status.INVALID


@pytest.mark.parametrize("role", ["snapshot", "targets", "timestamp"])
def test_a_threshold_counts_keys_and_not_signatures(role: str) -> None:
    assert judgement(material(repository(twice=True))).status is Status.VERIFIED
    assert judgement(material(repository(twice=True, thresholds={role: 2}))).status is Status.INVALID
    assert judgement(material(repository(thresholds={role: 0}))).status is Status.INVALID


def test_the_pinned_key_itself_has_to_sign_the_root() -> None:
    made = repository(root_signer=Signer(gun=GUN))
    assert judgement(material(made)).status is Status.INVALID
    assert made.root_signer is not None
    assert judgement(material(made, root_keys=(made.root_signer.key_id,))).status is Status.VERIFIED


@pytest.mark.parametrize("kind", ["Root", "Snapshot", "Targets", "Timestamp"])
def test_a_file_of_another_type(kind: str) -> None:
    assert judgement(material(repository(types={kind: "Other"}))).status is Status.INVALID


def test_a_key_twice_is_refused() -> None:
    made = repository()
    metadata = made.metadata()
    metadata["root"] = metadata["root"][:-1] + b',"signed":{}}'
    assert judgement(material(made, metadata)).status is Status.INVALID


def test_expired_is_no_more_and_no_less_than_that() -> None:
    made = repository()
    assert judgement(material(made, at=at(2039))).status is Status.CERTIFICATE_EXPIRED
    made.expires = at(2025)
    found = judgement(material(made, at=at(2026)))
    assert found.status is Status.METADATA_EXPIRED
    assert found.signed is not None
    assert judgement(material(made, at=None)).status is Status.UNVERIFIABLE


def test_another_image_under_the_tag() -> None:
    made = Repository(releases={"1.0": (b"another manifest", None)})
    stored = builder.containerd([PACK.spec])  # by a store that keeps the registry's manifests
    given = report(stored, material(made))
    assert signatures(given).headline is Headline.DIFFERENT
    (signature,) = signatures(given).found
    assert (signature.judgement.status, binding(signature)) == (Status.VERIFIED, "other-digest")
    (signature,) = signatures(report(ARCHIVE, material(made))).found
    assert binding(signature) == "unbound", "a copy may have been converted"


def test_the_length_is_signed_too() -> None:
    made = Repository(releases={"1.0": (PACK.manifest, 1)})
    (signature,) = signatures(report(ARCHIVE, material(made))).found
    assert binding(signature) == "other-digest"
    assert signature.bound is not None
    assert "1 bytes are signed" in signature.bound.how


def test_tags_that_are_not_of_the_archive_are_left_out() -> None:
    made = Repository(releases={"9": (b"x", None), "1.0": (PACK.manifest, None)}, targets={"8": (b"y", None)})
    found = signatures(report(ARCHIVE, material(made, tag=None))).found
    assert [each.found.tag for each in found] == ["1.0"]
    pack = Pack(replace(PACK.spec, tags=["example.com/app:9"]))
    saved = report(pack.tar(), material(made, tag=None))
    assert {each.found.tag for each in signatures(saved).found} == {"1.0"}


def test_the_role_of_releases_comes_first() -> None:
    """docker takes the tag from there; what ``targets`` still says of it is no other signature of it."""
    made = Repository(releases={"1.0": (PACK.manifest, None)}, targets={"1.0": (b"older", None)})
    (signature,) = signatures(report(ARCHIVE, material(made))).found
    assert binding(signature) == "exact"
    made = Repository(releases={"1.0": (b"newer", None)}, targets={"1.0": (PACK.manifest, None)})
    (signature,) = signatures(report(ARCHIVE, material(made))).found
    assert binding(signature) == "unbound"


@pytest.mark.parametrize("raw", [b"", b"x", b"{}", b"[]", b'{"signed":{"targets":{"1.0":{"hashes":{"sha256":"%%"}}}}}'])
def test_metadata_that_is_none(raw: bytes) -> None:
    made = repository()
    metadata = made.metadata()
    for role in ("root", "snapshot"):
        assert judgement(material(made, metadata | {role: raw})).status in (Status.INVALID, Status.UNVERIFIABLE)
    assert not signatures(report(ARCHIVE, material(made, {**metadata, "targets/releases": raw}))).found


def test_an_id_of_another_case_is_the_same() -> None:
    made = repository()
    assert judgement(material(made, root_keys=(made.root.key_id.upper(),))).status is Status.VERIFIED
    assert base64.b64decode(made.root.document["keyval"]["public"]).startswith(b"-----BEGIN CERTIFICATE")  # type: ignore[index]
