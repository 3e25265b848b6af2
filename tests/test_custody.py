"""Custody: which program, options and rules made a report; no clock unless it is asked for; and the in-toto statement."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from typer.testing import CliRunner, Result

import imgforensics
from imgforensics import Options, Report, __version__, itself, several
from imgforensics.analysis import failed
from imgforensics.checks import ALL
from imgforensics.cli import app
from imgforensics.custody import Beside, Input, custody, told, words
from imgforensics.expectation import SuppliedManifest
from imgforensics.limits import Limits
from imgforensics.model import Digest
from imgforensics.rendering import Manner, render, text_of
from imgforensics.rendering.attestation import PREDICATE, STATEMENT, Attestation
from imgforensics.sets.known import KNOWN
from imgforensics.trust.material import Material, Pin
from tests import builder
from tests.support import report_of

GOOD = builder.archive("crane")
CONTRACT = Path(__file__).parent.parent / "docs" / "contract.md"
FIND = (
    r"find imgforensics -type f \( -name '*.py' -o -name '*.pxd' -o -name '*.typed' -o -name '*.j2' -o -name '*.css' \)"
    " | LC_ALL=C sort | xargs sha256sum | sha256sum"
)


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def bad() -> bytes:
    entries = builder.docker_legacy([builder.ImageSpec()])
    builder.swap_layer(entries)
    return builder.tar(entries)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "good.tar").write_bytes(GOOD)
    (tmp_path / "bad.tar").write_bytes(bad())
    (tmp_path / "text.tar").write_bytes(b"text\n")
    return tmp_path


# ------------------------------------------------------------------------------------------------- which program


def test_the_digest_of_the_program_is_what_plain_tools_compute() -> None:
    if shutil.which("sha256sum") is None or shutil.which("xargs") is None:
        pytest.skip("needs sha256sum and xargs")
    folder = Path(imgforensics.__file__).parent.parent
    printed = subprocess.run(FIND, shell=True, cwd=folder, capture_output=True, text=True, check=True).stdout
    identity = itself.identity.__wrapped__()  # as the files are now, whoever asked before
    assert identity.digest == f"sha256:{printed.split()[0]}"
    assert identity.version == __version__
    assert " ".join(FIND.split()) in " ".join(str(itself.__doc__).replace("\\\n", "").split())


def test_a_change_to_any_source_changes_the_digest_and_caches_do_not(tmp_path: Path) -> None:
    folder = tmp_path / "imgforensics"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.py").write_text("1")
    (folder / "inner" / "b.py").write_text("2")
    names = sorted(itself._inside(str(folder)))
    assert names == ["imgforensics/a.py", "imgforensics/inner/b.py"]
    before = itself._digest(str(folder), names)
    (folder / "inner" / "b.py").write_text("3")
    assert itself._digest(str(folder), names) != before
    assert itself._ending(["x.pyc", "x.c", "x.py", "x.so"], itself._SOURCES) == ["x.py"]
    assert itself._digest(str(folder), []) is None


def test_a_program_whose_files_cannot_be_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(itself, "_inside", lambda _: ["imgforensics/gone.py", "imgforensics/gone.so"])
    assert itself.identity.__wrapped__() == itself.Identity(__version__, None, 0, None)


# ---------------------------------------------------------------------------------------------- options and rules


def test_options_that_decide_the_report_are_told_and_others_are_not() -> None:
    manifest = SuppliedManifest("m.json", b"{}", Digest.of(b"{}"))
    chosen = Options(
        jobs=7,
        fast=True,
        select=("IMG3",),
        image="@0",
        expect=("sha256:" + "0" * 64,),
        manifests=(manifest,),
        ledger="/home/someone/ledger.sqlite",
        limits=Limits(layers=5),
    )
    options = told(chosen, None)
    assert "jobs" not in options
    assert options["ledger"] is True
    assert options["limits"] == {"layers": 5}
    assert options["manifests"] == [{"source": "m.json", "sha256": str(manifest.digest)}]
    line = words(custody("verify", chosen, None, Beside((Input("state", "run.state"),), rehash=True)))
    assert line == (
        f"fail_on=never fast select=IMG3 image=@0 expect=sha256:{'0' * 64} ledger limits=layers:5 rehash"
        f" state manifest={manifest.digest}"
    )
    assert "someone" not in json.dumps(options)
    assert words(custody("verify", Options())) == "default"


def test_custody_and_state_files_tell_a_pattern_from_an_exact_signer() -> None:
    pins = [Pin("a.b", "https://c", one, other) for one in (False, True) for other in (False, True)]
    chosen = [Options(trust=Material(pins=(pin,))) for pin in pins]
    assert told(chosen[0])["trust"] == [{"use": "identity", "value": "a.b https://c"}]
    assert len({words(custody("verify", each)) for each in chosen}) == 4
    assert words(custody("verify", chosen[3])).endswith("trust=a.b https://c (a pattern: identity, issuer)")
    assert len({several._key("verify", each) for each in chosen}) == 4
    forged = Options(trust=Material(pins=(Pin("a.b", "https://c (a pattern: identity)"),)))
    assert several._key("verify", forged) != several._key("verify", chosen[2])


def test_every_report_tells_its_custody() -> None:
    report = Report((report_of(GOOD),))
    document = json.loads(render(report, "json"))
    block = document["custody"]
    assert block["tool"]["digest"] == itself.identity().digest
    assert block["rules"] == {each.rule.code: each.rule.since for each in ALL}
    assert (block["started"], block["ended"]) == (None, None)
    assert document["archives"][0]["custody"] == block
    assert json.loads(render(report, "jsonl"))["custody"] == block


def test_the_table_tells_it_in_one_line_when_asked(files: Path) -> None:
    assert "custody" not in invoke("verify", files / "good.tar").stdout
    (line,) = [each for each in invoke("verify", "-v", files / "good.tar").stdout.splitlines() if "custody" in each]
    assert line.split(": ", 1)[1] == (
        f"imgforensics {__version__}, {itself.identity().digest}, {len(ALL)} rules, options default"
    )


# --------------------------------------------------------------------------------------------- files and set rules


@pytest.fixture
def beside(files: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options that name a file each, with those files."""
    monkeypatch.chdir(files)
    monkeypatch.setenv("XDG_DATA_HOME", str(files))
    (files / "in").mkdir()
    for name in ("good", "bad"):
        (files / f"{name}.tar").rename(files / "in" / f"{name}.tar")
    invoke("lock", "in/good.tar", "-o", "a.lock")
    invoke("verify", "in", "-f", "json", "-o", "before.json")
    (files / "expected.txt").write_text(f"{builder.digest(GOOD)}  in/good.tar\n")
    return ["--lock", "a.lock", "--baseline", "before.json", "--expect-file", "expected.txt", "--resume", "run.state"]


