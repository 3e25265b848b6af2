"""Archives that real tools made: what their independent record says, and what becomes of them when someone lies."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from imgforensics import analyze
from imgforensics.report import ArchiveReport

FOLDER = Path(__file__).parent / "fixtures"
RECORDS = json.loads((FOLDER / "expected.json").read_text("utf-8"))

PRODUCERS = {"docker": "docker save", "umoci": "umoci", "ctr": "containerd", "containerd": "containerd"}
"""The record's word for a tool to the producer that is recognised."""


def look(source: Path | bytes) -> ArchiveReport:
    return analyze(io.BytesIO(source) if isinstance(source, bytes) else source).archives[0]


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_fixture(name: str) -> None:
    record, found = RECORDS[name], look(FOLDER / name)
    assert found.case is not None
    assert [each.message for each in found.findings if each.severity != "note"] == []
    assert found.verdict == "intact"
    outer = found.case.catalogue.outer
    assert (None if outer == "none" else outer) == record["outer_compression"]
    blobs = found.case.catalogue.blobs
    images = {
        (
            str(blobs[image.config_member].digest),
            tuple(str(blobs[layer.member].diff_id) for layer in image.layers if layer.member is not None),
            image.platform,
        )
        for image in found.images
        if image.config_member is not None
    }
    assert images == {(each["image_id"], tuple(each["diff_ids"]), each["platform"]) for each in record["images"]}
    producer = found.case.producer
    if record["producer"] in PRODUCERS:
        assert producer is not None
        assert producer.evidence
        assert producer.name == PRODUCERS[record["producer"]]


def members(path: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(path) as archive:
        return [(info, archive.extractfile(info).read() if info.isreg() else b"") for info in archive]  # type: ignore[union-attr]


def packed(entries: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for info, data in entries:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def swapped(*, config: bool, layer: bool) -> tuple[bytes, str, str]:
    """The real docker save archive with its config, its first layer, or both consistently exchanged, names kept."""
    entries = members(FOLDER / "docker20-save.tar")
    listed = json.loads(next(data for info, data in entries if info.name == "manifest.json"))[0]
    evil = io.BytesIO()
    with tarfile.open(fileobj=evil, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo("etc/evil")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    evil_id = f"sha256:{hashlib.sha256(evil.getvalue()).hexdigest()}"
    result = []
    for info, old in entries:
        data = old
        if info.name == listed["Config"] and config:
            value = json.loads(old)
            value["config"]["Entrypoint"] = ["/etc/evil"]
            if layer:
                value["rootfs"]["diff_ids"][0] = evil_id
            data = json.dumps(value).encode()
        elif info.name == listed["Layers"][0] and layer:
            data = evil.getvalue()
        result.append((info, data))
    return packed(result), listed["Config"], listed["Layers"][0]


def test_config_swapped() -> None:
    data, config, _ = swapped(config=True, layer=False)
    found = look(data)
    assert found.verdict == "tampered"
    (error,) = [each for each in found.findings if each.severity == "error"]
    assert error.rule.code == "IMG301"
    assert error.location.member == config
    assert error.claimed == f"sha256:{config.removesuffix('.json')}"
    assert error.computed is not None
    assert error.computed != error.claimed


def test_layer_swapped() -> None:
    data, config, layer = swapped(config=False, layer=True)
    found = look(data)
    assert found.verdict == "tampered"
    (error,) = [each for each in found.findings if each.severity == "error"]
    assert error.rule.code == "IMG302"
    assert error.location.member == layer
    assert error.claimed == RECORDS["docker20-save.tar"]["images"][0]["diff_ids"][0]
    assert error.computed is not None
    assert error.computed in error.message
    assert config in error.message


def test_config_and_layer_swapped_consistently() -> None:
    data, config, _ = swapped(config=True, layer=True)
    found = look(data)
    assert found.verdict == "tampered"
    (error,) = [each for each in found.findings if each.severity == "error"]
    assert error.rule.code == "IMG301"
    assert error.location.member == config
    assert error.claimed == f"sha256:{config.removesuffix('.json')}"
    assert any(place.layer is not None for place in error.related), "the legacy layer IDs no longer fit either"


def test_repacked_is_intact() -> None:
    """The same members in another program's tar are still that image."""
    assert look(packed(members(FOLDER / "docker20-save.tar"))).verdict == "intact"


@pytest.mark.parametrize("name", ["docker20-save.tar", "docker20-save.tar.gz", "ctr-export-gzip.tar", "podman-oci.tar"])
def test_a_copy_that_was_cut_off_is_incomplete_and_no_more(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    for part in range(3, 12):
        found = look(data[: len(data) * part // 12])
        assert found.verdict == "incomplete", (part, found.findings)
        notes = [each.message for each in found.findings if each.rule.code == "IMG205"]
        assert all(each.endswith("; what is cut off may") for each in notes)
