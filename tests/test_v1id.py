"""Legacy v1 ids: vectors are JSON written out by hand, hashed here, never printed by the code under test."""

import hashlib
import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgforensics.gojson import go_string, go_time
from imgforensics.gostruct import Dialect
from imgforensics.v1config import ZERO_TIME, print_config
from imgforensics.v1id import (
    UTC_EPOCH,
    MobyIds,
    _lower_ids,
    _top_members,
    chain_hex_ids,
    chain_ids,
    containers_image_ids,
    moby_id,
)
from imgforensics.v1json import V1Json, parse_v1_json

DIFF_0 = "sha256:" + "a" * 64
DIFF_1 = "sha256:" + "b" * 64
DIFF_2 = "sha256:" + "c" * 64


def moby_ids(
    config: Mapping[str, object],
    diff_ids: Sequence[str],
    *,
    lower_created: str,
    variant: bool = True,
    version: tuple[int, int] = (20, 10),
) -> list[str] | None:
    """The IDs that one engine gives the layers of an image (moby, image/v1/imagev1.go, CreateID).

    Args:
        config: the image's parsed config; any JSON values in it.
        diff_ids: of all layers, lowest first, as ``sha256:`` and hex.
        lower_created: date that the engine writes for every layer but the top one, as it stands in the JSON.
        variant: whether the engine knows the config's key ``variant`` (20.10 and newer).
        version: major and minor of the engine, from 1.10; taken to be built by a Go older than 1.22.

    Returns:
        One id a layer, lowest first, in bare hex; None where docker could not read such a config.
    """
    dialect = Dialect(version, short_controls=False)
    top = _top_members(config, dialect, variant=variant)
    if top is None:
        return None
    chain = chain_ids(diff_ids)
    lower = _lower_ids(chain[:-1], lower_created, print_config(None, dialect))
    return lower + [moby_id(top, link, lower[-1] if lower else None) for link in chain[-1:]]


ZERO = (
    '{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,'
    '"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"",'
    '"Entrypoint":null,"OnBuild":null,"Labels":null}'
)
"""container.Config with nothing set, as docker up to 28 prints it."""

ZERO_29 = ZERO.replace('"OnBuild":null,', "")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def link(lower: str, diff_id: str) -> str:
    """ChainID of a layer over another."""
    return "sha256:" + sha256(f"{lower} {diff_id}")


def lower_id(created: str = UTC_EPOCH, zero: str = ZERO) -> str:
    return sha256(f'{{"container_config":{zero},"created":"{created}","layer_id":"{DIFF_0}"}}')


def single(config: Mapping[str, object], version: tuple[int, int] = (20, 10), *, variant: bool = True) -> str | None:
    """Id of an image's only layer."""
    ids = moby_ids(config, [DIFF_0], lower_created=UTC_EPOCH, version=version, variant=variant)
    assert ids is None or len(ids) == 1
    return ids[0] if ids else None


def top_json(container_config: str = ZERO, created: str = f'"{ZERO_TIME}"', **others: str) -> str:
    """The JSON hashed for an image of one layer."""
    members = {"container_config": container_config, "created": created, "layer_id": f'"{DIFF_0}"'} | others
    return "{" + ",".join(f'"{key}":{members[key]}' for key in sorted(members)) + "}"


# --- chain IDs


def test_chain_ids_of_the_specification() -> None:
    second = link(DIFF_0, DIFF_1)
    assert chain_ids([]) == []
    assert chain_ids([DIFF_0, DIFF_1, DIFF_2]) == [DIFF_0, second, link(second, DIFF_2)]


def test_chain_hex_ids_are_bare() -> None:
    assert chain_hex_ids([DIFF_0, DIFF_1]) == ["a" * 64, link(DIFF_0, DIFF_1)[7:]]


