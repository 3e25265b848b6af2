"""VIEW and RES: documents that can be read in two ways, contradict each other, or cost more than they are worth."""

from tests.crafted import costs, kinds, references, texts
from tests.crafted.case import Crafted, Threat

THREATS: tuple[Threat, ...] = (
    Threat(
        "VIEW-06",
        "JSON keys that are repeated, or differ in case only",
        "Go takes `config` for `Config`, and the last of both; Python and JavaScript keep two",
        ("IMG202",),
        "Labels and annotations may differ in case. jib wrote the keys of manifest.json in lower case.",
    ),
    Threat(
        "VIEW-08",
        "Something behind the first JSON value",
        "Go's Decoder (Docker, containerd, go-containerregistry) stops before it, its Unmarshal (containers/image) and "
        "Python refuse",
        ("IMG201",),
    ),
    Threat(
        "VIEW-09",
        "Bytes that some JSON readers take and others refuse",
        "Python takes byte order marks, UTF-16 and NaN, Go takes broken UTF-8 and lone surrogates for U+FFFD",
        ("IMG201", "IMG902"),
    ),
    Threat(
        "VIEW-10",
        "A document of two kinds, or of another kind than is said",
        "CVE-2021-41190 (GHSA-77vh-xpmg-72qh), GO-2022-0360, GO-2024-2914",
        ("IMG201", "IMG203"),
    ),
    Threat(
        "VIEW-11",
        "Documents that give a tag to different images",
        "Docker ignores `repositories` today; containerd and podman read different annotations",
        ("IMG206", "IMG211", "IMG213"),
    ),
    Threat(
        "VIEW-12",
        "Names that loading the archive would move",
        "moby#11285, #35625, #48591; CVE-2026-50195",
        ("IMG218", "IMG223"),
        "Every archive moves names, and a saved official image has an official name. `inspect` lists them all.",
    ),
    Threat(
        "VIEW-13",
        "Platforms that contradict the config, or each other",
        "readers choose an image by the platform that the index gives",
        ("IMG221", "IMG403"),
        "`unknown/unknown` is what BuildKit's attestations have. Another variant is only noted.",
    ),
    Threat(
        "VIEW-14",
        "An attestation of another image",
        "homebox#1685, syft#855, Stockpile#238",
        ("IMG215",),
    ),
    Threat(
        "VIEW-15",
        "Members that no document, or only one that not all readers read, refers to",
        "crane, skopeo and containerd accept them, containerd imports them; NVIDIA/nvcf#1089",
        ("IMG205", "IMG222", "IMG224"),
    ),
    Threat(
        "RES-01",
        "Documents that cost without bound",
        "CVE-2023-25153 and CVE-2026-53493 in containerd",
        ("IMG902",),
        "Each document is read once, however often and by whatever way it is reached.",
    ),
)

CRAFTED: tuple[Crafted, ...] = (*texts.CRAFTED, *kinds.CRAFTED, *references.CRAFTED, *costs.CRAFTED)
