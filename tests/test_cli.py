"""The command line: exit codes, streams, options, and that nothing but an answer ever looks like one."""

import gzip
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from imgforensics import __version__, batch
from imgforensics.analysis import analyze_archive
from imgforensics.checks import ALL
from imgforensics.cli import app, main
from imgforensics.rendering.rules import RULES
from tests import builder

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "report-v1.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
LINE_VALIDATOR = jsonschema.Draft202012Validator(
    {"$schema": SCHEMA["$schema"], "$ref": "#/$defs/archive", "$defs": SCHEMA["$defs"]}
)

GOOD = builder.archive("crane")
TWO = builder.archive(
    "containerd",
    builder.ImageSpec(tags=["example.com/app:1.0"], platform="linux/amd64"),
    builder.ImageSpec(tags=["example.com/other:2.0"], platform="linux/arm64/v8"),
)


def tampered() -> bytes:
    entries = builder.docker_legacy([builder.ImageSpec()])
    builder.swap_layer(entries)
    return builder.tar(entries)


def incomplete() -> bytes:
    entries = builder.oci_archive([builder.ImageSpec()])
    entries.remove(builder.layers_of(entries)[0])
    return builder.tar(entries)


def invoke(*arguments: str | Path, stdin: bytes | None = None, env: dict[str, str | None] | None = None) -> Result:
    result = CliRunner().invoke(app, [str(each) for each in arguments], input=stdin, env=env)
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def document(result: Result | str) -> Any:
    text = result if isinstance(result, str) else result.stdout
    parsed = json.loads(text)
    VALIDATOR.validate(parsed)
    return parsed


def lines(result: Result) -> list[Any]:
    *archives, last = [json.loads(line) for line in result.stdout.splitlines()]
    for each in archives:
        LINE_VALIDATOR.validate(each)
    assert list(last) == ["about_all"]
    return [*archives, last]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    contents = {
        "good.tar": GOOD,
        "two.tar": TWO,
        "evil.tar": tampered(),
        "part.tar": incomplete(),
        "plain.tar": builder.tar([builder.Entry("readme.txt", b"hello")]),
        "note.txt": b"hello\n",
        "empty.img": b"",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


# ------------------------------------------------------------------------------------------------------- exit codes


@pytest.mark.parametrize("command", ["verify", "inspect"])
@pytest.mark.parametrize(("name", "code"), [("good.tar", 0), ("two.tar", 0), ("evil.tar", 1), ("part.tar", 1)])
@pytest.mark.parametrize("form", ["table", "json"])
def test_zero_is_good_and_one_is_bad(files: Path, command: str, name: str, code: int, form: str) -> None:
    result = invoke(command, files / name, "-f", form)
    assert result.exit_code == code
    assert result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("command", ["verify", "inspect"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.tar", "No such file or directory"),
        ("empty.img", "the file is empty"),
        ("note.txt", "no tar archive: text"),
        ("plain.tar", "a tar archive, but no image"),
    ],
)
def test_two_is_no_answer_and_says_why_in_one_line(files: Path, command: str, name: str, words: str) -> None:
    result = invoke(command, files / name, "--format", "json")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"imgforensics: {files / name}: {words}")
    (archive,) = document(result)["archives"]
    assert archive["verdict"] == "unreadable"
    assert archive["error"].startswith(words)


def test_a_directory_without_an_archive_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_bytes(b"hello\n")
    result = invoke("verify", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"imgforensics: no archive in {tmp_path}; 1 file skipped")
    (tmp_path / "note.txt").unlink()
    for form in ("table", "json", "jsonl"):
        result = invoke("verify", tmp_path, "-f", form)
        assert (result.exit_code, result.stdout) == (2, "")


def test_an_unpacked_layout_says_how_to_pack_it(tmp_path: Path) -> None:
    (tmp_path / "oci-layout").write_bytes(builder.LAYOUT)
    (tmp_path / "index.json").write_bytes(b"{}")
    result = invoke("verify", tmp_path)
    assert result.exit_code == 2
    assert f"pack it first: tar -C {tmp_path} -cf image.tar ." in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--select", "XYZ"),
        ("--select", "IMG999"),
        ("--ignore", "IMG3,NOPE"),
        ("--image", "@7"),
        ("--image", "nothing:here"),
        ("--platform", "plan9/mips"),
        ("--nonsense",),
        ("--format", "yaml"),
        ("--fail-on", "sometimes"),
        ("--color", "blue"),
        ("--jobs", "0"),
        ("--jobs", "many"),
        ("-o", "no/such/folder/report.json"),
    ],
)
def test_a_wrong_option_is_no_answer(files: Path, arguments: tuple[str, ...]) -> None:
    result = invoke("verify", files / "good.tar", *arguments)
    assert result.exit_code == 2
    assert result.stderr


