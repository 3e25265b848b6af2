"""Reports as bytes, for the state of a run, and back."""

from imgforensics import plainpickle
from imgforensics.findings import Skipped
from imgforensics.report import ArchiveReport

pack = plainpickle.pack


def unpack(content: bytes) -> ArchiveReport | Skipped | None:
    """The result that these bytes are of; None if they are of none, whoever wrote them."""
    result = plainpickle.unpack(content)
    return result if isinstance(result, ArchiveReport | Skipped) else None
