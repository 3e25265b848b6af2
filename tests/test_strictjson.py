"""JSON as evidence: what is odd about the bytes is noted, and nothing that they hold raises."""

import codecs
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imgforensics.documentreader import Reader
from imgforensics.documents import read_document
from imgforensics.limits import DEFAULT_LIMITS
from imgforensics.model import AnomalyKind
from imgforensics.strictjson import escape_pointer, parse_json


def kinds(raw: bytes, **limits: int) -> list[AnomalyKind]:
    return [problem.kind for problem in parse_json(raw, replace(DEFAULT_LIMITS, **limits)).problems]


@pytest.mark.parametrize(
    ("raw", "value", "pointers"),
    [
        (b'{"a":1,"a":2}', {"a": 2}, ["/a"]),
        (b'{"a":1,"a":1}', {"a": 1}, ["/a"]),
        (b'{"a":1,"b":0,"a":2,"a":3}', {"b": 0, "a": 3}, ["/a"]),
        (b'[{"x":{"k":1,"k":2}}]', [{"x": {"k": 2}}], ["/0/x/k"]),
        (b'{"a/b":{"c~d":1,"c~d":2}}', {"a/b": {"c~d": 2}}, ["/a~1b/c~0d"]),
        (b'{"\\u0061":1,"a":2}', {"a": 2}, ["/a"]),
        (b'{"":1,"":2}', {"": 2}, ["/"]),
    ],
)
def test_a_repeated_key_is_noted_where_it_stands_and_the_last_one_counts(
    raw: bytes, value: Any, pointers: list[str]
) -> None:
    parsed = parse_json(raw)
    assert parsed.value == value
    assert [problem.kind for problem in parsed.problems] == [AnomalyKind.DUPLICATE_KEY] * len(pointers)
    assert [problem.pointer for problem in parsed.problems] == pointers


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a":{"x":1,"y":2},"a":{"y":3}}', {"a": {"x": 1, "y": 3}}),
        (b'{"a":[{"x":1},{"x":2}],"a":[{"y":3}]}', {"a": [{"x": 1, "y": 3}]}),
        (b'{"a":[{"x":1}],"a":[{"y":3},{"z":4}]}', {"a": [{"x": 1, "y": 3}, {"z": 4}]}),
        (b'{"a":["x","y"],"a":["z"]}', {"a": ["z"]}),
        (b'{"a":"x","a":null}', {"a": "x"}),
        (b'{"a":{"x":1},"a":null}', {"a": {"x": 1}}),
        (b'{"a":["x"],"a":null}', {"a": None}),
        (b'{"a":{"x":1},"a":"y"}', {"a": "y"}),
    ],
)
def test_values_of_a_repeated_key_are_merged_as_go_does(raw: bytes, value: Any) -> None:
    parsed = parse_json(raw)
    assert parsed.value == value
    assert [problem.kind for problem in parsed.problems] == [AnomalyKind.DUPLICATE_KEY]


def test_both_readings_of_a_repeated_key_are_said() -> None:
    (problem,) = parse_json(b'{"Config":"good.json","Config":"evil.json"}').problems
    assert 'Go holds "evil.json", the first says "good.json"' in problem.detail
    (problem,) = parse_json(b'{"a":{"x":1},"a":{"y":[1,2,3,4,5]}}').problems
    assert "an object of 2 keys, the first says an object of 1 keys" in problem.detail


def test_both_readings_of_keys_that_differ_in_case_are_said() -> None:
    reader = Reader()
    document = parse_json(b'{"Config":"good","config":"evil","LAYERS":["a"],"layers":["b"]}').value
    assert reader.get(document, "Config", "") == "evil"
    assert reader.get(document, "layers", "") == ["b"]
    assert reader.get(document, "Layers", "") == ["b"]
    details = [problem.detail for problem in reader.problems]
    assert details[0] == "'Config', 'config' are one key to Go, which holds \"evil\"; others take \"good\" of 'Config'"
    assert details[2].endswith("others find no 'Layers'")


