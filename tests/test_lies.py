"""Truthful archives are intact, lies are found, one cause is one error, and nothing at all makes the tool fall over."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace as copy_of

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgforensics import InputError, Verdict
from imgforensics.report import ArchiveReport
from tests import builder
from tests.builder import LAYOUTS, Entry, ImageSpec
from tests.support import assert_clean, bad, case_of, codes, errors, image_ids, report_of, told

ONE = [ImageSpec()]
TWO_FREE = ("pre110", "jib", "rules_oci", "nix")
"""Layouts of one image, or without digests."""
DIFF_ID_ONLY = ("docker_legacy", "nix")
"""Layouts whose layers carry no digest of their bytes in a name: only the config's diff_id tells."""
FREE_CONFIG = ("jib",)
"""Layouts whose config is called by a plain name, so that nothing can be held against it."""
LYING = [name for name in LAYOUTS if name != "pre110"]

few = settings(max_examples=24, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def two_images() -> list[ImageSpec]:
    shared = builder.two_layers()
    other = [shared[0], builder.layer({"opt/": b"", "opt/tool": b"tool\n"})]
    return [ImageSpec(), ImageSpec(layers=other, tags=["example.com/tool:2.0"])]


# ------------------------------------------------------------------------------------------------------------ innocence


@pytest.mark.parametrize("layout", LAYOUTS)
def test_truthful_archive_is_intact(layout: str) -> None:
    report = report_of(LAYOUTS[layout](ONE))
    assert_clean(report)
    assert len(report.images) == 1
    assert set(codes(report)) <= ({"IMG212"} if layout == "pre110" else set()), told(report)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in TWO_FREE])
def test_two_truthful_images_are_intact(layout: str) -> None:
    report = report_of(LAYOUTS[layout](two_images()))
    assert_clean(report)
    assert len(report.images) == 2


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in TWO_FREE])
def test_untagged_image_is_intact(layout: str) -> None:
    report = report_of(LAYOUTS[layout]([ImageSpec(tags=[])]))
    assert_clean(report)
    assert [image.tags for image in report.images] == [()]


