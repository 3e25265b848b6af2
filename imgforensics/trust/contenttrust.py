"""Docker Content Trust: which tags of the user's metadata are of this archive. Claims only."""

import base64
import binascii
from collections.abc import Iterator, Mapping

from imgforensics.case import Case
from imgforensics.model import Digest, Location
from imgforensics.refnames import normalise
from imgforensics.signature import Claims, Found, Place, Purpose, Scheme
from imgforensics.strictjson import parse_json
from imgforensics.trust.envelopes import mapping, text
from imgforensics.trust.material import Material


def candidates(case: Case, material: Material) -> Iterator[Found]:
    """The tag that was asked for; else those that the archive's images have, or whose digest lies in the archive.

    Of several roles that name a tag, the one that counts is that of Docker's releases, then the repository's own.
    """
    names = {normalise(tag) for image in case.structure.images for tag in image.tags}
    for gun, roles in sorted(material.content_trust.items()):
        metadata = {role: file.content for role, file in roles.items()}
        seen: set[str] = set()
        for role in sorted(metadata, key=_precedence):
            for tag, digest in _targets(metadata[role]) if role.partition("/")[0] == "targets" else ():
                held = normalise(f"{gun}:{tag}") in names or digest in case.catalogue.by_digest
                if tag not in seen and (held if material.tag is None else tag == material.tag):
                    seen.add(tag)
                    yield Found(
                        scheme=Scheme.CONTENT_TRUST,
                        purpose=Purpose.SIGNATURE,
                        place=Place.TRUST_DATA,
                        where=Location(f"{gun}/{role}.json"),
                        content=metadata[role],
                        metadata=metadata,
                        tag=tag,
                        role=role,
                        claims=Claims((digest,), reference=f"{gun}:{tag}"),
                    )


def _precedence(role: str) -> tuple[int, str]:
    """Docker asks ``targets/releases`` first, then ``targets``."""
    order = ("targets/releases", "targets")
    return order.index(role) if role in order else len(order), role


def _targets(raw: bytes) -> Iterator[tuple[str, Digest]]:
    value = parse_json(raw).value
    targets = mapping(mapping(value, "signed"), "targets") if isinstance(value, dict) else {}
    for tag, entry in targets.items():
        digest = target_digest(entry)
        if digest is not None:
            yield tag, digest


def target_digest(entry: object) -> Digest | None:
    """The digest of one target, None where it has none."""
    encoded = text(mapping(entry, "hashes"), "sha256") if isinstance(entry, Mapping) else ""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return Digest.sha256(raw.hex()) if len(raw) == 32 else None
