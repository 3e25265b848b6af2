"""VIEW: two images in one file."""

from dataclasses import replace

from tests import builder
from tests.builder import Entry, ImageSpec
from tests.crafted import viewparts as parts
from tests.crafted.case import Crafted, Threat
from tests.crafted.viewparts import AMD64, ARM64, both, evil, good, packed, plain, two

THREATS: tuple[Threat, ...] = (
    Threat(
        "VIEW-01",
        "manifest.json and index.json name different images",
        "measured: skopeo docker-archive:, crane and scanners take the one, containerd and podman the other; moby#49141",
        ("IMG206", "IMG221"),
    ),
    Threat(
        "VIEW-02",
        "a reader is steered to the other document",
        "measured: podman takes manifest.json where index.json has two entries, or none for its host, or where it "
        "cannot unpack the archive; regctl where a blob is missing, containerd where oci-layout is",
        ("IMG206", "IMG204", "IMG205", "IMG214", "IMG403"),
        "The further rule names what steers; that alone, with documents that agree, is no lie.",
    ),
    Threat(
        "VIEW-03",
        "one name, several members",
        "measured: skopeo docker-archive:, crane and regctl take the first; docker, containerd, podman and oras the last",
        ("IMG104", "IMG302", "IMG303"),
        "A second copy whose bytes do not fit its name or diff_id is a finding of its own.",
    ),
    Threat(
        "VIEW-04",
        "one name, several spellings",
        "trivy#3080; Go's path.Clean in go-containerregistry, containers/image and containerd, exact names in oras and "
        "regctl, one file for both on disks without case",
        ("IMG104", "IMG109", "IMG217"),
    ),
    Threat(
        "VIEW-05",
        "links in place of documents, configs and layers",
        "CVE-2014-6407, CVE-2026-17106; measured: skopeo follows one symlink, docker all, containerd none to documents",
        ("IMG216", "IMG105", "IMG106", "IMG204"),
        "A symlink to the bytes of a layer that is there twice is what docker save writes, and silent.",
    ),
    Threat(
        "VIEW-07",
        "a second manifest.json that is merged with the first",
        "measured: containerd decodes every manifest.json into one variable, and keeps what the later ones leave out",
        ("IMG104",),
    ),
)


_V3 = AMD64 | {"variant": "v3"}
_386 = {"os": "linux", "architecture": "386"}


_V3_GOOD, _V3_EVIL = (replace(each, platform="linux/amd64/v3") for each in (good(), evil()))
_DOTTED = replace(evil(), platform="l\u0130nux/amd64")


def _on_arm64(spec: ImageSpec) -> ImageSpec:
    return replace(spec, platform="linux/arm64")


def _on_386(spec: ImageSpec) -> ImageSpec:
    return replace(spec, platform="linux/386")


def _two_entries() -> list[Entry]:
    return parts.swapped([good(), good("example.com/app:2.0")])


def _missing_blob() -> list[Entry]:
    entries = parts.swapped()
    listed = builder.layers_of(builder.containerd([good()], manifest_json=False))
    builder.drop(entries, listed[1].path)
    return entries


def _without_layout() -> list[Entry]:
    entries = parts.hybrid()
    builder.drop(entries, "oci-layout")
    return entries


def _other_layout() -> list[Entry]:
    entries = parts.hybrid()
    builder.replace(entries, "oci-layout", b'{"imageLayoutVersion":"9.0.0"}')
    return entries


def _is(*codes: str) -> frozenset[str]:
    return frozenset(codes)


def _spelled(name: str, spelling: str, what: str, *codes: str) -> Crafted:
    make = parts.lookalike if "IMG217" in codes else parts.second_manifest
    return Crafted(f"VIEW-04-{name}", what, packed(lambda: make(spelling)), _is(*(codes or ("IMG104",))), plain)