# --- strings and times as Go prints them


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ü €", '"plain ü €"'),
        ("<a>&'", '"\\u003ca\\u003e\\u0026\'"'),
        ('"\\/', '"\\"\\\\/"'),
        ("\n\r\t", '"\\n\\r\\t"'),
        ("\0\b\f\x1f\x7f", '"\\u0000\\u0008\\u000c\\u001f\x7f"'),
        ("\u2028\u2029", '"\\u2028\\u2029"'),
        ("\ud800x", '"\ufffdx"'),
        ("\U0001f433", '"\U0001f433"'),
    ],
)
def test_go_string(text: str, expected: str) -> None:
    assert go_string(text) == expected


def test_go_string_since_go_1_22() -> None:
    assert go_string("\b\f\x0b", short_controls=True) == '"\\b\\f\\u000b"'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-08-20T20:19:55.211423266Z", "2019-08-20T20:19:55.211423266Z"),
        ("2019-08-20T20:19:55.210000000Z", "2019-08-20T20:19:55.21Z"),
        ("2019-08-20T20:19:55.000Z", "2019-08-20T20:19:55Z"),
        ("2019-08-20T20:19:55.1234567899Z", "2019-08-20T20:19:55.123456789Z"),
        ("1970-01-01T00:00:01+00:00", "1970-01-01T00:00:01Z"),
        ("1970-01-01T00:00:01-00:00", "1970-01-01T00:00:01Z"),
        ("2019-08-20T20:19:55.50+02:30", "2019-08-20T20:19:55.5+02:30"),
        ("2020-02-29T00:00:00Z", "2020-02-29T00:00:00Z"),
        ("0000-02-29T00:00:00Z", "0000-02-29T00:00:00Z"),
    ],
)
def test_go_time_prints_again(text: str, expected: str) -> None:
    assert go_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2019-08-20",
        "2019-08-20 20:19:55Z",
        "2019-08-20t20:19:55z",
        "2019-02-29T00:00:00Z",
        "2019-13-01T00:00:00Z",
        "2019-00-01T00:00:00Z",
        "2019-01-00T00:00:00Z",
        "2019-01-01T24:00:00Z",
        "2019-01-01T00:60:00Z",
        "2019-01-01T00:00:60Z",
        "2019-01-01T00:00:00.Z",
        "2019-01-01T00:00:00+24:00",
        "2019-01-01T00:00:00+00:60",
        "2019-01-01T00:00:00Z\n",
        "٢٠١٩-01-01T00:00:00Z",
    ],
)
def test_go_time_refuses(text: str) -> None:
    assert go_time(text) is None


# --- moby


def test_worked_example_of_two_layers() -> None:
    config: dict[str, object] = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [DIFF_0, DIFF_1]},
        "history": [],
        "created": "2021-09-23T23:47:57.40Z",
        "docker_version": "20.10.7",
        "config": {"Cmd": ["/hello"], "Env": ["PATH=/bin"], "Labels": {}},
        "moby.buildkit.cache.v0": None,
        "parent": "sha256:" + "d" * 64,
    }
    lower = lower_id()
    printed = (
        '{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,'
        '"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["PATH=/bin"],"Cmd":["/hello"],"Image":"",'
        '"Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":{}}'
    )
    top = sha256(
        f'{{"architecture":"amd64","config":{printed},"container_config":{ZERO},"created":"2021-09-23T23:47:57.4Z",'
        f'"docker_version":"20.10.7","layer_id":"{link(DIFF_0, DIFF_1)}","os":"linux","parent":"sha256:{lower}"}}'
    )
    assert moby_ids(config, [DIFF_0, DIFF_1], lower_created=UTC_EPOCH) == [lower, top]


def test_lower_layers_chain_their_parents() -> None:
    first = lower_id(ZERO_TIME)
    second = sha256(
        f'{{"container_config":{ZERO},"created":"{ZERO_TIME}","layer_id":"{link(DIFF_0, DIFF_1)}",'
        f'"parent":"sha256:{first}"}}'
    )
    ids = moby_ids({}, [DIFF_0, DIFF_1, DIFF_2], lower_created=ZERO_TIME)
    assert ids is not None
    assert ids[:2] == [first, second]


