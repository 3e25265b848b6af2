"""The models of readers without the real programs: what was measured once, and the rules they are made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgforensics import Limits, Options
from imgforensics.loaders import MODELS, Reader
from imgforensics.loaders.disk import Disk
from imgforensics.loaders.documents import SAVED
from imgforensics.loaders.godecode import MAP, decode
from imgforensics.loaders.gonames import clean, join, parent
from imgforensics.loaders.load import RefusedError
from imgforensics.model import Digest
from tests import builder
from tests.builder import Entry
from tests.crafted import viewparts as parts
from tests.crafted import views
from tests.crafted.case import Crafted
from tests.crafted.viewparts import good
from tests.readerarchives import TRICKS
from tests.readerparts import REFUSED
from tests.support import case_of, report_of

LETTERS = dict(zip("29DcpsorytgaX", Reader, strict=False))
"""One letter a reader, in the order of reports."""

MEASURED = {
    "VIEW-01-hybrid": ("29sryt", "Dcpoga"),
    "VIEW-02-two-entries": ("Dcoga", "29psryt"),
    "VIEW-02-missing-blob": ("D", "29psrytg"),
    "VIEW-02-no-layout": ("29Dcsrytg", "po"),
    "VIEW-02-other-layout": ("29srytg", "po"),
    "VIEW-03-manifest": ("psrytg", "29Dc"),
    "VIEW-03-index": ("g", "Dcpoya"),
    "VIEW-03-config": ("psrytg", "29Dc"),
    "VIEW-03-layer": ("Dpsrytg", ""),
    "VIEW-04-dot-slash": ("psrytg", "29Dc"),
    "VIEW-04-up-and-down": ("psrytg", "29Dc"),
    "VIEW-04-absolute": ("Dcpsrytg", "29"),
    "VIEW-04-case": ("29Dcpsrytg", ""),
    "VIEW-05-document": ("29psryt", ""),
    "VIEW-05-config": ("29rt", ""),
    "VIEW-05-outside": ("", ""),
    "VIEW-07-merged": ("psrytg", "Dc"),
}
"""Crafted archive to the readers that take the good image, and those that take another; the rest refuse."""


def _taken(data: bytes) -> dict[str, set[Reader]]:
    found: dict[str, set[Reader]] = {}
    for load in case_of(report_of(data)).loads:
        if load.image_id is not None:
            found.setdefault(str(load.image_id), set()).add(load.reader)
    return found


def _ids(data: bytes) -> set[str]:
    return set(_taken(data))


@pytest.mark.parametrize("name", MEASURED)
def test_who_takes_which_image(name: str) -> None:
    case = next(case for case in views.CRAFTED if case.name == name)
    taken = _taken(case.make())
    known = [_ids(builder.tar(builder.LAYOUTS[layout]([good()]))) for layout in builder.LAYOUTS if layout != "pre110"]
    innocent = set().union(*known, _ids(parts.duplicate_layers()))
    right, wrong = ({LETTERS[letter] for letter in letters} for letters in MEASURED[name])
    assert set().union(*(readers for image, readers in taken.items() if image in innocent)) == right
    assert set().union(*(readers for image, readers in taken.items() if image not in innocent)) == wrong


@pytest.mark.parametrize("case", views.CRAFTED, ids=[case.name for case in views.CRAFTED])
def test_every_reader_says_why(case: Crafted) -> None:
    loads = case_of(report_of(case.make())).loads
    assert {load.reader for load in loads} == set(Reader) == set(MODELS)
    assert all(load.why and "\n" not in load.why for load in loads)
    assert all(load.image_id is None and load.manifest_digest is None for load in loads if load.refused)


@pytest.mark.parametrize("layout", builder.LAYOUTS)
def test_ordinary_archives_show_everybody_the_same(layout: str) -> None:
    case = case_of(report_of(builder.archive(layout)))
    assert not case.sides
    assert any(not load.refused for load in case.loads)
    assert len({load.image_id for load in case.loads if not load.refused}) == 1


def _loads(trick: str, reader: Reader) -> bool:
    return not any(load.refused for load in case_of(report_of(TRICKS[trick]())).loads if load.reader is reader)


@pytest.mark.parametrize(
    ("trick", "taking", "refusing"),
    [
        ("json-trailing", "29Dcryt", "psg"),
        ("json-bom", "", "29Dcpsrytg"),
        ("json-null", "", "29Dcpsryt"),
        ("swapped-config", "29Dcpsryt", ""),
        ("swapped-layer", "ryt", "29cps"),
        ("swapped-both", "29Dcpsryt", ""),
        ("oci-swapped-both", "", "Dcpoga"),
        ("fewer-diff-ids", "D", "29cpsryt"),
        ("bad-checksum", "", "29Dcpsryt"),
        ("end-marker", "", "29Dcpsryt"),
        ("trailing", "29Dcpsryt", ""),
        ("folder-with-data", "", "29Dcps"),
        ("member-rooted", "29", "Dcpsrytg"),
        ("config-symlinks", "29ryt", "cpsg"),
        ("windows", "Dpsryt", "29c"),
    ],
)
def test_who_refuses_what(trick: str, taking: str, refusing: str) -> None:
    assert all(_loads(trick, LETTERS[letter]) for letter in taking)
    assert not any(_loads(trick, LETTERS[letter]) for letter in refusing)


def test_tar_of_the_manifest_that_nobody_hashes() -> None:
    """containers/image does not hash the manifest that index.json names; everybody else does, or finds it by content."""
    case = case_of(report_of(TRICKS["oci-other-manifest"]()))
    takers = {load.reader for load in case.loads if load.image_id is not None}
    assert takers == {Reader.PODMAN, Reader.SKOPEO_OCI, Reader.SYFT}


def test_regctl_falls_back_only_to_what_it_met_before() -> None:
    entries = parts.swapped()
    builder.drop(entries, builder.layers_of(builder.containerd([good()], manifest_json=False))[1].path)
    last = builder.drop(entries, "manifest.json")
    data = builder.tar([*entries, last])
    (load,) = [load for load in case_of(report_of(data)).loads if load.reader is Reader.REGCTL]
    assert load.refused


def test_several_platforms_are_all_listed() -> None:
    images = [good(), builder.ImageSpec(tags=[parts.TAG], platform="linux/arm64")]
    case = case_of(report_of(builder.containerd(images, index=True, attestation=True)))
    loads = [load for load in case.loads if load.reader is Reader.CONTAINERD]
    assert [load.why.rpartition("; ")[2] for load in loads] == ["for linux/amd64", "for linux/arm64"]
    assert not case.sides


# ------------------------------------------------------------------------------------------------------ how Go decodes


def test_a_second_document_is_decoded_over_the_first() -> None:
    first = decode(b'[{"Config":"a","RepoTags":["t"],"Layers":["l"]},{"Config":"b"}]', SAVED, stream=True)
    merged = decode(b'[{"config":"c"}]', SAVED, stream=True, into=first)
    assert merged == [{"Config": "c", "RepoTags": ["t"], "Layers": ["l"]}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"A":"1","a":"2"}', {"a": "2"}),
        (b'{"a":"1","A":null}', {"a": "1"}),
        (b' {"x":[{}],"a":"\\ud800"}', {"a": "\ufffd"}),
        ('{"\u212a":"1"}'.encode(), {"a": ""}),
    ],
)
def test_keys_and_values_as_go_takes_them(text: bytes, value: object) -> None:
    assert decode(text, {"a": str}, stream=False) == value


def test_maps_and_structs_are_united() -> None:
    schema = {"m": MAP, "s": {"x": str, "y": str}, "l": [str]}
    text = b'{"m":{"a":"1"},"s":{"x":"1"},"l":["1","2"],"m":{"b":"2"},"s":{"y":"2"},"l":["3"]}'
    assert decode(text, schema, stream=False) == {"m": {"a": "1", "b": "2"}, "s": {"x": "1", "y": "2"}, "l": ["3"]}
    assert decode(b'{"m":{"a":"1"},"m":null}', schema, stream=False)["m"] is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"{}", None),
        (b'{"p":null}', None),
        (b'{"p":{}}', {"a": "", "b": ""}),
        (b'{"p":{"a":"1"},"P":{"b":"2"}}', {"a": "1", "b": "2"}),
        (b'{"p":{"a":"1"},"p":null,"p":{"b":"2"}}', {"a": "", "b": "2"}),
        (b'{"p":{"a":"1"},"p":null}', None),
    ],
)
def test_pointers_are_nil_until_an_object_comes(text: bytes, value: object) -> None:
    assert decode(text, {"p": ({"a": str, "b": str},)}, stream=False) == {"p": value}


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b'{"n":1.5}', b'{"n":true}', b'{"n":"1"}', b'{"a":1}', b'{"l":{}}', b'{"m":[]}', b"[1e999]"],
)
def test_what_go_refuses(text: bytes) -> None:
    with pytest.raises(RefusedError):
        decode(text, {"n": int, "a": str, "l": [str], "m": MAP}, stream=True)


@given(st.binary(max_size=200))
def test_decoding_ends_in_a_value_or_a_refusal(raw: bytes) -> None:
    for stream in (True, False):
        try:
            decode(raw, SAVED, stream=stream)
        except RefusedError:
            continue


# ------------------------------------------------------------------------------------------------------- names and disk


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [("", "."), ("./a", "a"), ("a/../b", "b"), ("../a", "../a"), ("/../a", "/a"), ("a/", "a"), ("a//b/.", "a/b")],
)
def test_names_are_cleaned_as_go_does(name: str, cleaned: str) -> None:
    assert clean(name) == cleaned


def test_parts_of_names() -> None:
    assert (parent("a/b"), parent("a"), parent("/a")) == ("a", ".", "/")
    assert (join("a", "../b"), join(".", "/x"), join("", "")) == ("b", "x", "")


def _disk(*entries: Entry, chroot: bool = False) -> Disk:
    return Disk(case_of(report_of([*builder.crane([good()]), *entries])).catalogue.members[4:], chroot=chroot)


def test_unpacking() -> None:
    disk = _disk(
        Entry("d/", type=b"5"),
        Entry("s", type=b"2", linkname="d"),
        Entry("s/f", b"x"),
        Entry("h", type=b"1", linkname="d/f"),
        Entry("loop", type=b"2", linkname="loop"),
        Entry("f", b"y"),
        Entry("f/", type=b"5"),
        Entry("f/g", b"z"),
        Entry("up", type=b"2", linkname="d/../h"),
    )
    assert disk.at("d/f") == disk.at("s/f") == disk.at("h") == disk.at("up") == 6
    assert disk.at("f") is None
    assert disk.at("f/g") == 11
    assert disk.at("loop") is None
    assert disk.at("d") is None


@pytest.mark.parametrize("below", ["f/g", "f/g/h"])
def test_nothing_can_be_put_below_a_file(below: str) -> None:
    with pytest.raises(RefusedError, match="f is a file"):
        _disk(Entry("f", b"y"), Entry(below, b"z"))


@pytest.mark.parametrize(
    "entry", [Entry("../x", b""), Entry("x", type=b"2", linkname="../y"), Entry("x", type=b"1", linkname="../y")]
)
def test_leading_out_ends_the_unpacking(entry: Entry) -> None:
    with pytest.raises(RefusedError):
        _disk(entry)
    if entry.type != b"1":
        _disk(entry, chroot=True)


def test_image_ids_are_computed() -> None:
    entries = builder.docker_legacy([good()])
    config, _ = builder.swap_both(entries)
    loads = case_of(report_of(entries)).loads
    assert {load.image_id for load in loads if not load.refused} == {Digest.of(config.data)}


# --------------------------------------------------------------------------------------------------------------- bounds


def test_names_that_no_disk_takes_end_the_unpacking() -> None:
    for entry in (Entry("x" * 256, b""), Entry("x", type=b"2", pax={"linkpath": "y/" * 3_000})):
        with pytest.raises(RefusedError):
            _disk(entry)


@pytest.mark.parametrize(
    ("name", "readers"),
    [
        ("xattr-capability", "both"),
        ("xattr-capability-v2", ""),
        ("xattr-name-256", "both"),
        ("xattr-on-symlink", "not in a chroot"),
        ("xattr-elsewhere", ""),
        ("acl-short", "both"),
        ("symlink-to-nothing", "both"),
        ("root-slash", "both"),
        ("root-dot", ""),
    ],
)
def test_what_linux_refuses_ends_the_unpacking(name: str, readers: str) -> None:
    for chroot in (True, False):
        if readers == "both" or (readers and not chroot):
            with pytest.raises(RefusedError):
                _disk(REFUSED[name], chroot=chroot)
        else:
            _disk(REFUSED[name], chroot=chroot)


def test_links_that_multiply_are_not_followed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imgforensics.loaders.disk._STEPS", 1_000)
    disk = _disk(
        *(Entry(f"l{n}", type=b"2", linkname=f"./{f'l{n + 1}/../' * 20}l{n + 1}") for n in range(9)), Entry("l9", b"")
    )
    with pytest.raises(RefusedError):
        any(disk.at("l0" + "/." * number) for number in range(1_000))


def test_references_are_counted() -> None:
    limits = Limits(references=9)
    many = [good(f"example.com/app:{number}") for number in range(6)]
    loads = case_of(report_of(builder.containerd(many), Options(limits=limits))).loads
    refused = {load.reader for load in loads if load.refused and "no more were followed" in load.why}
    assert {Reader.CONTAINERD, Reader.DOCKER_28, Reader.SKOPEO_DOCKER} <= refused
