"""What holds for every test: property tests have no deadline, since no test asserts a time."""

import socket
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

settings.register_profile("imgforensics", deadline=None)
settings.load_profile("imgforensics")


class NetworkAskedError(BaseException):
    """No ``except Exception`` hides it."""


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No network, and an empty home, which is returned."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise NetworkAskedError

    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse, raising=False)
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    return home
