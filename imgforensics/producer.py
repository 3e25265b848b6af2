"""Which tool wrote an archive, recognised by the habits that its writer cannot hide, each stated as evidence.

An inference, never a verdict: whoever makes an archive by hand can imitate any of them. Sources: the tools' writers,
and archives that they made (formats as of docker 1.10 to 29, containerd 1.3 to 2.3, containers/image 5, and so on).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from imgforensics.catalogue import Catalogue
from imgforensics.documents import DocumentKind
from imgforensics.model import Member, MemberKind
from imgforensics.structure import Structure, View

DOCKER_CLASSIC = "docker save"
"""Name of the producer whose legacy IDs follow Docker's scheme."""

RULES_OCI_TIME = 1672560000
"""2023-01-01T08:00:00Z, the time of every member that rules_oci writes (oci/private/tarball.sh.tpl, 2.x)."""

_V1_LAYER = re.compile(r"[0-9a-f]{64}/layer\.tar")
_BSD_BITS = 0o170000


@dataclass(frozen=True, slots=True)
class Producer:
    """The tool that probably wrote an archive."""

    name: str
    versions: str | None
    """Versions that fit, in words; None where nothing tells."""
    evidence: tuple[str, ...]
    """What speaks for it, each a sentence that a person can check."""


class Signs:
    """Everything about an archive that recognisers look at, looked up once."""

    def __init__(self, catalogue: Catalogue, structure: Structure) -> None:
        self.catalogue = catalogue
        self.structure = structure
        self.root = structure.roots[0] if structure.roots else ""
        self.members = [member for member in catalogue.members if not member.recovered]
        self.files = [member for member in self.members if member.kind is MemberKind.FILE]
        self.saves = [image for image in structure.images if View.SAVE in image.views]
        self.folders = any(member.kind is MemberKind.DIRECTORY for member in self.members)
        self.layout = self.text("oci-layout")
        self.index = self.text("index.json")
        self.manifest = self.text("manifest.json")
        self.annotations = {
            key
            for member, kind in structure.entry_points.items()
            if kind is DocumentKind.INDEX
            for reference in structure.references
            if reference.member == member and reference.descriptor is not None
            for key in reference.descriptor.annotations
        }

    def text(self, name: str) -> bytes | None:
        """The bytes of a document in the root, None where there is none."""
        found = self.catalogue.find(f"{self.root}/{name}")
        return self.catalogue.content(found[-1]) if found else None

    def has(self, name: str) -> bool:
        """Whether the root holds a member of this name."""
        return bool(self.catalogue.find(f"{self.root}/{name}"))

    def modes(self, wanted: Callable[[Member], bool] = lambda _: True) -> set[int]:
        """Mode fields of the regular members, type bits included."""
        return {member.mode for member in self.files if wanted(member)}

    def layer_paths(self) -> list[str]:
        """Layer names as ``manifest.json`` gives them."""
        return [
            reference.path or "" for image in self.saves for layer in image.layers for reference in layer.references[:1]
        ]

    def config_paths(self) -> list[str]:
        """Config names as ``manifest.json`` gives them."""
        return [reference.path or "" for image in self.saves for reference in image.references[:1] if reference.path]

    def history_words(self) -> set[str]:
        """Authors and comments of all histories, lower-cased."""
        words: set[str] = set()
        for image in self.structure.images:
            for entry in (image.config.history if image.config else None) or ():
                words.update((entry.author.lower(), entry.comment.lower(), entry.created_by.lower()))
            if image.config is not None:
                words.add(image.config.author.lower())
        return words


def recognise(catalogue: Catalogue, structure: Structure) -> Producer | None:
    """The tool that wrote this archive, None where nothing tells."""
    signs = Signs(catalogue, structure)
    for recogniser in _RECOGNISERS:
        found = recogniser(signs)
        if found is not None:
            return Producer(found.name, found.versions, (*found.evidence, *_handled(signs)))
    return None


def _handled(signs: Signs) -> Iterator[str]:
    """Signs that the archive was packed again after its writer was done."""
    dotted = sum(member.name.startswith("./") for member in signs.members)
    if dotted:
        yield f"{dotted} member names begin with ./: packed with a general tar program"
    owners = sorted({member.uname for member in signs.members if member.uname not in ("", "root")})
    if owners:
        yield f"members belong to the users {', '.join(owners[:5])}: packed with a general tar program"
    if signs.root:
        yield f"the documents stand in the folder {signs.root!r}, not at the top"


