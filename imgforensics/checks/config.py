"""IMG4xx: what an image config says that does not hang together."""

from collections.abc import Iterator

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.documents import CONFIG_TYPES, Platform
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location, What
from imgforensics.platforms import normalised

_ROOTFS_TYPES = ("", "layers", "layers+base")


@check("IMG401", "history-count-mismatch", Severity.NOTE, Effect.NONE)
def history_count_mismatch(case: Case) -> Iterator[Found]:
    """A config's history does not have one entry a layer.

    ## What it means
    The entries that are no `empty_layer` are more or fewer than the layers.

    ## Why it matters
    Tools that show which command made which layer pair them wrongly.

    ## How it is computed
    `history` without entries marked `empty_layer`, against the number of layers. A config without history is silent.

    ## When it is innocent
    Nearly always: squashed images, Nix, hand-made configs.
    """
    for failure in case.mismatches(What.HISTORY_COUNT):
        if case.cause(failure) is None:
            message = f"history tells of {failure.claimed} layers, the image has {failure.computed}"
            yield Found(message, failure.subject, claimed=failure.claimed, computed=failure.computed)


@check("IMG402", "config-incomplete", Severity.WARNING, Effect.SUSPECT)
def config_incomplete(case: Case) -> Iterator[Found]:
    """A config lacks what the specification demands.

    ## What it means
    `os`, `architecture` or `rootfs.type` is absent, or `rootfs.type` is not `layers`.

    ## Why it matters
    Runtimes guess the missing values, each in its own way.

    ## How it is computed
    image-spec, config.md, "Properties", required ones.

    ## When it is innocent
    What is absent is only noted, since `docker import` and hand-made images leave it out, and so are `layers+base`,
    which old Windows images have, and what stands in configs of other types than those of images.
    """
    for image in case.structure.images:
        if image.config is None or image.config_member is None:
            continue
        absent = [name for name in ("os", "architecture") if not getattr(image.config.platform, name)]
        if image.config.rootfs_type != "layers":
            absent.append("rootfs.type")
        if absent:
            where = Location(case.name(image.config_member), image=image.index)
            types = {each.descriptor.media_type for each in image.references if each.descriptor is not None}
            wrong = image.config.rootfs_type not in _ROOTFS_TYPES and types <= CONFIG_TYPES | {""}
            severity = None if wrong else Severity.NOTE
            yield Found(f"the config has no usable {', '.join(absent)}", where, severity=severity)


@check("IMG403", "platform-mismatch", Severity.WARNING, Effect.SUSPECT)
def platform_mismatch(case: Case) -> Iterator[Found]:
    """An index gives an image another platform than its config does.

    ## What it means
    The reader that chooses by the index runs an image that says it is for another machine.

    ## Why it matters
    A platform entry steers which image of an index is taken.

    ## How it is computed
    `os` and `architecture` of the descriptor that leads to a manifest, against those of the config below it; then their
    variants, where both give one, in the words that containerd compares: `v8` says no more than `arm64`.

    ## When it is innocent
    Cross-built images with wrong configs are common. `unknown/unknown` marks attestations, whose configs say so, too.
    Another variant is only noted: builders copy it from a base image or from their own machine, and readers go by the
    index.
    """
    for image in case.structure.images:
        if image.config is None or image.manifest_member is None:
            continue
        own = image.config.platform
        for reference in case.references_to.get(image.manifest_member, ()):
            descriptor = reference.descriptor
            if descriptor is None or descriptor.platform is None:
                continue
            given = descriptor.platform
            pairs = ((given.os, own.os), (given.architecture, own.architecture))
            other = any(one and another and one != another for one, another in pairs)
            if other or _other_variant(given, own):
                message = f"the index says {given}, the config says {own}"
                severity = None if other else Severity.NOTE
                yield Found(message, reference.where, claimed=str(given), computed=str(own), severity=severity)


def _other_variant(given: Platform, own: Platform) -> bool:
    """Whether both of them give a variant, and not the same one."""
    one, other = (normalised(each.os, each.architecture, each.variant) for each in (given, own))
    return bool(given.variant and own.variant) and one[2] != other[2]


CHECKS: tuple[Check, ...] = (history_count_mismatch, config_incomplete, platform_mismatch)