def test_a_wrong_rule_code_is_told_before_any_work(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "analyze_archive", None)
    result = invoke("verify", files / "good.tar", "--select", "ABC")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "imgforensics: no rule code begins with 'ABC'; 'imgforensics rules' lists them\n"


@pytest.mark.parametrize("arguments", [("verify",), ("nonsense",), ("rules", "IMG000"), ("rules", "a", "b")])
def test_a_wrong_command_is_no_answer(arguments: tuple[str, ...]) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_no_answer(files: Path) -> None:
    (files / "good.tar").chmod(0)
    result = invoke("verify", files / "good.tar")
    assert result.exit_code == 2
    assert "Permission denied" in result.stderr


def test_no_answer_for_one_path_outweighs_findings(files: Path) -> None:
    assert invoke("verify", files / "evil.tar", files / "gone.tar", files / "good.tar").exit_code == 2


def test_an_interrupt_is_130(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "analyze_archive", interrupt)
    report = files / "report.json"
    for extra in ((), ("-o", str(report))):
        result = invoke("verify", files / "good.tar", *extra)
        assert (result.exit_code, result.stdout, result.stderr) == (130, "", "imgforensics: interrupted\n")
    assert not report.exists()


@pytest.mark.parametrize("error", [ZeroDivisionError("oops"), RecursionError("deep"), MemoryError(), OSError(5, "I/O")])
def test_an_internal_error_is_two_and_never_findings(
    files: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("imgforensics.run.run", fail)
    result = invoke("verify", files / "good.tar")
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1

    monkeypatch.undo()
    monkeypatch.setattr(batch, "analyze_archive", fail)
    result = invoke("verify", files / "good.tar", files / "two.tar", "-f", "json", "-j", "1")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 2
    assert document(result)["summary"]["unreadable"] == 2


# ---------------------------------------------------------------------------------------------------------- streams


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input(pack: Callable[[bytes], bytes]) -> None:
    data = pack(GOOD)  # once: gzip writes the time into its header
    result = invoke("verify", "-", "-f", "json", stdin=data)
    (archive,) = document(result)["archives"]
    assert (result.exit_code, archive["path"], archive["verdict"]) == (0, "-", "intact")
    assert archive["sha256"] == builder.digest(data)


def test_empty_standard_input() -> None:
    result = invoke("verify", "-", stdin=b"")
    assert (result.exit_code, result.stderr) == (2, "imgforensics: -: the file is empty\n")


def test_output_is_written_whole_and_leaves_nothing_else(files: Path) -> None:
    before = set(os.listdir(files))
    report = files / "report.json"
    result = invoke("verify", files / "evil.tar", "-f", "json", "-o", report)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "")
    assert report.read_text(encoding="ascii") == invoke("verify", files / "evil.tar", "-f", "json").stdout
    assert set(os.listdir(files)) == before | {"report.json"}


def test_output_replaces_a_report_and_has_ordinary_rights(files: Path) -> None:
    report = files / "report.json"
    report.write_text("old")
    assert invoke("verify", files / "good.tar", "-f", "json", "-o", report).exit_code == 0
    document(report.read_text(encoding="ascii"))
    mask = os.umask(0)
    os.umask(mask)
    assert report.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_run_without_an_answer_for_one_path_still_writes_its_report(files: Path) -> None:
    report = files / "report.json"
    assert invoke("verify", files / "gone.tar", files / "good.tar", "-f", "json", "-o", report).exit_code == 2
    assert document(report.read_text(encoding="ascii"))["summary"]["unreadable"] == 1


