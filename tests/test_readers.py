"""The models against the real programs: what each takes out of every crafted archive, and out of ordinary ones."""

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from imgforensics.loaders import Load, Reader
from tests import realreaders
from tests.builder import LAYOUTS, archive
from tests.crafted import CRAFTED
from tests.readerarchives import TRICKS
from tests.realreaders import Answer, Tools
from tests.support import case_of, report_of

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.tar*"))
HOST = "linux/amd64"

pytestmark = [
    pytest.mark.readers,
    pytest.mark.skipif(realreaders.missing() is not None, reason=realreaders.missing() or ""),
]

ARCHIVES: dict[str, Callable[[], bytes]] = {
    **{case.name: case.make for case in CRAFTED},
    **{f"{case.name}-twin": case.twin for case in CRAFTED if case.name.startswith(("VIEW-0", "LAY-"))},
    **{path.name: path.read_bytes for path in FIXTURES},
    **{name: partial(archive, name) for name in LAYOUTS},
    **TRICKS,
}


_WHOLE = "Docker 20.10 reads the stream around an archive to its end, those of its own process only to the tar's"
_NO_ZSTD = "Docker 20.10 does not know zstd, later ones do"
_GZIP = "skopeo 1.9.3 and podman 4.3.1 fail on gzip around an archive, later ones do not"
_REGISTRY = "before distribution/reference 0.6.0 the registry counts among the 255 characters of a name"
_EXACT = "the go-containerregistry of syft 1.18.1 compares names as they stand, later ones clean them"
_TREE = "syft fails to put a file in the place of something else"
_BOUND = "more than this tool reads or follows"

OLD = {
    (Reader.SKOPEO_DOCKER, "docker20-save.tar.gz"): _GZIP,
    (Reader.SKOPEO_DOCKER, "GZ-03-outer"): _GZIP,
    (Reader.PODMAN, "docker20-save.tar.gz"): _GZIP,
    **{(reader, "gzip-reserved-outer"): _GZIP for reader in (Reader.SKOPEO_DOCKER, Reader.PODMAN)},
    (Reader.PODMAN, "GZ-03-outer"): _GZIP,
    (Reader.SKOPEO_OCI, "INT-12-traversal"): "skopeo 1.9.3 is of before CVE-2024-3727, and takes any digest for a path",
    (Reader.SKOPEO_OCI, "ctr-export-docker.tar"): "skopeo 1.9.3 looks up OCI media types only, later ones Docker's too",
    (Reader.CONTAINERD, "RES-01-chain"): _BOUND,
    (Reader.CONTAINERD, "RES-01-large"): _BOUND,
    (Reader.CONTAINERD, "RES-01-fan-out"): "20,001 entries take it longer than is waited here",
    (Reader.SYFT, "member-dots"): _EXACT,
    (Reader.SYFT, "config-dot"): _EXACT,
    (Reader.SYFT, "config-up-and-down"): _EXACT,
    **{
        (Reader.SYFT, f"layer-root-{each}"): _TREE
        for each in ("dot", "slash", "slash-dot", "up", "slash-up", "symlink")
    },
    (Reader.SYFT, "TAR-07-huge"): "it would write the tebibyte out",
    (Reader.SYFT, "LAY-01-other-kind"): _TREE,
    (Reader.SYFT, "LAY-02-root-is-a-link"): _TREE,
    (Reader.SYFT, "LAY-04-parent"): "it panics",
    (Reader.DOCKER_28, "docker20-save.tar.zst"): _NO_ZSTD,
    (Reader.DOCKER_28, "GZ-01-outer-zstd"): _NO_ZSTD,
    (Reader.DOCKER_28, "GZ-01-outer-frame"): _NO_ZSTD,
    **{(reader, "tag-250"): _REGISTRY for reader in (Reader.CONTAINERD, Reader.DOCKER_28)},
    **{(Reader.DOCKER_28, f"zstd-nix-{frame}"): _NO_ZSTD for frame in ("plain", "skippable", "empty")},
    (Reader.DOCKER_28, "GZ-01-outer"): _WHOLE,
    (Reader.DOCKER_28, "GZ-01-outer-bzip2"): _WHOLE,
    (Reader.DOCKER_28, "GZ-01-outer-xz"): _WHOLE,
    (Reader.DOCKER_28, "GZ-02-outer-crc"): _WHOLE,
    (Reader.DOCKER_28, "GZ-02-outer-length"): _WHOLE,
    (Reader.DOCKER_28, "GZ-02-outer-cut"): _WHOLE,
}
"""Where the installed program is older than the one that the model stands for, or this tool or the test gives up before
the program does."""
CHANCE = {(Reader.CONTAINERD, "config-symlinks"), (Reader.CONTAINERD, "VIEW-05-chain")}
"""Where the program's answer is not the same each time: it resolves symlinks in the order of a Go map, and where one
leads to another, fails or not. The model says so, and what it takes then is what Docker takes."""


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    # podman takes no run root of more than 50 characters, and pytest's folders come close to that
    with TemporaryDirectory(prefix="r") as folder:
        if (refused := realreaders.overlay_refused(Path(folder))) is not None:
            pytest.skip(f"no overlayfs here: {refused}")
        with realreaders.tools(Path(folder)) as ready:
            yield ready