def test_every_file_that_a_report_rests_on_is_named_with_its_digest(files: Path, beside: list[str]) -> None:
    first, second = (invoke("verify", "in", *beside, "-f", "json") for _ in range(2))
    assert first.stdout == second.stdout, "a run that goes on from a state file says the same"
    document = json.loads(first.stdout)
    block = document["custody"]
    assert document["archives"][0]["custody"] == block
    assert [each["use"] for each in block["inputs"]] == ["expect_file", "state", "lock", "baseline"]
    for each in block["inputs"]:
        content = (files / each["source"]).read_bytes()
        known = (None, None) if each["use"] == "state" else (builder.digest(content), len(content))
        assert (each["sha256"], each["size"]) == known
    assert block["options"]["rehash"] is False
    again = json.loads(invoke("verify", "in", *beside, "--rehash", "--skip-others", "-f", "json").stdout)["custody"]
    assert (again["options"]["rehash"], again["options"]["skip_others"]) == (True, True)


@pytest.mark.parametrize("form", ["table", "csv", "sarif", "junit", "html"])
def test_every_format_names_them(files: Path, beside: list[str], form: str) -> None:
    made = invoke("verify", "-v", "in", *beside, "-f", form).stdout
    for name in ("a.lock", "before.json", "expected.txt"):
        assert builder.digest((files / name).read_bytes()) in made
    assert made == invoke("verify", "-v", "in", *beside, "-f", form).stdout
    invoke("verify", "in", *beside, "--attest", "s.json")
    assert [each["use"] for each in statement(files / "s.json")["predicate"]["inputs"]][-1] == "baseline"


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (["in/good.tar"], []),
        (["in"], ["IMG80"]),
        (["in/good.tar", "in/bad.tar"], ["IMG80"]),
        (["in/good.tar", "--lock", "a.lock"], ["IMG81"]),
        (["in", "--baseline", "before.json"], ["IMG80", "IMG82"]),
    ],
)
def test_rules_of_sets_are_listed_where_they_can_be_found(
    files: Path, beside: list[str], arguments: list[str], codes: list[str]
) -> None:
    listed = json.loads(invoke("verify", *arguments, "-f", "json").stdout)["custody"]["rules"]
    expected = [each for each in KNOWN if each.code.startswith(tuple(codes or ["none"]))]
    assert listed == {each.code: each.since for each in (*(check.rule for check in ALL), *expected)}


