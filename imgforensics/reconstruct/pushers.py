"""The tools that push images to registries, and what each of them uploads for an image out of an archive.

An entry stands for tools and versions whose uploads are byte for byte the same. What holds for all of them: the
manifest has one layer for each diff_id, lowest first, twice where a diff_id stands there twice; the layer that is
nothing but the end of a tar (1024 zero bytes) is a layer like any other; ``empty_layer`` entries of the history add
nothing. What a store keeps ready made and pushes unchanged (an image that docker pulled into a containerd store, an OCI
layout that crane or oras copies) has no entry: such manifests are found, not built, see :mod:`.preserved`.

Encoders are named, not called: ``go1.8-6`` is the gzip of Go 1.8 to 1.26 at level 6, which is the default, ``go1.27-6``
that of Go 1.27, ``go1.7-6`` and ``go1.6-6`` those of older ones; ``pgzip-a`` to ``pgzip-e`` are the classes of
klauspost/compress from the newest back (``a``: 1.18.2 and newer, ``b``: 1.18.1, ``c``: 1.15.10 to 1.18.0, ``d``: 1.15,
``e``: 1.14), in blocks of 1 MiB, or of 256 KiB with ``-256k``; ``zlib-6`` is zlib at level 6; ``stored`` is the blob as
it lies in the archive. One encoder makes all layers of an image; a name that no encoder goes by cannot be tried.
"""

from dataclasses import replace

from imgforensics.reconstruct import manifest, mediatypes
from imgforensics.reconstruct.ociconfig import SpecVersion
from imgforensics.reconstruct.pusher import (
    GO_FASTEST_HEADER,
    GO_HEADER,
    JAVA_HEADER,
    STORED,
    UNIX_HEADER,
    ZERO_TIME_HEADER,
    Annotations,
    Compressed,
    LayerTypes,
    Pusher,
)

_GO = ("go1.8-6", "go1.27-6")
_GO_FASTEST = ("go1.8-1", "go1.27-1")
_PGZIP = ("pgzip-c", "pgzip-a", "pgzip-b", "pgzip-d", "pgzip-e")
_PGZIP_CHOSEN = ("pgzip-a-1", "pgzip-c-1", "pgzip-a-9", "pgzip-c-9")
"""Levels that users ask for (``--dest-compress-level``, ``--compression-level``)."""

_DOCKER = Pusher(
    name="docker",
    title="docker push of an engine with the classic image store",
    tools=("docker",),
    versions="docker 17.06 to 29, built with Go 1.8 or newer (no release up to 29.7 uses Go 1.27)",
    style=manifest.DOCKER,
    types=mediatypes.DOCKER_GZIP,
    encoders=_GO,
    compressed=Compressed.UNDONE,
    headers=(GO_HEADER,),
    traces=(
        "docker save archives with one folder a layer, or with LayerSources and repositories beside an OCI layout",
        "docker_version, container and container_config in the config",
    ),
    assumes=("no layer was pulled from, or pushed to, that registry before: else its known blob is mentioned again",),
    reuses=("pgzip-c", "pgzip-a", "go1.8-1"),
)

_LOADED = Pusher(
    name="containerd-load",
    title="docker load or ctr images import of a docker save archive into a containerd store, then a push",
    tools=("docker", "ctr", "nerdctl"),
    versions="containerd 1.3 or newer; docker 24 or newer with the containerd image store",
    style=manifest.CONTAINERS_OCI,
    types=mediatypes.DOCKER,
    encoders=(STORED,),
    compressed=Compressed.KEPT,
    headers=(),
    traces=("a Docker manifest in one line, with digest before size, over layers that are not compressed",),
    assumes=(
        "the archive has no OCI layout: else the manifest that index.json names is pushed unchanged",
        "the store held none of the layers before: it would mention its own compressed copy instead",
    ),
)

