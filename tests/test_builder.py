"""The builder tells the truth: its archives are readable, their names are true, and its lies are what they say."""

import gzip
import hashlib
import importlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from typing import Any, Literal

import pytest

from tests import builder
from tests.builder import EPOCH, LAYOUTS, Entry, ImageSpec, layer, tar

ONE_IMAGE_ONLY = {"jib", "rules_oci", "nix"}
SHARED = layer({"shared": b"the same in both images\n"})
ONE = ImageSpec()
TWO = ImageSpec(layers=[SHARED, layer({"a": b"1"}), SHARED], tags=["alpine:3", "example.com:5000/b/c:x"])
UNTAGGED = ImageSpec(layers=[SHARED], tags=[], platform="linux/arm/v7")

CASES = [
    *((name, [ONE]) for name in LAYOUTS),
    *((name, [ONE, TWO, UNTAGGED]) for name in LAYOUTS if name not in ONE_IMAGE_ONLY),
]
IDS = [f"{name}-{len(images)}" for name, images in CASES]


def read(archive: bytes) -> dict[str, bytes]:
    """What Python's tarfile sees: file name to content, links followed."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        members = {member.name.removeprefix("./"): member for member in opened if not member.isdir()}
        content: dict[str, bytes] = {}
        for name, member in members.items():
            target = members[member.linkname.removeprefix("../")] if member.issym() else member
            file = opened.extractfile(target)
            assert file is not None
            content[name] = file.read()
        return content


def unpacked(data: bytes) -> bytes:
    """A layer without its compression."""
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return zstd_decompress(data)
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def zstd_decompress(data: bytes) -> bytes:
    """Zstandard undone by a real library, where there is one."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            undone = importlib.import_module(name).decompress(data)
        except ImportError:
            continue
        assert isinstance(undone, bytes)
        return undone
    pytest.skip("no zstd library")


def descriptors(document: Any) -> Iterator[dict[str, Any]]:
    """Every descriptor anywhere in a document."""
    if isinstance(document, dict):
        if "digest" in document and "size" in document:
            yield document
        for value in document.values():
            yield from descriptors(value)
    elif isinstance(document, list):
        for value in document:
            yield from descriptors(value)


def check_hash_names(files: dict[str, bytes]) -> int:
    """Every file named by a hash has that hash; how many there were. `<id>/layer.tar` of v1 directories is no hash."""
    checked = 0
    for name, data in files.items():
        found = re.fullmatch(r"(?:.*/|sha256:)?([0-9a-f]{128}|[0-9a-f]{64})(\.json|\.tar|\.tar\.gz)?", name)
        if found:
            algorithm = {64: "sha256", 128: "sha512"}[len(found[1])]
            assert hashlib.new(algorithm, data).hexdigest() == found[1], name
            checked += 1
    return checked


def check_image(config: bytes, layers: list[bytes], image: ImageSpec) -> None:
    """The config and the layers, as found in an archive, are those of the image and fit together."""
    document = json.loads(config)
    assert document["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(unpacked(x)).hexdigest()}" for x in layers]
    assert [unpacked(data) for data in layers] == image.layers
    platform = (document["os"], document["architecture"], document.get("variant"))
    assert "/".join(filter(None, platform)) == image.platform
    assert sum(not step.get("empty_layer") for step in document["history"]) == len(layers)


# ------------------------------------------------------------------------------------------------------------- layouts


