"""What holds for every test: property tests have no deadline, since no test asserts a time; calls can be counted."""

import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings

settings.register_profile("imgforensics", deadline=None)
settings.load_profile("imgforensics")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], Counter[str]]:
    """Count the calls of a function of a module or class."""
    calls: Counter[str] = Counter()

    def count(place: Any, name: str) -> Counter[str]:
        real = getattr(place, name)

        def wrapper(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            return real(*arguments, **named)

        monkeypatch.setattr(place, name, wrapper)
        return calls

    return count


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