@pytest.mark.parametrize(
    ("raw", "key", "odd"),
    [
        (b'{"CONFIG":1}', "Config", True),
        (b'{"config":1}', "Config", False),
        (b'{"repoTags":1}', "RepoTags", False),
        (b'{"repotags":1}', "RepoTags", True),
        (b'{"Digest":1}', "digest", True),
        ('{"dige\u017ft":1}'.encode(), "digest", True),
    ],
)
def test_a_key_that_only_go_finds_is_noted(raw: bytes, key: str, odd: bool) -> None:
    reader = Reader()
    assert reader.get(parse_json(raw).value, key, "") == 1
    assert [problem.kind for problem in reader.problems] == [AnomalyKind.FOLDED_KEY] * odd


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"a":["\\ud800"]}', "/a/0"),
        (b'{"a":1,"b":{"\\udc00":1}}', "/b"),
        (b'["\\ud83d\\ude00","\\udfff x"]', "/1"),
        (b'"\\ud800"', ""),
        (b'["\\ud83d\\ude00"]', None),
        (b'["\\\\ud800"]', None),
    ],
)
def test_half_a_character_is_noted_where_it_stands(raw: bytes, pointer: str | None) -> None:
    problems = parse_json(raw).problems
    assert [problem.pointer for problem in problems] == ([] if pointer is None else [pointer])
    assert all(problem.kind is AnomalyKind.LONE_SURROGATE for problem in problems)


def test_repeated_keys_cost_what_they_weigh() -> None:
    """Merging goes through the later value only, however much has gathered."""
    raw = b"{" + b",".join(b'"a":{"k%d":1}' % number for number in range(20_000)) + b"}"
    parsed = parse_json(raw)
    assert isinstance(parsed.value, dict)
    assert len(parsed.value["a"]) == 20_000


def test_every_object_with_repeated_keys_is_found() -> None:
    parsed = parse_json(b'{"one":{"a":1,"a":2},"list":[{"b":1,"b":2},{"c":1}],"one2":1,"one2":2}')
    assert {problem.pointer for problem in parsed.problems} == {"/one/a", "/list/0/b", "/one2"}


def test_keys_come_in_the_order_of_their_effective_occurrence() -> None:
    parsed = parse_json(b'{"a":1,"b":2,"a":3}')
    assert isinstance(parsed.value, dict)
    assert list(parsed.value) == ["b", "a"]


@pytest.mark.parametrize(
    ("raw", "value", "names"),
    [
        (b'{"Config":1}', 1, 0),
        (b'{"config":1}', 1, 0),
        (b'{"Config":1,"config":2}', 2, 1),
        (b'{"config":2,"Config":1}', 1, 1),
        (b'{"other":2}', None, 0),
        (b"[1]", None, 0),
    ],
)
def test_a_reader_takes_keys_in_any_case_and_notes_two_that_differ_in_case_only(
    raw: bytes, value: Any, names: int
) -> None:
    reader = Reader()
    assert reader.get(parse_json(raw).value, "Config", "/0") == value
    assert [problem.kind for problem in reader.problems] == [AnomalyKind.CASE_KEY] * names
    assert all(problem.pointer and problem.pointer.startswith("/0/") for problem in reader.problems)


def test_a_byte_order_mark_is_noted_and_passed_over() -> None:
    parsed = parse_json(codecs.BOM_UTF8 + b'{"a":1}')
    assert parsed.value == {"a": 1}
    assert [problem.kind for problem in parsed.problems] == [AnomalyKind.BYTE_ORDER_MARK]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_other_unicode_is_read_as_python_does_and_noted(encoding: str) -> None:
    raw = '{"a":1}'.encode(encoding)
    assert json.loads(raw) == {"a": 1}
    parsed = parse_json(raw)
    assert parsed.value == {"a": 1}
    assert [problem.kind for problem in parsed.problems] == [AnomalyKind.NOT_UTF8]


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82", b"\xf5\x80\x80\x80"])
def test_what_is_no_utf8_is_replaced_as_go_does_and_its_place_noted(bad: bytes) -> None:
    parsed = parse_json(b'{"a":"' + bad + b'"}')
    assert isinstance(parsed.value, dict)
    assert "\ufffd" in parsed.value["a"]
    (problem,) = parsed.problems
    assert problem.kind is AnomalyKind.NOT_UTF8
    assert problem.span is not None
    assert problem.span.offset == 6


@pytest.mark.parametrize("raw", [b"NaN", b"Infinity", b"-Infinity", b'{"size":NaN}', b"[-Infinity]"])
def test_what_only_python_takes_for_a_number_is_noted_and_passed_over(raw: bytes) -> None:
    json.loads(raw)
    parsed = parse_json(raw)
    assert [problem.kind for problem in parsed.problems] == [AnomalyKind.BAD_VALUE]
    json.dumps(parsed.value, allow_nan=False)