@pytest.mark.parametrize(("name", "images"), CASES, ids=IDS)
def test_layout_is_truthful(name: str, images: list[ImageSpec]) -> None:
    """Every name, every reference and every diff_id of every layout is true."""
    entries = LAYOUTS[name](images)
    files = read(tar(entries))
    assert [entry.path.removeprefix("./") for entry in entries if entry.type != b"5"] == list(files)
    documents = {n: json.loads(data) for n, data in files.items() if n.endswith("json") or n == "oci-layout"}
    assert check_hash_names(files) or name == "pre110"
    for document in documents.values():
        for descriptor in descriptors(document):
            blob = files["blobs/" + descriptor["digest"].replace(":", "/")]
            assert len(blob) == descriptor["size"]
    if "manifest.json" in files:
        assert len(documents["manifest.json"]) == len(images)
        for found, image in zip(documents["manifest.json"], images, strict=True):
            check_image(files[found["Config"]], [files[n] for n in found["Layers"]], image)
    if "index.json" in files:
        distinct: list[dict[str, Any]] = []
        for descriptor in documents["index.json"]["manifests"]:
            manifest = json.loads(files["blobs/" + descriptor["digest"].replace(":", "/")])
            distinct += [] if manifest in distinct else [manifest]
        for manifest, image in zip(distinct, images, strict=True):
            names = ["blobs/" + x["digest"].replace(":", "/") for x in (manifest["config"], *manifest["layers"])]
            check_image(files[names[0]], [files[n] for n in names[1:]], image)


@pytest.mark.parametrize(("name", "images"), CASES, ids=IDS)
def test_layout_is_deterministic(name: str, images: list[ImageSpec]) -> None:
    """The same call gives the same bytes, and no entry is shared between calls."""
    first, second = LAYOUTS[name](images), LAYOUTS[name](images)
    assert tar(first) == tar(second)
    assert not {id(entry) for entry in first} & {id(entry) for entry in second}


@pytest.mark.parametrize("name", ["docker_legacy", "pre110", "containers_image_docker"])
def test_v1_json_files_form_a_chain(name: str) -> None:
    """Each v1 `json` names its own directory and its parent's, and `repositories` names the top."""
    files = read(tar(LAYOUTS[name]([TWO])))
    steps = {n.split("/")[0]: json.loads(data) for n, data in files.items() if n.endswith("/json")}
    assert all(step["id"] == directory for directory, step in steps.items())
    tops = {version for tags in json.loads(files["repositories"]).values() for version in tags.values()}
    (top,) = tops
    walked = [top]
    while "parent" in steps[walked[-1]]:
        walked.append(steps[walked[-1]]["parent"])
    assert sorted(walked) == sorted(steps)
    assert [files[f"{v1id}/layer.tar"] for v1id in reversed(walked)] == TWO.layers


def test_docker25_keeps_the_v1_chain_as_orphans() -> None:
    """The blobs are one config, one manifest, the layers and one v1 json for each layer."""
    files = read(builder.archive("docker25"))
    blobs = [n for n in files if n.startswith("blobs/")]
    assert len(blobs) == 1 + 1 + len(ONE.layers) + len(ONE.layers)
    (found,) = json.loads(files["manifest.json"])
    assert list(found["LayerSources"]) == sorted(ONE.diff_ids)
    assert files["oci-layout"] == b'{"imageLayoutVersion": "1.0.0"}'


def test_duplicate_layers() -> None:
    """docker writes the second of two equal layers as a link, containers/image writes one file, with its own links."""
    links = [entry for entry in builder.docker_legacy([TWO]) if entry.type == b"2"]
    assert [str(entry.linkname)[-9:] for entry in links] == ["layer.tar"]
    podman = builder.containers_image_docker([TWO])
    assert [entry.type for entry in podman].count(b"2") == 3
    assert sum(entry.path.endswith(".tar") and entry.type == b"0" for entry in podman) == 2


