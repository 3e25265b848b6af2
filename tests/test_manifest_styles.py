"""How manifests are spelled: every style against bytes that were written out by hand, and what all have in common."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgforensics.documentreader import Reader, read_manifest
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import Digest
from imgforensics.reconstruct import manifest
from imgforensics.reconstruct.manifest import STYLES, Entry, ManifestStyle, write_manifest
from imgforensics.reconstruct.spelling import spelled_by

C, L = "c" * 64, "1" * 64
CONFIG = Entry("t/config", Digest.sha256(C), 12)
LAYER = Entry("t/layer", Digest.sha256(L), 345)

DOCKER = """{
   "schemaVersion": 2,
   "mediaType": "t/manifest",
   "config": {
      "mediaType": "t/config",
      "size": 12,
      "digest": "sha256:%s"
   },
   "layers": [
      {
         "mediaType": "t/layer",
         "size": 345,
         "digest": "sha256:%s"
      }
   ]
}"""
BUILDER = """{
    "mediaType": "t/manifest",
    "schemaVersion": 2,
    "config": {
        "mediaType": "t/config",
        "digest": "sha256:%s",
        "size": 12
    },
    "layers": [
        {
            "mediaType": "t/layer",
            "digest": "sha256:%s",
            "size": 345
        }
    ]
}"""
RULES_OCI = """{
  "schemaVersion": 2,
  "mediaType": "t/manifest",
  "config": {
    "mediaType": "t/config",
    "size": 12,
    "digest": "sha256:%s"
  },
  "layers": [
    {
      "size": 345,
      "digest": "sha256:%s",
      "mediaType": "t/layer"
    }
  ]
}
"""
BUILDKIT = BUILDER.replace("    ", "  ").replace('mediaType": "t/manifest"', 'schemaVersion": 2', 1)
BUILDKIT = BUILDKIT.replace(
    '"schemaVersion": 2,\n  "schemaVersion": 2', '"schemaVersion": 2,\n  "mediaType": "t/manifest"'
)
SIZE_FIRST = (
    '{"schemaVersion":2,"mediaType":"t/manifest","config":{"mediaType":"t/config","size":12,"digest":"sha256:%s"},'
    '"layers":[{"mediaType":"t/layer","size":345,"digest":"sha256:%s"}]}'
)
DIGEST_FIRST = (
    '{"schemaVersion":2,"mediaType":"t/manifest","config":{"mediaType":"t/config","digest":"sha256:%s","size":12},'
    '"layers":[{"mediaType":"t/layer","digest":"sha256:%s","size":345}]}'
)
WITHOUT_TYPE = DIGEST_FIRST.replace('"mediaType":"t/manifest",', "")
PYTHON = (
    '{"config": {"digest": "sha256:%s", "mediaType": "t/config", "size": 12}, '
    '"layers": [{"digest": "sha256:%s", "mediaType": "t/layer", "size": 345}], '
    '"mediaType": "t/manifest", "schemaVersion": 2}'
)


@pytest.mark.parametrize(
    ("style", "wanted"),
    [
        (manifest.DOCKER, DOCKER),
        (manifest.CONTAINERS_SCHEMA2, SIZE_FIRST),
        (manifest.CONTAINERS_OCI, DIGEST_FIRST),
        (manifest.JIB, DIGEST_FIRST),
        (manifest.OCI_WITHOUT_TYPE, WITHOUT_TYPE),
        (manifest.UMOCI, WITHOUT_TYPE + "\n"),
        (manifest.CLASSIC_BUILDER, BUILDER),
        (manifest.BUILDKIT, BUILDKIT),
        (manifest.BUILDKIT_0_11, BUILDER.replace("    ", "  ")),
        (manifest.BUILDKIT_0_10, BUILDER.replace("    ", "   ")),
        (manifest.RULES_OCI, RULES_OCI),
        (manifest.RULES_DOCKER_PYTHON, PYTHON),
    ],
    ids=lambda value: value.name if isinstance(value, ManifestStyle) else "",
)
def test_every_style(style: ManifestStyle, wanted: str) -> None:
    assert write_manifest(style, "t/manifest", CONFIG, [LAYER]).decode() == wanted % (C, L)


def test_the_table_holds_every_style_once() -> None:
    declared = {value for value in vars(manifest).values() if isinstance(value, ManifestStyle)}
    assert set(STYLES) == declared
    assert len(STYLES) == len({style.name for style in STYLES})


def test_go_sorts_and_escapes_annotations() -> None:
    notes = {"b": "<é>&\u2028", "a": 'x"\n\b', "Z": ""}
    written = write_manifest(manifest.CONTAINERS_OCI, "t", CONFIG, [], notes)
    assert written.endswith(
        ',"layers":[],"annotations":{"Z":"","a":"x\\"\\n\\b","b":"\\u003cé\\u003e\\u0026\\u2028"}}'.encode()
    )


def test_others_keep_the_order_and_escape_less() -> None:
    written = write_manifest(manifest.RULES_OCI, "t", CONFIG, [], {"b": "<é>&", "a": "\n"})
    assert written.endswith('  "layers": [],\n  "annotations": {\n    "b": "<é>&",\n    "a": "\\n"\n  }\n}\n'.encode())


def test_buildkit_prints_no_layers_as_null() -> None:
    assert b'"layers": null\n}' in write_manifest(manifest.BUILDKIT, "t", CONFIG, [])
    assert b'"layers": []\n}' in write_manifest(manifest.DOCKER, "t", CONFIG, [])


def test_a_layers_urls_and_annotations_follow_its_digest() -> None:
    foreign = replace(LAYER, urls=("https://example.com/layer",), annotations={"k": "v"})
    written = json.loads(write_manifest(manifest.DOCKER, "t", CONFIG, [foreign]))["layers"][0]
    assert list(written) == ["mediaType", "size", "digest", "urls", "annotations"]
    assert written["urls"] == ["https://example.com/layer"]
    python = json.loads(write_manifest(manifest.RULES_DOCKER_PYTHON, "t", CONFIG, [foreign]))["layers"][0]
    assert list(python) == ["digest", "mediaType", "size"]


digests = st.binary(min_size=32, max_size=32).map(lambda raw: Digest.sha256(raw.hex()))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
entries = st.builds(
    Entry, texts, digests, st.integers(0, 2**63 - 1), annotations=st.dictionaries(texts, texts, max_size=3)
)


@given(
    st.sampled_from(STYLES), texts, entries, st.lists(entries, max_size=4), st.dictionaries(texts, texts, max_size=4)
)
def test_whatever_the_style_it_says_the_same_and_is_recognised(
    style: ManifestStyle, media_type: str, config: Entry, layers: list[Entry], notes: dict[str, str]
) -> None:
    written = write_manifest(style, media_type, config, layers, notes)
    value = json.loads(written)
    keys = [key for key in style.keys if key != "annotations" or notes]
    assert list(value) == keys
    assert value["config"]["digest"] == str(config.digest)
    assert [layer["size"] for layer in value["layers"] or ()] == [layer.size for layer in layers]
    assert value.get("annotations", notes) == notes or "annotations" not in style.keys
    read = read_manifest(value, DEFAULT_LIMITS, Reader())
    dropped = not {"urls", "annotations"} & set(style.layer_keys) and any(layer.annotations for layer in layers)
    if "mediaType" in style.keys and not config.annotations and not dropped:
        assert style in spelled_by(written, read)


def test_a_manifest_of_no_known_spelling() -> None:
    written = write_manifest(manifest.DOCKER, "t", CONFIG, [LAYER])
    read = read_manifest(json.loads(written), DEFAULT_LIMITS, Reader())
    assert spelled_by(written, read) == (manifest.DOCKER,)
    assert spelled_by(written + b" ", read) == ()
    assert spelled_by(written.replace(b"   ", b"\t"), read) == ()
    assert spelled_by(written, replace(read, config=None)) == ()
    unsized = replace(read.layers[0], size=None)
    assert spelled_by(written, replace(read, layers=(unsized,))) == ()
