"""The laws of ARCHITECTURE.md that a parser can hold: who imports whom, who opens files, who prints."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import imgforensics

ROOT = Path(imgforensics.__file__).parent
PAPER = ROOT.parent / "ARCHITECTURE.md"

ORDER = [
    "exitcodes",
    "errors",
    "limits",
    "version",
    "itself",
    "remembered",
    "model",
    "oddities",
    "findings",
    "refnames",
    "platforms",
    "textlines",
    "names",
    "linux",
    "algorithms",
    "tarheader",
    "tartext",
    "paxrecords",
    "tarextensions",
    "goreading",
    "sniffing",
    "looks",
    "unseen",
    "tarnotes",
    "tarremains",
    "tarscan",
    "tarwalk",
    "sparse",
    "gzipheader",
    "decoders",
    "skippable",
    "inflate",
    "layerentry",
    "layernames",
    "layertoc",
    "layerfacts",
    "layerbytes",
    "layerextensions",
    "layerheader",
    "layerpadding",
    "layerwalk",
    "gotar",
    "layercolumns",
    "layerinventory",
    "layerways",
    "layerrefused",
    "layersurvey",
    "layertwins",
    "plainpickle",
    "knownblobs",
    "blobscan",
    "catalogue",
    "streams",
    "watching",
    "archive",
    "layerfiles",
    "layerlinked",
    "measuring",
    "peek",
    "jsonreadings",
    "strictjson",
    "documents",
    "documentreader",
    "schema1",
    "gojson",
    "gostruct",
    "v1config",
    "v1json",
    "v1id",
    "v1own",
    "structure",
    "mentions",
    "reading",
    "likeness",
    "ociview",
    "saveview",
    "images",
    "layerstack",
    "producer",
    "legacy",
    "verify",
    "recompress/",
    "expectation",
    "signature",
    "loaders/",
    "case",
    "dossier",
    "overlay",
    "listing",
    "reconstruct/",
    "blobmemory",
    "trust/",
    "checks/",
    "report",
    "reportstore",
    "custody",
    "selection",
    "comparison/",
    "analysis",
    "carving",
    "framing",
    "facts",
    "sets/",
    "learn",
    "expectfile",
    "interrupts",
    "pool",
    "engine",
    "statefile",
    "folders",
    "batch",
    "trustfiles",
    "rendering/",
    "progress",
    "cluster",
    "tally",
    "several",
    "together",
    "output",
    "run",
    "locking",
    "commands",
    "forensics",
    "console",
    "clicompletion",
    "clioptions",
    "clitrust",
    "clisupport",
    "cliusage",
    "cliforensics",
    "clisets",
    "clisignatures",
    "cli",
]
"""Every room, from the ground up: a room imports only rooms before it."""
TOP = ("__init__", "__main__")
"""The package's own face and its door; they may import any room, and no room imports them."""

FILES = sorted(ROOT.rglob("*.py"))
OPENERS = {
    "itself",
    "blobmemory",
    "plainpickle",
    "streams",
    "archive",
    "carving",
    "batch",
    "trustfiles",
    "trust.gpg",
    "progress",
    "several",
    "output",
    "run",
    "locking",
    "commands",
    "console",
    "clicompletion",
    "clisupport",
    "cli",
}
RUNS_A_PROGRAM = "trust.gpg"
"""The one module that runs another program: ``gpg`` is the only reader of OpenPGP that its users trust."""
PRINTERS = {
    "clicompletion",
    "progress",
    "locking",
    "output",
    "run",
    "commands",
    "console",
    "clisupport",
    "cli",
    "rendering.rules",
}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def _room(module: str) -> str:
    head, dot, _ = module.partition(".")
    return f"{head}/" if dot or (ROOT / head).is_dir() else head


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def _imports(tree: ast.Module) -> Iterator[str]:
    """Full names of everything imported, at any depth, type checking included; modules where names are modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where they lead"
            assert node.module is not None
            if node.module.partition(".")[0] != "imgforensics":
                yield node.module
                continue
            inner = node.module.partition(".")[2]
            for alias in node.names:
                longer = f"{inner}.{alias.name}" if inner else alias.name
                yield f"imgforensics.{longer}" if _is_module(longer) else node.module


def _rooms_imported(path: Path) -> set[str]:
    names = {name for name in _imports(_tree(path)) if name.partition(".")[0] == "imgforensics"}
    return {_room(name.partition(".")[2]) if "." in name else "__init__" for name in names}


def _calls(path: Path) -> Iterator[tuple[str, str, int]]:
    """(what it hangs on, name, line) of every call."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name):
                    yield "", name, node.lineno
                case ast.Attribute(value=value, attr=name):
                    yield ast.unparse(value), name, node.lineno