def test_a_lock_is_not_held_against_archives_that_are_not_hashed(files: Path, beside: list[str]) -> None:
    result = invoke("verify", "in", "--lock", "a.lock", "--fast")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--fast leaves out" in result.stderr


def test_judged_by_no_rule_that_is_not_listed(files: Path, beside: list[str]) -> None:
    document = json.loads(invoke("verify", "in", *beside, "-f", "json").stdout)
    found = {each["code"] for each in document["about_all"]}
    assert found
    assert found <= document["custody"]["rules"].keys()


# ----------------------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize("form", ["json", "jsonl", "table"])
def test_the_same_evidence_gives_the_same_bytes(files: Path, form: str) -> None:
    first, second = (invoke("verify", "-v", files, "-f", form).stdout for _ in range(2))
    assert first == second


def test_times_only_when_they_are_asked_for(files: Path) -> None:
    document = json.loads(invoke("verify", files / "good.tar", files / "text.tar", "-f", "json", "--timestamps").stdout)
    blocks = [document["custody"], *(each["custody"] for each in document["archives"])]
    assert all(block["started"] <= block["ended"] and block["started"].endswith("Z") for block in blocks)
    assert " from 20" in invoke("inspect", "-v", files / "good.tar", "--timestamps").stdout


# ----------------------------------------------------------------------------------------------------- statements


def statement(path: Path) -> Any:
    return json.loads(path.read_text(encoding="ascii"))


def test_a_statement_names_archives_by_digest(files: Path) -> None:
    target = files / "verdict.json"
    result = invoke("verify", files / "good.tar", files / "bad.tar", "--attest", target)
    assert result.exit_code == 1
    made = statement(target)
    assert list(made) == ["_type", "subject", "predicateType", "predicate"]
    assert made["_type"] == STATEMENT
    assert made["subject"] == [
        {"name": str(files / "good.tar"), "digest": {"sha256": builder.digest(GOOD)[7:]}},
        {"name": str(files / "bad.tar"), "digest": {"sha256": builder.digest(bad())[7:]}},
    ]
    assert made["predicateType"] == PREDICATE
    predicate = made["predicate"]
    assert predicate["verdict"] == "tampered"
    assert [each["verdict"] for each in predicate["archives"]] == ["intact", "tampered"]
    assert predicate["archives"][1]["codes"] == ["IMG302"]
    assert predicate["archives"][0]["imageIds"] == [
        builder.digest(builder.ImageSpec().config_bytes(builder.GGCR_ORDER))
    ]
    assert predicate["tool"]["digest"] == itself.identity().digest
    assert "startedAt" not in predicate
    assert all(key.isalnum() and key[0].islower() for key in predicate)
    first = target.read_bytes()
    invoke("verify", files / "good.tar", files / "bad.tar", "--attest", target)
    assert target.read_bytes() == first


