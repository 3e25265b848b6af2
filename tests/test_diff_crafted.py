"""``diff`` against whoever makes two archives look the same: the same findings about other bytes, names, work."""

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imgforensics.case import Case
from imgforensics.comparison.findings import other_loads
from imgforensics.comparison.layers import Half, LayerComparer
from imgforensics.layerfiles import Opener
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.loaders import Load, Reader
from imgforensics.model import Digest
from imgforensics.structure import View
from tests import builder
from tests.builder import Entry, ImageSpec
from tests.evidence import invoke
from tests.support import case_of, descriptor, manifest, oci, report_of
from tests.test_diff import APPROVED, BASE, CONFIG, TOP, against, headline


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


# ---------------------------------------------------------------------------------------- the same number of findings


def twins(folder: Path, a: bytes | Sequence[Entry], b: bytes | Sequence[Entry]) -> Any:
    """What differs in two archives of the same image of which verify counts the same findings."""
    (folder / "a.tar").write_bytes(a if isinstance(a, bytes) else builder.tar(a))
    told = against(folder, b, 1)
    assert all(each["same"] for each in told["images"])
    found = told["findings"]
    assert [each["code"] for each in found["only_a"]] == [each["code"] for each in found["only_b"]]
    return [each["code"] for each in found["only_b"]]


def doubled(first: bytes | None) -> list[Entry]:
    """The image with one of its layers standing twice, the first time perhaps with other bytes."""
    entries = builder.docker_legacy([APPROVED])
    layer = builder.layers_of(entries)[0]
    return [replace(layer, data=layer.data if first is None else first), *entries]


def test_another_duplicate_is_told(folder: Path) -> None:
    evil = builder.layer({"evil": b"evil"})
    assert twins(folder, doubled(None), doubled(evil)) == ["IMG104"]
    assert "what verify finds as IMG104 is not the same" in headline(folder)
    assert twins(folder, doubled(builder.layer({"good": b""})), doubled(evil)) == ["IMG104"]
    (folder / "a.tar").write_bytes(builder.tar(doubled(evil)))
    assert against(folder, gzip.compress(builder.tar(doubled(evil)), mtime=0), 0)["answer"] == "same-images"


def test_other_hidden_bytes_are_told(folder: Path) -> None:
    plain = builder.archive("docker_legacy", APPROVED)
    packed = gzip.compress(plain, mtime=0)
    entries = builder.docker_legacy([APPROVED])
    assert twins(folder, plain + b"GOOD", plain + b"EVIL") == ["IMG103"]
    assert twins(folder, packed + b"GOOD", packed + b"EVIL") == ["IMG103"]
    assert twins(folder, [*entries, Entry("x", b"GOOD")], [*entries, Entry("x", b"EVIL")]) == ["IMG205"]
    (folder / "a.tar").write_bytes(plain + b"GOOD")
    assert against(folder, gzip.compress(plain + b"GOOD", mtime=0), 0)["answer"] == "same-images"


WRAPPINGS = ["docker_legacy", "docker25", "containers_image_docker", "containerd", "crane", "oci_archive", "umoci"]


@pytest.mark.parametrize("layout", WRAPPINGS)
def test_the_same_findings_in_another_wrapping_are_the_same(folder: Path, layout: str) -> None:
    odd = [
        Entry("a/../../b", b"x"),
        Entry("bin/su", b"x", mode=0o4755),
        *(Entry("twice", text) for text in (b"1", b"2")),
        Entry("dev/sda", type=b"6"),
    ]
    layers = [builder.tar(odd), TOP]
    image = ImageSpec(layers=layers, raw_config=ImageSpec(layers=layers).moby_config())
    for other in WRAPPINGS:
        (folder / "a.tar").write_bytes(builder.archive(other, image))
        if other != layout:
            told = against(folder, builder.archive(layout, image), 0)
            assert told["a"]["verdict"] == told["b"]["verdict"] == "suspect"


