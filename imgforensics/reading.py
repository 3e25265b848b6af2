"""The reading of one archive's documents: each parsed once, each oddity kept with the member it was seen in."""

from collections.abc import Iterable
from dataclasses import replace

from imgforensics.catalogue import Catalogue
from imgforensics.documentreader import Reader, read_config
from imgforensics.documents import (
    CONFIG_TYPES,
    INDEX_TYPES,
    MANIFEST_TYPES,
    Config,
    Descriptor,
    Document,
    DocumentKind,
    read_document,
)
from imgforensics.model import Anomaly, AnomalyKind, Digest, Location
from imgforensics.oddities import Oddities
from imgforensics.strictjson import escape_pointer, fold_key, most_values
from imgforensics.structure import Reference, Role
from imgforensics.v1config import refused_keys

_FOLLOWED = MANIFEST_TYPES | INDEX_TYPES | CONFIG_TYPES
"""Types of documents that have to be members: few readers take them from a descriptor, so that embedding shows them
to these few only."""


class Reading:
    """What was read so far. One is made for an archive and handed through both views."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.limits = catalogue.limits
        self.documents: dict[int, Document] = {}
        self.problems = Oddities(self.limits.anomalies, self.limits.pointer)
        self.references: list[Reference] = []
        self._configs: dict[int, Config | None] = {}
        self._noted: set[int] = set()
        left = self.limits.json_values
        for index in catalogue.blobs:
            content = catalogue.content(index)
            if content is not None:
                left -= most_values(content)
                self.documents[index] = read_document(content, self.limits) if left >= 0 else self._beyond_bound()

    def _beyond_bound(self) -> Document:
        detail = f"was not read: the documents hold more than {self.limits.json_values} values"
        return Document(DocumentKind.OTHER, None, (Anomaly(AnomalyKind.LIMIT, detail),))

    def kind(self, index: int) -> DocumentKind | None:
        """What the member is by its content, None where it is no JSON."""
        document = self.documents.get(index)
        return None if document is None else document.kind

    def value(self, index: int) -> object:
        """The parsed document of a member, None where it is no JSON."""
        document = self.documents.get(index)
        return None if document is None else document.value

    def note(self, member: int, anomalies: Iterable[Anomaly]) -> None:
        """Keep what was odd in a member's document."""
        self.problems.extend(replace(anomaly, member=member) for anomaly in anomalies)

    def config(self, index: int) -> Config | None:
        """The typed image config of a member, None where it is none. Its oddities are noted once."""
        if index not in self._configs:
            self._configs[index] = self._read_config(index)
        return self._configs[index]

    def _read_config(self, index: int) -> Config | None:
        value = self.value(index)
        if not isinstance(value, dict) or not any(fold_key(key) == "rootfs" for key in value):
            return None  # further keys never make it another document: whoever reads it as a config ignores them
        reader = Reader(self.limits)
        config = read_config(value, self.limits, reader)
        runtime = Reader(self.limits).mapping(value, "config", "")
        for key in refused_keys(runtime):
            detail = "a value of a type that Docker does not read: it refuses the config, others read on"
            pointer = f"/config/{escape_pointer(key)}"
            reader.problems.append(Anomaly(AnomalyKind.BAD_VALUE, detail, pointer=pointer))
        self.note(index, reader.problems)
        return config

    def note_config(self, index: int) -> None:
        """Note what was odd about a document that an image calls its config, or that it is none. Said once."""
        if index in self._noted:
            return
        self._noted.add(index)
        document = self.documents.get(index)
        odd = () if document is None else document.problems
        if (
            not odd
            and self.config(index) is None
            and index in self.catalogue.blobs
            and not self.catalogue.cut_off(index)
        ):
            if self.unread(index):
                odd = (Anomaly(AnomalyKind.LIMIT, "was not read as an image config"),)
            else:
                is_object = document is not None and isinstance(document.value, dict)  # {} stands in for one at times
                kind = AnomalyKind.MISSING_KEY if is_object else AnomalyKind.BAD_VALUE
                odd = (Anomaly(kind, "is no image config: it has no rootfs"),)
        self.note(index, odd)

    def unread(self, index: int) -> bool:
        """Whether a bound kept a member from being read as a document."""
        too_large = self.catalogue.members[index].data.length > self.limits.document
        return too_large or index in self.catalogue.unmeasured

    def location(self, member: int, pointer: str | None = None) -> Location:
        """A place in a member's document."""
        return Location(member=self.catalogue.members[member].name, pointer=pointer)

    def refer(self, reference: Reference) -> Reference:
        """Keep a reference."""
        self.references.append(reference)
        return reference

    def full(self) -> bool:
        """Whether so many references were read that no further document is; that is noted then."""
        if len(self.references) < self.limits.references:
            return False
        self.limit(f"{len(self.references)} references were read; those of further documents were not")
        return True

    def refer_to_blob(self, role: Role, member: int, root: str, descriptor: Descriptor) -> Reference:
        """Follow a descriptor that stands in ``member`` to the blob it names, below ``root``."""
        target, by_content = self.find_blob(root, descriptor.digest)
        where = self.location(member, descriptor.pointer)
        excused = None
        if is_foreign(descriptor.media_type):
            excused = "a foreign layer, which is kept elsewhere by design"
        elif descriptor.data is not None and descriptor.media_type not in _FOLLOWED:
            excused = "its content is embedded in the descriptor"
        return self.refer(
            Reference(role, member, where, target, descriptor=descriptor, by_content=by_content, excused=excused)
        )

    def find_blob(self, root: str, digest: Digest | None) -> tuple[int | None, bool]:
        """The member that holds a digest's bytes, and whether it stands elsewhere than ``blobs/<algorithm>/<hex>``.

        Among several members of that name the one with the right bytes is taken, if there is one.
        """
        if digest is None:
            return None, False
        named = self.catalogue.find(f"{root}/blobs/{digest.algorithm}/{digest.encoded}")
        if not named:  # where skopeo's dir: keeps them
            named = self.catalogue.find(f"{root}/{digest.encoded}")
        matching = self.catalogue.by_digest.get(digest, ())
        for index in named:
            if index in matching:
                return index, False
        if named:
            return named[-1], False
        return (matching[0], True) if matching else (None, False)

    def limit(self, detail: str) -> None:
        """Note that a bound was reached."""
        self.problems.append(Anomaly(AnomalyKind.LIMIT, detail))


def is_foreign(media_type: str) -> bool:
    """Whether layers of this type are kept outside of registries and archives (image-spec, layer.md)."""
    return ".foreign." in media_type or ".nondistributable." in media_type
