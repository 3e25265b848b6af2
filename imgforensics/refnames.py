"""Image names: one spelling to compare them by (distribution/reference, "Docker familiar names")."""

DEFAULT_DOMAIN = "docker.io"
_LEGACY_DOMAIN = "index.docker.io"


def normalise(name: str) -> str:
    """A reference with its registry, ``library/`` and tag spelled out, as Docker's readers complete it.

    ``alpine`` becomes ``docker.io/library/alpine:latest``. A reference with a digest keeps it and gets no tag.
    """
    rest, at, digest = name.partition("@")
    domain, slash, path = rest.partition("/")
    if not slash or not (set(domain) & {".", ":"} or domain == "localhost" or domain.lower() != domain):
        domain, path = DEFAULT_DOMAIN, rest
    if domain == _LEGACY_DOMAIN:
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = f"library/{path}"
    if not at and ":" not in path.rpartition("/")[2]:
        path += ":latest"
    return f"{domain}/{path}{at}{digest}"


def has_repository(name: str) -> bool:
    """Whether a reference names a repository; a bare tag, such as some ``ref.name`` annotations, does not."""
    return "/" in name or ":" in name


def agrees(name: str, other: str) -> bool:
    """Whether a second reference can mean what a full one does: the same, a part of it from the right, or its tag.

    containerd and Docker annotate an index entry with the full name and, beside it, with the tag alone.
    """
    whole = normalise(name)
    return normalise(other) == whole or name == other or whole.endswith((f"/{other}", f":{other}", f"@{other}"))
