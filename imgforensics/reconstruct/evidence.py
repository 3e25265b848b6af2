"""Which pushing tools an archive speaks for, with the reasons.

Three kinds of signs are read: which tool wrote the archive, who made the image by its config, and how the compressed
layers begin. Each gives votes; a tool without any is kept as possible where archives of this shape are pushed with it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from imgforensics.case import Case
from imgforensics.model import Blob, Compression
from imgforensics.producer import DOCKER_CLASSIC
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.pusher import Compressed, Pusher
from imgforensics.reconstruct.pushers import PUSHERS
from imgforensics.reconstruct.sentences import short
from imgforensics.reconstruct.traces import Maker, traces
from imgforensics.structure import Image, View

_LIKELY, _POSSIBLE = Likelihood.LIKELY, Likelihood.POSSIBLE


@dataclass(frozen=True, slots=True)
class Ranked:
    """A pusher that may have uploaded an image, and why."""

    pusher: Pusher
    likelihood: Likelihood
    evidence: tuple[str, ...]
    """What in the archive speaks for it, each a sentence that a person can check; empty where nothing does."""
    assumptions: tuple[str, ...]
    """What has to be so for its manifest to be the registry's."""
    stored: bool
    """Compressed layers are taken as they lie in the archive; else they are undone and compressed anew."""


@dataclass(slots=True)
class _Ballot:
    """Votes by name of the pusher."""

    likely: dict[str, None] = field(default_factory=dict)
    """In the order of the votes, as a set that keeps it."""
    evidence: dict[str, list[str]] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)

    def vote(self, names: Iterable[str], sentence: str, likelihood: Likelihood) -> None:
        """A reason for some pushers."""
        for name in names:
            self.evidence.setdefault(name, []).append(sentence)
            if likelihood is _LIKELY:
                self.likely[name] = None


_BY_MAKER: dict[Maker, tuple[str, ...]] = {
    Maker.DOCKER: ("docker",),
    Maker.DOCKER_CONTAINERD: ("containerd-builder",),
    Maker.DOCKER_IMPORT: ("containerd-oci",),
    Maker.BUILDKIT: ("buildkit", "buildkit-docker"),
    Maker.BUILDKIT_OLD: ("buildkit-0.11", "buildkit-0.10", "buildkit-0.11-oci", "buildkit-0.10-oci"),
    Maker.BUILDAH_DOCKER: ("skopeo",),
    Maker.BUILDAH_OCI: ("podman",),
    Maker.CONVERTED: ("podman",),
    Maker.GO_CONTAINERREGISTRY: ("crane", "crane-oci"),
    Maker.APKO: ("apko", "crane-oci"),
    Maker.JIB: ("jib", "jib-oci"),
    Maker.BAZEL: ("rules_docker", "rules_docker-python"),
    Maker.UMOCI: ("umoci",),
}
"""Pushers that the makers of images push with. A maker that pushes with more than one leaves the choice open."""

_BY_PRODUCER: dict[tuple[str, View], str] = {
    (DOCKER_CLASSIC, View.SAVE): "docker",
    ("containers/image", View.SAVE): "skopeo",
    ("containers/image", View.OCI): "podman",
    ("go-containerregistry", View.SAVE): "crane",
    ("jib", View.SAVE): "jib",
    ("jib", View.OCI): "jib-oci",
    ("rules_oci", View.SAVE): "rules_oci",
    ("bazel rules_docker", View.SAVE): "rules_docker",
    ("Nix dockerTools", View.SAVE): "skopeo",
    ("umoci", View.OCI): "umoci",
}
"""Pushers that belong to the tools that write archives. Those of containerd and BuildKit hold the pushed manifest."""

_COPIERS = frozenset({"containers/image", "go-containerregistry", "download-frozen-image"})
"""Producers that copy images out of registries, made and pushed by others."""

_DEFAULTS = {
    View.SAVE: ("docker", "skopeo", "crane", "containerd-load", "skopeo-oci"),
    View.OCI: ("podman", "skopeo-v2s2"),
}
"""Pushers that take archives of either shape, whoever wrote them."""

_ZERO_TIME_DOCKER = (17, 6)
"""First docker engine built with a Go that writes another gzip."""


