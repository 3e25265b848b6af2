"""What holds for every test: property tests have no deadline, since no test asserts a time; calls can be counted."""

from collections import Counter
from collections.abc import Callable
from typing import Any

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
