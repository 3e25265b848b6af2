"""An image config as a Docker image's is rewritten when the image becomes an OCI image.

containers/image (skopeo, podman and buildah with ``--format oci``, or zstd asked for) reads Docker's config into the
structs of image-spec's Go package (specs-go/v1/config.go) and prints those: what they do not know is gone
(``docker_version``, ``container``, ``container_config``, ``Healthcheck``, ``OnBuild``, ``Shell`` and so on), what is
empty is left out, and the image ID becomes another one. The other way round nothing is rewritten.
"""

from enum import Enum

from imgforensics.gostruct import (
    EMPTY,
    NIL,
    Dialect,
    Field,
    Struct,
    UnreadableError,
    print_object,
    read_flag,
    read_labels,
    read_set,
    read_string,
    read_strings,
    read_time_pointer,
    struct_members,
)
from imgforensics.limits import DEFAULT_LIMITS, Limits
from imgforensics.strictjson import parse_json


class SpecVersion(Enum):
    """Releases of image-spec's Go package that print a config differently, in the order of their release."""

    V1_0 = (1, 0)
    """Up to 1.0.2, used until 2021: knows no ``variant``."""
    V1_1_RC = (1, 1)
    """1.1.0-rc1 and rc2, used in 2022, as in buildah 1.28: ``variant`` stands before ``os``."""
    V1_1 = (1, 2)
    """Since 1.1.0-rc3, used since 2023: a whole platform, and ``ArgsEscaped``."""


def to_oci_config(
    config: bytes,
    version: SpecVersion = SpecVersion.V1_1,
    *,
    short_controls: bool = True,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes | None:
    """The config that an OCI image gets, from a Docker image's. None where Go would refuse to read it.

    A config that an OCI tool wrote comes out unchanged, unless it holds keys of its own or is spelled otherwise.

    Args:
        config: the bytes of the Docker image's config.
        version: whose structs; they differ for images with a variant, a version of the OS or ``ArgsEscaped`` only.
        short_controls: the tool was built by Go 1.22 or newer, see :func:`imgforensics.gojson.go_string`.
        limits: bounds on the document.
    """
    parsed = parse_json(config, limits)
    if not isinstance(parsed.value, dict):
        return None
    try:
        return _read_image(parsed.value, Dialect(version.value, short_controls)).encode("utf-8", "replace")
    except UnreadableError:
        return None


def _read_image(value: object, dialect: Dialect) -> str:
    return print_object(struct_members(value, _IMAGE, dialect))


def _read_config(value: object, dialect: Dialect) -> str:
    return print_object(struct_members(value, _CONFIG, dialect))


def _read_rootfs(value: object, dialect: Dialect) -> str:
    return print_object(struct_members(value, _ROOTFS, dialect))


def _read_history(value: object, dialect: Dialect) -> str:
    if value is None:
        return "null"
    if not isinstance(value, list):
        raise UnreadableError
    return "[" + ",".join(print_object(struct_members(item, _HISTORY, dialect)) for item in value) + "]"


# image-spec, specs-go/v1/config.go: ImageConfig
_CONFIG = Struct(
    Field("User", read_string, EMPTY),
    Field("ExposedPorts", read_set, EMPTY),
    Field("Env", read_strings, EMPTY),
    Field("Entrypoint", read_strings, EMPTY),
    Field("Cmd", read_strings, EMPTY),
    Field("Volumes", read_set, EMPTY),
    Field("WorkingDir", read_string, EMPTY),
    Field("Labels", read_labels, EMPTY),
    Field("StopSignal", read_string, EMPTY),
    Field("ArgsEscaped", read_flag, EMPTY, since=SpecVersion.V1_1.value),
)

# RootFS
_ROOTFS = Struct(Field("type", read_string), Field("diff_ids", read_strings))

# History
_HISTORY = Struct(
    Field("created", read_time_pointer, NIL),
    Field("created_by", read_string, EMPTY),
    Field("author", read_string, EMPTY),
    Field("comment", read_string, EMPTY),
    Field("empty_layer", read_flag, EMPTY),
)

# Image, with the fields of the embedded Platform (specs-go/v1/descriptor.go)
_IMAGE = Struct(
    Field("created", read_time_pointer, NIL),
    Field("author", read_string, EMPTY),
    Field("architecture", read_string),
    Field("variant", read_string, EMPTY, since=SpecVersion.V1_1_RC.value, until=SpecVersion.V1_1.value),
    Field("os", read_string),
    Field("os.version", read_string, EMPTY, since=SpecVersion.V1_1.value),
    Field("os.features", read_strings, EMPTY, since=SpecVersion.V1_1.value),
    Field("variant", read_string, EMPTY, since=SpecVersion.V1_1.value),
    Field("config", _read_config),
    Field("rootfs", _read_rootfs),
    Field("history", _read_history, EMPTY),
)