@pytest.mark.parametrize("raw", [b"[1e999]", b"[-1e999]", b"[1.5e+400]"])
def test_a_number_beyond_every_float_never_becomes_infinity(raw: bytes) -> None:
    parsed = parse_json(raw)
    assert [problem.kind for problem in parsed.problems] == [AnomalyKind.BAD_VALUE]
    json.dumps(parsed.value, allow_nan=False)


@pytest.mark.parametrize("digits", [21, 4300, 4301, 100_000])
def test_a_huge_integer_is_noted_and_costs_nothing(digits: int) -> None:
    parsed = parse_json(b'{"size":' + b"9" * digits + b"}")
    assert [problem.kind for problem in parsed.problems] == [AnomalyKind.BAD_VALUE]
    assert parsed.value == {"size": "9" * digits}


def test_a_64_bit_integer_is_an_integer() -> None:
    assert parse_json(b"[18446744073709551615, -9223372036854775808]").value == [2**64 - 1, -(2**63)]


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_bounded(opening: bytes, closing: bytes) -> None:
    def nested(depth: int) -> bytes:
        return opening * depth + b"1" + closing * depth

    assert kinds(nested(64)) == []
    assert kinds(nested(65)) == [AnomalyKind.LIMIT]
    assert parse_json(nested(65)).value is None
    assert kinds(nested(100_000)) == [AnomalyKind.LIMIT]
    assert kinds(opening * 100_000) == [AnomalyKind.LIMIT]


def test_brackets_in_strings_do_not_nest() -> None:
    assert kinds(json.dumps(["[" * 500, '\\"[' * 200]).encode()) == []


def test_many_shallow_brackets_are_not_deep() -> None:
    assert kinds(json.dumps([[]] * 1000).encode()) == []


def test_the_number_of_values_is_bounded() -> None:
    raw = json.dumps([0] * 100).encode()
    assert kinds(raw, json_tokens=100) == []
    assert kinds(raw, json_tokens=99) == [AnomalyKind.LIMIT]


def test_the_size_is_bounded() -> None:
    assert kinds(b'"12345678"', document=10) == []
    assert kinds(b'"12345678"', document=9) == [AnomalyKind.LIMIT]


@pytest.mark.parametrize("rest", [b"{}", b"x", b"\0", b",", b"\n\n]", "\u00a0".encode()])
def test_what_follows_the_document_is_noted_and_the_document_kept(rest: bytes) -> None:
    parsed = parse_json(b' {"a":1} ' + rest)
    assert parsed.value == {"a": 1}
    assert [problem.kind for problem in parsed.problems] == [AnomalyKind.TRAILING_JSON]


def test_white_space_around_the_document_is_nothing() -> None:
    assert parse_json(b' \t\r\n{"a":1}\r\n\n') == parse_json(b'{"a":1}')


@pytest.mark.parametrize("raw", [b"", b"  \n", b"{", b'{"a"', b"[1,]", b"{'a':1}", b'"\x01"', b"\0\0\0\0", b"tru"])
def test_what_is_no_json_says_so(raw: bytes) -> None:
    parsed = parse_json(raw)
    assert parsed.value is None
    assert [problem.kind for problem in parsed.problems] in ([AnomalyKind.NOT_JSON], [AnomalyKind.NOT_UTF8])


def test_pointers_are_escaped() -> None:
    assert escape_pointer("a/b~c") == "a~1b~0c"


@given(st.binary(max_size=200))
@example(b'{"a":' * 2000)
@example(b'"\\ud800"')
@example(b'"' + b"\\" * 5000)
@example(b"-" * 500)
def test_no_bytes_raise(raw: bytes) -> None:
    parse_json(raw)
    read_document(raw)


@given(st.text(alphabet='{}[]",:\\u0123456789eE+-. \ntrufalsn\ufeff\u00e9', max_size=60))
def test_no_near_json_raises_and_what_it_gives_can_be_written_again(text: str) -> None:
    parsed = parse_json(text.encode())
    json.dumps(parsed.value, allow_nan=False)


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4),
    max_leaves=20,
)


@given(_values, st.booleans(), st.sampled_from([None, 2, "\t"]))
def test_an_ordinary_document_is_read_as_json_loads_does(value: Any, ascii_only: bool, indent: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        return
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    parsed = parse_json(raw)
    assert parsed.problems == ()
    assert parsed.value == json.loads(raw)