VARIANTS: dict[str, Callable[[Sequence[ImageSpec]], list[Entry]]] = {
    "docker 24": lambda images: builder.docker_legacy(images, type_bits=False),
    "containerd, uncompressed": lambda images: builder.containerd(images, compression="none"),
    "containerd, pgzip": lambda images: builder.containerd(images, compression="pgzip"),
    "containerd, zstd": lambda images: builder.containerd(images, compression="zstd"),
    "containerd, Docker types": lambda images: builder.containerd(images, docker_types=True),
    "containerd, no manifest.json": lambda images: builder.containerd(images, manifest_json=False),
    "containerd, index": lambda images: builder.containerd(images, index=True),
    "containerd, platforms missing": lambda images: builder.containerd(images, missing_platforms=["linux/arm64"]),
    "containerd, attestation": lambda images: builder.containerd(images, attestation=True),
    "buildkit type=docker": lambda images: builder.containerd(images, build_time=builder.CREATED),
    "buildkit type=oci": lambda images: builder.containerd(images, manifest_json=False, build_time=builder.CREATED),
    "containers/image before 5.6": lambda images: builder.containers_image_docker(images, chain_names=True),
    "containers/image before 5.29": lambda images: builder.oci_archive(images, old=True),
    "oci-archive, uncompressed": lambda images: builder.oci_archive(images, compression="none"),
    "oci-archive, zstd": lambda images: builder.oci_archive(images, compression="zstd"),
    "sha512, zstd": lambda images: builder.oci_layout_sha512(images, compression="zstd"),
    "crane, uncompressed": lambda images: builder.crane(images, compression="none"),
    "jib, lower-case keys": lambda images: builder.jib(images, lower_case_keys=True),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variant_is_intact(variant: str) -> None:
    assert_clean(report_of(VARIANTS[variant](ONE)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("prefix", ["./", "saved/images/", "/"])
def test_another_root_is_intact(layout: str, prefix: str) -> None:
    entries = [copy_of(entry, name=prefix + entry.path.removeprefix("./")) for entry in LAYOUTS[layout](ONE)]
    report = report_of(entries)
    assert_clean(report)
    assert image_ids(report) == image_ids(report_of(LAYOUTS[layout](ONE)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("unit", [10240, 1 << 17])
def test_padding_is_intact(layout: str, unit: int) -> None:
    assert_clean(report_of(builder.tar(LAYOUTS[layout](ONE), pad_to=unit)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_compression_around_the_archive_is_intact(layout: str) -> None:
    data = builder.archive(layout)
    for packed in (builder.gz(data), builder.zstd(data), builder.multi_gz(data[:1000], data[1000:])):
        assert_clean(report_of(packed))


@pytest.mark.parametrize("kind", [b"2", b"1"])
def test_linked_layer_is_intact(kind: bytes) -> None:
    layer = builder.layer({"a": b"a"})
    entries = builder.docker_legacy([ImageSpec(layers=[layer, layer])])
    links = [entry for entry in entries if entry.type == b"2"]
    assert len(links) == 1
    if kind == b"1":
        links[0].type = b"1"
        links[0].linkname = links[0].linkname[3:]
    report = report_of(entries)
    assert_clean(report)
    assert len(report.images[0].layers) == 2


@pytest.mark.parametrize("layout", LAYOUTS)
@few
@given(data=st.data())
def test_order_of_members_does_not_matter(layout: str, data: st.DataObject) -> None:
    entries = LAYOUTS[layout](ONE)
    report = report_of(data.draw(st.permutations(entries)))
    assert_clean(report)
    assert image_ids(report) == image_ids(report_of(entries))


# ----------------------------------------------------------------------------------------------------------------- lies


def _found(report: ArchiveReport, entry: Entry, old: bytes) -> None:
    """One error names the member, the digest that it should have and the one that it has."""
    algorithm = "sha512" if "sha512" in entry.path else "sha256"
    (finding,) = [each for each in errors(report) if each.location.member == entry.path]
    assert finding.computed == builder.digest(entry.data, algorithm), told(report)
    if "/layer.tar" not in entry.path:
        assert finding.claimed == builder.digest(old, algorithm), told(report)


@pytest.mark.parametrize("layout", LYING)
def test_swapped_config(layout: str) -> None:
    entries = LAYOUTS[layout](ONE)
    old = builder.config_of(entries).data
    changed = builder.swap_config(entries)
    report = report_of(entries)
    if layout in FREE_CONFIG:
        assert_clean(report)  # its name claims nothing, and the diff_ids still fit
        return
    assert report.verdict is Verdict.TAMPERED
    assert [each.rule.code for each in bad(report)] == ["IMG301"], told(report)
    _found(report, changed, old)


@pytest.mark.parametrize("layout", LYING)
@pytest.mark.parametrize("number", [0, 1])
def test_swapped_layer(layout: str, number: int) -> None:
    entries = LAYOUTS[layout](ONE)
    old = builder.layers_of(entries)[number].data
    changed = builder.swap_layer(entries, number=number)
    report = report_of(entries)
    assert report.verdict is Verdict.TAMPERED
    wanted = "IMG302" if layout in DIFF_ID_ONLY else "IMG303"
    assert [each.rule.code for each in bad(report)] == [wanted], told(report)
    _found(report, changed, old)
    if wanted == "IMG302":
        assert errors(report)[0].claimed == builder.digest(old)
        assert errors(report)[0].location.layer == number


@pytest.mark.parametrize("layout", LYING)
@pytest.mark.parametrize("number", [0, 1])
def test_swapped_config_and_layer(layout: str, number: int) -> None:
    entries = LAYOUTS[layout](ONE)
    old = builder.config_of(entries).data, builder.layers_of(entries)[number].data
    config, layer = builder.swap_both(entries, number=number)
    report = report_of(entries)
    assert report.verdict is Verdict.TAMPERED
    wanted = {"docker_legacy": ["IMG301"], "nix": ["IMG301"], "jib": ["IMG303"]}.get(layout, ["IMG301", "IMG303"])
    assert [each.rule.code for each in bad(report)] == wanted, told(report)
    if "IMG301" in wanted:
        _found(report, config, old[0])
    if "IMG303" in wanted:
        _found(report, layer, old[1])


@pytest.mark.parametrize("layout", [name for name in LYING if name not in TWO_FREE])
def test_shared_layer_is_one_cause(layout: str) -> None:
    entries = LAYOUTS[layout](two_images())
    builder.swap_layer(entries)
    report = report_of(entries)
    assert report.verdict is Verdict.TAMPERED
    assert len(errors(report)) == 1, told(report)
    assert len(bad(report)) == 1, told(report)


@pytest.mark.parametrize("layout", ["docker25", "containerd", "oci_archive", "umoci", "oci_layout_sha512"])
def test_swapped_manifest(layout: str) -> None:
    entries = LAYOUTS[layout](ONE)
    target = json.loads(builder.find(entries, "index.json").data)["manifests"][0]["digest"]
    entry = builder.find(entries, f"blobs/{target.replace(':', '/')}")
    old = entry.data
    entry.data = old.replace(b'"schemaVersion"', b' "schemaVersion"')
    report = report_of(entries)
    assert report.verdict is Verdict.TAMPERED
    assert [each.rule.code for each in bad(report)] == ["IMG303"], told(report)
    _found(report, entry, old)


def test_changed_diff_id_of_a_free_config() -> None:
    entries = builder.jib(ONE)
    config = builder.config_of(entries)
    true = ONE[0].diff_ids[1]
    config.data = config.data.replace(true.encode(), builder.digest(builder.EVIL).encode())
    report = report_of(entries)
    assert report.verdict is Verdict.TAMPERED
    assert [each.rule.code for each in bad(report)] == ["IMG302"], told(report)
    assert (errors(report)[0].claimed, errors(report)[0].computed) == (builder.digest(builder.EVIL), true)


@pytest.mark.parametrize("layout", ["docker_legacy", "docker25", "containerd", "oci_archive", "crane"])
def test_config_that_lost_a_layer(layout: str) -> None:
    entries = LAYOUTS[layout](ONE)
    rootfs = {"type": "layers", "diff_ids": ONE[0].diff_ids[:1]}
    builder.swap_config(entries, {"rootfs": rootfs})
    report = report_of(entries)
    assert [each.rule.code for each in bad(report)] == ["IMG301"], told(report)


@pytest.mark.parametrize("layout", ["docker_legacy", "crane", "nix"])
def test_layers_in_another_order(layout: str) -> None:
    entries = LAYOUTS[layout](ONE)
    listed = builder.find(entries, "manifest.json")
    document = json.loads(listed.data)
    document[0]["Layers"].reverse()
    listed.data = builder.go(document)
    report = report_of(entries)
    assert report.verdict is Verdict.TAMPERED
    assert set(codes(report)) >= {"IMG302"}, told(report)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dropped_layer(layout: str) -> None:
    entries = LAYOUTS[layout](ONE)
    layers = [entry for entry in entries if entry.data in {*ONE[0].layers} or entry.path.endswith(".gz")]
    entry = layers[0] if layout in ("pre110", "docker_legacy") else builder.layers_of(entries)[0]
    entries.remove(entry)
    report = report_of(entries)
    assert report.verdict is Verdict.INCOMPLETE, told(report)
    assert [each.rule.code for each in errors(report)] == ["IMG204"], told(report)


@pytest.mark.parametrize("layout", LYING)
def test_dropped_config(layout: str) -> None:
    entries = LAYOUTS[layout](ONE)
    entries.remove(builder.config_of(entries))
    report = report_of(entries)
    assert [each.rule.code for each in errors(report)] == ["IMG204"], told(report)
    assert report.verdict is Verdict.INCOMPLETE, told(report)


# ----------------------------------------------------------------------------------------------------------- properties


def _covered(entries: Sequence[Entry]) -> list[tuple[int, Entry]]:
    """(offset of its data, entry) of every member that a digest in the archive covers."""
    covered = {builder.config_of(entries).path, *(entry.path for entry in builder.layers_of(entries))}
    result = []
    offset = 0
    for entry in entries:
        size = len(builder.tar([entry], end=b""))
        if entry.path in covered or "blobs/" in entry.path:
            start = offset + size - (len(entry.data) + 511) // 512 * 512
            result.append((start, entry))
        offset += size
    return [(start, entry) for start, entry in result if entry.data]


@pytest.mark.parametrize("layout", [name for name in LYING if name not in FREE_CONFIG])
@few
@given(data=st.data())
def test_a_flipped_byte_is_found(layout: str, data: st.DataObject) -> None:
    entries = LAYOUTS[layout](ONE)
    start, entry = data.draw(st.sampled_from(_covered(entries)))
    raw = bytearray(builder.tar(entries))
    at = start + data.draw(st.integers(0, len(entry.data) - 1))
    assert raw[at] == entry.data[at - start]
    raw[at] ^= data.draw(st.integers(1, 255))
    report = report_of(bytes(raw))
    assert report.verdict is Verdict.TAMPERED, told(report)
    assert entry.path in {finding.location.member for finding in errors(report)}, told(report)


@pytest.mark.parametrize("layout", LAYOUTS)
@few
@given(data=st.data())
def test_any_changed_byte_gives_an_answer(layout: str, data: st.DataObject) -> None:
    raw = bytearray(builder.archive(layout))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    _answer(bytes(raw))


@pytest.mark.parametrize("layout", LAYOUTS)
@few
@given(data=st.data())
def test_a_cut_archive_is_found(layout: str, data: st.DataObject) -> None:
    whole = builder.archive(layout)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        report = report_of(cut)
    except InputError:
        return
    assert bad(report), told(report)
    assert report.verdict is not Verdict.INTACT


@pytest.mark.parametrize("layout", ["docker_legacy", "containerd", "crane"])
@few
@given(data=st.data())
def test_a_cut_compressed_archive_is_found(layout: str, data: st.DataObject) -> None:
    whole = builder.gz(builder.archive(layout))
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        report = report_of(cut)
    except InputError:
        return
    assert bad(report), told(report)


def _answer(raw: bytes) -> None:
    """A report that hangs together, or an InputError."""
    try:
        report = report_of(raw)
    except InputError:
        return
    assert "IMG903" not in codes(report), told(report)
    case = case_of(report)
    assert all(blob.size == case.catalogue.members[index].present for index, blob in case.catalogue.blobs.items())


@few
@given(st.binary(max_size=4096))
def test_arbitrary_bytes_give_an_answer(raw: bytes) -> None:
    _answer(raw)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("sha256:" + "0" * 64),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "manifests",
                    "config",
                    "Config",
                    "layers",
                    "Layers",
                    "RepoTags",
                    "rootfs",
                    "diff_ids",
                    "history",
                    "id",
                    "digest",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("name", ["manifest.json", "index.json", "repositories", "oci-layout"])
@few
@given(value=values)
def test_arbitrary_documents_give_an_answer(name: str, value: object) -> None:
    entries = builder.docker25(ONE)
    builder.replace(entries, name, json.dumps(value).encode())
    _answer(builder.tar(entries))


@few
@given(value=values, raw=st.binary(max_size=64))
def test_arbitrary_configs_and_manifests_give_an_answer(value: object, raw: bytes) -> None:
    for image in (ImageSpec(raw_config=json.dumps(value).encode()), ImageSpec(raw_config=raw)):
        for layout in ("docker25", "containerd", "crane"):
            _answer(builder.archive(layout, image))
    manifest = json.dumps(value).encode()
    index = {"schemaVersion": 2, "manifests": [{"digest": builder.digest(manifest), "size": len(manifest)}]}
    path = f"blobs/{builder.digest(manifest).replace(':', '/')}"
    _answer(builder.tar([Entry(path, manifest), Entry("index.json", builder.go(index))]))