def test_the_order_names_every_room_once() -> None:
    rooms = {_room(_name(path)) for path in FILES} - set(TOP)
    assert rooms == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


def test_the_table_on_paper_is_this_order() -> None:
    if not PAPER.exists():
        pytest.skip("not a checkout")
    table = PAPER.read_text(encoding="utf-8").partition("## The rooms")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [room for row in rows for room in re.findall(r"`([^`]+)`", row)] == ORDER


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_room_imports_only_rooms_above_it(path: Path) -> None:
    own = _room(_name(path))
    if own in TOP:
        return
    allowed = set(ORDER[: ORDER.index(own)]) | ({own} if own.endswith("/") else set())
    assert _rooms_imported(path) <= allowed


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_only_the_ends_open_files(path: Path) -> None:
    if _name(path) in OPENERS:
        return
    modules = {name.partition(".")[0] for name in _imports(_tree(path))}
    assert not modules & {"tempfile", "shutil", "io", "mmap", "fileinput", "glob", "tarfile", "zipfile"}
    assert "pathlib" not in modules
    opening = {"open", "fdopen", "read_bytes", "read_text", "write_bytes", "write_text", "listdir", "scandir"}
    assert not [call for call in _calls(path) if call[1] in opening or call[:2] == ("os", "walk")]


def test_analyze_only_asks_what_a_path_is() -> None:
    path = ROOT / "analysis.py"
    asked = {name for on, name, _ in _calls(path) if on.startswith("os")}
    assert asked <= {"isdir", "exists", "join", "fspath"}


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_only_the_ends_print(path: Path) -> None:
    if _name(path) in PRINTERS:
        return
    assert not [call for call in _calls(path) if call[1] in ("print", "echo", "secho", "warn")]
    text = ast.unparse(_tree(path))
    assert "sys.stdout" not in text
    assert "sys.stderr" not in text
    silenced = {"warnings"} if _name(path) == "trust.certificates" else set()
    assert {"logging", "warnings"} & set(_imports(_tree(path))) == silenced, "a library's warnings are silenced there"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_nothing_reaches_a_network_or_another_program(path: Path) -> None:
    modules = {name.partition(".")[0] for name in _imports(_tree(path))}
    forbidden = (
        "socket ssl urllib urllib3 http httpx requests aiohttp asyncio ftplib smtplib subprocess multiprocessing"
    )
    allowed = {RUNS_A_PROGRAM: {"subprocess"}, "pool": {"multiprocessing"}}
    assert modules & set(forbidden.split()) == allowed.get(_name(path), set())
    running = {"system", "popen", "execv", "execvp", "spawnv", "posix_spawn", "eval", "exec", "__import__"}
    assert not [call for call in _calls(path) if call[1] in running]


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_every_module_says_what_it_is_and_stays_short(path: Path) -> None:
    if _name(path) != "version":
        assert ast.get_docstring(_tree(path))
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_public_names_are_there_and_no_module_hides_one() -> None:
    assert all(getattr(imgforensics, name) is not None for name in imgforensics.__all__)
    assert set(imgforensics.__all__) <= set(dir(imgforensics))
    assert not {name for name in imgforensics.__all__ if _is_module(name)}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = imgforensics.nothing


def test_no_extra_is_loaded_unless_a_signature_is_verified() -> None:
    script = "import sys, imgforensics.cli, imgforensics.analysis, imgforensics.trustfiles; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout.split()
    assert "imgforensics.trust.judge" in loaded
    assert not {"cryptography", "cbor2", "sigstore", "rfc3161_client", "requests"} & set(loaded)


def test_the_version_loads_no_more_than_it_needs() -> None:
    script = "import sys, imgforensics.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout.split()
    assert {name for name in loaded if name.startswith("imgforensics")} == {
        "imgforensics",
        "imgforensics.cli",
        "imgforensics.clicompletion",
        "imgforensics.cliforensics",
        "imgforensics.clisets",
        "imgforensics.clisignatures",
        "imgforensics.clioptions",
        "imgforensics.clisupport",
        "imgforensics.clitrust",
        "imgforensics.cliusage",
        "imgforensics.exitcodes",
        "imgforensics.version",
    }
    assert not {"hashlib", "isal", "rich", "tabulate", "pydantic"} & set(loaded)
