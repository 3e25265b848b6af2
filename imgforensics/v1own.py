"""Whether a legacy v1 JSON document is the one that its ID is a hash of."""

import hashlib
from collections.abc import Mapping

from imgforensics.gojson import go_string, raw_members
from imgforensics.strictjson import fold_key
from imgforensics.v1config import IMAGE, is_config
from imgforensics.v1id import moby_id, ways_of

_WRITTEN = frozenset({"id", "parent", *(field.name.lower() for field in IMAGE.fields)})


def is_own_v1_json(value: Mapping[str, object], raw: bytes, chain_id: str, v1_id: str) -> bool:
    """Whether a layer's legacy v1 JSON is what its id is a hash of, with the layer's chain ID.

    Docker (moby, image/tarexport/save.go) writes the struct that it hashed, and ``os``, which lower layers have not in
    their ids; containers/image (docker/internal/tarfile/writer.go) writes the very keys that it hashed.
    """
    if "container_config" in value:  # as Docker always writes it: the likelier of the two is tried first
        return _is_by_docker(value, chain_id, v1_id) or _is_by_containers_image(raw, chain_id, v1_id)
    return _is_by_containers_image(raw, chain_id, v1_id) or _is_by_docker(value, chain_id, v1_id)


def _is_by_containers_image(raw: bytes, chain_id: str, v1_id: str) -> bool:
    members = raw_members(raw)
    if members is None or "id" not in members:
        return False
    hashed = {key: text for key, text in members.items() if key != "id"}
    hashed["layer_id"] = go_string(chain_id).encode()
    text = b",".join(b"%s:%s" % (go_string(key).encode(errors="replace"), hashed[key]) for key in sorted(hashed))
    return hashlib.sha256(b"{" + text + b"}").hexdigest() == v1_id


def _is_by_docker(value: Mapping[str, object], chain_id: str, v1_id: str) -> bool:
    inner = [each for each in (value.get("config"), value.get("container_config")) if isinstance(each, Mapping)]
    if not _WRITTEN.issuperset(fold_key(key) for key in value) or any(not is_config(each) for each in inner):
        return False  # Go would not have written such keys
    parent = value.get("parent")
    above = parent if isinstance(parent, str) and parent else None
    for top, _ in ways_of(value):
        for without in ("", "os"):
            kept = {key: text for key, text in top.items() if key != without}
            if moby_id(kept, chain_id, above) == v1_id:
                return True
    return False
