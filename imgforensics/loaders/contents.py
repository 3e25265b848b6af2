"""One archive as readers find it: members by name, documents decoded their way, digests as measured."""

from collections.abc import Sequence
from functools import cached_property

from imgforensics.catalogue import Catalogue
from imgforensics.gotar import GoTar
from imgforensics.loaders import godecode, layers
from imgforensics.loaders.disk import Disk
from imgforensics.loaders.gonames import clean
from imgforensics.loaders.load import LimitError, MissingError, RefusedError
from imgforensics.loaders.streams import GZIP_TEXT, stream_trouble
from imgforensics.model import AnomalyKind, Compression, Digest, Member, MemberKind
from imgforensics.sniffing import SKIPPABLE, begins_like
from imgforensics.structure import Structure


class Contents:
    """Shared by all readers' models, so that no document is decoded twice for the same kind of reading."""

    def __init__(self, catalogue: Catalogue, structure: Structure) -> None:
        self.catalogue = catalogue
        self._structure = structure
        self._left = catalogue.limits.references
        self._decoded: dict[tuple[int, int, bool], godecode.Decoded] = {}
        self._disks: dict[bool, Disk | RefusedError] = {}
        self._unpacked: dict[tuple[layers.Unpack, tuple[layers.Layer, ...]], str] = {}

    def begin(self) -> None:
        """Another reader starts: it may follow as many references as one archive may hold."""
        self._left = self.catalogue.limits.references

    def spend(self, references: int = 1) -> None:
        """Count references that a reader follows.

        Raises:
            LimitError: they are more than are followed here.
        """
        self._left -= references
        if self._left < 0:
            raise LimitError(f"more than {self.catalogue.limits.references} references; no more were followed here")

    @property
    def tar(self) -> GoTar:
        """The tar as Go reads it."""
        return self.catalogue.go

    @property
    def disk(self) -> Disk:
        """The archive unpacked as containers/storage does. Raises as :meth:`whole` does, or where unpacking fails."""
        return self._disk(chroot=False)

    @property
    def docker_disk(self) -> Disk:
        """The archive unpacked as Docker does. Raises as :attr:`disk` does."""
        return self._disk(chroot=True)

    def _disk(self, *, chroot: bool) -> Disk:
        held = self._disks.get(chroot)
        if held is None:
            try:
                self.undone(whole=False)
                held = Disk(self.whole(), chroot=chroot)
            except RefusedError as error:
                held = error
            self._disks[chroot] = held
        if isinstance(held, RefusedError):
            raise held
        return held

    def undone(self, *, whole: bool) -> None:
        """Undo the compression around the archive, for readers that do.

        Args:
            whole: the stream is read to its end before anything else; else its damage shows where the tar breaks off.

        Raises:
            RefusedError: Go's decoder fails.
        """
        if self.catalogue.begins_like is not None:
            raise RefusedError(f"the archive begins like {self.catalogue.begins_like}, and is taken for that")
        trouble = stream_trouble(self.catalogue.outer, self.catalogue.outer_anomalies if whole else ())
        labels = self.catalogue.outer_labels
        if trouble or (labels is not None and max(labels.name, labels.comment) >= GZIP_TEXT):
            raise RefusedError(f"the {self.catalogue.outer} around the archive: {trouble or 'its header is too long'}")

    def whole(self) -> Sequence[Member]:
        """All members, for readers that read the tar to its end.

        Raises:
            RefusedError: Go's tar reader fails before it.
        """
        if self.tar.error is not None:
            raise RefusedError(f"the tar cannot be read to its end: {self.tar.error}")
        return self.tar.members

    def check_layers(self, unpack: layers.Unpack, given: Sequence[layers.Layer]) -> None:
        """Unpack an image's layers, once for each program that unpacks them its way.

        Raises:
            RefusedError: one of them cannot be.
        """
        key = unpack, tuple(given)
        if key not in self._unpacked:
            try:
                unpack(self.catalogue, given)
                self._unpacked[key] = ""
            except RefusedError as error:
                self._unpacked[key] = str(error)
        if self._unpacked[key]:
            raise RefusedError(self._unpacked[key])

    @property
    def compressed(self) -> bool:
        """Whether the whole archive is compressed."""
        return self.catalogue.outer is not Compression.NONE

    @cached_property
    def by_clean_name(self) -> dict[str, list[Member]]:
        """Members that Go sees, by the name that ``path.Clean`` makes of theirs, in order."""
        found: dict[str, list[Member]] = {}
        for member in self.tar.members:
            found.setdefault(clean(member.name), []).append(member)
        return found

    @cached_property
    def by_exact_name(self) -> dict[str, list[Member]]:
        """Members that Go sees, by their very name, in order."""
        found: dict[str, list[Member]] = {}
        for member in self.tar.members:
            found.setdefault(member.name, []).append(member)
        return found

    def decode(
        self, member: int, schema: godecode.Schema, *, stream: bool, into: godecode.Decoded = None
    ) -> godecode.Decoded:
        """A member's document as Go decodes it; see :func:`.godecode.decode`. Results are shared: never change them.

        Raises:
            RefusedError: it cannot be decoded.
        """
        key = (member, id(schema), stream)
        if into is None and key in self._decoded:
            held = self._decoded[key]
            if isinstance(held, RefusedError):
                raise held
            return held
        try:
            value = godecode.decode(self._document(member), schema, stream=stream, into=into)
        except RefusedError as error:
            told = RefusedError(f"{self.name(member)} {error}")
            if into is None:
                self._decoded[key] = told
            raise told from None
        if into is None:
            self._decoded[key] = value
        return value

    @cached_property
    def _shortened(self) -> dict[int, int]:
        """Bytes of members whose data are shorter to Go than they are."""
        members = self.catalogue.members
        return {each.index: each.data.length for each in self.tar.members if each.data != members[each.index].data}

    def _document(self, member: int) -> bytes:
        raw = self.catalogue.content(member)
        if raw is not None and member in self._shortened:
            raw = raw[: self._shortened[member]]
        if raw is None:
            raise RefusedError("is no JSON document")
        document = self._structure.documents.get(member)
        if document is not None and any(problem.kind is AnomalyKind.LIMIT for problem in document.problems):
            raise RefusedError("was not read: it is too large, or nests too deep")
        return raw

    def name(self, member: int) -> str:
        """A member's name."""
        return self.catalogue.members[member].name

    def digest(self, member: int) -> Digest | None:
        """SHA-256 of a member's bytes, None where they were not measured."""
        blob = self.catalogue.blobs.get(member)
        return None if blob is None else blob.digest

    def differs(self, member: int, digest: str) -> bool:
        """Whether a member's bytes were measured and are not what this digest claims."""
        algorithm = digest.partition(":")[0]
        blob = self.catalogue.blobs.get(member)
        found = None if blob is None else blob.digest_by(algorithm)
        return found is not None and str(found) != digest

    def begins_like(self, member: int) -> Compression | None:
        """What containers/image takes a plain member for by its first bytes; None where it takes it for plain."""
        blob = self.catalogue.blobs.get(member)
        if blob is None or blob.compression is not Compression.NONE or blob.head.startswith(SKIPPABLE):
            return None
        return begins_like(blob.head)

    def layer_differs(self, member: int, diff_id: str, *, skippable: bool = True) -> bool:
        """Whether a layer's uncompressed bytes were measured and are not what this diff_id claims.

        Args:
            member: index of the layer's member.
            diff_id: what is claimed.
            skippable: whether a stream that begins with a skippable frame is known for zstd; else it is taken as it is.
        """
        blob = self.catalogue.blobs.get(member)
        if blob is None or self.catalogue.unexpanded(member):
            return False
        if not skippable and blob.skips_first:
            return self.differs(member, diff_id)
        if blob.diff_id is None:
            return blob.compression is not Compression.UNSUPPORTED
        found = blob.diff_id_by(diff_id.partition(":")[0])
        return found is not None and str(found) != diff_id

    @cached_property
    def by_content(self) -> dict[str, int]:
        """SHA-256 digest to the first member, of those that Go sees, that has these bytes."""
        found: dict[str, int] = {}
        for member in self.tar.members:
            blob = self.catalogue.blobs.get(member.index)
            if blob is not None:
                found.setdefault(str(blob.digest), member.index)
        return found


def is_regular(member: Member) -> bool:
    """Whether a member is a file by its very type: no old sparse file, and no contiguous one."""
    return member.kind in (MemberKind.FILE, MemberKind.SPARSE) and member.typeflag in ("\0", "0")


def occurrence(members: Sequence[Member], chosen: Member, name: str) -> str:
    """The document and, where it stands more than once, which of them was taken."""
    if len(members) < 2:
        return name
    place = next(number for number, each in enumerate(members, 1) if each is chosen)
    which = {1: "the first", len(members): "the last"}.get(place, f"number {place}")
    return f"{name}, {which} of {len(members)} members of that name"


def needed(member: int | None, what: str) -> int:
    """The member, where there is one.

    Raises:
        MissingError: there is none.
    """
    if member is None:
        raise MissingError(f"{what} is not in the archive")
    return member
