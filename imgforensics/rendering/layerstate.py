"""How the bytes of a config or a layer fared, all claims about them taken together: what pictures show."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property

from imgforensics.case import Case
from imgforensics.model import Outcome, Verification, What
from imgforensics.structure import Image, Layer


class State(StrEnum):
    """The worst that can be said of some bytes, in words that stand beside them."""

    HELD = "held"
    UNCLAIMED = "unclaimed"
    UNCHECKED = "unchecked"
    MISSING = "missing"
    FAILED = "failed"


_ABOUT_BYTES = frozenset(
    {What.MEMBER_NAME, What.DESCRIPTOR_DIGEST, What.DESCRIPTOR_SIZE, What.DESCRIPTOR_DATA, What.DIFF_ID}
)


class States:
    """The states of one archive's configs and layers."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def layer(self, image: Image, layer: Layer) -> tuple[State, str]:
        """State of a layer, and why, in a few words."""
        claim = self._case.diff_id_checks.get((image.index, layer.index))
        return self._of(layer.member, [] if claim is None else [claim])

    def config(self, image: Image) -> tuple[State, str]:
        """State of an image's config, and why."""
        return self._of(image.config_member, [])

    def _of(self, member: int | None, more: Sequence[Verification]) -> tuple[State, str]:
        if member is None:
            return State.MISSING, "not in the archive"
        if self._case.catalogue.cut_off(member):
            return State.FAILED, "cut off"
        if member in self._case.damaged_streams:
            return State.FAILED, "its compressed stream is damaged"
        claims = [*self._by_target.get(member, ()), *more]
        for outcome, state in ((Outcome.MISMATCH, State.FAILED), (Outcome.UNCHECKED, State.UNCHECKED)):
            found = next((claim for claim in claims if claim.outcome is outcome), None)
            if found is not None:
                return state, _words(found)
        if any(claim.outcome is Outcome.MATCH for claim in claims):
            return State.HELD, "its bytes are what names them"
        return State.UNCLAIMED, "nothing says what its bytes should be"

    @cached_property
    def _by_target(self) -> Mapping[int, Sequence[Verification]]:
        """Claims about a member's stored bytes; a diff_id is one image's claim, and another's may hold."""
        found: dict[int, list[Verification]] = defaultdict(list)
        for claim in self._case.verifications:
            if claim.target is not None and claim.what in _ABOUT_BYTES - {What.DIFF_ID}:
                found[claim.target].append(claim)
        return dict(found)


def _words(claim: Verification) -> str:
    what = claim.what.value.replace("-", " ")
    return f"{what} does not hold" if claim.outcome is Outcome.MISMATCH else f"{what}: {claim.reason}"
