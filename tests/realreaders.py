"""The real programs, asked what they take out of an archive: skopeo, podman, containerd and docker, in folders of ours.

Daemons are started with their own roots and sockets in a temporary folder and ended with the test session; all of them
put layers on each other by overlayfs, as they do by default, so that a file system is needed that bears it. Each answer is
the set of image IDs (digests of configs) that the program took, or None where it ended with an error.
"""

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Answer = frozenset[str] | None
"""Image IDs, or None: refused, or nothing was there to take."""

_SECONDS = 60


def missing() -> str | None:
    """Why the programs cannot be asked here; None where they can."""
    if os.geteuid() != 0:
        return "needs root"
    absent = [name for name in ("skopeo", "podman", "containerd", "ctr", "docker", "dockerd") if not shutil.which(name)]
    return f"not installed: {', '.join(absent)}" if absent else None


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False, errors="replace")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, returncode=1, stdout="", stderr="timed out")


@dataclass
class Tools:
    """The programs, ready to be asked."""

    folder: Path
    asked: int = 0

    def _fresh(self) -> Path:
        self.asked += 1
        path = self.folder / f"answer{self.asked}"
        path.mkdir()
        return path

    def skopeo_docker(self, archive: Path) -> Answer:
        """``docker-archive:``; each image by its number where there are several.

        Layers are compressed on the way: else ``dir:`` minds that a layer that is a symlink counts as 0 bytes.
        """
        whole = self._skopeo(f"docker-archive:{archive}", "--dest-compress")
        if whole is not None:
            return whole
        return self._each(lambda number: self._skopeo(f"docker-archive:{archive}:@{number}", "--dest-compress"))

    @staticmethod
    def _each(ask: Callable[[int], Answer]) -> Answer:
        found: set[str] = set()
        number = 0
        while (answer := ask(number)) is not None:
            found |= answer
            number += 1
        return frozenset(found) if found else None

    def skopeo_oci(self, archive: Path, names: Sequence[str] = ()) -> Answer:
        """``oci-archive:``; each of these names where there are several entries."""
        whole = self._skopeo(f"oci-archive:{archive}")
        if whole is not None or not names:
            return whole
        answers = [self._skopeo(f"oci-archive:{archive}:{name}") for name in names]
        found = [answer for answer in answers if answer is not None]
        return frozenset().union(*found) if found else None

    def _skopeo(self, source: str, *options: str) -> Answer:
        target = self._fresh()
        if _run("skopeo", "--insecure-policy", "copy", "-q", *options, source, f"dir:{target}").returncode:
            return None
        manifest = json.loads((target / "manifest.json").read_bytes())
        return frozenset({manifest["config"]["digest"]})

    def podman(self, archive: Path) -> Answer:
        """``podman load``."""
        root = self._fresh()
        folders = ("--root", f"{root}/root", "--runroot", f"{root}/run", "--tmpdir", f"{root}/tmp")
        podman = ("podman", *folders, "--storage-driver", "overlay", "--cgroup-manager", "cgroupfs")
        loaded = _run(*podman, "load", "-q", "-i", str(archive))
        listed = _run(*podman, "images", "-a", "--no-trunc", "--format", "{{.ID}}")
        _run("umount", f"{root}/root/overlay")
        shutil.rmtree(root, ignore_errors=True)
        return (frozenset(listed.stdout.split()) or None) if loaded.returncode == 0 else None

    def containerd(self, archive: Path) -> Answer:
        """``ctr images import``; images without a name are kept by their digests."""
        self.asked += 1
        ctr = ("ctr", "-a", f"{self.folder}/containerd.sock", "-n", f"answer{self.asked}")
        options = ("--digests", "--base-name", "example.test/probe", "--snapshotter", "overlayfs")
        imported = _run(*ctr, "images", "import", *options, str(archive))
        if imported.returncode:
            return None
        listed = [line.split() for line in _run(*ctr, "images", "ls").stdout.splitlines()[1:]]
        names = {digest: name for name, _, digest, *_ in listed}
        configs = (self._config(ctr, name, digest) for digest, name in names.items())
        return frozenset(config for config in configs if config) or None

    def _config(self, ctr: Sequence[str], name: str, digest: str) -> str | None:
        """The config of an image; of an index that one whose layers a container gets here."""
        document = _content(ctr, digest)
        if "manifests" not in document:
            config: str = document["config"]["digest"]
            return config
        place = self._fresh()
        mounted = _run(*ctr, "images", "mount", "--snapshotter", "overlayfs", name, str(place))
        described = _run(*ctr, "snapshots", "--snapshotter", "overlayfs", "info", str(place))
        _run(*ctr, "images", "unmount", "--rm", "--snapshotter", "overlayfs", str(place))
        if mounted.returncode or described.returncode:
            return None
        chain = json.loads(described.stdout)["Parent"]
        return next((config for config in _configs(ctr, digest) if _chain(_content(ctr, config)) == chain), None)

    def docker(self, archive: Path) -> Answer:
        """``docker load``, the classic store."""
        docker = ("docker", "-H", f"unix://{self.folder}/docker.sock")
        loaded = _run(*docker, "load", "-q", "-i", str(archive))
        listed = _run(*docker, "images", "-aq", "--no-trunc").stdout.split()
        _run(*docker, "image", "prune", "-af")
        return (frozenset(listed) or None) if loaded.returncode == 0 else None

    def syft(self, archive: Path) -> Answer:
        """``syft scan``; it writes and keeps what it reads, so that its files and its memory are bounded."""
        sources = (
            "--from",
            "docker-archive",
            "--from",
            "oci-archive",
            "--override-default-catalogers",
            "dpkg-db-cataloger",
        )
        scanned = _run(
            "prlimit",
            f"--fsize={1 << 30}",
            f"--as={8 << 30}",
            "env",
            "SYFT_CHECK_FOR_APP_UPDATE=false",
            "syft",
            "scan",
            "-q",
            *sources,
            "-o",
            "json",
            str(archive),
        )
        if scanned.returncode:
            return None
        return frozenset({json.loads(scanned.stdout)["source"]["metadata"]["imageID"]})


