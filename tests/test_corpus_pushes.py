"""Every push of real engines in a laboratory, rebuilt from the archive it was made from, or told why it cannot be.

Runs on the corpus of :mod:`tests.test_corpus`. Layers are not compressed here: their digests and sizes come from the
record, everything else from the archive.
"""

import functools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imgforensics import analyze
from imgforensics.case import Case
from imgforensics.model import Compression, Digest
from imgforensics.reconstruct.build import LayerDescriptor, NotDerivableError, build
from imgforensics.reconstruct.evidence import rank
from imgforensics.reconstruct.likelihood import Likelihood
from imgforensics.reconstruct.preserved import find_preserved
from imgforensics.reconstruct.pusher import Pusher
from imgforensics.reconstruct.pushers import PUSHERS
from tests.test_corpus import corpus

pytestmark = pytest.mark.corpus

Json = dict[str, Any]

BY_NAME = {pusher.name: pusher for pusher in PUSHERS}

MADE_BY = {
    "buildkit": "b-buildkit-att-saveplat b-load-bkzstd b-pull-bkzstd c-buildkit c-load-bkzstd c-pull-bkzstd "
    "a-pull-bkestargz a-pull-bkzstd f-reg2da-docker29 g-oci-attest g-oci-attest-all g-oci-zstd",
    "buildkit-docker": "b-buildkit c-pull-bkgzipdocker bk-oci-gzip-ocifalse",
    "containerd-builder": "a-pull-docker29 b-run-classic b-three c-platform c-pull-docker29 c-scratch-classic "
    "e-pull-legacy-docker29 e-pull-oci-docker29 f-reg2oci-docker29",
    "containerd-oci": "b-bb-import c-bb-import g-convert-oci g-convert-uncompress g-docker28-compress",
    "containerd-load": "b-cleanload-legacy c-ctr-import-raw g-docker20-legacy",
    "crane": "c-pull-craneappend e-append-pull e-pull-oci-append",
    "docker": "b-pull-docker28 c-ctr-export-docker e-pull-legacy-docker28",
    "podman": "f-oci-gzip f-oci-gzip9 f-oci-zstd f-reg2oci-docker28 p-run-docker-oa p-run-oci-oa s-oci-gzip",
    "skopeo": "b-pull-skgzip b-save-missing-blobs c-save-missing-blobs",
    "skopeo-oci": "a-pull-skzstd",
}
"""Who made the manifest that a case's image was pulled with, or that a store kept and pushed as it was."""

NO_CONFIG = {
    "b-save-missing-blobs": "the store saved neither config nor layers; the manifest is there",
    "c-save-missing-blobs": "the store saved neither config nor layers; the manifest is there",
    "f-oci-gzip": "skopeo wrote an OCI config into the archive, and docker had pushed its own",
    "f-reg2oci-docker28": "skopeo wrote an OCI config into the archive, and docker had pushed its own",
    "p-run-docker-oa": "podman wrote an OCI config into the archive, and pushed Docker's",
    "s-oci-gzip": "skopeo wrote an OCI config into the archive, and docker had pushed its own",
}
"""Cases with pushes whose config's bytes are not in the archive, and why."""

BASE_ANNOTATIONS = "the manifest has annotations of buildah's (base image) that a docker-archive does not keep"


@dataclass(frozen=True)
class Push:
    """One record."""

    folder: Path
    case: str
    image: Json
    push: Json

    @property
    def raw(self) -> bytes:
        """The image manifest that the registry showed; of an index, the image in it."""
        name = self.push.get("image_manifest_file") or self.push["manifest_file"]
        return (self.folder / str(name)).read_bytes()

    @property
    def layers(self) -> list[LayerDescriptor]:
        return [
            LayerDescriptor(
                Digest.parse(layer["compressed_digest"]),
                layer["compressed_size"],
                compression=compression(str(layer["compressor"])),
                annotations=layer.get("annotations") or {},
            )
            for layer in self.push["layers"]
        ]


