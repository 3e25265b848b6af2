"""What shells complete: commands, options, values and files; in the protocol, and in the shells that are there."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from imgforensics import clicompletion
from imgforensics.cli import app
from imgforensics.clioptions import FailOn, Format
from imgforensics.reconstruct.pushers import PUSHERS
from imgforensics.reconstruct.registry import check_pushers
from imgforensics.rendering.rules import RULES

COMMANDS = ["verify", "digest", "learn", "inspect", "rules", "signatures", "lock", "carve", "diff"]
CODES = [rule.code for rule in RULES]
SHELLS = ["bash", "zsh", "fish"]


def completed(line: str, shell: str = "bash") -> list[str]:
    """What is offered for the last word of a line, as a shell asks for it."""
    words = line.split(" ")
    env = {"_IMGFORENSICS_COMPLETE": f"complete_{shell}", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    env |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    result = CliRunner().invoke(app, [], env=env, prog_name="imgforensics")
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def script(shell: str) -> str:
    result = CliRunner().invoke(app, [], env={"_IMGFORENSICS_COMPLETE": f"source_{shell}"}, prog_name="imgforensics")
    assert result.exit_code == 0, result.output
    return result.stdout


# ------------------------------------------------------------------------------------------------- what is offered


def test_commands_and_options() -> None:
    assert completed("imgforensics ") == COMMANDS
    assert completed("imgforensics ver") == ["verify"]
    assert "--version" in completed("imgforensics --")
    known_commands: Any = vars(get_command(app))["commands"]
    for command in COMMANDS:
        known = {
            name
            for parameter in known_commands[command].params
            for name in (*parameter.opts, *parameter.secondary_opts)
            if name.startswith("--")
        }
        assert set(completed(f"imgforensics {command} --")) >= known
    assert completed("imgforensics verify --expect-") == ["--expect-file"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("verify --format ", [each.value for each in Format]),
        ("verify -f j", ["json", "jsonl", "junit"]),
        ("digest --format ", ["table", "json"]),
        ("verify --fail-on ", [each.value for each in FailOn]),
        ("verify --color a", ["auto", "always"]),
        ("verify --select ", CODES),
        ("verify --ignore img81", [f"img{code[3:]}" for code in CODES if code.startswith("IMG81")]),
        ("verify --ignore IMG3,img602", ["IMG3,img602"]),
        ("rules ", CODES),
        ("rules img30", [f"img{code[3:]}" for code in CODES if code.startswith("IMG30")]),
        ("rules lock-", [rule.name for rule in RULES if rule.name.startswith("lock-")]),
        ("digest --pusher rules_d", ["rules_docker", "rules_docker-python"]),
        ("digest --pusher crane,skopeo-v", ["crane,skopeo-v2s2"]),
        ("verify --platform linux/arm", ["linux/arm64", "linux/arm/v7", "linux/arm/v6"]),
        ("signatures --at ", ["now"]),
        ("signatures --at 2", []),
        ("rules nothing-of-that-name", []),
    ],
)
def test_values(line: str, offered: list[str]) -> None:
    assert [each for each in completed(f"imgforensics {line}") if each] == offered


def test_where_files_stand_nothing_is_offered_so_that_the_shell_completes_them() -> None:
    for line in ("verify im", "verify --key ", "verify --lock ", "carve ", "diff a.tar b", "verify x -o r"):
        assert "".join(completed(f"imgforensics {line}")) == ""
    assert completed("imgforensics verify im", "zsh") == ["_files"]


def test_every_rule_is_known() -> None:
    assert clicompletion.rules() == {rule.code: rule.name for rule in RULES}


def test_every_pusher_that_is_offered_is_one() -> None:
    offered = completed("imgforensics digest --pusher ")
    assert {"all", *(each.name for each in PUSHERS)} <= set(offered)
    assert len(offered) == len(set(offered))
    check_pushers(offered)


def test_nothing_heavy_is_loaded() -> None:
    line = "import sys, imgforensics.__main__ as m\ntry: m.main()\nfinally: print(*sys.modules, file=sys.stderr)"
    for words in ("verify --select IMG3", "rules ", "digest --pusher ", "verify --format "):
        env = {**os.environ, "_IMGFORENSICS_COMPLETE": "complete_bash", "COMP_WORDS": f"imgforensics {words}"}
        env["COMP_CWORD"] = str(len(words.split(" ")))
        command = [sys.executable, "-c", f"import sys; sys.argv = ['imgforensics']\n{line}"]
        result = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        assert result.stdout.strip()
        loaded = set(result.stderr.split())
        assert not {"imgforensics.checks", "imgforensics.analysis", "imgforensics.rendering"} & loaded
        assert not {"jinja2", "tabulate", "isal", "sqlite3", "rich", "multiprocessing"} & loaded


# ---------------------------------------------------------------------------------------------------- in the shells


def needs(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell} on this machine")
    return found


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with archives, the command on the PATH, and nobody's settings."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "imgforensics"
    command.write_text(f"#!{sys.executable}\nfrom imgforensics.__main__ import main\n\nmain()\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "ZDOTDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "image.tar").touch()
    (tmp_path / "two words.tar").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(shell: str, text: str) -> list[str]:
    quiet = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    result = subprocess.run([needs(shell), *quiet, "-c", text], capture_output=True, text=True, check=True)
    assert result.stderr == ""
    return result.stdout.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_names_the_command(shell: str) -> None:
    made = script(shell)
    assert "_IMGFORENSICS_COMPLETE=complete_" + shell in made
    if found := shutil.which(shell):
        subprocess.run([found, "-n"], input=made, text=True, capture_output=True, check=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_show_and_install_completion_know_the_shell_they_run_in(home: Path, shell: str) -> None:
    needs(shell)
    assert "\n".join(said(shell, "imgforensics --show-completion; true")).strip() == script(shell).strip()
    installed = said(shell, "imgforensics --install-completion; true")
    assert installed[0].startswith(f"{shell} completion installed in {home}")
    assert any("_IMGFORENSICS_COMPLETE" in each.read_text() for each in home.rglob("*") if each.is_file())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("imgforensics ver", ["verify"]),
        ("imgforensics verify --format sar", ["sarif"]),
        ("imgforensics rules IMG31", ["IMG310", "IMG311"]),
        ("imgforensics verify im", ["image.tar"]),
    ],
)
class TestRealShells:
    def test_bash(self, home: Path, line: str, offered: list[str]) -> None:
        ask = f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _imgforensics_completion imgforensics"
        fall_back = (
            'if [ ${#COMPREPLY[@]} = 0 ]; then COMPREPLY=( $(compgen -o default "${COMP_WORDS[COMP_CWORD]}") ); fi'
        )
        text = f'{script("bash")}\n{ask}\n{fall_back}\nprintf "%s\\n" "${{COMPREPLY[@]}}"; complete -p imgforensics'
        *found, how = said("bash", text)
        assert found == offered
        assert how == "complete -o default -F _imgforensics_completion imgforensics"

    def test_zsh(self, home: Path, line: str, offered: list[str]) -> None:
        own = 'compdef() { : }; _arguments() { print -r -- "$@" }; _files() { print -rl -- ${words[CURRENT]}*(N) }'
        text = f"{own}\n{script('zsh')}\nwords=({line}); CURRENT=$#words; _imgforensics_completion"
        found = "\n".join(said("zsh", text))
        assert all(each in found for each in offered)
        assert found.count(":") <= 2 + 2 * len(offered)

    def test_fish(self, home: Path, line: str, offered: list[str]) -> None:
        found = said("fish", f"{script('fish')}\ncomplete -C {shlex.quote(line)}")
        assert [each.split("\t")[0] for each in found] == offered


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("--format=sar", ["--format=sarif"]),
        ("--fail-on=", [f"--fail-on={each.value}" for each in FailOn]),
        ("--ignore=IMG3,img602", ["--ignore=IMG3,img602"]),
        ("--lock=im", ["--lock=image.tar"]),
    ],
)
class TestJoinedValues:
    """``--option=value`` is one word to zsh and fish, and three to bash."""

    def test_bash(self, home: Path, word: str, offered: list[str]) -> None:
        words = "imgforensics verify " + word.replace("=", " = ")
        ask = f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _imgforensics_completion imgforensics"
        fall_back = 'if [ ${#COMPREPLY[@]} = 0 ]; then COMPREPLY=( $(compgen -o default "${COMP_WORDS[-1]}") ); fi'
        found = said("bash", f'{script("bash")}\n{ask}\n{fall_back}\nprintf "%s\\n" "${{COMPREPLY[@]}}"')
        assert found == [each.partition("=")[2] for each in offered]

    def test_zsh(self, home: Path, word: str, offered: list[str]) -> None:
        own = 'compdef() { : }; compset() { print -r -- "compset $@" }; _arguments() { print -r -- "$@" }\n'
        own += "_files() { print -rl -- ${words[CURRENT]#*=}*(N) }"
        text = f"{own}\n{script('zsh')}\nwords=(imgforensics verify {word}); CURRENT=$#words; _imgforensics_completion"
        first, *found = said("zsh", text)
        assert first == "compset -P *="  # what stands before the value is set aside
        assert all(each.partition("=")[2] in "\n".join(found) for each in offered)

    def test_fish(self, home: Path, word: str, offered: list[str]) -> None:
        found = said("fish", f"{script('fish')}\ncomplete -C 'imgforensics verify {word}'")
        assert sorted(each.split("\t")[0] for each in found) == sorted(offered)


def test_an_equal_sign_elsewhere_is_a_word_like_others(home: Path) -> None:
    ask = "COMP_WORDS=(imgforensics verify = --fo); COMP_CWORD=3; _imgforensics_completion imgforensics"
    assert said("bash", f'{script("bash")}\n{ask}\nprintf "%s\\n" "${{COMPREPLY[@]}}"') == ["--format"]


@pytest.mark.parametrize("command", COMMANDS)
def test_zsh_takes_the_help_of_every_option(home: Path, command: str) -> None:
    own = 'compdef() { : }; _arguments() { print -r -- "$@" }'
    text = f"{own}\n{script('zsh')}\nwords=(imgforensics {command} --); CURRENT=3; _imgforensics_completion"
    found = "\n".join(said("zsh", text))
    for option in completed(f"imgforensics {command} --"):
        assert f'"{option}":"' in found
