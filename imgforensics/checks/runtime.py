"""IMG404 to IMG407: what a config asks of those that run it, and values that no builder writes."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from imgforensics.case import Case
from imgforensics.checks.rule import Check, Found, check
from imgforensics.documentreader import Reader
from imgforensics.findings import Effect, Severity
from imgforensics.model import Location
from imgforensics.strictjson import escape_pointer, fold_key
from imgforensics.structure import Image

_LOG_LABELS = ("containerd.io/restart.loguri", "containerd.io/restart.logpath")
_RESERVED = ("containerd.io/", "nerdctl/", "io.cri-containerd.")
_HOST_COMMANDS = ("run", "install", "uninstall")


@check("IMG404", "runtime-label", Severity.ERROR, Effect.SUSPECT)
def runtime_label(case: Case) -> Iterator[Found]:
    """A config has a label that runtimes, or programs beside them, obey.

    ## What it means
    The label is no description: a program on the host reads it from containers of this image, and acts.

    ## Why it matters
    containerd's restart monitor takes the address of a container's log from a label, and `binary://` there is a program
    that it starts as root on the host (CVE-2026-53488). Labels of the image become labels of its containers.

    ## How it is computed
    `config.Labels` against names that containerd, its CRI plugin and nerdctl keep for themselves. An address for logs
    is an error, other such names are warnings.

    ## When it is innocent
    `run`, `install` and `uninstall`, which `podman container runlabel` executes when it is asked to, are found in
    images of Red Hat and only noted.
    """
    for image, value in _configs(case):
        labels = Reader().mapping(Reader().mapping(value, "config", ""), "Labels", "")
        obeyed: dict[Severity, list[str]] = defaultdict(list)
        for name in labels:
            severity = _label_severity(name)
            if severity is not None:
                obeyed[severity].append(name)
        for severity, names in obeyed.items():
            said = labels[names[0]]
            text = f": {said[:200]!a}" if isinstance(said, str) else ""
            message = f"the label {names[0]} is obeyed by programs{text}{_more(names)}"
            where = Location(_member(case, image), f"/config/Labels/{escape_pointer(names[0])}", image=image.index)
            yield Found(message, where, severity=severity)


def _more(found: Sequence[object]) -> str:
    """The end of a message that names the first of several."""
    return f", and {len(found) - 1} more like it" if len(found) > 1 else ""


def _label_severity(name: str) -> Severity | None:
    if name in _LOG_LABELS:
        return Severity.ERROR
    if name.startswith(_RESERVED):
        return Severity.WARNING
    return Severity.NOTE if name.lower() in _HOST_COMMANDS else None


_HOOKS = ("LD_PRELOAD", "LD_AUDIT", "BASH_ENV", "PERL5OPT", "PYTHONSTARTUP", "JAVA_TOOL_OPTIONS", "GIT_SSH_COMMAND")
_COMMANDS = re.compile(
    r"(?:curl|wget)\b[^|;&]{0,200}\|\s*(?:sudo\s+)?(?:ba|da|z|k)?sh\b"  # what is fetched is run
    r"|/dev/(?:tcp|udp)/"
    r"|base64\s+(?:-d|-D|--decode)[^|;&]{0,200}\|\s*(?:ba|da|z|k)?sh\b"
    r"|\b(?:nc|ncat|netcat)\b[^|;&]{0,100}\s-[a-z]*e\b"
    r"|\bstratum\+(?:tcp|ssl)://"
)
_HOST_PATHS = ("/", "/proc", "/sys", "/dev", "/var/run/docker.sock", "/run/docker.sock", "/run/containerd")
_TEXT = 4_096


@check("IMG406", "remarkable-runtime-setting", Severity.NOTE, Effect.NONE)
def remarkable_runtime_setting(case: Case) -> Iterator[Found]:
    """What a config runs, or the environment it gives, is worth a look.

    ## What it means
    A variable that makes every program load code, a command that runs what it fetches, or a volume over a part of the
    system.

    ## Why it matters
    A config is changed with less effort than a layer, and is less often looked at.

    ## How it is computed
    `Env`, `Entrypoint`, `Cmd`, `Healthcheck`, `OnBuild` and `Volumes` against a few patterns.

    ## When it is innocent
    Often: allocators are preloaded, Java images set `JAVA_TOOL_OPTIONS`. It is a list for whoever reviews an image.
    """
    for image, value in _configs(case):
        runtime = Reader().mapping(value, "config", "")
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for key, pointer, said in _remarkable(runtime):
            found[key].append((pointer, said))
        for settings in found.values():
            pointer, said = settings[0]
            where = Location(_member(case, image), pointer, image=image.index)
            yield Found(f"the config has {said[:200]!a}{_more(settings)}", where)


def _remarkable(runtime: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Key, pointer and text of each remarkable setting of a config's ``config``."""
    for number, variable in enumerate(_texts(runtime, "Env")):
        if variable.partition("=")[0] in _HOOKS:
            yield "Env", f"/config/Env/{number}", variable
    health = Reader().mapping(runtime, "Healthcheck", "")
    for key, holder in (("Entrypoint", runtime), ("Cmd", runtime), ("OnBuild", runtime), ("Test", health)):
        command = " ".join(_texts(holder, key))[:_TEXT]
        if _COMMANDS.search(command):
            yield key, "/config/Healthcheck/Test" if key == "Test" else f"/config/{key}", command
    for path in Reader().mapping(runtime, "Volumes", ""):
        if (path.rstrip("/") or "/") in _HOST_PATHS:
            yield "Volumes", f"/config/Volumes/{escape_pointer(path)}", path