def compression(compressor: str) -> Compression:
    """Of a record's word for it; zstd:chunked, which nothing reproduced, has none."""
    if "uncompressed" in compressor:
        return Compression.NONE
    return Compression.ZSTD if "zstd" in compressor or compressor == "None" else Compression.GZIP


def pusher_of(push: Push) -> Pusher:
    """The entry of the table that the record's tool and command belong to."""
    tool, command = push.push["pusher_tool"], push.push["push_command"]
    kept = next((name for name, cases in MADE_BY.items() if push.case in cases.split()), "buildkit")
    if push.case == "b-three" and "bb-import" in command:
        kept = "containerd-oci"
    if tool in ("docker", "docker-a"):
        return BY_NAME["docker"]
    if tool == "crane" and "crane push DIR" not in command:
        return BY_NAME["crane-oci" if "--oci-empty-base" in command else "crane"]
    if tool in ("podman", "buildah"):
        if ":docker " in command:  # pod/run:docker, of Docker's format
            return BY_NAME["skopeo-oci" if "--format oci" in command else "skopeo"]
        if "--format v2s2" in command:
            return BY_NAME["skopeo-v2s2" if "-oa" in push.case else "skopeo"]
        return BY_NAME["podman"]
    if tool == "skopeo" and "docker-archive:" in command:
        converting = "--format oci" in command or "--dest-compress-format zstd" in command
        return BY_NAME["skopeo-oci" if converting else "skopeo"]
    if tool == "skopeo" and "--format v2s2" in command:
        return BY_NAME["skopeo-v2s2"]
    if tool == "skopeo" and "uncompressed" in push.case:
        return BY_NAME["podman"]
    return BY_NAME[kept]


@functools.cache
def case_of(folder: Path) -> tuple[Json, Case]:
    record = json.loads((folder / "expected.json").read_text())
    case = analyze(folder / record["archive_file"]).archives[0].case
    assert case is not None
    return record, case


def pushes(folder: Path) -> Iterator[Push]:
    record, _ = case_of(folder)
    for image in record["images"]:
        for push in image["pushes"]:
            yield Push(folder, record["case"], image, push)


def config_of(case: Case, image_id: str) -> bytes | None:
    """The config of this image, of the one in the archive where there is but one, or None."""
    members = {image.config_member for image in case.structure.images if image.config_member is not None}
    by_id = {str(case.catalogue.blobs[member].digest): case.catalogue.content(member) for member in members}
    return by_id.get(image_id) or (next(iter(by_id.values())) if len(by_id) == 1 else None)


def held_annotations(case: Case, config: bytes | None) -> dict[str, str]:
    """Annotations of the manifest in the archive over this config."""
    for image in case.structure.images:
        if image.manifest_member is not None and image.config_member is not None:
            document = json.loads(case.catalogue.content(image.manifest_member) or b"{}")
            if case.catalogue.content(image.config_member) == config:
                return dict(document.get("annotations") or {})
    return {}


@functools.cache
def folders() -> list[Path]:
    folder = corpus()
    return [] if folder is None else sorted(path.parent for path in folder.glob("lab/*/expected.json"))


def tell(line: str) -> None:
    """Shown by ``pytest -s``."""
    sys.stdout.write(f"{line}\n")


def need_corpus() -> None:
    if not folders():
        pytest.skip("no corpus: IMGFORENSICS_CORPUS is not set")


def test_pushes_are_rebuilt() -> None:
    """Each comes out byte for byte, but for those whose config or annotations are not in the archive."""
    need_corpus()
    rebuilt, failed = 0, dict[str, str]()
    for push in (each for folder in folders() for each in pushes(folder)):
        _, case = case_of(push.folder)
        pusher, config = pusher_of(push), config_of(case, push.image["image_id"])
        label = f"{push.case}: {push.push['push_command'][:90]}"
        if config is None:
            failed[label] = NO_CONFIG[push.case]
            continue
        built = build(pusher, config, push.layers, held_annotations(case, config))
        if built.content == push.raw:
            rebuilt += 1
            continue
        wanted = json.loads(push.raw)
        if wanted["config"]["digest"] != json.loads(built.content)["config"]["digest"]:
            failed[label] = NO_CONFIG[push.case]
        else:
            assert build(pusher, config, push.layers, wanted["annotations"]).content == push.raw, label
            failed[label] = BASE_ANNOTATIONS
    total = rebuilt + len(failed)
    tell(f"{rebuilt} of {total} pushed manifests rebuilt byte for byte from the archive's config")
    for label, why in failed.items():
        tell(f"not: {label}: {why}")
    assert {label.partition(":")[0] for label, why in failed.items() if why != BASE_ANNOTATIONS} == set(NO_CONFIG)
    assert {label.partition(":")[0] for label, why in failed.items() if why == BASE_ANNOTATIONS} == {
        "p-multi-image-da",
        "p-scratch-oci-da",
    }
    assert (rebuilt, total) == (183, 196)


