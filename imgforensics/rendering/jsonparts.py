"""JSON that is written in parts, so that no list of archives is ever whole in memory."""

import json
from collections.abc import Iterator

from imgforensics.rendering.writer import Spool


def dump(value: object) -> str:
    """A value on one line, in ASCII: whatever an archive's names hold, any reader in any encoding can take it."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


class Items:
    """The items of a list, kept in a spool until their place in the document has come."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._any = False

    def add(self, value: object) -> None:
        """One more item."""
        self._spool.write(f"{',' if self._any else ''}\n{dump(value)}")
        self._any = True

    def read(self) -> Iterator[str]:
        """What stands between the brackets."""
        return self._spool.read()