CRAFTED: tuple[Crafted, ...] = (
    Crafted(
        "VIEW-01-hybrid",
        "manifest.json names one image, index.json another under the same tag",
        packed(parts.hybrid),
        _is("IMG206"),
        both,
    ),
    Crafted(
        "VIEW-01-hybrid-tags",
        "the same, under different tags",
        packed(lambda: parts.hybrid([evil("example.com/other:1")])),
        _is("IMG206"),
        two,
    ),
    Crafted(
        "VIEW-01-decoy-variant",
        "index.json leads to another image for this host, and to the one in manifest.json for a variant of it",
        parts.indexed((evil(), AMD64), (good(), AMD64 | {"variant": "v3"}), saved=good()),
        _is("IMG206"),
        parts.indexed((good(), AMD64), (replace(evil(), platform="linux/amd64/v3"), _V3), saved=good()),
    ),
    Crafted(
        "VIEW-01-decoy-variant-behind",
        "the same, the variant first",
        parts.indexed((good(), AMD64 | {"variant": "v2"}), (evil(), AMD64), saved=good()),
        _is("IMG206"),
        parts.indexed((replace(evil(), platform="linux/amd64/v3"), _V3), (good(), AMD64), saved=good()),
    ),
    Crafted(
        "VIEW-01-decoy-for-any",
        "index.json leads to another image for any platform, and to the one in manifest.json for a variant",
        parts.indexed((evil(), None), (good(), _V3), saved=good()),
        _is("IMG206"),
        parts.indexed((good(), None), (_on_arm64(evil()), ARM64), saved=good()),
    ),
    Crafted(
        "VIEW-01-decoy-386-for-any",
        "the same, the other image's config for linux/386",
        parts.indexed((_on_386(evil()), None), (good(), _V3), saved=good()),
        _is("IMG206"),
        parts.indexed((_on_386(evil()), None), (good(), AMD64), saved=good()),
    ),
    Crafted(
        "VIEW-01-decoy-variant-in-config",
        "the same, the config of the image in manifest.json says the variant, too",
        parts.indexed((evil(), AMD64), (_V3_GOOD, _V3), saved=_V3_GOOD),
        _is("IMG206"),
        parts.indexed((_V3_GOOD, _V3), (_on_arm64(evil()), ARM64), saved=_V3_GOOD),
    ),
    Crafted(
        "VIEW-01-decoy-no-system",
        "the other image is for an architecture without an operating system: containerd takes it, podman does not",
        parts.indexed((evil(), {"os": "", "architecture": "amd64"}), (good(), _V3), saved=good()),
        _is("IMG206"),
        parts.indexed((good(), {"os": "", "architecture": "amd64"}), (_on_arm64(evil()), ARM64), saved=good()),
    ),
    Crafted(
        "VIEW-01-decoy-bare-variant",
        "the other image is for amd64/v3 by its config alone, which ctr does not read; podman reads no such list",
        parts.indexed((_V3_EVIL, None), (good(), None), saved=good(), media_type=parts.DOCKER_LIST),
        _is("IMG206"),
        parts.indexed((_V3_GOOD, None), saved=_V3_GOOD, media_type=parts.DOCKER_LIST),
    ),
    Crafted(
        "VIEW-01-decoy-dotted",
        "the other image is for `l\u0130nux`, a capital with a dot, which Go makes an i of in lower case",
        parts.indexed((_DOTTED, {"os": "l\u0130nux", "architecture": "amd64"}), (good(), AMD64), saved=good()),
        _is("IMG206", "IMG221"),
        parts.indexed((good(), AMD64), (_on_arm64(evil()), ARM64), saved=good()),
    ),
    Crafted(
        "VIEW-01-decoy-386",
        "the other image is for linux/386, which containerd runs on amd64 where there is none for that",
        parts.indexed((_on_386(evil()), _386), (good(), AMD64 | {"variant": "v4"}), saved=good()),
        _is("IMG206"),
        parts.indexed((_on_386(evil()), _386), (good(), AMD64), saved=good()),
    ),
    Crafted(
        "VIEW-02-two-entries",
        "index.json has two entries, so that podman takes manifest.json, which names another image",
        packed(_two_entries),
        _is("IMG206"),
        two,
    ),
    Crafted(
        "VIEW-02-missing-blob",
        "a blob of the image in index.json is missing, so that podman and regctl take manifest.json",
        packed(_missing_blob),
        _is("IMG204", "IMG206"),
        both,
    ),
    Crafted(
        "VIEW-02-no-layout",
        "oci-layout is missing, so that containerd takes manifest.json",
        packed(_without_layout),
        _is("IMG206", "IMG214"),
        both,
    ),
    Crafted(
        "VIEW-02-other-layout",
        "oci-layout has an unknown version: containerd refuses, regctl takes manifest.json",
        packed(_other_layout),
        _is("IMG206", "IMG214"),
        both,
    ),
    Crafted(
        "VIEW-02-other-platform",
        "the index in index.json has no image for this host, so that podman takes manifest.json here",
        packed(lambda: parts.elsewhere({"os": "linux", "architecture": "s390x"})),
        _is("IMG206"),
        packed(lambda: parts.elsewhere({"os": "linux", "architecture": "amd64"}, other=False)),
    ),
    Crafted(
        "VIEW-02-no-platform",
        "the index in index.json calls its image unknown/unknown: podman takes manifest.json everywhere",
        packed(lambda: parts.elsewhere({"os": "unknown", "architecture": "unknown"})),
        _is("IMG206", "IMG403"),
        packed(lambda: parts.elsewhere({"os": "linux", "architecture": "amd64"}, other=False)),
    ),
    Crafted(
        "VIEW-02-below-a-file",
        "a member below a file, at which docker and podman fail to unpack: podman takes manifest.json then",
        packed(lambda: [*parts.hybrid(), Entry("f", b"x"), Entry("f/x", b"x")]),
        _is("IMG205", "IMG206"),
        both,
    ),
    Crafted(
        "VIEW-03-manifest",
        "manifest.json twice, for two images",
        packed(parts.second_manifest),
        _is("IMG104"),
        plain,
    ),
    Crafted("VIEW-03-index", "index.json twice, for two images", packed(parts.second_index), _is("IMG104"), both),
    Crafted("VIEW-03-config", "a config twice", packed(parts.second_config), _is("IMG104"), plain),
    Crafted("VIEW-03-blob", "a layer's blob twice", packed(parts.second_blob), _is("IMG104", "IMG303"), both),
    Crafted("VIEW-03-layer", "a layer twice", packed(parts.second_layer), _is("IMG104", "IMG302"), plain),
    _spelled("dot-slash", "./manifest.json", "a second manifest.json called ./manifest.json"),
    _spelled("up-and-down", "a/../manifest.json", "a second manifest.json called a/../manifest.json"),
    _spelled("absolute", "/manifest.json", "a second manifest.json called /manifest.json"),
    _spelled("trailing-slash", "manifest.json/", "a second manifest.json called manifest.json/", "IMG104", "IMG109"),
    _spelled("backslash", ".\\manifest.json", "a second manifest.json called .\\manifest.json", "IMG217"),
    _spelled("case", "Manifest.json", "a second manifest.json called Manifest.json", "IMG217"),
    _spelled("percent", "%6danifest.json", "a second manifest.json called %6danifest.json", "IMG217"),
    _spelled("trailing-dot", "manifest.json.", "a second manifest.json called manifest.json.", "IMG217"),
    Crafted(
        "VIEW-04-normal-forms",
        "two configs whose names differ in how an accent is encoded",
        packed(lambda: parts.renamed_config("caf\u00e9.json", stored=("caf\u00e9.json", "cafe\u0301.json"))),
        _is("IMG217"),
        plain,
    ),
    Crafted(
        "VIEW-05-document",
        "manifest.json is a symlink: containerd sees none",
        packed(lambda: parts.linked("manifest.json")),
        _is("IMG216"),
        parts.duplicate_layers,
    ),
    Crafted(
        "VIEW-05-config",
        "the config is a hard link: to skopeo an irregular file",
        packed(lambda: parts.linked("config", kind=b"1")),
        _is("IMG216"),
        parts.duplicate_layers,
    ),
    Crafted(
        "VIEW-05-chain",
        "a layer behind two symlinks, of which skopeo and containerd follow one",
        packed(lambda: parts.linked("layer", hops=2)),
        _is("IMG216"),
        parts.duplicate_layers,
    ),
    Crafted(
        "VIEW-05-folder",
        "the folder of all blobs is a symlink: skopeo's docker-archive reader and crane find nothing below it",
        packed(parts.linked_folder),
        _is("IMG216"),
        packed(lambda: builder.docker25([good()])),
    ),
    Crafted(
        "VIEW-05-outside",
        "a layer is a symlink out of the archive",
        packed(lambda: _to("../../../etc/passwd")),
        _is("IMG105", "IMG204"),
        parts.duplicate_layers,
    ),
    Crafted(
        "VIEW-05-cycle",
        "a layer is a symlink to itself",
        packed(lambda: _to(None)),
        _is("IMG106", "IMG204"),
        parts.duplicate_layers,
    ),
    Crafted(
        "VIEW-07-merged",
        "a second manifest.json with nothing but another config",
        packed(parts.merged_manifest),
        _is("IMG104"),
        plain,
    ),
)


def _to(target: str | None) -> list[Entry]:
    """A layer that is a symlink to this, or to itself."""
    entries = builder.crane([good()])
    layer = builder.layers_of(entries)[0]
    link = layer.path if target is None else target
    entries[entries.index(layer)] = Entry(layer.name, type=b"2", linkname=link)
    return entries