def _containerd(signs: Signs) -> Producer | None:
    if signs.layout is None or signs.layout != b'{"imageLayoutVersion":"1.0.0"}' or signs.has("repositories"):
        return None
    evidence = ["oci-layout is written without a space or newline"]
    blobs = signs.modes(lambda member: "blobs/" in member.name)
    read_only = bool(blobs) and {mode & 0o777 for mode in blobs} == {0o444}
    if read_only:
        evidence.append("every blob has mode 0444")
    named = "io.containerd.image.name" in signs.annotations
    if named:
        evidence.append("index.json carries io.containerd.image.name")
    if not (read_only or named):
        return None
    sources = sorted(key for key in signs.annotations if key.startswith("containerd.io/distribution.source."))
    evidence.extend(f"index.json carries {key}: pulled from or pushed to that registry" for key in sources)
    if "org.opencontainers.image.created" in signs.annotations:
        evidence.append("index.json carries org.opencontainers.image.created, which BuildKit's exporter adds")
        return Producer("BuildKit", None, tuple(evidence))
    versions = "containerd 1.3 or newer; docker with the containerd image store, ctr or nerdctl"
    if signs.index is not None and b'"mediaType":"application/vnd.oci.image.index.v1+json","manifests"' in signs.index:
        versions = "containerd 1.7.15 or newer; docker with the containerd image store, ctr or nerdctl"
        evidence.append("index.json has a mediaType of its own")
    return Producer("containerd", versions, tuple(evidence))


def _docker_25(signs: Signs) -> Producer | None:
    if signs.layout != b'{"imageLayoutVersion": "1.0.0"}' or signs.manifest is None:
        return None
    evidence = ["oci-layout is written with a space and without a newline"]
    if b'"LayerSources":' not in signs.manifest:
        return None
    evidence.append("manifest.json carries LayerSources")
    if signs.manifest.endswith(b"\n"):
        evidence.append("manifest.json ends with a newline")
    if signs.has("repositories"):
        evidence.append("repositories stands beside the OCI layout")
    return Producer(DOCKER_CLASSIC, "25.0 or newer, classic image store", tuple(evidence))


def _containers_image_docker(signs: Signs) -> Producer | None:
    links = [member for member in signs.members if member.kind is MemberKind.SYMLINK]
    pattern = re.compile(r"\.\./[0-9a-f]{64}\.tar")
    matching = [member for member in links if pattern.fullmatch(member.linkname)]
    plain = [path for path in signs.layer_paths() if re.fullmatch(r"[0-9a-f]{64}\.tar", path)]
    if not matching and not (plain and {mode & 0o777 for mode in signs.modes()} == {0o444}):
        return None
    evidence = []
    if plain:
        evidence.append("layers are named <diff_id>.tar at the top")
    if matching:
        evidence.append(f"{len(matching)} layer.tar are symlinks to ../<diff_id>.tar")
    if {mode & 0o777 for mode in signs.modes()} == {0o444}:
        evidence.append("every file has mode 0444")
    return Producer("containers/image", "podman, buildah or skopeo (docker-archive)", tuple(evidence))


def _go_containerregistry(signs: Signs) -> Producer | None:
    configs = signs.config_paths()
    if not configs or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", path) for path in configs):
        return None
    evidence = ["manifest.json names the config sha256:<hex>"]
    if any(path.endswith(".tar.gz") for path in signs.layer_paths()):
        evidence.append("layers are named <digest>.tar.gz")
    words = signs.history_words()
    tools = {
        "kaniko": "kaniko" in words,
        "ko": "ko" in words,
        "apko": "apko" in words or "github.com/chainguard-dev/apko" in words,
        "bazel rules_docker": "bazel" in words,
    }
    maker = next((tool for tool, seen in tools.items() if seen), None)
    if maker is not None:
        evidence.append(f"the image's history names {maker}")
    users = "crane, ko, kaniko, apko or rules_docker"
    return Producer("go-containerregistry", f"{maker or users} (tarball)", tuple(evidence))


def _rules_oci(signs: Signs) -> Producer | None:
    if not signs.files or {int(member.mtime) for member in signs.files} != {RULES_OCI_TIME}:
        return None
    return Producer("rules_oci", "2.x", ("every member is dated 2023-01-01T08:00:00Z",))


def _jib(signs: Signs) -> Producer | None:
    configs = signs.config_paths()
    if configs and set(configs) == {"config.json"} and all(path.endswith(".tar.gz") for path in signs.layer_paths()):
        return Producer("jib", None, ("the config is named config.json", "layers are named <digest>.tar.gz"))
    if "jib" in signs.history_words() and signs.layout is not None:
        return Producer("jib", None, ("the image's history names Jib",))
    return None


def _nix(signs: Signs) -> Producer | None:
    saves = [image for image in signs.saves if image.v1_ids and image.config is not None]
    if not saves or not signs.saves:
        return None
    same = all(
        image.v1_ids == tuple(diff_id.rpartition(":")[2] for diff_id in image.config.diff_ids)
        for image in saves
        if image.config is not None
    )
    if same and not any(member.name.endswith("/VERSION") for member in signs.members):
        return Producer("Nix dockerTools", "streamLayeredImage", ("layer folders are named after the diff_id",))
    return None


