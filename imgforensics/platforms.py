"""Platforms as runtimes compare them: several words for one architecture or variant are one."""

_SYSTEMS = {"macos": "darwin"}
_ARCHITECTURES = {
    "i386": "386",
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "armhf": "arm",
    "armel": "arm",
}
RUNS = {
    "linux/amd64": ("linux/386",),
    "linux/arm64": ("linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"),
    "linux/arm/v7": ("linux/arm/v6", "linux/arm/v5"),
    "linux/arm/v6": ("linux/arm/v5",),
}
"""What containerd runs on a host besides images of its platform, the best first.

Imitated: its ``platforms`` package, ``compare.go``, ``platformVector``.
"""
HOSTS = tuple(
    f"linux/{each}"
    for each in (
        *("amd64", "arm64", "386", "arm/v5", "arm/v6", "arm/v7", "arm/v8", "loong64", "mips", "mips64", "mips64le"),
        *("mipsle", "ppc64", "ppc64le", "riscv64", "s390x"),
    )
)
"""Platforms of Linux on which runtimes run, in one spelling: Go's, of which only those of ARM differ by a variant."""
_BASE = {"amd64": ("v1",), "arm64": ("8", "v8", "v8.0")}
"""Variants that say no more than their architecture does."""


def normalised(os: str, architecture: str, variant: str = "") -> tuple[str, str, str]:
    """Operating system, architecture and variant in the words that containerd compares.

    Imitated: containerd's ``platforms`` package, ``database.go``, of 1.6 to 2.x. An architecture without an operating
    system is that of the host's, taken to be Linux.
    """
    os, given, variant = _lower(os) or ("linux" if architecture else ""), _lower(architecture), _lower(variant)
    architecture = _ARCHITECTURES.get(given, given)
    if given in ("armhf", "armel"):
        variant = "v7" if given == "armhf" else "v6"
    elif architecture == "arm":
        variant = "v7" if variant in ("", "7") else f"v{variant}" if variant in ("5", "6", "8") else variant
    elif variant in _BASE.get(architecture, ()) or given == "i386":
        variant = ""
    return _SYSTEMS.get(os, os), architecture, variant


def _lower(text: str) -> str:
    """As Go makes text lower case (``strings.ToLower``): each character by itself, and always into one."""
    return text.lower() if text.isascii() else "".join("i" if each == "\u0130" else each.lower() for each in text)


def one_spelling(os: str, architecture: str, variant: str = "", version: str = "") -> str:
    """A platform in one spelling; empty where nothing is said. Those of Windows are told apart by its version, too."""
    words = normalised(os, architecture, variant)
    return "/".join(word for word in words if word) + (f" {version}" if words[0] == "windows" and version else "")


def without_variant(platform: str) -> str:
    """A platform in one spelling, less the variant by which no runtime chooses unless it is told to: all but ARM's."""
    system, _, rest = platform.partition("/")
    architecture = rest.partition("/")[0]
    return platform if architecture == "arm" else f"{system}/{architecture}"
