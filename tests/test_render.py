"""Reports as text: what people see, that hostile text never reaches them raw, and that the same bytes come out again."""

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgforensics import ArchiveReport, Options, Report, SelectionError, Verdict, analyze, render
from imgforensics.analysis import analyze_archive, failed
from imgforensics.findings import Severity, Skipped
from imgforensics.rendering import FORMATS, Manner, printable, rules, table, text_of
from imgforensics.rendering.escape import brief
from imgforensics.rendering.style import Style
from tests import builder

ROOT = Path(__file__).parent.parent
VALIDATOR = jsonschema.Draft202012Validator(
    json.loads((ROOT / "docs" / "report-v1.schema.json").read_text(encoding="utf-8"))
)
COMMANDS = ("verify", "inspect")

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "abc\u202egnp.exe",
    "two\nlines\r\n",
    "tab\tbell\x07",
    "zero\u200bwidth",
    "\x9b31m",
    "\ue000",
]
RAW = {"\x1b", "\u202e", "\r", "\t", "\x07", "\u200b", "\x9b", "\ue000"}


def examined(data: bytes, **options: Any) -> ArchiveReport:
    return analyze_archive(io.BytesIO(data), Options(**options))


def json_of(report: ArchiveReport, command: str = "verify") -> Any:
    text = render(Report((report,), command=command), "json")
    assert text.isascii()

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    parsed = json.loads(text, parse_constant=refuse)
    VALIDATOR.validate(parsed)
    json.dumps(parsed, ensure_ascii=False).encode("utf-8")  # no lone surrogates
    return parsed


def tables(report: ArchiveReport) -> str:
    texts = [
        table.archive(report, Style(), verbose=verbose, quiet=quiet, command=command)
        for command in COMMANDS
        for verbose in (False, True)
        for quiet in (False, True)
    ]
    for text in texts:
        assert all(line == printable(line) for line in text.split("\n"))
        assert text.endswith("\n")
    return "".join(texts)


# ------------------------------------------------------------------------------------------------------ the table


def test_a_clean_archive() -> None:
    data = builder.archive("crane")
    spec = builder.ImageSpec()
    image_id = builder.digest(spec.config_bytes(builder.GGCR_ORDER))
    lines = [line.rstrip() for line in render(Report((examined(data),))).splitlines()]
    assert lines[0] == "INTACT  -: every claim was checked and holds"
    assert lines[1] == f"  docker-save, {len(data)} bytes, {builder.digest(data)}"
    assert lines[2].startswith("  written by ")
    assert lines[3] == ""
    assert lines[4].split() == ["tags", "platform", "image", "ID", "manifest", "layers"]
    assert set(lines[5]) == {" ", "-"}
    assert lines[6].split() == ["@0", "example.com/app:1.0", "linux/amd64", image_id, "2"]
    assert lines[7] == ""
    assert lines[8] == "  10 of 12 readers would load it, none contradicts another (-v lists them)"
    assert lines[9] == ""
    assert lines[10].endswith("claims checked and held")
    assert len(lines) == 11


def test_a_tampered_archive() -> None:
    entries = builder.docker_legacy([builder.ImageSpec()])
    layer = builder.swap_layer(entries)
    report = examined(builder.tar(entries))
    text = render(Report((report,)))
    lines = text.splitlines()
    assert lines[0] == "TAMPERED  -: some bytes do not hash to what names them"
    (finding,) = [line for line in lines if line.startswith("  error ")]
    assert finding.startswith("  error IMG302 layer-diff-id-mismatch: ")
    assert layer.path in text
    assert "failed" in lines[-3]


def test_an_unreadable_archive() -> None:
    report = failed("some/file.tar", "no tar archive: text")
    assert render(Report((report,))) == "UNREADABLE  some/file.tar: no tar archive: text\n"
    (archive,) = json_of(report)["archives"]
    assert (archive["verdict"], archive["error"], archive["size"]) == ("unreadable", "no tar archive: text", None)


def test_a_compressed_archive_says_so() -> None:
    assert "docker-save, gzip-compressed, " in render(Report((examined(builder.gz(builder.archive("crane"))),)))


def test_inspect_shows_layers_and_history() -> None:
    report = examined(builder.archive("oci_archive"))
    text = table.archive(report, command="inspect")
    assert "  image @0 " in text
    assert f"    created: {builder.CREATED}" in text
    rows = [line.split(maxsplit=4) for line in text.splitlines() if line.lstrip().startswith(("0 ", "1 "))]
    assert [row[0] for row in rows] == ["0", "1"]
    assert [row[1] for row in rows] == [diff_id[:19] for diff_id in builder.ImageSpec().diff_ids]
    assert [row[3] for row in rows] == ["gzip", "gzip"]
    assert [row[4] for row in rows] == ["COPY 0 / # buildkit", "COPY 1 / # buildkit"]


def test_inspect_as_json_has_config_and_history() -> None:
    report = examined(builder.archive("oci_archive"))
    (image,) = json_of(report, "inspect")["archives"][0]["images"]
    assert image["config"]["runtime"]["Cmd"] == ["/bin/app"]
    assert [entry["empty_layer"] for entry in image["history"]] == [False, False, True]
    (plain,) = json_of(report)["archives"][0]["images"]
    assert "history" not in plain