def _content(ctr: Sequence[str], digest: str) -> dict[str, Any]:
    """A document in containerd's store; empty where it has none."""
    content = _run(*ctr, "content", "get", digest)
    document: dict[str, Any] = {} if content.returncode else json.loads(content.stdout)
    return document


def _configs(ctr: Sequence[str], digest: str) -> Iterator[str]:
    """Configs below an index, in order."""
    document = _content(ctr, digest)
    for child in document.get("manifests") or ():
        yield from _configs(ctr, child["digest"])
    if "config" in document:
        yield document["config"]["digest"]


def _chain(config: dict[str, Any]) -> str | None:
    """The chain ID of a config's layers (image-spec, config.md), by which containerd calls their snapshot."""
    chain: str | None = None
    for diff_id in config.get("rootfs", {}).get("diff_ids") or ():
        chain = diff_id if chain is None else f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}"
    return chain


@contextmanager
def tools(folder: Path) -> Iterator[Tools]:
    """Start the daemons in a folder; they end with the context."""
    config = folder / "containerd.toml"
    config.write_text(
        f'version = 2\nroot = "{folder}/containerd"\nstate = "{folder}/state"\n'
        f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{folder}/containerd.sock"\n'
    )
    dockerd = [
        "dockerd",
        "--data-root",
        f"{folder}/docker",
        "--exec-root",
        f"{folder}/exec",
        "--storage-driver",
        "overlay2",
    ]
    dockerd += ["-H", f"unix://{folder}/docker.sock", "-p", f"{folder}/docker.pid", "--iptables=false", "--bridge=none"]
    with ExitStack() as stack:
        stack.enter_context(_daemon(["containerd", "-c", str(config)], folder / "containerd.log"))
        stack.enter_context(_daemon(dockerd, folder / "dockerd.log"))
        _until(lambda: not _run("ctr", "-a", f"{folder}/containerd.sock", "version").returncode)
        _until(lambda: not _run("docker", "-H", f"unix://{folder}/docker.sock", "version").returncode)
        yield Tools(folder)


def overlay_refused(folder: Path) -> str | None:
    """What mount says where overlayfs cannot be mounted in a folder; None where it can."""
    parts = {name: folder / name for name in ("lower", "upper", "work", "whole")}
    for part in parts.values():
        part.mkdir()
    options = f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}"
    mounted = _run("mount", "-t", "overlay", "overlay", "-o", options, str(parts["whole"]))
    if mounted.returncode:
        return mounted.stderr.strip() or "refused"
    _run("umount", str(parts["whole"]))
    return None


@contextmanager
def _daemon(command: Sequence[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _until(ready: Callable[[], bool]) -> None:
    for _ in range(_SECONDS * 5):
        if ready():
            return
        time.sleep(0.2)
    raise TimeoutError("a daemon did not start")
