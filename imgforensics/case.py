"""The whole truth about one archive, frozen: what checks judge and renderers print."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from imgforensics.catalogue import Catalogue
from imgforensics.expectation import Expectation
from imgforensics.images import ENTRY_POINTS
from imgforensics.layerstack import Stacked, stack
from imgforensics.loaders import Load
from imgforensics.loaders.agreement import Side, sides
from imgforensics.mentions import Mentions, find_mentions
from imgforensics.model import AnomalyKind, Location, MemberKind, Outcome, Verification, What
from imgforensics.producer import Producer
from imgforensics.signature import Signatures
from imgforensics.structure import Image, Reference, Role, Structure

_OF_STORED_BYTES = (What.MEMBER_NAME, What.DESCRIPTOR_DIGEST)
_LEADING = (Role.INDEX, Role.MANIFEST, Role.SUBJECT)
"""Documents that refer to others."""
_NAMES = (*ENTRY_POINTS, "json")
DAMAGE = frozenset(
    {
        AnomalyKind.TRUNCATED_STREAM,
        AnomalyKind.CORRUPT_STREAM,
        AnomalyKind.RESERVED_FLAGS,
        AnomalyKind.CHECKSUM_MISMATCH,
        AnomalyKind.LENGTH_MISMATCH,
    }
)
"""Anomalies that mean that a compressed stream is not what its writer made."""


HIDDEN = frozenset({AnomalyKind.TRAILING_BYTES, AnomalyKind.SKIPPABLE_FRAME})
"""Anomalies that mean that a compressed stream carries bytes that are in none of its content."""

CUT = frozenset({AnomalyKind.TRUNCATED_HEADER, AnomalyKind.TRUNCATED_DATA, AnomalyKind.MISSING_END})
"""Anomalies of a tar that may mean that more of it is gone."""

READERS_DIFFER = frozenset(
    {
        AnomalyKind.BAD_SIZE,
        AnomalyKind.DATA_ON_LINK,
        AnomalyKind.DIRECTORY_WITH_DATA,
        AnomalyKind.PAX_OVERRIDES,
        AnomalyKind.STACKED_EXTENSION,
        AnomalyKind.STRAY_PREFIX,
        AnomalyKind.ODD_CHECKSUM,
    }
)
"""Anomalies of a tar header that mean that its member, or the next, is another one to some readers."""


@dataclass(frozen=True)
class Case:
    """Facts of one archive. Which failure causes which other is worked out here, once, for all checks."""

    catalogue: Catalogue
    structure: Structure
    producer: Producer | None
    verifications: tuple[Verification, ...]
    expectations: tuple[Expectation, ...] = ()
    """How the digests fared that the archive was said to hold."""
    loads: tuple[Load, ...] = ()
    """What each real reader would take out of the archive."""
    signatures: Signatures | None = None
    """Signatures and attestations; None where nobody asked for them."""

    @cached_property
    def sides(self) -> tuple[Side, ...]:
        """Groups of readers that would load different images; empty where none contradicts another."""
        return sides(self.loads)

    @cached_property
    def doubled_documents(self) -> frozenset[int]:
        """Documents of whose name there are several, with different bytes: which of them counts is up to the reader."""
        doubled: set[int] = set()
        for members in self.catalogue.by_path.values():
            if len(members) > 1 and self.structure.entry_points.keys() & set(members):
                blobs = (self.catalogue.blobs.get(member) for member in members)
                if len({blob.digest for blob in blobs if blob is not None}) > 1:
                    doubled.update(members)
        return frozenset(doubled)

    @cached_property
    def is_cut_off(self) -> bool:
        """Whether the archive ends before its end: what is gone may have been the document that refers to the rest."""
        return any(anomaly.kind in CUT for anomaly in self.catalogue.anomalies) or any(
            anomaly.kind is AnomalyKind.TRUNCATED_STREAM for anomaly in self.catalogue.outer_anomalies
        )

    @cached_property
    def unread_documents(self) -> frozenset[int]:
        """Members that are documents by their names, or by what leads to them, and were not read.

        They may refer to any other: as long as there are some, it is not known what nothing refers to.
        """
        unread = self.catalogue.unmeasured.keys()
        if not unread:
            return frozenset()
        members = self.catalogue.members
        named = {member for member in unread if (members[member].path or "").rpartition("/")[2] in _NAMES}
        linked = {
            target
            for member in members
            if member.kind in (MemberKind.SYMLINK, MemberKind.HARDLINK)
            and (member.path or "").rpartition("/")[2] in _NAMES
            for target in self.catalogue.follow(member)[0]
        }
        referred = {each.target for each in self.structure.references if each.role in _LEADING}
        return frozenset(named | (unread & (linked | referred)))

    @cached_property
    def wrong_bytes(self) -> Mapping[int, Sequence[Verification]]:
        """Member index to the claims about its stored bytes that failed: the causes of most other mismatches."""
        failed: dict[int, list[Verification]] = defaultdict(list)
        for verification in self.mismatches(*_OF_STORED_BYTES):
            if verification.target is not None:
                failed[verification.target].append(verification)
        return dict(failed)

    @cached_property
    def stacked(self) -> Stacked:
        """Layers against the layers below them."""
        return stack(self.catalogue, self.structure.images)

    @cached_property
    def damaged_streams(self) -> frozenset[int]:
        """Members whose compressed stream is damaged; of a sparse member nobody saw the stream."""
        return frozenset(
            index
            for index, blob in self.catalogue.blobs.items()
            if not self.catalogue.unexpanded(index) and any(anomaly.kind in DAMAGE for anomaly in blob.anomalies)
        )

    @cached_property
    def mentions(self) -> Mentions:
        """Members that nothing refers to but another reading of a document."""
        return find_mentions(self.catalogue, self.structure)

    @cached_property
    def oddly_framed(self) -> frozenset[int]:
        """Members that some readers do not see at all, or see as others: that nothing refers to them follows from it.

        Those behind an end marker or found by searching, those whose headers split readers, and those that stand where
        such a header says that its data are.
        """
        members = self.catalogue.members
        found = {member.index for member in members if member.recovered}
        following = 0
        for anomaly in self.catalogue.anomalies:
            if anomaly.kind in READERS_DIFFER and anomaly.member is not None:
                found.add(anomaly.member)
                claimed = members[anomaly.member].header.end + members[anomaly.member].ustar_size
                following = max(following, anomaly.member + 1)
                while following < len(members) and members[following].header.offset < claimed:
                    found.add(following)
                    following += 1
        return frozenset(found)

    @cached_property
    def config_members(self) -> frozenset[int]:
        """Members that some document calls an image's config."""
        return frozenset(
            reference.target
            for reference in self.structure.references
            if reference.role is Role.CONFIG and reference.target is not None
        )

    @cached_property
    def diff_id_checks(self) -> Mapping[tuple[int, int], Verification]:
        """Image and layer index to how the layer's diff_id fared."""
        found: dict[tuple[int, int], Verification] = {}
        for each in self.verifications:
            if each.what is What.DIFF_ID and each.subject.image is not None and each.subject.layer is not None:
                found[each.subject.image, each.subject.layer] = each
        return found

    def mismatches(self, *kinds: What) -> list[Verification]:
        """Verifications of these kinds that failed."""
        return [
            verification
            for verification in self.verifications
            if verification.outcome is Outcome.MISMATCH and verification.what in kinds
        ]

    def image(self, location: Location) -> Image | None:
        """The image that a location speaks of."""
        return None if location.image is None else self.structure.images[location.image]

    def cause(self, verification: Verification) -> int | None:
        """The member whose wrong, damaged or missing bytes explain this failure, None where it stands for itself."""
        target = verification.target
        if target is not None and (target in self.wrong_bytes or target in self.damaged_streams):
            return target
        image = self.image(verification.subject)
        if image is None:
            return None
        for described_by in (image.config_member, image.manifest_member):
            if described_by in self.wrong_bytes:
                return described_by
        if verification.what in (What.V1_ID, What.REPOSITORIES):
            twofold = (each.member for each in image.references if each.member in self._twofold)
            return next(twofold, self._wrong_layers.get(image.index) if verification.what is What.V1_ID else None)
        if verification.what is What.HISTORY_COUNT:
            return self._wrong_layers.get(image.index)
        return None

    @cached_property
    def _twofold(self) -> frozenset[int | None]:
        """Documents of which readers disagree what they say: keys that are repeated, or one to some readers only."""
        kinds = (AnomalyKind.DUPLICATE_KEY, AnomalyKind.CASE_KEY)
        return frozenset(problem.member for problem in self.structure.problems if problem.kind in kinds)

    @cached_property
    def _wrong_layers(self) -> Mapping[int, int]:
        """Image index to the member of its lowest layer whose stored bytes are wrong."""
        found: dict[int, int] = {}
        for image in self.structure.images if self.wrong_bytes else ():
            members = (layer.member for layer in image.layers)
            wrong = next((member for member in members if member in self.wrong_bytes), None)
            if wrong is not None:
                found[image.index] = wrong
        return found

    @cached_property
    def _consequences(self) -> Mapping[int, Sequence[Location]]:
        counts = (What.LAYER_COUNT, What.HISTORY_COUNT)
        kinds = (What.DIFF_ID, What.DESCRIPTOR_SIZE, What.V1_ID, *counts, What.REPOSITORIES)
        found: dict[int, list[Location]] = defaultdict(list)
        for failure in self.mismatches(*kinds):
            cause = self.cause(failure)
            if cause is not None:
                found[cause].append(failure.subject)
        return dict(found)

    def consequences(self, member: int) -> Sequence[Location]:
        """Places of other failures that this member's bytes explain."""
        return self._consequences.get(member, ())

    @cached_property
    def _users(self) -> Mapping[int, Sequence[Location]]:
        found: dict[int, list[Location]] = defaultdict(list)
        for image in self.structure.images:
            for layer in image.layers:
                if layer.member is not None:
                    found[layer.member].append(Location(self.name(layer.member), image=image.index, layer=layer.index))
        for image in self.structure.images:
            if image.config_member is not None:
                found[image.config_member].append(Location(self.name(image.config_member), image=image.index))
        return dict(found)

    def users(self, member: int) -> Sequence[Location]:
        """Every place in an image at which a member's bytes are its config or a layer, layers first."""
        return self._users.get(member, ())

    @cached_property
    def references_to(self) -> Mapping[int, Sequence[Reference]]:
        """Member index to the references that lead to it."""
        found: dict[int, list[Reference]] = defaultdict(list)
        for reference in self.structure.references:
            if reference.target is not None:
                found[reference.target].append(reference)
        return dict(found)

    def name(self, member: int) -> str:
        """A member's name."""
        return self.catalogue.members[member].name