def test_no_layers() -> None:
    assert moby_ids({}, [], lower_created=UTC_EPOCH) == []


def test_all_keys_of_an_image() -> None:
    config: dict[str, object] = {
        "Size": 5,
        "variant": "v7",
        "author": "A <a@b>",
        "comment": "c",
        "container": "d",
        "id": "ignored",
        "config": None,
    }
    printed = {"author": '"A \\u003ca@b\\u003e"', "comment": '"c"', "container": '"d"', "Size": "5"}
    assert single(config) == sha256(top_json(**printed, variant='"v7"'))
    assert single(config, variant=False) == sha256(top_json(**printed))


def test_empty_keys_of_an_image_are_left_out() -> None:
    config: dict[str, object] = {"Size": 0, "variant": "", "author": None, "os": "", "container_config": None}
    assert single(config) == sha256(top_json())


def test_absent_date() -> None:
    assert single({}) == sha256(top_json())
    assert single({"created": None}, (25, 0)) == sha256(top_json(created="null"))


def config_id(printed: str) -> str:
    """Id of an image whose ``config`` prints like this."""
    return sha256(top_json(config=printed))


def zero_with(after: str, members: str, zero: str = ZERO) -> str:
    """A printed container.Config with more members behind this one."""
    head, tail = zero.split(after, 1)
    return head + after + "," + members + tail


def test_order_and_presence_of_config_fields() -> None:
    config = {
        "Shell": ["/bin/sh"],
        "StopTimeout": 0,
        "StopSignal": "TERM",
        "MacAddress": "02:42",
        "NetworkDisabled": True,
        "ArgsEscaped": True,
        "ExposedPorts": {"9/udp": {}, "80/tcp": {}},
        "Healthcheck": {"Retries": 3, "Interval": 30_000_000_000, "Test": ["NONE"], "StartPeriod": 1, "Timeout": 0},
    }
    printed = zero_with('"AttachStderr":false', '"ExposedPorts":{"80/tcp":{},"9/udp":{}}')
    healthcheck = '"Healthcheck":{"Test":["NONE"],"Interval":30000000000,"StartPeriod":1,"Retries":3}'
    printed = zero_with('"Cmd":null', f'{healthcheck},"ArgsEscaped":true', printed)
    printed = zero_with('"Entrypoint":null', '"NetworkDisabled":true,"MacAddress":"02:42"', printed)
    printed = zero_with('"Labels":null', '"StopSignal":"TERM","StopTimeout":0,"Shell":["/bin/sh"]', printed)
    assert single({"config": config}) == config_id(printed)


def test_empty_values_of_config_fields() -> None:
    config: dict[str, object] = {
        "Shell": [],
        "StopTimeout": None,
        "ExposedPorts": {},
        "ArgsEscaped": False,
        "Healthcheck": {},
        "Volumes": {},
        "Env": [],
    }
    printed = zero_with('"Cmd":null', '"Healthcheck":{}').replace('"Env":null', '"Env":[]')
    assert single({"config": config}) == config_id(printed.replace('"Volumes":null', '"Volumes":{}'))


def test_arguments_as_one_string_and_null_items() -> None:
    printed = ZERO.replace('"Cmd":null', '"Cmd":["ls"]').replace('"Env":null', '"Env":["",""]')
    printed = printed.replace('"Volumes":null', '"Volumes":{"/d":{}}').replace('"Labels":null', '"Labels":{"k":""}')
    config: dict[str, object] = {"Cmd": "ls", "Env": [None, ""], "Volumes": {"/d": None}, "Labels": {"k": None}}
    assert single({"config": config}) == config_id(printed)


