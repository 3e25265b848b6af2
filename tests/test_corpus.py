"""Every archive of a corpus of real ones against its record: engines in a laboratory, and test data of public projects.

The corpus is not part of this repository. IMGFORENSICS_CORPUS names its folder, which holds ``lab/*/expected.json``
beside an archive each, and ``public/index.jsonl`` with one line for each archive in ``public/``; without the variable,
the script ``corpus/unpack`` of a folder ``shared`` beside the checkout is asked for it.
"""

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imgforensics.report import Options
from imgforensics.run import Settings, run

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE.parent / "docs" / "report-v1.schema.json").read_text())
UNPACK = HERE.parent.parent / "shared" / "corpus" / "unpack"

pytestmark = pytest.mark.corpus

Json = dict[str, Any]


@functools.cache
def corpus() -> Path | None:
    if folder := os.environ.get("IMGFORENSICS_CORPUS"):
        return Path(folder)
    if UNPACK.exists():
        return Path(subprocess.run([str(UNPACK)], check=True, capture_output=True, text=True).stdout.strip())
    return None


def lab() -> list[Any]:
    folder = corpus()
    if folder is None:
        return [pytest.param(None, marks=pytest.mark.skip("no corpus: IMGFORENSICS_CORPUS is not set"))]
    return [pytest.param(path, id=path.parent.name) for path in sorted(folder.glob("lab/*/expected.json"))]


def public() -> list[Any]:
    folder = corpus()
    if folder is None:
        return [pytest.param(None, marks=pytest.mark.skip("no corpus: IMGFORENSICS_CORPUS is not set"))]
    records = [json.loads(line) for line in (folder / "public" / "index.jsonl").read_text().splitlines()]
    return [pytest.param(record, id=record["archive"][-60:]) for record in records]


def verify(archive: Path, tmp_path: Path) -> tuple[int, Json]:
    """Exit code and report of one run, the report valid by its schema."""
    output = tmp_path / "report.json"
    settings = Settings("json", str(output), "error", progress=False, verbose=False, quiet=False, colour=False)
    code = run("verify", [str(archive)], Options(jobs=2), settings)
    report = json.loads(output.read_text())
    jsonschema.validate(report, SCHEMA)
    assert len(report["archives"]) == 1
    found: Json = report["archives"][0]
    return code, found


def hexes(values: list[str | None]) -> list[str]:
    return [(value or "").removeprefix("sha256:") for value in values]


def errors(found: Json) -> list[Json]:
    return [finding for finding in found["findings"] if finding["severity"] == "error"]


def complaints(found: Json) -> list[Json]:
    return [finding for finding in found["findings"] if finding["severity"] != "note"]


def places(found: Json) -> str:
    """Everything that findings other than notes name: messages, places, digests."""
    return json.dumps(complaints(found))


@pytest.mark.parametrize("record", lab())
def test_lab(record: Path, tmp_path: Path) -> None:
    expected = json.loads(record.read_text())
    code, found = verify(record.parent / expected["archive_file"], tmp_path)
    by_id = {image["image_id"]: image for image in found["images"]}
    if expected.get("incomplete"):
        assert code == 1
        assert found["verdict"] == "incomplete"
        assert {finding["code"] for finding in complaints(found)} == {"IMG204"}
    else:
        assert code == 0
        assert found["verdict"] == "intact", complaints(found)
        assert complaints(found) == []
    assert len(found["images"]) == len(expected["images"])
    for image in expected["images"]:
        if expected.get("incomplete"):
            assert by_id.keys() == {None}
            assert image["image_id"] in places(found), "the config that is missing is named"
        elif image.get("image_id_config_in_archive") is False:
            assert image["image_id"] not in by_id, "the writer rewrote the config, so that its digest is another"
            assert len(by_id) == len(expected["images"])
        else:
            layers = by_id[image["image_id"]]["layers"]
            assert [layer["diff_id"] for layer in layers] == image["diff_ids"]
            assert [layer["claimed_diff_id"] for layer in layers] == image["diff_ids"]


EXTRA = {
    # Defects that are there, checked by hand with sha256sum, and that the records' reader did not look for.
    "docker__alpine_3_15_4.tar.gz": "IMG303",  # layer named by a digest that is not its own
    "docker__centos.tar.gz": "IMG303",
    "docker__debian.tar.gz": "IMG303",
    "docker__gcr_io_distroless_base.tar.gz": "IMG303",
    "redhat_ubi8.tar.gz@a0705c3c": "IMG303",
    "ubuntu.tar.gz@552bdb88": "IMG303",
    "artifacts__config-only.oci.tar": "IMG304",  # the config's descriptor says 506 bytes, the blob has 200
    "delete_image_two_identical_references.oci.tar": "IMG213",  # two manifests of one platform have the name 1.0.0
    "delete_image_shared_blobs_dir.oci.tar": "IMG302 IMG304",  # the record's reader did not look into shared_blobs/
}
"""Ending of an archive's name to codes of error findings beyond its record."""