def test_inspect_lists_the_names_that_loading_would_move() -> None:
    tags = ["alpine:3.10", "example.com/app"]
    report = examined(builder.archive("crane", builder.ImageSpec(tags=tags)))
    text = table.archive(report, command="inspect")
    assert "  loading this would move\n    docker.io/library/alpine:3.10 to @0 (a well-known name)\n" in text
    assert "    example.com/app:latest to @0\n" in text
    assert "would move" not in table.archive(report)
    (image,) = json_of(report, "inspect")["archives"][0]["images"]
    assert image["moves"] == [
        {"name": "docker.io/library/alpine:3.10", "well_known": True},
        {"name": "example.com/app:latest", "well_known": False},
    ]
    for layout, spec in (("oci_archive", builder.ImageSpec(tags=["app:1.0"])), ("crane", builder.ImageSpec(tags=[]))):
        assert "would move" not in table.archive(examined(builder.archive(layout, spec)), command="inspect")


def test_notes_are_counted_until_they_are_asked_for() -> None:
    report = examined(builder.archive("pre110"))
    notes = [finding for finding in report.findings if finding.severity is Severity.NOTE]
    if notes:
        assert f"{len(notes)} note" in table.archive(report)
    assert "not shown" not in table.archive(report, verbose=True)


def test_quiet_and_summary() -> None:
    reports = (examined(builder.archive("crane")), failed("b", "x"), failed("a", "y"))
    report = Report(reports, skipped=(Skipped("note\x1b.txt", "te\nxt"),))
    text = text_of(report, FORMATS["table"](Manner(quiet=True, verbose=True)))
    assert text.splitlines() == [
        "INTACT  -: every claim was checked and holds",
        "UNREADABLE  b: x",
        "UNREADABLE  a: y",
        "intact      1",
        "unreadable  2",
        "archives    3",
        "1 file skipped, no image archives",
        "  note\\x1b.txt: te\\x0axt",
    ]


def test_colour_changes_colour_only() -> None:
    entries = builder.docker_legacy([builder.ImageSpec()])
    builder.swap_config(entries)
    report = examined(builder.tar(entries))
    painted = table.archive(report, Style(True))
    assert "\x1b[1;31mTAMPERED\x1b[0m" in painted
    stripped = painted
    for code in ("0", "1", "2", "1;31", "31", "32", "33", "36"):
        stripped = stripped.replace(f"\x1b[{code}m", "")
    assert stripped == table.archive(report)


def test_every_verdict_has_words_and_a_colour() -> None:
    for verdict in Verdict:
        assert Style(True).paint("x", verdict) != "x"
        if verdict is not Verdict.UNREADABLE:
            assert table.archive(ArchiveReport("p", verdict)).startswith(verdict.value.upper())


# --------------------------------------------------------------------------------------------------- hostile text


@given(st.text(st.characters()))
def test_printable_text_is_one_line_without_tricks(text: str) -> None:
    escaped = printable(text)
    assert printable(escaped) == escaped
    assert not RAW & set(escaped)
    assert len(escaped.splitlines()) <= 1
    escaped.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("caf\u00e9 \u6f22\u5b57 \U0001f600", "caf\u00e9 \u6f22\u5b57 \U0001f600"),
        ("back\\slash", "back\\slash"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\u202e", "\\u202e"),
        ("\udcff\udc80", "\\xff\\x80"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("a\nb\u2028c", "a\\x0ab\\u2028c"),
        ("a\u3164\u034f\u115f\ufe0fb", "a\\u3164\\u034f\\u115f\\ufe0fb"),
        ("\U000e0100\uffa0\u17b4", "\\U000e0100\\uffa0\\u17b4"),
        ("o" + "\u0302" * 6, "o" + "\u0302" * 6),
        ("o" + "\u0302" * 8, "o" + "\u0302" * 6 + "\\u0302\\u0302"),
    ],
)
def test_what_is_escaped_and_what_is_not(text: str, escaped: str) -> None:
    assert printable(text) == escaped


@given(st.text(st.characters(), max_size=900), st.integers(2, 400))
def test_what_is_brief_is_printable_and_bounded(text: str, most: int) -> None:
    shown = brief(text, most)
    assert printable(shown) == shown
    assert len(shown) <= most + 30
    assert shown == printable(text) or f"...({len(printable(text)) - most // 2 * 2} characters)..." in shown