@pytest.mark.parametrize("old", [None, "old"])
def test_a_run_that_fails_leaves_the_output_as_it_was(
    files: Path, old: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = files / "empty"
    empty.mkdir()
    report = files / "report.json"
    if old is not None:
        report.write_text(old)
    before = set(os.listdir(files))

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    assert invoke("verify", empty, "-o", report).exit_code == 2
    assert invoke("verify", files / "good.tar", "--select", "NO", "-o", report).exit_code == 2
    assert invoke("rules", "NO", "-o", report).exit_code == 2
    monkeypatch.setattr(sys.modules["imgforensics.rendering.json_v1"], "closing", fail)
    assert invoke("verify", files / "good.tar", "-f", "json", "-o", report).exit_code == 2
    assert set(os.listdir(files)) == before
    assert old is None or report.read_text() == old


def test_output_keeps_the_rights_of_the_report_that_it_replaces(files: Path) -> None:
    report = files / "report.json"
    for mode in (0o600, 0o640, 0o666):
        report.touch()
        report.chmod(mode)
        assert invoke("verify", files / "good.tar", "-f", "json", "-o", report).exit_code == 0
        assert report.stat().st_mode & 0o7777 == mode


def test_output_into_a_directory_is_an_error_that_leaves_nothing(files: Path) -> None:
    folder = files / "folder"
    folder.mkdir()
    before = set(os.listdir(files))
    result = invoke("verify", files / "good.tar", "-o", folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "internal" not in result.stderr
    assert set(os.listdir(files)) == before
    assert os.listdir(folder) == []


def test_output_to_what_is_no_regular_file_writes_into_it(files: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes")
    pipe = files / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert invoke("verify", files / "good.tar", "-q", "-o", pipe).exit_code == 0
        assert os.read(reading, 6) == b"INTACT"
    finally:
        os.close(reading)
    assert pipe.is_fifo()


def test_output_through_a_link_keeps_the_link(files: Path) -> None:
    (files / "link.txt").symlink_to("real.txt")
    (files / "real.txt").write_text("old")
    assert invoke("verify", files / "good.tar", "-q", "-o", files / "link.txt").exit_code == 0
    assert (files / "link.txt").is_symlink()
    assert (files / "real.txt").read_text().startswith("INTACT")


@pytest.mark.parametrize("output", ["good.tar", "./good.tar"])
def test_output_never_replaces_the_evidence(files: Path, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    assert invoke("verify", "good.tar", "-o", output).exit_code == 2
    assert (files / "good.tar").read_bytes() == GOOD


def test_a_report_inside_the_directory_that_it_is_about_never_holds_itself(files: Path) -> None:
    report = files / "report.json"
    invoke("verify", files, "-f", "json", "-o", report)
    skipped = [each["path"] for each in document(report.read_text())["skipped"]]
    assert skipped == [str(files / name) for name in ("empty.img", "note.txt", "plain.tar")]


def test_help_lists_options_under_headings() -> None:
    text = invoke("verify", "--help").stdout
    headings = re.findall(r"^(\S.*):$", text, re.MULTILINE)
    assert headings == ["Arguments", "Options", *PANELS, "Exit codes"]
    parts = dict(zip(headings, re.split(r"^\S.*:$", text, flags=re.MULTILINE)[1:], strict=True))
    for heading, option in zip(PANELS, ("--expect ", "--key ", "--resume "), strict=True):
        assert [name for name, part in parts.items() if option in part] == [heading]
    assert "--help" in parts["Options"]


PANELS = ("Digests of registries", "Signatures, and who may have signed", "Many archives")


def test_progress_goes_to_stderr(files: Path) -> None:
    result = invoke("verify", files / "good.tar", "--progress", "-f", "json")
    assert result.exit_code == 0
    document(result)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
@pytest.mark.parametrize("names", [["good.tar"], ["evil.tar", "gone.tar", "good.tar"]])
def test_at_a_terminal_a_live_display_stands_in_no_line_of_the_report(files: Path, names: list[str]) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "imgforensics", "verify", "-q", *(str(files / name) for name in names)]
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "300"}
    with subprocess.Popen(command, cwd=ROOT, stdout=theirs, stderr=theirs, stdin=theirs, env=environment):
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # how Linux says that the other end is closed
            while piece := os.read(ours, 65536):
                seen += piece
    os.close(ours)
    rows = re.split(r"\r|\n|\x1b\[[0-9]*[AK]", re.sub(r"\x1b\[\?25[hl]", "", seen.decode()))
    for name in names:
        (row,) = [each for each in rows if f"{files / name}: " in each]  # what has no answer is told once, too
        assert row.startswith(("INTACT  ", "TAMPERED  ", "UNREADABLE  "))
    assert any("archives" in each for each in rows) or len(names) == 1


def test_one_line_says_why_the_exit_code_is_1_where_the_verdict_does_not(files: Path) -> None:
    result = invoke("verify", files / "good.tar", "-q", "--require-signature")
    assert result.exit_code == 1
    assert result.stdout.endswith("; no-signature-in-archive; error IMG707\n")
    assert invoke("verify", files / "good.tar", "-q", "--require-signature", "--fail-on", "never").exit_code == 0
    assert "IMG" not in invoke("verify", files / "evil.tar", "-q").stdout


def test_the_table_ends_with_how_to_learn_what_the_gravest_finding_means(files: Path) -> None:
    last = invoke("verify", files / "good.tar", files / "evil.tar").stdout.splitlines()[-1]
    command = shlex.split(last)[0]
    assert command.startswith("imgforensics rules IMG3")
    assert invoke(*command.split()[1:]).exit_code == 0
    assert "imgforensics rules" not in invoke("verify", files / "good.tar").stdout


def test_the_help_says_in_a_line_what_each_command_answers() -> None:
    told = invoke("--help").stdout
    assert "..." not in told.partition("Commands:")[2]


def run(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "imgforensics", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60, **more)


def test_as_a_program(files: Path) -> None:
    result = run("verify", files / "evil.tar", "-f", "json")
    assert result.returncode == 1
    assert result.stderr == b""
    document(result.stdout.decode("ascii"))
    with (files / "good.tar").open("rb") as stream:
        assert run("verify", "-", "-q", stdin=stream).returncode == 0


def test_as_a_program_whose_reader_has_had_enough(files: Path) -> None:
    command = [sys.executable, "-m", "imgforensics", "verify", str(files / "two.tar"), "-f", "json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(60) == 2
    assert errors == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_as_a_program_whose_disk_is_full(files: Path) -> None:
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "imgforensics", "verify", str(files / "good.tar")]
        result = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert result.returncode == 2
    assert result.stderr == b"imgforensics: standard output: cannot be written: No space left on device\n"


def shell(line: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run ``$@``, the command and these arguments, in a line of shell that does things to its streams."""
    command = ["sh", "-c", line, "sh", sys.executable, "-m", "imgforensics", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)


needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")


@needs_full
@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("rules",)])
@pytest.mark.parametrize("line", ['"$@" >/dev/full', '"$@" >&-'])
def test_output_that_cannot_be_written_is_no_answer(line: str, arguments: tuple[str, ...]) -> None:
    result = shell(line, *arguments)
    assert result.returncode == 2
    (words,) = result.stderr.decode().splitlines()
    assert words.startswith("imgforensics: standard output: cannot be written: ")


@pytest.mark.parametrize("arguments", [("--version",), ("--help",)])
def test_a_reader_of_help_that_has_had_enough_is_no_finding(arguments: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "imgforensics", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 2


@needs_full
@pytest.mark.parametrize("line", ['"$@" 2>/dev/full', '"$@" 2>&-'])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("gone.tar",), 2),
        (("good.tar",), 0),
        (("evil.tar", "--progress"), 1),
        (("good.tar", "--nonsense"), 2),
    ],
)
def test_messages_that_cannot_be_written_change_no_exit_code(
    files: Path, line: str, arguments: tuple[str, ...], code: int
) -> None:
    assert shell(line, "verify", files / arguments[0], *arguments[1:]).returncode == code


def test_closed_standard_streams(files: Path) -> None:
    result = shell('"$@" >&-', "verify", files / "evil.tar", "-o", files / "report.txt")
    assert (result.returncode, result.stderr) == (1, b"")
    assert (files / "report.txt").read_text().startswith("TAMPERED")
    result = shell('"$@" <&-', "verify", "-")
    assert (result.returncode, result.stderr) == (2, b"imgforensics: -: the file is empty\n")
    assert shell('"$@" <&- >&- 2>&-', "verify", files / "good.tar").returncode == 2
    assert (files / "good.tar").read_bytes() == GOOD


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_output_never_replaces_what_is_read_from_standard_input(files: Path, name: str) -> None:
    if name != "-" and not os.path.exists(name):
        pytest.skip("no /dev/stdin")
    (files / "hard.tar").hardlink_to(files / "good.tar")
    for output in ("good.tar", "hard.tar"):
        with (files / "good.tar").open("rb") as stream:
            result = run("verify", name, "-o", files / output, stdin=stream)
        assert result.returncode == 2
        assert b"a report never replaces evidence" in result.stderr
        assert (files / output).read_bytes() == GOOD


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_leaves_no_temporary_file(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    report = tmp_path / "report.json"
    # Whatever this test is run by may ignore the signal, which would be inherited.
    handler = "default_int_handler" if name == "SIGINT" else "SIG_DFL"
    script = f"import signal; signal.signal(signal.{name}, signal.{handler})"
    script = f"{script}; from imgforensics.__main__ import main; main()"
    command = [sys.executable, "-c", script, "verify", "-", "-o", str(report)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for _ in range(600):
            if os.listdir(tmp_path):
                break
            time.sleep(0.05)
        process.send_signal(number)
        errors = process.stderr.read()
        assert process.wait(60) == (130 if name == "SIGINT" else -number)
    assert os.listdir(tmp_path) == []
    assert errors == (b"imgforensics: interrupted\n" if name == "SIGINT" else b"")


def test_an_interrupt_while_the_command_is_imported_is_no_traceback() -> None:
    script = (
        "import sys, builtins\n"
        "real = builtins.__import__\n"
        "def broken(name, *more):\n"
        "    if name == 'imgforensics.cli':\n"
        "        raise KeyboardInterrupt\n"
        "    return real(name, *more)\n"
        "builtins.__import__ = broken\n"
        "from imgforensics.__main__ import main\n"
        "main()\n"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (130, b"", b"")


def test_names_that_the_terminal_cannot_show(files: Path) -> None:
    name = os.fsdecode(b"odd-\xff-\xc3\xa9.tar")
    (files / name).write_bytes(GOOD)
    result = run(
        "verify",
        files / name,
        files / (name + "-gone"),
        "-q",
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
    )
    assert result.returncode == 2
    assert b"odd-\\xff-\\xe9.tar" in result.stdout
    assert b"Traceback" not in result.stderr


# ----------------------------------------------------------------------------------------------------- the forms


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("*.tar*")))
def test_real_archives_verify_and_their_reports_are_valid(name: str) -> None:
    result = invoke("verify", FIXTURES / name, "-f", "json")
    assert result.exit_code == 0, result.stdout
    assert document(result)["summary"]["intact"] == 1
    result = invoke("inspect", FIXTURES / name, "-f", "json")
    assert document(result)["archives"][0]["images"]


def test_json_of_everything_at_once(files: Path) -> None:
    result = invoke("verify", files / "two.tar", files, files / "gone.tar", "--format", "json")
    report = document(result)
    names = ["two.tar", "evil.tar", "good.tar", "part.tar", "two.tar", "gone.tar"]
    assert [each["path"] for each in report["archives"]] == [str(files / name) for name in names]
    assert [each["path"] for each in report["skipped"]] == [
        str(files / name) for name in ("empty.img", "note.txt", "plain.tar")
    ]
    verdicts = [each["verdict"] for each in report["archives"]]
    assert verdicts == ["intact", "tampered", "intact", "incomplete", "intact", "unreadable"]
    counted = {verdict: verdicts.count(verdict) for verdict in verdicts}
    findings = sum(len(each["findings"]) for each in report["archives"])
    assert report["summary"] == {
        "suspect": 0,
        "unchecked": 0,
        **counted,
        "archives": 6,
        "findings": findings,
        "interrupted": False,
    }
    assert result.exit_code == 2


def test_jsonl_is_the_archives_of_json_one_a_line(files: Path) -> None:
    paths = [files / "two.tar", files / "gone.tar", files / "evil.tar"]
    one, other = invoke("verify", *paths, "-f", "jsonl"), invoke("verify", *paths, "-f", "json")
    whole = document(other)
    assert lines(one) == [*whole["archives"], {"about_all": whole["about_all"]}]
    assert one.exit_code == other.exit_code == 2


def test_each_result_is_written_as_it_ends(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    stdout = io.BytesIO()
    real = analyze_archive

    def watch(source: Any, options: Any, progress: Any = None) -> Any:
        written.append(stdout.getvalue().count(b"\n"))
        return real(source, options, progress=progress)

    monkeypatch.setattr(batch, "analyze_archive", watch)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stdout, write_through=True))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    app(["verify", *[str(files / "good.tar")] * 3, "-f", "jsonl", "-j", "1"], standalone_mode=False)
    assert written == [0, 1, 2]


def test_the_table_ends_in_a_summary_where_there_are_several(files: Path) -> None:
    assert "archives" not in invoke("verify", files / "good.tar").stdout
    result = invoke("verify", files)
    assert re.search(r"^tampered +1$", result.stdout, re.MULTILINE)
    assert re.search(r"^archives +4$", result.stdout, re.MULTILINE)
    assert "3 files skipped" in result.stdout
    assert "note.txt" not in result.stdout
    assert "note.txt: text" in invoke("verify", files, "-v").stdout


# ------------------------------------------------------------------------------------------------------------ options


def codes(result: Result) -> set[str]:
    return {finding["code"] for each in document(result)["archives"] for finding in each["findings"]}


def test_select_and_ignore(files: Path) -> None:
    everything = codes(invoke("verify", files / "evil.tar", "-f", "json"))
    assert any(code.startswith("IMG3") for code in everything)
    result = invoke("verify", files / "evil.tar", "-f", "json", "--select", "img3")
    assert codes(result) == {code for code in everything if code.startswith("IMG3")}
    result = invoke("verify", files / "evil.tar", "-f", "json", "--ignore", "IMG3")
    assert codes(result) == {code for code in everything if not code.startswith("IMG3")}
    first = min(everything)
    both = ("--select", f"{first}, IMG1", "--select", "IMG9", "--ignore", first)
    result = invoke("verify", files / "evil.tar", "-f", "json", *both)
    assert first not in codes(result)
    reason = "not selected: counted in the verdict, not reported"
    assert {"what": f"rule {first}", "reason": reason} in document(result)["archives"][0]["not_checked"]


def test_fail_on(files: Path) -> None:
    entries = builder.docker_legacy([builder.ImageSpec()])
    odd = files / "odd.tar"
    odd.write_bytes(builder.tar([*entries, builder.Entry("stray.txt", b"what is this")]))
    found = {each["severity"] for each in document(invoke("verify", odd, "-f", "json"))["archives"][0]["findings"]}
    assert found
    assert "error" not in found
    assert invoke("verify", odd).exit_code == 0
    assert invoke("verify", odd, "--fail-on", "warning").exit_code == int("warning" in found)
    assert invoke("verify", odd, "--fail-on", "note").exit_code == 1
    assert invoke("verify", files / "evil.tar", "--fail-on", "note").exit_code == 1
    assert invoke("verify", files / "evil.tar", "--fail-on", "never").exit_code == 0
    assert invoke("verify", files / "gone.tar", "--fail-on", "never").exit_code == 2


def test_fast_never_says_intact(files: Path) -> None:
    big = files / "big.tar"
    big.write_bytes(builder.archive("crane", builder.ImageSpec(layers=[builder.layer({"big": os.urandom(2 << 20)})])))
    (archive,) = document(invoke("verify", big, "--fast", "-f", "json"))["archives"]
    assert archive["verdict"] == "unchecked"
    assert archive["sha256"] is None
    assert any(each["what"] == "SHA-256 of the archive" for each in archive["not_checked"])
    (small,) = document(invoke("verify", files / "good.tar", "--fast", "-f", "json"))["archives"]
    assert small["verdict"] == "unchecked"


@pytest.mark.parametrize(
    ("arguments", "indexes"),
    [
        (("--image", "@1"), [1]),
        (("--image", "example.com/app:1.0"), [0]),
        (("--image", "example.com/other:2.0", "--platform", "linux/arm64"), [1]),
        (("--platform", "linux"), [0, 1]),
        (("--platform", "linux/"), [0, 1]),
        (("--platform", "linux/arm64/v8"), [1]),
    ],
)
@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_image_and_platform_choose(files: Path, command: str, arguments: tuple[str, ...], indexes: list[int]) -> None:
    result = invoke(command, files / "two.tar", "-f", "json", *arguments)
    assert [each["index"] for each in document(result)["archives"][0]["images"]] == indexes


def test_an_image_that_is_not_there_names_those_that_are(files: Path) -> None:
    result = invoke("verify", files / "two.tar", "--platform", "linux/s390x")
    assert result.exit_code == 2
    assert "example.com/other:2.0 linux/arm64/v8" in result.stderr


def test_an_image_is_chosen_by_its_id_or_a_beginning_of_it(files: Path) -> None:
    images = document(invoke("verify", files / "two.tar", "-f", "json"))["archives"][0]["images"]
    idents = [each["image_id"].removeprefix("sha256:") for each in images]
    assert idents[0][0] != idents[1][0]
    for number, ident in enumerate(idents):
        for asked in (ident, ident[:12], ident[:1], f"sha256:{ident}", f"sha256:{ident[:7]}"):
            found = document(invoke("verify", files / "two.tar", "-f", "json", "--image", asked))["archives"][0]
            assert [each["index"] for each in found["images"]] == [number]
    for asked in ("0" * 64, f"sha256:{idents[0]}0", idents[0][:12].upper() + "!"):
        result = invoke("verify", files / "two.tar", "--image", asked)
        assert (result.exit_code, "no image" in result.stderr) == (2, True)
    result = invoke("verify", files / "two.tar", "--image", "sha256:")
    assert result.exit_code == 2


def test_a_beginning_of_several_ids_is_no_answer_and_a_tag_comes_before_it(tmp_path: Path) -> None:
    specs = [builder.ImageSpec(tags=[f"example.com/app:{number}"], extra={"n": number}) for number in range(17)]
    (tmp_path / "many.tar").write_bytes(builder.archive("crane", *specs))
    images = document(invoke("verify", tmp_path / "many.tar", "-f", "json"))["archives"][0]["images"]
    firsts = [each["image_id"].removeprefix("sha256:")[0] for each in images]
    twice = next(first for first in firsts if firsts.count(first) > 1)
    result = invoke("verify", tmp_path / "many.tar", "--image", twice)
    assert result.exit_code == 2
    assert f"several image IDs begin with '{twice}': @" in result.stderr
    specs[0].tags = [f"docker.io/library/{twice}:latest"]
    (tmp_path / "many.tar").write_bytes(builder.archive("crane", *specs))
    found = document(invoke("verify", tmp_path / "many.tar", "-f", "json", "--image", twice))["archives"][0]
    assert [each["index"] for each in found["images"]] == [0]


def test_quiet_is_one_line_an_archive_and_verbose_says_more(files: Path) -> None:
    paths = (files / "good.tar", files / "evil.tar")
    quiet = invoke("verify", "-q", files / "evil.tar").stdout
    assert re.fullmatch(r"TAMPERED .*\n", quiet)
    ordinary, verbose = (invoke("verify", *paths, *more).stdout for more in ((), ("-v",)))
    assert "not checked:" not in ordinary
    assert "not checked: files inside layers" in verbose


@pytest.mark.parametrize("option", [("-q",), ("-v",), ("--color", "always")])
def test_global_options_stand_before_the_command_or_after_it(files: Path, option: tuple[str, ...]) -> None:
    plain = invoke("verify", files / "evil.tar").stdout
    before = invoke(*option, "verify", files / "evil.tar").stdout
    assert before == invoke("verify", files / "evil.tar", *option).stdout
    assert before != plain


def test_colour(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def painted(*arguments: str, **env: str | None) -> bool:
        return "\x1b[" in invoke("verify", files / "evil.tar", *arguments, env=env).stdout

    assert not painted()
    assert painted("--color", "always")
    assert painted("--color", "always", NO_COLOR="1")
    assert not painted("--color", "never")
    from imgforensics import clioptions, clisupport

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert clisupport._wants_colour(clioptions.Colour.AUTO, "-")
    assert not clisupport._wants_colour(clioptions.Colour.AUTO, "report.txt")
    assert not clisupport._wants_colour(clioptions.Colour.NEVER, "-")
    monkeypatch.setenv("TERM", "dumb")
    assert not clisupport._wants_colour(clioptions.Colour.AUTO, "-")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not clisupport._wants_colour(clioptions.Colour.AUTO, "-")


@pytest.mark.parametrize("jobs", ["1", "2", "9"])
def test_jobs_change_nothing(files: Path, jobs: str) -> None:
    assert invoke("verify", files, "-f", "json", "--jobs", jobs).stdout == invoke("verify", files, "-f", "json").stdout


def test_version_and_help() -> None:
    result = invoke("--version")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"imgforensics {__version__}\n", "")
    for arguments in (("-h",), ("--help",), ("verify", "-h"), ("inspect", "--help"), ("rules", "--help")):
        result = invoke(*arguments)
        assert result.exit_code == 0
        assert "Usage" in result.stdout


def test_the_entry_point_keeps_odd_characters_from_failing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["imgforensics", "--version"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0


# -------------------------------------------------------------------------------------------------------------- rules


def test_rules_are_listed() -> None:
    result = invoke("rules")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[2:]] == [each.code for each in RULES]
    assert {each.rule for each in ALL} < set(RULES)
    assert len({each.code for each in RULES}) == len(RULES) == len({each.name for each in RULES})


@pytest.mark.parametrize("number", [*range(801, 806), *range(811, 816), *range(821, 824)])
def test_rules_about_sets_are_explained_too(number: int) -> None:
    told = invoke("rules", f"IMG{number}").stdout
    assert told.startswith(f"IMG{number} ")
    for title in ("What it means", "Why it matters", "How it is computed", "When it is innocent"):
        assert f"## {title}\n" in told


@pytest.mark.parametrize("asked", ["IMG80", "img80", "80"])
def test_rules_are_listed_by_the_beginning_of_their_codes(asked: str) -> None:
    wanted = [each.code for each in RULES if each.code.startswith("IMG80")]
    result = invoke("rules", asked)
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[2:]] == wanted
    assert [each["code"] for each in json.loads(invoke("rules", asked, "-f", "json").stdout)] == wanted


@pytest.mark.parametrize("asked", ["", "IMG81x", "80²", "8011", "config-"])
def test_what_no_code_begins_with_is_no_rule(asked: str) -> None:
    result = invoke("rules", asked)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"no rule {asked!r}" in result.stderr


@pytest.mark.parametrize("asked", ["301", "IMG301", "img301", "config-digest-mismatch", "Config-Digest-Mismatch"])
def test_a_rule_is_explained_by_code_or_name(asked: str) -> None:
    result = invoke("rules", asked)
    assert result.exit_code == 0
    assert result.stdout.startswith("IMG301 config-digest-mismatch (error, since ")
    (rule,) = json.loads(invoke("rules", asked, "-f", "json").stdout)
    assert (rule["code"], rule["severity"], rule["verdict"]) == ("IMG301", "error", "tampered")
    assert rule["documentation"] in result.stdout


def test_rules_as_json_and_into_a_file(tmp_path: Path) -> None:
    result = invoke("rules", "-f", "json")
    assert [each["code"] for each in json.loads(result.stdout)] == [each.code for each in RULES]
    assert invoke("rules", "-f", "json", "-o", tmp_path / "rules.json").stdout == ""
    assert (tmp_path / "rules.json").read_text(encoding="utf-8") == result.stdout


# --------------------------------------------------------------------------------------------------- usage errors


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["inspect", "-f", "csv", "a.tar"], "'csv' is not one of 'table', 'json'; 'imgforensics inspect --help'"),
        (["verify", "--fail-on", "bad", "a.tar"], "'bad' is not one of 'error', 'warning', 'note', 'never'"),
        (["verify", "-o", "", "-"], "--output: an empty name"),
        (["learn", "-o", "", "-"], "--output: an empty name"),
        (["verify", "--manifest", "", "-"], "--manifest: an empty name"),
        (["verify", "--ignore", "foo", "-"], "no rule code begins with 'foo'"),
        (["verify", "--nope\x1b[2K"], "No such option: --nope\\x1b[2K"),
        (["verify", "-j", "0", "-"], "greater than or equal to 1"),
        (["verify"], "Missing argument 'PATH'"),
        (["bogus"], "No such command 'bogus'; 'imgforensics --help'"),
        (["--nope"], "No such option: --nope"),
    ],
)
def test_a_usage_error_is_one_line(arguments: list[str], told: str) -> None:
    result = invoke(*arguments, stdin=GOOD)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("imgforensics: ")
    assert told in result.stderr
    assert "Value error" not in result.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"hello", "is no JSON, no manifest"),
        (b'{"rootfs": {"diff_ids": []}}', "is image config, no manifest"),
        (b"{}", "is other JSON, no manifest"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "digest", "signatures"])
def test_a_manifest_file_that_holds_something_else(command: str, content: bytes, told: str, tmp_path: Path) -> None:
    wrong = tmp_path / "nota.tar"
    wrong.write_bytes(content)
    result = invoke(command, "-", "--no-ledger", "--manifest", wrong, stdin=GOOD)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


# -------------------------------------------------------------------------------------- options on paper and in fact


def _on_paper() -> dict[str, set[str]]:
    """Options by command, as the contract's table has them; those before a command under the empty name."""
    text = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    table = text.partition("## Commands and options")[2].partition("\n## ")[0]
    found: dict[str, set[str]] = {"": {"-v", "--verbose", "-q", "--quiet", "--color"}}
    rows = [re.split(r"(?<!\\)\|", line)[1:3] for line in table.splitlines() if line.startswith("| `-")]
    for names, on in rows:
        commands = [""] if on.strip() == "before a command" else on.strip().split(", ")
        for command in commands:
            found.setdefault(command, set()).update(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", names))
    return found


def test_the_table_of_options_on_paper_is_that_of_the_commands() -> None:
    group: Any = get_command(app)
    paper = _on_paper()
    assert paper.pop("all") == {"-h", "--help"}
    assert paper.keys() == {"", *group.commands}
    for command, parsed in {"": group, **group.commands}.items():
        options = [each for each in parsed.params if each.param_type_name == "option"]
        known = {name for each in options for name in (*each.opts, *each.secondary_opts)}
        assert paper[command] == known, command


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "-", "--layers", "--timestamps"],
        ["inspect", "-", "--member", "manifest.json", "--timestamps"],
        ["inspect", "-", "--member", "manifest.json", "-q"],
        ["-q", "inspect", "-", "--files"],
        ["inspect", "-", "--layers", "-q"],
        ["digest", "-", "--raw", "--timestamps"],
        ["digest", "-", "--raw", "-f", "json"],
        ["-q", "rules"],
        ["--color", "always", "learn", "-"],
        ["-v", "carve", "-", "--orphans", "-o", "gone"],
    ],
)
def test_no_option_is_taken_and_ignored(arguments: list[str]) -> None:
    result = invoke(*arguments, stdin=GOOD)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
