"""The anomalies of one walk through a tar: so many are told, and that there are more. No I/O."""

from imgforensics.model import Anomaly, AnomalyKind, Span
from imgforensics.tarheader import BLOCK


class Notes:
    """Makes the anomalies of one walk; each method returns the one to tell, or none where there is none to tell."""

    def __init__(self, most: int, size: int) -> None:
        """Begin with none.

        Args:
            most: anomalies that are told.
            size: bytes of the tar.
        """
        self._most = most
        self._size = size
        self._noted = 0

    def note(self, kind: AnomalyKind, detail: str, span: Span | None = None) -> tuple[Anomaly, ...]:
        """This anomaly."""
        self._noted += 1
        if self._noted <= self._most:
            return (Anomaly(kind, detail, span),)
        if self._noted == self._most + 1:
            return (Anomaly(AnomalyKind.LIMIT, f"more than {self._most} anomalies; no more are told"),)
        return ()

    def missing_end(self) -> tuple[Anomaly, ...]:
        """The tar ends without a marker."""
        detail = "the archive does not end with two zero blocks"
        return self.note(AnomalyKind.MISSING_END, detail, Span(self._size, 0))

    def odd_length(self) -> tuple[Anomaly, ...]:
        """The tar ends in a part of a block, of zeros."""
        over = self._size % BLOCK
        if not over:
            return ()
        detail = f"the length is not a multiple of {BLOCK} bytes: {over} zero bytes too many"
        return self.note(AnomalyKind.ODD_LENGTH, detail, Span(self._size - over, over))