def test_containerd_index() -> None:
    """Two platforms and their attestations behind one index, and a platform that is not there."""
    arm = ImageSpec(layers=[SHARED], platform="linux/arm64")
    entries = builder.containerd(
        [ONE, arm],
        compression="zstd",
        docker_types=True,
        missing_platforms=["linux/s390x"],
        attestation=True,
        build_time="2024-05-05T05:05:05Z",
        source={"example.com": "app"},
    )
    files = read(tar(entries))
    assert check_hash_names(files)
    assert len(json.loads(files["manifest.json"])) == 1
    (top,) = json.loads(files["index.json"])["manifests"]
    assert top["annotations"] == {
        "containerd.io/distribution.source.example.com": "app",
        "io.containerd.image.name": "example.com/app:1.0",
        "org.opencontainers.image.created": "2024-05-05T05:05:05Z",
        "org.opencontainers.image.ref.name": "1.0",
    }
    index = json.loads(files[top["digest"].replace("sha256:", "blobs/sha256/")])
    platforms = [child["platform"]["architecture"] for child in index["manifests"]]
    assert platforms == ["amd64", "arm64", "unknown", "unknown", "s390x"]
    held = [child["digest"].replace("sha256:", "blobs/sha256/") in files for child in index["manifests"]]
    assert held == [True, True, True, True, False]
    attestation = json.loads(files[f"blobs/sha256/{index['manifests'][3]['digest'][7:]}"])
    assert attestation["subject"]["digest"] == index["manifests"][1]["digest"]
    statement = json.loads(files[f"blobs/sha256/{attestation['layers'][0]['digest'][7:]}"])
    assert f"sha256:{statement['subject'][0]['digest']['sha256']}" == index["manifests"][1]["digest"]


def test_small_choices_of_layouts() -> None:
    """The remaining options do what they say."""
    assert b'"repoTags"' in builder.find(builder.jib([ONE], lower_case_keys=True), "manifest.json").data
    assert builder.find(builder.docker_legacy([ONE], type_bits=False), "manifest.json").mode == 0o644
    assert builder.find(builder.oci_archive([ONE], old=True), "oci-layout").data == builder.LAYOUT_SPACED
    ids = [chain_id.removeprefix("sha256:") for chain_id in builder.chain_ids(ONE.diff_ids)]
    entries = builder.containers_image_docker([ONE], chain_names=True)
    assert [entry.path[:64] for entry in entries if entry.type == b"2"] == ids
    assert "manifest.json" not in read(tar(builder.containerd([ONE], manifest_json=False)))


def test_config_can_lie_or_be_raw() -> None:
    """`extra` replaces keys of the config, `raw_config` all of it, and the names stay true."""
    lying = ImageSpec(extra={"rootfs": {"type": "layers", "diff_ids": []}, "author": "me"})
    raw = ImageSpec(raw_config=b"\xef\xbb\xbf not JSON")
    for name in LAYOUTS:
        check_hash_names(read(builder.archive(name, lying)))
        check_hash_names(read(builder.archive(name, raw)))
    assert builder.config_of(builder.crane([raw])).data == b"\xef\xbb\xbf not JSON"
    assert json.loads(builder.config_of(builder.crane([lying])).data)["author"] == "me"


# ---------------------------------------------------------------------------------------------------------- legacy ids


def test_moby_v1_of_docker_20() -> None:
    """The ids of an image loaded into and saved from Docker 20.10.24, its config made by hand."""
    empty = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    diff_ids = [
        "sha256:75b0a57aa5af406916e4ada108c45ab7aecee1bef647e828cf613bd8376b327b",
        empty,
        empty,
        "sha256:7374fda4886cbef5c8db90991317d54a8ac53a9b83979c7f35d9288772319945",
        empty,
    ]
    config = {"architecture": "amd64", "os": "linux", "created": "2020-01-01T00:00:00Z", "config": {"Cmd": ["/f"]}}
    chain = builder.moby_v1(config, diff_ids)
    assert [v1id for v1id, _ in chain] == [
        "b767aa2590c22e0948fabe1974b7ff452bfcca4ea61d41b36e3e2eb614dc2e29",
        "e847f39da0cd14102487d7cda4aa5ee57cbf8b0713c47b447e445a0fa71bd8bf",
        "5a8e46f95f019d4105f70b6aac4c01588848aa8540c458b5d6c432f0bfeec14e",
        "bc61ed8da238dcfa798e94b5b42f6c0e836ee8727dfb4e06a9e22dd7d3707404",
        "3620cb48180091e5965fcbc62d01760b15ab8ea2a112962c5306220bf14321a3",
    ]
    assert [len(text) for _, text in chain] == [401, 477, 477, 477, 774]