@pytest.mark.parametrize("command", ["verify", "inspect", "digest", "signatures"])
def test_one_long_tag_does_not_widen_every_row(command: str) -> None:
    long = "example.com/" + "a" * 200_000
    specs = [
        builder.ImageSpec(tags=[long if each == 17 else f"t:{each}"], created=f"2024-01-01T00:00:{each}Z")
        for each in range(10, 50)
    ]
    report = examined(builder.tar(builder.docker_legacy(specs)), signatures=command == "signatures")
    text = table.archive(report, Style(), command=command, verbose=True)
    assert len(text) < 200_000
    assert long[:150] in text
    assert " characters)..." in text
    assert long in render(Report((report,), command=command), "json"), "JSON keeps all"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_tags_and_config(text: str) -> None:
    spec = builder.ImageSpec(
        tags=[f"example.com/{text}:1"],
        created=builder.CREATED,
        container={"Env": [text], "Labels": {text: text}},
        history=[{"created": text, "created_by": text, "author": text, "comment": text}] * 2,
        extra={"author": text, "docker_version": text, "created": text, "os": text, "architecture": text},
    )
    for layout in (builder.crane, builder.oci_archive):
        report = examined(builder.tar(layout([spec])))
        tables(report)
        for command in COMMANDS:
            json_of(report, command)
    report = examined(builder.tar(builder.crane([spec])))
    assert json_of(report)["archives"][0]["images"][0]["tags"] == spec.tags  # JSON has its own escapes; nothing is lost


@pytest.mark.parametrize("name", [*(text.encode() for text in HOSTILE), b"raw-\xff\xfe", b"lone-\xed\xa0\x80"])
def test_hostile_member_names(name: bytes) -> None:
    entries = builder.docker25([builder.ImageSpec()])
    twin = builder.Entry(name, b"stray")
    link = builder.Entry(name + b"-link", type=b"2", linkname=b"../" + name)
    report = examined(builder.tar([twin, *entries, twin, link]))
    assert report.findings
    tables(report)
    json_of(report)


@pytest.mark.parametrize("text", [*HOSTILE, "sha256:\x1b[31m\u202e", "\udcff"])
def test_hostile_claims(text: str) -> None:
    entries = builder.crane([builder.ImageSpec()])
    config = builder.config_of(entries)
    true = builder.ImageSpec().config()
    config.data = json.dumps(true | {"rootfs": {"type": text, "diff_ids": [text, text, text]}}).encode()
    manifest = json.loads(builder.find(entries, "manifest.json").data)
    manifest[0]["Layers"] = [text, *manifest[0]["Layers"]]
    builder.replace(entries, "manifest.json", json.dumps(manifest).encode())
    report = examined(builder.tar(entries))
    tables(report)
    for command in COMMANDS:
        json_of(report, command)


@pytest.mark.parametrize("text", [*HOSTILE, "\udcff"])
def test_hostile_paths_and_keys(text: str) -> None:
    report = failed(f"dir/{text}.tar", f"no: {text}")
    tables(report)
    json_of(report)
    entries = builder.oci_archive([builder.ImageSpec()])
    index = builder.find(entries, "index.json")
    key = json.dumps(text)
    extra = f"{{{key}:1,{key}:2,{key.upper()}:3,"
    builder.replace(entries, "index.json", index.data.replace(b"{", extra.encode(), 1))
    report = examined(builder.tar(entries))
    tables(report)
    json_of(report)


@pytest.mark.parametrize(
    "value",
    ["1e999", "[-1e999]", '"\\ud800"', '{"\\ud800":["\\udfff"]}', "9" * 5000, "[" * 60 + "]" * 60, "null", "0.1"],
)
@pytest.mark.parametrize("key", ["Env", "Labels", "Cmd", "User"])
def test_any_value_in_a_config_gives_valid_json(key: str, value: str) -> None:
    config = (
        builder.ImageSpec(container={"Domainname": ""})
        .config_bytes()
        .replace(b'"config":{', f'"config":{{"{key}":{value},'.encode(), 1)
    )
    report = examined(builder.tar(builder.crane([builder.ImageSpec(container={}, raw_config=config)])))
    tables(report)
    (archive,) = json_of(report, "inspect")["archives"]
    if not archive["findings"]:
        assert key in archive["images"][0]["config"]["runtime"]


# ------------------------------------------------------------------------------------------------- the same again


@pytest.mark.parametrize("layout", builder.LAYOUTS)
def test_the_same_archive_gives_the_same_bytes(layout: str, tmp_path: Path) -> None:
    data = builder.archive(layout)
    path = tmp_path / "image.tar"
    path.write_bytes(data)
    for form in ("json", "jsonl", "table"):
        texts = {render(analyze(path, Options(jobs=jobs)), form) for jobs in (1, 4, 1)}
        assert len(texts) == 1
    assert json.loads(render(analyze(path), "jsonl")) == json.loads(render(analyze(path), "json"))["archives"][0]


def test_an_empty_report_is_still_a_document() -> None:
    report = Report((), skipped=(Skipped("a", "text"),))
    parsed = json.loads(render(report, "json"))
    VALIDATOR.validate(parsed)
    assert parsed["summary"]["archives"] == 0
    assert render(report, "jsonl") == ""
    assert "1 file skipped" in render(report)


def test_a_format_that_is_not_there() -> None:
    with pytest.raises(SelectionError, match="no format 'yaml'; there are table, json, jsonl"):
        render(Report(()), "yaml")


def test_the_rules_on_paper_are_those_in_the_code() -> None:
    paper = ROOT / "docs" / "rules.md"
    assert paper.read_text(encoding="utf-8") == rules.markdown()
