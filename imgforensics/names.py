"""What a member's name claims about its bytes.

``blobs/<algorithm>/<encoded>`` (image-spec, image-layout.md, "Blobs"); ``<hex>.json``, ``<hex>.tar``, ``<hex>.tar.gz``
and ``sha256:<hex>`` of the docker-archive writers. The folder of ``<v1 ID>/layer.tar`` is no hash of its content and
claims nothing here; see :mod:`imgforensics.v1id`.
"""

import re
from dataclasses import dataclass

from imgforensics.model import Digest

_BLOB = re.compile(r"(?:.*/)?blobs/([a-z0-9+._-]+)/([a-zA-Z0-9=_-]+)(\.tar(?:\.gz|\.zst)?)?")
_NAMED = re.compile(r"(?:.*/)?(?:sha256:)?([0-9a-f]{64})(\.json|\.tar|\.tar\.gz|\.tgz|\.tar\.zst)?")


@dataclass(frozen=True, slots=True)
class NameClaim:
    """A digest that a name claims."""

    digest: Digest
    of_layer: bool
    """The name is a layer's: some tools name the uncompressed bytes, some the compressed ones."""


def name_claim(path: str) -> NameClaim | None:
    """The digest that a cleaned member path claims, None where it claims none."""
    found = _BLOB.fullmatch(path)
    if found:
        try:
            return NameClaim(Digest.parse(f"{found[1]}:{found[2]}"), of_layer=found[3] is not None)
        except ValueError:
            return None
    found = _NAMED.fullmatch(path)
    if found:
        return NameClaim(Digest.sha256(found[1]), of_layer=bool(found[2]) and found[2] != ".json")
    return None