def _expected(data: bytes, reader: Reader) -> tuple[Answer, frozenset[str]]:
    """What the model says, as the program answers; and image IDs of which it depends on the host.

    Entries of ``index.json`` itself that are for other hosts are imported by ctr beside one for this host.
    """
    case = case_of(report_of(data))
    loads = [load for load in case.loads if load.reader is reader]
    chooses = reader in (Reader.SKOPEO_DOCKER, Reader.SKOPEO_OCI)  # each image is asked for by itself
    if (all if chooses else any)(load.refused for load in loads):
        return None, frozenset()
    hosts = (HOST, "; for any platform", "; for hosts of other platforms")
    here = next((host for host in hosts if any(_is_for(host, load) for load in loads)), HOST)
    found = {str(load.image_id) for load in loads if not load.refused}
    for_here = {str(load.image_id) for load in loads if "; for " not in load.why or _is_for(here, load)}
    tops = {entry.get("digest") for entry in _entries(data)} if reader is Reader.CONTAINERD else set()
    beside = {str(load.image_id) for load in loads if str(load.manifest_digest) in tops}
    return frozenset(found & for_here) or None, frozenset(beside - for_here)


def _is_for(host: str, load: Load) -> bool:
    return load.platform == host or (host.startswith(";") and host in load.why)


def _entries(data: bytes) -> list[dict[str, Any]]:
    """Entries of index.json."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as opened:
            found = [member for member in opened if member.name in ("index.json", "./index.json")]
            content = opened.extractfile(found[-1]) if found else None
            entries = json.loads(content.read() if content else b'{"manifests":[]}')["manifests"]
    except (KeyError, TypeError, ValueError, OverflowError, tarfile.TarError):
        return []
    return [entry for entry in entries or () if isinstance(entry, dict)]


def _names(data: bytes) -> list[str]:
    """Names that index.json gives its entries."""
    notes = ((entry.get("annotations") or {}).get("org.opencontainers.image.ref.name") for entry in _entries(data))
    return [name for name in notes if name]


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize(
    "reader",
    [
        *(Reader.SKOPEO_DOCKER, Reader.SKOPEO_OCI, Reader.PODMAN, Reader.CONTAINERD, Reader.DOCKER_28),
        pytest.param(Reader.SYFT, marks=pytest.mark.skipif(not shutil.which("syft"), reason="syft is not installed")),
    ],
)
def test_the_model_answers_as_the_program_did(name: str, reader: Reader, tools: Tools, tmp_path: Path) -> None:
    data = ARCHIVES[name]()
    path = tmp_path / "archive.tar"
    path.write_bytes(data)
    ask = {
        Reader.SKOPEO_DOCKER: tools.skopeo_docker,
        Reader.SKOPEO_OCI: lambda file: tools.skopeo_oci(file, _names(data)),
        Reader.PODMAN: tools.podman,
        Reader.CONTAINERD: tools.containerd,
        Reader.DOCKER_28: tools.docker,
        Reader.SYFT: tools.syft,
    }[reader]
    expected, elsewhere = _expected(data, reader)
    answer = ask(path)
    if (reader, name) in CHANCE:
        assert any("up to chance" in load.why for load in case_of(report_of(data)).loads if load.reader is reader)
        assert answer in (None, _expected(data, Reader.DOCKER_28)[0])
        return
    if (reader, name) in OLD:
        assert answer != expected, "no longer an exception"
        return
    if expected == frozenset({"None"}):  # the program makes the config itself
        assert answer
        return
    assert (None if answer is None else answer - elsewhere) == expected
