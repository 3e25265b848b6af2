"""Image names: what is one, how it is spelled out, and which are names that others rely on."""

import pytest

from imgforensics.refnames import is_reference, is_well_known, normalise

HEX = "ab" * 32


@pytest.mark.parametrize(
    "name",
    [
        "alpine",
        "alpine:3.10",
        "library/alpine:3.10",
        "example.com/a/b-c_d__e.f:V1.0-x_y",
        "localhost:5000/app@sha256:" + HEX,
        "example.com:443/app:1@sha512:" + HEX * 2,
        "[2001:db8::1]:5000/app",
        "EXAMPLE.com/app",
        "a--b/c",
    ],
)
def test_what_is_a_reference(name: str) -> None:
    assert is_reference(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Alpine",
        "alpine:",
        ":latest",
        "al pine",
        "alpine\n",
        "../alpine",
        "a//b",
        "a/-b",
        "a___b",
        "alpine:" + "x" * 129,
        "alpine@sha256:short",
        "\u0430lpine:3.10",
        "docker.io/library/alpine:3.10\u202e",
        "<none>:<none>",
        "a" * 2000,
    ],
)
def test_what_is_none(name: str) -> None:
    assert not is_reference(name)


@pytest.mark.parametrize("name", ["a." * 500 + "!", "a-" * 500 + "!", "a/" * 500 + "!", "a:" * 500, "-" * 1000])
def test_long_names_are_told_at_once(name: str) -> None:
    assert not is_reference(name)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("alpine", True),
        ("alpine:3.10", True),
        ("alpine@sha256:" + HEX, True),
        ("index.docker.io/library/alpine", True),
        ("my-own-build", False),
        ("alpine-of-mine:1", False),
        ("example/alpine", False),
        ("example.com/library/alpine", False),
        ("registry.k8s.io/pause:3.9", True),
        ("registry.k8s.io.example.com/pause:3.9", False),
        ("mcr.microsoft.com/windows/nanoserver", True),
    ],
)
def test_names_that_others_rely_on(name: str, known: bool) -> None:
    assert is_well_known(normalise(name)) is known
