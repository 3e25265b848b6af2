"""Whether a layer can be unpacked on those below it, as far as their names tell. No I/O."""

from imgforensics.layerfacts import LayerIndex, Pending
from imgforensics.layernames import Steps, effort, resolved, short
from imgforensics.layerstack import apply, exists, taken_away
from imgforensics.limits import Limits


class Ground:
    """The layers below one. They are added from below; questions beyond a bound are answered as if nothing was odd."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._steps = Steps(limits.layer_steps)
        self._links: dict[int, tuple[str, str]] = {}
        self._lower: list[LayerIndex] = []
        self._whole = True

    def add(self, index: LayerIndex | None) -> None:
        """Put a layer on top; None where nothing is known of it, so that whatever is missing may be there."""
        if index is None:
            self._whole = False
            return
        apply(index, self._links, self._steps)
        self._lower.append(index)

    def missing(self, index: LayerIndex) -> Pending | None:
        """The first hard link of the next layer whose target is not there when its turn comes; None for none."""
        return next((each for each in index.hardlinks if self._lacks(each.target, index, self._lower)), None)

    def below_nothing(self, index: LayerIndex) -> str | None:
        """A symlink that leads nowhere and has entries of the next layer below it; None for none."""
        if not (self._links or index.symlinks):
            return None
        both = [*self._lower, index]
        for key in index.folders:
            found = index.symlinks.get(key) or self._lower_link(index, key)
            if found is not None:
                target = resolved(found[0].rpartition("/")[0], found[1])
                if target and self._lacks(target, None, both):
                    return short(found[0])
        return None

    def _lower_link(self, index: LayerIndex, key: int) -> tuple[str, str] | None:
        """A lower layer's symlink that is still in its place when a layer's entries below it come."""
        if index.has(key) and key not in index.late:
            return None
        found = self._links.get(key)
        if found is None or not self._steps.spend(len(index.whiteouts) + effort(found[0])):
            return found
        before = {hash(pending.target) for pending in index.whiteouts if not pending.later}
        return None if taken_away(found[0], before, index.emptied) else found

    def _lacks(self, target: str, own: LayerIndex | None, lower: list[LayerIndex]) -> bool:
        """Whether it is certain that no layer holds a target."""
        if not self._whole or self._steps.exceeded:
            return False
        return not exists(target, own, lower, self._links, self._limits, self._steps) and not self._steps.exceeded
