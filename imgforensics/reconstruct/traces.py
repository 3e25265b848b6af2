"""Who made an image, by what its config cannot hide: labels, the last step of the history, the order of the keys.

An inference: a tool that builds on another's image inherits much of its config, and anyone can write anything. Where
signs of several makers stand side by side, each is given.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from imgforensics.documents import Config, History
from imgforensics.reconstruct.sentences import short


class Maker(Enum):
    """A tool that builds images, as far as their configs tell them apart."""

    DOCKER = "docker's classic builder, commit or import, on the classic image store"
    DOCKER_CONTAINERD = "docker's classic builder or commit, on the containerd image store"
    DOCKER_IMPORT = "docker import, on the containerd image store"
    BUILDKIT = "BuildKit"
    BUILDKIT_OLD = "BuildKit 0.10 or 0.11"
    BUILDAH_DOCKER = "buildah or podman build, Docker format"
    BUILDAH_OCI = "buildah or podman build, OCI format"
    CONVERTED = "a tool that writes image-spec's structs, such as skopeo converting an image"
    GO_CONTAINERREGISTRY = "crane, ko, kaniko or another tool with go-containerregistry"
    APKO = "apko"
    JIB = "jib"
    BAZEL = "Bazel's rules_docker"
    UMOCI = "umoci"


@dataclass(frozen=True, slots=True)
class Trace:
    """One sign of a maker."""

    maker: Maker
    sentence: str
    """The sign, so that a person can check it."""


_OCI_ORDER = (
    "created",
    "author",
    "architecture",
    "variant",
    "os",
    "os.version",
    "os.features",
    "variant",
    "config",
    "rootfs",
    "history",
)
"""image-spec, specs-go/v1/config.go: Image. ``variant`` moved behind ``os`` in 1.1.0-rc3."""
_CONTAINERD_ORDER = ("created", "author", "architecture", "variant", "os", "os.version", "rootfs", "history", "config")
"""docker's struct for the containerd store, which declares ``config`` again behind the embedded Image."""
_GO_CONTAINERREGISTRY_ORDER = (
    "architecture",
    "author",
    "container",
    "created",
    "docker_version",
    "history",
    "os",
    "rootfs",
    "config",
    "os.version",
    "variant",
    "os.features",
)
"""go-containerregistry, pkg/v1/config.go: ConfigFile."""


def traces(config: Config) -> tuple[Trace, ...]:
    """Every sign of a maker in an image's config."""
    return tuple(Trace(maker, sentence) for maker, sentence in _signs(config))


def _signs(config: Config) -> Iterator[tuple[Maker, str]]:
    keys = list(config.value)
    last = config.history[-1] if config.history else None
    buildah = _label(config, "io.buildah.version")
    if buildah is not None:
        oci = "container_config" not in keys
        maker = Maker.BUILDAH_OCI if oci else Maker.BUILDAH_DOCKER
        yield maker, f"the config has the label io.buildah.version {short(buildah)}, and {_form(oci)}"
    elif _ordered(keys, _CONTAINERD_ORDER) and keys[0] == "created" and _follows(keys, "rootfs", "config"):
        imported = last is not None and last.comment.startswith("Imported from")
        maker = Maker.DOCKER_IMPORT if imported else Maker.DOCKER_CONTAINERD
        yield maker, f"the config's keys stand in the order {', '.join(keys)}"
    elif _ordered(keys, _OCI_ORDER) and keys[0] == "created" and _follows(keys, "config", "rootfs"):
        yield Maker.CONVERTED, f"the config's keys stand in the order {', '.join(keys)}"
    elif _ordered(keys, _GO_CONTAINERREGISTRY_ORDER) and _follows(keys, "rootfs", "config"):
        yield Maker.GO_CONTAINERREGISTRY, f"the config's keys stand in the order {', '.join(keys)}"
    if config.docker_version and keys == sorted(keys):
        yield Maker.DOCKER, f"the config says docker_version {short(config.docker_version)}, and its keys are sorted"
    if "moby.buildkit.buildinfo.v1" in keys:
        yield Maker.BUILDKIT_OLD, "the config has the key moby.buildkit.buildinfo.v1"
    if last is not None:
        yield from _last_step(last)


def _last_step(last: History) -> Iterator[tuple[Maker, str]]:
    """The newest entry of the history; older ones may come from base images."""
    if last.comment.startswith("buildkit."):
        yield Maker.BUILDKIT, f"the last entry of the history has the comment {short(last.comment)}"
    if last.created_by.startswith("umoci "):
        yield Maker.UMOCI, f"the last entry of the history was created by {short(last.created_by)}"
    maker = _AUTHORS.get(last.author.lower())
    if maker is not None:
        yield maker, f"the author of the last entry of the history is {last.author}"


_AUTHORS = {
    "kaniko": Maker.GO_CONTAINERREGISTRY,
    "ko": Maker.GO_CONTAINERREGISTRY,
    "apko": Maker.APKO,
    "jib": Maker.JIB,
    "bazel": Maker.BAZEL,
}


def _form(oci: bool) -> str:
    return "none of Docker's own keys" if oci else "container_config, as Docker's have"


def _label(config: Config, name: str) -> str | None:
    inner = config.value.get("config")
    labels = inner.get("Labels") if isinstance(inner, Mapping) else None
    value = labels.get(name) if isinstance(labels, Mapping) else None
    return value if isinstance(value, str) else None


def _ordered(keys: Sequence[str], order: Sequence[str]) -> bool:
    """Whether keys are some of these, one at least, in this order."""
    rest = iter(order)
    return bool(keys) and all(key in rest for key in keys)


def _follows(keys: Sequence[str], first: str, second: str) -> bool:
    return first in keys and second in keys and keys.index(first) < keys.index(second)