def expected_errors(record: Json) -> dict[str, list[str]]:
    """Codes of error findings that the record calls for, each with words that a finding of the kind must hold."""
    wanted: dict[str, list[str]] = {}
    for issue in record["issues"]:
        if issue.startswith(("links:", "root prefix", "names have")):
            continue  # facts about the archive, no defects
        word = issue.split()[-1].removeprefix("sha256:")
        if "does not match rootfs.diff_ids" in issue:
            wanted["IMG302 IMG303 IMG204"] = []
        elif issue.startswith("diff_id mismatch"):
            wanted.setdefault("IMG302 IMG303 IMG207", []).append(word)
        elif "content!=name" in issue or "blob digest mismatch" in issue:
            wanted.setdefault("IMG301 IMG303", []).append(word)
        elif issue == "config name hex != sha256(config)":
            wanted["IMG301"] = []
        elif "missing layer" in issue:
            wanted["IMG204"] = []
        elif "JSONDecodeError" in issue or "distribution manifest" in issue:
            wanted["IMG201"] = []
        else:
            raise AssertionError(f"the record has an issue that this test does not know: {issue}")
    missing = [o["digest"] for o in record["oci"] if o.get("missing")]
    parents = {o["digest"] for o in record["oci"] if o.get("index")}
    if missing and not parents:
        wanted.setdefault("IMG204", []).extend(missing)
    for node in record["oci"]:
        present = [layer for layer in node.get("layers", []) if layer[3] == "present"]
        absent = [layer[2] for layer in node.get("layers", []) if layer[3] == "absent"]
        if absent and (present or not parents):
            wanted.setdefault("IMG204", []).extend(absent)
    return wanted


@pytest.mark.parametrize("record", public())
def test_public(record: Json, tmp_path: Path) -> None:
    folder = corpus()
    assert folder is not None
    code, found = verify(folder / "public" / record["archive"], tmp_path)
    assert found["size"] == record["size"]
    assert found["sha256"] == f"sha256:{record['sha256']}"
    assert (found["outer_compression"] or "") == record["outer_compression"]
    wanted = expected_errors(record)
    if record["archive"].endswith("busybox-jib.tar"):
        wanted = {}  # docker save's list with jib's lower-case keys, which the record's reader took for something else
    extra = next((codes for ending, codes in EXTRA.items() if record["archive"].endswith(ending)), "")
    allowed = {each for codes in (*wanted, extra, "IMG207 IMG304" if wanted else "") for each in codes.split()}

    for codes, words in wanted.items():
        of_kind = [finding for finding in complaints(found) if finding["code"] in codes.split()]
        assert of_kind, f"the record tells of a defect that was not found: {codes} {words}"
        failed = [each for each in found["verifications"] if each["verdict"] == "mismatch"]
        for word in words:
            assert word in json.dumps(of_kind + failed), f"nothing names {word}"
    for code_wanted in extra.split():
        assert code_wanted in {finding["code"] for finding in errors(found)}
    surplus = [finding for finding in errors(found) if finding["code"] not in allowed]
    surplus = [finding for finding in surplus if not names_missing_config(record, finding)]
    assert surplus == []
    assert code == (1 if errors(found) else 0)
    if not wanted and not extra and not errors(found):
        assert found["verdict"] in ("intact", "suspect", "incomplete")

    compare_images(record, found)


def names_missing_config(record: Json, finding: Json) -> bool:
    """A manifest whose config is not there: the record shows it as an image without os and diff_ids."""
    bare = [node for node in record["oci"] if node.get("config") and "diff_ids" not in node]
    return finding["code"] == "IMG204" and any(node["config"] == finding["claimed"] for node in bare)


def compare_images(record: Json, found: Json) -> None:
    """Image IDs, tags and diff_ids of both kinds of records against the report."""
    ids = set(hexes([image["image_id"] for image in found["images"]]))
    for image in record["images"]:
        assert image["image_id"] in ids
        same = [each for each in found["images"] if each["image_id"] == f"sha256:{image['image_id']}"]
        layers = [hexes([layer["diff_id"] for layer in each["layers"]]) for each in same]
        if all("diff_id" in layer for layer in image["layers"]):
            assert [layer["diff_id"] for layer in image["layers"]] in layers
        if image.get("via") == "manifest.json":
            tags = {tag for each in same for tag in each["tags"]}
            assert tags >= set(image.get("tags") or [])
    artifacts = {layer["claimed_diff_id"] for each in found["artifacts"] for layer in each["layers"]}
    for node in record["oci"]:
        if node.get("diff_ids") and not node.get("digest_mismatch"):
            claimed = [[layer["claimed_diff_id"] for layer in each["layers"]] for each in found["images"]]
            assert node["diff_ids"] in claimed or set(node["diff_ids"]) <= artifacts


@functools.cache
def malformed() -> list[Path]:
    folder = corpus()
    return [] if folder is None else sorted(folder.glob("malformed/*tar*"))


def test_malformed(tmp_path: Path) -> None:
    """None of these is an image archive: each gives an answer or one line, never anything else."""
    if not malformed():
        pytest.skip("no corpus: IMGFORENSICS_CORPUS is not set")
    for path in malformed():
        code, found = verify(path, tmp_path)
        assert code in (1, 2), path.name
        assert (code == 2) == (found["error"] is not None), path.name
        assert "\n" not in (found["error"] or "")