def test_other_bytes_behind_a_compressed_layer_are_told(folder: Path) -> None:
    def hiding(text: bytes) -> list[Entry]:
        layers = [builder.gz(BASE) + text, builder.gz(TOP)]
        content = manifest(CONFIG, layers)
        return oci([descriptor(content)], [CONFIG, *layers, content])

    assert twins(folder, hiding(b"GOOD"), hiding(b"EVIL")) == ["IMG307"]


def test_bytes_in_padding_are_told_to_the_last(folder: Path) -> None:
    def stuffed(text: bytes) -> bytes:
        data = bytearray(builder.archive("docker_legacy", APPROVED))
        place = data.index(b'{"') // 512 * 512
        size = data.index(b"\0", place) - place
        end = place + -(-size // 512) * 512
        data[end - 160 : end] = text.rjust(160, b".")
        return bytes(data)

    assert twins(folder, stuffed(b"GOOD"), stuffed(b"EVIL")) == ["IMG113"]


def test_bytes_in_more_paddings_than_are_told_are_told_too(folder: Path) -> None:
    def stuffed(text: bytes) -> bytes:
        many = builder.tar([*builder.docker_legacy([APPROVED]), *(Entry(f"{n}", b"x") for n in range(30))])
        blocks = [at for at in range(0, len(many), 512) if many[at : at + 2] == b"x\0"]
        whole = bytearray(many)
        for at in blocks:
            whole[at + 10 : at + 14] = b"SAME"
        whole[blocks[-1] + 10 : blocks[-1] + 14] = text
        return bytes(whole)

    assert "IMG113" in twins(folder, stuffed(b"GOOD"), stuffed(b"EVIL"))


def test_another_mismatch_is_told(folder: Path) -> None:
    def swapped(text: bytes) -> list[Entry]:
        return [*builder.crane([APPROVED]), Entry(f"blobs/sha256/{'5' * 64}", text)]

    assert "IMG205" in twins(folder, swapped(b"GOOD"), swapped(b"EVIL"))


def test_a_reader_that_would_take_another_image_is_told() -> None:
    case = case_of(report_of(builder.archive("docker_legacy", APPROVED)))
    one, other = Digest.of(b"one"), Digest.of(b"other")

    def loading(*found: tuple[Digest, str], layouts: tuple[View, ...] = (View.SAVE,)) -> Case:
        loads = tuple(Load(Reader.CRANE, image, None, (tag,), "") for image, tag in found)
        return replace(case, loads=loads, structure=replace(case.structure, layouts=layouts))

    both, refusing = loading((one, "x:1"), (other, "x:2")), replace(case, loads=())
    assert other_loads(both, both) == other_loads(both, refusing) == ()
    assert other_loads(both, loading((one, "x:2"), (other, "x:1"))) == (Reader.CRANE,)
    assert other_loads(loading((one, "x:1")), loading((other, "y:1"))) == (Reader.CRANE,)
    assert other_loads(both, loading((one, "x:1"))) == (Reader.CRANE,)
    assert other_loads(both, loading((one, "x:1"), layouts=(View.OCI,))) == ()


# -------------------------------------------------------------------------------------------------- names and artifacts


def test_a_short_name_of_a_repository_is_no_bare_tag(folder: Path) -> None:
    def called(name: str) -> bytes:
        return builder.archive("docker_legacy", replace(APPROVED, tags=[name]))

    for name, other in (("alpine", "example.com/app:alpine"), ("example.com/app:alpine", "alpine")):
        (folder / "a.tar").write_bytes(called(name))
        told = against(folder, called(other), 1)
        assert (told["images"][0]["names_only_a"], told["images"][0]["names_only_b"]) == ([name], [other])
    (folder / "a.tar").write_bytes(called("example.com/app:alpine"))
    assert against(folder, layout(CONFIG, "alpine"), 0)["answer"] == "same-images"
    (folder / "a.tar").write_bytes(builder.tar(layout(CONFIG, "1.0")))
    assert against(folder, layout(CONFIG, "latest"), 1)["images"][0]["names_only_b"] == ["latest"]


def layout(config: bytes, name: str | None, *more: bytes) -> list[Entry]:
    """The image in an OCI layout under a name, or artifacts alone where there is none."""
    content = manifest(config, [BASE, TOP], "application/vnd.oci.image.layer.v1.tar")
    listed = [descriptor(content, annotations={"org.opencontainers.image.ref.name": name})] if name else []
    blobs = [config, BASE, TOP, content] if name else [BASE]
    return oci([*listed, *map(descriptor, more)], [*blobs, *([b"{}"] if more else []), *more])


def artifact(kind: str) -> bytes:
    document = json.loads(manifest(b"{}", [BASE]))
    document["config"]["mediaType"] = "application/vnd.oci.empty.v1+json"
    return builder.go(document | {"artifactType": kind})


def test_artifacts_decide_and_their_names_do(folder: Path) -> None:
    one, other = artifact("application/vnd.example.a"), artifact("application/vnd.example.b")
    (folder / "a.tar").write_bytes(builder.tar(layout(CONFIG, "1.0", one)))
    assert against(folder, layout(CONFIG, "1.0", other), 1)["artifacts"]["only_b"] == [builder.digest(other)]
    entries = layout(CONFIG, None, one)
    (folder / "a.tar").write_bytes(builder.tar(entries))
    assert against(folder, gzip.compress(builder.tar(entries), mtime=0), 0)["answer"] == "same-images"
    assert against(folder, layout(CONFIG, None, other), 1)["answer"] == "different"
    assert headline(folder).endswith(": other artifacts")


def test_the_names_of_artifacts_decide(folder: Path) -> None:
    def named(name: str) -> list[Entry]:
        entries = layout(CONFIG, None, artifact("application/vnd.example.a"))
        index = builder.find(entries, "index.json")
        document = json.loads(index.data)
        document["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": name}
        index.data = builder.go(document)
        return entries

    (folder / "a.tar").write_bytes(builder.tar(named("good:1")))
    (renamed,) = against(folder, named("evil:1"), 1)["artifacts"]["renamed"]
    assert (renamed["names_only_a"], renamed["names_only_b"]) == (["good:1"], ["evil:1"])
    assert "under other names" in headline(folder)
    assert "called so only in B: evil:1" in invoke("diff", folder / "a.tar", folder / "b.tar").stdout


def crosswise(names: str, a: bool) -> list[ImageSpec]:
    """Images of every pair of such layers, each under the same name in both archives."""
    kinds = [builder.layer({f"{name}{'a' if a else 'b'}": b"x"}) for name in names]
    return [
        ImageSpec(layers=[one, other], tags=[f"x:{number}-{place}"])
        for number, one in enumerate(kinds)
        for place, other in enumerate(kinds[number:] + kinds[:number])
    ]


@pytest.mark.parametrize(
    ("limits", "most", "why"),
    [
        (DEFAULT_LIMITS, 1, None),
        (replace(DEFAULT_LIMITS, laid_over=0), 3, "it was read 3 times for other pairs"),
        (replace(DEFAULT_LIMITS, listed=2), 1, "files were compared that had been compared before"),
    ],
)
def test_layers_that_images_share_crosswise_are_read_a_few_times(limits: Limits, most: int, why: str | None) -> None:
    reports = [report_of(builder.archive("crane", *crosswise("pqrst", a))) for a in (True, False)]
    cases = [case_of(each) for each in reports]
    reads: Counter[tuple[int, int]] = Counter()

    def opener(half: int) -> Opener:
        def read(member: int) -> list[bytes]:
            reads[half, member] += 1
            blob = cases[half].catalogue.blobs[member]
            return [next(data for data in contents if builder.digest(data) == str(blob.diff_id))]

        return read

    contents = [layer for a in (True, False) for spec in crosswise("pqrst", a) for layer in spec.layers]
    comparer = LayerComparer(Half(cases[0], opener(0)), Half(cases[1], opener(1)), limits)
    told = [
        change
        for one in cases[0].structure.images
        for other in cases[1].structure.images
        for change in comparer.compare(one, other)
    ]
    assert max(reads.values()) <= most
    assert any(change.files is not None for change in told)
    reasons = {change.why_not for change in told if change.why_not is not None}
    assert all(why in reason for reason in reasons) if why else not reasons
    assert bool(reasons) is (why is not None)