_BUILDKIT = Pusher(
    name="buildkit",
    title="BuildKit pushing what it built, OCI media types",
    tools=("buildctl", "docker buildx", "docker"),
    versions="BuildKit 0.12 or newer; docker with the containerd image store pushes the same",
    style=manifest.BUILDKIT,
    types=mediatypes.OCI,
    annotations=Annotations.KEPT,
    encoders=_GO,
    compressed=Compressed.KEPT,
    headers=(GO_HEADER,),
    traces=(
        "history comments buildkit.dockerfile.v0 or buildkit.exporter.image.v0",
        "keys of the config in alphabetical order, without docker_version",
    ),
    assumes=(
        "no attestation was asked for: with one, the tag shows an index that names this manifest",
        "layers of a base image are compressed as BuildKit would; it keeps those it pulled as they are",
    ),
)

_SKOPEO = Pusher(
    name="skopeo",
    title="skopeo copy of a docker save archive, podman push or buildah push, Docker media types",
    tools=("skopeo", "podman", "buildah"),
    versions="containers/image 4 or newer",
    style=manifest.CONTAINERS_SCHEMA2,
    types=mediatypes.DOCKER,
    encoders=(*_PGZIP, *_PGZIP_CHOSEN),
    compressed=Compressed.UNDONE,
    headers=(ZERO_TIME_HEADER,),
    traces=(
        "archives with <diff_id>.tar members and symlinks to them",
        "the label io.buildah.version",
    ),
    assumes=("no blob info cache knew compressed blobs of these layers: they would be mentioned instead",),
    reuses=("go1.8-6",),
)

_CRANE = Pusher(
    name="crane",
    title="crane push of a tarball, ko, or kaniko, Docker media types",
    tools=("crane", "ko", "kaniko"),
    versions="go-containerregistry of every version",
    style=manifest.CONTAINERS_SCHEMA2,
    types=mediatypes.DOCKER_GZIP,
    encoders=_GO_FASTEST,
    compressed=Compressed.KEPT,
    headers=(GO_FASTEST_HEADER,),
    traces=(
        "archives with a member sha256:<hex> for the config and <hex>.tar.gz for the layers",
        "kaniko or ko as author in the history; a date of 0001-01-01",
    ),
)