def test_map_keys_are_sorted_by_bytes() -> None:
    labels = {"é": "1", "\U0001f433": "2", "\uffee": "3", "Z": "4", "a": "5", "\ud800": "6"}
    printed = ZERO.replace(
        '"Labels":null', '"Labels":{"Z":"4","a":"5","é":"1","\uffee":"3","\ufffd":"6","\U0001f433":"2"}'
    )
    assert single({"config": {"Labels": labels}}) == config_id(printed)


def test_keys_are_read_without_regard_to_case() -> None:
    printed = ZERO.replace('"User":""', '"User":"last"').replace('"Tty":false', '"Tty":true')
    config = {"User": "first", "u\u017fer": "last", "TTY": True}  # long s folds to s in Go as well
    assert single({"CONFIG": config}) == config_id(printed)
    # One character that folds to two is no match in Go.
    assert single({"con\ufb01g": {}}) == single({})


def test_fields_by_engine_version() -> None:
    config: dict[str, object] = {
        "StopTimeout": 9,
        "Shell": ["s"],
        "Healthcheck": {"StartPeriod": 1, "StartInterval": 2, "Retries": 3},
        "MacAddress": "02",
        "OnBuild": [],
        "ExposedPorts": {"80": {}, "443/TCP": {}},
    }
    image = {"config": config, "created": UTC_EPOCH}

    def expected(healthcheck: str, end: str, *, modern: bool = False) -> str:
        zero = ZERO_29 if modern else ZERO.replace('"OnBuild":null', '"OnBuild":[]')
        ports = '"443/tcp":{},"80/tcp":{}' if modern else '"443/TCP":{},"80":{}'
        printed = zero_with('"AttachStderr":false', f'"ExposedPorts":{{{ports}}}', zero)
        printed = zero_with('"Cmd":null', f'"Healthcheck":{{{healthcheck}}}', printed) if healthcheck else printed
        printed = printed if modern else zero_with('"Entrypoint":null', '"MacAddress":"02"', printed)
        printed = zero_with('"Labels":null', end, printed) if end else printed
        return sha256(top_json(ZERO_29 if modern else ZERO, f'"{UTC_EPOCH}"', config=printed))

    both = '"StopTimeout":9,"Shell":["s"]'
    all_times = '"StartPeriod":1,"StartInterval":2,"Retries":3'
    assert single(image, (1, 10)) == expected("", "")
    assert single(image, (1, 12)) == expected('"Retries":3', '"Shell":["s"]')
    assert single(image, (1, 13)) == expected('"Retries":3', both)
    assert single(image, (17, 5)) == expected('"StartPeriod":1,"Retries":3', both)
    assert single(image, (25, 0)) == expected(all_times, both)
    assert single(image, (29, 0)) == expected(all_times, both, modern=True)


@pytest.mark.parametrize("port", ["", "0080/tcp", "65535", "00000000000000000000001/x"])
def test_ports_that_docker_29_reads(port: str) -> None:
    assert single({"config": {"ExposedPorts": {port: {}}}}, (29, 0)) is not None


@pytest.mark.parametrize("port", ["65536/tcp", "80-90/tcp", "/tcp", "http", "+80", "٨٠", "8" * 5000])
def test_ports_that_docker_29_refuses(port: str) -> None:
    config: dict[str, object] = {"config": {"ExposedPorts": {port: {}}}}
    assert single(config, (29, 0)) is None
    assert single(config) is not None


@pytest.mark.parametrize(
    "config",
    [
        {"config": []},
        {"config": "text"},
        {"container_config": 1},
        {"architecture": 1},
        {"created": 0},
        {"created": "yesterday"},
        {"Size": 1.0},
        {"Size": True},
        {"Size": 2**63},
        {"Size": "1"},
        {"config": {"Env": "A=B"}},
        {"config": {"Env": [1]}},
        {"config": {"Cmd": {}}},
        {"config": {"Cmd": [["a"]]}},
        {"config": {"Tty": 1}},
        {"config": {"Labels": {"a": 1}}},
        {"config": {"Labels": []}},
        {"config": {"Volumes": {"/a": 1}}},
        {"config": {"ExposedPorts": ["80/tcp"]}},
    ],
)
def test_configs_that_docker_cannot_read(config: dict[str, object]) -> None:
    assert single(config) is None
    assert single(config, (29, 0)) is None
    assert MobyIds(config, [DIFF_0]).match(["0" * 64]) == ()