def rank(case: Case, image: Image) -> tuple[Ranked, ...]:
    """Pushers that may have uploaded an image, the likeliest first.

    Manifests that lie in the archive ready made are another matter, see :mod:`.preserved`; where there is one that a
    registry shows, nothing here is more than possible.
    """
    ballot = _Ballot()
    producer = "" if case.producer is None else case.producer.name
    held = image.manifest_member is not None and producer != DOCKER_CLASSIC
    copied = producer in ("", *_COPIERS)
    if copied:  # whoever made the image pushed it before the copier came
        _vote_by_config(ballot, image, likely=not held)
        _vote_by_layers(ballot, case, image, likely=not held)
    if case.producer is not None:
        sentence = f"{producer} wrote the archive: {'; '.join(case.producer.evidence)}"
        names = [_BY_PRODUCER[producer, view] for view in image.views if (producer, view) in _BY_PRODUCER]
        ballot.vote(names, sentence, _POSSIBLE if held else _LIKELY)
    if not copied:
        _vote_by_config(ballot, image, likely=False)
        _vote_by_layers(ballot, case, image, likely=False)
    _vote_by_default(ballot, image)
    return tuple(_ranked(ballot))


def _vote_by_config(ballot: _Ballot, image: Image, *, likely: bool) -> None:
    if image.config is None:
        return
    for trace in traces(image.config):
        names = _BY_MAKER[trace.maker]
        ballot.vote(names, trace.sentence, _LIKELY if likely and len(names) == 1 else _POSSIBLE)
    version = _engine(image.config.docker_version)
    if version is not None and version < _ZERO_TIME_DOCKER:
        sentence = f"the config says docker_version {short(image.config.docker_version)}, of an engine before 17.06"
        ballot.vote(("docker-1.10",), sentence, _POSSIBLE)


def _engine(version: str) -> tuple[int, int] | None:
    """Major and minor of a docker engine; None where the text is no version."""
    parts = version.split(".")
    if len(parts) < 2 or not all(part.isascii() and part.isdecimal() and len(part) < 5 for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])


def _vote_by_layers(ballot: _Ballot, case: Case, image: Image, *, likely: bool) -> None:
    """How the compressed layers begin: which tools make such, and so can have mentioned these very blobs."""
    members = [layer.member for layer in image.layers if layer.member is not None]
    blobs = [blob for blob in (case.catalogue.blobs.get(member) for member in members) if blob is not None]
    headers = [_header(blob) for blob in blobs if blob.compression is not Compression.NONE]
    if not headers:
        return
    fitting = [pusher.name for pusher in PUSHERS if set(headers) <= set(pusher.headers)]
    beginnings = " or ".join(sorted(set(headers)))
    sentence = f"{len(headers)} of {len(image.layers)} layers are compressed and begin with {beginnings}"
    ballot.stored.update(fitting)
    voted = [name for name in fitting if ballot.evidence.get(name)]
    usual = [name for view in image.views for name in _DEFAULTS[view] if name in fitting]
    if voted:
        ballot.vote(voted, sentence, _POSSIBLE)
    else:
        named = usual or fitting[:1]
        ballot.vote(named[:1], sentence, _LIKELY if likely and not ballot.evidence else _POSSIBLE)
        ballot.vote(named[1:], sentence, _POSSIBLE)


def _header(blob: Blob) -> str:
    return str(blob.compression) if blob.gzip_header is None else blob.gzip_header.first10


def _vote_by_default(ballot: _Ballot, image: Image) -> None:
    for view in image.views:
        for name in _DEFAULTS[view]:
            # With an OCI layout beside manifest.json, containerd takes the layout, and pushes the manifest in it.
            if name != "containerd-load" or View.OCI not in image.views:
                ballot.evidence.setdefault(name, [])


def _ranked(ballot: _Ballot) -> Iterator[Ranked]:
    pushers = {pusher.name: pusher for pusher in PUSHERS}
    others = [name for name in pushers if name in ballot.evidence and name not in ballot.likely]
    others.sort(key=lambda name: not ballot.evidence[name])
    for name in (*ballot.likely, *others):
        pusher = pushers[name]
        likelihood = _LIKELY if name in ballot.likely else _POSSIBLE
        stored = pusher.compressed is Compressed.KEPT or name in ballot.stored
        assumes = pusher.assumes
        if stored and pusher.compressed is Compressed.UNDONE:
            assumes = (*assumes, "the compressed layers in the archive are the very blobs that it uploaded")
        yield Ranked(pusher, likelihood, tuple(ballot.evidence[name]), assumes, stored)