def _texts(value: Mapping[str, object], key: str) -> tuple[str, ...]:
    """A list of texts, or one text, as Docker's reader of commands takes it."""
    item = Reader().get(value, key, "")
    items = [item] if isinstance(item, str) else item if isinstance(item, list) else []
    return tuple(each for each in items if isinstance(each, str))


_TOP_KEYS = frozenset(
    {"architecture", "author", "comment", "config", "container", "container_config", "created", "docker_version"}
    | {"history", "id", "image", "moby.buildkit.buildinfo.v1", "moby.buildkit.cache.v0", "os", "os.features"}
    | {"os.version", "parent", "rootfs", "size", "variant", "virtualsize"}
)


@check("IMG407", "unknown-config-key", Severity.NOTE, Effect.NONE)
def unknown_config_key(case: Case) -> Iterator[Found]:
    """A config has a key that no specification and no usual tool has.

    ## What it means
    Nobody reads the value; it counts for the image ID all the same.

    ## Why it matters
    It is a place to carry data, and a trace of the tool that wrote the config.

    ## How it is computed
    Top-level keys against those of image-spec, of Docker's configs of all ages and of BuildKit.

    ## When it is innocent
    Nearly always: tools leave remarks of their own.
    """
    for image, value in _configs(case):
        unknown = [key for key in value if fold_key(key) not in _TOP_KEYS]
        if unknown:
            where = Location(_member(case, image), f"/{escape_pointer(unknown[0])}", image=image.index)
            words = ", ".join(f"{key[:60]!a}" for key in unknown[:8])
            more = f" and {len(unknown) - 8} more" if len(unknown) > 8 else ""
            yield Found(f"the config has keys that are not specified: {words}{more}", where)


def _configs(case: Case) -> Iterator[tuple[Image, Mapping[str, object]]]:
    """Each config once, with the first image that has it."""
    seen: set[int] = set()
    for image in case.structure.images:
        if image.config is not None and image.config_member is not None and image.config_member not in seen:
            seen.add(image.config_member)
            yield image, image.config.value


def _member(case: Case, image: Image) -> str | None:
    return None if image.config_member is None else case.name(image.config_member)


CHECKS: tuple[Check, ...] = (runtime_label, remarkable_runtime_setting, unknown_config_key)