@pytest.mark.parametrize("field", [{"Healthcheck": []}, {"Healthcheck": {"Interval": "30s"}}, {"StopTimeout": "9"}])
def test_engines_do_not_mind_fields_that_they_do_not_know(field: dict[str, object]) -> None:
    assert single({"config": field}) is None
    oldest = single({"config": field}, (1, 10))
    assert oldest is not None
    assert MobyIds({"config": field}, [DIFF_0]).match([oldest]) == (oldest,)


# --- which engine, which zone


CONFIG: dict[str, object] = {"created": "2020-01-01T00:00:00Z", "architecture": "arm", "variant": "v7"}
DIFFS = [DIFF_0, DIFF_1, DIFF_2]


def claimed_with(created: str, *, variant: bool = True, version: tuple[int, int] = (20, 10)) -> list[str]:
    ids = moby_ids(CONFIG, DIFFS, lower_created=created, variant=variant, version=version)
    assert ids is not None
    return ids


@pytest.mark.parametrize(
    "created",
    [
        UTC_EPOCH,
        "1970-01-01T01:00:00+01:00",
        "1969-12-31T19:00:00-05:00",
        "1970-01-01T05:30:00+05:30",
        "1969-12-31T20:15:00-03:45",
        "1970-01-01T14:00:00+14:00",
        "1969-12-31T12:00:00-12:00",
        "1969-12-31T23:15:30-00:44",
        ZERO_TIME,
        "2020-01-01T00:00:00Z",
    ],
)
def test_the_date_is_found_without_a_hint(created: str) -> None:
    claimed = claimed_with(created)
    assert MobyIds(CONFIG, DIFFS).match(claimed) == tuple(claimed)


def test_any_date_is_found_with_a_hint() -> None:
    claimed = claimed_with("1999-09-09T09:09:09Z")
    assert MobyIds(CONFIG, DIFFS).match(claimed) != tuple(claimed)
    assert MobyIds(CONFIG, DIFFS).match(claimed, "not a date") != tuple(claimed)
    assert MobyIds(CONFIG, DIFFS).match(claimed, "1999-09-09T09:09:09.00Z") == tuple(claimed)


def test_a_misleading_hint_does_no_harm() -> None:
    claimed = claimed_with(UTC_EPOCH)
    assert MobyIds(CONFIG, DIFFS).match(claimed, "1999-09-09T09:09:09Z") == tuple(claimed)


@pytest.mark.parametrize("version", [(1, 10), (1, 12), (1, 13), (17, 5), (20, 10), (25, 0), (29, 0)])
def test_engines_of_all_ages_are_tried(version: tuple[int, int]) -> None:
    config = CONFIG | {"config": {"StopTimeout": 9, "Shell": ["s"], "Healthcheck": {"StartPeriod": 1}}}
    claimed = moby_ids(config, DIFFS, lower_created=ZERO_TIME, variant=version >= (20, 10), version=version)
    assert claimed is not None
    assert MobyIds(config, DIFFS).match(claimed) == tuple(claimed)


def test_claims_are_compared_one_after_the_other() -> None:
    """What one claim needed of all prints is there for the next, and what it did not need is made then."""
    ids = MobyIds(CONFIG, DIFFS)
    newest, oldest = claimed_with(UTC_EPOCH), claimed_with(ZERO_TIME, variant=False)
    modern = claimed_with(UTC_EPOCH, version=(29, 0))
    spent = []
    for claimed in (newest, newest, oldest, modern, newest, oldest):
        assert ids.match(claimed) == tuple(claimed)
        spent.append(ids.computed)
    assert spent[0] == spent[1] == len(DIFFS)
    assert spent[1] < spent[2] == spent[3] == spent[5]


