"""Image names: one spelling to compare them by (distribution/reference, "Docker familiar names")."""

import re

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


_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
)
_LONGEST = 1_024


def is_reference(name: str) -> bool:
    """Whether a text is an image reference (distribution/reference, "Grammar")."""
    return len(name) <= _LONGEST and _REFERENCE.fullmatch(name) is not None


_OFFICIAL = frozenset(
    (
        *("almalinux", "alpine", "amazoncorretto", "amazonlinux", "archlinux", "bash", "buildpack-deps"),
        *("busybox", "caddy", "cassandra", "centos", "composer", "consul", "couchdb", "debian", "docker"),
        *("dotnet", "eclipse-temurin", "elasticsearch", "elixir", "erlang", "fedora", "gcc", "ghost", "golang"),
        *("gradle", "groovy", "haproxy", "hello-world", "httpd", "influxdb", "java", "jenkins", "jetty", "joomla"),
        *("julia", "kibana", "kong", "logstash", "mariadb", "maven", "memcached", "mongo", "mysql", "nats"),
        *("nextcloud", "nginx", "node", "openjdk", "opensuse", "oraclelinux", "percona", "perl", "photon", "php"),
        *("postgres", "pypy", "python", "rabbitmq", "redis", "registry", "rockylinux", "ruby", "rust"),
        *("sapmachine", "scratch", "solr", "sonarqube", "swift", "telegraf", "tomcat", "traefik", "ubuntu"),
        *("vault", "wordpress", "zookeeper"),
    )
)
"""Names of official images on Docker Hub. An image that was built and tagged without a registry has one beside them."""
WELL_KNOWN = (
    *("docker.io/docker/", "docker.io/moby/", "docker.io/rancher/", "docker.io/calico/"),
    *("registry.k8s.io/", "k8s.gcr.io/", "gcr.io/distroless/", "gcr.io/google-containers/", "gcr.io/k8s-"),
    *("mcr.microsoft.com/", "public.ecr.aws/docker/library/", "public.ecr.aws/eks-distro/", "registry.suse.com/"),
    *("quay.io/coreos/", "quay.io/calico/", "quay.io/cilium/", "quay.io/jetstack/", "quay.io/prometheus/"),
    *("registry.access.redhat.com/", "registry.redhat.io/", "registry.fedoraproject.org/", "cgr.dev/chainguard/"),
)
"""Beginnings of names, spelled out, that many machines pull, run as a part of themselves, or build upon."""


def is_well_known(name: str) -> bool:
    """Whether a name, spelled out, is one that others rely on."""
    library = f"{DEFAULT_DOMAIN}/library/"
    if name.startswith(library):
        return re.split("[:@/]", name.removeprefix(library), maxsplit=1)[0] in _OFFICIAL
    return name.startswith(WELL_KNOWN)