def test_moby_v1_of_docker_28() -> None:
    """The ids of an image built by the classic builder of Docker 28.5.2, with all that Go escapes and sorts."""
    shared = {
        "User": "1000:1000",
        "ExposedPorts": {"80/tcp": {}},
        "Env": ["PATH=/bin"],
        "Image": "sha256:bae428c508e676af86c8d3807cc4b2a757ab3705d235c871a6e5c89b76b96abf",
        "Volumes": {"/data": {}},
        "Labels": {"org.example.k": 'v <&> "q" é', "b": "2"},
    }
    config = {
        "architecture": "amd64",
        "config": {**shared, "Cmd": ["/bin/sh"]},
        "container": "31fce1c4f402e1045a70c2b2659cd82ff711c6b4c9dd17bc5afedcc38160aebf",
        "container_config": {
            **shared,
            "Hostname": "31fce1c4f402",
            "Cmd": ["/bin/sh", "-c", "#(nop) ", 'CMD ["/bin/sh"]'],
        },
        "created": "2026-11-23T20:11:33.524982613Z",
        "docker_version": "28.5.2",
        "os": "linux",
    }
    diff_ids = [
        "sha256:6e828ecdd5a03e490e6581399d899a3ad00635247e180fe47a243833c47f0ba7",
        "sha256:39359935ec429a0caf202c0d5b3869a04d6a28ee41f31a6345494a30f4b3b8a6",
    ]
    chain = builder.moby_v1(config, diff_ids)
    assert [v1id for v1id, _ in chain] == [
        "b45325b2a7649de246aa15f1a9bc1ec19e0b7209f72fbbe5364c71305f2c9e9f",
        "04eba0667ebeb71ccca2b0cc002025604d3168024de28e3c5964e3e18c168610",
    ]
    assert [hashlib.sha256(text).hexdigest() for _, text in chain] == [
        "9ff855af176463a2a29693e1c7c187cc16629565b86a837906f3e8dbfe8029b9",
        "adcd1a68b4d0c236e45862d3543b1e7e045fdd0ee5c18db20903cb629bc2a9f4",
    ]


def test_moby_v1_by_hand() -> None:
    """The explicit string that is hashed for a lower layer."""
    zero = (
        '{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,'
        '"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,'
        '"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null}'
    )
    text = f'{{"container_config":{zero},"created":"{EPOCH}","layer_id":"{ONE.diff_ids[0]}"}}'
    chain = builder.moby_v1(ONE.config(), ONE.diff_ids)
    assert chain[0][0] == hashlib.sha256(text.encode()).hexdigest()


def test_containers_image_v1_of_podman() -> None:
    """The ids of an image saved by podman 4.3.1."""
    config = {
        "created": "2026-11-23T20:03:20.557339028Z",
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": "1000:1000",
            "ExposedPorts": {"80/tcp": {}},
            "Env": ["PATH=/bin"],
            "Cmd": ["/bin/sh"],
            "Volumes": {"/data": {}},
            "Labels": {"b": "2", "io.buildah.version": "1.28.2", "org.example.k": 'v <&> "q" é'},
        },
    }
    diff_ids = [
        "sha256:b5147988e3815c24d74f2029562ee23ec2fa0bb971a07cb161d2033670637cba",
        "sha256:f848b1ba93842f1324c2d2a0c482136cf87e174c5a56ea620f3324dea910eb8a",
    ]
    chain = builder.containers_image_v1(config, diff_ids)
    assert chain[0] == (
        "9031f6d4136cebfcbe1751ca56cd872c920a276a59f59d3a556e7fdc415151b7",
        b'{"id":"9031f6d4136cebfcbe1751ca56cd872c920a276a59f59d3a556e7fdc415151b7"}',
    )
    assert chain[1][0] == "92d6ca40754933858ad4a91cd0be293c5f9bf748385d033c516ae7d6bfd70bcb"
    assert len(chain[1][1]) == 508