def test_a_layer_alone_has_no_lower_date() -> None:
    claimed = [sha256(top_json(config=ZERO))]
    assert MobyIds({"config": {}}, [DIFF_0]).match(claimed) == tuple(claimed)


def test_control_characters_of_newer_go_are_tried() -> None:
    claimed = [sha256(top_json(config=ZERO.replace('"User":""', '"User":"\\b"')))]
    assert MobyIds({"config": {"User": "\b"}}, [DIFF_0]).match(claimed) == tuple(claimed)


def test_an_edited_config_shows_in_the_top_id_only() -> None:
    claimed = claimed_with("1970-01-01T01:00:00+01:00")
    ids = MobyIds(CONFIG | {"author": "eve"}, DIFFS).match(claimed)
    assert ids[:2] == tuple(claimed[:2])
    assert ids[2] != claimed[2]


def test_an_edited_layer_shows_from_its_position_on() -> None:
    claimed = claimed_with(UTC_EPOCH)
    ids = MobyIds(CONFIG, [DIFF_0, DIFF_2, DIFF_2]).match(claimed)
    assert ids[0] == claimed[0]
    assert not set(ids[1:]) & set(claimed)


def test_left_out_layers() -> None:
    claimed = claimed_with(ZERO_TIME)
    assert MobyIds(CONFIG, DIFFS).match(claimed[2:]) == tuple(claimed)
    assert MobyIds(CONFIG, DIFFS).match(claimed[:2]) == tuple(claimed)


def test_nothing_claimed_and_no_layers() -> None:
    assert MobyIds(CONFIG, []).match([]) == ()
    assert MobyIds(CONFIG, []).match(["0" * 64]) == ()
    assert MobyIds(CONFIG, DIFFS).match([]) == tuple(claimed_with(UTC_EPOCH))


# --- containers/image


def test_containers_image_copies_values_as_spelled() -> None:
    config = (
        '{ "created" : "2020-01-01T00:00:00.500Z", "os":"linux", "author":"left out", "variant":"v7",\r\n'
        '\t"config": {"Cmd": [ "a b\\/\\u0041\\"<&>\u2028" ], "N": 1.0e2, "B":1, "B":2}, "architecture":"amd64" } \n'
    )
    chain = link(DIFF_0, DIFF_1)
    lower = sha256(f'{{"layer_id":"{DIFF_0}"}}')
    top = sha256(
        '{"architecture":"amd64",'
        '"config":{"Cmd":["a b\\/\\u0041\\"\\u003c\\u0026\\u003e\\u2028"],"N":1.0e2,"B":1,"B":2},'
        '"container":null,"container_config":null,"created":"2020-01-01T00:00:00.500Z","docker_version":null,'
        f'"layer_id":"{chain}","os":"linux","parent":"{lower}"}}'
    )
    assert containers_image_ids(config.encode(), [DIFF_0, DIFF_1]) == [lower, top]


def test_containers_image_keeps_bytes_that_are_no_utf8() -> None:
    expected = hashlib.sha256(
        b'{"architecture":"\xff\xe2\x80","config":null,"container":null,"container_config":null,"created":null,'
        b'"docker_version":null,"layer_id":"%s","os":null}' % DIFF_0.encode()
    ).hexdigest()
    assert containers_image_ids(b'{"architecture":"\xff\xe2\x80"}', [DIFF_0]) == [expected]


def test_containers_image_takes_the_last_of_duplicate_keys_and_exact_case() -> None:
    plain = containers_image_ids(b'{"os":"linux"}', [DIFF_0])
    assert plain == containers_image_ids(b'{"os":"windows","o\\u0073":"linux","OS":"plan9"}', [DIFF_0])
    assert plain != containers_image_ids(b'{"OS":"linux"}', [DIFF_0])