PUSHERS = (
    _DOCKER,
    _SKOPEO,
    _CRANE,
    _LOADED,
    replace(
        _SKOPEO,
        name="skopeo-oci",
        title="skopeo copy, podman push or buildah push of a Docker image with --format oci, or with zstd",
        versions="containers/image of mid-2023 (about 5.26) or newer; since 5.18 where the image has no variant",
        style=manifest.CONTAINERS_OCI,
        types=mediatypes.OCI,
        annotations=Annotations.KEPT,
        config=SpecVersion.V1_1,
        traces=(*_SKOPEO.traces, "keys of the config in the order of image-spec's structs, without Docker's own"),
    ),
    replace(
        _SKOPEO,
        name="podman",
        title="podman push or buildah push of an OCI image; skopeo copy of an OCI layout with uncompressed layers",
        versions="containers/image 5.18 or newer",
        style=manifest.CONTAINERS_OCI,
        types=mediatypes.OCI,
        annotations=Annotations.KEPT,
        compressed=Compressed.KEPT,
        traces=(*_SKOPEO.traces, "keys of the config in the order of image-spec's structs, without Docker's own"),
        assumes=(
            *_SKOPEO.assumes,
            "there are no annotations; buildah adds org.opencontainers.image.base.name and .base.digest",
        ),
    ),
    _BUILDKIT,
    replace(
        _BUILDKIT,
        name="buildkit-docker",
        title="BuildKit pushing what it built, Docker media types",
        versions="BuildKit 0.12 to 0.30, or with oci-mediatypes=false; docker 28 with the containerd image store",
        types=mediatypes.DOCKER,
        annotations=Annotations.NONE,
    ),
    Pusher(
        name="containerd-builder",
        title="docker build without BuildKit, or docker commit, on the containerd image store, then docker push",
        tools=("docker",),
        versions="docker 25 or newer",
        style=manifest.CLASSIC_BUILDER,
        types=mediatypes.OCI,
        annotations=Annotations.KEPT,
        encoders=_GO,
        compressed=Compressed.KEPT,
        layer_types=LayerTypes.BY_INSTRUCTION,
        headers=(GO_HEADER,),
        traces=("a manifest indented by four spaces that begins with mediaType", "#(nop) in the history"),
        assumes=("no layer comes from a base image of another tool, whose blobs and types would be kept",),
    ),
    Pusher(
        name="containerd-oci",
        title="docker import on the containerd image store, or ctr images convert --oci, then a push",
        tools=("docker", "ctr", "nerdctl"),
        versions="docker 25 or newer, containerd 1.5 or newer",
        style=manifest.CONTAINERS_OCI,
        types=mediatypes.OCI,
        annotations=Annotations.KEPT,
        encoders=(*_GO, STORED),
        compressed=Compressed.KEPT,
        headers=(GO_HEADER,),
        traces=("a history of one entry with the comment Imported from -",),
    ),
    replace(
        _LOADED,
        name="containerd-load-gzip",
        title="ctr images import --compress-blobs of a docker save archive, then ctr images push",
        tools=("ctr",),
        encoders=_GO,
        headers=(GO_HEADER,),
        traces=("a Docker manifest in one line, with digest before size, over gzip layers with Go's header",),
    ),
    replace(
        _SKOPEO,
        name="skopeo-v2s2",
        title="skopeo copy --format v2s2 of an OCI layout",
        tools=("skopeo",),
        compressed=Compressed.KEPT,
    ),
    replace(
        _CRANE,
        name="crane-oci",
        title="crane append, ko, kaniko or apko, OCI media types",
        tools=("crane", "ko", "kaniko", "apko"),
        types=mediatypes.OCI,
        annotations=Annotations.KEPT,
        traces=(*_CRANE.traces, "apko as author in the config"),
    ),
    replace(
        _CRANE,
        name="apko",
        title="apko publish, whose manifest repeats the config's labels as annotations",
        tools=("apko",),
        versions="apko of 2025; 0.13 wrote no annotations",
        types=mediatypes.OCI,
        encoders=_PGZIP,
        annotations=Annotations.LABELS,
        headers=(ZERO_TIME_HEADER,),
        traces=("github.com/chainguard-dev/apko as author in the config",),
    ),
    Pusher(
        name="jib",
        title="jib, Docker media types",
        tools=("jib",),
        versions="every version",
        style=manifest.JIB,
        types=mediatypes.DOCKER_GZIP,
        encoders=("zlib-6",),
        compressed=Compressed.KEPT,
        headers=(GO_HEADER, JAVA_HEADER),
        traces=("archives with config.json and <hex>.tar.gz", "Jib as author in the history"),
    ),
    Pusher(
        name="jib-oci",
        title="jib, OCI media types",
        tools=("jib",),
        versions="every version with the image format OCI",
        style=manifest.JIB,
        types=mediatypes.OCI,
        encoders=("zlib-6",),
        compressed=Compressed.KEPT,
        headers=(GO_HEADER, JAVA_HEADER),
        traces=("an OCI layout and Jib as author in the history",),
    ),
    Pusher(
        name="rules_oci",
        title="rules_oci, an image without a base",
        tools=("rules_oci",),
        versions="1.8 or newer, 2.x",
        style=manifest.RULES_OCI,
        types=mediatypes.OCI,
        annotations=Annotations.KEPT,
        encoders=(STORED,),
        compressed=Compressed.KEPT,
        headers=(),
        traces=("every member dated 2023-01-01T08:00:00Z", "a config indented by two spaces"),
        assumes=("the image has no base: the manifest would keep the base's order of keys",),
    ),
    replace(
        _CRANE,
        name="rules_docker",
        title="rules_docker's container_push, in Go",
        tools=("rules_docker",),
        versions="0.14 or newer",
        encoders=("go1.8-6", "go1.8-1", "zlib-6"),
        headers=(GO_HEADER, GO_FASTEST_HEADER, UNIX_HEADER),
        traces=("Bazel as author in the history",),
    ),
    Pusher(
        name="rules_docker-python",
        title="rules_docker's container_push, in Python",
        tools=("rules_docker",),
        versions="before 0.14",
        style=manifest.RULES_DOCKER_PYTHON,
        types=mediatypes.DOCKER_GZIP,
        encoders=("zlib-6",),
        compressed=Compressed.KEPT,
        headers=(UNIX_HEADER,),
        traces=("Bazel as author in the history",),
    ),
    Pusher(
        name="umoci",
        title="an image that umoci made, copied unchanged",
        tools=("umoci",),
        versions="0.4",
        style=manifest.UMOCI,
        types=mediatypes.OCI,
        annotations=Annotations.KEPT,
        encoders=("pgzip-c-256k", "pgzip-d-256k", "pgzip-e-256k"),
        compressed=Compressed.KEPT,
        headers=(ZERO_TIME_HEADER,),
        traces=("JSON documents that end with a newline", "umoci in the history"),
    ),
    replace(
        _BUILDKIT,
        name="buildkit-0.11",
        title="BuildKit pushing what it built, Docker media types",
        versions="BuildKit 0.11, docker 24",
        style=manifest.BUILDKIT_0_11,
        types=mediatypes.DOCKER,
        annotations=Annotations.NONE,
    ),
    replace(_BUILDKIT, name="buildkit-0.11-oci", versions="BuildKit 0.11", style=manifest.BUILDKIT_0_11),
    replace(
        _BUILDKIT,
        name="buildkit-0.10",
        title="BuildKit pushing what it built, Docker media types",
        versions="BuildKit 0.3 to 0.10, docker 23",
        style=manifest.BUILDKIT_0_10,
        types=mediatypes.DOCKER,
        annotations=Annotations.NONE,
        traces=(*_BUILDKIT.traces, "moby.buildkit.buildinfo.v1 in the config (0.10 and 0.11)"),
    ),
    replace(_BUILDKIT, name="buildkit-0.10-oci", versions="BuildKit 0.3 to 0.10", style=manifest.BUILDKIT_0_10),
    replace(
        _SKOPEO,
        name="skopeo-oci-5.18",
        title="skopeo copy, podman push or buildah push of a Docker image with --format oci, where it has a variant",
        versions="containers/image 5.18 to about 5.25",
        style=manifest.CONTAINERS_OCI,
        types=mediatypes.OCI,
        annotations=Annotations.KEPT,
        encoders=("pgzip-d", "pgzip-c", "pgzip-e"),
        config=SpecVersion.V1_1_RC,
    ),
    replace(
        _SKOPEO,
        name="skopeo-oci-5.0",
        title="skopeo copy, podman push or buildah push of a Docker image with --format oci",
        versions="containers/image before 5.18",
        style=manifest.OCI_WITHOUT_TYPE,
        types=mediatypes.OCI,
        annotations=Annotations.KEPT,
        encoders=("pgzip-e",),
        config=SpecVersion.V1_0,
    ),
    replace(
        _DOCKER,
        name="docker-1.10",
        versions="docker 1.10 to 17.05, built with Go 1.5 to 1.7",
        encoders=("go1.7-6", "go1.6-6"),
        headers=(ZERO_TIME_HEADER,),
        traces=("a docker_version up to 17.05 in the config",),
        reuses=(),
    ),
)
"""Every pusher, in the order in which they are worth trying where nothing tells."""


def by_name(name: str) -> tuple[Pusher, ...]:
    """The pusher of this name, or all those of the tool of this name; empty where there are none."""
    named = tuple(pusher for pusher in PUSHERS if pusher.name == name)
    return named or tuple(pusher for pusher in PUSHERS if name in pusher.tools)