# ----------------------------------------------------------------------------------------------------------------- tar


@pytest.mark.parametrize(("magic", "form"), [(builder.USTAR, 0), (builder.GNU, 1)])
@pytest.mark.parametrize("name", ["short", "é", "d" * 90 + "/" + "n" * 90, "n" * 100])
def test_header_is_that_of_tarfile(magic: bytes, form: Literal[0, 1], name: str) -> None:
    """Plain headers are byte for byte those of Python, but for the device numbers, which it leaves out."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.uid, info.uname, info.gname, info.mode = 3, 1234567, 1000, "root", "wheel", 0o755
    mine = tar([Entry(name, b"abc", mtime=1234567, uid=1000, uname="root", gname="wheel", mode=0o755, magic=magic)])
    theirs = info.tobuf(form, "utf-8", "surrogateescape")
    for part in (slice(148), slice(156, 329), slice(345, 512)):
        assert mine[: len(theirs)][-512:][part] == theirs[-512:][part]
    with tarfile.open(fileobj=io.BytesIO(mine)) as opened:
        (member,) = opened.getmembers()
        assert (member.name, member.size, member.mtime, member.uid, member.uname) == (name, 3, 1234567, 1000, "root")


def test_long_names_and_pax() -> None:
    """A name that no header holds is carried by a pax record or by GNU's long name, and records may be anything."""
    long = "a/" + "n" * 200
    entries = [
        Entry(long, b"1"),
        Entry(long + "gnu", b"2", magic=builder.GNU),
        Entry("low", b"3", pax={"path": "high", "comment": b"x" * 90}),
        Entry("twice", b"4", pax=[("path", "first"), ("path", "second")]),
        Entry("global", builder.pax_records({"comment": "g"}), b"g"),
        Entry("raw", b"5", pax=b"13 path=raw!\n"),
    ]
    with tarfile.open(fileobj=io.BytesIO(tar(entries))) as opened:
        assert opened.getnames() == [long, long + "gnu", "high", "second", "raw!"]
        assert opened.pax_headers == {"comment": "g"}


@pytest.mark.parametrize("length", range(85, 105))
def test_pax_record_counts_itself(length: int) -> None:
    """The length of a record includes its own digits, also where they grow by one."""
    record = builder.pax_records({"k": "v" * length})
    assert record == b"%d k=%s\n" % (len(record), b"v" * length)


def test_anomalies() -> None:
    """What tarfile refuses to write is written as asked."""
    assert builder.header(Entry("a", size=-1))[124:136] == b"\xff" * 12
    assert builder.header(Entry("a", size=8**11))[124:136] == b"\x80\0\0\0\0\0\0\x02\0\0\0\0"
    assert builder.header(Entry("a", b"xy", size=b"00000000007 "))[124:136] == b"00000000007 "
    assert builder.header(Entry("a", checksum=1))[148:156] == b"000001\0 "
    assert builder.header(Entry("a", magic=builder.V7))[257:265] == bytes(8)
    assert builder.header(Entry(b"\xff\0b", raw_header=b"r" * 512)) == b"r" * 512
    assert builder.header(Entry(b"\xff\0b")).startswith(b"\xff\0b\0")
    link = tar([Entry("l", b"hidden", b"2", "../target")], end=b"")
    assert link[512:] == b"hidden".ljust(512, b"\0")
    assert len(tar([], pad_to=10240)) == 10240
    assert tar([Entry("a")], end=b"junk")[512:] == b"junk"


# --------------------------------------------------------------------------------------------------------- compression


@pytest.mark.parametrize("size", [0, 1, 1 << 17, (1 << 20) + 1, 2 << 20])
@pytest.mark.parametrize("name", ["none", "gzip", "pgzip", "zstd"])
def test_compression_can_be_undone(name: str, size: int) -> None:
    """Real decoders give the bytes back."""
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    packed = builder.COMPRESS[name](data)
    assert unpacked(packed) == data
    assert packed == builder.COMPRESS[name](data)