def test_a_statement_tells_times_when_they_are_asked_for(files: Path) -> None:
    invoke("verify", files / "good.tar", "--attest", files / "s.json", "--timestamps")
    assert {"startedAt", "endedAt"} <= set(statement(files / "s.json")["predicate"])


def test_what_has_no_answer_is_no_subject(files: Path) -> None:
    target = files / "s.json"
    assert invoke("verify", files / "good.tar", files / "text.tar", "--attest", target).exit_code == 2
    made = statement(target)
    assert len(made["subject"]) == 1
    (unanswered,) = made["predicate"]["unanswered"]
    assert unanswered["name"].endswith("text.tar")
    assert made["predicate"]["verdict"] == "unreadable"
    target.unlink()
    result = invoke("verify", files / "text.tar", "--attest", target)
    assert result.exit_code == 2
    assert "no statement is written" in result.stderr
    assert not target.exists()
    assert not [each for each in files.iterdir() if each.name.startswith(".imgforensics-")]


@pytest.mark.parametrize("more", [("--budget", "1MiB", "--fail-on", "never"), ("--skip-others",)])
def test_a_statement_that_was_asked_for_and_is_not_there_is_no_answer(files: Path, more: tuple[str, ...]) -> None:
    large = builder.archive("docker_legacy", builder.ImageSpec(layers=[builder.layer({"x": bytes(3 << 20)})]))
    (files / "large.tar").write_bytes(large)
    path = files / ("text.tar" if more[0] == "--skip-others" else "large.tar")
    result = invoke("verify", path, "--attest", files / "s.json", *more)
    assert result.exit_code == 2, "an older statement of that name may lie there, and be taken for this one's"
    assert "no statement is written" in result.stderr
    assert not (files / "s.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words_"),
    [
        (["--attest", ""], "an empty name"),
        (["--attest", "-"], "name the same file"),
        (["--attest", "s.json", "-o", "s.json"], "name the same file"),
        (["--attest", "s.json", "--fast"], "--fast leaves out"),
        (["--attest", "good.tar"], "never replaces evidence"),
        (["--attest", "gone/s.json"], "cannot be written"),
    ],
)
def test_a_statement_that_cannot_be(
    files: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words_: str
) -> None:
    monkeypatch.chdir(files)
    result = invoke("verify", "good.tar", *arguments)
    assert result.exit_code == 2
    assert words_ in result.stderr
    assert result.stdout == ""
    assert (files / "good.tar").read_bytes() == GOOD


def test_hostile_names_in_a_statement() -> None:
    entries = builder.docker25([builder.ImageSpec(tags=["a/\x1b[31m\u202e:1"])])
    report = Report((report_of(entries), failed("\udcff\x1b.tar", "no: \udc80")))
    text = text_of(report, Attestation(Manner()))
    assert text.isascii()
    json.dumps(json.loads(text), ensure_ascii=False).encode()


@pytest.mark.parametrize("paths", [["good.tar"], ["good.tar", "bad.tar", "text.tar"]])
def test_in_toto_takes_the_statement(files: Path, paths: list[str]) -> None:
    target = files / "statement.json"
    invoke("verify", *[files / path for path in paths], "--attest", target, "--timestamps")
    parsed = json_format.Parse(target.read_text(encoding="utf-8"), statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    assert parsed.predicate_type == PREDICATE
    assert [each.name for each in parsed.subject] == [str(files / path) for path in paths if path != "text.tar"]
    assert json_format.MessageToDict(parsed)["predicate"] == json.loads(target.read_text())["predicate"]


def test_the_contract_names_the_predicate() -> None:
    assert PREDICATE in CONTRACT.read_text(encoding="utf-8")


def test_a_statement_names_each_subject_once(files: Path) -> None:
    target = files / "twice.json"
    invoke("verify", files / "good.tar", files / "bad.tar", files / "good.tar", "--attest", target)
    statement = json.loads(target.read_text(encoding="utf-8"))
    assert [each["name"] for each in statement["subject"]] == [str(files / "good.tar"), str(files / "bad.tar")]
    assert len(statement["predicate"]["archives"]) == 2