def test_preserved_manifests_are_those_of_the_records() -> None:
    need_corpus()
    held = 0
    for folder in folders():
        record, case = case_of(folder)
        found = {}
        for group in find_preserved(case).values():
            for each in group:
                found[str(each.digest)] = each
                found.update(dict.fromkeys(map(str, each.indexes), each))
        for push in pushes(folder):
            flag = push.push.get("archive_embeds_registry_manifest", push.push.get("manifest_in_archive"))
            # the record did not look below the ./ of crane's layouts, which were packed by hand
            wanted = flag or record["archive_format"] == "crane-oci"
            preserved = found.get(push.push["manifest_digest"])
            assert (preserved is not None) == wanted, (push.case, push.push["push_command"])
            if preserved is not None:
                held += 1
                assert preserved.likelihood in (Likelihood.CERTAIN, Likelihood.LIKELY)
                assert preserved.writers, push.case
    tell(f"{held} pushed manifests lie in the archives")
    assert held == 91


def test_docker_save_speaks_for_docker() -> None:
    need_corpus()
    images = 0
    for folder in folders():
        record, case = case_of(folder)
        if record["producer_tool"] in ("docker", "docker20", "docker-a"):
            for image in case.structure.images:
                first = rank(case, image)[0]
                assert (first.pusher.name, first.likelihood) == ("docker", Likelihood.LIKELY)
                images += 1
    assert images


def test_the_real_pusher_is_ranked() -> None:
    """Wherever the manifest is not in the archive, the tool that pushed is at least among the possible ones."""
    need_corpus()
    absent: set[tuple[str, str]] = set()
    for folder in folders():
        record, case = case_of(folder)
        names = {each.pusher.name for image in case.structure.images for each in rank(case, image)}
        for push in pushes(folder):
            flag = push.push.get("archive_embeds_registry_manifest", push.push.get("manifest_in_archive"))
            if not flag and record["archive_format"] != "crane-oci" and pusher_of(push).name not in names:
                absent.add((push.case, pusher_of(push).name))
    assert {name for name, _ in absent} <= set(NO_CONFIG), "what cannot be rebuilt need not be ranked"


def known() -> list[Json]:
    folder = corpus()
    return [] if folder is None else json.loads((folder / "public" / "known_digests.json").read_text())


def test_digests_that_public_registries_published() -> None:
    """The archives of public projects, with the layers as the registry compressed them."""
    need_corpus()
    folder = corpus()
    assert folder is not None
    rebuilt: dict[str, str] = {}
    for record in known():
        for name in record["archive"]:
            case = analyze(folder / "public" / name).archives[0].case
            assert case is not None
            config = config_of(case, record["image_id"])
            assert config is not None
            layers = [
                LayerDescriptor(Digest.parse(digest), size)
                for digest, size in zip(record["layer_digests"], record["layer_sizes"], strict=True)
            ]
            annotations = record.get("manifest_annotations") or held_annotations(case, config)
            for pusher in PUSHERS:
                try:
                    built = build(pusher, config, layers, annotations)
                except NotDerivableError:
                    continue
                if str(built.digest) == record["registry_manifest_digest"]:
                    rebuilt.setdefault(f"{record['registry_manifest_digest'][:19]} {name}", pusher.name)
    for label, pusher_name in rebuilt.items():
        tell(f"{label}: {pusher_name}")
    assert len(rebuilt) == 15