def _docker_1_10(signs: Signs) -> Producer | None:
    paths = signs.layer_paths()
    if not paths or not all(_V1_LAYER.fullmatch(path) for path in paths):
        return None
    versions = [member for member in signs.files if member.name.endswith("/VERSION")]
    if not versions or not signs.folders:
        return None
    if any(
        (signs.catalogue.blobs[member.index].head if member.index in signs.catalogue.blobs else b"1.0") != b"1.0"
        for member in versions
    ):
        return None
    names = [member.path or "" for member in signs.members]
    if names != sorted(names) or not _container_config(signs):
        return None
    evidence = [
        "one folder a layer with VERSION, json and layer.tar, and folders have members of their own",
        "members stand in lexical order",
        "the legacy json documents carry container_config",
    ]
    modes = signs.modes()
    if all(mode & _BSD_BITS for mode in modes):
        evidence.append("modes carry file type bits, as up to docker 23")
        return Producer(DOCKER_CLASSIC, "1.10 to 23.0", tuple(evidence))
    if not any(mode & _BSD_BITS for mode in modes):
        evidence.append("modes carry no file type bits, as from docker 24 or before 17.07")
    return Producer(DOCKER_CLASSIC, "1.10 to 24.0", tuple(evidence))


def _container_config(signs: Signs) -> bool:
    """Every legacy document of Docker carries this key, and no other tool's documents do in every layer."""
    documents = [signs.structure.documents[member].value for member in signs.structure.v1_json]
    return bool(documents) and all(isinstance(value, dict) and "container_config" in value for value in documents)


def _legacy_writers(signs: Signs) -> Producer | None:
    """Writers of layer folders that are not Docker."""
    if signs.manifest is None or not any(image.v1_ids for image in signs.saves):
        return None
    versions = [member for member in signs.files if member.name.endswith("/VERSION")]
    heads = {signs.catalogue.blobs[member.index].head for member in versions if member.index in signs.catalogue.blobs}
    if heads == {b"1.0\n"}:
        return Producer("download-frozen-image", "moby's contrib script", ("VERSION ends with a newline",))
    words = signs.history_words()
    if "bazel" in words or any("bazel" in word for word in words):
        return Producer("bazel rules_docker", None, ("the image's history names Bazel",))
    order = [member.name.rpartition("/")[2] for member in signs.files if member.name.count("/") == 1]
    if versions and order[:3] == ["layer.tar", "json", "VERSION"] and not signs.folders:
        evidence = "layer.tar, json and VERSION stand in this order, and folders have no members of their own"
        return Producer("go-containerregistry", "crane --format legacy or rules_docker", (evidence,))
    return None


def _before_1_10(signs: Signs) -> Producer | None:
    if signs.manifest is None and signs.layout is None and signs.structure.v1_json and signs.saves:
        return Producer(DOCKER_CLASSIC, "before 1.10", ("there is no manifest.json, only layer folders",))
    return None


def _layouts(signs: Signs) -> Producer | None:
    """Writers of plain OCI layouts, told apart by how they spell ``oci-layout`` and ``index.json``."""
    if signs.layout is None or signs.index is None:
        return None
    if signs.layout.endswith(b"\n") and signs.index.endswith(b"\n") and b"\n  " not in signs.index:
        return Producer("umoci", None, ("oci-layout and index.json end with a newline",))
    if b'\n    "imageLayoutVersion"' in signs.layout and b'\n   "' in signs.index:
        evidence = ("oci-layout is indented by four spaces, index.json by three",)
        return Producer("go-containerregistry", "layout directory (crane pull --format oci, ko, kaniko)", evidence)
    compact = b"\n" not in signs.index and b'": ' not in signs.index
    if compact and signs.folders and not any(key.startswith("io.containerd") for key in signs.annotations):
        spaced = signs.layout == b'{"imageLayoutVersion": "1.0.0"}'
        versions = "containers/image up to 5.28" if spaced else "containers/image 5.29 or newer"
        spelled = f"oci-layout is written {'with' if spaced else 'without'} a space"
        plain = "index.json is compact and carries no annotation of containerd"
        return Producer("containers/image", f"podman, buildah or skopeo (oci-archive), {versions}", (spelled, plain))
    return None


_RECOGNISERS: tuple[Callable[[Signs], Producer | None], ...] = (
    _rules_oci,
    _docker_25,
    _containerd,
    _go_containerregistry,
    _jib,
    _containers_image_docker,
    _nix,
    _docker_1_10,
    _legacy_writers,
    _before_1_10,
    _layouts,
)
