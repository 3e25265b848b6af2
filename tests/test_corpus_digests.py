"""Expected digests against real archives: a push that can be derived matches, no other matches, and none is refuted.

Runs on the corpus of :mod:`tests.test_corpus`. Layers are compressed here, bit for bit; nothing comes from the records
but the digest that the registry showed.
"""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from imgforensics import Options, analyze
from imgforensics.expectation import Result
from imgforensics.reconstruct.registry import Registry
from imgforensics.report import ArchiveReport
from tests.test_corpus import corpus
from tests.test_corpus_pushes import NO_CONFIG, Push, folders, known, need_corpus, pusher_of, pushes

pytestmark = pytest.mark.corpus

ELSEWHERE = {
    "a-pull-bkestargz": "docker pushed the eStargz layers that it had pulled; their diff_ids are those of other tars",
    "b-buildkit-att-saveplat": "the registry shows an index that save --platform left out",
    "b-save-missing-blobs": "the manifest is in the archive, but neither config nor layers are: no proof of content",
    "c-save-missing-blobs": "the manifest is in the archive, but neither config nor layers are: no proof of content",
}
"""Cases with a push of something that is not in the archive, and does not follow from it."""


def look(path: Path, digests: list[str], **options: object) -> ArchiveReport:
    return analyze(path, Options(jobs=2, digests=True, expect=digests, **options)).archives[0]  # type: ignore[arg-type]


def reason(push: Push) -> str | None:
    """Why a digest need not come out; None where it has to."""
    compressors = {str(layer["compressor"]) for layer in push.push.get("layers", ())}
    if push.case in ELSEWHERE:
        return ELSEWHERE[push.case]
    if embedded(push):
        return None
    if push.case in NO_CONFIG:
        return "its config is not in the archive"
    if "annotations (NOT in the archive)" in (push.push.get("derivation") or ""):
        return "buildah's annotations of a base image are not in the archive"
    if any("zstd" in each or each in ("None", "estargz") for each in compressors):
        return "zstd and eStargz are not encoded here"
    return None


def embedded(push: Push) -> bool:
    return bool(push.push.get("archive_embeds_registry_manifest", push.push.get("manifest_in_archive")))


def registries(report: ArchiveReport) -> list[Registry]:
    return list(report.registries.values())


def test_pushes_of_real_engines_match() -> None:
    need_corpus()
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for folder in folders():
        record = json.loads((folder / "expected.json").read_text())
        by_digest: dict[str, list[Push]] = defaultdict(list)
        for push in pushes(folder):
            by_digest[push.push["manifest_digest"]].append(push)
        report = look(folder / record["archive_file"], list(by_digest))
        assert report.case is not None
        for told in report.case.expectations:
            for push in by_digest[str(told.digest)]:
                why = reason(push)
                counts[f"{told.result}{'' if why is None else f', {why}'}"] += 1
                line = f"{told.result}: {push.case}: {push.push['push_command'][:100]}: {pusher_of(push).name}: {told.how[:300]}"
                if told.result is Result.REFUTED or (told.result is not Result.MATCH and why is None):
                    wrong.append(line)
    for name, count in counts.most_common():
        sys.stdout.write(f"{count} {name}\n")
    sys.stdout.write("\n".join(wrong) + "\n")
    assert not wrong


def test_what_docker_saved_is_likeliest_as_docker_pushed_it() -> None:
    need_corpus()
    images = agreeing = 0
    for folder in folders():
        record = json.loads((folder / "expected.json").read_text())
        if record["producer_tool"] not in ("docker", "docker20", "docker-a"):
            continue
        pushed: dict[str, set[str]] = defaultdict(set)
        for push in pushes(folder):
            if push.push["pusher_tool"] in ("docker", "docker-a"):
                pushed[push.image["image_id"]].add(push.push["manifest_digest"])
        report = look(folder / record["archive_file"], [])
        assert report.case is not None
        for image in report.images:
            assert image.config_member is not None
            likely = report.registries[image.index].likely
            image_id = str(report.case.catalogue.blobs[image.config_member].digest)
            assert likely is not None
            assert likely.pusher == "docker"
            if pushed[image_id]:
                images += 1
                agreeing += str(likely.digest) in pushed[image_id]
    sys.stdout.write(f"{agreeing} of {images} images that docker saved: the likely digest is that of a docker push\n")
    assert agreeing == images > 0


def test_digests_that_public_registries_published_match() -> None:
    need_corpus()
    folder = corpus()
    assert folder is not None
    results: dict[str, Result] = {}
    for record in known():
        for name in record["archive"]:
            digest = record["registry_manifest_digest"]
            report = look(folder / "public" / name, [digest])
            assert report.case is not None
            (told,) = report.case.expectations
            results[f"{digest[:19]} {name[-60:]}"] = told.result
            likely = [str(each.likely.digest) for each in registries(report) if each.likely is not None]
            sys.stdout.write(f"{told.result} {'likely' if digest in likely else ''} {record['image']} {name[-50:]}\n")
    assert Result.REFUTED not in results.values()
    assert Counter(results.values()) == {Result.MATCH: 12, Result.NOT_REPRODUCED: 4}