def test_gzip_headers() -> None:
    """The header bytes tell the compressor, and several members follow one another."""
    assert builder.gz(b"x").hex().startswith("1f8b08000000000000ff")
    assert builder.gz(b"x", mtime=1, xfl=2, os=3, level=9).hex().startswith("1f8b0800010000000203")
    assert builder.pgzip(b"x").hex().startswith("1f8b080000096e8800ff")
    assert builder.pgzip(b"x")[-15:-8].hex() == "000000ffff0300"
    assert gzip.decompress(builder.multi_gz(b"one ", b"two")) == b"one two"


# ---------------------------------------------------------------------------------------------------------------- lies

WITH_DOCUMENTS = sorted(LAYOUTS.keys() - {"pre110"})


@pytest.mark.parametrize("name", WITH_DOCUMENTS)
def test_swap_config(name: str) -> None:
    """Only the bytes of the config change."""
    before, entries = LAYOUTS[name]([ONE]), LAYOUTS[name]([ONE])
    changed = builder.swap_config(entries)
    assert [a.path for a, b in zip(before, entries, strict=True) if a != b] == [changed.path]
    assert json.loads(changed.data)["config"]["Cmd"] == ["/bin/evil"]
    assert json.loads(builder.swap_config(entries, {"os": "plan9"}).data)["os"] == "plan9"


@pytest.mark.parametrize("name", WITH_DOCUMENTS)
def test_swap_layer(name: str) -> None:
    """Only the bytes of the layer change, and it is compressed as before."""
    before, entries = LAYOUTS[name]([ONE]), LAYOUTS[name]([ONE])
    changed = builder.swap_layer(entries, number=1)
    (true,) = [a for a, b in zip(before, entries, strict=True) if a != b]
    assert true.path == changed.path
    assert true.data[:10] == changed.data[:10] or true.data == ONE.layers[1]
    assert unpacked(changed.data) == builder.EVIL


@pytest.mark.parametrize("name", WITH_DOCUMENTS)
def test_swap_both(name: str) -> None:
    """Config and layer agree with each other, and with no name."""
    before, entries = LAYOUTS[name]([ONE]), LAYOUTS[name]([ONE])
    config, changed = builder.swap_both(entries)
    assert {a.path for a, b in zip(before, entries, strict=True) if a != b} == {config.path, changed.path}
    diff_ids = [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in (builder.EVIL, ONE.layers[1])]
    assert json.loads(config.data)["rootfs"]["diff_ids"] == diff_ids
    assert unpacked(changed.data) == builder.EVIL
    assert [unpacked(entry.data) for entry in builder.layers_of(entries)] == [builder.EVIL, ONE.layers[1]]


def test_lies_reach_through_index_and_links() -> None:
    """Without manifest.json the config is found behind the index; a linked layer is the file that it points to."""
    entries = builder.containerd([ONE], manifest_json=False, attestation=True, compression="pgzip")
    assert builder.swap_layer(entries).data[4:8].hex() == "00096e88"
    assert json.loads(builder.config_of(entries).data)["os"] == "linux"
    first, _, third = builder.layers_of(builder.docker_legacy([ONE, TWO]), image=1)
    assert first is third
    assert first.data == SHARED


def test_entry_helpers() -> None:
    """find, replace, drop and duplicate."""
    entries = builder.docker_legacy([ONE])
    twin = builder.duplicate(entries, "manifest.json", b"[]")
    assert entries[-1] is twin
    assert builder.duplicate(entries, "manifest.json", before=True).data == builder.find(entries, "manifest.json").data
    assert [entry.path for entry in entries].count("manifest.json") == 3
    assert builder.replace(entries, "repositories", b"{}").data == b"{}"
    builder.drop(entries, "repositories")
    for name in ("repositories", "layer.tar"):
        with pytest.raises(LookupError, match=name):
            builder.find(entries, name)