def test_one_layer_config_of_docker_has_the_same_id_in_both_schemes() -> None:
    """Why a single id names no producer: where docker wrote the config, both print the same seven keys alike."""
    config = (
        f'{{"architecture":"amd64","config":{ZERO},"container":"c","container_config":{ZERO},'
        f'"created":"2020-01-01T00:00:00Z","docker_version":"19.03.1","os":"linux"}}'
    )
    assert containers_image_ids(config.encode(), [DIFF_0]) == [single(json.loads(config))]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b'"{"',
        b"{",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1,}',
        b'{"a":1 "b":2}',
        b'{"a":1}x',
        b'{"a":NaN}',
        b"{1:2}",
        b"{[]:2}",
        b'{"a":"\n"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":' + b"[" * 100_000,
    ],
)
def test_containers_image_refuses_what_is_no_object(document: bytes) -> None:
    assert containers_image_ids(document, [DIFF_0]) is None


def test_containers_image_reads_an_empty_object_and_huge_numbers() -> None:
    assert containers_image_ids(b" { } ", []) == []
    assert containers_image_ids(b'{"a":' + b"9" * 10_000 + b"}", [DIFF_0]) == containers_image_ids(b"{}", [DIFF_0])


# --- embedded v1 JSON


ID_0, ID_1 = "0" * 64, "1" * 64


def test_parse_v1_json() -> None:
    value = {"id": ID_1, "parent": ID_0, "created": UTC_EPOCH, "container_config": {}, "os": "linux", "variant": 7}
    assert parse_v1_json(value) == V1Json(ID_1, ID_0, UTC_EPOCH, "linux", None, None, None)
    assert parse_v1_json({"id": ID_0, "parent": ""}) == V1Json(ID_0, None, None, None, None, None, None)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        ID_0,
        {},
        {"id": 1},
        {"id": "F" * 64},
        {"id": "0" * 63},
        {"id": ID_0 + "\n"},
        {"id": "sha256:" + ID_0},
        {"id": ID_0, "parent": 1},
        {"id": ID_0, "parent": []},
        {"id": ID_0, "parent": "sha256:" + ID_1},
        {"id": ID_0, "rootfs": {}},
        {"id": ID_0, "schemaVersion": 2},
    ],
)
def test_parse_v1_json_refuses(value: object) -> None:
    assert parse_v1_json(value) is None


# --- hostile input


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just(UTC_EPOCH),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
CONFIG_KEYS = st.sampled_from(
    ["Env", "cmd", "Labels", "Volumes", "ExposedPorts", "Healthcheck", "StopTimeout", "Shell"]
)
IMAGE_KEYS = st.sampled_from(["config", "Config", "container_config", "created", "os", "variant", "Size", "id"])
IMAGES = st.dictionaries(IMAGE_KEYS | st.text(), JSON | st.dictionaries(CONFIG_KEYS | st.text(), JSON))
ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(IMAGES, st.lists(ANY_TEXT, max_size=4), st.lists(ANY_TEXT, max_size=4), st.none() | ANY_TEXT)
def test_matching_never_raises(
    config: dict[str, object], diff_ids: list[str], claimed: list[str], hint: str | None
) -> None:
    assert len(MobyIds(config, diff_ids).match(claimed, hint)) in (0, len(diff_ids))
    ids = moby_ids(config, diff_ids, lower_created=hint or UTC_EPOCH)
    assert ids is None or len(ids) == len(diff_ids)


@given(JSON)
def test_parse_never_raises(value: object) -> None:
    assert parse_v1_json(value) is None


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | IMAGES.map(lambda v: json.dumps(v).encode()))
def test_containers_image_never_raises(raw: bytes) -> None:
    ids = containers_image_ids(raw, [DIFF_0])
    assert ids is None or len(ids) == 1


@given(ANY_TEXT)
def test_go_string_reads_back(text: str) -> None:
    read = json.loads(go_string(text))
    assert len(read) == len(text)
    assert all(now == before or now == "\ufffd" for now, before in zip(read, text, strict=True))
